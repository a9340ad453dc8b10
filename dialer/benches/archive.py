"""How much of a processor does a recording cost on its way from the PBX's raw files to the archive?

All of it: both sides aligned, the prompt sought, speech and loudness measured, the waveform drawn, encoded, encrypted, read
back and compared, hashed, chained and written down, by the archivist and its worker as they run on a site. Beside it
ffmpeg, which only encodes the same files with the same codec, in the same run. Processor time is counted, not the clock's:
what else the machine does meanwhile matters little. The first call is left out: it starts the worker, which a site does once.
"""

import multiprocessing
import os
import resource
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import soundfile
from sqlalchemy import Engine

from compliance.evidence_key import EvidenceKey
from compliance.signing import public_half
from config.clock import SystemClock
from config.database import reading, sqlite_url, writing
from config.ids import new_id
from dialer.benches.scratch import fresh, scratch_directory
from dialer.benches.talk import RATE, a_conversation, a_prompt
from recorder import ffmpeg, store
from recorder.archive_chain import signed_by
from recorder.audio import ARCHIVED
from recorder.keyring import KeyRing
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import enqueue
from recorder.vault import Vault
from sip.events import EndedBy

TARGET = 2.0  # times ffmpeg's processor time
PROMPT = "disclosure-en"
_VARIETY = 4  # different conversations; the calls take them in turns


class NoFfmpeg(LookupError):
    """There is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class ArchiveFigures:
    """Calls from raw files to the archive, in one form, beside ffmpeg's encoding of the same files to that form alone."""

    form: str
    calls: int
    call_seconds: int  # of each
    processor_seconds: float
    call_hours_per_processor_hour: float
    ffmpeg_processor_seconds: float
    ffmpeg_call_hours_per_processor_hour: float
    times_ffmpeg: float
    target: float
    met: bool
    worker_peak_mb: int


@dataclass(frozen=True, slots=True)
class _Bench:
    """What is measured, and where."""

    directory: Path
    talks: list[Path]
    calls: int
    seconds: int
    ffmpeg: str
    say: Callable[[str], None]

    @property
    def in_turn(self) -> list[Path]:
        """The conversation of each call."""
        return [self.talks[number % len(self.talks)] for number in range(self.calls)]


def measure_archive(seconds: int, say: Callable[[str], None], calls: int = 20) -> tuple[ArchiveFigures, ...]:
    """So many calls of `seconds` each, in each form of the archive. Raises NoFfmpeg."""
    program = ffmpeg.program("opus")
    if program is None:
        raise NoFfmpeg("ffmpeg is missing: it is what the archive is measured beside (Debian: apt-get install ffmpeg)")
    with scratch_directory() as directory:
        say(f"making up {_VARIETY} conversations of {seconds} s")
        talks = [_a_call(directory / f"talk-{seed}", seconds, seed) for seed in range(_VARIETY)]
        prompts = directory / "prompts"
        prompts.mkdir()
        soundfile.write(prompts / f"{PROMPT}.wav", a_prompt(3, 99), RATE, subtype="PCM_16")
        bench = _Bench(directory, talks, calls, seconds, program, say)
        return tuple(_measured(form, bench) for form in ARCHIVED)


def _measured(form: str, bench: _Bench) -> ArchiveFigures:
    bench.say(f"{form}: {bench.calls} calls by ffmpeg, encoding alone")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for talk in bench.in_turn:
        _encode_alone(bench.ffmpeg, form, talk, bench.directory / f"alone.{form}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    alone = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    bench.say(f"{form}: the same by the archivist, all of it")
    with fresh(sqlite_url(bench.directory / f"{form}.db")) as database:
        whole, peak = _archived(form, signed_by(database, _a_key()), bench)
    hours = bench.calls * bench.seconds / 3600
    return ArchiveFigures(
        form=form,
        calls=bench.calls,
        call_seconds=bench.seconds,
        processor_seconds=round(whole, 3),
        call_hours_per_processor_hour=round(3600 * hours / whole, 1),
        ffmpeg_processor_seconds=round(alone, 3),
        ffmpeg_call_hours_per_processor_hour=round(3600 * hours / alone, 1),
        times_ffmpeg=round(whole / alone, 2),
        target=TARGET,
        met=whole <= TARGET * alone,
        worker_peak_mb=peak,
    )


def _a_key() -> EvidenceKey:
    secret = secrets.token_bytes(32)
    return EvidenceKey(secret, public_half(secret))


def _archived(form: str, database: Engine, bench: _Bench) -> tuple[float, int]:
    """Processor seconds that the archivist and its worker take for the calls, and the most memory the worker had."""
    site = bench.directory / form
    spool = site / "spool"
    spool.mkdir(parents=True)
    vault = Vault(site / "archive", KeyRing(site / "keys"))
    archivist = Archivist(database, SystemClock(), spool, vault, bench.directory / "prompts", form=form)
    try:
        _leave(database, spool, bench.talks[0], bench.seconds)
        _work_off(database, archivist)
        for talk in bench.in_turn:
            _leave(database, spool, talk, bench.seconds)
        before = _processor_seconds()
        _work_off(database, archivist)
        return _processor_seconds() - before, max(map(_peak_mb, _workers()))
    finally:
        archivist.close()


def _work_off(database: Engine, archivist: Archivist) -> None:
    """Archives until nothing waits. Raises RuntimeError when a call did not get into the archive."""
    waiting = 1
    while waiting:
        settled = archivist.work_once()
        with reading(database) as connection:
            waiting = store.pending(connection)
            told = [alert.text for alert in store.alerts(connection) if alert.kind not in {"disclosure_unproven"}]
        if told or not settled:
            raise RuntimeError(f"a call of the bench was not archived: {told[0] if told else 'nothing was settled'}")


def _workers() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]


def _processor_seconds() -> float:
    """What this process and its workers have used so far, ended children of theirs (ffmpeg) included."""
    ticks = 0
    for pid in (os.getpid(), *_workers()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # utime, stime, and those of children that were waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def _encode_alone(program: str, form: str, talk: Path, target: Path) -> None:
    """ffmpeg as anybody would call it: both files joined into one of two channels."""
    sources = ("-i", f"{talk}-agent.wav", "-i", f"{talk}-customer.wav", "-filter_complex", "join=inputs=2:channel_layout=stereo")
    coding = ffmpeg.CODINGS.get(form, ("-c:a", form, "-f", form))
    subprocess.run([program, "-v", "error", "-y", *sources, *coding, str(target)], check=True)  # noqa: S603 -- our own words


def _a_call(talk: Path, seconds: int, seed: int) -> Path:
    """The raw files of one conversation; the prompt is at the beginning of the agent's side."""
    agent, customer = a_conversation(seconds, seed)
    prompt = a_prompt(3, 99)[: len(agent)]
    agent[: len(prompt)] = prompt
    agent[len(prompt) : len(prompt) + RATE // 2] = 0
    for side, samples in (("agent", agent), ("customer", customer)):
        soundfile.write(f"{talk}-{side}.wav", samples, RATE, subtype="PCM_16")
    return talk


def _leave(database: Engine, spool: Path, talk: Path, seconds: int) -> None:
    """A call of these files has ended."""
    ended = SystemClock().now()
    call_id = new_id(ended)
    for side in ("agent", "customer"):
        os.link(f"{talk}-{side}.wav", spool / f"{call_id}-{side}.wav")
    answered = ended - timedelta(seconds=seconds)
    record = CallRecord(
        call_id=call_id,
        person="bench",
        lead_id="bench",
        number="+12125550100",
        campaign="bench",
        agent_id="101",
        answered_at=answered,
        announcement_at=answered,
        announced_at=answered + timedelta(seconds=3),
        bridged_at=answered + timedelta(seconds=3),
        unbridged_at=ended,
        ended_at=ended,
        disposition="sale",
        abandoned=False,
        prompt=PROMPT,
        safe_harbour="safe-harbour-en",
        packs=(),
        ended_by=EndedBy.FLOOR,
    )
    with writing(database) as connection:
        enqueue(connection, record)
