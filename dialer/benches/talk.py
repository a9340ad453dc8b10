"""What does a call sound like that nobody spoke? Syllables of a gliding pitch, taken in turns, on a line that hisses, in G.711.

Made of numbers, so that a bench needs no voice and gives every machine the same work. Compressors and voice detectors
treat it as speech: it has a pitch, formants, pauses, and the steps of mu-law.
"""

import io

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.int16]

RATE = 8000
_HISS = 30.0  # rms of 32768: -61 dBFS, a good line
_TURN_S = (2.0, 9.0)


def a_conversation(seconds: int, seed: int) -> tuple[Samples, Samples]:
    """Both sides of a call: they take turns, now and then over each other. The same for the same seed."""
    random = np.random.default_rng(seed)
    sides = [np.zeros(seconds * RATE) for _ in range(2)]
    at, speaker = 0, 0
    while at < seconds * RATE:
        turn = _turn(random)
        end = min(at + len(turn), seconds * RATE)
        sides[speaker][at:end] += turn[: end - at]
        at = end - int(random.uniform(-1.5, 0.4) * RATE)
        speaker = 1 - speaker
    agent, customer = (_on_the_line(side, random) for side in sides)
    return agent, customer


def a_prompt(seconds: float, seed: int) -> Samples:
    """An announcement of about that length."""
    random = np.random.default_rng(seed)
    spoken = np.concatenate([_syllable(random) for _ in range(int(seconds / 0.2))])
    prompt: Samples = np.clip(spoken, -32768, 32767).astype(np.int16)
    return prompt


def _turn(random: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.concatenate([_syllable(random) for _ in range(int(random.uniform(*_TURN_S) / 0.2))])


def _syllable(random: np.random.Generator) -> npt.NDArray[np.float64]:
    count = int(random.uniform(0.1, 0.3) * RATE)
    pitch = random.uniform(90, 220) * (1 + random.uniform(-0.1, 0.1) * np.linspace(-1, 1, count))
    formants = random.uniform((300, 900, 2300), (800, 2200, 3300))
    sound = np.zeros(count)
    for harmonic in range(1, 24):
        hertz = harmonic * pitch
        level = (1 / (1 + ((hertz[:, None] - formants) / (90, 130, 180)) ** 2)).sum(axis=1)
        sound += np.where(hertz < 3600, level, 0.0) * np.sin(harmonic * 2 * np.pi * np.cumsum(pitch) / RATE)
    silence = np.zeros(int(random.uniform(0.01, 0.06) * RATE))
    return np.concatenate((sound * np.hanning(count) * 2500, silence))


def _on_the_line(side: npt.NDArray[np.float64], random: np.random.Generator) -> Samples:
    """The side with its hiss, after a trip through mu-law."""
    pcm = np.clip(side + random.normal(0, _HISS, len(side)), -32768, 32767).astype(np.int16)
    form = {"samplerate": RATE, "format": "RAW", "subtype": "ULAW"}
    coded = io.BytesIO()
    soundfile.write(coded, pcm, **form)
    coded.seek(0)
    decoded, _ = soundfile.read(coded, channels=1, dtype="int16", **form)
    heard: Samples = decoded
    return heard
