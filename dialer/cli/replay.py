"""`ringfence compliance replay`: do past decisions come out the same, with the rules and the facts of their time?"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from compliance.evidence_rows import NothingKept, Wanted, decisions, replays
from compliance.replay import KeptDecision, Replay
from compliance.rows import read_one_snapshot
from config.database import reading
from dialer import bootstrap
from dialer.cli.bundles import bundle_options, report, told_clearly, write_bundle
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment
from dialer.cli.output import REFUSED, Failure, json_option, print_json, visible


@click.command("replay")
@click.argument("call", required=False)
@click.option("--all", "every", is_flag=True, help="Every decision, permits and refusals; only those that differ are told.")
@click.option("--since", type=Moment(), help="With --all: decided at or after it.")
@click.option("--until", type=Moment(), help="With --all: decided before it.")
@click.option("--campaign", metavar="NAME", help="With --all: of this campaign.")
@bundle_options
@json_option
@site_command
@told_clearly
def replay(
    call: str | None,
    every: bool,
    since: datetime | None,
    until: datetime | None,
    campaign: str | None,
    target: Path | None,
    audio: bool,
    as_json: bool,
) -> None:
    """Decide about CALL (or the attempt of a refusal) again, with the packs, calendars and facts of that time.

    Exit code 0 when every decision comes out the same to the byte, 3 when one does not: then it says what differs.
    """
    if (call is None) is not every:
        raise Failure("give one CALL, or --all")
    if call is not None and (since or until or campaign):
        raise Failure("--since, --until and --campaign go with --all")
    if (target is None and audio) or (target is not None and call is None):
        raise Failure("--bundle FILE goes with one CALL, and --audio with --bundle")
    with site() as parts:
        wanted = Wanted(attempt_id=call, campaign=campaign, since=since, until=until)
        total, shown, differ = _decide_again(parts, wanted, whole=call is not None)
        if call is not None and not total:
            raise NothingKept(f"nothing was ever decided about a call {call!r}")
        made = write_bundle(parts, target, call_id=call or "", audio=audio) if target else None
    if as_json:
        print_json({"decisions": total, "identical": total - differ, "differing": differ, "told": shown})
    else:
        _tell(shown, total, differ)
    if made:
        report(*made, err=as_json)
    if differ:
        raise SystemExit(REFUSED)


def _decide_again(parts: bootstrap.Opened, wanted: Wanted, *, whole: bool) -> tuple[int, list[dict[str, Any]], int]:
    """How many decisions there are, those to be told, and how many came out otherwise."""
    total = differ = 0
    shown = []
    with reading(parts.database) as connection:
        read_one_snapshot(connection)
        again: Iterator[tuple[KeptDecision, Replay]] = replays(connection, decisions(connection, wanted))
        for one, found in again:
            total += 1
            differ += not found.same
            if whole or not found.same:
                shown.append(_told(one, found))
    return total, shown, differ


def _told(one: KeptDecision, found: Replay) -> dict[str, Any]:
    return {
        "attempt_id": one.attempt_id,
        "kind": one.verdict_kind,
        "decided_at": one.decided_at,
        "same": found.same,
        "differences": found.differences,
        "notes": found.notes,
        "then": found.then,
        "now": found.now,
    }


def _tell(shown: list[dict[str, Any]], total: int, differ: int) -> None:
    for one in shown:
        found = "comes out the same" if one["same"] else "does NOT come out the same"
        click.echo(visible(f"{one['attempt_id']}, {one['kind']} at {one['decided_at']:%Y-%m-%d %H:%M:%S}Z: {found}"))
        for difference in one["differences"]:
            click.echo(visible(f"  {difference}"))
        for note in one["notes"]:
            click.echo(visible(f"  note: {note}"))
    click.echo(f"{total} decisions made again: {total - differ} identical to the byte, {differ} not")
