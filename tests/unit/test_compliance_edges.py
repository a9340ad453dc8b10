"""The edges of hours, periods, places and dates: the first and the last value on each side, and the words of every refusal."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from compliance.daykinds import Calendar, DayKind, kinds_of, knows
from compliance.facts import EventKind, Facts, LedgerEvent
from compliance.history import History
from compliance.intervals import difference, intersection, union
from compliance.packs import parse_pack
from compliance.periods import (
    CalendarPeriod,
    CalendarUnit,
    Rolling,
    RollingDays,
    Successive,
    leaves_at,
    leaving_after,
    parse_period,
    reach,
    starts_at,
)
from compliance.rules import Condition, Key, Terms
from compliance.scope import in_force, may_be_met, packs_for
from compliance.verdict import Candidate
from compliance.wallclock import UnknownZone, add_months, clock_goes_back, first_instant, instants, last_instant, zone_named
from compliance.windows import (
    FARTHEST,
    HORIZON,
    DayPlan,
    Hours,
    Schedule,
    closes_at,
    first_fit,
    is_open,
    next_open,
    open_intervals,
    open_long_enough,
    parse_hours,
    parse_weekdays,
    unknown_dates,
)
from tests.pack_texts import pack_text, rule_text

NEW_YORK, LOS_ANGELES, SHANGHAI = "America/New_York", "America/Los_Angeles", "Asia/Shanghai"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)


def there(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def a_plan(on: str, *hours: str, permits: bool = True) -> DayPlan:
    return DayPlan(parse_weekdays(on), permits=permits, hours=tuple(map(parse_hours, hours)))


def on_kind(kind: DayKind, *hours: str, permits: bool = True) -> DayPlan:
    return DayPlan(frozenset(), permits, tuple(map(parse_hours, hours)), frozenset({kind}))


# --- reading hours, days and periods ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("08:00-21:00", Hours(480, 1260)),
        ("00:00-24:00", Hours(0, 1440)),
        ("22:00-08:00", Hours(1320, 1920)),
        ("23:59-00:00", Hours(1439, 1440)),
        ("00:01-00:00", Hours(1, 1440)),
        ("00:00-00:01", Hours(0, 1)),
        ("09:05-09:59", Hours(545, 599)),
    ],
)
def test_hours_are_read_in_minutes_after_midnight(text: str, hours: Hours) -> None:
    assert parse_hours(text) == hours


LONG = "x" * 50


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("08:00", "'08:00' is not HH:MM-HH:MM"),
        (LONG, f"'{'x' * 40}' is not HH:MM-HH:MM"),
        ("24:00-08:00", "'24:00-08:00' starts at 24:00: write 00:00"),
        ("09:00-09:00", "'09:00-09:00' is empty: for a whole day write 00:00-24:00"),
        ("8:00-21:00", "'8:00' is not a time of day HH:MM"),
        ("08:0-21:00", "'08:0' is not a time of day HH:MM"),
        ("08:00-21", "'21' is not a time of day HH:MM"),
        ("08:00-24:01", "'24:01' is not a time of day HH:MM"),
        ("08:60-21:00", "'08:60' is not a time of day HH:MM"),
        ("08:00-23:60", "'23:60' is not a time of day HH:MM"),
        ("08:00-1²:00", "'1²:00' is not a time of day HH:MM"),
        (f"08:00-{LONG}", f"'{'x' * 40}' is not a time of day HH:MM"),
        ("08:00-09:00-10:00", "'09:00-10:00' is not a time of day HH:MM"),
    ],
)
def test_hours_that_cannot_be_read_are_told_as_they_were_written(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|00:00") as caught:
        parse_hours(text)
    assert str(caught.value) == why


@pytest.mark.parametrize("text", ["monday", LONG, "mon-fri-sun"])
def test_a_day_class_that_is_none_is_told_with_those_that_are(text: str) -> None:
    with pytest.raises(ValueError, match="day class") as caught:
        parse_weekdays(text)
    known = "use *, mon … sun, a range such as mon-fri, or holiday, workday, restday, preholiday"
    assert str(caught.value) == f"'{text[:40]}' is not a day class: {known}"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("rolling:3660d", Rolling(3660 * DAY)),
        ("rolling:87840h", Rolling(3660 * DAY)),
        ("rolling_days:3660@callee", RollingDays(3660, "callee")),
        ("successive:3660d@campaign_start", Successive(3660 * DAY)),
        ("calendar:week(tue)@tz:Asia/Shanghai", CalendarPeriod(CalendarUnit.WEEK, SHANGHAI, 1)),
        ("rolling_days:1@tz:Asia/Shanghai", RollingDays(1, SHANGHAI)),
    ],
)
def test_the_longest_period_is_ten_years(text: str, period: Rolling | RollingDays | Successive | CalendarPeriod) -> None:
    assert parse_period(text) == period


SHAPES = (
    "is not a period of this version: use rolling:24h, rolling_days:30@callee, successive:30d@campaign_start, "
    "or calendar:day, week(mon) or month with @callee or @<IANA zone>"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rolling:3661d", "'rolling:3661d' is longer than 3660 days"),
        ("rolling:87841h", "'rolling:87841h' is longer than 3660 days"),
        ("rolling_days:3661@callee", "'rolling_days:3661@callee' is longer than 3660 days"),
        ("successive:3661d@campaign_start", "'successive:3661d@campaign_start' is longer than 3660 days"),
        ("calendar:week(monday)@callee", "'monday' is not a day a week starts on: use mon … sun"),
        (f"calendar:week({LONG})@callee", f"'{'x' * 40}' is not a day a week starts on: use mon … sun"),
        ("calendar:day@Mars/Base", "'Mars/Base' is not a known IANA time zone"),
        ("fortnight", f"'fortnight' {SHAPES}"),
        ("y" * 61, f"'{'y' * 60}' {SHAPES}"),
    ],
)
def test_a_period_that_cannot_be_kept_is_told_with_those_that_can(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="is") as caught:
        parse_period(text)
    assert str(caught.value) == why


# --- counting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "farthest"),
    [
        ("rolling:24h", DAY),
        ("successive:30d@campaign_start", 30 * DAY),
        ("rolling_days:7@callee", 9 * DAY),
        ("calendar:day@callee", 3 * DAY),
        ("calendar:week(mon)@callee", 9 * DAY),
        ("calendar:month@callee", 33 * DAY),
    ],
)
def test_a_period_reaches_back_its_length_and_two_days_where_dates_count(text: str, farthest: timedelta) -> None:
    assert reach(parse_period(text)) == farthest


def test_an_event_exactly_as_old_as_the_period_has_left() -> None:
    rolling, now = parse_period("rolling:24h"), NOON
    times = [now - DAY, now - DAY + timedelta(microseconds=1), now + HOUR]
    assert leaving_after(rolling, now, times, ()) == [now + timedelta(microseconds=1), now + HOUR + DAY]
    today, midnight = parse_period("calendar:day@callee"), there("2026-06-15T00:00")
    edge = [midnight - timedelta(microseconds=1), midnight]
    assert leaving_after(today, now, edge, (NEW_YORK,)) == [there("2026-06-16T00:00")]
    assert leaving_after(today, midnight, edge, (NEW_YORK, LOS_ANGELES)) == [
        there("2026-06-15T00:00", LOS_ANGELES),
        there("2026-06-16T00:00"),
    ]


def test_blocks_of_a_campaign_end_and_begin_at_the_same_instant() -> None:
    blocks, start = parse_period("successive:30d@campaign_start"), NOON
    last = start + 30 * DAY - timedelta(microseconds=1)
    assert leaving_after(blocks, last, [start - HOUR, start, last], (), start) == [start + 30 * DAY] * 2
    assert leaving_after(blocks, start + 30 * DAY, [start, last], (), start) == []
    assert starts_at(blocks, last, (), start) == start
    assert starts_at(blocks, start + 30 * DAY, (), start) == start + 30 * DAY


@pytest.mark.parametrize("ask", [leaves_at, starts_at])
def test_a_period_that_lacks_a_fact_says_which(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match=r"^the period is counted from the start of the campaign, but that is not known$"):
        ask(parse_period("successive:30d@campaign_start"), NOON, (NEW_YORK,))
    with pytest.raises(ValueError, match=r"^the callee's clock is asked for, but no time zone is known$"):
        ask(parse_period("calendar:day@callee"), NOON, ())


def test_the_strictest_zone_decides_where_a_count_begins_and_ends() -> None:
    week, both = parse_period("calendar:week(mon)@callee"), (NEW_YORK, LOS_ANGELES)
    assert starts_at(week, there("2026-06-18T12:00"), both) == there("2026-06-15T00:00")
    assert leaves_at(week, there("2026-06-18T12:00"), both) == there("2026-06-22T00:00", LOS_ANGELES)
    # Monday in New York is still Sunday in Los Angeles: there it is the week before.
    assert starts_at(week, there("2026-06-15T01:00"), both) == there("2026-06-08T00:00", LOS_ANGELES)
    assert starts_at(parse_period("calendar:week(wed)@callee"), there("2026-06-16T12:00"), (NEW_YORK,)) == there(
        "2026-06-10T00:00"
    )
    assert leaves_at(parse_period("calendar:month@callee"), there("2026-02-28T12:00"), (NEW_YORK,)) == there("2026-03-01T00:00")


# --- windows ----------------------------------------------------------------------------------------------------------

DAYTIME: Schedule = (a_plan("*", "08:00-20:00"),)


def test_open_hours_are_cut_at_the_instant_they_are_asked_from() -> None:
    opens, closes = there("2026-06-15T08:00"), there("2026-06-15T20:00")
    assert open_intervals(DAYTIME, (NEW_YORK,), NOON, NOON)[0] == (NOON, closes)
    assert open_intervals(DAYTIME, (NEW_YORK,), opens, closes)[0] == (opens, closes)
    following = open_intervals(DAYTIME, (NEW_YORK,), closes, closes + DAY)
    assert following[0] == (opens + DAY, closes + DAY)


@pytest.mark.parametrize(
    ("at", "ring_s", "enough"),
    [
        ("2026-06-15T07:59:59", 0, False),
        ("2026-06-15T08:00:00", 0, True),
        ("2026-06-15T19:59:30", 29, True),
        ("2026-06-15T19:59:30", 30, False),
        ("2026-06-15T20:00:00", 0, False),
    ],
)
def test_a_window_is_long_enough_only_if_the_ring_ends_before_it(at: str, ring_s: int, enough: bool) -> None:
    now, ring = there(at), timedelta(seconds=ring_s)
    assert open_long_enough(DAYTIME, (NEW_YORK,), now, ring) is enough
    assert (next_open(DAYTIME, (NEW_YORK,), now, ring) == now) is enough


def test_a_window_closes_at_its_end_also_where_that_is_farther_than_two_days() -> None:
    workdays = (a_plan("mon-fri", "00:00-24:00"),)
    monday = there("2026-06-15T12:00")
    assert closes_at(workdays, (NEW_YORK,), monday) == there("2026-06-20T00:00")
    assert closes_at(workdays, (NEW_YORK, LOS_ANGELES), monday) == there("2026-06-20T00:00")
    assert closes_at(workdays, (NEW_YORK,), there("2026-06-20T00:00")) is None
    assert closes_at(workdays, (NEW_YORK,), there("2026-06-15T00:00")) == there("2026-06-20T00:00")


def test_a_window_without_an_end_within_reach_is_not_said_to_close() -> None:
    one_ban = (on_kind(DayKind.HOLIDAY, "00:00-24:00", permits=False), a_plan("*", "00:00-24:00"))
    for days, ends in ((14, True), (20, False)):
        holiday = date(2026, 6, 15) + timedelta(days=days)
        calendar = Calendar("XX", frozenset({2026}), frozenset({holiday}))
        found = closes_at(one_ban, (NEW_YORK,), NOON, calendar)
        assert found == (there(f"{holiday}T00:00") if ends else None)


def test_the_next_opening_is_found_as_far_as_a_holiday_of_next_year() -> None:
    only_then = (on_kind(DayKind.HOLIDAY, "10:00-11:00"),)
    for days, found in ((14, True), (395, True), (410, False)):
        holiday = date(2026, 6, 15) + timedelta(days=days)
        calendar = Calendar("XX", frozenset({2026, 2027}), frozenset({holiday}))
        expected = there(f"{holiday}T10:00") if found else None
        assert next_open(only_then, (NEW_YORK,), NOON, timedelta(0), calendar) == expected
    assert timedelta(days=395) < FARTHEST < timedelta(days=410)
    assert timedelta(days=14) < HORIZON < timedelta(days=20)


def test_zones_of_which_one_is_closed_for_long_are_searched_as_far_as_one_zone_is() -> None:
    holiday = date(2026, 7, 20)
    calendar = Calendar("XX", frozenset({2026, 2027}), frozenset({holiday}))
    only_then = (on_kind(DayKind.HOLIDAY, "10:00-18:00"),)
    both = (NEW_YORK, LOS_ANGELES)
    assert next_open(only_then, both, NOON, timedelta(0), calendar) == there("2026-07-20T10:00", LOS_ANGELES)
    never_together = (a_plan("*", "09:00-17:00"),)
    assert next_open(never_together, (NEW_YORK, SHANGHAI), NOON) is None


@pytest.mark.parametrize(("days", "found"), [(1, True), (4, True), (14, True), (20, False)])
def test_zones_that_meet_on_one_date_alone_wait_for_it_as_long_as_the_horizon(days: int, found: bool) -> None:
    holiday = date(2026, 6, 15) + timedelta(days=days)
    calendar = Calendar("XX", frozenset({2026}), frozenset({holiday}))
    schedule = (on_kind(DayKind.HOLIDAY, "08:00-20:00"), a_plan("*", "09:00-10:00"))
    expected = there(f"{holiday}T08:00", LOS_ANGELES) if found else None
    assert next_open(schedule, (NEW_YORK, LOS_ANGELES), NOON, timedelta(0), calendar) == expected


@pytest.mark.parametrize(("days", "ends"), [(15, True), (16, False)])
def test_a_window_that_ends_exactly_at_the_horizon_is_said_to_end(days: int, ends: bool) -> None:
    midnight, holiday = there("2026-06-15T00:00"), date(2026, 6, 15) + timedelta(days=days)
    calendar = Calendar("XX", frozenset({2026}), frozenset({holiday}))
    one_ban = (on_kind(DayKind.HOLIDAY, "00:00-24:00", permits=False), a_plan("*", "00:00-24:00"))
    assert closes_at(one_ban, (NEW_YORK,), midnight, calendar) == (midnight + HORIZON if ends else None)


def test_a_day_with_a_ban_is_open_from_its_first_minute() -> None:
    noon_ban = (a_plan("*", "12:00-13:00", permits=False),)
    for at, permitted in (("00:00", True), ("00:00:30", True), ("11:59:59", True), ("12:00", False), ("13:00", True)):
        assert is_open(noon_ban, (NEW_YORK,), there(f"2026-06-15T{at}")) is permitted


def test_the_first_stretch_that_is_longer_than_the_ring_is_taken() -> None:
    spans = ((NOON, NOON + HOUR), (NOON + 2 * HOUR, NOON + 4 * HOUR))
    assert first_fit(spans, NOON, timedelta(0)) == NOON
    assert first_fit(spans, NOON + HOUR / 2, HOUR / 2) == NOON + 2 * HOUR
    assert first_fit(spans, NOON + HOUR / 2, HOUR / 2 - timedelta(microseconds=1)) == NOON + HOUR / 2
    assert first_fit(spans, NOON, HOUR) == NOON + 2 * HOUR
    assert first_fit(spans, NOON, 2 * HOUR) is None
    assert first_fit((), NOON, timedelta(0)) is None


def test_yesterdays_hours_reach_into_today_and_tomorrows_ban_ends_them() -> None:
    late = (a_plan("mon", "20:00-04:00"), a_plan("tue", "02:00-06:00", permits=False), a_plan("*"))
    assert open_intervals(late, (NEW_YORK,), there("2026-06-16T01:00"), there("2026-06-16T01:00"))[0] == (
        there("2026-06-16T01:00"),
        there("2026-06-16T02:00"),
    )
    assert is_open(late, (NEW_YORK,), there("2026-06-15T20:00"))
    assert not is_open(late, (NEW_YORK,), there("2026-06-16T02:00"))
    assert is_open(late, (NEW_YORK,), there("2026-06-16T06:00"))
    assert not is_open(late, (NEW_YORK,), there("2026-06-17T00:00"))


def test_hours_may_not_be_asked_without_a_place() -> None:
    for ask in (is_open, next_open, closes_at):
        with pytest.raises(ValueError, match=r"^calling hours need at least one time zone$"):
            ask(DAYTIME, (), NOON)


# --- days of which only a calendar knows ------------------------------------------------------------------------------

CHINA = Calendar(
    "CN", frozenset({2026}), frozenset({date(2026, 10, 1), date(2026, 10, 2)}), make_up=frozenset({date(2026, 9, 27)})
)


@pytest.mark.parametrize(
    ("day", "kinds"),
    [
        (date(2026, 9, 25), {DayKind.WORKDAY}),
        (date(2026, 9, 26), {DayKind.RESTDAY}),
        (date(2026, 9, 27), {DayKind.WORKDAY}),
        (date(2026, 9, 29), {DayKind.WORKDAY}),
        (date(2026, 9, 30), {DayKind.WORKDAY, DayKind.PREHOLIDAY}),
        (date(2026, 10, 1), {DayKind.RESTDAY, DayKind.HOLIDAY}),
        (date(2026, 10, 2), {DayKind.RESTDAY, DayKind.HOLIDAY}),
        (date(2026, 10, 3), {DayKind.RESTDAY}),
        (date(2027, 1, 1), None),
        (date(2025, 12, 31), None),
    ],
)
def test_a_date_is_of_every_kind_the_calendar_says_and_of_none_where_it_is_silent(day: date, kinds: set[DayKind] | None) -> None:
    assert kinds_of(day, CHINA) == kinds
    assert kinds_of(day, None) is None
    for kind in DayKind:
        assert knows(day, kind, CHINA) is (kinds is not None)
        assert not knows(day, kind, None)


def test_the_last_day_of_the_years_known_is_a_day_before_nobody_knows_what() -> None:
    eve = date(2026, 12, 31)
    assert not knows(eve, DayKind.PREHOLIDAY, CHINA)
    assert all(knows(eve, kind, CHINA) for kind in DayKind if kind is not DayKind.PREHOLIDAY)
    assert all(knows(date(2026, 12, 30), kind, CHINA) for kind in DayKind)


def test_dates_that_are_closed_for_want_of_a_calendar_are_named_in_order() -> None:
    workdays = (on_kind(DayKind.WORKDAY, "08:00-20:00"),)
    eve = there("2026-12-30T12:00", SHANGHAI)
    assert unknown_dates(workdays, (SHANGHAI,), eve, eve + 3 * DAY, CHINA) == (date(2027, 1, 1), date(2027, 1, 2))
    assert unknown_dates(workdays, (SHANGHAI,), eve, eve + DAY, CHINA) == ()
    assert unknown_dates(workdays, (SHANGHAI,), eve + 2 * DAY, eve + 2 * DAY, CHINA) == (date(2027, 1, 1),)
    new_year = datetime(2026, 12, 31, 20, tzinfo=UTC)
    assert unknown_dates(workdays, (SHANGHAI, NEW_YORK), new_year, new_year, CHINA) == (date(2027, 1, 1),)
    first_morning = there("2026-01-01T06:00", SHANGHAI)  # the last of the year before in UTC
    assert unknown_dates(workdays, (SHANGHAI,), first_morning, first_morning, CHINA) == ()
    eves = (on_kind(DayKind.PREHOLIDAY, "08:00-18:00"),)
    assert unknown_dates(eves, (SHANGHAI,), eve, eve + DAY, CHINA) == (date(2026, 12, 31),)
    assert unknown_dates(DAYTIME, (SHANGHAI,), eve, eve + 3 * DAY, None) == ()
    named_first = (a_plan("*", "08:00-20:00"), *workdays)
    assert unknown_dates(named_first, (SHANGHAI,), eve, eve + 3 * DAY, None) == ()


def test_hours_of_a_kind_of_day_are_long_enough_on_such_a_day() -> None:
    workdays = (on_kind(DayKind.WORKDAY, "08:00-20:00"),)
    noon = there("2026-09-27T12:00", SHANGHAI)  # a Sunday on which people work
    assert open_long_enough(workdays, (SHANGHAI,), noon, HOUR, CHINA)
    assert not open_long_enough(workdays, (SHANGHAI,), noon - DAY, HOUR, CHINA)
    assert not open_long_enough(workdays, (SHANGHAI,), noon, HOUR, None)


def test_a_date_of_unknown_kind_is_closed_with_all_that_its_bans_might_reach() -> None:
    unsure = (on_kind(DayKind.WORKDAY, "22:00-08:00", permits=False), a_plan("*", "00:00-24:00"))
    known, unknown = there("2026-12-31T12:00", SHANGHAI), there("2027-01-01T12:00", SHANGHAI)
    assert is_open(unsure, (SHANGHAI,), known, CHINA)
    assert not is_open(unsure, (SHANGHAI,), unknown, CHINA)
    assert next_open(unsure, (SHANGHAI,), unknown, timedelta(0), CHINA) is None
    assert not is_open(unsure, (SHANGHAI,), there("2027-01-02T00:00:30", SHANGHAI), CHINA)
    workdays = (on_kind(DayKind.WORKDAY, "08:00-20:00"),)
    assert not is_open(workdays, (SHANGHAI,), there("2027-01-02T00:00:30", SHANGHAI), CHINA)
    next_day = Calendar("CN", frozenset({2027}), frozenset())
    into_the_morning = there("2027-01-01T07:59", SHANGHAI)  # the ban of a date that is not known lasts until 08:00
    assert not is_open(unsure, (SHANGHAI,), into_the_morning, next_day)
    assert is_open(unsure, (SHANGHAI,), there("2027-01-01T08:00", SHANGHAI), next_day)


# --- clocks and dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 1, 1), 11, date(2026, 12, 1)),
        (date(2026, 8, 31), 18, date(2028, 2, 29)),
        (date(2026, 5, 15), 0, date(2026, 5, 15)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@pytest.mark.parametrize(
    ("zone", "wall", "jump"),
    [
        (NEW_YORK, "2026-03-08T02:00", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        (NEW_YORK, "2026-03-08T02:59:59", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2026-10-04T02:15", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Pacific/Apia", "2011-12-30T12:00", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_a_time_that_is_skipped_is_reached_at_the_jump_to_the_second(zone: str, wall: str, jump: datetime) -> None:
    there_at = datetime.fromisoformat(wall)
    assert instants(there_at, zone_named(zone)) == (jump, jump)
    assert clock_goes_back(there_at, zone_named(zone)) is None


@pytest.mark.parametrize(
    ("zone", "wall", "first", "back"),
    [
        (NEW_YORK, "2026-11-01T01:00", datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
        (NEW_YORK, "2026-11-01T01:59:59", datetime(2026, 11, 1, 5, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            "2026-04-05T01:45",
            datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
            datetime(2026, 4, 4, 15, tzinfo=UTC),
        ),
    ],
)
def test_a_time_that_comes_twice_comes_again_after_the_clock_went_back(
    zone: str, wall: str, first: datetime, back: datetime
) -> None:
    there_at, where = datetime.fromisoformat(wall), zone_named(zone)
    assert first_instant(there_at, where) == first
    assert last_instant(there_at, where) > first
    assert clock_goes_back(there_at, where) == back


def test_every_instant_is_told_in_utc_whatever_the_clock_of_the_machine() -> None:
    zone = zone_named(NEW_YORK)
    for wall in ("2026-06-15T12:00", "2026-11-01T01:30", "2026-03-08T02:30"):
        found = instants(datetime.fromisoformat(wall), zone)
        assert all(instant.tzinfo is UTC for instant in found)
    back = clock_goes_back(datetime.fromisoformat("2026-11-01T01:30"), zone)
    assert back is not None
    assert back.tzinfo is UTC


def test_what_is_no_zone_says_so_and_keeps_its_whole_name() -> None:
    name = "Nowhere/" + "x" * 60
    with pytest.raises(UnknownZone, match="IANA") as caught:
        zone_named(name)
    assert str(caught.value) == f"{name[:60]!r} is not a known IANA time zone"
    assert caught.value.name == name
    assert caught.value.__cause__ is not None


def an_interval(start_h: float, end_h: float) -> tuple[datetime, datetime]:
    return NOON + start_h * HOUR, NOON + end_h * HOUR


def test_stretches_that_touch_are_one_and_nothing_is_left_of_what_is_wholly_taken() -> None:
    assert union([an_interval(1, 2), an_interval(0, 1)]) == (an_interval(0, 2),)
    assert union([an_interval(0, 3), an_interval(1, 2)]) == (an_interval(0, 3),)
    assert union([an_interval(2, 1), an_interval(3, 3)]) == ()
    assert intersection((an_interval(0, 1),), (an_interval(1, 2),)) == ()
    assert difference((an_interval(0, 1),), (an_interval(0, 1),)) == ()
    assert difference((an_interval(0, 4),), (an_interval(-1, 0), an_interval(1, 2), an_interval(4, 5))) == (
        an_interval(0, 1),
        an_interval(2, 4),
    )


# --- which rules hold -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zones", "first", "last"),
    [
        ((), datetime(2026, 8, 10, 10, tzinfo=UTC), datetime(2026, 9, 1, 14, tzinfo=UTC)),
        ((NEW_YORK,), there("2026-08-11T00:00"), there("2026-09-01T00:00")),
        ((LOS_ANGELES, NEW_YORK), there("2026-08-11T00:00"), there("2026-09-01T00:00", LOS_ANGELES)),
    ],
)
def test_a_rule_begins_at_its_first_date_anywhere_and_ends_after_its_last_everywhere(
    zones: tuple[str, ...], first: datetime, last: datetime
) -> None:
    whole = Terms(effective_from=date(2026, 8, 11), effective_until=date(2026, 8, 31))
    assert in_force(whole, zones) == (first, last)
    assert in_force(Terms(effective_from=date(2026, 8, 11)), zones) == (first, None)
    assert in_force(Terms(effective_until=date(2026, 8, 31)), zones) == (None, last)
    assert in_force(Terms(), zones) == (None, None)


CALL = Candidate("now", "ann", "+12125550100", "spring", "acme", "solar", technology="manual")


def test_a_condition_on_the_place_is_met_where_the_callee_may_be() -> None:
    in_florida = Condition("callee_in", ("US-FL", "US-TX"))
    assert may_be_met(in_florida, CALL, frozenset({"US-TX"}))
    assert may_be_met(in_florida, CALL, frozenset({"US"}))
    assert not may_be_met(in_florida, CALL, frozenset({"US-NY"}))


def test_a_pack_governs_only_calls_that_meet_all_it_asks_for() -> None:
    rule = rule_text("r", "ring", min_unanswered_s=15)
    applies = '[pack.applies]\npurpose = ["sales"]\ntechnology = ["manual"]\n'
    pack = parse_pack(pack_text(rule, places=("US-NY",), more=applies), "p")
    here = frozenset({"US-NY"})
    predictive = Candidate("now", "ann", "+12125550100", "spring", "acme", "solar", technology="predictive")
    assert packs_for((pack,), CALL, here) == (pack,)
    assert packs_for((pack,), predictive, here) == ()
    assert packs_for((pack,), CALL, frozenset({"US-FL"})) == ()


# --- what is past -----------------------------------------------------------------------------------------------------


def test_an_event_of_a_person_nobody_knows_is_of_no_other_such_person() -> None:
    there_before = LedgerEvent(EventKind.ATTEMPT, NOON, "", "+19175550101", "spring", "acme", "solar", "a1")
    nameless = Candidate("now", "", "+12125550100", "spring", "acme", "solar")
    assert History(nameless, Facts((there_before,))).sharing(EventKind.ATTEMPT, (Key.PERSON,)) == []
    known = History(nameless, Facts((there_before,), numbers=("+19175550101",)))
    assert known.sharing(EventKind.ATTEMPT, (Key.PERSON,)) == [there_before]
    assert known.candidate is nameless
    assert known.facts.numbers == ("+19175550101",)


def test_what_was_asked_once_is_answered_from_memory() -> None:
    event = LedgerEvent(EventKind.ATTEMPT, NOON, "ann", "+12125550100", "spring", "acme", "solar", "a1")
    history = History(CALL, Facts((event,)))
    key = (Key.PERSON, Key.CAMPAIGN)
    assert history.sharing(EventKind.ATTEMPT, key) is history.sharing(EventKind.ATTEMPT, key)
    assert history.sharing(EventKind.ATTEMPT, ()) == [event]
    assert history.sharing(EventKind.MACHINE, key) == []
