"""What does this site say? Reads `ringfence.toml` into validated settings, and makes a new site.

A site is a directory with a `ringfence.toml`. Whatever is wrong with it is told at once, one line a problem, each
with the file and the key; nothing is guessed and no misspelt limit is ignored. Secrets are files that only their owner
can read; they are never part of the settings, of a message or of a log line.
"""

import json
import math
import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from config.database import sqlite_url
from config.problems import describe, shown
from config.schema import SiteSettings

SETTINGS_FILE = "ringfence.toml"
DATABASE_VARIABLE = "RINGFENCE_DATABASE_URL"

_SQLITE = "sqlite:///"
_LONGEST_SECRET = 4096  # bytes; a line of AMI cannot be longer
_POSTGRESQL = ("postgresql://", "postgresql+psycopg://")


class ConfigError(ValueError):
    """What the process was told from outside cannot be used: one line a problem, each naming its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Site:
    """A site's directory (absolute) and its settings; relative paths of the settings are resolved here and nowhere else."""

    directory: Path
    settings: SiteSettings = field(repr=False)  # the database URL may hold a password

    def resolve(self, path: Path) -> Path:
        """`path` as an absolute path: relative ones are relative to the site's directory."""
        return self.directory / path.expanduser()

    @property
    def database_url(self) -> str:
        """The URL to open, a SQLite file's path made absolute."""
        url = self.settings.database_url
        if not url.startswith(_SQLITE):
            return url
        return sqlite_url(self.resolve(Path(url.removeprefix(_SQLITE))))

    @property
    def archive(self) -> Path:
        """The folder where finished recordings are kept, or wait for the object store."""
        return self.resolve(Path("archive" if self.archive_store else self.settings.recorder.archive))

    @property
    def archive_store(self) -> str | None:
        """The address of the object store that recordings are sent to; None when they stay in the folder."""
        place = self.settings.recorder.archive
        return place if "://" in place else None

    @property
    def secrets(self) -> Path:
        """Where the site's own keys are."""
        return self.directory / "secrets"

    @property
    def spool(self) -> Path:
        """Where the PBX leaves raw recordings."""
        return self.resolve(self.settings.pbx.spool)

    @property
    def prompts(self) -> Path:
        """Where the prompts lie that the PBX plays."""
        return self.resolve(self.settings.pbx.prompts)

    @property
    def secret_file(self) -> Path:
        """The file with the AMI secret; read it with `read_secret`."""
        return self.resolve(self.settings.pbx.secret_file)


def load_site(directory: Path, environ: Mapping[str, str] = os.environ) -> Site:
    """The site in `directory`. `RINGFENCE_DATABASE_URL` in `environ`, when not empty, overrides `database_url`.

    Raises ConfigError with every problem of the file at once.
    """
    directory = directory.expanduser().absolute()
    raw = _parse(directory)
    problems = _unusable(raw, ())
    if problems:
        raise ConfigError(problems)
    try:
        # JSON mode is strict about types (no "5060" for 5060, no true for 1) and still reads paths and lists.
        settings = SiteSettings.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise ConfigError([f"{SETTINGS_FILE}: {line}" for line in describe(error.errors(), SiteSettings)]) from None
    _check_url(settings.database_url, f"{SETTINGS_FILE}: database_url", directory)
    if _holds_password(settings.database_url):
        raise ConfigError([f"{SETTINGS_FILE}: database_url: holds a password; put the whole URL into {DATABASE_VARIABLE}"])
    override = environ.get(DATABASE_VARIABLE, "")
    if override:
        _check_url(override, DATABASE_VARIABLE, directory)
        settings = settings.model_copy(update={"database_url": override})
    return Site(directory, settings)


def read_secret(path: Path) -> str:
    """The one line in the secret file at `path`.

    Raises ConfigError when it is missing, empty, not one line of text, or open to anybody but its owner.
    """
    try:
        # One descriptor for the check and the read: the file cannot be exchanged between them.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ConfigError([f"{path}: missing; write the secret into it, then `chmod 600 {path}`"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError([f"{path}: not a file"])
        if mode & 0o077:
            raise ConfigError([f"{path}: others can read it (mode {stat.S_IMODE(mode):04o}); run `chmod 600 {path}`"])
        content = os.read(descriptor, _LONGEST_SECRET + 1)
    finally:
        os.close(descriptor)
    if len(content) > _LONGEST_SECRET:
        raise ConfigError([f"{path}: longer than a secret can be ({_LONGEST_SECRET} bytes)"])
    try:
        secret = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: not UTF-8 text"]) from None
    if not secret:
        raise ConfigError([f"{path}: empty; write the secret into it"])
    if not secret.isprintable():
        raise ConfigError([f"{path}: must hold one line of printable text"])
    return secret


def init_site(directory: Path, *, lab: bool = False) -> Site:
    """Makes `directory` a site: the default settings, and directories for secrets, raw recordings, prompts and the archive.

    With `lab` it dials through a lab PBX of its own. Only its owner can look into it.

    The settings file is written last and appears whole or not at all, so an interrupted `init` is simply repeated.
    Raises ConfigError, and leaves the file as it is, when `directory` is a site already.
    """
    directory = directory.expanduser().absolute()
    settings = directory / SETTINGS_FILE
    if settings.exists():
        raise ConfigError([f"{directory} is a site already: {SETTINGS_FILE} is left as it is"])
    try:
        _made(directory, 0o700)  # the database, the lists and the archive are about customers
        _made(directory / "secrets", 0o700)
        _made(directory / "archive", 0o700)
        _made(directory / "prompts", 0o755)  # a PBX under a user of its own reads here, and writes into the spool:
        _made(directory / "spool", 0o770)  # once it is let into the site's directory, whatever our umask
        text = resources.files("config").joinpath("default.toml").read_text(encoding="utf-8")
        _write_once(settings, (text.replace("#lab = false", "lab = true") if lab else text).encode())
    except FileExistsError as error:
        raise ConfigError([f"{error.filename2 or error.filename} exists already and is left as it is"]) from None
    except OSError as error:
        raise ConfigError([f"{error.filename or directory}: cannot be made: {error.strerror}"]) from None
    return load_site(directory, {})


def _parse(directory: Path) -> dict[str, Any]:
    try:
        content = (directory / SETTINGS_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            [f"{directory} is not a site: no {SETTINGS_FILE}; make one with `ringfence init {directory}`"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{directory / SETTINGS_FILE}: cannot be read: {error.strerror}"]) from None
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{SETTINGS_FILE}: line {line} is not UTF-8; save the file as UTF-8"]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{SETTINGS_FILE}: not valid TOML: {error}"]) from None


def _unusable(value: object, path: tuple[str, ...]) -> list[str]:
    """TOML knows dates, `inf` and `nan`; no setting is one, and JSON has no word for them."""
    match value:
        case dict():
            return [line for key, inner in value.items() for line in _unusable(inner, (*path, key))]
        case list():
            return [line for index, inner in enumerate(value) for line in _unusable(inner, (*path, str(index)))]
        case bool() | int() | str():
            return []
        case float() if math.isfinite(value):
            return []
        case _:
            return [f"{SETTINGS_FILE}: {shown('.'.join(path))}: {value} is not a value that a setting can have"]


def _check_url(url: str, place: str, directory: Path) -> None:
    if url.startswith(_POSTGRESQL):
        try:
            urlsplit(url)
        except ValueError:
            raise ConfigError([f"{place}: is not a URL"]) from None
        return
    if not url.startswith(_SQLITE):
        raise ConfigError([f"{place}: must begin with {_SQLITE} or {_POSTGRESQL[0]}"])
    file = url.removeprefix(_SQLITE)
    if file in ("", ":memory:"):
        raise ConfigError([f"{place}: names no file; a site's database outlives the process"])
    if "?" in str(directory / file):
        raise ConfigError([f"{place}: the path of the database may not contain '?'"])


def _holds_password(url: str) -> bool:
    parts = urlsplit(url)
    return parts.password is not None or "password" in parse_qs(parts.query)


def _made(directory: Path, mode: int) -> None:
    directory.mkdir(mode=mode, parents=True, exist_ok=True)
    directory.chmod(mode)


def _write_once(path: Path, content: bytes) -> None:
    """Writes a new file that is complete as soon as it is there. Raises FileExistsError when something is at `path`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
