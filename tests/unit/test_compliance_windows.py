"""Calling hours at their edges, on both nights of the year when clocks change, and in several zones at once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.wallclock import UnknownZone
from compliance.windows import (
    HORIZON,
    DayPlan,
    Hours,
    Schedule,
    closes_at,
    is_open,
    next_open,
    open_intervals,
    parse_hours,
    parse_weekdays,
)

NEW_YORK = "America/New_York"
US_ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)
RUSSIAN_ZONES = ("Europe/Bucharest", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok", "Asia/Kamchatka")


def allow(on: str, *hours: str) -> DayPlan:
    return DayPlan(parse_weekdays(on), permits=True, hours=tuple(map(parse_hours, hours)))


def forbid(on: str, *hours: str) -> DayPlan:
    return DayPlan(parse_weekdays(on), permits=False, hours=tuple(map(parse_hours, hours)))


def there(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


US = (allow("*", "08:00-21:00"),)
FRANCE = (allow("mon-fri", "10:00-13:00", "14:00-20:00"),)
NIGHT_BAN = (forbid("*", "22:00-08:00"),)


@pytest.mark.parametrize(
    ("schedule", "zone", "at", "permitted"),
    [
        (US, NEW_YORK, "2026-06-15T07:59:59.999999", False),
        (US, NEW_YORK, "2026-06-15T08:00:00", True),
        (US, NEW_YORK, "2026-06-15T20:59:59.999999", True),
        (US, NEW_YORK, "2026-06-15T21:00:00", False),
        (FRANCE, "Europe/Paris", "2026-06-15T12:59:59", True),
        (FRANCE, "Europe/Paris", "2026-06-15T13:00:00", False),
        (FRANCE, "Europe/Paris", "2026-06-15T13:59:59", False),
        (FRANCE, "Europe/Paris", "2026-06-15T14:00:00", True),
        (FRANCE, "Europe/Paris", "2026-06-15T20:00:00", False),
        (FRANCE, "Europe/Paris", "2026-06-14T15:00:00", False),
    ],
)
def test_hours_are_open_at_their_start_and_closed_at_their_end(schedule: Schedule, zone: str, at: str, permitted: bool) -> None:
    assert is_open(schedule, (zone,), there(at, zone)) is permitted


@pytest.mark.parametrize(
    ("denied_at", "hours_to_wait"),
    [("2026-03-07T21:30", 9.5), ("2026-10-31T21:30", 11.5), ("2026-06-15T21:30", 10.5)],
)
def test_the_wait_for_the_morning_is_real_time_across_a_clock_change(denied_at: str, hours_to_wait: float) -> None:
    now = there(denied_at)
    assert next_open(US, (NEW_YORK,), now) == now + timedelta(hours=hours_to_wait)


@pytest.mark.parametrize(
    ("at", "permitted"),
    [
        ("2026-06-15T21:59:59", True),
        ("2026-06-15T22:00:00", False),
        ("2026-06-16T00:00:00", False),
        ("2026-06-16T07:59:59", False),
        ("2026-06-16T08:00:00", True),
    ],
)
def test_a_ban_crosses_midnight(at: str, permitted: bool) -> None:
    assert is_open(NIGHT_BAN, ("Asia/Shanghai",), there(at, "Asia/Shanghai")) is permitted


@pytest.mark.parametrize(("day", "permitted"), [("2026-06-19", True), ("2026-06-20", False), ("2026-06-15", False)])
def test_a_crossing_window_belongs_to_the_day_it_starts_on(day: str, permitted: bool) -> None:
    assert is_open((allow("mon-thu", "18:00-02:00"),), (NEW_YORK,), there(f"{day}T01:00")) is permitted


def test_a_repeated_hour_is_permitted_once_when_a_window_ends_in_it() -> None:
    late = (allow("sat", "22:00-01:30"),)
    assert is_open(late, (NEW_YORK,), there("2026-11-01T01:15"))
    assert not is_open(late, (NEW_YORK,), there("2026-11-01T01:30"))
    assert not is_open(late, (NEW_YORK,), there("2026-11-01T01:15", fold=1))


def test_a_window_that_starts_in_a_repeated_hour_closes_while_the_clock_reads_before_its_start() -> None:
    early = (allow("sun", "01:30-06:00"),)
    assert is_open(early, (NEW_YORK,), there("2026-11-01T01:45"))
    assert not is_open(early, (NEW_YORK,), there("2026-11-01T01:15", fold=1))
    assert is_open(early, (NEW_YORK,), there("2026-11-01T01:30", fold=1))


def test_a_ban_that_ends_in_a_repeated_hour_lasts_to_its_second_end() -> None:
    ban = (forbid("*", "22:00-01:30"),)
    assert not is_open(ban, (NEW_YORK,), there("2026-11-01T01:45"))
    assert not is_open(ban, (NEW_YORK,), there("2026-11-01T01:29", fold=1))
    assert is_open(ban, (NEW_YORK,), there("2026-11-01T01:30", fold=1))


def test_a_window_that_starts_in_a_skipped_hour_opens_at_the_jump() -> None:
    early = (allow("sun", "02:30-06:00"),)
    assert next_open(early, (NEW_YORK,), there("2026-03-08T01:00")) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_weekly_window_that_a_jump_swallows_opens_a_week_later() -> None:
    swallowed = (allow("sun", "02:10-02:50"),)
    assert next_open(swallowed, (NEW_YORK,), there("2026-03-02T12:00")) == there("2026-03-15T02:10")


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-01-15T08:30", "2026-01-15T09:00"),
        ("2026-01-15T20:30", "2026-01-15T20:30"),
        ("2026-01-15T21:00", "2026-01-16T09:00"),
    ],
)
def test_a_number_in_two_zones_waits_for_the_later_one(at: str, opens: str) -> None:
    idaho = ("America/Boise", "America/Los_Angeles")
    assert next_open(US, idaho, there(at, "America/Boise")) == there(opens, "America/Boise")


@pytest.mark.parametrize(
    ("day", "schedule", "opens", "closes"),
    [
        ("2026-01-15", US, "13:00", "21:00"),
        ("2026-07-15", US, "14:00", "21:00"),
        ("2026-01-15", (allow("*", "08:00-20:00"),), "13:00", "20:00"),
        ("2026-07-15", (allow("*", "08:00-20:00"),), "14:00", "20:00"),
    ],
)
def test_a_callee_anywhere_in_the_us_may_be_rung_for_a_few_hours(day: str, schedule: Schedule, opens: str, closes: str) -> None:
    opening = next_open(schedule, US_ZONES, there(f"{day}T06:00"))
    assert opening == there(f"{day}T{opens}")
    assert closes_at(schedule, US_ZONES, opening) == there(f"{day}T{closes}")


def test_a_russian_mobile_may_be_rung_for_one_hour_a_day_in_winter() -> None:
    nine_to_eight = (allow("*", "09:00-20:00"),)
    now = datetime(2026, 1, 15, tzinfo=UTC)
    spans = open_intervals(nine_to_eight, RUSSIAN_ZONES, now, now + timedelta(hours=23))
    assert spans[0] == (now + timedelta(hours=7), now + timedelta(hours=8))


def test_hours_that_do_not_meet_in_all_zones_have_no_next_opening() -> None:
    office = (allow("*", "09:00-17:00"),)
    assert next_open(office, ("America/New_York", "Asia/Shanghai"), datetime(2026, 1, 15, tzinfo=UTC)) is None


def test_a_phone_that_would_ring_past_the_end_waits_for_the_next_window() -> None:
    florida, ring = (allow("*", "08:00-20:00"),), timedelta(seconds=45)
    inside, too_late = there("2026-06-15T19:59:10"), there("2026-06-15T19:59:20")
    assert next_open(florida, (NEW_YORK,), inside, ring) == inside
    assert next_open(florida, (NEW_YORK,), there("2026-06-15T19:59:15"), ring) == there("2026-06-16T08:00")
    assert next_open(florida, (NEW_YORK,), too_late, ring) == there("2026-06-16T08:00")


def test_the_first_plan_that_names_the_day_decides() -> None:
    schedule = (allow("sat"), allow("*", "09:00-18:00"))
    assert not is_open(schedule, (NEW_YORK,), there("2026-06-20T12:00"))
    assert is_open(schedule, (NEW_YORK,), there("2026-06-21T12:00"))


def test_a_day_that_no_plan_names_is_closed() -> None:
    assert next_open((allow("mon", "09:00-18:00"),), (NEW_YORK,), there("2026-06-16T12:00")) == there("2026-06-22T09:00")


def test_a_window_without_end_never_closes() -> None:
    always, now = (allow("*", "00:00-24:00"),), there("2026-10-30T12:00")
    assert closes_at(always, (NEW_YORK, "America/Havana"), now) is None
    assert open_intervals(always, (NEW_YORK,), now, now + HORIZON)[0][0] == now


def test_a_window_that_is_closed_does_not_close() -> None:
    assert closes_at(US, (NEW_YORK,), there("2026-06-15T22:00")) is None


def test_hours_need_a_place() -> None:
    with pytest.raises(ValueError, match="at least one time zone"):
        is_open(US, (), datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(UnknownZone, match="Mars/Base"):
        is_open(US, ("Mars/Base",), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "8:00-21:00", "08:00", "08:00-25:00", "08:60-09:00", "24:00-08:00", "09:00-09:00", "08:00-24:01", "٠٨:٠٠-٠٩:٠٠"]
)
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|00:00"):
        parse_hours(text)


@pytest.mark.parametrize(
    ("text", "weekdays"), [("*", range(7)), ("sat", [5]), ("mon-fri", range(5)), ("fri-mon", [4, 5, 6, 0]), ("sun-sun", [6])]
)
def test_day_classes_name_weekdays(text: str, weekdays: list[int]) -> None:
    assert parse_weekdays(text) == set(weekdays)


@pytest.mark.parametrize("text", ["holiday", "workday", "restday", "preholiday"])
def test_kinds_of_day_are_no_weekdays(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text}.* is not a day class"):
        parse_weekdays(text)


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-frid", "Mon", "-fri"])
def test_other_day_classes_are_unknown(text: str) -> None:
    with pytest.raises(ValueError, match="not a day class"):
        parse_weekdays(text)


# --- properties -------------------------------------------------------------------------------------------------------

some_hours = st.builds(
    lambda start, length: Hours(start * 15, (start + length) * 15), st.integers(0, 95), st.integers(1, 95)
).filter(lambda hours: hours.end_min <= hours.start_min + 24 * 60 - 15)
some_plans = st.builds(
    DayPlan, st.frozensets(st.integers(0, 6), min_size=1), st.booleans(), st.lists(some_hours, max_size=3).map(tuple)
)
schedules = st.lists(some_plans, min_size=1, max_size=3).map(tuple)
zones = st.sampled_from(
    ("America/New_York", "Europe/Paris", "Australia/Lord_Howe", "America/Havana", "Asia/Shanghai", "America/Santiago")
)
instants = st.integers(0, 366 * 24 * 60 - 1).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


def reads_open(schedule: Schedule, wall: datetime) -> bool:
    """The schedule by the reading of a clock on the wall alone: an independent statement of the same rules."""
    minute = wall.hour * 60 + wall.minute

    def plan_on(days_ago: int) -> DayPlan | None:
        weekday = (wall - timedelta(days=days_ago)).weekday()
        return next((plan for plan in schedule if weekday in plan.weekdays), None)

    opened = banned = False
    for days_ago in (0, 1):
        plan = plan_on(days_ago)
        if plan is None:
            continue
        inside = any(hours.start_min <= minute + days_ago * 1440 < hours.end_min for hours in plan.hours)
        opened |= inside if plan.permits else days_ago == 0
        banned |= inside and not plan.permits
    return opened and not banned


def clock_changes_near(zone: str, instant: datetime) -> bool:
    offsets = {(instant + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in (-49, 0, 49)}
    return len(offsets) > 1


@settings(max_examples=400, deadline=None)
@given(schedules, zones, instants)
def test_no_minute_is_open_that_the_clock_on_the_wall_calls_closed(schedule: Schedule, zone: str, now: datetime) -> None:
    wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if is_open(schedule, (zone,), now):
        assert reads_open(schedule, wall)
    elif not clock_changes_near(zone, now):
        assert not reads_open(schedule, wall)


@settings(max_examples=60, deadline=None)
@given(schedules, zones, st.sampled_from(("2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-05", "2026-09-06")))
def test_no_minute_of_a_night_when_clocks_change_is_open_against_the_wall(schedule: Schedule, zone: str, day: str) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=12)
    for minutes in range(0, 36 * 60, 5):
        now = start + timedelta(minutes=minutes)
        if is_open(schedule, (zone,), now):
            assert reads_open(schedule, now.astimezone(ZoneInfo(zone)).replace(tzinfo=None))


@settings(max_examples=100, deadline=None)
@given(schedules, st.lists(zones, min_size=1, max_size=3, unique=True), instants, st.integers(0, 120))
def test_the_next_opening_is_open_and_nothing_before_it_is(
    schedule: Schedule, names: list[str], now: datetime, ring_minutes: int
) -> None:
    ring = timedelta(minutes=ring_minutes)
    opening = next_open(schedule, names, now, ring)

    def may_ring(start: datetime) -> bool:
        spans = open_intervals(schedule, names, start, start + timedelta(days=1))
        return bool(spans) and spans[0][0] == start and spans[0][1] > start + ring

    if opening is not None:
        assert may_ring(opening)
    step = timedelta(minutes=15)  # the hours and the zones' offsets are whole quarters, or halves, of an hour
    candidate = now
    while candidate < min(opening or now + HORIZON, now + timedelta(days=2)):
        assert not may_ring(candidate)
        candidate += step
    if opening is not None and opening > now:
        assert not may_ring(opening - timedelta(microseconds=1))


@settings(max_examples=200, deadline=None)
@given(
    schedules,
    st.lists(zones | st.sampled_from(("Pacific/Kiritimati", "Pacific/Midway")), min_size=1, max_size=2, unique=True),
    instants,
    st.sampled_from((timedelta(0), timedelta(microseconds=1), timedelta(hours=23, minutes=59))),
)
def test_hours_close_at_the_end_of_the_opening_that_they_are_asked_in(
    schedule: Schedule, names: list[str], since: datetime, later: timedelta
) -> None:
    """The same end at every instant of an opening, whatever was asked before."""
    for now in (since, since + later):
        spans = open_intervals(schedule, names, now, now + HORIZON)
        ends = spans[0][1] if spans and spans[0][0] == now and spans[0][1] <= now + HORIZON else None
        assert closes_at(schedule, names, now) == ends
