"""Who listed, heard, scored, held, exported or purged what, and when? A chain of entries that only grows.

The rule it protects: nobody hears a customer unseen. An entry is written in the transaction of what it tells of, so that
neither is there without the other; each carries the hash of the one before it, as the ledger's rows do (`compliance.chain`).
Whoever can rewrite the whole database can rewrite the chain: keep the tip that `verify` tells elsewhere, and give it back to it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError

from compliance.chain import GENESIS, ChainFault, ChainReport, Link, canonical, digest, link_hash, skipped_to, walk
from compliance.locks import lock_keys
from config.database import Base, UtcDateTime

CHAIN_LOCK = "end of the audit chain"
TIP = 1  # the id of the one row of audit_tip
READ_AT_ONCE = 10_000

audit_entry = Table(
    "audit_entry",
    Base.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("call_id", String(64), nullable=False),  # '' for what is about no single call
    Column("facts", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("skip_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "call_id", "seq"),
    Index(None, "who", "seq"),
    Index(None, "action", "seq"),
    Index(None, "at"),
)

#: One row: where the chain ends. Without it, entries cut off at the end would not be missed.
audit_tip = Table(
    "audit_tip",
    Base.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did. `call_id` is empty for what is about no single call."""

    seq: int
    at: datetime
    who: str
    action: str
    call_id: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries to tell: all conditions that are given must hold. `since` is included, `until` is not."""

    who: str | None = None
    action: str | None = None
    call_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None  # only entries of a smaller `seq`: the next page
    limit: int = 100


def note(connection: Connection, at: datetime, who: str, action: str, call_id: str = "", **facts: str) -> None:
    """Writes one entry at the end of the chain, in the caller's write transaction: the one that does what is told.

    On PostgreSQL the end of the chain is locked until that transaction ends: call this last, after every other lock. What is
    written later is never dated earlier. Raises ValueError for a time that is not aware, or for nobody or nothing told.
    """
    if at.tzinfo is None or not who or not action:
        raise ValueError("an audit entry tells who did what, at an aware time")
    lock_keys(connection, CHAIN_LOCK)
    tip = connection.execute(select(audit_tip).where(audit_tip.c.id == TIP)).first()
    seq, previous = (tip.seq + 1, tip.hash) if tip else (1, GENESIS)
    written, told = max(at, tip.at) if tip else at, canonical(facts)
    skipped = _hash_of(connection, skipped_to(seq))
    own = link_hash(seq, digest(_body(written, who, action, call_id, told)), previous, skipped)
    fields = {"at": written, "who": who, "action": action, "call_id": call_id, "facts": told}
    chained = {"seq": seq, "prev_hash": previous, "skip_hash": skipped, "hash": own}
    connection.execute(insert(audit_entry).values(fields | chained))
    end = {"seq": seq, "hash": own, "at": written}
    if tip:
        connection.execute(update(audit_tip).where(audit_tip.c.id == TIP).values(end))
    else:
        connection.execute(insert(audit_tip).values(id=TIP, **end))


def entries(connection: Connection, sought: Sought | None = None) -> list[Entry]:
    """The entries asked for, the latest first."""
    sought = sought or Sought()
    query = select(audit_entry).order_by(audit_entry.c.seq.desc()).limit(sought.limit)
    for name in ("who", "action", "call_id"):
        value = getattr(sought, name)
        if value is not None:
            query = query.where(audit_entry.c[name] == value)
    if sought.since is not None:
        query = query.where(audit_entry.c.at >= sought.since)
    if sought.until is not None:
        query = query.where(audit_entry.c.at < sought.until)
    if sought.before is not None:
        query = query.where(audit_entry.c.seq < sought.before)
    return [_entry(row) for row in connection.execute(query)]


def count(connection: Connection, who: str, action: str, since: datetime) -> int:
    """How often somebody did this since then."""
    query = select(func.count()).select_from(audit_entry)
    theirs = query.where(audit_entry.c.who == who, audit_entry.c.action == action, audit_entry.c.at >= since)
    return connection.execute(theirs).scalar_one()


def verify(connection: Connection, kept: Sequence[tuple[int, str]] = ()) -> ChainReport:
    """Walks the whole chain; then compares it with the tips (place and hash) that were kept elsewhere."""
    tip = connection.execute(select(audit_tip.c.seq, audit_tip.c.hash).where(audit_tip.c.id == TIP)).first()
    try:
        report = walk(_links(connection), tip.seq if tip else 0, tip.hash if tip else GENESIS)
    except (ValueError, DataError) as error:  # a column does not even hold a value of its type any more
        reason = error.orig if isinstance(error, DataError) else error
        return ChainReport(0, 0, GENESIS, (ChainFault(0, f"an audit entry cannot be read: {reason}"),))
    lost = [
        ChainFault(seq, "is not what it was when this tip was kept")
        for seq, expected in kept
        if connection.execute(select(audit_entry.c.hash).where(audit_entry.c.seq == seq)).scalar() != expected
    ]
    return ChainReport(report.rows, report.tip_seq, report.tip_hash, (*report.faults, *lost))


def _links(connection: Connection) -> Iterator[Link]:
    rows = connection.execution_options(yield_per=READ_AT_ONCE).execute(select(audit_entry).order_by(audit_entry.c.seq))
    for row in rows:
        yield Link(row.seq, _body(row.at, row.who, row.action, row.call_id, row.facts), row.prev_hash, row.skip_hash, row.hash)


def _body(at: datetime, who: str, action: str, call_id: str, facts: str) -> str:
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical({"at": when, "who": who, "action": action, "call_id": call_id, "facts": facts})


def _hash_of(connection: Connection, seq: int) -> str:
    if seq == 0:
        return GENESIS
    return str(connection.execute(select(audit_entry.c.hash).where(audit_entry.c.seq == seq)).scalar_one())


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(row.seq, row.at, row.who, row.action, row.call_id, tuple(sorted(json.loads(row.facts).items())))
