"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.database import sqlite_url
from tests.postgresql import empty_database, postgresql_program, postgresql_server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL server; `make test` installs one where there is none."""
    if postgresql_program("postgres") is None:
        pytest.skip("no PostgreSQL server is installed here")
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ringfence.db")
    server: str = request.getfixturevalue("postgresql_url")
    return empty_database(server)
