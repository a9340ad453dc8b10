"""Which processes belong to a lab, and how are they started and ended?

A part carries the lab's directory and its own name in its environment, which the kernel keeps beside the process: no
pid is written down that could go stale between two lines, be left by a crash, or name somebody else's process later.
"""

import os
import signal
import sys
import time
from pathlib import Path

_DIRECTORY = "RINGFENCE_LAB"
_NAME = "RINGFENCE_LAB_PART"
_POLL_S = 0.02


def start(directory: Path, name: str, argv: list[str], *, leashed: bool) -> int:
    """Starts one part, its output in `<directory>/log/<name>.out`; returns its pid.

    `leashed`: the part dies with this process (see sip/leash.py). Else it lives until `end`.
    """
    log = directory / "log" / f"{name}.out"
    log.parent.mkdir(parents=True, exist_ok=True)
    owner = os.getpid() if leashed else 0
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "sip.leash", str(owner), str(log.parent), *argv],
        {**os.environ, _DIRECTORY: str(directory), _NAME: name},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # Ctrl-C in a terminal is for the owner, which ends its parts in order
    )


def alive(directory: Path) -> dict[str, int]:
    """Name -> pid of every part of this lab that runs now, whoever started it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (name := _part(int(entry.name), directory)) is not None:
            found[name] = int(entry.name)
    return found


def end(directory: Path, patience_s: float) -> None:
    """Ends every part: asks (SIGTERM), waits up to `patience_s` seconds, then kills. Returns when none is left."""
    deadline = time.monotonic() + patience_s
    asked: set[int] = set()
    while running := set(alive(directory).values()) | {pid for pid in asked if not ended(pid)}:
        kill = time.monotonic() >= deadline
        for pid in running:
            if kill or pid not in asked:
                asked.add(pid)
                _signal(pid, signal.SIGKILL if kill else signal.SIGTERM)
        time.sleep(_POLL_S)
        reap(asked)


def reap(pids: set[int]) -> None:
    """Collects those of `pids` that were our children and are dead."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def ended(pid: int) -> bool:
    """Whether a process is gone, or dead and only not yet collected: its sockets are closed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def _part(pid: int, directory: Path) -> str | None:
    """The name of the part that process `pid` is of this lab; None for any other process, a dead one included."""
    environment = _environment(pid).split(b"\0")
    if f"{_DIRECTORY}={directory}".encode() not in environment:
        return None
    prefix = f"{_NAME}=".encode()
    return next((item.removeprefix(prefix).decode() for item in environment if item.startswith(prefix)), None)


def _environment(pid: int) -> bytes:
    try:
        for _ in range(10):
            # A process is without environment for an instant while it becomes another program, and once it is dead.
            if (environment := Path(f"/proc/{pid}/environ").read_bytes()) or ended(pid) or not Path(f"/proc/{pid}/exe").exists():
                return environment
            time.sleep(0.001)
    except OSError:  # not ours to look into, or gone
        pass
    return b""


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
