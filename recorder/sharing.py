"""Who outside the staff may open a copy of one recording, until when, and how often?

The rule it protects: a share is for one named person, ends by itself, can be ended at once, and every opening is counted.
Only the digest of its secret is kept: whoever reads the database can open nothing. Its number is what the copy is marked with.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, insert, select, update
from sqlalchemy.engine import Connection

from config.database import Base, UtcDateTime

NUMBER_DIGITS = 12
_TOKEN = re.compile(rf"([0-9]{{{NUMBER_DIGITS}}})\.([A-Za-z0-9_-]{{1,64}})", re.ASCII)

recording_share = Table(
    "recording_share",
    Base.metadata,
    Column("number", String(NUMBER_DIGITS), primary_key=True),
    Column("secret_sha256", String(64), nullable=False),
    Column("call_id", String(64), nullable=False),
    Column("shared_by", String(64), nullable=False),
    Column("for_whom", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("shared_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("from_ms", Integer),
    Column("until_ms", Integer),
    Column("openings", Integer, nullable=False),  # so far
    Column("openings_at_most", Integer, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", String(64), nullable=False),
    Index(None, "call_id"),
    Index(None, "expires_at"),
)


class ShareRefused(PermissionError):
    """The share cannot be opened: unknown, over, taken back, or opened often enough."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be shared with whom. The piece of the recording is in milliseconds; None is its start, or its end."""

    call_id: str
    shared_by: str
    for_whom: str
    reason: str
    expires_at: datetime
    openings_at_most: int
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A share as it stands."""

    number: str
    offer: Offer
    shared_at: datetime
    openings: int
    revoked_at: datetime | None
    revoked_by: str


def share(connection: Connection, offer: Offer, now: datetime) -> tuple[str, str]:
    """Makes the share; answers with its number and with the token that opens it, which is told this once."""
    number, secret = f"{secrets.randbelow(10**NUMBER_DIGITS):0{NUMBER_DIGITS}}", secrets.token_urlsafe(24)
    values = {name: getattr(offer, name) for name in _OFFERED}
    state = {"number": number, "secret_sha256": _digest(secret), "shared_at": now, "openings": 0, "revoked_by": ""}
    connection.execute(insert(recording_share).values(values | state))
    return number, f"{number}.{secret}"


def take_opening(connection: Connection, token: str, now: datetime) -> Share:
    """Counts one opening, in the caller's write transaction, and tells what may be given out. Raises ShareRefused.

    Of two at once that ask for the last opening, one is refused. A number without its secret learns nothing.
    """
    found = _TOKEN.fullmatch(token)
    number, secret = found.groups() if found else ("", "")
    row = connection.execute(select(recording_share).where(recording_share.c.number == number)).first()
    if not hmac.compare_digest(row.secret_sha256 if row else "", _digest(secret)) or row is None:
        raise ShareRefused("no such share")
    here = recording_share.c.number == number
    open_still = (
        here
        & recording_share.c.revoked_at.is_(None)
        & (recording_share.c.expires_at > now)
        & (recording_share.c.openings < recording_share.c.openings_at_most)
    )
    counted = connection.execute(update(recording_share).where(open_still).values(openings=recording_share.c.openings + 1))
    shared = _share(connection.execute(select(recording_share).where(here)).one())
    if counted.rowcount == 0:
        raise ShareRefused(f"share {number} {_closed(shared, now)}")
    return shared


def revoke(connection: Connection, number: str, who: str, now: datetime) -> Share:
    """Ends the share at once; one that was ended stays as it was ended. Raises ShareRefused where there is none."""
    here = recording_share.c.number == number
    fresh = here & recording_share.c.revoked_at.is_(None)
    connection.execute(update(recording_share).where(fresh).values(revoked_at=now, revoked_by=who))
    ended = find(connection, number)
    if ended is None:
        raise ShareRefused(f"there is no share {number}")
    return ended


def find(connection: Connection, number: str) -> Share | None:
    """The share of this number."""
    row = connection.execute(select(recording_share).where(recording_share.c.number == number)).first()
    return None if row is None else _share(row)


def shares(connection: Connection, *, call_id: str | None = None, open_at: datetime | None = None) -> list[Share]:
    """The shares, the latest first: of one call, or of all; with `open_at`, those that can be opened then."""
    query = select(recording_share).order_by(recording_share.c.shared_at.desc(), recording_share.c.number)
    if call_id is not None:
        query = query.where(recording_share.c.call_id == call_id)
    if open_at is not None:
        left = recording_share.c.openings < recording_share.c.openings_at_most
        query = query.where(recording_share.c.expires_at > open_at, recording_share.c.revoked_at.is_(None), left)
    return [_share(row) for row in connection.execute(query)]


_OFFERED = ("call_id", "shared_by", "for_whom", "reason", "expires_at", "openings_at_most", "from_ms", "until_ms")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _closed(shared: Share, now: datetime) -> str:
    if shared.revoked_at is not None:
        return f"was taken back by {shared.revoked_by} at {shared.revoked_at:%Y-%m-%d %H:%M}Z"
    if shared.offer.expires_at <= now:
        return f"expired at {shared.offer.expires_at:%Y-%m-%d %H:%M}Z"
    return f"was opened {shared.openings} times, as often as it may be"


def _share(row: Row[tuple[object, ...]]) -> Share:
    offer = Offer(**{name: getattr(row, name) for name in _OFFERED})
    return Share(row.number, offer, row.shared_at, row.openings, row.revoked_at, row.revoked_by)
