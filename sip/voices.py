"""What do the lab's people, prompts and beeps sound like?

Speech by espeak-ng and tones by arithmetic, as 8 kHz 16-bit WAV for Asterisk and as raw G.711 u-law for SIPp. All of
it carries a faint hiss: a telephone is never digitally silent, and what is silent in a recording must be our fault.
"""

import hashlib
import os
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sip.debian import LabError
from sip.unpack import Tree, cache_directory

Samples = npt.NDArray[np.float64]

RATE_HZ = 8000
NOISE_FLOOR = 10 ** (-50 / 20)  # rms of the hiss, of full scale: -50 dBFS, a quiet room on a good line
_VOICES_VERSION = "1"  # raised when the same words would sound different

#: The announcements of the lab: prompt id -> (espeak voice, words). Mandarin is written in pinyin, which espeak reads well.
ANNOUNCEMENTS = {
    "disclosure-en": ("en-us", "This call is recorded."),
    "disclosure-zh": ("cmn-latn-pinyin", "ben3 tong1 dian4hua4 hui4 bei4 lu4yin1."),
    "safe-harbour-en": (
        "en-us",
        "This was a sales call from the Ringfence demonstration. To be put on our do not call list, call 2 1 2, 5 5 5, 0 1 0 0.",
    ),
    "safe-harbour-zh": (
        "cmn-latn-pinyin",
        "zhe4 shi4 Ringfence yan3shi4 de tui1xiao1 dian4hua4. bu4 xiang3 zai4 jie1dao4, qing3 da3 2 1 2, 5 5 5, 0 1 0 0.",
    ),
}
#: What a scripted agent says: file name -> words. The first is said in the line check, the second to every customer first.
AGENT_LINES = {
    "check": "I can hear you.",
    "greeting": "Good day, this is Alex from Ringfence. Is this a good time to talk?",
    "offer": "We have a new plan with calls and data for nineteen dollars a month.",
    "question": "May I ask who your provider is at the moment?",
    "closing": "Thank you very much. I will send you the details today.",
}
#: Prompts of the agent's line check: this many beeps.
BEEPS = (1, 2, 3, 4)
BEEP_HZ = 1000.0
BEEP_ON_S = 0.15
BEEP_OFF_S = 0.35

#: Key -> the two tones of ITU-T Q.23 in Hz.
_KEYPAD = {
    key: (row, column)
    for row, keys in ((697.0, "123"), (770.0, "456"), (852.0, "789"), (941.0, "*0#"))
    for key, column in zip(keys, (1209.0, 1336.0, 1477.0), strict=True)
}


def say(tree: Tree, words: str, voice: str = "en-us", words_per_minute: int = 165) -> Samples:
    """The words as mono samples at `RATE_HZ`, peak 0.5, without hiss. Cached. Raises LabError when espeak-ng cannot."""
    key = hashlib.sha256(repr((_VOICES_VERSION, words, voice, words_per_minute)).encode()).hexdigest()[:24]
    cached = cache_directory() / "voices" / f"{key}.npy"
    if cached.is_file():
        speech: Samples = np.load(cached)
        return speech
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as directory:
        spoken = Path(directory) / "spoken.wav"
        argv = tree.command("espeak-ng", "-v", voice, "-s", str(words_per_minute), "-w", str(spoken), "--", words)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 -- no shell, our own words
        if done.returncode or not spoken.is_file():
            raise LabError(f"espeak-ng cannot say {words!r} as {voice}: {done.stderr.strip() or f'exit {done.returncode}'}")
        samples, rate_hz = read_wav(spoken)
        speech = _at_telephone_rate(samples, rate_hz)
        speech = 0.5 * speech / max(float(np.abs(speech).max()), 1e-6)
        unfinished = Path(directory) / "speech.npy"
        np.save(unfinished, speech)
        os.replace(unfinished, cached)  # noqa: PTH105 -- the atomic rename, by its own name
    return speech


def beeps(count: int) -> Samples:
    """`count` beeps with pauses between them, without hiss."""
    t = np.arange(int(BEEP_ON_S * RATE_HZ)) / RATE_HZ
    ramp = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.01)  # 10 ms, so that it does not click
    return np.concatenate([np.concatenate([0.4 * np.sin(2 * np.pi * BEEP_HZ * t) * ramp, silence(BEEP_OFF_S)])] * count)


def tone(hertz: float, seconds: float, peak: float = 0.4) -> Samples:
    """A pure tone, to tell one speaker from another in a measurement."""
    return peak * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def key_tone(key: str, seconds: float = 0.15) -> Samples:
    """A key of the telephone in band (ITU-T Q.23). Raises KeyError for what is not on a keypad."""
    row, column = _KEYPAD[key]
    return tone(row, seconds, 0.2) + tone(column, seconds, 0.2)


def silence(seconds: float) -> Samples:
    """Nothing: add the hiss with `on_the_line`."""
    return np.zeros(int(seconds * RATE_HZ))


def on_the_line(samples: Samples, seed: int = 1) -> Samples:
    """The samples with the hiss of a telephone line, the same for the same seed."""
    hiss = np.random.default_rng(seed).normal(0.0, NOISE_FLOOR, samples.size)
    return np.clip(samples + hiss, -1.0, 1.0)


def write_wav(path: Path, samples: Samples) -> None:
    """Writes mono 16-bit PCM at `RATE_HZ`, whole or not at all."""
    unfinished = path.with_suffix(".part")
    with wave.open(str(unfinished), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    unfinished.replace(path)


def read_wav(path: Path) -> tuple[Samples, int]:
    """The first channel of a 16-bit WAV as samples between -1 and 1, and its rate in Hz."""
    with wave.open(str(path), "rb") as source:
        if source.getsampwidth() != 2:
            raise ValueError(f"{path}: {source.getsampwidth() * 8}-bit samples, 16 expected")
        pcm = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
        return pcm[:: source.getnchannels()].astype(np.float64) / 32768, source.getframerate()


def write_ulaw(path: Path, samples: Samples) -> None:
    """Writes raw G.711 u-law at `RATE_HZ`, whole or not at all: what SIPp streams."""
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(_ulaw(samples))
    unfinished.replace(path)


def make_prompts(tree: Tree, directory: Path) -> None:
    """Writes the announcements and the beeps of the line check as `<prompt id>.wav`."""
    directory.mkdir(parents=True, exist_ok=True)
    for prompt, (voice, words) in ANNOUNCEMENTS.items():
        write_wav(directory / f"{prompt}.wav", on_the_line(say(tree, words, voice)))
    for count in BEEPS:
        write_wav(directory / f"beeps-{count}.wav", beeps(count))


def make_agent_lines(tree: Tree, directory: Path) -> None:
    """Writes what a scripted agent says, and `room.wav`, the hiss it always sends, as WAVs."""
    directory.mkdir(parents=True, exist_ok=True)
    write_wav(directory / "room.wav", on_the_line(silence(10.0), seed=3))
    for name, words in AGENT_LINES.items():
        write_wav(directory / f"{name}.wav", say(tree, words, "en-us+m5"))


def _at_telephone_rate(samples: Samples, rate_hz: int) -> Samples:
    """Resampled to `RATE_HZ`: a windowed-sinc low-pass at 3.4 kHz, then linear interpolation."""
    cutoff = 3400 / rate_hz
    n = np.arange(-64, 65)
    kernel = 2 * cutoff * np.sinc(2 * cutoff * n) * np.hamming(n.size)
    smooth = np.convolve(samples, kernel, mode="same")
    wanted = np.arange(0, samples.size, rate_hz / RATE_HZ)
    resampled: Samples = np.interp(wanted, np.arange(samples.size), smooth)
    return resampled


def _ulaw(samples: Samples) -> bytes:
    """ITU-T G.711 u-law: a sign, three bits of segment, four bits of step; all bits inverted."""
    pcm = np.clip(np.asarray(samples) * 32767, -32635, 32635).astype(np.int64)
    magnitude = np.abs(pcm) + 132
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    step = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    coded: bytes = (~(sign | (segment << 4) | step) & 0xFF).astype(np.uint8).tobytes()
    return coded
