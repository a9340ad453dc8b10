"""Campaigns, from the command line: made, started, paused, stopped, reviewed, looked at.

The rule it protects: a campaign that abandoned too many calls is started again only when somebody has said in their own name
why it may be.
"""

from datetime import timedelta

import click

from config.database import reading, writing
from config.ids import new_id
from dialer import metrics, store
from dialer.cli.abandonment import as_objects, measured, packs_of, print_budgets, warnings_for
from dialer.cli.arguments import FiniteRange, Name, PromptId
from dialer.cli.capture_options import capture_options, described
from dialer.cli.context import site, site_command
from dialer.cli.output import BAD_INPUT, REFUSED, failing, json_option, print_json, print_table, visible
from dialer.store import Campaign, CampaignState, NothingToReview, NotReviewed
from recorder.capture import CapturePolicy


@click.group()
def campaign() -> None:
    """Campaigns: create, start, pause, stop, review, look at them."""


@campaign.command("create")
@click.argument("name", type=Name(100))
@click.option(
    "--subject", type=Name(100), default="general", show_default=True, help="What the calls are about; caps may count by it."
)
@click.option(
    "--purpose",
    type=click.Choice(["sales", "service", "debt_collection", "research"]),
    default="sales",
    show_default=True,
    help="Which rules apply.",
)
@click.option(
    "--disclosure",
    type=PromptId(),
    default="disclosure-en",
    show_default=True,
    help="Id of the prompt played before the agent.",
)
@click.option(
    "--safe-harbour",
    type=PromptId(),
    default="safe-harbour-en",
    show_default=True,
    help="Id of the abandonment message.",
)
@click.option("--channels", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most calls at one time.")
@click.option("--max-attempts", type=click.IntRange(1, 100), default=3, show_default=True, help="Attempts for each lead.")
@click.option("--ring-seconds", type=FiniteRange(15, 120), default=25, show_default=True, help="How long to let it ring.")
@capture_options
@json_option
@site_command
def create(
    name: str,
    subject: str,
    purpose: str,
    disclosure: str,
    safe_harbour: str,
    channels: int,
    max_attempts: int,
    ring_seconds: float,
    capture: CapturePolicy,
    as_json: bool,
) -> None:
    """Create a campaign called NAME; it is not dialed before `campaign start`."""
    with site() as parts:
        now = parts.clock.now()
        made = Campaign(
            new_id(now),
            name,
            CampaignState.STOPPED,
            subject,
            purpose,
            disclosure,
            safe_harbour,
            channels,
            max_attempts,
            timedelta(seconds=ring_seconds),
            capture=capture,
        )
        with writing(parts.database) as connection:
            store.add_campaign(connection, made, now)
        if as_json:
            print_json(made)
        else:
            click.echo(f"campaign {name} created; next: ringfence list import FILE --campaign {name}")


def _rest(name: str, state: CampaignState, as_json: bool, said: str) -> None:
    with site() as parts:
        with writing(parts.database) as connection:
            store.set_campaign_state(connection, name, state)
            store.say(connection, "settings", {}, parts.clock.now())
        if as_json:
            print_json({"campaign": name, "state": state})
        else:
            click.echo(visible(said))


@campaign.command("start")
@click.argument("name")
@json_option
@failing({NotReviewed: REFUSED})
@site_command
def start(name: str, as_json: bool) -> None:
    """Let NAME be dialed, by the `ringfence run` of this site; exit code 3 while a stop by a rule waits for a review."""
    with site() as parts:
        packs, now = packs_of(parts.site), parts.clock.now()
        with writing(parts.database) as connection:
            try:
                store.start_campaign(connection, name, now)
            except NotReviewed as error:
                how = f'ringfence campaign review {name} --by WHO --note "TEXT"'
                raise NotReviewed(f"{error}; first look at it, then say so: {how}") from error
            store.say(connection, "settings", {}, now)
            warnings = warnings_for(packs, store.campaign_named(connection, name))
    if as_json:
        print_json({"campaign": name, "state": CampaignState.RUNNING, "warnings": warnings})
        return
    click.echo(visible(f"campaign {name} is running while `ringfence run` does"))
    for warning in warnings:
        click.echo(visible(f"warning: {warning}"), err=True)


@campaign.command("pause")
@click.argument("name")
@json_option
@site_command
def pause(name: str, as_json: bool) -> None:
    """Place no more calls of NAME for now; calls that are up go on."""
    _rest(name, CampaignState.PAUSED, as_json, f"campaign {name} is paused; calls that are up go on")


@campaign.command("stop")
@click.argument("name")
@json_option
@site_command
def stop(name: str, as_json: bool) -> None:
    """Place no more calls of NAME; calls that are up go on."""
    _rest(name, CampaignState.STOPPED, as_json, f"campaign {name} is stopped; calls that are up go on")


@campaign.command("review")
@click.argument("name")
@click.option("--by", required=True, type=Name(100), help="Who has looked at it.")
@click.option("--note", required=True, type=Name(2000), help="What was found, and why the campaign may be started again.")
@json_option
@failing({NothingToReview: BAD_INPUT, NotReviewed: REFUSED})
@site_command
def review(name: str, by: str, note: str, as_json: bool) -> None:
    """Record that NAME, which a rule had stopped, was reviewed: it may be started again."""
    with site() as parts, writing(parts.database) as connection:
        store.review_campaign(connection, name, by, note, parts.clock.now())
        reviewed = store.campaign_named(connection, name)
    if as_json:
        print_json({"campaign": name, "state": reviewed.state, "reviewed_at": reviewed.reviewed_at, "by": by, "note": note})
    else:
        click.echo(visible(f"campaign {name} was reviewed by {by}; next: ringfence campaign start {name}"))


@campaign.command("list")
@json_option
@site_command
def list_campaigns(as_json: bool) -> None:
    """All campaigns of the site."""
    with site() as parts:
        with reading(parts.database) as connection:
            found = [(one, store.lead_counts(connection, one.campaign_id)) for one in store.campaigns(connection)]
        if as_json:
            print_json([{"name": one.name, "state": one.state, "leads": counts} for one, counts in found])
            return
        rows = [(one.name, one.state, sum(counts.values()), _counts(counts)) for one, counts in found]
        print_table("campaigns", ("name", "state", "leads", "of which"), rows, empty="none yet; make one with `campaign create`")


@campaign.command("show")
@click.argument("name")
@json_option
@site_command
def show(name: str, as_json: bool) -> None:
    """What became of the leads and calls of NAME, and how many more may be abandoned."""
    with site() as parts:
        with reading(parts.database) as connection:
            one = store.campaign_named(connection, name)
            counts = store.lead_counts(connection, one.campaign_id)
            calls = store.attempts_of(connection, campaign_id=one.campaign_id)
            budgets = measured(connection, parts.site, packs_of(parts.site), one, parts.clock.now())
        figures = metrics.figures([(call.call, call.disposition) for call in calls])
        if as_json:
            print_json({"campaign": one, "leads": counts, "calls": figures, "budgets": as_objects(budgets)})
            return
        rows: list[tuple[str, object]] = [
            ("state", one.state),
            ("recording", described(one.capture)),
            ("leads", _counts(counts)),
            ("placed", figures.placed),
            ("answered", figures.answered),
            ("bridged", figures.bridged),
            ("abandoned", figures.abandoned),
            ("answer to agent, p95 ms, as signalled", figures.signalled_p95_ms),
            ("dispositions", _counts(figures.dispositions)),
        ]
        if one.halted_at is not None:
            rows += [("halted", one.halted_at), ("because", one.halted_because)]
        if one.reviewed_at is not None:
            rows += [("reviewed", one.reviewed_at), ("by", one.reviewed_by), ("note", one.review_note)]
        print_table(f"campaign {name}", ("", ""), rows)
        print_budgets("abandonment", budgets)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
