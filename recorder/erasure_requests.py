"""Which requests to be forgotten came in, by when are they answered, and what came of them?

The rule it protects: a request is kept with its deadline and its outcome, and marketing to the person stops in the transaction
that notes it (PIPL 47; GDPR 17, 21(3)). The row stays when all is erased: it is the proof that it was.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, insert, select, update
from sqlalchemy.engine import Connection

from compliance.facts import Suppression
from compliance.journal import Journal
from compliance.locks import lock_keys
from compliance.retention import Erasure
from compliance.rows import put_suppressions
from config.database import Base, UtcDateTime

erasure_request = Table(
    "erasure_request",
    Base.metadata,
    Column("request_id", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("cite", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("noted_by", String(64), nullable=False),
    Column("law_by", UtcDateTime),  # NULL where no rule sets a deadline
    Column("house_by", UtcDateTime),
    Column("due_rules", Text, nullable=False),  # which rules set it, separated by spaces
    Column("answered_at", UtcDateTime),  # NULL until it was first seen what may go
    Column("closed_at", UtcDateTime),  # NULL while anything of it must stay
    Column("outcome", Text, nullable=False),  # a JSON list, see Item
    Index(None, "closed_at"),
    Index(None, "person"),
)


class Fate(StrEnum):
    """What became of one recording."""

    PURGED = "purged"
    KEPT = "kept"
    ON_ITS_WAY = "on_its_way"  # the call ended, its recording is not archived yet: asked about again
    SET_ASIDE = "set_aside"  # its files are in the spool, where a person must look at them


@dataclass(frozen=True, slots=True)
class Item:
    """One recording of the person. `until` is None where no end is known, `why` are rule ids with their texts."""

    call_id: str
    fate: Fate
    until: datetime | None
    review: bool
    why: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """By when the request is answered: by law and in this house; None where no rule says."""

    law_by: datetime | None = None
    house_by: datetime | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is kept. `closed_at` is None while anything of it must stay."""

    request_id: int
    person: str
    cite: str
    asked_at: datetime
    noted_by: str
    due: Due
    answered_at: datetime | None
    closed_at: datetime | None
    outcome: tuple[Item, ...]


class NoSuchRequest(LookupError):
    """There is no erasure request of this number."""


def note(connection: Connection, person: str, asked: Erasure, due: Due, by: str, *, journal: Journal | None = None) -> int:
    """Writes a request down and stops all marketing to the person, in the caller's write transaction; the request's number.

    Raises ValueError for nobody, and for a request without the right that it is made by.
    """
    if not person or not asked.cite.strip():
        raise ValueError("an erasure request is of somebody, by a right that is named")
    lock_keys(connection, person)
    values = {
        "person": person,
        "cite": asked.cite,
        "asked_at": asked.at,
        "noted_by": by,
        "law_by": due.law_by,
        "house_by": due.house_by,
        "due_rules": " ".join(due.rules),
        "outcome": "[]",
    }
    noted = insert(erasure_request).values(values).returning(erasure_request.c.request_id)
    request_id: int = connection.execute(noted).scalar_one()
    entry = Suppression(asked.at, "erasure", f"erasure request {request_id}", None, person)
    put_suppressions(connection, [entry], asked.at, journal)
    return request_id


def requests(connection: Connection, *, open_only: bool = False) -> list[Request]:
    """The requests, the oldest first."""
    query = select(erasure_request).order_by(erasure_request.c.request_id)
    if open_only:
        query = query.where(erasure_request.c.closed_at.is_(None))
    return [_request(row) for row in connection.execute(query)]


def the(connection: Connection, request_id: int) -> Request:
    """The request of this number. Raises NoSuchRequest."""
    row = connection.execute(select(erasure_request).where(erasure_request.c.request_id == request_id)).first()
    if row is None:
        raise NoSuchRequest(f"there is no erasure request {request_id}")
    return _request(row)


def expect(connection: Connection, request_id: int, items: Iterable[Item]) -> None:
    """Keeps what the request asks for, before any of it is purged: what is gone afterwards is known to have been asked for."""
    connection.execute(update(erasure_request).where(erasure_request.c.request_id == request_id).values(outcome=_text(items)))


def answer(connection: Connection, request: Request, items: Iterable[Item], now: datetime) -> bool:
    """Keeps what came of the request; it is closed when nothing of it is left. Whether that is news."""
    items = tuple(items)
    done = all(item.fate is Fate.PURGED for item in items)
    values = {"outcome": _text(items), "answered_at": request.answered_at or now, "closed_at": now if done else None}
    connection.execute(update(erasure_request).where(erasure_request.c.request_id == request.request_id).values(values))
    return request.answered_at is None or items != request.outcome


def _text(items: Iterable[Item]) -> str:
    return json.dumps(
        [
            {
                "call_id": item.call_id,
                "fate": item.fate.value,
                "until": None if item.until is None else item.until.astimezone(UTC).isoformat(),
                "review": item.review,
                "why": item.why,
            }
            for item in items
        ],
        ensure_ascii=False,
    )


def _item(told: dict[str, Any]) -> Item:
    until = None if told["until"] is None else datetime.fromisoformat(told["until"])
    why = tuple((rule, text) for rule, text in told["why"])
    return Item(told["call_id"], Fate(told["fate"]), until, told["review"], why)


def _request(row: Row[tuple[object, ...]]) -> Request:
    return Request(
        request_id=row.request_id,
        person=row.person,
        cite=row.cite,
        asked_at=row.asked_at,
        noted_by=row.noted_by,
        due=Due(row.law_by, row.house_by, tuple(row.due_rules.split())),
        answered_at=row.answered_at,
        closed_at=row.closed_at,
        outcome=tuple(_item(told) for told in json.loads(row.outcome)),
    )
