"""How commands speak: a table or a line for people, one JSON object with `--json`, one clear line for an error.

Exit codes are the same for every command: 0 done or permitted, 2 usage or bad input, 3 refused by a rule, 4 a needed
part is missing or down.
"""

import functools
import json
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from rich.text import Text

WIDE = 160  # columns, where nobody's terminal sets a limit

P = ParamSpec("P")
R = TypeVar("R")

BAD_INPUT = 2
REFUSED = 3
PART_MISSING = 4

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text for people.")


class Failure(click.ClickException):
    """One clear line on stderr and an exit code; never a traceback."""

    def __init__(self, message: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(message)
        vars(self)["exit_code"] = exit_code  # declared by click as one for the class

    def show(self, file: Any = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"ringfence: {visible(line)}", err=True)


def failing(errors: Mapping[type[BaseException], int]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turns the named exceptions into a `Failure` with their exit code.

    A reader who has gone away (`ringfence … | head`) is no failure of the command: click ends it quietly.
    """

    def around(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except BrokenPipeError:
                raise
            except tuple(errors) as error:
                code = next(code for kind, code in errors.items() if isinstance(error, kind))
                raise Failure(_said(error), code) from error

        return called

    return around


def _said(error: BaseException) -> str:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 -- half a second that only a command which failed waits for

    match error:
        case DBAPIError():  # its own text goes on with the statement and its values, which are customers'
            return f"the database: {' '.join(str(error.orig).split())}"
        case OSError(strerror=str(reason), filename=filename) if filename is not None:
            return f"{filename}: {reason}"
        case _:
            return str(error) or type(error).__name__


def visible(text: str) -> str:
    """The text with all that would not show, or would move the cursor or colour the terminal, as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _UNSEEN else character
        for character in text
    )


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format, half a character, line and paragraph separators


def plain(value: Any) -> Any:
    """A value as JSON can hold it: times in ISO 8601 UTC, durations in seconds, dataclasses as objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value


def print_json(value: Any) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "nothing yet") -> None:
    """A table for people; `empty` is said when there are no rows."""
    from rich.console import Console  # noqa: PLC0415 -- what answers a script in JSON does not wait for tables
    from rich.table import Table  # noqa: PLC0415 -- as above

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    if not rows:
        console.print(_literal(f"{title}: {empty}"))
        return
    table = Table(title=_literal(title, "table.title"), title_justify="left", header_style="bold", show_header=any(headings))
    for index, heading in enumerate(headings):
        table.add_column(_literal(heading), overflow="fold", no_wrap=index == 0)  # what people copy is in the first column
    for row in rows:
        table.add_row(*(_literal(_cell(cell)) for cell in row))
    console.print(table)


def _literal(text: str, style: str = "") -> "Text":
    """The text as it is: nothing in it is markup, and nothing of it reaches the terminal but signs."""
    from rich.text import Text  # noqa: PLC0415 -- as above

    return Text(visible(text), style)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(plain(value))
