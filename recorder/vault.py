"""Where does the archive keep a recording so that it is there whole, or not at all, and can be proven unaltered?

Rule protected: a file under its final name is complete, durable and known by its SHA-256; whatever a crash leaves
unfinished is hidden under another name. A full disk is `StorageFull` with the place, and nothing is lost by it: the raw
files stay in the spool until the archive holds them.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from recorder.naming import audio_path, parse_part_name, part_name, sidecar_path
from recorder.record import Json, canonical

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CHUNK = 1 << 20


class StorageFull(OSError):
    """The archive takes no more; what was to be archived is still in the spool."""


class AlteredRecording(ValueError):
    """A file of the archive is not what was archived: it is not given out."""


class Flaw(StrEnum):
    """What can be wrong with an archive."""

    MISSING = "missing"
    ALTERED = "altered"
    SWAPPED = "swapped"  # the file holds another call's recording
    ADDED = "added"  # a file that no recording accounts for


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with the archive, at `path` in it; `call_id` is None for a file of no call."""

    flaw: Flaw
    path: str
    call_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Archived:
    """A recording in the archive, as it was when it went in."""

    call_id: str
    path: str  # relative to the archive, forward slashes
    sha256: str
    bytes: int
    sidecar_sha256: str


@contextmanager
def naming_the_place(place: Path) -> Iterator[None]:
    """Turns "no space" of any kind into StorageFull, which says where."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(error.errno, f"no room for the recording ({error.strerror})", str(place)) from error
        raise


class Vault:
    """The archive on a local disk, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def unfinished(self, call_id: str, started_at: datetime, attempt: int) -> Path:
        """A fresh place beside the final one to write the audio to. What earlier attempts left there is removed.

        Raises HostileName, StorageFull, OSError.
        """
        final = self.root / audio_path(call_id, started_at)
        with naming_the_place(self.root):
            _make_folder(final.parent, self.root)
            for left in final.parent.glob(".*.part"):
                if parse_part_name(left.name) == call_id:
                    left.unlink(missing_ok=True)
        return final.parent / part_name(call_id, attempt)

    def keep(self, part: Path, call_id: str, started_at: datetime, metadata: Json) -> Archived:
        """Moves the finished audio at `part` to its final name, with `metadata` and its SHA-256 in a sidecar beside it.

        Durable when it returns. Killed anywhere in it, doing it again gives the same files. Raises StorageFull, OSError.
        """
        path = audio_path(call_id, started_at)
        final = self.root / path
        with naming_the_place(final.parent):
            _sync(part)
            digest, size = sha256_of(part), part.stat().st_size
            text = canonical(metadata | {"audio": {"path": path, "sha256": digest, "bytes": size}}) + "\n"
            beside = part.with_name(part_name(call_id, 0))
            beside.write_text(text, encoding="utf-8")
            _sync(beside)
            part.replace(final)
            beside.replace(self.root / sidecar_path(path))
            _sync(final.parent)
        return Archived(call_id, path, digest, size, hashlib.sha256(text.encode()).hexdigest())

    def holds(self, recording: Archived) -> bool:
        """Whether the recording is there, unaltered, with its sidecar."""
        return not self.verify(recording, {})

    def open_path(self, recording: Archived) -> Path:
        """The file of a recording, proven unaltered. Raises AlteredRecording, which says what is wrong with it."""
        for finding in self.verify(recording, {}):
            if finding.path == recording.path:
                raise AlteredRecording(finding.text)
        return self.root / recording.path

    def verify(self, recording: Archived, owners: dict[str, str]) -> list[Finding]:
        """What is wrong with one recording and its sidecar. `owners` maps SHA-256 to the call it belongs to."""
        pairs = ((recording.path, recording.sha256), (sidecar_path(recording.path), recording.sidecar_sha256))
        return [finding for path, expected in pairs if (finding := self._compare(recording.call_id, path, expected, owners))]

    def files(self) -> list[str]:
        """Every file of the archive and every link in it, sorted; unfinished recordings are the archivist's own and left out."""
        names = []
        for directory, folders, files in os.walk(self.root):
            links = [name for name in folders if (Path(directory) / name).is_symlink()]
            whole = [name for name in (*files, *links) if parse_part_name(name) is None]
            names += [(Path(directory) / name).relative_to(self.root).as_posix() for name in whole]
        return sorted(names)

    def _compare(self, call_id: str, path: str, expected: str, owners: dict[str, str]) -> Finding | None:
        try:
            found = sha256_of(self.root / path)
        except OSError as error:
            return Finding(Flaw.MISSING, path, call_id, f"call {call_id}: {path} cannot be read: {error.strerror}")
        if found == expected:
            return None
        owner = owners.get(found)
        if owner is not None and owner != call_id:
            return Finding(Flaw.SWAPPED, path, call_id, f"call {call_id}: {path} holds what belongs to call {owner}")
        return Finding(Flaw.ALTERED, path, call_id, f"call {call_id}: {path} is not what was archived")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex. A symbolic link is not followed: the archive holds files only."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _make_folder(folder: Path, root: Path) -> None:
    """Makes the folders down to `folder`, each durable in its parent: a day's folder must not vanish with its files."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folder(folder.parent, root)
    folder.mkdir(exist_ok=True, parents=folder == root)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    """Makes a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
