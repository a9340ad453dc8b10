"""Do reviewers who score the same calls agree, beyond what chance would give?

Krippendorff's alpha: 1 - observed / expected disagreement. One coefficient for every kind of answer and any number of
reviewers, and for calls that not all of them scored: Cohen's kappa knows two reviewers, Fleiss's wants all calls scored by
equally many, both only answers without an order. For totals, alpha with squared differences is the intraclass correlation for
absolute agreement but for a correction of small samples. From 0.8 on scores may be relied on, from 0.667 on with care
(Krippendorff 2004, Content Analysis, ch. 11; "Computing Krippendorff's Alpha-Reliability", 2011, whose examples are tests here).
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

RELIABLE = 0.8
TENTATIVE = 0.667

Value = str | float


class Reading(StrEnum):
    """What a coefficient of agreement says."""

    RELIABLE = "reliable"
    TENTATIVE = "tentative"
    UNRELIABLE = "unreliable"
    UNKNOWN = "unknown"  # nothing differed, or too little was scored twice


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far values of the same calls agree. `same` is the share of equal pairs; alpha is None where nothing differs."""

    calls: int  # with two values or more
    values: int
    same: float | None
    alpha: float | None

    @property
    def reading(self) -> Reading:
        """What alpha says, by Krippendorff's bounds."""
        if self.alpha is None:
            return Reading.UNKNOWN
        if self.alpha >= RELIABLE:
            return Reading.RELIABLE
        return Reading.TENTATIVE if self.alpha >= TENTATIVE else Reading.UNRELIABLE


def nominal(one: Value, other: Value) -> float:
    """Answers without an order differ or do not."""
    return float(one != other)


def interval(one: Value, other: Value) -> float:
    """Numbers differ by the square of their distance."""
    return (float(one) - float(other)) ** 2


def agreement(units: Sequence[Sequence[Value]], distance: Callable[[Value, Value], float]) -> Agreement:
    """How far the values within each unit agree; units with fewer than two values say nothing."""
    paired = [unit for unit in units if len(unit) > 1]
    values = Counter(value for unit in paired for value in unit)
    total = values.total()
    if not paired:
        return Agreement(0, 0, None, None)
    observed = math.fsum(_disagreement(Counter(unit), distance) / (len(unit) - 1) for unit in paired) / total
    expected = _disagreement(values, distance) / (total * (total - 1))
    pairs = sum(len(unit) * (len(unit) - 1) for unit in paired)
    same = sum(count * (count - 1) for unit in paired for count in Counter(unit).values()) / pairs
    return Agreement(len(paired), total, same, 1 - observed / expected if expected else None)


def _disagreement(values: Counter[Value], distance: Callable[[Value, Value], float]) -> float:
    """The distances of all ordered pairs."""
    return math.fsum(values[one] * values[other] * distance(one, other) for one in values for other in values)
