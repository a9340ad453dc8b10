"""What is known of the recorded calls that may be drawn or reviewed? Read from the rows of recordings, and from what QA noted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, select
from sqlalchemy.engine import Connection

from recorder.disclosure import Verdict
from recorder.qa.plan import Period
from recorder.qa.refused import NoSuch
from recorder.qa.risk import Call
from recorder.qa.tables import qa_note
from recorder.store import RecordingRow

COMPLAINT = "complaint"  # the kind of note that says so

_R = RecordingRow
_KNOWN = (
    *(_R.call_id, _R.agent_id, _R.team, _R.campaign, _R.disposition, _R.degraded, _R.disclosure, _R.duration_ms, _R.started_at),
    *(_R.agent_talk_ms, _R.customer_talk_ms, _R.overtalk_ms, _R.dead_air_ms, _R.agent_longest_ms, _R.agent_interruptions),
    _R.agents_json,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded call, with when it was answered and everybody who was on it."""

    call: Call
    started_at: datetime
    agents: frozenset[str]


def in_period(connection: Connection, period: Period) -> Iterator[Recorded]:
    """The recorded calls that were answered in the period."""
    when = (RecordingRow.started_at >= period.since, RecordingRow.started_at < period.until)
    complained = (qa_note.c.kind == COMPLAINT) & (qa_note.c.call_id == RecordingRow.call_id)
    columns = (*_KNOWN, exists().where(complained).label("complaint"))
    for row in connection.execute(select(*columns).where(*when)):
        yield _recorded(row)


def of_id(connection: Connection, call_id: str) -> Recorded:
    """One recorded call; in a write transaction its recording stays until that is over: words said of it are not said too late.

    Raises NoSuch when the archive has no recording of it.
    """
    complained = (qa_note.c.kind == COMPLAINT) & (qa_note.c.call_id == RecordingRow.call_id)
    query = select(*_KNOWN, exists().where(complained).label("complaint")).where(RecordingRow.call_id == call_id)
    row = connection.execute(query.with_for_update(read=True, of=RecordingRow)).first()  # SQLite has one writer anyway
    if row is None:
        raise NoSuch(f"call {call_id}: no recording in the archive")
    return _recorded(row)


def _recorded(row: Row[*tuple[Any, ...]]) -> Recorded:
    agent_id = row.agent_id or ""
    joined = frozenset(str(one[0]) for one in json.loads(row.agents_json))
    call = Call(
        call_id=row.call_id,
        agent_id=agent_id,
        team=row.team,
        campaign=row.campaign,
        outcome=row.disposition,
        complaint=bool(row.complaint),
        degraded=row.degraded,
        disclosure=Verdict(row.disclosure),
        duration_ms=row.duration_ms,
        agent_talk_ms=row.agent_talk_ms,
        customer_talk_ms=row.customer_talk_ms,
        overtalk_ms=row.overtalk_ms,
        dead_air_ms=row.dead_air_ms,
        agent_longest_ms=row.agent_longest_ms,
        agent_interruptions=row.agent_interruptions,
    )
    return Recorded(call, row.started_at, (joined | {agent_id}) - {""})
