"""Where are the keys that unlock the recordings of a site? In `secrets/archive-keys/`, one file each, for their owner only.

The rule it protects: a key is named for what it is (the start of its own SHA-256), so that one that was exchanged or mangled is
seen, and a recording tells by name which key it needs. The newest key locks; older ones only unlock. A key that is lost is
never silently replaced, and what it locked is told by its name.
"""

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from config.load import ConfigError, read_secret
from config.private_files import put_new
from recorder.sealing import KEY_BYTES, WrappedKey, new_data_key, unwrap, wrap

FOLDER = "archive-keys"
_NAME = re.compile(r"([0-9]{4})-([0-9a-f]{16})")


class KeyLost(OSError):
    """A key that recordings are locked with is not in the ring."""


@dataclass(frozen=True, slots=True)
class SiteKey:
    """One key of the ring."""

    id: str
    secret: bytes = field(repr=False)


class KeyRing:
    """The keys in `folder`; the first is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, SiteKey] = {}

    def ids(self) -> list[str]:
        """The ids of all keys, the oldest first."""
        names = [path.stem for path in self.folder.glob("*.key")] if self.folder.is_dir() else []
        return sorted(name for name in names if _NAME.fullmatch(name))

    def newest(self) -> SiteKey:
        """The key that locks from now on. Raises ConfigError for a key that cannot be used, OSError when none can be made."""
        ids = self.ids()
        return self.key(ids[-1]) if ids else self.add()

    def add(self) -> SiteKey:
        """Makes a key, which locks from now on."""
        ids = self.ids()
        secret = secrets.token_bytes(KEY_BYTES)
        number = int(ids[-1].partition("-")[0]) + 1 if ids else 1
        key_id = f"{number:04d}-{_fingerprint(secret)}"
        self.folder.mkdir(mode=0o700, exist_ok=True, parents=True)
        put_new(self._file(key_id), base64.b64encode(secret) + b"\n")
        return self.key(key_id)

    def key(self, key_id: str) -> SiteKey:
        """The key of that id. Raises KeyLost when it is not there, ConfigError when it is not what its name says."""
        if key_id not in self._known:
            self._known[key_id] = self._read(key_id)
        return self._known[key_id]

    def new_key(self, call_id: str) -> tuple[bytes, WrappedKey]:
        """A data key for one recording, and the same wrapped by the newest key of the site."""
        data_key, newest = new_data_key(), self.newest()
        return data_key, wrap(data_key, call_id, newest.secret, newest.id)

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """The data key of a recording. Raises KeyLost, ConfigError, BadSeal."""
        return unwrap(wrapped, self.key(wrapped.kek_id).secret)

    def _read(self, key_id: str) -> SiteKey:
        file = self._file(key_id)
        name = _NAME.fullmatch(key_id)
        if name is None or not file.exists():
            raise KeyLost(f"key {key_id[:40]} is missing from {self.folder}: restore it from the backup to read what it locks")
        try:
            secret = base64.b64decode(read_secret(file), validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES or _fingerprint(secret) != name[2]:
            raise ConfigError([f"{file}: not the key that its name says: restore it from the backup"])
        return SiteKey(key_id, secret)

    def _file(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.key"


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()[:16]
