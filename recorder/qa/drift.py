"""Does a reviewer come to score harder or softer than the others, and since when?

The rule it protects: an agent's score is the agent's, not the reviewer's. A difference is a reviewer's score of a call minus
the consensus about that call: the median of a calibration's scores, or what a second reviewer decided.

Each week's mean difference has its t-interval, as has the whole. The tabular CUSUM (Page 1954; Montgomery, Statistical Quality
Control, ch. 9) adds up what goes beyond half a standard deviation and tells when it passes five: a shift of one deviation is
seen after about 10 calls, and one that is not there about every 465. The deviation is that of all reviewers' differences, each
about their own mean, and never below a point: small change in a room that agrees is no drift. One call counts three deviations at
most (Lucas and Crosier 1982), for one quarrel over a fatal item is no drift either.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, stdev

from recorder.qa.estimates import student_t

SLACK = 0.5  # standard deviations
LIMIT = 5.0
MOST_OF_ONE = 3.0
LEAST_DEVIATION = 1.0  # percent points


@dataclass(frozen=True, slots=True)
class Difference:
    """By how many percent points a reviewer's score of a call was above the consensus."""

    at: datetime
    reviewer: str
    points: float


@dataclass(frozen=True, slots=True)
class Week:
    """One reviewer's week, named as 2026-W46 in UTC. The interval is None for one call alone."""

    week: str
    calls: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """How a reviewer scores beside the others. `since` is when the CUSUM passed its limit for the first time, None if never."""

    reviewer: str
    calls: int
    mean: float
    low: float | None
    high: float | None
    weeks: tuple[Week, ...]
    harder: float  # the lower CUSUM at the end, in standard deviations
    softer: float
    since: datetime | None

    @property
    def drifts(self) -> bool:
        """Whether the CUSUM has passed its limit."""
        return self.since is not None


def drifts(differences: Sequence[Difference]) -> list[Drift]:
    """Every reviewer's drift, by name."""
    theirs: dict[str, list[Difference]] = defaultdict(list)
    for one in sorted(differences, key=lambda one: one.at):
        theirs[one.reviewer].append(one)
    deviation = _deviation([[one.points for one in own] for own in theirs.values()])
    return [_drift(name, theirs[name], deviation) for name in sorted(theirs)]


def _drift(reviewer: str, own: Sequence[Difference], deviation: float) -> Drift:
    weeks: dict[str, list[float]] = defaultdict(list)
    harder = softer = 0.0
    since = None
    for one in own:
        year, week, _ = one.at.astimezone(UTC).isocalendar()
        weeks[f"{year}-W{week:02d}"].append(one.points)
        step = max(-MOST_OF_ONE, min(MOST_OF_ONE, one.points / deviation))
        softer = max(0.0, softer + step - SLACK)
        harder = max(0.0, harder - step - SLACK)
        if since is None and max(softer, harder) > LIMIT:
            since = one.at
    told = tuple(Week(name, len(points), *_mean(points)) for name, points in sorted(weeks.items()))
    return Drift(reviewer, len(own), *_mean([one.points for one in own]), told, harder, softer, since)


def _mean(points: Sequence[float]) -> tuple[float, float | None, float | None]:
    middle = fmean(points)
    if len(points) == 1:
        return middle, None, None
    half = student_t(len(points) - 1) * stdev(points) / math.sqrt(len(points))
    return middle, middle - half, middle + half


def _deviation(groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation within the groups, pooled."""
    freedom = sum(len(group) - 1 for group in groups)
    if freedom < 1:
        return LEAST_DEVIATION
    squares = math.fsum((points - fmean(group)) ** 2 for group in groups for points in group)
    return max(LEAST_DEVIATION, math.sqrt(squares / freedom))
