"""Averages of samples: right on average whatever the chances were, and as sure as they say they are."""

import math
from random import Random
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.qa.estimates import Estimate, Observed, effective, mean, score_mean, share, student_t
from recorder.qa.sampling import Quota, Unit, draw

percent = st.floats(0, 100, allow_nan=False)


@pytest.mark.parametrize(
    ("freedom", "two_sided_95", "two_sided_99"),
    [  # tables of Student's distribution
        (1, 12.706, 63.657),
        (2, 4.303, 9.925),
        (3, 3.182, 5.841),
        (4, 2.776, 4.604),
        (5, 2.571, 4.032),
        (10, 2.228, 3.169),
        (30, 2.042, 2.750),
        (120, 1.980, 2.617),
    ],
)
def test_students_t_is_as_in_the_tables(freedom: int, two_sided_95: float, two_sided_99: float) -> None:
    assert student_t(freedom) == pytest.approx(two_sided_95, abs=5e-4)
    assert student_t(freedom, 0.99) == pytest.approx(two_sided_99, abs=5e-4)


@given(st.lists(percent, min_size=2, max_size=30).filter(lambda values: variance(values) > 1e-3), st.integers(1, 50))
def test_with_equal_chances_it_is_the_textbooks_mean_and_interval(values: list[float], more: int) -> None:
    """Cochran 1977, 2.20: (1 - n/N) s^2 / n."""
    calls, population = len(values), len(values) + more
    found = mean([Observed(value, calls / population) for value in values], -10_000, 10_000)
    half = student_t(calls - 1) * math.sqrt((1 - calls / population) * variance(values) / calls)
    assert found is not None
    assert found.mean == pytest.approx(fmean(values))
    assert found.low == pytest.approx(found.mean - half)
    assert found.high == pytest.approx(found.mean + half)


@given(st.lists(percent, min_size=1, max_size=30))
def test_when_every_call_was_heard_nothing_is_left_to_chance(values: list[float]) -> None:
    found = mean([Observed(value, 1) for value in values], 0, 100)
    assert found is not None
    assert found.low == found.mean == found.high == pytest.approx(fmean(values))


@given(st.lists(st.builds(Observed, percent, st.floats(0.01, 1)), min_size=1, max_size=30))
def test_an_average_lies_among_the_scores_and_its_interval_around_it_within_the_scale(observed: list[Observed]) -> None:
    found = mean(observed, 0, 100)
    assert found is not None
    values = [one.value for one in observed]
    assert min(values) - 1e-9 <= found.mean <= max(values) + 1e-9
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.mean + 1e-9
        assert found.mean - 1e-9 <= found.high <= 100


def test_from_one_call_there_is_no_interval() -> None:
    assert mean([Observed(80, 0.1)], 0, 100) == Estimate(1, 80, None, None)


def test_that_three_calls_scored_the_same_does_not_say_that_all_would() -> None:
    found = mean([Observed(90, 0.1)] * 3, 0, 100)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 30


def test_one_call_of_chance_beside_certain_ones_tells_nothing_of_the_spread() -> None:
    found = mean([Observed(90, 1), Observed(70, 1), Observed(80, 0.2)], 0, 100)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 20


def test_of_nothing_nothing_is_said() -> None:
    assert mean([], 0, 100) is None
    assert share([]) is None


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1])
def test_a_chance_is_a_chance(probability: float) -> None:
    with pytest.raises(ValueError, match="chance"):
        mean([Observed(1, probability), Observed(2, 0.5)], 0, 100)


def test_wilsons_interval_is_as_published_for_free_draws() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 and 15 of 148, and none of 20; Wilson without correction."""
    for hits, calls, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        free = 1e-9  # drawn from an endless population
        found = share([Observed(float(one < hits), free) for one in range(calls)])
        assert found is not None
        assert found.low == pytest.approx(low, abs=5e-5)
        assert found.high == pytest.approx(high, abs=5e-5)


def test_unequal_chances_say_as_much_as_fewer_calls() -> None:
    assert effective([Observed(0, 0.1)] * 8) == pytest.approx(8)
    assert effective([Observed(0, 0.1)] * 4 + [Observed(0, 0.9)] * 4) < 5


def a_population(random: Random, kind: str) -> list[float]:
    """Scores of 120 calls."""
    if kind == "even":
        return [min(100, max(0, random.gauss(82, 9))) for _ in range(120)]
    return [0.0 if random.random() < 0.05 else min(100, random.gauss(85, 7)) for _ in range(120)]  # with fatal failures


def covered(kind: str, calls: int, *, weighed: bool, rounds: int) -> tuple[float, float]:
    """How often the interval held the truth, and by how much the average was off on average."""
    random = Random(7)  # the same numbers each time
    scores = a_population(random, kind)
    truth = fmean(scores)
    # risk: calls with low scores are likelier to be drawn, as far as anybody can know beforehand
    units = [Unit(f"c{at}", "a", (), 300 if weighed and score < 80 else 100) for at, score in enumerate(scores)]
    hits, errors = 0, []
    for seed in range(rounds):
        drawn = draw(units, Quota(count=calls), f"{kind}{seed}")
        observed = [Observed(scores[int(one.call_id[1:])], float(one.probability)) for one in drawn]
        found = (mean(observed, 0, 100) if kind == "even" else score_mean(observed)) or Estimate(0, 0, None, None)
        low, high = (0.0, 100.0) if found.low is None or found.high is None else (found.low, found.high)
        hits += low <= truth <= high
        errors.append(found.mean - truth)
    return hits / rounds, fmean(errors)


@pytest.mark.parametrize(("calls", "weighed"), [(4, False), (12, False), (25, True)])
def test_the_interval_holds_the_truth_about_as_often_as_it_claims(calls: int, weighed: bool) -> None:
    rate, error = covered("even", calls, weighed=weighed, rounds=300)
    assert rate >= 0.92
    assert weighed or rate <= 0.98  # that light and heavy calls get their share makes it surer than it says
    assert abs(error) < 0.6


def test_a_few_calls_without_a_fatal_one_do_not_say_that_there_is_none() -> None:
    """Where one call in twenty is worth nothing, the plain interval of ten calls misses the truth every third time."""
    rate, _ = covered("fatal", 10, weighed=False, rounds=300)
    assert rate >= 0.93
    assert score_mean([Observed(0, 0.1), Observed(90, 0.1)]) == Estimate(2, 45, None, None)


@pytest.mark.parametrize(("score", "low", "high"), [(0, 0, 53.5), (100, 46.5, 100)])
def test_calls_of_one_score_have_the_interval_of_a_share(score: float, low: float, high: float) -> None:
    found = score_mean([Observed(score, 0.1)] * 3)
    assert found is not None
    assert found.low == pytest.approx(low, abs=0.1)
    assert found.high == pytest.approx(high, abs=0.1)


def test_a_little_less_than_the_same_score_is_not_much_surer_or_less_sure() -> None:
    same, nearly = score_mean([Observed(90, 0.1)] * 6), score_mean([*[Observed(90, 0.1)] * 5, Observed(89.9, 0.1)])
    assert same is not None
    assert nearly is not None
    assert same.low == pytest.approx(nearly.low, abs=8)


def test_to_have_looked_where_it_hurts_does_not_bend_the_average() -> None:
    random = Random(7)
    scores = a_population(random, "even")
    units = [Unit(f"c{at}", "a", (), 900 if score < 80 else 100) for at, score in enumerate(scores)]
    plain, weighted = [], []
    for seed in range(200):
        drawn = draw(units, Quota(count=15), str(seed))
        observed = [Observed(scores[int(one.call_id[1:])], float(one.probability)) for one in drawn]
        plain.append(fmean(one.value for one in observed))
        found = mean(observed, 0, 100)
        assert found is not None
        weighted.append(found.mean)
    assert fmean(plain) < fmean(scores) - 4
    assert abs(fmean(weighted) - fmean(scores)) < 0.6


def test_wilsons_share_holds_the_truth_about_as_often_as_it_claims() -> None:
    random, hits = Random(5), 0
    for _ in range(2000):
        observed = [Observed(float(call < 20), 0.125) for call in random.sample(range(200), 25)]
        found = share(observed)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.1 <= found.high
    assert 0.93 <= hits / 2000 <= 0.99
