"""A mutant that lives on is excused only by an explanation that is really about it, and the page shows all of them."""

import pytest

from tests.explained import (
    LAST,
    REASONS,
    Explained,
    Outcome,
    named,
    outcomes,
    page,
    pure_modules,
    reason_for,
    reasons,
    unexplained,
    written,
)

WORDS, EDGE = "gate.check: raise X → raise Y", "gate.check: a < b → a <= b"
FOUND = {"gate": Outcome(9, (WORDS, EDGE)), "caps": Outcome(4, ())}
EXPLAINED = """
[[explained]]
because = "a and b are never equal"
mutants = ["gate.check: a < b → a <= b"]

[[explained]]
because = "only the words differ"
like = ['gate\\.\\w+: raise .*']
"""


def test_a_mutant_is_named_by_what_it_changes_on_one_line() -> None:
    assert named("gate", "check", "a < b", "a <= b") == EDGE
    assert named("gate", "check", "case 1:\npass", "") == "gate.check: case 1: ¶ pass → "


def test_an_explanation_is_about_the_mutants_it_names_and_no_others() -> None:
    explained = reasons(EXPLAINED)
    assert reason_for(EDGE, explained) == "a and b are never equal"
    assert reason_for(WORDS, explained) == "only the words differ"
    assert reason_for("gate.check: a < b → a > b", explained) is None
    assert reason_for(f"not {WORDS}", explained) is None
    assert unexplained(FOUND, explained) == []
    assert unexplained(FOUND, explained[:1]) == [WORDS]


@pytest.mark.parametrize(
    "text",
    [
        '[[explained]]\nmutants = ["a"]',
        '[[explained]]\nbecause = " "\nlike = ["a"]',
        '[[explained]]\nbecause = "b"',
    ],
)
def test_an_explanation_without_a_reason_or_without_mutants_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"explained\[1\] needs `because`, and `mutants` or `like`"):
        reasons(text)


def test_what_a_run_found_is_read_as_it_was_written() -> None:
    assert outcomes(written(FOUND)) == FOUND
    assert [one.killed for one in FOUND.values()] == [7, 4]


def test_the_page_shows_every_mutant_that_lived_on_under_its_reason() -> None:
    explained: tuple[Explained, ...] = reasons(EXPLAINED)[:1]
    shown = page(FOUND, explained).splitlines()
    assert "| `compliance/gate.py` | 9 | 7 | 2 |" in shown
    assert "| all | 13 | 11 | 2 |" in shown
    assert shown[shown.index("**a and b are never equal** (1)") + 2] == f"- `{EDGE}`"
    assert shown[shown.index("**Not explained yet.** (1)") + 2] == f"- `{WORDS}`"


def test_every_mutant_of_the_last_run_that_lived_on_is_explained() -> None:
    found, explained = outcomes(LAST.read_text(encoding="utf-8")), reasons(REASONS.read_text(encoding="utf-8"))
    assert unexplained(found, explained) == []


def test_what_was_tried_is_a_pure_module() -> None:
    assert set(outcomes(LAST.read_text(encoding="utf-8"))) <= set(pure_modules())
    assert {"gate", "windows", "periods", "caps", "scope"} <= set(pure_modules())
