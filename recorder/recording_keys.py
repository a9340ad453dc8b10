"""Which key unlocks which recording, as the index has it? The same text lies beside the audio: either is lost without loss.

The rule it protects: a wrapped key changes only with a link in the archive's chain that tells its digest, in one transaction.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from config.database import Base
from recorder import archive_chain
from recorder.sealing import WrappedKey

_ASKED = 500  # ids in one question: databases limit the parameters of a statement

recording_key = Table(
    "recording_key",
    Base.metadata,
    Column("call_id", String(64), primary_key=True),
    Column("kek_id", String(32), nullable=False, index=True),
    Column("wrapped", String(255), nullable=False),
)


def digest(wrapped: WrappedKey | None) -> str:
    """The SHA-256 of the key's file, by which the chain knows it; empty for a recording that is not sealed."""
    return "" if wrapped is None else hashlib.sha256(wrapped.text().encode()).hexdigest()


def put(connection: Connection, wrapped: WrappedKey) -> None:
    """Keeps the key of a new recording, in the transaction that records it. Raises IntegrityError for a second one."""
    connection.execute(insert(recording_key).values(_fields(wrapped)))


def exchange(connection: Connection, before: WrappedKey, after: WrappedKey, at: datetime) -> bool:
    """Puts another wrapping of the same key in the place of `before`, and says so in the chain; False where that is not there."""
    there = (recording_key.c.call_id == before.call_id, recording_key.c.wrapped == before.wrapped)
    if not connection.execute(update(recording_key).where(*there).values(_fields(after))).rowcount:
        return False
    facts = {"key_sha256": digest(after), "kek_id": after.kek_id}
    archive_chain.append(connection, archive_chain.REKEYED, after.call_id, facts, at)
    return True


def destroy(connection: Connection, call_id: str) -> None:
    """Forgets the key of a recording that is purged."""
    connection.execute(delete(recording_key).where(recording_key.c.call_id == call_id))


def of(connection: Connection, call_ids: Sequence[str]) -> dict[str, WrappedKey]:
    """The keys of these recordings; one without is not in it."""
    found: dict[str, WrappedKey] = {}
    for start in range(0, len(call_ids), _ASKED):
        these = recording_key.c.call_id.in_(call_ids[start : start + _ASKED])
        found |= {row.call_id: WrappedKey(*row) for row in connection.execute(select(recording_key).where(these))}
    return found


def after(connection: Connection, call_id: str, limit: int) -> list[WrappedKey]:
    """The next keys in the order of their calls."""
    query = select(recording_key).where(recording_key.c.call_id > call_id).order_by(recording_key.c.call_id).limit(limit)
    return [WrappedKey(*row) for row in connection.execute(query)]


def used(connection: Connection) -> dict[str, int]:
    """How many recordings each key of the site locks."""
    query = select(recording_key.c.kek_id, func.count()).group_by(recording_key.c.kek_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _fields(wrapped: WrappedKey) -> dict[str, str]:
    return {"call_id": wrapped.call_id, "kek_id": wrapped.kek_id, "wrapped": wrapped.wrapped}
