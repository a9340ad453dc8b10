"""Is there voice in this frame?

The edge to webrtcvad: samples in, one mark for each frame out. What the marks mean (utterances, hangover, talk time)
is arithmetic and lives in `segments`.
"""

import warnings

import numpy as np
import numpy.typing as npt

from recorder.pcm import RATE, Samples

with warnings.catch_warnings():
    # webrtcvad asks pkg_resources for its version, which is deprecated.
    warnings.simplefilter("ignore")
    import webrtcvad

FRAME_MS = 20  # the ptime of the call: a lost packet spoils one frame and not two
AGGRESSIVENESS = 2  # of 0..3: line noise is not voice, soft speech still is
_FRAME = RATE * FRAME_MS // 1000


class VoiceDetector:
    """One channel's detector. Blocks of any length go in, in order; `voiced` has a mark for each whole frame so far."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(AGGRESSIVENESS)
        self._rest: Samples = np.zeros(0, dtype=np.int16)
        self._marks = bytearray()

    def feed(self, block: Samples) -> None:
        """Takes the next samples of the channel."""
        samples = np.concatenate((self._rest, block))
        whole = len(samples) - len(samples) % _FRAME
        pcm = samples[:whole].tobytes()
        for at in range(0, len(pcm), _FRAME * 2):
            self._marks.append(self._vad.is_speech(pcm[at : at + _FRAME * 2], RATE))
        self._rest = samples[whole:]

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        """The marks so far."""
        return np.frombuffer(bytes(self._marks), dtype=np.bool_)
