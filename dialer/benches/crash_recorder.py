"""What is left of the calls when the recorder is killed again and again?

A process archives; at a random step of its work, or at a random moment, it is ended by SIGKILL and the next one started. After
each kill the archive is proven and every call looked for. At the end every recording is decoded and compared with what was
recorded.
"""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import Engine

from compliance.evidence_key import evidence_key
from config import logs
from config.clock import SystemClock
from config.database import open_database, reading, sqlite_url
from dialer.benches.crash import CrashFailed, Outcome
from dialer.benches.crash_calls import NoisyCalls, vault_in
from dialer.benches.scratch import scratch_database
from recorder import store
from recorder.archive_chain import signed_by
from recorder.service import Archivist
from sip.leash import leash

STEPS = ("claimed", "encoded", "kept", "recorded", "committed", "published", "removed")
MOMENT_S = 1.0  # a process that is killed by the clock is killed within so long after its first step
PATIENCE_S = 120.0
CALL_S = 4
QUEUED = 3  # calls that wait when a process starts
FORKED = multiprocessing.get_context("forkserver")  # of a process that has loaded what they need: they start at once


@dataclass(frozen=True, slots=True)
class RecorderFigures:
    """The recorder was killed."""

    kills: int
    kills_at_steps: int  # the others at a moment of the clock
    outcome: Outcome
    seconds: float

    @property
    def intact(self) -> bool:
        """Whether nothing was lost, doubled, altered or found."""
        return self.outcome.intact


def measure_recorder_crash(kills: int, say: Callable[[str], None], seed: int = 1) -> RecorderFigures:
    """Kills an archivist so many times, on SQLite; at the same steps for the same seed. Raises CrashFailed."""
    stopwatch = SystemClock()
    began = stopwatch.monotonic()
    FORKED.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    with scratch_database() as (directory, engine):
        signed_by(engine, evidence_key(directory / "secrets"))
        calls, vault = NoisyCalls(directory, engine, random.Random(seed), CALL_S), vault_in(directory)
        at_steps = 0
        for kill in range(1, kills + 1):
            calls.leave(QUEUED)
            step = chance.choice(STEPS) if chance.random() < 0.5 else ""
            at_steps += bool(step)
            _killed(directory, step, chance)
            calls.look(vault)
            if kill % 10 == 0:
                told = f"{len(calls.recorded)} calls, {len(calls.lost)} lost, {calls.findings} findings"
                say(f"the recorder: {kill} of {kills} kills, {told}")
        _work_off(directory, engine)
        calls.look(vault)
        outcome = calls.outcome(vault)
    return RecorderFigures(kills, at_steps, outcome, round(stopwatch.monotonic() - began, 1))


def _killed(directory: Path, step: str, chance: random.Random) -> None:
    """Starts an archivist and sees it killed: at its first or second `step`, or without one at a moment after its first."""
    ours, theirs = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_archive, args=(str(directory), step, chance.choice((1, 2)), theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE_S):
            raise CrashFailed("the archivist did not begin")
        if not step:
            process.join(chance.uniform(0, MOMENT_S))
            process.kill()
        process.join(PATIENCE_S)
        if process.exitcode != -signal.SIGKILL:
            raise CrashFailed(f"the archivist was not killed, it ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()


def _archive(directory: str, deadly_step: str, time: int, pipe: Connection) -> None:
    """The process that is killed: archives until then. At the deadly step, when it comes to it for that time, it kills itself."""
    leash(os.getppid())
    logs.configure(json=True, level="CRITICAL")  # its words are not the bench's
    seen = 0

    def step(name: str) -> None:
        nonlocal seen
        if not seen:
            pipe.send(name)
        seen += name == deadly_step or not deadly_step
        if name == deadly_step and seen == time:
            os.kill(os.getpid(), signal.SIGKILL)

    site = Path(directory)
    engine = signed_by(open_database(sqlite_url(site / "ringfence.db")), evidence_key(site / "secrets"))
    archivist = Archivist(engine, SystemClock(), site / "spool", vault_in(site), site / "prompts", step=step)
    while True:
        archivist.work_once()


def _work_off(directory: Path, engine: Engine) -> None:
    archivist = Archivist(engine, SystemClock(), directory / "spool", vault_in(directory), directory / "prompts")
    try:
        with reading(engine) as connection:
            waiting = store.pending(connection)
        while waiting:
            if not archivist.work_once():
                raise CrashFailed(f"{waiting} calls wait and nothing is archived")
            with reading(engine) as connection:
                waiting = store.pending(connection)
    finally:
        archivist.close()
