"""Campaigns, lists and the do-not-call list, from the command line."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

import click

from compliance.facts import Suppression
from compliance.numbers import BadNumber, parse_number
from config.database import reading, writing
from config.ids import new_id
from dialer import metrics, store
from dialer.cli.context import site, site_command
from dialer.cli.output import Failure, json_option, print_json, print_table
from dialer.leads import LeadRow as ListRow
from dialer.leads import ListError, RowError, decode, read
from dialer.store import Campaign, CampaignState


@click.group()
def campaign() -> None:
    """Campaigns: create, start, pause, stop, look at them."""


@campaign.command("create")
@click.argument("name")
@click.option("--subject", default="general", show_default=True, help="What the calls are about; caps may count by it.")
@click.option(
    "--purpose",
    type=click.Choice(["sales", "service", "debt_collection", "research"]),
    default="sales",
    show_default=True,
    help="Which rules apply.",
)
@click.option("--disclosure", default="disclosure-en", show_default=True, help="Id of the prompt played before the agent.")
@click.option("--safe-harbour", default="safe-harbour-en", show_default=True, help="Id of the abandonment message.")
@click.option("--channels", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most calls at one time.")
@click.option("--max-attempts", type=click.IntRange(1, 100), default=3, show_default=True, help="Attempts for each lead.")
@click.option("--ring-seconds", type=click.FloatRange(15, 120), default=25, show_default=True, help="How long to let it ring.")
@json_option
@site_command
def create(
    name: str,
    subject: str,
    purpose: str,
    disclosure: str,
    safe_harbour: str,
    channels: int,
    max_attempts: int,
    ring_seconds: float,
    as_json: bool,
) -> None:
    """Create a campaign called NAME; it is not dialed before `campaign start`."""
    with site() as parts:
        now = parts.clock.now()
        made = Campaign(
            new_id(now),
            name,
            CampaignState.STOPPED,
            subject,
            purpose,
            disclosure,
            safe_harbour,
            channels,
            max_attempts,
            timedelta(seconds=ring_seconds),
        )
        with writing(parts.database) as connection:
            store.add_campaign(connection, made, now)
        if as_json:
            print_json(made)
        else:
            click.echo(f"campaign {name} created; next: ringfence list import FILE --campaign {name}")


def _set_state(name: str, state: CampaignState, as_json: bool, said: str) -> None:
    with site() as parts:
        with writing(parts.database) as connection:
            store.set_campaign_state(connection, name, state)
            store.say(connection, "settings", {}, parts.clock.now())
        if as_json:
            print_json({"campaign": name, "state": state})
        else:
            click.echo(said)


@campaign.command("start")
@click.argument("name")
@json_option
@site_command
def start(name: str, as_json: bool) -> None:
    """Let NAME be dialed, by the `ringfence run` of this site."""
    _set_state(name, CampaignState.RUNNING, as_json, f"campaign {name} is running while `ringfence run` does")


@campaign.command("pause")
@click.argument("name")
@json_option
@site_command
def pause(name: str, as_json: bool) -> None:
    """Place no more calls of NAME for now; calls that are up go on."""
    _set_state(name, CampaignState.PAUSED, as_json, f"campaign {name} is paused; calls that are up go on")


@campaign.command("stop")
@click.argument("name")
@json_option
@site_command
def stop(name: str, as_json: bool) -> None:
    """Place no more calls of NAME; calls that are up go on."""
    _set_state(name, CampaignState.STOPPED, as_json, f"campaign {name} is stopped; calls that are up go on")


@campaign.command("list")
@json_option
@site_command
def list_campaigns(as_json: bool) -> None:
    """All campaigns of the site."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = [(one, store.lead_counts(connection, one.campaign_id)) for one in store.campaigns(connection)]
        if as_json:
            print_json([{"name": one.name, "state": one.state, "leads": counts} for one, counts in found])
            return
        rows = [(one.name, one.state, sum(counts.values()), _counts(counts)) for one, counts in found]
        print_table("campaigns", ("name", "state", "leads", "of which"), rows, empty="none yet; make one with `campaign create`")


@campaign.command("show")
@click.argument("name")
@json_option
@site_command
def show(name: str, as_json: bool) -> None:
    """What became of the leads and calls of NAME."""
    with site() as parts:
        with reading(parts.database) as connection:
            one = store.campaign_named(connection, name)
            counts = store.lead_counts(connection, one.campaign_id)
            calls = store.attempts_of(connection, campaign_id=one.campaign_id)
        figures = metrics.figures([(call.call, call.disposition) for call in calls])
        if as_json:
            print_json({"campaign": one, "leads": counts, "calls": figures})
            return
        rows = [
            ("state", one.state),
            ("leads", _counts(counts)),
            ("placed", figures.placed),
            ("answered", figures.answered),
            ("bridged", figures.bridged),
            ("abandoned", figures.abandoned),
            ("answer to agent, p95 ms, as signalled", figures.signalled_p95_ms),
            ("dispositions", _counts(figures.dispositions)),
        ]
        print_table(f"campaign {name}", ("", ""), rows)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


# --- lists -----------------------------------------------------------------------------------------------------------


@click.group("list")
def lists() -> None:
    """Lists of leads."""


@lists.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--campaign", "name", required=True, help="The campaign the leads are for.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN of the file as FIELD; repeatable.")
@click.option("--encoding", help="The file's encoding, if it is neither UTF-8 nor GB 18030.")
@click.option("--region", help="Country (ISO 3166) of numbers without +; default: the site's.")
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
    and reason. Importing a file twice changes nothing. Exit code 2 when no row could be imported.
    """
    with site() as parts:
        with reading(parts.database) as connection:
            target = store.campaign_named(connection, name)
        good, bad = _read(file, mapping, encoding, region or parts.site.settings.region)
        added, known = len(good), 0
        if not dry_run:
            now = parts.clock.now()
            with writing(parts.database) as connection:
                done = store.add_leads(connection, target.campaign_id, file.name, good, now)
                store.say(connection, "settings", {}, now)
            added, known = done.added, len(done.known)
    if error_file is not None:
        error_file.write_text("".join(f"{file.name}: {error}\n" for error in bad), encoding="utf-8")
    if as_json:
        print_json({"file": file, "campaign": name, "added": added, "known": known, "errors": bad, "dry_run": dry_run})
    else:
        verb = "would be added" if dry_run else "added"
        click.echo(f"{file.name}: {added} {verb}, {known} already in {name}, {len(bad)} bad rows")
        for error in bad[:20]:
            click.echo(f"  {error}", err=True)
        if len(bad) > 20:
            click.echo(f"  … and {len(bad) - 20} more; all of them with --errors FILE or --json", err=True)
    if bad and not good:
        raise Failure(f"{file}: no row could be imported")


def _read(file: Path, mapping: tuple[str, ...], encoding: str | None, region: str) -> tuple[list[ListRow], list[RowError]]:
    """The good and the bad rows of a CSV file; a ListError names the file."""
    pairs = dict(_pair(text) for text in mapping)
    try:
        rows = list(read(decode(file.read_bytes(), encoding), region, pairs, frozenset(available_timezones())))
    except ListError as unreadable:
        raise ListError(f"{file}: {unreadable}") from None
    return [row for row in rows if isinstance(row, ListRow)], [row for row in rows if isinstance(row, RowError)]


def _pair(text: str) -> tuple[str, str]:
    column, sign, field = text.rpartition("=")
    if not sign or not column:
        raise Failure(f"--map {text}: write it as COLUMN=FIELD")
    return column.strip(), field.strip()


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
            click.echo(f"{' and '.join(payload.values())} will not be rung again")


@dnc.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN of the file as FIELD.")
@click.option("--encoding", help="The file's encoding, if it is neither UTF-8 nor GB 18030.")
@json_option
@site_command
def dnc_import(file: Path, mapping: tuple[str, ...], encoding: str | None, as_json: bool) -> None:
    """Add every number of FILE, a CSV with a phone column, to the do-not-call list."""
    with site() as parts:
        good, found = _read(file, mapping, encoding, parts.site.settings.region)
        bad = [row for row in found if row.repeats is None]
        now = parts.clock.now()
        numbers = [number for row in good for number in row.numbers]
        source = f"import:{file.name}"
        added, _known = parts.ledger.import_suppressions(Suppression(now, "on an imported list", source, one) for one in numbers)
        with writing(parts.database) as connection:
            for number in numbers:
                store.say(connection, "suppressed", {"number": number}, now)
    if as_json:
        print_json({"file": file, "added": added, "errors": bad})
    else:
        click.echo(f"{file.name}: {added} numbers will not be rung again, {len(bad)} bad rows")
        for error in bad[:20]:
            click.echo(f"  {error}", err=True)
    if bad and not good:
        raise Failure(f"{file}: no row could be imported")


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
        click.echo(f"{parsed} is on the do-not-call list since {entry.at:%Y-%m-%d %H:%M}Z: {entry.reason} ({entry.source})")
    if entry is not None:
        raise SystemExit(3)


def _number(text: str, region: str) -> str:
    try:
        return parse_number(text, region)
    except BadNumber as error:
        raise Failure(f"{text!r}: {error}") from None
