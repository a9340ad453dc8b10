"""How does a command take in a file that people exported? Its options, how far it has come, and how its bad rows are told."""

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from compliance.wallclock import UnknownZone, zone_named
from dialer.cli.output import Failure, visible
from dialer.moments import parse_moment
from dialer.sheets import Decoded, ListError, RowError, decode

SHOWN = 20  # errors
PIECE = 4096  # bytes read of one line: a file without line ends is told before all of it is read
REPORT_EVERY = 1 << 18  # bytes

T = TypeVar("T")

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
map_option = click.option(
    "--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN as FIELD, or not at all as -; repeatable."
)
encoding_option = click.option(
    "--encoding", help="The file's encoding; default: UTF-8, UTF-16 with a mark, or GB 18030 of Chinese."
)
errors_option = click.option(
    "--errors", "error_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the bad rows' errors here."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be imported.")


class Zone(click.ParamType[ZoneInfo]):
    """A time zone's IANA name."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        try:
            return value if isinstance(value, ZoneInfo) else zone_named(str(value))
        except UnknownZone as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[datetime]):
    """A time with its offset from UTC, or a date, which is the start of that day in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return value if isinstance(value, datetime) else parse_moment(str(value))
        except ValueError as error:
            self.fail(str(error).partition("; name the clock")[0], param, ctx)


clock_option = click.option(
    "--clock", type=Zone(), help="The time zone of times without an offset, such as America/New_York; default: they are errors."
)


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """What cannot be read is told with the name of its file."""
    try:
        yield
    except ListError as unreadable:
        raise ListError(f"{file}: {unreadable}") from None


def text_of(file: Path, encoding: str | None) -> Decoded:
    """The whole text of the file. Raises ListError, which `naming` completes."""
    return decode(file.read_bytes(), encoding)


def sorted_out(rows: Iterable[T | RowError]) -> tuple[list[T], list[RowError]]:
    """The good rows and the bad ones, each in the order of the file."""
    good: list[T] = []
    bad: list[RowError] = []
    for row in rows:
        if isinstance(row, RowError):
            bad.append(row)
        else:
            good.append(row)
    return good, bad


def lines_of(file: Path, done: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file of any size, one at a time; `done` is told how many bytes were read now and then."""
    told = 0
    with file.open("rb") as opened:
        for line in iter(lambda: opened.readline(PIECE), b""):
            yield line
            if (place := opened.tell()) >= told + REPORT_EVERY:
                told = place
                done(place)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr that is told how many of `total` are done; where nobody looks, nothing is drawn."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 -- only a terminal waits for it
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 -- as above

    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(visible(title).replace("[", r"\["), total=total)
        yield lambda done: bar.update(task, completed=done)


def write_errors(target: Path, file: Path, bad: Iterable[RowError]) -> None:
    """Writes the errors down, before anything is imported. Raises Failure when that is not possible."""
    try:
        target.write_text("".join(f"{file.name}: {error}\n" for error in bad), encoding="utf-8")
    except OSError as error:
        raise Failure(f"--errors {target}: {error.strerror}; nothing was imported") from None


def read_as(encoding: str) -> str:
    """A guess that may be wrong is said aloud."""
    return "" if codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"} else f" (read as {encoding})"


def tell(bad: list[RowError], rest_with: str) -> None:
    """The first errors on stderr, and where to find the others."""
    for error in bad[:SHOWN]:
        click.echo(visible(f"  {error}"), err=True)
    if len(bad) > SHOWN:
        click.echo(f"  … and {len(bad) - SHOWN} more; all of them with {rest_with}", err=True)


def pairs(mapping: tuple[str, ...]) -> dict[str, str]:
    """What --map says. Raises Failure for what is no pair."""
    found = {}
    for text in mapping:
        column, sign, field = text.rpartition("=")
        if not sign or not column:
            raise Failure(f"--map {text}: write it as COLUMN=FIELD")
        found[column.strip()] = field.strip()
    return found
