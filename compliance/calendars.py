"""Where do holidays come from? Two libraries' calendars as frozen values. The rule it protects: a guess is not a calendar.

For mainland China only the years of the official notice are taken (`chinesecalendar`): `holidays` would invent a year
without its make-up workdays and say nothing. Years outside a library's range are left out, and what is left out denies.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

from compliance.daykinds import Calendar
from compliance.packs import Pack, WindowRule

CHINA = "CN"
YEARS_BACK, YEARS_AHEAD = 1, 2  # a window of last night, a cool-down of a year


def calendars_for(packs: Iterable[Pack], now: datetime) -> tuple[Calendar, ...]:
    """The calendars that the packs' hours name, for the years around `now`; one that no library knows is left out."""
    names = {rule.calendar for pack in packs for rule in pack.rules if isinstance(rule, WindowRule) and rule.calendar}
    years = tuple(range(now.year - YEARS_BACK, now.year + YEARS_AHEAD + 1))
    return tuple(found for name in sorted(names) if (found := calendar_named(name, years)) is not None)


@lru_cache(maxsize=256)
def calendar_named(name: str, years: tuple[int, ...]) -> Calendar | None:
    """The calendar of a country (`FR`) or of a part of it (`US-LA`), as far as its years are known; None for no such place."""
    return _china(years) if name == CHINA else _elsewhere(name, years)


def _china(years: tuple[int, ...]) -> Calendar:
    # It has no types; only those who need a calendar pay for the import.
    from chinese_calendar import constants  # type: ignore[import-untyped]  # noqa: PLC0415

    off: dict[date, str] = constants.holidays
    worked: dict[date, str] = constants.workdays
    known = {day.year for day in off}.intersection(years)
    return Calendar(
        CHINA,
        frozenset(known),
        frozenset(day for day in off if day.year in known),
        frozenset(day for day in worked if day.year in known),
    )


def _elsewhere(name: str, years: tuple[int, ...]) -> Calendar | None:
    import holidays  # noqa: PLC0415 -- as above

    country, _, part = name.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=list(years))
    except NotImplementedError:
        return None
    known = frozenset(year for year in years if found.start_year <= year <= found.end_year)
    return Calendar(name, known, frozenset(day for day in found if day.year in known))
