"""Where is the archive when it is not on a disk of this machine? In an object store, by way of fsspec (`s3://bucket/prefix`).

The rule it protects: what was sent is there, whole, before anybody counts on it: it is read back and compared. A store that does
not answer, or refuses, is `StoreDown` with its name; nothing is lost by it, since the local copy goes only afterwards.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

CHUNK = 1 << 20
#: Stores without real folders: what is missing there is the bucket, and to make one is not ours.
_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az"})


class StoreDown(OSError):
    """The store cannot be reached, or refuses; what was to be sent waits on the local disk."""


class StoreUnknown(ValueError):
    """The address of the archive names no store that can be used here."""


def without_password(text: str, url: str) -> str:
    """The text without the password that is in the address, as it stands there or as it is meant."""
    password = urlsplit(url).password
    for hidden in (password, unquote(password)) if password else ():
        text = text.replace(hidden, "…")
    return text


class ObjectStore:
    """The store at an address; `url` is that as it may be shown.

    Whose credentials are used is what its own library finds (for S3: environment, profile, role)."""

    def __init__(self, url: str, **options: Any) -> None:
        """Raises StoreUnknown; StoreDown where the protocol asks for the server at once (FTP). Others reach for nothing yet."""
        import fsspec  # noqa: PLC0415 -- who archives on the local disk need not have it
        from fsspec.core import url_to_fs  # noqa: PLC0415 -- as above

        del fsspec
        self._address = url
        self.url = without_password(url.rstrip("/"), url)
        try:
            self._files, prefix = url_to_fs(url.rstrip("/"), use_listings_cache=False, skip_instance_cache=True, **options)
        except (ImportError, ValueError) as error:
            raise StoreUnknown(f"recorder.archive: {self.url}: {self._shown(error)}; for s3:// install ringfence[s3]") from None
        except OSError as error:
            raise StoreDown(f"{self.url}: cannot reach: {self._shown(error)}") from error
        self._prefix = str(prefix).rstrip("/")

    def send(self, local: Path, name: str) -> None:
        """Stores the file at `local` under `name`, and reads it back. Raises StoreDown, OSError of the local disk."""
        digest, size = hashlib.sha256(), 0
        with local.open("rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                size += len(piece)
        with self._asked("send", name):
            try:
                self._files.put_file(str(local), self._place(name))
            except FileNotFoundError:
                if _BUCKETS.intersection(
                    (self._files.protocol,) if isinstance(self._files.protocol, str) else self._files.protocol
                ):
                    raise StoreDown(f"{self.url}: there is no such bucket: make it, or mend `recorder.archive`") from None
                self._files.makedirs(self._place(name).rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(local), self._place(name))
            stored = self._files.info(self._place(name))["size"]
            back = hashlib.sha256()
            with self._files.open(self._place(name), "rb", cache_type="readahead") as copy:
                while piece := copy.read(CHUNK):
                    back.update(piece)
        if (stored, back.digest()) != (size, digest.digest()):
            raise StoreDown(f"{self.url}/{name}: what came back is not what was sent")

    def fetch(self, name: str, into: IO[bytes]) -> None:
        """Copies what is stored under `name`. Raises FileNotFoundError, StoreDown, OSError of `into`."""
        with self._asked("read", name), self._files.open(self._place(name), "rb", cache_type="readahead") as file:
            while piece := file.read(CHUNK):
                into.write(piece)

    def remove(self, name: str) -> None:
        """Removes what is stored under `name`, if it is there. Raises StoreDown."""
        with self._asked("remove", name):
            if self._files.exists(self._place(name)):
                self._files.rm_file(self._place(name))

    def names(self) -> Iterator[str]:
        """What is stored, folder by folder. Raises StoreDown."""
        with self._asked("list", ""):
            for folder, _, files in self._files.walk(self._prefix, on_error="omit"):
                inside = str(folder)[len(self._prefix) :].strip("/")
                yield from (f"{inside}/{name}" if inside else name for name in sorted(files) if name)

    def probe(self) -> None:
        """Asks the store for a sign of life. Raises StoreDown."""
        with self._asked("reach", ""):
            self._files.exists(self._place("head.json"))

    def _shown(self, error: Exception) -> str:
        """What a library says, on one line; it may quote the address."""
        return without_password(" ".join(str(error).split()), self._address)

    def _place(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    @contextmanager
    def _asked(self, what: str, name: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, StoreDown):
            raise
        except Exception as error:  # each protocol of fsspec has errors of its own; here all mean the same
            reason = self._shown(error)[:200] or type(error).__name__
            raise StoreDown(f"{self.url}{f'/{name}' if name else ''}: cannot {what}: {reason}") from error
