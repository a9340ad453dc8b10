"""The measured table of docs/compliance.md: written from what the bench prints, whole, and true to it."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from dialer.benches.gate_figures import DecisionFigures, PermitFigures, judged
from tests.measured import PAGE, PART, figures_of, table

SLOW = PermitFigures("sqlite", 10_000_000, ("house", "us-fl"), 1, 1, 2000, 1234.6, 2500.4, 0.4937, 5000.2, 0.81, 1.93, 1.07)
FAST = replace(SLOW, database="postgresql", permits_per_raw_insert=0.8, cost_vs_smallest=1.6)
DECIDED = DecisionFigures(("house",), 50, 25_000.0)


def test_the_page_has_one_measured_part() -> None:
    assert len(PART.findall(PAGE.read_text(encoding="utf-8"))) == 1


def test_the_table_says_what_was_measured_and_which_target_was_missed() -> None:
    lines = table(judged([SLOW, FAST], [DECIDED])).splitlines()
    assert "| sqlite | 10,000,000 | `house` + `us-fl` | 1 | 1 | 1,235 | 2,500 | 0.49 | 5,000 | 0.81 | 1.93 | 1.07 |" in lines
    assert "| `house` | 50 | 25,000 |" in lines
    assert [line.endswith("| **missed** |") for line in lines[-4:-1]] == [True, True, False]


def test_runs_of_one_database_each_are_judged_together(tmp_path: Path) -> None:
    files = [tmp_path / "sqlite.json", tmp_path / "postgresql.json"]
    for file, one in zip(files, (SLOW, FAST), strict=True):
        file.write_text(json.dumps({"gate": asdict(judged([one], [DECIDED]))}))
    assert figures_of(files) == judged([SLOW, FAST], [DECIDED])
