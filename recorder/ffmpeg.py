"""What does the ffmpeg program do for the recorder, where it is installed?

It encodes what libsndfile cannot, or not as fast: MP3 (libsndfile's comes back with holes at 8 kHz) and Opus (in a third
of the time, and decoded by another decoder in less than half). Nothing depends on it: without it there is no MP3, and Opus
is libsndfile's. Everything goes by pipes: a call of any length takes no memory, and no byte of it the disk.
"""

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from types import MappingProxyType
from typing import IO, Protocol

import numpy as np

from recorder.pcm import RATE, Samples

OPUS_BITS = 32_000  # a second, asked for; 8 kHz stereo speech takes up to 43,000: 19 MB an hour, and no sound crosses sides
MP3_BITS = 48_000
#: form -> encoder and its settings. No date, no version in the file: the same audio gives the same bytes.
CODINGS = {
    "opus": ("-c:a", "libopus", "-b:a", str(OPUS_BITS), "-f", "ogg"),
    "mp3": ("-c:a", "libmp3lame", "-b:a", str(MP3_BITS), "-f", "mp3"),
}
NO_TAGS: Mapping[str, str] = MappingProxyType({})
_RAW = ("-f", "s16le", "-ar", str(RATE), "-ac", "2")
_BITEXACT = ("-fflags", "+bitexact")
_PIECE = 1 << 16


class FfmpegFailed(OSError):
    """ffmpeg did not encode; the message is its last line."""


class Sink(Protocol):
    """Where encoded bytes go: a file, or what seals them on their way into one."""

    def write(self, piece: bytes, /) -> int: ...


@cache
def program(form: str) -> str | None:
    """The path of an installed ffmpeg that can write `form`; None when there is none."""
    path = shutil.which("ffmpeg")
    if path is None or form not in CODINGS:
        return None
    encoder = CODINGS[form][1]
    told = subprocess.run([path, "-hide_banner", "-encoders"], capture_output=True, text=True, check=False)  # noqa: S603 -- from PATH
    return path if f" {encoder} " in told.stdout else None


def encode(ffmpeg: str, form: str, target: Sink, blocks: Iterable[Samples], tags: Mapping[str, str] = NO_TAGS) -> int:
    """Writes stereo blocks to `target` as `form`, with the tags in it; returns the number of frames.

    Raises FfmpegFailed, or what `target` or `blocks` raises; ffmpeg does not outlive the call.
    """
    told = [word for tag, said in tags.items() for word in ("-metadata", f"{tag}={said}")]
    argv = [ffmpeg, "-v", "error", *_RAW, "-i", "pipe:0", "-map_metadata", "-1", *told, *_BITEXACT, *CODINGS[form], "pipe:1"]
    frames = 0

    def take() -> None:
        _copy(encoded, target)

    with _running(argv) as (pipe, encoded, kill), _beside(take, kill), suppress(BrokenPipeError), pipe:
        for block in blocks:
            frames += len(block)
            pipe.write(block.astype("<i2", copy=False).tobytes())
    return frames  # a broken pipe is ffmpeg's end: `_running` tells why


def decode(ffmpeg: str, source: IO[bytes], size: int) -> Iterator[Samples]:
    """The stereo frames of an encoded recording, `size` at a time. Raises FfmpegFailed, or what `source` raises."""
    with _running([ffmpeg, "-v", "error", "-i", "pipe:0", *_RAW, "pipe:1"]) as (pipe, decoded, kill):

        def feed() -> None:
            with suppress(BrokenPipeError), pipe:
                _copy(source, pipe)

        with _beside(feed, kill):
            while piece := decoded.read(4 * size):
                yield np.frombuffer(piece, "<i2").astype(np.int16, copy=False).reshape(-1, 2)


@contextmanager
def _running(argv: list[str]) -> Iterator[tuple[IO[bytes], IO[bytes], Callable[[], None]]]:
    """ffmpeg at work: its input, its output, and how to kill it. Raises FfmpegFailed at the end, if it has failed."""
    with tempfile.TemporaryFile() as complaints:
        running = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)  # noqa: S603 -- ours
        assert running.stdin is not None and running.stdout is not None  # noqa: S101, PT018 -- asked for above
        try:
            yield running.stdin, running.stdout, running.kill
        except BaseException:
            running.kill()
            raise
        finally:
            status = running.wait()
            running.stdout.close()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
    if status or said:
        raise FfmpegFailed(f"ffmpeg: {said.splitlines()[-1] if said else f'exit {status}'}")


@contextmanager
def _beside(work: Callable[[], None], kill: Callable[[], None]) -> Iterator[None]:
    """Works beside the block in a thread. What fails in either ends both: nobody waits for a pipe that nobody reads."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- raised again below, where it can be caught
            failed.append(error)
            kill()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        kill()
        raise
    finally:
        thread.join()
    if failed:
        raise failed[0]


def _copy(source: IO[bytes], target: Sink) -> None:
    while piece := source.read(_PIECE):
        target.write(piece)
