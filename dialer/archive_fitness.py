"""Is the archive fit to take in recordings, and to give them out again? Its place, store, keys and head, each tried for real.

The rule it protects: a recording is never locked away for good. A key that any recording needs, or a head that the chain does not
hold, is missed before somebody needs it. No finding holds a secret, nor a password that is in the address of a store.
"""

import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compliance.evidence_key import PUBLIC_FILE, evidence_key
from config.clock import SystemClock
from config.ids import new_id
from config.load import ConfigError, Site
from recorder import archive_head, ffmpeg
from recorder.archive_head import HEAD, Head
from recorder.keyring import FOLDER, KeyLost, KeyRing
from recorder.stores import ObjectStore, StoreDown, StoreUnknown, without_password

LOW_DISK = 2 * 1024**3  # bytes; about 35 hours of conversation
PROBE_BYTES = 65_536
#: How the libraries of stores call it that they found nobody to be. They need not be installed, so they are known by name.
_NOBODY = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "CredentialRetrievalError"})
#: Whoever asks the doctor does not wait for minutes for a store that does not answer.
_IMPATIENT: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 15, "retries": {"max_attempts": 2}}}
}


class Unfit(Exception):
    """The part is there but not fit for use; the message says what to do."""


def folder(site: Site) -> str:
    """The folder takes files, and there is room. Raises Unfit, OSError."""
    site.archive.mkdir(parents=True, exist_ok=True)
    probe = site.archive / ".doctor"
    probe.write_bytes(b"\0" * PROBE_BYTES)
    probe.unlink()
    free = shutil.disk_usage(site.archive).free
    if free < LOW_DISK:
        raise Unfit(f"{site.archive}: only {free // 1024**2} MB free; make room, or move it with `recorder.archive`")
    return f"{site.archive}: {free // 1024**3} GB free"


def store(site: Site) -> str:
    """The object store takes a file, gives it back as it was, and removes it again. Raises Unfit."""
    url = site.archive_store or ""
    name = f".doctor-{new_id(SystemClock().now())}"  # two doctors at once do not meet
    try:
        there = ObjectStore(url, **_IMPATIENT.get(urlsplit(url).scheme, {}))
        with tempfile.TemporaryDirectory() as directory:
            probe = Path(directory) / name
            probe.write_bytes(b"\0" * PROBE_BYTES)
            try:
                there.send(probe, name)
            except StoreDown:
                with suppress(StoreDown):  # what came back may be wrong and still be there
                    there.remove(name)
                raise
            there.remove(name)
    except StoreUnknown as error:
        raise Unfit(without_password(str(error), url)) from None
    except StoreDown as error:
        raise Unfit(without_password(f"{error}: {_advice(error)}", url)) from None
    return without_password(f"{url}: written, read back and removed", url)


def keys(site: Site, used: Mapping[str, int]) -> str:
    """Every key that recordings are locked with (`used`: how many by which) is there, is what its name says, and is its owner's.

    Raises Unfit.
    """
    ring = KeyRing(site.secrets / FOLDER)
    faults = []
    for key_id in sorted({*used, *ring.ids()}):
        try:
            ring.key(key_id)
        except (KeyLost, ConfigError) as error:
            locked = f"{used[key_id]} recordings cannot be read without it: " if key_id in used else ""
            faults.append(f"{locked}{error}")
    if ring.folder.is_dir() and (mode := stat.S_IMODE(ring.folder.stat().st_mode)) & 0o077:
        faults.append(f"{ring.folder}: others can look into it (mode {mode:04o}); run `chmod 700 {ring.folder}`")
    if faults:
        raise Unfit("\n".join(faults))
    told = f"{len(ring.ids())} keys, {sum(used.values())} recordings are locked with them"
    if not site.settings.recorder.encrypt:
        return f"{told}; new recordings are NOT encrypted (`recorder.encrypt`)"
    if not ring.ids():
        return "made with the first recording"
    return f"{told}; keep a copy of {ring.folder} apart from those of the archive"


def head(site: Site, tip: Callable[[], Head], hash_at: Callable[[int], str | None]) -> str:
    """The head and the chain of the archive agree about where the chain ends; a link that was altered is not sought here.

    `tip` tells the end of the chain, and is asked after the head was read: a chain that goes on meanwhile is never behind it.
    `hash_at` is the hash of its link at a place. Raises Unfit, HeadDisagrees for a head that the site has not signed, and
    ConfigError for the site's key.
    """
    public = site.secrets / PUBLIC_FILE
    there = archive_head.read(site.archive, evidence_key(site.secrets).public_pem) if public.exists() else None
    end = tip()
    last = end.seq
    if last and not public.exists():
        raise Unfit(f"{public}: missing, and the archive has {last} links: restore it from the backup")
    look = "look with `ringfence recording verify`, then answer for it with `ringfence recording renew-head --why …`"
    if there is None:
        if last > 1:
            raise Unfit(f"{site.archive / HEAD} is gone, and the chain has {last} links: {look}")
        return "nothing archived yet" if not last else "written at the next start of `ringfence run`"
    if hash_at(there.seq) != there.hash:
        raise Unfit(f"{site.archive / HEAD} tells link {there.seq}, which the chain does not hold as it was: {look}")
    behind = f"; the head is {last - there.seq} behind, and is moved at the next start" if there.seq < last else ""
    return f"{last} links, tip {last}:{end.hash}{behind}; `ringfence recording verify` checks each of them"


def encoders(_site: Site) -> str:
    """What ffmpeg is there for. Nothing depends on it."""
    missing = [form for form in ffmpeg.CODINGS if ffmpeg.program(form) is None]
    if not missing:
        return "there, for Opus and MP3"
    without = {"opus": "archiving as Opus takes three times as long", "mp3": "there is no export as MP3"}
    return f"hint: without an ffmpeg that can write them, {' and '.join(without[form] for form in missing)}: install ffmpeg"


def _advice(error: StoreDown) -> str:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(type(one).__name__ in _NOBODY for one in causes):
        return (
            "no credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "where `ringfence` runs, or give the machine a role"
        )
    if any(isinstance(one, PermissionError) for one in causes):
        return "the store refuses these credentials: they must be known there, and may write, read and delete under this prefix"
    return "recordings wait on the local disk until it answers; see to the address, the network and AWS_ENDPOINT_URL"
