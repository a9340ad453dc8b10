"""Who asked not to be called, written down a second time: what a database restored from a backup would have forgotten.

The rule it protects: an opt-out survives (47 CFR 64.1200(d)(6): for five years, whatever happens to our computers). Each entry is
on disk here before the database commits it, with its place in the ledger. A database in which the last of them is missing is
older than the journal: then all of it is told again, and what is known already changes nothing.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from compliance.facts import Suppression

LONGEST_LINE = 64 * 1024  # bytes from the end of the file in which its last line is looked for


class JournalDamaged(ValueError):
    """A line of the journal cannot be read; the message names it."""


class Journal:
    """An append-only file of do-not-call entries, one JSON object a line. Processes of one machine may write it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, entries: Iterable[tuple[int, Suppression]]) -> None:
        """Writes the entries, each with its ledger row, and returns when they are on disk."""
        text = "".join(f"{json.dumps(_fields(seq, entry), ensure_ascii=False)}\n" for seq, entry in entries)
        if not text:
            return
        is_new = not self._path.exists()
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(_whole_lines(file))  # what a crash cut off was never promised
            file.seek(0, os.SEEK_END)
            waiting = memoryview(text.encode())
            while waiting:
                waiting = waiting[file.write(waiting) or 0 :]
            os.fsync(file)
        if is_new:
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def last(self) -> tuple[int, Suppression] | None:
        """The entry that was written last, with its ledger row; None for an empty journal. A line that was cut off is none."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - LONGEST_LINE))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        return _read(lines[-1], "the last line") if lines and lines[-1] else None

    def entries(self) -> Iterator[tuple[int, Suppression]]:
        """Every entry, oldest first, without a line that a crash cut off at the end. Raises JournalDamaged for any other."""
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.endswith(b"\n"):
                        yield _read(line, f"line {number}")
        except FileNotFoundError:
            return


def _whole_lines(file: FileIO) -> int:
    """How long the file is up to the end of its last whole line."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - LONGEST_LINE)
    file.seek(start)
    return start + file.read().rfind(b"\n") + 1


def _fields(seq: int, entry: Suppression) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in ("number", "person", "scope", "seller", "campaign", "reason", "source")}
    times = {
        "at": entry.at.astimezone(UTC).isoformat(),
        "until": entry.until.astimezone(UTC).isoformat() if entry.until else None,
    }
    return {"seq": seq, **told, **times}


def _read(line: bytes, place: str) -> tuple[int, Suppression]:
    try:
        told = json.loads(line)
        seq, at, until = told.pop("seq"), told.pop("at"), told.pop("until")
        entry = Suppression(datetime.fromisoformat(at), until=datetime.fromisoformat(until) if until else None, **told)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise JournalDamaged(f"{place} of the do-not-call journal cannot be read: {error}") from None
    return seq, entry
