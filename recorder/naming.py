"""Where does a call's recording lie, and which call does a file of the spool belong to?

Rule protected: no name that comes from outside (a call id, a prompt id, a file the PBX left) can point anywhere but at
the place it is meant for. Names that could are refused, never mended: two hostile ids must not become one file.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class HostileName(ValueError):
    """An id that cannot be part of a file name."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"{what} {name[:80]!r} cannot be part of a file name: only letters, digits, '-' and '_', at most 64")


class Side(StrEnum):
    """Whose ears or mouth a raw file holds."""

    AGENT = "agent"  # what the customer hears: announcement, then agent; the left channel
    CUSTOMER = "customer"  # what the customer says; the right channel


@dataclass(frozen=True, slots=True)
class RawName:
    """What the name of a raw file in the spool says."""

    call_id: str
    side: Side


def safe(what: str, name: str) -> str:
    """`name` itself, when it can be part of a file name. Raises HostileName, which says `what` it was."""
    if _SAFE.fullmatch(name) is None:
        raise HostileName(what, name)
    return name


def raw_name(call_id: str, side: Side) -> str:
    """The name under which the PBX leaves one side of a call in the spool. Raises HostileName."""
    return f"{safe('call id', call_id)}-{side.value}.wav"


def parse_raw_name(name: str) -> RawName | None:
    """Which call and side a file of the spool is; None when its name is not one the PBX was told to write."""
    stem, dash, tail = name.rpartition("-")
    for side in Side:
        if dash and tail == f"{side.value}.wav" and _SAFE.fullmatch(stem):
            return RawName(stem, side)
    return None


def folder(started_at: datetime) -> str:
    """The archive folder of a call answered at `started_at`: its UTC day. Raises ValueError for a naive time."""
    if started_at.tzinfo is None:
        raise ValueError("an archive folder needs an aware time")
    day = started_at.astimezone(UTC)
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def audio_path(call_id: str, started_at: datetime) -> str:
    """The recording's path relative to the archive, with forward slashes. Raises HostileName."""
    return f"{folder(started_at)}/{safe('call id', call_id)}.flac"


def sidecar_path(path: str) -> str:
    """The path of the metadata beside the recording at `path`."""
    return path.removesuffix(".flac") + ".json"


def part_name(call_id: str, attempt: int) -> str:
    """The name of an unfinished recording: hidden, and another for each attempt. Raises HostileName."""
    return f".{safe('call id', call_id)}.{attempt}.part"


def parse_part_name(name: str) -> str | None:
    """Which call an unfinished recording is of; None when `name` is not of one."""
    pieces = name.split(".")
    if len(pieces) != 4 or pieces[0] or pieces[3] != "part" or not pieces[2].isdecimal():
        return None
    return pieces[1] if _SAFE.fullmatch(pieces[1]) else None
