"""Recordings that leave the house, from the command line: one, many, and the second person's word for many.

The rule it protects: what leaves is written down before it leaves, with who and why; and nobody carries many away alone.
"""

import platform
from pathlib import Path
from typing import Any

import click

from compliance.evidence_key import evidence_key
from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.acting import Actor, actor, as_option, check, note, reason_option
from dialer.cli.context import site
from dialer.cli.files import progress
from dialer.cli.finding import clip_option, found, must, recording_command, search_options, told, wanted
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table
from recorder import approvals, archive_chain, audit, catalogue, transcripts
from recorder.access import BULK, BULK_WITHIN, Action, needs_second_word
from recorder.audio import EXPORTS
from recorder.catalogue import Recording
from recorder.exports import Copy, Leaving, Outgoing, Piece, export_many, export_vcon
from recorder.exports import export as export_one

MOST = 10_000  # recordings in one ZIP


@click.command("export")
@click.argument("call_id", required=False)
@click.option("--to", "target", type=click.Path(path_type=Path), help="A new file; for one recording, or a folder.")
@click.option(
    "--format", "form", type=click.Choice(list(EXPORTS)), default="wav", show_default=True, help="How the audio is coded."
)
@click.option("--vcon", is_flag=True, help="As a vCon (IETF), the audio in it.")
@click.option("--zip", "zipped", is_flag=True, help="Those that are searched for, as a ZIP with a signed manifest.")
@click.option("--request", "asking", is_flag=True, help="Ask for a second person's word; nothing is exported yet.")
@click.option("--approved", metavar="REQUEST", help="Export what was asked for and approved as REQUEST.")
@search_options
@clip_option
@reason_option
@as_option
@json_option
@recording_command
def export(
    call_id: str | None,
    target: Path | None,
    form: str,
    vcon: bool,
    zipped: bool,
    asking: bool,
    approved: str | None,
    clip: Piece,
    reason: str,
    as_name: str | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """Take a copy of a recording, or of many, out of the house.

    CALL_ID with --to: one copy, with a sidecar beside it. Without: all recordings of a search with --zip --to FILE. More than
    20 in a day leave only when somebody else has approved it: --request, `recording approve`, then --approved.
    """
    many = call_id is None
    must(many == (zipped or asking or approved is not None), "give a CALL_ID, or a search with --zip, or --approved REQUEST")
    must(not many or (not vcon and clip == Piece()), "--vcon and --clip are for one recording")
    must(asking or target is not None, "say where to with --to")
    with site() as parts:
        who = actor(parts, as_name, reason)
        if asking:
            _ask(parts, who, [one.call_id for one in _searched(parts, who, conditions)], conditions, as_json=as_json)
            return
        assert target is not None  # noqa: S101 -- asked for above
        if call_id is not None:
            copy = _one(
                parts, who, call_id, target, Outgoing(catalogue.recorded(parts.database, call_id), form, (), clip), vcon=vcon
            )
        else:
            recordings = _searched(parts, who, conditions) if approved is None else _approved(parts, who, approved)
            if approved is None:
                _check_number(parts, who, len(recordings))
            copy = _many(parts, who, recordings, target, form, request=approved or "")
    if as_json:
        print_json(copy)
    else:
        click.echo(f"{copy.file}")


def _one(parts: bootstrap.Opened, who: Actor, call_id: str, target: Path, outgoing: Outgoing, *, vcon: bool) -> Copy:
    recording, about = found(parts, call_id)
    check(parts, who, Action.EXPORT, about)
    _check_number(parts, who, 1)
    leaving = _noted(parts, who, [recording], target, "vcon" if vcon else outgoing.form)
    outgoing = Outgoing(recording, outgoing.form, _links(parts, [call_id]).get(call_id, ()), outgoing.piece)
    if vcon:
        return export_vcon(
            parts.vault,
            outgoing,
            target,
            leaving,
            seller=parts.site.settings.seller,
            host=platform.node() or "localhost",
            transcript=transcripts.read(parts.database, parts.vault, recording.archived),
        )
    return export_one(parts.vault, outgoing, target, leaving)


def _many(parts: bootstrap.Opened, who: Actor, recordings: list[Recording], target: Path, form: str, *, request: str) -> Copy:
    must(recordings, "no recording is found: nothing was written")
    must(not target.exists(), f"{target}: exists already, nothing was written")
    for recording in recordings:
        with reading(parts.database) as connection:
            about = catalogue.about(recording, held=catalogue.is_held(connection, recording.call_id))
        check(parts, who, Action.EXPORT, about)
    leaving = _noted(parts, who, recordings, target, form, **({"request": request} if request else {}))
    links = _links(parts, [one.call_id for one in recordings])
    outgoing = [Outgoing(one, form, links.get(one.call_id, ())) for one in recordings]
    done = 0
    with progress("recordings", len(outgoing)) as say:

        def seen() -> None:
            nonlocal done
            done += 1
            say(done)

        return export_many(parts.vault, outgoing, target, leaving, key=evidence_key(parts.site.secrets), seen=seen)


def _searched(parts: bootstrap.Opened, who: Actor, conditions: dict[str, Any]) -> list[Recording]:
    must(told(conditions), "say which recordings: give at least one condition")
    check(parts, who, Action.EXPORT)
    recordings = catalogue.list_recordings(parts.database, wanted(conditions, who, Action.EXPORT, limit=MOST + 1))
    must(len(recordings) <= MOST, f"more than {MOST:,} recordings: ask for fewer at a time")
    return recordings


def _approved(parts: bootstrap.Opened, who: Actor, request_id: str) -> list[Recording]:
    """The recordings of the request that are still there. Raises NotApproved, NoSuchRequest, RecordingNotFound."""
    with reading(parts.database) as connection:
        asked = approvals.check(connection, request_id, who.name, parts.clock.now())
    return [catalogue.recorded(parts.database, call_id) for call_id in asked.calls]


def _check_number(parts: bootstrap.Opened, who: Actor, recordings: int) -> None:
    with reading(parts.database) as connection:
        taken = audit.count(connection, who.name, Action.EXPORT.value, parts.clock.now() - BULK_WITHIN)
    if needs_second_word(who.acting, taken + recordings):
        before = f" with the {taken} of the last day" if taken else ""
        text = (
            f"{recordings} recordings{before} are more than {BULK}: a second person must approve that; run again with --request"
        )
        with writing(parts.database) as connection:
            note(
                connection, parts, who, "denied", asked=Action.EXPORT.value, why="second_word_needed", recordings=str(recordings)
            )
        raise Failure(text, REFUSED)


def _ask(parts: bootstrap.Opened, who: Actor, calls: list[str], conditions: dict[str, Any], *, as_json: bool) -> None:
    must(calls, "no recording is found: there is nothing to ask for")
    must(who.reason, "say why with --reason: a second person is to approve it")
    with writing(parts.database) as connection:
        asked = approvals.ask(connection, who.name, who.reason, calls, parts.clock.now())
        facts = {"request": asked.request_id, "recordings": str(len(calls)), "calls_sha256": asked.digest, **told(conditions)}
        note(connection, parts, who, "export_request", **facts)
    if as_json:
        print_json(asked)
    else:
        click.echo(f"request {asked.request_id}: {len(calls)} recordings wait for the word of a second person")


def _noted(parts: bootstrap.Opened, who: Actor, recordings: list[Recording], target: Path, form: str, **facts: str) -> Leaving:
    """Writes an entry for each recording, before anything is written: what is not in the chain does not leave."""
    with writing(parts.database) as connection:
        for one in recordings:
            note(connection, parts, who, Action.EXPORT.value, one.call_id, form=form, to=target.name, **facts)
    return Leaving(who.name, parts.clock.now(), who.reason)


def _links(parts: bootstrap.Opened, call_ids: list[str]) -> dict[str, tuple[archive_chain.Entry, ...]]:
    with reading(parts.database) as connection:
        return {call_id: tuple(links) for call_id, links in archive_chain.entries(connection, call_ids).items()}


@click.command("approve")
@click.argument("request_id")
@as_option
@json_option
@recording_command
def approve(request_id: str, as_name: str | None, as_json: bool) -> None:
    """Give the second word to an export of many recordings. It holds for seven days, and nobody gives it to themselves."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.APPROVE)
        with writing(parts.database) as connection:
            asked = approvals.approve(connection, request_id, who.name, parts.clock.now())
            note(connection, parts, who, "export_approve", request=request_id, asked_by=asked.asked_by, calls_sha256=asked.digest)
    if as_json:
        print_json(asked)
    else:
        click.echo(f"{asked.asked_by} may take out the {len(asked.calls)} recordings of request {request_id}")


@click.command("requests")
@as_option
@json_option
@recording_command
def requests(as_name: str | None, as_json: bool) -> None:
    """The exports of many that were asked for, and who approved them."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.EXPORT)
        with reading(parts.database) as connection:
            asked = approvals.requests(connection)
    if as_json:
        print_json(asked)
        return
    rows = [(one.request_id, one.asked_at, one.asked_by, len(one.calls), one.reason, one.approved_by or None) for one in asked]
    headings = ("request", "asked", "by", "recordings", "why", "approved by")
    print_table("exports asked for", headings, rows, empty="none was asked for")
