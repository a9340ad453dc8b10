"""`ringfence bench gate`: what it reports hangs together, what it measures is the real gate, and nothing of it stays."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.engine import Connection

from compliance.facts import EventKind
from compliance.pack_files import load_packs
from compliance.store import Ledger
from compliance.tables import ledger, permit
from compliance.verdict import Permit
from compliance.wallclock import zone_named
from config.clock import SystemClock
from config.database import reading
from config.private_postgresql import programs
from dialer.benches import gate
from dialer.benches.filling import Past, candidate_for, fill
from dialer.benches.gate import noon_zone
from dialer.benches.population import CONSENT, COURSES, Population, person_id, populate
from dialer.benches.scratch import fresh
from dialer.cli.main import main

ROWS = 2000
COUNT = 20
CLOCK = SystemClock()
PACKS = load_packs(("house", "us-federal-telemarketing", "us-fl"), Path())


@pytest.fixture(scope="module")
def told() -> Any:
    """One small run on both databases."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed here")
    sizes = ("--rows", str(2 * ROWS), "--rows", str(ROWS))
    done = CliRunner().invoke(main, ["bench", "gate", *sizes, "--count", str(COUNT), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["gate"]


@pytest.fixture
def filled(database_url: str) -> Iterator[tuple[Engine, Population, datetime, str]]:
    """A ledger of so many rows on each database, as the bench fills it, its time and the zone that has noon."""
    now = CLOCK.now()
    with fresh(database_url) as database:
        population = populate(ROWS)
        fill(database, Past(population, PACKS, now, noon_zone(now)), lambda _: None)
        yield database, population, now, noon_zone(now)


def most_called(population: Population) -> int:
    """Of those who consented, the one with the most attempts."""
    attempts = np.bincount(population.person[population.course != CONSENT], minlength=population.people)
    return int(np.argmax(attempts * population.consented))


def names_of(connection: Connection) -> set[str | None]:
    """Of all indexes and unique constraints of what is filled."""
    look = inspect(connection)
    return {one["name"] for name in ("ledger", "permit") for one in (*look.get_indexes(name), *look.get_unique_constraints(name))}


@pytest.mark.postgresql
def test_every_kind_of_permit_is_measured_on_every_ledger(told: Any) -> None:
    lanes = [("sqlite", 1, 1), ("sqlite", 1, 10), ("postgresql", 1, 1), ("postgresql", 1, 10), ("postgresql", 8, 1)]
    wanted = {(*lane, rows, packs) for lane, rows, packs in product(lanes, (ROWS, 2 * ROWS), gate.PACKS)}
    found = [(one["database"], one["threads"], one["at_once"], one["rows"], tuple(one["packs"])) for one in told["permits"]]
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert {one["permits"] for one in told["permits"]} == {gate.ROUNDS * gate.AN_ORDER}, "ten at a time, in each round"
    decided = {(tuple(one["packs"]), one["events"]) for one in told["decisions"]}
    assert decided == set(product(gate.PACKS, (0, 10, 50)))


@pytest.mark.postgresql
def test_the_figures_of_a_run_hang_together(told: Any) -> None:
    smallest: dict[tuple[str, tuple[str, ...], int, int], Any] = {}
    for one in told["permits"]:
        kind = (one["database"], tuple(one["packs"]), one["threads"], one["at_once"])
        assert one["permits_per_raw_insert"] == pytest.approx(one["permits_per_second"] / one["raw_inserts_per_second"])
        assert 0 < one["p50_ms"] <= one["p99_ms"]
        first = smallest.setdefault(kind, one)
        assert first["rows"] == ROWS
        assert one["cost_vs_smallest"] == pytest.approx(first["permits_per_second"] / one["permits_per_second"])


@pytest.mark.postgresql
def test_the_targets_are_held_against_the_worst_figure(told: Any) -> None:
    alone = [one for one in told["permits"] if one["threads"] == 1]
    worst = [
        *(min(one["permits_per_raw_insert"] for one in alone if one["at_once"] == at_once) for at_once in (1, gate.AN_ORDER)),
        max(one["cost_vs_smallest"] for one in told["permits"]),
        min(one["decisions_per_second"] for one in told["decisions"]),
    ]
    assert [target["found"] for target in told["targets"]] == worst
    assert [target["wanted"] for target in told["targets"]] == [0.5, 0.5, 1.5, 20_000]


def test_a_run_leaves_nothing_behind(tmp_path: Path) -> None:
    options = ("--database", "sqlite", "--rows", "1000", "--count", "10", "--dir", str(tmp_path))
    done = CliRunner().invoke(main, ["bench", "gate", *options])
    assert done.exit_code == 0, done.output
    assert "permits per raw insert" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gate, "BYTES_A_ROW", 10**15)
    done = CliRunner().invoke(main, ["bench", "gate", "--dir", str(tmp_path), "--rows", "1000"])
    assert done.exit_code == 4
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path}: 1000000000.0 GB are needed" in line
    assert "--dir" in line
    assert not list(tmp_path.iterdir())


def test_a_filled_ledger_has_its_rows_its_permits_and_every_index(
    filled: tuple[Engine, Population, datetime, str], tmp_path: Path
) -> None:
    database, population, _, _ = filled
    with reading(database) as connection:
        rows, last = connection.execute(select(func.count(), func.max(ledger.c.seq)).select_from(ledger)).one()
        permits = connection.execute(select(func.count()).select_from(permit)).scalar_one()
        attempts = select(func.count()).where(ledger.c.kind == EventKind.ATTEMPT.value)
        assert (rows, last) == (ROWS, ROWS)
        assert permits == connection.execute(attempts).scalar_one() == (population.course != CONSENT).sum()
        names = names_of(connection)
    assert {index.name for table in (ledger, permit) for index in table.indexes} <= names


def test_a_filled_ledger_tells_the_history_of_each_person(filled: tuple[Engine, Population, datetime, str]) -> None:
    database, population, now, _ = filled
    gate_ = Ledger(database, CLOCK, PACKS, timedelta(seconds=10))
    person = most_called(population)
    wanted = []
    for course, ago_s in zip(
        population.course[population.person == person], population.ago_s[population.person == person], strict=True
    ):
        began = now - timedelta(seconds=int(ago_s))
        if course == CONSENT:
            wanted.append((EventKind.CONSENT, began))
        else:
            steps = ((EventKind.ATTEMPT, 0), *COURSES[course].steps)
            wanted.extend((kind, began + timedelta(seconds=after)) for kind, after in steps)
    history = gate_.history(person_id(person))
    assert [(event.kind, event.at) for event in history] == wanted
    assert len(history) > 20


def test_the_gate_goes_on_where_the_filling_ended(filled: tuple[Engine, Population, datetime, str]) -> None:
    database, population, _, zone = filled
    gate_ = Ledger(database, CLOCK, PACKS, timedelta(minutes=5))
    candidate = candidate_for(most_called(population), CLOCK.now(), zone)
    granted = gate_.permit(candidate)
    assert isinstance(granted, Permit), granted
    gate_.spend(granted.permit_id)
    with reading(database) as connection:
        assert connection.execute(select(func.max(ledger.c.seq))).scalar_one() == ROWS + 1


def test_whoever_did_not_consent_in_the_filled_ledger_is_refused(filled: tuple[Engine, Population, datetime, str]) -> None:
    database, population, _, zone = filled
    person = int(np.flatnonzero(~population.consented)[0])
    verdict = Ledger(database, CLOCK, PACKS, timedelta(minutes=5)).permit(candidate_for(person, CLOCK.now(), zone))
    assert not isinstance(verdict, Permit)
    assert "fl.consent" in {reason.rule for reason in verdict.reasons}


@pytest.mark.parametrize("hour", range(24))
def test_it_is_an_hour_before_noon_in_the_zone_of_the_bench_whenever_it_is_run(hour: int) -> None:
    now = datetime(2026, 3, 4, hour, 30, tzinfo=UTC)
    assert now.astimezone(zone_named(noon_zone(now))).strftime("%H:%M") == "11:30"
