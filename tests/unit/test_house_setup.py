"""The commands that stay the same: they exist, explain themselves, and name in one line what is missing."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = ("setup", "demo", "test", "lint", "bench")
SET_UP = (".ci", "Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock")
#: An index on a port where nobody listens.
NOWHERE = {"PIP_INDEX_URL": "https://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}


def an_untouched_copy(directory: Path) -> Path:
    """As much of the repository as set-up looks at before it installs anything."""
    for name in SET_UP:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, directory / name)
    return directory


def a_command(path: Path, *lines: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


def set_up(copy: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        [copy / ".ci" / "setup", "run"], env={**inherited, **environment}, capture_output=True, text=True, check=False
    )


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 4, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("make setup: ")
    return line


@pytest.mark.parametrize("target", PROMISED)
def test_make_help_explains_every_promised_target(target: str) -> None:
    said = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^  make {target} +\w", said, re.MULTILINE)


def test_continuous_integration_runs_make_test() -> None:
    run = ROOT / ".ci" / "run"
    assert run.read_text().splitlines()[-1] == "exec make test"
    assert all(script.stat().st_mode & stat.S_IXUSR for script in (run, ROOT / ".ci" / "setup", ROOT / ".ci" / "lock"))


def test_a_python_that_is_too_old_or_too_new_is_named_with_its_version(tmp_path: Path) -> None:
    copy = an_untouched_copy(tmp_path)
    for version in ("3.9.2", "3.14.0"):
        python = a_command(copy / "bin" / "python", 'case "$2" in *platform*) echo ' + version + ";; *) exit 1;; esac")
        assert the_line(set_up(copy, PYTHON=python)) == (
            f"make setup: Python 3.11 or 3.12 is missing (found: {version}): install it, or set PYTHON=/path/to/python3.11"
        )


def test_a_python_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert "(found: none)" in the_line(set_up(an_untouched_copy(tmp_path), PYTHON="/nonexistent/python3.11"))


def test_a_python_without_venv_is_told_the_package_to_install(tmp_path: Path) -> None:
    copy = an_untouched_copy(tmp_path)
    python = a_command(copy / "bin" / "python", 'case "$2" in *ensurepip*) exit 1;; esac')
    assert "apt-get install python3-venv" in the_line(set_up(copy, PYTHON=python))


@pytest.mark.parametrize(
    ("answers", "words"),
    [({"-m": "aarch64"}, "this is aarch64, for which pjsua2-python has no wheel"), ({"-s": "Darwin"}, "this is Darwin")],
)
def test_a_machine_without_wheels_is_told_so_before_anything_is_fetched(
    tmp_path: Path, answers: dict[str, str], words: str
) -> None:
    copy = an_untouched_copy(tmp_path)
    arms = " ".join(f"{flag}) echo {said};;" for flag, said in ({"-s": "Linux", "-m": "x86_64"} | answers).items())
    a_command(copy / "bin" / "uname", f'case "$1" in {arms} esac')
    assert words in the_line(set_up(copy, PATH=f"{copy / 'bin'}:{os.environ['PATH']}"))
    assert not (copy / ".venv").exists()


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A copy that was set up without a network, from nothing, and what was said: it has a .venv/ now, and nothing in it."""
    copy = an_untouched_copy(tmp_path_factory.mktemp("tried"))
    return copy, set_up(copy, **NOWHERE, PIP_RETRIES="0")


def test_without_a_network_one_line_says_so(tried: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    copy, first = tried
    assert "the network is missing" in the_line(first)
    assert "the network is missing" in the_line(set_up(copy, **NOWHERE, PIP_RETRIES="1"))


def test_a_package_that_is_not_the_pinned_one_is_refused(
    tried: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    copy, _ = tried
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if re.match(r"[a-z]", line):  # an impostor of each: the right name and version, other bytes
            name, version = line.split(" ")[0].split("==")
            (tmp_path / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(b"not what was pinned")
    line = the_line(set_up(copy, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path), PIP_CONFIG_FILE=os.devnull))
    assert "a package is not the one that was pinned" in line


def test_a_lock_and_project_that_are_set_up_already_need_nothing(tmp_path: Path) -> None:
    copy = an_untouched_copy(tmp_path)
    for name in ("python", "ringfence"):
        a_command(copy / ".venv" / "bin" / name)
    wanted = subprocess.run(
        "cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1",
        shell=True,
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    )
    (copy / ".venv" / ".setup-run").write_text(wanted.stdout)
    done = set_up(copy, PYTHON="/nonexistent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_is_set_up_again(tmp_path: Path) -> None:
    copy = an_untouched_copy(tmp_path)
    (copy / ".venv").mkdir()
    (copy / ".venv" / ".setup-run").write_text("0" * 64 + "\n")
    assert "is missing" in the_line(set_up(copy, PYTHON="/nonexistent"))
