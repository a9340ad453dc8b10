"""Which announcements can be played and proven, and how does one more come to be there?

A prompt is the file `<id>.wav` in the folder that the PBX plays from; its id ends with its language (`disclosure-en`). The rule
it protects: a prompt never changes. What a customer heard is proven with the file of that id, so that another text, or the same
in another voice, is another prompt with an id of its own.
"""

import hashlib
import io
import wave
from dataclasses import dataclass
from math import log10
from pathlib import Path

import numpy as np

from config.private_files import put_new
from recorder.audio import load_prompt
from recorder.disclosure import template
from recorder.naming import language_of, safe
from recorder.pcm import RATE, Samples, to_ms
from recorder.wav import NotAudio

FOR_ALL = 0o644  # the PBX may run as another user; what everybody is played is no secret
BEEPS = "beeps-"  # of the agents' line check: no announcements
QUIETEST_DB = -35.0  # speech softer than this is hard to understand on a telephone


class PromptThere(ValueError):
    """There is a prompt of this id already: it is never changed."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `fault` says why it cannot be played or proven, or is hard to hear; empty when nothing is wrong with it."""

    prompt: str
    language: str
    duration_ms: int
    loudness_db: float | None  # of its loudest second, against full scale; None: silence
    sha256: str
    fault: str


def prompts(folder: Path) -> list[Prompt]:
    """Every announcement in the folder, by id. Raises OSError for a folder that cannot be read."""
    files = (path for path in sorted(folder.iterdir()) if path.suffix == ".wav" and not path.name.startswith((".", BEEPS)))
    return [examined(path) for path in files]


def examined(path: Path) -> Prompt:
    """What is in the file of a prompt. Raises OSError."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        samples = load_prompt(path)
    except NotAudio as error:
        return Prompt(path.stem, language_of(path.stem), 0, None, sha256, str(error))
    return Prompt(path.stem, language_of(path.stem), to_ms(len(samples)), _loudness_db(samples), sha256, _fault(samples))


def put(folder: Path, prompt: str, samples: Samples) -> Prompt:
    """Adds a prompt, whole or not at all.

    Raises PromptThere, HostileName, ValueError for one that could not be proven, OSError.
    """
    path = folder / f"{safe('prompt', prompt)}.wav"
    if path.exists():
        raise PromptThere(f"{path}: there is such a prompt, and calls are proven by it: give the new one an id of its own")
    template(samples)
    whole = io.BytesIO()
    with wave.open(whole, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    put_new(path, whole.getvalue())
    path.chmod(FOR_ALL)
    return examined(path)


def _fault(samples: Samples) -> str:
    try:
        template(samples)
    except ValueError as error:
        return str(error)
    loudness = _loudness_db(samples)
    if loudness is None or loudness < QUIETEST_DB:
        return f"too soft to be understood: {loudness} dBFS, at least {QUIETEST_DB:g} are wanted"
    if int(np.abs(samples.astype(np.int32)).max()) >= np.iinfo(np.int16).max:
        return "clipped: record it softer"
    return ""


def _loudness_db(samples: Samples) -> float | None:
    seconds = [samples[start : start + RATE].astype(np.float64) for start in range(0, len(samples), RATE)]
    power = max((float(np.mean(one**2)) for one in seconds if one.size), default=0.0)
    return round(10 * log10(power / 32768**2), 1) if power > 0 else None
