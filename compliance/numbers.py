"""Which number is meant, and where may its owner be? The rule it protects: an unknown place never widens the hours.

An area code tells where a number was issued, not where its owner is, and libphonenumber gives some numbers one zone
where their area has two. `zones_of` therefore answers with every zone it cannot rule out, `regions_of` with every region.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

from compliance.regions import PROVINCES_OF, STATE_OF, US_AREA_CODES

LONGEST_TEXT = 64  # the longest E.164 number has 15 digits; the rest is punctuation

_UNKNOWN = "Etc/Unknown"
_PART = re.compile(r"[A-Z0-9]{1,3}", re.ASCII)

#: It shares its country code with others, so that the code alone tells nothing of it.
CANADIAN_ZONES = (
    "America/Edmonton",
    "America/Fort_Nelson",
    "America/Halifax",
    "America/Regina",
    "America/St_Johns",
    "America/Toronto",
    "America/Vancouver",
    "America/Whitehorse",
    "America/Winnipeg",
)

#: Area codes of the North American plan whose area has more zones than libphonenumber gives some of its numbers.
SPLIT_AREA_CODES: dict[str, tuple[str, ...]] = {
    "208": ("America/Boise", "America/Los_Angeles"),  # Idaho
    "219": ("America/Chicago", "America/New_York"),  # Indiana, from Gary to Pulaski
    "236": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "250": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),  # British Columbia
    "257": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "270": ("America/New_York", "America/Chicago"),  # Kentucky
    "306": ("America/Regina", "America/Edmonton"),  # Saskatchewan with Lloydminster
    "308": ("America/Chicago", "America/Denver"),  # Nebraska
    "334": ("America/Chicago", "America/New_York"),  # Alabama with Phenix City
    "364": ("America/New_York", "America/Chicago"),  # Kentucky
    "367": ("America/Toronto", "America/Halifax"),
    "418": ("America/Toronto", "America/Halifax"),  # Quebec with the Magdalen Islands
    "423": ("America/New_York", "America/Chicago"),  # Tennessee
    "432": ("America/Chicago", "America/Denver"),  # Texas
    "448": ("America/New_York", "America/Chicago"),  # Florida
    "458": ("America/Los_Angeles", "America/Boise"),  # Oregon with Malheur
    "474": ("America/Regina", "America/Edmonton"),
    "541": ("America/Los_Angeles", "America/Boise"),
    "574": ("America/Indiana/Indianapolis", "America/Chicago"),  # Indiana with Starke
    "581": ("America/Toronto", "America/Halifax"),
    "605": ("America/Chicago", "America/Denver"),  # South Dakota
    "606": ("America/New_York", "America/Chicago"),  # Kentucky with Clinton
    "620": ("America/Chicago", "America/Denver"),  # Kansas
    "639": ("America/Regina", "America/Edmonton"),
    "672": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "701": ("America/Chicago", "America/Denver"),  # North Dakota
    "709": ("America/St_Johns", "America/Goose_Bay"),  # Newfoundland and Labrador
    "775": ("America/Los_Angeles", "America/Denver"),  # Nevada with West Wendover
    "778": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "785": ("America/Chicago", "America/Denver"),  # Kansas
    "807": ("America/Toronto", "America/Winnipeg"),  # Ontario
    "812": ("America/Indiana/Indianapolis", "America/Chicago"),  # Indiana with Evansville
    "850": ("America/New_York", "America/Chicago"),  # Florida
    "867": ("America/Whitehorse", "America/Edmonton", "America/Winnipeg", "America/Toronto", "America/Regina"),  # the North
    "879": ("America/St_Johns", "America/Goose_Bay"),
    "906": ("America/Detroit", "America/Menominee"),  # Michigan
    "907": ("America/Anchorage", "America/Adak"),  # Alaska
    "915": ("America/Denver", "America/Chicago"),  # Texas
    "928": ("America/Phoenix", "America/Denver"),  # Arizona with the Navajo Nation
    "930": ("America/Indiana/Indianapolis", "America/Chicago"),
    "931": ("America/Chicago", "America/New_York"),  # Tennessee
    "986": ("America/Boise", "America/Los_Angeles"),
}

#: What libphonenumber says of a number that is of no country: satellite telephones, international toll-free.
NO_COUNTRY = "001"

#: Countries for which libphonenumber leaves zones out of every answer.
SPLIT_COUNTRIES: dict[int, tuple[str, ...]] = {
    62: ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"),
}


class BadNumber(ValueError):
    """The text is not one telephone number that can be dialed. The message says why, and never repeats the text."""


def parse_number(text: str, region: str) -> str:
    """The number in E.164. `region` (ISO 3166, two letters) says how a number without a leading + is read.

    Raises BadNumber for anything that is not one complete, valid number; an extension is refused rather than dropped.
    """
    if len(text) > LONGEST_TEXT:
        raise BadNumber(f"too long for a telephone number: {len(text)} characters, at most {LONGEST_TEXT}")
    if not text.strip():
        raise BadNumber("empty: a telephone number is needed")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadNumber(_PARSE_FAULTS.get(error.error_type, "not a telephone number")) from None
    if number.extension:
        raise BadNumber("has an extension, which a dialer cannot reach")
    if not phonenumbers.is_valid_number(number):
        raise BadNumber(f"not a number in use in the plan of country code +{number.country_code}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def zones_of(number: str) -> tuple[str, ...]:
    """Every IANA zone the owner of an E.164 number may be in, sorted; empty when nothing is known of it."""
    parsed = _read(number)
    if parsed is None:
        return ()
    zones = set(timezone.time_zones_for_number(parsed)) - {_UNKNOWN}
    zones |= set(SPLIT_COUNTRIES.get(parsed.country_code or 0, ()))
    if zones and parsed.country_code == 1:
        zones |= set(SPLIT_AREA_CODES.get(str(parsed.national_number)[:3], ()))
    return tuple(sorted(zones))


def regions_of(number: str) -> frozenset[str]:
    """Every country, state or province (ISO 3166) the number stands for; empty when nothing is known of it.

    A country alone means anywhere in it: a toll-free number, a Chinese mobile.
    """
    if state := _state_of(number):
        return frozenset({f"US-{state}"})
    parsed = _read(number)
    if parsed is None:
        return frozenset()
    national = str(parsed.national_number)
    if parsed.country_code == 1:
        region = phonenumbers.region_code_for_number(parsed)
        if region in {None, "US"}:  # toll-free and personal numbers are of the whole plan: the two great countries stand for it
            return frozenset({"US", "CA"})
        return frozenset({region})
    regions = {region for region in (phonenumbers.region_code_for_number(parsed),) if region}
    if parsed.country_code == 86:
        provinces = () if _is_chinese_mobile(national) else PROVINCES_OF.get(national[:2], ())
        return frozenset(f"CN-{province}" for province in provinces) or frozenset({"CN"})
    if parsed.country_code == 44:
        regions.add("GB")  # mobiles of Guernsey, Jersey and Man are used all over the kingdom
    return frozenset(regions or phonenumbers.region_codes_for_country_code(parsed.country_code or 0)) - {NO_COUNTRY}


@lru_cache(maxsize=1024)
def is_region(name: str) -> bool:
    """Whether it names a country that has telephones (`FR`), a state of the US, or a part of any other country (`CN-NX`)."""
    country, dash, part = name.partition("-")
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return False
    if country == "US" and dash:
        return part in US_AREA_CODES
    return not dash or _PART.fullmatch(part) is not None


@lru_cache(maxsize=1024)
def zones_in(region: str) -> tuple[str, ...]:
    """Every IANA zone in a country or a state of the US, as far as its telephone numbers tell; empty where they do not."""
    country, _, part = region.partition("-")
    if country == "US" and part:
        codes = US_AREA_CODES.get(part, "").split()
        return tuple(sorted({zone for code in codes for zone in zones_of(f"+1{code}2221234")}))
    if country == "CA":
        return CANADIAN_ZONES
    code = phonenumbers.country_code_for_region(country)
    if not code:
        return ()
    if code == 1 and country != "US":
        example = phonenumbers.example_number(country)
        return zones_of(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)) if example else ()
    zones = set(timezone.time_zones_for_geographical_number(phonenumbers.PhoneNumber(country_code=code)))
    return tuple(sorted((zones - {_UNKNOWN}) | set(SPLIT_COUNTRIES.get(code, ()))))


@lru_cache(maxsize=16_384)
def line_type_of(number: str) -> str:
    """`mobile` or `fixed`, where the numbering plan keeps them apart; empty where it does not, or nothing is known."""
    parsed = None if number.startswith("+1") else _read(number)  # North America does not, and asking takes long
    return "" if parsed is None else _LINE_TYPES.get(phonenumbers.number_type(parsed), "")


def national_digits(number: str) -> str:
    """The digits of an E.164 number without its country code; the digits of anything else."""
    parsed = _read(number)
    return str(parsed.national_number) if parsed is not None else "".join(digit for digit in number if digit.isdigit())


@lru_cache(maxsize=1024)  # a callee's number is asked for its zones and its regions, a caller's by every call
def _read(number: str) -> phonenumbers.PhoneNumber | None:
    """An E.164 number as libphonenumber knows it, None for what is none. One for all who ask: not to be changed."""
    if _state_of(number) and number[2:].isdecimal():  # already in its parts: reading it would take as long as all the rest
        return phonenumbers.PhoneNumber(country_code=1, national_number=int(number[2:]))
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None


def _state_of(number: str) -> str:
    """The state of the US that has the number's area code; empty for every other number."""
    return STATE_OF.get(number[2:5], "") if number.startswith("+1") and len(number) == len("+12125550100") else ""


def _is_chinese_mobile(national: str) -> bool:
    return len(national) == 11 and national.startswith("1")


_LINE_TYPES = {phonenumbers.PhoneNumberType.MOBILE: "mobile", phonenumbers.PhoneNumberType.FIXED_LINE: "fixed"}

_PARSE_FAULTS = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "no country code, and the region gives none",
    phonenumbers.NumberParseException.NOT_A_NUMBER: "not a telephone number",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "too short after the international prefix",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "too short for a telephone number",
    phonenumbers.NumberParseException.TOO_LONG: "too long for a telephone number",
}
