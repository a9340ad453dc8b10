"""Every way an attempt may end has a name and a next step for the lead."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.dispositions import (
    AGENT_DISPOSITIONS,
    RECYCLE,
    WRAP_UP_KEYS,
    Disposition,
    LeadState,
    NumberFate,
    plan,
    system_disposition,
)
from sip import call as calls
from sip.call import TRANSITIONS, Call, CallState
from sip.causes import BY_Q850, BY_SIP_STATUS, SystemDisposition
from sip.events import Bridged, CallEvent, EndedBy, HungUp, Lost, OriginateFailed
from sip.port import DisclosedBy
from tests.dialer_floor import START, a_call, at

NUMBERS = ("+12125550101", "+12125550102")
ENDED = CallState.ENDED


def test_every_disposition_has_a_recycle_rule() -> None:
    assert RECYCLE.keys() == set(Disposition)


def test_every_word_of_the_network_is_a_disposition_of_ours() -> None:
    assert {word.value for word in SystemDisposition} <= {disposition.value for disposition in Disposition}


def test_what_an_agent_may_say_is_not_what_the_system_says() -> None:
    said = {"sale", "callback", "not_interested", "wrong_number", "do_not_call"}
    assert {disposition.value for disposition in AGENT_DISPOSITIONS} == said
    assert not said & {word.value for word in SystemDisposition}


def test_the_keys_that_end_a_wrap_up_or_a_call_give_no_verdict() -> None:
    assert not {"#", "*", "0"} & WRAP_UP_KEYS.keys()


@pytest.mark.parametrize(
    ("call", "disposition"),
    [
        (a_call(state=ENDED, bridged_at=at(9), answered_at=at(5), ended_by=EndedBy.CUSTOMER), "not_given"),
        (a_call(state=ENDED, bridged_at=at(9), answered_at=at(5), ended_by=EndedBy.UNKNOWN), "not_given"),
        (a_call(state=ENDED, bridged_at=at(9), answered_at=at(5), safe_harbour_at=at(7)), "not_given"),
        (a_call(state=ENDED, answered_at=at(5), safe_harbour_at=at(7), ended_by=EndedBy.FLOOR), "abandoned"),
        (a_call(state=ENDED, answered_at=at(5), safe_harbour_at=at(7), ended_by=EndedBy.UNKNOWN), "abandoned"),
        (a_call(state=ENDED, answered_at=at(5), announced_at=at(6), safe_harbour_at=at(7)), "abandoned"),
        (a_call(state=ENDED, ended_by=EndedBy.UNKNOWN, rang=True), "unknown"),
        (a_call(state=ENDED, answered_at=at(5), ended_by=EndedBy.UNKNOWN), "unknown"),
        (a_call(state=ENDED, answered_at=at(5), ended_by=EndedBy.CUSTOMER), "customer_hung_up"),
        (
            a_call(state=ENDED, answered_at=at(5), announced_at=at(6), disclosed=True, ended_by=EndedBy.CUSTOMER),
            "customer_hung_up",
        ),
        (a_call(state=ENDED, answered_at=at(5), announced_at=at(6), ended_by=EndedBy.CUSTOMER), "not_disclosed"),
        (a_call(state=ENDED, failure="no route", ended_by=EndedBy.NETWORK), "failed"),
        (a_call(state=ENDED, hangup_cause=17, tech_cause=486, ended_by=EndedBy.NETWORK), "busy"),
        (a_call(state=ENDED, hangup_cause=19, tech_cause=480, rang=True, ended_by=EndedBy.NETWORK), "no_answer"),
        (a_call(state=ENDED, hangup_cause=1, tech_cause=404, ended_by=EndedBy.NETWORK), "invalid_number"),
        (a_call(state=ENDED, hangup_cause=21, tech_cause=603, rang=True, ended_by=EndedBy.NETWORK), "rejected"),
        (a_call(state=ENDED, hangup_cause=34, tech_cause=503, ended_by=EndedBy.NETWORK), "congestion"),
        (a_call(state=ENDED, hangup_cause=16, tech_cause=0, rang=True, ended_by=EndedBy.FLOOR), "no_answer"),
        (a_call(state=ENDED, hangup_cause=16, tech_cause=0, rang=False, ended_by=EndedBy.FLOOR), "failed"),
    ],
)
def test_how_a_call_ended_that_nobody_judged(call: Call, disposition: str) -> None:
    assert system_disposition(call).value == disposition


@given(st.data())
def test_every_call_that_can_be_has_a_disposition_that_fits_it(data: st.DataObject) -> None:
    """Walks the table of transitions to the end of a call, with any cause, and looks at what is left."""
    call = calls.ordered("c1", START, data.draw(st.sampled_from(DisclosedBy)))
    for second in range(1, 40):
        able = sorted((kind for state, kind in TRANSITIONS if state is call.state), key=lambda kind: kind.__name__)
        if call.state is CallState.ANSWERED and call.disclosed_by.comes_first:
            able.remove(Bridged)
        kind = data.draw(st.sampled_from(able))
        call = calls.apply(call, _event(data, kind, second))
        if call.state is ENDED:
            break
    else:
        call = calls.apply(call, Lost("c1", at(40)))
    disposition = system_disposition(call)
    assert disposition in RECYCLE
    assert disposition not in AGENT_DISPOSITIONS
    assert (disposition is Disposition.NOT_GIVEN) == (call.bridged_at is not None)
    if call.answered_at is not None:
        assert disposition.value not in {one.value for one in SystemDisposition} or disposition is Disposition.ABANDONED
    if disposition is Disposition.ABANDONED:
        assert call.safe_harbour_at is not None
    if disposition is Disposition.INVALID_NUMBER:
        assert call.tech_cause in BY_SIP_STATUS or call.hangup_cause in BY_Q850


def _event(data: st.DataObject, kind: type, second: int) -> CallEvent:
    more: dict[str, object] = {
        "prompt": "house-en",
        "complete": data.draw(st.booleans()),
        "agent_id": "ann",
        "digit": "9",
        "cause": data.draw(st.sampled_from([0, 1, 16, 17, 19, 34, 44, 127])),
        "tech_cause": data.draw(st.sampled_from([0, 404, 480, 486, 503, 603, 699])),
        "by": data.draw(st.sampled_from(EndedBy)),
        "rang": data.draw(st.booleans()),
        "reason": "no route",
    }
    fields = {name: value for name, value in more.items() if name in kind.__dataclass_fields__}  # type: ignore[attr-defined] # events are dataclasses
    event: CallEvent = kind("c1", at(second), **fields)
    return event


def test_the_walk_above_can_end_in_every_way() -> None:
    assert {kind for (state, kind), to in TRANSITIONS.items() if to is ENDED and state is not ENDED} == {
        HungUp,
        Lost,
        OriginateFailed,
    }


@pytest.mark.parametrize(
    ("disposition", "after"),
    [
        ("busy", timedelta(minutes=15)),
        ("no_answer", timedelta(hours=4)),
        ("congestion", timedelta(minutes=5)),
        ("abandoned", timedelta(hours=72)),
        ("unknown", timedelta(days=1)),
        ("callback", timedelta(days=1)),
    ],
)
def test_a_lead_rests_after_an_attempt(disposition: str, after: timedelta) -> None:
    found = plan(Disposition(disposition), numbers=NUMBERS, dialed=NUMBERS[0], attempts=1, max_attempts=3, now=START)
    assert (found.state, found.next_at, found.numbers) == (LeadState.READY, START + after, (NUMBERS[1], NUMBERS[0]))


@pytest.mark.parametrize("disposition", ["sale", "not_interested", "do_not_call"])
def test_a_lead_is_done_after_the_last_word(disposition: str) -> None:
    found = plan(Disposition(disposition), numbers=NUMBERS, dialed=NUMBERS[0], attempts=1, max_attempts=3, now=START)
    assert (found.state, found.next_at, found.reason) == (LeadState.DONE, None, disposition)


@pytest.mark.parametrize("disposition", ["invalid_number", "wrong_number"])
def test_a_number_that_is_not_theirs_is_dropped_and_the_next_one_tried_at_once(disposition: str) -> None:
    found = plan(Disposition(disposition), numbers=NUMBERS, dialed=NUMBERS[0], attempts=1, max_attempts=3, now=START)
    assert (found.state, found.next_at, found.numbers) == (LeadState.READY, START, NUMBERS[1:])


def test_the_last_number_is_kept_on_record_when_it_does_not_exist() -> None:
    found = plan(Disposition.INVALID_NUMBER, numbers=NUMBERS[:1], dialed=NUMBERS[0], attempts=1, max_attempts=3, now=START)
    assert (found.state, found.numbers) == (LeadState.DONE, NUMBERS[:1])
    assert "no other number" in found.reason


def test_the_last_attempt_exhausts_the_lead_and_the_one_before_does_not() -> None:
    last = plan(Disposition.BUSY, numbers=NUMBERS, dialed=NUMBERS[0], attempts=3, max_attempts=3, now=START)
    assert (last.state, last.next_at, last.reason) == (LeadState.EXHAUSTED, None, "busy: attempt 3 of 3")
    assert (
        plan(Disposition.BUSY, numbers=NUMBERS, dialed=NUMBERS[0], attempts=2, max_attempts=3, now=START).state is LeadState.READY
    )


@given(
    st.sampled_from(Disposition),
    st.lists(st.sampled_from([*NUMBERS, "+12125550103"]), unique=True, min_size=1),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_a_plan_says_when_or_why_not(disposition: Disposition, numbers: list[str], attempts: int, most: int) -> None:
    found = plan(disposition, numbers=tuple(numbers), dialed=numbers[0], attempts=attempts, max_attempts=most, now=START)
    assert (found.next_at is None) == (found.state is not LeadState.READY)
    assert found.next_at is None or found.next_at >= START
    assert found.reason
    assert found.numbers
    assert set(found.numbers) <= set(numbers)
    if found.state is LeadState.READY:
        assert attempts < most
        assert (numbers[0] in found.numbers) == (RECYCLE[disposition].number is NumberFate.KEEP)
