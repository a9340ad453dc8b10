"""Times as files and people write them: no clock is guessed, and nights when clocks change are read to the later side."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.moments import parse_moment

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-15T12:00:00Z", "2026-06-15T12:00:00+00:00"),
        ("2026-06-15 14:00:00+02:00", "2026-06-15T12:00:00+00:00"),
        ("2026/6/5 14:00:00+02:00", "2026-06-05T12:00:00+00:00"),
        ("2026-06-15", "2026-06-15T00:00:00+00:00"),
        ("20260615", "2026-06-15T00:00:00+00:00"),
        ("2026/6/5", "2026-06-05T00:00:00+00:00"),
        (" 2026-06-15T12:00:00.25Z ", "2026-06-15T12:00:00.250000+00:00"),
    ],
)
def test_a_time_with_its_offset_and_a_date_need_no_clock(text: str, instant: str) -> None:
    assert parse_moment(text).isoformat() == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-15 08:00", "2026-06-15T12:00:00+00:00"),
        ("2026-06-15", "2026-06-15T04:00:00+00:00"),
        ("2026-11-01 01:30", "2026-11-01T06:30:00+00:00"),  # occurs twice: the later
        ("2026-03-08 02:30", "2026-03-08T07:00:00+00:00"),  # never occurs: the jump past it
        ("2026-06-15 08:00Z", "2026-06-15T08:00:00+00:00"),  # says its offset itself
    ],
)
def test_a_time_without_offset_is_on_the_clock_that_is_named(text: str, instant: str) -> None:
    assert parse_moment(text, NEW_YORK).isoformat() == instant


def test_a_day_without_midnight_starts_when_it_starts() -> None:
    assert parse_moment("2026-09-06", ZoneInfo("America/Santiago")).isoformat() == "2026-09-06T04:00:00+00:00"


def test_a_time_without_offset_or_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="--clock ZONE"):
        parse_moment("2026-06-15 12:00:00")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "03/02/2026", "2026-02-30", "2026-13-01", "12:00", "1234567890", "0001-01-01", "9999-12-31"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_moment(text, NEW_YORK)


@given(st.integers(0, 7_200_000_000_000_000))
def test_an_instant_written_in_iso_8601_is_read_as_itself(microseconds: int) -> None:
    instant = datetime(1971, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert parse_moment(instant.isoformat()) == instant
