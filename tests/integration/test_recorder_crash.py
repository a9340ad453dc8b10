"""Killed at any step, starved of disk, or with its workers shot: each call ends with exactly one recording."""

import errno
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from recorder.audio import write_flac
from recorder.catalogue import list_recordings
from recorder.ingest import Task
from recorder.naming import Side, paths_of, raw_name
from recorder.service import STORAGE_RETRY
from recorder.spool import SETTLED
from recorder.store import JobState
from recorder.verification import verify_all
from recorder.workers import AudioWorkers
from tests.recorder_audio import RATE, Samples, Site, a_conversation, a_record, leave

ROOT = Path(__file__).parents[2]
STEPS = ["claimed", "encoded", "kept", "recorded", "committed", "published", "removed"]


def a_round_in_a_child(directory: Path, deadly_step: str = "", file_limit: int = 0) -> subprocess.CompletedProcess[str]:
    """One round of the archivist in a process of its own, as tests/recorder_child.py says."""
    program = "from tests.recorder_child import main; main()"  # no module of its own: a worker would import it as well
    command = [sys.executable, "-c", program, str(directory), deadly_step, str(file_limit)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Opens the site anew, as after a restart."""
    sites = []

    def again() -> Site:
        sites.append(Site(tmp_path))
        return sites[-1]

    yield again
    for site in sites:
        site.close()


def wait_until_gone(pid: int) -> None:
    """Waits for the end of a process that is not our child. Fails after a minute."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(60_000), f"process {pid} is still there"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_a_call_has_one_recording_after_the_restart(
    opened: Callable[[], Site], tmp_path: Path, step: str
) -> None:
    before = opened()
    call = a_record()
    conversation = a_conversation()
    leave(before.spool, call.call_id, conversation)
    before.ended(call)
    before.close()

    killed = a_round_in_a_child(tmp_path, step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    after = opened()
    settled = after.archivist.work_once()
    assert settled == (0 if step in ("committed", "published", "removed") else 1)
    (recording,) = list_recordings(after.engine)
    assert recording.call_id == call.call_id
    assert after.kept() == sorted(paths_of(recording.path))
    assert verify_all(after.engine, after.vault) == []
    assert after.raw() == []
    assert after.job(call.call_id).state is JobState.DONE
    audio = after.heard(recording)
    for channel, side in enumerate((Side.AGENT, Side.CUSTOMER)):
        assert (audio[:, channel] == conversation[side]).all()


def test_killed_again_and_again_a_call_has_one_recording_in_the_end(opened: Callable[[], Site], tmp_path: Path) -> None:
    before = opened()
    call = a_record()
    leave(before.spool, call.call_id, a_conversation())
    before.ended(call)
    before.close()
    for step in ("kept", "recorded", "committed"):
        assert a_round_in_a_child(tmp_path, step).returncode == -signal.SIGKILL
    after = opened()
    after.archivist.work_once()
    assert [recording.call_id for recording in list_recordings(after.engine)] == [call.call_id]
    assert verify_all(after.engine, after.vault) == []
    assert after.raw() == []


def test_killed_while_setting_files_aside_the_rest_is_set_aside_after_the_restart(
    opened: Callable[[], Site], tmp_path: Path
) -> None:
    before = opened()
    call = a_record()
    for side in Side:
        (before.spool / raw_name(call.call_id, side)).write_bytes(b"this is no sound")
    before.ended(call)
    before.close()
    # A file that is no recording is waited for like one that grows: the first round only looks.
    assert a_round_in_a_child(tmp_path).stdout == "0\n"
    after = opened()
    after.archivist.work_once()
    after.step = _die_quietly_at("quarantined")
    after.clock.advance(SETTLED)
    with pytest.raises(_Died):
        after.archivist.work_once()
    assert after.job(call.call_id).state is JobState.QUARANTINED
    assert len(after.raw()) == 2
    after.close()
    again = opened()
    again.archivist.work_once()
    assert again.raw() == ["quarantine"]
    assert len(list((again.spool / "quarantine").iterdir())) == 2


class _Died(BaseException):
    """Ends a round as abruptly as a kill, without ending the test."""


def _die_quietly_at(step: str) -> Callable[[str], None]:
    def die(name: str) -> None:
        if name == step:
            raise _Died

    return die


def test_no_worker_outlives_the_process_it_works_for(opened: Callable[[], Site], tmp_path: Path) -> None:
    site = opened()
    call = a_record()
    leave(site.spool, call.call_id, a_conversation())
    site.ended(call)
    site.close()
    killed = a_round_in_a_child(tmp_path, "encoded")
    workers = [int(pid) for pid in killed.stdout.split()]
    assert len(workers) == 1, killed.stderr
    for pid in workers:
        wait_until_gone(pid)


def test_a_worker_that_is_shot_costs_an_attempt_and_no_recording(opened: Callable[[], Site]) -> None:
    site = opened()
    first, second = a_record(), a_record()
    leave(site.spool, first.call_id, a_conversation())
    site.ended(first)
    assert site.archivist.work_once() == 1

    def shoot(name: str) -> None:
        if name == "claimed":
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGKILL)
                child.join(60)

    site.step = shoot
    leave(site.spool, second.call_id, a_conversation())
    site.ended(second)
    assert site.archivist.work_once() == 0
    assert site.job(second.call_id).state is JobState.PENDING
    site.step = lambda _name: None
    site.clock.advance(site.job(second.call_id).next_at - site.clock.now())
    assert site.archivist.work_once() == 1
    assert verify_all(site.engine, site.vault) == []


def test_workers_start_afresh_after_a_restart(tmp_path: Path) -> None:
    leave(tmp_path, "c1", a_conversation())
    task = Task("c1", tmp_path / "c1-agent.wav", tmp_path / "c1-customer.wav", tmp_path / "part", None, agent_joined=True)
    workers = AudioWorkers(1)
    assert workers.submit(task).result(timeout=60).duration_ms == 20_000
    (before,) = multiprocessing.active_children()
    workers.restart()
    assert workers.submit(task).result(timeout=60).duration_ms == 20_000
    (after,) = multiprocessing.active_children()
    assert before.pid != after.pid
    workers.close()
    assert multiprocessing.active_children() == []


def noise(seconds: float) -> Samples:
    """What no coder can make small."""
    return np.random.default_rng(1).integers(-30_000, 30_000, int(seconds * RATE), dtype=np.int16)


def test_a_full_disk_loses_nothing_names_the_place_and_is_tried_again(opened: Callable[[], Site], tmp_path: Path) -> None:
    before = opened()
    call = a_record()
    leave(before.spool, call.call_id, dict.fromkeys(Side, noise(40)))
    raw = {path.name: path.read_bytes() for path in before.spool.iterdir()}
    before.ended(call)
    before.close()

    # The child may write files of 512 KB: room for the database, none for 1.2 MB of FLAC.
    starved = a_round_in_a_child(tmp_path, file_limit=512 * 1024)
    assert (starved.returncode, starved.stdout[-2:]) == (0, "0\n"), starved.stderr

    after = opened()
    assert {name: (after.spool / name).read_bytes() for name in after.raw()} == raw
    assert [name for name in after.kept() if not name.endswith(".part")] == []
    job = after.job(call.call_id)
    assert (job.state, job.attempts) == (JobState.PENDING, 0)
    assert str(after.vault.root) in (job.reason or "")
    assert after.told() == [("storage_full", None)]

    assert after.archivist.work_once() == 0  # not before its time
    after.clock.advance(STORAGE_RETRY)
    assert after.archivist.work_once() == 1
    assert verify_all(after.engine, after.vault) == []
    assert after.raw() == []
    assert [name for name in after.kept() if name.endswith(".part")] == []


def test_an_encoder_on_a_full_device_says_so() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_flac(Path("/dev/full"), [np.stack([noise(10), noise(10)], axis=1)])
