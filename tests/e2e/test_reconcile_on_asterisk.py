"""Real calls held against what Asterisk wrote of them: all agree, what is taken away is found, a crash is no false alarm."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from config.load import load_site
from dialer import bootstrap
from sip.carrier import Behaviour
from tests.floor_site import RINGFENCE, FloorSite, a_campaign, floor_site, rows, wait_until

pytestmark = [pytest.mark.asterisk, pytest.mark.soak]


def changed(site: FloorSite, statement: str, *values: str) -> None:
    """Changes the database behind everybody's back."""
    with closing(sqlite3.connect(site.directory / "ringfence.db")) as connection, connection:
        connection.execute(statement, values)


def kinds(site: FloorSite, expect: int = 3) -> list[tuple[str, str | None]]:
    """What `recording reconcile` finds."""
    return [(one["kind"], one["call_id"]) for one in site.command("recording", "reconcile", expect=expect)]


def seconds(path: Path) -> float:
    """How long a file of audio is, by ffprobe."""
    argv = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FloorSite]:
    """Three customers talk, one is busy; everything is archived."""
    behaviours = [Behaviour.TALKS, Behaviour.TALKS, Behaviour.TALKS, Behaviour.BUSY]
    directory = tmp_path_factory.mktemp("reconcile") / "site"
    with floor_site(directory, "101", "102") as made, made.robots("101", "102", talk_s=(3.0, 4.0)):
        a_campaign(made, behaviours)
        floor = made.start_floor("--once")
        try:
            assert floor.wait(150) == 0, made.log()
        finally:
            if floor.poll() is None:
                floor.kill()
        yield made


def test_what_floor_asterisk_and_archive_wrote_agrees_until_something_is_taken_away(site: FloorSite) -> None:
    assert kinds(site, expect=0) == []
    recordings = site.command("recording", "list")
    assert len(recordings) == 3
    for one in recordings:
        wav = site.directory / f"{one['call_id']}.wav"
        site.command("recording", "export", one["call_id"], "--to", str(wav))
        started, ended = (datetime.fromisoformat(one[name]) for name in ("started_at", "ended_at"))
        assert abs(seconds(wav) - (ended - started).total_seconds()) < 0.1

    by_file, by_row, by_cdr = (one["call_id"] for one in recordings)
    (site.directory / "archive" / recordings[0]["path"]).unlink()
    changed(site, "delete from recording where call_id = ?", by_row)
    cdrs = site.lab.directory / "var/log/cdr-csv/Master.csv"
    lines = cdrs.read_text().splitlines(keepends=True)
    kept = [line for line in lines if f'"{by_cdr}"' not in line]
    foreign = "f" * 32
    copied = next(line for line in lines if f'"{by_file}"' in line).replace(by_file, foreign)
    cdrs.write_text("".join([*kept, copied]))
    found = kinds(site)
    assert set(found) == {
        ("file_missing", by_file),
        ("no_recording", by_row),
        ("file_unknown", by_row),
        ("cdr_missing", by_cdr),
        ("unknown_call", foreign),
    }


def test_a_call_cut_off_by_a_crash_of_asterisk_is_explained_and_is_no_false_alarm(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site, site.robots("101", talk_s=(60.0, 60.0)):
        a_campaign(site, [Behaviour.TALKS])
        floor = site.start_floor()
        try:
            wait_until(lambda: rows(site, "select 1 from attempt where state = 'bridged'") != [], "the customer talks", 60)
            raw = next(site.lab.spool.glob("*-customer.wav"))
            wait_until(lambda: raw.stat().st_size > 5 * 16_000, "five seconds of conversation are on disk")
            lab = bootstrap.lab_of(load_site(site.directory))
            os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
            wait_until(lambda: "asterisk" not in lab.status().parts, "Asterisk is dead")
            lab.up(("101",))
            wait_until(lambda: rows(site, "select 1 from recording") != [], "the recording is archived")
            done = "select 1 from attempt where finished_at is not null"
            wait_until(lambda: rows(site, done) != [], "the floor has settled the call")
        finally:
            floor.send_signal(signal.SIGTERM)
            assert floor.wait(30) == 0, site.log()
        argv = [*RINGFENCE, "--site", str(site.directory), "recording", "reconcile"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
        ((call_id,),) = rows(site, "select call_id from attempt")
        assert f"note: call {call_id} is recorded, degraded: header_repaired" in said
        assert "the PBX has no CDR of that: it ended without writing one" in said
        assert "1 recorded" in said
