"""What has the archive taken in, given up, locked anew and written down, in which order, and says the site so itself?

The rule it protects: what was archived stays as it was archived. A link is written in the transaction that it tells of, and
signed with the site's key; it carries the hash of the one before it, as the ledger's rows do (`compliance.chain`), so that a
link that is altered, taken out, put in or moved is seen. Links cut off at the end are missed by the head, which lies in the
archive itself (`recorder.archive_head`). A recording's own row is immutable: its digest is in its link.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Column, Engine, Index, Integer, Row, String, Table, Text, func, insert, select
from sqlalchemy.engine import Connection

from compliance.chain import GENESIS, ChainFault, ChainReport, Link, canonical, digest, link_hash, skipped_to, walk
from compliance.locks import lock_keys
from compliance.signing import verify
from config.database import Base, UtcDateTime
from recorder.exact_times import columns_of, time_of

ARCHIVED, PURGED, REKEYED, RENEWED, TRANSCRIBED = "archived", "purged", "rekeyed", "renewed", "transcribed"
CHAIN_LOCK = "end of the archive's chain"
READ_AT_ONCE = 5_000
_KEY = "ringfence_archive_key"  # the execution option by which an engine knows the site's key
_ASKED = 500  # ids in one question: databases limit the parameters of a statement

recording_chain = Table(
    "recording_chain",
    Base.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("call_id", String(64), nullable=False),
    Column("facts", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("skip_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", String(88), nullable=False),  # Ed25519 in base64
    Index(None, "call_id", "seq"),
)


class Signer(Protocol):
    """The site's key (`compliance.evidence_key`)."""

    @property
    def public_pem(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...


class NoArchiveKey(LookupError):
    """This database was opened without the site's key: it cannot add to the chain of the archive."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain."""

    seq: int
    at: datetime
    kind: str
    call_id: str
    facts: Mapping[str, Any]


def signed_by(engine: Engine, key: Signer) -> Engine:
    """The same engine, whose transactions from now on add to the chain with this key."""
    engine.update_execution_options(**{_KEY: key})
    return engine


def signer_of(engine: Engine) -> Signer:
    """The key that the engine signs with. Raises NoArchiveKey."""
    key: Signer | None = engine.get_execution_options().get(_KEY)
    if key is None:
        raise NoArchiveKey("the archive's chain is signed with the site's key, and this database was opened without it")
    return key


def append(connection: Connection, kind: str, call_id: str, facts: Mapping[str, Any], at: datetime) -> int:
    """Writes one link at the end of the chain, in the caller's write transaction: the one that does what is told; its place.

    On PostgreSQL the end of the chain is locked until that transaction ends: call this late in it. After the commit the caller
    has `archive_head.publish` write the new head. Raises ValueError for a time that is not aware, NoArchiveKey when the engine
    was not `signed_by` a key.
    """
    if at.tzinfo is None or not kind:
        raise ValueError("a link of the archive's chain tells what was done, at an aware time")
    key = signer_of(connection.engine)
    lock_keys(connection, CHAIN_LOCK)
    seq, previous = tip(connection)
    seq, told = seq + 1, canonical(facts)
    skipped = hash_at(connection, skipped_to(seq)) or GENESIS
    own = link_hash(seq, digest(_body(at, kind, call_id, told)), previous, skipped)
    fields = {"seq": seq, "at": at, "kind": kind, "call_id": call_id, "facts": told}
    signature = base64.b64encode(key.sign(_message(own))).decode("ascii")
    chained = {"prev_hash": previous, "skip_hash": skipped, "hash": own, "signature": signature}
    connection.execute(insert(recording_chain).values(fields | chained))
    return seq


def tip(connection: Connection) -> tuple[int, str]:
    """Place and hash of the last link; 0 and GENESIS before the first."""
    query = select(recording_chain.c.seq, recording_chain.c.hash).order_by(recording_chain.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.seq, row.hash) if row is not None else (0, GENESIS)


def hash_at(connection: Connection, seq: int) -> str | None:
    """The hash of the link at that place, GENESIS for 0; None when there is none."""
    if seq == 0:
        return GENESIS
    found: str | None = connection.execute(select(recording_chain.c.hash).where(recording_chain.c.seq == seq)).scalar()
    return found


def entries(connection: Connection, call_ids: Sequence[str]) -> dict[str, list[Entry]]:
    """The links of these calls, each call's in order; a call without one is not in it.

    Raises ValueError or DBAPIError for a link that cannot be read.
    """
    found: dict[str, list[Entry]] = {}
    for start in range(0, len(call_ids), _ASKED):
        these = recording_chain.c.call_id.in_(call_ids[start : start + _ASKED])
        for row in connection.execute(select(recording_chain).where(these).order_by(recording_chain.c.seq)):
            facts = json.loads(row.facts)
            found.setdefault(row.call_id, []).append(Entry(row.seq, row.at, row.kind, row.call_id, facts))
    return found


def length(connection: Connection) -> int:
    """How many links there are."""
    return connection.execute(select(func.count()).select_from(recording_chain)).scalar_one()


def check(connection: Connection, public_pem: str, seen: Callable[[], None] = lambda: None) -> ChainReport:
    """Walks the whole chain: every hash, every signature, every place. `seen` is called for each link.

    Raises ValueError or DBAPIError when a column does not even hold a value of its type.
    """
    unsigned: list[ChainFault] = []
    report = walk(_links(connection, public_pem, unsigned, seen), *tip(connection))
    return ChainReport(report.rows, report.tip_seq, report.tip_hash, (*report.faults, *unsigned))


def _links(connection: Connection, public_pem: str, unsigned: list[ChainFault], seen: Callable[[], None]) -> Iterator[Link]:
    query = select(*columns_of(recording_chain, connection)).order_by(recording_chain.c.seq)
    for row in connection.execution_options(yield_per=READ_AT_ONCE).execute(query):
        seen()
        if not _is_signed(row, public_pem):
            unsigned.append(ChainFault(row.seq, "does not bear the site's signature"))
        at = time_of(row.at, connection)
        yield Link(row.seq, _body(at, row.kind, row.call_id, row.facts), row.prev_hash, row.skip_hash, row.hash)


def _is_signed(row: Row[Any], public_pem: str) -> bool:
    try:
        signature = base64.b64decode(row.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if base64.b64encode(signature).decode("ascii") != row.signature:  # the last sign has bits that say nothing: they are 0
        return False
    return verify(public_pem, _message(row.hash), signature)


def _message(own_hash: str) -> bytes:
    return f"ringfence-archive-link-1\n{own_hash}".encode()


def _body(at: datetime, kind: str, call_id: str, facts: str) -> str:
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical({"at": when, "kind": kind, "call_id": call_id, "facts": facts})
