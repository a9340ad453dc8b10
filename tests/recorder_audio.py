"""Calls made of numbers: audio that a voice detector takes for speech, the files a PBX leaves of it, and its metadata.

Everything is generated, so that the tests need no voice, no file and no tool of the machine.
"""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from sqlalchemy import Engine

from compliance.evidence_key import EvidenceKey
from compliance.signing import public_half
from compliance.verdict import PackRef
from config.clock import ManualClock
from config.database import Base, open_database, reading, sqlite_url, writing
from config.ids import new_id
from recorder.archive_chain import signed_by
from recorder.archive_head import OWN_FILES
from recorder.catalogue import Recording, show
from recorder.keyring import KeyRing
from recorder.naming import Side, raw_name
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import Job, alerts, enqueue, jobs
from recorder.stores import ObjectStore
from recorder.vault import Vault
from sip.events import EndedBy

Samples = npt.NDArray[np.int16]
RATE = 8000
ANSWERED = datetime(2026, 3, 2, 15, 4, 5, 250_000, tzinfo=UTC)
PROMPT = "disclosure-en-1"
SITE_KEY = EvidenceKey(b"k" * 32, public_half(b"k" * 32))
ROUND_AT = timedelta(seconds=21)  # when the archivist of the tests looks: a second after a call of 20 s has ended


@cache
def speech(seed: int, seconds: float) -> Samples:
    """Voice-like sound: syllables of a gliding pitch under three formants, another for each seed."""
    random = np.random.default_rng(seed)
    length = int(seconds * RATE)
    sound = np.zeros(length)
    at = 0
    while at < length:
        end = min(length, at + int(random.uniform(0.12, 0.3) * RATE))
        count = end - at
        pitch = random.uniform(90, 220) * (1 + 0.1 * np.linspace(-1, 1, count) * random.uniform(-1, 1))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        formants = (
            (random.uniform(300, 800), 90, 1.0),
            (random.uniform(900, 2200), 120, 0.6),
            (random.uniform(2300, 3300), 180, 0.3),
        )
        syllable = np.zeros(count)
        for harmonic in range(1, 30):
            hertz = harmonic * pitch
            level = sum(gain / (1 + ((hertz - centre) / width) ** 2) for centre, width, gain in formants)
            syllable += np.where(hertz < 3600, level, 0.0) * np.sin(harmonic * phase)
        sound[at:end] = syllable * np.hanning(count) ** 0.4
        at = end + int(random.uniform(0.01, 0.06) * RATE)
    spoken: Samples = (sound / np.max(np.abs(sound)) * 8000).astype(np.int16)
    return spoken


def tone(hertz: float, seconds: float, level: int = 6000) -> Samples:
    """A sine."""
    wave: Samples = (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)
    return wave


def silence(seconds: float) -> Samples:
    """Digital silence."""
    return np.zeros(int(seconds * RATE), dtype=np.int16)


def joined(*parts: Samples) -> Samples:
    """One after the other."""
    return np.concatenate(parts)


def mu_law(samples: Samples) -> Samples:
    """What is left after a trip through G.711 mu-law."""
    coded = io.BytesIO()
    soundfile.write(coded, samples, RATE, format="RAW", subtype="ULAW")
    coded.seek(0)
    decoded, _ = soundfile.read(coded, samplerate=RATE, channels=1, format="RAW", subtype="ULAW", dtype="int16")
    back: Samples = decoded
    return back


def noisy(samples: Samples, snr_db: float, seed: int) -> Samples:
    """With white noise of `snr_db` below the sound (silence does not count as sound)."""
    sound = samples.astype(np.float64)
    power = np.mean(sound[sound != 0] ** 2) / 10 ** (snr_db / 10)
    noise = np.random.default_rng(seed).normal(0, np.sqrt(power), len(sound))
    spoiled: Samples = np.clip(sound + noise, -32768, 32767).astype(np.int16)
    return spoiled


def tone_level(samples: npt.NDArray[Any], hertz: float, rate: int = RATE) -> float:
    """Goertzel's algorithm: the amplitude of one frequency in the samples."""
    step = 2 * np.cos(2 * np.pi * hertz / rate)
    before, last = 0.0, 0.0
    for sample in samples.astype(np.float64):
        before, last = last, sample + step * last - before
    return float(np.sqrt(max(0.0, before**2 + last**2 - step * before * last)) * 2 / len(samples))


def wav_bytes(samples: Samples, *, rate: int = RATE, channels: int = 1, bits: int = 16, closed: bool = True) -> bytes:
    """A WAV as the PBX writes it; not `closed`: as its crash leaves it, with zeros for sizes."""
    pcm = samples.astype("<i2").tobytes()
    riff, data = (36 + len(pcm), len(pcm)) if closed else (0, 0)
    frame = channels * bits // 8
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * frame, frame, bits)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + layout + struct.pack("<4sI", b"data", data) + pcm


def a_record(call_id: str | None = None, *, lasted: timedelta = timedelta(seconds=20), **changes: Any) -> CallRecord:
    """An answered, disclosed and bridged call."""
    ended = ANSWERED + lasted
    record = CallRecord(
        call_id=call_id or new_id(ANSWERED),
        person="person-1",
        lead_id="lead-1",
        number="+12125550123",
        campaign="spring",
        agent_id="agent-1",
        answered_at=ANSWERED,
        announcement_at=ANSWERED + timedelta(milliseconds=200),
        announced_at=ANSWERED + timedelta(seconds=4),
        bridged_at=ANSWERED + timedelta(seconds=4, milliseconds=20),
        unbridged_at=ended,
        ended_at=ended,
        disposition="sale",
        abandoned=False,
        prompt=PROMPT,
        safe_harbour="sorry-en-1",
        packs=(PackRef("house", "1", "ab" * 32),),
        ended_by=EndedBy.CUSTOMER,
    )
    return replace(record, **changes)


def a_prompt() -> Samples:
    """The disclosure prompt of these tests."""
    return speech(7, 3.5)


def agent_side(agent_says: Samples) -> Samples:
    """What the customer hears: a moment, the prompt, a moment, the agent."""
    return joined(silence(0.3), a_prompt(), silence(0.5), agent_says)


def a_conversation(seconds: float = 20) -> dict[Side, Samples]:
    """Both sides of a disclosed call of that length, of at least 8 s."""
    agent = agent_side(speech(11, 2.5))
    customer = joined(silence(7), speech(12, 1))
    return {Side.AGENT: padded(agent, seconds), Side.CUSTOMER: padded(customer, seconds)}


def padded(samples: Samples, seconds: float) -> Samples:
    """Filled with silence, or cut, to that length."""
    whole = silence(seconds)
    length = min(len(whole), len(samples))
    whole[:length] = samples[:length]
    return whole


def leave(spool: Path, call_id: str, sides: dict[Side, Samples], *, closed: bool = True) -> None:
    """Puts raw files into the spool, as the PBX does."""
    spool.mkdir(exist_ok=True)
    for side, samples in sides.items():
        (spool / raw_name(call_id, side)).write_bytes(wav_bytes(samples, closed=closed))


@dataclass
class Site:
    """A directory with a database, a spool, prompts and an archive, and the archivist that works there."""

    directory: Path
    step: Callable[[str], None] = lambda _name: None
    clock: ManualClock = field(default_factory=lambda: ManualClock(ANSWERED + ROUND_AT))
    store: ObjectStore | None = None

    def __post_init__(self) -> None:
        self.engine = a_database(self.directory / "site.db")
        self.spool = self.directory / "spool"
        self.vault = a_vault(self.directory, self.store)
        self.spool.mkdir(exist_ok=True)
        prompts = self.directory / "prompts"
        prompts.mkdir(exist_ok=True)
        (prompts / f"{PROMPT}.wav").write_bytes(wav_bytes(a_prompt()))
        self.archivist = Archivist(self.engine, self.clock, self.spool, self.vault, prompts, step=self._stepped)

    def _stepped(self, name: str) -> None:
        self.step(name)  # looked up when it is called: a test sets it after the site was made

    def ended(self, *records: CallRecord) -> None:
        """Ends the calls: their jobs are queued."""
        with writing(self.engine) as connection:
            for record in records:
                enqueue(connection, record)

    def job(self, call_id: str) -> Job:
        with reading(self.engine) as connection:
            return jobs(connection, [call_id])[call_id]

    def told(self) -> list[tuple[str, str | None]]:
        """The kinds of the alerts, and the calls they are about."""
        with reading(self.engine) as connection:
            return [(alert.kind, alert.call_id) for alert in alerts(connection)]

    def recording(self, call_id: str) -> Recording:
        """The recording of a call that must have one."""
        found = show(self.engine, call_id)
        assert isinstance(found, Recording), found
        return found

    def raw(self) -> list[str]:
        """The names of the files in the spool."""
        return sorted(path.name for path in self.spool.iterdir() if path.name != ".archivist.lock")

    def kept(self) -> list[str]:
        """Every file of the archive, unfinished ones too."""
        root = self.vault.root
        names = (path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())
        return sorted(name for name in names if name not in OWN_FILES)

    def heard(self, recording: Recording) -> Samples:
        """The samples of a recording, agent left, as they come out of the archive."""
        with self.vault.open_audio(recording.archived) as file:
            audio: Samples = soundfile.read(file, dtype="int16")[0]
        return audio

    def close(self) -> None:
        self.archivist.close()
        self.engine.dispose()


def a_database(path: Path) -> Engine:
    """A SQLite file with all tables known so far."""
    engine = signed_by(open_database(sqlite_url(path)), SITE_KEY)
    Base.metadata.create_all(engine)
    return engine


def a_vault(directory: Path, store: ObjectStore | None = None, *, seals: bool = True) -> Vault:
    """The archive of a site in `directory`, with its keys."""
    return Vault(directory / "archive", KeyRing(directory / "secrets"), store, seals=seals)
