"""What may be said from the reviewed calls, from the command line: averages, each with what it rests on; and who drifts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from config.database import reading
from dialer.cli.acting import as_option
from dialer.cli.arguments import FiniteRange
from dialer.cli.context import site
from dialer.cli.files import Moment
from dialer.cli.output import json_option, print_json, print_table
from dialer.cli.qa_acting import qa_command, somebody
from recorder.qa import calibrations, draws, results
from recorder.qa.calibration import differences
from recorder.qa.drift import Drift, drifts
from recorder.qa.estimates import Estimate
from recorder.qa.report import By, Line, lines
from recorder.qa.rights import Act, refusal

BACK = timedelta(weeks=13)


@click.command("report")
@click.option("--by", "dimension", type=click.Choice([one.value for one in By]), default=By.AGENT.value, show_default=True)
@click.option("--plan", "name", help="The samples of this plan; default: each plan's, one after the other.")
@click.option("--since", type=Moment(), help="Samples of calls from then on; default: 13 weeks before --until.")
@click.option("--until", type=Moment(), help="Samples of calls before then; default: now.")
@click.option("--confidence", type=FiniteRange(0.5, 0.999), default=0.95, show_default=True, help="Of the intervals.")
@as_option
@json_option
@qa_command
def report(
    dimension: str,
    name: str | None,
    since: datetime | None,
    until: datetime | None,
    confidence: float,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Averages with how many calls they rest on, how much that covers, and how sure they are.

    Only calls that chance drew count, each by the chance it had. Of reviewers, how they drift is told too: from closed
    calibrations, against the median of what the others gave the same calls.
    """
    by_what = By(dimension)
    with site() as parts:
        by = somebody(parts, as_name)
        until = until or parts.clock.now()
        since = since or until - BACK
        with reading(parts.database) as connection:
            plans = [draws.plan_named(connection, name)] if name else draws.plans(connection)
            found = {one.plan.name: results.of_plan(connection, one.plan.name, since, until, by) for one in plans}
            drifting: list[Drift] = []
            if by_what is By.REVIEWER and not refusal(by.acting, Act.CALIBRATE):
                rated = calibrations.rated_since(connection, since)
                drifting = drifts([one for of_session in rated for one in differences(of_session)])
    told = {plan: lines(by_what, one.results, one.cells, confidence) for plan, one in found.items()}
    if as_json:
        of_plans = [
            {"plan": plan, "samples": one.samples, "named": one.named, "lines": told[plan]} for plan, one in found.items()
        ]
        asked = {"by": by_what, "since": since, "until": until, "confidence": confidence}
        print_json(asked | {"plans": of_plans, "drift": [_drift_object(one) for one in drifting]})
        return
    for plan, one in found.items():
        title = f"plan {plan}; samples: {one.samples}; reviews of named calls, which are in no average: {one.named}"
        print_table(title, _HEADINGS, [_row(line) for line in told[plan]], empty="nothing yet")
    if not found:
        click.echo("no sampling plan yet: ringfence qa plan put")
    if drifting:
        _print_drift(drifting)


_HEADINGS = (
    "",
    "calls",
    "drawn",
    "reviewed",
    "coverage",
    "score",
    "interval",
    "without fatal",
    "passed",
    "fatal",
    "appealed",
    "changed",
)


def _row(line: Line) -> tuple[object, ...]:
    return (
        line.key,
        line.calls,
        line.drawn,
        line.reviewed,
        _percent(line.coverage),
        None if line.score is None else f"{line.score.mean:.1f}",
        _interval(line.score, 1),
        None if line.sound is None else f"{line.sound.mean:.1f} ({_interval(line.sound, 1) or 'of one call'})",
        _with_interval(line.passed),
        _with_interval(line.fatal),
        _percent(line.appealed),
        line.changed,
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


def _interval(estimate: Estimate | None, scale: float) -> str | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return f"{scale * estimate.low:.1f} to {scale * estimate.high:.1f}"


def _with_interval(estimate: Estimate | None) -> str | None:
    return None if estimate is None else f"{100 * estimate.mean:.1f} % ({_interval(estimate, 100) or 'of one call'})"


def _print_drift(drifting: Sequence[Drift]) -> None:
    rows = [
        (
            one.reviewer,
            one.calls,
            f"{one.mean:+.1f}",
            None if one.low is None or one.high is None else f"{one.low:+.1f} to {one.high:+.1f}",
            f"{one.harder:.1f}",
            f"{one.softer:.1f}",
            one.since,
            " ".join(f"{week.week}:{week.mean:+.1f}" for week in one.weeks[-6:]),
        )
        for one in drifting
    ]
    headings = ("reviewer", "calls", "points", "interval", "harder", "softer", "drifts since", "by week")
    print_table("drift: beside the others, in calibrations", headings, rows)


def _drift_object(one: Drift) -> dict[str, object]:
    return {
        "reviewer": one.reviewer,
        "calls": one.calls,
        "mean": one.mean,
        "low": one.low,
        "high": one.high,
        "weeks": one.weeks,
        "harder": one.harder,
        "softer": one.softer,
        "drifts": one.drifts,
        "since": one.since,
    }
