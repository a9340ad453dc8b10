"""Samples come out of a seed and the calls, and of nothing else; each call has the chance that is written beside it."""

import hashlib
from collections import Counter
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.qa.sampling import Quota, Unit, chances, draw, random_key

names = st.text(st.characters(min_codepoint=33, max_codepoint=0x4E20, exclude_categories=["Cs"]), min_size=1, max_size=6)
units_of_cells = st.dictionaries(
    names, st.tuples(st.sampled_from(["x", "y", "z"]), st.sampled_from(["sale", "no"]), st.integers(1, 5000)), max_size=40
).map(lambda made: [Unit(name, cell, (stratum,), weight) for name, (cell, stratum, weight) in made.items()])
quotas = st.one_of(
    st.builds(Quota, share=st.fractions(Fraction(1, 50), 1, max_denominator=50), minimum=st.integers(1, 3)),
    st.builds(Quota, count=st.integers(1, 6), minimum=st.integers(1, 3)),
)


@given(units_of_cells, quotas, names, st.randoms(use_true_random=False))
def test_the_same_seed_and_calls_give_the_same_sample_in_whatever_order_they_come(
    units: list[Unit], quota: Quota, seed: str, order: Random
) -> None:
    shuffled = list(units)
    order.shuffle(shuffled)
    assert draw(shuffled, quota, seed) == draw(units, quota, seed)


@given(units_of_cells, quotas, names)
def test_each_cell_gives_its_number_and_never_none(units: list[Unit], quota: Quota, seed: str) -> None:
    there = Counter(unit.cell for unit in units)
    assert Counter(one.cell for one in draw(units, quota, seed)) == {cell: quota.of(calls) for cell, calls in there.items()}
    assert all(1 <= quota.of(calls) <= calls for calls in there.values())


@given(st.dictionaries(names, st.integers(1, 100_000), min_size=1, max_size=30), st.integers(1, 30))
def test_chances_add_up_to_the_number_drawn_and_are_in_proportion_unless_certain(weights: dict[str, int], count: int) -> None:
    count = min(count, len(weights))
    found = chances(weights, count)
    assert sum(found.values()) == count
    assert all(0 < chance <= 1 for chance in found.values())
    open_ones = [(weights[name], chance) for name, chance in found.items() if chance < 1]
    assert len({chance / weight for weight, chance in open_ones}) <= 1
    heaviest_open = max((weight for weight, _ in open_ones), default=0)
    assert all(weights[name] >= heaviest_open for name, chance in found.items() if chance == 1)


@given(units_of_cells, quotas, names)
def test_a_sample_never_misses_a_stratum_by_a_whole_call(units: list[Unit], quota: Quota, seed: str) -> None:
    expected: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for cell in {unit.cell for unit in units}:
        own = {unit.call_id: unit for unit in units if unit.cell == cell}
        for name, chance in chances({name: unit.weight for name, unit in own.items()}, quota.of(len(own))).items():
            expected[cell, own[name].stratum] += chance  # type: ignore[assignment]  # a Counter counts fractions as well
    drawn = Counter((one.cell, one.stratum) for one in draw(units, quota, seed))
    assert all(abs(drawn[place] - number) < 1 for place, number in expected.items())


def test_over_many_seeds_each_call_is_drawn_as_often_as_its_chance_says() -> None:
    units = [Unit(f"c{number}", "agent", (str(number % 3),), 100 * (1 + number % 4)) for number in range(20)]
    quota, rounds = Quota(count=5), 1500
    expected = {unit.call_id: 5 * unit.weight / sum(one.weight for one in units) for unit in units}
    drawn = Counter(one.call_id for seed in range(rounds) for one in draw(units, quota, str(seed)))
    for name, chance in expected.items():
        deviation = (rounds * chance * (1 - chance)) ** 0.5
        assert abs(drawn[name] - rounds * chance) < 4.5 * deviation, name


def test_the_chance_that_is_kept_is_the_one_it_was_drawn_with() -> None:
    units = [Unit("light", "a", (), 100), Unit("heavy", "a", (), 300), Unit("huge", "a", (), 100_000)]
    kept = {one.call_id: one.probability for seed in range(50) for one in draw(units, Quota(count=2), str(seed))}
    assert kept == {"huge": Fraction(1), "heavy": Fraction(3, 4), "light": Fraction(1, 4)}


def test_another_seed_gives_another_sample() -> None:
    units = [Unit(f"c{number}", "a", (), 100) for number in range(100)]
    samples = {tuple(one.call_id for one in draw(units, Quota(count=5), str(seed))) for seed in range(20)}
    assert len(samples) == 20


def test_the_algorithm_is_the_one_that_is_documented() -> None:
    """SHA-256 of the JSON list: whoever has another program can draw the sample again."""
    assert f"{random_key('s', 'call', 'c1'):x}" == hashlib.sha256(b'["s","call","c1"]').hexdigest()
    units = [Unit(f"c{number}", "a", (), 100) for number in range(8)]
    order = sorted(units, key=lambda unit: random_key("s", "call", unit.call_id))
    start = Fraction(random_key("s", "start", "a"), 1 << 256)
    marked = {order[int((start + step) * 4)].call_id for step in range(2)}
    assert {one.call_id for one in draw(units, Quota(count=2), "s")} == marked


@pytest.mark.parametrize(
    ("quota", "calls", "drawn"),
    [
        (Quota(share=Fraction(1, 20)), 30, 2),
        (Quota(share=Fraction(1, 20)), 20, 1),
        (Quota(share=Fraction(1, 20)), 1, 1),
        (Quota(share=Fraction(1, 20), minimum=3), 20, 3),
        (Quota(share=Fraction(1)), 7, 7),
        (Quota(count=4), 3, 3),
        (Quota(count=4), 400, 4),
    ],
)
def test_a_share_is_rounded_up_and_never_more_than_there_is(quota: Quota, calls: int, drawn: int) -> None:
    assert quota.of(calls) == drawn


@pytest.mark.parametrize(
    "wrong", [{}, {"share": Fraction(1, 2), "count": 2}, {"share": Fraction(0)}, {"share": Fraction(2)}, {"count": 0}]
)
def test_a_quota_is_a_share_or_a_count(wrong: dict[str, Fraction | int]) -> None:
    with pytest.raises(ValueError, match=r"share|least"):
        Quota(**wrong)  # type: ignore[arg-type]  # what is wrong is the point


def test_a_call_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        draw([Unit("c", "a", (), 1), Unit("c", "b", (), 1)], Quota(count=1), "s")
