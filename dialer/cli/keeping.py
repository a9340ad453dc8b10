"""How long recordings stay, from the command line: hold one, let go of it, see what may go, and have it go."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.acting import Actor, actor, as_option, check, note, reason_option
from dialer.cli.arguments import Name
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment, progress
from dialer.cli.output import REFUSED, Failure, failing, json_option, print_json, print_table, visible
from dialer.cli.whom import packs_in_force
from recorder import catalogue, holds, purge, retained
from recorder.access import About, Action
from recorder.archive_head import HeadDisagrees
from recorder.catalogue import Recording
from recorder.holds import NoSuchHold, NothingToHold, WhichHold
from recorder.keeping import Goes, Stays, house_of
from recorder.purge import Order
from recorder.record import BadRecord
from recorder.retained import Scope
from recorder.store import Job

SHOWN = 100  # recordings in a table, unless more are asked for
REASON_LENGTH = 500

_why = click.option(
    "--reason", required=True, type=Name(REASON_LENGTH), help="Why; it is kept, and written into the audit chain."
)


@click.command("hold")
@click.argument("call_ids", nargs=-1, required=True, metavar="CALL...")
@_why
@click.option("--by", "ordered_by", type=Name(64), help="Who ordered it: a lawyer, an authority; default: you.")
@as_option
@json_option
@failing({NothingToHold: 2})
@site_command
def hold(call_ids: tuple[str, ...], reason: str, ordered_by: str | None, as_name: str | None, as_json: bool) -> None:
    """Keep the recording of each CALL whatever the rules say, until it is released."""
    with site() as parts:
        who = actor(parts, as_name, reason)
        placed = {}
        for call_id in call_ids:
            check(parts, who, Action.HOLD, _about(parts, call_id))
            with writing(parts.database) as connection:
                placed[call_id] = holds.place(connection, call_id, reason, ordered_by or who.name, parts.clock.now())
                note(connection, parts, who, Action.HOLD.value, call_id, hold=str(placed[call_id]))
    if as_json:
        print_json([{"call_id": call_id, "hold": number} for call_id, number in placed.items()])
    for call_id, number in placed.items() if not as_json else ():
        click.echo(visible(f"call {call_id}: held (hold {number}): {reason}"))


@click.command("release")
@click.argument("call_id", metavar="CALL")
@_why
@click.option("--hold", "hold_id", type=click.IntRange(1), help="Which hold ends, where there are several.")
@as_option
@json_option
@failing({NoSuchHold: 2, WhichHold: 2})
@site_command
def release(call_id: str, reason: str, hold_id: int | None, as_name: str | None, as_json: bool) -> None:
    """Let go of a hold on the recording of CALL: from then on only the rules keep it."""
    with site() as parts:
        who = actor(parts, as_name, reason)
        check(parts, who, Action.RELEASE, _about(parts, call_id))
        with writing(parts.database) as connection:
            ended = holds.release(connection, call_id, reason, who.name, parts.clock.now(), hold_id=hold_id)
            note(connection, parts, who, Action.RELEASE.value, call_id, hold=str(ended))
            left = len(holds.in_force(connection, [call_id]).get(call_id, ()))
    if as_json:
        print_json({"call_id": call_id, "released": ended, "holds": left})
    else:
        others = f", {left} other holds keep it" if left else ""
        click.echo(visible(f"call {call_id}: hold {ended} released{others}"))


@click.command("purge")
@click.option("--before", type=Moment(), help="Calls that ended before it, also those that the house would keep longer.")
@click.option("--campaign", default="", help="Of this campaign.")
@click.option("--apply", "for_good", is_flag=True, help="Do it: the recordings are gone for good.")
@click.option("--review", is_flag=True, help="Show only those about which a person must decide.")
@click.option(
    "--limit", type=click.IntRange(0), default=SHOWN, show_default=True, help="Tell of so many, those that go first; 0: of all."
)
@reason_option
@as_option
@json_option
@failing({HeadDisagrees: REFUSED})
@site_command
def purge_recordings(before: datetime | None, campaign: str, reason: str, as_name: str | None, **options: Any) -> None:
    """What may go of the recordings, and what stays until when, by which rules; with --apply, have it go.

    A recording goes when no hold and no minimum keeps it, and a rule, the house (`recorder.keep_days`) or --before wants it gone.
    """
    with site() as parts:
        now = parts.clock.now()
        if before is not None and before > now:
            raise Failure(f"--before {before:%Y-%m-%d %H:%M}Z: is in the future")
        who = actor(parts, as_name, reason)
        check(parts, who, Action.PURGE)
        order, scope = order_of(parts, who, before), Scope(before=before, campaign=campaign)
        with reading(parts.database) as connection:
            total = retained.count(connection, scope)
        with progress("recordings", total) as seen:
            if options["for_good"]:
                report = purge.apply(parts.database, parts.vault, order, now, scope=scope, seen=seen)
                found = _Found(len(report.purged), report.kept, len(report.review), [*report.purged, *report.review])
            else:
                found = _foreseen(purge.survey(parts.database, order, scope, now), options["limit"] or total, seen)
    _tell(found, options)


def order_of(parts: bootstrap.Opened, who: Actor, before: datetime | None = None) -> Order:
    """By which rules, and by whose order, this site purges."""
    facts = {"account": who.account} if who.account != who.name else {}
    facts |= {"reason": who.reason} if who.reason else {}
    recorder = parts.site.settings.recorder
    house = house_of(recorder.keep_days, recorder.keep_days_of)
    return Order(packs_in_force(parts), house, who.name, facts, before=before)


@dataclass(frozen=True, slots=True)
class _Found:
    """How many go, stay and must be decided about, and some of them: those that go first, those that simply stay last."""

    going: int
    kept: int
    review: int
    told: list[Goes | Stays]


def _foreseen(answers: Iterable[Goes | Stays], limit: int, seen: Callable[[int], None]) -> _Found:
    """What would become of recordings, however many there are: no more of them are held than are told."""
    going: list[Goes | Stays] = []
    review: list[Goes | Stays] = []
    kept: list[Goes | Stays] = []
    counts = Counter[str]()
    for done, answer in enumerate(answers, start=1):
        match answer:
            case Goes():
                kind, kin = "going", going
            case Stays(review=True):
                kind, kin = "review", review
            case Stays():
                kind, kin = "kept", kept
        counts[kind] += 1
        if len(kin) < limit:
            kin.append(answer)
        seen(done)
    return _Found(counts["going"], counts["kept"] + counts["review"], counts["review"], [*going, *review, *kept])


def _about(parts: bootstrap.Opened, call_id: str) -> About | None:
    """What is to be known of a recording before anybody is let near it; None where there is none: then there is nothing to do."""
    match catalogue.show(parts.database, call_id):
        case Recording() as found:
            with reading(parts.database) as connection:
                return catalogue.about(found, held=bool(holds.in_force(connection, [call_id])))
        case Job() as job:
            try:
                record = job.record()
            except BadRecord:  # purged, or altered: nobody's team is known
                return About(call_id, frozenset(), "", held=False, told=False)
            agents = frozenset({one.agent_id for one in record.agents} | ({record.agent_id} if record.agent_id else set()))
            return About(call_id, agents, record.team, held=False, told=False)
        case None:
            return None


def _tell(found: _Found, options: dict[str, Any]) -> None:
    applied, limit = options["for_good"], options["limit"] or None
    wanted = [one for one in found.told if not options["review"] or (isinstance(one, Stays) and one.review)][:limit]
    if options["as_json"]:
        counts = {"purged" if applied else "would_purge": found.going, "kept": found.kept, "review": found.review}
        print_json(counts | {"recordings": [_as_json(one, applied=applied) for one in wanted]})
        return
    print_table(
        "recordings", ("call", "what", "until", "why"), [_row(one, applied=applied) for one in wanted], empty="none to tell of"
    )
    done = "purged" if applied else "would be purged (--apply does it)"
    click.echo(f"{found.going} {done}, {found.kept} kept, of which {found.review} need a person's decision")
    if not applied and len(wanted) == limit:
        click.echo("not all of them are shown: --limit 0 does")


def _row(answer: Goes | Stays, *, applied: bool) -> tuple[Any, ...]:
    why = "; ".join(f"{one.rule}: {one.text}" for one in answer.reasons)
    match answer:
        case Goes(overdue=overdue):
            what = "purged" if applied else "would be purged"
            return answer.call_id, what + (", overdue" if overdue else ""), None, why
        case Stays(review=True):
            return answer.call_id, "a person decides", answer.until, answer.conflict or why
        case Stays():
            return answer.call_id, "kept", answer.until, why


def _as_json(answer: Goes | Stays, *, applied: bool) -> dict[str, Any]:
    reasons = [{"rule": one.rule, "cite": one.cite, "level": one.level, "text": one.text} for one in answer.reasons]
    what: dict[str, Any]
    match answer:
        case Goes():
            what = {"verdict": "purged" if applied else "would_purge", "overdue": answer.overdue, "until": None, "review": False}
        case Stays():
            what = {"verdict": "kept", "until": answer.until, "review": answer.review, "conflict": answer.conflict}
    return {"call_id": answer.call_id, **what, "reasons": reasons}
