"""An engine that hears a pitch as a word: in the place of the real one, which is an extra with a model of its own.

It listens to the sound that it is given, in the process in which the real one would, so that all around it is the real thing.
Files in the folder of its model make it fail: `missing` (cannot be loaded), `dies`, `raises`, `hangs` (until the file is gone).
"""

import os
import signal
import threading
from pathlib import Path

import numpy as np

from recorder.pcm import RATE, Samples
from recorder.transcript import Word
from recorder.whisper import EngineMissing

FRAME = RATE // 50
TONES = (440, 1000)  # hertz; of these a voice detector says that they are voice


class PitchEngine:
    """Hears each unbroken sound as a phrase of one word: its pitch in hertz, to the next ten."""

    name = "pitch 1, model tone"

    def __init__(self, model: Path) -> None:
        self._model = model
        if (model / "missing").exists():
            raise EngineMissing("no engine is installed: install one")

    def language_of(self, sound: Samples) -> str:
        return "en" if len(sound) else ""

    def hear(self, sound: Samples, language: str) -> list[list[Word]]:
        while (self._model / "hangs").exists():
            threading.Event().wait(0.05)
        if (self._model / "dies").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if (self._model / "raises").exists():
            raise RuntimeError("the engine has a fault")
        return [[self._word(sound, first, last)] for first, last in _sounds(sound)]

    def _word(self, sound: Samples, first: int, last: int) -> Word:
        piece = sound[first * FRAME : last * FRAME]
        hertz = int(np.argmax(np.abs(np.fft.rfft(piece)))) * RATE / len(piece)
        return Word(first * 20, last * 20, f" {round(hertz / 10) * 10}", 0.875)


def _sounds(sound: Samples) -> list[tuple[int, int]]:
    frames = np.abs(sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)).max(axis=1) > 1000
    edges = np.flatnonzero(np.diff(np.concatenate(([False], frames, [False])).astype(int)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
