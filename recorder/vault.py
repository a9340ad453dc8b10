"""Where does the archive keep a recording so that it is there whole, or not at all, and can be proven unaltered?

Rule protected: a file under its final name is complete, durable and known by its SHA-256; whatever a crash leaves
unfinished is hidden under another name. A full disk is `StorageFull` with the place, and nothing is lost by it: the raw
files stay in the spool until the archive holds them. With a ring of keys nothing that lies here can be read without them;
with an object store, what lies here is on its way there.
"""

import errno
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from config.private_files import sync
from recorder.archive_files import ArchiveFiles, digest_of
from recorder.archive_head import alone
from recorder.keyring import KeyLost, KeyRing
from recorder.naming import (
    SEALED,
    audio_path,
    key_path,
    parse_part_name,
    part_name,
    paths_of,
    sidecar_path,
)
from recorder.record import Json, canonical
from recorder.sealing import BadSeal, Role, Seal, WrappedKey, parse_wrapped
from recorder.stores import ObjectStore, StoreDown

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LONGEST_KEY = 4096  # bytes; a key file has some 200


class StorageFull(OSError):
    """The archive takes no more; what was to be archived is still in the spool."""


class AlteredRecording(ValueError):
    """A file of the archive is not what was archived: it is not given out."""


@dataclass(frozen=True, slots=True)
class Archived:
    """A recording in the archive, as it was when it went in."""

    call_id: str
    path: str  # relative to the archive, forward slashes
    sha256: str
    bytes: int
    sidecar_sha256: str


@dataclass(frozen=True, slots=True)
class Locked:
    """What one attempt at archiving a call seals with: the key itself, and the same as it is kept."""

    data_key: bytes
    wrapped: WrappedKey

    def seal(self, role: Role) -> Seal:
        return Seal(self.data_key, self.wrapped.call_id, role)


@contextmanager
def naming_the_place(place: Path) -> Iterator[None]:
    """Turns "no space" of any kind into StorageFull, which says where."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(error.errno, f"no room for the recording ({error.strerror})", str(place)) from error
        raise


class Vault:
    """The archive below `root`: sealed when there is a `ring` and `seals`, sent on when there is a `store`."""

    def __init__(self, root: Path, ring: KeyRing | None = None, store: ObjectStore | None = None, *, seals: bool = True) -> None:
        self.root = root
        self.ring = ring
        self._files = ArchiveFiles(root, store)
        self._seals = seals and ring is not None

    def locked(self, call_id: str) -> Locked | None:
        """A fresh key for one attempt at archiving a call; None where nothing is sealed. Raises ConfigError, OSError."""
        if self.ring is None or not self._seals:
            return None
        return Locked(*self.ring.new_key(call_id))

    def unfinished(self, call_id: str, started_at: datetime, attempt: int) -> Path:
        """A fresh place beside the final one to write the audio to. What earlier attempts left there is removed.

        Raises HostileName, StorageFull, OSError.
        """
        final = self.root / audio_path(call_id, started_at)
        with naming_the_place(self.root):
            _make_folder(final.parent, self.root)
            for left in final.parent.glob(".*.part"):
                if parse_part_name(left.name) == call_id:
                    left.unlink(missing_ok=True)
        return final.parent / part_name(call_id, attempt)

    def keep(
        self,
        part: Path,
        call_id: str,
        started_at: datetime,
        metadata: Json,
        *,
        form: str = "flac",
        locked: Locked | None = None,
    ) -> Archived:
        """Moves the finished audio at `part` to its final name, with `metadata` and its SHA-256 in a sidecar beside it.

        With `locked` the audio must have been sealed with it; the sidecar is sealed here, and the wrapped key laid beside
        them. Durable when it returns; killed anywhere in it, it is done again. Raises StorageFull, OSError.
        """
        path = audio_path(call_id, started_at, form, sealed=locked is not None)
        final = self.root / path
        with naming_the_place(final.parent):
            sync(part)
            with part.open("rb") as file:
                digest, size = digest_of(file), file.tell()
            text = canonical(metadata | {"audio": {"path": path, "sha256": digest, "bytes": size}}) + "\n"
            beside = text.encode() if locked is None else locked.seal(Role.SIDECAR).seal(text.encode())
            companions = {self.root / sidecar_path(path): self._part(final.parent, call_id, "json", beside)}
            if locked is not None and (key := key_path(path)) is not None:
                key_text = locked.wrapped.text().encode()
                companions[self.root / key] = self._part(final.parent, call_id, "key", key_text)
            with alone(self.root):
                part.replace(final)
                for name, written in companions.items():
                    written.replace(name)
                for other in set(final.parent.glob(f"{call_id}.*")) - {final, *companions}:
                    other.unlink()  # of an earlier attempt that was cut short, in another form
            sync(final.parent)
        return Archived(call_id, path, digest, size, hashlib.sha256(beside).hexdigest())

    def put_key(self, path: str, wrapped: WrappedKey) -> None:
        """Lays another wrapping of the same key beside the recording at `path`, atomically. Raises StorageFull, OSError."""
        name = key_path(path)
        if name is None:
            raise ValueError(f"{path} is not sealed")
        final = self.root / name
        with naming_the_place(final.parent):
            _make_folder(final.parent, self.root)
            part = self._part(final.parent, wrapped.call_id, "key", wrapped.text().encode())
            with alone(self.root):
                part.replace(final)
            sync(final.parent)

    def holds(self, recording: Archived) -> bool:
        """Whether the recording is there, unaltered, with its sidecar. Raises StoreDown."""
        pairs = ((recording.path, recording.sha256), (sidecar_path(recording.path), recording.sidecar_sha256))
        return all(self.digest(path) == expected for path, expected in pairs)

    @contextmanager
    def open_audio(self, recording: Archived) -> Iterator[IO[bytes]]:
        """The audio of a recording, unsealed and proven to be what was archived: FLAC or Ogg Opus, to be read from any place.

        Raises AlteredRecording, which says what is wrong with it, KeyLost, StoreDown.
        """
        with self._proven(recording, recording.path, recording.sha256) as file:
            if recording.path.endswith(SEALED):
                with _as_altered(recording):
                    audio = self._seal(recording, Role.AUDIO).reader(file)
                yield audio
            else:
                yield file

    def sidecar(self, recording: Archived) -> Json:
        """The metadata that lies beside a recording, unsealed and proven. Raises as `open_audio` does."""
        with self._proven(recording, sidecar_path(recording.path), recording.sidecar_sha256) as file:
            content = file.read()
        with _as_altered(recording):
            if recording.path.endswith(SEALED):
                content = self._seal(recording, Role.SIDECAR).open(content)
            said: Json = json.loads(content)
        return said

    def sealed(self, recording: Archived, role: Role, content: bytes) -> bytes:
        """What is kept of a recording elsewhere, sealed with its key, or as it is where nothing is. Raises as `open_audio`."""
        if not recording.path.endswith(SEALED):
            return content
        with _as_altered(recording):
            return self._seal(recording, role).seal(content)

    def unsealed(self, recording: Archived, role: Role, content: bytes) -> bytes:
        """The inverse of `sealed`. Raises as `open_audio`."""
        if not recording.path.endswith(SEALED):
            return content
        with _as_altered(recording):
            return self._seal(recording, role).open(content)

    def wrapped(self, recording: Archived) -> WrappedKey:
        """The key beside a sealed recording. Raises AlteredRecording, StoreDown."""
        name = key_path(recording.path) or ""
        try:
            with self._files.open(name) as file:
                return parse_wrapped(file.read(_LONGEST_KEY).decode(), recording.call_id)
        except StoreDown:
            raise
        except (OSError, UnicodeDecodeError, BadSeal) as error:
            text = f"call {recording.call_id}: {name} cannot be used ({error}); `ringfence recording rekey` puts it back"
            raise AlteredRecording(text) from None

    def remove(self, recording: Archived) -> None:
        """Removes every file of a recording, here and in the store; done again after a crash, it removes the rest.

        The key goes first: from then on nothing can be read any more. Raises StoreDown, OSError.
        """
        self._files.remove([*reversed(paths_of(recording.path))])

    def send(self) -> int:
        """Sends what is archived to the store; returns how many files. Raises StoreDown, OSError."""
        return self._files.send()

    def files(self) -> list[str]:
        """Every file of the archive and every link in it, sorted; unfinished recordings are left out. Raises StoreDown."""
        return self._files.names()

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file of the archive; None when it is missing, cannot be read, or is none. Raises StoreDown."""
        return self._files.digest(name)

    def _seal(self, recording: Archived, role: Role) -> Seal:
        if self.ring is None:
            raise KeyLost(f"call {recording.call_id} is sealed, and this archive was opened without keys")
        return Seal(self.ring.unwrap(self.wrapped(recording)), recording.call_id, role)

    @contextmanager
    def _proven(self, recording: Archived, name: str, expected: str) -> Iterator[IO[bytes]]:
        """The file, hashed: whoever reads on reads what was hashed, whatever happens to its name meanwhile."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._files.open(name))
                found = digest_of(file)
            except StoreDown:
                raise
            except OSError as error:
                raise AlteredRecording(f"call {recording.call_id}: {name} cannot be read: {error.strerror}") from None
            if found != expected:
                raise AlteredRecording(f"call {recording.call_id}: {name} is not what was archived")
            file.seek(0)
            yield file

    @staticmethod
    def _part(folder: Path, call_id: str, word: str, content: bytes) -> Path:
        part = folder / part_name(call_id, word)
        part.write_bytes(content)
        sync(part)
        return part


@contextmanager
def _as_altered(recording: Archived) -> Iterator[None]:
    try:
        yield
    except (BadSeal, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AlteredRecording(f"call {recording.call_id}: {error}") from None


def _make_folder(folder: Path, root: Path) -> None:
    """Makes the folders down to `folder`, each durable in its parent: a day's folder must not vanish with its files."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folder(folder.parent, root)
    folder.mkdir(exist_ok=True, parents=folder == root)
    sync(folder.parent)
