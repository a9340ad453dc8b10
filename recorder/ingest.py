"""What does one call's raw audio hold, measured and encoded?

The work of one call, made to run in another process: it is handed paths and gives back values, and knows neither the
database nor the queue. It only reads the raw files, and writes one unfinished FLAC.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder import wav
from recorder.audio import load_prompt, write_flac
from recorder.disclosure import TRACE, Found, Template, Verdict, find, template, verdict
from recorder.pcm import Samples, to_ms
from recorder.plan import Flag
from recorder.segments import Segment, SpeechMeasures, measure, word_before
from recorder.vad import FRAME_MS, VoiceDetector
from recorder.vault import naming_the_place
from recorder.wav import NotAudio, Wav

LOUD = 100  # of 32768, -50 dBFS: above the steps that mu-law makes of silence, below any voice
PROMPT_TAIL_MS = 20  # the PBX fills the last packet of a prompt
LENGTH_TOLERANCE_MS = 100


@dataclass(frozen=True, slots=True)
class Task:
    """The raw files of a call (None: it did not come), where to write, and what should be heard in it."""

    call_id: str
    agent: Path | None
    customer: Path | None
    part: Path
    prompt: Path | None  # None: the id of the prompt cannot be a file
    agent_joined: bool


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was found in the audio that now lies in the unfinished file."""

    duration_ms: int
    flags: frozenset[Flag]
    verdict: Verdict
    found: Found | None
    prompt_sha256: str | None
    agent_audio_from_ms: int | None  # the agent's line after the prompt: no line is digitally silent; None without an agent
    measures: SpeechMeasures


def ingest(task: Task) -> Ingested:
    """Aligns, encodes and measures one call. Safe to repeat, and to be killed in.

    Raises NotAudio when the files are to be set aside, StorageFull or OSError when the disk refuses.
    """
    agent, customer = (None if path is None else wav.inspect(path) for path in (task.agent, task.customer))
    if not any(side is not None and side.samples for side in (agent, customer)):
        raise NotAudio(f"call {task.call_id}: no audio on either side")
    heard, said = VoiceDetector(), VoiceDetector()
    with naming_the_place(task.part.parent):
        duration_ms = to_ms(write_flac(task.part, _listened_to(agent, customer, heard, said)))
    prompt, prompt_sha256 = _prompt(task.prompt)
    found = find(wav.blocks(agent), prompt) if agent is not None and prompt is not None else None
    early = word_before(heard.voiced, FRAME_MS, found.start_ms) if found is not None else None
    judged = verdict(found, early, agent_joined=task.agent_joined)
    if prompt is None and task.agent_joined:
        judged = Verdict.UNPROVABLE
    announcement = _announcement(found)
    after_ms = announcement.end_ms + PROMPT_TAIL_MS if announcement is not None else 0
    line = wav.first_sound(agent, after_ms, 0) if agent is not None and task.agent_joined else None
    heard_at = wav.first_sound(agent, after_ms, LOUD) if agent is not None and task.agent_joined else None
    return Ingested(
        duration_ms=duration_ms,
        flags=_flags(task, agent, customer, heard_at),
        verdict=judged,
        found=found,
        prompt_sha256=prompt_sha256,
        agent_audio_from_ms=line,
        measures=measure(heard.voiced, said.voiced, FRAME_MS, duration_ms, announcement, agent_joined=task.agent_joined),
    )


def _listened_to(agent: Wav | None, customer: Wav | None, heard: VoiceDetector, said: VoiceDetector) -> Iterator[Samples]:
    """The stereo blocks, agent left, each shown to the two detectors on its way."""
    for block in wav.stereo(agent, customer):
        heard.feed(block[:, 0])
        said.feed(block[:, 1])
        yield block


def _prompt(path: Path | None) -> tuple[Template | None, str | None]:
    """The prompt made ready and its SHA-256; nothing when there is no such file or no speech in it: then nothing is proven."""
    if path is None or not path.is_file():
        return None, None
    try:
        return template(load_prompt(path)), hashlib.sha256(path.read_bytes()).hexdigest()
    except (ValueError, OSError):  # whatever is wrong with a prompt, the call's audio is archived
        return None, None


def _announcement(found: Found | None) -> Segment | None:
    """The stretch of the agent's side that is the prompt's voice and not the agent's."""
    if found is None or found.coverage < TRACE:
        return None
    return Segment(found.start_ms, found.end_ms)


def _flags(task: Task, agent: Wav | None, customer: Wav | None, agent_heard_ms: int | None) -> frozenset[Flag]:
    sides = [side for side in (agent, customer) if side is not None]
    agent_came, customer_came = (side is not None and side.samples > 0 for side in (agent, customer))
    customer_heard = customer is not None and wav.first_sound(customer, 0, LOUD) is not None
    lengths = [side.duration_ms for side in sides if side.samples]
    holds = {
        Flag.HEADER_REPAIRED: any(not side.closed for side in sides),
        Flag.ODD_LENGTH: any(side.odd for side in sides),
        Flag.AGENT_MISSING: not agent_came,
        Flag.CUSTOMER_MISSING: not customer_came,
        Flag.AGENT_SILENT: agent_came and task.agent_joined and agent_heard_ms is None,
        Flag.CUSTOMER_SILENT: customer_came and task.agent_joined and not customer_heard,
        Flag.LENGTHS_DIFFER: max(lengths) - min(lengths) > LENGTH_TOLERANCE_MS,
    }
    return frozenset(flag for flag, is_so in holds.items() if is_so)
