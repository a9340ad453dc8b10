"""What a list of leads may hold: rows of a CSV file become leads, or errors that name line, column and reason.

Good rows load, bad rows are reported, nothing is silently dropped. A person is the same across lists when the rows
carry the same `person`; without one, the first number stands for the person.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from compliance.numbers import BadNumber, parse_number, zones_in
from compliance.regions import CN_AREA_CODES, US_AREA_CODES
from dialer.sheets import BadCell, Form, RowError, parsed, sheet_of

NUMBER_COLUMNS = ("phone", "phone2", "phone3")
COLUMNS = (*NUMBER_COLUMNS, "name", "person", "zone", "subject", "debt", "creditor", "region")

#: What people call the columns, in English and Chinese exports.
ALIASES = {
    "number": "phone",
    "phone_number": "phone",
    "mobile": "phone",
    "tel": "phone",
    "telephone": "phone",
    "手机": "phone",
    "手机号": "phone",
    "手机号码": "phone",
    "电话": "phone",
    "电话号码": "phone",
    "备用电话": "phone2",
    "customer_id": "person",
    "客户编号": "person",
    "客户号": "person",
    "full_name": "name",
    "customer": "name",
    "姓名": "name",
    "客户姓名": "name",
    "timezone": "zone",
    "时区": "zone",
    "产品": "subject",
    "debt_id": "debt",
    "loan": "debt",
    "loan_id": "debt",
    "债务": "debt",
    "借据号": "debt",
    "合同号": "debt",
    "债权人": "creditor",
    "债权机构": "creditor",
}
FORM = Form(COLUMNS, ALIASES, (("phone",),))

#: Zones that say when, but not where: a person's calling hours cannot be told by them.
UNCLEAR_ZONES = frozenset({"Factory", "localtime", "posixrules"})
UNCLEAR_AREAS = ("Etc/", "SystemV/", "right/", "posix/")

_REGION = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_PARTS = {"US": frozenset(US_AREA_CODES), "CN": frozenset({*CN_AREA_CODES, "HK", "MO", "TW"})}


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One good row."""

    line: int
    person: str
    name: str
    numbers: tuple[str, ...]  # E.164, in the order to be tried
    zone: str  # declared IANA zone, or ""
    subject: str
    debt: str = ""
    creditor: str = ""
    region: str = ""  # where the person said to be or has an address (ISO 3166), or ""


def read(text: str, region: str, mapping: Mapping[str, str], zones: frozenset[str]) -> Iterator[LeadRow | RowError]:
    """The rows of a list, good and bad, in order; `zones` are the zone names that exist.

    Raises ListError at once when the header cannot be used. A person or number that an earlier row of the same file
    holds already is a RowError of the later row.
    """
    sheet = sheet_of(text, mapping, FORM)
    return _once_each(parsed(sheet, partial(_lead, region=region, zones=zones)))


def number_in(column: str, cell: str, region: str) -> str:
    """The E.164 form of a cell that holds a number, "" of an empty one. Raises BadCell."""
    if not cell:
        return ""
    try:
        return parse_number(cell, region)
    except BadNumber as error:
        raise BadCell(column, str(error)) from None


def numbers_in(cells: Mapping[str, str], region: str) -> tuple[str, ...]:
    """The numbers of a row in E.164, each once. Raises BadCell for one that is bad."""
    found = (number_in(column, cells.get(column, ""), region) for column in NUMBER_COLUMNS)
    return tuple(dict.fromkeys(number for number in found if number))


def region_in(column: str, cell: str) -> str:
    """A cell that holds a country, state or province, as `US` or `US-FL`; "" of an empty one. Raises BadCell.

    Countries are those with telephones of their own; states are checked where the rules tell them apart.
    """
    if not cell:
        return ""
    match = _REGION.fullmatch(cell.upper())
    known = match is not None and bool(zones_in(match[1]))
    if match is None or not known or (match[2] and match[2] not in _PARTS.get(match[1], {match[2]})):
        raise BadCell(column, f"{cell[:40]!r} is no country, state or province in ISO 3166, such as US or US-FL")
    return match[0]


def _once_each(rows: Iterator[LeadRow | RowError]) -> Iterator[LeadRow | RowError]:
    seen: dict[str, int] = {}
    for row in rows:
        if isinstance(row, LeadRow):
            first = seen.get(row.person) or next((seen[number] for number in row.numbers if number in seen), None)
            if first is not None:
                yield RowError(row.line, "phone", f"the same person or number as line {first}", repeats=first)
                continue
            for key in (row.person, *row.numbers):
                seen[key] = row.line
        yield row


def _lead(line: int, cells: Mapping[str, str], *, region: str, zones: frozenset[str]) -> LeadRow:
    numbers = numbers_in(cells, region)
    if not numbers:
        raise BadCell("phone", "empty")
    zone = cells.get("zone", "")
    if zone and zone not in zones:
        raise BadCell("zone", f"{zone!r} is not an IANA time zone such as America/New_York")
    if zone in UNCLEAR_ZONES or zone.startswith(UNCLEAR_AREAS):
        raise BadCell("zone", f"{zone!r} does not say where the person is; name a place such as America/New_York")
    return LeadRow(
        line,
        cells.get("person") or numbers[0],
        cells.get("name", ""),
        numbers,
        zone,
        cells.get("subject", ""),
        cells.get("debt", ""),
        cells.get("creditor", ""),
        region_in("region", cells.get("region", "")),
    )
