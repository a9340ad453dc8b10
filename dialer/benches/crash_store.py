"""What is left of the calls when the object store is killed again and again while recordings are sent to it?

A real S3 server with its data on disk (`crash_s3`) is ended by SIGKILL, half of the times while a file is on its way, and
started again after a while. The recorder, a process of its own, goes on. While the store is dead, what waits for it must be
playable; when it is back, the archive is proven; in the end each recording must be in the store once, as it was recorded.
"""

import multiprocessing
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from compliance.evidence_key import evidence_key
from config import logs
from config.clock import SystemClock
from config.database import open_database, reading, sqlite_url, writing
from dialer.benches.crash import CrashFailed, Outcome
from dialer.benches.crash_calls import NoisyCalls, vault_in
from dialer.benches.crash_s3 import S3Server, ensure_s3_server
from dialer.benches.scratch import scratch_database
from recorder import store
from recorder.archive_chain import signed_by
from recorder.archive_head import HEAD, OWN_FILES
from recorder.naming import paths_of
from recorder.plan import AlertKind
from recorder.service import Archivist
from recorder.stores import ObjectStore, StoreDown
from recorder.vault import Archived, Vault
from sip.leash import leash

CALL_S = 30  # 750 KB of noise as FLAC: so long on its way that it can be hit there
QUEUED = 3  # calls that wait for the recorder when the next kill is due
MOMENT_S = 2.0  # by the clock it comes within so long
SENDING_S = 0.1  # or within so long after a file was begun to be sent
DOWN_S = 5.0  # the store is back within so long
FASTER = 30  # the recorder's clock: the half minute after which it tries a dead store again lasts a second
PATIENCE_S = 300.0
SPAWNED = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """The object store was killed."""

    kills: int
    kills_in_sending: int  # the recorder was at a file: sending it, reading it back, or trying again
    outages_told: int  # kills after which an alert said that the store is down: after the others it was back in time
    unplayable: int  # recordings that waited for the dead store and could not be played as they were recorded
    left_behind: int  # files that are not in the store in the end, or are there and of no recording
    outcome: Outcome
    seconds: float

    @property
    def intact(self) -> bool:
        """Whether nothing was lost, doubled, altered or found, all could be played, and all is in the store."""
        return self.outcome.intact and not (self.unplayable or self.left_behind)


def measure_store_crash(kills: int, say: Callable[[str], None], seed: int = 1) -> StoreFigures:
    """Kills an S3 server so many times. Raises CrashFailed, LabError, and StoreUnknown where `s3://` cannot be used."""
    stopwatch = SystemClock()
    began = stopwatch.monotonic()
    with scratch_database() as (directory, engine):
        signed_by(engine, evidence_key(directory / "secrets"))
        calls, chance = NoisyCalls(directory, engine, random.Random(seed), CALL_S), random.Random(seed)
        server = S3Server(ensure_s3_server(say), directory / "store")
        far = ObjectStore(server.url, **server.options)
        vault = vault_in(directory, far)
        with server:
            with _recorder(directory, server) as seen:
                in_sending = told = unplayable = 0
                for kill in range(1, kills + 1):
                    in_sending += _killed(server, calls, seen, chance)
                    unplayable += _unplayable(engine, vault, calls)
                    threading.Event().wait(chance.uniform(0, DOWN_S))
                    server.start()
                    calls.look(vault)
                    told += _told(engine)
                    if kill % 10 == 0:
                        found = f"{len(calls.recorded)} calls, {len(calls.lost)} lost, {calls.findings} findings"
                        say(f"the store: {kill} of {kills} kills, {found}")
                _wait_until(lambda: not _pending(engine) and not _here(vault), "all is archived and sent")
            calls.look(vault)
            outcome = calls.outcome(vault)
            left_behind = len(_here(vault)) + len(set(far.names()) ^ {HEAD, *_names(engine)})
    seconds = round(stopwatch.monotonic() - began, 1)
    return StoreFigures(kills, in_sending, told, unplayable, left_behind, outcome, seconds)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of a recorder: that it is sending a file now, that it has begun to, and what tells it to end."""

    sending: Event
    begun: Event
    over: Event


def _killed(server: S3Server, calls: NoisyCalls, seen: _Seen, chance: random.Random) -> bool:
    """Lets calls end, and kills the store soon after the recorder began to send, or by the clock; whether it was sending then."""
    seen.begun.clear()
    calls.leave(QUEUED)
    within_s = MOMENT_S
    if chance.random() < 0.5:
        _wait_until(seen.begun.is_set, "the recorder sends")
        within_s = SENDING_S
    threading.Event().wait(chance.uniform(0, within_s))
    in_sending = seen.sending.is_set()
    server.kill()
    return in_sending


class _Hurried(SystemClock):
    """The machine's clock, on which waiting is over sooner."""

    def monotonic(self) -> float:
        return super().monotonic() * FASTER


class _Watched(ObjectStore):
    """The store of a recorder that shows when it sends."""

    def __init__(self, url: str, seen: _Seen, **options: Any) -> None:
        super().__init__(url, **options)
        self._seen = seen

    def send(self, local: Path, name: str) -> None:
        self._seen.sending.set()
        self._seen.begun.set()
        try:
            super().send(local, name)
        finally:
            self._seen.sending.clear()


@contextmanager
def _recorder(directory: Path, server: S3Server) -> Iterator[_Seen]:
    """A recorder that archives to the server, until the end of the block. Raises CrashFailed."""
    seen = _Seen(SPAWNED.Event(), SPAWNED.Event(), SPAWNED.Event())
    process = SPAWNED.Process(target=_record, args=(os.getpid(), str(directory), server.url, server.options, seen))
    process.start()
    try:
        yield seen
        seen.over.set()
        process.join(PATIENCE_S)
        if process.exitcode != 0:
            raise CrashFailed(f"the recorder ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _record(owner: int, directory: str, url: str, options: Mapping[str, Any], seen: _Seen) -> None:
    """The process that records, until it is told that it is over."""
    leash(owner)
    logs.configure(json=True, level="CRITICAL")  # its words are not the bench's
    site = Path(directory)
    engine = signed_by(open_database(sqlite_url(site / "ringfence.db")), evidence_key(site / "secrets"))
    vault = vault_in(site, _Watched(url, seen, **options))
    archivist = Archivist(engine, _Hurried(), site / "spool", vault, site / "prompts")
    archivist.start()
    seen.over.wait()
    archivist.stop()


def _unplayable(engine: Engine, vault: Vault, calls: NoisyCalls) -> int:
    """How many of the recordings that wait here cannot be played, or are not what was recorded, now that the store is dead."""
    with reading(engine) as connection:
        waiting = [one for one in store.in_archive(connection) if _is_here(vault, one)]
    wrong = 0
    for one in waiting:
        try:
            wrong += not calls.is_whole(vault, one)
        except StoreDown:  # the recorder, which had seen it in the store before the kill, has just removed it here
            wrong += _is_here(vault, one)
    return wrong


def _is_here(vault: Vault, recording: Archived) -> bool:
    return all((vault.root / name).exists() for name in paths_of(recording.path))


def _told(engine: Engine) -> bool:
    """Whether people were told that the store is down; they have seen it now, and are told again next time."""
    with writing(engine) as connection:
        down = [one.id for one in store.alerts(connection) if one.kind == AlertKind.STORE_DOWN]
        return bool(store.mark_seen(connection, down))


def _pending(engine: Engine) -> int:
    with reading(engine) as connection:
        return store.pending(connection)


def _here(vault: Vault) -> list[str]:
    """What waits for the store."""
    names = (path.relative_to(vault.root).as_posix() for path in vault.root.rglob("*") if path.is_file())
    return [name for name in names if name not in OWN_FILES]


def _names(engine: Engine) -> set[str]:
    """The files of all recordings."""
    with reading(engine) as connection:
        return {name for one in store.in_archive(connection) for name in paths_of(one.path)}


def _wait_until(condition: Callable[[], object], what: str) -> None:
    """Raises CrashFailed when it does not come to be."""
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + PATIENCE_S
    while not condition():
        if clock.monotonic() > deadline:
            raise CrashFailed(f"{what}: not within {PATIENCE_S:g} s")
        pause.wait(0.01)
