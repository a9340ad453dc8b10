"""How is a decision printed for people? Its reasons on the callee's clock, the packs and the rows it was made from."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from compliance.verdict import Clearance, Refusal
from dialer.cli.output import print_table, visible
from dialer.stories import DecisionTold, ReasonTold, on_their_clock, reasons_told

ROWS_SHOWN = 20  # ledger rows that counted, the latest; --json and a bundle have all


def tell_gate(now: Clearance | Refusal, number: str) -> None:
    """What the gate says at this moment."""
    told = reasons_told(now.reasons) if isinstance(now, Refusal) else ()
    _reasons(f"the gate now, for {number}", told, now.zones, empty="permitted")


def tell_decision(one: DecisionTold) -> None:
    """One kept decision, with everything it was made from."""
    end = "again" if one.reasons else "window ends"
    click.echo()
    click.echo(visible(f"{one.verdict} at {one.decided_at:%Y-%m-%d %H:%M:%S}Z for {one.number} ({one.attempt_id})"))
    if one.reasons or one.until:
        click.echo(visible(f"  {end}: {on_their_clock(one.until, one.zones)}"))
    if one.reasons:
        _reasons("reasons", one.reasons, one.zones, empty="")
    packs = [(pack.id, pack.version, _counted(pack.levels), _counted(pack.sources), pack.sha256) for pack in one.packs]
    print_table("rule packs that decided", ("pack", "version", "levels", "known from", "sha256"), packs)
    rows = [(row.seq, row.kind, row.at, row.number, row.campaign) for row in one.used[-ROWS_SHOWN:]]
    left = f", the latest {ROWS_SHOWN} of {len(one.used)}" if len(one.used) > ROWS_SHOWN else ""
    print_table(f"ledger rows that it looked at{left}", ("row", "event", "at", "number", "campaign"), rows, empty="none")
    for name, value in one.beside.items():
        click.echo(visible(f"  {name.replace('_', ' ')}: {_plainly(value)}"))
    found = "comes out the same" if not one.differs else f"comes out otherwise: {'; '.join(one.differs)}"
    click.echo(visible(f"  decided again: {found}"))


def _reasons(title: str, reasons: Sequence[ReasonTold], zones: Sequence[str], *, empty: str) -> None:
    rows = [
        (one.rule, one.text, on_their_clock(one.retry_at, zones), ", ".join(filter(None, (one.level, one.source))), one.cite)
        for one in reasons
    ]
    print_table(title, ("rule", "why", "again at", "level, known", "source"), rows, empty=empty)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _plainly(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{key} as of {item}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


def to_the_ms(at: datetime) -> str:
    """A moment of a call: milliseconds matter there."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
