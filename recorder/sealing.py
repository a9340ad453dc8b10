"""How is a recording made unreadable for whoever has the disk, and readable again for whoever has the key?

AES-256-GCM in segments of 64 KiB (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015): nonce = prefix of the
file, number of the segment, whether it is the last; bound to the call and to what the file is in it. The rule it protects: what
comes out is what went in, of this call, whole and in order, or nothing; memory does not grow with the length of the call.

A recording has a data key of its own, which no other will ever have. It is kept wrapped by a key of the site (the key-encryption
key), so that a new key of the site costs a hundred bytes a recording and never its audio.
"""

import base64
import binascii
import io
import json
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.chain import canonical

KEY_BYTES = 32
SEGMENT = 1 << 16  # bytes of plain text
TAG = 16  # what GCM adds to each segment
_MAGIC = b"RFSEAL1\n"
_PREFIX = 7
HEADER = len(_MAGIC) + _PREFIX
_NONCE = 12
_KEY_FORMAT = "ringfence-key-1"


class BadSeal(ValueError):
    """This was not sealed with that key for that call, or it was altered since."""


class Role(StrEnum):
    """What is sealed of a recording: the one cannot be passed off as the other."""

    AUDIO = "audio"
    SIDECAR = "sidecar"
    TRANSCRIPT = "transcript"  # no file: it lies in the database


@dataclass(frozen=True, slots=True)
class Seal:
    """What one file of a recording is sealed with."""

    key: bytes = field(repr=False)
    call_id: str
    role: Role

    def writer(self, file: IO[bytes]) -> "SealingWriter":
        """A sink for plain bytes, sealed into `file` (empty, seekable) on the way."""
        return SealingWriter(file, self)

    def reader(self, file: IO[bytes]) -> io.BufferedReader:
        """The plain bytes of what was sealed into `file`, to be read from any place. Raises BadSeal, here or while reading."""
        return io.BufferedReader(_Opened(file, self), SEGMENT)

    def seal(self, plain: bytes) -> bytes:
        """Seals what is short enough to be held."""
        sealed = io.BytesIO()
        writer = self.writer(sealed)
        writer.write(plain)
        writer.finish()
        return sealed.getvalue()

    def open(self, sealed: bytes) -> bytes:
        """The inverse of `seal`. Raises BadSeal."""
        return self.reader(io.BytesIO(sealed)).read()


class SealingWriter:
    """Seals what is written to it. `finish` writes the end; without it the file does not open.

    The first 64 KiB may be written over until then: an encoder comes back to fill in its header. Nothing else may.
    """

    def __init__(self, file: IO[bytes], seal: Seal) -> None:
        self._file = file
        self._header = _MAGIC + secrets.token_bytes(_PREFIX)
        self._segments = _Segments(seal, self._header)
        self._first = bytearray()
        self._pending = bytearray()
        self._index = 1  # of the pending segment
        self._position = self._size = 0

    def write(self, piece: bytes) -> int:
        """Takes plain bytes. Raises OSError as the file does."""
        piece = bytes(piece)
        if self._position < self._size:
            if self._position + len(piece) > len(self._first):
                raise io.UnsupportedOperation("only the first segment of a sealed file can be written again")
            self._first[self._position : self._position + len(piece)] = piece
        else:
            self._add(piece)
            self._size += len(piece)
        self._position += len(piece)
        return len(piece)

    def read(self, size: int = -1) -> bytes:
        """Nothing is read here: sealed bytes are read with `Seal.reader`."""
        raise io.UnsupportedOperation("a sealed file is written once, then read")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To a place inside of what was written. Raises ValueError."""
        place = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        if not 0 <= place <= self._size:
            raise ValueError(f"place {place} is not among the {self._size} bytes written")
        self._position = place
        return place

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        self._file.flush()

    def finish(self) -> None:
        """Writes the last segment, then the first. The file is neither synced nor closed. Raises OSError as the file does."""
        if self._pending:
            self._file.write(self._segments.seal(self._index, bytes(self._pending), last=True))
        self._file.seek(0)
        self._file.write(self._header + self._segments.seal(0, bytes(self._first), last=not self._pending))
        self._file.seek(0, io.SEEK_END)

    def _add(self, piece: bytes) -> None:
        room = SEGMENT - len(self._first)
        self._first += piece[:room]
        piece = piece[room:]
        while piece:
            if not self._pending and self._index == 1:
                self._file.seek(HEADER + SEGMENT + TAG)
            if len(self._pending) == SEGMENT:  # more comes, so it is not the last
                self._file.write(self._segments.seal(self._index, bytes(self._pending), last=False))
                self._pending.clear()
                self._index += 1
            room = SEGMENT - len(self._pending)
            self._pending += piece[:room]
            piece = piece[room:]


class _Segments:
    """Seals and opens the segments of one file."""

    def __init__(self, seal: Seal, header: bytes) -> None:
        self._aead = AESGCM(seal.key)
        self._prefix = header[len(_MAGIC) :]
        self._bound = b"\0".join((header, seal.call_id.encode(), seal.role.value.encode()))
        self._name = f"the {seal.role.value} of call {seal.call_id}"

    def seal(self, index: int, plain: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(index, last=last), plain, self._bound)

    def open(self, index: int, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(index, last=last), sealed, self._bound)
        except InvalidTag:
            raise BadSeal(f"{self._name}: segment {index} is not what was sealed with this key") from None

    def _nonce(self, index: int, *, last: bool) -> bytes:
        return self._prefix + index.to_bytes(4) + bytes([last])


class _Opened(io.RawIOBase):
    """The plain bytes of a sealed file; one segment is held."""

    def __init__(self, file: IO[bytes], seal: Seal) -> None:
        super().__init__()
        self._file = file
        sealed = file.seek(0, io.SEEK_END) - HEADER
        file.seek(0)
        header = file.read(HEADER)
        if sealed < TAG or not header.startswith(_MAGIC):
            raise BadSeal(f"the {seal.role.value} of call {seal.call_id}: not a sealed file")
        self._segments = _Segments(seal, header)
        self._count = -(-sealed // (SEGMENT + TAG))
        self._size = sealed - self._count * TAG
        self._position = 0
        # At once: a wrong key shows here, and an end that was cut off, even one that no reader would come to.
        self._held: tuple[int, bytes] = (self._count - 1, self._load(self._count - 1))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        if place < 0:
            raise ValueError(f"negative place {place}")
        self._position = place
        return place

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        index, offset = divmod(self._position, SEGMENT)
        if self._held[0] != index:
            self._held = (index, self._load(index))
        piece = self._held[1][offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _load(self, index: int) -> bytes:
        self._file.seek(HEADER + index * (SEGMENT + TAG))
        sealed = self._file.read(SEGMENT + TAG)
        return self._segments.open(index, sealed, last=index == self._count - 1)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The data key of a recording, readable for whoever has the site's key `kek_id`."""

    call_id: str
    kek_id: str
    wrapped: str  # nonce, data key and tag, in base64

    def text(self) -> str:
        """The one line that lies beside the audio: with it and the site's keys the archive is readable without the database."""
        said = {"format": _KEY_FORMAT, "call_id": self.call_id, "kek_id": self.kek_id, "wrapped": self.wrapped}
        return canonical(said) + "\n"


def parse_wrapped(text: str, call_id: str) -> WrappedKey:
    """The inverse of `WrappedKey.text`. Raises BadSeal for anything else, and for the key of another call."""
    try:
        said = json.loads(text)
        wrapped = WrappedKey(said["call_id"], said["kek_id"], said["wrapped"])
    except (ValueError, KeyError, TypeError):
        raise BadSeal(f"the key of call {call_id} cannot be read") from None
    if wrapped.call_id != call_id or wrapped.text() != text:
        raise BadSeal(f"the key of call {call_id} is not as it was written")
    return wrapped


def wrap(data_key: bytes, call_id: str, kek: bytes, kek_id: str) -> WrappedKey:
    """The data key as only the holder of `kek` can read it."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = nonce + AESGCM(kek).encrypt(nonce, data_key, _bound(call_id, kek_id))
    return WrappedKey(call_id, kek_id, base64.b64encode(sealed).decode("ascii"))


def unwrap(wrapped: WrappedKey, kek: bytes) -> bytes:
    """The data key. Raises BadSeal."""
    try:
        sealed = base64.b64decode(wrapped.wrapped, validate=True)
        return AESGCM(kek).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(wrapped.call_id, wrapped.kek_id))
    except (InvalidTag, ValueError, binascii.Error):
        raise BadSeal(f"the key of call {wrapped.call_id} does not open with {wrapped.kek_id}: it was altered") from None


def new_data_key() -> bytes:
    """A key that no other recording has."""
    return secrets.token_bytes(KEY_BYTES)


def _bound(call_id: str, kek_id: str) -> bytes:
    return b"\0".join((_KEY_FORMAT.encode(), call_id.encode(), kek_id.encode()))
