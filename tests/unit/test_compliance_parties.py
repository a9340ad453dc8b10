"""Where the parties of a call are, and which rules reach them there; where a length of time ends, and what is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from compliance.daykinds import Calendar
from compliance.deadlines import house_due_by
from compliance.lengths import IMMEDIATE, Length, earliest_over, latest_over, over_at, parse_length
from compliance.packs import Pack, parse_pack
from compliance.parties import callee_of, rules_at, rules_at_callee, zones_at
from compliance.rules import Condition, DeadlineRule, Level, Origin, Rule, Source
from compliance.verdict import Candidate
from tests.pack_texts import pack_text, rule_text

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
CALL = Candidate("a1", "ann", "+12125550100", "spring", "acme", "solar", technology="manual")


def a_pack(name: str, place: str, *more: str) -> Pack:
    rules = (rule_text(f"{name}.{number}", "ring", min_unanswered_s=15) + one + "\n" for number, one in enumerate(("", *more)))
    return parse_pack(pack_text(*rules, name=name, places=(place,)), name)


EVERYWHERE = a_pack("all", "*")
NEW_YORK = a_pack(
    "ny", "US-NY", "effective_from = 2026-06-16", 'when = { technology = ["predictive"] }', "effective_until = 2026-06-15"
)
TEXAS, FRANCE = a_pack("tx", "US-TX"), a_pack("fr", "FR")
PACKS = (EVERYWHERE, NEW_YORK, TEXAS, FRANCE)


def told(found: list[tuple[Pack, Rule]]) -> list[tuple[str, str]]:
    return [(pack.id, rule.origin.id) for pack, rule in found]


def test_a_callee_is_where_the_number_is_and_where_the_person_said() -> None:
    assert callee_of(CALL) == {"US-NY"}
    assert callee_of(replace(CALL, regions=("US-TX", "FR"))) == {"US-NY", "US-TX", "FR"}


def test_the_rules_at_the_callee_are_those_in_force_there_each_with_its_pack() -> None:
    assert told(list(rules_at_callee(PACKS, CALL, NOON))) == [("all", "all.0"), ("ny", "ny.0"), ("ny", "ny.3")]
    tomorrow = list(rules_at_callee(PACKS, replace(CALL, technology="predictive"), NOON + timedelta(days=1)))
    assert told(tomorrow) == [("all", "all.0"), ("ny", "ny.0"), ("ny", "ny.1"), ("ny", "ny.2")]
    declared = list(rules_at_callee(PACKS, replace(CALL, regions=("US-TX",)), NOON))
    assert told(declared) == [("all", "all.0"), ("ny", "ny.0"), ("ny", "ny.3"), ("tx", "tx.0")]


def test_a_rule_or_a_pack_that_asks_where_the_callee_is_is_told_where() -> None:
    in_texas = a_pack("asks", "*", 'when = { callee_in = ["US-TX"] }')
    only_texas = replace(a_pack("only", "*"), applies=(Condition("callee_in", ("US-TX",)),))
    packs, declared = (in_texas, only_texas), replace(CALL, regions=("US-TX",))
    assert told(list(rules_at_callee(packs, CALL, NOON))) == [("asks", "asks.0")]
    assert told(list(rules_at_callee(packs, declared, NOON))) == [("asks", "asks.0"), ("asks", "asks.1"), ("only", "only.0")]


def test_a_rule_ends_at_the_callee_when_the_date_ends_in_the_last_of_the_zones() -> None:
    late = datetime(2026, 6, 16, 4, tzinfo=UTC)  # midnight in New York; Texas has an hour to go
    assert ("ny", "ny.3") not in told(list(rules_at_callee(PACKS, CALL, late)))
    assert ("ny", "ny.3") in told(list(rules_at_callee(PACKS, CALL, late - timedelta(seconds=1))))
    assert ("ny", "ny.3") in told(list(rules_at_callee(PACKS, replace(CALL, regions=("US-TX",)), late)))


def test_another_party_is_under_the_rules_of_its_own_place_and_of_none_where_that_is_not_known() -> None:
    assert told(list(rules_at(PACKS, CALL, frozenset({"FR"}), NOON))) == [("all", "all.0"), ("fr", "fr.0")]
    assert list(rules_at(PACKS, CALL, frozenset(), NOON)) == []
    late = datetime(2026, 6, 16, 4, tzinfo=UTC)
    assert ("ny", "ny.3") not in told(list(rules_at(PACKS, CALL, frozenset({"US-NY"}), late)))
    assert ("ny", "ny.3") in told(list(rules_at(PACKS, CALL, frozenset({"US-NY"}), late - timedelta(seconds=1))))


def test_a_party_is_in_every_zone_of_every_region_it_may_be_in() -> None:
    assert zones_at(frozenset({"US-FL", "FR"})) == ("America/Chicago", "America/New_York", "Europe/Paris")
    assert zones_at(frozenset()) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5w", "'5w' is not a length of time such as 30d, 10bd, 6mo or 5y"),
        ("x" * 61, f"'{'x' * 60}' is not a length of time such as 30d, 10bd, 6mo or 5y"),
        ("36601d", "'36601d' is longer than a hundred years"),
        ("101y", "'101y' is longer than a hundred years"),
    ],
)
def test_what_is_no_length_is_told_as_it_was_written(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"length|longer") as caught:
        parse_length(text)
    assert str(caught.value) == why


def test_a_length_begins_at_an_aware_time_and_ends_in_utc() -> None:
    with pytest.raises(ValueError, match=r"^a length of time begins at an aware time$"):
        over_at(Length(1, "d"), NOON.replace(tzinfo=None), "Europe/Paris")
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    end = over_at(Length(72, "h"), tokyo, "Europe/Paris")
    assert end == NOON + timedelta(hours=72)
    assert end.tzinfo is UTC
    assert over_at(IMMEDIATE, NOON, "Europe/Paris") == NOON


def test_where_it_is_not_known_a_length_is_over_between_the_first_and_the_last_place_on_earth() -> None:
    one_day = Length(1, "d")  # dated the 16th where a day begins first, the 15th where it begins last
    assert latest_over(one_day, NOON, ()) == datetime(2026, 6, 18, 12, tzinfo=UTC)
    assert earliest_over(one_day, NOON, ()) == datetime(2026, 6, 16, 10, tzinfo=UTC)
    assert earliest_over(Length(0, "d"), NOON, ()) == NOON
    both = ("Asia/Tokyo", "America/New_York")
    assert latest_over(one_day, NOON, both) == datetime(2026, 6, 17, 15, tzinfo=UTC)
    assert earliest_over(one_day, NOON, both) == datetime(2026, 6, 17, 4, tzinfo=UTC)


def test_business_days_are_the_calendars_also_where_the_place_is_not_known_and_in_the_house() -> None:
    friday = Calendar("XX", frozenset({2026}), frozenset({date(2026, 6, 16), date(2026, 6, 17)}))
    after_two_holidays = datetime(2026, 6, 18, 10, tzinfo=UTC)  # the end of the 18th where the day ends first
    assert earliest_over(Length(1, "bd"), NOON, (), friday) == after_two_holidays
    origin = Origin("x", "c", Level.LAW, Source.PRIMARY)
    rule = DeadlineRule(origin, "consent_revoked", Length(10, "bd"), Length(1, "bd"))
    assert house_due_by(rule, NOON, friday) == after_two_holidays
    assert house_due_by(rule, NOON, friday, ("Europe/Paris",)) == datetime(2026, 6, 18, 22, tzinfo=UTC)
    assert house_due_by(rule, NOON, None, ("Europe/Paris",)) == datetime(2026, 6, 16, 22, tzinfo=UTC)
