"""Where do Asterisk, SIPp and espeak-ng come from when they are not installed?

From the Debian mirror this machine already uses, unpacked into the user's cache and run with their own loader: no
root, no chroot, nothing installed. What is on PATH is used instead. A tree appears in the cache whole or not at all:
it is made beside its place, proven complete (every program and module finds its libraries) and then renamed.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sip.debian import KEYRING, Apt, LabError, mirrors
from sip.provision import modules

__all__ = ["LabError", "Tree", "cache_directory", "ensure_tree"]

#: Suites that carry Asterisk, tried in order: bookworm, the Debian we support, has no Asterisk package.
SUITES = ("forky", "sid")

#: Program -> the packages that bring it, and its place in a tree.
PROGRAMS = {
    "asterisk": (("asterisk", "asterisk-modules"), "usr/sbin/asterisk"),
    "sipp": (("sip-tester",), "usr/bin/sipp"),
    "espeak-ng": (("espeak-ng", "espeak-ng-data"), "usr/bin/espeak-ng"),
}

#: What the programs were seen to need, as package names without their versions (which move with the suite): the first
#: guess of what to fetch. A wrong guess costs time, not correctness: the rest of the closure is then fetched too.
STEMS = {
    "asterisk": "libbsd libc libcap libcrypt libedit libgcc-s libjansson libmd libsqlite3- libssl libstdc++ libsystemd "
    "libtinfo liburiparser libuuid libxml2- libxslt libzstd zlib",
    "sipp": "libc libgcc-s libgsl libgslcblas libncursesw libpcap libpugixml libsctp libssl libstdc++ libtinfo libzstd zlib "
    "libdbus-1- libsystemd libcap",
    "espeak-ng": "libasound libasyncns libc libcap libdbus-1- libespeak-ng libflac libmp3lame libmpg123- libogg libopus "
    "libpcaudio libpulse libsndfile libsonic libsystemd libvorbis libvorbisenc libx11- libx11-xcb libxau libxcb libxdmcp",
}

Progress = Callable[[str], None]

_VERSION = r"[0-9.]*([a-z][0-9]*)?(t64)?"  # libxml2-16, libvorbis0a, libpugixml1v5, libssl3t64
_RECIPE = 1  # raised when the same packages would be unpacked differently


@dataclass(frozen=True, slots=True)
class Tree:
    """Programs ready to run: `prefixes` is each program's argv, with its own loader when it came from a mirror."""

    prefixes: Mapping[str, tuple[str, ...]]
    modules: Path  # Asterisk's modules
    data: Path  # Asterisk's own documents, without which it does not start

    def command(self, program: str, *args: str) -> list[str]:
        """The argv that runs `program` with `args`. Raises KeyError for a program that is not in `PROGRAMS`."""
        return [*self.prefixes[program], *args]


def cache_directory() -> Path:
    """Where things that can be made again are kept: `$XDG_CACHE_HOME/ringfence`, else `~/.cache/ringfence`."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "ringfence"


def ensure_tree(progress: Callable[[str], None]) -> Tree:
    """The programs of the lab, fetched if they are not installed and not cached. Raises LabError.

    `progress` is told, in words for people, what takes time. Safe to call from several processes at once, and to kill.
    """
    wanted_modules = modules(resources.files("config").joinpath("pbx", "modules.conf").read_text())
    installed = {program: path for program in PROGRAMS if (path := shutil.which(program))}
    places = _installed_asterisk(installed["asterisk"], wanted_modules) if "asterisk" in installed else None
    if places is None:
        installed.pop("asterisk", None)
    if "sipp" in installed and not _sipp_serves(installed["sipp"]):
        del installed["sipp"]
    missing = tuple(program for program in PROGRAMS if program not in installed)
    prefixes: dict[str, tuple[str, ...]] = {program: (path,) for program, path in installed.items()}
    if missing:
        root = _ensure_unpacked(_Wanted(missing, wanted_modules), progress)
        prefixes |= {program: _prefix(root, program) for program in missing}
        places = places or (_module_directory(root), root / "usr/share/asterisk")
    assert places is not None  # noqa: S101 -- asterisk is installed whole, or was unpacked
    return Tree(prefixes, *places)


def _installed_asterisk(asterisk: str, wanted: tuple[str, ...]) -> tuple[Path, Path] | None:
    """The modules and documents of an installed Asterisk, if it has all that we load."""
    prefix = Path(asterisk).resolve().parent.parent
    documents = (path for path in (prefix / "share/asterisk", Path("/var/lib/asterisk")) if (path / "documentation").is_dir())
    directories = (*prefix.glob("lib/*/asterisk/modules"), prefix / "lib/asterisk/modules")
    modules_there = (path for path in directories if all((path / module).is_file() for module in wanted))
    found = (next(modules_there, None), next(documents, None))
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _sipp_serves(sipp: str) -> bool:
    """Whether an installed SIPp can be told where to put its sockets: before 3.7 it opened one on all interfaces."""
    told = subprocess.run([sipp, "-h"], capture_output=True, text=True, check=False).stdout  # noqa: S603 -- sipp from PATH
    return "-min_rtp_port" in told and re.search(r"^\s+-ci\s", told, re.MULTILINE) is not None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a tree must run: programs, and modules of Asterisk if it is one of them."""

    programs: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def packages(self) -> list[str]:
        return [package for program in self.programs for package in PROGRAMS[program][0]]

    @property
    def named(self) -> str:
        return ", ".join(self.programs)


def _ensure_unpacked(wanted: _Wanted, progress: Progress) -> Path:
    recipe = repr((_RECIPE, wanted.programs, wanted.modules, platform.machine()))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    cache = cache_directory()

    def cached() -> Path | None:
        return next((root for suite in SUITES if (root := cache / f"pbx-{suite}-{digest}").is_dir()), None)

    if root := cached():
        return root
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_one(cache / "pbx.lock", progress):
            if root := cached():  # another process made it while we waited
                return root
            for leftover in cache.glob(".pbx-*"):  # of a process that was killed: we hold the lock, so nobody uses it
                shutil.rmtree(leftover, ignore_errors=True)
            return _unpack(cache, digest, wanted, progress)
    except OSError as error:
        raise LabError(f"cannot unpack the lab's programs into {cache}: {error.strerror or error}") from error


@contextmanager
def _only_one(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that is unpacking the same programs")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(cache: Path, digest: str, wanted: _Wanted, progress: Progress) -> Path:
    for tool in ("apt-get", "apt-config", "dpkg-deb"):
        if not shutil.which(tool):
            raise LabError(f"{wanted.named} not on PATH and {tool} neither: install Asterisk 20 or newer, SIPp 3.7 and espeak-ng")
    if not KEYRING.is_file():
        raise LabError(f"no Debian archive keyring at {KEYRING}: install debian-archive-keyring, or Asterisk, SIPp and espeak-ng")
    work = Path(tempfile.mkdtemp(prefix=".pbx-", dir=cache))
    try:
        complaints = []
        for mirror in mirrors():
            for suite in SUITES:
                apt = Apt(work / f"apt-{suite}", mirror, suite)
                progress(f"reading the package list of Debian {suite}")
                try:
                    apt.update()
                    closure = apt.closure(wanted.packages)
                except LabError as error:
                    complaints.append(str(error))
                    continue
                root = work / "root"
                _fetch(apt, root, closure, wanted, progress)
                return root.rename(cache / f"pbx-{suite}-{digest}")
        raise LabError(complaints[-1] if complaints else "apt knows no Debian mirror: add one to /etc/apt/sources.list.d")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fetch(apt: Apt, root: Path, closure: list[str], wanted: _Wanted, progress: Progress) -> None:
    """Unpacks into `root` what the programs need out of `closure`, and proves it."""
    stems = {stem for program in wanted.programs for stem in STEMS[program].split()}
    pattern = re.compile("|".join(re.escape(stem) + _VERSION for stem in sorted(stems)))
    first = [name for name in closure if name in wanted.packages or pattern.fullmatch(name)]
    progress(f"fetching {len(first)} packages: {wanted.named} and their libraries")
    apt.unpack(first, root)
    missing = _missing_libraries(root, wanted)
    if missing:
        rest = [name for name in closure if name not in first]
        progress(f"fetching {len(rest)} more packages, for {', '.join(sorted(missing))}")
        apt.unpack(rest, root)
        missing = _missing_libraries(root, wanted)
    if missing:
        raise LabError(f"the unpacked programs lack {', '.join(sorted(missing))}")
    for bulk in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(root / bulk, ignore_errors=True)


def _missing_libraries(root: Path, wanted: _Wanted) -> set[str]:
    """What the loader does not find, asked for each program and each module of Asterisk that we load."""
    files = [root / PROGRAMS[program][1] for program in wanted.programs]
    if "asterisk" in wanted.programs:
        files += [_module_directory(root) / module for module in wanted.modules]
    missing = set()
    for file in files:
        if not file.is_file():
            missing.add(str(file.relative_to(root)))
            continue
        argv = [*_loader(root), "--list", str(file)]
        listing = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 -- our own loader on our own files
        found = re.findall(r"^\s*(\S+) => (\S+)", listing.stdout, re.MULTILINE)
        # A library of the machine's own, of another release, may load here and crash there: it counts as missing.
        missing |= {library for library, path in found if not path.startswith(str(root))}
        missing |= set(re.findall(r"shared libraries: (\S+):", listing.stderr))
        if listing.returncode and not found:
            missing.add(str(file.relative_to(root)))
    return missing


def _library_directory(root: Path) -> Path:
    found = sorted(root.glob("usr/lib/*/ld-linux*.so.*"))
    if not found:
        raise LabError("the unpacked libc6 has no loader where it was expected")
    return found[0].parent


def _loader(root: Path) -> tuple[str, ...]:
    libraries = _library_directory(root)
    (loader, *_) = sorted(libraries.glob("ld-linux*.so.*"))
    return (str(loader), "--library-path", f"{libraries}:{libraries / 'pulseaudio'}")


def _module_directory(root: Path) -> Path:
    return _library_directory(root) / "asterisk" / "modules"


def _prefix(root: Path, program: str) -> tuple[str, ...]:
    argv = (*_loader(root), str(root / PROGRAMS[program][1]))
    return (*argv, f"--path={_library_directory(root)}") if program == "espeak-ng" else argv
