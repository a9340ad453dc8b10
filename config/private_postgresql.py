"""Where does a PostgreSQL server for an hour come from? A private one, for benches and tests, that leaves nothing behind.

It has a directory of its own and listens on a socket in it, which only its owner can reach, and on no port. It ends with the
`with` block, and with its owner, however that one ends (see config/postgresql_leash.py).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.database import open_database
from config.postgresql_leash import READY, SUPERUSER

DEBIAN = Path("/usr/lib/postgresql")  # <version>/bin, which Debian keeps out of PATH
INSTALL = "install PostgreSQL (Debian: apt-get install postgresql)"


class PostgresqlUnavailable(Exception):
    """No server can be run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PrivateServer:
    """A server that runs."""

    directory: Path

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases, for `config.database.open_database`."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.directory), safe='')}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{os.urandom(8).hex()}"
        engine = open_database(self.url())
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        finally:
            engine.dispose()
        return self.url(name)


def programs() -> Path | None:
    """The directory of the server's programs, the newest that are installed; None where there are none."""
    on_path = shutil.which("postgres")
    if on_path and shutil.which("initdb"):
        return Path(on_path).resolve().parent
    installed = [path.parent for path in DEBIAN.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    return max(installed, key=_version, default=None)


@contextmanager
def private_postgresql(
    parent: Path | None = None, *, durable: bool, settings: Mapping[str, str] | None = None
) -> Iterator[PrivateServer]:
    """A server with its files in `parent` (default: the directory for temporary files), until the end of the block.

    `durable` as a production server is: a commit waits for the disk. Root runs it as nobody, who must be able to enter
    `parent`. Raises PostgresqlUnavailable.
    """
    found = programs()
    if found is None:
        raise PostgresqlUnavailable(f"PostgreSQL's server is missing (no `postgres` in PATH or {DEBIAN}): {INSTALL}")
    chosen = {"fsync": "on" if durable else "off", "max_connections": "200", **(settings or {})}
    where = (str(found), str((parent or Path(tempfile.gettempdir())).absolute()))
    command = [sys.executable, "-P", "-m", "config.postgresql_leash", *where, *(f"{key}={chosen[key]}" for key in chosen)]
    with subprocess.Popen(  # noqa: S603 -- a module of ours, without a shell
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # Ctrl-C in a terminal is for the owner, whose end is then the server's
    ) as leash:
        if leash.stdin is None or leash.stdout is None:
            raise AssertionError("both are pipes")
        try:
            word, _, said = leash.stdout.readline().decode(errors="replace").strip().partition(" ")
            if word != READY:
                raise PostgresqlUnavailable(f"PostgreSQL's server cannot be run: {said or 'it ended without a word'}")
            yield PrivateServer(Path(said))
        finally:
            with suppress(BrokenPipeError):  # gone already
                leash.stdin.write(b"end\n")  # said, since a child forked meanwhile may hold the pipe open


def _version(directory: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in directory.parent.name.split(".") if part.isdigit())
