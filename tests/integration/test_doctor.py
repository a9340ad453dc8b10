"""The doctor looks at what recordings depend on, the store, the keys, the chains and the queue, and says of each what to do."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from compliance.evidence_key import PUBLIC_FILE
from config.clock import ManualClock, SystemClock
from config.database import writing
from dialer import bootstrap
from recorder import archive_head, audit, ffmpeg
from recorder.archive_head import HEAD
from recorder.plan import Alert, AlertKind
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import JobState, alarm, enqueue, settle
from recorder.stores import ObjectStore
from tests.cli_site import Run, runs
from tests.recorder_audio import ANSWERED, PROMPT, ROUND_AT, a_conversation, a_prompt, a_record, leave, wav_bytes

RECORDINGS = 2
BUCKET = "recordings"
SECRET = "hushhush"  # that no finding may tell


@dataclass(frozen=True)
class Found:
    """One finding, as a script reads it."""

    ok: bool
    text: str


@pytest.fixture(scope="module")
def recorded(new_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two recordings in its archive."""
    directory = Path(shutil.copytree(new_site, tmp_path_factory.mktemp("recorded") / "site"))
    with bootstrap.opened(directory) as parts:
        (parts.site.prompts / f"{PROMPT}.wav").write_bytes(wav_bytes(a_prompt()))
        calls = [a_record() for _ in range(RECORDINGS)]
        for call in calls:
            leave(parts.site.spool, call.call_id, a_conversation())
        with writing(parts.database) as connection:
            for call in calls:
                enqueue(connection, call)
        clock = ManualClock(ANSWERED + ROUND_AT)
        archivist = Archivist(parts.database, clock, parts.site.spool, parts.vault, parts.site.prompts)
        assert archivist.work_once() == RECORDINGS
        archivist.close()
    return directory


@pytest.fixture
def here(recorded: Path, tmp_path: Path) -> Path:
    """The same for one test alone, to be spoilt."""
    return Path(shutil.copytree(recorded, tmp_path / "recorded"))


def examined(site: Path) -> dict[str, Found]:
    """What the doctor finds: always that there is no PBX, and what to do about it."""
    done = runs(site, "doctor", "--json", expect=4)
    assert SECRET not in done.output
    found = {one["what"]: Found(one["ok"], one["text"]) for one in json.loads(done.stdout)}
    assert not found["PBX"].ok
    return found


def altered(site: Path, *statements: str) -> None:
    """What somebody with the database in hand might do."""
    connection = sqlite3.connect(site / "ringfence.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_new_site_lacks_its_pbx_and_nothing_else(run: Run, site: Path) -> None:
    found = examined(site)
    assert [what for what, one in found.items() if not one.ok] == ["PBX", "prompts"]
    assert "object store" not in found
    assert found["archive head"].text == "nothing archived yet"
    assert found["archive keys"].text == "made with the first recording"
    assert found["recordings"].text == "0 on their way to the archive"


def test_of_a_site_with_recordings_keys_head_and_queue_are_told(here: Path) -> None:
    found = examined(here)
    assert found["archive keys"].text.startswith(f"1 keys, {RECORDINGS} recordings are locked with them; keep a copy")
    assert found["archive head"].text.startswith(f"{RECORDINGS} links, tip {RECORDINGS}:")
    assert all(found[what].ok for what in ("archive keys", "archive head", "recordings", "audit chain"))


def test_a_database_that_is_not_up_to_date_is_looked_at_later(site: Path) -> None:
    altered(site, "DROP TABLE recording_key", "DROP TABLE recording_chain", "DELETE FROM alembic_version")
    found = examined(site)
    assert found["archive keys"] == found["archive head"] == Found(ok=True, text="looked at once the database is up to date")


# --- keys -------------------------------------------------------------------------------------------------------------


def the_key(site: Path) -> Path:
    (key,) = (site / "secrets" / "archive-keys").glob("*.key")
    return key


def test_a_key_that_recordings_need_and_that_is_gone_is_named_with_how_many_need_it(here: Path) -> None:
    key = the_key(here)
    key.unlink()
    found = examined(here)["archive keys"]
    assert not found.ok
    assert f"{RECORDINGS} recordings cannot be read without it: key {key.stem} is missing" in found.text
    assert "restore it from the backup" in found.text


def test_a_key_that_was_exchanged_is_told_and_not_shown(here: Path) -> None:
    key = the_key(here)
    other = key.with_name("0001-0123456789abcdef.key")
    key.rename(other)
    found = examined(here)["archive keys"]
    assert not found.ok
    assert f"key {key.stem} is missing" in found.text
    assert "0001-0123456789abcdef.key: not the key that its name says" in found.text
    assert other.read_text().strip() not in found.text


@pytest.mark.parametrize(("which", "mode", "advice"), [("key", 0o644, "chmod 600"), ("folder", 0o755, "chmod 700")])
def test_keys_that_others_can_read_are_told_with_what_to_do(here: Path, which: str, mode: int, advice: str) -> None:
    place = the_key(here) if which == "key" else the_key(here).parent
    place.chmod(mode)
    found = examined(here)["archive keys"]
    assert not found.ok
    assert f"{advice} {place}" in found.text


# --- the head and the chains ------------------------------------------------------------------------------------------


def test_a_head_that_is_gone_or_that_the_chain_does_not_hold_is_told(here: Path) -> None:
    head = here / "archive" / HEAD
    kept = head.read_bytes()
    head.unlink()
    found = examined(here)["archive head"]
    assert (found.ok, "is gone, and the chain has 2 links" in found.text, "renew-head" in found.text) == (False, True, True)
    head.write_bytes(kept.replace(b'"seq":2', b'"seq":1'))
    assert "does not bear the site's signature" in examined(here)["archive head"].text
    head.write_bytes(kept)
    altered(here, "DELETE FROM recording_chain WHERE seq = 2")
    found = examined(here)["archive head"]
    assert (found.ok, "tells link 2, which the chain does not hold" in found.text) == (False, True)


def test_a_head_that_a_crash_left_behind_is_moved_at_the_next_start_and_no_fault(here: Path) -> None:
    altered(
        here, "CREATE TABLE put_by AS SELECT * FROM recording_chain WHERE seq = 2", "DELETE FROM recording_chain WHERE seq = 2"
    )
    (here / "archive" / HEAD).unlink()
    assert examined(here)["archive head"] == Found(ok=True, text="written at the next start of `ringfence run`")
    with bootstrap.opened(here) as parts:
        archive_head.publish(parts.database, parts.site.archive)
    altered(here, "INSERT INTO recording_chain SELECT * FROM put_by", "DROP TABLE put_by")
    found = examined(here)["archive head"]
    assert (found.ok, "the head is 1 behind" in found.text) == (True, True)


def test_without_the_public_key_of_the_site_nothing_can_be_said_of_its_head(here: Path) -> None:
    (here / "secrets" / PUBLIC_FILE).unlink()
    found = examined(here)["archive head"]
    assert (found.ok, "restore it from the backup" in found.text) == (False, True)


def test_an_audit_chain_that_was_cut_off_is_told(here: Path) -> None:
    with bootstrap.opened(here) as parts, writing(parts.database) as connection:
        for action in ("play", "export"):
            audit.note(connection, parts.clock.now(), "kim", action)
    found = examined(here)["audit chain"]
    assert (found.ok, found.text.startswith("2 entries, tip 2:")) == (True, True)
    altered(here, "DELETE FROM audit_entry WHERE seq = 2")
    found = examined(here)["audit chain"]
    assert (found.ok, "it ends with entry 1, its tip says 2" in found.text) == (False, True)
    altered(here, "DELETE FROM audit_tip")
    assert "it ends with entry 1, its tip says 0" in examined(here)["audit chain"].text


# --- what waits -------------------------------------------------------------------------------------------------------


def queued(site: Path, *records: CallRecord) -> None:
    with bootstrap.opened(site) as parts, writing(parts.database) as connection:
        for record in records:
            enqueue(connection, record)


def ended(ago: timedelta, call_id: str) -> CallRecord:
    """A call that ended so long ago."""
    at = SystemClock().now() - ago
    names = ("answered_at", "announcement_at", "announced_at", "bridged_at", "unbridged_at", "ended_at")
    times: dict[str, Any] = dict.fromkeys(names, at)
    return a_record(call_id, **times)


def test_a_call_that_waits_for_more_than_ten_minutes_is_told_with_when_it_ended(here: Path) -> None:
    queued(here, ended(timedelta(minutes=9), "fresh"))
    assert examined(here)["recordings"] == Found(ok=True, text="1 on their way to the archive")
    late = ended(timedelta(minutes=11), "late")
    queued(here, late, ended(timedelta(minutes=10, seconds=1), "later"))
    found = examined(here)["recordings"]
    assert not found.ok
    assert (
        f"2 ended more than ten minutes ago and are not archived, the first late at {late.ended_at:%Y-%m-%d %H:%M}Z" in found.text
    )
    assert "start `ringfence run`" in found.text


def test_what_was_given_up_is_told_until_somebody_has_looked_at_it(here: Path) -> None:
    queued(here, ended(timedelta(minutes=9), "c-1"), ended(timedelta(minutes=9), "c-2"))
    with bootstrap.opened(here) as parts, writing(parts.database) as connection:
        given_up = (
            ("c-1", JobState.FAILED, AlertKind.RECORDING_MISSING),
            ("c-2", JobState.QUARANTINED, AlertKind.RECORDING_QUARANTINED),
        )
        for call_id, state, kind in given_up:
            settle(connection, call_id, state, f"the reason of {call_id}")
            alarm(connection, Alert(kind, call_id, "look at it"), parts.clock.now())
    found = examined(here)["recordings"]
    assert not found.ok
    assert found.text.startswith(
        "1 failed and 1 quarantined, such as c-1: the reason of c-1: see `ringfence recording show CALL`"
    )
    runs(here, "alerts", "--all-seen")
    assert examined(here)["recordings"] == Found(
        ok=True, text="0 on their way to the archive; 2 could not be archived, and were looked at"
    )
    with bootstrap.opened(here) as parts, writing(parts.database) as connection:
        alarm(connection, Alert(AlertKind.RECORDING_FAILED, "c-1", "again"), parts.clock.now())
    assert examined(here)["recordings"].text.startswith("1 failed, such as c-1")


# --- hints ------------------------------------------------------------------------------------------------------------


def test_that_nobody_is_on_the_staff_is_a_hint_and_no_fault(site: Path, run: Run) -> None:
    found = examined(site)["staff"]
    assert (found.ok, found.text.startswith("hint: nobody is on it"), "ringfence staff add" in found.text) == (True, True, True)
    run("staff", "add", "zhang", "--role", "manager", "--as", "zhang")
    run("staff", "add", "mei", "--role", "qa", "--as", "zhang")
    found = examined(site)["staff"]
    assert (found.ok, sorted(found.text.split(", "))) == (True, ["1 manager", "1 qa"])


@pytest.fixture
def without_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on whose PATH there is no program at all."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    ffmpeg.program.cache_clear()
    yield
    ffmpeg.program.cache_clear()


@pytest.mark.usefixtures("without_ffmpeg")
def test_without_ffmpeg_what_is_slower_and_what_is_not_there_is_a_hint(site: Path) -> None:
    found = examined(site)["ffmpeg"]
    assert found.ok
    assert found.text.startswith("hint: ")
    assert "Opus takes three times as long" in found.text
    assert "no export as MP3" in found.text


# --- the object store -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3-compatible server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty archive in a bucket, with the credentials of somebody in the environment."""
    monkeypatch.setenv("HOME", str(tmp_path))  # whatever profile the machine has
    settings = {"AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in (settings | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    import s3fs  # noqa: PLC0415 -- the settings come first

    s3fs.S3FileSystem(skip_instance_cache=True).makedirs(BUCKET, exist_ok=True)
    return f"s3://{BUCKET}/{tmp_path.name}"


def archiving_in(site: Path, url: str) -> Path:
    settings = site / "ringfence.toml"
    text = settings.read_text(encoding="utf-8")
    assert '#archive = "archive"' in text
    settings.write_text(text.replace('#archive = "archive"', f'archive = "{url}"'), encoding="utf-8")
    return site


def test_a_store_is_written_to_read_back_and_left_as_it_was(site: Path, bucket: str) -> None:
    found = examined(archiving_in(site, bucket))["object store"]
    assert found == Found(ok=True, text=f"{bucket}: written, read back and removed")
    assert list(ObjectStore(bucket).names()) == []


def test_without_credentials_it_says_which_are_sought(site: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    found = examined(archiving_in(site, bucket))["object store"]
    assert not found.ok
    assert f"{bucket}/" in found.text
    assert "no credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in found.text


@pytest.fixture
def suspicious(s3: str, bucket: str) -> Iterator[None]:
    """The server, that knows nobody any more once the bucket is there."""

    def lets_in(requests: str) -> None:
        told = Request(f"{s3}/moto-api/reset-auth", requests.encode(), {"Content-Type": "text/plain"}, method="POST")
        with urlopen(told, timeout=10) as answer:
            assert answer.status == 200

    lets_in("0")
    yield
    lets_in("inf")


@pytest.mark.usefixtures("suspicious")
def test_credentials_that_the_store_refuses_are_told_and_not_shown(site: Path, bucket: str) -> None:
    found = examined(archiving_in(site, bucket))["object store"]
    assert not found.ok
    assert "the store refuses these credentials" in found.text


def test_a_store_that_does_not_answer_is_told_with_its_address(site: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody answers there
    found = examined(archiving_in(site, bucket))["object store"]
    assert not found.ok
    assert "127.0.0.1:9" in found.text
    assert "recordings wait on the local disk until it answers" in found.text


def test_a_password_in_the_address_of_a_store_is_not_told(site: Path) -> None:
    found = examined(archiving_in(site, f"unheard-of://kim:{SECRET}@nas/recordings"))["object store"]
    assert not found.ok
    assert "unheard-of://kim:…@nas/recordings" in found.text
