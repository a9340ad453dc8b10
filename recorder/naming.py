"""Where does a call's recording lie, and which call does a file of the spool belong to?

Rule protected: no name that comes from outside (a call id, a prompt id, a file the PBX left) can point anywhere but at
the place it is meant for. Names that could are refused, never mended: two hostile ids must not become one file.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SEALED = ".sealed"  # what the name of an encrypted file ends in
_ARCHIVED = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(?:(?:flac|opus|json)(?:\.sealed)?|key)")
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


def language_of(prompt: str) -> str:
    """Of a prompt by its id, which ends with the language: `disclosure-en`, `disclosure-zh`; empty for another."""
    last = prompt.rpartition("-")[2]
    return last if last != prompt and len(last) == 2 and last.isalpha() else ""


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


def audio_path(call_id: str, started_at: datetime, form: str = "flac", *, sealed: bool = False) -> str:
    """The recording's path relative to the archive, with forward slashes. Raises HostileName."""
    return f"{folder(started_at)}/{safe('call id', call_id)}.{safe('form', form)}{SEALED if sealed else ''}"


def sidecar_path(path: str) -> str:
    """The path of the metadata beside the recording at `path`, sealed when that is."""
    plain = path.removesuffix(SEALED)
    return f"{plain.rpartition('.')[0]}.json{path.removeprefix(plain)}"


def key_path(path: str) -> str | None:
    """The path of the key beside the recording at `path`; None for one that is not sealed."""
    return f"{path.removesuffix(SEALED).rpartition('.')[0]}.key" if path.endswith(SEALED) else None


def paths_of(path: str) -> tuple[str, ...]:
    """Every file of the recording at `path`: audio, sidecar, and key if there is one."""
    key = key_path(path)
    return (path, sidecar_path(path)) if key is None else (path, sidecar_path(path), key)


def call_of(path: str) -> str:
    """Which call a file of the archive is of, going by its name."""
    return path.rpartition("/")[2].partition(".")[0]


def is_archived_name(path: str) -> bool:
    """Whether a path in the archive is one that the archivist gives."""
    return _ARCHIVED.fullmatch(path) is not None


def part_name(call_id: str, what: int | str) -> str:
    """The name of an unfinished file: hidden, and another for each attempt (a number) and each companion (a word).

    Raises HostileName.
    """
    return f".{safe('call id', call_id)}.{what}.part"


def parse_part_name(name: str) -> str | None:
    """Which call an unfinished recording is of; None when `name` is not of one."""
    pieces = name.split(".")
    if len(pieces) != 4 or pieces[0] or pieces[3] != "part" or not pieces[2].isalnum():
        return None
    return pieces[1] if _SAFE.fullmatch(pieces[1]) else None
