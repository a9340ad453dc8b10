"""`ringfence recording verify`, `rekey` and `renew-head`: the archive proven, locked anew and answered for, by command."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from config.database import open_database, sqlite_url, writing
from dialer import bootstrap
from recorder.archive_head import HEAD
from tests.archived_calls import an_archived_call, files_below
from tests.cli_site import Run
from tests.recorder_audio import ANSWERED


@pytest.fixture
def filled(site: Path) -> Path:
    """The site with three recordings in its archive."""

    with bootstrap.opened(site) as parts:
        for call_id in ("c0", "c1", "c2"):
            an_archived_call(parts.database, parts.vault, call_id, call_id.encode() * 100, ANSWERED)
    return site


def audio_of(site: Path, call_id: str) -> Path:
    (path,) = (site / "archive").rglob(f"{call_id}.flac.sealed")
    return path


def test_an_archive_as_it_was_written_is_no_finding(run: Run, filled: Path) -> None:
    assert "all 3 recordings" in run("recording", "verify").stdout
    assert json.loads(run("recording", "verify", "--json").stdout) == []


def test_each_finding_is_a_line_and_the_exit_code_is_3(run: Run, filled: Path) -> None:
    audio_of(filled, "c0").unlink()
    audio_of(filled, "c1").write_bytes(b"x")
    (filled / "archive" / "stranger").write_bytes(b"x")
    lines = run("recording", "verify", expect=3).stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["missing", "altered", "added"]
    found = json.loads(run("recording", "verify", "--json", expect=3).stdout)
    assert [(one["flaw"], one["call_id"]) for one in found] == [("missing", "c0"), ("altered", "c1"), ("added", None)]


def test_after_a_new_key_the_old_one_may_be_destroyed(run: Run, filled: Path) -> None:
    before = {path: path.read_bytes() for path in files_below(filled / "archive") if path.name.endswith(".sealed")}
    (old,) = (filled / "secrets" / "archive-keys").glob("*.key")
    said = run("recording", "rekey").stdout
    assert "3 recordings are locked" in said
    assert f"destroy secrets/archive-keys/{old.name}" in said
    old.unlink()
    run("recording", "verify")
    assert {path: path.read_bytes() for path in before} == before
    assert json.loads(run("recording", "rekey", "--json").stdout)["locked"] == 3


def test_a_lost_key_is_told_by_name_and_is_a_part_that_is_missing(run: Run, filled: Path) -> None:
    (key,) = (filled / "secrets" / "archive-keys").glob("*.key")
    key.unlink()
    assert key.stem in run("recording", "rekey", expect=4).stderr
    assert key.stem in run("recording", "verify", expect=3).stdout


def test_a_database_from_the_backup_is_a_finding_until_somebody_answers_for_it(run: Run, filled: Path) -> None:
    database = filled / "ringfence.db"
    engine = open_database(sqlite_url(database))
    with writing(engine) as connection:
        connection.execute(text("delete from recording_chain where call_id = 'c2'"))
        connection.execute(text("delete from recording_key where call_id = 'c2'"))
        connection.execute(text("delete from recording where call_id = 'c2'"))
    engine.dispose()
    for path in (filled / "archive").rglob("c2.*"):
        path.unlink()
    assert "its head tells link 3" in run("recording", "verify", expect=3).stdout
    run("recording", "renew-head", "--why", " ", expect=2)
    run("recording", "renew-head", "--why", "the disk failed; the backup of 22:00 was put back")
    assert json.loads((filled / "archive" / HEAD).read_text())["seq"] == 3
    run("recording", "verify")


def test_a_store_that_cannot_be_used_is_told_with_its_address(run: Run, filled: Path) -> None:
    (filled / "ringfence.toml").write_text('[recorder]\narchive = "gopher://archive"\n')
    assert "gopher://archive" in run("recording", "verify", expect=2).stderr
