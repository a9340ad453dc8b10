"""How close is a campaign to what the rules permit to be abandoned? The budgets, for people and for scripts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from sqlalchemy.engine import Connection

from compliance.answered import Measured, budgets
from compliance.budget import Budget, needs_an_agent_at_once
from compliance.pack_files import load_packs
from compliance.packs import Pack
from config.database import reading
from config.load import Site
from dialer import store
from dialer.cli.context import site, site_command
from dialer.cli.output import json_option, plain, print_json, print_table
from dialer.store import Campaign
from dialer.watch import policy_of

BAR = 10  # cells of the bar: full is the whole of what the rule permits
HEADINGS = ("rule", "level", "counted per", "in", "abandoned", "rate", "at most", "used", "more may be", "state")


@click.command("abandonment")
@click.argument("campaign", required=False)
@json_option
@site_command
def abandonment(campaign: str | None, as_json: bool) -> None:
    """How many answered calls of CAMPAIGN, or of each one, went without an agent, and how many more may by each rule."""
    with site() as parts:
        now = parts.clock.now()
        packs = packs_of(parts.site)
        with reading(parts.database) as connection:
            asked = [store.campaign_named(connection, campaign)] if campaign is not None else store.campaigns(connection)
            found = [(one, measured(connection, parts.site, packs, one, now)) for one in asked]
    if as_json:
        print_json([{"campaign": one.name, "state": one.state, "budgets": as_objects(measures)} for one, measures in found])
        return
    for one, measures in found:
        print_budgets(f"campaign {one.name}: {one.state}", measures)
    if not found:
        click.echo("no campaign yet; make one with `ringfence campaign create`")


def packs_of(here: Site) -> tuple[Pack, ...]:
    """The packs in force at the site. Raises PackError."""
    return tuple(load_packs(here.settings.gate.packs, here.directory))


def measured(connection: Connection, here: Site, packs: Sequence[Pack], campaign: Campaign, now: datetime) -> tuple[Budget, ...]:
    """Where the campaign stands now with every rule that may govern it."""
    of = Measured(campaign.name, here.settings.seller, campaign.purpose, campaign.started_at)
    return budgets(connection, packs, of, now, policy_of(here.settings.gate))


def warnings_for(packs: Sequence[Pack], campaign: Campaign) -> list[str]:
    """What to know before the campaign is started: rules that count every call of it as abandoned."""
    how = campaign.capture.disclosed_by
    if not campaign.disclosure or how is None or not how.comes_first:
        return []
    return [
        f"{rule.origin.id} ({rule.origin.cite}) counts a call as abandoned when the agent joins later than "
        f"{rule.connect_within.total_seconds():g} s after the {rule.connect_clock.replace('_', ' ')}, also behind a recorded "
        f"disclosure: this campaign plays {campaign.disclosure} first, so that each of its calls may count"
        for rule in needs_an_agent_at_once(packs, campaign.purpose)
    ]


def as_objects(measures: Sequence[Budget]) -> list[dict[str, Any]]:
    """The budgets as JSON can hold them, with the rate beside what it is made of."""
    return [{**plain(one), "limit": float(one.limit), "rate": one.rate} for one in measures]


def print_budgets(title: str, measures: Sequence[Budget]) -> None:
    """A table of the budgets, a row a rule; the bar is full when no more may be abandoned."""
    rows = [
        (
            one.rule,
            one.level,
            " + ".join(one.per),
            one.period,
            f"{one.abandoned} of {one.answered}",
            f"{one.rate * 100:.2f} %",
            f"{float(one.limit) * 100:g} %",
            _bar(one),
            max(0, one.headroom),
            one.state,
        )
        for one in measures
    ]
    print_table(title, HEADINGS, rows, empty="no rule in force counts abandoned calls")


def _bar(budget: Budget) -> str:
    permitted = budget.abandoned + budget.headroom
    full = BAR if budget.headroom <= 0 and budget.abandoned else min(BAR, BAR * budget.abandoned // max(1, permitted))
    return "█" * full + "░" * (BAR - full)
