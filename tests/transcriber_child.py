"""One transcript made in a process of its own, which the tests kill. The engine's pid is printed before.

Arguments: the directory of the site, and the step at which to die by SIGKILL; "listening": while the engine is at work.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

from config.clock import ManualClock
from config.database import reading
from recorder import transcripts
from recorder.hearing import Hearing
from recorder.transcribing import Transcriber
from tests.hearing_engine import PitchEngine
from tests.recorder_audio import ANSWERED, ROUND_AT, a_database, a_vault


def main() -> None:
    directory, deadly_step = Path(sys.argv[1]), sys.argv[2]

    def step(name: str) -> None:
        if name == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = ManualClock(ANSWERED + ROUND_AT)
    engine, vault = a_database(directory / "site.db"), a_vault(directory)
    hearing = Hearing(vault, partial(PitchEngine, directory / "model"))
    hearing.begin()
    assert hearing._running is not None
    sys.stdout.write(f"{hearing._running.process.pid}\n")
    sys.stdout.flush()
    sys.stdin.readline()  # whoever is to see the engine end has it in view
    with reading(engine) as connection:
        (recording,) = transcripts.waiting(connection, clock.now(), 1)
    Transcriber(engine, vault, clock, hearing, step=step).transcribe(recording, lambda _part: step("listening"))


if __name__ == "__main__":
    main()
