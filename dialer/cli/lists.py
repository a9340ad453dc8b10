"""Lists of leads and of people who are not to be called, from the command line.

Nothing of a file is imported before all of it was read, and what could not be read is written down before that.
"""

import codecs
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import available_timezones

import click

from compliance.facts import Suppression
from compliance.numbers import BadNumber, parse_number
from config.database import reading, writing
from dialer import bootstrap, store
from dialer.cli.arguments import Region
from dialer.cli.context import site, site_command
from dialer.cli.output import REFUSED, Failure, json_option, print_json, visible
from dialer.leads import Decoded, LeadRow, Listed, ListError, RowError, decode, read, read_numbers

BATCH = 1000  # rows a transaction: a running floor waits for the write lock meanwhile
GIVE_WAY_S = 0.03  # between two of them: SQLite asks for the lock every 25 ms, and whoever let go of it would have it again
SHOWN = 20  # errors

_encoding = click.option("--encoding", help="The file's encoding; default: UTF-8, UTF-16 with a mark, or GB 18030 of Chinese.")
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
_map = click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN as FIELD; repeatable.")


@click.group("list")
def lists() -> None:
    """Lists of leads."""


@lists.command("import")
@_file
@click.option("--campaign", "name", required=True, help="The campaign the leads are for.")
@_map
@_encoding
@click.option("--region", type=Region(), help="Country (ISO 3166) of numbers without +; default: the site's.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@click.option("--errors", "error_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the bad rows' errors here.")
@json_option
@site_command
def import_list(
    file: Path,
    name: str,
    mapping: tuple[str, ...],
    encoding: str | None,
    region: str | None,
    dry_run: bool,
    error_file: Path | None,
    as_json: bool,
) -> None:
    """Import leads from FILE, a CSV with a header.

    Fields: phone (needed), phone2, phone3, name, person (your id of the customer), zone (IANA), subject. Usual English
    and Chinese names of the columns are known. Good rows are imported, each bad one is reported with its line, column
    and reason. Importing a file twice changes nothing, and one that was interrupted is simply repeated. Exit code 2
    when no row could be imported.
    """
    pairs = _pairs(mapping)
    with site() as parts:
        with reading(parts.database) as connection:
            target = store.campaign_named(connection, name)
        with _naming(file):
            found = decode(file.read_bytes(), encoding)
            rows = list(read(found.text, region or parts.site.settings.region, pairs, frozenset(available_timezones())))
        good = [row for row in rows if isinstance(row, LeadRow)]
        bad = [row for row in rows if isinstance(row, RowError)]
        if error_file is not None:
            _write_errors(error_file, file, bad)
        added, known = len(good), 0
        if not dry_run:
            imported = list(_import(parts, target.campaign_id, file.name, good))
            added, known = sum(one.added for one in imported), sum(len(one.known) for one in imported)
    if as_json:
        said = {"added": added, "known": known, "errors": bad, "dry_run": dry_run, "encoding": found.encoding}
        print_json({"file": file, "campaign": name, **said})
    else:
        verb = "would be added" if dry_run else "added"
        click.echo(visible(f"{file.name}{_read_as(found)}: {added} {verb}, {known} already in {name}, {len(bad)} bad rows"))
        _tell(bad, "--errors FILE or --json")
    if bad and not good:
        raise Failure(f"{file}: no row could be imported")


def _import(parts: bootstrap.Opened, campaign_id: str, list_name: str, rows: list[LeadRow]) -> Iterator[store.Imported]:
    """Adds the rows a batch at a time; a running floor hears of each batch with it."""
    give_way = threading.Event()
    for start in range(0, len(rows), BATCH):
        if start:
            give_way.wait(GIVE_WAY_S)
        now = parts.clock.now()
        with writing(parts.database) as connection:
            done = store.add_leads(connection, campaign_id, list_name, rows[start : start + BATCH], now)
            store.say(connection, "settings", {}, now)
        yield done


def _write_errors(target: Path, file: Path, bad: Iterable[RowError]) -> None:
    try:
        target.write_text("".join(f"{file.name}: {error}\n" for error in bad), encoding="utf-8")
    except OSError as error:
        raise Failure(f"--errors {target}: {error.strerror}; nothing was imported") from None


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """A list that cannot be read is told with the name of its file."""
    try:
        yield
    except ListError as unreadable:
        raise ListError(f"{file}: {unreadable}") from None


def _read_as(found: Decoded) -> str:
    """A guess that may be wrong is said aloud."""
    return "" if codecs.lookup(found.encoding).name in {"utf-8", "utf-8-sig"} else f" (read as {found.encoding})"


def _tell(bad: list[RowError], rest_with: str) -> None:
    for error in bad[:SHOWN]:
        click.echo(visible(f"  {error}"), err=True)
    if len(bad) > SHOWN:
        click.echo(f"  … and {len(bad) - SHOWN} more; all of them with {rest_with}", err=True)


def _pairs(mapping: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in mapping:
        column, sign, field = text.rpartition("=")
        if not sign or not column:
            raise Failure(f"--map {text}: write it as COLUMN=FIELD")
        pairs[column.strip()] = field.strip()
    return pairs


# --- do not call -----------------------------------------------------------------------------------------------------


@click.group()
def dnc() -> None:
    """The do-not-call list: effective at once, on queued and ringing calls too."""


@dnc.command("add")
@click.argument("number", required=False)
@click.option("--person", help="All numbers of this person, present and future.")
@click.option("--reason", default="asked not to be called", show_default=True)
@json_option
@site_command
def dnc_add(number: str | None, person: str | None, reason: str, as_json: bool) -> None:
    """Never ring NUMBER, or --person, again."""
    if not number and not person:
        raise Failure("give a NUMBER or --person ID")
    with site() as parts:
        parsed = _number(number, parts.site.settings.region) if number else None
        parts.ledger.suppress(number=parsed, person=person, reason=reason, source="command")
        payload = {key: value for key, value in (("number", parsed), ("person", person)) if value}
        with writing(parts.database) as connection:
            store.say(connection, "suppressed", payload, parts.clock.now())
        if as_json:
            print_json({"suppressed": payload, "reason": reason})
        else:
            click.echo(visible(f"{' and '.join(payload.values())} will not be rung again"))


@dnc.command("import")
@_file
@_map
@_encoding
@json_option
@site_command
def dnc_import(file: Path, mapping: tuple[str, ...], encoding: str | None, as_json: bool) -> None:
    """Put everybody whom FILE names on the do-not-call list: a CSV with a phone column.

    Every number in phone, phone2 and phone3 is taken, and the person where there is such a column. A cell that cannot
    be read is reported and takes nothing else of its row with it. Importing a file twice changes nothing. Exit code 2
    when nothing could be imported.
    """
    pairs = _pairs(mapping)
    with site() as parts:
        with _naming(file):
            found = decode(file.read_bytes(), encoding)
            rows = list(read_numbers(found.text, parts.site.settings.region, pairs))
        good = [row for row in rows if isinstance(row, Listed)]
        bad = [row for row in rows if isinstance(row, RowError)]
        added, known = parts.ledger.import_suppressions(_entries(good, file.name, parts.clock.now()))
        with writing(parts.database) as connection:
            store.say(connection, "suppressions_changed", {}, parts.clock.now())
    if as_json:
        print_json({"file": file, "added": added, "known": known, "errors": bad, "encoding": found.encoding})
    else:
        click.echo(visible(f"{file.name}{_read_as(found)}: {added} put on the list, {known} on it already, {len(bad)} faults"))
        _tell(bad, "--json")
    if bad and not good:
        raise Failure(f"{file}: nothing could be imported")


def _entries(rows: list[Listed], file_name: str, now: datetime) -> Iterator[Suppression]:
    """One entry for each number and one for each person, so that each may be known before by itself."""
    reason, source = "on an imported list", f"import:{file_name}"
    for row in rows:
        for number in row.numbers:
            yield Suppression(now, reason, source, number=number)
        if row.person:
            yield Suppression(now, reason, source, person=row.person)


@dnc.command("check")
@click.argument("number")
@json_option
@site_command
def dnc_check(number: str, as_json: bool) -> None:
    """Whether NUMBER may not be rung; exit code 3 if it may not."""
    with site() as parts:
        parsed = _number(number, parts.site.settings.region)
        entry = parts.ledger.suppressed(parsed, "")
    if as_json:
        print_json({"number": parsed, "suppressed": entry is not None, "entry": entry})
    elif entry is None:
        click.echo(f"{parsed} is not on the do-not-call list")
    else:
        since = f"{entry.at:%Y-%m-%d %H:%M}Z"
        click.echo(visible(f"{parsed} is on the do-not-call list since {since}: {entry.reason} ({entry.source})"))
    if entry is not None:
        raise SystemExit(REFUSED)


def _number(text: str, region: str) -> str:
    try:
        return parse_number(text, region)
    except BadNumber as error:
        raise Failure(f"{text!r}: {error}") from None
