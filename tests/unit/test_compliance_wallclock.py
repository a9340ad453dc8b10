"""Local times that exist once, twice or not at all."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.wallclock import UnknownZone, clock_goes_back, first_instant, last_instant, start_of_day, zone_named

NEW_YORK = zone_named("America/New_York")


def reading(text: str) -> datetime:
    """What a clock on the wall reads: a time without a zone."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("wall", "first", "last"),
    [
        (reading("2026-03-08 01:59"), datetime(2026, 3, 8, 6, 59, tzinfo=UTC), datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        (reading("2026-03-08 02:00"), datetime(2026, 3, 8, 7, 0, tzinfo=UTC), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (reading("2026-03-08 02:30"), datetime(2026, 3, 8, 7, 0, tzinfo=UTC), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (reading("2026-03-08 03:00"), datetime(2026, 3, 8, 7, 0, tzinfo=UTC), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (reading("2026-11-01 00:59"), datetime(2026, 11, 1, 4, 59, tzinfo=UTC), datetime(2026, 11, 1, 4, 59, tzinfo=UTC)),
        (reading("2026-11-01 01:30"), datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        (reading("2026-11-01 02:00"), datetime(2026, 11, 1, 7, 0, tzinfo=UTC), datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_wall_time_is_first_and_last_read_at(wall: datetime, first: datetime, last: datetime) -> None:
    assert first_instant(wall, NEW_YORK) == first
    assert last_instant(wall, NEW_YORK) == last


def test_the_clock_goes_back_at_one_instant_for_every_time_it_repeats() -> None:
    assert clock_goes_back(reading("2026-11-01 01:00"), NEW_YORK) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert clock_goes_back(reading("2026-11-01 01:59"), NEW_YORK) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert clock_goes_back(reading("2026-11-01 02:00"), NEW_YORK) is None


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/Santiago", date(2026, 9, 6), datetime(2026, 9, 6, 4, tzinfo=UTC)),  # 00:00 is skipped: the day starts at 01:00
        ("Africa/Cairo", date(2026, 4, 24), datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("America/Havana", date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("Asia/Beirut", date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC)),
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),  # 00:00 comes twice: the first counts
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # the whole day is skipped
    ],
)
def test_a_day_starts_at_its_first_instant_even_without_a_midnight(zone: str, day: date, start: datetime) -> None:
    assert start_of_day(day, zone_named(zone)) == start


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../etc/passwd", "America", "/etc/localtime", "x" * 5000, "a\0b"])
def test_what_is_no_zone_is_told_by_name(name: str) -> None:
    with pytest.raises(UnknownZone) as caught:
        zone_named(name)
    assert len(str(caught.value)) < 150


ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Asia/Shanghai")


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 366 * 24 * 60).map(lambda minutes: reading("2026-01-01 00:00") + timedelta(minutes=minutes)),
)
def test_the_first_instant_is_the_first_that_reads_the_time_or_later(name: str, wall: datetime) -> None:
    zone = zone_named(name)
    first = first_instant(wall, zone)
    assert first.astimezone(zone).replace(tzinfo=None) >= wall
    assert (first - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < wall
    assert first <= last_instant(wall, zone)


def test_the_machines_own_tables_of_zones_decide_nothing(tmp_path: Path) -> None:
    (tmp_path / "America").mkdir()
    false = resources.files("tzdata.zoneinfo").joinpath("Etc", "UTC").read_bytes()
    (tmp_path / "America" / "Vancouver").write_bytes(false)
    read = 'ZoneInfo("America/Vancouver").utcoffset(datetime(2027, 1, 15, 12)) // timedelta(hours=1)'
    program = (
        "from datetime import datetime, timedelta; from zoneinfo import ZoneInfo\n"
        f"print({read})\n"  # kept in Python's own memory of zones
        f"from compliance.wallclock import zone_named\nprint({read.replace('ZoneInfo(', 'zone_named(')}, {read})\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONTZPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["0", "-7", "-7"], "British Columbia no longer puts its clocks back"
