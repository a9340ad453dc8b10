"""Lists of leads, from the command line.

Nothing of a file is imported before all of it was read, and what could not be read is written down before that.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import available_timezones

import click

from config.database import reading, writing
from dialer import bootstrap, store
from dialer.cli.arguments import Region
from dialer.cli.context import site, site_command
from dialer.cli.files import (
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
from dialer.cli.history import history
from dialer.cli.output import Failure, json_option, print_json, visible
from dialer.leads import LeadRow, read

BATCH = 1000  # rows a transaction: a running floor waits for the write lock meanwhile
GIVE_WAY_S = 0.03  # between two of them: SQLite asks for the lock every 25 ms, and whoever let go of it would have it again


@click.group("list")
def lists() -> None:
    """Lists of leads, and of whom another system rang."""


lists.add_command(history)


@lists.command("import")
@file_argument
@click.option("--campaign", "name", required=True, help="The campaign the leads are for.")
@map_option
@encoding_option
@click.option("--region", type=Region(), help="Country (ISO 3166) of numbers without +; default: the site's.")
@dry_run_option
@errors_option
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

    Fields: phone (needed), phone2, phone3, name, person (your id of the customer), zone (IANA), region (ISO 3166, such as
    US-FL), subject, and where a debt is collected debt and creditor. Usual English and Chinese names of the columns are
    known. Good rows are imported, each bad one is reported with its line, column and reason. Importing a file twice
    changes nothing, and one that was interrupted is simply repeated. Exit code 2 when no row could be imported.
    """
    named = pairs(mapping)
    with site() as parts:
        with reading(parts.database) as connection:
            target = store.campaign_named(connection, name)
        with naming(file):
            found = text_of(file, encoding)
            rows = read(found.text, region or parts.site.settings.region, named, frozenset(available_timezones()))
        good, bad = sorted_out(rows)
        if error_file is not None:
            write_errors(error_file, file, bad)
        added, known = len(good), 0
        if not dry_run:
            imported = list(_import(parts, target.campaign_id, file.name, good))
            added, known = sum(one.added for one in imported), sum(len(one.known) for one in imported)
    if as_json:
        said = {"added": added, "known": known, "errors": bad, "dry_run": dry_run, "encoding": found.encoding}
        print_json({"file": file, "campaign": name, **said})
    else:
        verb = "would be added" if dry_run else "added"
        outcome = f"{added} {verb}, {known} already in {name}, {len(bad)} bad rows"
        click.echo(visible(f"{file.name}{read_as(found.encoding)}: {outcome}"))
        tell(bad, "--errors FILE or --json")
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
