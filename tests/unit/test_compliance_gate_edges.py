"""The gate at its edges: until when a permit rests on a consent, what a rule that ends says, how long hours are waited for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from compliance.daykinds import Calendar
from compliance.facts import Consent, EventKind, Facts, LedgerEvent
from compliance.gate import check
from compliance.lookback import ALWAYS, lookback
from compliance.packs import Pack, parse_pack
from compliance.rules import Condition, Rule
from compliance.scope import Timetable, packs_for, rules_for, timetable_for
from compliance.verdict import Candidate, Clearance, Reason, Refusal

HOME, NEW_YORK = "+12125550100", "America/New_York"
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALL = Candidate("now", "ann", HOME, "spring", "acme", "solar", zones=(NEW_YORK,), ring_for=timedelta(0))
GIVEN = Consent("express", NOON - DAY, person="ann", scope=frozenset({"time_of_day"}), seller="acme")


def there(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)


def a_rule(name: str, kind: str, fields: str) -> str:
    return f'[[rule]]\nid = "{name}"\nkind = "{kind}"\ncite = "a cite"\nlevel = "law"\nsource = "primary"\n{fields}\n'


def a_pack(*rules: str) -> Pack:
    return parse_pack('schema = 1\n[pack]\nid = "p"\nversion = "1"\njurisdiction = ["*"]\n' + "".join(rules), "p")


def hours(name: str, *open_from: str, holiday: str = "", more: str = "") -> str:
    allowed = ", ".join(f'"{one}"' for one in open_from)
    then = f'{{ on = ["holiday"], allow = ["{holiday}"] }}, ' if holiday else ""
    calendar = 'calendar = "XX"\n' if holiday else ""
    fields = f'clock = "callee"\n{calendar}{more}schedule = [{then}{{ on = ["*"], allow = [{allowed}] }}]'
    return a_rule(name, "window", fields)


def ask(facts: Facts, *rules: str, at: datetime = NOON) -> Clearance | Refusal:
    return check(CALL, facts, (a_pack(*rules),), at)


NEVER = hours("never", more='waive_with = "consent.express.time_of_day"\n')
NEEDED = a_rule("needed", "consent", 'level_needed = "express"\nscope = ["seller"]')


@pytest.mark.parametrize("rule", [NEVER, NEEDED])
@pytest.mark.parametrize(
    ("expiries", "closes"),
    [
        ((None,), None),
        ((NOON + HOUR,), NOON + HOUR),
        ((NOON + 2 * HOUR, NOON + HOUR), NOON + HOUR),
        ((NOON, NOON + HOUR), NOON + HOUR),
        ((NOON - HOUR, None), None),
    ],
)
def test_a_permit_that_rests_on_a_consent_closes_when_the_next_one_expires(
    rule: str, expiries: tuple[datetime | None, ...], closes: datetime | None
) -> None:
    verdict = ask(Facts(consents=tuple(replace(GIVEN, expires_at=one) for one in expiries)), rule)
    assert isinstance(verdict, Clearance)
    assert verdict.closes_at == closes


def test_a_rule_that_ends_before_it_would_yield_says_its_own_end_and_all_else_as_ever() -> None:
    tried = (LedgerEvent(EventKind.ATTEMPT, NOON - HOUR, "ann", HOME, "spring", "acme", "solar", "a1"),)
    cap = 'max = 1\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"\n'
    told = (("counted", "1"), ("max", "1"), ("event", "attempt"), ("period", "rolling:24h"))
    for fields, retry_at in (
        (cap, NOON + 23 * HOUR),
        (f"{cap}effective_until = 2026-06-15\n", there("2026-06-16T00:00")),
        (f"{cap}effective_until = 2026-06-16\n", NOON + 23 * HOUR),
    ):
        verdict = ask(Facts(tried), a_rule("cap", "cap", fields))
        assert isinstance(verdict, Refusal)
        assert verdict.reasons == (Reason("cap", "cap", "a cite", "law", "1 of at most 1 attempts within 24 h", retry_at, told),)
        assert verdict.retry_at == retry_at


@pytest.mark.parametrize(("days", "found"), [(1, True), (14, True), (15, True), (16, False)])
def test_hours_that_do_not_meet_are_waited_for_as_long_as_the_horizon(days: int, found: bool) -> None:
    holiday = date(2026, 6, 15) + timedelta(days=days)
    calendar = Calendar("XX", frozenset({2026}), frozenset({holiday}))
    morning = hours("morning", "08:00-10:00", holiday="08:00-16:00")
    verdict = ask(Facts(calendars=(calendar,)), morning, hours("afternoon", "14:00-16:00"), at=there("2026-06-15T08:00"))
    assert isinstance(verdict, Refusal)
    assert verdict.retry_at == (there(f"{holiday}T14:00") if found else None)


def test_what_ends_by_itself_is_waited_for_longer_than_hours_are() -> None:
    talked = (LedgerEvent(EventKind.CONVERSATION, NOON, "ann", HOME, "spring", "acme", "solar", "a1"),)
    cooldown = a_rule("cooldown", "cooldown", 'after = "conversation"\nkey = ["person"]\nmonths = 6')
    daytime, evening = hours("day", "08:00-20:00"), hours("evening", "18:00-22:00")
    verdict = ask(Facts(talked), cooldown, daytime, evening)
    assert isinstance(verdict, Refusal)
    assert verdict.retry_at == there("2026-12-16T18:00")


def test_one_date_of_unknown_kind_is_enough_to_ask_for_its_calendar() -> None:
    calendar = Calendar("XX", frozenset({2027}), frozenset())
    workdays = a_rule(
        "days", "window", 'clock = "callee"\ncalendar = "XX"\nschedule = [{ on = ["workday"], allow = ["00:00-24:00"] }]'
    )
    verdict = ask(Facts(calendars=(calendar,)), workdays, at=there("2026-12-31T12:00"))
    assert isinstance(verdict, Refusal)
    assert [reason.text for reason in verdict.reasons] == ["needs facts: calendar (XX for 2026 is not known)"]


# --- which rules the gate asks ----------------------------------------------------------------------------------------

RING = a_rule("ring", "ring", "min_unanswered_s = 15")
SAY = a_rule("say", "disclose", 'items = ["seller_identity"]\nwithin_s = 30')
SAY_UNLESS = a_rule("say_unless", "disclose", 'items = ["seller_identity"]\nwithin_s = 30\nwaive_with = "guaranteed_agent"')
IN_FLORIDA = a_rule("florida", "ring", 'min_unanswered_s = 15\nwhen = { callee_in = ["US-FL"] }')
FLORIDA, TEXAS = frozenset({"US-FL"}), frozenset({"US-TX"})


def ids(rules: tuple[Rule, ...]) -> list[str]:
    return [rule.origin.id for rule in rules]


def test_before_the_ring_only_what_may_stand_in_the_way_is_asked_and_what_may_be_waived() -> None:
    packs = (a_pack(RING, SAY, SAY_UNLESS),)
    asked = timetable_for(packs, CALL, FLORIDA, (NEW_YORK,))
    assert isinstance(asked, Timetable)
    assert ids(asked.at(NOON).rules) == ["ring", "say_unless"]
    assert ids(rules_for(packs, CALL, FLORIDA, (NEW_YORK,), NOON).rules) == ["ring", "say", "say_unless"]
    assert asked.packs == (packs[0].ref,)


@pytest.mark.parametrize(
    ("regions", "held"), [(FLORIDA, ["ring", "florida"]), (TEXAS, ["ring"]), (frozenset({"US"}), ["ring", "florida"])]
)
def test_a_rule_for_a_place_holds_where_the_callee_may_be(regions: frozenset[str], held: list[str]) -> None:
    packs = (a_pack(RING, IN_FLORIDA),)
    assert ids(rules_for(packs, CALL, regions, (NEW_YORK,), NOON).rules) == held
    assert ids(timetable_for(packs, CALL, regions, (NEW_YORK,)).at(NOON).rules) == held


def test_a_pack_that_asks_for_a_place_governs_only_there() -> None:
    pack = replace(a_pack(RING), applies=(Condition("callee_in", ("US-FL",)),))
    assert packs_for((pack,), CALL, FLORIDA) == (pack,)
    assert packs_for((pack,), CALL, TEXAS) == ()


# --- how far back is read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "reach"),
    [
        ("cap", 'max = 1\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"', DAY),
        ("cooldown", 'after = "attempt"\nkey = ["person"]\nduration = "72h"', 3 * DAY),
        ("cooldown", 'after = "attempt"\nkey = ["person"]\ndays = 7\nfirst_day = "next"', 10 * DAY),
        ("cooldown", 'after = "attempt"\nkey = ["person"]\nmonths = 2', 65 * DAY),
        ("cooldown", 'after = "attempt"\nkey = ["person"]\nuntil = "end_of_day@callee"', 3 * DAY),
        ("cooldown", 'after = "attempt"\nkey = ["person"]\nuntil = "reconsent"', None),
    ],
)
def test_what_one_rule_counts_is_read_as_far_back_as_it_counts(kind: str, fields: str, reach: timedelta | None) -> None:
    past = lookback((a_pack(a_rule("one", kind, fields)),))
    assert past.kinds == ALWAYS | {EventKind.ATTEMPT}
    assert past.reach == reach
    assert (past.keys, past.lists) == (frozenset(), frozenset())
