"""A call about which quality assurance has written wherever it can write, for the tests of what is forgotten of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from config.database import Base, reading, writing
from recorder.qa import calibrations, lookup, notes, reviews
from recorder.qa.filling import Filled
from recorder.qa.notes import Kind, NewNote
from recorder.qa.review import Appealed, Claimed, Decided, Opened, Released, Remark, Scored
from recorder.qa.scorecard import Said
from tests.qa_room import AFTER, AGENT, LEAD, MANAGER, MEI, TOM, answered, the_form

WORDS = "her daughter Lotte is ill"
OF_AGENT: dict[str, Any] = {"agent_id": "agent-1", "team": "a"}  # what the row of a call must say that these people may judge it


def a_filled_form(**changes: Said) -> Filled:
    """A form with words wherever it takes them."""
    remarks = (Remark("", 1200, f"at this second: {WORDS}"), Remark("truth", None, WORDS))
    return replace(answered(the_form(), **changes), remarks=remarks, summary=f"in short, {WORDS}")


def judged(engine: Engine, call_id: str) -> str:
    """Reviews, appeals, decides, calibrates, notes, coaches and tags the call, with words at each step; the id of its review."""
    soon = AFTER + timedelta(days=7)
    with writing(engine) as connection:
        named = Opened(f"heard that {WORDS}", "", soon)
        review_id = reviews.name_call(connection, call_id, named, "sales-call", appeal_days=7, by=MANAGER, now=AFTER)
        for event in (Claimed(), Released(f"I know them: {WORDS}"), Claimed()):
            reviews.act(connection, review_id, event, MEI, AFTER)
        reviews.hand_in(connection, review_id, a_filled_form(truth=Said.NO), MEI, AFTER)
        reviews.act(connection, review_id, Appealed(f"no wonder when {WORDS}", soon), AGENT, AFTER)
        reviews.act(connection, review_id, Claimed(), TOM, AFTER)
        reviews.decide(connection, review_id, f"granted, {WORDS}", a_filled_form(), by=TOM, now=AFTER)
        kept = calibrations.open_session(connection, "March", [call_id], ["mei"], "sales-call", by=MEI, now=AFTER)
        calibrations.hand_in(connection, kept.calibration_id, call_id, a_filled_form(), by=MEI, now=AFTER)
        notes.add(connection, NewNote(Kind.COMPLAINT, WORDS, call_id), LEAD, AFTER)
        notes.add(connection, NewNote(Kind.COACHING, f"ask how {WORDS}", call_id, "agent-1", "warmth", 1200), MEI, AFTER)
        notes.add(connection, NewNote(Kind.BEST, f"hear how she answers that {WORDS}", call_id, tag="empathy"), MEI, AFTER)
        gone = notes.add(connection, NewNote(Kind.BEST, WORDS, call_id, tag="closing"), MEI, AFTER)
        notes.take_back(connection, gone.note_id, f"not when {WORDS}", MEI, AFTER)
    return review_id


TEXTS = 11  # that `judged` writes of a call


def figures(engine: Engine, review_id: str) -> list[object]:
    """All that is of the agent: answers, scores, who did what and when; the reviewers' scores; which notes there are."""
    with reading(engine) as connection:
        one = lookup.show(connection, review_id, AFTER)
        happened = lookup.history(connection, review_id)
        given = [
            (one.call_id, one.reviewer, one.at, one.marks.answers, one.marks.score)
            for session in calibrations.sessions(connection)
            for one in calibrations.rated(connection, session, MEI)
        ]
        coached = [replace(one, text="") for kind in (Kind.COMPLAINT, Kind.COACHING) for one in notes.listed(connection, kind)]
    given_marks = [step.event.marks for step in happened if isinstance(step.event, Scored | Decided)]
    marks = [None if one is None else (one.answers, one.score) for one in given_marks]
    return [one, [(step.seq, step.at, step.who, type(step.event)) for step in happened], marks, given, coached]


def where_written(connection: Connection) -> list[str]:
    """The columns of the whole database in which the words are, once for each row."""
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        for row in connection.execute(select(table)).mappings():
            values: dict[str, Any] = dict(row)
            found += [f"{table.name}.{name}" for name, value in values.items() if isinstance(value, str) and WORDS in value]
    return sorted(found)


def written(engine: Engine) -> list[str]:
    """The same, as the database is now."""
    with reading(engine) as connection:
        return where_written(connection)
