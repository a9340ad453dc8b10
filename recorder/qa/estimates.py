"""What may be said of all calls from those that were heard: an average, how sure it is, and how much was heard?

The rule it protects: a handful of calls is not the truth. Each average is weighted by the chances of the calls it rests on,
and is told with its interval; from one call alone there is no interval, and none is made up.

The mean is Hájek's: sum(y/p) / sum(1/p) over the calls heard, p being their chances (Hájek 1971). Its variance is Hájek's for
samples of fixed size with unequal chances (Hájek 1964; Matei and Tillé 2005, Journal of Official Statistics 21):
n/(n-1) * sum((1-p) * (e/p - A)^2) over the n calls with p < 1, with e = (y - mean) / sum(1/p), and A the mean of e/p weighted by
1-p. With equal chances p = n/N it is (1 - n/N) * s^2 / n, the textbook's formula with the finite population correction (Cochran
1977, 2.20): when all calls were heard, nothing is left to chance. Half the width is Student's t times its root, with Kish's
effective number of calls, less one, as degrees of freedom.

Shares have Wilson's interval (1927) for the effective number of calls divided by the finite population correction (Korn and
Graubard 1998), which stays honest where all or none of the calls are hits. So do means of calls that all have one score: that a
few were the same does not say that all are.

Scores of calls that may fail altogether are two things in one, and a few calls without a failure do not say that there is none: a
plain interval would miss the truth half of the time. So the share of calls that are worth nothing has its Wilson interval, the
mean of the others its t-interval, and `score_mean` joins the two (MOVER: Zou and Donner 2008, Statistics in Medicine 27).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found in one call, and the chance with which the call came to be heard."""

    value: float
    probability: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """An average over calls; `low` and `high` bound it with the confidence asked for, None where nothing can be said."""

    calls: int
    mean: float
    low: float | None
    high: float | None


def mean(observed: Sequence[Observed], least: float, most: float, confidence: float = CONFIDENCE) -> Estimate | None:
    """The mean of values from `least` to `most`; None of nothing. Raises ValueError for a chance that is not in (0, 1]."""
    if not observed:
        return None
    middle, spread = _hajek(observed), most - least
    calls = len(observed)
    if all(one.probability == 1 for one in observed):
        return Estimate(calls, middle, middle, middle)
    if calls == 1:
        return Estimate(calls, middle, None, None)
    variance = _variance(observed, middle)
    by_chance = sum(one.probability < 1 for one in observed)
    if variance <= (1e-9 * spread) ** 2:
        low, high = _wilson((middle - least) / spread, _freely_drawn(observed), confidence)
        return Estimate(calls, middle, least + spread * low, least + spread * high)
    freedom = max(1, min(math.floor(effective(observed) + 1e-9), by_chance) - 1)
    half = student_t(freedom, confidence) * math.sqrt(variance)
    return Estimate(calls, middle, max(least, middle - half), min(most, middle + half))


def score_mean(observed: Sequence[Observed], confidence: float = CONFIDENCE) -> Estimate | None:
    """The mean of scores from 0 to 100, among which calls that failed altogether are 0; None of nothing."""
    sound = [one for one in observed if one.value > 0]
    plain = mean(observed, 0, 100, confidence)
    if len({one.value for one in observed}) == 1:
        return plain
    worth = share([Observed(float(one.value > 0), one.probability) for one in observed], confidence)
    others = mean(sound, 0, 100, confidence)
    if plain is None or worth is None or plain.low is None or worth.low is None or worth.high is None:
        return plain
    if others is None or others.low is None or others.high is None:
        return Estimate(plain.calls, plain.mean, None, None)
    below = math.hypot(others.mean * (worth.mean - worth.low), worth.mean * (others.mean - others.low))
    above = math.hypot(others.mean * (worth.high - worth.mean), worth.mean * (others.high - others.mean))
    return Estimate(plain.calls, plain.mean, max(0.0, plain.mean - below), min(100.0, plain.mean + above))


def share(observed: Sequence[Observed], confidence: float = CONFIDENCE) -> Estimate | None:
    """The share of hits, values being 1 or 0; None of nothing."""
    if not observed:
        return None
    middle = _hajek(observed)
    if all(one.probability == 1 for one in observed):
        return Estimate(len(observed), middle, middle, middle)
    low, high = _wilson(middle, _freely_drawn(observed), confidence)
    return Estimate(len(observed), middle, low, high)


def effective(observed: Sequence[Observed]) -> float:
    """How many calls with equal chances would say as much: (sum w)^2 / sum w^2, w = 1/p (Kish 1965)."""
    weights = [1 / one.probability for one in observed]
    return sum(weights) ** 2 / sum(weight * weight for weight in weights)


@lru_cache(maxsize=1024)
def student_t(freedom: int, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t, by its finite series for whole degrees of freedom (Abramowitz and Stegun 26.7)."""
    low, high = 0.0, 1.0
    while _within(high, freedom) < confidence:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return high


def _hajek(observed: Sequence[Observed]) -> float:
    if not all(0 < one.probability <= 1 for one in observed):
        raise ValueError("the chance of a call is above 0 and at most 1")
    return math.fsum(one.value / one.probability for one in observed) / math.fsum(1 / one.probability for one in observed)


def _variance(observed: Sequence[Observed], middle: float) -> float:
    """Of the calls that chance chose, those drawn for certain add nothing; of one alone nothing is known, which is told as 0."""
    total = math.fsum(1 / one.probability for one in observed)
    chosen = [one for one in observed if one.probability < 1]
    if len(chosen) < 2:
        return 0.0
    parts = [((one.value - middle) / total / one.probability, 1 - one.probability) for one in chosen]
    centre = math.fsum(part * left for part, left in parts) / math.fsum(left for _, left in parts)
    return len(chosen) / (len(chosen) - 1) * math.fsum(left * (part - centre) ** 2 for part, left in parts)


def _freely_drawn(observed: Sequence[Observed]) -> float:
    """How many calls of an endless population would say as much."""
    calls, population = len(observed), math.fsum(1 / one.probability for one in observed)
    return effective(observed) / max(1e-9, 1 - calls / population)


def _wilson(hits: float, calls: float, confidence: float) -> tuple[float, float]:
    deviate = NormalDist().inv_cdf((1 + confidence) / 2)
    below = 1 + deviate**2 / calls
    centre = (hits + deviate**2 / (2 * calls)) / below
    half = deviate / below * math.sqrt(max(0.0, hits * (1 - hits) / calls) + deviate**2 / (4 * calls**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _within(deviate: float, freedom: int) -> float:
    """The probability that |t| is at most `deviate`."""
    angle = math.atan(deviate / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    if freedom == 1:
        return 2 / math.pi * angle
    total = term = cosine if freedom % 2 else 1.0
    for step in range(1 + freedom % 2, freedom - 1, 2):
        term *= cosine**2 * step / (step + 1)
        total += term
    return 2 / math.pi * (angle + sine * total) if freedom % 2 else sine * total
