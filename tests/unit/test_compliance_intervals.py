"""The set arithmetic under the calling windows, against sets of whole hours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.intervals import Interval, Intervals, difference, intersection, union

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 40


def an_interval(start: int, end: int) -> Interval:
    return ORIGIN + timedelta(hours=start), ORIGIN + timedelta(hours=end)


def hours_in(intervals: Intervals) -> set[int]:
    return {hour for hour in range(HOURS) if any(start <= ORIGIN + timedelta(hours=hour) < end for start, end in intervals)}


def assert_canonical(intervals: Intervals) -> None:
    assert all(start < end for start, end in intervals)
    assert all(one[1] < other[0] for one, other in pairwise(intervals))


some_intervals = st.lists(
    st.builds(an_interval, st.integers(0, HOURS), st.integers(0, HOURS)),
    max_size=8,
)


@settings(deadline=None)
@given(some_intervals)
def test_a_union_holds_what_any_part_holds_in_as_few_intervals_as_can_be(parts: list[Interval]) -> None:
    whole = union(parts)
    assert hours_in(whole) == hours_in(tuple(parts))
    assert_canonical(whole)


@settings(deadline=None)
@given(some_intervals, some_intervals)
def test_an_intersection_holds_what_both_hold(left: list[Interval], right: list[Interval]) -> None:
    common = intersection(union(left), union(right))
    assert hours_in(common) == hours_in(union(left)) & hours_in(union(right))
    assert_canonical(common)


@settings(deadline=None)
@given(some_intervals, some_intervals)
def test_a_difference_holds_what_only_the_first_holds(left: list[Interval], right: list[Interval]) -> None:
    rest = difference(union(left), union(right))
    assert hours_in(rest) == hours_in(union(left)) - hours_in(union(right))
    assert_canonical(rest)
