"""The targets of the gate's bench are held against the worst of its figures."""

from dataclasses import replace

import pytest

from dialer.benches.gate_figures import DecisionFigures, PermitFigures, judged

FAST = PermitFigures(
    database="sqlite",
    rows=10_000,
    packs=("house",),
    threads=1,
    at_once=1,
    permits=2000,
    permits_per_second=1000.0,
    raw_inserts_per_second=1250.0,
    permits_per_raw_insert=0.8,
    driver_inserts_per_second=5000.0,
    p50_ms=1.0,
    p99_ms=2.0,
    cost_vs_smallest=1.0,
)
QUICK = DecisionFigures(("house",), 0, 50_000.0)
LARGE = replace(FAST, rows=10_000_000, database="postgresql")
CROWDED = replace(LARGE, threads=8, permits_per_raw_insert=0.1)


@pytest.mark.parametrize(("ratio", "met"), [(0.5, True), (0.499, False)])
def test_half_the_rate_of_raw_inserts_is_enough_for_one_thread(ratio: float, met: bool) -> None:
    found = judged([FAST, CROWDED, replace(LARGE, permits_per_raw_insert=ratio)], [QUICK]).targets[0]
    assert (found.found, found.met, found.where) == (ratio, met, "postgresql, 10,000,000 rows, house, 1 thread")


def test_those_that_share_a_transaction_are_held_to_it_by_themselves() -> None:
    ordered = replace(LARGE, at_once=10, permits_per_raw_insert=0.7)
    alone, together = judged([replace(FAST, permits_per_raw_insert=0.4), LARGE, ordered], [QUICK]).targets[:2]
    assert (alone.found, alone.met) == (0.4, False)
    assert (together.found, together.met) == (0.7, True)
    assert "10 in a transaction" in together.name


@pytest.mark.parametrize(("cost", "met"), [(1.5, True), (1.501, False)])
def test_a_large_ledger_may_cost_half_as_much_again(cost: float, met: bool) -> None:
    found = judged([replace(LARGE, cost_vs_smallest=cost), FAST], [QUICK]).targets[1]
    assert (found.found, found.met) == (cost, met)


@pytest.mark.parametrize(("speed", "met"), [(20_000.0, True), (19_999.0, False)])
def test_twenty_thousand_decisions_a_second_are_asked_for_however_much_is_known(speed: float, met: bool) -> None:
    slow = DecisionFigures(("house", "us-fl"), 50, speed)
    found = judged([FAST], [QUICK, slow]).targets[2]
    assert (found.found, found.met, found.where) == (speed, met, "house + us-fl, 50 events")
