"""Whom does a do-not-call list name? Rows of a CSV file, or bare numbers one a line, become numbers and people, or errors.

Such a list is read to the other side than a list of leads: whatever of a row can be understood is suppressed, and what cannot
is reported beside that. One person suppressed too many is a call less, one too few is a call that nobody wanted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dialer.leads import FORM, NUMBER_COLUMNS, number_in
from dialer.sheets import BadCell, ListError, RowError, Sheet, checked, sheet_of, width_fault

#: Countries that share the country code 1 and its ten digits.
NORTH_AMERICA = frozenset({"US", "CA", "PR", "DO", "JM"})
LONGEST_LINE = 80  # bytes; no number is longer, however it is written

_E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_TEN_DIGITS = re.compile(r"1?([2-9][0-9]{2}[2-9][0-9]{6})", re.ASCII)
_BETWEEN_DIGITS = str.maketrans("", "", " ,.-()\t\"'")


@dataclass(frozen=True, slots=True)
class Listed:
    """What one row of a do-not-call list names; at least one of both is there."""

    line: int
    numbers: tuple[str, ...]  # E.164
    person: str | None


def read_numbers(text: str, region: str, mapping: Mapping[str, str]) -> Iterator[Listed | RowError]:
    """Whom the rows of a do-not-call list name, and beside that what of them cannot be understood, in order.

    A cell that is bad takes nothing else of its row with it, and a row of the wrong width is still read as far as it
    goes. A repeat is no fault. Raises ListError at once when the header cannot be used.
    """
    return _listed(sheet_of(text, mapping, FORM), region)


def read_plain(lines: Iterable[bytes], region: str) -> Iterator[Listed | RowError]:
    """The numbers of a file without a header, one a line, as regulators hand out millions: `2125550123`, `212,5550123`, `+1…`.

    Ten digits are read as such in North America, without asking whether they are in use yet; elsewhere as a number of `region`.
    Raises ListError for what is no file of numbers: text that is not ASCII, or a line too long for one.
    """
    for line, raw in enumerate(lines, start=1):
        if len(raw) > LONGEST_LINE:
            raise ListError(f"line {line}: {len(raw)} bytes, which is no number; a file with a header is read without --plain")
        try:
            text = raw.decode("ascii").strip()
        except UnicodeDecodeError:
            raise ListError(f"line {line}: not ASCII text; a file with a header is read without --plain") from None
        digits = text.translate(_BETWEEN_DIGITS)
        if not digits:
            continue
        if _E164.fullmatch(digits):
            yield Listed(line, (digits,), None)
        elif region in NORTH_AMERICA and (ten := _TEN_DIGITS.fullmatch(digits)):
            yield Listed(line, (f"+1{ten[1]}",), None)
        else:
            try:
                yield Listed(line, (number_in("number", text, region),), None)
            except BadCell as bad:
                yield RowError(line, bad.column, str(bad))


def _listed(sheet: Sheet, region: str) -> Iterator[Listed | RowError]:
    for line, row in sheet.rows:
        if isinstance(row, RowError):
            yield row
            continue
        found: dict[str, str] = {}
        faults = [] if len(row) == sheet.width else [width_fault(line, row, sheet)]
        for position, column in sheet.places.items():
            cell = row[position].strip() if position < len(row) else ""
            if not cell or column not in (*NUMBER_COLUMNS, "person"):
                continue
            try:
                checked(column, cell)
                found[column] = cell if column == "person" else number_in(column, cell, region)
            except BadCell as bad:
                faults.append(RowError(line, bad.column, str(bad)))
        person = found.pop("person", None)
        if found or person:
            yield Listed(line, tuple(dict.fromkeys(found.values())), person)
        elif not faults:
            faults.append(RowError(line, "phone", "empty"))
        yield from faults
