"""Which calls wait for the recorder when it is put to the test, and where are they afterwards?

Calls of noise, whose raw files lie in the spool as a PBX leaves them. Of each is known what was recorded, sample for sample; it
must be in the archive once, or its raw files in the spool and its job in the queue.
"""

import hashlib
import random
import wave
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from config.clock import SystemClock
from config.database import reading, writing
from config.ids import new_id
from dialer.benches.crash import Outcome, held
from recorder import store
from recorder.audio import pcm_sha256
from recorder.keyring import KeyLost, KeyRing
from recorder.naming import Side, raw_name
from recorder.pcm import RATE
from recorder.record import CallRecord
from recorder.store import JobState, enqueue
from recorder.stores import ObjectStore
from recorder.vault import AlteredRecording, Archived, Vault
from recorder.verification import verify_all
from sip.events import EndedBy


class NoisyCalls:
    """The calls of one bench in `directory`, each of so many seconds, and what was found of them so far."""

    def __init__(self, directory: Path, engine: Engine, chance: random.Random, seconds: int) -> None:
        self.spool = directory / "spool"
        self.recorded: dict[str, str] = {}  # call -> SHA-256 of its samples, agent left
        self.lost: set[str] = set()
        self.findings = 0
        self._engine = engine
        self._chance = chance
        self._seconds = seconds
        self.spool.mkdir()

    def leave(self, waiting: int) -> None:
        """Lets calls end until so many wait to be archived."""
        with reading(self._engine) as connection:
            missing = waiting - store.pending(connection)
        for _ in range(missing):
            record = _record(timedelta(seconds=self._seconds))
            noise = np.random.default_rng(self._chance.getrandbits(32)).normal(0, 2000, (self._seconds * RATE, 2))
            samples = noise.astype("<i2")
            for channel, side in enumerate(Side):
                with wave.open(str(self.spool / raw_name(record.call_id, side)), "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(RATE)
                    file.writeframes(samples[:, channel].tobytes())
            self.recorded[record.call_id] = hashlib.sha256(samples.tobytes()).hexdigest()
            with writing(self._engine) as connection:
                enqueue(connection, record)

    def look(self, vault: Vault) -> None:
        """Proves the archive and looks for every call; the recorder may be at work. Raises StoreDown."""
        self.findings += len(verify_all(self._engine, vault))
        archived, waiting = self._archived(), self._waiting()
        missing = {call_id for call_id in self.recorded.keys() - archived if call_id not in waiting or not self._is_raw(call_id)}
        self.lost |= missing - self._archived()  # archived since: only then may its raw files be gone

    def outcome(self, vault: Vault) -> Outcome:
        """What became of them, every recording decoded. Raises StoreDown."""
        once, doubled = held(self._engine, vault)
        with reading(self._engine) as connection:
            archived = list(store.in_archive(connection))
        differing = sum(not self.is_whole(vault, one) for one in archived)
        return Outcome(len(self.recorded), len(once), 0, len(self.lost), len(doubled), differing, self.findings)

    def is_whole(self, vault: Vault, recording: Archived) -> bool:
        """Whether it can be played, and is sample for sample what was recorded. Raises StoreDown."""
        try:
            with vault.open_audio(recording) as audio:
                return pcm_sha256(audio) == self.recorded.get(recording.call_id)
        except (AlteredRecording, KeyLost):
            return False

    def _archived(self) -> set[str]:
        with reading(self._engine) as connection:
            return {one.call_id for one in store.in_archive(connection)}

    def _waiting(self) -> set[str]:
        with reading(self._engine) as connection:
            jobs = store.jobs(connection, list(self.recorded))
        return {call_id for call_id, job in jobs.items() if job.state is JobState.PENDING}

    def _is_raw(self, call_id: str) -> bool:
        return all((self.spool / raw_name(call_id, side)).exists() for side in Side)


def vault_in(directory: Path, far: ObjectStore | None = None) -> Vault:
    """The archive of a bench in `directory`, sent to the store `far` if there is one."""
    return Vault(directory / "archive", KeyRing(directory / "secrets" / "archive-keys"), far)


def _record(lasted: timedelta) -> CallRecord:
    ended = SystemClock().now()
    answered = ended - lasted
    return CallRecord(
        call_id=new_id(ended),
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
