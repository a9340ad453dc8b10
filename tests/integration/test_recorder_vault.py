"""The archive: whole files under their final names, and every tampering found."""

import errno
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.catalogue import Wanted, list_recordings, show
from recorder.disclosure import Verdict
from recorder.keyring import KeyLost
from recorder.naming import Side, key_path, part_name, paths_of, sidecar_path
from recorder.store import Job, JobState
from recorder.vault import AlteredRecording, StorageFull, Vault, naming_the_place
from tests.archived_calls import a_kept_call, files_below
from tests.recorder_audio import (
    ANSWERED,
    Site,
    a_conversation,
    a_record,
    a_vault,
    joined,
    leave,
    padded,
    silence,
    tone,
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


@pytest.mark.parametrize("seals", [True, False])
def test_keeping_again_after_a_crash_between_the_files_leaves_one_recording(tmp_path: Path, seals: bool) -> None:
    vault = a_vault(tmp_path, seals=seals)
    first, _ = a_kept_call(vault, "c1")
    (vault.root / sidecar_path(first.path)).unlink()  # killed after the audio had its name
    ((vault.root / first.path).parent / part_name("c1", 2)).write_bytes(b"half")
    again, _ = a_kept_call(vault, "c1", attempt=3)
    assert vault.files() == sorted(paths_of(again.path))
    assert [path.name for path in files_below(vault.root) if path.name.endswith(".part")] == []
    assert (again == first) is not seals  # sealed, each attempt has a key of its own
    with vault.open_audio(again) as audio:
        assert audio.read() == b"audio"


def test_an_attempt_in_another_form_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    a_kept_call(a_vault(tmp_path, seals=False), "c1")
    vault = a_vault(tmp_path)
    kept, _ = a_kept_call(vault, "c1", attempt=2)
    assert vault.files() == sorted(paths_of(kept.path))


def test_what_comes_out_is_what_went_in_and_no_word_of_it_lies_on_the_disk(tmp_path: Path) -> None:
    vault = a_vault(tmp_path)
    audio = b"Name on the card, please? " * 10_000
    kept, _ = a_kept_call(vault, "c1", audio)
    with vault.open_audio(kept) as file:
        assert file.read(26) == audio[:26]
        assert file.seek(200_000) == 200_000
        assert file.read(100) == audio[200_000:200_100]
    said = vault.sidecar(kept)
    assert said["audio"] == {"path": kept.path, "sha256": kept.sha256, "bytes": kept.bytes}
    assert all(b"card" not in path.read_bytes() for path in files_below(vault.root))
    assert (vault.root / kept.path).stat().st_size == kept.bytes


def test_the_archive_alone_and_the_keys_are_enough(tmp_path: Path) -> None:
    """The database may be lost: what a recording is sealed with lies beside it."""
    kept, _ = a_kept_call(a_vault(tmp_path), "c1")
    with a_vault(tmp_path).open_audio(kept) as audio:
        assert audio.read() == b"audio"


def test_without_the_key_of_the_site_nothing_opens_and_the_key_is_named(tmp_path: Path) -> None:
    kept, _ = a_kept_call(a_vault(tmp_path), "c1")
    (key,) = (tmp_path / "secrets").iterdir()
    key.unlink()
    with pytest.raises(KeyLost, match=key.stem), a_vault(tmp_path).open_audio(kept):
        pass
    with pytest.raises(KeyLost, match="without keys"), Vault(tmp_path / "archive").open_audio(kept):
        pass


@pytest.mark.parametrize("name", ["audio", "key"])
def test_what_was_altered_is_not_given_out(tmp_path: Path, name: str) -> None:
    vault = a_vault(tmp_path)
    kept, _ = a_kept_call(vault, "c1")
    flip_a_bit(vault.root / (kept.path if name == "audio" else key_path(kept.path) or ""))
    with pytest.raises(AlteredRecording, match="call c1"), vault.open_audio(kept):
        pass


def test_a_link_in_the_place_of_a_recording_is_not_followed(tmp_path: Path) -> None:
    vault = a_vault(tmp_path, seals=False)
    kept, _ = a_kept_call(vault, "c1")
    path = vault.root / kept.path
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AlteredRecording, match="cannot be read"), vault.open_audio(kept):
        pass


def test_removing_a_recording_removes_all_of_it_and_can_be_done_again(tmp_path: Path) -> None:
    vault = a_vault(tmp_path)
    kept, _ = a_kept_call(vault, "c1")
    other, _ = a_kept_call(vault, "c2")
    vault.remove(kept)
    vault.remove(kept)
    assert vault.files() == sorted(paths_of(other.path))


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


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_raw_files_stay_when_the_archive_does_not_hold_what_the_row_says(site: Site) -> None:
    flip_a_bit(site.vault.root / site.recording(CALLS[0]).path)
    for call_id in CALLS[:2]:
        leave(site.spool, call_id, a_conversation())  # as after a crash before their removal
    site.archivist.work_once()
    assert {name[:32] for name in site.raw()} == {CALLS[0]}
    assert site.told() == [("recording_failed", CALLS[0])]


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
