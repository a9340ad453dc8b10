"""Numbers are read at the edge into E.164, and never give fewer zones than their owner may be in."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import timezone

from compliance.numbers import (
    SPLIT_AREA_CODES,
    SPLIT_COUNTRIES,
    BadNumber,
    national_digits,
    parse_number,
    regions_of,
    zones_in,
    zones_of,
)
from compliance.regions import STATE_OF
from compliance.wallclock import zone_named


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(212) 555-0100", "US", "+12125550100"),
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("13912345678", "CN", "+8613912345678"),
        ("０１０ ６２５５ ５５５５", "CN", "+861062555555"),
    ],
)
def test_a_number_is_read_as_its_region_writes_it(text: str, region: str, number: str) -> None:
    assert parse_number(text, region) == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("hello", "not a telephone number"),
        ("+999 123 456", "no country code"),
        ("1", "not a telephone number"),
        ("+86 95588", "not a number in use"),
        ("+1 212 555 0100 ext 7", "extension"),
        ("+1 212 555 0100 0100 0100", "too long"),
        ("9" * 1_000_000, "too long for a telephone number: 1000000 characters"),
    ],
)
def test_what_is_not_one_dialable_number_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(BadNumber) as caught:
        parse_number(text, "US")
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 100
    assert text.strip() == "" or len(text) < 5 or text not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_either_a_number_or_a_bad_number(text: str) -> None:
    try:
        number = parse_number(text, "US")
    except BadNumber:
        return
    assert parse_number(number, "CN") == number


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+18504321234", ("America/Chicago", "America/New_York")),
        ("+18502221234", ("America/Chicago", "America/New_York")),
        ("+12705551234", ("America/Chicago", "America/New_York")),
        ("+19288711234", ("America/Denver", "America/Phoenix")),
        ("+12085551212", ("America/Boise", "America/Los_Angeles")),
        ("+12125550100", ("America/New_York",)),
        ("+62812345678", ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")),
        ("+8613912345678", ("Asia/Shanghai",)),
        ("+8695588", ()),
        ("nonsense", ()),
    ],
)
def test_a_number_has_every_zone_its_owner_may_be_in(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(number) == zones


@pytest.mark.parametrize(("number", "at_least"), [("+18005551234", 40), ("+61412345678", 8), ("+79161234567", 16)])
def test_numbers_that_belong_to_no_area_keep_all_zones_of_their_plan(number: str, at_least: int) -> None:
    assert len(zones_of(number)) >= at_least


def test_every_zone_of_the_split_tables_exists() -> None:
    for zones in (*SPLIT_AREA_CODES.values(), *SPLIT_COUNTRIES.values()):
        assert len(zones) > 1
        for name in zones:
            assert zone_named(name).key == name


@pytest.mark.parametrize("area_code", sorted(SPLIT_AREA_CODES))
def test_every_number_of_a_split_area_code_has_all_its_zones(area_code: str) -> None:
    assert set(SPLIT_AREA_CODES[area_code]) <= set(zones_of(f"+1{area_code}2221234"))


@pytest.mark.parametrize("area_code", sorted(STATE_OF))
def test_the_number_of_a_state_has_the_zones_libphonenumber_knows_after_reading_it(area_code: str) -> None:
    for line in ("2221234", "5550100", "0000000", "1234567", "9999999", "FLOWERS"):
        number = f"+1{area_code}{line}"
        read = phonenumbers.parse(number)
        known = set(timezone.time_zones_for_number(read)) - {"Etc/Unknown"}
        assert set(zones_of(number)) == (known | set(SPLIT_AREA_CODES.get(area_code, ())) if known else set())
        assert national_digits(number) == str(read.national_number)
        assert regions_of(number) == {f"US-{STATE_OF[area_code]}"}


@pytest.mark.parametrize("text", ["", "+", "nobody", "13055550100", "+0123456789"])
def test_nothing_is_known_of_what_is_no_number(text: str) -> None:
    assert zones_of(text) == ()
    assert national_digits(text) == "".join(digit for digit in text if digit.isdigit())


def test_somebody_in_canada_may_be_in_any_zone_from_newfoundland_to_the_pacific() -> None:
    zones = zones_in("CA")
    assert {"America/St_Johns", "America/Toronto", "America/Vancouver"} <= set(zones)
    assert zones_in("CA-ON") == zones
    assert set(zones_of("+14165550100")) <= set(zones)
