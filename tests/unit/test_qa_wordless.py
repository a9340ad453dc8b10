"""What is left of a review's events when the customer is forgotten: no word of anybody, and all that was marked."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.qa.forgetting import ERASED, wordless
from recorder.qa.review import (
    Accepted,
    Appealed,
    Assigned,
    Claimed,
    Decided,
    Event,
    Marks,
    Opened,
    Released,
    Remark,
    Scored,
    Withdrawn,
)
from recorder.qa.review_json import from_json, kind_of, to_json
from recorder.qa.scorecard import Said
from recorder.qa.scoring import Score, SectionScore
from tests.qa_room import AFTER

END = AFTER + timedelta(days=7)
SCORE = Score(87.5, True, (SectionScore("s", 87.5),), (), ("reason",))
WORD = st.text(st.characters(codec="utf-8"), max_size=20)
ANSWERS = st.dictionaries(st.sampled_from(["reason", "text", "summary", "item"]), st.sampled_from(Said) | st.integers(0, 5))
MARKS = st.builds(
    Marks,
    ANSWERS.map(lambda told: tuple(sorted(told.items()))),
    st.lists(st.builds(Remark, st.sampled_from(["", "reason"]), st.none() | st.integers(0, 90_000), WORD), max_size=3).map(tuple),
    WORD,
    st.just(SCORE),
)
EVENTS = st.one_of(
    st.builds(Opened, WORD, st.just("mei"), st.just(END)),
    st.builds(Released, WORD),
    st.builds(Withdrawn, WORD),
    st.builds(Appealed, WORD, st.just(END)),
    st.builds(Scored, MARKS, st.just(END)),
    st.builds(Decided, WORD, st.none() | MARKS),
)


def words_of(event: Event) -> list[str]:
    """Everything that somebody wrote."""
    marks = event.marks if isinstance(event, Scored | Decided) else None
    said = [event.reason] if isinstance(event, Opened | Released | Withdrawn | Appealed | Decided) else []
    return said + ([] if marks is None else [marks.summary, *(one.text for one in marks.remarks)])


@given(EVENTS)
def test_every_word_is_erased_and_nothing_is_said_to_be_where_nothing_was(event: Event) -> None:
    left = wordless(event)
    assert words_of(left) == [ERASED if word else "" for word in words_of(event)]
    assert wordless(left) == left
    assert from_json(kind_of(left), to_json(left)) == left


@given(EVENTS)
def test_what_is_no_word_stays_as_it_was(event: Event) -> None:
    left = wordless(event)
    assert type(left) is type(event)
    match event, left:
        case (Scored(before, until), Scored(after, still)):
            assert until == still
        case (Decided(_, Marks() as before), Decided(_, Marks() as after)):
            pass
        case (Opened(_, assigned, due_at), Opened(_, assigned_still, due_still)):
            assert (assigned, due_at) == (assigned_still, due_still)
            return
        case _:
            return
    assert (after.answers, after.score) == (before.answers, before.score)
    assert [(one.item, one.at_ms) for one in after.remarks] == [(one.item, one.at_ms) for one in before.remarks]


@pytest.mark.parametrize("event", [Claimed(), Accepted(), Assigned("mei")])
def test_what_holds_no_words_is_left_alone(event: Event) -> None:
    assert wordless(event) is event
