"""How does the site change the key that locks its recordings?

The rule it protects: at any moment, killed between any two lines, every recording opens with a key that is in the ring. The key
of each is wrapped anew beside the audio and in the index, in the transaction that tells the chain; the audio is never touched.
Done again, it goes on where it was; what lay beside the audio and was lost or altered is put back on the way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from compliance.locks import lock_keys
from config.clock import Clock
from config.database import reading, writing
from recorder import archive_head, recording_keys, store
from recorder.holds import lock_of
from recorder.naming import key_path
from recorder.sealing import WrappedKey, wrap
from recorder.vault import Archived, Vault

PAGE = 500


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was done: recordings locked anew with key `kek_id`, keys put back beside the audio, keys that none needs any more."""

    kek_id: str
    locked: int
    restored: int
    unused: tuple[str, ...]


def rekey(engine: Engine, vault: Vault, clock: Clock, seen: Callable[[], None] = lambda: None) -> Rekeyed:
    """Locks every recording with a new key of the site; one that was begun and not finished is finished instead.

    `seen` is called for each recording. Raises KeyLost for a key that recordings are locked with and that is not in the ring,
    ConfigError, BadSeal, HeadDisagrees, StoreDown, OSError.
    """
    if vault.ring is None:
        raise ValueError("this archive was opened without keys")
    ring = vault.ring
    with reading(engine) as connection:
        before = recording_keys.used(connection)
    newest = ring.newest() if before.keys() - {*ring.ids()[-1:]} else ring.add()
    locked = restored = 0
    last = ""
    while True:
        with reading(engine) as connection:
            page = recording_keys.after(connection, last, PAGE)
            recordings = {one.call_id: one for key in page for one in store.in_archive(connection, key.call_id)}
        for key in page:
            seen()
            if key.call_id not in recordings:
                continue
            if key.kek_id != newest.id:
                again = wrap(ring.unwrap(key), key.call_id, newest.secret, newest.id)
                locked += _exchanged(engine, vault, recordings[key.call_id], (key, again), clock.now())
            elif vault.digest(key_path(recordings[key.call_id].path) or "") != recording_keys.digest(key):
                vault.put_key(recordings[key.call_id].path, key)
                restored += 1
        archive_head.publish(engine, vault.root)
        if len(page) < PAGE:
            break
        last = page[-1].call_id
    vault.send()
    with reading(engine) as connection:
        used = recording_keys.used(connection)
    return Rekeyed(newest.id, locked, restored, tuple(key_id for key_id in ring.ids() if key_id not in {*used, newest.id}))


def _exchanged(engine: Engine, vault: Vault, recording: Archived, keys: tuple[WrappedKey, WrappedKey], now: datetime) -> bool:
    """Beside the audio before the commit: killed in between, it is done again, and opens meanwhile with the new key."""
    with writing(engine) as connection:
        lock_keys(connection, lock_of(recording.call_id))  # no key is put beside what is being purged
        if not recording_keys.exchange(connection, *keys, now):
            return False  # purged, or locked anew by somebody else, meanwhile
        vault.put_key(recording.path, keys[1])
    return True
