"""The people of the gate's bench: as many rows as asked for, and nobody near a limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.numbers import parse_number, regions_of
from dialer.benches.population import CONSENT, COURSES, DAY_S, MOST_ATTEMPTS, number_of, person_id, populate

PEOPLE = st.integers(0, 31_999_999)
TEN_THOUSAND = populate(10_000)


@given(st.integers(1, 20_000))
def test_the_people_make_exactly_the_rows_that_were_asked_for(rows: int) -> None:
    population = populate(rows)
    steps = [len(course.steps) + 1 for course in COURSES] + [1]
    assert population.rows() == rows == sum(steps[course] for course in population.course)
    assert population.person.max() < population.people == population.consented.size


def test_the_same_size_is_the_same_people() -> None:
    again = populate(10_000)
    for name in ("consented", "person", "course", "on_second_number", "ago_s"):
        assert np.array_equal(getattr(TEN_THOUSAND, name), getattr(again, name))


@given(st.integers(1, 20_000))
def test_everything_comes_in_the_order_in_which_it_happened(rows: int) -> None:
    assert (np.diff(populate(rows).ago_s) <= 0).all()


@pytest.mark.parametrize(("days", "most"), [(1, 1), (30, 9)])
def test_nobody_is_near_a_cap_of_the_house(days: int, most: int) -> None:
    attempts = TEN_THOUSAND.course != CONSENT
    recent = TEN_THOUSAND.person[attempts & (TEN_THOUSAND.ago_s <= days * DAY_S)]
    assert 1 <= np.bincount(recent).max() <= most


def test_some_were_never_called_and_some_were_called_a_dozen_times() -> None:
    attempts = np.bincount(TEN_THOUSAND.person[TEN_THOUSAND.course != CONSENT], minlength=TEN_THOUSAND.people)
    assert (attempts.min(), attempts.max()) == (0, MOST_ATTEMPTS)


def test_a_consent_was_given_before_the_first_call() -> None:
    consents = TEN_THOUSAND.course == CONSENT
    assert set(TEN_THOUSAND.person[consents]) == set(np.flatnonzero(TEN_THOUSAND.consented))
    assert TEN_THOUSAND.ago_s[consents].min() > TEN_THOUSAND.ago_s[~consents].max()


@given(PEOPLE, PEOPLE, st.booleans(), st.booleans())
def test_no_two_people_have_a_number_or_an_id_in_common(one: int, other: int, second: bool, other_second: bool) -> None:
    assert (person_id(one) == person_id(other)) is (one == other)
    same = (one, second) == (other, other_second)
    assert (number_of(one, second=second) == number_of(other, second=other_second)) is same


@given(PEOPLE, st.booleans())
def test_every_number_is_a_florida_number_as_the_gate_writes_it(person: int, second: bool) -> None:
    number = number_of(person, second=second)
    assert parse_number(number, "US") == number
    assert "US-FL" in regions_of(number)
