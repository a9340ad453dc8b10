"""What is known of these recordings, that `recorder.keeping` may judge them?

Each call is judged as the gate knew it: by the candidate of its permit, and by the texts of the rule packs of its time, which are
kept under their hashes, beside those of today. The rule it protects: what is not known is not made up. A pack whose text is lost
is told as lost; of a call without a permit nothing is known but its number, so that every rule that may apply does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json import loads

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.engine import Connection

from compliance import decision
from compliance.kept import texts_of
from compliance.packs import Pack, PackError, parse_pack
from compliance.tables import permit
from compliance.verdict import Candidate, PackRef
from recorder.keeping import Retained
from recorder.record import packs_from_json
from recorder.store import RecordingRow
from recorder.vault import Archived

PAGE = 500
SOLD = "sale"  # how a call ends in which something was sold

_recording = RecordingRow.__table__


@dataclass(frozen=True, slots=True)
class Scope:
    """Which recordings: of calls that ended before a time or were answered by one, of a campaign, of a person. Empty: all."""

    before: datetime | None = None
    answered_by: datetime | None = None
    campaign: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One recording with what is known of it: what lies in the archive, and what the rules ask about."""

    archived: Archived
    number: str
    retained: Retained


def count(connection: Connection, scope: Scope) -> int:
    """How many recordings these are."""
    return connection.execute(select(func.count()).select_from(_recording).where(*_within(scope))).scalar_one()


def page(connection: Connection, packs: Sequence[Pack], scope: Scope, after: str, limit: int = PAGE) -> list[Subject]:
    """The next of these recordings in the order of their calls, at most `limit`. `packs` are the rules of today."""
    query = select(_recording).where(*_within(scope), _recording.c.call_id > after)
    return _subjects(connection, list(connection.execute(query.order_by(_recording.c.call_id).limit(limit))), packs)


def of(connection: Connection, packs: Sequence[Pack], call_id: str) -> Subject | None:
    """What is known of one recording; None when there is none."""
    rows = list(connection.execute(select(_recording).where(_recording.c.call_id == call_id)))
    return next(iter(_subjects(connection, rows, packs)), None)


def _within(scope: Scope) -> Iterator[ColumnElement[bool]]:
    if scope.before is not None:
        yield _recording.c.ended_at < scope.before
    if scope.answered_by is not None:
        yield _recording.c.started_at <= scope.answered_by
    if scope.campaign:
        yield _recording.c.campaign == scope.campaign
    if scope.person:
        yield _recording.c.person == scope.person


def _subjects(connection: Connection, rows: Sequence[Row[tuple[object, ...]]], packs: Sequence[Pack]) -> list[Subject]:
    call_ids = [row.call_id for row in rows]
    decisions = _decisions(connection, call_ids)
    refs = {row.call_id: packs_from_json(loads(row.packs_json)) for row in rows}
    texts = texts_of(connection, {ref.sha256 for several in refs.values() for ref in several})
    sold_to = _sold_to(connection, sorted({row.person for row in rows}))
    subjects = []
    for row in rows:
        then = {ref: _pack(texts[ref.sha256], ref) if ref.sha256 in texts else None for ref in refs[row.call_id]}
        retained = Retained(
            call_id=row.call_id,
            candidate=_candidate(row, decisions.get(row.call_id)),
            disposition=row.disposition,
            ended_at=row.ended_at,
            archived_at=row.archived_at,
            packs=_once([*(pack for pack in then.values() if pack is not None), *packs]),
            lost=tuple(ref for ref, pack in then.items() if pack is None),
            sold=row.person in sold_to,
        )
        archived = Archived(row.call_id, row.path, row.sha256, row.bytes, row.sidecar_sha256)
        subjects.append(Subject(archived, row.number, retained))
    return subjects


def _decisions(connection: Connection, call_ids: Sequence[str]) -> dict[str, str]:
    query = select(permit.c.attempt_id, permit.c.decision).where(permit.c.attempt_id.in_(call_ids))
    return {row.attempt_id: row.decision for row in connection.execute(query)}


def _sold_to(connection: Connection, people: Sequence[str]) -> frozenset[str]:
    query = select(_recording.c.person).where(_recording.c.person.in_(people), _recording.c.disposition == SOLD).distinct()
    return frozenset(connection.execute(query).scalars())


def _candidate(row: Row[tuple[object, ...]], text: str | None) -> Candidate:
    """The call as the gate knew it; without its decision, what the recording itself tells of it."""
    try:
        if text is not None:
            return decision.read(text).candidate
    except ValueError:  # altered, or of a version that wrote none: then nothing of it is known
        pass
    return Candidate(row.call_id, row.person, row.number, row.campaign, seller="", subject="", purpose="")


@lru_cache(maxsize=256)  # the packs that ever decided on a site
def _pack(text: str, ref: PackRef) -> Pack | None:
    """The pack of a kept text; None for a text that is not the one it is kept for, or that cannot be read any more."""
    try:
        pack = parse_pack(text, ref.id)
    except PackError:
        return None
    return pack if pack.sha256 == ref.sha256 else None


def _once(packs: Sequence[Pack]) -> tuple[Pack, ...]:
    return tuple({pack.sha256: pack for pack in packs}.values())
