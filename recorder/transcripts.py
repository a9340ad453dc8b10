"""Which recordings have a transcript, which wait for one, and is it still what was made?

One table. A transcript is as sensitive as the audio: it is sealed with its recording's own key, its digest told in the chain of
the archive by the transaction that keeps it, and it goes with the recording. It lies in the database and not beside the audio, so
that no crash parts it from its link and no file of it outlives a purge. The rule it protects: one that was altered is not shown.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Engine, Integer, LargeBinary, String, Table, Text, and_, delete, insert, or_, select, true, update
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from config.database import Base, UtcDateTime, reading
from recorder import archive_chain, store
from recorder.archive_chain import TRANSCRIBED, Entry
from recorder.holds import lock_of
from recorder.sealing import Role
from recorder.store import RecordingRow
from recorder.transcript import BadTranscript, Transcript, packed, unpacked
from recorder.vault import AlteredRecording, Archived, Vault

MOST_ATTEMPTS = 3
RETRY = timedelta(hours=1)  # after the first attempt; four times as long after each more
_ASKED = 50  # transcripts held at once

transcript_table = Table(
    "transcript",
    Base.metadata,
    Column("call_id", String(64), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),  # not begun before
    Column("reason", Text),  # why there is none
    Column("sealed", LargeBinary),  # `transcript.packed`; NULL until it is made
)
_mine = transcript_table.c


def waiting(connection: Connection, now: datetime | None, limit: int, since: datetime | None = None) -> list[Archived]:
    """Recordings without a transcript that may be tried by `now` (None: whatever came of it before), the latest call first.

    That is what people want to read; those of years ago wait until the day's are done, or until their time to go comes.
    """
    columns = (RecordingRow.call_id, RecordingRow.path, RecordingRow.sha256, RecordingRow.bytes, RecordingRow.sidecar_sha256)
    due = true() if now is None else and_(_mine.attempts < MOST_ATTEMPTS, _mine.next_at <= now)
    query = select(*columns).join(transcript_table, _mine.call_id == RecordingRow.call_id, isouter=True)
    query = query.where(or_(_mine.call_id.is_(None), and_(_mine.sealed.is_(None), due)))
    if since is not None:
        query = query.where(RecordingRow.started_at >= since)
    ordered = query.order_by(RecordingRow.started_at.desc(), RecordingRow.call_id).limit(limit)
    return [Archived(*row) for row in connection.execute(ordered)]


def claim(connection: Connection, call_id: str, now: datetime) -> int:
    """Counts an attempt before it is made, in a write transaction; its number, 0 when the recording is gone."""
    lock_keys(connection, lock_of(call_id))
    if next(store.in_archive(connection, call_id), None) is None:
        return 0
    row = connection.execute(select(_mine.attempts).where(_mine.call_id == call_id)).first()
    attempt = 1 if row is None else row.attempts + 1
    values = {"attempts": attempt, "next_at": now + RETRY * 4 ** min(attempt - 1, 5), "reason": "it was begun, and not finished"}
    if row is None:
        connection.execute(insert(transcript_table).values(values | {"call_id": call_id}))
    else:
        connection.execute(update(transcript_table).where(_mine.call_id == call_id).values(values))
    return attempt


def failed(connection: Connection, call_id: str, reason: str) -> None:
    """Keeps why an attempt came to nothing."""
    connection.execute(update(transcript_table).where(_mine.call_id == call_id).values(reason=reason))


def refund(connection: Connection, call_id: str, reason: str | None, next_at: datetime) -> None:
    """Takes an attempt back that was cut short by no fault of the recording's; it is not begun again before `next_at`."""
    values = {"attempts": _mine.attempts - 1, "next_at": next_at, "reason": reason}
    connection.execute(update(transcript_table).where(_mine.call_id == call_id, _mine.attempts > 0).values(values))


def sealed_for(vault: Vault, recording: Archived, transcript: Transcript) -> bytes:
    """The transcript as it is kept. Raises AlteredRecording, KeyLost, StoreDown."""
    return vault.sealed(recording, Role.TRANSCRIPT, packed(transcript))


def keep(connection: Connection, call_id: str, sealed: bytes, made_by: str, now: datetime) -> bool:
    """Keeps a transcript as `sealed_for` gave it and tells the chain, in the caller's write transaction.

    False when the recording was purged meanwhile. After the commit the caller has `archive_head.publish` write the new head.
    """
    lock_keys(connection, lock_of(call_id))  # nothing is kept of what is being purged
    if next(store.in_archive(connection, call_id), None) is None:
        return False
    connection.execute(update(transcript_table).where(_mine.call_id == call_id).values(sealed=sealed, reason=None))
    facts = {"transcript_sha256": digest(sealed), "bytes": len(sealed), "made_by": made_by}
    archive_chain.append(connection, TRANSCRIBED, call_id, facts, now)
    return True


def destroy(connection: Connection, call_id: str) -> None:
    """Forgets the transcript of a recording that is purged, and that there was to be one."""
    connection.execute(delete(transcript_table).where(_mine.call_id == call_id))


def read(engine: Engine, vault: Vault, recording: Archived) -> Transcript | None:
    """The transcript of a recording, proven to be what was made; None when there is none.

    Raises AlteredRecording, KeyLost, StoreDown.
    """
    with reading(engine) as connection:
        sealed = connection.execute(select(_mine.sealed).where(_mine.call_id == recording.call_id)).scalar()
        links = archive_chain.entries(connection, [recording.call_id]).get(recording.call_id, [])
    told = told_by(links)
    if sealed is None and not told:
        return None
    if sealed is None or digest(sealed) != told:
        raise AlteredRecording(f"call {recording.call_id}: its transcript is not what was made; `ringfence recording verify`")
    try:
        return unpacked(vault.unsealed(recording, Role.TRANSCRIPT, sealed))
    except BadTranscript as error:
        raise AlteredRecording(f"call {recording.call_id}: {error}") from None


def why_none(connection: Connection, call_id: str) -> str:
    """Why a recording has no transcript, as far as that is known."""
    reason = connection.execute(select(_mine.reason).where(_mine.call_id == call_id)).scalar()
    return str(reason) if reason else "none was made yet"


def digest(sealed: bytes) -> str:
    """By what the chain knows a transcript."""
    return hashlib.sha256(sealed).hexdigest()


def told_by(links: Sequence[Entry]) -> str:
    """The digest of a recording's transcript by its links in the chain; empty when none was made."""
    made = [link for link in links if link.kind == TRANSCRIBED]
    return str(made[-1].facts["transcript_sha256"]) if made else ""


def digests_of(connection: Connection, call_ids: Sequence[str]) -> dict[str, str]:
    """The digests of the transcripts that these recordings have; one without is not in it."""
    found: dict[str, str] = {}
    for start in range(0, len(call_ids), _ASKED):
        these = _mine.call_id.in_(call_ids[start : start + _ASKED]) & _mine.sealed.is_not(None)
        query = select(_mine.call_id, _mine.sealed).where(these)
        found |= {row.call_id: digest(row.sealed) for row in connection.execute(query)}
    return found
