"""The archive: whole files under their final names, and every tampering found."""

import errno
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from recorder.catalogue import RecordingNotFound, Wanted, export, list_recordings, show, verify_all
from recorder.disclosure import Verdict
from recorder.naming import Side, part_name
from recorder.store import Job, JobState
from recorder.vault import AlteredRecording, Flaw, StorageFull, Vault, naming_the_place
from tests.recorder_audio import (
    ANSWERED,
    Site,
    a_conversation,
    a_record,
    joined,
    leave,
    padded,
    silence,
    tone,
    tone_level,
)

CALLS = [f"{n}" * 32 for n in range(3)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three calls in its archive: agent, customer's tone and campaign differ."""
    site = Site(tmp_path_factory.mktemp("filled"))
    for n, call_id in enumerate(CALLS):
        sides = a_conversation() | {Side.CUSTOMER: padded(joined(silence(6), tone(600 + 100 * n, 10)), 20)}
        leave(site.spool, call_id, sides)
        site.ended(a_record(call_id, agent_id=f"agent-{n % 2}", campaign=f"campaign-{n}", number=f"+1212555010{n}"))
    assert site.archivist.work_once() == 3
    site.close()
    return site.directory


@pytest.fixture
def site(filled: Path, tmp_path: Path) -> Iterator[Site]:
    """A copy of it, to be tampered with."""
    made = Site(Path(shutil.copytree(filled, tmp_path / "site")))
    yield made
    made.close()


def test_keeping_again_after_a_crash_between_the_files_gives_the_same_archive(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "archive")

    def keep(attempt: int) -> object:
        part = vault.unfinished("c1", ANSWERED, attempt)
        part.write_bytes(b"audio")
        return vault.keep(part, "c1", ANSWERED, {"call": "c1"})

    first = keep(1)
    audio, sidecar = (tmp_path / "archive" / name for name in vault.files())
    before = {path: path.read_bytes() for path in (audio, sidecar)}
    sidecar.unlink()  # killed after the audio had its name
    (audio.parent / part_name("c1", 2)).write_bytes(b"half")
    assert keep(3) == first
    assert {path: path.read_bytes() for path in audio.parent.iterdir()} == before


def test_what_is_unfinished_is_no_file_of_the_archive(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "archive")
    vault.unfinished("c1", ANSWERED, 1).write_bytes(b"half")
    assert vault.files() == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_of_any_kind_names_the_place(tmp_path: Path, code: int) -> None:
    with pytest.raises(StorageFull, match="no room") as caught, naming_the_place(tmp_path):
        raise OSError(code, os.strerror(code))
    assert caught.value.filename == str(tmp_path)


def test_another_error_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), naming_the_place(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_a_sidecar_that_finds_no_room_leaves_no_half_file_under_a_final_name(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "archive")
    part = vault.unfinished("c1", ANSWERED, 1)
    part.write_bytes(b"audio")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StorageFull, match="archive"):
            vault.keep(part, "c1", ANSWERED, {"long": "x" * 10_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert vault.files() == []
    vault.keep(part, "c1", ANSWERED, {"long": "x" * 10_000})
    assert len(vault.files()) == 2


def test_an_untouched_archive_has_no_findings(site: Site) -> None:
    assert len(site.kept()) == 2 * len(CALLS)
    assert verify_all(site.engine, site.vault) == []


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def as_a_link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere.flac")
    path.symlink_to("../elsewhere.flac")


@pytest.mark.parametrize("suffix", [".flac", ".json"])
@pytest.mark.parametrize(
    ("tamper", "flaw"),
    [
        (Path.unlink, Flaw.MISSING),
        (flip_a_bit, Flaw.ALTERED),
        (lambda path: path.write_bytes(b""), Flaw.ALTERED),
        (as_a_link, Flaw.MISSING),
    ],
)
def test_a_file_that_is_not_as_it_went_in_is_found(site: Site, suffix: str, tamper: Callable[[Path], object], flaw: Flaw) -> None:
    path = site.recording(CALLS[1]).path.replace(".flac", suffix)
    tamper(site.vault.root / path)
    found = [finding for finding in verify_all(site.engine, site.vault) if finding.flaw is not Flaw.ADDED]
    assert [(one.flaw, one.path, one.call_id) for one in found] == [(flaw, path, CALLS[1])]


@pytest.mark.parametrize("suffix", [".flac", ".json"])
def test_two_files_that_changed_places_are_found_and_told_apart_from_altered_ones(site: Site, suffix: str) -> None:
    first, second = (site.vault.root / site.recording(call_id).path.replace(".flac", suffix) for call_id in CALLS[:2])
    between = first.with_name("between")
    first.rename(between)
    second.rename(first)
    between.rename(second)
    findings = verify_all(site.engine, site.vault)
    assert [(one.flaw, one.call_id) for one in findings] == [(Flaw.SWAPPED, call_id) for call_id in CALLS[:2]]
    assert CALLS[1] in findings[0].text


def test_a_file_that_was_added_is_found(site: Site) -> None:
    folder = (site.vault.root / site.recording(CALLS[0]).path).parent
    (folder / "extra.flac").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    (site.vault.root / "link").symlink_to("/etc")
    found = verify_all(site.engine, site.vault)
    assert {one.flaw for one in found} == {Flaw.ADDED}
    assert {Path(one.path).name for one in found} == {"extra.flac", ".hidden", "link"}


def test_a_recording_on_its_way_in_is_no_finding(site: Site) -> None:
    call = a_record("9" * 32)
    site.ended(call)
    vault = site.vault
    part = vault.unfinished(call.call_id, ANSWERED, 1)
    part.write_bytes(b"audio")
    assert verify_all(site.engine, vault) == []
    vault.keep(part, call.call_id, ANSWERED, {})  # its row is not committed yet
    assert verify_all(site.engine, vault) == []


def test_raw_files_stay_when_the_archive_does_not_hold_what_the_row_says(site: Site) -> None:
    flip_a_bit(site.vault.root / site.recording(CALLS[0]).path)
    for call_id in CALLS[:2]:
        leave(site.spool, call_id, a_conversation())  # as after a crash before their removal
    site.archivist.work_once()
    assert {name[:32] for name in site.raw()} == {CALLS[0]}
    assert site.told() == [("recording_failed", CALLS[0])]


@pytest.mark.parametrize(("form", "loss"), [("wav", 1), ("flac", 1), ("ogg", 300)])
def test_an_export_has_both_channels_and_the_length_of_the_call(site: Site, tmp_path: Path, form: str, loss: int) -> None:
    copy = export(site.engine, site.vault, CALLS[0], tmp_path, form)
    assert copy == tmp_path / f"{CALLS[0]}.{form}"
    audio, rate = soundfile.read(copy, dtype="int16")
    assert abs(len(audio) / rate - 20) < 0.1
    middle = audio[8 * rate : 12 * rate]
    assert abs(tone_level(middle[:, 1], 600, rate) - 6000) <= loss
    assert tone_level(middle[:, 0], 600, rate) <= loss


def test_an_export_of_an_altered_recording_is_refused_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    flip_a_bit(site.vault.root / site.recording(CALLS[0]).path)
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(AlteredRecording, match=CALLS[0]):
        export(site.engine, site.vault, CALLS[0], target, "wav")
    assert list(target.iterdir()) == []


def test_an_export_replaces_no_file(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "mine.wav"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match=r"mine\.wav"):
        export(site.engine, site.vault, CALLS[0], target, "wav")
    assert target.read_text() == "mine"
    assert not list(tmp_path.glob(".*part"))


def test_an_export_of_what_is_not_there_or_in_no_known_format_says_so(site: Site, tmp_path: Path) -> None:
    with pytest.raises(RecordingNotFound, match="no recording"):
        export(site.engine, site.vault, "f" * 32, tmp_path, "wav")
    with pytest.raises(ValueError, match="wav, flac, ogg"):
        export(site.engine, site.vault, CALLS[0], tmp_path, "mp3")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [2, 1, 0]),
        (Wanted(campaign="campaign-1"), [1]),
        (Wanted(agent_id="agent-0"), [2, 0]),
        (Wanted(agent_id="agent-0", number="+12125550102"), [2]),
        (Wanted(person="person-1", disposition="sale"), [2, 1, 0]),
        (Wanted(disclosure=Verdict.PROVEN), [2, 1, 0]),
        (Wanted(disclosure=Verdict.ABSENT), []),
        (Wanted(since=ANSWERED), [2, 1, 0]),
        (Wanted(until=ANSWERED), []),
        (Wanted(limit=2), [2, 1]),
        (Wanted(limit=2, offset=2), [0]),
        (Wanted(campaign="' or 1=1 --"), []),
    ],
)
def test_recordings_are_listed_by_what_is_asked_latest_first(site: Site, wanted: Wanted, found: list[int]) -> None:
    assert [recording.call_id for recording in list_recordings(site.engine, wanted)] == [CALLS[n] for n in found]


def test_a_call_without_a_recording_shows_where_it_stands(site: Site) -> None:
    call = a_record()
    site.ended(call)
    job = show(site.engine, call.call_id)
    assert isinstance(job, Job)
    assert (job.state, job.record()) == (JobState.PENDING, call)
    assert show(site.engine, "f" * 32) is None
