"""Shares, from the command line: one recording for one person outside the staff, for some days, marked with its number.

The rule it protects: what is shared ends by itself, can be ended at once, and each opening is counted before anything is written.
A share of somebody who may no longer share it can be opened no more.
"""

import sys
from datetime import timedelta
from pathlib import Path

import click

from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.acting import Actor, actor, as_option, check, note, reason_option
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.finding import clip_option, found, moment_of, recording_command
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table
from recorder import archive_chain, audit, sharing, staff
from recorder.access import SHARED_AT_MOST, SHARED_FOR, Action, Denied, Everything, may, reach
from recorder.audio import EXPORTS, beginning_of
from recorder.exports import Leaving, Outgoing, Piece, export
from recorder.marking import read_mark
from recorder.sharing import NUMBER_DIGITS, Offer, Share, ShareRefused

OPENINGS = 10
OUTSIDE = "share:"  # before the number, as who opened it: the one it is for is not on the staff


@click.command("share")
@click.argument("call_id")
@click.option("--for", "for_whom", type=Name(100), required=True, help="For whom; it is in the copy's tags.")
@click.option(
    "--days", type=click.IntRange(1, SHARED_AT_MOST.days), default=SHARED_FOR.days, show_default=True, help="For how long."
)
@click.option("--openings", type=click.IntRange(1, 1000), default=OPENINGS, show_default=True, help="How often at most.")
@clip_option
@reason_option
@as_option
@json_option
@recording_command
def share(
    call_id: str, for_whom: str, days: int, openings: int, clip: Piece, reason: str, as_name: str | None, as_json: bool
) -> None:
    """Let somebody outside the staff open a marked copy of CALL for some days. The token is told once, here."""
    with site() as parts:
        who = actor(parts, as_name, reason)
        recording, about = found(parts, call_id)
        check(parts, who, Action.SHARE, about)
        from_ms, until_ms = clip.within(recording.duration_ms)
        now = parts.clock.now()
        offer = Offer(call_id, who.name, for_whom, reason, now + timedelta(days=days), openings, from_ms, until_ms)
        with writing(parts.database) as connection:
            number, token = sharing.share(connection, offer, now)
            facts = {"share": number, "for": for_whom, "until": offer.expires_at.isoformat(), "openings": str(openings)}
            note(connection, parts, who, Action.SHARE.value, call_id, **facts, from_ms=str(from_ms), until_ms=str(until_ms))
    if as_json:
        print_json({"share": number, "token": token, "expires_at": offer.expires_at, "openings": openings})
    else:
        click.echo(token)
        click.echo(f"share {number} for {for_whom}: until {offer.expires_at:%Y-%m-%d %H:%M}Z, {openings} times", err=True)


@click.command("open")
@click.argument("token")
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="A new file, or a folder.")
@click.option(
    "--format", "form", type=click.Choice(list(EXPORTS)), default="wav", show_default=True, help="How the audio is coded."
)
@json_option
@recording_command
def open_(token: str, target: Path, form: str, as_json: bool) -> None:
    """Write the copy that TOKEN is for; exit code 3 when it can be opened no more. `-` reads the token from standard input.

    The copy's tags and quiet tones in it tell by whom, for whom and when it was shared.
    """
    if token == "-":  # noqa: S105 -- the word for standard input
        token = sys.stdin.readline().strip()
    with site() as parts:
        now = parts.clock.now()
        try:
            with writing(parts.database) as connection:
                shared = sharing.take_opening(connection, token, now)
                facts = {"for": shared.offer.for_whom, "opening": str(shared.openings), "form": form}
                audit.note(connection, now, f"{OUTSIDE}{shared.number}", "open", shared.offer.call_id, **facts)
        except ShareRefused as error:
            _denied(parts, token, str(error))
            raise
        _check_still_may(parts, shared)
        recording, _ = found(parts, shared.offer.call_id)
        with reading(parts.database) as connection:
            links = archive_chain.entries(connection, [recording.call_id]).get(recording.call_id, [])
        piece = Piece(shared.offer.from_ms or 0, shared.offer.until_ms)
        leaving = Leaving(shared.offer.shared_by, now, shared.offer.reason, shared.offer.for_whom, shared.number)
        copy = export(parts.vault, Outgoing(recording, form, tuple(links), piece), target, leaving)
    if as_json:
        print_json(copy)
    else:
        click.echo(f"{copy.file}")


def _check_still_may(parts: bootstrap.Opened, shared: Share) -> None:
    """Raises Failure with REFUSED when whoever shared it may not share it any more."""
    _, about = found(parts, shared.offer.call_id)
    try:
        with reading(parts.database) as connection:
            sharer = staff.acting(connection, shared.offer.shared_by)
        verdict = may(sharer, Action.SHARE, about, shared.offer.reason)
    except staff.UnknownStaff as error:
        text = str(error)
    else:
        if not isinstance(verdict, Denied):
            return
        text = verdict.text
    _denied(parts, shared.number, text)
    raise Failure(f"share {shared.number} can be opened no more: {text}", REFUSED)


def _denied(parts: bootstrap.Opened, token: str, text: str) -> None:
    number = token.partition(".")[0]
    known = number if number.isdecimal() and len(number) == NUMBER_DIGITS else "unknown"
    with writing(parts.database) as connection:
        audit.note(connection, parts.clock.now(), f"{OUTSIDE}{known}", "denied", asked="open", why=text)


@click.command("shares")
@click.option("--call", "call_id", help="Of this call.")
@click.option("--open", "only_open", is_flag=True, help="Only those that can still be opened.")
@as_option
@json_option
@recording_command
def shares(call_id: str | None, only_open: bool, as_name: str | None, as_json: bool) -> None:
    """What is shared with whom, until when, and how often it was opened; to a supervisor, what they shared themselves."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.SHARE)
        open_at = parts.clock.now() if only_open else None
        with reading(parts.database) as connection:
            known = sharing.shares(connection, call_id=call_id, open_at=open_at)
    theirs = [one for one in known if _is_theirs(who, one)]
    if as_json:
        print_json(theirs)
        return
    rows = [
        (
            one.number,
            one.offer.call_id,
            one.offer.shared_by,
            one.offer.for_whom,
            f"{moment_of((one.offer.from_ms or 0) / 1000)}–{moment_of((one.offer.until_ms or 0) / 1000)}",
            one.offer.expires_at,
            f"{one.openings} of {one.offer.openings_at_most}",
            one.revoked_by or None,
        )
        for one in theirs
    ]
    headings = ("share", "call", "by", "for", "piece", "until", "opened", "taken back by")
    print_table("shares", headings, rows, empty="nothing is shared")


def _is_theirs(who: Actor, shared: Share) -> bool:
    """Whether they see the share and may take it back: their own, or for a manager anybody's."""
    return isinstance(reach(who.acting, Action.SHARE), Everything) or shared.offer.shared_by == who.name


@click.command("unshare")
@click.argument("number")
@as_option
@json_option
@recording_command
def unshare(number: str, as_name: str | None, as_json: bool) -> None:
    """Take a share back, one's own or as a manager any: from now on it cannot be opened."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.SHARE)
        with writing(parts.database) as connection:
            shared = sharing.find(connection, number)
            if shared is None or not _is_theirs(who, shared):
                raise Failure(f"you have no share {number}")
            shared = sharing.revoke(connection, number, who.name, parts.clock.now())
            note(connection, parts, who, "unshare", shared.offer.call_id, share=number)
    if as_json:
        print_json(shared)
    else:
        click.echo(f"share {number} can be opened no more")


@click.command("whose")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_option
@json_option
@recording_command
def whose(file: Path, as_name: str | None, as_json: bool) -> None:
    """Read the mark of a shared copy: by whom, for whom and when it left; exit code 3 when none can be read."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.SHARE)
        number = read_mark(beginning_of(file), NUMBER_DIGITS)
        if number is None:
            raise Failure(f"{file}: no mark can be read in it", REFUSED)
        with writing(parts.database) as connection:
            shared = sharing.find(connection, number)
            note(connection, parts, who, "whose", shared.offer.call_id if shared else "", share=number)
    if as_json:
        print_json({"share": number, "known": shared})
    elif shared is None:
        click.echo(f"share {number}, which this site does not know")
    else:
        offer = shared.offer
        click.echo(
            f"share {number}: call {offer.call_id}, shared by {offer.shared_by} with {offer.for_whom} "
            f"on {shared.shared_at:%Y-%m-%d %H:%M}Z; opened {shared.openings} times"
        )
