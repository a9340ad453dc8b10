"""How far did reviewers who scored the same calls agree, item by item and in all, and who was harder or softer than the rest?

What a reviewer is compared with is the median of the others: their own score is no part of what they are measured by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from recorder.qa.agreement import Agreement, Value, agreement, interval, nominal
from recorder.qa.drift import Difference
from recorder.qa.review import Marks
from recorder.qa.scorecard import Item, Kind, Said, Scorecard


@dataclass(frozen=True, slots=True)
class Rated:
    """One reviewer's marks of one call of a calibration."""

    call_id: str
    reviewer: str
    at: datetime
    marks: Marks


@dataclass(frozen=True, slots=True)
class ItemAgreement:
    """How far the answers to one item agree."""

    item: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class ReviewerDeviation:
    """By how many percent points a reviewer was above the others' median, on average, and at most."""

    reviewer: str
    calls: int
    mean: float
    largest: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a calibration showed. `passing` is whether the calls pass, `total` their scores."""

    total: Agreement
    passing: Agreement
    items: tuple[ItemAgreement, ...]
    reviewers: tuple[ReviewerDeviation, ...]


def outcome(card: Scorecard, rated: Sequence[Rated]) -> Outcome:
    """What the marks show together."""
    calls = by_call(rated)
    totals = [[one.marks.score.total for one in of_call] for of_call in calls.values()]
    passing = [[str(one.marks.score.passed) for one in of_call] for of_call in calls.values()]
    items = tuple(ItemAgreement(item.id, _of_item(item, calls.values())) for item in card.items())
    theirs: dict[str, list[float]] = defaultdict(list)
    for one in differences(rated):
        theirs[one.reviewer].append(one.points)
    reviewers = tuple(
        ReviewerDeviation(name, len(points), fmean(points), max(points, key=abs)) for name, points in sorted(theirs.items())
    )
    return Outcome(agreement(totals, interval), agreement(passing, nominal), items, reviewers)


def by_call(rated: Iterable[Rated]) -> Mapping[str, list[Rated]]:
    """The marks of each call."""
    calls: dict[str, list[Rated]] = defaultdict(list)
    for one in rated:
        calls[one.call_id].append(one)
    return calls


def differences(rated: Iterable[Rated]) -> list[Difference]:
    """Each score less the median of what the others gave the same call; a call that one alone scored says nothing."""
    found = []
    for of_call in by_call(rated).values():
        for one in of_call:
            others = [other.marks.score.total for other in of_call if other is not one]
            if others:
                found.append(Difference(one.at, one.reviewer, one.marks.score.total - median(others)))
    return found


def _of_item(item: Item, calls: Iterable[Sequence[Rated]]) -> Agreement:
    """Of a scale its numbers are compared; of yes and no, "does not apply" is an answer like them. Not asked is not rated."""
    scale = item.kind is Kind.SCALE
    units: list[list[Value]] = []
    for of_call in calls:
        given = [dict(one.marks.answers).get(item.id) for one in of_call]
        units.append(
            [
                float(one) if isinstance(one, int) else one.value
                for one in given
                if one is not None and not (scale and one is Said.NA)
            ]
        )
    return agreement(units, interval if scale else nominal)
