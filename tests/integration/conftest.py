"""What these tests may ask for: a site of their own and the commands on it, or a database with all tables, or a lab PBX."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config import migrate
from config.database import Base, open_database
from sip.lab import Lab, LabInfo
from sip.unpack import Tree, ensure_tree
from sip.voices import silence, write_wav
from tests.cli_site import Run, invoked, runs
from tests.raw_ami import Ami


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site as `init` makes it, to be copied and left as it is: bringing the database of a new one up to date takes a second."""
    site = tmp_path_factory.mktemp("new") / "site"
    invoked("init", str(site))
    return site


@pytest.fixture
def site(tmp_path: Path, new_site: Path) -> Path:
    """A site of the test's own."""
    return Path(shutil.copytree(new_site, tmp_path / "site"))


@pytest.fixture
def run(site: Path) -> Run:
    """`run(*words, expect=exit code)` is a command on the site."""
    return partial(runs, site)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with the tables of Ringfence and nothing in them, on SQLite and on PostgreSQL in turn."""
    opened = open_database(database_url)
    Base.metadata.create_all(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def migrated(database_url: str) -> Iterator[Engine]:
    """A database as a site has it, brought up to date by its migrations, on SQLite and on PostgreSQL in turn."""
    opened = open_database(database_url)
    migrate.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def tree() -> Tree:
    """Where Asterisk and SIPp are unpacked."""
    return ensure_tree(lambda _: None)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabInfo]:
    """A lab PBX that is up, for all tests of a module."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        found = lab.up(("101", "102", "103", "104"))
        write_wav(found.prompts / "a-minute.wav", silence(60.0))
        yield found
    finally:
        lab.down()


@pytest.fixture
def ami(info: LabInfo) -> Iterator[Ami]:
    """A manager's connection to it."""
    connected = Ami(info)
    yield connected
    connected.close()
