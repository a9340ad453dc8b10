"""How long is `5y`, `1mo`, `10bd`? A length of time as a law writes it, and the instant at which it is over.

The rule it protects: years and months are civil dates, never 366 or 31 days, and hours are real time. The day on which a length
of days, months or years begins is not counted, its last day counts whole (民法典 201–203; Regulation (EEC, Euratom) 1182/71
art. 3), and a date that does not exist is the last one of its month. Which day it is depends on where: the caller names a zone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from compliance.daykinds import Calendar, DayKind, kinds_of
from compliance.wallclock import add_months, local_date, start_of_day, zone_named

ONE_DAY = timedelta(days=1)
LONGEST_DAYS = 36_600  # a hundred years: nothing is kept longer, and every end is a date that exists
#: The places on earth where a day begins first and last: wherever something happened, its date there lies between theirs.
FIRST_DAY, LAST_DAY = "Etc/GMT-14", "Etc/GMT+12"

_WRITTEN = re.compile(r"([1-9][0-9]{0,4})(bd|d|mo|y|h|m)")
_MONTHS = {"mo": 1, "y": 12}
_REAL_TIME = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Length:
    """So many of a unit: `m` minutes, `h` hours, `d` days, `bd` business days, `mo` months, `y` years."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}" if self.count else "immediate"

    @property
    def most_days(self) -> int:
        """The most days it can be, for comparing lengths of which no beginning is known. A business day is taken for a day."""
        if self.unit in _MONTHS:
            years, months = divmod(self.count * _MONTHS[self.unit], 12)
            return years * 366 + months * 31
        if self.unit in _REAL_TIME:
            return -(-(self.count * _REAL_TIME[self.unit]) // ONE_DAY)
        return self.count


IMMEDIATE = Length(0, "m")


def parse_length(text: str) -> Length:
    """Reads `30d`, `10bd`, `6mo`, `5y`, `72h` or `immediate`. Raises ValueError for anything else and for more than a century."""
    if text == str(IMMEDIATE):
        return IMMEDIATE
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text[:60]!r} is not a length of time such as 30d, 10bd, 6mo or 5y")
    length = Length(int(written[1]), written[2])
    if length.most_days > LONGEST_DAYS:
        raise ValueError(f"{text!r} is longer than a hundred years")
    return length


def over_at(length: Length, since: datetime, zone: str, calendar: Calendar | None = None) -> datetime:
    """The first instant that is no longer within the length that began at `since`, on the dates of one zone.

    Business days are those of the calendar; a day of which it is not known whether people work is counted as one, so that the
    end never comes later than the law's. Raises ValueError for a naive `since`, UnknownZone.
    """
    return _over_at(length, since, zone_named(zone), zone_named(zone), calendar)


def latest_over(length: Length, since: datetime, zones: Sequence[str]) -> datetime:
    """When it is over in every zone; without zones, the place not being known, when it is over wherever that is."""
    if zones:
        return max(over_at(length, since, zone) for zone in zones)
    return _over_at(length, since, zone_named(FIRST_DAY), zone_named(LAST_DAY), None)


def earliest_over(length: Length, since: datetime, zones: Sequence[str], calendar: Calendar | None = None) -> datetime:
    """When it is first over in one of the zones; without zones, before which it is over nowhere, and not before `since`."""
    if zones:
        return min(over_at(length, since, zone, calendar) for zone in zones)
    return max(since, _over_at(length, since, zone_named(LAST_DAY), zone_named(FIRST_DAY), calendar))


def _over_at(length: Length, since: datetime, dated: ZoneInfo, ends: ZoneInfo, calendar: Calendar | None) -> datetime:
    """The end of the last day where `ends` is, counted from the date that it was where `dated` is."""
    if since.tzinfo is None:
        raise ValueError("a length of time begins at an aware time")
    if length.unit in _REAL_TIME:
        return since.astimezone(UTC) + length.count * _REAL_TIME[length.unit]
    day = local_date(since, dated)
    if length.unit in _MONTHS:
        last = add_months(day, length.count * _MONTHS[length.unit])
    elif length.unit == "bd":
        last = _business_day(day, length.count, calendar)
    else:
        last = day + length.count * ONE_DAY
    return start_of_day(last + ONE_DAY, ends)


def _business_day(day: date, count: int, calendar: Calendar | None) -> date:
    while count:
        day += ONE_DAY
        kinds = kinds_of(day, calendar)
        if kinds is None or DayKind.WORKDAY in kinds:
            count -= 1
    return day
