"""What a list may hold: rows of a CSV file become leads, or do-not-call entries, or errors that name line, column and reason.

Good rows load, bad rows are reported, nothing is silently dropped. A person is the same across lists when the rows
carry the same `person`; without one, the first number stands for the person. A do-not-call list is read to the other
side: whatever of a row can be understood is suppressed, and what cannot is reported beside that.
"""

import csv
import io
import re
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

#: Zones that say when, but not where: a person's calling hours cannot be told by them.
UNCLEAR_ZONES = frozenset({"Factory", "localtime", "posixrules"})
UNCLEAR_AREAS = ("Etc/", "SystemV/", "right/", "posix/")

_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇々"
#: What a Chinese text is not made of: anything beside ASCII, ideographs, and the signs, symbols and wide forms they come with.
_NOT_CHINESE = re.compile(f"[^\\x00-\\x7f{_IDEOGRAPH}·×÷±°§\u2010-\u27bf\u3000-\u33ff\ufe30-\ufe4f\uff00-\uffef]")
_FREE_WORD = re.compile(f"(?<![A-Za-z{_IDEOGRAPH}])[{_IDEOGRAPH}]{{2,}}(?![A-Za-z{_IDEOGRAPH}])")
_GLUED = re.compile(f"(?<=[A-Za-z])[{_IDEOGRAPH}]|[{_IDEOGRAPH}](?=[A-Za-z])")


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


@dataclass(frozen=True, slots=True)
class Listed:
    """What one row of a do-not-call list names; at least one of both is there."""

    line: int
    numbers: tuple[str, ...]  # E.164
    person: str | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file, and the encoding it was read with."""

    text: str
    encoding: str


def decode(raw: bytes, encoding: str | None = None) -> Decoded:
    """The text of a CSV file: the named encoding, or UTF-8 (with or without mark), or UTF-16 with mark, or GB 18030.

    Nearly any bytes can be read as GB 18030, names in Latin-1 among them: without being named it is taken only where
    the text then looks like Chinese. Raises ListError naming the first byte that cannot be read.
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
        if (half := re.search("[\ud800-\udfff]", text)) is not None:  # some encodings can write it, no database takes it
            raise ListError(f"not a text file: half a character at character {half.start()}")
        if encoding is None and name == "gb18030" and not _looks_chinese(text):
            failures.append("gb18030 would give no Chinese text")
            continue
        return Decoded(text.removeprefix("\ufeff"), name)
    raise ListError(f"cannot read the text: {'; '.join(failures)}; name its encoding with --encoding")


def _looks_chinese(text: str) -> bool:
    """More words of ideographs stand by themselves than ideographs stick to Latin letters, as in `Mu駉z`, which was `Muñoz`."""
    if _NOT_CHINESE.search(text):
        return False
    return sum(1 for _ in _FREE_WORD.finditer(text)) > sum(1 for _ in _GLUED.finditer(text))


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
    rows, layout = _opened(text, region, mapping)
    return _leads(rows, layout, zones)


def read_numbers(text: str, region: str, mapping: dict[str, str]) -> Iterator[Listed | RowError]:
    """Whom the rows of a do-not-call list name, and beside that what of them cannot be understood, in order.

    A cell that is bad takes nothing else of its row with it, and a row of the wrong width is still read as far as it
    goes: one person suppressed too many is a call less, one too few is a call that nobody wanted. A repeat is no fault.
    Raises ListError at once when the header cannot be used.
    """
    rows, layout = _opened(text, region, mapping)
    return _listed(rows, layout)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the rows of one file are to be read."""

    width: int
    places: dict[int, str]
    region: str


def _opened(text: str, region: str, mapping: dict[str, str]) -> tuple[Iterator[tuple[int, list[str] | RowError]], _Layout]:
    """The rows after the header, blank ones left out, and how the header says they are to be read."""
    rows = _rows(text)
    try:
        _, header = next(rows)
    except StopIteration:
        raise ListError("the file is empty") from None
    if isinstance(header, RowError):
        raise ListError(str(header))
    layout = _Layout(len(header), columns(header, mapping), region)
    return ((line, row) for line, row in rows if isinstance(row, RowError) or any(cell.strip() for cell in row)), layout


def _listed(rows: Iterable[tuple[int, list[str] | RowError]], layout: _Layout) -> Iterator[Listed | RowError]:
    for line, row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        found: dict[str, str] = {}
        faults = [] if len(row) == layout.width else [_width_fault(line, row, layout)]
        for position, column in layout.places.items():
            cell = row[position].strip() if position < len(row) else ""
            if not cell or column not in (*NUMBER_COLUMNS, "person"):
                continue
            value = _cell(line, column, cell, layout.region)
            if isinstance(value, RowError):
                faults.append(value)
            else:
                found[column] = value
        person = found.pop("person", None)
        if found or person:
            yield Listed(line, tuple(dict.fromkeys(found.values())), person)
        elif not faults:
            faults.append(RowError(line, "phone", "empty"))
        yield from faults


def _leads(
    rows: Iterable[tuple[int, list[str] | RowError]], layout: _Layout, zones: frozenset[str]
) -> Iterator[LeadRow | RowError]:
    seen: dict[str, int] = {}
    for line, row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        lead = _lead(line, row, layout, zones)
        if isinstance(lead, LeadRow):
            first = seen.get(lead.person) or next((seen[number] for number in lead.numbers if number in seen), None)
            if first is not None:
                yield RowError(line, "phone", f"the same person or number as line {first}", repeats=first)
                continue
            for key in (lead.person, *lead.numbers):
                seen[key] = line
        yield lead


def _lead(line: int, row: list[str], layout: _Layout, zones: frozenset[str]) -> LeadRow | RowError:
    if len(row) != layout.width:
        return _width_fault(line, row, layout)
    cells: dict[str, str] = {}
    for position, column in layout.places.items():
        value = _cell(line, column, row[position].strip(), layout.region)
        if isinstance(value, RowError):
            return value
        cells[column] = value
    numbers = tuple(dict.fromkeys(cells[column] for column in NUMBER_COLUMNS if cells.get(column)))
    if not numbers:
        return RowError(line, "phone", "empty")
    zone = cells.get("zone", "")
    if zone and zone not in zones:
        return RowError(line, "zone", f"{zone!r} is not an IANA time zone such as America/New_York")
    if zone in UNCLEAR_ZONES or zone.startswith(UNCLEAR_AREAS):
        return RowError(line, "zone", f"{zone!r} does not say where the person is; name a place such as America/New_York")
    return LeadRow(line, cells.get("person") or numbers[0], cells.get("name", ""), numbers, zone, cells.get("subject", ""))


def _cell(line: int, column: str, cell: str, region: str) -> str | RowError:
    """What a stripped cell of the column means: of a number, its E.164 form."""
    if len(cell) > MAX_FIELD:
        return RowError(line, column, f"{len(cell)} characters, at most {MAX_FIELD} are allowed: {cell[:20]!r}…")
    if any(unicodedata.category(character) == "Cc" for character in cell):
        return RowError(line, column, "holds a control character")
    if not cell or column not in NUMBER_COLUMNS:
        return cell
    try:
        return parse_number(cell, region)
    except BadNumber as error:
        return RowError(line, column, str(error))


def _width_fault(line: int, row: list[str], layout: _Layout) -> RowError:
    return RowError(line, "row", f"{len(row)} fields where the header has {layout.width}")


def _rows(text: str) -> Iterator[tuple[int, list[str] | RowError]]:
    """(line number, cells) of each CSV record; one that cannot be parsed is one error, and reading goes on at its next line.

    A quote that is never closed makes a record of all that follows: only the line it stands on is given up.
    """
    csv.field_size_limit(16 * 1024 * 1024)  # a huge field is our error to tell, with its line, not the parser's
    lines = io.StringIO(text, newline="").readlines()
    dialect = _dialect(text)
    given_up = 0  # lines before those that `reader` was given
    reader = csv.reader(lines, dialect, strict=True)
    while True:
        line = given_up + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            went_on = given_up + reader.line_num > line
            yield line, RowError(line, "row", f"not CSV: {error}{'; read on at the next line' if went_on else ''}")
            given_up = line
            reader = csv.reader(map(lines.__getitem__, range(line, len(lines))), dialect, strict=True)
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
