"""Which calls wait to be reviewed, and who has which? The queue, from the command line."""

from datetime import timedelta

import click

from config.database import reading, writing
from dialer.cli.acting import as_option
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.output import REFUSED, Failure, json_option, print_json, print_table, visible
from dialer.cli.qa_acting import as_object, place, qa_command, somebody
from recorder.qa import forms, lookup, reviews
from recorder.qa.lookup import Happened, Listed, Sought
from recorder.qa.review import Appealed, Assigned, Claimed, Decided, Event, Marks, Opened, Released, Scored, State, Withdrawn
from recorder.qa.review_json import kind_of, marks_json
from recorder.qa.scorecard import Scorecard

review_argument = click.argument("review_id", metavar="REVIEW")
language_option = click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the form's texts."
)


@click.command("queue")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([one.value for one in State]), help="Standing so; repeatable."
)
@click.option("--reviewer", help="Whoever has it, is told off for it, or scored it.")
@click.option("--agent", "agent_id", help="About this agent.")
@click.option("--campaign", help="Of this campaign.")
@click.option("--call", "call_id", help="Of this call.")
@click.option("--sample", "draw_id", help="Of this sample.")
@click.option("--late", is_flag=True, help="Only those with which somebody is late.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="After so many.")
@as_option
@json_option
@qa_command
def queue(
    states: tuple[str, ...],
    reviewer: str | None,
    agent_id: str | None,
    campaign: str | None,
    call_id: str | None,
    draw_id: str | None,
    late: bool,
    limit: int,
    offset: int,
    as_name: str | None,
    as_json: bool,
) -> None:
    """The reviews you may see, those due first at the top. An agent sees the own ones, once they are scored."""
    wanted = frozenset(State(one) for one in states)
    sought = Sought(wanted, agent_id, reviewer, campaign, call_id, draw_id, late, limit, offset)
    with site() as parts:
        by = somebody(parts, as_name)
        with reading(parts.database) as connection:
            found = lookup.listed(connection, sought, by, parts.clock.now())
    if as_json:
        print_json([as_object(one) for one in found])
        return
    rows = [
        (
            one.review.review_id,
            f"{one.standing}{', late' if one.late and one.standing is not State.OVERDUE else ''}",
            one.review.due_at,
            one.review.holder or one.review.assigned or one.review.reviewer or None,
            one.review.agent_id,
            one.campaign,
            one.review.call_id,
            None if one.review.score is None else one.review.score.total,
        )
        for one in found
    ]
    print_table("reviews", ("review", "state", "due", "reviewer", "agent", "campaign", "call", "score"), rows, empty="none")


@click.command("open")
@click.argument("call_id")
@click.option("--reason", required=True, type=Name(200), help="Why this call.")
@click.option("--reviewer", type=Name(64), help="Who is to do it; default: whoever comes first.")
@click.option("--scorecard", default="sales-call", show_default=True, help="The form; its latest version is used.")
@click.option("--due-days", type=click.IntRange(1, 365), default=7, show_default=True)
@click.option("--appeal-days", type=click.IntRange(1, 365), default=7, show_default=True, help="The agent may answer so long.")
@as_option
@json_option
@qa_command
def open_review(
    call_id: str,
    reason: str,
    reviewer: str | None,
    scorecard: str,
    due_days: int,
    appeal_days: int,
    as_name: str | None,
    as_json: bool,
) -> None:
    """Have CALL_ID reviewed, for a reason; it counts in no average. Averages are of calls that chance drew."""
    with site() as parts:
        by, now = somebody(parts, as_name), parts.clock.now()
        opened = Opened(reason, reviewer or "", now + timedelta(days=due_days))
        with writing(parts.database) as connection:
            review_id = reviews.name_call(connection, call_id, opened, scorecard, appeal_days=appeal_days, by=by, now=now)
            told = lookup.show(connection, review_id, now)
    _say(told, as_json)


@click.command("claim")
@click.argument("review_id", metavar="[REVIEW]", required=False)
@as_option
@json_option
@qa_command
def claim(review_id: str | None, as_name: str | None, as_json: bool) -> None:
    """Take REVIEW, or the one that is due first; nobody else has it then. Nobody gets a call that they are on."""
    with site() as parts:
        by, now = somebody(parts, as_name), parts.clock.now()
        with writing(parts.database) as connection:
            if review_id is None:
                told = reviews.claim_next(connection, by, now)
            else:
                told = reviews.act(connection, review_id, Claimed(), by, now)
    if told is None:
        print_json(None) if as_json else click.echo("nothing waits for you")
    else:
        _say(told, as_json)


@click.command("assign")
@review_argument
@click.argument("reviewer", required=False, type=Name(64))
@click.option("--nobody", is_flag=True, help="Whoever comes first may take it.")
@as_option
@json_option
@qa_command
def assign(review_id: str, reviewer: str | None, nobody: bool, as_name: str | None, as_json: bool) -> None:
    """Tell somebody off for REVIEW, or with --nobody nobody any more."""
    if (reviewer is None) != nobody:
        raise Failure("give the name of a REVIEWER, or --nobody")
    _do(review_id, Assigned(reviewer or ""), as_name, as_json)


@click.command("release")
@review_argument
@click.option("--reason", type=Name(200), help="Why, in your words.")
@as_option
@json_option
@qa_command
def release(review_id: str, reason: str | None, as_name: str | None, as_json: bool) -> None:
    """Give REVIEW back unscored, for somebody else to take. Who assigns reviews may give back another's."""
    _do(review_id, Released(reason or ""), as_name, as_json)


@click.command("withdraw")
@review_argument
@click.option("--reason", required=True, type=Name(200), help="Why it cannot be reviewed.")
@as_option
@json_option
@qa_command
def withdraw(review_id: str, reason: str, as_name: str | None, as_json: bool) -> None:
    """End REVIEW without a score that counts: it cannot be reviewed. A score that stands is not withdrawn, but appealed."""
    _do(review_id, Withdrawn(reason), as_name, as_json)


@click.command("show")
@review_argument
@language_option
@as_option
@json_option
@qa_command
def show(review_id: str, language: str, as_name: str | None, as_json: bool) -> None:
    """All of REVIEW: where it stands, the score, the remarks, everything that was done."""
    with site() as parts:
        by = somebody(parts, as_name)
        with reading(parts.database) as connection:
            one = lookup.show(connection, review_id, parts.clock.now())
            if why := lookup.may_see(one, by):
                raise Failure(why, REFUSED)
            card = forms.of_hash(connection, one.scorecard_sha256)
            happened = lookup.history(connection, review_id)
    marks = [event.marks for event in (done.event for done in happened) if isinstance(event, Scored | Decided) and event.marks]
    if as_json:
        history = [{"seq": done.seq, "at": done.at, "who": done.who, "event": kind_of(done.event)} for done in happened]
        print_json(as_object(one) | {"marks": [marks_json(one) for one in marks], "history": history})
        return
    print_table(f"review {review_id}", ("", ""), _facts(one, card))
    if marks:
        print_table("what was marked", ("item", "", "answer", "remarks"), _marked(card, marks[-1], language))
    print_table(
        "what was done", ("at", "who", "what", ""), [(done.at, done.who, kind_of(done.event), _said(done)) for done in happened]
    )


def _facts(one: Listed, card: Scorecard) -> list[tuple[str, object]]:
    score = one.review.score
    facts: list[tuple[str, object]] = [
        ("state", f"{one.standing}{', late' if one.late else ''}"),
        ("call", one.review.call_id),
        ("agent", one.review.agent_id),
        ("form", f"{card.id} {card.version}"),
        ("due", one.review.due_at),
        ("reviewer", one.review.reviewer or one.review.holder or one.review.assigned or None),
    ]
    if score is not None:
        facts += [
            ("score", f"{score.total:.2f}, {'passed' if score.passed else 'not passed'}"),
            *(
                (section.section, "not applicable" if section.percent is None else f"{section.percent:.2f}")
                for section in score.sections
            ),
            ("failed, fatal", ", ".join(score.fatal) or None),
            ("failed, critical", ", ".join(score.critical) or None),
            ("may be answered until", one.review.appeal_until),
        ]
    return facts


def _marked(card: Scorecard, marks: Marks, language: str) -> list[tuple[object, ...]]:
    given = dict(marks.answers)
    rows: list[tuple[object, ...]] = []
    for item in card.items():
        said = [f"{place(one.at_ms)} {one.text}".strip() for one in marks.remarks if one.item == item.id]
        if item.id in given:
            rows.append((item.id, item.title.told(language), str(given[item.id]), "\n".join(said)))
    rows += [("", "", "", f"{place(one.at_ms)} {one.text}".strip()) for one in marks.remarks if not one.item]
    return [*rows, ("", "", "", marks.summary)] if marks.summary else rows


def _said(done: Happened) -> str:
    match done.event:
        case Opened(reason) | Released(reason) | Withdrawn(reason) | Appealed(reason):
            return visible(reason)
        case Scored(marks):
            return f"{marks.score.total:.2f}"
        case Decided(reason, marks):
            return f"{'the score stands' if marks is None else f'{marks.score.total:.2f}'}: {visible(reason)}"
        case Assigned(reviewer):
            return reviewer or "nobody"
        case _:
            return ""


def _do(review_id: str, event: Event, as_name: str | None, as_json: bool) -> None:
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            told = reviews.act(connection, review_id, event, by, parts.clock.now())
    _say(told, as_json)


def _say(told: Listed, as_json: bool) -> None:
    if as_json:
        print_json(as_object(told))
        return
    who = told.review.holder or told.review.assigned
    click.echo(
        visible(f"review {told.review.review_id} of call {told.review.call_id}: {told.standing}{f', {who}' if who else ''}")
    )
