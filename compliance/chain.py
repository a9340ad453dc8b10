"""Was the ledger tampered with? Each row carries the hash of the row before it and of itself.

The rule it protects: what was written stays as it was written. A row that is altered, taken out, put in or moved
breaks the chain at that row; rows cut off at the end are missed by the kept tip. Whoever can rewrite the whole
database can rewrite the chain: keep the tip of a `ChainReport` elsewhere and compare it with a later one.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

GENESIS = "0" * 64  # what the first row follows
FAULTS_TOLD = 100  # a broken chain is proven by one fault; the rest only helps to find the place


@dataclass(frozen=True, slots=True)
class Link:
    """One row as the chain sees it: its place, what it says as canonical JSON, and its two hashes."""

    seq: int
    body: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One place where the ledger is not what was written. `seq` is 0 for what is not a ledger row."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk over the whole ledger found. `tip_seq` and `tip_hash` identify everything up to now."""

    rows: int
    tip_seq: int
    tip_hash: str
    faults: tuple[ChainFault, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found to be altered, missing or inserted."""
        return not self.faults


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link_hash(seq: int, body: str, prev_hash: str) -> str:
    """SHA-256 over the hash of the row before, the place and the body."""
    return hashlib.sha256(f"{prev_hash}\n{seq}\n{body}".encode()).hexdigest()


def walk(links: Iterable[Link], tip_seq: int, tip_hash: str) -> ChainReport:
    """Checks the rows, in order of `seq`, against their hashes, each other and the kept tip."""
    faults: list[ChainFault] = []
    rows, seq, previous = 0, 0, GENESIS
    for link in links:
        rows += 1
        if link.seq != seq + 1:
            faults.append(ChainFault(link.seq, f"rows {seq + 1} to {link.seq - 1} are missing"))
        elif link.prev_hash != previous:
            faults.append(ChainFault(link.seq, "does not follow the row before it"))
        if link.hash != link_hash(link.seq, link.body, link.prev_hash):
            faults.append(ChainFault(link.seq, "was altered: its content and its hash differ"))
        seq, previous = link.seq, link.hash
    if (seq, previous) != (tip_seq, tip_hash):
        faults.append(ChainFault(seq, f"the ledger ends at row {seq}, but its kept tip is row {tip_seq}"))
    return ChainReport(rows, seq, previous, tuple(faults[:FAULTS_TOLD]))
