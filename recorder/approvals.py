"""Has a second person approved that these recordings leave the house together?

The rule it protects: nobody alone carries many conversations away. What is approved is a list of calls, not a search that may
find more tomorrow; the approval is for the one who asked, holds for a time, and nobody can give it to themselves.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, Row, String, Table, Text, insert, select, update
from sqlalchemy.engine import Connection

from compliance.chain import canonical, digest
from config.database import Base, UtcDateTime
from config.ids import new_id
from recorder.access import APPROVED_FOR

export_request = Table(
    "export_request",
    Base.metadata,
    Column("request_id", String(64), primary_key=True),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("calls", Text, nullable=False),  # their ids, sorted, as JSON
    Column("approved_by", String(64), nullable=False),  # '' as long as nobody has
    Column("approved_at", UtcDateTime),
    Index(None, "asked_at"),
)


class NotApproved(PermissionError):
    """The export waits for a second person, or is somebody else's, or its approval is over."""


class NoSuchRequest(LookupError):
    """Nobody asked for an export by this id."""


@dataclass(frozen=True, slots=True)
class Request:
    """One export that somebody asked for."""

    request_id: str
    asked_by: str
    asked_at: datetime
    reason: str
    calls: tuple[str, ...]
    approved_by: str
    approved_at: datetime | None

    @property
    def digest(self) -> str:
        """SHA-256 of the list of calls: the audit chain tells it, so that the list cannot be changed unseen."""
        return digest(canonical(list(self.calls)))


def ask(connection: Connection, who: str, reason: str, calls: Collection[str], now: datetime) -> Request:
    """Notes that somebody wants to take these recordings out."""
    asked = Request(new_id(now), who, now, reason, tuple(sorted(set(calls))), "", None)
    connection.execute(
        insert(export_request).values(
            request_id=asked.request_id,
            asked_by=who,
            asked_at=now,
            reason=reason,
            calls=canonical(list(asked.calls)),
            approved_by="",
        )
    )
    return asked


def approve(connection: Connection, request_id: str, who: str, now: datetime) -> Request:
    """Gives the second word. Raises NoSuchRequest for no such request, NotApproved for one's own. The first word stays."""
    asked = find(connection, request_id)
    if asked.asked_by == who:
        raise NotApproved(f"request {request_id} is your own: somebody else must approve it")
    waiting = (export_request.c.request_id == request_id) & (export_request.c.approved_by == "")
    connection.execute(update(export_request).where(waiting).values(approved_by=who, approved_at=now))
    return find(connection, request_id)


def check(connection: Connection, request_id: str, who: str, now: datetime) -> Request:
    """The request, if it allows this person to take its recordings out now. Raises NoSuchRequest, NotApproved."""
    asked = find(connection, request_id)
    if asked.asked_by != who:
        raise NotApproved(f"request {request_id} is one of {asked.asked_by}")
    if asked.approved_at is None:
        raise NotApproved(f"request {request_id} waits for the word of a second person")
    if now >= asked.approved_at + APPROVED_FOR:
        raise NotApproved(f"the approval of request {request_id} ended at {asked.approved_at + APPROVED_FOR:%Y-%m-%d %H:%M}Z")
    return asked


def find(connection: Connection, request_id: str) -> Request:
    """The request. Raises NoSuchRequest."""
    row = connection.execute(select(export_request).where(export_request.c.request_id == request_id)).first()
    if row is None:
        raise NoSuchRequest(f"no export was asked for as {request_id}")
    return _request(row)


def requests(connection: Connection, limit: int = 100) -> list[Request]:
    """The requests, the latest first."""
    query = select(export_request).order_by(export_request.c.asked_at.desc(), export_request.c.request_id.desc()).limit(limit)
    return [_request(row) for row in connection.execute(query)]


def _request(row: Row[tuple[object, ...]]) -> Request:
    calls = tuple(json.loads(row.calls))
    return Request(row.request_id, row.asked_by, row.asked_at, row.reason, calls, row.approved_by, row.approved_at)
