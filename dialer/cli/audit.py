"""`ringfence audit`: who did what with recordings, and is the chain that says so whole?"""

import re
from datetime import datetime

import click

from config.database import reading
from dialer.cli.acting import actor, as_option, check
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table, visible
from recorder import audit as chain
from recorder.access import Action

_TIP = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


@click.group()
def audit() -> None:
    """Who listed, heard, scored, held, exported, shared or purged which recording, and when."""


@audit.command("list")
@click.option("--who", help="What this one did.")
@click.option("--action", help="Such as play, export, share, denied.")
@click.option("--call", "call_id", help="About this call.")
@click.option("--since", type=Moment(), help="At or after this time.")
@click.option("--until", type=Moment(), help="Before this time.")
@click.option("--before", type=click.IntRange(1), help="Only entries before this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@as_option
@json_option
@site_command
def list_entries(
    who: str | None,
    action: str | None,
    call_id: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
    as_name: str | None,
    as_json: bool,
) -> None:
    """The entries, the latest first; conditions given together must all hold."""
    sought = chain.Sought(who, action, call_id, since, until, before, limit)
    with site() as parts:
        check(parts, actor(parts, as_name), Action.AUDIT)
        with reading(parts.database) as connection:
            found = chain.entries(connection, sought)
    if as_json:
        print_json(
            [
                {
                    "seq": one.seq,
                    "at": one.at,
                    "who": one.who,
                    "action": one.action,
                    "call_id": one.call_id,
                    "facts": dict(one.facts),
                }
                for one in found
            ]
        )
        return
    rows = [(one.seq, one.at, one.who, one.action, one.call_id or None, _told(one.facts)) for one in found]
    print_table("audit", ("entry", "at", "who", "action", "call", "with"), rows)


def _told(facts: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts)


@audit.command("verify")
@click.option(
    "--kept", multiple=True, metavar="SEQ:HASH", help="A tip that was kept elsewhere and must still be there; repeatable."
)
@json_option
@site_command
def verify(kept: tuple[str, ...], as_json: bool) -> None:
    """Check the hash chain of the audit; exit code 3 if an entry was altered, removed or put in.

    Whoever can rewrite the whole database can rewrite the chain: write the tip that is told down elsewhere, and give it to
    a later run with --kept.
    """
    tips = [_tip(text) for text in kept]
    with site() as parts, reading(parts.database) as connection:
        report = chain.verify(connection, tips)
    if as_json:
        print_json(report)
    else:
        for fault in report.faults:
            click.echo(visible(f"entry {fault.seq}: {fault.text}"))
        state = "as they were written" if report.intact else "NOT as they were written"
        click.echo(f"{report.rows} entries, {state}; tip {report.tip_seq}:{report.tip_hash}")
    if not report.intact:
        raise SystemExit(REFUSED)


def _tip(text: str) -> tuple[int, str]:
    found = _TIP.fullmatch(text)
    if found is None:
        raise Failure(f"--kept {text!r}: give a tip as `audit verify` tells it: the entry's number, a colon, 64 hex digits")
    return int(found[1]), found[2]
