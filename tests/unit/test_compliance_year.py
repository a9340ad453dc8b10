"""Never inside a closed minute: each minute of a year, in zones whose clocks change, under the hours of every shipped pack.

Wall clocks and hours are worked out here a second time, as arrays over all the minutes of the year: a zone is asked for its
offset every quarter of an hour, and nothing of compliance/ is used but what a pack says. The other side is
`windows.open_intervals`, and for some packs the gate itself, which is walked from each answer to the next.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from chinese_calendar import constants  # type: ignore[import-untyped]  # it has no types
from holidays import country_holidays
from numpy.typing import NDArray

from compliance.calendars import calendar_named, calendars_for
from compliance.daykinds import DayKind
from compliance.facts import Facts
from compliance.gate import check
from compliance.pack_files import packs_of_law
from compliance.packs import Pack, WindowRule
from compliance.periods import CALLEE
from compliance.rules import ALWAYS
from compliance.verdict import Candidate, Clearance
from compliance.windows import DayPlan, Schedule, open_intervals

Minutes = NDArray[np.bool_]
Readings = NDArray[np.int64]

YEAR = 2026
YEARS = (YEAR - 1, YEAR, YEAR + 1)
SINCE, UNTIL = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR + 1, 1, 1, tzinfo=UTC)
MINUTE, DAY_MINUTES = timedelta(minutes=1), 24 * 60
LENGTH = (UNTIL - SINCE) // MINUTE
FIRST_DAY = date(YEAR - 1, 12, 29)  # wall clocks are up to 14 h away from UTC, and a ban of the night before reaches in
DAYS = 371

#: Where clocks change: by an hour, half an hour and two; at midnight and before it; in both hemispheres; for a month; never.
ZONES = (
    *("America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "America/Nuuk", "Europe/London"),
    *("Europe/Paris", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Shanghai"),
    *("Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll"),
)
#: Zones that an area code or a country stands for, and two whose nights of change are far apart.
TOGETHER = (
    ("America/Boise", "America/Los_Angeles"),
    ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"),
    ("Europe/London", "Australia/Lord_Howe"),
)


def hours_of(packs: tuple[Pack, ...]) -> list[WindowRule]:
    return [rule for pack in packs for rule in pack.rules if isinstance(rule, WindowRule)]


def distinct_hours() -> list[object]:
    """Every shipped schedule once, by the name of the first rule that has it."""
    found: dict[tuple[str, str, Schedule], WindowRule] = {}
    for rule in hours_of(packs_of_law()):
        found.setdefault((rule.clock, rule.calendar, rule.schedule), rule)
    return [pytest.param(rule, id=rule.origin.id) for rule in found.values()]


# --- the year, a second time ---------------------------------------------------------------------------------------------


@lru_cache
def readings(zone: str) -> Readings:
    """What the wall clock reads at each minute of the year, in minutes since the start of FIRST_DAY."""
    quarters = [SINCE + timedelta(minutes=minute) for minute in range(0, LENGTH, 15)]
    offsets = [(at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)) // MINUTE for at in quarters]
    ahead = (SINCE.date() - FIRST_DAY).days * DAY_MINUTES
    return np.arange(LENGTH, dtype=np.int64) + ahead + np.repeat(np.array(offsets, dtype=np.int64), 15)


def days_off(calendar: str) -> tuple[Mapping[date, str], frozenset[int]]:
    """Holidays and make-up workdays as their libraries say, and the years they speak of."""
    if calendar == "CN":
        known = frozenset(day.year for day in constants.holidays)
        return dict.fromkeys(constants.holidays, "holiday") | dict.fromkeys(constants.workdays, "makeup"), known
    country, _, part = calendar.partition("-")
    return dict.fromkeys(country_holidays(country, subdiv=part or None, years=YEARS), "holiday"), frozenset(YEARS)


def falls_on(day: date, plan: DayPlan, calendar: str) -> bool | None:
    """Whether the plan names the day; None when it asks for a kind of day of a year that no calendar knows."""
    if day.weekday() in plan.weekdays:
        return True
    if not plan.kinds:
        return False
    off, known = days_off_of(calendar)
    if day.year not in known or (DayKind.PREHOLIDAY in plan.kinds and (day + timedelta(days=1)).year not in known):
        return None
    holiday, makeup = off.get(day) == "holiday", off.get(day) == "makeup"
    rests = holiday or (day.weekday() >= 5 and not makeup)
    eve = not holiday and off.get(day + timedelta(days=1)) == "holiday"
    kinds = {DayKind.HOLIDAY: holiday, DayKind.PREHOLIDAY: eve, DayKind.RESTDAY: rests, DayKind.WORKDAY: not rests}
    return any(kinds[kind] for kind in plan.kinds)


days_off_of = lru_cache(days_off)


@lru_cache(maxsize=4)
def closed_before(rule: WindowRule) -> Readings:
    """How many minutes, as a wall clock reads them, are closed from the start of FIRST_DAY to before each."""
    opened = np.zeros((DAYS + 1) * DAY_MINUTES, dtype=np.bool_)
    banned = np.zeros_like(opened)
    for number in range(DAYS):
        day, midnight = FIRST_DAY + timedelta(days=number), number * DAY_MINUTES
        for plan in rule.schedule:
            named = falls_on(day, plan, rule.calendar)
            if named is None:
                banned[midnight : midnight + DAY_MINUTES] = True
                break
            if named:
                for span in plan.hours:
                    (opened if plan.permits else banned)[midnight + span.start_min : midnight + span.end_min] = True
                if not plan.permits:
                    opened[midnight : midnight + DAY_MINUTES] = True
                break
    return np.concatenate(([0], np.cumsum(~opened | banned)))


def open_by_the_wall(rule: WindowRule, zones: tuple[str, ...]) -> Minutes:
    """The minutes that every wall clock calls open; while one repeats itself, nothing it has passed may be closed."""
    closed = closed_before(rule)
    found = np.ones(LENGTH, dtype=np.bool_)
    for zone in zones if rule.clock == CALLEE else (rule.clock,):
        reading = readings(zone)
        reached = np.maximum.accumulate(reading)
        found &= closed[reached + 1] - closed[reading] == 0
    return found


def as_minutes(spans: list[tuple[datetime, datetime]]) -> Minutes:
    found = np.zeros(LENGTH, dtype=np.bool_)
    for start, end in spans:
        first, last = (start - SINCE) / MINUTE, (min(end, UNTIL) - SINCE) / MINUTE
        assert first.is_integer()
        assert last.is_integer()
        found[max(int(first), 0) : max(int(last), 0)] = True
    return found


def told(expected: Minutes, found: Minutes) -> list[str]:
    """The first minutes on which the two differ."""
    return [(SINCE + int(at) * MINUTE).isoformat() for at in np.flatnonzero(expected != found)[:5]]


# --- the claims ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", distinct_hours())
def test_no_minute_of_the_year_is_open_that_a_wall_clock_calls_closed_and_none_is_closed_that_all_call_open(
    rule: WindowRule,
) -> None:
    calendar = calendar_named(rule.calendar, YEARS) if rule.calendar else None
    for zones in (*((zone,) for zone in ZONES), *TOGETHER) if rule.clock == CALLEE else ((rule.clock,),):
        expected = open_by_the_wall(rule, zones)
        found = as_minutes(list(open_intervals(rule.schedule, zones, SINCE, UNTIL, calendar)))
        assert told(expected, found) == [], f"{rule.origin.id} in {', '.join(zones)}"
        assert expected.any() or len(zones) > 1


def everywhere(pack: Pack) -> Pack:
    """The hours of a pack alone, for any call to anywhere."""
    rules = tuple(replace(rule, terms=ALWAYS) for rule in hours_of((pack,)))
    return replace(pack, jurisdiction=("*",), applies=(), rules=rules)


@pytest.mark.parametrize(
    ("names", "zones"),
    [
        (("us-federal-telemarketing", "us-fl"), ("America/New_York", "America/Chicago")),
        (("us-federal-telemarketing", "us-tx"), ("America/Chicago", "America/Denver")),
        (("fr-prospection",), ("Europe/Paris",)),
        (("it-marketing",), ("Europe/Rome",)),
        (("gb-marketing",), ("Europe/London", "Atlantic/Azores")),
        (("au-telemarketing",), ("Australia/Lord_Howe", "Australia/Perth")),
        (("nz-marketing",), ("Pacific/Chatham",)),
        (("cn-mainland",), ("Asia/Shanghai",)),
    ],
    ids="+".join,
)
def test_the_gate_is_open_in_exactly_the_minutes_that_are_open_under_all_packs(
    names: tuple[str, ...], zones: tuple[str, ...]
) -> None:
    packs = tuple(everywhere(pack) for pack in packs_of_law() if pack.id in names)
    assert len(packs) == len(names)
    candidate = Candidate("year", "ann", "+12125550100", "c", "s", "t", zones=zones, ring_for=timedelta(0))
    expected = np.ones(LENGTH, dtype=np.bool_)
    for rule in hours_of(packs):
        expected &= open_by_the_wall(rule, tuple(sorted(zones)))
    spans: list[tuple[datetime, datetime]] = []
    at: datetime | None = SINCE
    while at is not None and at < UNTIL:
        verdict = check(candidate, Facts(calendars=calendars_for(packs, at)), packs, at)
        if isinstance(verdict, Clearance):
            spans.append((at, verdict.closes_at or UNTIL))
            at = verdict.closes_at
        else:
            at = verdict.retry_at
    assert told(expected, as_minutes(spans)) == []
    assert expected.any()
