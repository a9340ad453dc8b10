"""Two packs are told to contradict each other where no call can obey both, and never where one can."""

import pytest

from compliance.contradictions import Contradiction, contradictions
from compliance.packs import Pack, parse_pack

WINDOW = 'kind = "window"\nclock = "{clock}"\ncalendar = "FR"\nschedule = [{plans}]\n'
OPEN_EARLY, OPEN_LATE = '{ on = ["*"], allow = ["08:00-12:00"] }', '{ on = ["*"], allow = ["12:00-20:00"] }'
NEVER = "their hours never meet"


def a_pack(name: str, rule: str, *, where: str = '["*"]', applies: str = "") -> Pack:
    head = f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = {where}\n{applies}'
    return parse_pack(f'{head}[[rule]]\nid = "{name}.r"\ncite = "c"\nlevel = "law"\nsource = "primary"\n{rule}', name)


def hours(*plans: str, clock: str = "callee") -> str:
    return WINDOW.format(clock=clock, plans=", ".join(plans))


def told(left: str, right: str) -> list[str]:
    """What is said of two rules, whichever pack is named first."""
    found = [one.text for one in contradictions((a_pack("a", left), a_pack("b", right)))]
    turned = [one.text for one in contradictions((a_pack("b", right), a_pack("a", left)))]
    assert sorted(found) == sorted(turned)
    return found


def test_a_contradiction_names_both_rules_and_their_packs() -> None:
    early, late = a_pack("early", hours(OPEN_EARLY)), a_pack("late", hours(OPEN_LATE))
    assert contradictions((early, late)) == (Contradiction("early: early.r", "late: late.r", NEVER),)
    assert contradictions((early,)) == ()


# --- which rules meet -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "meet"),
    [
        ('["*"]', '["*"]', True),
        ('["*"]', '["US"]', True),
        ('["US"]', '["*"]', True),
        ('["US"]', '["US"]', True),
        ('["US"]', '["US-FL"]', True),
        ('["US-FL"]', '["US"]', True),
        ('["US-FL"]', '["US-GA"]', False),
        ('["US"]', '["FR"]', False),
        ('["GB", "US"]', '["FR", "US"]', True),
    ],
)
def test_packs_meet_where_somebody_may_be_under_both(here: str, there: str, meet: bool) -> None:
    found = contradictions((a_pack("a", hours(OPEN_EARLY), where=here), a_pack("b", hours(OPEN_LATE), where=there)))
    assert bool(found) is meet


def test_a_pack_that_meets_nobody_hides_no_other_pair() -> None:
    french = a_pack("fr", hours(OPEN_EARLY), where='["FR"]')
    early, late = a_pack("early", hours(OPEN_EARLY), where='["US"]'), a_pack("late", hours(OPEN_LATE), where='["US"]')
    assert [(one.first, one.second) for one in contradictions((french, early, late))] == [("early: early.r", "late: late.r")]


@pytest.mark.parametrize(
    ("left", "right", "meet"),
    [
        ("", "", True),
        ('purpose = ["sales"]', "", True),
        ('purpose = ["sales"]', 'purpose = ["sales", "service"]', True),
        ('purpose = ["sales"]', 'purpose = ["service"]', False),
        ('purpose = ["sales"]', 'party = ["consumer"]', True),
    ],
)
def test_rules_meet_in_calls_that_both_speak_of(left: str, right: str, meet: bool) -> None:
    whole = [f"[pack.applies]\n{one}\n" if one else "" for one in (left, right)]
    packs = (a_pack("a", hours(OPEN_EARLY), applies=whole[0]), a_pack("b", hours(OPEN_LATE), applies=whole[1]))
    assert bool(contradictions(packs)) is meet
    conditions = [f"when = {{ {one} }}\n" if one else "" for one in (left, right)]
    assert bool(told(hours(OPEN_EARLY) + conditions[0], hours(OPEN_LATE) + conditions[1])) is meet


@pytest.mark.parametrize(
    ("until", "since", "meet"), [("2026-08-11", "2026-08-12", False), ("2026-08-11", "2026-08-11", True), (None, None, True)]
)
def test_rules_meet_on_the_dates_of_both(until: str | None, since: str | None, meet: bool) -> None:
    ended = hours(OPEN_EARLY) + (f"effective_until = {until}\n" if until else "")
    begun = hours(OPEN_LATE) + (f"effective_from = {since}\n" if since else "")
    assert bool(told(ended, begun)) is meet
    assert told(ended + ("effective_from = 2026-01-01\n" if until else ""), hours(OPEN_LATE)) == [NEVER]


# --- hours ----------------------------------------------------------------------------------------------------------------


def allow(days: str, *times: str) -> str:
    return f'{{ on = ["{days}"], allow = [{", ".join(map(repr, times))}] }}'


def forbid(days: str, *times: str) -> str:
    return f'{{ on = ["{days}"], forbid = [{", ".join(map(repr, times))}] }}'


NIGHT = forbid("*", "20:00-08:00")

#: Two schedules, each plan by plan, and whether a phone may ring by both.
MEET: list[tuple[list[str], list[str], bool]] = [
    ([allow("*", "08:00-12:00")], [allow("*", "12:00-20:00")], False),
    ([allow("*", "08:00-12:01")], [allow("*", "12:00-20:00")], True),
    ([allow("*", "08:00-12:00")], [allow("*", "00:00-00:01")], False),
    ([allow("*", "00:00-00:01")], [allow("*", "00:00-00:01")], True),
    ([allow("*", "23:59-24:00")], [allow("*", "23:59-24:00")], True),
    ([allow("*", "08:00-09:00", "12:00-13:00")], [allow("*", "08:30-08:31")], True),
    ([allow("*", "08:00-09:00", "12:00-13:00")], [allow("*", "12:30-12:31")], True),
    ([allow("*", "08:00-09:00", "12:00-13:00")], [allow("*", "10:00-11:00")], False),
    ([allow("mon-fri", "08:00-20:00")], [allow("sat-sun", "08:00-20:00")], False),
    ([allow("mon-fri", "08:00-20:00")], [allow("fri-sun", "08:00-20:00")], True),
    ([allow("mon", "08:00-12:00")], [allow("mon", "00:00-00:01")], False),
    ([allow("mon", "08:00-12:00")], [allow("tue", "00:00-00:01")], False),
    ([allow("mon", "22:00-08:00")], [allow("tue", "07:59-09:00")], True),
    ([allow("mon", "22:00-08:00")], [allow("tue", "08:00-09:00")], False),
    ([allow("mon", "22:00-08:00")], [allow("mon", "07:00-08:00")], False),
    ([allow("mon", "22:00-08:00")], [allow("sun", "07:00-08:00")], False),
    ([allow("mon", "22:00-08:00")], [allow("wed", "07:00-08:00")], False),
    ([allow("sun", "22:00-08:00")], [allow("mon", "07:00-08:00")], True),
    ([NIGHT], [allow("*", "09:00-10:00")], True),
    ([NIGHT], [allow("*", "08:00-08:01")], True),
    ([NIGHT], [allow("*", "07:00-08:00")], False),
    ([NIGHT], [allow("*", "19:59-20:00")], True),
    ([NIGHT], [allow("*", "20:00-24:00")], False),
    ([NIGHT], [NIGHT], True),
    ([forbid("*", "00:00-24:00")], [forbid("*", "00:00-24:00")], False),
    ([forbid("*", "00:00-23:59")], [allow("*", "23:59-24:00")], True),
    ([forbid("*", "00:01-24:00")], [allow("*", "00:00-00:01")], True),
    ([forbid("mon", "20:00-08:00"), allow("*", "00:00-24:00")], [allow("tue", "07:00-08:00")], False),
    ([forbid("mon", "20:00-08:00"), allow("*", "00:00-24:00")], [allow("tue", "07:00-08:01")], True),
    ([forbid("mon", "20:00-08:00"), allow("*", "00:00-24:00")], [allow("wed", "07:00-08:00")], True),
    ([forbid("mon", "20:00-08:00"), allow("*", "09:00-10:00")], [allow("tue", "12:00-13:00")], False),
    ([allow("workday", "08:00-20:00")], [allow("restday", "08:00-20:00")], False),
    ([allow("holiday", "08:00-20:00")], [allow("restday", "08:00-20:00")], True),
    ([allow("holiday", "08:00-20:00")], [allow("workday", "08:00-20:00")], False),
    ([allow("preholiday", "08:00-20:00")], [allow("workday", "08:00-20:00")], True),
    ([allow("preholiday", "08:00-20:00")], [allow("restday", "08:00-20:00")], False),
    (
        [allow("*", "08:00-09:00"), allow("holiday", "10:00-11:00")],
        [allow("*", "12:00-13:00"), allow("holiday", "10:00-11:00")],
        False,  # the first plan that names a date decides, and every date has a weekday
    ),
]


@pytest.mark.parametrize(("left", "right", "meet"), MEET)
def test_hours_meet_if_there_is_one_minute_of_the_week_in_both(left: list[str], right: list[str], meet: bool) -> None:
    assert told(hours(*left), hours(*right)) == ([] if meet else [NEVER])


def test_hours_on_two_clocks_are_not_compared() -> None:
    assert told(hours(OPEN_EARLY, clock="tz:Europe/Paris"), hours(OPEN_LATE)) == []
    assert told(hours(OPEN_EARLY, clock="tz:Europe/Paris"), hours(OPEN_LATE, clock="tz:Europe/Paris")) == [NEVER]


# --- the other kinds ------------------------------------------------------------------------------------------------------


def shown(fields: str) -> str:
    return f'kind = "callerid"\n{fields}\n'


@pytest.mark.parametrize(
    ("left", "right", "texts"),
    [
        (
            'allow_prefix = ["+1", "95"]',
            'forbid_prefix = ["+1", "9"]',
            ["every caller number one permits (+1, 95) is barred by the other"],
        ),
        ('allow_prefix = ["+1", "95"]', 'forbid_prefix = ["+1"]', []),
        ('allow_prefix = ["+1"]', 'forbid_prefix = ["+1212"]', []),
        ('forbid_prefix = ["+1"]', 'forbid_prefix = ["+1"]', []),
        ('allow_prefix = ["+1"]', 'allow_prefix = ["+44"]', ["no caller number begins as both demand"]),
        ('allow_prefix = ["+1"]', 'allow_prefix = ["+44", "+1212"]', []),
        ('allow_prefix = ["+1"]', 'allow_prefix = ["+1"]', []),
        ("must_present = true", 'allow_prefix = ["+44"]', []),
    ],
)
def test_caller_numbers_that_one_demands_and_the_other_bars_are_told(left: str, right: str, texts: list[str]) -> None:
    assert told(shown(left), shown(right)) == texts


def kept(what: str, fields: str) -> str:
    return f'kind = "retain"\nwhat = {what}\nfrom = "call"\n{fields}\n'


@pytest.mark.parametrize(
    ("left", "right", "texts"),
    [
        (
            kept('["script", "recording", "consent"]', 'min = "31d"'),
            kept('["recording", "script"]', 'max = "30d"'),
            ["recording, script: kept at least 31 days by one, at most 30 by the other"],
        ),
        (kept('["recording"]', 'min = "30d"'), kept('["recording"]', 'max = "30d"'), []),
        (kept('["recording"]', 'min = "31d"'), kept('["consent"]', 'max = "30d"'), []),
        (kept('["recording"]', 'min = "31d"'), kept('["recording"]', 'min = "1d"'), []),
        (kept('["recording"]', 'max = "31d"'), kept('["recording"]', 'max = "1d"'), []),
    ],
)
def test_records_that_one_keeps_longer_than_the_other_permits_are_told(left: str, right: str, texts: list[str]) -> None:
    assert told(left, right) == texts


def recorded(mode: str) -> str:
    return f'kind = "record"\nconsent = "all"\n{f"mode = {mode!r}" if mode else ""}\n'


@pytest.mark.parametrize(
    ("left", "right", "texts"),
    [
        ("whole_call", "off", ["one records the whole call, the other nothing"]),
        ("whole_call", "on_event", ["one records the whole call, the other only on an event"]),
        ("whole_call", "whole_call", []),
        ("whole_call", "", []),
        ("off", "on_event", []),
    ],
)
def test_calls_that_one_records_whole_and_the_other_not_by_default_are_told(left: str, right: str, texts: list[str]) -> None:
    assert told(recorded(left), recorded(right)) == texts


def test_rules_of_two_kinds_never_contradict_each_other() -> None:
    assert told(recorded("off"), hours(OPEN_EARLY)) == []
