"""What every test may ask for."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.database import open_database, sqlite_url, writing
from config.private_postgresql import PrivateServer, private_postgresql, programs


def pytest_configure() -> None:
    """Exceptions are logged in plain words: what structlog draws of one unasked, with all its variables, takes a second.

    What is run in the background of a shell ignores Ctrl-C, and so do its children: some tests press it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PrivateServer]:
    """A real PostgreSQL server; `make test` installs one where there is none. Its commits need not survive anything."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed here")
    with private_postgresql(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: PrivateServer) -> str:
    """The URL of the one database that all tests share: a new one for each costs more than most of them."""
    return postgresql_server.new_database()


def emptied(url: str) -> str:
    """The database without all that the test before has made in it, and without whoever that test left in it."""
    database = open_database(url)
    with writing(database) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    database.dispose()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ringfence.db")
    return emptied(request.getfixturevalue("postgresql_database"))
