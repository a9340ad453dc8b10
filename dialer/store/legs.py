"""The calls as the floor wrote them down, for being held against what PBX, ledger and archive know of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.engine import Connection

from dialer.tables import AttemptRow
from recorder.capture_text import from_text
from recorder.capturing import Capture
from recorder.legs import Placed
from recorder.streaming import by_call
from sip.events import EndedBy

_COLUMNS = ("call_id", "ordered_at", "answered_at", "ended_at", "finished_at", "ended_by", "capture_json")


def placed(connection: Connection, since: datetime | None, until: datetime | None) -> Iterator[Placed]:
    """The calls ordered in this time, in the order of their ids; those that were never sent are among them, as not answered."""
    query = _within(select(*(getattr(AttemptRow, name) for name in _COLUMNS)), since, until)
    for row in by_call(connection, query, AttemptRow.__table__.c.call_id):
        yield _placed(row)


def count_placed(connection: Connection, since: datetime | None, until: datetime | None) -> int:
    """How many calls were ordered in this time."""
    return int(connection.execute(_within(select(func.count()).select_from(AttemptRow), since, until)).scalar_one())


def _within(query: Select[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    if since is not None:
        query = query.where(AttemptRow.ordered_at >= since)
    return query if until is None else query.where(AttemptRow.ordered_at < until)


def _placed(row: Row[Any]) -> Placed:
    capture = _capture(row.capture_json)
    return Placed(
        call_id=row.call_id,
        ordered_at=row.ordered_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        finished=row.finished_at is not None,
        lost=row.ended_by == EndedBy.UNKNOWN.value,
        unrecorded=capture.unrecorded,
        began_at=capture.since or row.answered_at,
        over_at=capture.until or row.ended_at,
    )


def _capture(text: str) -> Capture:
    """What is known of the capture; of a text that cannot be read nothing, which excuses nothing."""
    try:
        return from_text(text)
    except (ValueError, KeyError, TypeError):
        return Capture()
