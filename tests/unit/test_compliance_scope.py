"""Doubt never lets a rule go: unknown places, unknown circumstances and dates that may be are all taken as the stricter case."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from compliance.calendars import calendar_named, calendars_for
from compliance.contradictions import contradictions
from compliance.daykinds import DayKind, kinds_of
from compliance.facts import Facts
from compliance.gate import check, zones_for
from compliance.numbers import regions_of, zones_in
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, parse_pack
from compliance.regions import CN_AREA_CODES, US_AREA_CODES, may_be_in
from compliance.rules import Condition, Terms
from compliance.scope import in_force, may_be_met, packs_for
from compliance.verdict import Candidate, Clearance, Refusal

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
TORONTO, NEW_YORK = "+14165550100", "+12125550100"


def a_candidate(number: str = NEW_YORK, technology: str = "") -> Candidate:
    return Candidate("now", "ann", number, "spring", "acme", "solar", ring_for=timedelta(0), technology=technology)


def a_rule(name: str, kind: str, fields: str) -> str:
    return f'[[rule]]\nid = "{name}"\nkind = "{kind}"\ncite = "c"\nlevel = "law"\nsource = "primary"\n{fields}\n'


def a_pack(name: str, *rules: str, jurisdiction: str = "*", purpose: str = "") -> Pack:
    applies = f'[pack.applies]\npurpose = ["{purpose}"]\n' if purpose else ""
    head = f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = ["{jurisdiction}"]\n'
    return parse_pack(head + applies + "".join(rules), name)


@pytest.mark.parametrize(
    ("number", "regions"),
    [
        ("+13055550100", {"US-FL"}),
        (NEW_YORK, {"US-NY"}),
        (TORONTO, {"CA"}),
        ("+18005551234", {"US", "CA"}),
        ("+33142685300", {"FR"}),
        ("+262692123456", {"RE"}),
        ("+869516012345", {"CN-NX"}),
        ("+861062555555", {"CN-BJ"}),
        ("+8613912345678", {"CN"}),
        ("+447911123456", {"GB", "GG"}),
        ("nonsense", set()),
    ],
)
def test_a_number_stands_for_every_region_it_may_be_in(number: str, regions: set[str]) -> None:
    assert regions_of(number) == regions


def test_an_area_code_stands_for_one_state() -> None:
    codes = [code for codes in US_AREA_CODES.values() for code in codes.split()]
    assert len(codes) == len(set(codes)) > 330
    assert len(US_AREA_CODES) == 51
    assert {"NX", "BJ", "XJ"} < set(CN_AREA_CODES)
    assert zones_in("US-FL") == ("America/Chicago", "America/New_York")
    assert zones_in("ZZ") == zones_in("US-ZZ") == ()


@pytest.mark.parametrize(
    ("candidates", "region", "may"),
    [
        ({"US-FL"}, "US", True),
        ({"US-FL"}, "US-FL", True),
        ({"US-FL"}, "US-NY", False),
        ({"US"}, "US-NY", True),
        ({"CN-BJ", "US"}, "US-NY", True),
        ({"USA"}, "US", False),
        (set(), "FR", True),
        ({"FR"}, "*", True),
    ],
)
def test_who_may_be_where(candidates: set[str], region: str, may: bool) -> None:
    assert may_be_in(frozenset(candidates), region) is may


def test_a_declared_region_adds_its_law_and_its_zones() -> None:
    in_texas = replace(a_candidate(), regions=("US-TX",))
    regions = regions_of(in_texas.number) | frozenset(in_texas.regions)
    assert {"us-ny", "us-tx", "us-federal-telemarketing"} <= {pack.id for pack in packs_for(packs_of_law(), in_texas, regions)}
    assert zones_for(in_texas) == ("America/Chicago", "America/Denver", "America/New_York")
    assert zones_for(replace(in_texas, zones=("America/Denver",))) == ("America/Denver",)


def test_a_pack_of_another_place_does_not_apply_and_one_of_this_place_must() -> None:
    hours = a_rule("x.hours", "window", 'clock = "callee"\nschedule = [{ on = ["*"], allow = ["00:00-24:00"] }]')
    assert isinstance(check(a_candidate(), Facts(), (a_pack("here", hours, jurisdiction="US-NY"),), NOON), Clearance)
    verdict = check(a_candidate(), Facts(), (a_pack("there", hours, jurisdiction="US-FL"),), NOON)
    assert isinstance(verdict, Refusal)
    assert verdict.packs == ()
    assert "in US-NY" in verdict.reasons[0].text


@pytest.mark.parametrize(("known", "met"), [("", True), ("predictive", True), ("manual", False)])
def test_a_condition_whose_answer_is_not_known_is_met(known: str, met: bool) -> None:
    condition = Condition("technology", ("predictive", "ai_voice"))
    assert may_be_met(condition, a_candidate(technology=known), frozenset({"US"})) is met
    assert may_be_met(Condition("result", ("policy_sold",)), a_candidate(), frozenset({"US"}))


def test_a_rule_holds_as_long_as_it_may_be_its_date_somewhere() -> None:
    terms = Terms(effective_from=date(2026, 8, 11), effective_until=date(2026, 8, 31))
    zones = ("Pacific/Auckland", "America/Los_Angeles")
    assert in_force(terms, zones) == (datetime(2026, 8, 10, 12, tzinfo=UTC), datetime(2026, 9, 1, 7, tzinfo=UTC))
    first, last = in_force(terms, ())
    assert first is not None
    assert last is not None
    assert first <= datetime(2026, 8, 10, 10, tzinfo=UTC)
    assert last >= datetime(2026, 9, 1, 12, tzinfo=UTC)


def test_a_clearance_ends_when_a_stricter_rule_begins() -> None:
    midnight = datetime(2026, 8, 11, 4, tzinfo=UTC)
    consent = a_rule("x.consent", "consent", 'level_needed = "express"\neffective_from = 2026-08-11')
    verdict = check(a_candidate(), Facts(), (a_pack("x", consent),), midnight - timedelta(seconds=1))
    assert isinstance(verdict, Clearance)
    assert verdict.closes_at == midnight
    assert isinstance(check(a_candidate(), Facts(), (a_pack("x", consent),), midnight), Refusal)


def test_a_rule_that_ends_lets_go_at_the_end_of_its_last_day() -> None:
    consent = a_rule("x.consent", "consent", 'level_needed = "express"\neffective_until = 2026-06-30')
    verdict = check(a_candidate(), Facts(), (a_pack("x", consent),), NOON)
    assert isinstance(verdict, Refusal)
    assert verdict.retry_at == datetime(2026, 7, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "kinds"),
    [
        (date(2026, 2, 14), {DayKind.WORKDAY, DayKind.PREHOLIDAY}),  # a Saturday on which people work
        (date(2026, 2, 23), {DayKind.HOLIDAY, DayKind.RESTDAY}),
        (date(2026, 3, 7), {DayKind.RESTDAY}),
        (date(2026, 9, 30), {DayKind.WORKDAY, DayKind.PREHOLIDAY}),
        (date(2027, 1, 4), None),
    ],
)
def test_the_chinese_year_is_the_official_notice_or_nothing(day: date, kinds: set[DayKind] | None) -> None:
    assert kinds_of(day, calendar_named("CN", (2025, 2026, 2027))) == kinds


def test_calendars_are_those_the_packs_name_and_no_other() -> None:
    found = {one.name: one for one in calendars_for(load_packs(("fr-prospection", "us-federal-telemarketing"), Path()), NOON)}
    assert set(found) == {"FR"}
    assert len([day for day in found["FR"].holidays if day.year == 2026]) == 11
    assert calendar_named("ZZ", (2026,)) is None


def test_shipped_packs_of_one_place_do_not_contradict_each_other() -> None:
    assert contradictions(packs_of_law()) == ()


MORNING = 'clock = "callee"\nschedule = [{ on = ["*"], allow = ["08:00-12:00"] }]'
EVENING = 'clock = "callee"\nschedule = [{ on = ["*"], forbid = ["22:00-12:00"] }]'


@pytest.mark.parametrize(
    ("kind", "one", "other", "told"),
    [
        ("window", MORNING, EVENING, "their hours never meet"),
        ("callerid", 'allow_prefix = ["400"]', 'forbid_prefix = ["40"]', "is barred by the other"),
        ("callerid", 'allow_prefix = ["400"]', 'allow_prefix = ["95"]', "no caller number begins as both demand"),
        (
            "retain",
            'what = ["recording"]\nfrom = "call"\nmin = "3y"',
            'what = ["recording"]\nfrom = "call"\nmax = "6mo"',
            "at least 1098",
        ),
        ("record", 'consent = "one"\nmode = "whole_call"', 'consent = "one"\nmode = "off"', "the other nothing"),
    ],
)
def test_packs_that_cannot_both_be_obeyed_are_reported(kind: str, one: str, other: str, told: str) -> None:
    first, second = a_rule("a.rule", kind, one), a_rule("b.rule", kind, other)
    (found,) = contradictions((a_pack("a", first), a_pack("b", second)))
    assert (found.first, found.second) == ("a: a.rule", "b: b.rule")
    assert told in found.text
    assert contradictions((a_pack("a", first), a_pack("b", first.replace("a.rule", "b.rule")))) == ()
    assert contradictions((a_pack("a", first, jurisdiction="FR"), a_pack("b", second, jurisdiction="US"))) == ()
    assert contradictions((a_pack("a", first, purpose="sales"), a_pack("b", second, purpose="research"))) == ()
