"""An archive in an object store: a real S3-compatible server over HTTP, and fsspec's own file systems."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import Engine

from config.clock import ManualClock
from config.database import reading, sqlite_url
from recorder.archive_head import HEAD, OWN_FILES
from recorder.naming import key_path, paths_of, sidecar_path
from recorder.rekeying import rekey
from recorder.sealing import wrap
from recorder.store import in_archive
from recorder.stores import ObjectStore, StoreDown, StoreUnknown
from recorder.vault import AlteredRecording, Archived, Vault
from recorder.verification import Flaw, verify_all
from tests.archived_calls import a_signed_database, an_archived_call
from tests.recorder_audio import ANSWERED, Site, a_conversation, a_record, a_vault, leave

ROOT = Path(__file__).parents[2]
BUCKET = "recordings"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3-compatible server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["s3", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store, as `recorder.archive` has it."""
    if request.param == "file":
        return f"file://{tmp_path}/store"
    return an_s3_bucket(request.getfixturevalue("s3"), monkeypatch, tmp_path.name)


def an_s3_bucket(server: str, monkeypatch: pytest.MonkeyPatch, prefix: str) -> str:
    """Tells the libraries, as an operator does, where the server is and who asks; makes the bucket."""
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {"AWS_ENDPOINT_URL": server, **credentials}.items():
        monkeypatch.setenv(name, value)
    import s3fs  # noqa: PLC0415 -- the settings come first

    s3fs.S3FileSystem(skip_instance_cache=True).makedirs(BUCKET, exist_ok=True)
    return f"s3://{BUCKET}/{prefix}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = a_signed_database(sqlite_url(tmp_path / "site.db"))
    yield made
    made.dispose()


def heard(vault: Vault, recording: Archived) -> bytes:
    with vault.open_audio(recording) as audio:
        return audio.read()


def waiting(vault: Vault) -> list[str]:
    """What is still on the local disk."""
    names = (path.relative_to(vault.root).as_posix() for path in vault.root.rglob("*") if path.is_file())
    return sorted(name for name in names if name not in OWN_FILES)


def test_what_is_sent_is_in_the_store_and_no_more_on_the_disk_and_comes_back(engine: Engine, url: str, tmp_path: Path) -> None:
    vault = a_vault(tmp_path, ObjectStore(url))
    audio = bytes(range(256)) * 4000
    recording = an_archived_call(engine, vault, "c1", audio)
    assert heard(vault, recording) == audio  # before it is sent
    assert vault.send() == 3
    assert waiting(vault) == []
    assert sorted(ObjectStore(url).names()) == sorted([*paths_of(recording.path), HEAD])
    again = a_vault(tmp_path, ObjectStore(url))
    assert heard(again, recording) == audio
    with again.open_audio(recording) as file:
        file.seek(500_000)
        assert file.read(10) == audio[500_000:500_010]
    assert again.sidecar(recording)["call"] == "c1"
    assert verify_all(engine, again) == []
    assert again.send() == 0


def test_in_the_store_as_on_the_disk_what_is_altered_missing_or_added_is_found(engine: Engine, url: str, tmp_path: Path) -> None:
    store = ObjectStore(url)
    vault = a_vault(tmp_path, store)
    calls = [an_archived_call(engine, vault, call_id, call_id.encode() * 100) for call_id in ("c0", "c1", "c2")]
    vault.send()
    spoilt = tmp_path / "spoilt"
    spoilt.write_bytes(b"x")
    store.send(spoilt, calls[0].path)
    store.remove(sidecar_path(calls[1].path))
    store.send(spoilt, "2026/03/02/stranger.flac")
    found = {(one.flaw, one.path) for one in verify_all(engine, vault)}
    assert found == {
        (Flaw.ALTERED, calls[0].path),
        (Flaw.MISSING, sidecar_path(calls[1].path)),
        (Flaw.ADDED, "2026/03/02/stranger.flac"),
    }
    with pytest.raises(AlteredRecording, match="not what was archived"):
        heard(vault, calls[0])


def test_a_new_key_is_sent_after_the_audio_which_is_not(engine: Engine, url: str, tmp_path: Path) -> None:
    vault = a_vault(tmp_path, ObjectStore(url))
    recording = an_archived_call(engine, vault, "c1")
    vault.send()
    done = rekey(engine, vault, ManualClock(ANSWERED))
    assert waiting(vault) == []
    for key_id in done.unused:
        (tmp_path / "secrets" / f"{key_id}.key").unlink()
    again = a_vault(tmp_path, ObjectStore(url))
    assert heard(again, recording) == b"audio"
    assert verify_all(engine, again) == []


def test_a_key_laid_down_while_its_older_self_was_sent_is_sent_next(engine: Engine, url: str, tmp_path: Path) -> None:
    vault = a_vault(tmp_path, ObjectStore(url))
    recording = an_archived_call(engine, vault, "c1")
    assert vault.ring is not None
    newest = vault.ring.newest()
    again = wrap(vault.ring.unwrap(vault.wrapped(recording)), "c1", newest.secret, newest.id)

    class Meddled(ObjectStore):
        def send(self, local: Path, name: str) -> None:
            super().send(local, name)
            if name == key_path(recording.path):
                vault.put_key(recording.path, again)

    a_vault(tmp_path, Meddled(url)).send()
    assert waiting(vault) == [key_path(recording.path)]
    vault.send()
    assert a_vault(tmp_path, ObjectStore(url)).wrapped(recording) == again


def test_a_purge_takes_it_out_of_the_store_too(engine: Engine, url: str, tmp_path: Path) -> None:
    vault = a_vault(tmp_path, ObjectStore(url))
    recording = an_archived_call(engine, vault, "c1")
    vault.send()
    vault.remove(recording)
    vault.remove(recording)
    assert list(ObjectStore(url).names()) == [HEAD]


CUT_SHORT = """
import os, signal, sys
from pathlib import Path
from recorder.stores import ObjectStore
from tests.recorder_audio import a_vault
directory, url, step, calls = Path(sys.argv[1]), sys.argv[2], sys.argv[3], 0
def dying(real, when):
    def called(*args, **kwargs):
        global calls
        calls += 1
        if step == f"before {when}" and calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*args, **kwargs)
        if step == f"after {when}" and calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return called
if step.endswith("send"):
    ObjectStore.send = dying(ObjectStore.send, "send")
else:
    Path.unlink = dying(Path.unlink, "unlink")
a_vault(directory, ObjectStore(url)).send()
"""


@pytest.mark.parametrize("step", ["before send", "after send", "before unlink", "after unlink"])
def test_killed_while_sending_nothing_is_lost_and_the_next_run_sends_the_rest(
    engine: Engine, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    url = an_s3_bucket(s3, monkeypatch, tmp_path.name)
    vault = a_vault(tmp_path, ObjectStore(url))
    recording = an_archived_call(engine, vault, "c1", b"audio" * 1000)
    killed = subprocess.run([sys.executable, "-c", CUT_SHORT, tmp_path, url, step], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert heard(vault, recording) == b"audio" * 1000
    assert verify_all(engine, vault) == []
    vault.send()
    assert waiting(vault) == []
    assert verify_all(engine, vault) == []
    assert heard(vault, recording) == b"audio" * 1000


def test_while_the_store_is_down_calls_are_archived_and_wait_and_people_are_told(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = an_s3_bucket(s3, monkeypatch, tmp_path.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    site = Site(tmp_path, store=ObjectStore(url))
    call = a_record()
    leave(site.spool, call.call_id, a_conversation())
    site.ended(call)
    assert site.archivist.work_once() == 1
    assert site.raw() == []
    assert site.told() == [("store_down", None)]
    with reading(site.engine) as connection:
        (recording,) = in_archive(connection)
    assert waiting(site.vault) == sorted(paths_of(recording.path))
    heard(site.vault, recording)

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    site.archivist.close()
    site.engine.dispose()
    site = Site(tmp_path, clock=site.clock, store=ObjectStore(url))
    site.archivist.work_once()
    assert waiting(site.vault) == []
    assert verify_all(site.engine, site.vault) == []
    site.close()


def test_a_store_that_is_down_says_which_and_loses_nothing(
    engine: Engine, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = an_s3_bucket(s3, monkeypatch, tmp_path.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    vault = a_vault(tmp_path, ObjectStore(url))
    recording = an_archived_call(engine, vault, "c1")
    with pytest.raises(StoreDown, match=f"{url}/2026"):
        vault.send()
    assert waiting(vault) == sorted(paths_of(recording.path))
    with pytest.raises(StoreDown):
        verify_all(engine, vault)


def test_a_store_of_no_kind_we_know_is_told_by_its_address() -> None:
    with pytest.raises(StoreUnknown, match="gopher://archive"):
        ObjectStore("gopher://archive")


def test_a_bucket_that_is_misspelt_is_told_and_not_made(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.sealed").write_bytes(b"x")
    misspelt = ObjectStore(an_s3_bucket(s3, monkeypatch, "calls").replace("s3://", "s3://mis-"))
    for _ in range(2):
        with pytest.raises(StoreDown, match="no such bucket"):
            misspelt.send(tmp_path / "x.sealed", "x.sealed")


@pytest.mark.parametrize("url", ["ftp://us:s%65cret-word@127.0.0.1:9/archive", "nosuch://us:secret-word@127.0.0.1:9/archive"])
def test_a_password_in_the_address_is_never_told(url: str) -> None:
    with pytest.raises((StoreDown, StoreUnknown)) as told:
        ObjectStore(url)
    assert "127.0.0.1" in str(told.value)
    assert "cret-word" not in str(told.value)
