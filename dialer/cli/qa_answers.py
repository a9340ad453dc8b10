"""What becomes of a score, from the command line: the agent accepts or appeals, and another person decides on the appeal."""

from datetime import timedelta
from pathlib import Path

import click

from config.database import writing
from dialer.cli.acting import as_option
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.output import Failure, json_option, print_json, visible
from dialer.cli.qa_acting import as_object, qa_command, somebody
from dialer.cli.qa_queue import review_argument
from dialer.cli.qa_scores import filled, filling, in_words, taken_for
from recorder.qa import forms, lookup, reviews
from recorder.qa.filling import Filled, changed
from recorder.qa.lookup import Listed
from recorder.qa.review import Accepted, Appealed, Scored


@click.command("accept")
@review_argument
@as_option
@json_option
@qa_command
def accept(review_id: str, as_name: str | None, as_json: bool) -> None:
    """Accept the score of REVIEW, as the agent it is about."""
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            told = reviews.act(connection, review_id, Accepted(), by, parts.clock.now())
    _say(told, as_json)


@click.command("appeal")
@review_argument
@click.option("--reason", required=True, type=Name(2000), help="What is wrong with the score.")
@as_option
@json_option
@qa_command
def appeal(review_id: str, reason: str, as_name: str | None, as_json: bool) -> None:
    """Appeal against the score of REVIEW, as the agent it is about. Another person than the first reviewer decides on it."""
    with site() as parts:
        by, now = somebody(parts, as_name), parts.clock.now()
        with writing(parts.database) as connection:
            known = lookup.show(connection, review_id, now)
            due_at = now + timedelta(days=known.appeal_days)
            told = reviews.act(connection, review_id, Appealed(reason, due_at), by, now)
    _say(told, as_json)


@click.command("decide")
@review_argument
@click.option("--uphold", is_flag=True, help="The score stands.")
@click.option("--reason", required=True, type=Name(2000), help="Why; the agent reads it.")
@filling
@as_option
@json_option
@qa_command
def decide(
    review_id: str,
    uphold: bool,
    reason: str,
    answers: tuple[str, ...],
    remarks: tuple[str, ...],
    summary: str,
    file: Path | None,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Decide on an appeal, as another person than the first reviewer.

    --uphold the score, or give the answers that change: those that are not given stay as they were. What was marked before
    stays in the history.
    """
    given = filled(answers, remarks, summary, file)
    if uphold == (given is not None):
        raise Failure("give --uphold, or the answers that change with --answer or --file")
    with site() as parts:
        by, now = somebody(parts, as_name), parts.clock.now()
        with writing(parts.database) as connection:
            taken = taken_for(connection, review_id, by, parts)
            before = [done.event for done in lookup.history(connection, review_id) if isinstance(done.event, Scored)]
            if given is not None and before:
                card = forms.of_hash(connection, taken.scorecard_sha256)
                merged = changed(card, dict(before[-1].marks.answers), given.answers)
                given = Filled(merged, (*before[-1].marks.remarks, *given.remarks), given.summary or before[-1].marks.summary)
            told = reviews.decide(connection, review_id, reason, given, by=by, now=now)
    _say(told, as_json)


def _say(told: Listed, as_json: bool) -> None:
    if as_json:
        print_json(as_object(told))
        return
    score = f": {in_words(told.review.score)}" if told.review.score else ""
    click.echo(visible(f"review {told.review.review_id}: {told.standing}{score}"))
