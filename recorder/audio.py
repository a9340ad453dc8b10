"""How do the two sides of a call become one archived file, and how does a copy leave the archive?

Rule protected: the archived audio is, sample for sample, what the PBX recorded. It is read back and compared before
anybody may delete the raw files; a full disk is an error with its place and never a shorter recording. Everything but
a prompt is streamed in blocks.
"""

import hashlib
import os
import warnings
from collections.abc import Iterable
from contextlib import suppress
from io import SEEK_SET
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from recorder.pcm import RATE, Samples
from recorder.wav import NotAudio

with warnings.catch_warnings():
    # pydub warns at import when ffmpeg is absent; WAV, the only format read with it, needs none.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

CHUNK = RATE * 10  # frames at a time

#: format of an export -> libsndfile's container and coding. Not MP3: at 8 kHz libsndfile's comes back with every other
#: stretch silent, and an export that drops half of a conversation is worse than none.
EXPORTS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "OPUS")}


class EncodingFailed(OSError):
    """What was written does not decode to what was recorded: the file cannot be trusted."""


def write_flac(path: Path, blocks: Iterable[Samples]) -> int:
    """Writes stereo blocks of shape (n, 2) as FLAC to `path`, durably, and returns the number of frames.

    Raises OSError with its errno when the disk refuses, EncodingFailed when the file does not give the same samples back.
    """
    written, frames = hashlib.sha256(), 0
    with path.open("w+b") as file:
        sink = _Sink(file)
        sound = soundfile.SoundFile(sink, "w", RATE, 2, "PCM_16", format="FLAC")
        try:
            for block in blocks:
                sound.write(block)
                sink.check()
                written.update(block.tobytes())
                frames += len(block)
            sound.close()
        except (soundfile.LibsndfileError, AssertionError) as error:
            # libsndfile tells only that it wrote too little; the sink knows why.
            sink.check()
            raise EncodingFailed(f"{path.name}: {error}") from error
        finally:
            with suppress(soundfile.LibsndfileError):
                sound.close()
        sink.check()
        file.flush()
        os.fsync(file.fileno())
    if pcm_sha256(path) != written.hexdigest():
        raise EncodingFailed(f"{path.name}: the encoded audio does not decode to what was recorded")
    return frames


def pcm_sha256(path: Path) -> str:
    """SHA-256 of the decoded samples of an audio file, as 16-bit little-endian frames. Raises EncodingFailed."""
    digest = hashlib.sha256()
    try:
        with soundfile.SoundFile(path) as sound:
            for block in sound.blocks(CHUNK, dtype="int16"):
                digest.update(block.tobytes())
    except soundfile.LibsndfileError as error:
        raise EncodingFailed(f"{path.name}: {error}") from error
    return digest.hexdigest()


def convert(source: Path, target: Path, form: str) -> None:
    """Writes the audio of `source` to `target` in one of `EXPORTS`, durably. Raises ValueError, OSError, EncodingFailed."""
    if form not in EXPORTS:
        raise ValueError(f"cannot export as {form!r}: choose one of {', '.join(EXPORTS)}")
    container, coding = EXPORTS[form]
    try:
        with soundfile.SoundFile(source) as sound, target.open("w+b") as file:
            sink = _Sink(file)
            with soundfile.SoundFile(sink, "w", sound.samplerate, sound.channels, coding, format=container) as copy:
                for block in sound.blocks(CHUNK, dtype="int16"):
                    copy.write(block)
                    sink.check()
            sink.check()
            file.flush()
            os.fsync(file.fileno())
    except (soundfile.LibsndfileError, AssertionError) as error:
        raise EncodingFailed(f"{target.name}: {error}") from error


def load_prompt(path: Path) -> Samples:
    """The samples of a prompt, brought to 8 kHz mono 16-bit. Prompts are short: held whole. Raises NotAudio, OSError."""
    content = path.read_bytes()
    try:
        prompt = AudioSegment(content).set_channels(1).set_sample_width(2).set_frame_rate(RATE)
    except (CouldntDecodeError, EOFError, ValueError, LookupError) as error:
        raise NotAudio(f"{path.name}: not a WAV prompt ({error})") from error
    samples: Samples = np.array(prompt.get_array_of_samples(), dtype=np.int16)
    return samples


class _Sink:
    """A file as libsndfile sees it, which keeps the first error of the disk: its callbacks cannot raise."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._error: OSError | None = None

    def write(self, piece: bytes) -> int:
        if self._error is None:
            try:
                return self._file.write(piece)
            except OSError as error:
                self._error = error
        return 0

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)  # flushes, so a full disk shows here as well
        except OSError as error:
            self._error = self._error or error
            return -1

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        if self._error is not None:
            raise self._error
