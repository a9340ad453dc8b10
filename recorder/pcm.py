"""What is a sample here? One rate and one type for all audio inside the recorder.

MixMonitor writes 8 kHz 16-bit mono to .wav; whatever else arrives is refused or converted at the edge.
"""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 8000  # samples a second


def to_ms(samples: int) -> int:
    """Whole milliseconds in a count of samples."""
    return samples * 1000 // RATE


def to_samples(ms: int) -> int:
    """Samples in so many milliseconds."""
    return ms * RATE // 1000
