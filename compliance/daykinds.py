"""What kind of day is a date: a holiday, a day of work or of rest, the day before a holiday? The rule it protects: no guesses.

A calendar knows some years and no others. China publishes its make-up workdays late in the year before, and no rule predicts
them (国务院办公厅节假日安排通知): a date in a year that is not known has no kind, and an hour that depends on it is closed.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum


class DayKind(StrEnum):
    """A class of days that only a calendar tells apart."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"
    RESTDAY = "restday"
    PREHOLIDAY = "preholiday"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days off of one place in the years that are known. `make_up` are days of the weekend on which people work."""

    name: str
    years: frozenset[int]
    holidays: frozenset[date]
    make_up: frozenset[date] = frozenset()
    weekend: frozenset[int] = field(default=frozenset({5, 6}))


def kinds_of(day: date, calendar: Calendar | None) -> frozenset[DayKind] | None:
    """Every kind the date is of; None where the calendar does not know its year."""
    tomorrow = day + timedelta(days=1)
    if calendar is None or day.year not in calendar.years:
        return None
    rests = day in calendar.holidays or (day.weekday() in calendar.weekend and day not in calendar.make_up)
    kinds = {DayKind.RESTDAY if rests else DayKind.WORKDAY}
    if day in calendar.holidays:
        kinds.add(DayKind.HOLIDAY)
    elif tomorrow in calendar.holidays:
        kinds.add(DayKind.PREHOLIDAY)
    return frozenset(kinds)


def knows(day: date, kind: DayKind, calendar: Calendar | None) -> bool:
    """Whether the calendar says if the date is of that kind; the day before a holiday is told by the date after it."""
    if calendar is None or day.year not in calendar.years:
        return False
    return kind is not DayKind.PREHOLIDAY or (day + timedelta(days=1)).year in calendar.years
