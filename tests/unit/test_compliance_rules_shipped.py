"""Each rule of the shipped packs, asked alone at the gate: what it refuses, what it permits, and until when."""

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance.abandonment import LiveAnswer, is_abandoned, rate
from compliance.calendars import calendars_for
from compliance.facts import OWN_LISTS, Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression
from compliance.gate import check
from compliance.grounds import BOUND, LEVELS
from compliance.packs import AbandonRule, Pack, parse_pack
from compliance.verdict import CallerId, Candidate, Clearance, Refusal

FILES = sorted((Path(__file__).parents[2] / "config" / "packs").glob("*.toml"))
PACKS = [parse_pack(path.read_text("utf-8"), path.name) for path in FILES]
WRITTEN: dict[str, dict[str, Any]] = {
    rule["id"]: rule for path in FILES for rule in tomllib.loads(path.read_text("utf-8"))["rule"]
}

HOME = "+12125550100"
NOON = "2026-06-17T12:00"  # a Wednesday, far from any change of clocks
INSTANT = timedelta(0)

#: When a phone may ring: rule, zone, then Mon 15, Sat 20 and Sun 21 June 2026, and Fri 25 December 2026.
OPEN = [
    ("us.hours", "America/New_York", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("regf.hours", "America/New_York", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("fl.hours", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("ok.hours", "America/Chicago", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("md.hours", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("wa.hours", "America/Los_Angeles", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("ny.hours", "America/New_York", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("ct.hours", "America/New_York", "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("tx.hours", "America/Chicago", "09:00-21:00", "09:00-21:00", "12:00-21:00", "09:00-21:00"),
    ("al.hours", "America/Chicago", "08:00-20:00", "08:00-20:00", "", ""),
    ("la.hours", "America/Chicago", "08:00-20:00", "08:00-20:00", "", ""),
    ("ms.hours", "America/Chicago", "08:00-20:00", "08:00-20:00", "", "08:00-20:00"),
    ("ky.hours", "America/New_York", "10:00-21:00", "10:00-21:00", "10:00-21:00", "10:00-21:00"),
    ("mi.hours", "America/Detroit", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("mn.hours", "America/Chicago", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("nm.hours", "America/Denver", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("nv.hours", "America/Los_Angeles", "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("ma.hours", "America/New_York", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("ri.hours", "America/New_York", "09:00-18:00", "", "", "09:00-18:00"),
    ("ca.hours", "America/Toronto", "09:00-21:30", "10:00-18:00", "10:00-18:00", "09:00-21:30"),
    ("gb.hours", "Europe/London", "09:00-20:00", "09:00-17:00", "", ""),
    ("fr.hours", "Europe/Paris", "10:00-13:00 14:00-20:00", "", "", ""),
    ("it.hours", "Europe/Rome", "09:00-20:00", "10:00-19:00", "", ""),
    ("es.hours", "Europe/Madrid", "09:00-21:00", "", "", ""),
    ("au.hours_sales", "Australia/Sydney", "09:00-20:00", "09:00-17:00", "", ""),
    ("au.hours_research", "Australia/Sydney", "09:00-20:30", "09:00-17:00", "09:00-17:00", "09:00-20:30"),
    ("au-debt.hours", "Australia/Sydney", "07:30-21:00", "09:00-21:00", "09:00-21:00", ""),
    ("nz.hours", "Pacific/Auckland", "08:00-21:00", "08:00-21:00", "", ""),
    ("in.hours", "Asia/Kolkata", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("in-recovery.hours", "Asia/Kolkata", "08:00-19:00", "08:00-19:00", "08:00-19:00", "08:00-19:00"),
    ("hk.hours", "Asia/Hong_Kong", "09:00-22:00", "09:00-22:00", "09:00-22:00", "09:00-22:00"),
    ("jp-collection.hours", "Asia/Tokyo", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00"),
    (
        "cn.house_hours",
        "Asia/Shanghai",
        "09:00-12:00 14:00-20:00",
        "10:00-12:00 14:00-18:00",
        "10:00-12:00 14:00-18:00",
        "09:00-12:00 14:00-20:00",
    ),
    ("cn.life_insurance_hours", "Asia/Shanghai", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00"),
    ("cn.collect_hours", "Asia/Shanghai", "08:00-22:00", "08:00-22:00", "08:00-22:00", "08:00-22:00"),
    ("cn-64.collect_hours", "Asia/Shanghai", "08:00-20:00", "09:00-18:00", "09:00-18:00", "08:00-20:00"),
    ("house.hours", "Asia/Shanghai", "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00"),
]
DAYS = ("2026-06-15", "2026-06-20", "2026-06-21", "2026-12-25")

#: Caps: how many events, all on Wednesday, 17 June 2026 at noon, stand in the way, and until when on the clock of the zone.
CAP_ENDS = [
    ("fl.cap", 3, "America/New_York", "2026-06-18T12:00"),
    ("ok.cap_person", 3, "America/Chicago", "2026-06-18T12:00"),
    ("ok.cap_number", 3, "America/Chicago", "2026-06-18T12:00"),
    ("md.cap", 3, "America/New_York", "2026-06-18T12:00"),
    ("me.cap", 1, "America/New_York", "2026-06-17T20:00"),
    ("regf.7in7", 7, "America/New_York", "2026-06-24T00:00"),
    ("fr.cap", 4, "Europe/Paris", "2026-07-17T00:00"),
    ("au-debt.week", 3, "Australia/Sydney", "2026-06-24T00:00"),
    ("au-debt.month", 10, "Australia/Sydney", "2026-07-01T00:00"),
    ("hk.week_mon", 3, "Asia/Hong_Kong", "2026-06-22T00:00"),
    ("hk.week_sun", 3, "Asia/Hong_Kong", "2026-06-21T00:00"),
    ("cn.collect_contacts", 3, "Asia/Shanghai", "2026-06-18T00:00"),
    ("cn.collect_unanswered", 6, "Asia/Shanghai", "2026-06-18T00:00"),
    ("cn-64.collect_contacts", 3, "Asia/Shanghai", "2026-06-18T00:00"),
    ("house.gap", 1, "Asia/Shanghai", "2026-06-17T13:00"),
    ("house.day", 3, "Asia/Shanghai", "2026-06-18T12:00"),
    ("house.month", 10, "Asia/Shanghai", "2026-07-17T12:00"),
]

#: Until when a cool-down stands in the way after an event on Wednesday, 17 June 2026 at noon; empty: no end by itself.
COOLDOWN_ENDS = [
    ("regf.after_conversation", "America/New_York", "2026-06-24T00:00"),
    ("wa.refusal", "America/Los_Angeles", "2027-06-18T00:00"),
    ("gb.after_abandon", "Europe/London", "2026-06-20T12:00"),
    ("gb.after_amd", "Europe/London", "2026-06-18T00:00"),
    ("fr.refusal", "Europe/Paris", "2026-08-17T00:00"),
    ("it.after_abandon", "Europe/Rome", "2026-06-23T00:00"),
    ("jp.refusal", "Asia/Tokyo", ""),
    ("cn.life_insurance_dnc", "Asia/Shanghai", "2026-12-18T00:00"),
]


def of_kind(kind: str) -> list[str]:
    return [rule for rule, written in WRITTEN.items() if written["kind"] == kind]


def alone(rule_id: str) -> Pack:
    """The rule as it is shipped, by itself, in force wherever and for whatever its own conditions allow."""
    ((pack, rule),) = [(pack, rule) for pack in PACKS for rule in pack.rules if rule.origin.id == rule_id]
    return replace(pack, rules=(rule,), jurisdiction=("*",), applies=())


def a_call(rule_id: str, zone: str = "America/New_York", ring_for: timedelta = INSTANT) -> Candidate:
    """A call of which nothing is known that would keep the rule from applying."""
    when = WRITTEN[rule_id].get("when", {})
    purpose, regions = when.get("purpose", ["sales"])[0], tuple(when.get("callee_in", ()))
    call = Candidate("now", "ann", HOME, "spring", "acme", "solar", purpose, (zone,), ring_for, regions)
    return replace(call, debt="loan", creditor="bank")


def local(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def in_force(rule_id: str) -> datetime:
    """An instant at which the rule is in force: the two sides of 11 August 2026 in France are two sets of rules."""
    written = WRITTEN[rule_id]
    day = written.get("effective_from") or written.get("effective_until") or datetime.fromisoformat(NOON).date()
    return local(f"{day}T12:00", "Europe/Paris")


def is_refused(rule_id: str, call: Candidate, facts: Facts, now: datetime) -> bool:
    """Whether the rule stands in the way; nothing else may."""
    verdict = check(call, facts, (alone(rule_id),), now)
    if isinstance(verdict, Clearance):
        return False
    assert [reason.rule for reason in verdict.reasons] == [rule_id]
    return True


def refusal_of(rule_id: str, call: Candidate, facts: Facts, now: datetime) -> Refusal:
    verdict = check(call, facts, (alone(rule_id),), now)
    assert isinstance(verdict, Refusal)
    assert [reason.rule for reason in verdict.reasons] == [rule_id]
    return verdict


def events(kind: str, count: int, at: datetime, person: str = "ann") -> tuple[LedgerEvent, ...]:
    event = EventKind.MACHINE if kind == "amd_machine" else EventKind(kind)
    return tuple(
        LedgerEvent(event, at, person, HOME, "spring", "acme", "solar", f"a{index}", debt="loan", creditor="bank")
        for index in range(count)
    )


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def test_every_rule_that_the_gate_asks_is_in_a_table() -> None:
    assert sorted(row[0] for row in OPEN) == sorted(of_kind("window"))
    assert sorted(row[0] for row in CAP_ENDS) == sorted({*of_kind("cap")} - {"gb.pensions"})
    assert sorted(row[0] for row in COOLDOWN_ENDS) == sorted(of_kind("cooldown"))


@pytest.mark.parametrize("row", OPEN, ids=[row[0] for row in OPEN])
def test_a_phone_rings_in_the_hours_of_the_source_and_in_no_other(row: tuple[str, ...]) -> None:
    rule, zone, *days = row
    for day, spans in zip(DAYS, days, strict=True):
        edges = [tuple(map(minutes, span.split("-"))) for span in spans.split()]
        facts = Facts(calendars=calendars_for([alone(rule)], local(day, zone)))
        for half_hour in range(0, 24 * 60, 30):
            at = local(f"{day}T{half_hour // 60:02}:{half_hour % 60:02}", zone)
            permitted = any(start <= half_hour < end for start, end in edges)
            assert is_refused(rule, a_call(rule, zone), facts, at) != permitted, f"{day} {half_hour // 60}:{half_hour % 60:02}"
            before = any(start < half_hour <= end for start, end in edges)
            assert is_refused(rule, a_call(rule, zone), facts, at - timedelta(seconds=1)) != before or half_hour == 0


def test_make_up_workdays_and_holidays_are_told_apart_in_ningxia_and_a_year_without_a_notice_is_closed() -> None:
    rule, zone = "cn-64.collect_hours", "Asia/Shanghai"
    for at, permitted in (
        ("2026-02-14T19:30", True),  # a Saturday on which people work
        ("2026-02-15T19:30", False),
        ("2026-02-23T08:30", False),  # a Monday off
        ("2026-02-23T09:00", True),
        ("2027-01-04T10:00", False),
    ):
        facts = Facts(calendars=calendars_for([alone(rule)], local(at, zone)))
        assert is_refused(rule, a_call(rule, zone), facts, local(at, zone)) != permitted, at


def test_the_day_before_a_holiday_is_shorter_in_italy() -> None:
    rule, zone = "it.hours", "Europe/Rome"
    facts = Facts(calendars=calendars_for([alone(rule)], local("2026-12-24T12:00", zone)))
    told = [is_refused(rule, a_call(rule, zone), facts, local(f"2026-12-24T{at}", zone)) for at in ("09:59", "10:00", "19:00")]
    assert told == [True, False, True]


WAIVED = [rule for rule in of_kind("window") if "waive_with" in WRITTEN[rule]]


@pytest.mark.parametrize("rule", WAIVED)
def test_only_the_consent_that_the_rule_names_waives_its_hours(rule: str) -> None:
    zone = next(row[1] for row in OPEN if row[0] == rule)
    night = local("2026-06-17T23:30", zone)
    facts = Facts(calendars=calendars_for([alone(rule)], night))
    level, *scope = WRITTEN[rule]["waive_with"].removeprefix("consent.").split(".")
    if level not in LEVELS:
        level, scope = "implied", [level, *scope]
    given = Consent(level, night - timedelta(days=1), "ann", scope=frozenset(scope), seller="acme")
    marketing = replace(given, level="written", scope=frozenset({"voice", "marketing"}))
    assert is_refused(rule, a_call(rule, zone), facts, night)
    assert is_refused(rule, a_call(rule, zone), replace(facts, consents=(marketing,)), night)
    assert not is_refused(rule, a_call(rule, zone), replace(facts, consents=(given,)), night)


@pytest.mark.parametrize(("rule", "most", "zone", "end"), CAP_ENDS, ids=[row[0] for row in CAP_ENDS])
def test_a_cap_stands_in_the_way_from_its_last_event_to_the_instant_of_the_source(
    rule: str, most: int, zone: str, end: str
) -> None:
    now, call = local(NOON, zone), a_call(rule, zone)
    reached = Facts(events(WRITTEN[rule]["event"], most, now))
    assert not is_refused(rule, call, Facts(reached.events[1:]), now)
    assert refusal_of(rule, call, reached, now).retry_at == local(end, zone)
    assert is_refused(rule, call, reached, local(end, zone) - timedelta(microseconds=1))
    assert not is_refused(rule, call, reached, local(end, zone))


def test_no_call_about_a_pension_is_permitted_in_the_united_kingdom() -> None:
    assert refusal_of("gb.pensions", a_call("gb.pensions"), Facts(), local(NOON)).retry_at is None


@pytest.mark.parametrize(("rule", "zone", "end"), COOLDOWN_ENDS, ids=[row[0] for row in COOLDOWN_ENDS])
def test_a_cool_down_ends_at_the_instant_of_the_source(rule: str, zone: str, end: str) -> None:
    now = local(NOON, zone)
    call, facts = a_call(rule, zone), Facts(events(WRITTEN[rule]["after"], 1, now))
    verdict = refusal_of(rule, call, facts, now)
    assert not is_refused(rule, call, Facts(), now)
    if end:
        assert verdict.retry_at == local(end, zone)
        assert is_refused(rule, call, facts, local(end, zone) - timedelta(microseconds=1))
        assert not is_refused(rule, call, facts, local(end, zone))
    else:
        assert verdict.retry_at is None
        assert is_refused(rule, call, facts, now + timedelta(days=3650))


@pytest.mark.parametrize("rule", ["gb.after_abandon", "gb.after_amd"])
def test_an_agent_who_is_guaranteed_lifts_the_cool_down(rule: str) -> None:
    now = local(NOON)
    facts = Facts(events(WRITTEN[rule]["after"], 1, now), grounds=frozenset({"guaranteed_agent"}))
    assert not is_refused(rule, a_call(rule), facts, now)


def clean(rule: str, now: datetime) -> Facts:
    """A list that was looked at, up to date, and does not hold the person."""
    return Facts(lists=(ListState(WRITTEN[rule]["list"], now),))


@pytest.mark.parametrize("rule", of_kind("suppress"))
def test_whoever_is_on_the_list_of_the_rule_is_not_rung(rule: str) -> None:
    now, name = in_force(rule), WRITTEN[rule]["list"]
    facts = clean(rule, now)
    assert not is_refused(rule, a_call(rule), facts, now)
    for key in ("number", "person"):
        number, person = (HOME, None) if key == "number" else (None, "ann")
        entry = Suppression(now, "asked", "import", number, person, scope=name)
        refused = is_refused(rule, a_call(rule), replace(facts, suppressions=(entry,)), now)
        assert refused == (key in WRITTEN[rule]["match"]), key
        elsewhere = replace(entry, scope="another")
        assert not is_refused(rule, a_call(rule), replace(facts, suppressions=(elsewhere,)), now)


@pytest.mark.parametrize("rule", [rule for rule in of_kind("suppress") if WRITTEN[rule]["list"] not in OWN_LISTS])
def test_a_list_that_is_missing_or_too_old_says_nothing_and_nobody_is_rung(rule: str) -> None:
    now, name, days = in_force(rule), WRITTEN[rule]["list"], WRITTEN[rule].get("list_max_age_days")
    assert is_refused(rule, a_call(rule), Facts(), now)
    if days is not None:
        taken = now - timedelta(days=days)
        assert not is_refused(rule, a_call(rule), Facts(lists=(ListState(name, taken),)), now)
        older = taken - timedelta(microseconds=1)
        assert is_refused(rule, a_call(rule), Facts(lists=(ListState(name, older),)), now)


@pytest.mark.parametrize(
    ("rule", "kind", "days", "yields"),
    [
        ("us.ndnc", "purchase", 547, True),
        ("us.ndnc", "purchase", 560, False),
        ("us.ndnc", "inquiry", 89, True),
        ("us.ndnc", "inquiry", 100, False),
        ("ca.national_dncl", "purchase", 547, True),
        ("ca.national_dncl", "inquiry", 180, True),
        ("ca.national_dncl", "inquiry", 190, False),
        ("fr.bloctel", "contract_in_force", 1000, True),
        ("it.rpo", "purchase", 1, False),
    ],
)
def test_a_list_yields_to_a_relation_as_young_as_the_source_says(rule: str, kind: str, days: int, *, yields: bool) -> None:
    now = in_force(rule)
    entry = Suppression(now, "listed", "import", number=HOME, scope=WRITTEN[rule]["list"])
    relation = Relation(kind, now - timedelta(days=days), "acme", "solar")
    facts = replace(clean(rule, now), suppressions=(entry,), relations=(relation,))
    assert is_refused(rule, a_call(rule), facts, now) != yields


def a_consent(rule: str, now: datetime) -> Consent:
    """Just what the rule needs, and no more."""
    scope = frozenset(WRITTEN[rule]["scope"])
    given = Consent(WRITTEN[rule]["level_needed"], now - timedelta(days=1), "ann", scope=scope.difference(BOUND), campaign="")
    return replace(given, seller="acme" if "seller" in scope else "", number=HOME if "number" in scope else "")


def lacking(consent: Consent) -> Iterable[Consent]:
    """The same consent with one thing less."""
    yield replace(consent, level="implied")
    yield replace(consent, person="bob")
    yield replace(consent, withdrawn_at=consent.given_at)
    yield replace(consent, expires_at=consent.given_at + timedelta(hours=1))
    for tag in consent.scope:
        yield replace(consent, scope=consent.scope - {tag})
    if consent.seller:
        yield replace(consent, seller="another")
    if consent.number:
        yield replace(consent, number="+12125550199")


@pytest.mark.parametrize("rule", of_kind("consent"))
def test_a_call_needs_the_consent_of_the_source_and_nothing_less(rule: str) -> None:
    now, call = in_force(rule), a_call(rule)
    enough = a_consent(rule, now)
    assert is_refused(rule, call, Facts(), now)
    assert not is_refused(rule, call, Facts(consents=(enough,)), now)
    for less in lacking(enough):
        assert is_refused(rule, call, Facts(consents=(less,)), now), less


@pytest.mark.parametrize(
    ("rule", "kind", "days", "ground", "yields"),
    [
        ("fr.optin", "contract_in_force", 1000, "", True),
        ("fr.optin", "purchase", 1, "", False),
        ("es.consent", "purchase", 300, "similar_products", True),
        ("es.consent", "purchase", 300, "", False),
        ("es.consent", "purchase", 370, "similar_products", False),
        ("de.consent", "contract_in_force", 1, "similar_products", False),
    ],
)
def test_consent_is_not_needed_of_those_the_source_exempts(rule: str, kind: str, days: int, ground: str, *, yields: bool) -> None:
    now = in_force(rule)
    relation = Relation(kind, now - timedelta(days=days), "acme", "solar")
    facts = Facts(relations=(relation,), grounds=frozenset({ground} - {""}))
    assert is_refused(rule, a_call(rule), facts, now) != yields


def test_in_france_the_list_ends_and_the_opt_in_begins_with_the_11th_of_august_2026() -> None:
    before, after = (local(f"2026-08-{day}", "Europe/Paris") for day in ("10T23:59:59", "11T00:00:00"))
    for rule, refused in (("fr.bloctel", (True, False)), ("fr.optin", (False, True))):
        call = a_call(rule, "Europe/Paris")
        assert (is_refused(rule, call, Facts(), before), is_refused(rule, call, Facts(), after)) == refused


@pytest.mark.parametrize("rule", of_kind("ring"))
def test_an_unanswered_phone_rings_for_15_seconds(rule: str) -> None:
    now = local(NOON)
    assert is_refused(rule, a_call(rule, ring_for=timedelta(seconds=14)), Facts(), now)
    assert not is_refused(rule, a_call(rule, ring_for=timedelta(seconds=15)), Facts(), now)


def a_caller_id(rule: str) -> CallerId:
    """Just what the rule needs, and no more."""
    written = WRITTEN[rule]
    number = written.get("allow_prefix", ["+1212"])[0] + "5550123"
    return CallerId(number, frozenset(written.get("must_be", ())), written.get("min_attestation", ""))


@pytest.mark.parametrize("rule", of_kind("callerid"))
def test_the_number_shown_has_what_the_source_asks_of_it(rule: str) -> None:
    now, call, written, good = local(NOON), a_call(rule), WRITTEN[rule], a_caller_id(rule)
    assert not is_refused(rule, replace(call, caller_id=good), Facts(), now)
    bad = [replace(good, number="")]
    bad += [replace(good, qualities=good.qualities - {quality}) for quality in good.qualities]
    bad += [replace(good, number=prefix + "5550123") for prefix in written.get("forbid_prefix", ())]
    bad += [replace(good, number="+12125550123")] if "allow_prefix" in written else []
    bad += [replace(good, attestation="B")] if "min_attestation" in written else []
    for shown in bad:
        assert is_refused(rule, replace(call, caller_id=shown), Facts(), now), shown


@pytest.mark.parametrize(
    ("rule", "seconds", "fits", "exceeds"),
    [
        ("us.abandon", 2, (3, 100), (3, 99)),
        ("gb.abandon", 2, (1, 34), (1, 33)),
        ("it.abandon", 3, (3, 100), (3, 99)),
        ("ca.abandon", 2, (1, 20), (1, 19)),
    ],
)
def test_so_many_may_be_abandoned_and_not_one_more(
    rule: str, seconds: int, fits: tuple[int, int], exceeds: tuple[int, int]
) -> None:
    (abandon,) = alone(rule).rules
    assert isinstance(abandon, AbandonRule)
    answered = local(NOON)
    in_time = LiveAnswer(answered, answered + timedelta(seconds=seconds))
    late = LiveAnswer(answered, answered + timedelta(seconds=seconds, microseconds=1))
    assert (is_abandoned(in_time, abandon), is_abandoned(late, abandon)) == (False, True)
    for (abandoned, of), within in ((fits, True), (exceeds, False)):
        assert rate(abandon, (late,) * abandoned + (in_time,) * (of - abandoned)).within == within


def test_the_house_permits_a_sales_call_of_whose_consent_nothing_is_known() -> None:
    house = next(pack for pack in PACKS if pack.id == "house")
    call = replace(a_call("house.hours", "Asia/Shanghai"), ring_for=timedelta(seconds=25))
    assert isinstance(check(call, Facts(), (house,), local(NOON, "Asia/Shanghai")), Clearance)
