"""A private PostgreSQL server for tests: a directory and a port of its own, gone when the tests are over."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text


def postgresql_program(name: str) -> str | None:
    """Debian keeps the server's programs out of PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A private server on loopback in a directory of its own. It refuses to run as root, so root runs it as nobody."""
    pg_ctl = postgresql_program("pg_ctl")
    assert pg_ctl, "a PostgreSQL server without pg_ctl"
    user = "nobody" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="ringfence-postgresql-"))
    if user:
        shutil.chown(home, user)

    def control(*arguments: str) -> None:
        command = [pg_ctl, "-D", str(home / "db"), "-s", "-w", "-t", "60", *arguments]
        subprocess.run(command, check=True, user=user, cwd="/", stdin=subprocess.DEVNULL)

    port = a_free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off -c max_connections=200"
    try:
        control("initdb", "-o", "-U ringfence -A trust -E UTF8 --locale=C --no-sync")
        control("start", "-l", str(home / "log"), "-o", options)
        try:
            yield f"postgresql://ringfence@127.0.0.1:{port}/postgres"
        finally:
            control("stop", "-m", "fast")
    finally:
        shutil.rmtree(home)


def empty_database(server: str) -> str:
    """The URL of a new, empty database on the server at this URL."""
    name = f"t{os.urandom(8).hex()}"
    admin = create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return server.removesuffix("postgres") + name
