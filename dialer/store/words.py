"""Words that other processes leave for the running floor, in the transaction of what they speak of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from dialer.tables import ControlRow


def say(connection: Connection, kind: str, payload: dict[str, str], now: datetime) -> None:
    """Leaves a word for the running floor, in the caller's transaction."""
    connection.execute(insert(ControlRow).values(at=now, kind=kind, payload=payload))


@dataclass(frozen=True, slots=True)
class Word:
    """One word from another process."""

    id: int
    kind: str
    payload: dict[str, str]
    at: datetime


def words(connection: Connection, limit: int) -> list[Word]:
    """The words not taken yet, oldest first."""
    waiting = select(ControlRow.__table__).where(ControlRow.taken_at.is_(None)).order_by(ControlRow.id).limit(limit)
    return [Word(row.id, row.kind, row.payload, row.at) for row in connection.execute(waiting)]


def take_words(connection: Connection, taken: Iterable[Word], now: datetime) -> None:
    """The floor has acted on these words."""
    connection.execute(update(ControlRow).where(ControlRow.id.in_([word.id for word in taken])).values(taken_at=now))
