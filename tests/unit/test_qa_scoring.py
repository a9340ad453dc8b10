"""Scores: weights, what does not apply, what fails, and that a better answer is never worth less."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.qa import forms
from recorder.qa.scorecard import (
    Answer,
    AskedIf,
    Item,
    Kind,
    Said,
    Scorecard,
    ScorecardError,
    Section,
    Severity,
    Words,
    parse_scorecard,
)
from recorder.qa.scoring import BadAnswers, Score, is_asked, score
from tests.qa_room import answered, the_form

NONE = Words("", "")


def an_item(name: str, weight: int = 1, **changes: object) -> Item:
    fields: dict[str, object] = {
        "id": name,
        "title": Words(name, ""),
        "kind": Kind.YES_NO,
        "weight": Decimal(weight),
        "largest": 1,
        "may_be_na": True,
        "severity": Severity.NORMAL,
        "fails_below": 0,
        "asked_if": None,
        "guide": NONE,
    }
    return Item(**(fields | changes))  # type: ignore[arg-type]  # of several types


def a_form(*sections: tuple[int, tuple[Item, ...]], passing: int = 80) -> Scorecard:
    made = tuple(Section(f"s{place}", NONE, Decimal(weight), items) for place, (weight, items) in enumerate(sections))
    return Scorecard("form", "1", "ab" * 32, NONE, Decimal(passing), made)


def scored(card: Scorecard, answers: Mapping[str, Answer]) -> Score:
    found = score(card, answers)
    assert isinstance(found, Score), found
    return found


@st.composite
def forms_and_answers(draw: st.DrawFn) -> tuple[Scorecard, dict[str, Answer]]:
    """A form of any shape, its items asked of nothing, and answers to it that leave something to count."""
    sections = []
    for place in range(draw(st.integers(1, 3))):
        items = []
        for number in range(draw(st.integers(1, 4))):
            kind = draw(st.sampled_from(Kind))
            largest = draw(st.integers(1, 5)) if kind is Kind.SCALE else 1
            severity = draw(st.sampled_from(Severity))
            below = draw(st.integers(1, largest)) if kind is Kind.SCALE and severity is not Severity.NORMAL else 0
            weight = draw(st.integers(0 if number else 1, 5))
            items.append(an_item(f"i{place}{number}", weight, kind=kind, largest=largest, severity=severity, fails_below=below))
        sections.append((draw(st.integers(1, 5)), tuple(items)))
    card = a_form(*sections)
    answers: dict[str, Answer] = {}
    for item in card.items():
        said: st.SearchStrategy[Answer] = (
            st.integers(0, item.largest) if item.kind is Kind.SCALE else st.sampled_from([Said.YES, Said.NO])
        )
        answers[item.id] = draw(said)
    return card, answers


@given(forms_and_answers())
def test_a_score_is_from_0_to_100_and_full_marks_are_100(made: tuple[Scorecard, dict[str, Answer]]) -> None:
    card, answers = made
    assert 0 <= scored(card, answers).total <= 100
    best: dict[str, Answer] = {item.id: item.largest if item.kind is Kind.SCALE else Said.YES for item in card.items()}
    assert scored(card, best) == Score(100, True, tuple(one for one in scored(card, best).sections), (), ())


@given(forms_and_answers(), st.data())
def test_a_better_answer_is_never_worth_less(made: tuple[Scorecard, dict[str, Answer]], data: st.DataObject) -> None:
    card, answers = made
    item = data.draw(st.sampled_from(list(card.items())))
    better: Answer = item.largest if item.kind is Kind.SCALE else Said.YES
    assert scored(card, answers | {item.id: better}).total >= scored(card, answers).total


@given(forms_and_answers(), st.data())
def test_what_does_not_apply_is_as_if_it_were_not_on_the_form(
    made: tuple[Scorecard, dict[str, Answer]], data: st.DataObject
) -> None:
    card, answers = made
    left_out = data.draw(st.sampled_from([item.id for item in card.items()]))
    kept = [(section, tuple(item for item in section.items if item.id != left_out)) for section in card.sections]
    shorter = a_form(*((int(section.weight), items) for section, items in kept if items))
    rest = {item: answer for item, answer in answers.items() if item != left_out}
    with_na, without = score(card, answers | {left_out: Said.NA}), score(shorter, rest)
    if isinstance(without, BadAnswers):
        assert isinstance(with_na, BadAnswers)
    else:
        assert isinstance(with_na, Score)
        assert (with_na.total, with_na.fatal, with_na.critical) == (without.total, without.fatal, without.critical)


@given(forms_and_answers(), st.integers(2, 9))
def test_only_the_proportion_of_weights_matters(made: tuple[Scorecard, dict[str, Answer]], factor: int) -> None:
    card, answers = made
    heavier = a_form(
        *(
            (
                int(section.weight) * factor,
                tuple(
                    an_item(
                        item.id,
                        int(item.weight) * factor,
                        kind=item.kind,
                        largest=item.largest,
                        severity=item.severity,
                        fails_below=item.fails_below,
                    )
                    for item in section.items
                ),
            )
            for section in card.sections
        )
    )
    assert scored(heavier, answers) == scored(card, answers)


def test_weights_of_items_and_sections_are_as_written() -> None:
    card = a_form((3, (an_item("a", 3), an_item("b", 1))), (1, (an_item("c", 1, kind=Kind.SCALE, largest=4),)))
    found = scored(card, {"a": Said.YES, "b": Said.NO, "c": 1})
    assert [(one.section, one.percent) for one in found.sections] == [("s0", 75), ("s1", 25)]
    assert (found.total, found.passed) == (62.5, False)


def test_a_failed_critical_item_takes_its_section_and_a_fatal_one_the_call() -> None:
    items = (an_item("a", 9), an_item("b", 1, severity=Severity.CRITICAL))
    card = a_form((1, items), (1, (an_item("c", 1), an_item("d", 0, severity=Severity.FATAL))))
    good = {"a": Said.YES, "b": Said.YES, "c": Said.YES, "d": Said.YES}
    critical = scored(card, good | {"b": Said.NO})
    assert (critical.total, critical.critical, critical.fatal) == (50, ("b",), ())
    fatal = scored(card, good | {"d": Said.NO})
    assert (fatal.total, fatal.passed, fatal.fatal) == (0, False, ("d",))
    assert [one.percent for one in fatal.sections] == [100, 100]


def test_a_scale_fails_below_its_bound_and_not_at_it() -> None:
    item = an_item("a", 1, kind=Kind.SCALE, largest=5, severity=Severity.FATAL, fails_below=2)
    card = a_form((1, (item,)))
    assert scored(card, {"a": 2}).total == 40
    assert scored(card, {"a": 1}).fatal == ("a",)


def test_what_passes_is_judged_by_the_score_that_is_shown() -> None:
    card = a_form((1, tuple(an_item(f"i{number}") for number in range(3))), passing=67)
    assert scored(card, {"i0": Said.YES, "i1": Said.YES, "i2": Said.NO}).total == 66.67
    assert not scored(card, {"i0": Said.YES, "i1": Said.YES, "i2": Said.NO}).passed


def test_an_item_is_asked_only_after_the_answer_that_asks_for_it() -> None:
    later = an_item("b", 1, asked_if=AskedIf("a", (Said.YES,)), may_be_na=False)
    card = a_form((1, (an_item("a", 0), later, an_item("c", 1))))
    assert scored(card, {"a": Said.NO, "c": Said.YES}).total == 100
    assert scored(card, {"a": Said.YES, "b": Said.NO, "c": Said.YES}).total == 50
    assert score(card, {"a": Said.YES, "c": Said.YES}) == BadAnswers(("b: is not answered: yes, no",))
    assert score(card, {"a": Said.NO, "b": Said.YES, "c": Said.YES}) == BadAnswers(("b: is not asked, by the answer to a",))


def test_every_fault_of_the_answers_is_told_at_once() -> None:
    card = a_form((1, (an_item("a", 1, may_be_na=False), an_item("b", 1, kind=Kind.SCALE, largest=3))))
    assert score(card, {"a": Said.NA, "b": 4, "z": 1}) == BadAnswers(
        ("z: the form has no such item", "a: na is no answer to it: yes, no", "b: 4 is no answer to it: 0 to 3, na")
    )
    assert score(card, {"a": 1, "b": Said.YES}) != score(card, {"a": Said.YES, "b": 1})


def test_a_call_to_which_nothing_applies_has_no_score() -> None:
    card = a_form((1, (an_item("a", 1), an_item("b", 0))))
    found = score(card, {"a": Said.NA, "b": Said.YES})
    assert isinstance(found, BadAnswers)
    assert "no answer counts" in found.faults[0]


# --- the form that is shipped, and the reading of forms ----------------------------------------------------------------


def test_the_shipped_form_has_the_four_sections_in_chinese_and_english() -> None:
    card = the_form()
    assert [(section.title.zh, section.title.en) for section in card.sections] == [
        ("沟通技巧", "Communication"),
        ("信息准确性", "Accuracy"),
        ("服务态度", "Attitude"),
        ("合规性", "Compliance"),
    ]
    assert sum(section.weight for section in card.sections) == 100
    assert all(item.title.zh and item.title.en for item in card.items())
    assert scored(card, answered(card).answers).total == 100
    assert {item.severity for item in card.items()} == set(Severity)
    assert any(item.asked_if for item in card.items())
    assert any(item.may_be_na for item in card.items())


@pytest.mark.parametrize("item", [item.id for item in the_form().items() if item.severity is Severity.FATAL])
def test_each_fatal_item_of_the_shipped_form_ends_the_call(item: str) -> None:
    asked = {"opt_out_asked": Said.YES} if item == "opt_out_kept" else {}
    assert scored(the_form(), answered(the_form(), **asked, **{item: Said.NO}).answers).total == 0


ITEM = '[[section]]\nid = "s"\ntitle = { en = "S" }\nweight = 1\n[[section.item]]\n'
HEAD = 'id = "f"\nversion = "1"\ntitle = { en = "F" }\npassing = 50\n'
GOOD = 'id = "i"\ntitle = { en = "I" }\nkind = "yes_no"\nweight = 1\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "section: is missing"),
        ("id = ", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
        (HEAD + ITEM + GOOD + "colour = 1\n", "section[0].item[0].colour: unknown key"),
        (HEAD.replace("50", "101") + ITEM + GOOD, "passing: must be from 0 to 100"),
        (HEAD.replace("50", "nan") + ITEM + GOOD, "passing: must be from 0 to 100"),
        (HEAD + ITEM + GOOD.replace("yes_no", "stars"), "section[0].item[0].kind"),
        (HEAD + ITEM + GOOD.replace('"yes_no"', '"scale"\nlargest = 11'), "a scale has at most 10 steps"),
        (HEAD + ITEM + GOOD.replace("weight = 1", "weight = 0"), "section[0].item: none has a weight"),
        (HEAD + ITEM + GOOD + "[[section.item]]\n" + GOOD, "section[0].item[1].id: 'i' is there twice"),
        (HEAD + ITEM + GOOD + 'asked_if = { item = "j", answers = ["yes"] }\n', "no earlier item is called 'j'"),
        (HEAD + ITEM + GOOD + 'asked_if = { item = "i", answers = ["yes"] }\n', "no earlier item is called 'i'"),
        (
            HEAD
            + ITEM
            + GOOD
            + "[[section.item]]\n"
            + GOOD.replace('"i"', '"j"')
            + 'asked_if = { item = "i", answers = ["3"] }\n',
            "'i' is never answered with 3",
        ),
        (HEAD + ITEM + GOOD.replace('"yes_no"', '"scale"\nlargest = 5\nseverity = "fatal"'), "fails_below: is missing"),
        (
            HEAD + ITEM + GOOD.replace('"yes_no"', '"scale"\nlargest = 5\nseverity = "fatal"\nfails_below = 6'),
            "the scale ends at 5",
        ),
        (HEAD + ITEM + GOOD.replace('{ en = "I" }', "{ }"), "section[0].item[0].title.en: is missing"),
        (HEAD.replace('"f"', '"Ä"') + ITEM + GOOD, "id: 'Ä' is not a usable value"),
    ],
)
def test_a_form_with_a_fault_is_refused_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(ScorecardError) as refused:
        parse_scorecard(text, "form.toml")
    assert any(fault in error for error in refused.value.errors), refused.value.errors
    assert all(error.startswith("form.toml: ") for error in refused.value.errors)


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fall_over(text: str) -> None:
    with pytest.raises(ScorecardError):
        parse_scorecard(text, "form")


def test_the_hash_is_that_of_the_text() -> None:
    text = forms.shipped()["sales-call"]
    assert parse_scorecard(text, "x").sha256 != parse_scorecard(text + "\n", "x").sha256
    assert tomllib.loads(text)["version"] == parse_scorecard(text, "x").version


def test_an_item_that_is_not_asked_hides_those_that_depend_on_it() -> None:
    first, second = an_item("a", 0), an_item("b", 0, asked_if=AskedIf("a", (Said.YES,)))
    third = an_item("c", 1, asked_if=AskedIf("b", (Said.YES,)))
    assert not is_asked(third, {"a": Said.NO})
    assert scored(a_form((1, (first, second, third, an_item("d")))), {"a": Said.NO, "d": Said.YES}).total == 100
