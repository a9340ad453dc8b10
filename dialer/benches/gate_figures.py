"""How fast is the gate, and is that fast enough? The figures of the gate's bench, and the targets they are held to."""

from collections.abc import Sequence
from dataclasses import dataclass

PERMITS_A_RAW_INSERT = 0.5  # at least
COST_OF_A_LARGE_LEDGER = 1.5  # at most, the largest ledger against the smallest
DECISIONS_PER_SECOND = 20_000  # at least, on one core


@dataclass(frozen=True, slots=True)
class PermitFigures:
    """Permits checked and committed, beside rows of like size that are only inserted and committed one by one.

    `at_once`: as many were asked for in each transaction, as by an order to dial so many leads; the times are of a transaction.
    Raw inserts go the gate's own way into a table of the same columns and indexes; those of the driver into one with a key alone.
    `cost_vs_smallest` is the time of a permit against that with the smallest ledger of the same run.
    """

    database: str
    rows: int
    packs: tuple[str, ...]
    threads: int
    at_once: int
    permits: int
    permits_per_second: float
    raw_inserts_per_second: float
    permits_per_raw_insert: float
    driver_inserts_per_second: float
    p50_ms: float
    p99_ms: float
    cost_vs_smallest: float


@dataclass(frozen=True, slots=True)
class DecisionFigures:
    """Decisions on facts that are at hand, nothing read and nothing written, on one core."""

    packs: tuple[str, ...]
    events: int
    decisions_per_second: float


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for, and the worst figure there is of it."""

    name: str
    wanted: float
    found: float
    met: bool
    where: str


@dataclass(frozen=True, slots=True)
class GateFigures:
    """All that one run of the bench found."""

    permits: tuple[PermitFigures, ...]
    decisions: tuple[DecisionFigures, ...]
    targets: tuple[Target, ...]


def judged(permits: Sequence[PermitFigures], decisions: Sequence[DecisionFigures]) -> GateFigures:
    """The figures with their targets: each is met if the worst of its figures meets it."""
    alone = [one for one in permits if one.threads == 1]  # many threads share one interpreter: that is no property of the gate
    largest = [one for one in permits if one.rows == max(other.rows for other in permits)]
    grown = max(largest, key=lambda one: one.cost_vs_smallest)
    thinking = min(decisions, key=lambda one: one.decisions_per_second)
    cost, speed = grown.cost_vs_smallest, thinking.decisions_per_second
    targets = (
        *(_rate(at_once, alone) for at_once in sorted({one.at_once for one in alone})),
        Target(
            "cost of the largest ledger against the smallest, at most",
            COST_OF_A_LARGE_LEDGER,
            cost,
            cost <= COST_OF_A_LARGE_LEDGER,
            _place(grown),
        ),
        Target(
            "decisions a second on one core, at least",
            DECISIONS_PER_SECOND,
            speed,
            speed >= DECISIONS_PER_SECOND,
            f"{' + '.join(thinking.packs)}, {thinking.events} events",
        ),
    )
    return GateFigures(tuple(permits), tuple(decisions), targets)


def _rate(at_once: int, alone: Sequence[PermitFigures]) -> Target:
    slowest = min((one for one in alone if one.at_once == at_once), key=lambda one: one.permits_per_raw_insert)
    ratio = slowest.permits_per_raw_insert
    how = f"{at_once} in a transaction" if at_once > 1 else "each in a transaction of its own"
    name = f"permits per raw insert, one thread, {how}, at least"
    return Target(name, PERMITS_A_RAW_INSERT, ratio, ratio >= PERMITS_A_RAW_INSERT, _place(slowest))


def _place(one: PermitFigures) -> str:
    return f"{one.database}, {one.rows:,} rows, {' + '.join(one.packs)}, {one.threads} thread{'s' if one.threads > 1 else ''}"
