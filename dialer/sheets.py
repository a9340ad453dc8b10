"""How is a file read that people export? Bytes become text, text becomes rows of named cells, or errors with their place.

The rule it protects: no row is lost unseen. A row that cannot be read is told with line, column and reason, and reading goes
on at the next one. What the cells mean, each kind of file says itself: it brings a `Form` and a parser of one row.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

MAX_FIELD = 200  # characters; longer is not a name, a number or a zone
LEAVE_ALONE = "-"  # the field of a column that is not to be read

_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇々"
#: What a Chinese text is not made of: anything beside ASCII, ideographs, and the signs, symbols and wide forms they come with.
_NOT_CHINESE = re.compile(f"[^\\x00-\\x7f{_IDEOGRAPH}·×÷±°§\u2010-\u27bf\u3000-\u33ff\ufe30-\ufe4f\uff00-\uffef]")
_FREE_WORD = re.compile(f"(?<![A-Za-z{_IDEOGRAPH}])[{_IDEOGRAPH}]{{2,}}(?![A-Za-z{_IDEOGRAPH}])")
_GLUED = re.compile(f"(?<=[A-Za-z])[{_IDEOGRAPH}]|[{_IDEOGRAPH}](?=[A-Za-z])")

T = TypeVar("T")


class ListError(ValueError):
    """The file as a whole cannot be read; the text says where and why."""


class BadCell(ValueError):
    """A cell cannot be what its column says; `column` names it, the text says why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


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
class Form:
    """What a kind of file holds: its fields, what people call them, and of which of them it needs a column."""

    fields: tuple[str, ...]
    aliases: Mapping[str, str]
    needed: tuple[tuple[str, ...], ...]  # of each of these groups one at least


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file, and the encoding it was read with."""

    text: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose header was understood: which position holds which field, and the rows to come, blank ones left out."""

    width: int
    places: Mapping[int, str]
    rows: Iterator[tuple[int, list[str] | RowError]]


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


def columns(header: list[str], mapping: Mapping[str, str], form: Form) -> dict[int, str]:
    """Which position holds which field of the form. `mapping` is {header: field} and wins over the usual names.

    Raises ListError for a header that lacks a needed column, names one field twice, or does not hold a mapped name.
    """
    stripped = [name.strip() for name in header]
    for source, target in mapping.items():
        if source not in stripped:
            raise ListError(f"--map {source}={target}: the header has no column {source!r}; it has {_shown(stripped)}")
        if target not in (*form.fields, LEAVE_ALONE):
            raise ListError(f"--map {source}={target}: there is no field {target!r}; fields are {', '.join(form.fields)}")
    found: dict[int, str] = {}
    for position, name in enumerate(stripped):
        key = name.lower().replace(" ", "_")
        usual = form.aliases.get(key, key)
        target = mapping.get(name) or ("" if usual in mapping.values() else usual)
        if target not in form.fields:
            continue
        if target in found.values():
            raise ListError(f"header: two columns for {target!r} ({name!r} is the second); choose with --map")
        found[position] = target
    for group in form.needed:
        if not set(group) & set(found.values()):
            raise ListError(f"header: no {' or '.join(group)} column among {_shown(stripped)}; name it with {_example(group)}")
    return found


def sheet_of(text: str, mapping: Mapping[str, str], form: Form) -> Sheet:
    """The file as the header says it is to be read. Raises ListError when the header cannot be used."""
    rows = _rows(text)
    try:
        _, header = next(rows)
    except StopIteration:
        raise ListError("the file is empty") from None
    if isinstance(header, RowError):
        raise ListError(str(header))
    filled = ((line, row) for line, row in rows if isinstance(row, RowError) or any(cell.strip() for cell in row))
    return Sheet(len(header), columns(header, mapping, form), filled)


def parsed(sheet: Sheet, parse: Callable[[int, Mapping[str, str]], T]) -> Iterator[T | RowError]:
    """What `parse` makes of each row's line number and cells; a BadCell it raises is the row's error."""
    for line, row in sheet.rows:
        if isinstance(row, RowError):
            yield row
        elif len(row) != sheet.width:
            yield width_fault(line, row, sheet)
        else:
            try:
                yield parse(line, {field: checked(field, row[position].strip()) for position, field in sheet.places.items()})
            except BadCell as bad:
                yield RowError(line, bad.column, str(bad))


def checked(column: str, cell: str) -> str:
    """The stripped cell itself. Raises BadCell for one that is too long, or holds what no name, number or id does."""
    if len(cell) > MAX_FIELD:
        raise BadCell(column, f"{len(cell)} characters, at most {MAX_FIELD} are allowed: {cell[:20]!r}…")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in cell):
        raise BadCell(column, "holds a control character")
    return cell


def width_fault(line: int, row: list[str], sheet: Sheet) -> RowError:
    """The error of a row that is longer or shorter than the header."""
    return RowError(line, "row", f"{len(row)} fields where the header has {sheet.width}")


def objects(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, object] | RowError]]:
    """(line number, object) of each line of JSON that is not blank."""
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield line, RowError(line, "row", f"not JSON: {error}")
            continue
        yield line, found if isinstance(found, dict) else RowError(line, "row", "not a JSON object")


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


def _looks_chinese(text: str) -> bool:
    """More words of ideographs stand by themselves than ideographs stick to Latin letters, as in `Mu駉z`, which was `Muñoz`."""
    if _NOT_CHINESE.search(text):
        return False
    return sum(1 for _ in _FREE_WORD.finditer(text)) > sum(1 for _ in _GLUED.finditer(text))


def _shown(names: list[str]) -> str:
    listed = ", ".join(repr(name[:30]) for name in names[:12])
    return listed + (" …" if len(names) > 12 else "")


def _example(group: tuple[str, ...]) -> str:
    return f"--map 'Your column={group[0]}'"
