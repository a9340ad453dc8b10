"""Where did the chain of the archive end when it was last added to? In `head.json` of the archive, signed by the site.

The rule it protects: links that are cut off at the end of the chain, with or without their recordings, are missed. The head is
written after the commit and never moved back: when the chain does not hold what the head tells, the head stays, and people are
told. Who keeps a copy of it elsewhere can prove the archive against the site itself.
"""

import base64
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from compliance.chain import canonical
from compliance.signing import verify
from config.database import reading
from config.private_files import sync
from recorder.archive_chain import Signer, hash_at, signer_of, tip

HEAD = "head.json"
LOCK = ".head.lock"
_PART = ".head.part"
OWN_FILES = frozenset({HEAD, LOCK, _PART})  # of the archive itself, and of no recording
_FORMAT = "ringfence-archive-head-1"


class BadHead(ValueError):
    """The head is not one that the site has signed."""


class HeadDisagrees(ValueError):
    """The chain does not hold what the head tells, or the head is gone: one of the two was tampered with, or put back."""


@dataclass(frozen=True, slots=True)
class Head:
    """Place and hash of the last link."""

    seq: int
    hash: str


def text_of(head: Head, key: Signer) -> str:
    """The one text of a head."""
    signature = base64.b64encode(key.sign(_message(head))).decode("ascii")
    return canonical({"format": _FORMAT, "seq": head.seq, "hash": head.hash, "signature": signature}) + "\n"


def parse(content: bytes, public_pem: str) -> Head:
    """The inverse of `text_of`. Raises BadHead."""
    try:
        text = content.decode("ascii")
        said = json.loads(text)
        head = Head(int(said["seq"]), str(said["hash"]))
        signature = base64.b64decode(said["signature"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise BadHead(f"{HEAD} cannot be read") from None
    spelled = canonical(said | {"signature": base64.b64encode(signature).decode("ascii")}) + "\n"
    if spelled != text or set(said) != {"format", "seq", "hash", "signature"} or said["format"] != _FORMAT:
        raise BadHead(f"{HEAD} is not as it was written")
    if not verify(public_pem, _message(head), signature):
        raise BadHead(f"{HEAD} does not bear the site's signature")
    return head


def publish(engine: Engine, archive: Path) -> None:
    """Brings the head in the folder `archive` up to the end of the chain; to be called after each commit that added to it.

    Raises HeadDisagrees, and leaves the head as it is, when the chain does not go on from it; OSError.
    """
    key = signer_of(engine)
    with alone(archive):
        before = read(archive, key.public_pem)
        with reading(engine) as connection:
            last = Head(*tip(connection))
            expected = hash_at(connection, before.seq) if before is not None else None
        if before is None and last.seq > 1:
            raise HeadDisagrees(f"{archive / HEAD} is gone, and the chain has {last.seq} links")
        if before is not None and expected != before.hash:
            raise HeadDisagrees(f"{archive / HEAD} tells link {before.seq}, which the chain does not hold as it was")
        if before != last:
            _write(archive, text_of(last, key))


def renew(engine: Engine, archive: Path) -> None:
    """Writes the head anew, whatever it was: a person has looked, and answers for it. Raises OSError."""
    key = signer_of(engine)
    with alone(archive), reading(engine) as connection:
        _write(archive, text_of(Head(*tip(connection)), key))


def read(archive: Path, public_pem: str) -> Head | None:
    """The head as it is; None when there is none. Raises HeadDisagrees for one that the site has not signed, OSError."""
    try:
        return parse((archive / HEAD).read_bytes(), public_pem)
    except FileNotFoundError:
        return None
    except BadHead as error:
        raise HeadDisagrees(f"{archive}: {error}") from None


def _message(head: Head) -> bytes:
    return f"{_FORMAT}\n{head.seq}\n{head.hash}".encode()


@contextmanager
def alone(archive: Path) -> Iterator[None]:
    """One process at a time, for a moment: whoever moves the head, puts files in their place, or takes them away once sent."""
    archive.mkdir(exist_ok=True, parents=True)
    with (archive / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(archive: Path, text: str) -> None:
    part = archive / _PART
    part.write_text(text, encoding="ascii")
    sync(part)
    part.replace(archive / HEAD)
    sync(archive)
