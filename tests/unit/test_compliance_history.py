"""The past as a candidate's keys see it: every event that shares them, in any order of asking, and none of another owner."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.facts import RANG, EventKind, Facts, LedgerEvent
from compliance.history import History
from compliance.rules import Key
from compliance.verdict import Candidate

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOME, MOBILE = "+12125550100", "+19175550101"
CALL = Candidate("now", "ann", HOME, "spring", "acme", "solar", debt="d1")

KINDS = (EventKind.ATTEMPT, EventKind.CONVERSATION, EventKind.NOT_RUNG, EventKind.REASSIGNED, EventKind.UNANSWERED)
events = st.builds(
    LedgerEvent,
    kind=st.sampled_from(KINDS),
    at=st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    person=st.sampled_from(("ann", "bob", "")),
    number=st.sampled_from((HOME, MOBILE)),
    campaign=st.sampled_from(("spring", "autumn", "")),
    seller=st.sampled_from(("acme", "other", "")),
    subject=st.sampled_from(("solar", "")),
    attempt_id=st.sampled_from((None, "a1", "a2")),
    debt=st.sampled_from(("d1", "d2", "")),
)
pasts = st.lists(events, max_size=12).map(tuple)
keys = st.lists(st.sampled_from(Key), max_size=3, unique=True).map(tuple)


def an_event(kind: EventKind, person: str = "ann", number: str = HOME, at: datetime = NOON) -> LedgerEvent:
    return LedgerEvent(kind, at, person, number, "spring", "acme", "solar", "a1")


def owner(event: LedgerEvent, past: tuple[LedgerEvent, ...]) -> int:
    """How often the number had been reassigned by then."""
    return sum(one.kind is EventKind.REASSIGNED and one.number == event.number and one.at <= event.at for one in past)


def latest(number: str, past: tuple[LedgerEvent, ...]) -> int:
    return sum(one.kind is EventKind.REASSIGNED and one.number == number for one in past)


def is_same(key: Key, event: LedgerEvent, facts: Facts, call: Candidate) -> bool:
    """The definition, one event and one part of the key at a time."""
    past = facts.events
    if key is Key.NUMBER:
        return event.number == call.number and owner(event, past) == latest(call.number, past)
    if key is Key.PERSON:
        reached = {(one.number, owner(one, past)) for one in past if one.person == call.person}
        reached |= {(number, latest(number, past)) for number in (call.number, *facts.numbers)}
        return event.person == call.person or (event.number, owner(event, past)) in reached
    known = {getattr(event, key.value), getattr(call, key.value)}
    return "" in known or len(known) == 1


@settings(deadline=None, max_examples=300)
@given(pasts, st.lists(st.tuples(st.sampled_from(KINDS), keys), min_size=1, max_size=5), st.sampled_from(((), (MOBILE,))))
def test_whatever_was_asked_before_the_events_are_those_that_share_every_part_of_the_key(
    past: tuple[LedgerEvent, ...], asked: list[tuple[EventKind, tuple[Key, ...]]], numbers: tuple[str, ...]
) -> None:
    facts = Facts(past, numbers=numbers)
    history = History(CALL, facts)
    for kind, parts in asked:
        wanted = [one for one in past if one.kind is kind and all(is_same(key, one, facts, CALL) for key in parts)]
        assert history.sharing(kind, parts) == wanted


@settings(deadline=None)
@given(pasts, st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
def test_the_times_of_a_kind_are_of_everybody_the_latest_first_and_sorted_once(
    past: tuple[LedgerEvent, ...], asked: list[EventKind]
) -> None:
    history = History(CALL, Facts(past))
    for kind in asked:
        assert list(history.times(kind)) == sorted((one.at for one in past if one.kind is kind), reverse=True)
        assert history.times(kind) is history.times(kind)


@settings(deadline=None, max_examples=200)
@given(pasts)
def test_an_attempt_is_silent_only_if_nothing_says_that_it_rang(past: tuple[LedgerEvent, ...]) -> None:
    said = {one.attempt_id for one in past if one.kind is EventKind.NOT_RUNG and one.attempt_id}
    rang = {one.attempt_id for one in past if one.kind in RANG}
    assert History(CALL, Facts(past)).silent == said - rang


def test_what_the_owner_before_did_on_a_number_is_not_of_the_next() -> None:
    before = an_event(EventKind.ATTEMPT, person="bob", at=NOON - timedelta(days=2))
    passed_on = an_event(EventKind.REASSIGNED, person="", at=NOON - timedelta(days=1))
    assert History(CALL, Facts((before,))).sharing(EventKind.ATTEMPT, (Key.PERSON,)) == [before]
    assert History(CALL, Facts((before, passed_on))).sharing(EventKind.ATTEMPT, (Key.PERSON,)) == []


@pytest.mark.parametrize("key", list(Key))
def test_every_key_is_a_field_of_the_call_and_of_the_event(key: Key) -> None:
    assert isinstance(getattr(CALL, key), str)
    assert isinstance(getattr(an_event(EventKind.ATTEMPT), key), str)
