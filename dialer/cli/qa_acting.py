"""What all commands of quality assurance share: who acts, what their errors mean, how a review is shown."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from dialer import bootstrap
from dialer.cli.acting import actor
from dialer.cli.context import site_command
from dialer.cli.output import BAD_INPUT, REFUSED, failing
from recorder.qa.filling import BadForm
from recorder.qa.lookup import Listed
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.review_json import score_json
from recorder.qa.reviews import BadMarks
from recorder.qa.scorecard import ScorecardError
from recorder.qa.somebody import Somebody

P = ParamSpec("P")
R = TypeVar("R")

ERRORS: dict[type[BaseException], int] = {
    NoSuch: BAD_INPUT,
    NotAllowed: REFUSED,
    ScorecardError: BAD_INPUT,
    BadForm: BAD_INPUT,
    BadMarks: BAD_INPUT,
}


def qa_command(function: Callable[P, R]) -> Callable[P, R]:
    """A command on a site whose errors may be those of quality assurance."""

    @site_command
    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        return failing(ERRORS)(function)(*args, **kwargs)

    return called


def somebody(parts: bootstrap.Opened, as_name: str | None) -> Somebody:
    """Who acts. Raises Failure for somebody who is not on the staff."""
    who = actor(parts, as_name)
    return Somebody(who.acting, who.account)


def as_object(one: Listed) -> dict[str, Any]:
    """A review as `--json` shows it."""
    review = one.review
    return {
        "review_id": review.review_id,
        "call_id": review.call_id,
        "agent_id": review.agent_id,
        "team": review.team,
        "campaign": one.campaign,
        "started_at": one.started_at,
        "state": one.standing,
        "late": one.late,
        "due_at": review.due_at,
        "assigned": review.assigned,
        "holder": review.holder,
        "reviewer": review.reviewer,
        "decided_by": review.decided_by,
        "appeal_until": review.appeal_until,
        "appealed": review.appealed,
        "changed": review.changed,
        "score": None if review.score is None else score_json(review.score),
        "sample": one.draw_id,
        "probability": one.probability,
        "scorecard_sha256": one.scorecard_sha256,
    }


def place(at_ms: int | None) -> str:
    """A place in a recording, for people."""
    if at_ms is None:
        return ""
    minutes, ms = divmod(at_ms, 60_000)
    return f"{minutes}:{ms / 1000:04.1f}"
