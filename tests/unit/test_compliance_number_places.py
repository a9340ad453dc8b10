"""Where a number may be, at the edges of what libphonenumber knows: an unknown place is anywhere, and never nowhere."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from compliance.numbers import BadNumber, is_region, line_type_of, national_digits, parse_number, regions_of, zones_in, zones_of
from compliance.regions import STATE_OF
from compliance.wallclock import zone_named

HOME = "+442079460958"


def test_a_text_is_read_up_to_its_longest() -> None:
    assert parse_number(HOME.rjust(64), "US") == HOME
    with pytest.raises(BadNumber, match=r"^too long for a telephone number: 65 characters, at most 64$"):
        parse_number(HOME.rjust(65), "US")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" ", "empty: a telephone number is needed"),
        ("+1 212 555 0100 ext 7", "has an extension, which a dialer cannot reach"),
        ("+86 95588", "not a number in use in the plan of country code +86"),
        ("+999 123 456", "no country code, and the region gives none"),
        ("hello", "not a telephone number"),
        ("011 1", "too short after the international prefix"),
        ("011 44 1", "too short for a telephone number"),
        ("0" * 64, "too long for a telephone number"),
    ],
)
def test_why_a_text_is_no_number_is_told_in_full(text: str, why: str) -> None:
    with pytest.raises(BadNumber) as caught:
        parse_number(text, "US")
    assert str(caught.value) == why


@pytest.mark.parametrize("number", ["+88312345", "+870773111632", "+80012345678", "+99912345", ""])
def test_a_number_of_no_country_may_be_in_every_one(number: str) -> None:
    assert regions_of(number) == set(), "no region at all: then every pack reaches it"
    assert zones_of(number) == ()


@pytest.mark.parametrize(
    ("number", "regions"),
    [
        ("+8610648123456", {"CN"}),  # eleven digits from 1 on are a mobile's, also where they begin as Beijing's code
        ("+861064812345", {"CN-BJ"}),
        ("+8689812345678", {"CN-HI", "CN-XZ"}),
        ("+8621123456", {"CN-SH"}),
        ("+864001234567", {"CN"}),  # a number of the whole country
        ("+447781123456", {"GB", "GG"}),
        ("+442079460958", {"GB"}),
        ("+12425551234", {"BS"}),
        ("+15005550006", {"US", "CA"}),
        ("+7123456789012", {"RU", "KZ"}),  # of none of the two for sure
    ],
)
def test_a_number_of_several_places_may_be_in_each_of_them(number: str, regions: set[str]) -> None:
    assert regions_of(number) == regions


@pytest.mark.parametrize(
    ("region", "zones"),
    [
        ("JM", ("America/Jamaica",)),  # on the country code of the United States, but not in all of their zones
        ("AS", ("Pacific/Pago_Pago",)),
        ("FR", ("Europe/Paris",)),
        ("ID", ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")),
        ("GB", ("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey", "Europe/London")),
        ("NO", ("Arctic/Longyearbyen", "Europe/Oslo")),
        ("NZ", ("Pacific/Auckland", "Pacific/Chatham")),
        ("CN-NX", ("Asia/Shanghai",)),
        ("US-TX", ("America/Chicago", "America/Denver")),
        ("US-ZZ", ()),
        ("AQ", ()),
    ],
)
def test_a_place_has_every_zone_its_numbers_tell_of(region: str, zones: tuple[str, ...]) -> None:
    assert zones_in(region) == zones


@pytest.mark.parametrize(("region", "at_least"), [("US", 40), ("RU", 11), ("AU", 8)])
def test_a_country_of_many_zones_has_them_all(region: str, at_least: int) -> None:
    assert len(zones_in(region)) >= at_least


@pytest.mark.parametrize("name", ["FR", "US", "US-FL", "CN-NX", "FR-IDF", "CA-ON", "GB-1"])
def test_a_country_and_a_part_of_one_is_a_region(name: str) -> None:
    assert is_region(name)


@pytest.mark.parametrize("name", ["", "fr", "ZZ", "ZZ-A", "US-ZZ", "US-", "FR-", "CN-nx", "CN-NINX", "CN NX", "001"])
def test_what_is_neither_is_none(name: str) -> None:
    assert not is_region(name)


def test_digits_are_those_without_the_country_code_and_all_of_them_where_there_is_none() -> None:
    assert national_digits(HOME) == "2079460958"
    assert national_digits("no 1 and no 23") == "123"


#: Zones that libphonenumber gives to a few numbers of an area, and that are not taken for the whole of it.
NOT_OF_THE_AREA = {"907": {"Pacific/Honolulu"}}  # Unalaska, which is on Alaska's time


def clocks(zones: Iterable[str]) -> set[tuple[timedelta | None, ...]]:
    """How the clocks of the zones differ from UTC in winter and in summer: many zones have the same."""
    seasons = [datetime(2027, month, 1, tzinfo=UTC) for month in (2, 7)]
    return {tuple(at.astimezone(zone_named(zone)).utcoffset() for at in seasons) for zone in zones}


@pytest.mark.parametrize("code", sorted(STATE_OF))
def test_an_area_code_has_the_zone_of_every_number_in_it(code: str) -> None:
    told = {zone for prefix, zones in TIMEZONE_DATA.items() if prefix.startswith(f"1{code}") for zone in zones}
    told -= NOT_OF_THE_AREA.get(code, set())
    assert clocks(told) <= clocks(zones_of(f"+1{code}2221234")), "a number may move within its area"


@pytest.mark.parametrize(
    ("first", "overlays"),
    [
        ("208", "986"), ("250", "236 257 672 778"), ("270", "364"), ("306", "474 639"), ("418", "367 581"),
        ("541", "458"), ("709", "879"), ("812", "930"), ("850", "448"),
    ],
)  # fmt: skip
def test_an_overlay_has_the_zones_of_the_area_it_is_laid_over(first: str, overlays: str) -> None:
    for code in overlays.split():
        assert clocks(zones_of(f"+1{first}2221234")) <= clocks(zones_of(f"+1{code}2221234")), code


@pytest.mark.parametrize(
    ("number", "line_type"),
    [
        ("+35312345678", "fixed"),
        ("+353851234567", "mobile"),
        ("+442079460958", "fixed"),
        ("+447911123456", "mobile"),
        ("+12125550100", ""),  # North America has one plan for both
        ("+8613812345678", "mobile"),
        ("+870773111632", "mobile"),
        ("+35318001", ""),  # not a number in use
        ("+999", ""),
    ],
)
def test_the_plan_tells_a_mobile_from_a_landline_where_it_can(number: str, line_type: str) -> None:
    assert line_type_of(number) == line_type
