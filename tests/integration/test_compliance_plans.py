"""What the gate reads of the past is found by an index, so that a permit costs the same whatever the size of the ledger."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from compliance.pack_files import load_packs
from compliance.store import Ledger
from config.clock import SystemClock
from config.database import Direct, reading
from dialer.benches.filling import Past, candidate_for, fill
from dialer.benches.gate import noon_zone
from dialer.benches.population import populate
from dialer.benches.scratch import fresh

CLOCK = SystemClock()
PACKS = load_packs(("house", "us-federal-telemarketing", "us-fl"), Path())
GROWING = ("ledger", "permit", "dnc_number", "suppression")


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    with fresh(database_url) as engine:
        now = CLOCK.now()
        fill(engine, Past(populate(2000), PACKS, now, noon_zone(now)), lambda _: None)
        yield engine


def statements_of_a_permit(database: Engine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Every question of one permit, as the driver gets it."""
    asked: list[tuple[str, Any]] = []
    rows = Direct.rows

    def note(self: Direct, connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        asked.append((self.sql, values))
        return rows(self, connection, values)

    monkeypatch.setattr(Direct, "rows", note)
    Ledger(database, CLOCK, PACKS, timedelta(seconds=10)).permit(candidate_for(7, CLOCK.now(), noon_zone(CLOCK.now())))
    monkeypatch.undo()
    return [(statement, values) for statement, values in asked if "FROM" in statement]


def test_no_question_of_a_permit_reads_a_growing_table_from_end_to_end(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    on_sqlite = database.dialect.name == "sqlite"
    explain, whole = ("EXPLAIN QUERY PLAN ", "SCAN {}") if on_sqlite else ("EXPLAIN ", "Seq Scan on {}")
    questions = statements_of_a_permit(database, monkeypatch)
    assert any("FROM ledger" in statement for statement, _ in questions)
    with reading(database) as connection:
        if not on_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # a small table is read whole where there is a choice
        cursor = connection.connection.cursor()
        for statement, values in questions:
            cursor.execute(explain + statement, values)
            plan = [str(row[-1]) for row in cursor.fetchall()]
            for table in GROWING:
                assert not any(f"{whole.format(table)} " in f"{line} " for line in plan), "\n".join(plan)
