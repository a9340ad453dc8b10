"""Calibrations, from the command line: several reviewers score the same calls, each alone; then all see how far they agree."""

from pathlib import Path
from typing import Any

import click

from config.database import reading, writing
from dialer.cli.acting import as_option
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.output import Failure, json_option, print_json, print_table
from dialer.cli.qa_acting import qa_command, somebody
from dialer.cli.qa_queue import language_option
from dialer.cli.qa_scores import asked_for, filled, filling, in_words
from recorder.qa import calibrations, forms
from recorder.qa.agreement import Agreement
from recorder.qa.calibration import Outcome, Rated, by_call, outcome
from recorder.qa.calibrations import Calibration
from recorder.qa.review_json import marks_json

calibration_argument = click.argument("calibration_id", metavar="CALIBRATION")


@click.group("calibrate")
def calibrate() -> None:
    """Calibrations: several reviewers score the same calls, each alone; do they agree?"""


@calibrate.command("open")
@click.argument("call_ids", metavar="CALL_ID...", nargs=-1, required=True)
@click.option("--title", type=Name(100), default="calibration", show_default=True)
@click.option("--reviewer", "reviewers", multiple=True, type=Name(64), help="Who scores; repeatable; default: whoever reviews.")
@click.option("--scorecard", default="sales-call", show_default=True, help="The form; its latest version is used.")
@as_option
@json_option
@qa_command
def open_session(
    call_ids: tuple[str, ...], title: str, reviewers: tuple[str, ...], scorecard: str, as_name: str | None, as_json: bool
) -> None:
    """Have these calls scored together."""
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            opened = calibrations.open_session(connection, title, call_ids, reviewers, scorecard, by=by, now=parts.clock.now())
    if as_json:
        print_json(opened)
    else:
        click.echo(f"calibration {opened.calibration_id}: {len(opened.calls)} calls")


@calibrate.command("list")
@json_option
@qa_command
def list_sessions(as_json: bool) -> None:
    """The calibrations, the latest first."""
    with site() as parts, reading(parts.database) as connection:
        found = [(one, calibrations.waiting(connection, one)) for one in calibrations.sessions(connection)]
    if as_json:
        print_json([_object(one) | {"waiting": len(left)} for one, left in found])
        return
    rows = [
        (one.calibration_id, one.title, one.opened_at, one.closed_at, len(one.calls), " ".join(one.reviewers) or None, len(left))
        for one, left in found
    ]
    print_table("calibrations", ("calibration", "title", "opened", "closed", "calls", "reviewers", "missing"), rows, empty="none")


@calibrate.command("score")
@calibration_argument
@click.argument("call_id")
@filling
@click.option("--ask", is_flag=True, help="Ask item by item.")
@language_option
@as_option
@json_option
@qa_command
def score(
    calibration_id: str,
    call_id: str,
    answers: tuple[str, ...],
    remarks: tuple[str, ...],
    summary: str,
    file: Path | None,
    ask: bool,
    language: str,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Score one call of CALIBRATION, alone: what the others gave is seen when it is closed."""
    given = filled(answers, remarks, summary, file)
    if given is None and not ask:
        raise Failure("give the answers with --answer or --file; or --ask, to be asked item by item")
    with site() as parts:
        by = somebody(parts, as_name)
        if given is None:
            with reading(parts.database) as connection:
                card = forms.of_hash(connection, calibrations.session(connection, calibration_id).scorecard_sha256)
            given = asked_for(card, language, to_stderr=as_json)
        with writing(parts.database) as connection:
            told = calibrations.hand_in(connection, calibration_id, call_id, given, by=by, now=parts.clock.now())
    if as_json:
        print_json(_rated(told))
    else:
        click.echo(f"call {call_id}: {in_words(told.marks.score)}")


@calibrate.command("close")
@calibration_argument
@as_option
@json_option
@qa_command
def close(calibration_id: str, as_name: str | None, as_json: bool) -> None:
    """End CALIBRATION: nobody scores any more, and everybody sees all of it."""
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            closed = calibrations.close(connection, calibration_id, by, parts.clock.now())
    if as_json:
        print_json(closed)
    else:
        click.echo(f"calibration {calibration_id} is closed")


@calibrate.command("show")
@calibration_argument
@as_option
@json_option
@qa_command
def show(calibration_id: str, as_name: str | None, as_json: bool) -> None:
    """What came of CALIBRATION: the scores, and how far they agree; until it is closed only what is yours."""
    with site() as parts:
        by = somebody(parts, as_name)
        with reading(parts.database) as connection:
            kept = calibrations.session(connection, calibration_id)
            rated = calibrations.rated(connection, kept, by)
            card = forms.of_hash(connection, kept.scorecard_sha256)
            waiting = calibrations.waiting(connection, kept)
    found = outcome(card, rated) if kept.closed_at is not None else None
    if as_json:
        told = None if found is None else _outcome(found)
        left = [{"call_id": call_id, "reviewer": name} for call_id, name in waiting]
        print_json(_object(kept) | {"waiting": left, "scores": [_rated(one) for one in rated], "agreement": told})
        return
    names = sorted({one.reviewer for one in rated})
    rows = [
        (call_id, *(next((one.marks.score.total for one in of_call if one.reviewer == name), None) for name in names))
        for call_id, of_call in sorted(by_call(rated).items())
    ]
    print_table(f"{kept.title}: scores", ("call", *names), rows, empty="none")
    if found is None:
        click.echo("not closed yet: you see what is yours")
        return
    told_items = [("total", found.total), ("passed", found.passing), *((one.item, one.agreement) for one in found.items)]
    rows_of_items = [(name, *_words(one)) for name, one in told_items]
    print_table("agreement (Krippendorff's alpha)", ("item", "calls", "the same %", "alpha", ""), rows_of_items)
    deviations = [(one.reviewer, one.calls, f"{one.mean:+.1f}", f"{one.largest:+.1f}") for one in found.reviewers]
    print_table(
        "beside the median of the others", ("reviewer", "calls", "on average", "at most"), deviations, empty="nothing to compare"
    )


def _words(one: Agreement) -> tuple[int, float | None, str | None, str]:
    return one.calls, None if one.same is None else 100 * one.same, None if one.alpha is None else f"{one.alpha:.3f}", one.reading


def _object(one: Calibration) -> dict[str, Any]:
    return {
        "calibration_id": one.calibration_id,
        "title": one.title,
        "scorecard_sha256": one.scorecard_sha256,
        "calls": one.calls,
        "reviewers": one.reviewers,
        "opened_at": one.opened_at,
        "opened_by": one.opened_by,
        "closed_at": one.closed_at,
        "closed_by": one.closed_by,
    }


def _rated(one: Rated) -> dict[str, Any]:
    return {"call_id": one.call_id, "reviewer": one.reviewer, "at": one.at, "marks": marks_json(one.marks)}


def _agreement(one: Agreement) -> dict[str, Any]:
    return {"calls": one.calls, "values": one.values, "same": one.same, "alpha": one.alpha, "reading": one.reading}


def _outcome(found: Outcome) -> dict[str, Any]:
    return {
        "total": _agreement(found.total),
        "passed": _agreement(found.passing),
        "items": {one.item: _agreement(one.agreement) for one in found.items},
        "reviewers": found.reviewers,
    }
