"""Copies of regulators' do-not-call lists, from the command line: a new one is loaded, and how fresh each is can be seen.

The rule it protects: a copy is a whole list, under the name by which a rule asks for it (47 CFR 64.1200(c)(2)(i)(D)). A file that
cannot be read to its last line, or that has lost half of its numbers, is no new copy unless somebody says that it is.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from compliance.pack_files import packs_of_law
from config.database import writing
from dialer import bootstrap, store
from dialer.asked_for import AskedList, Freshness, lists_asked_for, state_of
from dialer.cli.context import site, site_command
from dialer.cli.files import SHOWN, lines_of, naming, progress, tell, text_of
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table, visible
from dialer.cli.whom import packs_in_force
from dialer.dnc_files import Listed, read_numbers, read_plain
from dialer.sheets import ListError, RowError


@dataclass(slots=True)
class Source:
    """A do-not-call file, in whichever of its two forms; `encoding` is right once `rows` was called."""

    file: Path
    region: str
    mapping: dict[str, str]
    named: str | None
    plain: bool = field(kw_only=True)
    encoding: str = "utf-8"

    def rows(self, done: Callable[[int], None]) -> Iterable[Listed | RowError]:
        """The rows, good and bad; of bare numbers, `done` is told how many bytes were read. Raises ListError."""
        if self.plain:
            return read_plain(lines_of(self.file, done), self.region)
        found = text_of(self.file, self.named)
        self.encoding = found.encoding
        return read_numbers(found.text, self.region, self.mapping)


class Unreadable(ListError):
    """The file is no whole list."""


def load_copy(
    parts: bootstrap.Opened,
    source: Source,
    name: str,
    as_of: datetime,
    as_json: bool,
    *,
    skip_bad: bool,
    shrunk: bool,
) -> None:
    """Brings the file into force as the copy of the list `name`, and says so. Raises Failure, and then nothing has changed."""
    asked = _asked(parts)
    if name not in {one.name for one in asked}:
        raise Failure(f"--list {name}: no rule asks for such a list; there are: {', '.join(sorted({one.name for one in asked}))}")
    before = next((copy for copy in parts.lists.copies() if copy.name == name), None)
    fewest = 0 if before is None or shrunk else before.rows // 2
    bad: list[RowError] = []
    try:
        with naming(source.file), progress(f"{name} from {source.file.name}", source.file.stat().st_size) as done:
            numbers = _numbers(source.rows(done), bad, fewest, skip_bad=skip_bad)
            copy = parts.lists.load(name, numbers, as_of, source.file.name)
    except ListError as error:
        tell(bad, "--json")
        raise Failure(f"{error}; nothing changed") from None
    except ValueError as error:
        raise Failure(str(error)) from None
    now = parts.clock.now()
    with writing(parts.database) as connection:  # killed before it, the same file is simply loaded again
        asked_again = store.ask_again(connection, now, rules=[one.rule for one in asked if one.name == name])
        store.say(connection, "settings", {}, now)
        paused = [one.name for one in store.campaigns(connection) if one.state is store.CampaignState.PAUSED]
    if as_json:
        said = {"errors": bad, "leads_asked_again": asked_again, "paused_campaigns": paused}
        print_json({"file": source.file, "list": copy, "before": before, **said})
        return
    instead = "" if before is None else f", in place of {before.rows} as of {before.as_of:%Y-%m-%d}"
    click.echo(visible(f"{name}: {copy.rows} numbers as of {as_of:%Y-%m-%d} are in force{instead}"))
    if asked_again:
        click.echo(f"the gate looks again at {asked_again} leads that waited for it")
    if paused:
        click.echo(visible(f"paused: {', '.join(paused)}; whichever waited for it goes on with `ringfence campaign start NAME`"))
    tell(bad, "--json")


@click.command("lists")
@json_option
@site_command
def dnc_lists(as_json: bool) -> None:
    """Every list of others that a rule in force asks for: how old our copy is, and what rests without it.

    Exit code 3 when one is missing or too old.
    """
    with site() as parts:
        now = parts.clock.now()
        copies = {copy.name: copy for copy in parts.lists.copies()}
        taken = {name: copy.as_of for name, copy in copies.items()}
        states = [state_of(asked, taken, now) for asked in lists_asked_for(packs_in_force(parts), now)]
    unasked = sorted(set(copies) - {state.asked.name for state in states})
    if as_json:
        held = [{"state": state, "copy": copies.get(state.asked.name)} for state in states]
        print_json({"lists": held, "unasked": [copies[name] for name in unasked]})
    else:
        rows = [
            (
                state.asked.name,
                state.asked.rule,
                state.as_of,
                None if state.age is None else f"{state.age.days} d",
                None if state.asked.max_age is None else f"{state.asked.max_age.days} d",
                copies[state.asked.name].rows if state.asked.name in copies else None,
                state.words,
            )
            for state in states
        ]
        headings = ("list", "rule", "as of", "age", "limit", "numbers", "state")
        print_table("lists of others", headings, rows, empty="no rule in force asks for one")
        for name in unasked:
            click.echo(visible(f"{name} is loaded, and no rule in force asks for it"))
    if any(state.freshness is not Freshness.FRESH for state in states):
        raise SystemExit(REFUSED)


def _asked(parts: bootstrap.Opened) -> tuple[AskedList, ...]:
    """What the rules of the site ask for, and those of every shipped pack: a list may be loaded before its pack is in force."""
    return lists_asked_for((*packs_in_force(parts), *packs_of_law()), parts.clock.now())


def _numbers(rows: Iterable[Listed | RowError], bad: list[RowError], fewest: int, *, skip_bad: bool) -> Iterator[str]:
    """The numbers of the rows; what cannot be read goes to `bad`. Raises Unreadable, at the end at the latest."""
    count = 0
    for row in rows:
        if isinstance(row, RowError) or not row.numbers:
            bad.append(row if isinstance(row, RowError) else RowError(row.line, "phone", "empty: a list of others holds numbers"))
            if not skip_bad and len(bad) >= SHOWN:
                raise Unreadable(f"{len(bad)} lines cannot be read, and there may be more; where that is right, say --skip-bad")
            continue
        count += len(row.numbers)
        yield from row.numbers
    if bad and not skip_bad:
        raise Unreadable(f"{len(bad)} lines cannot be read; where that is right, say --skip-bad")
    if count < fewest:
        raise Unreadable(f"{count} numbers, less than half of the copy in force; where that is right, say --shrunk")
