"""Over which time does a limit count, and when does an event leave the count? The rule it protects: no early second chance.

The shapes the laws use: a number of hours (Florida: 24 h), local calendar days (12 CFR 1006.14: 7; C. consom. D.223-9:
30), calendar days, weeks and months, and blocks of days from the start of a campaign (16 CFR 310.4(b)(4)(i)). A calendar
day is not 24 hours. With several candidate zones the stricter
one holds: an event has left only when it has left everywhere.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from compliance.wallclock import local_date, start_of_day, zone_named
from compliance.windows import WEEKDAYS

CALLEE = "callee"
LONGEST_DAYS = 3660  # ten years; a longer limit is a slip of the pen

_ROLLING = re.compile(r"rolling:([1-9][0-9]{0,5})([mhd])")
_SUCCESSIVE = re.compile(r"successive:([1-9][0-9]{0,5})d@campaign_start")
_ROLLING_DAYS = re.compile(r"rolling_days:([1-9][0-9]{0,5})@(\S+)")
_CALENDAR = re.compile(r"calendar:(?:(day|month)|week\(([a-z]+)\))@(\S+)")
_start_of_day = lru_cache(maxsize=8192)(start_of_day)  # the same few midnights for all the events of a history
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class CalendarUnit(StrEnum):
    """A stretch of the calendar that begins at a local midnight."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last `length` of real time."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class RollingDays:
    """Today and the days before it, `days` local dates in all. `clock` is an IANA zone or CALLEE."""

    days: int
    clock: str


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """The current local day, week (from `week_start`, 0 is Monday) or month. `clock` is an IANA zone or CALLEE."""

    unit: CalendarUnit
    clock: str
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class Successive:
    """Blocks of `length`, one after the other from the start of the campaign."""

    length: timedelta


Period = Rolling | RollingDays | CalendarPeriod | Successive

_LONGEST = {CalendarUnit.DAY: timedelta(days=1), CalendarUnit.WEEK: timedelta(days=7), CalendarUnit.MONTH: timedelta(days=31)}


def parse_period(text: str) -> Period:
    """Reads `rolling:24h`, `rolling_days:7@callee` or `calendar:week(mon)@Asia/Shanghai`. Raises ValueError with the reason."""
    if match := _ROLLING.fullmatch(text):
        length = int(match[1]) * _UNITS[match[2]]
        if length > timedelta(days=LONGEST_DAYS):
            raise ValueError(f"{text!r} is longer than {LONGEST_DAYS} days")
        return Rolling(length)
    if match := _ROLLING_DAYS.fullmatch(text):
        if int(match[1]) > LONGEST_DAYS:
            raise ValueError(f"{text!r} is longer than {LONGEST_DAYS} days")
        return RollingDays(int(match[1]), _clock(match[2]))
    if match := _CALENDAR.fullmatch(text):
        if match[1]:
            return CalendarPeriod(CalendarUnit(match[1]), _clock(match[3]))
        if match[2] not in WEEKDAYS:
            raise ValueError(f"{match[2][:40]!r} is not a day a week starts on: use mon … sun")
        return CalendarPeriod(CalendarUnit.WEEK, _clock(match[3]), WEEKDAYS.index(match[2]))
    if match := _SUCCESSIVE.fullmatch(text):
        if int(match[1]) > LONGEST_DAYS:
            raise ValueError(f"{text!r} is longer than {LONGEST_DAYS} days")
        return Successive(timedelta(days=int(match[1])))
    raise ValueError(
        f"{text[:60]!r} is not a period of this version: use rolling:24h, rolling_days:30@callee, successive:30d@campaign_start, "
        "or calendar:day, week(mon) or month with @callee or @<IANA zone>"
    )


def in_words(period: Period) -> str:
    """The period as people say it, after a number of events: `within 24 h`, `in this calendar week (from Mon on)`."""
    match period:
        case Rolling(length=length):
            return f"within {_length(length)}"
        case RollingDays(days=days):
            return f"within {_count(days, 'local day')}, today included"
        case Successive(length=length):
            return f"in this block of {_count(length.days, 'day')} of the campaign"
        case CalendarPeriod(unit=CalendarUnit.WEEK, week_start=start):
            return f"in this calendar week (from {WEEKDAYS[start].capitalize()} on)"
        case CalendarPeriod(unit=unit):
            return f"in this calendar {unit}"


def needs_location(period: Period) -> bool:
    """Whether the period depends on where the person called is."""
    return isinstance(period, RollingDays | CalendarPeriod) and period.clock == CALLEE


def leaves_at(period: Period, at: datetime, zones: Sequence[str], campaign_start: datetime | None = None) -> datetime:
    """The first instant at which an event of time `at` is no longer counted, in any of the callee's `zones`.

    Raises UnknownZone, and ValueError when a callee's clock is asked for and `zones` is empty, or the start of the campaign
    and there is none. Events before it fall into blocks before it.
    """
    if isinstance(period, Rolling):
        return at + period.length
    if isinstance(period, Successive):
        start = _block(period, at, campaign_start)
        return start + period.length
    return max(_start_of_day(_first_day_after(period, local_date(at, zone)), zone) for zone in _zones(period, zones))


def leaving_after(
    period: Period, now: datetime, times: Iterable[datetime], zones: Sequence[str], campaign_start: datetime | None = None
) -> list[datetime]:
    """When each of the events that are still counted at `now` leaves, by the times of all of them. Raises as `leaves_at` does."""
    if isinstance(period, Rolling):
        since = now - period.length
        return [at + period.length for at in times if at > since]
    return [end for end in (leaves_at(period, at, zones, campaign_start) for at in times) if end > now]


def starts_at(period: Period, now: datetime, zones: Sequence[str], campaign_start: datetime | None = None) -> datetime:
    """From when on events are counted at `now`: that instant included for calendar shapes, excluded for a rolling one.

    Raises as `leaves_at` does.
    """
    if isinstance(period, Rolling):
        return now - period.length
    if isinstance(period, Successive):
        return _block(period, now, campaign_start)
    return min(start_of_day(_first_day(period, local_date(now, zone)), zone) for zone in _zones(period, zones))


def reach(period: Period) -> timedelta:
    """No event older than this is counted, wherever the person is: how far back the ledger must be read."""
    slack = timedelta(days=2)  # zones are up to 26 h apart, and a day may have 25 hours
    match period:
        case Rolling(length=length) | Successive(length=length):
            return length
        case RollingDays(days=days):
            return timedelta(days=days) + slack
        case CalendarPeriod(unit=unit):
            return _LONGEST[unit] + slack


def _length(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    if minutes % 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes <= 48 * 60 or minutes % (24 * 60) else _count(minutes // (24 * 60), "day")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _block(period: Successive, at: datetime, campaign_start: datetime | None) -> datetime:
    if campaign_start is None:
        raise ValueError("the period is counted from the start of the campaign, but that is not known")
    return campaign_start + (at - campaign_start) // period.length * period.length


def _first_day(period: RollingDays | CalendarPeriod, today: date) -> date:
    match period:
        case RollingDays(days=days):
            return today - timedelta(days=days - 1)
        case CalendarPeriod(unit=CalendarUnit.WEEK, week_start=week_start):
            return today - timedelta(days=(today.weekday() - week_start) % 7)
        case CalendarPeriod(unit=CalendarUnit.MONTH):
            return today.replace(day=1)
        case CalendarPeriod():
            return today


def _first_day_after(period: RollingDays | CalendarPeriod, day: date) -> date:
    match period:
        case RollingDays(days=days):
            return day + timedelta(days=days)
        case CalendarPeriod(unit=CalendarUnit.WEEK):
            return _first_day(period, day) + timedelta(days=7)
        case CalendarPeriod(unit=CalendarUnit.MONTH):
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case CalendarPeriod():
            return day + timedelta(days=1)


def _zones(period: RollingDays | CalendarPeriod, zones: Sequence[str]) -> list[ZoneInfo]:
    names = zones if period.clock == CALLEE else (period.clock,)
    if not names:
        raise ValueError("the callee's clock is asked for, but no time zone is known")
    return [zone_named(name) for name in names]


def _clock(text: str) -> str:
    text = text.removeprefix("tz:")  # as a window writes its clock
    if text != CALLEE:
        zone_named(text)
    return text
