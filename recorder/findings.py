"""What can be wrong with an archive, and how is it told? Each finding names the flaw, the place, the call and what was found."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import DBAPIError

INDEX = "index"  # what a finding calls the place when it is in the database


class Flaw(StrEnum):
    """What can be wrong with an archive."""

    MISSING = "missing"
    ALTERED = "altered"
    SWAPPED = "swapped"  # the file holds what belongs to another call
    ADDED = "added"  # a file or a row that no link of the chain accounts for
    KEY_LOST = "key_lost"  # the key of the site that unlocks it is not in the ring
    CHAIN = "chain"  # a link, or the head, is not as the site wrote it


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with the archive, at `path` in it or in the index; `call_id` is None for what is of no call."""

    flaw: Flaw
    path: str
    call_id: str | None
    text: str


def unreadable(what: str, error: Exception, call_id: str | None = None) -> Finding:
    """The finding that a part of the database does not even hold values of its types."""
    reason = error.orig if isinstance(error, DBAPIError) else error
    return Finding(Flaw.ALTERED, INDEX, call_id, f"{what} cannot be read: {' '.join(str(reason).split())[:200]}")
