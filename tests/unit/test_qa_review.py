"""The review of a call: every state with every event, and who may do what."""

from contextlib import suppress
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.access import Acting, Operator, Role, Staff
from recorder.qa.filling import BadForm, Filled, changed, of_document, of_words, place_of, typed
from recorder.qa.review import (
    OPEN,
    TRANSITIONS,
    Accepted,
    Appealed,
    Assigned,
    Claimed,
    Decided,
    Event,
    Marks,
    NotNow,
    Opened,
    Released,
    Remark,
    Review,
    Scored,
    State,
    Withdrawn,
    applied,
    is_late,
    move,
    standing,
)
from recorder.qa.review_json import from_json, kind_of, to_json
from recorder.qa.rights import RIGHTS, Act, refusal
from recorder.qa.scorecard import Said
from recorder.qa.scoring import Score, SectionScore
from tests.qa_room import AFTER, answered, the_form

MEI = Staff("mei", Role.QA)
TOM = Staff("tom", Role.QA)
BOSS = Staff("boss", Role.MANAGER)
LIN = Staff("lin", Role.AGENT, agent_id="agent-1")
END = AFTER + timedelta(days=7)
SCORE = Score(87.5, True, (SectionScore("s", 87.5), SectionScore("t", None)), (), ())
MARKS = Marks((("a", Said.YES), ("b", 3)), (Remark("a", 1200, "warm"), Remark("", None, "fine")), "good", SCORE)
BETTER = Marks((("a", Said.YES),), (), "", Score(95, True, (), (), ()))

EVENTS: tuple[Event, ...] = (
    Opened("drawn", "", END),
    Assigned("mei"),
    Claimed(),
    Released("ill"),
    Scored(MARKS, END),
    Accepted(),
    Appealed("no", END),
    Decided("stands", None),
    Decided("the agent is right", BETTER),
    Withdrawn("no sound"),
)
STORED = [state for state in State if state is not State.OVERDUE]


def a_review(state: State = State.DUE, **changes: object) -> Review:
    held = {State.IN_REVIEW: "mei", State.SECOND_REVIEW: "tom"}.get(state, "")
    fields: dict[str, object] = {
        "review_id": "r",
        "call_id": "c",
        "agent_id": "agent-1",
        "agents": frozenset({"agent-1", "agent-9"}),
        "team": "a",
        "state": state,
        "seq": 3,
        "assigned": "",
        "due_at": END,
        "holder": held,
    }
    if state not in {State.DUE, State.IN_REVIEW}:
        fields |= {"reviewer": "mei", "score": SCORE, "appeal_until": END}
    return Review(**(fields | changes))  # type: ignore[arg-type]  # of several types


#: Who may do each thing at the time when it can be done.
DOER: dict[type[Event], Acting] = {Assigned: BOSS, Accepted: LIN, Appealed: LIN, Withdrawn: BOSS}


def doer(state: State, event: Event) -> Acting:
    return DOER.get(type(event), TOM if state in {State.APPEALED, State.SECOND_REVIEW} else MEI)


@pytest.mark.parametrize(("state", "event"), list(product(STORED, EVENTS)))
def test_an_event_leads_where_the_table_says_or_nowhere(state: State, event: Event) -> None:
    event = Assigned("tom") if isinstance(event, Assigned) else event  # mei has scored it
    after = move(a_review(state), event, doer(state, event), AFTER)
    wanted = TRANSITIONS.get((state, type(event)))
    if wanted is None:
        assert isinstance(after, NotNow)
        assert state.value in after.text
    else:
        assert isinstance(after, Review), after
        assert (after.state, after.seq) == (wanted, 4)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.FINAL, State.WITHDRAWN])
def test_what_has_ended_stays_as_it_is(state: State) -> None:
    assert not any((state, type(event)) in TRANSITIONS for event in EVENTS)


@pytest.mark.parametrize(
    ("state", "event", "by"),
    [
        (State.DUE, Claimed(), LIN),
        (State.DUE, Claimed(), Staff("x", Role.OPS)),
        (State.DUE, Claimed(), Staff("x", Role.QA, agent_id="agent-1")),
        (State.DUE, Claimed(), Staff("x", Role.QA, agent_id="agent-9")),
        (State.DUE, Claimed(), Operator("agent-9")),
        (State.DUE, Claimed(), Staff("x", Role.SUPERVISOR, team="b")),
        (State.DUE, Assigned("tom"), MEI),
        (State.DUE, Assigned("agent-9"), BOSS),
        (State.IN_REVIEW, Scored(MARKS, END), TOM),
        (State.IN_REVIEW, Released(), TOM),
        (State.IN_REVIEW, Withdrawn("why"), MEI),
        (State.IN_REVIEW, Withdrawn("  "), BOSS),
        (State.SCORED, Accepted(), MEI),
        (State.SCORED, Accepted(), Staff("wu", Role.AGENT, agent_id="agent-9")),
        (State.SCORED, Accepted(), Operator("mei")),
        (State.SCORED, Appealed("", END), LIN),
        (State.APPEALED, Claimed(), MEI),
        (State.APPEALED, Assigned("mei"), BOSS),
        (State.SECOND_REVIEW, Decided("why", None), MEI),
        (State.SECOND_REVIEW, Decided("", None), TOM),
    ],
)
def test_it_is_refused_to_whoever_it_is_not_for(state: State, event: Event, by: Acting) -> None:
    assert isinstance(move(a_review(state), event, by, AFTER), NotNow)


def test_who_is_told_off_has_it_and_nobody_else() -> None:
    review = a_review(assigned="tom")
    assert isinstance(move(review, Claimed(), MEI, AFTER), NotNow)
    taken = move(review, Claimed(), TOM, AFTER)
    assert isinstance(taken, Review)
    given_back = move(taken, Released(), BOSS, AFTER)
    assert isinstance(given_back, Review)
    assert (given_back.holder, given_back.assigned) == ("", "")


def test_an_answer_is_in_time_at_the_last_moment_and_not_after_it() -> None:
    assert isinstance(move(a_review(State.SCORED), Accepted(), LIN, END), Review)
    late = END + timedelta(microseconds=1)
    assert isinstance(move(a_review(State.SCORED), Accepted(), LIN, late), NotNow)
    assert (standing(a_review(State.SCORED), END), standing(a_review(State.SCORED), late)) == (State.SCORED, State.FINAL)


def test_what_is_due_is_overdue_after_its_time() -> None:
    late = END + timedelta(microseconds=1)
    assert (standing(a_review(), END), standing(a_review(), late)) == (State.DUE, State.OVERDUE)
    assert {state for state in STORED if is_late(a_review(state), late)} == OPEN
    assert not any(is_late(a_review(state), END) for state in STORED)


def test_the_second_reviewers_marks_take_the_place_of_the_first_and_upholding_leaves_them() -> None:
    review = a_review(State.SECOND_REVIEW)
    other, same = applied(review, Decided("x", BETTER), "tom"), applied(review, Decided("x", None), "tom")
    assert (other.score, other.changed, other.reviewer, other.decided_by) == (BETTER.score, True, "mei", "tom")
    assert (same.score, same.changed) == (SCORE, False)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_read_as_it_was_written(event: Event) -> None:
    assert from_json(kind_of(event), to_json(event)) == event


@pytest.mark.parametrize(("role", "act"), list(product(Role, Act)))
def test_a_right_that_is_not_in_the_table_is_nobodys(role: Role, act: Act) -> None:
    somebody = Staff("x", role, team="a", agent_id="agent-1")
    own = refusal(somebody, act, agents=frozenset({"agent-1"}), team="a")
    other = refusal(somebody, act, agents=frozenset({"agent-2"}), team="b")
    reach = RIGHTS[role].get(act)
    assert (own is None, other is None) == (reach is not None, reach == "all")
    assert refusal(Operator("x"), act) is None


# --- filled forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ms"),
    [("65", 65_000), ("65.5", 65_500), ("1:05.5", 65_500), ("1:01:05", 3_665_000), ("0:00.125", 125), ("7.25", 7250)],
)
def test_a_place_is_seconds_or_as_a_clock_shows_it(text: str, ms: int) -> None:
    assert place_of(text) == ms


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "a", "1e3", "nan", "1:", "٣"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="place"):
        place_of(text)


@pytest.mark.parametrize(
    ("line", "answer", "remark"),
    [
        ("y", Said.YES, None),
        ("no said nothing", Said.NO, Remark("i", None, "said nothing")),
        ("4 @1:05 talks over", 4, Remark("i", 65_000, "talks over")),
        ("NA", Said.NA, None),
        ("n @3 a\nb", Said.NO, Remark("i", 3000, "a\nb")),
    ],
)
def test_what_is_typed_is_an_answer_with_a_remark(line: str, answer: Said | int, remark: Remark | None) -> None:
    assert typed("i", line) == (answer, remark)


@pytest.mark.parametrize("line", ["", "  ", "maybe", "yes @65", "4 @soon late", "-1", "2.5"])
def test_what_cannot_be_understood_is_asked_again(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        typed("i", line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["answers", "remarks", "summary", "item", "at", "text", "x"]), inner)
        ),
    )
)
def test_no_file_makes_the_reader_fall_over(document: object) -> None:
    with suppress(BadForm):
        assert isinstance(of_document(document), Filled)


def test_words_and_files_say_the_same() -> None:
    words = of_words(["a=yes", "b=3"], ["a@1:05=late", "@2=hm", "b=ok", "=of all"], "fine")
    file = of_document(
        {
            "answers": {"a": True, "b": 3},
            "remarks": [
                {"item": "a", "at": 65, "text": "late"},
                {"at": "2", "text": "hm"},
                {"item": "b", "text": "ok"},
                {"text": "of all"},
            ],
            "summary": "fine",
        }
    )
    assert words == file
    with pytest.raises(BadForm) as refused:
        of_words(["a", "b=maybe", "c=1", "c=2"], ["x", "x@y=z"], "")
    assert len(str(refused.value).splitlines()) == 5


def test_a_changed_answer_drops_what_is_no_longer_asked() -> None:
    card = the_form()
    before = answered(card, price_told=Said.YES, price=Said.NO).answers
    after = changed(card, before, {"price_told": Said.NO})
    assert "price" not in after
    assert changed(card, before, {"price": Said.YES}) == {**before, "price": Said.YES}
