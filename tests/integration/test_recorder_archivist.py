"""Calls that have ended come into the archive, whatever the PBX has left of them."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import text

from config.database import writing
from recorder import service
from recorder.disclosure import Verdict
from recorder.naming import Side, raw_name, sidecar_path
from recorder.plan import Flag
from recorder.record import CallRecord
from recorder.service import MAX_ATTEMPTS, PATIENCE, Archivist
from recorder.spool import SETTLED, SpoolBusy
from recorder.store import JobState
from recorder.tidy import ORPHANED
from recorder.workers import AudioWorkers
from tests.recorder_audio import (
    ANSWERED,
    RATE,
    Samples,
    Site,
    a_conversation,
    a_prompt,
    a_record,
    agent_side,
    joined,
    leave,
    mu_law,
    noisy,
    padded,
    silence,
    speech,
    tone,
    tone_level,
    wav_bytes,
)

Sides = dict[Side, Samples]


class LentWorkers(AudioWorkers):
    """Workers that stay at work when an archivist ends them: to start them takes longer than nearly every test here."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def lent_workers() -> Iterator[LentWorkers]:
    lent = LentWorkers(1)
    yield lent
    lent.restart()


@pytest.fixture
def site(tmp_path: Path, lent_workers: LentWorkers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(service, "AudioWorkers", {lent_workers.count: lent_workers}.__getitem__)
    made = Site(tmp_path)
    yield made
    made.close()


def ended(site: Site, sides: Sides | None = None, *, closed: bool = True, **changes: Any) -> CallRecord:
    """A call of 20 s that has ended, its files in the spool."""
    record = a_record(**changes)
    leave(site.spool, record.call_id, a_conversation() if sides is None else sides, closed=closed)
    site.ended(record)
    return record


def test_an_answered_call_is_archived_with_agent_left_and_customer_right(site: Site) -> None:
    sides = {
        Side.AGENT: padded(agent_side(tone(440, 10)), 20),
        Side.CUSTOMER: padded(joined(silence(6), tone(1000, 10)), 20),
    }
    call = ended(site, sides)
    assert site.archivist.work_once() == 1

    found = site.recording(call.call_id)
    with site.vault.open_audio(found.archived) as file:
        audio, rate = soundfile.read(file, dtype="int16")
    assert (rate, audio.shape[1]) == (RATE, 2)
    assert abs(len(audio) / rate - 20) < 0.1
    left, right = audio[8 * RATE : 12 * RATE, 0], audio[8 * RATE : 12 * RATE, 1]
    assert tone_level(left, 440) > 5900
    assert tone_level(left, 1000) < 10
    assert tone_level(right, 1000) > 5900
    assert tone_level(right, 440) < 10
    assert site.raw() == []
    assert site.job(call.call_id).state is JobState.DONE


def test_a_campaign_may_be_archived_in_a_form_of_its_own(site: Site) -> None:
    site.archivist.close()
    forms = {"autumn": "opus"}
    archivist = Archivist(site.engine, site.clock, site.spool, site.vault, site.directory / "prompts", form_of=forms)
    one, other = ended(site, call_id="a" * 32, campaign="autumn"), ended(site, call_id="b" * 32, campaign="spring")
    assert archivist.work_once() == 2
    archivist.close()
    found = {call.campaign: site.recording(call.call_id).archived.path.split(".")[1] for call in (one, other)}
    assert found == {"autumn": "opus", "spring": "flac"}


def test_a_recording_says_who_whom_when_by_which_rules_and_what_is_heard(site: Site) -> None:
    call = ended(site)
    site.archivist.work_once()
    found = site.recording(call.call_id)
    assert (found.number, found.person, found.campaign, found.agent_id) == (call.number, "person-1", "spring", "agent-1")
    assert (found.started_at, found.bridged_at, found.ended_at) == (ANSWERED, call.bridged_at, call.ended_at)
    assert (found.disposition, found.packs, found.prompt) == ("sale", call.packs, call.prompt)
    assert found.prompt_sha256 == hashlib.sha256(wav_bytes(a_prompt())).hexdigest()
    assert found.disclosure is Verdict.PROVEN
    assert (found.disclosure_start_ms, found.disclosure_end_ms, found.disclosure_score) == (300, 3800, 1.0)
    assert found.agent_audio_from_ms == 4300
    assert found.agent_first_word_ms is not None
    assert 4280 <= found.agent_first_word_ms <= 4360
    assert found.customer_first_word_ms is not None
    assert 6980 <= found.customer_first_word_ms <= 7060
    assert 2400 <= found.agent_talk_ms <= 2700  # the prompt is not the agent's talk
    assert found.flags == ()
    assert site.told() == []


def test_the_sidecar_beside_the_audio_says_the_same_and_names_its_checksum(site: Site) -> None:
    call = ended(site)
    site.archivist.work_once()
    found = site.recording(call.call_id)
    audio, beside = (site.vault.root / name for name in (found.path, sidecar_path(found.path)))
    said = site.vault.sidecar(found.archived)
    assert said["call"]["call_id"] == call.call_id
    assert said["audio"]["sha256"] == found.sha256 == hashlib.sha256(audio.read_bytes()).hexdigest()
    assert hashlib.sha256(beside.read_bytes()).hexdigest() == found.sidecar_sha256
    assert said["disclosure"]["verdict"] == "proven"


def test_a_file_that_grows_is_waited_for_and_one_that_has_stopped_is_taken_as_it_is(site: Site) -> None:
    call = ended(site, closed=False)
    grows = site.spool / raw_name(call.call_id, Side.AGENT)
    whole = grows.read_bytes()
    for length in (len(whole) // 2, len(whole) // 2 + 32_768, len(whole)):
        grows.write_bytes(whole[:length])
        site.clock.advance(SETTLED - timedelta(milliseconds=1))
        assert site.archivist.work_once() == 0
    site.clock.advance(SETTLED)
    assert site.archivist.work_once() == 1
    found = site.recording(call.call_id)
    assert found.flags == (Flag.HEADER_REPAIRED,)
    assert found.duration_ms == 20_000
    assert site.told() == [("recording_degraded", call.call_id)]


def test_a_side_that_never_comes_is_silence_and_somebody_is_told(site: Site) -> None:
    conversation = a_conversation()
    call = ended(site, {Side.CUSTOMER: conversation[Side.CUSTOMER]})
    assert site.archivist.work_once() == 0  # it may still come
    site.clock.advance(PATIENCE)
    assert site.archivist.work_once() == 1
    found = site.recording(call.call_id)
    assert found.flags == (Flag.AGENT_MISSING,)
    audio = site.heard(found)
    assert not audio[:, 0].any()
    assert (audio[:, 1] == conversation[Side.CUSTOMER]).all()
    assert site.told() == [("recording_degraded", call.call_id), ("disclosure_unproven", call.call_id)]


def test_an_answered_call_without_files_is_an_alert_and_files_that_come_late_are_archived(site: Site) -> None:
    call = a_record()
    site.ended(call)
    assert site.archivist.work_once() == 0
    site.clock.advance(PATIENCE)
    assert site.archivist.work_once() == 1
    assert site.job(call.call_id).state is JobState.FAILED
    assert site.told() == [("recording_missing", call.call_id)]

    leave(site.spool, call.call_id, a_conversation())
    assert site.archivist.work_once() == 1
    assert site.recording(call.call_id).disclosure is Verdict.PROVEN


def test_a_call_never_seen_to_be_answered_needs_no_files_and_is_archived_if_they_come(site: Site) -> None:
    silent, recorded = (a_record(answered_at=None, agent_id=None) for _ in range(2))
    leave(site.spool, recorded.call_id, a_conversation())
    site.ended(silent, recorded)
    assert site.archivist.work_once() == 1
    site.clock.advance(PATIENCE)
    assert site.archivist.work_once() == 1
    assert site.job(silent.call_id).state is JobState.DONE
    found = site.recording(recorded.call_id)
    assert found.started_at == recorded.ended_at - timedelta(seconds=20)
    assert found.flags == (Flag.ANSWER_UNSEEN,)
    assert site.told() == []


def test_the_agents_line_is_heard_before_the_agent_speaks(site: Site) -> None:
    step = np.tile(np.array([8, -8], dtype=np.int16), RATE)  # what mu-law makes of an idle line
    heard = joined(silence(0.3), a_prompt(), silence(0.2), step, speech(42, 2))
    call = ended(site, a_conversation() | {Side.AGENT: padded(heard, 20)})
    site.archivist.work_once()
    found = site.recording(call.call_id)
    assert found.agent_audio_from_ms == 4000
    assert found.agent_first_word_ms is not None
    assert 5980 <= found.agent_first_word_ms <= 6060


def test_a_line_on_which_the_agent_is_never_heard_is_a_silent_one(site: Site) -> None:
    step = np.tile(np.array([8, -8], dtype=np.int16), 8 * RATE)
    heard = joined(silence(0.3), a_prompt(), silence(0.2), step)
    call = ended(site, a_conversation() | {Side.AGENT: heard})
    site.archivist.work_once()
    assert site.recording(call.call_id).flags == (Flag.AGENT_SILENT,)


def test_an_interrupted_attempt_leaves_the_raw_files_as_they_came(site: Site) -> None:
    call = ended(site, closed=False)
    before = {name: (site.spool / name).read_bytes() for name in site.raw()}
    site.vault.root.mkdir()
    block = site.vault.root / "2026"
    block.write_text("a file where a folder must be")
    site.archivist.work_once()
    site.clock.advance(SETTLED)
    assert site.archivist.work_once() == 0
    assert site.job(call.call_id).attempts == 1
    assert {name: (site.spool / name).read_bytes() for name in site.raw()} == before
    block.unlink()
    site.clock.advance(timedelta(seconds=1))
    assert site.archivist.work_once() == 1
    assert site.recording(call.call_id).flags == (Flag.HEADER_REPAIRED,)


def test_an_abandoned_call_is_archived_and_needs_no_disclosure(site: Site) -> None:
    message = padded(joined(silence(2), speech(40, 4)), 20)
    call = ended(
        site,
        {Side.AGENT: message, Side.CUSTOMER: padded(speech(41, 1), 20)},
        abandoned=True,
        agent_id=None,
        bridged_at=None,
        announced_at=None,
        disposition="abandoned",
    )
    site.archivist.work_once()
    found = site.recording(call.call_id)
    assert found.disclosure is Verdict.NOT_APPLICABLE
    assert (found.agent_talk_ms, found.agent_first_word_ms, found.agent_audio_from_ms) == (0, None, None)
    assert site.told() == []


def early_agent() -> Samples:
    return joined(silence(0.2), speech(50, 1), silence(0.2), a_prompt(), silence(0.5), speech(51, 2))


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (mu_law(noisy(agent_side(speech(52, 3)), 20, 1)), Verdict.PROVEN),
        (joined(a_prompt(), speech(53, 3)), Verdict.PROVEN),  # the agent cuts in at once
        (joined(silence(0.5), speech(54, 6)), Verdict.ABSENT),
        (early_agent(), Verdict.LATE),
        (joined(a_prompt()[: 2 * RATE], speech(55, 3)), Verdict.INCOMPLETE),
    ],
)
def test_the_audio_decides_whether_the_call_was_disclosed(site: Site, heard: Samples, verdict: Verdict) -> None:
    sides = {Side.AGENT: padded(heard, 20), Side.CUSTOMER: padded(speech(56, 1), 20)}
    call = ended(site, sides)
    site.archivist.work_once()
    assert site.recording(call.call_id).disclosure is verdict
    assert site.told() == ([] if verdict is Verdict.PROVEN else [("disclosure_unproven", call.call_id)])


@pytest.mark.parametrize("prompt", ["not-there", "../prompts/disclosure-en-1", "", "a\x00b"])
def test_without_the_prompts_file_nothing_is_proven_and_the_call_is_archived_all_the_same(site: Site, prompt: str) -> None:
    call = ended(site, prompt=prompt)
    assert site.archivist.work_once() == 1
    found = site.recording(call.call_id)
    assert (found.disclosure, found.prompt_sha256) == (Verdict.UNPROVABLE, None)
    assert site.told() == [("disclosure_unproven", call.call_id)]


def without_agent() -> Sides:
    return a_conversation() | {Side.AGENT: padded(joined(silence(0.3), a_prompt()), 20)}


def cut(side: Side, seconds: float) -> Sides:
    conversation = a_conversation()
    return conversation | {side: conversation[side][: int(seconds * RATE)]}


@pytest.mark.parametrize(
    ("sides", "flags"),
    [
        (without_agent(), {Flag.AGENT_SILENT}),
        (a_conversation() | {Side.CUSTOMER: silence(20)}, {Flag.CUSTOMER_SILENT}),
        (cut(Side.CUSTOMER, 19.95), set()),
        (cut(Side.CUSTOMER, 18), {Flag.LENGTHS_DIFFER}),
        (cut(Side.CUSTOMER, 0), {Flag.CUSTOMER_MISSING}),
        (a_conversation(19), set()),
        (a_conversation(18), {Flag.SHORTER_THAN_CALL}),
    ],
)
def test_a_degraded_recording_is_archived_flagged_and_told(site: Site, sides: Sides, flags: set[Flag]) -> None:
    call = ended(site, sides)
    site.archivist.work_once()
    assert set(site.recording(call.call_id).flags) == flags
    assert site.told() == ([("recording_degraded", call.call_id)] if flags else [])


def test_half_a_sample_at_the_end_is_left_out_and_the_rest_is_kept(site: Site) -> None:
    call = ended(site, closed=False)
    for side in Side:
        with (site.spool / raw_name(call.call_id, side)).open("ab") as file:
            file.write(b"\x01")
    site.archivist.work_once()
    site.clock.advance(SETTLED)
    site.archivist.work_once()
    found = site.recording(call.call_id)
    assert set(found.flags) == {Flag.HEADER_REPAIRED, Flag.ODD_LENGTH}
    assert found.duration_ms == 20_000


def write(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


SOUND = speech(60, 2)
BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (write(b"not a recording at all" * 100), "no WAV header"),
    (write(SOUND.tobytes()), "no WAV header"),
    (write(wav_bytes(SOUND)[:30]), "without audio"),
    (write(wav_bytes(SOUND, rate=7_999)), "found 7999 Hz"),
    (write(wav_bytes(SOUND, channels=9)), "9 channel"),
    (write(wav_bytes(SOUND, bits=4)), "4 bits"),
    (write(b"\x00" * 4000), "no WAV header"),
    (lambda path: path.symlink_to("/etc/passwd"), "not a regular file"),
    (os.mkfifo, "not a regular file"),
    (Path.mkdir, "not a regular file"),
]


@pytest.mark.parametrize(("make", "reason"), BROKEN)
def test_what_is_no_recording_is_set_aside_with_the_reason_and_stops_nobody(
    site: Site, make: Callable[[Path], object], reason: str
) -> None:
    broken, good = a_record(), a_record()
    conversation = a_conversation()
    leave(site.spool, broken.call_id, {Side.CUSTOMER: conversation[Side.CUSTOMER]})
    make(site.spool / raw_name(broken.call_id, Side.AGENT))
    leave(site.spool, good.call_id, conversation)
    site.ended(broken, good)
    site.archivist.work_once()
    site.clock.advance(SETTLED)
    site.archivist.work_once()

    job = site.job(broken.call_id)
    assert job.state is JobState.QUARANTINED
    assert reason in (job.reason or "")
    assert site.told() == [("recording_quarantined", broken.call_id)]
    assert site.raw() == ["quarantine"]
    aside = {path.name for path in (site.spool / "quarantine").iterdir()}
    assert aside == {raw_name(broken.call_id, side) for side in Side}
    assert site.recording(good.call_id).disclosure is Verdict.PROVEN
    assert [name for name in site.kept() if broken.call_id in name] == []


def test_two_empty_files_are_no_recording(site: Site) -> None:
    call = ended(site, dict.fromkeys(Side, silence(0)))
    assert site.archivist.work_once() == 1
    assert site.job(call.call_id).state is JobState.QUARANTINED
    assert "no audio on either side" in (site.job(call.call_id).reason or "")


def test_files_of_no_known_call_are_reported_once_and_left(site: Site) -> None:
    leave(site.spool, "f" * 32, a_conversation())
    (site.spool / "notes.txt").write_text("left by a person")
    left = site.raw()
    old = (site.clock.now() - ORPHANED).timestamp()
    for name in left:
        os.utime(site.spool / name, (old + 1, old + 1))
    site.archivist.work_once()
    assert site.told() == []  # so young, they may be of a call that is still up
    site.clock.advance(timedelta(seconds=1))
    for _ in range(3):
        site.archivist.work_once()
    assert sorted(site.told(), key=str) == [("spool_orphan", "f" * 32), ("spool_orphan", None)]
    assert site.raw() == left


@pytest.mark.parametrize("call_id", ["../../escape", "a/b", ".", "x" * 65])
def test_a_hostile_call_id_makes_no_file_and_stops_nobody(site: Site, call_id: str) -> None:
    site.ended(a_record(call_id))
    good = ended(site)
    assert site.archivist.work_once() == 2
    assert site.job(call_id).state is JobState.FAILED
    assert site.told() == [("recording_failed", call_id)]
    assert {Path(name).name.split(".")[0] for name in site.kept()} == {good.call_id}


def test_a_job_that_cannot_be_read_fails_alone(site: Site) -> None:
    broken, good = ended(site), ended(site)
    with writing(site.engine) as connection:
        connection.execute(text("update recording_job set metadata_json = '{' where call_id = :id"), {"id": broken.call_id})
    assert site.archivist.work_once() == 2
    assert site.job(broken.call_id).state is JobState.FAILED
    assert len([name for name in site.raw() if name.startswith(broken.call_id)]) == 2
    assert site.recording(good.call_id).disclosure is Verdict.PROVEN


def test_a_call_that_cannot_be_archived_is_tried_with_growing_pauses_and_then_told(site: Site) -> None:
    call = ended(site)
    site.vault.root.mkdir()
    (site.vault.root / "2026").write_text("a file where a folder must be")
    raw = site.raw()
    tries = 0
    while site.job(call.call_id).state is JobState.PENDING:
        due = site.job(call.call_id).next_at
        if due > site.clock.now():
            site.clock.advance(due - site.clock.now() - timedelta(microseconds=1))
            assert site.archivist.work_once() == 0
            assert site.job(call.call_id).attempts == tries  # not before its time
            site.clock.advance(timedelta(microseconds=1))
        site.archivist.work_once()
        tries += 1
    assert tries == MAX_ATTEMPTS
    assert site.job(call.call_id).state is JobState.FAILED
    assert site.told() == [("recording_failed", call.call_id)]
    assert site.raw() == raw


def test_a_spool_has_one_archivist(site: Site) -> None:
    site.archivist.work_once()
    second = Archivist(site.engine, site.clock, site.spool, site.vault, site.directory / "prompts")
    with pytest.raises(SpoolBusy, match="spool"):
        second.work_once()
    site.archivist.close()
    assert second.work_once() == 0
    second.close()


def test_the_archivists_own_thread_archives_what_is_queued_until_it_is_stopped(site: Site) -> None:
    removed = threading.Semaphore(0)
    site.step = lambda name: removed.release() if name == "removed" else None
    site.archivist.start(every=timedelta(milliseconds=10))
    calls = [ended(site) for _ in range(3)]
    assert all(removed.acquire(timeout=60) for _ in calls)
    site.archivist.stop()
    assert [site.job(call.call_id).state for call in calls] == [JobState.DONE] * 3
    late = ended(site)
    assert site.job(late.call_id).state is JobState.PENDING


def test_queueing_a_call_again_changes_nothing(site: Site) -> None:
    call = ended(site)
    site.archivist.work_once()
    site.ended(replace(call, disposition="other"))
    assert site.archivist.work_once() == 0
    assert site.job(call.call_id).state is JobState.DONE
    assert site.recording(call.call_id).disposition == "sale"
