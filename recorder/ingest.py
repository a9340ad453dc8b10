"""What does one call's raw audio hold, measured and encoded?

The work of one call, made to run in another process: it is handed paths and gives back values, and knows neither the
database nor the queue. It only reads the raw files, and writes one unfinished file. Both sides are read once, in blocks,
and every block is shown to whatever wants to know of it on its way to the encoder.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recorder import audio, wav
from recorder.disclosure import TRACE, Found, Template, Verdict, find, template, verdict
from recorder.flags import Flags, SideHeard, flags_of_audio
from recorder.forms import OURS
from recorder.levels import Levels, Meter
from recorder.naming import HostileName, safe
from recorder.pcm import Samples, to_ms
from recorder.peaks import Pen, Waveform
from recorder.record import CallRecord
from recorder.sealing import Seal
from recorder.segments import Segment, word_before
from recorder.speech import SpeechMeasures, conversation, measure
from recorder.vad import FRAME_MS, VoiceDetector
from recorder.vault import naming_the_place
from recorder.wav import NotAudio, Wav
from sip.port import DisclosedBy

PROMPT_TAIL_MS = 20  # the PBX fills the last packet of a prompt


@dataclass(frozen=True, slots=True)
class Task:
    """The raw files of a call (None: it did not come), where to write, and what should be heard in it.

    Stretches are in milliseconds of the recording. `attested`: somebody other than the audio says that the customer was told.
    """

    call_id: str
    agent: Path | None
    customer: Path | None
    part: Path
    prompt: Path | None  # None: the id of the prompt cannot be a file
    agent_joined: bool
    form: str = "flac"  # one of audio.ARCHIVED
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    attested: bool = False
    joined: tuple[Segment, ...] = ()  # when which agent was on the call, if that is known
    paused: tuple[Segment, ...] = ()  # what was not captured: silence on both sides
    seal: Seal | None = None  # what the audio is sealed with on its way to the disk


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud the speech of each side is, in dBFS (None: there is none), and how many of its samples are at full scale."""

    agent_loudness_db: float | None
    customer_loudness_db: float | None
    agent_clipped: int
    customer_clipped: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was found in the audio that now lies in the unfinished file."""

    duration_ms: int
    flags: Flags
    verdict: Verdict
    found: Found | None
    prompt_sha256: str | None
    agent_audio_from_ms: int | None  # the agent's line after the prompt: no line is digitally silent; None without an agent
    measures: SpeechMeasures
    loudness: Loudness
    waveform: Waveform
    form: str = "flac"


class _Side:
    """One side on its way: what hears it."""

    def __init__(self) -> None:
        self.detector = VoiceDetector()
        self.meter = Meter()

    def feed(self, samples: Samples) -> None:
        self.detector.feed(samples)
        self.meter.feed(samples)


def task_of(record: CallRecord, files: tuple[Path | None, Path | None], part: Path, prompts: Path, form: str) -> Task:
    """The work on the call of `record`, whose agent's and customer's raw files are `files`."""
    try:
        prompt = prompts / f"{safe('prompt', record.prompt)}.wav"
    except HostileName:
        prompt = None
    began, told_at = record.captured_from, record.announced_at
    joined = ((record.ms_at(one.since), record.ms_at(one.until or record.over_at)) for one in record.agents)
    return Task(
        call_id=record.call_id,
        agent=files[0],
        customer=files[1],
        part=part,
        prompt=prompt,
        agent_joined=record.agent_may_have_spoken,
        form=form,
        disclosed_by=record.disclosed_by,
        attested=record.confirmed_at is not None or (told_at is not None and began is not None and told_at <= began),
        joined=tuple(Segment(start, end) for start, end in joined if end > start),
        paused=tuple(Segment(start, end) for start, end in record.paused_ms if end > start),
    )


def ingest(task: Task) -> Ingested:
    """Aligns, encodes and measures one call. Safe to repeat, and to be killed in.

    Raises NotAudio when the files are to be set aside, StorageFull or OSError when the disk refuses.
    """
    agent, customer = (None if path is None else wav.inspect(path) for path in (task.agent, task.customer))
    length = max((side.samples for side in (agent, customer) if side is not None), default=0)
    if not length:
        raise NotAudio(f"call {task.call_id}: no audio on either side")
    heard, said, pen = _Side(), _Side(), Pen(length)
    with naming_the_place(task.part.parent):
        duration_ms = to_ms(audio.write(task.part, _listened_to(agent, customer, (heard, said), pen), task.form, task.seal))
    prompt, prompt_sha256 = _prompt(task.prompt)
    found = find(wav.blocks(agent), prompt) if agent is not None and prompt is not None else None
    announcement = _announcement(found)
    talk = conversation(
        heard.detector.voiced,
        said.detector.voiced,
        FRAME_MS,
        duration_ms,
        announcement=announcement,
        paused=task.paused,
        agent_joined=task.agent_joined,
    )
    after_ms = announcement.end_ms + PROMPT_TAIL_MS if announcement is not None else 0
    levels = heard.meter.levels(), said.meter.levels()
    sides = [_heard(side, level) for side, level in zip((agent, customer), levels, strict=True)]
    return Ingested(
        duration_ms=duration_ms,
        flags=flags_of_audio(sides[0], sides[1], task.joined, after_ms, paused=task.paused, agent_joined=task.agent_joined),
        verdict=_judged(task, found, prompt, heard.detector),
        found=found,
        prompt_sha256=prompt_sha256,
        agent_audio_from_ms=wav.first_sound(agent, after_ms, 0) if agent is not None and task.agent_joined else None,
        measures=measure(talk),
        loudness=Loudness(
            levels[0].loudness_db(talk.agent), levels[1].loudness_db(talk.customer), levels[0].clipped, levels[1].clipped
        ),
        waveform=pen.waveform(),
        form=task.form,
    )


def _listened_to(agent: Wav | None, customer: Wav | None, sides: tuple[_Side, _Side], pen: Pen) -> Iterator[Samples]:
    """The stereo blocks, agent left, each shown on its way to what hears and draws it."""
    for block in wav.stereo(agent, customer):
        left, right = (np.ascontiguousarray(block[:, channel]) for channel in (0, 1))
        sides[0].feed(left)
        sides[1].feed(right)
        pen.feed(left, right)
        yield block


def _prompt(path: Path | None) -> tuple[Template | None, str | None]:
    """The prompt made ready and its SHA-256; nothing when there is no such file or no speech in it: then nothing is proven."""
    if path is None or not path.is_file():
        return None, None
    try:
        return template(audio.load_prompt(path)), hashlib.sha256(path.read_bytes()).hexdigest()
    except (ValueError, OSError):  # whatever is wrong with a prompt, the call's audio is archived
        return None, None


def _announcement(found: Found | None) -> Segment | None:
    """The stretch of the agent's side that is the prompt's voice and not the agent's."""
    if found is None or found.coverage < TRACE:
        return None
    return Segment(found.start_ms, found.end_ms)


def _judged(task: Task, found: Found | None, prompt: Template | None, detector: VoiceDetector) -> Verdict:
    early = word_before(detector.voiced, FRAME_MS, found.start_ms) if found is not None else None
    joined_ms = task.joined[0].start_ms if task.joined else None
    judged = verdict(
        found,
        early,
        agent_joined=task.agent_joined,
        disclosed_by=task.disclosed_by,
        joined_ms=joined_ms,
        attested=task.attested,
    )
    return Verdict.UNPROVABLE if prompt is None and judged is Verdict.ABSENT else judged


def _heard(side: Wav | None, level: Levels) -> SideHeard:
    if side is None:
        return SideHeard(0, repaired=False, odd=False, converted="", levels=level)
    form = "" if side.form == OURS else f"came as {side.form}"
    return SideHeard(side.samples, repaired=not side.closed, odd=side.odd, converted=form, levels=level)
