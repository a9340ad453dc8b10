"""How fast does a recording go from the PBX's raw files to the archive?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import soundfile

from config.clock import SystemClock
from config.database import writing
from config.ids import new_id
from dialer.benches.scratch import scratch_database, seconds_of
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import enqueue
from recorder.vault import Vault
from sip.events import EndedBy


@dataclass(frozen=True, slots=True)
class ArchiveFigures:
    """One long call from raw files to the archive, all of it, beside the FLAC encoding of the same audio alone."""

    call_seconds: float
    seconds: float
    call_seconds_per_second: float  # how many seconds of call are archived in one
    encode_seconds: float
    encode_times: float  # how many times longer than the encoding alone


def measure_archive(seconds: int, say: Callable[[str], None]) -> ArchiveFigures:
    """A call of `seconds`, speech-like noise on both sides."""
    stopwatch = SystemClock()
    rng = np.random.default_rng(1)
    loudness = np.repeat(rng.choice((0.0, 0.3), size=seconds), 8000)
    sides = np.stack([loudness, np.roll(loudness, 8000)]) * rng.normal(0, 0.3, (2, seconds * 8000))
    with scratch_database() as (directory, database):
        spool = directory / "spool"
        spool.mkdir()
        call_id = new_id(stopwatch.now())
        for side, name in zip(sides, ("agent", "customer"), strict=True):
            soundfile.write(spool / f"{call_id}-{name}.wav", np.clip(side, -1, 1), 8000, subtype="PCM_16")
        say(f"encoding {seconds} s of stereo alone")
        encoded = seconds_of(stopwatch, lambda: soundfile.write(directory / "alone.flac", np.clip(sides.T, -1, 1), 8000))
        ended = stopwatch.now()
        with writing(database) as connection:
            enqueue(connection, _record(call_id, ended, seconds))
        archivist = Archivist(database, stopwatch, spool, Vault(directory / "archive"), directory / "prompts")
        say("aligning, measuring, encoding, hashing and archiving the same")

        def archive() -> None:
            while not any((directory / "archive").rglob("*.flac")):
                archivist.work_once()

        took = seconds_of(stopwatch, archive)
        archivist.close()
    return ArchiveFigures(float(seconds), took, seconds / took, encoded, took / encoded)


def _record(call_id: str, ended: datetime, seconds: int) -> CallRecord:
    answered = ended - timedelta(seconds=seconds)
    return CallRecord(
        call_id=call_id,
        person="bench",
        lead_id="bench",
        number="+12125550100",
        campaign="bench",
        agent_id="101",
        answered_at=answered,
        announcement_at=answered,
        announced_at=answered + timedelta(seconds=2),
        bridged_at=answered + timedelta(seconds=2),
        unbridged_at=ended,
        ended_at=ended,
        disposition="sale",
        abandoned=False,
        prompt="disclosure-en",
        safe_harbour="safe-harbour-en",
        packs=(),
        ended_by=EndedBy.FLOOR,
    )
