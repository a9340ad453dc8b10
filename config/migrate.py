"""Is the database of this site what this version expects, and how does it become so?

Alembic from inside the installed package: no alembic.ini, no working directory. Migrations go forward only; the way
back is a backup. An upgrade is one transaction under the database's write lock: two nodes that start at once upgrade
it once, and a process killed in the middle leaves the schema it found.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine, MetaData, text
from sqlalchemy.engine import Connection

from config.database import reading

#: Where the history lies: package:directory, read through importlib.resources.
LOCATION = "config:migrations"

#: Key of the advisory lock that upgrading nodes take on PostgreSQL: "ringfenc" in ASCII.
UPGRADE_LOCK = 0x72696E6766656E63


class UnknownRevision(Exception):
    """The database was made by a newer version of Ringfence than this one: nothing was changed."""


class BrokenReference(Exception):
    """A migration left rows that point nowhere: it was undone."""


def head() -> str | None:
    """The revision that this version of the program expects; None when it has no migrations."""
    return _scripts(_config()).get_current_head()


def current(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(engine: Engine) -> bool:
    """Whether the database is at the revision that this version expects."""
    return current(engine) == head()


def upgrade(engine: Engine, to: str = "head") -> None:
    """Brings the database to `head()`, or to an earlier revision; does nothing when it is there. All or nothing.

    Raises UnknownRevision for a database newer than the program, BrokenReference when a migration loses a parent row.
    """
    with _exclusive(engine) as connection:
        config = _config(connection)
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and not _knows(config, revision):
            raise UnknownRevision(f"the database is at revision {revision}, made by a newer Ringfence: install that version")
        command.upgrade(config, to)


def revision(engine: Engine, message: str, metadata: MetaData) -> Path:
    """Writes the next migration: what leads from the database at `engine`, which must be current, to `metadata`.

    For developers. The caller has imported every `store` module, so that `metadata` (that of `config.database.Base`) is
    complete; this package imports none of them, since imports only go down.
    """
    number = f"{len(list(_scripts(_config()).walk_revisions())) + 1:04d}"
    with reading(engine) as connection:
        script = command.revision(_config(connection, metadata), message=message, rev_id=number, autogenerate=True)
    if script is None or isinstance(script, list):
        raise AssertionError("one revision was asked for")
    return Path(script.path)


def _config(connection: Connection | None = None, metadata: MetaData | None = None) -> Config:
    config = Config(attributes={"connection": connection, "metadata": metadata})
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def _knows(config: Config, revision: str) -> bool:
    try:
        return _scripts(config).get_revision(revision) is not None
    except CommandError:
        return False


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other upgrade shares.

    SQLite rebuilds a table to alter it, which foreign keys must not notice, and the pragma is ignored inside a
    transaction: off before it, checked at its end, on after it.
    """
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(ringfence_write=True) as connection:
        driver = connection.connection.dbapi_connection
        if driver is None:
            raise AssertionError("a fresh connection is open")
        try:
            if sqlite:
                driver.cursor().execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
                yield connection
                if sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                    raise BrokenReference(f"{len(lost)} rows point nowhere, first in table {lost[0][0]}")
        finally:
            if sqlite:
                driver.cursor().execute("PRAGMA foreign_keys=ON")
