"""Which raw files of a call are in the spool, and has the PBX finished writing them?

Rule protected: a file that may still grow is never encoded, and a file that no call accounts for is never touched. A
file is finished when its header agrees with its size (MixMonitor has closed it), or when it has not grown for longer
than the PBX holds audio back: then the PBX crashed, and what is there is all there will be.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from recorder import wav
from recorder.naming import Side, parse_raw_name, raw_name
from recorder.wav import NotAudio

SETTLED = timedelta(seconds=6)  # MixMonitor writes every 32 KB, which is 2 s
QUARANTINE = "quarantine"
_LOCK = ".archivist.lock"


class SpoolBusy(RuntimeError):
    """Another process archives this spool: two would remove each other's files."""


@dataclass(frozen=True, slots=True)
class RawFiles:
    """The files of a call as they are now; None for a side that is not there."""

    agent: Path | None
    customer: Path | None

    @property
    def present(self) -> tuple[Path, ...]:
        """Those that are there."""
        return tuple(path for path in (self.agent, self.customer) if path is not None)


@dataclass(frozen=True, slots=True)
class Stray:
    """Files that are in the spool under one name: a call's, or (call_id None) of nothing the PBX was told to write."""

    call_id: str | None
    name: str
    changed_at: datetime


class Spool:
    """The directory in which the PBX leaves raw files, as this machine sees it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sizes: dict[Path, tuple[int, float]] = {}  # size, and since when (monotonic) it is that
        self._lock: IO[bytes] | None = None

    def take(self) -> None:
        """Makes this process the only archivist of the spool, until it ends. Raises SpoolBusy, OSError."""
        if self._lock is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        lock = (self._directory / _LOCK).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise SpoolBusy(f"{self._directory}: another process archives this spool") from None
        self._lock = lock

    def release(self) -> None:
        """Lets another process archive the spool."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def files(self, call_id: str) -> RawFiles:
        """The files of a call. Raises HostileName."""
        paths = {side: self._directory / raw_name(call_id, side) for side in Side}
        there = {side: path if os.path.lexists(path) else None for side, path in paths.items()}
        return RawFiles(there[Side.AGENT], there[Side.CUSTOMER])

    def finished(self, files: RawFiles, monotonic: float) -> bool:
        """Whether the PBX has finished all of them, at `monotonic` seconds. What is no audio is as finished as it gets."""
        looks = [self._is_finished(path, monotonic) for path in files.present]  # each is looked at, so that its time runs
        return all(looks)

    def remove(self, files: RawFiles) -> None:
        """Removes the raw files of a call that is in the archive."""
        for path in files.present:
            path.unlink(missing_ok=True)
            self._sizes.pop(path, None)

    def set_aside(self, files: RawFiles) -> None:
        """Moves files that cannot be archived to the quarantine; done again after a crash, it moves the rest."""
        aside = self._directory / QUARANTINE
        aside.mkdir(exist_ok=True)
        for path in files.present:
            if not os.path.lexists(aside / path.name):  # a second file of that name stays where it is
                path.rename(aside / path.name)
                self._sizes.pop(path, None)

    def strays(self) -> Iterator[Stray]:
        """Everything in the spool, once a call."""
        seen: dict[str, Stray] = {}
        for entry in sorted(os.scandir(self._directory), key=lambda each: each.name):
            if entry.name == _LOCK or (entry.name == QUARANTINE and entry.is_dir(follow_symlinks=False)):
                continue
            try:
                changed_at = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
            except FileNotFoundError:  # removed meanwhile
                continue
            raw = parse_raw_name(entry.name)
            key = raw.call_id if raw is not None else entry.name
            known = seen.get(key)
            if known is None or known.changed_at < changed_at:
                seen[key] = Stray(raw.call_id if raw is not None else None, entry.name, changed_at)
        yield from seen.values()

    def _is_finished(self, path: Path, monotonic: float) -> bool:
        try:
            if wav.inspect(path).closed:
                return True
            size = path.lstat().st_size
        except NotAudio:
            size = path.lstat().st_size
        except FileNotFoundError:
            return False
        before, since = self._sizes.get(path, (-1, monotonic))
        if size != before:
            self._sizes[path] = (size, monotonic)
            return False
        return monotonic - since >= SETTLED.total_seconds()
