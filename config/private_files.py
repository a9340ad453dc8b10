"""How does a file that only its owner may read come to be: whole, durable, and once?

The rule it protects: a secret is never there in half, never readable for others, and never replaced by another.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def put_new(path: Path, content: bytes) -> None:
    """Writes a file that appears whole and durable, readable for its owner only; one that is there already is left as it is."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody else was first: theirs is the key
            os.link(part, path)  # unlike a rename, never replaces what is there
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Makes a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
