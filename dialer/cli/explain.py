"""Why: the gate's reasons for a lead, the story of a call, and what a campaign's list waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy.engine import Connection

from compliance.evidence_rows import Wanted, decisions, kept_for, replays
from compliance.facts import LedgerEvent
from compliance.verdict import Clearance, Refusal
from config.database import reading
from dialer import bootstrap, store
from dialer.capture_story import RecordingStory
from dialer.cli import capture_stories
from dialer.cli.bundles import bundle_options, report, told_clearly, write_bundle
from dialer.cli.context import site, site_command
from dialer.cli.decisions import tell_decision, tell_gate, to_the_ms
from dialer.cli.output import Failure, json_option, print_json, print_table, visible
from dialer.dialing import candidate, vouched
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from dialer.metrics import connect_time
from dialer.resting import Resting, resting
from dialer.stories import DecisionTold, Moment, decision_told, timeline

SHOWN = 5  # decisions of a lead, the latest


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
    decisions: list[DecisionTold]


@dataclass(frozen=True, slots=True)
class CallStory:
    """Everything that says why a call was placed, or an attempt was refused, and what came of it."""

    call: FloorCall | None
    ledger: list[LedgerEvent]
    decisions: list[DecisionTold]
    gate_now: Clearance | Refusal | None
    timeline: tuple[Moment, ...]
    recording: RecordingStory | None


@dataclass(frozen=True, slots=True)
class CampaignStory:
    """What a campaign's leads do, and why those that rest do so."""

    campaign: str
    state: str
    leads: Mapping[str, int]
    resting: tuple[Resting, ...]


@explain.command("lead")
@click.argument("which")
@bundle_options
@json_option
@site_command
@told_clearly
def lead(which: str, target: Path | None, audio: bool, as_json: bool) -> None:
    """Why the lead WHICH (its id, person or a number) was or was not rung, and what the gate says now.

    With --bundle: the evidence about this person, for a complaint.
    """
    _fits(target, audio)
    with site() as parts:
        with reading(parts.database) as connection:
            found = store.leads_like(connection, which)
            campaigns = {one.campaign_id: one for one in store.campaigns(connection)}
            calls = {one.lead_id: store.attempts_of(connection, lead_id=one.lead_id) for one in found}
            decided = {one.person: _decisions(connection, Wanted(person=one.person)) for one in found}
        if not found:
            raise store.NotFound(f"no lead has the id, person or number {which!r}")
        stories = [
            LeadStory(
                one,
                campaigns[one.campaign_id].name,
                _gate_now(parts, one),
                calls[one.lead_id],
                parts.ledger.refusals_of(one.person),
                parts.ledger.history(one.person),
                decided[one.person],
            )
            for one in found
        ]
        people = {one.person for one in found}
        if target and len(people) > 1:
            raise Failure(f"{which} is {len(people)} people: {', '.join(sorted(people))}; a bundle is about one of them")
        made = write_bundle(parts, target, person=found[0].person, audio=audio) if target else None
    if as_json:
        print_json(stories)
    else:
        for story in stories:
            _tell_lead(story)
    if made:
        report(*made, err=as_json)


@explain.command("call")
@click.argument("call_id")
@bundle_options
@json_option
@site_command
@told_clearly
def call(call_id: str, target: Path | None, audio: bool, as_json: bool) -> None:
    """The story of CALL_ID, a call or a refused attempt: what decided about it, what happened when, how it ended.

    Of a call also how it was to be recorded and disclosed, by which rules, and what came of that.
    """
    _fits(target, audio)
    with site() as parts:
        with reading(parts.database) as connection:
            decided = _decisions(connection, Wanted(attempt_id=call_id))
            found = _placed(connection, call_id)
            if found is None and not decided:
                raise store.NotFound(f"there is no call {call_id!r}, and nothing was ever decided about it")
            of = store.lead(connection, found.lead_id) if found else None
            recording = capture_stories.story_of(connection, found) if found else None
        events = parts.ledger.events_of(call_id)
        told = timeline(found, decided, events)
        story = CallStory(found, events, decided, _gate_now(parts, of) if of else None, told, recording)
        made = write_bundle(parts, target, call_id=call_id, audio=audio) if target else None
    if as_json:
        print_json(story)
    else:
        _tell_call(call_id, story)
    if made:
        report(*made, err=as_json)


@explain.command("campaign")
@click.argument("name")
@json_option
@site_command
def campaign(name: str, as_json: bool) -> None:
    """Why the leads of campaign NAME rest: by rule, for how many, and when the first of them may be asked about again."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = store.campaign_named(connection, name)
            leads = [(one.state, one.next_at, one.reason) for one in store.leads_of(connection, found.campaign_id)]
            counts = store.lead_counts(connection, found.campaign_id)
        story = CampaignStory(name, found.state.value, counts, resting(leads, parts.clock.now()))
    if as_json:
        print_json(story)
        return
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no leads"
    click.echo(visible(f"campaign {name}, {story.state}: {told}"))
    rows = [
        (one.because, one.leads, one.first_at or "needs new facts", one.last_at, one.need_facts or "", _whose(one), one.example)
        for one in story.resting
    ]
    headings = ("because of", "leads", "first again at", "last again at", "need facts", "whose", "such as")
    print_table("leads that rest", headings, rows, empty="none")


def _fits(target: Path | None, audio: bool) -> None:
    if audio and target is None:
        raise Failure("--audio goes with --bundle FILE")


def _gate_now(parts: bootstrap.Opened, one: store.Lead) -> Clearance | Refusal:
    with reading(parts.database) as connection:
        of = next(found for found in store.campaigns(connection) if found.campaign_id == one.campaign_id)
        others = store.other_numbers(connection, one)
    return parts.ledger.preview(candidate(of, one, parts.site.settings.seller, "explain", others), vouched(of))


def _placed(connection: Connection, call_id: str) -> FloorCall | None:
    try:
        return store.attempt(connection, call_id)
    except store.NotFound:
        return None  # it was refused, or never asked for


def _decisions(connection: Connection, wanted: Wanted) -> list[DecisionTold]:
    """The decisions asked for that something was kept of, oldest first, each made again."""
    found = list(decisions(connection, wanted))
    rows, packs, _ = kept_for(connection, found)
    told = (decision_told(one, rows, packs, again) for one, again in replays(connection, found))
    return sorted((one for one in told if one is not None), key=lambda one: one.decided_at)


def _tell_lead(story: LeadStory) -> None:
    one = story.lead
    click.echo(visible(f"{one.name or one.person}, {', '.join(one.numbers)}, campaign {story.campaign}: {one.state}"))
    if one.reason:
        click.echo(visible(f"  because {one.reason}"))
    if one.state in {LeadState.READY, LeadState.NEW}:
        click.echo(f"  next at {one.next_at:%Y-%m-%d %H:%M:%S}Z at the earliest")
    tell_gate(story.gate_now, one.number)
    for decided in story.decisions[-SHOWN:]:
        tell_decision(decided)
    attempts = [(call.call_id, call.call.ordered_at, call.number, call.disposition) for call in story.calls]
    print_table("attempts", ("call", "at", "number", "ended as"), attempts, empty="none")


def _tell_call(call_id: str, story: CallStory) -> None:
    rows = [(moment.what, to_the_ms(moment.at), moment.note) for moment in story.timeline]
    print_table(f"call {call_id}: {_ended(story)}", ("what", "at", ""), rows)
    connect = connect_time(story.call.call) if story.call else None
    if connect is not None:
        click.echo(f"answer to agent, prompt left out: {connect.total_seconds() * 1000:.0f} ms")
    if story.recording:
        capture_stories.tell(story.recording)
    for decided in story.decisions:
        tell_decision(decided)
    if story.call and story.gate_now:
        tell_gate(story.gate_now, story.call.number)


def _ended(story: CallStory) -> str:
    if story.call:
        return story.call.disposition or "open"
    permitted = any(one.permit for one in story.decisions)
    return "permitted, but no call of the floor" if permitted else "refused, never placed"


def _whose(one: Resting) -> str:
    return "campaign" if one.recycled else "rule"
