"""The crash benches kill real processes, and what they count is there to be counted: a call that is taken away is missed."""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compliance.evidence_key import evidence_key
from config.clock import SystemClock
from config.database import sqlite_url
from dialer.benches.crash import Outcome, Part
from dialer.benches.crash_calls import NoisyCalls, vault_in
from dialer.benches.crash_recorder import RecorderFigures, measure_recorder_crash
from dialer.benches.crash_s3 import S3Server, ensure_s3_server
from dialer.benches.crash_store import measure_store_crash
from dialer.benches.scratch import fresh
from dialer.cli import bench
from recorder.archive_chain import signed_by
from recorder.naming import Side, raw_name
from recorder.service import Archivist
from recorder.stores import ObjectStore, StoreDown
from recorder.vault import Vault
from tests.cli_site import invoked


def test_a_recorder_that_is_killed_loses_no_call() -> None:
    figures = measure_recorder_crash(3, lambda _text: None, seed=2)
    assert (figures.kills, figures.kills_at_steps) == (3, 2)
    assert figures.outcome.calls >= 3
    assert figures.intact, figures


@pytest.mark.soak  # its server is 245 MB to fetch
def test_a_store_that_is_killed_loses_no_recording_and_holds_each_once() -> None:
    figures = measure_store_crash(3, lambda _text: None)
    assert figures.kills == 3
    assert figures.outcome.calls >= 3
    assert figures.intact, figures


@pytest.mark.soak  # its server is 245 MB to fetch
def test_the_store_that_is_killed_keeps_what_it_has_acknowledged_at_its_old_address(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * 4000)
    with S3Server(ensure_s3_server(lambda _text: None), tmp_path / "store") as server:
        far = ObjectStore(server.url, **server.options)
        far.send(sent, "2026/03/02/c1.flac")
        server.kill()
        with pytest.raises(StoreDown):
            list(far.names())
        server.start()
        assert list(far.names()) == ["2026/03/02/c1.flac"]
        with (tmp_path / "back").open("wb") as back:
            far.fetch("2026/03/02/c1.flac", back)
    assert (tmp_path / "back").read_bytes() == sent.read_bytes()
    settings = (tmp_path / "store" / "ceph.conf").read_text()
    assert "secret" not in settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with fresh(sqlite_url(tmp_path / "ringfence.db")) as database:
        yield signed_by(database, evidence_key(tmp_path / "secrets"))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return vault_in(tmp_path)


@pytest.fixture
def calls(engine: Engine, vault: Vault, tmp_path: Path) -> NoisyCalls:
    """Two calls in the archive, and one that waits."""
    made = NoisyCalls(tmp_path, engine, random.Random(1), seconds=1)
    made.leave(2)
    archivist = Archivist(engine, SystemClock(), made.spool, vault, tmp_path / "prompts")
    assert archivist.work_once() == 2
    archivist.close()
    made.leave(1)
    return made


def test_what_is_archived_or_waits_is_not_lost(calls: NoisyCalls, vault: Vault) -> None:
    calls.look(vault)
    assert calls.outcome(vault) == Outcome(3, 2, 0, 0, 0, 0, 0)


def test_a_call_that_waits_without_one_of_its_files_is_lost(calls: NoisyCalls, vault: Vault) -> None:
    (waiting,) = [call_id for call_id in calls.recorded if (calls.spool / raw_name(call_id, Side.AGENT)).exists()]
    (calls.spool / raw_name(waiting, Side.CUSTOMER)).unlink()
    calls.look(vault)
    assert calls.lost == {waiting}


def test_a_recording_that_is_altered_missing_or_there_twice_is_counted(calls: NoisyCalls, vault: Vault) -> None:
    first, second = sorted(name for name in vault.files() if ".flac" in name)
    shutil.copy(vault.root / first, vault.root / first.replace(".flac", ".opus"))
    altered = bytearray((vault.root / second).read_bytes())
    altered[1000] ^= 1
    (vault.root / second).write_bytes(altered)
    calls.look(vault)
    assert calls.outcome(vault) == Outcome(3, 1, 0, 0, 1, 1, 2)


def test_a_recording_of_something_else_differs_though_the_archive_proves_it(calls: NoisyCalls, vault: Vault) -> None:
    first, *others = calls.recorded.values()
    calls.recorded = dict(zip(calls.recorded, [*others, first], strict=True))
    calls.look(vault)
    assert calls.outcome(vault) == Outcome(3, 2, 0, 0, 0, 2, 0)


def test_the_command_kills_what_it_is_asked_to_and_exits_with_3_when_a_call_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = RecorderFigures(6, 2, Outcome(9, 9, 0, 0, 0, 0, 0), 1.0)
    asked = []

    def measured(figures: RecorderFigures) -> bench.Crash:
        def measure(kills: int, _say: object, seed: int) -> RecorderFigures:
            asked.append((kills, seed))
            return figures

        return measure

    monkeypatch.setitem(bench.CRASHES, Part.RECORDER, measured(whole))
    done = invoked("bench", "crash", "--of", "recorder", "--kills", "6", "--seed", "7", "--json")
    assert asked == [(6, 7)]
    assert json.loads(done.stdout)["crash_recorder"]["outcome"]["archived_once"] == 9
    lost = replace(whole, outcome=replace(whole.outcome, archived_once=8, lost=1))
    monkeypatch.setitem(bench.CRASHES, Part.RECORDER, measured(lost))
    said = invoked("bench", "crash", "--of", "recorder", expect=3).stdout
    assert asked[1:] == [(120, 1)]
    (lost_line,) = [line.split() for line in said.splitlines() if "lost" in line]
    assert "1" in lost_line
