"""What is left of the calls when the recorder is killed again and again?

A process archives; at a random step of its work, or at a random moment, it is ended by SIGKILL and the next one started. After
each kill the archive is proven and every call looked for: it must be in the archive once, or its raw files in the spool and its
job in the queue. At the end every recording is decoded and compared with what was recorded.
"""

import hashlib
import multiprocessing
import os
import random
import signal
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, func, select

from compliance.evidence_key import evidence_key
from config import logs
from config.clock import SystemClock
from config.database import open_database, reading, sqlite_url, writing
from config.ids import new_id
from dialer.benches.scratch import scratch_database
from recorder import store
from recorder.archive_chain import ARCHIVED, recording_chain, signed_by
from recorder.audio import pcm_sha256
from recorder.keyring import KeyRing
from recorder.naming import Side, call_of, paths_of, raw_name
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import JobState, enqueue
from recorder.vault import Vault
from recorder.verification import verify_all
from sip.events import EndedBy

STEPS = ("claimed", "encoded", "kept", "recorded", "committed", "published", "removed")
MOMENT_S = 1.0  # a process that is killed by the clock is killed within so long after its first step
PATIENCE_S = 120.0
CALL_S = 4
QUEUED = 3  # calls that wait when a process starts
RATE = 8000
FORKED = multiprocessing.get_context("forkserver")  # of a process that has loaded what they need: they start at once


class CrashFailed(RuntimeError):
    """The process did not come to be killed: what was measured says nothing."""


@dataclass(frozen=True, slots=True)
class CrashFigures:
    """What became of the calls."""

    kills: int
    kills_at_steps: int  # the others at a moment of the clock
    calls: int
    archived_once: int
    lost: int
    doubled: int
    differing: int  # decoded, not sample for sample what was recorded
    findings: int  # of `recording verify`, after each kill and at the end
    seconds: float

    @property
    def intact(self) -> bool:
        """Whether nothing was lost, doubled, altered or found."""
        return self.archived_once == self.calls and not (self.lost or self.doubled or self.differing or self.findings)


@dataclass(slots=True)
class _Site:
    """Where it happens, and what is known of the calls that ended there."""

    directory: Path
    engine: Engine
    chance: random.Random
    recorded: dict[str, str] = field(default_factory=dict)  # call -> SHA-256 of its samples, agent left
    lost: set[str] = field(default_factory=set)
    findings: int = 0

    @property
    def vault(self) -> Vault:
        return _vault(self.directory)


def measure_crash(kills: int, say: Callable[[str], None], seed: int = 1) -> CrashFigures:
    """Kills an archivist so many times, on SQLite; at the same steps for the same seed. Raises CrashFailed."""
    stopwatch = SystemClock()
    began = stopwatch.monotonic()
    FORKED.set_forkserver_preload([__name__])
    with scratch_database() as (directory, engine):
        (directory / "spool").mkdir()
        site = _Site(directory, signed_by(engine, evidence_key(directory / "secrets")), random.Random(seed))
        at_steps = 0
        for kill in range(1, kills + 1):
            _leave_calls(site)
            step = site.chance.choice(STEPS) if site.chance.random() < 0.5 else ""
            at_steps += bool(step)
            _killed(site, step)
            _look(site)
            if kill % 10 == 0:
                say(f"{kill} of {kills} kills, {len(site.recorded)} calls, {len(site.lost)} lost, {site.findings} findings")
        _work_off(site)
        _look(site)
        once, doubled, differing = _counted(site)
    seconds = round(stopwatch.monotonic() - began, 1)
    return CrashFigures(kills, at_steps, len(site.recorded), once, len(site.lost), doubled, differing, site.findings, seconds)


def _leave_calls(site: _Site) -> None:
    """Lets so many calls end that QUEUED wait."""
    with reading(site.engine) as connection:
        waiting = store.pending(connection)
    for _ in range(QUEUED - waiting):
        ended = SystemClock().now()
        call_id = new_id(ended)
        samples = np.random.default_rng(site.chance.getrandbits(32)).normal(0, 2000, (CALL_S * RATE, 2)).astype("<i2")
        for channel, side in enumerate(Side):
            with wave.open(str(site.directory / "spool" / raw_name(call_id, side)), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(samples[:, channel].tobytes())
        site.recorded[call_id] = hashlib.sha256(samples.tobytes()).hexdigest()
        with writing(site.engine) as connection:
            enqueue(connection, _record(call_id))


def _killed(site: _Site, step: str) -> None:
    """Starts an archivist and sees it killed: at its second `step`, or without one at a moment after its first."""
    ours, theirs = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_archive, args=(str(site.directory), step, site.chance.choice((1, 2)), theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE_S):
            raise CrashFailed("the archivist did not begin")
        if not step:
            process.join(site.chance.uniform(0, MOMENT_S))
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
    archivist = Archivist(engine, SystemClock(), site / "spool", _vault(site), site / "prompts", step=step)
    while True:
        archivist.work_once()


def _look(site: _Site) -> None:
    """Where every call is now: in the archive, or waiting with its files."""
    site.findings += len(verify_all(site.engine, site.vault))
    with reading(site.engine) as connection:
        archived = {one.call_id for one in store.in_archive(connection)}
        waiting = {
            call_id for call_id, job in store.jobs(connection, list(site.recorded)).items() if job.state is JobState.PENDING
        }
    for call_id in site.recorded.keys() - archived:
        raw = all((site.directory / "spool" / raw_name(call_id, side)).exists() for side in Side)
        if call_id not in waiting or not raw:
            site.lost.add(call_id)


def _work_off(site: _Site) -> None:
    archivist = Archivist(site.engine, SystemClock(), site.directory / "spool", site.vault, site.directory / "prompts")
    try:
        with reading(site.engine) as connection:
            waiting = store.pending(connection)
        while waiting:
            if not archivist.work_once():
                raise CrashFailed(f"{waiting} calls wait and nothing is archived")
            with reading(site.engine) as connection:
                waiting = store.pending(connection)
    finally:
        archivist.close()


def _counted(site: _Site) -> tuple[int, int, int]:
    """How many calls are in the archive once, more than once, and not as they were recorded."""
    with reading(site.engine) as connection:
        archived = {one.call_id: one for one in store.in_archive(connection)}
        links = select(recording_chain.c.call_id, func.count()).where(recording_chain.c.kind == ARCHIVED)
        linked = {row[0]: row[1] for row in connection.execute(links.group_by(recording_chain.c.call_id))}
    files = site.vault.files()
    expected = {name for one in archived.values() for name in paths_of(one.path)}
    doubled = {call_id for call_id, count in linked.items() if count > 1} | {call_of(name) for name in set(files) - expected}
    differing = 0
    for call_id, one in archived.items():
        with site.vault.open_audio(one) as audio:
            differing += pcm_sha256(audio) != site.recorded[call_id]
    return len(archived.keys() - doubled), len(doubled), differing


def _vault(directory: Path) -> Vault:
    return Vault(directory / "archive", KeyRing(directory / "secrets" / "archive-keys"))


def _record(call_id: str) -> CallRecord:
    ended = SystemClock().now()
    answered = ended - timedelta(seconds=CALL_S)
    return CallRecord(
        call_id=call_id,
        person="bench",
        lead_id="bench",
        number="+12125550100",
        campaign="bench",
        agent_id="101",
        answered_at=answered,
        announcement_at=answered,
        announced_at=answered,
        bridged_at=answered,
        unbridged_at=ended,
        ended_at=ended,
        disposition="sale",
        abandoned=False,
        prompt="disclosure-en",
        safe_harbour="safe-harbour-en",
        packs=(),
        ended_by=EndedBy.FLOOR,
    )
