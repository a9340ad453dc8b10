"""Is what a lossy codec kept still the call that was recorded?

Sample for sample it is not, so it is compared as a person would hear it: it must be as long, and each side as loud in every
second. A stretch left out, a side silent, doubled or taken for the other is a difference; what a codec rounds away is none.
"""

import numpy as np
import numpy.typing as npt

from recorder.levels import FRAME_MS, Meter
from recorder.pcm import Samples

SHARE = 0.3  # a second may be 3 dB louder or softer
FLOOR = 100.0  # of 32768: or differ by what nobody hears, -50 dBFS
_SECOND = 1000 // FRAME_MS  # frames of a meter


class Profile:
    """How loud each side of a stereo stream is in each second."""

    def __init__(self) -> None:
        self._meters = (Meter(), Meter())
        self.frames = 0

    def feed(self, block: Samples) -> None:
        """Takes the next frames, agent left."""
        self.frames += len(block)
        for channel, meter in enumerate(self._meters):
            meter.feed(np.ascontiguousarray(block[:, channel]))

    def loudness(self) -> tuple[npt.NDArray[np.float32], ...]:
        """The root mean square of each second of each side. Ends the measuring."""
        return tuple(_by_second(meter.levels().energy) for meter in self._meters)


def difference(recorded: Profile, kept: Profile) -> str:
    """What differs between what was recorded and what was kept, in words; empty when they are alike."""
    if kept.frames != recorded.frames:
        return f"the encoded audio has {kept.frames} samples where {recorded.frames} were recorded"
    for side, before, after in zip(("agent", "customer"), recorded.loudness(), kept.loudness(), strict=True):
        off = np.flatnonzero(np.abs(after - before) > SHARE * before + FLOOR)
        if off.size:
            return f"second {off[0]} of the {side}'s side is not as loud as it was recorded"
    return ""


def _by_second(energy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    seconds = np.add.reduceat(energy, range(0, len(energy), _SECOND)) if len(energy) else energy
    loudness: npt.NDArray[np.float32] = np.sqrt(seconds / _SECOND)
    return loudness
