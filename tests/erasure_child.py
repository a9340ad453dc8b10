"""Erasure requests worked in processes of their own, made to be killed by the tests: one is started for all, and forks for each.

Arguments: pairs of a site's directory and the step at which to die by SIGKILL. Prints by which signal each one died.
"""

import os
import signal
import sys
from pathlib import Path

from config.database import sqlite_url
from recorder import erasure
from tests.kept_recordings import LATER, a_room


def worked_to_the(deadly_step: str, directory: Path) -> None:
    def step(name: str) -> None:
        if name == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)

    room = a_room(sqlite_url(directory / "site.db"), directory)
    erasure.work(room.engine, room.vault, room.order(0), 1, LATER, step=step)


def main() -> None:
    for directory, deadly_step in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        child = os.fork()
        if child == 0:
            worked_to_the(deadly_step, Path(directory))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")


if __name__ == "__main__":
    main()
