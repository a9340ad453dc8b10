"""Runs a private PostgreSQL server that ends when its owner ends, and takes its files with it.

`python -m config.postgresql_leash PROGRAMS PARENT SETTING=VALUE...` makes a directory in PARENT, starts a server in it and
says `ready DIRECTORY`, or `failed` and why. It holds the far end of a pipe: when the owner says so, or is gone, however it
went, the kernel closes the pipe, the server is ended and the directory removed. There is no other way out to be forgotten.
A leash that is itself killed takes the server along (prctl(2), PR_SET_PDEATHSIG); its directory then stays.
"""

import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

READY, FAILED = "ready", "failed"
SUPERUSER = "ringfence"  # inside the server
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root, so root runs it as this user
LONGEST_SOCKET_PATH = 107  # of sockaddr_un
SOCKET = ".s.PGSQL.5432"  # no other server's: the directory is this one's

_PR_SET_PDEATHSIG = 1
_LOOK_AGAIN_S = 0.02  # how often a server that starts is asked whether it is ready; pg_ctl does the same


class ServerFailed(Exception):
    """The server cannot be run here; the message says why."""


class _OwnerGone(Exception):
    """There is nobody to run it for any more."""


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom the server runs as: None for whoever we are."""

    user: int | None
    group: int | None


def main(argv: Sequence[str]) -> int:
    """Runs the server until standard input has something to say or ends; 1 if it could not be run."""
    programs, parent, settings = Path(argv[0]), argv[1], argv[2:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # by way of what removes the directory
    home: Path | None = None
    try:
        home = Path(tempfile.mkdtemp(prefix="ringfence-postgresql-", dir=parent))  # of mode 0700: nobody else's socket
        _run(programs, home, settings)
    except _OwnerGone:
        pass
    except (ServerFailed, OSError) as error:
        print(FAILED, " ".join(str(error).split()), flush=True)  # noqa: T201 -- the owner reads it
        return 1
    finally:
        if home is not None:
            shutil.rmtree(home)
    return 0


def _run(programs: Path, home: Path, settings: Sequence[str]) -> None:
    if len(str(home / SOCKET)) > LONGEST_SOCKET_PATH:
        raise ServerFailed(f"{home.parent}: the path is too long for a socket: use one of at most 60 characters")
    account = _account()
    if account.user is not None and account.group is not None:
        os.chown(home, account.user, account.group)
    _make_cluster(programs, home, account)
    with (home / "log").open("wb") as log:
        server = _start(programs, home, settings, account, log.fileno())
        try:
            _until_ready(server, home)
            print(READY, home, flush=True)  # noqa: T201 -- the owner reads it
            _until_either_ends(server)
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, its children too: nothing in it is kept
            server.wait()


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account(None, None)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return _Account(entry.pw_uid, entry.pw_gid)


def _make_cluster(programs: Path, home: Path, account: _Account) -> None:
    # Whoever can open the socket is trusted: the directory it is in lets nobody else in, and nothing listens on TCP.
    options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    command = [str(programs / "initdb"), "-D", str(home / "db"), *options]
    made = subprocess.run(  # noqa: S603 -- PostgreSQL's own program, without a shell
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        user=account.user,
        group=account.group,
        extra_groups=None if account.user is None else (),
        check=False,
    )
    if made.returncode:
        raise ServerFailed(f"initdb: {made.stderr.decode(errors='replace').strip() or made.returncode}")


def _start(programs: Path, home: Path, settings: Sequence[str], account: _Account, log: int) -> subprocess.Popen[bytes]:
    listening = (f"unix_socket_directories={home}", "listen_addresses=", "unix_socket_permissions=0700")
    options = [word for setting in (*listening, *settings) for word in ("-c", setting)]
    us = os.getpid()

    def die_with_us() -> None:
        # After the change of user, which would undo it. SIGQUIT: the server ends its children and frees its shared memory.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
        if os.getppid() != us:
            os._exit(1)

    return subprocess.Popen(  # noqa: S603 -- as above
        [str(programs / "postgres"), "-D", str(home / "db"), *options],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        user=account.user,
        group=account.group,
        extra_groups=None if account.user is None else (),
        preexec_fn=die_with_us,  # noqa: PLW1509 -- this process has one thread
    )


def _until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    """The last line of its pid file says `ready` once it takes connections (pg_ctl reads it there too)."""
    state = home / "db" / "postmaster.pid"
    while not (state.exists() and state.read_text().split()[-1:] == ["ready"]):
        if server.poll() is not None:
            said = (home / "log").read_text(errors="replace").split("\n")
            raise ServerFailed(f"the server does not start: {' '.join(said[-6:]).strip() or server.returncode}")
        if select.select([sys.stdin], [], [], _LOOK_AGAIN_S)[0]:
            raise _OwnerGone


def _until_either_ends(server: subprocess.Popen[bytes]) -> None:
    watched = os.pidfd_open(server.pid)
    try:
        select.select([sys.stdin, watched], [], [])
    finally:
        os.close(watched)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
