"""What is installed is pinned to the byte, from wherever this machine gets its packages."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-dev.lock")}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in LOCKS[lock].splitlines():
        if not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def version_of(pin: Requirement) -> Version:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def wanted(*groups: list[str]) -> list[Requirement]:
    return [Requirement(text) for group in groups for text in group]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_that_packages_come_from(lock: str) -> None:
    assert not re.findall(r"://|^-|@|\bpath\b|index-url|find-links|trusted-host", LOCKS[lock], re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_one_version_with_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", LOCKS[lock].strip())
    assert len(blocks) == sum(len(versions) for versions in pins(lock).values())
    for block in blocks:
        first, *hashes = block.replace(" \\", "").splitlines()
        assert version_of(Requirement(first))
        assert hashes, first
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line) for line in hashes), first


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("requirements.lock", wanted(PROJECT["project"]["dependencies"], PROJECT["build-system"]["requires"])),
        ("requirements-dev.lock", wanted(PROJECT["project"]["dependencies"], PROJECT["dependency-groups"]["dev"])),
    ],
)
@pytest.mark.parametrize("python", ["3.11.2", "3.12.0"])
def test_whatever_the_project_asks_for_is_pinned_within_its_bounds(
    lock: str, requirements: list[Requirement], python: str
) -> None:
    here = {
        "python_full_version": python,
        "python_version": python[:4],
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for requirement in requirements:
        versions = [
            version_of(pin)
            for pin in pins(lock).get(canonicalize_name(requirement.name), [])
            if pin.marker is None or pin.marker.evaluate(here)
        ]
        assert len(versions) == 1, f"{lock}: {requirement} has pins {versions} on Python {python}; run `make lock`"
        assert requirement.specifier.contains(versions[0], prereleases=True), f"{lock}: {requirement} is pinned at {versions[0]}"


def test_what_is_tested_is_what_runs() -> None:
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    for name, versions in runtime.items():
        assert [str(pin) for pin in development[name]] == [str(pin) for pin in versions]
