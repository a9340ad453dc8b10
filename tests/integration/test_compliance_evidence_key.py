"""The key of a site on a real disk: made once, kept private, never silently exchanged."""

import base64
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.evidence_key import KEY_FILE, PUBLIC_FILE, EvidenceKey, evidence_key
from compliance.signing import verify
from config.load import ConfigError


def test_the_key_is_made_at_first_use_and_then_stays(tmp_path: Path) -> None:
    made = evidence_key(tmp_path / "secrets")
    assert evidence_key(tmp_path / "secrets") == made
    assert verify(made.public_pem, b"words", made.sign(b"words"))


def test_only_the_owner_can_read_it_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    evidence_key(tmp_path / "secrets")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()}
    assert modes == {KEY_FILE: 0o600, PUBLIC_FILE: 0o600}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_private_half_is_not_in_what_a_log_would_show(tmp_path: Path) -> None:
    key = evidence_key(tmp_path)
    told = repr(key)
    assert repr(key.seed) not in told
    assert base64.b64encode(key.seed).decode() not in told


def _public_of(folder: Path) -> str:
    return evidence_key(folder).public_pem


def test_processes_that_need_the_first_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(_public_of, [tmp_path / "secrets"] * 4, chunksize=1)
    assert len(set(found)) == 1


KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from compliance import evidence_key
real = evidence_key._put_new
def once(path, content):
    real(path, content)
    os.kill(os.getpid(), signal.SIGKILL)
evidence_key._put_new = once
evidence_key.evidence_key(Path(sys.argv[1]))
"""


def test_a_crash_between_the_two_halves_is_mended_at_the_next_use(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(tmp_path)], cwd=Path(__file__).parents[2], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    kept = (tmp_path / KEY_FILE).read_text()
    assert isinstance(evidence_key(tmp_path), EvidenceKey)
    assert (tmp_path / KEY_FILE).read_text() == kept


def test_a_key_that_was_lost_is_asked_for_and_not_replaced(tmp_path: Path) -> None:
    evidence_key(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(ConfigError, match=r"evidence\.key: missing.*restore it from the backup"):
        evidence_key(tmp_path)
    assert not (tmp_path / KEY_FILE).exists()


def test_halves_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    evidence_key(tmp_path / "a")
    other = evidence_key(tmp_path / "b")
    (tmp_path / "a" / PUBLIC_FILE).write_text(other.public_pem)
    with pytest.raises(ConfigError, match="one of the two was exchanged"):
        evidence_key(tmp_path / "a")


@pytest.mark.parametrize("content", ["words\n", "AAAA\n", base64.b64encode(bytes(33)).decode() + "\n"])
def test_a_file_that_holds_no_key_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(ConfigError, match=r"evidence\.key: not a key"):
        evidence_key(tmp_path)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    evidence_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(ConfigError, match="others can read it"):
        evidence_key(tmp_path)
