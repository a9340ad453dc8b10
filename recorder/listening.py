"""How does a recording become a transcript? Find the speech of each side, hand it to the engine, put its words in their place.

The rule it protects: each side is heard alone, and only where it speaks. The recording is read twice, for its voices and for
their sound, and half a minute of it is held: a call of three hours takes no more memory than one of a minute.
"""

from collections.abc import Callable, Iterator
from typing import IO, Protocol

import numpy as np
import soundfile

from recorder.naming import Side
from recorder.pcm import RATE, Samples, to_ms, to_samples
from recorder.stretches import Stretch, placed, stretches
from recorder.transcript import Phrase, Transcript, Word, in_order
from recorder.vad import FRAME_MS, VoiceDetector
from recorder.wav import NotAudio

BLOCK = RATE * 10  # frames read at a time
SIDES = (Side.AGENT, Side.CUSTOMER)  # as the channels are


class Engine(Protocol):
    """What turns sound (8 kHz, one channel, at most `stretches.LONGEST_MS`) into words; its times are from the sound's start."""

    @property
    def name(self) -> str:
        """What it is, with its version and its model."""
        ...

    def language_of(self, sound: Samples) -> str:
        """The language that is spoken, as ISO 639."""
        ...

    def hear(self, sound: Samples, language: str) -> list[list[Word]]:
        """The phrases in it, each as its words, in order."""
        ...


def listen(audio: IO[bytes], engine: Engine, language: str, told: Callable[[float], None]) -> Transcript:
    """What is said in a recording; with an empty `language` in the one that its longest stretch of speech is in.

    `told` hears how much of the work is done, 0 to 1. Raises NotAudio, and what `audio` or the engine raises.
    """
    try:
        with soundfile.SoundFile(audio) as sound:
            spoken = [(side, one) for side, several in zip(SIDES, _spoken(sound), strict=True) for one in several]
            whole = sum(stretch.length_ms for _, stretch in spoken)
            if not spoken:
                return Transcript(engine.name, "", ())
            longest = max(spoken, key=lambda one: one[1].length_ms)
            language = language or engine.language_of(_sound(sound, *longest))
            phrases: list[Phrase] = []
            done = 0
            for side, stretch in spoken:
                phrases += placed(stretch, side, engine.hear(_sound(sound, side, stretch), language))
                done += stretch.length_ms
                told(done / whole)
    except soundfile.LibsndfileError as error:
        raise NotAudio(f"the recording cannot be read as audio: {error}") from error
    return Transcript(engine.name, language, in_order(phrases))


def _spoken(sound: soundfile.SoundFile) -> Iterator[tuple[Stretch, ...]]:
    """Where each side speaks."""
    detectors = [VoiceDetector() for _ in SIDES]
    for block in sound.blocks(BLOCK, dtype="int16", always_2d=True):
        for channel, detector in enumerate(detectors):
            detector.feed(np.ascontiguousarray(block[:, channel]))
    for detector in detectors:
        yield stretches(detector.voiced, FRAME_MS, to_ms(sound.frames))


def _sound(sound: soundfile.SoundFile, side: Side, stretch: Stretch) -> Samples:
    """The samples of a stretch, its pieces one after the other."""
    read = []
    for piece in stretch.pieces:
        first, last = to_samples(piece.start_ms), to_samples(piece.end_ms)
        sound.seek(min(first, sound.frames))
        read.append(sound.read(last - first, dtype="int16", always_2d=True)[:, SIDES.index(side)])
    samples: Samples = np.concatenate(read)
    return samples
