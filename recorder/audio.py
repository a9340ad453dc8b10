"""How do the two sides of a call become one archived file, and how does a copy leave the archive?

Rule protected: archived as FLAC, the audio is, sample for sample, what the PBX recorded; as Opus, it is as long, and each
side as loud in every second. Both are read back and compared before anybody may delete the raw files; a full disk is an
error with its place and never a shorter recording. Everything but a prompt is streamed in blocks.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import SEEK_SET
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from recorder import ffmpeg
from recorder.alike import Profile, difference
from recorder.forms import PCM, Form, converted
from recorder.pcm import RATE, Samples, to_samples
from recorder.sealing import BadSeal, Seal, SealingWriter
from recorder.wav import NotAudio

with warnings.catch_warnings():
    # pydub warns at import when ffmpeg is absent; WAV, the only format read with it, needs none.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

CHUNK = RATE * 10  # frames at a time

#: format of an export -> libsndfile's container and coding; None: only ffmpeg can. Not its MP3: at 8 kHz libsndfile's comes
#: back with every other stretch silent, and an export that drops half of a conversation is worse than none.
EXPORTS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS"), "ogg": ("OGG", "OPUS"), "mp3": None}
ARCHIVED = ("flac", "opus")
OPUS_LEVEL = 0.93  # of libsndfile's scale: 47,000 bits a second, as good as ffmpeg's


class EncodingFailed(OSError):
    """What was written does not decode to what was recorded: the file cannot be trusted."""


class NoEncoder(ValueError):
    """The format needs ffmpeg, and it is not installed."""


def write(path: Path, blocks: Iterable[Samples], form: str, seal: Seal | None = None) -> int:
    """Writes stereo blocks of shape (n, 2) to `path` in one of `ARCHIVED`, durably and proven; returns the number of frames.

    With a `seal` no byte reaches the disk unsealed.
    Raises ValueError for another form, OSError with its errno when the disk refuses, EncodingFailed.
    """
    match form:
        case "flac":
            return write_flac(path, blocks, seal)
        case "opus":
            return write_opus(path, blocks, seal)
        case _:
            raise ValueError(f"cannot archive as {form!r}: choose one of {', '.join(ARCHIVED)}")


def write_flac(path: Path, blocks: Iterable[Samples], seal: Seal | None = None) -> int:
    """Writes stereo blocks as FLAC: what is read back are the same samples. Raises as `write`."""
    written = hashlib.sha256()

    def seen() -> Iterator[Samples]:
        for block in blocks:
            written.update(block.tobytes())
            yield block

    with _new(path, seal) as file:
        frames = _encode(file, path.name, seen(), ("FLAC", "PCM_16"))
    with _kept(path, seal) as copy:
        decoded = pcm_sha256(copy)
    if decoded != written.hexdigest():
        raise EncodingFailed(f"{path.name}: the encoded audio does not decode to what was recorded")
    return frames


def write_opus(path: Path, blocks: Iterable[Samples], seal: Seal | None = None) -> int:
    """Writes stereo blocks as Opus in Ogg, by ffmpeg if it is there: read back it is as long and as loud. Raises as `write`."""
    recorded, kept = Profile(), Profile()

    def seen() -> Iterator[Samples]:
        for block in blocks:
            recorded.feed(block)
            yield block

    program = ffmpeg.program("opus")
    with _new(path, seal) as file:
        if program is None:
            frames = _encode(file, path.name, seen(), ("OGG", "OPUS"))
        else:
            frames = ffmpeg.encode(program, "opus", file, seen())
    with _kept(path, seal) as copy:
        for block in _decoded(copy, path.name) if program is None else ffmpeg.decode(program, copy, CHUNK):
            kept.feed(block)
    if text := difference(recorded, kept):
        raise EncodingFailed(f"{path.name}: {text}")
    return frames


@contextmanager
def _new(path: Path, seal: Seal | None) -> Iterator[IO[bytes] | SealingWriter]:
    """A new file to be encoded into, sealed on the way when there is a seal, durable at the end of the block."""
    with path.open("w+b") as file:
        sealing = None if seal is None else seal.writer(file)
        yield sealing or file
        if sealing is not None:
            sealing.finish()
        _make_durable(file)


@contextmanager
def _kept(path: Path, seal: Seal | None) -> Iterator[IO[bytes]]:
    """What was written, as a decoder reads it. Raises EncodingFailed when the seal does not open."""
    try:
        with path.open("rb") as file:
            yield file if seal is None else seal.reader(file)
    except BadSeal as error:
        raise EncodingFailed(f"{path.name}: {error}") from error


def _encode(
    file: IO[bytes] | SealingWriter,
    name: str,
    blocks: Iterable[Samples],
    coding: tuple[str, str],
    tags: Mapping[str, str] = ffmpeg.NO_TAGS,
) -> int:
    """Writes the blocks to `file` by libsndfile; returns the number of frames. Raises OSError, EncodingFailed."""
    sink, frames = _Sink(file), 0
    container, subtype = coding
    level = {"compression_level": OPUS_LEVEL} if subtype == "OPUS" else {}
    sound = soundfile.SoundFile(sink, "w", RATE, 2, subtype, format=container, **level)
    try:
        for tag, said in tags.items():
            setattr(sound, tag, said)
        for block in blocks:
            sound.write(block)
            sink.check()
            frames += len(block)
        sound.close()
    except (soundfile.LibsndfileError, AssertionError) as error:
        # libsndfile tells only that it wrote too little; the sink knows why.
        sink.check()
        raise EncodingFailed(f"{name}: {error}") from error
    finally:
        with suppress(soundfile.LibsndfileError):
            sound.close()
    sink.check()
    return frames


def _make_durable(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _decoded(source: Path | IO[bytes], name: str) -> Iterator[Samples]:
    """The frames of an audio file, by libsndfile. Raises EncodingFailed."""
    try:
        with soundfile.SoundFile(source) as sound:
            yield from sound.blocks(CHUNK, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise EncodingFailed(f"{name}: {error}") from error


def pcm_sha256(source: Path | IO[bytes]) -> str:
    """SHA-256 of the decoded samples of an audio file, as 16-bit little-endian frames. Raises EncodingFailed."""
    digest = hashlib.sha256()
    for block in _decoded(source, getattr(source, "name", "recording")):
        digest.update(block.tobytes())
    return digest.hexdigest()


def convert(
    source: Path | IO[bytes],
    target: Path,
    form: str,
    *,
    piece_ms: tuple[int, int] | None = None,
    tags: Mapping[str, str] = ffmpeg.NO_TAGS,
    change: Callable[[Iterable[Samples]], Iterable[Samples]] | None = None,
) -> None:
    """Writes a recording, at `source`, to `target` in one of `EXPORTS`, durably: all of it, or a piece, from and until.

    `tags` (title, artist, comment, date) go into the file; what `change` makes of the blocks is written. Raises NoEncoder,
    another ValueError for an unknown format, OSError, EncodingFailed.
    """
    if form not in EXPORTS:
        raise ValueError(f"cannot export as {form!r}: choose one of {', '.join(EXPORTS)}")
    coding, program = EXPORTS[form], ffmpeg.program(form)
    if coding is None and program is None:
        raise NoEncoder(f"cannot export as {form!r}: install ffmpeg, or choose one of {', '.join(set(EXPORTS) - {form})}")
    try:
        with soundfile.SoundFile(source) as sound, target.open("w+b") as file:
            if (sound.samplerate, sound.channels) != (RATE, 2):
                raise EncodingFailed(f"{target.name}: what is to be copied is no recording of ours")
            first, last = (0, sound.frames) if piece_ms is None else (to_samples(one) for one in piece_ms)
            sound.seek(min(first, sound.frames))
            blocks: Iterable[Samples] = sound.blocks(CHUNK, frames=max(0, last - first), dtype="int16")
            if change is not None:
                blocks = change(blocks)
            if program is not None:
                ffmpeg.encode(program, form, file, blocks, tags)
            elif coding is not None:
                _encode(file, target.name, blocks, coding, tags)
            _make_durable(file)
    except soundfile.LibsndfileError as error:
        raise EncodingFailed(f"{target.name}: {error}") from error


def beginning_of(path: Path) -> Samples:
    """The first ten minutes of any file that libsndfile reads: its channels at 8 kHz, of shape (n, channels).

    Raises NotAudio, OSError.
    """
    try:
        with soundfile.SoundFile(path) as sound:
            form = Form(PCM, 1, sound.samplerate, 16)
            if not form.known:
                raise NotAudio(f"{path.name}: {sound.samplerate} Hz is no rate that can be read")
            whole = sound.read(sound.samplerate * 600, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise NotAudio(f"{path.name}: not audio ({error})") from error
    channels = [np.concatenate(list(converted([channel.astype("<i2").tobytes()], form))) for channel in whole.T]
    return np.stack(channels, axis=1)


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

    def __init__(self, file: IO[bytes] | SealingWriter) -> None:
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
