"""At which instant does a wall clock somewhere read a given time? The rule it protects: daylight saving never shifts a limit.

A local time may exist once, twice (clocks go back) or not at all (clocks go forward). Every answer is an aware UTC
instant; local values are never added to, subtracted or compared across zones.

The zones are those of the pinned `tzdata` package, whose version every decision names. Python would rather read the machine's own
tables, which may be years old: then a country that stopped changing its clocks is rung an hour off, and a
replay elsewhere decides otherwise.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, reset_tzpath

reset_tzpath(())  # for the whole process, before the first zone of a decision is read
ZoneInfo.clear_cache()  # whoever imported us may have read one already

MIDNIGHT = datetime.min.time()


class UnknownZone(ValueError):
    """The name is not an IANA time zone that the `tzdata` package knows."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:60]!r} is not a known IANA time zone")
        self.name = name


@lru_cache(maxsize=1024)  # there are fewer, and Python itself remembers eight
def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises UnknownZone, also for names that are no names at all."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a directory, or too long a name
        raise UnknownZone(name) from error


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar date in `zone` at `instant`."""
    return instant.astimezone(zone).date()


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last instant at which the clock of `zone` reads the naive `wall`; where it is skipped, twice the jump."""
    first, last = _instant(wall, zone, fold=0), _instant(wall, zone, fold=1)
    if first <= last:  # the offset from before a change and the one after it agree, or the clock reads it under both
        return first, last
    jump = _change_of_offset(wall, zone)
    return jump, jump


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock of `zone` reads the naive `wall`, or jumps past it."""
    return instants(wall, zone)[0]


def last_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The last instant at which the clock of `zone` reads the naive `wall`; where it is skipped, the jump past it."""
    return instants(wall, zone)[1]


def clock_goes_back(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant at which the clock of `zone` is put back, if that makes it read the naive `wall` twice."""
    first, last = instants(wall, zone)
    return _change_of_offset(wall, zone) if first < last else None


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar date; not always midnight (Santiago, Cairo, Havana, Beirut skip it once a year)."""
    return first_instant(datetime.combine(day, MIDNIGHT), zone)


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later; where that month is shorter, its last day (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _change_of_offset(wall: datetime, zone: ZoneInfo) -> datetime:
    # The two readings of `wall` (with the offset before, with the one after) enclose the change, in one order or the other.
    low, high = sorted((_instant(wall, zone, fold=0), _instant(wall, zone, fold=1)))
    before = low.astimezone(zone).utcoffset()
    seconds_low, seconds_high = 0, int((high - low).total_seconds())
    while seconds_high - seconds_low > 1:
        middle = (seconds_low + seconds_high) // 2
        if (low + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before:
            seconds_low = middle
        else:
            seconds_high = middle
    return low + timedelta(seconds=seconds_high)
