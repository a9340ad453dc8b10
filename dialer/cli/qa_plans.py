"""Sampling plans and the samples drawn by them, from the command line."""

import secrets
from collections import Counter
from datetime import datetime
from fractions import Fraction
from typing import Any

import click

from compliance.wallclock import zone_named
from config.database import reading, writing
from dialer.cli.acting import as_option
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.files import Moment, Zone
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table
from dialer.cli.qa_acting import qa_command, somebody
from recorder.qa import draws
from recorder.qa.draws import KeptPlan
from recorder.qa.plan import Feature, Period, Plan, last_week, week_of
from recorder.qa.risk import Risk, parse_risk
from recorder.qa.sampling import Quota


class Weight(click.ParamType[Risk]):
    """A trait of calls and how much likelier it makes them."""

    name = "trait[:value]=factor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Risk:
        try:
            return value if isinstance(value, Risk) else parse_risk(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Share(click.ParamType[Fraction]):
    """A part of all calls, above 0 and at most 1: 0.05, 5% or 1/20."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        text = str(value)
        try:
            share = Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{text[:20]!r} is no share: write 5%, 0.05 or 1/20", param, ctx)
        if not 0 < share <= 1:
            self.fail(f"{text[:20]!r} must be above 0 and at most 100%", param, ctx)
        return share


@click.group("plan")
def plan() -> None:
    """Sampling plans: which calls are drawn for review, and the samples drawn so far."""


@plan.command("put")
@click.argument("name", type=Name(64))
@click.option("--share", type=Share(), help="Of each agent's calls: 5%, 0.05 or 1/20; rounded up.")
@click.option("--count", type=click.IntRange(1, 1000), help="Of each agent's calls.")
@click.option("--minimum", type=click.IntRange(1, 1000), default=1, show_default=True, help="Of each agent at least.")
@click.option(
    "--by", "strata", multiple=True, type=click.Choice([one.value for one in Feature]), help="Every kind its part; repeatable."
)
@click.option(
    "--weigh",
    "risks",
    multiple=True,
    type=Weight(),
    help="Make calls likelier: degraded=3, complaint=9, undisclosed=5, outcome:sale=2, overtalk:0.1=2 and so on; repeatable.",
)
@click.option("--band", "bands", multiple=True, type=click.IntRange(1, 86_400), help="A bound of lengths in seconds; repeatable.")
@click.option("--campaign", "campaigns", multiple=True, type=Name(64), help="Only this campaign; repeatable.")
@click.option("--team", "teams", multiple=True, type=Name(64), help="Only this team; repeatable.")
@click.option("--shortest", type=click.IntRange(0), default=0, show_default=True, help="No call shorter than so many seconds.")
@click.option("--reviewer", "reviewers", multiple=True, type=Name(64), help="Who reviews, told off by chance; repeatable.")
@click.option("--scorecard", default="sales-call", show_default=True, help="The form; a draw takes its latest version.")
@click.option(
    "--due-days", type=click.IntRange(1, 365), default=7, show_default=True, help="A review is due so long after the draw."
)
@click.option("--appeal-days", type=click.IntRange(1, 365), default=7, show_default=True, help="The agent may answer so long.")
@click.option("--zone", type=Zone(), default="UTC", show_default=True, help="Whose weeks, such as Asia/Shanghai.")
@as_option
@json_option
@qa_command
def put(name: str, as_name: str | None, as_json: bool, **asked: Any) -> None:
    """Keep plan NAME; if it is there already, its next version. Give --share or --count."""
    try:
        quota = Quota(asked["share"], asked["count"], asked["minimum"])
    except ValueError:
        raise Failure("give --share or --count, one of them") from None
    wanted = Plan(
        name=name,
        scorecard=asked["scorecard"],
        quota=quota,
        strata=tuple(Feature(one) for one in asked["strata"]),
        risks=asked["risks"],
        bands=tuple(sorted(set(asked["bands"]))) or (60, 300),
        campaigns=asked["campaigns"],
        teams=asked["teams"],
        shortest_s=asked["shortest"],
        reviewers=asked["reviewers"],
        due_days=asked["due_days"],
        appeal_days=asked["appeal_days"],
        zone=str(asked["zone"]),
    )
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            version = draws.put(connection, wanted, by, parts.clock.now())
    if as_json:
        print_json({"plan": name, "version": version})
    else:
        click.echo(f"plan {name}, version {version}")


@plan.command("list")
@json_option
@qa_command
def list_plans(as_json: bool) -> None:
    """The plans, in their latest versions."""
    with site() as parts, reading(parts.database) as connection:
        found = draws.plans(connection)
    if as_json:
        print_json([_plan_object(one) for one in found])
        return
    rows = [
        (
            one.plan.name,
            one.version,
            _quota(one.plan.quota),
            " ".join(one.plan.strata) or None,
            " ".join(map(str, one.plan.risks)) or None,
            one.plan.scorecard,
            " ".join(one.plan.reviewers) or None,
        )
        for one in found
    ]
    print_table(
        "sampling plans", ("plan", "version", "of each agent", "strata", "likelier", "form", "reviewers"), rows, empty="none"
    )


@plan.command("draw")
@click.argument("name")
@click.option("--week", help="This ISO week, such as 2026-W46; default: the last one that is over.")
@click.option("--since", type=Moment(), help="Instead of a week: from this time on.")
@click.option("--until", type=Moment(), help="Instead of a week: before this time.")
@click.option("--seed", type=Name(128), help="What chance is made of; default: a new one, which is kept.")
@click.option("--dry-run", is_flag=True, help="Only say how many calls there are and would be drawn; never which.")
@as_option
@json_option
@qa_command
def draw(
    name: str,
    week: str | None,
    since: datetime | None,
    until: datetime | None,
    seed: str | None,
    dry_run: bool,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Draw the sample of plan NAME and have its calls reviewed. The same time is drawn once: exit code 3 the second time."""
    with site() as parts:
        by, now = somebody(parts, as_name), parts.clock.now()
        seed = seed or secrets.token_hex(16)
        with reading(parts.database) as connection:
            kept = draws.plan_named(connection, name)
        period = _period(kept, week, since, until, now)
        with reading(parts.database) as connection:
            sample = draws.sampled(connection, kept.plan, period, seed)
        if dry_run:
            there = Counter(one.call.agent_id for one in sample.calls)
            drawn = Counter(one.cell for one in sample.drawn)
            rows = [(agent, there[agent], drawn[agent]) for agent in sorted(there)]
            if as_json:
                cells = [{"agent_id": agent, "calls": calls, "drawn": number} for agent, calls, number in rows]
                print_json({"plan": name, "since": period.since, "until": period.until, "cells": cells})
            else:
                print_table(f"plan {name}: {_days(period)}", ("agent", "calls", "drawn"), rows, empty="no call")
            return
        with writing(parts.database) as connection:
            told = draws.keep(connection, kept, period, seed, sample, by=by, now=now)
    if as_json:
        print_json(told)
    else:
        click.echo(f"sample {told.draw_id}: {told.drawn} of {told.calls} calls, {_days(period)}, seed {told.seed}")


@plan.command("samples")
@json_option
@qa_command
def samples(as_json: bool) -> None:
    """The samples that were drawn, the latest first."""
    with site() as parts, reading(parts.database) as connection:
        found = draws.draws(connection)
    if as_json:
        print_json(found)
        return
    rows = [
        (one.draw_id, f"{one.plan} {one.version}", _days(one.period), one.drawn, one.calls, one.drawn_by, one.seed)
        for one in found
    ]
    print_table("samples", ("sample", "plan", "of", "drawn", "calls", "by", "seed"), rows, empty="none")


@plan.command("verify")
@click.argument("sample", required=False)
@json_option
@qa_command
def verify(sample: str | None, as_json: bool) -> None:
    """Draw SAMPLE, or every one, again from its seed, and compare; exit code 3 when it comes out another."""
    with site() as parts, reading(parts.database) as connection:
        findings = [text for one in draws.draws(connection, sample) for text in draws.drawn_again(connection, one)]
    if as_json:
        print_json(findings)
    else:
        click.echo("\n".join(findings) or "every sample is the one that its seed gives")
    if findings:
        raise SystemExit(REFUSED)


def _period(kept: KeptPlan, week: str | None, since: datetime | None, until: datetime | None, now: datetime) -> Period:
    if since is not None or until is not None:
        if since is None or until is None or week is not None or since >= until:
            raise Failure("give --week; or --since and a later --until")
        return Period(since, until)
    zone = zone_named(kept.plan.zone)
    try:
        return week_of(week or last_week(now, zone), zone)
    except ValueError as error:
        raise Failure(f"--week: {error}") from None


def _days(period: Period) -> str:
    return f"{period.since:%Y-%m-%d %H:%M}Z to {period.until:%Y-%m-%d %H:%M}Z"


def _quota(quota: Quota) -> str:
    told = f"{quota.count} calls" if quota.share is None else f"{float(100 * quota.share):g} %"
    return f"{told}, at least {quota.minimum}" if quota.minimum > 1 or quota.share is not None else told


def _plan_object(one: KeptPlan) -> dict[str, Any]:
    plan = one.plan
    return {
        "plan": plan.name,
        "version": one.version,
        "share": None if plan.quota.share is None else float(plan.quota.share),
        "count": plan.quota.count,
        "minimum": plan.quota.minimum,
        "strata": plan.strata,
        "weights": [str(risk) for risk in plan.risks],
        "bands": plan.bands,
        "campaigns": plan.campaigns,
        "teams": plan.teams,
        "shortest_seconds": plan.shortest_s,
        "reviewers": plan.reviewers,
        "scorecard": plan.scorecard,
        "due_days": plan.due_days,
        "appeal_days": plan.appeal_days,
        "zone": plan.zone,
        "made_at": one.made_at,
        "made_by": one.made_by,
    }
