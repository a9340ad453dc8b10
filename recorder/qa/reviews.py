"""Which calls wait for a reviewer, who has which, and what was said of them? Reviews as they are kept, with their histories.

The rule it protects: two reviewers never hold one review, and no word of one is lost. Each act reads the review under its lock,
asks `review.move`, and writes the event with the next number of that review, the audit entry and the new standing together.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.engine import Connection

from config.ids import new_id
from recorder.qa import calls, forms
from recorder.qa.calls import Recorded
from recorder.qa.filling import Filled
from recorder.qa.lookup import Listed, review_of, show, within
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.review import (
    Assigned,
    Claimed,
    Decided,
    Event,
    Marks,
    NotNow,
    Opened,
    Review,
    Scored,
    State,
    move,
)
from recorder.qa.review_json import kind_of, score_json, to_json
from recorder.qa.rights import Act, names, reach, refusal
from recorder.qa.scoring import BadAnswers, score
from recorder.qa.somebody import Somebody, noted
from recorder.qa.tables import qa_review, qa_review_event
from recorder.record import canonical

_BATCH = 500


class BadMarks(ValueError):
    """The form is not filled as it should be; a line for each fault."""


@dataclass(frozen=True, slots=True)
class New:
    """A review to be opened. `draw_id` and `probability` are None for a call that somebody named."""

    recorded: Recorded
    draw_id: str | None
    probability: float | None
    stratum: tuple[str, ...]
    scorecard_sha256: str
    appeal_days: int
    opened: Opened


def open_all(connection: Connection, new: Iterable[New], who: str, now: datetime) -> list[str]:
    """Opens reviews, in the caller's write transaction; answers their ids."""
    rows, events = [], []
    for one in new:
        review_id, call = new_id(now), one.recorded.call
        rows.append(
            {
                "review_id": review_id,
                "call_id": call.call_id,
                "draw_id": one.draw_id,
                "probability": one.probability,
                "stratum_json": json.dumps(one.stratum, ensure_ascii=False),
                "scorecard_sha256": one.scorecard_sha256,
                "agent_id": call.agent_id,
                "agents_json": json.dumps(sorted(one.recorded.agents), ensure_ascii=False),
                "team": call.team,
                "campaign": call.campaign,
                "started_at": one.recorded.started_at,
                "appeal_days": one.appeal_days,
                "opened_at": now,
                "state": State.DUE.value,
                "seq": 1,
                "assigned": one.opened.assigned,
                "due_at": one.opened.due_at,
                "holder": "",
                "reviewer": "",
                "decided_by": "",
                "appealed": False,
                "changed": False,
            }
        )
        told = {"review_id": review_id, "seq": 1, "at": now, "who": who}
        events.append(told | {"kind": kind_of(one.opened), "facts_json": to_json(one.opened)})
    for at in range(0, len(rows), _BATCH):
        connection.execute(insert(qa_review), rows[at : at + _BATCH])
        connection.execute(insert(qa_review_event), events[at : at + _BATCH])
    return [str(row["review_id"]) for row in rows]


def name_call(
    connection: Connection, call_id: str, opened: Opened, scorecard: str, *, appeal_days: int, by: Somebody, now: datetime
) -> str:
    """Opens the review of a call that somebody names, with a reason: it counts in no average. Raises NoSuch, NotAllowed."""
    recorded = calls.of_id(connection, call_id)
    if not recorded.call.agent_id:
        raise NotAllowed(f"call {call_id}: no agent was on it")
    if why := refusal(by.acting, Act.REVIEW, agents=recorded.agents, team=recorded.call.team):
        raise NotAllowed(why)
    if not opened.reason.strip():
        raise NotAllowed(f"call {call_id}: say why it is to be reviewed")
    forms.add_shipped(connection, now)
    sha256 = forms.latest(connection, scorecard).sha256
    new = New(recorded, None, None, (), sha256, appeal_days, opened)
    review_id = open_all(connection, [new], by.name, now)[0]
    noted(connection, now, by, "qa.opened", call_id, review=review_id)
    return review_id


def act(connection: Connection, review_id: str, event: Event, by: Somebody, now: datetime) -> Listed:
    """Does what the event says, in the caller's write transaction. Raises NoSuch, and NotAllowed when a rule forbids it."""
    query = select(qa_review).where(qa_review.c.review_id == review_id).with_for_update()  # SQLite has one writer anyway
    row = connection.execute(query).first()
    if row is None:
        raise NoSuch(f"no review has the id {review_id!r}")
    after = move(review_of(row), event, by.acting, now)
    if isinstance(after, NotNow):
        raise NotAllowed(after.text)
    facts = to_json(event)
    told = {"review_id": review_id, "seq": after.seq, "at": now, "who": by.name}
    connection.execute(insert(qa_review_event).values(told | {"kind": kind_of(event), "facts_json": facts}))
    connection.execute(update(qa_review).where(qa_review.c.review_id == review_id).values(_columns(after)))
    noted(connection, now, by, f"qa.{kind_of(event)}", after.call_id, review=review_id, seq=str(after.seq), **_audited(event))
    return show(connection, review_id, now)


def claim_next(connection: Connection, by: Somebody, now: datetime) -> Listed | None:
    """Takes the review that is due first among those they may have, their own assignments before the others; None of none.

    Of two who ask at once each gets another: a row that somebody is just taking is passed over.
    """
    mine = qa_review.c.assigned == by.name
    free = and_(qa_review.c.state.in_((State.DUE.value, State.APPEALED.value)), or_(mine, qa_review.c.assigned == ""))
    query = within(select(qa_review.c.review_id), reach(by.acting, Act.REVIEW)).where(free)
    query = query.where(qa_review.c.agent_id.not_in(names(by.acting)), qa_review.c.reviewer != by.name)
    query = query.order_by(mine.desc(), qa_review.c.due_at, qa_review.c.review_id).limit(1).with_for_update(skip_locked=True)
    theirs: set[str] = set()  # on which they are as a second agent
    while (review_id := connection.execute(query.where(qa_review.c.review_id.not_in(theirs))).scalar()) is not None:
        try:
            return act(connection, str(review_id), Claimed(), by, now)
        except NotAllowed:
            theirs.add(str(review_id))
    return None


def hand_in(connection: Connection, review_id: str, filled: Filled, by: Somebody, now: datetime) -> Listed:
    """Scores the review that they hold. Raises NoSuch, NotAllowed, and BadMarks with every fault of the form."""
    known = show(connection, review_id, now)
    marks = marks_of(connection, known.scorecard_sha256, known.review.call_id, filled)
    return act(connection, review_id, Scored(marks, now + timedelta(days=known.appeal_days)), by, now)


def decide(connection: Connection, review_id: str, reason: str, filled: Filled | None, *, by: Somebody, now: datetime) -> Listed:
    """Decides the appeal that they hold: other marks, or with None the ones there were. Raises as `hand_in`."""
    known = show(connection, review_id, now)
    marks = None if filled is None else marks_of(connection, known.scorecard_sha256, known.review.call_id, filled)
    return act(connection, review_id, Decided(reason, marks), by, now)


def marks_of(connection: Connection, scorecard_sha256: str, call_id: str, filled: Filled) -> Marks:
    """A filled form with its score. Raises BadMarks, and NoSuch when the call's recording is there no more."""
    card = forms.of_hash(connection, scorecard_sha256)
    length = calls.of_id(connection, call_id).call.duration_ms
    counted = score(card, filled.answers)
    faults = list(counted.faults) if isinstance(counted, BadAnswers) else []
    known = {item.id for item in card.items()}
    for one in filled.remarks:
        if one.item and one.item not in known:
            faults.append(f"remark: {one.item}: the form has no such item")
        if one.at_ms is not None and not 0 <= one.at_ms <= length:
            faults.append(f"remark: {one.at_ms / 1000:g} s is not within the recording of {length / 1000:g} s")
        if not one.text.strip():
            faults.append(f"remark: {one.item or 'of the call'}: says nothing")
    if isinstance(counted, BadAnswers) or faults:
        raise BadMarks("\n".join(faults))
    return Marks(tuple(sorted(filled.answers.items())), tuple(filled.remarks), filled.summary, counted)


def _audited(event: Event) -> dict[str, str]:
    """What the audit chain tells of it: no words, for nothing in a chain can be forgotten."""
    match event:
        case Scored(marks) | Decided(_, Marks() as marks):
            return {"total": f"{marks.score.total:g}", "passed": str(marks.score.passed).lower()}
        case Decided():
            return {"upheld": "true"}
        case Assigned(reviewer):
            return {"reviewer": reviewer}
        case _:
            return {}


def _columns(review: Review) -> dict[str, object]:
    return {
        "state": review.state.value,
        "seq": review.seq,
        "assigned": review.assigned,
        "due_at": review.due_at,
        "holder": review.holder,
        "reviewer": review.reviewer,
        "decided_by": review.decided_by,
        "appeal_until": review.appeal_until,
        "appealed": review.appealed,
        "changed": review.changed,
        "total": None if review.score is None or review.state is State.WITHDRAWN else review.score.total,
        "passed": None if review.score is None else review.score.passed,
        "score_json": None if review.score is None else canonical(score_json(review.score)),
    }
