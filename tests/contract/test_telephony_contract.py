"""What every Telephony promises the floor: one suite over the simulator and over a real Asterisk.

Besides its own claim each test ends by folding all events of each call through `call.apply`: no adapter may tell a call a
life that the transition table does not know.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from config.ids import new_id
from sip.call import Call, apply, ordered
from sip.carrier import Behaviour
from sip.causes import SystemDisposition, disposition_of
from sip.events import (
    AgentEvent,
    AgentLegDown,
    AgentMissing,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    Dialed,
    EndedBy,
    HungUp,
    KeyPressed,
    LiveAgent,
    LiveCall,
    LivePhase,
    OriginateFailed,
    PbxDown,
    PbxEvent,
    PbxUp,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import DialOrder, DisclosedBy, PbxUnavailable, RecordedFrom
from tests.contract.harness import Harness, order, out_of_view_and_back, wait_for

HOW: dict[str, DisclosedBy] = {}  # call id -> how its order has it disclosed


@pytest.fixture(autouse=True)
def _legal_lives(harness: Harness) -> Iterator[None]:
    yield
    for call_id in {event.call_id for event in harness.events if not isinstance(event, AgentEvent | PbxEvent)}:
        life(harness, call_id)


def life(harness: Harness, call_id: str) -> Call:
    """The call after all its events so far. Raises IllegalTransition."""
    call = ordered(call_id, harness.clock.now(), HOW.get(call_id, DisclosedBy.PROMPT_BEFORE))
    for event in harness.events:
        if not isinstance(event, AgentEvent | PbxEvent) and event.call_id == call_id:
            call = apply(call, event)
    return call


def in_view(harness: Harness) -> PbxUp:
    return wait_for(harness, PbxUp)


def answered(harness: Harness, behaviour: Behaviour = Behaviour.TALKS) -> str:
    """Rings somebody who answers; returns the call once it is answered."""
    dial = order(harness, behaviour)
    harness.telephony.originate(dial)
    return wait_for(harness, Answered, dial.call_id).call_id


def bridged(harness: Harness, agent_id: str, behaviour: Behaviour = Behaviour.TALKS) -> str:
    """Rings somebody who answers and joins them to the agent."""
    call_id = answered(harness, behaviour)
    harness.telephony.connect(call_id, agent_id)
    wait_for(harness, Bridged, call_id)
    return call_id


def disclosed_otherwise(harness: Harness, how: DisclosedBy, behaviour: Behaviour = Behaviour.TALKS, **said: Any) -> DialOrder:
    """Rings somebody who is to be disclosed to in another way; returns the order once they have answered."""
    dial = order(harness, behaviour, disclosed_by=how, **said)
    HOW[dial.call_id] = how
    harness.telephony.originate(dial)
    wait_for(harness, Answered, dial.call_id)
    return dial


def told(harness: Harness, call_id: str, *kinds: type[Any]) -> list[type[Any]]:
    """The events of these kinds about the call, in order."""
    return [type(event) for event in harness.events if isinstance(event, kinds) and getattr(event, "call_id", "") == call_id]


def wait_until_told(harness: Harness, call_id: str, *counts: tuple[type[Any], int]) -> None:
    """Waits until each kind was told so often of the call, in whatever order: the PBX has two ways to tell."""
    while any(len(told(harness, call_id, kind)) < times for kind, times in counts):
        harness.next_event()


NOBODY = "103"  # an agent who is never logged in


def test_the_first_event_is_the_pbx_coming_into_view_without_calls(harness: Harness) -> None:
    first = harness.next_event()
    assert isinstance(first, PbxUp)
    assert first.calls == ()


@pytest.mark.parametrize(
    ("behaviour", "cause", "status", "rang", "expected"),
    [
        (Behaviour.BUSY, 17, 486, False, SystemDisposition.BUSY),
        (Behaviour.UNAVAILABLE, 19, 480, False, SystemDisposition.NO_ANSWER),
        (Behaviour.UNOBTAINABLE, 1, 404, False, SystemDisposition.INVALID_NUMBER),
        (Behaviour.REJECTS, 21, 603, True, SystemDisposition.REJECTED),
        (Behaviour.CONGESTED, 34, 503, False, SystemDisposition.CONGESTION),
        (Behaviour.RINGS_OUT, 19, 480, True, SystemDisposition.NO_ANSWER),
    ],
)
def test_a_call_that_nobody_answers_ends_with_the_cause_of_its_kind(
    harness: Harness, behaviour: Behaviour, cause: int, status: int, rang: bool, expected: SystemDisposition
) -> None:
    in_view(harness)
    dial = order(harness, behaviour, ring_for=timedelta(seconds=3))
    harness.telephony.originate(dial)
    ended = wait_for(harness, HungUp, dial.call_id)
    assert (ended.cause, ended.tech_cause, ended.by, ended.rang) == (cause, status, EndedBy.NETWORK, rang)
    call = life(harness, dial.call_id)
    assert call.dialed_at is not None
    assert (call.ringing_at is not None) is rang
    assert call.answered_at is None
    assert disposition_of(call.hangup_cause, call.tech_cause, rang=call.rang) is expected


def test_an_order_by_a_trunk_that_does_not_exist_fails_without_a_leg(harness: Harness) -> None:
    in_view(harness)
    dial = order(harness, Behaviour.TALKS, trunk="nowhere")
    harness.telephony.originate(dial)
    wait_for(harness, OriginateFailed, dial.call_id)
    call = life(harness, dial.call_id)
    assert call.dialed_at is None
    assert not call.rang


def test_an_answered_customer_whom_nobody_takes_hears_the_abandonment_message_to_its_end(harness: Harness) -> None:
    in_view(harness)
    call_id = answered(harness)
    wait_for(harness, SafeHarbourStarted, call_id)
    wait_for(harness, SafeHarbourEnded, call_id)
    assert wait_for(harness, HungUp, call_id).by is EndedBy.FLOOR
    assert life(harness, call_id).abandoned


def test_a_customer_may_be_abandoned_before_the_wait_is_over(harness: Harness) -> None:
    in_view(harness)
    call_id = answered(harness)
    harness.telephony.abandon(call_id)
    wait_for(harness, SafeHarbourStarted, call_id)
    wait_for(harness, HungUp, call_id)
    call = life(harness, call_id)
    assert call.answered_at is not None
    assert call.safe_harbour_at is not None
    assert call.safe_harbour_at - call.answered_at < timedelta(seconds=2)


def test_a_connected_customer_hears_the_whole_disclosure_and_then_the_agent(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    dial = order(harness, Behaviour.TALKS)
    harness.telephony.originate(dial)
    wait_for(harness, Answered, dial.call_id)
    harness.telephony.connect(dial.call_id, "101")
    assert wait_for(harness, AnnouncementStarted, dial.call_id).prompt == dial.disclosure
    assert wait_for(harness, AnnouncementEnded, dial.call_id).complete
    assert wait_for(harness, Bridged, dial.call_id).agent_id == "101"
    harness.telephony.hang_up(dial.call_id)
    assert wait_for(harness, Unbridged, dial.call_id).agent_id == "101"
    assert wait_for(harness, HungUp, dial.call_id).by is EndedBy.FLOOR
    call = life(harness, dial.call_id)
    assert call.disclosed
    assert not call.abandoned


def test_an_agent_serves_one_customer_after_another_on_one_leg(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    for _ in range(2):
        call_id = bridged(harness, "101")
        harness.telephony.hang_up(call_id)
        wait_for(harness, HungUp, call_id)
    assert not [event for event in harness.events if isinstance(event, AgentLegDown)]


def test_a_customer_who_hangs_up_on_the_agent_has_ended_the_call(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    call_id = bridged(harness, "101", Behaviour.HANGS_UP_AFTER_5S)
    assert wait_for(harness, HungUp, call_id).by is EndedBy.CUSTOMER
    call = life(harness, call_id)
    assert call.bridged_at is not None
    assert call.unbridged_at is not None
    assert call.bridged_at < call.unbridged_at


def test_a_customer_who_hangs_up_at_once_is_neither_bridged_nor_abandoned(harness: Harness) -> None:
    in_view(harness)
    call_id = answered(harness, Behaviour.HANGS_UP_AT_ONCE)
    assert wait_for(harness, HungUp, call_id).by is EndedBy.CUSTOMER
    call = life(harness, call_id)
    assert not call.abandoned
    assert call.bridged_at is None


def test_the_leaving_agent_takes_the_customer_off_the_line(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    call_id = bridged(harness, "101")
    harness.agent_out("101")
    assert wait_for(harness, HungUp, call_id).by is EndedBy.FLOOR
    assert life(harness, call_id).unbridged_at is not None
    if not any(isinstance(event, AgentLegDown) for event in harness.events):
        wait_for(harness, AgentLegDown, agent_id="101")


def test_a_transferred_customer_is_not_disclosed_to_again(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    harness.agent_in("102")
    call_id = bridged(harness, "101")
    harness.telephony.connect(call_id, "102")
    assert wait_for(harness, Unbridged, call_id).agent_id == "101"
    assert wait_for(harness, Bridged, call_id).agent_id == "102"
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)
    assert len([event for event in harness.events if isinstance(event, AnnouncementStarted)]) == 1


def test_a_customer_for_an_agent_who_is_gone_waits_for_another(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("102")
    call_id = answered(harness)
    harness.telephony.connect(call_id, NOBODY)
    assert wait_for(harness, AgentMissing, call_id).agent_id == NOBODY
    harness.telephony.connect(call_id, "102")
    assert wait_for(harness, Bridged, call_id).agent_id == "102"
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)
    assert len([event for event in harness.events if isinstance(event, AnnouncementStarted)]) == 1


def test_a_customer_for_an_agent_who_is_gone_is_abandoned_when_no_other_is_named(harness: Harness) -> None:
    in_view(harness)
    call_id = answered(harness)
    harness.telephony.connect(call_id, NOBODY)
    wait_for(harness, AgentMissing, call_id)
    wait_for(harness, SafeHarbourStarted, call_id)
    wait_for(harness, HungUp, call_id)
    assert life(harness, call_id).abandoned


def test_a_customer_given_to_another_agent_during_the_prompt_meets_that_agent(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("102")
    call_id = answered(harness)
    harness.telephony.connect(call_id, NOBODY)
    wait_for(harness, AnnouncementStarted, call_id)
    harness.telephony.connect(call_id, "102")
    assert wait_for(harness, Bridged, call_id).agent_id == "102"
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)
    call = life(harness, call_id)
    assert call.disclosed
    assert not any(isinstance(event, AgentMissing) for event in harness.events)


def test_a_key_that_the_customer_presses_is_told(harness: Harness) -> None:
    in_view(harness)
    call_id = answered(harness, Behaviour.PRESSES_9)
    assert wait_for(harness, KeyPressed, call_id).digit == "9"
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)


def test_a_ringing_call_that_we_give_up_is_ended_by_the_floor(harness: Harness) -> None:
    in_view(harness)
    dial = order(harness, Behaviour.RINGS_OUT)
    harness.telephony.originate(dial)
    wait_for(harness, Ringing, dial.call_id)
    harness.telephony.hang_up(dial.call_id)
    ended = wait_for(harness, HungUp, dial.call_id)
    assert (ended.by, ended.rang) == (EndedBy.FLOOR, True)


def test_orders_about_calls_that_are_gone_do_nothing(harness: Harness) -> None:
    in_view(harness)
    dial = order(harness, Behaviour.BUSY)
    harness.telephony.originate(dial)
    wait_for(harness, HungUp, dial.call_id)
    for call_id in (dial.call_id, new_id(harness.clock.now())):
        harness.telephony.connect(call_id, "101")
        harness.telephony.abandon(call_id)
        harness.telephony.hang_up(call_id)
    later = order(harness, Behaviour.BUSY)
    harness.telephony.originate(later)
    wait_for(harness, HungUp, later.call_id)
    ended = [event for event in harness.events if isinstance(event, HungUp)]
    assert [event.call_id for event in ended] == [dial.call_id, later.call_id]


def test_one_order_given_twice_rings_once(harness: Harness) -> None:
    in_view(harness)
    dial = order(harness, Behaviour.RINGS_OUT)
    harness.telephony.originate(dial)
    wait_for(harness, Ringing, dial.call_id)
    harness.telephony.originate(dial)
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    proof = order(harness, Behaviour.BUSY)
    harness.telephony.originate(proof)
    wait_for(harness, HungUp, proof.call_id)
    assert [event.call_id for event in harness.events if isinstance(event, Dialed)] == [dial.call_id, proof.call_id]


def test_an_expired_permit_rings_nobody(harness: Harness) -> None:
    in_view(harness)
    dial = order(harness, Behaviour.BUSY)
    expired = replace(dial, permit=replace(dial.permit, expires_at=harness.clock.now()))
    with pytest.raises(ValueError, match=dial.permit.permit_id):
        harness.telephony.originate(expired)
    proof = order(harness, Behaviour.BUSY)
    harness.telephony.originate(proof)
    wait_for(harness, HungUp, proof.call_id)
    assert [event.call_id for event in harness.events if isinstance(event, Dialed)] == [proof.call_id]


def test_out_of_view_nothing_is_originated(harness: Harness) -> None:
    in_view(harness)
    harness.cut()
    wait_for(harness, PbxDown)
    with pytest.raises(PbxUnavailable):
        harness.telephony.originate(order(harness, Behaviour.BUSY))
    harness.mend()
    in_view(harness)
    proof = order(harness, Behaviour.BUSY)
    harness.telephony.originate(proof)
    wait_for(harness, HungUp, proof.call_id)
    assert [event.call_id for event in harness.events if isinstance(event, Dialed)] == [proof.call_id]


def test_what_is_alive_is_found_again_after_a_gap_and_can_be_ordered_about(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    ringing = order(harness, Behaviour.RINGS_OUT, ring_for=timedelta(seconds=60))
    harness.telephony.originate(ringing)
    wait_for(harness, Ringing, ringing.call_id)
    talking = bridged(harness, "101")
    up = out_of_view_and_back(harness)
    assert set(up.calls) == {LiveCall(ringing.call_id, LivePhase.RINGING), LiveCall(talking, LivePhase.BRIDGED, "101")}
    assert LiveAgent("101", proven=True) in up.agents
    for call_id in (ringing.call_id, talking):
        harness.telephony.hang_up(call_id)
        wait_for(harness, HungUp, call_id)


def test_a_call_that_ends_out_of_view_is_not_among_the_living(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    call_id = bridged(harness, "101")
    harness.cut()
    harness.agent_out("101")
    harness.mend()
    up = wait_for(harness, PbxUp)
    assert call_id not in {call.call_id for call in up.calls}
    assert "101" not in {agent.agent_id for agent in up.agents}


# How it is recorded and disclosed


def test_a_recording_is_paused_and_goes_on_by_order_and_both_are_confirmed(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    call_id = bridged(harness, "101")
    harness.telephony.pause(call_id)
    paused = wait_for(harness, CapturePaused, call_id)
    assert life(harness, call_id).paused
    harness.telephony.resume(call_id)
    assert wait_for(harness, CaptureResumed, call_id).at >= paused.at
    assert not life(harness, call_id).paused
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)


def test_a_prompt_as_the_agent_joins_begins_when_both_are_there(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    harness.agent_in("102")
    dial = disclosed_otherwise(harness, DisclosedBy.PROMPT_JOINING)
    harness.telephony.connect(dial.call_id, "101")
    assert wait_for(harness, Bridged, dial.call_id).agent_id == "101"
    assert wait_for(harness, AnnouncementStarted, dial.call_id).prompt == dial.disclosure
    assert wait_for(harness, AnnouncementEnded, dial.call_id).complete
    call = life(harness, dial.call_id)
    assert call.disclosed
    assert call.bridged_at is not None
    assert call.answered_at is not None
    assert call.bridged_at - call.answered_at < timedelta(seconds=2)
    harness.telephony.connect(dial.call_id, "102")
    assert wait_for(harness, Bridged, dial.call_id).agent_id == "102"
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    assert told(harness, dial.call_id, AnnouncementStarted) == [AnnouncementStarted]


def test_a_prompt_for_both_is_over_when_the_customer_leaves_and_the_agent_is_free_at_once(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    dial = disclosed_otherwise(harness, DisclosedBy.PROMPT_JOINING)
    harness.telephony.connect(dial.call_id, "101")
    wait_for(harness, AnnouncementStarted, dial.call_id)
    later = disclosed_otherwise(harness, DisclosedBy.SPOKEN)
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    harness.telephony.connect(later.call_id, "101")
    assert wait_for(harness, Bridged, later.call_id).agent_id == "101"
    harness.telephony.hang_up(later.call_id)
    wait_for(harness, HungUp, later.call_id)
    assert not told(harness, dial.call_id, AnnouncementEnded)
    assert not any(isinstance(event, AgentMissing) for event in harness.events)


def test_an_agent_who_says_it_is_joined_at_once_and_nothing_is_played(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("102")
    dial = disclosed_otherwise(harness, DisclosedBy.SPOKEN)
    harness.telephony.connect(dial.call_id, NOBODY)
    assert wait_for(harness, AgentMissing, dial.call_id).agent_id == NOBODY
    harness.telephony.connect(dial.call_id, "102")
    assert wait_for(harness, Bridged, dial.call_id).agent_id == "102"
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    assert not told(harness, dial.call_id, AnnouncementStarted, AnnouncementEnded)


def test_who_presses_the_key_consents_and_is_joined(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    dial = disclosed_otherwise(harness, DisclosedBy.PRESS_TO_CONSENT, Behaviour.PRESSES_1, recorded_from=RecordedFrom.CONSENT)
    harness.telephony.connect(dial.call_id, "101")
    wait_until_told(harness, dial.call_id, (ConsentAsked, 1), (Bridged, 1))
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    assert [event.given for event in harness.events if isinstance(event, ConsentAsked)] == [True]
    steps = (AnnouncementStarted, AnnouncementEnded, Bridged)
    assert told(harness, dial.call_id, *steps) == list(steps)


@pytest.mark.parametrize("ends", [True, False])
def test_who_presses_nothing_is_hung_up_or_joined_unrecorded(harness: Harness, ends: bool) -> None:
    in_view(harness)
    harness.agent_in("101")
    dial = disclosed_otherwise(harness, DisclosedBy.PRESS_TO_CONSENT, recorded_from=RecordedFrom.CONSENT, ends_unconsented=ends)
    harness.telephony.connect(dial.call_id, "101")
    wait_until_told(harness, dial.call_id, (ConsentAsked, 1), (Bridged, 0 if ends else 1))
    assert [event.given for event in harness.events if isinstance(event, ConsentAsked)] == [False]
    if not ends:
        harness.telephony.hang_up(dial.call_id)
    assert wait_for(harness, HungUp, dial.call_id).by is EndedBy.FLOOR
    assert (life(harness, dial.call_id).bridged_at is None) is ends


def test_a_customer_hears_the_prompt_again_before_another_agent_where_that_is_ordered(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    harness.agent_in("102")
    call_id = bridged(harness, "101")
    harness.telephony.connect(call_id, "102", announce_again=True)
    wait_for(harness, AnnouncementStarted, call_id)
    assert wait_for(harness, AnnouncementEnded, call_id).complete
    assert wait_for(harness, Bridged, call_id).agent_id == "102"
    harness.telephony.hang_up(call_id)
    wait_for(harness, HungUp, call_id)
    assert told(harness, call_id, AnnouncementStarted) == [AnnouncementStarted] * 2


def test_a_call_that_waits_for_the_order_is_recorded_from_then_on(harness: Harness) -> None:
    in_view(harness)
    harness.agent_in("101")
    dial = disclosed_otherwise(harness, DisclosedBy.PROMPT_BEFORE, recorded_from=RecordedFrom.ORDER)
    harness.telephony.connect(dial.call_id, "101")
    wait_for(harness, Bridged, dial.call_id)
    harness.telephony.record(dial.call_id, "101")
    wait_until_told(harness, dial.call_id, (CaptureStarted, 1), (Bridged, 2))
    harness.telephony.hang_up(dial.call_id)
    wait_for(harness, HungUp, dial.call_id)
    assert told(harness, dial.call_id, AnnouncementStarted) == [AnnouncementStarted]
