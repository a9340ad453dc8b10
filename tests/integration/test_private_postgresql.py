"""A private PostgreSQL server serves its owner, nobody else, and not a moment longer than the owner lives."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import private_postgresql as module
from config.database import open_database, reading, writing
from config.private_postgresql import PostgresqlUnavailable, PrivateServer, private_postgresql, programs

pytestmark = pytest.mark.postgresql

OWNER = """
import sys
from config.private_postgresql import private_postgresql
with private_postgresql(durable=False) as server:
    print(server.directory, flush=True)
    sys.stdin.read()
"""


@contextmanager
def an_owner() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a server, and the server's directory."""
    command = [sys.executable, "-P", "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        yield owner, Path(owner.stdout.readline().strip())


def postmaster(directory: Path) -> int:
    return int((directory / "db" / "postmaster.pid").read_text().split()[0])


def leash_of(server: int) -> int:
    return int(Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()[1])


def wait_for_the_end_of(*processes: int) -> None:
    """Until the kernel says that each is gone, whoever's child it is."""
    for watched in processes:
        assert select.select([watched], [], [], 60)[0], "still there"
        os.close(watched)


def test_a_server_is_durable_when_asked_to_be_and_has_the_settings_it_was_given() -> None:
    with private_postgresql(durable=True, settings={"work_mem": "5MB"}) as server:
        engine = open_database(server.url())
        with reading(engine) as connection:
            shown = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("fsync", "work_mem", "listen_addresses")]
        engine.dispose()
        assert shown == ["on", "5MB", ""]
        directory = server.directory
    assert not directory.exists()


def test_nobody_else_can_reach_the_server(postgresql_server: PrivateServer) -> None:
    directory = postgresql_server.directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    number = postmaster(directory)
    sockets = {str(entry.readlink()) for entry in Path(f"/proc/{number}/fd").iterdir()}
    assert any(entry.startswith("socket:") for entry in sockets)
    listed = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/{number}/net/{name}").read_text().splitlines()]
    assert not sockets & {f"socket:[{fields[9]}]" for fields in listed[1:] if len(fields) > 9}
    with socket.socket(socket.AF_UNIX) as ours:
        ours.connect(str(directory / ".s.PGSQL.5432"))


def test_two_new_databases_know_nothing_of_each_other(postgresql_server: PrivateServer) -> None:
    one, other = (open_database(postgresql_server.new_database()) for _ in range(2))
    with writing(one) as connection:
        connection.exec_driver_sql("CREATE TABLE mine (n int)")
    with reading(other) as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('mine')").scalar() is None
    one.dispose()
    other.dispose()


def test_the_server_and_its_files_go_when_the_owner_is_killed() -> None:
    with an_owner() as (owner, directory):
        server = postmaster(directory)
        watched = [os.pidfd_open(process) for process in (server, leash_of(server))]
        owner.kill()
        wait_for_the_end_of(*watched)
    assert not directory.exists()


def test_the_server_goes_when_what_holds_it_is_killed() -> None:
    with an_owner() as (owner, directory):
        server = postmaster(directory)
        watched = os.pidfd_open(server)
        os.kill(leash_of(server), signal.SIGKILL)
        wait_for_the_end_of(watched)
        owner.communicate("")
        assert owner.returncode == 0
    for path in sorted(directory.rglob("*"), reverse=True):  # the one way in which files stay
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    directory.rmdir()


def test_an_error_inside_the_block_ends_the_server_too() -> None:
    seen: list[Path] = []

    def work() -> None:
        with private_postgresql(durable=False) as server:
            seen.append(server.directory)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert seen
    assert not seen[0].exists()


def test_a_machine_without_a_server_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "DEBIAN", tmp_path)
    with pytest.raises(PostgresqlUnavailable, match=r"apt-get install postgresql"), private_postgresql(durable=False):
        raise AssertionError("there is none")


def test_of_several_versions_the_newest_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(module, "DEBIAN", tmp_path)
    assert programs() is None
    for version, names in {"9.6": ("postgres", "initdb"), "15": ("postgres", "initdb"), "17": ("postgres",)}.items():
        (tmp_path / version / "bin").mkdir(parents=True)
        for name in names:
            (tmp_path / version / "bin" / name).touch()
    assert programs() == tmp_path / "15" / "bin"


def test_a_directory_that_cannot_hold_a_server_is_told_before_anything_starts(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    with pytest.raises(PostgresqlUnavailable, match="too long for a socket"), private_postgresql(deep, durable=False):
        raise AssertionError("no socket can be made there")
    assert not list(deep.iterdir())
    with pytest.raises(PostgresqlUnavailable, match="No such file"), private_postgresql(tmp_path / "none", durable=False):
        raise AssertionError("there is no such directory")
