"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.database import sqlite_url
from config.private_postgresql import PrivateServer, private_postgresql, programs


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PrivateServer]:
    """A real PostgreSQL server; `make test` installs one where there is none. Its commits need not survive anything."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed here")
    with private_postgresql(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ringfence.db")
    server: PrivateServer = request.getfixturevalue("postgresql_server")
    return server.new_database()
