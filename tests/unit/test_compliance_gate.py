"""The gate: all reasons at once, the first permitted instant, and never more with one rule more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.daykinds import Calendar
from compliance.facts import EventKind, Facts, LedgerEvent, Suppression
from compliance.gate import check
from compliance.packs import Pack, parse_pack
from compliance.verdict import Candidate, Clearance, Refusal
from compliance.windows import HORIZON

HOME = "+12125550100"
NEW_YORK = ("America/New_York",)

FEDERAL_HOURS = """
[[rule]]
id = "us.hours"
kind = "window"
cite = "16 CFR 310.4(c)"
level = "law"
source = "secondary"
clock = "callee"
schedule = [{ on = ["*"], allow = ["08:00-21:00"] }]
"""
FLORIDA_HOURS = FEDERAL_HOURS.replace("us.hours", "fl.hours").replace("21:00", "20:00")
EAST_ONLY = FEDERAL_HOURS.replace("us.hours", "house.one_zone").replace('"callee"', '"callee"\nunknown_tz = "deny"')
SHANGHAI_HOURS = """
[[rule]]
id = "cn.hours"
kind = "window"
cite = "GB/T 45251-2025"
level = "standard"
source = "secondary"
clock = "tz:Asia/Shanghai"
schedule = [{ on = ["*"], forbid = ["22:00-08:00"] }]
"""
CAP = """
[[rule]]
id = "fl.cap"
kind = "cap"
cite = "Fla. Stat. 501.616(6)(b)"
level = "law"
source = "secondary"
max = 3
event = "attempt"
key = ["person"]
period = "rolling:24h"
"""
DAY_CAP = CAP.replace("fl.cap", "house.day").replace("rolling:24h", "calendar:day@callee").replace("max = 3", "max = 2")
DNC = """
[[rule]]
id = "us.internal_dnc"
kind = "suppress"
cite = "47 CFR 64.1200(d)(3)"
level = "law"
source = "primary"
list = "internal"
match = ["number", "person"]
"""
RING = """
[[rule]]
id = "us.ring"
kind = "ring"
cite = "16 CFR 310.4(b)(4)(ii)"
level = "law"
source = "secondary"
min_unanswered_s = 15
max_s = 60
"""
HOLIDAYS = """
[[rule]]
id = "fr.hours"
kind = "window"
cite = "C. consom. D.223-9"
level = "law"
source = "primary"
clock = "callee"
calendar = "FR"
waive_with = "consent.express.time_of_day"
schedule = [{ on = ["holiday", "sun"], allow = [] }, { on = ["mon-sat"], allow = ["10:00-13:00", "14:00-20:00"] }]
"""
COOLDOWN = """
[[rule]]
id = "test.cooldown"
kind = "cooldown"
cite = "C. consom. D.223-9"
level = "law"
source = "primary"
after = "attempt"
key = ["person"]
days = 2
first_day = "next"
"""
CONSENT_FOR_A_WHILE = """
[[rule]]
id = "test.consent"
kind = "consent"
cite = "C. consom. L.223-1"
level = "law"
source = "primary"
effective_from = 2026-03-01
effective_until = 2026-06-30
level_needed = "express"
scope = ["seller"]
"""
RULES = (
    *(FEDERAL_HOURS, FLORIDA_HOURS, SHANGHAI_HOURS, CAP, DAY_CAP, DNC, RING),
    *(HOLIDAYS, COOLDOWN, CONSENT_FOR_A_WHILE),
)
FRANCE = Calendar("FR", frozenset({2025, 2026, 2027}), frozenset({date(2026, 5, 1), date(2026, 12, 25), date(2026, 7, 14)}))


def a_pack(*rules: str, purpose: str | None = None, name: str = "test") -> Pack:
    head = f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = ["*"]\n'
    applies = f'[pack.applies]\npurpose = ["{purpose}"]\n' if purpose else ""
    return parse_pack(head + applies + "".join(rules), name)


def a_candidate(number: str = HOME, zones: tuple[str, ...] = NEW_YORK, ring_s: float = 0, person: str = "ann") -> Candidate:
    return Candidate("now", person, number, "spring", "acme", "solar", zones=zones, ring_for=timedelta(seconds=ring_s))


def attempts(*times: datetime) -> Facts:
    return Facts(tuple(LedgerEvent(EventKind.ATTEMPT, at, "ann", HOME, "spring", "acme", "solar", f"a{at}") for at in times))


def there(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def refused(verdict: Clearance | Refusal) -> Refusal:
    assert isinstance(verdict, Refusal)
    return verdict


def test_a_permitted_call_is_told_until_when() -> None:
    now = there("2026-06-15T12:00")
    verdict = check(a_candidate(), Facts(), (a_pack(FEDERAL_HOURS, FLORIDA_HOURS),), now)
    assert isinstance(verdict, Clearance)
    assert verdict.closes_at == there("2026-06-15T20:00")
    assert verdict.zones == NEW_YORK


@pytest.mark.parametrize(("at", "permitted"), [("07:59:59", False), ("08:00:00", True), ("20:59:59", True), ("21:00:00", False)])
def test_the_instant_alone_is_judged_when_no_ring_time_is_asked_for(at: str, permitted: bool) -> None:
    verdict = check(a_candidate(), Facts(), (a_pack(FEDERAL_HOURS, RING),), there(f"2026-06-15T{at}"))
    assert isinstance(verdict, Clearance) is permitted


@pytest.mark.parametrize(("at", "permitted"), [("19:59:10", True), ("19:59:14", True), ("19:59:15", False), ("19:59:20", False)])
def test_a_phone_must_stop_ringing_before_the_window_ends(at: str, permitted: bool) -> None:
    verdict = check(a_candidate(ring_s=45), Facts(), (a_pack(FLORIDA_HOURS),), there(f"2026-06-15T{at}"))
    assert isinstance(verdict, Clearance) is permitted
    if isinstance(verdict, Refusal):
        assert verdict.retry_at == there("2026-06-16T08:00")
        assert "would ring for 45 s" in verdict.reasons[0].text


@pytest.mark.parametrize(("ring_s", "permitted"), [(14.9, False), (15, True), (60, True), (60.1, False)])
def test_an_unanswered_phone_rings_long_enough_and_not_too_long(ring_s: float, permitted: bool) -> None:
    verdict = check(a_candidate(ring_s=ring_s), Facts(), (a_pack(RING),), there("2026-06-15T12:00"))
    assert isinstance(verdict, Clearance) is permitted
    if isinstance(verdict, Refusal):
        assert verdict.retry_at is None


def test_all_reasons_are_told_at_once_with_what_they_rest_on() -> None:
    last_night = [there(f"2026-06-14T{hour}:00") for hour in (18, 19, 20)]
    facts = replace(attempts(*last_night), suppressions=(Suppression(last_night[0], "opt_out", "key 9", person="ann"),))
    verdict = refused(check(a_candidate(), facts, (a_pack(*RULES[:2], CAP, DNC),), there("2026-06-15T07:00")))
    assert [reason.rule for reason in verdict.reasons] == ["us.hours", "fl.hours", "fl.cap", "us.internal_dnc"]
    assert [reason.kind for reason in verdict.reasons] == ["window", "window", "cap", "suppress"]
    assert verdict.reasons[0].facts == (("America/New_York", "Mon 07:00:00 -0400"),)
    assert verdict.reasons[0].retry_at == there("2026-06-15T08:00")
    assert verdict.reasons[2].retry_at == there("2026-06-15T18:00")
    assert verdict.retry_at is None


def test_the_retry_is_in_the_next_window_after_the_last_cap_yields() -> None:
    evening = attempts(*(there(f"2026-06-14T20:{minute}") for minute in (30, 40, 50)))
    packs = (a_pack(FEDERAL_HOURS, CAP), a_pack(FLORIDA_HOURS, name="fl"))
    verdict = refused(check(a_candidate(ring_s=30), evening, packs, there("2026-06-15T19:00")))
    assert verdict.reasons[0].retry_at == there("2026-06-15T20:30")
    assert verdict.retry_at == there("2026-06-16T08:00")  # 20:30 is within one window and outside the other
    assert [pack.id for pack in verdict.packs] == ["test", "fl"]


def test_a_number_in_two_zones_waits_for_the_later_one() -> None:
    idaho = a_candidate("+12085551212", zones=())
    verdict = refused(check(idaho, Facts(), (a_pack(FEDERAL_HOURS),), there("2026-01-15T08:30", "America/Boise")))
    assert verdict.zones == ("America/Boise", "America/Los_Angeles")
    assert verdict.retry_at == there("2026-01-15T09:00", "America/Boise")


def test_a_callee_of_whom_nothing_is_known_is_never_called_and_never_retried() -> None:
    verdict = refused(check(a_candidate("+8695588", zones=()), Facts(), (a_pack(FEDERAL_HOURS),), there("2026-06-15T12:00")))
    assert verdict.reasons[0].text.startswith("needs facts: location")
    assert verdict.retry_at is None


def test_zones_whose_hours_never_meet_need_a_location_not_a_retry() -> None:
    nowhere, office = (
        a_candidate(zones=("America/New_York", "Asia/Shanghai")),
        FEDERAL_HOURS.replace("08:00-21:00", "09:00-17:00"),
    )
    verdict = refused(check(nowhere, Facts(), (a_pack(office),), there("2026-06-15T12:00")))
    assert verdict.reasons[0].text.startswith("needs facts: location")
    assert verdict.retry_at is None


def test_rules_that_never_permit_together_have_no_retry_though_each_has_one() -> None:
    never_by_day = SHANGHAI_HOURS.replace("22:00-08:00", "20:00-12:00")  # open when it is night in New York
    verdict = refused(check(a_candidate(), Facts(), (a_pack(FEDERAL_HOURS, never_by_day),), there("2026-06-14T23:00")))
    assert len(verdict.reasons) == 2
    assert verdict.retry_at is None
    assert all(reason.retry_at for reason in verdict.reasons)


def test_a_zone_that_does_not_exist_is_a_missing_fact() -> None:
    verdict = refused(check(a_candidate(zones=("Mars/Base",)), Facts(), (a_pack(CAP),), there("2026-06-15T12:00")))
    assert "'Mars/Base' is not a known IANA time zone" in verdict.reasons[0].text
    assert verdict.retry_at is None


def test_a_rule_may_ask_for_one_certain_zone() -> None:
    noon = there("2026-06-15T12:00")
    assert isinstance(check(a_candidate(), Facts(), (a_pack(EAST_ONLY),), noon), Clearance)
    verdict = refused(check(a_candidate("+12085551212", zones=()), Facts(), (a_pack(EAST_ONLY),), noon))
    assert verdict.reasons[0].text == "needs facts: location (one of 2 time zones)"


def test_a_rule_on_a_named_clock_asks_nothing_of_the_callee() -> None:
    verdict = refused(check(a_candidate("+8695588", zones=()), Facts(), (a_pack(SHANGHAI_HOURS),), there("2026-06-15T12:00")))
    assert verdict.retry_at == there("2026-06-16T08:00", "Asia/Shanghai")


def test_without_a_pack_for_the_purpose_nothing_is_permitted() -> None:
    noon, service = there("2026-06-15T12:00"), a_pack(DNC, purpose="service")
    for packs in ((), (service,)):
        verdict = refused(check(a_candidate(), Facts(), packs, noon))
        assert verdict.retry_at is None
        assert "no rule pack in force covers calls for 'sales'" in verdict.reasons[0].text
    assert isinstance(check(replace(a_candidate(), purpose="service"), Facts(), (service,), noon), Clearance)


def test_a_naive_time_or_a_negative_ring_is_a_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        check(a_candidate(), Facts(), (a_pack(CAP),), datetime(2026, 6, 15))  # noqa: DTZ001 -- the fault under test
    with pytest.raises(ValueError, match="less than no time"):
        check(a_candidate(ring_s=-1), Facts(), (a_pack(CAP),), datetime(2026, 6, 15, tzinfo=UTC))


# --- properties -------------------------------------------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.integers(0, 366 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
zone_sets = st.lists(
    st.sampled_from(("America/New_York", "America/Los_Angeles", "Europe/Paris", "Asia/Shanghai", "America/Havana")),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
candidates = st.builds(a_candidate, zones=zone_sets, ring_s=st.sampled_from((0.0, 15.0, 45.0)))
rule_sets = st.lists(st.sampled_from(RULES), min_size=1, max_size=5, unique=True)
ages = st.lists(st.integers(0, 3 * 86_400), max_size=8)


def history(now: datetime, seconds: list[int]) -> Facts:
    return replace(attempts(*(now - timedelta(seconds=age) for age in seconds)), calendars=(FRANCE,))


@settings(max_examples=150, deadline=None)
@given(candidates, rule_sets, instants, ages)
def test_the_retry_is_permitted_and_nothing_before_it_is(
    candidate: Candidate, rules: list[str], now: datetime, seconds: list[int]
) -> None:
    packs, facts = (a_pack(*rules),), history(now, seconds)
    verdict = check(candidate, facts, packs, now)
    if isinstance(verdict, Clearance):
        return
    retry_at = verdict.retry_at
    if retry_at is not None:
        assert isinstance(check(candidate, facts, packs, retry_at), Clearance)
        assert isinstance(check(candidate, facts, packs, retry_at - timedelta(microseconds=1)), Refusal)
    scanned = now
    while scanned < min(retry_at or now + HORIZON, now + timedelta(days=3)):
        assert isinstance(check(candidate, facts, packs, scanned), Refusal)
        scanned += timedelta(minutes=17)


@settings(max_examples=200, deadline=None)
@given(candidates, rule_sets, st.sampled_from(RULES), instants, ages)
def test_one_rule_more_never_permits_more(
    candidate: Candidate, rules: list[str], more: str, now: datetime, seconds: list[int]
) -> None:
    facts = history(now, seconds)
    before = check(candidate, facts, (a_pack(*rules),), now)
    after = check(candidate, facts, (a_pack(*rules), a_pack(more, name="more")), now)
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)
        if after.retry_at is not None:
            assert before.retry_at is not None
            assert after.retry_at >= before.retry_at


@settings(max_examples=300, deadline=None)
@given(candidates, instants)
def test_no_call_rings_while_a_clock_of_the_callee_reads_a_closed_time(candidate: Candidate, now: datetime) -> None:
    if isinstance(check(candidate, Facts(), (a_pack(FLORIDA_HOURS),), now), Refusal):
        return
    for zone in candidate.zones:
        for moment in (now, now + candidate.ring_for):
            assert 8 <= moment.astimezone(ZoneInfo(zone)).hour < 20


@settings(max_examples=50, deadline=None)
@given(st.sampled_from((CAP, DAY_CAP)), instants, st.lists(st.integers(1, 12 * 3600), min_size=20, max_size=40))
def test_whoever_obeys_the_gate_is_never_above_a_cap(cap: str, now: datetime, waits: list[int]) -> None:
    limit = 3 if cap == CAP else 2
    placed: list[datetime] = []
    for wait in waits:
        now += timedelta(seconds=wait)
        if isinstance(check(a_candidate(), attempts(*placed), (a_pack(cap),), now), Clearance):
            placed.append(now)
    for at in placed:
        if cap == CAP:
            together = [other for other in placed if at - timedelta(hours=24) < other <= at]
        else:
            zone = ZoneInfo("America/New_York")
            together = [other for other in placed if other.astimezone(zone).date() == at.astimezone(zone).date()]
        assert len(together) <= limit
    assert len(placed) >= limit
