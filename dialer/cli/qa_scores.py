"""Scoring a call on its form, from the command line: asked item by item on a terminal, from options or a file in a script."""

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.engine import Connection

from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.acting import as_option
from dialer.cli.context import site
from dialer.cli.output import Failure, json_option, print_json, visible
from dialer.cli.qa_acting import as_object, qa_command, somebody
from dialer.cli.qa_queue import language_option
from recorder.qa import forms, lookup, reviews
from recorder.qa.filling import BadForm, Filled, of_document, of_words, typed
from recorder.qa.lookup import Listed
from recorder.qa.review import Claimed, Remark, State
from recorder.qa.scorecard import Answer, Scorecard
from recorder.qa.scoring import BadAnswers, Score, is_asked
from recorder.qa.scoring import score as scored
from recorder.qa.somebody import Somebody

F = TypeVar("F", bound=Callable[..., Any])

LARGEST = 1 << 20  # bytes of a file with answers


def filling(function: F) -> F:
    """The options by which a form is filled."""
    options = (
        click.option("--answer", "answers", multiple=True, metavar="ITEM=ANSWER", help="yes, no, na or a number; repeatable."),
        click.option(
            "--remark",
            "remarks",
            multiple=True,
            metavar="ITEM@SECONDS=TEXT",
            help="A remark, at a place in the audio; repeatable.",
        ),
        click.option("--summary", default="", help="What is to be said of the whole call."),
        click.option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Answers, remarks and summary out of a file, JSON or TOML.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def filled(answers: tuple[str, ...], remarks: tuple[str, ...], summary: str, file: Path | None) -> Filled | None:
    """The form as the options have it; None when none of them was given. Raises BadForm, Failure."""
    words = of_words(answers, remarks, summary) if answers or remarks or summary else None
    if file is None:
        return words
    if words is not None:
        raise Failure("give --file, or --answer, --remark and --summary; not both")
    if file.stat().st_size > LARGEST:
        raise Failure(f"{file}: is larger than any form")
    try:
        text = file.read_text("utf-8")
        document = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, not TOML
        raise Failure(f"{file}: cannot be read: {error}") from None
    try:
        return of_document(document)
    except BadForm as error:
        raise BadForm("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from None


@click.command("score")
@click.argument("review_id", metavar="[REVIEW]", required=False)
@filling
@click.option("--ask", is_flag=True, help="Ask item by item; the default on a terminal.")
@language_option
@as_option
@json_option
@qa_command
def score(
    review_id: str | None,
    answers: tuple[str, ...],
    remarks: tuple[str, ...],
    summary: str,
    file: Path | None,
    ask: bool,
    language: str,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Score REVIEW, or the one that is due first: asked item by item, or from options.

    A review that nobody has is taken first. Items that the form asks only after another answer are left out otherwise.
    """
    given = filled(answers, remarks, summary, file)
    if given is None and not ask and not sys.stdin.isatty():
        raise Failure("give the answers with --answer or --file; or --ask, to be asked item by item")
    with site() as parts:
        by = somebody(parts, as_name)
        if given is not None:
            with writing(parts.database) as connection:
                taken = taken_for(connection, review_id, by, parts)
                told = reviews.hand_in(connection, taken.review.review_id, given, by, parts.clock.now())
        else:
            with writing(parts.database) as connection:
                taken = taken_for(connection, review_id, by, parts)
            with reading(parts.database) as connection:
                card = forms.of_hash(connection, taken.scorecard_sha256)
            click.echo(
                visible(f"review {taken.review.review_id}: call {taken.review.call_id}, {card.title.told(language)}"), err=as_json
            )
            asked = asked_for(card, language, to_stderr=as_json)
            with writing(parts.database) as connection:
                told = reviews.hand_in(connection, taken.review.review_id, asked, by, parts.clock.now())
    if as_json:
        print_json(as_object(told))
    elif told.review.score is not None:
        click.echo(visible(f"review {told.review.review_id}: {in_words(told.review.score)}"))


def taken_for(connection: Connection, review_id: str | None, by: Somebody, parts: bootstrap.Opened) -> Listed:
    """The review that they hold, taken now if nobody has it; without an id the one that is due first. Raises Failure for none."""
    now = parts.clock.now()
    if review_id is None:
        found = reviews.claim_next(connection, by, now)
        if found is None:
            raise Failure("nothing waits for you")
        return found
    one = lookup.show(connection, review_id, now)
    free = one.review.state in {State.DUE, State.APPEALED}
    return reviews.act(connection, review_id, Claimed(), by, now) if free else one


def asked_for(card: Scorecard, language: str, *, to_stderr: bool) -> Filled:
    """The form as somebody fills it at a terminal. Raises click.Abort when they give up: the review stays theirs."""
    click.echo("answer, and after it a remark if there is one: 4, or no @1:05 did not say what it costs", err=to_stderr)
    answers: dict[str, Answer] = {}
    remarks: list[Remark] = []
    for section in card.sections:
        click.echo(err=to_stderr)
        click.echo(visible(section.title.told(language)), err=to_stderr)
        for item in section.items:
            if not is_asked(item, answers):
                continue
            guide = item.guide.told(language)
            if guide:
                click.echo(visible(f"  ({guide})"), err=to_stderr)
            while True:
                line = click.prompt(visible(f"  {item.title.told(language)} [{item.answers()}]"), err=to_stderr)
                try:
                    answer, remark = typed(item.id, line)
                except ValueError as error:
                    click.echo(f"  {error}", err=to_stderr)
                    continue
                if item.takes(answer):
                    break
                click.echo(f"  {answer} is no answer to it: {item.answers()}", err=to_stderr)
            answers[item.id] = answer
            remarks += [remark] if remark else []
    summary = click.prompt("\nof the whole call", default="", show_default=False, err=to_stderr)
    counted = scored(card, answers)
    if isinstance(counted, BadAnswers):
        raise BadForm("\n".join(counted.faults))
    click.confirm(f"{in_words(counted)}: hand it in?", default=True, abort=True, err=to_stderr)
    return Filled(answers, tuple(remarks), summary)


def in_words(counted: Score) -> str:
    """A score in one line."""
    failed = f"; failed: {', '.join((*counted.fatal, *counted.critical))}" if counted.fatal or counted.critical else ""
    return f"{counted.total:.2f}, {'passed' if counted.passed else 'not passed'}{failed}"
