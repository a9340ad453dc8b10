"""A machine that cannot give us the lab's programs hears in one line what is missing, and its cache stays clean."""

import fcntl
import subprocess
import threading
from pathlib import Path

import pytest

from sip import unpack
from sip.unpack import LabError, ensure_tree


def no_progress(_: str) -> None:
    return None


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, on a machine where none of the programs is installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(unpack, "PROGRAMS", {f"{name}-absent": place for name, place in unpack.PROGRAMS.items()})
    monkeypatch.setattr(unpack, "STEMS", {f"{name}-absent": stems for name, stems in unpack.STEMS.items()})
    return tmp_path / "ringfence"


def test_without_apt_the_programs_to_install_are_named(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"apt-get.*install Asterisk") as refused:
        ensure_tree(no_progress)
    assert "\n" not in str(refused.value)
    assert not list(cache.glob("*pbx-*"))


def test_without_a_mirror_apt_is_to_be_mended(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "mirrors", list)
    with pytest.raises(LabError, match=r"no Debian mirror"):
        ensure_tree(no_progress)
    assert not list(cache.glob("*pbx-*"))


def test_a_mirror_out_of_reach_is_told_and_nothing_half_made_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "mirrors", lambda: ["http://127.0.0.1:9/debian"])  # port 9: nobody listens
    with pytest.raises(LabError, match=r"cannot read the package list") as refused:
        ensure_tree(no_progress)
    assert "\n" not in str(refused.value)
    assert not list(cache.glob("*pbx-*"))


def test_a_cache_that_cannot_be_written_is_named(cache: Path, tmp_path: Path) -> None:
    cache.write_text("a file where the directory should be")
    with pytest.raises(LabError, match=str(tmp_path)):
        ensure_tree(no_progress)


def test_what_a_killed_process_left_is_cleared_away(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = cache / ".pbx-of-a-killed-process"
    (leftover / "root").mkdir(parents=True)
    monkeypatch.setattr(unpack, "mirrors", list)
    with pytest.raises(LabError):
        ensure_tree(no_progress)
    assert not leftover.exists()


def test_a_second_process_waits_for_the_first_and_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "mirrors", list)
    cache.mkdir()
    said: list[str] = []
    told = threading.Event()

    def progress(text: str) -> None:
        said.append(text)
        told.set()

    failures: list[LabError] = []

    def second() -> None:
        try:
            ensure_tree(progress)
        except LabError as error:
            failures.append(error)

    with (cache / "pbx.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        waiting = threading.Thread(target=second)
        waiting.start()
        assert told.wait(10)
        assert not failures
    waiting.join(10)
    assert "waiting" in said[0]
    assert failures  # it went on, and found that there is no mirror


RUNS = [("asterisk", "-V", "Asterisk"), ("espeak-ng", "--version", "eSpeak"), ("sipp", "-v", "SIPp")]


@pytest.mark.asterisk
@pytest.mark.parametrize(("program", "option", "said"), RUNS)
def test_each_program_of_the_tree_runs_with_nothing_but_the_tree(program: str, option: str, said: str, tmp_path: Path) -> None:
    tree = ensure_tree(no_progress)
    done = subprocess.run(tree.command(program, option), capture_output=True, text=True, env={}, cwd=tmp_path, check=False)
    assert said in done.stdout


@pytest.mark.asterisk
def test_a_cached_tree_is_used_without_asking_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = ensure_tree(no_progress)
    monkeypatch.setattr(unpack, "mirrors", lambda: pytest.fail("asked for mirrors although the tree is cached"))
    said: list[str] = []
    assert ensure_tree(said.append) == tree
    assert said == []


def test_the_first_guess_names_only_packages_that_look_like_libraries() -> None:
    stems = {stem for line in unpack.STEMS.values() for stem in line.split()}
    assert all(stem.startswith("lib") or stem == "zlib" for stem in stems)
