"""Why: the gate's reasons for a lead, the story of a call, the rules in force, and what needs a person's eye."""

import click

from compliance.pack_files import load_packs
from config.database import reading
from config.load import load_site
from dialer import store
from dialer.cli.context import site, site_command, site_directory
from dialer.cli.output import json_option, print_json, print_table
from dialer.metrics import connect_time
from recorder.store import alerts as read_alerts


@click.group()
def explain() -> None:
    """Say why: every decision carries its reasons."""


@explain.command("lead")
@click.argument("which")
@json_option
@site_command
def lead(which: str, as_json: bool) -> None:
    """Why the lead WHICH (its id, person or a number) was or was not rung, and what the gate says now."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = store.leads_like(connection, which)
            calls = {one.lead_id: store.attempts_of(connection, lead_id=one.lead_id) for one in found}
            campaigns = {one.campaign_id: one for one in store.campaigns(connection)}
        if not found:
            raise store.NotFound(f"no lead has the id, person or number {which!r}")
        told = []
        for one in found:
            refusals = parts.ledger.refusals_of(one.person)
            told.append(
                {
                    "lead": one,
                    "campaign": campaigns[one.campaign_id].name,
                    "calls": calls[one.lead_id],
                    "refusals": refusals,
                    "history": parts.ledger.history(one.person),
                }
            )
    if as_json:
        print_json(told)
        return
    for entry, one in zip(told, found, strict=True):
        click.echo(f"{one.name or one.person}, {', '.join(one.numbers)}, campaign {entry['campaign']}: {one.state}")
        if one.reason:
            click.echo(f"  because {one.reason}")
        if one.state in {"ready", "new"}:
            click.echo(f"  next at {one.next_at:%Y-%m-%d %H:%M:%S}Z at the earliest")
        rows = [
            (refusal.decided_at, reason.rule, reason.text, reason.retry_at, reason.cite)
            for refusal in parts.ledger.refusals_of(one.person)[-10:]
            for reason in refusal.reasons
        ]
        print_table("refused", ("at", "rule", "why", "again at", "source"), rows, empty="never")
        attempts = [(call.call.ordered_at, call.call_id, call.number, call.disposition) for call in calls[one.lead_id]]
        print_table("attempts", ("at", "call", "number", "ended as"), attempts, empty="none")


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
    print_table(f"call {call_id}: {found.disposition or 'open'}", ("what", "at", ""), [row for row in rows if row[1] is not None])
    connect = connect_time(told)
    if connect is not None:
        click.echo(f"answer to agent, prompt left out: {connect.total_seconds() * 1000:.0f} ms")
    print_table("ledger", ("event", "at"), [(event.kind, event.at) for event in events])


@click.group()
def compliance() -> None:
    """The rules in force."""


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
@json_option
@site_command
def alerts(as_json: bool) -> None:
    """What needs a person's eye, oldest first."""
    with site() as parts, reading(parts.database) as connection:
        found = read_alerts(connection)
    if as_json:
        print_json(found)
    else:
        print_table("alerts", ("kind", "call", "what"), [(one.kind, one.call_id, one.text) for one in found], empty="none")
