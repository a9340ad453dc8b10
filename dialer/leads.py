"""What a list may hold: rows of a CSV file become leads, or errors that name line, column and reason.

Good rows load, bad rows are reported, nothing is silently dropped. A person is the same across lists when the rows
carry the same `person`; without one, the first number stands for the person.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compliance.numbers import BadNumber, parse_number

MAX_FIELD = 200  # characters; longer is not a name, a number or a zone
NUMBER_COLUMNS = ("phone", "phone2", "phone3")
COLUMNS = (*NUMBER_COLUMNS, "name", "person", "zone", "subject")

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
}


class ListError(ValueError):
    """The file as a whole cannot be read as a list; the text says where and why."""


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One good row."""

    line: int
    person: str
    name: str
    numbers: tuple[str, ...]  # E.164, in the order to be tried
    zone: str  # declared IANA zone, or ""
    subject: str


@dataclass(frozen=True, slots=True)
class RowError:
    """One bad row: what is wrong, and where."""

    line: int
    column: str
    reason: str
    repeats: int | None = None  # the earlier line that holds the same person or number, if that is what is wrong

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


def decode(raw: bytes, encoding: str | None = None) -> str:
    """The text of a CSV file: the named encoding, or UTF-8 (with or without mark), or UTF-16 with mark, or GB 18030.

    Raises ListError naming the first byte that cannot be read.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = encoding or "utf-16"
    tried = (encoding,) if encoding else ("utf-8-sig", "gb18030")
    failures = []
    for name in tried:
        try:
            text = raw.decode(name)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            failures.append(f"not {name} at byte {error.start} (line {line})")
            continue
        except (LookupError, ValueError):  # not known, or not one that every text can be read with (idna, undefined …)
            raise ListError(f"no encoding for lists is called {name!r}") from None
        if "\x00" in text:
            raise ListError(f"not a text file: a NUL at character {text.index(chr(0))}")
        return text.removeprefix("\ufeff")
    raise ListError(f"cannot read the text: {'; '.join(failures)}; name its encoding with --encoding")


def columns(header: list[str], mapping: dict[str, str]) -> dict[int, str]:
    """Which position holds which of `COLUMNS`. `mapping` is {header: column} and wins over the usual names.

    Raises ListError for a header that lacks a phone column, names one column twice, or does not hold a mapped name.
    """
    stripped = [name.strip() for name in header]
    for source, target in mapping.items():
        if source not in stripped:
            raise ListError(f"--map {source}={target}: the header has no column {source!r}; it has {_shown(stripped)}")
        if target not in COLUMNS:
            raise ListError(f"--map {source}={target}: there is no field {target!r}; fields are {', '.join(COLUMNS)}")
    found: dict[int, str] = {}
    for position, name in enumerate(stripped):
        key = name.lower().replace(" ", "_")
        usual = ALIASES.get(key, key)
        target = mapping.get(name) or ("" if usual in mapping.values() else usual)
        if target not in COLUMNS:
            continue
        if target in found.values():
            raise ListError(f"header: two columns for {target!r} ({name!r} is the second); choose with --map")
        found[position] = target
    if "phone" not in found.values():
        raise ListError(f"header: no phone column among {_shown(stripped)}; name it with --map 'Your column=phone'")
    return found


def read(text: str, region: str, mapping: dict[str, str], zones: frozenset[str]) -> Iterator[LeadRow | RowError]:
    """The rows of a list, good and bad, in order; `zones` are the zone names that exist.

    Raises ListError at once when the header cannot be used. A person or number that an earlier row of the same file
    holds already is a RowError of the later row.
    """
    reader = _rows(text)
    try:
        _, header = next(reader)
    except StopIteration:
        raise ListError("the file is empty") from None
    if isinstance(header, RowError):
        raise ListError(str(header))
    return _leads(reader, _Layout(len(header), columns(header, mapping), region, zones))


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the rows of one file are to be read."""

    width: int
    places: dict[int, str]
    region: str
    zones: frozenset[str]


def _leads(rows: Iterable[tuple[int, list[str] | RowError]], layout: _Layout) -> Iterator[LeadRow | RowError]:
    seen: dict[str, int] = {}
    for line, row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        if not any(cell.strip() for cell in row):
            continue
        lead = _lead(line, row, layout)
        if isinstance(lead, LeadRow):
            first = seen.get(lead.person) or next((seen[number] for number in lead.numbers if number in seen), None)
            if first is not None:
                yield RowError(line, "phone", f"the same person or number as line {first}", repeats=first)
                continue
            for key in (lead.person, *lead.numbers):
                seen[key] = line
        yield lead


def _lead(line: int, row: list[str], layout: _Layout) -> LeadRow | RowError:
    if len(row) != layout.width:
        return RowError(line, "row", f"{len(row)} fields where the header has {layout.width}")
    cells: dict[str, str] = {}
    for position, column in layout.places.items():
        cell = row[position].strip()
        if len(cell) > MAX_FIELD:
            return RowError(line, column, f"{len(cell)} characters, at most {MAX_FIELD} are allowed: {cell[:20]!r}…")
        if any(unicodedata.category(character) == "Cc" for character in cell):
            return RowError(line, column, "holds a control character")
        cells[column] = cell
    numbers: list[str] = []
    for column in NUMBER_COLUMNS:
        if not cells.get(column):
            continue
        try:
            number = parse_number(cells[column], layout.region)
        except BadNumber as error:
            return RowError(line, column, str(error))
        if number not in numbers:
            numbers.append(number)
    if not numbers:
        return RowError(line, "phone", "empty")
    zone = cells.get("zone", "")
    if zone and zone not in layout.zones:
        return RowError(line, "zone", f"{zone!r} is not an IANA time zone such as America/New_York")
    return LeadRow(line, cells.get("person") or numbers[0], cells.get("name", ""), tuple(numbers), zone, cells.get("subject", ""))


def _rows(text: str) -> Iterator[tuple[int, list[str] | RowError]]:
    """(line number, cells) of each CSV record; a record that cannot be parsed is one error and reading goes on."""
    csv.field_size_limit(16 * 1024 * 1024)  # a huge field is our error to tell, with its line, not the parser's
    reader = csv.reader(io.StringIO(text, newline=""), _dialect(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            upto = f"; lines {line} to {reader.line_num} are left out" if reader.line_num > line else ""
            yield line, RowError(line, "row", f"not CSV: {error}{upto}")
            continue
        yield line, row


def _dialect(text: str) -> type[csv.Dialect]:
    """Comma, semicolon or tab, whichever the header uses most."""
    header = text.split("\n", 1)[0]
    best = max(",;\t", key=header.count)

    class Found(csv.excel):
        delimiter = best

    return Found


def _shown(names: list[str]) -> str:
    listed = ", ".join(repr(name[:30]) for name in names[:12])
    return listed + (" …" if len(names) > 12 else "")
