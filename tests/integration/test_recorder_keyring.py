"""The keys of a site: made once, kept for their owner, known by what they are; changed without rewriting audio."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from config.clock import ManualClock
from config.database import reading, sqlite_url, writing
from config.load import ConfigError
from recorder import archive_chain, recording_keys
from recorder.keyring import KeyLost, KeyRing
from recorder.naming import key_path
from recorder.rekeying import rekey
from recorder.sealing import BadSeal
from recorder.vault import Archived, Vault
from recorder.verification import verify_all
from tests.archived_calls import a_signed_database, an_archived_call
from tests.recorder_audio import ANSWERED, a_vault

ROOT = Path(__file__).parents[2]


def test_the_first_key_is_made_at_first_need_for_its_owner_only(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    assert ring.ids() == []
    key = ring.newest()
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stem == key.id
    assert KeyRing(tmp_path / "keys").newest() == key
    assert key.secret.hex() not in repr(key)


def test_a_further_key_locks_from_then_on_and_the_older_still_unlocks(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    data_key, wrapped = ring.new_key("c1")
    second = ring.add()
    assert ring.new_key("c2")[1].kek_id == second.id
    assert KeyRing(tmp_path).unwrap(wrapped) == data_key


def test_a_key_that_is_lost_is_told_by_its_name(tmp_path: Path) -> None:
    _, wrapped = KeyRing(tmp_path).new_key("c1")
    (tmp_path / f"{wrapped.kek_id}.key").unlink()
    with pytest.raises(KeyLost, match=wrapped.kek_id):
        KeyRing(tmp_path).unwrap(wrapped)


def test_a_name_that_is_none_of_a_key_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(KeyLost):
        KeyRing(tmp_path).key("../../etc/passwd")


@pytest.mark.parametrize("content", ["", "x" * 44, "not base64!", "QUJD"])
def test_a_key_that_was_exchanged_or_mangled_is_told(tmp_path: Path, content: str) -> None:
    key = KeyRing(tmp_path).newest()
    (tmp_path / f"{key.id}.key").write_text(content)
    with pytest.raises(ConfigError, match=key.id):
        KeyRing(tmp_path).newest()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).newest()
    (tmp_path / f"{key.id}.key").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        KeyRing(tmp_path).newest()


def opens(vault: Vault, recording: Archived) -> bytes:
    with vault.open_audio(recording) as audio:
        return audio.read()


def test_a_new_key_locks_all_recordings_and_no_audio_is_rewritten(tmp_path: Path, database_url: str) -> None:
    engine, vault = a_signed_database(database_url), a_vault(tmp_path)
    calls = [an_archived_call(engine, vault, f"c{n}", b"%d" % n) for n in range(5)]
    before = {call.path: (vault.root / call.path).stat().st_mtime_ns for call in calls}
    (old,) = KeyRing(tmp_path / "secrets").ids()
    done = rekey(engine, vault, ManualClock(ANSWERED))
    assert (done.locked, done.restored, done.unused) == (5, 0, (old,))
    assert verify_all(engine, vault) == []
    assert {call.path: (vault.root / call.path).stat().st_mtime_ns for call in calls} == before
    (tmp_path / "secrets" / f"{old}.key").unlink()
    assert [opens(a_vault(tmp_path), call) for call in calls] == [b"%d" % n for n in range(5)]
    engine.dispose()


def test_a_change_that_was_cut_short_is_finished_with_its_key_and_lost_keys_are_put_back(tmp_path: Path) -> None:
    engine, vault = a_signed_database(sqlite_url(tmp_path / "site.db")), a_vault(tmp_path)
    an_archived_call(engine, vault, "c1")
    KeyRing(tmp_path / "secrets").add()
    for call_id in ("lost", "altered"):
        path = vault.root / str(key_path(an_archived_call(engine, vault, call_id).path))
        path.write_text("x") if call_id == "altered" else path.unlink()
    done = rekey(engine, vault, ManualClock(ANSWERED))
    assert (done.locked, done.restored, len(KeyRing(tmp_path / "secrets").ids())) == (1, 2, 2)
    assert verify_all(engine, vault) == []
    engine.dispose()


def test_a_wrapped_key_that_was_altered_in_the_index_is_not_locked_anew(tmp_path: Path) -> None:
    engine, vault = a_signed_database(sqlite_url(tmp_path / "site.db")), a_vault(tmp_path)
    an_archived_call(engine, vault, "c1")
    with writing(engine) as connection:
        key = recording_keys.of(connection, ["c1"])["c1"]
        spoilt = key.wrapped[:20] + ("A" if key.wrapped[20] != "A" else "B") + key.wrapped[21:]
        connection.execute(recording_keys.recording_key.update().values(wrapped=spoilt))
    with pytest.raises(BadSeal, match="call c1"):
        rekey(engine, vault, ManualClock(ANSWERED))
    engine.dispose()


CUT_SHORT = """
import os, signal, sys
from pathlib import Path
from config.clock import ManualClock
from recorder import recording_keys, rekeying
from recorder.vault import Vault
from tests.archived_calls import a_signed_database
from tests.recorder_audio import ANSWERED, a_vault
directory, step, calls = Path(sys.argv[1]), sys.argv[2], 0
def dying(name, real):
    def called(*args):
        global calls
        calls += 1
        if step == f"before {name}" and calls == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*args)
        if step == f"after {name}" and calls == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return called
if step.endswith("put_key"):
    Vault.put_key = dying("put_key", Vault.put_key)
else:
    recording_keys.exchange = dying("exchange", recording_keys.exchange)
rekeying.rekey(a_signed_database(f"sqlite:///{directory}/site.db"), a_vault(directory), ManualClock(ANSWERED))
"""


@pytest.mark.parametrize("step", ["before put_key", "after put_key", "after exchange"])
def test_killed_while_the_key_is_changed_every_recording_opens_and_the_next_run_finishes(tmp_path: Path, step: str) -> None:
    engine, vault = a_signed_database(sqlite_url(tmp_path / "site.db")), a_vault(tmp_path)
    calls = [an_archived_call(engine, vault, f"c{n}", b"%d" % n) for n in range(5)]
    engine.dispose()
    killed = subprocess.run([sys.executable, "-c", CUT_SHORT, tmp_path, step], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    vault = a_vault(tmp_path)
    assert [opens(vault, call) for call in calls] == [b"%d" % n for n in range(5)]
    done = rekey(engine, vault, ManualClock(ANSWERED))
    assert done.locked == 3  # the first two were committed
    assert len(KeyRing(tmp_path / "secrets").ids()) == 2  # and no third key was made
    assert verify_all(engine, vault) == []
    assert [opens(vault, call) for call in calls] == [b"%d" % n for n in range(5)]
    with reading(engine) as connection:
        kinds = connection.execute(select(archive_chain.recording_chain.c.kind)).scalars().all()
    assert kinds.count(archive_chain.REKEYED) == 5
    engine.dispose()
