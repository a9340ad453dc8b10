"""A record is kept as long as any rule wants it, gone when the first of them wants it gone, and not lost by asking."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.lengths import Length, parse_length
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import PackError, parse_pack
from compliance.retention import MARKETING, Deletion, Erasure, Hold, KeepUntil, Kept, Outcome, may_delete, resolve
from compliance.rules import Condition, Level, Origin, RetainRule, Rule, Source, Terms
from compliance.verdict import Reason

NEW_YORK, SHANGHAI, BERLIN = "America/New_York", "Asia/Shanghai", "Europe/Berlin"
A_MOMENT = timedelta(microseconds=1)
CALL = datetime(2026, 11, 23, 2, tzinfo=UTC)  # the 22nd in New York, the 23rd in Shanghai
SHIPPED = {
    rule.origin.id: rule
    for pack in (*packs_of_law(), *load_packs(("house",), Path()))
    for rule in pack.rules
    if isinstance(rule, RetainRule)
}


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def a_rule(
    name: str, least: str = "", most: str = "", since: str = "call", level: Level = Level.LAW, when: tuple[Condition, ...] = ()
) -> RetainRule:
    origin = Origin(name, f"{name} of the law", level, Source.PRIMARY)
    lengths = [parse_length(text) if text else None for text in (least, most)]
    return RetainRule(origin, ("recording",), lengths[0], lengths[1], since, Terms(when))


def kept(rules: Iterable[Rule], zones: tuple[str, ...] = (SHANGHAI,), **since: datetime) -> KeepUntil:
    return resolve(rules, "recording", since or {"call": CALL}, zones)


def reasons(answer: Kept | Deletion) -> list[str]:
    return [one.rule for one in answer.reasons]


#: RULES.md section 1: each shipped rule, the zone and the event it counts from, and the first instant it no longer holds.
ENDS = [
    ("us.retain", "script", NEW_YORK, "2024-02-29T12:00", "2029-03-01T00:00"),
    ("us.retain", "call_detail", NEW_YORK, "2026-11-23T12:00", "2031-11-24T00:00"),
    ("regf.retain", "compliance_evidence", NEW_YORK, "2026-11-23T12:00", "2029-11-24T00:00"),
    ("regf.retain_recording", "recording", NEW_YORK, "2026-11-23T23:59", "2029-11-24T00:00"),
    ("ca.retain_abandonment", "abandonment_stats", "America/Toronto", "2026-11-23T12:00", "2029-11-24T00:00"),
    ("de.retain_consent", "consent", BERLIN, "2026-11-23T12:00", "2031-11-24T00:00"),
    ("de.retain_consent_used", "consent", BERLIN, "2027-11-23T12:00", "2032-11-24T00:00"),
    ("cn.retain_callcentre", "recording", SHANGHAI, "2026-11-23T12:00", "2026-12-24T00:00"),
    ("cn.retain_life_short", "recording", SHANGHAI, "2026-11-23T12:00", "2031-11-24T00:00"),
    ("cn.retain_life_long", "recording", SHANGHAI, "2026-02-28T12:00", "2036-02-29T00:00"),
    ("cn.retain_credit_card", "recording", SHANGHAI, "2026-11-23T12:00", "2028-11-24T00:00"),
    ("cn.retain_assessment", "impact_assessment", SHANGHAI, "2026-11-23T12:00", "2029-11-24T00:00"),
]


@pytest.mark.parametrize(("name", "what", "zone", "began", "end"), ENDS)
def test_a_record_may_be_deleted_from_the_instant_of_the_source_on(name: str, what: str, zone: str, began: str, end: str) -> None:
    rule, over = SHIPPED[name], local(end, zone)
    keep = resolve((rule,), what, {rule.since: local(began, zone)}, (zone,))
    assert (keep.min_until, keep.max_until, keep.conflict, keep.needs) == (over, None, "", ())
    before = may_delete(keep, over - A_MOMENT)
    assert isinstance(before, Kept)
    assert (before.until, before.review, before.stopped_uses, reasons(before)) == (over, False, (), [name])
    after = may_delete(keep, over)
    assert isinstance(after, Deletion)
    assert not after.overdue


def test_every_shipped_rule_is_in_the_table() -> None:
    assert {name for name, *_ in ENDS} == set(SHIPPED)
    assert {what for name, what, *_ in ENDS if what not in SHIPPED[name].what} == set()


def test_no_rule_speaks_of_what_it_does_not_name() -> None:
    assert resolve(SHIPPED.values(), "voicemail", {"call": CALL}, (SHANGHAI,)).reasons == ()


# --- the largest minimum, the smallest maximum ------------------------------------------------------------------------


def test_the_largest_minimum_and_the_smallest_maximum_hold() -> None:
    keep = kept([a_rule("a", "30d"), a_rule("b", "2y"), a_rule("c", most="5y"), a_rule("d", "1mo", "3y")])
    assert keep.min_until == local("2028-11-24T00:00", SHANGHAI)
    assert keep.max_until == local("2029-11-24T00:00", SHANGHAI)
    assert keep.conflict == ""
    assert [one.rule for one in keep.minimums] == ["a", "b", "d"]
    assert [one.rule for one in keep.maximums] == ["c", "d"]
    assert [one.rule for one in keep.reasons] == ["a", "b", "d", "c", "d"]


def test_a_record_that_must_be_gone_is_overdue() -> None:
    keep = kept([a_rule("quality", most="6mo")])
    assert keep.max_until is not None
    for now, overdue in ((keep.max_until - A_MOMENT, False), (keep.max_until, True)):
        answer = may_delete(keep, now)
        assert isinstance(answer, Deletion)
        assert (answer.overdue, reasons(answer)) == (overdue, ["quality"])


def test_a_minimum_longer_than_a_maximum_goes_to_a_person_and_nothing_is_deleted_before() -> None:
    keep = kept([a_rule("insurance", "5y"), a_rule("quality", most="6mo")])
    assert keep.conflict == "insurance keeps it at least 5y from call and quality at most 6mo from call: a person decides"
    kept_until, gone = local("2031-11-24T00:00", SHANGHAI), local("2027-05-24T00:00", SHANGHAI)
    assert (keep.min_until, keep.max_until) == (kept_until, gone)
    for now in (CALL, gone, kept_until - A_MOMENT):
        answer = may_delete(keep, now)
        assert isinstance(answer, Kept)
        assert (answer.review, reasons(answer)) == (True, ["insurance"])
    assert may_delete(keep, kept_until) == Deletion(kept_until, overdue=True, reasons=keep.maximums, stopped_uses=())


@pytest.mark.parametrize(
    ("least", "most", "conflict"), [("6mo", "6mo", False), ("181d", "6mo", False), ("182d", "6mo", True), ("1y", "365d", False)]
)
def test_lengths_meet_on_their_dates_and_not_on_the_days_a_month_may_have(least: str, most: str, conflict: bool) -> None:
    assert bool(kept([a_rule("a", least), a_rule("b", most=most)]).conflict) is conflict


@pytest.mark.parametrize("zones", [(NEW_YORK, SHANGHAI), ()])
def test_a_minimum_and_a_maximum_of_one_length_are_no_conflict_where_the_zone_is_not_known(zones: tuple[str, ...]) -> None:
    keep = kept([a_rule("a", "6mo"), a_rule("b", most="6mo")], zones)
    assert (keep.conflict, keep.min_until) == ("", keep.max_until)


def test_a_conflict_on_the_dates_of_one_place_is_none_on_those_of_another_and_one_where_it_is_not_known() -> None:
    began = local("2026-03-01T01:00", SHANGHAI)  # 28 February in New York, from where a month is 28 days and not 31
    rules = [a_rule("a", "30d"), a_rule("b", most="1mo")]
    found = {
        zones: bool(kept(rules, zones, call=began).conflict) for zones in ((SHANGHAI,), (NEW_YORK,), (SHANGHAI, NEW_YORK), ())
    }
    assert found == {(SHANGHAI,): False, (NEW_YORK,): True, (SHANGHAI, NEW_YORK): True, (): True}


def test_in_several_zones_a_minimum_ends_in_the_last_and_a_maximum_in_the_first() -> None:
    keep = kept([a_rule("a", "1y", "2y")], (NEW_YORK, SHANGHAI))
    assert keep.min_until == local("2027-11-24T00:00", SHANGHAI)
    assert keep.max_until == local("2028-11-23T00:00", NEW_YORK)


# --- what is not known ------------------------------------------------------------------------------------------------


def test_what_is_counted_from_a_day_nobody_knows_yet_is_kept() -> None:
    keep = kept([a_rule("insurance", "10y", since="contract_end"), a_rule("centre", "30d")])
    assert keep.needs == ("contract_end",)
    assert keep.min_until == local("2026-12-24T00:00", SHANGHAI)
    answer = may_delete(keep, CALL + timedelta(days=36500))
    assert isinstance(answer, Kept)
    assert (answer.until, reasons(answer)) == (None, ["insurance"])
    assert answer.reasons[0].text == "kept at least 10y from contract_end, of which the time is not known"


def test_a_minimum_of_which_the_end_is_not_known_may_outlast_any_maximum() -> None:
    keep = kept([a_rule("insurance", "10y", since="contract_end"), a_rule("quality", most="6mo")])
    assert keep.conflict.startswith(
        "insurance keeps it at least 10y from contract_end, of which the time is not known, and quality "
    )
    assert kept([a_rule("insurance", "10y"), a_rule("quality", most="6mo", since="complaint_closed")]).conflict == ""


@pytest.mark.parametrize(
    ("outcome", "rules", "needs"),
    [
        (Outcome(), {"cn.retain_callcentre", "cn.retain_life_short", "cn.retain_life_long"}, ("contract_end",)),
        (Outcome("policy_sold"), {"cn.retain_callcentre", "cn.retain_life_short", "cn.retain_life_long"}, ("contract_end",)),
        (Outcome("policy_sold", 1), {"cn.retain_callcentre", "cn.retain_life_short"}, ("contract_end",)),
        (Outcome("policy_sold", 2), {"cn.retain_callcentre", "cn.retain_life_long"}, ("contract_end",)),
        (Outcome("refused", 2), {"cn.retain_callcentre"}, ()),
    ],
)
def test_what_came_of_the_call_decides_between_5_and_10_years_and_what_is_not_known_is_both(
    outcome: Outcome, rules: set[str], needs: tuple[str, ...]
) -> None:
    china = [rule for name, rule in SHIPPED.items() if name.startswith("cn.") and name != "cn.retain_credit_card"]
    keep = resolve(china, "recording", {"call": CALL}, (SHANGHAI,), outcome)
    assert ({one.rule for one in keep.minimums}, keep.needs) == (rules, needs)


def test_a_condition_on_the_call_itself_was_asked_before() -> None:
    rule = a_rule("a", "1y", when=(Condition("sector", ("life_insurance",)),))
    assert [one.rule for one in kept([rule]).minimums] == ["a"]


# --- RULES.md section 5, row 20 ---------------------------------------------------------------------------------------

ERASURE = Erasure(CALL + timedelta(days=1), "PIPL 47")


def test_case_20_a_10_year_insurance_hold_blocks_deletion_and_says_why_and_marketing_stops_at_once() -> None:
    end = local("2046-11-23T12:00", SHANGHAI)
    rules = [SHIPPED["cn.retain_life_long"], SHIPPED["cn.retain_callcentre"]]
    keep = resolve(rules, "recording", {"call": CALL, "contract_end": end}, (SHANGHAI,), Outcome("policy_sold", 20))
    answer = may_delete(keep, ERASURE.at, request=ERASURE)
    assert isinstance(answer, Kept)
    assert answer.until == local("2056-11-24T00:00", SHANGHAI)
    assert (answer.review, answer.stopped_uses) == (False, (MARKETING,))
    assert reasons(answer) == ["cn.retain_life_long", "cn.retain_callcentre"]
    assert answer.reasons[0].cite == SHIPPED["cn.retain_life_long"].origin.cite
    assert answer.reasons[0].text == "kept at least 10y from contract_end at 2046-11-23T04:00:00+00:00"
    assert isinstance(may_delete(keep, answer.until, request=ERASURE), Deletion)


def test_case_20_3_years_of_reg_f_stand_against_a_deletion_by_the_pipl() -> None:
    keep = resolve([SHIPPED["regf.retain_recording"]], "recording", {"call": CALL}, (NEW_YORK, SHANGHAI))
    answer = may_delete(keep, ERASURE.at, request=ERASURE)
    assert isinstance(answer, Kept)
    assert (answer.until, answer.review) == (local("2029-11-24T00:00", SHANGHAI), False), "the 23rd there"
    assert (reasons(answer), answer.stopped_uses) == (["regf.retain_recording"], (MARKETING,))
    assert answer.reasons[0].cite == "12 CFR 1006.100(b)"


def test_without_a_request_marketing_goes_on() -> None:
    assert may_delete(kept([a_rule("a", "1y")]), CALL).stopped_uses == ()


def test_marketing_stops_also_where_the_record_may_go() -> None:
    answer = may_delete(kept([a_rule("quality", most="6mo")]), CALL, request=ERASURE)
    assert isinstance(answer, Deletion)
    assert (answer.overdue, answer.stopped_uses, reasons(answer)) == (False, (MARKETING,), ["quality", "erasure"])
    assert (answer.reasons[-1].cite, answer.reasons[-1].text) == ("PIPL 47", "asked for at 2026-11-24T02:00:00+00:00")


def test_a_hold_keeps_what_no_rule_keeps_and_has_no_end() -> None:
    holds = (Hold("complaint 17", "legal", CALL), Hold("audit", "quality", CALL))
    for request in (None, ERASURE):
        answer = may_delete(kept([a_rule("quality", most="6mo")]), CALL + timedelta(days=3650), holds, request)
        assert isinstance(answer, Kept)
        assert (answer.until, answer.review, reasons(answer)) == (None, False, ["hold", "hold"])
        assert [one.cite for one in answer.reasons] == ["legal", "quality"]
        assert answer.reasons[0].text == f"held since {CALL.isoformat()}: complaint 17"


@pytest.mark.parametrize(("level", "review"), [(level, level not in {"law", "local", "presumption"}) for level in Level])
def test_a_minimum_that_no_law_sets_does_not_refuse_an_erasure_by_itself(level: Level, review: bool) -> None:
    keep = kept([a_rule("a", "1y", level=level)])
    asked = may_delete(keep, ERASURE.at, request=ERASURE)
    assert isinstance(asked, Kept)
    assert asked.review is review
    beside_law = may_delete(kept([a_rule("a", "1y", level=level), a_rule("b", "30d")]), ERASURE.at, request=ERASURE)
    assert isinstance(beside_law, Kept)
    assert not beside_law.review
    unasked = may_delete(keep, CALL)
    assert isinstance(unasked, Kept)
    assert not unasked.review


def test_retention_is_of_aware_times() -> None:
    naive = datetime(2026, 11, 23)  # noqa: DTZ001 -- the fault under test
    with pytest.raises(ValueError, match="aware"):
        kept([a_rule("a", "1y")], call=naive)
    with pytest.raises(ValueError, match=r"^retention needs an aware time$"):
        may_delete(kept([]), naive)


# --- the words ----------------------------------------------------------------------------------------------------------


def test_every_answer_says_when_it_was_given_and_each_reason_whose_it_is_and_when_it_ends() -> None:
    keep = kept([a_rule("a", "1y", "2y", level=Level.LOCAL)])
    least = Reason("a", "retain", "a of the law", "local", f"kept at least 1y from call at {CALL.isoformat()}", keep.min_until)
    most = Reason("a", "retain", "a of the law", "local", f"kept at most 2y from call at {CALL.isoformat()}", keep.max_until)
    hold = Reason("hold", "hold", "legal", "house", f"held since {CALL.isoformat()}: complaint 17", None)
    asked = Reason("erasure", "request", "PIPL 47", "law", "asked for at 2026-11-24T02:00:00+00:00", None)
    held = may_delete(keep, ERASURE.at, (Hold("complaint 17", "legal", CALL),))
    assert held == Kept(ERASURE.at, None, review=False, reasons=(hold, least), stopped_uses=())
    over = local("2028-01-01T00:00", SHANGHAI)
    assert may_delete(keep, over, request=ERASURE) == Deletion(
        over, overdue=False, reasons=(most, asked), stopped_uses=(MARKETING,)
    )


def test_every_pair_that_cannot_be_kept_is_told() -> None:
    keep = kept([a_rule("a", "5y"), a_rule("b", "2y"), a_rule("c", most="1y"), a_rule("d", most="3y")])
    assert keep.conflict == "; ".join(
        f"{least} from call and {most} from call: a person decides"
        for least, most in (
            ("a keeps it at least 5y", "c at most 1y"),
            ("a keeps it at least 5y", "d at most 3y"),
            ("b keeps it at least 2y", "c at most 1y"),
        )
    )


def test_times_are_told_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    tzset()
    try:
        (reason,) = kept([a_rule("a", "1y")]).minimums
        assert reason.text == "kept at least 1y from call at 2026-11-23T02:00:00+00:00"
    finally:
        monkeypatch.undo()
        tzset()


PACK = """
schema = 1
[pack]
id = "mine"
version = "1"
jurisdiction = ["*"]
[[rule]]
id = "mine.keep"
kind = "retain"
cite = "c"
level = "law"
source = "primary"
what = ["recording"]
from = "call"
"""


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("", "rule[0].min: one of min and max is needed"),
        ('min = "10bd"', "rule[0].min: '10bd' is not a usable value"),
        ('max = "72h"', "rule[0].max: '72h' is not a usable value"),
        ('min = "101y"', "rule[0].min: '101y' is longer than a hundred years"),
        ('min = "1y"\nmax = "11mo"', "rule[0].max: is shorter than min"),
    ],
)
def test_a_pack_that_keeps_for_no_time_that_can_be_counted_is_not_read(fields: str, fault: str) -> None:
    with pytest.raises(PackError) as caught:
        parse_pack(PACK + fields, "mine.toml")
    assert caught.value.errors == (f"mine.toml: {fault}",)


def test_a_rule_is_read_as_it_is_written() -> None:
    (rule,) = parse_pack(PACK + 'min = "12mo"\nmax = "1y"', "mine.toml").rules
    assert isinstance(rule, RetainRule)
    assert (rule.least, rule.most, rule.since) == (Length(12, "mo"), Length(1, "y"), "call")
    assert (rule.min_days, rule.max_days) == (366, 366)


# --- whatever the rules are -------------------------------------------------------------------------------------------

LENGTHS = st.builds(Length, st.integers(1, 90), st.sampled_from(["d", "mo", "y"]))
RULES = st.lists(
    st.builds(
        lambda least, most: replace(a_rule("any", "1d"), least=least, most=most),
        st.none() | LENGTHS,
        st.none() | LENGTHS,
    ),
    max_size=5,
)
MOMENTS = st.integers(0, 100 * 366 * 24 * 60).map(lambda minutes: CALL + timedelta(minutes=minutes))


@settings(deadline=None)
@given(RULES, MOMENTS)
def test_deletion_begins_with_the_end_of_the_minimum(rules: list[RetainRule], now: datetime) -> None:
    keep = kept(rules)
    assert isinstance(may_delete(keep, now), Deletion) == (keep.min_until is None or keep.min_until <= now)


@settings(deadline=None)
@given(RULES, RULES, st.sampled_from([(SHANGHAI,), (NEW_YORK, SHANGHAI), ()]))
def test_a_rule_more_never_lets_a_record_go_earlier_nor_stay_longer(
    rules: list[RetainRule], more: list[RetainRule], zones: tuple[str, ...]
) -> None:
    few, all_of_them = kept(rules, zones), kept([*rules, *more], zones)
    if few.min_until is not None:
        assert all_of_them.min_until is not None
        assert all_of_them.min_until >= few.min_until
    if few.max_until is not None and not all_of_them.conflict:
        assert all_of_them.max_until is not None
        assert all_of_them.max_until <= max(few.max_until, all_of_them.min_until or few.max_until)
    assert not few.conflict or all_of_them.conflict
