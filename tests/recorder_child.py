"""One round of the archivist in a process of its own, made to be killed or starved by the tests.

Arguments: the directory of the site, the step at which to die by SIGKILL ("" for none), the largest file allowed in
bytes (0 for any). Prints the pids of its workers before it dies, else the number of settled calls.
"""

import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path

from config.clock import ManualClock
from recorder.service import Archivist
from tests.recorder_audio import ANSWERED, ROUND_AT, a_database, a_vault


def say(*words: object) -> None:
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
    sys.stdout.flush()


def main() -> None:
    directory, deadly_step, file_limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    def step(name: str) -> None:
        if name == deadly_step:
            say(*(child.pid for child in multiprocessing.active_children()))
            os.kill(os.getpid(), signal.SIGKILL)

    clock = ManualClock(ANSWERED + ROUND_AT)
    vault = a_vault(directory)
    engine = a_database(directory / "site.db")
    archivist = Archivist(engine, clock, directory / "spool", vault, directory / "prompts", step=step)
    say(archivist.work_once())
    archivist.close()
    engine.dispose()
