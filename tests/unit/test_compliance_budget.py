"""How many more may be abandoned now: case 18 of RULES.md line by line, and each period on both sides of its ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.abandonment import LiveAnswer, is_abandoned
from compliance.budget import (
    Budget,
    BudgetPolicy,
    BudgetState,
    Tally,
    counting,
    governing,
    governs,
    measure,
    needs_an_agent_at_once,
    period_of,
    worst,
)
from compliance.pack_files import load_packs
from compliance.packs import PackError
from compliance.rules import AbandonRule, Level
from tests.abandonment_rules import START, a_pack, a_rule, abandoned, after, bridged, some

FROM_THE_FIRST = BudgetPolicy(minimum_answers=0)
SECOND = timedelta(seconds=1)
STRICT, MESSAGE = "live_answer_not_bridged", "abandonment_message"


def there(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# --- case 18: the rate -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "of", "state", "headroom"),
    [
        (3, 100, BudgetState.NEAR, 0),
        (3, 99, BudgetState.OVER, -1),
        (1, 33, BudgetState.OVER, -1),
        (1, 34, BudgetState.NEAR, 0),
        (0, 0, BudgetState.OK, 0),
        (0, 33, BudgetState.OK, 0),
        (0, 34, BudgetState.OK, 1),
        (23, 1000, BudgetState.OK, 7),
        (24, 1000, BudgetState.NEAR, 6),  # eight tenths of 3 %
        (30, 1000, BudgetState.NEAR, 0),
        (31, 1000, BudgetState.OVER, -1),
    ],
)
def test_case_18_a_rate_is_within_its_limit_or_not_in_whole_numbers(
    calls: int, of: int, state: BudgetState, headroom: int
) -> None:
    found = measure(a_rule(), some(calls, of), None, START, FROM_THE_FIRST)
    assert (found.state, found.headroom, found.abandoned, found.answered) == (state, headroom, calls, of)


@pytest.mark.parametrize(
    ("calls", "of", "state", "headroom"),
    [
        (1, 1, BudgetState.OK, 2),
        (2, 2, BudgetState.OK, 1),
        (3, 3, BudgetState.NEAR, 0),
        (4, 4, BudgetState.OVER, -1),
        (4, 133, BudgetState.OVER, -1),
        (4, 134, BudgetState.NEAR, 0),
    ],
)
def test_before_a_hundred_answers_the_limit_counts_as_if_there_had_been_as_many(
    calls: int, of: int, state: BudgetState, headroom: int
) -> None:
    found = measure(a_rule(), some(calls, of), None, START)
    assert (found.state, found.headroom) == (state, headroom)
    assert ("(counted as 100)" in found.because) == (of < 100)


@given(st.integers(0, 400), st.integers(0, 4000), st.integers(0, 1000), st.integers(0, 300))
def test_whoever_keeps_to_the_headroom_is_never_above_the_limit(calls: int, more: int, permille: int, minimum: int) -> None:
    rule = replace(a_rule(), max_rate=Decimal(permille) / 1000)
    of = calls + more
    policy = BudgetPolicy(minimum_answers=minimum)
    found = measure(rule, some(calls, of), None, START, policy)
    counted = max(of, minimum)
    assert (found.state is BudgetState.OVER) == (1000 * calls > permille * counted)
    assert (found.headroom < 0) == (found.state is BudgetState.OVER)
    if found.headroom >= 0 and counted:
        spent = measure(rule, some(calls + found.headroom, of + found.headroom), None, START, policy)
        assert spent.state is not BudgetState.OVER
        assert Fraction(spent.abandoned, max(spent.answered, minimum)) <= Fraction(permille, 1000)


@given(st.integers(0, 60), st.integers(0, 2000), st.integers(1, 100))
def test_the_alert_comes_before_the_limit_is_passed(calls: int, more: int, share: int) -> None:
    policy = BudgetPolicy(Decimal(share) / 100, 0)
    found = measure(a_rule(), some(calls, calls + more), None, START, policy)
    if found.state is BudgetState.OK:
        one_more = measure(a_rule(), some(calls + 1, calls + more + 1), None, START, policy)
        assert found.headroom >= 1 or one_more.state is BudgetState.OVER
        assert calls == 0 or Fraction(calls, calls + more) < Fraction(3 * share, 100 * 100)


def test_the_words_hold_every_figure_and_the_rule() -> None:
    found = measure(a_rule(pack_id="us"), some(3, 120), None, START)
    assert found.because == "3 of 120 live answers abandoned since 2026-06-14 12:00Z, at most 3 % by us.abandon: 0 more may be"
    assert measure(a_rule(), some(5, 120), None, START).because.endswith(": 2 too many")
    assert (found.rate, found.cite, found.level) == (0.025, "c", "law")
    assert measure(a_rule(), (), None, START).rate == 0


def test_a_budget_says_of_which_rule_and_which_period_it_is() -> None:
    found = measure(a_rule(pack_id="us", window="calendar:day@Asia/Hong_Kong"), some(3, 120), None, START)
    assert found == Budget(
        rule="us.abandon",
        cite="c",
        level=Level.LAW,
        per=("seller", "campaign"),
        period="calendar:day@Asia/Hong_Kong",
        begins=there("2026-06-15T00:00", "Asia/Hong_Kong"),
        ends=there("2026-06-16T00:00", "Asia/Hong_Kong"),
        abandoned=3,
        answered=120,
        limit=Decimal("0.03"),
        headroom=0,
        state=BudgetState.NEAR,
        because="3 of 120 live answers abandoned since 2026-06-14 16:00Z, at most 3 % by us.abandon: 0 more may be",
        last_abandoned_at=START,
    )


# --- case 18: who was abandoned ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "strict", "message"),
    [
        ({"connected": 1.9, "ended": 60}, False, False),
        ({"connected": 2.0, "ended": 60}, False, False),
        ({"connected": 2.1, "ended": 60}, True, False),
        ({"connected": 4.5, "held": 0.2, "ended": 60}, True, False),  # behind a recorded disclosure
        ({"ended": 1.9}, False, False),  # the caller hung up: not ours
        ({"ended": 1.9, "ended_by_us": True}, True, False),
        ({"ended": 2.0}, True, False),
        ({}, True, False),
        ({"connected": 0.5, "left": 1.9, "ended": 1.9, "ended_by_us": True}, True, False),  # the agent drops at 1.9 s
        ({"connected": 0.5, "left": 1.9, "ended": 9}, True, False),
        ({"connected": 0.5, "left": 1.9, "ended": 1.9}, False, False),  # the customer went, and the agent with them
        ({"connected": 0.5, "left": 2.0, "ended": 2.0, "ended_by_us": True}, False, False),
        ({"message": 2.0, "ended": 8}, True, True),
        ({"message": 2.0, "ended": 2.1}, True, True),
        ({"message": 2.0, "connected": 2.5, "ended": 60}, True, True),  # an agent who comes into the message undoes nothing
        ({"machine": True}, True, True),
        ({"machine": True, "ended": 1.0}, True, True),  # taken for a machine and hung up on
        ({"machine": True, "connected": 1.5, "ended": 60}, False, False),  # the mistake was seen in time
    ],
)
def test_case_18_who_was_abandoned(answer: dict[str, float | bool], strict: bool, message: bool) -> None:
    call = LiveAnswer(
        START,
        connected_at=after(answer.get("connected")),
        ended_at=after(answer.get("ended")),
        held_at=after(answer.get("held")),
        agent_left_at=after(answer.get("left")),
        message_at=after(answer.get("message")),
        ended_by_us=bool(answer.get("ended_by_us")),
        false_machine=bool(answer.get("machine")),
    )
    assert is_abandoned(call, a_rule(numerator=STRICT)) is strict
    assert is_abandoned(call, a_rule(numerator=MESSAGE)) is message
    assert is_abandoned(call, a_rule(numerator=f"{MESSAGE}+{STRICT}")) is (strict or message)


@pytest.mark.parametrize(
    ("clock", "connected_s", "expected"),
    [
        ("answer", 2.0, False),
        ("answer", 2.1, True),
        ("greeting_start", 2.5, False),
        ("greeting_start", 2.6, True),
        ("greeting_end", 5.0, False),
        ("greeting_end", 5.1, True),
    ],
)
def test_each_rule_has_its_own_clock(clock: str, connected_s: float, expected: bool) -> None:
    greeted = LiveAnswer(START, after(connected_s), greeting_start=after(0.5), greeting_end=after(3), ended_at=after(60))
    assert is_abandoned(greeted, a_rule(connect_clock=clock)) is expected
    unheard = LiveAnswer(START, after(2.1), ended_at=after(60))
    assert is_abandoned(unheard, a_rule(connect_clock=clock)), "a greeting that was not heard gives no time"


def test_case_18_a_person_taken_for_a_machine_is_in_both_numbers() -> None:
    mistaken = replace(bridged(), connected_at=None, false_machine=True)
    found = measure(a_rule(), [*some(0, 66), mistaken, mistaken], None, START, FROM_THE_FIRST)
    assert (found.abandoned, found.answered, found.state) == (2, 68, BudgetState.NEAR)


def test_a_numerator_of_another_name_is_no_rule() -> None:
    with pytest.raises(PackError, match=r"numerator: use one or more of"):
        a_pack(numerator="dropped")


# --- case 18: the periods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "zone", "day", "hours"),
    [
        ("calendar:day@America/New_York", "America/New_York", "2026-03-08", 23),
        ("calendar:day@America/New_York", "America/New_York", "2026-11-01", 25),
        ("calendar:day@America/New_York", "America/New_York", "2026-06-15", 24),
        ("calendar:day@Europe/London", "Europe/London", "2026-03-29", 23),
        ("calendar:day@Europe/London", "Europe/London", "2026-10-25", 25),
    ],
)
def test_case_18_a_day_begins_and_ends_at_its_midnights_whatever_its_length(window: str, zone: str, day: str, hours: int) -> None:
    rule, midnight = a_rule(window=window), there(f"{day}T00:00", zone)
    end = midnight + timedelta(hours=hours)
    for now in (midnight, midnight + timedelta(hours=hours / 2), end - SECOND):
        assert period_of(rule, None, now) == (midnight, end)
    assert period_of(rule, None, midnight - SECOND)[1] == midnight
    assert period_of(rule, None, end)[0] == end
    calls = [abandoned(midnight - SECOND), abandoned(midnight), abandoned(end - SECOND)]
    assert measure(rule, calls[:1], None, midnight - SECOND).abandoned == 1
    assert measure(rule, calls[:2], None, midnight).abandoned == 1
    assert measure(rule, calls, None, end - SECOND).abandoned == 2
    assert measure(rule, calls, None, end).abandoned == 0


@pytest.mark.parametrize(
    ("window", "now", "begins", "ends"),
    [
        ("calendar:week(mon)@Asia/Hong_Kong", "2026-06-21T23:59", "2026-06-15T00:00", "2026-06-22T00:00"),
        ("calendar:week(sun)@Asia/Hong_Kong", "2026-06-21T00:00", "2026-06-21T00:00", "2026-06-28T00:00"),
        ("calendar:month@Asia/Hong_Kong", "2026-02-28T23:59", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("rolling_days:3@Asia/Hong_Kong", "2026-06-15T12:00", "2026-06-13T00:00", "2026-06-18T00:00"),
    ],
)
def test_weeks_months_and_numbers_of_days_are_those_of_the_clock_that_is_named(
    window: str, now: str, begins: str, ends: str
) -> None:
    zone = "Asia/Hong_Kong"
    assert period_of(a_rule(window=window), None, there(now, zone)) == (there(begins, zone), there(ends, zone))


def test_a_day_of_callees_everywhere_is_counted_from_where_it_begins_first() -> None:
    begins, ends = period_of(a_rule(window="calendar:day@callee"), None, START)
    assert START - timedelta(hours=24) <= begins <= START - timedelta(hours=23)
    assert ends > START
    assert timedelta(hours=24) < ends - begins <= timedelta(hours=50)


@pytest.mark.parametrize(("hours", "counted"), [(24, 0), (24 - 1 / 3600, 1), (0, 1)])
def test_a_rolling_day_is_24_hours_and_what_is_as_old_has_left(hours: float, counted: int) -> None:
    assert measure(a_rule(), [abandoned()], None, START + timedelta(hours=hours)).abandoned == counted


@pytest.mark.parametrize(("days", "block"), [(0, 0), (30 - 1e-6, 0), (30, 1), (59.9, 1), (60, 2), (365, 12)])
def test_case_18_blocks_of_30_days_follow_each_other_from_the_start_of_the_campaign(days: float, block: int) -> None:
    rule = a_rule(window="successive:30d@campaign_start")
    now = START + timedelta(days=days)
    begins, ends = START + timedelta(days=30 * block), START + timedelta(days=30 * (block + 1))
    assert period_of(rule, START, now) == (begins, ends)
    calls = [abandoned(begins - SECOND), abandoned(begins)]
    assert measure(rule, calls[: 1 if now < begins else 2], START, now).abandoned == 1


def test_a_campaign_that_never_began_begins_now() -> None:
    rule = a_rule(window="successive:30d@campaign_start")
    assert period_of(rule, None, START) == (START, START + timedelta(days=30))


def test_a_new_period_begins_with_nothing_abandoned() -> None:
    rule, midnight = a_rule(window="calendar:day@America/New_York"), there("2026-11-02T00:00")
    calls = some(9, 100, midnight - SECOND)
    assert measure(rule, calls, None, midnight - SECOND).state is BudgetState.OVER
    assert measure(rule, calls, None, midnight).state is BudgetState.OK


# --- which rules, and which of them governs ----------------------------------------------------------------------------


def test_every_rule_is_measured_by_itself_and_the_lowest_headroom_governs() -> None:
    late = [replace(bridged(), connected_at=after(4.5))] * 5 + [bridged()] * 195
    house = measure(a_rule(pack_id="house", numerator=MESSAGE), late, None, START)
    law = measure(a_rule(pack_id="law"), late, None, START)
    loose = measure(a_rule(pack_id="loose", max_rate=0.05), late, None, START)
    assert [one.headroom for one in (house, law, loose)] == [6, 1, 5]
    assert worst([house, law, loose]) == law
    assert worst([]) is None


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_one_rule_more_never_gives_more_headroom(figures: list[int]) -> None:
    found = [measure(a_rule(pack_id=f"r{index}"), some(calls, 100), None, START) for index, calls in enumerate(figures)]
    fewer = worst(found[:-1])
    governs_now = worst(found)
    assert governs_now is not None
    assert fewer is None or governs_now.headroom <= fewer.headroom


def test_a_rule_counts_the_calls_it_held_for() -> None:
    british = a_pack("gb", jurisdiction=("GB",))
    until = a_pack("old", more="effective_until = 2026-06-14\n")
    packs = counting((british, until, *load_packs(("house",), Path())))
    home = replace(bridged(), number="+12125550100", zones=("America/New_York",))
    assert governs(packs, home, "sales") == {"house.abandon"}
    assert governs(packs, replace(home, number="+442079460958"), "sales") == {"house.abandon", "gb.abandon"}
    before = replace(home, answered_at=START - timedelta(days=2))
    assert governs(packs, before, "sales") == {"house.abandon", "old.abandon"}
    assert "gb.abandon" in governs(packs, replace(home, number="no number"), "sales"), "who may be anywhere may be there"
    gone = replace(before, zones=("Mars/Base",))
    assert governs(packs, gone, "sales") == {"house.abandon", "old.abandon"}, "a zone that is gone stands for all of them"


def test_a_rule_counts_the_calls_of_its_purposes_alone() -> None:
    packs = counting(load_packs(("house", "us-federal-telemarketing"), Path()))
    home = replace(bridged(), number="+12125550100", zones=("America/New_York",))
    assert governs(packs, home, "sales") == {"house.abandon", "us.abandon"}
    assert governs(packs, home, "debt_collection") == {"house.abandon"}


def test_what_is_asked_of_thousands_of_answers_is_bare_of_every_other_rule() -> None:
    whole = load_packs(("house", "us-federal-telemarketing", "us-reg-f"), Path())
    assert any(not isinstance(rule, AbandonRule) for pack in whole for rule in pack.rules)
    assert [(pack.id, [rule.origin.id for rule in pack.rules]) for pack in counting(whole)] == [
        ("house", ["house.abandon"]),
        ("us-federal-telemarketing", ["us.abandon"]),
    ]


def test_a_campaign_may_be_governed_by_the_rules_for_its_purpose_wherever_it_rings() -> None:
    packs = load_packs(("house", "us-federal-telemarketing", "gb-marketing"), Path())
    assert {rule.origin.id for rule in governing(packs, "sales")} == {"house.abandon", "us.abandon", "gb.abandon"}
    assert {rule.origin.id for rule in governing(packs, "debt_collection")} == {"house.abandon"}
    assert {rule.origin.id for rule in needs_an_agent_at_once(packs, "sales")} == {"us.abandon", "gb.abandon"}
    assert needs_an_agent_at_once(packs, "debt_collection") == ()


def test_the_house_protects_every_floor_and_counts_who_heard_the_message() -> None:
    (rule,) = governing(load_packs(("house",), Path()), "service")
    assert isinstance(rule, AbandonRule)
    assert (rule.max_rate, rule.numerator, rule.period_text, rule.per) == (
        Decimal("0.03"),
        (MESSAGE,),
        "rolling:24h",
        ("seller", "campaign"),
    )
    behind_the_disclosure = replace(bridged(), connected_at=after(5), held_at=after(0.2))
    assert measure(rule, [behind_the_disclosure] * 200, None, START).abandoned == 0
    assert measure(rule, some(7, 200), None, START).state is BudgetState.OVER
    assert measure(rule, some(6, 200), None, START).state is BudgetState.NEAR


# --- counting as calls come in -----------------------------------------------------------------------------------------

ANSWERS = st.lists(st.tuples(st.integers(0, 200_000), st.booleans()), max_size=60)


@given(ANSWERS, st.integers(0, 400_000), st.data())
def test_what_is_taken_out_was_never_in_and_what_was_forgotten_is_not_missed(
    calls: list[tuple[int, bool]], seconds: int, data: st.DataObject
) -> None:
    rule, now = a_rule(), START + timedelta(seconds=seconds)
    answers = [(abandoned if lost else bridged)(START + timedelta(seconds=at)) for at, lost in calls]
    kept = [answer for answer in answers if data.draw(st.booleans())]
    gone = list(answers)
    for answer in kept:
        gone.remove(answer)
    tally = Tally(rule)
    for answer in answers:
        tally.add(answer)
    for answer in gone:
        tally.remove(answer)
    tally.forget(period_of(rule, None, now)[0])
    assert tally.budget(None, now, FROM_THE_FIRST) == measure(rule, kept, None, now, FROM_THE_FIRST)


def test_what_was_not_counted_cannot_be_taken_out() -> None:
    tally = Tally(a_rule())
    tally.add(bridged())
    with pytest.raises(ValueError, match="nothing that was answered at"):
        tally.remove(bridged(START + SECOND))


def test_the_latest_abandoned_call_is_the_latest_of_the_period() -> None:
    calls = [abandoned(START), bridged(START + SECOND), abandoned(START - SECOND)]
    assert measure(a_rule(), calls, None, START + SECOND).last_abandoned_at == START
    assert measure(a_rule(), calls, None, START + timedelta(days=1)).last_abandoned_at is None
