"""One MetaData, one way to open a database, one way to write to it.

SQLite (WAL) serves one node, PostgreSQL many. A write on SQLite takes the write lock when it begins (`BEGIN
IMMEDIATE`): a deferred transaction that reads a cap and then inserts fails with "database is locked" under a race
instead of waiting for its turn. Each package declares its tables itself, on `Base`.
"""

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BUSY_TIMEOUT_MS = 30_000
CACHE_KB = 65_536  # of each connection to SQLite: the upper levels of the indexes of a large ledger stay in memory
CHECKPOINT_PAGES = 8_000  # 32 MB of log: what is written all over a large ledger is put in its place less often
POOL = 16  # connections that are kept open: as many as threads that work at once


class Base(DeclarativeBase):
    """The base of every table of Ringfence."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; `timestamptz` on PostgreSQL, naive UTC text on SQLite. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Direct:
    """A statement for the driver itself, in the transaction of a `Connection`: for the few that run for every single permit.

    What SQLAlchemy does around a statement takes longer than these take to run. Parameters are named (`:name`); times go in
    and come out as the driver has them, see `to_driver` and `from_driver`.
    """

    def __init__(self, sql: str, dialect: str) -> None:
        self.sql = _PARAMETER.sub(r"%(\1)s", sql) if dialect == "postgresql" else sql

    def rows(self, connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """What the statement finds, all of it."""
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(self.sql, values)
            return cast("list[tuple[Any, ...]]", cursor.fetchall())

    def run(self, connection: Connection, values: Mapping[str, object]) -> None:
        """For a statement that finds nothing."""
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(self.sql, values)


_PARAMETER = re.compile(r":([a-z_]+)")


def to_driver(at: datetime, dialect: str) -> object:
    """A time as `UtcDateTime` gives it to the driver."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") if dialect == "sqlite" else at


def from_driver(told: Any, dialect: str) -> datetime:
    """A time as `UtcDateTime` reads it from the driver."""
    if dialect == "sqlite":
        return datetime.fromisoformat(told).replace(tzinfo=UTC)
    at: datetime = told
    return at.astimezone(UTC)


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Engine:
    """Opens the database at `url` (`sqlite:///…` or `postgresql+psycopg://…`); creates nothing.

    On SQLite: WAL, foreign keys on, FULL durability (a permit must survive a power cut before the phone rings), and
    transactions begun by SQLAlchemy itself so that `writing` can choose BEGIN IMMEDIATE.
    """
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    on_server = not url.startswith("sqlite")
    # Our statements are found by index whatever their values are: planning them anew each time takes longer than running them.
    plans = {"connect_args": {"options": "-c plan_cache_mode=force_generic_plan"}} if on_server else {}
    engine = create_engine(url, pool_pre_ping=on_server, pool_size=POOL, **plans)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A write transaction: committed at the end of the block, rolled back if it raises.

    On SQLite the write lock is taken at once; others wait up to `BUSY_TIMEOUT_MS`.
    """
    with engine.connect().execution_options(ringfence_write=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction: one consistent snapshot, rolled back at the end."""
    with engine.connect() as connection:
        yield connection


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _enter_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("ringfence_write", False)
        with closing(connection.connection.cursor()) as cursor:  # for the driver itself: it takes half the time
            cursor.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """WAL, kept in the file from its first connection on.

    Of two connections that convert a new file at once, each with a read lock that the other waits for, SQLite tells one
    "database is locked" at once, whatever its busy timeout: that one asks again.
    """
    for _ in range(BUSY_TIMEOUT_MS // 10):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            threading.Event().wait(0.01)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")
