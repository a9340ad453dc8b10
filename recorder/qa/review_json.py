"""How is what was done with a review written down? Each event as canonical JSON, and read back as the same event."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from recorder.qa.review import (
    Accepted,
    Appealed,
    Assigned,
    Claimed,
    Decided,
    Event,
    Marks,
    Opened,
    Released,
    Remark,
    Scored,
    Withdrawn,
)
from recorder.qa.scorecard import Answer, Said
from recorder.qa.scoring import Score, SectionScore
from recorder.record import Json, canonical


def kind_of(event: Event) -> str:
    """The name by which an event is kept."""
    return type(event).__name__.lower()


def to_json(event: Event) -> str:
    """What the event says, as canonical JSON text."""
    return canonical(_facts(event))


def from_json(kind: str, text: str) -> Event:
    """The inverse of `kind_of` and `to_json`. Raises KeyError for a kind that is unknown."""
    return _READ[kind](json.loads(text))


def marks_json(marks: Marks) -> Json:
    """A filled form as plain JSON values."""
    return {
        "answers": {item: answer.value if isinstance(answer, Said) else answer for item, answer in marks.answers},
        "remarks": [{"item": one.item, "at_ms": one.at_ms, "text": one.text} for one in marks.remarks],
        "summary": marks.summary,
        "score": score_json(marks.score),
    }


def marks_of(told: Json) -> Marks:
    """The inverse of `marks_json`."""
    answers: Mapping[str, Any] = told["answers"]
    return Marks(
        answers=tuple((item, _answer(answer)) for item, answer in answers.items()),
        remarks=tuple(Remark(one["item"], one["at_ms"], one["text"]) for one in told["remarks"]),
        summary=told["summary"],
        score=score_of(told["score"]),
    )


def score_json(score: Score) -> Json:
    """A score as plain JSON values."""
    return {
        "total": score.total,
        "passed": score.passed,
        "sections": [[one.section, one.percent] for one in score.sections],
        "critical": list(score.critical),
        "fatal": list(score.fatal),
    }


def score_of(told: Json) -> Score:
    """The inverse of `score_json`."""
    sections = tuple(SectionScore(section, percent) for section, percent in told["sections"])
    return Score(told["total"], told["passed"], sections, tuple(told["critical"]), tuple(told["fatal"]))


def _answer(told: str | int) -> Answer:
    return Said(told) if isinstance(told, str) else told


def _facts(event: Event) -> Json:
    match event:
        case Opened(reason, assigned, due_at):
            return {"reason": reason, "assigned": assigned, "due_at": _time(due_at)}
        case Assigned(reviewer):
            return {"reviewer": reviewer}
        case Released(reason) | Withdrawn(reason):
            return {"reason": reason}
        case Scored(marks, appeal_until):
            return {"marks": marks_json(marks), "appeal_until": _time(appeal_until)}
        case Appealed(reason, due_at):
            return {"reason": reason, "due_at": _time(due_at)}
        case Decided(reason, marks):
            return {"reason": reason, "marks": None if marks is None else marks_json(marks)}
        case Claimed() | Accepted():
            return {}


_READ: Mapping[str, Callable[[Json], Event]] = {
    "opened": lambda told: Opened(told["reason"], told["assigned"], datetime.fromisoformat(told["due_at"])),
    "assigned": lambda told: Assigned(told["reviewer"]),
    "claimed": lambda _: Claimed(),
    "released": lambda told: Released(told["reason"]),
    "scored": lambda told: Scored(marks_of(told["marks"]), datetime.fromisoformat(told["appeal_until"])),
    "accepted": lambda _: Accepted(),
    "appealed": lambda told: Appealed(told["reason"], datetime.fromisoformat(told["due_at"])),
    "decided": lambda told: Decided(told["reason"], None if told["marks"] is None else marks_of(told["marks"])),
    "withdrawn": lambda told: Withdrawn(told["reason"]),
}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
