"""Every state against every event: the legal ones move the call, the others raise and change nothing."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.call import TRANSITIONS, Call, CallState, IllegalTransition, apply, ordered
from sip.events import (
    AgentMissing,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CallEvent,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    Dialed,
    EndedBy,
    HungUp,
    KeyPressed,
    Lost,
    OriginateFailed,
    Ringing,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import DisclosedBy

CALL = "0123456789abcdef0123456789abcdef"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
KINDS: tuple[type[CallEvent], ...] = get_args(CallEvent)
S = CallState

#: The shortest way into each state.
WAYS: dict[CallState, tuple[type[CallEvent], ...]] = {
    S.ORDERED: (),
    S.DIALING: (Dialed,),
    S.RINGING: (Dialed, Ringing),
    S.ANSWERED: (Dialed, Ringing, Answered),
    S.ANNOUNCING: (Dialed, Ringing, Answered, AnnouncementStarted),
    S.ANNOUNCED: (Dialed, Ringing, Answered, AnnouncementStarted, AnnouncementEnded),
    S.BRIDGED: (Dialed, Ringing, Answered, AnnouncementStarted, AnnouncementEnded, Bridged),
    S.UNBRIDGED: (Dialed, Ringing, Answered, AnnouncementStarted, AnnouncementEnded, Bridged, Unbridged),
    S.ABANDONING: (Dialed, Ringing, Answered, SafeHarbourStarted),
    S.ENDED: (Dialed, HungUp),
}
ANSWERED_STATES = {S.ANSWERED, S.ANNOUNCING, S.ANNOUNCED, S.BRIDGED, S.UNBRIDGED, S.ABANDONING}


def an_event(kind: type[CallEvent], at: datetime = NOON, call_id: str = CALL) -> CallEvent:
    particulars = {
        AnnouncementStarted: {"prompt": "en"},
        AnnouncementEnded: {"prompt": "en", "complete": True},
        Bridged: {"agent_id": "101"},
        Unbridged: {"agent_id": "101"},
        AgentMissing: {"agent_id": "101"},
        KeyPressed: {"digit": "9"},
        ConsentAsked: {"given": True},
        HungUp: {"cause": 16, "tech_cause": 0, "by": EndedBy.CUSTOMER, "rang": False},
        OriginateFailed: {"reason": "no such endpoint"},
    }
    return kind(call_id, at, **particulars.get(kind, {}))  # type: ignore[arg-type] # the fields of each kind are above


def a_call_in(state: CallState) -> Call:
    call = ordered(CALL, NOON)
    for kind in WAYS[state]:
        call = apply(call, an_event(kind))
    assert call.state is state
    return call


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("kind", KINDS)
def test_every_event_in_every_state_moves_the_call_or_raises_and_changes_nothing(state: CallState, kind: type[CallEvent]) -> None:
    call = a_call_in(state)
    before = dataclasses.asdict(call)
    if (state, kind) in TRANSITIONS and (state, kind) != (S.ANSWERED, Bridged):  # which is for other ways to disclose
        assert apply(call, an_event(kind)).state is TRANSITIONS[(state, kind)]
    else:
        with pytest.raises(IllegalTransition, match=f"{kind.__name__}.*{state.value}"):
            apply(call, an_event(kind))
    assert dataclasses.asdict(call) == before


def test_every_state_can_be_reached_and_left_for_the_end() -> None:
    assert set(WAYS) == set(CallState) == {CallState.ORDERED, *TRANSITIONS.values()}
    for state in CallState:
        assert apply(a_call_in(state), an_event(HungUp)).state is S.ENDED
        assert apply(a_call_in(state), an_event(Lost)).state is S.ENDED


def test_nothing_leads_out_of_the_end() -> None:
    assert {after for (state, _), after in TRANSITIONS.items() if state is S.ENDED} == {S.ENDED}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if (S.ENDED, kind) in TRANSITIONS])
def test_what_is_told_of_an_ended_call_changes_nothing_of_it(kind: type[CallEvent]) -> None:
    call = a_call_in(S.ENDED)
    assert apply(call, an_event(kind, NOON + timedelta(hours=1))) == call


@pytest.mark.parametrize(
    "kind",
    [
        *[Answered, AnnouncementStarted, AnnouncementEnded, ConsentAsked, Bridged, Unbridged, SafeHarbourStarted, KeyPressed],
        *[AgentMissing, CaptureStarted, CapturePaused, CaptureResumed],
    ],
)
def test_only_an_answered_call_is_announced_bridged_abandoned_or_pressed(kind: type[CallEvent]) -> None:
    allowed_in = {state for state, event in TRANSITIONS if event is kind} - {S.ENDED}
    assert allowed_in <= ({S.DIALING, S.RINGING} if kind is Answered else ANSWERED_STATES)


@pytest.mark.parametrize("how", DisclosedBy)
def test_nobody_is_bridged_straight_from_the_answer_whose_disclosure_comes_first(how: DisclosedBy) -> None:
    call = dataclasses.replace(a_call_in(S.ANSWERED), disclosed_by=how)
    assert (S.ANNOUNCING, Bridged) not in TRANSITIONS
    if how in {DisclosedBy.PROMPT_BEFORE, DisclosedBy.PRESS_TO_CONSENT}:
        with pytest.raises(IllegalTransition, match=r"Bridged.*answered"):
            apply(call, an_event(Bridged))
    else:
        assert apply(call, an_event(Bridged)).state is S.BRIDGED


def test_a_prompt_that_both_hear_discloses_in_the_middle_of_the_call() -> None:
    call = dataclasses.replace(a_call_in(S.ANSWERED), disclosed_by=DisclosedBy.PROMPT_JOINING)
    for kind, disclosed in ((Bridged, False), (AnnouncementStarted, False), (AnnouncementEnded, True)):
        call = apply(call, an_event(kind))
        assert (call.state, call.disclosed) == (S.BRIDGED, disclosed)


def test_keys_pressed_while_the_recording_is_paused_are_not_kept() -> None:
    call = a_call_in(S.BRIDGED)
    for kind in (KeyPressed, CapturePaused, KeyPressed, KeyPressed, CaptureResumed, KeyPressed):
        call = apply(call, an_event(kind))
    assert call.keys == "99"


def test_a_prompt_heard_again_after_a_transfer_keeps_the_time_of_the_first() -> None:
    call = apply(a_call_in(S.UNBRIDGED), an_event(AnnouncementStarted, NOON + timedelta(seconds=9)))
    call = apply(call, an_event(AnnouncementEnded, NOON + timedelta(seconds=12)))
    assert (call.announcement_at, call.announced_at, call.state) == (NOON, NOON, S.ANNOUNCED)


def test_an_event_of_another_call_is_refused() -> None:
    with pytest.raises(ValueError, match="another"):
        apply(ordered(CALL, NOON), an_event(Dialed, call_id="another"))


@pytest.mark.parametrize("state", CallState)
def test_a_lost_call_counts_as_one_that_may_have_rung(state: CallState) -> None:
    if state is not S.ENDED:
        lost = apply(a_call_in(state), an_event(Lost))
        assert lost.rang
        assert lost.ended_by is EndedBy.UNKNOWN


def test_a_call_that_rang_still_rang_when_its_hangup_does_not_know() -> None:
    assert apply(a_call_in(S.RINGING), an_event(HungUp)).rang
    assert not apply(a_call_in(S.DIALING), an_event(HungUp)).rang


def test_an_agent_who_comes_after_the_abandonment_message_began_does_not_undo_it() -> None:
    call = apply(a_call_in(S.ABANDONING), an_event(AnnouncementStarted, NOON + timedelta(seconds=1)))
    call = apply(call, an_event(AnnouncementEnded, NOON + timedelta(seconds=2)))
    call = apply(call, an_event(Bridged, NOON + timedelta(seconds=3)))
    assert call.abandoned


def test_a_customer_left_by_the_agent_is_not_abandoned_when_a_transfer_fails() -> None:
    call = apply(a_call_in(S.UNBRIDGED), an_event(SafeHarbourStarted, NOON + timedelta(seconds=9)))
    assert not call.abandoned


@st.composite
def lives(draw: st.DrawFn) -> list[Call]:
    """A call after each step of a random legal life, events a second apart."""
    call = ordered(CALL, NOON, draw(st.sampled_from(DisclosedBy)))
    steps = [call]
    for second in range(draw(st.integers(1, 25))):
        legal = sorted((kind for state, kind in TRANSITIONS if state is call.state), key=lambda kind: kind.__name__)
        if call.state is S.ANSWERED and call.disclosed_by.comes_first:
            legal.remove(Bridged)
        call = apply(call, an_event(draw(st.sampled_from(legal)), NOON + timedelta(seconds=second + 1)))
        steps.append(call)
    return steps


@given(lives())
def test_times_are_in_the_order_of_a_life(steps: list[Call]) -> None:
    call = steps[-1]
    order = [call.ordered_at, call.dialed_at, call.ringing_at, call.answered_at]
    first = [at for at in order if at is not None]
    assert first == sorted(first)
    later = [call.announcement_at, call.announced_at, call.bridged_at, call.unbridged_at, call.safe_harbour_at]
    told = [at for at in later if at is not None]
    assert all(call.answered_at is not None and call.answered_at <= at for at in told)
    assert all(call.ended_at is None or at <= call.ended_at for at in (*first, *told))


@given(lives())
def test_a_bridged_call_was_answered_before(steps: list[Call]) -> None:
    for call in steps:
        if call.bridged_at is not None:
            assert call.answered_at is not None
            assert call.answered_at < call.bridged_at
            assert call.agent_id is not None


@given(lives())
def test_what_has_happened_is_never_unsaid(steps: list[Call]) -> None:
    kept = ("dialed_at", "ringing_at", "answered_at", "bridged_at", "ended_at")
    for before, after in itertools.pairwise(steps):
        assert before.rang <= after.rang
        assert all(getattr(before, name) is None or getattr(before, name) == getattr(after, name) for name in kept)
        assert after.keys.startswith(before.keys)


@given(lives())
def test_the_end_is_the_end(steps: list[Call]) -> None:
    ended = [call for call in steps if call.state is S.ENDED]
    assert all(call == ended[0] for call in ended)
    assert steps[len(steps) - len(ended) :] == ended
