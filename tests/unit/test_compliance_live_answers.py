"""What the ledger tells of an answered call: nothing that is not known speaks for the floor, and old rows are still read."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from compliance.abandonment import LiveAnswer, is_abandoned
from compliance.facts import EventKind, LedgerEvent
from compliance.live_answers import answers_of
from tests.abandonment_rules import START, a_rule, after, events_of

STRICT, MESSAGE = a_rule(), a_rule(numerator="abandonment_message")


def an_event(kind: EventKind, seconds: float = 0, attempt_id: str | None = "a1", **facts: str) -> LedgerEvent:
    at = START + timedelta(seconds=seconds)
    told = tuple(sorted(facts.items()))
    return LedgerEvent(kind, at, "ann", "+12125550100", "spring", "us", "offer", attempt_id, ("America/New_York",), told)


def the_answer(*events: LedgerEvent) -> LiveAnswer:
    (answer,) = answers_of(events)
    return answer


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_a_live_answer_tells_everything_by_itself() -> None:
    told = an_event(
        EventKind.LIVE_ANSWER,
        connected_at=iso(4.5),
        held_at=iso(0.2),
        greeting_start=iso(0.4),
        greeting_end=iso(1.5),
        agent_left_at=iso(59),
        ended_at=iso(60),
        ended_by="floor",
    )
    assert the_answer(told) == LiveAnswer(
        START,
        connected_at=after(4.5),
        greeting_start=after(0.4),
        greeting_end=after(1.5),
        ended_at=after(60),
        held_at=after(0.2),
        agent_left_at=after(59),
        ended_by_us=True,
        attempt_id="a1",
        number="+12125550100",
        campaign="spring",
        seller="us",
        subject="offer",
        zones=("America/New_York",),
    )


@pytest.mark.parametrize(
    ("by", "ours"), [("customer", False), ("network", False), ("floor", True), ("unknown", True), ("", False)]
)
def test_who_ended_it_is_us_where_it_was_not_the_person_or_the_line(by: str, *, ours: bool) -> None:
    assert the_answer(an_event(EventKind.LIVE_ANSWER, ended_at=iso(1), ended_by=by)).ended_by_us is ours


@pytest.mark.parametrize(
    ("others", "strict", "message"),
    [
        ([(EventKind.CONVERSATION, 1.5), (EventKind.ENDED, 60)], False, False),
        ([(EventKind.CONVERSATION, 4.5), (EventKind.ENDED, 60)], True, False),
        ([(EventKind.ENDED, 1.5)], False, False),
        ([(EventKind.ENDED, 9)], True, False),
        ([], True, False),
        ([(EventKind.ABANDONED, 2), (EventKind.ENDED, 9)], True, True),
        ([(EventKind.ABANDONED, 2), (EventKind.CONVERSATION, 3), (EventKind.ENDED, 60)], True, True),
    ],
)
def test_older_rows_tell_it_by_their_kinds(others: list[tuple[EventKind, float]], *, strict: bool, message: bool) -> None:
    answer = the_answer(an_event(EventKind.LIVE_ANSWER), *(an_event(kind, seconds) for kind, seconds in others))
    assert is_abandoned(answer, STRICT) is strict
    assert is_abandoned(answer, MESSAGE) is message


@pytest.mark.parametrize("unreadable", ["", "soon", "2026-06-15T12:00:01", "2026-13-01T00:00:00+00:00"])
def test_a_time_that_cannot_be_read_is_no_agent(unreadable: str) -> None:
    answer = the_answer(an_event(EventKind.LIVE_ANSWER, connected_at=unreadable, ended_at=iso(60)))
    assert answer.connected_at is None
    assert is_abandoned(answer, STRICT)


def test_what_nobody_answered_and_what_a_machine_answered_is_no_live_answer() -> None:
    unanswered = [an_event(EventKind.ATTEMPT), an_event(EventKind.UNANSWERED, 20), an_event(EventKind.ENDED, 20)]
    assert answers_of(unanswered) == ()
    assert answers_of([an_event(EventKind.MACHINE), an_event(EventKind.ENDED, 5)]) == ()
    assert answers_of([an_event(EventKind.LIVE_ANSWER), an_event(EventKind.MACHINE, 1)]) == ()
    assert answers_of([]) == ()


@pytest.mark.parametrize("also_answered", [True, False])
def test_a_machine_that_was_a_person_is_an_abandoned_answer_once(*, also_answered: bool) -> None:
    events = [an_event(EventKind.MACHINE, 1.0, false_positive="true"), an_event(EventKind.ENDED, 1.5)]
    if also_answered:
        events.append(an_event(EventKind.LIVE_ANSWER))
    answer = the_answer(*events)
    assert answer.false_machine
    assert is_abandoned(answer, STRICT)
    assert is_abandoned(answer, MESSAGE)
    assert answers_of([an_event(EventKind.MACHINE, false_positive="false")]) == ()


def test_the_order_of_the_rows_and_what_is_between_them_change_nothing() -> None:
    first = events_of("a1", message=True)
    second = events_of("a2", START + timedelta(seconds=30), connected_s=1)
    told = answers_of([*first, *second])
    assert [(answer.attempt_id, answer.message_at is not None) for answer in told] == [("a1", True), ("a2", False)]
    for order in permutations([*first[1:], *second[1:3]]):
        assert answers_of(order) == told


def test_answers_without_an_attempt_of_ours_are_each_one_of_their_own() -> None:
    one = an_event(EventKind.LIVE_ANSWER, attempt_id=None)
    assert len(answers_of([one, one, replace(one, at=START + timedelta(seconds=1))])) == 3
