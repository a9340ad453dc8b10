"""Who may not be called, from the command line: our own lists, which hold at once; copies of others' are in `list_copies`.

The rule it protects: whoever is put on the list is not rung from then on, as far as the entry reaches and as long as it lasts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from compliance.facts import INTERNAL, LITIGATORS, Suppression
from compliance.packs import Pack
from compliance.rules import SuppressRule
from config.database import reading, writing
from dialer import bootstrap, store
from dialer.asked_for import lists_asked_for
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment, encoding_option, file_argument, map_option, naming, pairs, read_as, sorted_out, tell
from dialer.cli.list_copies import Source, dnc_lists, load_copy
from dialer.cli.output import REFUSED, Failure, json_option, print_json, visible
from dialer.cli.whom import number_of, packs_in_force, tell_the_floor
from dialer.dnc_files import Listed

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def dnc() -> None:
    """The do-not-call list: effective at once, on queued and ringing calls too."""


dnc.add_command(dnc_lists)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How far entries of our own reach, as the options say; without any they hold for everybody and for ever."""

    until: datetime | None
    days: int | None
    campaign: str
    seller: str
    litigator: bool

    def given(self) -> bool:
        """Whether any of the options was given."""
        return self != Narrowing(None, None, "", "", litigator=False)

    def entry(self, parts: bootstrap.Opened, reason: str, source: str) -> Suppression:
        """An entry of nobody yet. Raises Failure for two ends, or one that is over, and NotFound for no such campaign."""
        now = parts.clock.now()
        if self.until is not None and self.days is not None:
            raise Failure("give --until or --days, not both")
        until = now + timedelta(days=self.days) if self.days is not None else self.until
        if until is not None and until <= now:
            raise Failure(f"--until {until:%Y-%m-%d %H:%M}Z: is over already")
        if self.campaign:  # of a name that is misspelt nobody would be protected
            with reading(parts.database) as connection:
                store.campaign_named(connection, self.campaign)
        scope = LITIGATORS if self.litigator and _obeyed(LITIGATORS, packs_in_force(parts)) else INTERNAL
        return Suppression(now, reason, source, None, None, scope, self.seller, self.campaign, until)


def narrowing(command: F) -> F:
    """The options that narrow an entry down."""
    options = (
        click.option("--until", type=Moment(), help="A temporary block: it ends then."),
        click.option("--days", type=click.IntRange(1, 36500), help="A temporary block: it ends after so many days of 24 hours."),
        click.option("--campaign", default="", help="Only for this campaign."),
        click.option("--seller", default="", help="Only for calls on behalf of this seller."),
        click.option(
            "--litigator", is_flag=True, help="Somebody who sues over calls: kept on a list of its own where rules ask."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dnc.command("add")
@click.argument("number", required=False)
@click.option("--person", help="All numbers of this person, present and future.")
@click.option("--reason", default="asked not to be called", show_default=True)
@narrowing
@json_option
@site_command
def dnc_add(number: str | None, person: str | None, reason: str, as_json: bool, **narrowed: Any) -> None:
    """Never ring NUMBER, or --person, again; or not for a while, or not for one campaign or seller."""
    if not number and not person:
        raise Failure("give a NUMBER or --person ID")
    reach = Narrowing(**narrowed)
    with site() as parts:
        parsed = number_of(number, parts.site.settings.region) if number else None
        wanted = reach.entry(parts, reason, "command")
        entry = parts.ledger.suppress(
            number=parsed,
            person=person,
            reason=reason,
            source="command",
            scope=wanted.scope,
            seller=wanted.seller,
            campaign=wanted.campaign,
            until=wanted.until,
        )
        payload = {key: value for key, value in (("number", parsed), ("person", person)) if value}
        if reach.given():
            tell_the_floor(parts)
        else:
            with writing(parts.database) as connection:
                store.say(connection, "suppressed", payload, parts.clock.now())
        if as_json:
            print_json({"suppressed": payload, "reason": reason, "entry": entry})
        else:
            click.echo(visible(f"{' and '.join(payload.values())} will not be rung {_reach_in_words(entry)}"))


def _reach_in_words(entry: Suppression) -> str:
    when = "again" if entry.until is None else f"before {entry.until:%Y-%m-%d %H:%M}Z"
    campaign = f" in campaign {entry.campaign}" if entry.campaign else ""
    seller = f" for {entry.seller}" if entry.seller else ""
    return f"{when}{campaign}{seller}"


@dnc.command("import")
@file_argument
@click.option("--list", "name", help="FILE is the whole of this list of others, such as us.national_dnc, and takes its place.")
@click.option("--as-of", type=Moment(), help="With --list: when the copy was taken.")
@click.option("--skip-bad", is_flag=True, help="With --list: load it although some of its lines cannot be read.")
@click.option("--shrunk", is_flag=True, help="With --list: it holds less than half of what the copy in force does, rightly.")
@click.option("--plain", is_flag=True, help="FILE has no header: one number a line, millions of them if need be.")
@map_option
@encoding_option
@narrowing
@json_option
@site_command
def dnc_import(
    file: Path,
    name: str | None,
    as_of: datetime | None,
    skip_bad: bool,
    shrunk: bool,
    plain: bool,
    mapping: tuple[str, ...],
    encoding: str | None,
    as_json: bool,
    **narrowed: Any,
) -> None:
    """Put everybody whom FILE names on the do-not-call list: a CSV with a phone column, or with --plain bare numbers.

    Every number in phone, phone2 and phone3 is taken, and the person where there is such a column. A cell that cannot
    be read is reported and takes nothing else of its row with it. Importing a file twice changes nothing. Exit code 2
    when nothing could be imported.

    With --list, FILE is a regulator's list, whole, as of --as-of: it comes into force when all of it was read, and until
    then the copy before it is obeyed. Nothing changes when a line cannot be read, unless that is said with --skip-bad.
    """
    named, reach = pairs(mapping), Narrowing(**narrowed)
    if plain and (named or encoding):
        raise Failure("--plain: such a file has no header to map and is ASCII")
    if name is None and (as_of or skip_bad or shrunk):
        raise Failure("--as-of, --skip-bad and --shrunk are about a list of others: name it with --list")
    if name is not None and (as_of is None or reach.given()):
        raise Failure("--list: say when the copy was taken with --as-of; a list of others is not narrowed down")
    with site() as parts:
        source = Source(file, parts.site.settings.region, named, encoding, plain=plain)
        if name is not None and as_of is not None:
            load_copy(parts, source, name, as_of, as_json, skip_bad=skip_bad, shrunk=shrunk)
            return
        with naming(file):
            good, bad = sorted_out(source.rows(lambda _done: None))
        entry = reach.entry(parts, "on an imported list", f"import:{file.name}")
        added, known = parts.ledger.import_suppressions(_entries(good, entry))
        tell_the_floor(parts)
    if as_json:
        print_json({"file": file, "added": added, "known": known, "errors": bad, "encoding": source.encoding})
    else:
        outcome = f"{added} put on the list, {known} on it already, {len(bad)} faults"
        click.echo(visible(f"{file.name}{read_as(source.encoding)}: {outcome}"))
        tell(bad, "--json")
    if bad and not good:
        raise Failure(f"{file}: nothing could be imported")


def _entries(rows: list[Listed], entry: Suppression) -> Iterator[Suppression]:
    """One entry for each number and one for each person, so that each may be known before by itself."""
    for row in rows:
        for number in row.numbers:
            yield replace(entry, number=number)
        if row.person:
            yield replace(entry, person=row.person)


@dnc.command("check")
@click.argument("number", required=False)
@click.option("--person", default="", help="Also whether this person may be rung, on whichever number.")
@click.option("--campaign", default="", help="For this campaign; default: any.")
@click.option("--seller", default="", help="For this seller; default: any.")
@json_option
@site_command
def dnc_check(number: str | None, person: str, campaign: str, seller: str, as_json: bool) -> None:
    """Whether NUMBER is on our own lists or on a loaded list of others; exit code 3 if it is."""
    if not number and not person:
        raise Failure("give a NUMBER or --person ID")
    with site() as parts:
        parsed = number_of(number, parts.site.settings.region) if number else ""
        entry = parts.ledger.suppressed(parsed, person, seller=seller, campaign=campaign)
        on = [copy for copy in parts.lists.copies() if parsed and parts.lists.holds(copy.name, parsed)]
        asked = {one.name for one in lists_asked_for(packs_in_force(parts), parts.clock.now())}
    who = parsed or person
    if as_json:
        held = [{"list": copy, "asked_for": copy.name in asked} for copy in on]
        print_json({"number": parsed, "person": person, "suppressed": bool(entry or on), "entry": entry, "lists": held})
    else:
        if entry is not None:
            since = f"{entry.at:%Y-%m-%d %H:%M}Z"
            until = f" until {entry.until:%Y-%m-%d %H:%M}Z" if entry.until else ""
            click.echo(visible(f"{who} is on the do-not-call list since {since}{until}: {entry.reason} ({entry.source})"))
        for copy in on:
            unasked = "" if copy.name in asked else ", which no rule in force asks for"
            click.echo(visible(f"{who} is on {copy.name} as of {copy.as_of:%Y-%m-%d}{unasked}"))
        if entry is None and not on:
            click.echo(visible(f"{who} is not on the do-not-call list"))
    if entry is not None or on:
        raise SystemExit(REFUSED)


def _obeyed(name: str, packs: Iterable[Pack]) -> bool:
    return any(isinstance(rule, SuppressRule) and rule.list == name for pack in packs for rule in pack.rules)
