"""Purges of sites in processes of their own, made to be killed by the tests: one is started for all of them, and forks for each.

Arguments: pairs of a site's directory and the step at which to die by SIGKILL ("file 2": when the second file is removed). Prints
by which signal each one died, 0 for none.
"""

import os
import signal
import sys
from pathlib import Path

from config.database import sqlite_url
from recorder import purge
from recorder.stores import ObjectStore
from recorder.vault import Vault
from tests.kept_recordings import LATER, a_room


class DeadlyStore(ObjectStore):
    """A store in a folder, that kills the process when the given number of files has been removed from it."""

    def __init__(self, url: str, deadly_file: int) -> None:
        super().__init__(url)
        self._left = deadly_file

    def remove(self, name: str) -> None:
        super().remove(name)
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def purged_to_the(deadly_step: str, directory: Path) -> None:
    def step(name: str) -> None:
        if name == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)

    room = a_room(sqlite_url(directory / "site.db"), directory)
    deadly_file = int(deadly_step.removeprefix("file ")) if deadly_step.startswith("file ") else 0
    vault = Vault(room.vault.root, room.vault.ring, DeadlyStore(f"file://{directory}/store", deadly_file))
    purge.apply(room.engine, vault, room.order(), LATER, step=step)


def main() -> None:
    for directory, deadly_step in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        child = os.fork()
        if child == 0:
            purged_to_the(deadly_step, Path(directory))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")


if __name__ == "__main__":
    main()
