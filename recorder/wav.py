"""What is in a raw file of the PBX?

Rule protected: nothing a PBX leaves behind is trusted, lost or changed. Where a crash left zeros in the header, the
audio is as long as the file says; what cannot be 8 kHz 16-bit mono PCM is refused with the reason. Raw files are only
read, so that an attempt that was interrupted leaves them as they came. Audio is read in blocks: memory does not grow
with the length of the call.
"""

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recorder.pcm import RATE, Samples, to_ms, to_samples

BLOCK = RATE * 10  # samples read at a time
HEADER_LIMIT = 4096  # chunks before the audio are small; a header longer than this is not one
_PCM = 1


class NotAudio(ValueError):
    """The file is not 8 kHz 16-bit mono PCM in a WAV: it is set aside with this reason."""


@dataclass(frozen=True, slots=True)
class Wav:
    """Where the audio lies in a raw file. `closed` is whether the header agrees with the size: the PBX has finished it."""

    path: Path
    offset: int  # bytes before the first sample
    samples: int
    closed: bool
    odd: bool  # a half sample at the end is left out

    @property
    def duration_ms(self) -> int:
        """Length of the audio."""
        return to_ms(self.samples)


def inspect(path: Path) -> Wav:
    """Reads the header of a raw file, which may still be growing. Raises NotAudio, or FileNotFoundError.

    The samples are counted from the size of the file, never believed from a header that a crash left behind.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotAudio(f"{path.name}: not a regular file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(HEADER_LIMIT)
    if size == 0:
        return Wav(path, 0, 0, closed=False, odd=False)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise NotAudio(f"{path.name}: no WAV header")
    offset, declared = _audio_chunk(path.name, head)
    available = size - offset
    (riff,) = struct.unpack_from("<I", head, 4)
    # A chunk of odd length is padded to an even one, outside its own count.
    closed = riff == size - 8 and declared in (available, available - 1)
    length = declared if closed else available
    return Wav(path, offset, length // 2, closed=closed, odd=length % 2 == 1)


def blocks(wav: Wav, size: int = BLOCK, start: int = 0) -> Iterator[Samples]:
    """The samples of a raw file from sample `start`, at most `size` at a time. Raises NotAudio if it has shrunk meanwhile."""
    left = wav.samples - start
    with wav.path.open("rb") as file:
        file.seek(wav.offset + start * 2)
        while left > 0:
            wanted = min(size, left)
            block = np.frombuffer(file.read(wanted * 2), dtype="<i2")
            if len(block) != wanted:
                raise NotAudio(f"{wav.path.name}: became shorter while it was read")
            left -= wanted
            yield block.astype(np.int16, copy=False)


def stereo(left: Wav | None, right: Wav | None, size: int = BLOCK) -> Iterator[Samples]:
    """Both sides in step as blocks of shape (n, 2); the shorter side, or one that is missing, is filled with silence."""
    length = max((wav.samples for wav in (left, right) if wav is not None), default=0)
    sides = [blocks(wav, size) if wav is not None else iter(()) for wav in (left, right)]
    for done in range(0, length, size):
        both = np.zeros((min(size, length - done), 2), dtype=np.int16)
        for channel, side in enumerate(sides):
            block = next(side, None)
            if block is not None:
                both[: len(block), channel] = block
        yield both


def first_sound(wav: Wav, after_ms: int, loudness: int) -> int | None:
    """Milliseconds of the first sample louder than `loudness` (of 32768) at or after `after_ms`; None if all is silent."""
    start = to_samples(max(0, after_ms))
    for block in blocks(wav, start=start):
        loud = np.flatnonzero(np.abs(block.astype(np.int32)) > loudness)
        if loud.size:
            return to_ms(start + int(loud[0]))
        start += len(block)
    return None


def _audio_chunk(name: str, head: bytes) -> tuple[int, int]:
    """Offset and declared length of the samples. Raises NotAudio for a format that is not ours."""
    at, described = 12, False
    while at + 8 <= len(head):
        kind, length = struct.unpack_from("<4sI", head, at)
        if kind == b"fmt " and at + 24 <= len(head):
            _require_our_format(name, *struct.unpack_from("<HHIIHH", head, at + 8))
            described = True
        elif kind == b"data":
            if not described:
                raise NotAudio(f"{name}: audio before its format is told")
            return at + 8, length
        at += 8 + length + length % 2
    raise NotAudio(f"{name}: a WAV header without audio")


def _require_our_format(name: str, coding: int, channels: int, rate: int, _bytes: int, _frame: int, bits: int) -> None:
    if (coding, channels, rate, bits) != (_PCM, 1, RATE, 16):
        found = f"{rate} Hz, {bits} bits, {channels} channel(s), WAV format {coding}"
        raise NotAudio(f"{name}: expected {RATE} Hz, 16 bits, 1 channel, PCM; found {found}")
