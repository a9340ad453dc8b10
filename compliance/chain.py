"""Was the ledger tampered with? Each row carries the hash of the row before it, of one far before it, and of itself.

The rule it protects: what was written stays as it was written. A row that is altered, taken out, put in or moved
breaks the chain at that row; rows cut off at the end are missed by the kept tip. Whoever can rewrite the whole
database can rewrite the chain: keep the tip of a `ChainReport` elsewhere and compare it with a later one.

The second hash makes a proof short: a row is tied to the tip by a path of O(log² n) rows, of which only hashes are shown,
so that what is proven about one person shows nothing of another.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
GENESIS = "0" * 64  # what the first row follows
FAULTS_TOLD = 100  # a broken chain is proven by one fault; the rest only helps to find the place


@dataclass(frozen=True, slots=True)
class Link:
    """One row as the chain sees it: its place, what it says as canonical JSON, the two hashes it follows, and its own."""

    seq: int
    body: str
    prev_hash: str
    skip_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a proof: what it says is told by its digest alone."""

    seq: int
    body_sha256: str
    prev_hash: str
    skip_hash: str


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
    return _CANONICAL.encode(value)


def digest(body: str) -> str:
    """The SHA-256 of what a row says."""
    return hashlib.sha256(body.encode()).hexdigest()


def link_hash(seq: int, body_sha256: str, prev_hash: str, skip_hash: str) -> str:
    """SHA-256 over the place, the hashes of the row before and of the row `skipped_to`, and the digest of the body."""
    return hashlib.sha256(f"{seq}\n{prev_hash}\n{skip_hash}\n{body_sha256}".encode()).hexdigest()


def skipped_to(seq: int) -> int:
    """The row whose hash a row carries beside that of the row before it: its number without its lowest set bit; 0 is GENESIS."""
    return seq - (seq & -seq)


def walk(links: Iterable[Link], tip_seq: int, tip_hash: str) -> ChainReport:
    """Checks the rows, in order of `seq`, against their hashes, each other and the kept tip."""
    faults: list[ChainFault] = []
    rows, seq, previous = 0, 0, GENESIS
    ahead = {0: GENESIS}  # the rows that later ones may skip to: one for each bit of the place, never more
    for link in links:
        rows += 1
        skipped = skipped_to(link.seq)
        if link.seq != seq + 1:
            faults.append(ChainFault(link.seq, f"rows {seq + 1} to {link.seq - 1} are missing"))
        elif link.prev_hash != previous:
            faults.append(ChainFault(link.seq, "does not follow the row before it"))
        elif skipped in ahead and link.skip_hash != ahead[skipped]:
            faults.append(ChainFault(link.seq, f"does not follow row {skipped}"))
        if link.hash != link_hash(link.seq, digest(link.body), link.prev_hash, link.skip_hash):
            faults.append(ChainFault(link.seq, "was altered: its content and its hash differ"))
        seq, previous = link.seq, link.hash
        ahead = {place: known for place, known in ahead.items() if place <= skipped} | {seq: link.hash}
    if (seq, previous) != (tip_seq, tip_hash):
        faults.append(ChainFault(seq, f"the ledger ends at row {seq}, but its kept tip is row {tip_seq}"))
    return ChainReport(rows, seq, previous, tuple(faults[:FAULTS_TOLD]))


def path(tip_seq: int, target: int) -> list[int]:
    """The rows that tie row `target` to the tip, from the tip down to it. Raises ValueError for a row that is not there."""
    if not 1 <= target <= tip_seq:
        raise ValueError(f"row {target} is not among rows 1 to {tip_seq}")
    places = [tip_seq]
    while places[-1] != target:
        here = places[-1]
        places.append(skipped_to(here) if skipped_to(here) >= target else here - 1)
    return places


def proves(steps: Iterable[Step], tip_hash: str, body: str) -> bool:
    """Whether the steps, from the tip down, prove that a row with this body is in the chain that ends in `tip_hash`."""
    expected, here = tip_hash, None
    for step in steps:
        if here is not None and step.seq not in {here.seq - 1, skipped_to(here.seq)}:
            return False
        if here is not None:
            expected = here.prev_hash if step.seq == here.seq - 1 else here.skip_hash
        if link_hash(step.seq, step.body_sha256, step.prev_hash, step.skip_hash) != expected:
            return False
        here = step
    return here is not None and here.body_sha256 == digest(body)
