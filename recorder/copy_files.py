"""How does a file that leaves the house come to be whole, or not at all?

The rule it protects: what is half written is hidden and goes with whoever wrote it; what has a name is complete and durable, and
nothing that is there is replaced.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

CHUNK = 3 << 18  # bytes; a multiple of three, so that pieces of base64 can be joined


@contextmanager
def hidden(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, hidden, and gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def put(part: Path, path: Path) -> None:
    """Gives the finished file its name. Raises FileExistsError, which says which."""
    try:
        os.link(part, path)  # unlike a rename, refuses to replace what is there
    except FileExistsError:
        raise FileExistsError(f"{path}: exists already, nothing was written") from None


def write(path: Path, content: Iterable[bytes]) -> None:
    """Writes the pieces, durably."""
    with path.open("wb") as file:
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, `CHUNK` at a time."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.seek(0, os.SEEK_END)


def add_to_zip(archive: zipfile.ZipFile, name: str, at: datetime, content: Iterable[bytes]) -> None:
    """Adds a file to a ZIP, for its owner only, dated `at`."""
    told = at.astimezone(UTC)
    entry = zipfile.ZipInfo(name, (max(1980, told.year), told.month, told.day, told.hour, told.minute, told.second))
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=True) as file:
        for piece in content:
            file.write(piece)
