"""What is remembered of the packs says at every instant what asking every rule anew would say."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.facts import Facts
from compliance.gate import check
from compliance.grounds import parse_ground
from compliance.packs import Pack
from compliance.rule_readers import CALL_DIMENSIONS
from compliance.rules import (
    Condition,
    DiscloseRule,
    Level,
    Origin,
    RingRule,
    Rule,
    Source,
    Terms,
    WindowRule,
)
from compliance.scope import BEFORE_THE_RING, CallKind, in_force, may_be_met, rules_for, timetable_for
from compliance.verdict import Candidate, Clearance, Refusal
from compliance.windows import DayPlan, parse_hours

PARIS_AND_TOKYO = ("Asia/Tokyo", "Europe/Paris")
FIRST = date(2026, 3, 27)  # the clocks of Paris change on the 29th
CALL = Candidate("now", "ann", "+33142685300", "spring", "acme", "solar", technology="predictive", ring_for=timedelta(0))
ANYWHERE: frozenset[str] = frozenset()


def an_origin(name: str) -> Origin:
    return Origin(name, "a cite", Level.LAW, Source.PRIMARY)


def a_pack(*rules: Rule, jurisdiction: tuple[str, ...] = ("*",), sha256: str = "0" * 64) -> Pack:
    return Pack("test", "1", jurisdiction, (), rules, sha256)


dates = st.none() | st.integers(0, 5).map(lambda days: FIRST + timedelta(days=days))
conditions = st.sampled_from(((), (Condition("technology", ("predictive",)),), (Condition("technology", ("manual",)),)))
waivers = st.sampled_from(((), (parse_ground("guaranteed_agent"),)))
terms = st.builds(Terms, when=conditions, effective_from=dates, effective_until=dates, waived_by=waivers)
ring = st.builds(RingRule, st.just(an_origin("ring")), st.just(timedelta(seconds=15)), st.none(), terms)
disclose = st.builds(DiscloseRule, st.just(an_origin("say")), st.just(("name",)), st.none(), st.none(), terms)
instants = st.integers(-96, 24 * 4 * 8).map(lambda quarters: datetime(2026, 3, 27, tzinfo=UTC) + timedelta(minutes=15 * quarters))


@settings(deadline=None, max_examples=200)
@given(st.lists(ring | disclose, max_size=6), st.lists(instants, min_size=1, max_size=4), st.sampled_from(((), PARIS_AND_TOKYO)))
def test_the_timetable_holds_at_every_instant_the_rules_whose_dates_hold(
    rules: list[Rule], times: list[datetime], zones: tuple[str, ...]
) -> None:
    packs = (a_pack(*rules),)
    met = [rule for rule in rules if all(may_be_met(one, CALL, ANYWHERE) for one in rule.terms.when)]
    spans = [(rule, *in_force(rule.terms, zones)) for rule in met]
    for now in times:
        held = [(rule, last) for rule, first, last in spans if (not first or first <= now) and (not last or now < last)]
        found = rules_for(packs, CALL, ANYWHERE, zones, now)
        assert list(found.rules) == [rule for rule, _ in held]
        assert found.next_rule == min((first for _, first, _ in spans if first and now < first), default=None)
        assert found.ends == {rule.origin.id: last for rule, last in held if last}
        asked = timetable_for(packs, CALL, ANYWHERE, zones).at(now)
        assert list(asked.rules) == [rule for rule, _ in held if isinstance(rule, RingRule) or rule.terms.waived_by]
        assert (asked.next_rule, asked.ends) == (found.next_rule, found.ends)


def test_a_kind_of_call_is_all_that_a_condition_may_ask_of_one() -> None:
    assert CallKind._fields == ("purpose", "party", "technology", "sector", "caller_role", "line_type")
    assert set(CallKind._fields) == set(CALL_DIMENSIONS)
    assert set(CallKind._fields) < {field.name for field in fields(Candidate)}


def test_every_kind_of_rule_binds_before_the_ring_or_after_it() -> None:
    after = {kind.__name__ for kind in get_args(Rule)} - {kind.__name__ for kind in BEFORE_THE_RING}
    assert after == {"AbandonRule", "DiscloseRule", "RecordRule", "RetainRule", "DeadlineRule"}


def test_packs_of_one_text_for_two_places_are_not_taken_for_each_other() -> None:
    at_any_hour = WindowRule(an_origin("hours"), "callee", False, (DayPlan(frozenset(range(7)), permits=False, hours=()),))
    french = a_pack(at_any_hour, jurisdiction=("FR",))
    spanish = replace(french, jurisdiction=("ES",))
    assert hash(french) == hash(spanish)
    noon = datetime(2026, 6, 15, 10, tzinfo=UTC)
    for pack, governs in ((french, True), (spanish, False), (french, True)):
        assert isinstance(check(CALL, Facts(), (pack,), noon), Clearance) is governs


def test_the_same_number_with_another_declared_zone_is_another_place() -> None:
    open_by_day = WindowRule(
        an_origin("hours"), "callee", False, (DayPlan(frozenset(range(7)), permits=True, hours=(parse_hours("08:00-20:00"),)),)
    )
    packs, noon = (a_pack(open_by_day),), datetime(2026, 6, 15, 10, tzinfo=UTC)
    assert isinstance(check(CALL, Facts(), packs, noon), Clearance)
    assert isinstance(check(replace(CALL, declared_zones=("America/Denver",)), Facts(), packs, noon), Refusal)
    assert isinstance(check(CALL, Facts(), packs, noon), Clearance)
