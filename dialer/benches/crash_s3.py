"""Where does an object store come from that can be killed? Ceph's S3 gateway, a private one that keeps all it holds on disk.

It is fetched as the programs of the lab are (`sip.unpack`): from the Debian mirror of this machine, unpacked into the user's
cache, run without root by its own loader. Its DBStore keeps everything in a SQLite database, so that what it has acknowledged
outlives SIGKILL; what a request was about to write does not.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from config.clock import SystemClock
from dialer.benches.crash import CrashFailed
from sip.debian import Apt, LabError, mirrors
from sip.probe import free_port
from sip.unpack import SUITES, cache_directory

HOST = "127.0.0.1"
BUCKET = "recordings"
STARTS_WITHIN_S = 30.0
ANSWERS_WITHIN_S = 5  # its client may wait for the answer of a connection that died, for a minute if nobody says otherwise
_PROGRAMS = {"radosgw": "radosgw", "radosgw-admin": "ceph-common"}  # and the packages that bring them
_SETTINGS = """[global]
rgw_backend_store = dbstore
rgw_config_store = dbstore
dbstore_db_dir = {directory}
dbstore_config_uri = file:{directory}/config.db
rgw_data = {directory}
rgw_frontends = beast endpoint={host}:{port} tcp_nodelay=1
log_file = {directory}/log
admin_socket =
"""


class S3Server:
    """A store with its files in `directory`, and a bucket: it runs in a `with` block, and ends with us, however we end.

    Its address stays when it is started again.
    """

    def __init__(self, tree: Path, directory: Path) -> None:
        """Makes it, with one user who may do everything. Raises LabError."""
        directory.mkdir()
        self._directory = directory
        self._port = free_port(HOST, socket.SOCK_STREAM)
        self._program, admin = (_command(tree, name, directory / "ceph.conf") for name in _PROGRAMS)
        settings = _SETTINGS.format(directory=directory, host=HOST, port=self._port)
        (directory / "ceph.conf").write_text(settings, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        made = _run([*admin, "user", "create", "--uid=bench", "--display-name=bench"])  # makes keys, and tells them
        self._keys: dict[str, str] = json.loads(made)["keys"][0]

    def __enter__(self) -> Self:
        import fsspec  # noqa: PLC0415 -- who archives on the local disk need not have it, and has the other commands

        self.start()
        fsspec.filesystem("s3", skip_instance_cache=True, **self.options).makedirs(BUCKET, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """What `recorder.archive` would say."""
        return f"s3://{BUCKET}/archive"

    @property
    def options(self) -> dict[str, Any]:
        """What the environment would say: where it is, who asks, and how soon a request counts as failed."""
        return {
            "key": self._keys["access_key"],
            "secret": self._keys["secret_key"],
            "endpoint_url": f"http://{HOST}:{self._port}",
            "config_kwargs": {
                "retries": {"max_attempts": 1},
                "connect_timeout": ANSWERS_WITHIN_S,
                "read_timeout": ANSWERS_WITHIN_S,
            },
        }

    def start(self) -> None:
        """Starts it, and returns when it answers. Raises CrashFailed."""
        pause, clock = threading.Event(), SystemClock()
        deadline = clock.monotonic() + STARTS_WITHIN_S
        self._process = self._launched()
        while not self._answers():
            if clock.monotonic() > deadline:
                last = (self._directory / "out").read_text(errors="replace").splitlines()[-1:]
                raise CrashFailed(f"the S3 server does not start: {' '.join(last) or 'it said nothing'}")
            if self._process.poll() is not None:  # while it was dead somebody else had its port, maybe for a moment
                self._process = self._launched()
            pause.wait(0.02)

    def kill(self) -> None:
        """Ends it by SIGKILL, and returns when it is dead. Does nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _launched(self) -> subprocess.Popen[bytes]:
        leash = [sys.executable, "-P", "-m", "sip.leash", str(os.getpid()), str(self._directory)]
        with (self._directory / "out").open("ab") as said:
            return subprocess.Popen(  # noqa: S603 -- our own program, without a shell
                [*leash, *self._program, "-f"], stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self._port), timeout=1.0):
                return True
        except OSError:
            return False


def ensure_s3_server(say: Callable[[str], None]) -> Path:
    """Where the gateway is unpacked; fetched if it is not. Raises LabError. Safe to kill, and to call from several processes."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "s3.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if tree := next((cache / f"s3-{suite}" for suite in SUITES if (cache / f"s3-{suite}").is_dir()), None):
            return tree
        for leftover in cache.glob(".s3-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".s3-", dir=cache) as work:
            return _fetched(Path(work), cache, say)


def _fetched(work: Path, cache: Path, say: Callable[[str], None]) -> Path:
    complaint = LabError("apt knows no Debian mirror: add one to /etc/apt/sources.list.d")
    for mirror in mirrors():
        for suite in SUITES:
            apt, tree = Apt(work / f"apt-{suite}", mirror, suite), work / "tree"
            say(f"fetching an S3 server (radosgw) of Debian {suite}")
            try:
                apt.update()
                packages = [*_PROGRAMS.values()]
                # What else they depend on is for the tools and services that come with them.
                apt.unpack([name for name in apt.closure(packages) if name in packages or name.startswith("lib")], tree)
                for program in _PROGRAMS:
                    _run([*_loader(tree), str(tree / "usr/bin" / program), "--version"])
            except LabError as error:
                complaint = error
                shutil.rmtree(tree, ignore_errors=True)
                continue
            for other in set((tree / "usr/bin").iterdir()) - {tree / "usr/bin" / program for program in _PROGRAMS}:
                other.unlink()
            shutil.rmtree(tree / "usr/share")
            return tree.rename(cache / f"s3-{suite}")
    raise complaint


def _command(tree: Path, program: str, settings: Path) -> list[str]:
    return [*_loader(tree), str(tree / "usr/bin" / program), "-c", str(settings), "--no-mon-config", "-n", "client.admin"]


def _loader(tree: Path) -> list[str]:
    loader = next(tree.glob("usr/lib/*/ld-linux*.so.*"), None)
    if loader is None:
        raise LabError("the unpacked libc6 has no loader where it was expected")
    return [str(loader), "--library-path", f"{loader.parent}:{loader.parent / 'ceph'}"]


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 -- no shell
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        raise LabError(f"the S3 server does not run: {' '.join(said) or f'exit {done.returncode}'}")
    return done.stdout
