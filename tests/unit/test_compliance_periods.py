"""When an event leaves a count: hours are real time, days are local dates, and the stricter zone holds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.periods import (
    CalendarPeriod,
    CalendarUnit,
    Period,
    Rolling,
    RollingDays,
    Successive,
    in_words,
    leaves_at,
    needs_location,
    parse_period,
    reach,
    starts_at,
)

NEW_YORK = "America/New_York"


def there(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("rolling:24h", Rolling(timedelta(hours=24))),
        ("rolling:7d", Rolling(timedelta(days=7))),
        ("rolling:30m", Rolling(timedelta(minutes=30))),
        ("rolling_days:30@callee", RollingDays(30, "callee")),
        ("rolling_days:7@Europe/Paris", RollingDays(7, "Europe/Paris")),
        ("calendar:day@callee", CalendarPeriod(CalendarUnit.DAY, "callee")),
        ("calendar:week(mon)@Asia/Hong_Kong", CalendarPeriod(CalendarUnit.WEEK, "Asia/Hong_Kong", 0)),
        ("calendar:week(mon)@tz:Asia/Hong_Kong", CalendarPeriod(CalendarUnit.WEEK, "Asia/Hong_Kong", 0)),
        ("successive:30d@campaign_start", Successive(timedelta(days=30))),
        ("calendar:week(sun)@callee", CalendarPeriod(CalendarUnit.WEEK, "callee", 6)),
        ("calendar:month@callee", CalendarPeriod(CalendarUnit.MONTH, "callee")),
    ],
)
def test_a_period_is_read(text: str, period: Period) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rolling:30m", "within 30 min"),
        ("rolling:90m", "within 90 min"),
        ("rolling:120m", "within 2 h"),
        ("rolling:24h", "within 24 h"),
        ("rolling:48h", "within 48 h"),
        ("rolling:2d", "within 48 h"),
        ("rolling:49h", "within 49 h"),
        ("rolling:72h", "within 3 days"),
        ("rolling:30d", "within 30 days"),
        ("rolling_days:1@callee", "within 1 local day, today included"),
        ("rolling_days:7@callee", "within 7 local days, today included"),
        ("calendar:day@callee", "in this calendar day"),
        ("calendar:week(sun)@Asia/Hong_Kong", "in this calendar week (from Sun on)"),
        ("calendar:month@callee", "in this calendar month"),
        ("successive:30d@campaign_start", "in this block of 30 days of the campaign"),
    ],
)
def test_a_period_is_told_in_words(text: str, words: str) -> None:
    assert in_words(parse_period(text)) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rolling:0h",
        "rolling:24",
        "rolling:999999d",
        "rolling_days:7",
        "rolling_days:99999@callee",
        "calendar:day",
        "calendar:week@callee",
        "calendar:week(monday)@callee",
        "calendar:day@Mars/Base",
        "successive:30d@callee",
        "successive:99999d@campaign_start",
        "rolling:24h ",
    ],
)
def test_a_period_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_period(text)


@pytest.mark.parametrize(
    ("period", "at", "leaves"),
    [
        ("rolling:24h", "2026-06-15T19:58", "2026-06-16T19:58"),
        ("rolling:24h", "2026-03-07T19:00", "2026-03-08T20:00"),  # 24 real hours over a 23-hour day
        ("rolling_days:7@callee", "2026-03-02T20:00", "2026-03-09T00:00"),
        ("rolling_days:30@callee", "2026-03-01T12:00", "2026-03-31T00:00"),
        ("calendar:day@callee", "2026-11-01T00:30", "2026-11-02T00:00"),  # 25 hours long
        ("calendar:week(mon)@callee", "2026-06-07T12:00", "2026-06-08T00:00"),
        ("calendar:week(sun)@callee", "2026-06-07T12:00", "2026-06-14T00:00"),
        ("calendar:month@callee", "2026-01-31T12:00", "2026-02-01T00:00"),
        ("calendar:month@callee", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_an_event_leaves_the_count_at(period: str, at: str, leaves: str) -> None:
    assert leaves_at(parse_period(period), there(at), (NEW_YORK,)) == there(leaves)


@pytest.mark.parametrize(
    ("period", "now", "starts"),
    [
        ("rolling:24h", "2026-03-08T20:00", "2026-03-07T19:00"),
        ("rolling_days:1@callee", "2026-06-15T12:00", "2026-06-15T00:00"),
        ("rolling_days:7@callee", "2026-03-08T20:59", "2026-03-02T00:00"),
        ("calendar:day@callee", "2026-11-01T23:00", "2026-11-01T00:00"),
        ("calendar:week(sun)@callee", "2026-06-13T12:00", "2026-06-07T00:00"),
        ("calendar:month@callee", "2026-01-31T12:00", "2026-01-01T00:00"),
    ],
)
def test_a_count_starts_at(period: str, now: str, starts: str) -> None:
    assert starts_at(parse_period(period), there(now), (NEW_YORK,)) == there(starts)


def test_a_day_without_midnight_ends_the_count_at_its_first_instant() -> None:
    evening = there("2026-09-05T20:00", "America/Santiago")
    assert leaves_at(parse_period("calendar:day@callee"), evening, ("America/Santiago",)) == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_an_event_has_left_only_when_it_has_left_in_every_zone() -> None:
    both = ("America/New_York", "America/Los_Angeles")
    evening = there("2026-06-15T23:00")
    assert leaves_at(parse_period("calendar:day@callee"), evening, both) == there("2026-06-16T00:00", "America/Los_Angeles")
    after_midnight = there("2026-06-16T01:00")  # already the 16th in New York, still the 15th in Los Angeles
    assert leaves_at(parse_period("calendar:day@callee"), after_midnight, both) == there("2026-06-17T00:00")


def test_blocks_of_days_follow_each_other_from_the_start_of_the_campaign() -> None:
    period, start = parse_period("successive:30d@campaign_start"), there("2026-06-01T12:00")
    for at, leaves in (
        (start, 30),
        (start + timedelta(days=29), 30),
        (start + timedelta(days=30), 60),
        (start - timedelta(days=1), 0),
    ):
        assert leaves_at(period, at, (), start) == start + timedelta(days=leaves)
        assert starts_at(period, at, (), start) == start + timedelta(days=leaves - 30)
    with pytest.raises(ValueError, match="not known"):
        leaves_at(period, start, ())
    assert not needs_location(period)
    assert reach(period) == timedelta(days=30)


def test_a_named_clock_needs_no_callee() -> None:
    period = parse_period("calendar:day@Asia/Shanghai")
    assert not needs_location(period)
    assert leaves_at(period, there("2026-06-15T12:00", "Asia/Shanghai"), ()) == there("2026-06-16T00:00", "Asia/Shanghai")


def test_the_callees_clock_needs_to_be_known() -> None:
    period = parse_period("calendar:day@callee")
    assert needs_location(period)
    with pytest.raises(ValueError, match="no time zone is known"):
        leaves_at(period, datetime(2026, 1, 1, tzinfo=UTC), ())


texts = st.sampled_from(
    (
        "rolling:24h",
        "rolling:30d",
        "rolling_days:1@callee",
        "rolling_days:7@callee",
        "rolling_days:30@callee",
        "calendar:day@callee",
        "calendar:week(mon)@callee",
        "calendar:week(sun)@callee",
        "calendar:month@callee",
    )
)
zones = st.sampled_from((NEW_YORK, "Europe/Paris", "America/Santiago", "America/Havana", "Asia/Shanghai", "Pacific/Kiritimati"))
instants = st.integers(0, 400 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@settings(deadline=None)
@given(texts, zones, instants, st.integers(0, 35 * 86_400))
def test_an_event_counts_exactly_from_the_start_of_the_period_on(text: str, zone: str, now: datetime, age: int) -> None:
    period, at = parse_period(text), now - timedelta(seconds=age)
    start = starts_at(period, now, (zone,))
    counts = leaves_at(period, at, (zone,)) > now
    assert counts == (at > start if isinstance(period, Rolling) else at >= start)


@settings(deadline=None)
@given(texts, st.lists(zones, min_size=1, max_size=3, unique=True), instants)
def test_no_event_counts_beyond_the_reach_of_its_period(text: str, names: list[str], at: datetime) -> None:
    period = parse_period(text)
    assert at < leaves_at(period, at, names) <= at + reach(period)


@settings(deadline=None)
@given(texts, st.lists(zones, min_size=2, max_size=4, unique=True), instants)
def test_one_more_zone_never_lets_an_event_go_earlier(text: str, names: list[str], at: datetime) -> None:
    period = parse_period(text)
    assert leaves_at(period, at, names) == max(leaves_at(period, at, (name,)) for name in names)
