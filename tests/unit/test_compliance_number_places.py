"""Where a number may be, at the edges of what libphonenumber knows: an unknown place is anywhere, and never nowhere."""

import pytest

from compliance.numbers import BadNumber, is_region, national_digits, parse_number, regions_of, zones_in, zones_of

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
