"""When may a phone ring, on the clock of the person called? The rule it protects: never outside the permitted hours.

A schedule is a list of day plans; on each local date the first plan that names the weekday, or the kind of day by a
calendar, decides, and a date that no plan names is closed. So is a date whose kind a plan asks for and nobody knows.
Hours are half-open. `22:00-08:00` crosses midnight and belongs to the date it starts on.
A person who may be in several zones may be rung only when it is permitted in all of them (47 CFR 64.1200(c)(1) looks
at the called party's location, and an area code does not say where that is).

Nights when clocks change are read strictly: a permitted hour that occurs twice ends at its first end, and is closed
while the clock reads a time outside it; a forbidden one lasts from its first start to its last end; a time that is
skipped is reached at the jump.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from compliance.daykinds import Calendar, DayKind, kinds_of, knows
from compliance.intervals import Interval, Intervals, difference, intersection, union
from compliance.wallclock import (
    MIDNIGHT,
    clock_goes_back,
    first_instant,
    instants,
    last_instant,
    local_date,
    start_of_day,
    zone_named,
)

#: How far every question looks at first, so that its answer serves the next: nearly all windows end today and open tomorrow.
SOON = timedelta(days=2)
#: How far it looks then: two weeks and a day, so that a weekly hour skipped by one clock change is still found.
HORIZON = timedelta(days=15)
#: How far it looks at last, where the schedule itself is closed for longer: to a holiday of next year, if that is all it permits.
FARTHEST = timedelta(days=400)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start_min` to before `end_min`, in minutes after local midnight; past 1440 is the next date."""

    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What holds on the named weekdays (0 is Monday) and kinds of day: only `hours` permitted, or all but `hours`."""

    weekdays: frozenset[int]
    permits: bool
    hours: tuple[Hours, ...]
    kinds: frozenset[DayKind] = frozenset()


Schedule = tuple[DayPlan, ...]

UNKNOWN = DayPlan(frozenset(), permits=False, hours=())  # stands for a date of which the calendar does not say enough


def parse_hours(text: str) -> Hours:
    """Reads `HH:MM-HH:MM`. Raises ValueError; an end that is not after the start is on the next date."""
    start_text, dash, end_text = text.partition("-")
    if not dash:
        raise ValueError(f"{text[:40]!r} is not HH:MM-HH:MM")
    start, end = _minutes(start_text), _minutes(end_text)
    if start == DAY_MINUTES:
        raise ValueError(f"{text[:40]!r} starts at 24:00: write 00:00")
    if start == end:
        raise ValueError(f"{text[:40]!r} is empty: for a whole day write 00:00-24:00")
    return Hours(start, end if end > start else end + DAY_MINUTES)


def parse_weekdays(text: str) -> frozenset[int]:
    """Reads `*`, `sat` or `mon-fri`. Raises ValueError, also for kinds of day: those a calendar knows."""
    if text == "*":
        return frozenset(range(7))
    first, dash, last = text.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError(f"{text[:40]!r} is not a day class: use *, mon … sun, a range such as mon-fri, or {', '.join(DayKind)}")
    start = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - start) % 7 if dash else 0
    return frozenset((start + step) % 7 for step in range(length + 1))


def open_intervals(
    schedule: Schedule, zones: Sequence[str], since: datetime, until: datetime, calendar: Calendar | None = None
) -> Intervals:
    """The instants from `since` on, and at least to `until`, that are permitted in every one of `zones`.

    Raises UnknownZone for a name that is none, ValueError for no zones at all: without a place there are no hours.
    """
    spans = _known_spans(schedule, zones, since, until, calendar)
    return tuple([(max(start, since), end) for start, end in spans if end > since])


def _known_spans(
    schedule: Schedule, zones: Sequence[str], since: datetime, until: datetime, calendar: Calendar | None
) -> Intervals:
    if not zones:
        raise ValueError("calling hours need at least one time zone")
    there = tuple(zones)
    return _spans(schedule, there, _dates(there, since, until), calendar)


@lru_cache(maxsize=512)  # one decision asks the same for every window
def _dates(zones: tuple[str, ...], since: datetime, until: datetime) -> tuple[tuple[date, date], ...]:
    return tuple((local_date(since, zone), local_date(until, zone)) for zone in map(zone_named, zones))


@lru_cache(maxsize=4096)  # all instants of the same local dates have the same hours
def _spans(
    schedule: Schedule, zones: tuple[str, ...], dates: tuple[tuple[date, date], ...], calendar: Calendar | None
) -> Intervals:
    common: Intervals | None = None
    for name, (first, last) in zip(zones, dates, strict=True):
        local = _in_zone(schedule, zone_named(name), first, last, calendar)
        common = local if common is None else intersection(common, local)
        if not common:
            break
    return common or ()


def is_open(schedule: Schedule, zones: Sequence[str], now: datetime, calendar: Calendar | None = None) -> bool:
    """Whether a phone may ring at `now` in every one of `zones`."""
    spans = open_intervals(schedule, zones, now, now, calendar)
    return bool(spans) and spans[0][0] == now


def open_long_enough(
    schedule: Schedule, zones: Sequence[str], now: datetime, ring_for: timedelta, calendar: Calendar | None = None
) -> bool:
    """Whether a phone may ring at `now` and go on for `ring_for`, of at most a day, before the window ends."""
    spans = open_intervals(schedule, zones, now, now + SOON, calendar)
    return bool(spans) and spans[0][0] == now and now + ring_for < spans[0][1]


def next_open(
    schedule: Schedule,
    zones: Sequence[str],
    now: datetime,
    ring_for: timedelta = timedelta(0),
    calendar: Calendar | None = None,
) -> datetime | None:
    """The first instant from `now` on at which a phone may ring and go on ringing for `ring_for` before the window ends.

    None when there is none within FARTHEST, or none within HORIZON although each zone has one of its own: hours that do not
    meet in all zones need a better location, not patience.
    """

    def first(there: Sequence[str], look_ahead: timedelta) -> datetime | None:
        return first_fit(open_intervals(schedule, there, now, now + look_ahead, calendar), now, ring_for)

    found = first(zones, SOON) or first(zones, HORIZON)
    if found is None and not (len(zones) > 1 and all(first((zone,), HORIZON) for zone in zones)):
        found = first(zones, FARTHEST)
    return found


def closes_at(schedule: Schedule, zones: Sequence[str], now: datetime, calendar: Calendar | None = None) -> datetime | None:
    """When the window that is open at `now` ends; None when it is closed, or does not end within HORIZON."""
    there, today = tuple(zones), now.astimezone(UTC).date()
    for look_ahead in (SOON, HORIZON):
        spans = _spans_from(schedule, there, today, look_ahead, calendar)
        end = next((end for start, end in spans if start <= now < end), None)
        if end is None or end - now <= look_ahead:
            return end
    return None


@lru_cache(maxsize=4096)  # all instants of the same date in UTC have the same answer
def _spans_from(
    schedule: Schedule, zones: tuple[str, ...], day: date, look_ahead: timedelta, calendar: Calendar | None
) -> Intervals:
    since = datetime.combine(day, MIDNIGHT, UTC)
    return _known_spans(schedule, zones, since, since + timedelta(days=1) + look_ahead, calendar)


def first_fit(spans: Intervals, now: datetime, ring_for: timedelta) -> datetime | None:
    """The first instant from `now` on that has more than `ring_for` left of its interval."""
    return next((max(start, now) for start, end in spans if max(start, now) + ring_for < end), None)


def _in_zone(schedule: Schedule, zone: ZoneInfo, first: date, last: date, calendar: Calendar | None) -> Intervals:
    day = first - timedelta(days=2)  # yesterday's hours may reach into today
    last += timedelta(days=1)
    permitted: list[Interval] = []
    forbidden: list[Interval] = []
    while day <= last:
        permits, hours = _on_date(schedule, zone, day, calendar)
        (permitted if permits else forbidden).extend(hours)
        if not permits:
            permitted.extend(_permitted_hours(Hours(0, DAY_MINUTES), day, zone))
        day += timedelta(days=1)
    # What a ban of the next date would take away is not known: nothing is said of that date.
    forbidden.append((start_of_day(day, zone), datetime.max.replace(tzinfo=UTC)))
    return difference(union(permitted), union(forbidden))


def unknown_dates(
    schedule: Schedule, zones: Sequence[str], since: datetime, until: datetime, calendar: Calendar | None
) -> tuple[date, ...]:
    """The local dates from `since` to `until` that are closed because the calendar does not say what kind of day they are."""
    if not any(plan.kinds for plan in schedule):
        return ()
    found: set[date] = set()
    for zone in map(zone_named, zones):
        day, last = local_date(since, zone), local_date(until, zone)
        while day <= last:
            if _plan_of(schedule, day, calendar) is UNKNOWN:
                found.add(day)
            day += timedelta(days=1)
    return tuple(sorted(found))


@lru_cache(maxsize=16_384)
def _on_date(schedule: Schedule, zone: ZoneInfo, day: date, calendar: Calendar | None) -> tuple[bool, Intervals]:
    plan = _plan_of(schedule, day, calendar)
    if plan is None:
        return True, ()
    if plan is UNKNOWN:  # closed, and so is whatever any ban of that day might reach into the next
        bans = (hours for other in schedule if not other.permits for hours in other.hours)
        closed = (Hours(0, DAY_MINUTES), *bans)
        return False, tuple(interval for hours in closed for interval in _forbidden_hours(hours, day, zone))
    read = _permitted_hours if plan.permits else _forbidden_hours
    return plan.permits, tuple(interval for hours in plan.hours for interval in read(hours, day, zone))


def _plan_of(schedule: Schedule, day: date, calendar: Calendar | None) -> DayPlan | None:
    for plan in schedule:
        if day.weekday() in plan.weekdays:
            return plan
        if plan.kinds:
            if not all(knows(day, kind, calendar) for kind in plan.kinds):
                return UNKNOWN
            if plan.kinds & (kinds_of(day, calendar) or frozenset()):
                return plan
    return None


def _permitted_hours(hours: Hours, day: date, zone: ZoneInfo) -> Intervals:
    start, end = _walls(hours, day)
    opens, opens_again = instants(start, zone)
    closes = first_instant(end, zone)
    put_back = clock_goes_back(start, zone) if opens < opens_again else None
    if put_back is None:
        return ((opens, closes),)
    return (opens, min(put_back, closes)), (opens_again, closes)


def _forbidden_hours(hours: Hours, day: date, zone: ZoneInfo) -> Intervals:
    start, end = _walls(hours, day)
    return ((first_instant(start, zone), last_instant(end, zone)),)


def _walls(hours: Hours, day: date) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, MIDNIGHT)
    return midnight + timedelta(minutes=hours.start_min), midnight + timedelta(minutes=hours.end_min)


def _minutes(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if len(hours) == 2 and len(minutes) == 2 and colon and (hours + minutes).isascii() and (hours + minutes).isdigit():
        value = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and value <= DAY_MINUTES:
            return value
    raise ValueError(f"{text[:40]!r} is not a time of day HH:MM")
