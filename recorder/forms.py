"""How does audio of another form become 8 kHz 16-bit mono, and which forms can?

A PBX that is set up otherwise (a wideband MixMonitor, a G.711 file) still leaves recordings, and none may be lost for
its form: every uncompressed WAV and both G.711 codings are converted in a stream, and the recording is flagged. What is
not listed here is refused by name. Resampling is by a windowed sinc: what 8 kHz cannot hold is filtered out, not folded in.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt
import soundfile

from recorder.pcm import RATE, Samples

Signal = npt.NDArray[np.float32]

PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE  # the codings of a WAV's format chunk
RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
CHANNELS = 8
_DECODED = {  # coding and bits -> what libsndfile calls it
    (PCM, 8): "PCM_U8",
    (PCM, 16): "PCM_16",
    (PCM, 24): "PCM_24",
    (PCM, 32): "PCM_32",
    (FLOAT, 32): "FLOAT",
    (A_LAW, 8): "ALAW",
    (MU_LAW, 8): "ULAW",
}
_ZERO_CROSSINGS = 16  # of the sinc on each side: 80 dB of stop band with the window below
_WINDOW = 8.0  # Kaiser's beta
_AT_A_TIME = 4096  # output samples that are worked out together


@dataclass(frozen=True, slots=True)
class Form:
    """What a WAV's format chunk says: coding, channels, samples a second, bits of a sample."""

    coding: int
    channels: int
    rate: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8

    @property
    def known(self) -> bool:
        """Whether it can be converted."""
        return (self.coding, self.bits) in _DECODED and self.rate in RATES and 1 <= self.channels <= CHANNELS

    def __str__(self) -> str:
        coding = {PCM: "PCM", FLOAT: "float", A_LAW: "A-law", MU_LAW: "mu-law"}.get(self.coding, f"WAV format {self.coding}")
        return f"{self.rate} Hz, {self.bits} bits, {self.channels} channel(s), {coding}"


OURS = Form(PCM, 1, RATE, 16)


def length_of(frames: int, form: Form) -> int:
    """How many samples so many frames become."""
    return frames * RATE // form.rate


def converted(raw: Iterable[bytes], form: Form) -> Iterator[Samples]:
    """The samples in pieces of raw bytes of that form, each of whole frames. Several channels are mixed into one."""
    resampler = _Resampler(form.rate)
    for piece in raw:
        yield _as_samples(resampler.feed(_mono(piece, form)))
    yield _as_samples(resampler.rest())


def _mono(piece: bytes, form: Form) -> Signal:
    """The mean of the channels, full scale 32768. What is no number, as a file of floats may hold, is silence."""
    subtype = _DECODED[form.coding, form.bits]
    raw = {"samplerate": form.rate, "channels": form.channels, "format": "RAW", "subtype": subtype, "endian": "LITTLE"}
    signal, _ = soundfile.read(io.BytesIO(piece), dtype="float32", always_2d=True, **raw)
    mixed: Signal = np.nan_to_num(signal.clip(-1, 1)).mean(axis=1, dtype=np.float32) * np.float32(32768)
    return mixed


def _as_samples(signal: Signal) -> Samples:
    samples: Samples = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
    return samples


class _Resampler:
    """Brings a signal to `RATE`. Gives back as many samples as `length_of` says, however it is cut."""

    def __init__(self, rate: int) -> None:
        ratio = Fraction(RATE, rate)
        self._up, self._down = ratio.numerator, ratio.denominator
        self._filters = _filters(self._up, self._down)
        self._half = self._filters.shape[1] // 2
        self._held: Signal = np.zeros(self._half - 1, dtype=np.float32)
        self._at = 0  # the next output sample
        self._first = 1 - self._half  # the input sample that `_held` begins with
        self._taken = 0

    def feed(self, signal: Signal) -> Signal:
        if self._up == self._down:
            return signal
        self._taken += len(signal)
        self._held = np.concatenate((self._held, signal))
        ready = self._first + len(self._held) - self._half  # input samples with all their neighbours there
        return self._until(-(-ready * self._up // self._down))

    def rest(self) -> Signal:
        if self._up == self._down:
            return np.zeros(0, dtype=np.float32)
        self._held = np.concatenate((self._held, np.zeros(self._half + 1, dtype=np.float32)))
        return self._until(self._taken * self._up // self._down)

    def _until(self, end: int) -> Signal:
        """The output samples up to `end`."""
        if end <= self._at:
            return self._held[:0]
        done = [np.zeros(0, dtype=np.float32)]
        windows = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self._half)
        for start in range(self._at, end, _AT_A_TIME):
            places = np.arange(start, min(end, start + _AT_A_TIME)) * self._down
            begin = places // self._up - self._half + 1 - self._first
            done.append(np.einsum("ij,ij->i", windows[begin], self._filters[places % self._up]))
        self._at = end
        needed = self._at * self._down // self._up - self._half + 1 - self._first
        self._held, self._first = self._held[needed:], self._first + needed
        return np.concatenate(done)


@cache
def _filters(up: int, down: int) -> Signal:
    """A low-pass filter for each place an output sample can have between two input samples."""
    band = min(1.0, up / down) * 0.95  # room for the slope
    half = int(np.ceil(_ZERO_CROSSINGS / band))
    places = np.arange(1 - half, half + 1)[None, :] - (np.arange(up) / up)[:, None]
    window = np.i0(_WINDOW * np.sqrt(np.maximum(0.0, 1 - (places / half) ** 2))) / np.i0(_WINDOW)
    filters = band * np.sinc(band * places) * window
    level: Signal = (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
    return level
