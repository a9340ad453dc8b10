"""What of the documentation was measured: the table of the gate's speed in docs/compliance.md.

`python -m tests.measured FILE...` writes it from what `ringfence bench gate --json` printed, in one run or in one for each
database. Unlike what is generated it cannot be compared with the code: tests/unit/test_house_measured.py holds its form.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dialer.benches.gate_figures import DecisionFigures, GateFigures, PermitFigures, Target, judged

PAGE = Path(__file__).parents[1] / "docs" / "compliance.md"
HEADINGS = (
    "database",
    "ledger rows",
    "packs",
    "threads",
    "in a transaction",
    "permits/s",
    "raw inserts/s",
    "permits per raw insert",
    "inserts/s of the driver alone",
    "p50 ms",
    "p99 ms",
    "cost",
)
PART = re.compile(r"(<!-- measured by `ringfence bench gate` -->\n)(.*?)(<!-- /measured -->)", re.DOTALL)


def table(figures: GateFigures) -> str:
    """The figures for people who read the page."""
    lines = [
        f"| {' | '.join(HEADINGS)} |",
        f"{'|---' * len(HEADINGS)}|",
        *(_permits(one) for one in figures.permits),
        "",
        "| decisions without reading or writing, packs | events known | decisions a second of one core |",
        "|---|---|---|",
        *(f"| {_packs(one.packs)} | {one.events} | {one.decisions_per_second:,.0f} |" for one in figures.decisions),
        "",
        "| target | wanted | worst figure | |",
        "|---|---|---|---|",
        *(_target(one) for one in figures.targets),
    ]
    return "\n" + "\n".join(lines) + "\n\n"


def figures_of(files: Sequence[Path]) -> GateFigures:
    """The figures of all the files together, the targets held against the worst of them; decisions are of the last file."""
    runs: list[Any] = [json.loads(path.read_text(encoding="utf-8"))["gate"] for path in files]
    permits = [PermitFigures(**{**one, "packs": tuple(one["packs"])}) for run in runs for one in run["permits"]]
    return judged(permits, [DecisionFigures(**{**one, "packs": tuple(one["packs"])}) for one in runs[-1]["decisions"]])


def _permits(one: PermitFigures) -> str:
    rates = f"{one.permits_per_second:,.0f} | {one.raw_inserts_per_second:,.0f} | {one.permits_per_raw_insert:.2f}"
    rates += f" | {one.driver_inserts_per_second:,.0f}"
    times = f"{one.p50_ms:.2f} | {one.p99_ms:.2f} | {one.cost_vs_smallest:.2f}"
    return f"| {one.database} | {one.rows:,} | {_packs(one.packs)} | {one.threads} | {one.at_once} | {rates} | {times} |"


def _target(one: Target) -> str:
    return f"| {one.name} | {one.wanted:,g} | {one.found:,.2f} ({one.where}) | {'met' if one.met else '**missed**'} |"


def _packs(packs: Sequence[str]) -> str:
    return " + ".join(f"`{pack}`" for pack in packs)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    text = table(figures_of([Path(name) for name in sys.argv[1:]]))
    written, parts = PART.subn(lambda part: part[1] + text + part[3], page)
    if parts != 1:
        raise ValueError(f"{PAGE}: has {parts} measured parts instead of one")
    PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
