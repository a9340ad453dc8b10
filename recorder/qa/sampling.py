"""Which calls are drawn for review, and how likely was each? The same seed and calls give the same sample, in any order.

The rule it protects: nobody picks. A sample can be drawn again by whoever doubts it, no call has no chance, and the exact
chance of each call is kept.

How: each cell (an agent) gets its number. In it, calls are put in an order that only the seed knows: strata by the SHA-256 of
the seed and the stratum, in one the lighter calls first, equally heavy ones by the SHA-256 of the seed and their id. Along that
order their weights are laid end to end, and one hash of the seed sets the first of equally distant marks: the calls under the
marks are drawn. This is systematic sampling with probability proportional to size (Madow 1949; in random order: Hartley and Rao
1962): the chance of a call is exactly its share of the weight times the number drawn, and each stratum, and light and heavy calls
in it, get their share to within one call. Drawing by
`random ** (1 / weight)` (Efraimidis and Spirakis 2006) would be as reproducible, but its chances have no closed form.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

BITS = 256


@dataclass(frozen=True, slots=True)
class Unit:
    """A call that may be drawn. `weight` is a whole number above zero; `cell` is whose number it counts to."""

    call_id: str
    cell: str
    stratum: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How many of a cell are drawn: a share of its calls, rounded up, or a count; at least `minimum`; all when there are fewer.

    Raises ValueError unless exactly one of share and count is given, and both are sensible.
    """

    share: Fraction | None = None
    count: int | None = None
    minimum: int = 1

    def __post_init__(self) -> None:
        if (self.share is None) == (self.count is None):
            raise ValueError("give a share or a count, not both")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError("the share must be above 0 and at most 1")
        if self.minimum < 1 or (self.count is not None and self.count < 1):
            raise ValueError("at least one call of each agent is drawn")

    def of(self, calls: int) -> int:
        """How many of so many calls."""
        wanted = self.count if self.count is not None else -int(-(self.share or 0) * calls // 1)
        return min(calls, max(self.minimum, wanted))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A call that was drawn, and the exact chance it had."""

    call_id: str
    cell: str
    stratum: tuple[str, ...]
    probability: Fraction


def draw(units: Iterable[Unit], quota: Quota, seed: str) -> list[Drawn]:
    """The sample, ordered by cell and call id. Raises ValueError for a call that is there twice, or weighs nothing."""
    cells: dict[str, list[Unit]] = defaultdict(list)
    seen: set[str] = set()
    for unit in units:
        if unit.call_id in seen or unit.weight < 1:
            raise ValueError(f"call {unit.call_id}: is there twice, or weighs nothing")
        seen.add(unit.call_id)
        cells[unit.cell].append(unit)
    return [one for cell in sorted(cells) for one in sorted(_of_cell(cells[cell], quota, seed), key=lambda one: one.call_id)]


def chances(weights: Mapping[str, int], count: int) -> dict[str, Fraction]:
    """The chance of each call when `count` of them are drawn: proportional to its weight, and never above one.

    What would be above one is drawn for certain, and the rest of the number is shared among the others.
    """
    certain: set[str] = set()
    while count > len(certain):
        rest = {name: weight for name, weight in weights.items() if name not in certain}
        total, left = sum(rest.values()), count - len(certain)
        over = {name for name, weight in rest.items() if weight * left >= total}
        if not over:
            return {name: Fraction(1) if name in certain else Fraction(weights[name] * left, total) for name in weights}
        certain |= over
    return {name: Fraction(int(name in certain)) for name in weights}


def random_key(seed: str, *what: str) -> int:
    """A number of 256 bits that nobody can know without the seed: SHA-256 of the JSON list of the seed and `what`."""
    text = json.dumps([seed, *what], ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _of_cell(units: Sequence[Unit], quota: Quota, seed: str) -> list[Drawn]:
    cell = units[0].cell
    probability = chances({unit.call_id: unit.weight for unit in units}, quota.of(len(units)))
    ordered = sorted(
        units, key=lambda one: (_stratum_key(seed, one), one.weight, random_key(seed, "call", one.call_id), one.call_id)
    )
    mark = Fraction(random_key(seed, "start", cell), 1 << BITS)
    reached = Fraction(0)
    drawn = []
    for unit in ordered:
        chance = probability[unit.call_id]
        if chance < 1:  # those that are drawn for certain stand aside: the marks fall on the others
            reached += chance
        if chance == 1 or reached > mark:
            drawn.append(Drawn(unit.call_id, cell, unit.stratum, chance))
            mark += int(chance < 1)
    return drawn


def _stratum_key(seed: str, unit: Unit) -> tuple[int, tuple[str, ...]]:
    return random_key(seed, "stratum", unit.cell, *unit.stratum), unit.stratum
