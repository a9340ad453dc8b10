"""Caps count what the law counts, over all numbers of a person, and let go at an exact instant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.caps import counted, refuse
from compliance.facts import EventKind, Facts, LedgerEvent
from compliance.history import History
from compliance.packs import CapRule, Key, Level, Origin, Source
from compliance.periods import leaves_at, parse_period
from compliance.verdict import Candidate, Reason

NEW_YORK = ("America/New_York",)
HOME, MOBILE, OFFICE = "+12125550100", "+19175550101", "+16465550102"
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)


def there(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def a_cap(period: str, limit: int = 3, event: EventKind = EventKind.ATTEMPT, key: tuple[Key, ...] = (Key.PERSON,)) -> CapRule:
    origin = Origin("test.cap", "a cite", Level.LAW, Source.PRIMARY)
    return CapRule(origin, limit, event, key, parse_period(period), period)


def a_candidate(person: str = "ann", number: str = HOME, campaign: str = "spring", subject: str = "solar") -> Candidate:
    return Candidate("now", person, number, campaign, "acme", subject)


def an_event(at: datetime, attempt_id: str = "", kind: EventKind = EventKind.ATTEMPT, number: str = HOME) -> LedgerEvent:
    return LedgerEvent(kind, at, "ann", number, "spring", "acme", "solar", attempt_id or f"a{at.timestamp()}")


def a_history(events: list[LedgerEvent], candidate: Candidate | None = None) -> History:
    return History(candidate or a_candidate(), Facts(tuple(events)))


def ask(rule: CapRule, events: list[LedgerEvent], now: datetime, candidate: Candidate | None = None) -> Reason | None:
    return refuse(rule, a_history(events, candidate), NEW_YORK, now)


def test_three_attempts_in_24_hours_wait_for_the_first_of_them() -> None:
    evening = [an_event(there(f"2026-06-15T19:{text}")) for text in ("58:00", "59:00", "59:59")]
    reason = ask(a_cap("rolling:24h"), evening, there("2026-06-16T08:00"))
    assert reason is not None
    assert reason.retry_at == there("2026-06-16T19:58:00")
    assert ask(a_cap("rolling:24h"), evening, there("2026-06-16T19:57:59")) is not None
    assert ask(a_cap("rolling:24h"), evening, there("2026-06-16T19:58:00")) is None


def test_a_calendar_day_lets_go_where_24_hours_do_not() -> None:
    evening = [an_event(there(f"2026-06-15T19:{text}")) for text in ("58:00", "59:00", "59:59")]
    assert ask(a_cap("calendar:day@callee"), evening, there("2026-06-16T08:00")) is None
    assert ask(a_cap("rolling:24h"), evening, there("2026-06-16T08:00")) is not None


@pytest.mark.parametrize(
    ("at", "permitted"), [("2026-03-08T19:30", False), ("2026-03-08T19:59:59", False), ("2026-03-08T20:00", True)]
)
def test_24_hours_over_the_spring_night_are_24_real_hours(at: str, permitted: bool) -> None:
    assert (ask(a_cap("rolling:24h", 1), [an_event(there("2026-03-07T19:00"))], there(at)) is None) is permitted


def test_regulation_f_lets_the_eighth_call_out_on_the_eighth_day() -> None:
    monday = [an_event(there(f"2026-03-02T{hour}:00")) for hour in range(10, 17)]
    cap = a_cap("rolling_days:7@callee", 7)
    reason = ask(cap, monday, there("2026-03-08T20:59"))
    assert reason is not None
    assert reason.retry_at == there("2026-03-09T00:00")
    assert ask(cap, monday, there("2026-03-09T00:00")) is None


@pytest.mark.parametrize(("day", "permitted"), [("2026-03-30T19:59", False), ("2026-03-31T10:00", True)])
def test_france_counts_thirty_calendar_days_with_the_first(day: str, permitted: bool) -> None:
    four = [an_event(there(f"2026-03-01T{hour}:00", "Europe/Paris")) for hour in (10, 11, 14, 15)]
    rule = a_cap("rolling_days:30@callee", 4)
    reason = refuse(rule, a_history(four), ("Europe/Paris",), there(day, "Europe/Paris"))
    assert (reason is None) is permitted


@pytest.mark.parametrize(("period", "permitted"), [("calendar:week(mon)@callee", True), ("calendar:week(sun)@callee", False)])
def test_where_a_week_starts_decides_whether_sunday_and_monday_are_one(period: str, permitted: bool) -> None:
    zone = "Asia/Hong_Kong"
    calls = [an_event(there(f"2026-06-07T{hour}:00", zone)) for hour in (10, 11, 12)]
    reason = refuse(a_cap(period), a_history(calls), (zone,), there("2026-06-08T10:00", zone))
    assert (reason is None) is permitted


def test_a_person_is_counted_over_all_their_numbers_and_a_number_over_all_its_people() -> None:
    by_person, by_number = a_cap("rolling:24h", 1), a_cap("rolling:24h", 1, key=(Key.NUMBER,))
    on_mobile = [an_event(NOON, number=MOBILE)]
    assert ask(by_person, on_mobile, NOON) is not None
    assert ask(by_number, on_mobile, NOON) is None
    bob_on_ann_s_mobile = a_candidate(person="bob", number=MOBILE)
    assert ask(by_number, on_mobile, NOON, bob_on_ann_s_mobile) is not None


def test_a_call_to_a_shared_number_charges_everybody_on_it() -> None:
    ann_at_home, by_person = [an_event(NOON)], a_cap("rolling:24h", 1)
    bob_at_home, bob_at_work = a_candidate("bob"), a_candidate("bob", OFFICE)
    assert ask(by_person, ann_at_home, NOON, bob_at_home) is not None
    assert ask(by_person, ann_at_home, NOON, bob_at_work) is None
    known = Facts(tuple(ann_at_home), numbers=(HOME,))  # that Bob lives there too is a fact
    assert refuse(by_person, History(bob_at_work, known), NEW_YORK, NOON) is not None


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        (Key.CAMPAIGN, replace(a_candidate(), campaign="autumn")),
        (Key.SELLER, replace(a_candidate(), seller="other")),
        (Key.SUBJECT, replace(a_candidate(), subject="heat pumps")),
    ],
)
def test_every_part_of_the_key_must_be_shared(key: Key, changed: Candidate) -> None:
    rule, before = a_cap("rolling:24h", 1, key=(Key.PERSON, key)), [an_event(NOON)]
    assert ask(rule, before, NOON) is not None
    assert ask(rule, before, NOON, changed) is None
    assert ask(a_cap("rolling:24h", 1), before, NOON, changed) is not None


def test_only_events_of_the_rules_kind_count() -> None:
    calls = [an_event(NOON, "a1"), an_event(NOON, "a1", EventKind.CONVERSATION), an_event(NOON, "a2")]
    assert ask(a_cap("calendar:day@callee", 2, EventKind.CONVERSATION), calls, NOON) is None
    assert ask(a_cap("calendar:day@callee", 1, EventKind.CONVERSATION), calls, NOON) is not None


def test_an_attempt_that_rang_nobody_does_not_count() -> None:
    silent = [an_event(NOON, "a1"), an_event(NOON, "a1", EventKind.NOT_RUNG)]
    assert ask(a_cap("rolling:24h", 1), silent, NOON) is None


@pytest.mark.parametrize("evidence", [EventKind.RINGING, EventKind.UNANSWERED, EventKind.LIVE_ANSWER, EventKind.MACHINE])
def test_an_attempt_that_rang_counts_whatever_else_is_said_of_it(evidence: EventKind) -> None:
    contradiction = [an_event(NOON, "a1", kind) for kind in (EventKind.ATTEMPT, EventKind.NOT_RUNG, evidence)]
    assert ask(a_cap("rolling:24h", 1), contradiction, NOON) is not None


def test_an_event_from_the_future_counts() -> None:
    assert ask(a_cap("rolling:24h", 1), [an_event(NOON + timedelta(minutes=5))], NOON) is not None


def test_a_cap_of_none_never_yields() -> None:
    reason = ask(a_cap("rolling:24h", 0), [], NOON)
    assert reason is not None
    assert reason.retry_at is None


def test_a_count_on_the_callees_clock_needs_to_know_where_the_callee_is() -> None:
    reason = refuse(a_cap("calendar:day@callee"), a_history([]), (), NOON)
    assert reason is not None
    assert reason.text.startswith("needs facts: location")
    assert reason.retry_at is None
    assert refuse(a_cap("rolling:24h"), a_history([]), (), NOON) is None


periods = st.sampled_from(
    ("rolling:1h", "rolling:24h", "rolling_days:3@callee", "calendar:day@callee", "calendar:week(mon)@callee")
)
histories = st.lists(
    st.integers(-10 * 86_400, 3600).map(lambda seconds: an_event(NOON + timedelta(seconds=seconds))), max_size=12
)


@settings(deadline=None)
@given(periods, st.integers(1, 5), histories)
def test_the_retry_is_the_first_instant_below_the_cap(period: str, limit: int, events: list[LedgerEvent]) -> None:
    rule = a_cap(period, limit)
    reason = ask(rule, events, NOON)
    if reason is None:
        return
    assert reason.retry_at is not None
    assert ask(rule, events, reason.retry_at) is None
    assert ask(rule, events, reason.retry_at - timedelta(microseconds=1)) is not None


@settings(deadline=None)
@given(periods, st.integers(1, 5), histories, st.integers(0, 86_400))
def test_waiting_never_brings_a_cap_back(period: str, limit: int, events: list[LedgerEvent], seconds: int) -> None:
    rule = a_cap(period, limit)
    if ask(rule, events, NOON) is None:
        assert ask(rule, events, NOON + timedelta(seconds=seconds)) is None


@settings(deadline=None)
@given(periods, st.integers(1, 5), histories, histories)
def test_one_more_event_never_opens_a_cap(period: str, limit: int, events: list[LedgerEvent], more: list[LedgerEvent]) -> None:
    rule = a_cap(period, limit)
    if ask(rule, events, NOON) is not None:
        assert ask(rule, events + more, NOON) is not None
    assert len(counted(rule, a_history(events))) == len(events)


#: About as old as an event may be to be counted, and none that is: of another kind, or of another person elsewhere.
ages = st.sampled_from((0, 1, 2, 3, 6, 7, 29, 30, 31, 33)).flatmap(
    lambda days: st.integers(-90_000, 90_000).map(lambda seconds: NOON - timedelta(days=days, seconds=seconds))
)
others = st.lists(
    ages.map(lambda at: replace(an_event(at, number=OFFICE), person="bob"))
    | ages.map(lambda at: an_event(at, kind=EventKind.CONVERSATION)),
    max_size=6,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(
        ("rolling:24h", "rolling:30d", "rolling_days:3@callee", "calendar:week(mon)@callee", "calendar:month@callee")
    ),
    st.integers(0, 4),
    st.lists(ages.map(an_event), max_size=6),
    others,
)
def test_a_cap_stands_in_the_way_exactly_while_so_many_have_not_left(
    period: str, limit: int, events: list[LedgerEvent], not_counted: list[LedgerEvent]
) -> None:
    rule = a_cap(period, limit)
    held = [event for event in events if leaves_at(rule.period, event.at, NEW_YORK) > NOON]
    assert (ask(rule, [*not_counted, *events], NOON) is not None) is (len(held) >= limit)


def test_as_many_events_as_permitted_are_too_many_until_the_first_of_them_is_as_old_as_the_period() -> None:
    two = [an_event(NOON - timedelta(hours=24)), an_event(NOON)]
    assert ask(a_cap("rolling:24h", 2), two, NOON) is None
    assert ask(a_cap("rolling:24h", 2), two, NOON - timedelta(microseconds=1)) is not None


def test_a_count_from_an_unknown_start_refuses_however_long_ago_the_calls_were() -> None:
    long_ago = [an_event(NOON - timedelta(days=300))]
    reason = ask(a_cap("successive:30d@campaign_start", 1), long_ago, NOON)
    assert reason is not None
    assert reason.text.startswith("needs facts: campaign start")
