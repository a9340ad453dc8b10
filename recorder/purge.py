"""How does a recording go so that it is gone for good, and that it went, why, and by whose order can be proven?

In one transaction, alone with the recording, everything is asked once more and the tombstone written: a link of the archive's
chain with what it was, which rules let it go and who gave the order; row, key, transcript and queued metadata go with it, and
where the person asked to be forgotten what QA wrote of the call. From that commit on it is purged, and its files are removed:
killed in between, `finish` removes them at the next start. The rule it protects: a hold that was committed first wins, and
nothing goes without a tombstone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, Engine, Integer, String, Table, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from compliance.packs import Pack
from compliance.retention import Erasure, Hold
from compliance.verdict import Reason
from config.database import Base, UtcDateTime, reading, writing
from recorder import archive_chain, archive_head, audit, holds, keeping, recording_keys, retained, transcripts
from recorder.adopting import adopt
from recorder.keeping import Goes, House, Stays
from recorder.qa import forgetting
from recorder.retained import Scope, Subject
from recorder.store import RecordingJobRow, RecordingRow
from recorder.vault import Archived, Vault

PURGE = "purge"  # what the audit chain calls it
#: For so long the files of a purged recording are removed again at each `finish`: a send or a new locking that had read of the
#: recording before it was purged may still put one back.
LINGERS = timedelta(hours=1)
EVERY = Scope()

#: What is purged and whose files are to be removed. A row goes when they have been seen to be gone for good.
recording_removal = Table(
    "recording_removal",
    Base.metadata,
    Column("call_id", String(64), primary_key=True),
    Column("path", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sidecar_sha256", String(64), nullable=False),
    Column("purged_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Order:
    """By which rules, and by whose order, recordings are purged. `facts` are told in the audit chain, such as the reason given.

    `packs` are the rules in force today; `request` and `before` are what is asked for beyond what rules and house want.
    """

    packs: Sequence[Pack]
    house: House
    by: str
    facts: Mapping[str, str] = field(default_factory=dict)
    request: Erasure | None = None
    before: datetime | None = None

    def judge(self, subject: Subject, held: Sequence[Hold], now: datetime) -> Goes | Stays:
        """What is to become of a recording that is so held."""
        return keeping.judge(subject.retained, self.house, now, held, request=self.request, before=self.before)


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What was purged, and how many stay; `review` are those of them about which a person must decide."""

    purged: tuple[Goes, ...]
    kept: int
    review: tuple[Stays, ...]


def survey(engine: Engine, order: Order, scope: Scope, now: datetime) -> Iterator[Goes | Stays]:
    """What a purge would do now with each of these recordings, in the order of their calls. Changes nothing."""
    last = ""
    while True:
        with reading(engine) as connection:
            subjects = retained.page(connection, order.packs, scope, last)
            held = holds.in_force(connection, [one.archived.call_id for one in subjects])
        for subject in subjects:
            last = subject.archived.call_id
            yield order.judge(subject, held.get(last, ()), now)
        if len(subjects) < retained.PAGE:
            return


def apply(
    engine: Engine,
    vault: Vault,
    order: Order,
    now: datetime,
    *,
    scope: Scope = EVERY,
    seen: Callable[[int], None] = lambda _done: None,
    step: Callable[[str], None] = lambda _name: None,
) -> PurgeReport:
    """Purges those of these recordings that may go. `seen` is told how many were looked at, `step` the name of each step.

    Whatever an earlier run did not finish is finished first. Raises HeadDisagrees, before anything is purged, for an archive that
    is not as its chain tells; NoArchiveKey, StoreDown, OSError: what was purged by then is, and its files go at the next run.
    """
    prepare(engine, vault, now)
    purged: list[Goes] = []
    review: list[Stays] = []
    kept = 0
    for done, foreseen in enumerate(survey(engine, order, scope, now), start=1):
        goes = isinstance(foreseen, Goes)
        answer = purge(engine, vault, foreseen.call_id, order, now, step=step) if goes else foreseen
        match answer:
            case Goes():
                purged.append(answer)
            case Stays():
                kept += 1
                review += [answer] if answer.review else []
        seen(done)
    wipe(engine)
    return PurgeReport(tuple(purged), kept, tuple(review))


def prepare(engine: Engine, vault: Vault, now: datetime) -> None:
    """Sees that the archive is as its chain tells, and finishes what an earlier run began. Raises as `apply` does."""
    adopt(engine, vault, now)
    archive_head.publish(engine, vault.root)
    finish(engine, vault, now)


def purge(
    engine: Engine,
    vault: Vault,
    call_id: str,
    order: Order,
    now: datetime,
    *,
    step: Callable[[str], None] = lambda _name: None,
) -> Goes | Stays | None:
    """Purges one recording if it may go, asked once more when nobody else can change the answer. None: it is not there.

    Raises as `apply` does.
    """
    with writing(engine) as connection:
        lock_keys(connection, holds.lock_of(call_id))
        subject = retained.of(connection, order.packs, call_id)
        if subject is None:
            return None
        answer = order.judge(subject, holds.in_force(connection, [call_id]).get(call_id, ()), now)
        if isinstance(answer, Stays):
            return answer
        _bury(connection, subject, answer, order, now)
        step("buried")
    step("committed")
    archive_head.publish(engine, vault.root)
    step("published")
    vault.remove(subject.archived)
    step("removed")
    return answer


def finish(engine: Engine, vault: Vault, now: datetime) -> int:
    """Removes the files of what is purged, again while one may be put back; how many recordings were looked after.

    Raises StoreDown, OSError.
    """
    with reading(engine) as connection:
        query = select(recording_removal).order_by(recording_removal.c.call_id)
        pending = [(Archived(*row[:5]), row.purged_at) for row in connection.execute(query)]
    for archived, _ in pending:
        vault.remove(archived)
    over = [archived.call_id for archived, purged_at in pending if purged_at + LINGERS <= now]
    for call_id in over:
        with writing(engine) as connection:
            connection.execute(delete(recording_removal).where(recording_removal.c.call_id == call_id))
    return len(pending)


def tombstones(connection: Connection) -> int:
    """How many recordings were purged, by the chain of the archive."""
    links = archive_chain.recording_chain
    query = select(func.count()).select_from(links).where(links.c.kind == archive_chain.PURGED)
    return connection.execute(query).scalar_one()


def overwriting(connection: Connection) -> None:
    """What this connection deletes or changes from now on is overwritten in a SQLite file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def wipe(engine: Engine) -> None:
    """On SQLite what is deleted is overwritten in the file; its log, which may still have it, is cut off here if nobody reads."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _bury(connection: Connection, subject: Subject, answer: Goes, order: Order, now: datetime) -> None:
    """Takes the recording out of the index, and puts the tombstone into the chain, in the caller's transaction."""
    archived = subject.archived
    overwriting(connection)
    connection.execute(delete(RecordingRow).where(RecordingRow.call_id == archived.call_id))
    recording_keys.destroy(connection, archived.call_id)
    transcripts.destroy(connection, archived.call_id)
    emptied = {"reason": archive_chain.PURGED, "metadata_json": "{}"}
    connection.execute(update(RecordingJobRow).where(RecordingJobRow.call_id == archived.call_id).values(emptied))
    fields = {name: getattr(archived, name) for name in Archived.__slots__}
    connection.execute(insert(recording_removal).values(fields | {"purged_at": now}))
    # After the recording's row is gone: who is just writing about the call was waited for, and nobody begins to any more.
    words = 0 if order.request is None else forgetting.forget(connection, [archived.call_id])
    archive_chain.append(connection, archive_chain.PURGED, archived.call_id, tombstone(subject, answer, order.by), now)
    rules = " ".join(dict.fromkeys(one.rule for one in answer.reasons))
    told = {"rules": rules} | ({"qa_texts": str(words)} if words else {})
    audit.note(connection, now, order.by, PURGE, archived.call_id, **{**order.facts, **told})


def tombstone(subject: Subject, answer: Goes, by: str) -> dict[str, object]:
    """What the chain tells of a purge: what it was, which rules wanted or let it go, by which texts, and who gave the order."""
    archived = subject.archived
    return {
        "path": archived.path,
        "sha256": archived.sha256,
        "bytes": archived.bytes,
        "sidecar_sha256": archived.sidecar_sha256,
        "why": [_told(one) for one in answer.reasons],
        "kept_by": [_told(one) for one in answer.minimums],
        "packs": [[ref.id, ref.version, ref.sha256] for ref in keeping.refs_of(subject.retained.packs)],
        "overdue": answer.overdue,
        "by": by,
    }


def _told(reason: Reason) -> dict[str, str | None]:
    until = reason.retry_at.isoformat() if reason.retry_at is not None else None
    return {"rule": reason.rule, "cite": reason.cite, "text": reason.text, "until": until}
