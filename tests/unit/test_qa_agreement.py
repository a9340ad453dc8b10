"""Agreement and drift: as published by those who defined them, and in the face of nothing to agree about."""

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.qa.agreement import Agreement, Reading, Value, agreement, interval, nominal
from recorder.qa.calibration import Rated, differences, outcome
from recorder.qa.drift import Difference, drifts
from recorder.qa.review import Marks
from recorder.qa.scorecard import Said
from recorder.qa.scoring import Score, score
from tests.qa_room import answered, the_form

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def units(*rows: str) -> list[list[Value]]:
    """Reviewers in rows, calls in columns, as the published tables have them; a dot is no value."""
    return [[value for value in column if value != "."] for column in zip(*(row.split() for row in rows), strict=True)]


FOUR = (  # Krippendorff 2011, section D: four observers, twelve units
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


@pytest.mark.parametrize(
    ("rows", "alpha"),
    [
        (("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"), 0.095),  # Krippendorff 2011, section A: two observers, yes and no
        (("a a b b d c c c e d d a", "b a b b b c c c e d d d"), 0.692),  # section B: two observers, five names
        (FOUR, 0.743),
    ],
)
def test_alpha_of_names_is_as_published(rows: tuple[str, ...], alpha: float) -> None:
    assert agreement(units(*rows), nominal).alpha == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_numbers_is_as_published() -> None:
    numbers: list[list[Value]] = [[float(value) for value in unit] for unit in units(*FOUR)]
    assert agreement(numbers, interval).alpha == pytest.approx(0.849, abs=5e-4)


def test_alpha_of_two_who_miss_nothing_is_scotts_pi_but_for_small_samples() -> None:
    """Scott 1955: pi = (A - Ae) / (1 - Ae); alpha = pi + (1 - pi) / 2N."""
    rows = units("a a b b d c c c e d d a", "b a b b b c c c e d d d")
    values = [value for unit in rows for value in unit]
    expected = sum((values.count(value) / len(values)) ** 2 for value in set(values))
    observed = fmean(float(one == other) for one, other in rows)
    pi = (observed - expected) / (1 - expected)
    assert agreement(rows, nominal).alpha == pytest.approx(pi + (1 - pi) / len(values))


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_calls_and_of_reviewers_is_nothing(rows: list[list[Value]], random: Random) -> None:
    shuffled = [random.sample(row, len(row)) for row in random.sample(rows, len(rows))]
    one, other = agreement(rows, nominal), agreement(shuffled, nominal)
    assert (one.calls, one.values) == (other.calls, other.values)
    assert one.same == pytest.approx(other.same)
    assert one.alpha == pytest.approx(other.alpha)


def test_to_agree_always_is_1_and_to_have_nothing_to_differ_about_is_unknown() -> None:
    assert agreement([["a", "a"], ["b", "b"]], nominal) == Agreement(2, 4, 1.0, 1.0)
    assert agreement([["a", "a"], ["a", "a"]], nominal).reading is Reading.UNKNOWN
    assert agreement([["a"], []], nominal) == Agreement(0, 0, None, None)
    assert agreement([["a", "b"], ["a", "b"]], nominal).reading is Reading.UNRELIABLE


@pytest.mark.parametrize(
    ("alpha", "reading"),
    [
        (0.8, Reading.RELIABLE),
        (0.799, Reading.TENTATIVE),
        (0.667, Reading.TENTATIVE),
        (0.666, Reading.UNRELIABLE),
        (None, Reading.UNKNOWN),
    ],
)
def test_alpha_is_read_by_its_bounds(alpha: float | None, reading: Reading) -> None:
    assert Agreement(3, 6, 0.9, alpha).reading is reading


# --- calibration --------------------------------------------------------------------------------------------------------


def rated(reviewer: str, call_id: str = "c-1", at: datetime = AT, **answers: Said | int) -> Rated:
    filled = answered(the_form(), **answers)
    counted = score(the_form(), filled.answers)
    assert isinstance(counted, Score)
    return Rated(call_id, reviewer, at, Marks(tuple(sorted(filled.answers.items())), (), "", counted))


def test_a_reviewer_is_compared_with_the_others_and_not_with_themselves() -> None:
    marks = [rated("mei"), rated("tom"), rated("zhang", truth=Said.NO)]
    assert {one.reviewer: one.points for one in differences(marks)} == {"mei": 50, "tom": 50, "zhang": -100}
    assert differences([rated("mei")]) == []


def test_an_item_that_one_was_not_asked_is_not_compared_and_na_is_an_answer_to_yes_or_no() -> None:
    marks = [
        rated("mei", objection_raised=Said.YES, closing=Said.NA),
        rated("tom", closing=Said.NA),
        rated("zhang", needs=Said.NA),
    ]
    items = {one.item: one.agreement for one in outcome(the_form(), marks).items}
    assert items["objection_met"].values == 0  # one alone was asked
    assert items["closing"].values == 3
    assert items["closing"].same == pytest.approx(1 / 3)
    assert items["needs"].values == 2


def test_who_agrees_in_all_but_one_item_differs_in_that_one_alone() -> None:
    marks = [rated(name, f"c-{call}", clarity=call + (name == "tom")) for name in ("mei", "tom") for call in (0, 2, 4)]
    found = outcome(the_form(), marks)
    items = {one.item: one.agreement for one in found.items}
    assert items["clarity"].same == 0
    assert all(one.same in {1.0, None} for name, one in items.items() if name != "clarity")
    assert found.total.alpha is not None
    assert 0.667 < found.total.alpha < 1


# --- drift --------------------------------------------------------------------------------------------------------------


def of_days(reviewer: str, points: list[float]) -> list[Difference]:
    return [Difference(AT + timedelta(days=day), reviewer, value) for day, value in enumerate(points)]


def test_a_reviewer_who_becomes_harder_is_seen_and_since_when() -> None:
    random = Random(3)
    steady = [random.gauss(0, 4) for _ in range(60)]
    harder = [random.gauss(0, 4) if day < 30 else random.gauss(-6, 4) for day in range(60)]
    mei, tom = drifts([*of_days("tom", harder), *of_days("mei", steady)])
    assert (mei.reviewer, mei.drifts) == ("mei", False)
    assert tom.drifts
    assert tom.since is not None
    assert 30 <= (tom.since - AT).days <= 45
    assert tom.harder > 5 > tom.softer
    assert tom.mean < 0
    assert tom.high is not None
    assert tom.high < 0
    assert [week.week for week in tom.weeks][:2] == ["2026-W10", "2026-W11"]
    assert sum(week.calls for week in tom.weeks) == 60


def test_a_single_quarrel_over_a_fatal_item_is_no_drift() -> None:
    assert not drifts(of_days("mei", [0, 1, -1, 0, -90, 1, 0, -1]))[0].drifts


def test_one_call_has_a_difference_and_no_interval() -> None:
    (one,) = drifts(of_days("mei", [3]))
    assert (one.calls, one.mean, one.low, one.high, one.drifts) == (1, 3, None, None, False)
    assert drifts([]) == []


def test_a_shift_that_is_not_there_is_hardly_ever_seen() -> None:
    random = Random(11)
    seen = sum(drifts(of_days("mei", [random.gauss(0, 5) for _ in range(40)]))[0].drifts for _ in range(200))
    assert seen / 200 < 0.15  # on average every 465 calls: in 8 of 100 runs of 40
