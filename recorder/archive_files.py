"""Where are the files of the archive: on the local disk still, or in the object store already?

The rule it protects: a file is in one of the two at any moment, whole. What is written is written here; with a store, what lies
here is on its way there, and goes only when it was seen to be there. Nothing needs to remember what was sent.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.private_files import sync
from recorder.archive_head import HEAD, OWN_FILES, alone
from recorder.naming import is_archived_name, parse_part_name
from recorder.stores import ObjectStore, StoreDown

_CHUNK = 1 << 20


class ArchiveFiles:
    """The files below `root`, and in `store` when there is one, by their names relative to it."""

    def __init__(self, root: Path, store: ObjectStore | None) -> None:
        self.root = root
        self.store = store

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file, from wherever it is; one in the store is copied first, as it is, to a file without a name.

        Raises StoreDown, OSError; a symbolic link is not followed: the archive holds files only.
        """
        try:
            with os.fdopen(os.open(self.root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                yield file
                return
        except FileNotFoundError:
            if self.store is None:
                raise
        with tempfile.TemporaryFile() as copy:
            self.store.fetch(name, copy)
            copy.seek(0)
            yield copy

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file; None when it is missing, cannot be read, or is none. Raises StoreDown."""
        try:
            with self.open(name) as file:
                return digest_of(file)
        except StoreDown:
            raise
        except (OSError, ValueError):  # a name with a NUL in it names no file
            return None

    def names(self) -> list[str]:
        """Every file and every link, sorted; unfinished ones are the archivist's own and left out. Raises StoreDown."""
        far = [] if self.store is None else [name for name in self.store.names() if name not in OWN_FILES]
        return sorted({*self._here(), *far})

    def remove(self, names: list[str]) -> None:
        """Removes files of one folder, in this order, from wherever they are. Raises StoreDown, OSError."""
        for name in names:
            (self.root / name).unlink(missing_ok=True)
            if self.store is not None:
                self.store.remove(name)
        for folder in {(self.root / name).parent for name in names}:
            if folder.is_dir():
                sync(folder)

    def send(self) -> int:
        """Sends what is finished here to the store, and removes it here once it is seen to be there; returns how many files.

        Done again after a crash, it sends again what was not removed here. Raises StoreDown, OSError.
        """
        if self.store is None:
            return 0
        waiting = [name for name in self._here() if is_archived_name(name)]
        for name in waiting:
            local = self.root / name
            sent = local.stat().st_ino
            self.store.send(local, name)
            with alone(self.root):
                if local.exists() and local.stat().st_ino == sent:  # else another key was laid there: that is to be sent
                    local.unlink()
        if waiting and (self.root / HEAD).exists():
            self.store.send(self.root / HEAD, HEAD)
        return len(waiting)

    def _here(self) -> list[str]:
        names = []
        for directory, folders, files in os.walk(self.root):
            links = [name for name in folders if (Path(directory) / name).is_symlink()]
            whole = [name for name in (*files, *links) if parse_part_name(name) is None]
            names += [(Path(directory) / name).relative_to(self.root).as_posix() for name in whole]
        return sorted(name for name in names if name not in OWN_FILES)


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of what is still to be read of a file, as hex."""
    digest = hashlib.sha256()
    while piece := file.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()
