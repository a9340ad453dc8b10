"""What goes of that which QA wrote of a call, when the customer asks to be forgotten? The words; the figures stay.

The rule it protects (PIPL 47; GDPR 17): what reviewers, supervisors and the agent wrote of a call they wrote of the customer too.
It goes in the transaction that purges the call's recording, so that neither is there without the other. Answers, scores and who
did what are the agent's, and stay.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import and_, delete, select, update
from sqlalchemy.engine import Connection

from recorder.qa.notes import Kind
from recorder.qa.review import Appealed, Decided, Event, Marks, Opened, Released, Scored, Withdrawn
from recorder.qa.review_json import from_json, marks_json, marks_of, to_json
from recorder.qa.tables import qa_calibration_score, qa_note, qa_review, qa_review_event
from recorder.record import canonical

ERASED = "(erased)"  # what is read where somebody had written something


def forget(connection: Connection, call_ids: Iterable[str]) -> int:
    """Takes out all words of these calls, and the calls out of the library, in the caller's write transaction; how many texts.

    Done again, it finds none. Raises ValueError or KeyError for a review that cannot be read.
    """
    return sum(
        _reviews(connection, call_id) + _calibrations(connection, call_id) + _notes(connection, call_id) for call_id in call_ids
    )


def wordless(event: Event) -> Event:
    """The event as it stays: what was done, marked and answered, without what was written in words."""
    match event:
        case Opened() | Released() | Appealed() | Withdrawn():
            return replace(event, reason=_erased(event.reason))
        case Scored(marks):
            return replace(event, marks=_unspoken(marks))
        case Decided(reason, marks):
            return replace(event, reason=_erased(reason), marks=None if marks is None else _unspoken(marks))
        case _:
            return event


def _unspoken(marks: Marks) -> Marks:
    remarks = tuple(replace(one, text=_erased(one.text)) for one in marks.remarks)
    return replace(marks, remarks=remarks, summary=_erased(marks.summary))


def _erased(text: str) -> str:
    return ERASED if text else text


def _reviews(connection: Connection, call_id: str) -> int:
    theirs = select(qa_review.c.review_id, qa_review.c.draw_id).where(qa_review.c.call_id == call_id)
    changed = 0
    for review in connection.execute(theirs.with_for_update()).all():  # nobody adds to it meanwhile
        events = select(qa_review_event).where(qa_review_event.c.review_id == review.review_id)
        for row in connection.execute(events).all():
            event = from_json(row.kind, row.facts_json)
            if isinstance(event, Opened) and review.draw_id is not None:  # "drawn by plan …": nobody's words
                continue
            if (left := wordless(event)) != event:
                this = and_(qa_review_event.c.review_id == row.review_id, qa_review_event.c.seq == row.seq)
                connection.execute(update(qa_review_event).where(this).values(facts_json=to_json(left)))
                changed += 1
    return changed


def _calibrations(connection: Connection, call_id: str) -> int:
    table, changed = qa_calibration_score, 0
    for row in connection.execute(select(table).where(table.c.call_id == call_id).with_for_update()).all():
        marks = marks_of(json.loads(row.marks_json))
        if (left := _unspoken(marks)) != marks:
            given = and_(table.c.calibration_id == row.calibration_id, table.c.reviewer == row.reviewer)
            this = and_(given, table.c.call_id == call_id)
            connection.execute(update(table).where(this).values(marks_json=canonical(marks_json(left))))
            changed += 1
    return changed


def _notes(connection: Connection, call_id: str) -> int:
    of_call = qa_note.c.call_id == call_id
    changed = 0
    for kind in (f"-{Kind.BEST.value}", Kind.BEST.value):  # what takes an entry back points to it
        changed += connection.execute(delete(qa_note).where(of_call, qa_note.c.kind == kind)).rowcount
    spoken = and_(of_call, qa_note.c.text.not_in(("", ERASED)))
    return changed + connection.execute(update(qa_note).where(spoken).values(text=ERASED)).rowcount
