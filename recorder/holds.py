"""Which recordings must stay whatever the rules say, by whose order, and since when?

The rule it protects: a legal hold always wins, also against a purge of the same instant. Whoever places a hold and whoever purges
is alone with the recording (`lock_of`): what is committed first stands, and the other is told so. A hold is never deleted: who
let go of it, and why, stays beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, insert, or_, select, update
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from compliance.retention import Hold
from config.database import Base, UtcDateTime
from recorder import archive_chain
from recorder.store import RecordingJobRow, RecordingRow

_ASKED = 500  # ids in one question: databases limit the parameters of a statement

recording_hold = Table(
    "recording_hold",
    Base.metadata,
    Column("hold_id", Integer, primary_key=True, autoincrement=True),
    Column("call_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),  # NULL while it holds
    Column("released_by", String(64)),
    Column("released_because", Text),
    Index(None, "call_id", "released_at"),
)


class NothingToHold(LookupError):
    """There is no recording of this call, and none on its way."""


class NoSuchHold(LookupError):
    """The recording is not on hold, or not by this order."""


class WhichHold(ValueError):
    """Several orders hold the recording: which of them ends must be said."""


@dataclass(frozen=True, slots=True)
class Order:
    """A hold as it is kept. `released_at` is None while it holds."""

    hold_id: int
    call_id: str
    reason: str
    by: str
    since: datetime
    released_at: datetime | None
    released_by: str | None
    released_because: str | None


def lock_of(call_id: str) -> str:
    """The key of `compliance.locks` under which a recording is held, released and purged."""
    return f"keeping of recording {call_id}"


def place(connection: Connection, call_id: str, reason: str, by: str, at: datetime) -> int:
    """Holds the recording of a call, or the one that is on its way, in the caller's write transaction; the hold's number.

    Raises NothingToHold, ValueError for a hold without a reason or a holder.
    """
    if not reason.strip() or not by:
        raise ValueError("a hold tells why, and by whose order")
    lock_keys(connection, lock_of(call_id))
    if not _is_there(connection, call_id):
        raise NothingToHold(_absence(connection, call_id))
    values = {"call_id": call_id, "reason": reason, "by": by, "since": at}
    placed: int = connection.execute(insert(recording_hold).values(values).returning(recording_hold.c.hold_id)).scalar_one()
    return placed


def release(connection: Connection, call_id: str, reason: str, by: str, at: datetime, *, hold_id: int | None = None) -> int:
    """Ends a hold, in the caller's write transaction; its number. Without `hold_id` it is the only one there is.

    Raises NoSuchHold, WhichHold, ValueError for no reason or nobody who lets go of it.
    """
    if not reason.strip() or not by:
        raise ValueError("letting go of a hold needs a reason, and somebody who answers for it")
    lock_keys(connection, lock_of(call_id))
    held = [order for order in orders(connection, call_id) if order.released_at is None]
    found = [order.hold_id for order in held if hold_id in {None, order.hold_id}]
    if not found:
        of = "" if hold_id is None else f" by hold {hold_id}"
        raise NoSuchHold(f"call {call_id}: its recording is not on hold{of}")
    if len(found) > 1:
        each = "; ".join(f"{order.hold_id}: {order.reason} (by {order.by})" for order in held)
        raise WhichHold(f"call {call_id}: {len(found)} holds, say which ends: {each}")
    ended = {"released_at": at, "released_by": by, "released_because": reason}
    connection.execute(update(recording_hold).where(recording_hold.c.hold_id == found[0]).values(ended))
    return found[0]


def in_force(connection: Connection, call_ids: Sequence[str]) -> dict[str, tuple[Hold, ...]]:
    """The holds on these recordings, the oldest first; one that is not held is not in it."""
    found: dict[str, tuple[Hold, ...]] = {}
    for start in range(0, len(call_ids), _ASKED):
        these = recording_hold.c.call_id.in_(call_ids[start : start + _ASKED]) & recording_hold.c.released_at.is_(None)
        for row in connection.execute(select(recording_hold).where(these).order_by(recording_hold.c.hold_id)):
            found[row.call_id] = (*found.get(row.call_id, ()), Hold(row.reason, row.by, row.since))
    return found


def orders(connection: Connection, call_id: str) -> list[Order]:
    """Every hold that was ever placed on this recording, the oldest first."""
    query = select(recording_hold).where(recording_hold.c.call_id == call_id).order_by(recording_hold.c.hold_id)
    return [_order(row) for row in connection.execute(query)]


def _is_there(connection: Connection, call_id: str) -> bool:
    """Whether there is a recording, or a call of which one may yet come. What was purged is not there."""
    archived = select(RecordingRow.call_id).where(RecordingRow.call_id == call_id)
    queued = select(RecordingJobRow.call_id).where(RecordingJobRow.call_id == call_id)
    unpurged = or_(RecordingJobRow.reason.is_(None), RecordingJobRow.reason != archive_chain.PURGED)
    return any(connection.execute(query).first() is not None for query in (archived, queued.where(unpurged)))


def _absence(connection: Connection, call_id: str) -> str:
    links = archive_chain.entries(connection, [call_id]).get(call_id, [])
    purged = next((link for link in links if link.kind == archive_chain.PURGED), None)
    if purged is None:
        return f"call {call_id}: no recording, and none on its way"
    return f"call {call_id}: its recording was purged at {purged.at.isoformat()} and cannot be held any more"


def _order(row: Row[tuple[object, ...]]) -> Order:
    return Order(**row._asdict())
