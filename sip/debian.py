"""How are packages of a Debian suite fetched and unpacked without root, from the mirror this machine already uses?

An apt of our own with an empty status file resolves what a package needs; nothing is installed, and no host is named
here: mirrors, proxies and certificates are those of the machine's apt, signatures are checked with Debian's keyring.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from sip.port import TelephonyError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class LabError(TelephonyError):
    """The private PBX cannot be made or started; the message is one line that names the missing part."""


def mirrors() -> list[str]:
    """The Debian mirrors of this machine's own apt, as URIs, those of security updates left out."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],  # noqa: S607 -- apt from PATH is the machine's own
        capture_output=True,
        text=True,
        check=False,
    )
    uris = asked.stdout.split()
    if not uris:
        for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
            if path.is_file():
                uris += re.findall(r"^(?:deb(?:\s+\[[^\]]*\])?\s+|URIs:\s*)(\S+)", path.read_text(errors="replace"), re.MULTILINE)
    # Those that are called Debian first: a machine may have sources of other makers, which do not carry what we need.
    return sorted((uri for uri in dict.fromkeys(uris) if "security" not in uri), key=lambda uri: "debian" not in uri.lower())


class Apt:
    """An apt of our own: one source, an empty status file, its state under `directory`. Needs no root."""

    def __init__(self, directory: Path, mirror: str, suite: str) -> None:
        self._directory = directory
        self._suite = suite
        etc = directory / "etc"
        for path in (etc / "apt.conf.d", etc / "preferences.d", etc / "trusted.gpg.d", directory / "state/lists/partial"):
            path.mkdir(parents=True)
        (directory / "cache/archives/partial").mkdir(parents=True)
        (directory / "status").touch()
        (etc / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
        # How this machine reaches its mirror (proxies, certificates, time-outs) is set under Acquire; its hooks are left out.
        dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False)  # noqa: S607 -- as above
        (etc / "apt.conf").write_text(dump.stdout)
        settings = {
            "Dir::Etc": etc,
            "Dir::State": directory / "state",
            "Dir::State::status": directory / "status",
            "Dir::Cache": directory / "cache",
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
            "APT::Update::Error-Mode": "any",  # else a mirror that does not answer is only a warning
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "1",
        }
        self._argv = ["apt-get", *(f"-o{name}={value}" for name, value in settings.items())]

    def update(self) -> None:
        self._run("-qq", "update", failure=f"cannot read the package list of Debian {self._suite} from apt's mirror")

    def closure(self, packages: list[str]) -> list[str]:
        """Names of all packages that installing `packages` on an empty machine would take."""
        command = ("install", "--no-install-recommends", "--print-uris", "-y", "-qq", *packages)
        listing = self._run(*command, failure=f"Debian {self._suite} cannot install {', '.join(packages)}")
        return re.findall(r"^'[^']*' ([^_\s]+)_\S+ \d+", listing, re.MULTILINE)

    def unpack(self, packages: list[str], root: Path) -> None:
        debs = self._directory / "debs"
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir()
        self._run("-qq", "download", *packages, failure="cannot fetch packages from apt's mirror", cwd=debs)
        for deb in sorted(debs.iterdir()):
            _run(["dpkg-deb", "-x", str(deb), str(root)], failure=f"cannot unpack {deb.name}")
        shutil.rmtree(debs)

    def _run(self, *args: str, failure: str, cwd: Path | None = None) -> str:
        return _run([*self._argv, *args], failure=failure, cwd=cwd)


def _run(argv: list[str], failure: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=cwd, env=environment)  # noqa: S603 -- no shell
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("E:")] or lines
        raise LabError(f"{failure}: {errors[0].removeprefix('E: ') if errors else f'exit {done.returncode}'}")
    return done.stdout
