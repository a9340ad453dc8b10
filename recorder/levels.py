"""How loud is one side of a call, was it cut off at full scale, and where was nothing on the line at all?

Measured in a stream, frame by frame, so that a question about any stretch of the call (its speech, the time of one
agent) can be answered when the call has been read once. Loudness is the root mean square against a full-scale square
wave, in dBFS: 0 is the loudest there is, speech on a good line lies near -25. A frame is held in seven bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log10

import numpy as np
import numpy.typing as npt

from recorder.pcm import RATE, Samples
from recorder.segments import Segment, utterances

FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
FULL_SCALE = 32124  # the largest value of mu-law (of A-law 32256): beyond it a G.711 line can say no more
LOUD = 100  # of 32768, -50 dBFS: above the steps that mu-law makes of silence, below any voice


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The frames of one side. `clipped` counts samples at full scale; the last frame may be shorter than the others."""

    energy: npt.NDArray[np.float32]  # mean square of each frame
    peak: npt.NDArray[np.uint16]  # largest magnitude in each frame
    still: npt.NDArray[np.bool_]  # whether all samples of the frame are the same: no A-law code is 0, its silence is 8 or -8
    clipped: int

    def loudness_db(self, stretches: Iterable[Segment]) -> float | None:
        """The loudness of these stretches together, in dBFS; None when they hold nothing, or digital silence only."""
        frames = [self.energy[_frames(stretch)] for stretch in stretches]
        power = float(np.concatenate(frames).mean(dtype=np.float64)) if sum(map(len, frames)) else 0.0
        return round(10 * log10(power / 32768**2), 1) if power > 0 else None

    def is_heard(self, stretch: Segment) -> bool:
        """Whether there is anything above `LOUD` in the stretch."""
        return bool((self.peak[_frames(stretch)] > LOUD).any())

    def stillness(self, at_least_ms: int) -> tuple[Segment, ...]:
        """The stretches of exact silence of that length or longer; each is in whole frames."""
        return utterances(self.still, FRAME_MS, hangover_ms=0, onset_ms=at_least_ms)

    @property
    def heard_ms(self) -> int:
        """The time of all frames with anything above `LOUD` in them."""
        return int((self.peak > LOUD).sum()) * FRAME_MS

    @property
    def clipped_share(self) -> float:
        """Samples at full scale, of those in frames where anything is heard: 0 to 1."""
        heard = self.heard_ms
        return min(1.0, self.clipped / (heard * RATE // 1000)) if heard else 0.0


class Meter:
    """Measures one side. Blocks of any length go in, in order; `levels` tells of all of them."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, dtype=np.int16)
        self._energy: list[npt.NDArray[np.float32]] = []
        self._peak: list[npt.NDArray[np.uint16]] = []
        self._still: list[npt.NDArray[np.bool_]] = []
        self._clipped = 0

    def feed(self, block: Samples) -> None:
        """Takes the next samples of the side."""
        samples = np.concatenate((self._rest, block)) if len(self._rest) else block
        whole = len(samples) - len(samples) % FRAME
        self._take(samples[:whole].reshape(-1, FRAME))
        self._rest = samples[whole:].copy()

    def levels(self) -> Levels:
        """The levels of everything so far. Ends the measuring: what is left of a frame counts as one."""
        if len(self._rest):
            self._take(self._rest.reshape(1, -1))
            self._rest = self._rest[:0]
        return Levels(
            np.concatenate([np.zeros(0, np.float32), *self._energy]),
            np.concatenate([np.zeros(0, np.uint16), *self._peak]),
            np.concatenate([np.zeros(0, np.bool_), *self._still]),
            self._clipped,
        )

    def _take(self, frames: npt.NDArray[np.int16]) -> None:
        if not frames.size:
            return
        wide = frames.astype(np.float32)
        self._energy.append(np.einsum("ij,ij->i", wide, wide) / frames.shape[1])
        self._still.append((frames == frames[:, :1]).all(axis=1))
        magnitude = np.abs(frames.astype(np.int32))
        self._peak.append(magnitude.max(axis=1).astype(np.uint16))
        if self._peak[-1].max() >= FULL_SCALE:
            self._clipped += int(np.count_nonzero(magnitude >= FULL_SCALE))


def _frames(stretch: Segment) -> slice:
    """The frames that a stretch touches."""
    return slice(max(0, stretch.start_ms) // FRAME_MS, -(-stretch.end_ms // FRAME_MS))
