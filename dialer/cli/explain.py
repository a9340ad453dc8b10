"""Why: the gate's reasons for a lead, the story of a call, the rules in force, and what needs a person's eye."""

from dataclasses import dataclass
from datetime import datetime

import click

from compliance.facts import LedgerEvent
from compliance.pack_files import load_packs
from compliance.verdict import Clearance, Reason, Refusal
from config.database import reading, writing
from config.load import load_site
from dialer import store
from dialer.cli.check import check
from dialer.cli.context import site, site_command, site_directory
from dialer.cli.output import Failure, json_option, print_json, print_table, visible
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from dialer.metrics import connect_time
from dialer.service import candidate
from recorder.store import alerts as read_alerts
from recorder.store import mark_seen


@click.group()
def explain() -> None:
    """Say why: every decision carries its reasons."""


@dataclass(frozen=True, slots=True)
class LeadStory:
    """Everything that says why a lead was or was not rung."""

    lead: store.Lead
    campaign: str
    gate_now: Clearance | Refusal
    calls: list[FloorCall]
    refusals: list[Refusal]
    history: list[LedgerEvent]


@explain.command("lead")
@click.argument("which")
@json_option
@site_command
def lead(which: str, as_json: bool) -> None:
    """Why the lead WHICH (its id, person or a number) was or was not rung, and what the gate says now."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = store.leads_like(connection, which)
            campaigns = {one.campaign_id: one for one in store.campaigns(connection)}
            others = {one.lead_id: store.other_numbers(connection, one) for one in found}
            calls = {one.lead_id: store.attempts_of(connection, lead_id=one.lead_id) for one in found}
        if not found:
            raise store.NotFound(f"no lead has the id, person or number {which!r}")
        seller = parts.site.settings.seller
        stories = [
            LeadStory(
                one,
                campaigns[one.campaign_id].name,
                parts.ledger.preview(candidate(campaigns[one.campaign_id], one, seller, "explain", others[one.lead_id])),
                calls[one.lead_id],
                parts.ledger.refusals_of(one.person),
                parts.ledger.history(one.person),
            )
            for one in found
        ]
    if as_json:
        print_json(stories)
        return
    for story in stories:
        _tell(story)


def _tell(story: LeadStory) -> None:
    one = story.lead
    click.echo(visible(f"{one.name or one.person}, {', '.join(one.numbers)}, campaign {story.campaign}: {one.state}"))
    if one.reason:
        click.echo(visible(f"  because {one.reason}"))
    if one.state in {LeadState.READY, LeadState.NEW}:
        click.echo(f"  next at {one.next_at:%Y-%m-%d %H:%M:%S}Z at the earliest")
    now = story.gate_now.reasons if isinstance(story.gate_now, Refusal) else ()
    _reasons(f"the gate now, for {one.number}", now, empty="permitted")
    for refusal in story.refusals[-5:]:
        _reasons(f"refused at {refusal.decided_at:%Y-%m-%d %H:%M:%S}Z", refusal.reasons, empty="")
    attempts = [(call.call_id, call.call.ordered_at, call.number, call.disposition) for call in story.calls]
    print_table("attempts", ("call", "at", "number", "ended as"), attempts, empty="none")


def _reasons(title: str, reasons: tuple[Reason, ...], *, empty: str) -> None:
    rows = [(reason.rule, reason.text, reason.retry_at or "needs new facts", reason.cite) for reason in reasons]
    print_table(title, ("rule", "why", "again at", "source"), rows, empty=empty)


@explain.command("call")
@click.argument("call_id")
@json_option
@site_command
def call(call_id: str, as_json: bool) -> None:
    """The story of CALL_ID: who permitted it, what happened when, how it ended."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = store.attempt(connection, call_id)
        events = parts.ledger.events_of(call_id)
    if as_json:
        print_json({"call": found, "ledger": events})
        return
    told = found.call
    rows = [
        ("ordered", told.ordered_at, f"permitted by {', '.join(f'{pack.id} {pack.version}' for pack in found.packs)}"),
        ("dialed", told.dialed_at, found.number),
        ("ringing", told.ringing_at, ""),
        ("answered", told.answered_at, "recording"),
        ("disclosure", told.announcement_at, found.disclosure),
        ("disclosed", told.announced_at, "to its end" if told.disclosed else "NOT to its end" if told.announced_at else ""),
        ("bridged", told.bridged_at, f"agent {told.agent_id}" if told.agent_id else ""),
        ("abandonment message", told.safe_harbour_at, found.safe_harbour if told.safe_harbour_at else ""),
        ("ended", told.ended_at, f"by {told.ended_by}, cause {told.hangup_cause}, SIP {told.tech_cause}"),
    ]
    print_table(
        f"call {call_id}: {found.disposition or 'open'}",
        ("what", "at", ""),
        [(what, _to_the_ms(at), note) for what, at, note in rows if at],
    )
    connect = connect_time(told)
    if connect is not None:
        click.echo(f"answer to agent, prompt left out: {connect.total_seconds() * 1000:.0f} ms")
    print_table("ledger", ("event", "at"), [(event.kind, event.at) for event in events])


def _to_the_ms(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


@click.group()
def compliance() -> None:
    """The rules in force."""


compliance.add_command(check)


@compliance.command("packs")
@json_option
@site_command
def packs(as_json: bool) -> None:
    """Every rule in force at this site: kind, level, source, and the hash of its text."""
    here = load_site(site_directory())
    found = load_packs(here.settings.gate.packs, here.directory)
    if as_json:
        print_json([{"pack": pack.ref, "rules": pack.rules} for pack in found])
        return
    for pack in found:
        rows = [(rule.origin.id, rule.origin.level, rule.origin.cite) for rule in pack.rules]
        print_table(f"{pack.ref.id} {pack.ref.version}, sha256 {pack.ref.sha256}", ("rule", "level", "source"), rows)


@compliance.command("verify")
@json_option
@site_command
def verify(as_json: bool) -> None:
    """Check the hash chain of the ledger; exit code 3 if a row was altered, removed or put in."""
    with site() as parts:
        report = parts.ledger.verify_chain()
    if as_json:
        print_json(report)
    else:
        for fault in report.faults:
            click.echo(f"row {fault.seq}: {fault.text}")
        told = "as they were written" if report.intact else "NOT as they were written"
        click.echo(f"{report.rows} rows, {told}; tip {report.tip_hash}")
    if not report.intact:
        raise SystemExit(3)


@click.command()
@click.option("--seen", type=int, multiple=True, metavar="ID", help="Mark this one as seen; repeatable.")
@click.option("--all-seen", is_flag=True, help="Mark all of them as seen.")
@json_option
@site_command
def alerts(seen: tuple[int, ...], all_seen: bool, as_json: bool) -> None:
    """What needs a person's eye, oldest first; one that was seen is kept, and not listed again."""
    if seen and all_seen:
        raise Failure("give --seen ID or --all-seen, not both")
    with site() as parts:
        if seen or all_seen:
            with writing(parts.database) as connection:
                unknown = set(seen) - {one.id for one in read_alerts(connection, unseen_only=False)}
                if unknown:
                    raise store.NotFound(f"no alert has the id {', '.join(map(str, sorted(unknown)))}")
                marked = mark_seen(connection, None if all_seen else seen)
            if as_json:
                print_json({"seen": marked})
            else:
                click.echo(f"marked as seen: {', '.join(map(str, marked)) or 'none that was not seen already'}")
            return
        with reading(parts.database) as connection:
            found = read_alerts(connection)
    if as_json:
        print_json(found)
    else:
        rows = [(one.id, one.at, one.kind, one.call_id, one.text) for one in found]
        print_table("alerts", ("id", "at", "kind", "call", "what"), rows, empty="none")
