"""What is in a raw file of the PBX?

Rule protected: nothing a PBX leaves behind is trusted, lost or changed. Where a crash left zeros in the header, the
audio is as long as the file says; what is not 8 kHz 16-bit mono PCM is converted if its form is known, and refused with
the reason if not. Raw files are only read, so that an attempt that was interrupted leaves them as they came. Audio is
read in blocks: memory does not grow with the length of the call.
"""

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recorder.forms import EXTENSIBLE, OURS, Form, converted, length_of
from recorder.pcm import RATE, Samples, to_ms, to_samples

BLOCK = RATE * 10  # samples read at a time
HEADER_LIMIT = 4096  # chunks before the audio are small; a header longer than this is not one


class NotAudio(ValueError):
    """The file is no WAV, or one of a form that cannot be converted: it is set aside with this reason."""


@dataclass(frozen=True, slots=True)
class Wav:
    """Where the audio lies in a raw file. `closed` is whether the header agrees with the size: the PBX has finished it."""

    path: Path
    offset: int  # bytes before the first sample
    samples: int  # at 8 kHz, converted if need be
    closed: bool
    odd: bool  # a part of a sample at the end is left out
    form: Form = OURS
    frames: int = 0  # in the file, when its form is not ours

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
    offset, declared, form = _audio_chunk(path.name, head)
    available = size - offset
    (riff,) = struct.unpack_from("<I", head, 4)
    # A chunk of odd length is padded to an even one, outside its own count.
    closed = riff == size - 8 and declared in (available, available - 1)
    length = declared if closed else available
    frames, rest = divmod(length, form.frame_bytes)
    return Wav(path, offset, length_of(frames, form), closed=closed, odd=rest > 0, form=form, frames=frames)


def blocks(wav: Wav, size: int = BLOCK, start: int = 0) -> Iterator[Samples]:
    """The samples of a raw file from sample `start`, `size` at a time. Raises NotAudio if it has shrunk meanwhile."""
    if wav.form == OURS:
        for raw in _raw(wav, wav.samples, size, start):
            yield np.frombuffer(raw, dtype="<i2").astype(np.int16, copy=False)
        return
    held: Samples = np.zeros(0, dtype=np.int16)
    skipped = 0  # a filter has to hear what comes before: converted from the beginning, whatever is wanted
    for piece in converted(_raw(wav, wav.frames, size), wav.form):
        passed = min(start - skipped, len(piece))
        skipped += passed
        held = np.concatenate((held, piece[passed:]))
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def _raw(wav: Wav, frames: int, size: int, start: int = 0) -> Iterator[bytes]:
    """The bytes of the frames from `start`, `size` frames at a time."""
    left = frames - start
    with wav.path.open("rb") as file:
        file.seek(wav.offset + start * wav.form.frame_bytes)
        while left > 0:
            wanted = min(size, left)
            raw = file.read(wanted * wav.form.frame_bytes)
            if len(raw) != wanted * wav.form.frame_bytes:
                raise NotAudio(f"{wav.path.name}: became shorter while it was read")
            left -= wanted
            yield raw


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


def _audio_chunk(name: str, head: bytes) -> tuple[int, int, Form]:
    """Offset, declared length and form of the samples. Raises NotAudio for a form that cannot be converted."""
    at, form = 12, None
    while at + 8 <= len(head):
        kind, length = struct.unpack_from("<4sI", head, at)
        if kind == b"fmt " and at + 24 <= len(head):
            form = _form(head, at + 8, length)
        elif kind == b"data":
            if form is None:
                raise NotAudio(f"{name}: audio before its format is told")
            if not form.known:
                raise NotAudio(f"{name}: expected {OURS}, or what can be converted to it; found {form}")
            return at + 8, length, form
        at += 8 + length + length % 2
    raise NotAudio(f"{name}: a WAV header without audio")


def _form(head: bytes, at: int, length: int) -> Form:
    coding, channels, rate, _bytes, _frame, bits = struct.unpack_from("<HHIIHH", head, at)
    if coding == EXTENSIBLE and length >= 40 and at + 26 <= len(head):
        (coding,) = struct.unpack_from("<H", head, at + 24)  # the first two bytes of the form's GUID
    return Form(coding, channels, rate, bits)
