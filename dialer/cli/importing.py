"""How does an import of what is known of people go? Read all of it, write the bad rows down, note the good, say what came.

The same for past attempts, consents and relations, so that one habit serves for all: `--dry-run` first, then without.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import click

from dialer import bootstrap
from dialer.cli.arguments import Region
from dialer.cli.files import (
    clock_option,
    dry_run_option,
    encoding_option,
    errors_option,
    file_argument,
    map_option,
    naming,
    pairs,
    read_as,
    sorted_out,
    tell,
    text_of,
    write_errors,
)
from dialer.cli.output import Failure, json_option, print_json, visible
from dialer.people_files import Reading
from dialer.sheets import RowError

T = TypeVar("T")

_OPTIONS = (
    file_argument,
    map_option,
    encoding_option,
    click.option("--region", type=Region(), help="Country (ISO 3166) of numbers without +; default: the site's."),
    clock_option,
    dry_run_option,
    errors_option,
    json_option,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of an import say."""

    file: Path
    mapping: tuple[str, ...]
    encoding: str | None
    region: str | None
    clock: ZoneInfo | None
    dry_run: bool
    error_file: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """What was read of the file."""

    good: list[T]
    bad: list[RowError]
    encoding: str


def importing(command: Callable[..., None]) -> Callable[..., None]:
    """The options of an import, which the command takes as one `Asked`; its own options it takes by name."""

    @functools.wraps(command)
    def called(**options: Any) -> None:
        named = {field.name: options.pop(field.name) for field in fields(Asked)}
        command(Asked(**named), **options)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def take_in(
    asked: Asked, parts: bootstrap.Opened, rows: Callable[[str, Mapping[str, str], Reading], Iterable[T | RowError]]
) -> Taken[T]:
    """Reads the whole file by `rows` and writes the errors down where that was asked for.

    Raises ListError for a file that cannot be read, Failure for errors that cannot be written: then nothing was imported.
    """
    mapping, settings = pairs(asked.mapping), parts.site.settings
    how = Reading(asked.region or settings.region, asked.clock, settings.seller, parts.clock.now())
    with naming(asked.file):
        found = text_of(asked.file, asked.encoding)
        good, bad = sorted_out(rows(found.text, mapping, how))
    if asked.error_file is not None:
        write_errors(asked.error_file, asked.file, bad)
    return Taken(good, bad, found.encoding)


def say_what_came(
    asked: Asked, taken: Taken[T], what: str, counts: tuple[int, int], more: Mapping[str, object], *said: str
) -> None:
    """Tells (new, known before) and the errors: JSON with `more` in it, or a line, `said` after it, and the first errors.

    Raises Failure where there were only errors.
    """
    added, known = counts
    if asked.as_json:
        outcome = {"added": added, "known": known, "errors": taken.bad, "dry_run": asked.dry_run, "encoding": taken.encoding}
        print_json({"file": asked.file, **outcome, **more})
    else:
        verb = "would be added" if asked.dry_run else "added"
        line = f"{added} {what} {verb}, {known} known already, {len(taken.bad)} bad rows"
        for text in (f"{asked.file.name}{read_as(taken.encoding)}: {line}", *said):
            click.echo(visible(text))
        tell(taken.bad, "--errors FILE or --json")
    if taken.bad and not taken.good:
        raise Failure(f"{asked.file}: no row could be imported")
