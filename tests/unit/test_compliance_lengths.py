"""A length of time ends on the civil date of the law, in hours of real time, wherever it is counted."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.daykinds import Calendar
from compliance.lengths import IMMEDIATE, Length, earliest_over, latest_over, over_at, parse_length

NEW_YORK, SHANGHAI, SANTIAGO = "America/New_York", "Asia/Shanghai", "America/Santiago"
ZONES = (NEW_YORK, SHANGHAI, SANTIAGO, "Europe/Paris", "Pacific/Apia", "Asia/Kathmandu", "Etc/GMT+12", "Etc/GMT-14")
#: A place that works from Monday to Friday, but for Thanksgiving, and on one Saturday.
WORKED = Calendar("US", frozenset({2026}), frozenset({date(2026, 11, 26)}), frozenset({date(2026, 11, 28)}))


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("length", "began", "zone", "over"),
    [
        ("30d", "2026-06-01T23:59", NEW_YORK, "2026-07-02T00:00"),
        ("30d", "2026-06-01T00:00", NEW_YORK, "2026-07-02T00:00"),
        ("1mo", "2026-01-31T12:00", NEW_YORK, "2026-03-01T00:00"),  # there is no 31 February
        ("6mo", "2026-08-31T12:00", SHANGHAI, "2027-03-01T00:00"),
        ("1y", "2024-02-29T12:00", SHANGHAI, "2025-03-01T00:00"),
        ("5y", "2023-02-28T12:00", SHANGHAI, "2028-02-29T00:00"),  # not a day more for the leap year
        ("10y", "2026-06-15T12:00", SHANGHAI, "2036-06-16T00:00"),
        ("1d", "2026-09-04T12:00", SANTIAGO, "2026-09-06T01:00"),  # the midnight of that night does not exist
        ("72h", "2026-03-28T12:00", "Europe/London", "2026-03-31T13:00"),
        ("90m", "2026-03-28T12:00", NEW_YORK, "2026-03-28T13:30"),
        ("2bd", "2026-11-24T12:00", NEW_YORK, "2026-11-28T00:00"),  # Wednesday and Friday; Thursday is a holiday
        ("3bd", "2026-11-24T12:00", NEW_YORK, "2026-11-29T00:00"),  # people work on that Saturday
        ("4bd", "2026-11-24T12:00", NEW_YORK, "2026-12-01T00:00"),
        ("1bd", "2026-12-31T12:00", NEW_YORK, "2027-01-02T00:00"),  # a year that is not known: every day counts
        ("immediate", "2026-11-24T12:00", NEW_YORK, "2026-11-24T12:00"),
    ],
)
def test_a_length_is_over_at_the_instant_of_the_calendar_on_the_wall(length: str, began: str, zone: str, over: str) -> None:
    assert over_at(parse_length(length), local(began, zone), zone, WORKED) == local(over, zone)


def test_without_a_calendar_every_day_is_a_business_day() -> None:
    friday = local("2026-11-20T12:00", NEW_YORK)
    assert over_at(parse_length("10bd"), friday, NEW_YORK) == local("2026-12-01T00:00", NEW_YORK)


@pytest.mark.parametrize(
    "text", ["", "5", "y", "0d", "-1d", "5Y", "1w", "5 y", "1.5y", "٣d", "5y ", "123456d", "36601d", "101y", "9999mo"]
)
def test_what_is_no_length_or_longer_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a length of time|is longer than a hundred years"):
        parse_length(text)


@pytest.mark.parametrize("text", ["1m", "72h", "30d", "36600d", "10bd", "1mo", "100y", "immediate"])
def test_a_length_is_told_as_it_was_written(text: str) -> None:
    assert str(parse_length(text)) == text


@pytest.mark.parametrize(
    ("length", "days"),
    [
        ("5y", 1830),
        ("60mo", 1830),
        ("61mo", 1861),
        ("30d", 30),
        ("10bd", 10),
        ("24h", 1),
        ("25h", 2),
        ("1m", 1),
        ("immediate", 0),
    ],
)
def test_lengths_compare_by_the_most_days_they_can_be(length: str, days: int) -> None:
    assert parse_length(length).most_days == days


INSTANTS = st.integers(0, 220 * 366 * 24 * 60).map(lambda minutes: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


@settings(deadline=None)
@given(st.integers(1, 1200), st.sampled_from(["d", "mo", "bd"]), INSTANTS, st.sampled_from(ZONES))
def test_an_end_is_a_midnight_no_later_than_the_most_days_and_one_more(count: int, unit: str, began: datetime, zone: str) -> None:
    length = Length(count, unit)
    end = over_at(length, began, zone)
    there = end.astimezone(ZoneInfo(zone))
    before = (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    assert there.date() > before.date()
    assert began < end <= began + timedelta(days=length.most_days + 2)


@settings(deadline=None)
@given(st.integers(1, 1200), st.sampled_from(["d", "mo", "y", "bd", "h"]), INSTANTS, st.sampled_from(ZONES))
def test_where_the_place_is_not_known_a_length_ends_as_early_and_as_late_as_it_does_anywhere(
    count: int, unit: str, began: datetime, zone: str
) -> None:
    length = Length(min(count, 90) if unit == "y" else count, unit)
    assert began <= earliest_over(length, began, ()) <= over_at(length, began, zone) <= latest_over(length, began, ())


def test_in_several_zones_a_length_ends_from_the_first_to_the_last_of_them() -> None:
    day, zones = Length(1, "d"), (NEW_YORK, SHANGHAI)
    noon = local("2026-06-15T12:00", NEW_YORK)  # the 16th in Shanghai, since this very instant
    assert earliest_over(day, noon, zones) == local("2026-06-17T00:00", NEW_YORK)
    assert latest_over(day, noon, zones) == local("2026-06-18T00:00", SHANGHAI)
    before = local("2026-06-15T11:59", NEW_YORK)
    assert earliest_over(day, before, zones) == local("2026-06-17T00:00", SHANGHAI)
    assert latest_over(day, before, zones) == local("2026-06-17T00:00", NEW_YORK)


def test_where_the_place_is_not_known_a_length_ends_before_its_last_date_is_over_anywhere_and_after_it_is_everywhere() -> None:
    noon = datetime(2026, 6, 15, 11, 59, tzinfo=UTC)  # the 14th on Baker Island, the 16th on Kiritimati
    assert earliest_over(Length(30, "d"), noon, ()) == local("2026-07-15T00:00", "Pacific/Kiritimati")
    assert latest_over(Length(30, "d"), noon, ()) == local("2026-07-17T00:00", "Etc/GMT+12")
    assert earliest_over(Length(1, "d"), noon, ()) == noon, "no earlier than it begins"


def test_at_once_is_not_a_moment_later() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert over_at(IMMEDIATE, now, NEW_YORK) == now


def test_a_length_does_not_begin_at_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        over_at(IMMEDIATE, datetime(2026, 11, 24), NEW_YORK)  # noqa: DTZ001 -- the fault under test
