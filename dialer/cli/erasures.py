"""Requests to be forgotten, from the command line: obey one, and see which are open, until when and why."""

from datetime import datetime

import click

from compliance.journal import Journal
from compliance.retention import Erasure
from config.database import reading, writing
from dialer import bootstrap, store
from dialer.cli.acting import actor, as_option, check, note
from dialer.cli.arguments import Name
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment, progress
from dialer.cli.keeping import REASON_LENGTH, order_of
from dialer.cli.output import REFUSED, Failure, failing, json_option, print_json, print_table, visible
from dialer.cli.whom import known_as, packs_in_force, whom
from recorder import erasure, erasure_requests, retained
from recorder.access import Action
from recorder.archive_head import HeadDisagrees
from recorder.erasure_requests import Due, Fate, Item
from recorder.retained import Scope


@click.command("erase")
@click.argument("person")
@click.option("--cite", required=True, type=Name(REASON_LENGTH), help="The right it is asked by, such as `GDPR 17` or `PIPL 47`.")
@click.option("--at", "asked_at", type=Moment(), help="When it was asked for: deadlines run from then; default: now.")
@click.option("--dry-run", is_flag=True, help="Only say what would go and what must stay; nothing is noted.")
@as_option
@json_option
@failing({HeadDisagrees: REFUSED})
@site_command
def erase(person: str, cite: str, asked_at: datetime | None, dry_run: bool, as_name: str | None, as_json: bool) -> None:
    """Erase the recordings of PERSON (your id, or a number), who asked for it; what must stay is told with its reason.

    Marketing to them stops at once. The request is kept with its deadline; what must stay is asked about again every day.
    """
    with site() as parts:
        now = parts.clock.now()
        if asked_at is not None and asked_at > now:
            raise Failure(f"--at {asked_at:%Y-%m-%d %H:%M}Z: is in the future")
        who = actor(parts, as_name, cite)
        check(parts, who, Action.ERASE)
        known, asked = known_as(parts, whom(person, parts.site.settings.region)), Erasure(asked_at or now, cite)
        order = order_of(parts, who)
        due = erasure.due_by(parts.database, packs_in_force(parts), known, asked.at)
        if dry_run:
            _tell(0, known, due, erasure.foresee(parts.database, order, known, asked, now), as_json=as_json, foreseen=True)
            return
        with writing(parts.database) as connection:
            number = erasure_requests.note(
                connection, known, asked, due, who.name, journal=Journal(parts.site.directory / bootstrap.JOURNAL)
            )
            store.say(connection, "suppressed", {"person": known}, now)
            note(connection, parts, who, "erasure_asked", request=str(number))
        with reading(parts.database) as connection:
            total = retained.count(connection, Scope(person=known))
        with progress("recordings", total) as seen:
            done = erasure.work(parts.database, parts.vault, order, number, now, seen=seen)
    _tell(number, known, due, done.outcome, as_json=as_json)


@click.command("erasures")
@click.option("--open", "open_only", is_flag=True, help="Only those of which something must stay.")
@as_option
@json_option
@site_command
def erasures(open_only: bool, as_name: str | None, as_json: bool) -> None:
    """Who asked to be forgotten, by when each is answered, and what came of it."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.ERASE)
        with reading(parts.database) as connection:
            found = erasure_requests.requests(connection, open_only=open_only)
        with writing(parts.database) as connection:
            note(connection, parts, who, "erasures_listed", found=str(len(found)))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.request_id,
            one.person,
            one.cite,
            one.asked_at,
            one.due.law_by,
            one.answered_at,
            one.closed_at,
            _counted(one.outcome),
        )
        for one in found
    ]
    headings = ("request", "person", "by what right", "asked", "due", "answered", "closed", "recordings")
    print_table("erasure requests", headings, rows, empty="none")


def _counted(items: tuple[Item, ...]) -> str:
    fates = [item.fate for item in items]
    return ", ".join(f"{fates.count(fate)} {fate.value.replace('_', ' ')}" for fate in Fate if fate in fates) or "none"


def _tell(number: int, person: str, due: Due, items: tuple[Item, ...], *, as_json: bool, foreseen: bool = False) -> None:
    if as_json:
        print_json({"request": number or None, "person": person, "due": due, "dry_run": foreseen, "recordings": items})
        return
    if foreseen:
        click.echo(visible(f"{person}: nothing was noted and nothing was erased (--dry-run)"))
    else:
        click.echo(visible(f"erasure request {number} of {person}: marketing stopped"))
    if due.law_by is not None:
        click.echo(f"to be answered by {due.law_by:%Y-%m-%d %H:%M}Z: {', '.join(due.rules)}")
    rows = [
        (item.call_id, _fate(item, foreseen=foreseen), item.until, "; ".join(f"{rule}: {text}" for rule, text in item.why))
        for item in items
    ]
    print_table("recordings", ("call", "what", "until", "why"), rows, empty="there are none of them")


def _fate(item: Item, *, foreseen: bool) -> str:
    match item.fate:
        case Fate.PURGED:
            return "would be purged" if foreseen else "purged"
        case Fate.KEPT if item.review:
            return "kept: a person decides"
        case fate:
            return fate.value.replace("_", " ")
