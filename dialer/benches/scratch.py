"""What every bench needs: a directory and a database that are gone afterwards, and how long some work took.

A bench that was killed leaves its directory, of gigabytes maybe: the next one in the same place takes it away.
"""

import fcntl
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from config import migrate
from config.clock import Clock
from config.database import open_database, sqlite_url

PREFIX = "ringfence-bench-"
LOCK = "owner.lock"  # held for as long as the owner lives


@contextmanager
def scratch_directory(where: Path | None = None) -> Iterator[Path]:
    """A fresh directory in `where` (default: the directory for temporary files); gone afterwards."""
    parent = where or Path(tempfile.gettempdir())
    _take_away_what_was_left(parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as name, (Path(name) / "new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (Path(name) / "new").rename(Path(name) / LOCK)  # by that name it was never without its owner
        yield Path(name)


@contextmanager
def scratch_database() -> Iterator[tuple[Path, Engine]]:
    """A fresh directory with a SQLite database of the present schema; gone afterwards."""
    with scratch_directory() as directory, fresh(sqlite_url(directory / "ringfence.db")) as database:
        yield directory, database


@contextmanager
def fresh(url: str) -> Iterator[Engine]:
    """The empty database at `url`, brought to the present schema; closed at the end."""
    database = open_database(url)
    try:
        migrate.upgrade(database)
        yield database
    finally:
        database.dispose()


def seconds_of(stopwatch: Clock, work: Callable[[], object]) -> float:
    """How long the work took."""
    began = stopwatch.monotonic()
    work()
    return stopwatch.monotonic() - began


def processor_seconds_of(work: Callable[[], object]) -> float:
    """How much of one core's time the work took, whatever else the machine did meanwhile."""
    began = resource.getrusage(resource.RUSAGE_THREAD)
    work()
    ended = resource.getrusage(resource.RUSAGE_THREAD)
    return ended.ru_utime - began.ru_utime + ended.ru_stime - began.ru_stime


def _take_away_what_was_left(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with path.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent)
        except OSError:  # its owner lives, or it is somebody else's, or gone by now
            continue
