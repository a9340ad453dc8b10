"""What does a call look like, drawn small enough for a player?

The waveform of each side as a fixed number of buckets with the lowest and the highest sample in each: a call of three
hours takes no more room than one of a minute. Sent as base64 of signed bytes (low, high, low, high ...), in 1/128 of
full scale.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recorder.pcm import Samples

BUCKETS = 1000

Drawn = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Waveform:
    """Both sides, drawn. Each is `buckets` pairs of signed bytes."""

    buckets: int
    agent: bytes
    customer: bytes


class Pen:
    """Draws a call of `length` frames, known beforehand. Raises ValueError for blocks beyond that length."""

    def __init__(self, length: int, buckets: int = BUCKETS) -> None:
        self._length = length
        self._buckets = min(buckets, length)
        self._low: Drawn = np.full((2, self._buckets), 32767, dtype=np.int16)
        self._high: Drawn = np.full((2, self._buckets), -32768, dtype=np.int16)
        self._done = 0

    def feed(self, *sides: Samples) -> None:
        """Takes the next samples of both sides, equally many of each."""
        count = len(sides[0])
        if not count:
            return
        if self._done + count > self._length:
            raise ValueError(f"a waveform of {self._length} frames was given {self._done + count}")
        first = self._done * self._buckets // self._length
        last = (self._done + count - 1) * self._buckets // self._length
        numbers = np.arange(first, last + 1)
        starts = -(-numbers * self._length // self._buckets) - self._done  # where each bucket begins in these samples
        starts[0] = 0
        for side, samples in enumerate(sides):
            low, high = self._low[side, first : last + 1], self._high[side, first : last + 1]
            np.minimum(low, np.minimum.reduceat(samples, starts), out=low)
            np.maximum(high, np.maximum.reduceat(samples, starts), out=high)
        self._done += count

    def waveform(self) -> Waveform:
        """What was drawn; what was not fed is silence."""
        drawn = [np.stack((low, high), axis=1) for low, high in zip(self._low, self._high, strict=True)]
        agent, customer = (np.where(pairs[:, :1] > pairs[:, 1:], 0, pairs >> 8).astype(np.int8).tobytes() for pairs in drawn)
        return Waveform(self._buckets, agent, customer)


def as_json(waveform: Waveform) -> dict[str, Any]:
    """The waveform as plain JSON values, as the sidecar carries it."""
    sides = {"agent": waveform.agent, "customer": waveform.customer}
    return {"buckets": waveform.buckets} | {name: b64encode(side).decode("ascii") for name, side in sides.items()}


def from_json(told: Mapping[str, Any]) -> Waveform:
    """The inverse of `as_json`. Raises ValueError, KeyError for what is none."""
    sides = [b64decode(told[name], validate=True) for name in ("agent", "customer")]
    if any(len(side) != 2 * told["buckets"] for side in sides):
        raise ValueError("a waveform has a low and a high byte for each of its buckets on each side")
    return Waveform(told["buckets"], *sides)
