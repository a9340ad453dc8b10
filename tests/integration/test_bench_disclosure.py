"""The matrix of the disclosure proof, a small piece of it: `ringfence bench disclosure` runs the whole."""

import pytest

from dialer.benches.disclosure import DisclosureFigures, measure_disclosure
from dialer.benches.lines import KEPT, SPOILT
from sip.unpack import ensure_tree


@pytest.fixture(scope="module")
def figures() -> DisclosureFigures:
    return measure_disclosure(4, ensure_tree(lambda _: None), lambda _: None)


def test_no_prompt_of_either_language_is_missed_on_a_line_that_carries_it(figures: DisclosureFigures) -> None:
    assert [line for line in figures.lines if line.whole and line.wrong] == []
    assert (figures.false_rejects, figures.of_played) == (0, 4 * len(KEPT))


def test_nothing_that_is_not_the_whole_prompt_is_taken_for_it(figures: DisclosureFigures) -> None:
    assert [line for line in figures.lines if not line.whole and line.wrong] == []
    assert (figures.false_accepts, figures.of_not_played) == (0, 4 * len(SPOILT))
