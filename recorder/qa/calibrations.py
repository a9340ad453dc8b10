"""Which calls do several reviewers score together, and what did each give? Calibrations as they are kept.

The rule it protects: each scores alone. What the others gave is seen when the calibration is closed and no sooner, and what
was handed in stays as it was.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from config.ids import new_id
from recorder.qa import calls, forms
from recorder.qa.calibration import Rated
from recorder.qa.filling import Filled
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.review_json import marks_json, marks_of
from recorder.qa.reviews import marks_of as marked
from recorder.qa.rights import Act, names, refusal
from recorder.qa.somebody import Somebody, noted
from recorder.qa.tables import qa_calibration, qa_calibration_call, qa_calibration_score
from recorder.record import canonical


@dataclass(frozen=True, slots=True)
class Calibration:
    """A session: these calls, scored on this form by these reviewers; by whoever reviews, where none are named."""

    calibration_id: str
    title: str
    scorecard_sha256: str
    calls: tuple[str, ...]
    reviewers: tuple[str, ...]
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str


def open_session(
    connection: Connection,
    title: str,
    call_ids: Sequence[str],
    reviewers: Sequence[str],
    scorecard: str,
    *,
    by: Somebody,
    now: datetime,
) -> Calibration:
    """Opens a calibration. Raises NotAllowed, and NoSuch for a form or a recording that is not there."""
    if why := refusal(by.acting, Act.CALIBRATE):
        raise NotAllowed(why)
    for call_id in call_ids:
        calls.of_id(connection, call_id)
    forms.add_shipped(connection, now)
    row = {
        "calibration_id": new_id(now),
        "title": title,
        "scorecard_sha256": forms.latest(connection, scorecard).sha256,
        "reviewers_json": json.dumps(sorted(set(reviewers)), ensure_ascii=False),
        "opened_at": now,
        "opened_by": by.name,
        "closed_by": "",
    }
    connection.execute(insert(qa_calibration).values(row))
    told = [{"calibration_id": row["calibration_id"], "call_id": call_id} for call_id in sorted(set(call_ids))]
    connection.execute(insert(qa_calibration_call), told)
    noted(connection, now, by, "qa.calibration", calibration=str(row["calibration_id"]), calls=str(len(told)))
    return session(connection, str(row["calibration_id"]))


def hand_in(connection: Connection, calibration_id: str, call_id: str, filled: Filled, *, by: Somebody, now: datetime) -> Rated:
    """Keeps what one reviewer gives one call. Raises NoSuch, NotAllowed, and BadMarks for a form that is not filled right."""
    connection.execute(  # alone with the session: it is not closed meanwhile, and nobody hands in twice
        select(qa_calibration.c.calibration_id).where(qa_calibration.c.calibration_id == calibration_id).with_for_update()
    )
    kept = session(connection, calibration_id)
    about = calls.of_id(connection, call_id)
    rated = (qa_calibration_score.c.calibration_id == calibration_id) & (qa_calibration_score.c.call_id == call_id)
    done = connection.execute(select(qa_calibration_score.c.reviewer).where(rated)).scalars().all()
    if why := refusal(by.acting, Act.REVIEW, agents=about.agents, team=about.call.team) or _not_theirs(kept, call_id, by, done):
        raise NotAllowed(why)
    if names(by.acting) & about.agents:
        raise NotAllowed(f"{by.name} is on call {call_id}: nobody scores their own")
    marks = marked(connection, kept.scorecard_sha256, call_id, filled)
    row = {"calibration_id": calibration_id, "call_id": call_id, "reviewer": by.name, "at": now}
    connection.execute(insert(qa_calibration_score).values(row | {"marks_json": canonical(marks_json(marks))}))
    noted(connection, now, by, "qa.calibrated", call_id, calibration=calibration_id, total=f"{marks.score.total:g}")
    return Rated(call_id, by.name, now, marks)


def close(connection: Connection, calibration_id: str, by: Somebody, now: datetime) -> Calibration:
    """Ends a calibration: from now on everybody sees all of it. Raises NoSuch, NotAllowed."""
    if why := refusal(by.acting, Act.CALIBRATE):
        raise NotAllowed(why)
    still = (qa_calibration.c.calibration_id == calibration_id) & qa_calibration.c.closed_at.is_(None)
    closed = connection.execute(update(qa_calibration).where(still).values(closed_at=now, closed_by=by.name)).rowcount
    kept = session(connection, calibration_id)
    if not closed:
        raise NotAllowed(f"calibration {calibration_id} is closed already")
    noted(connection, now, by, "qa.calibration_closed", calibration=calibration_id)
    return kept


def session(connection: Connection, calibration_id: str) -> Calibration:
    """One calibration. Raises NoSuch."""
    found = sessions(connection, calibration_id)
    if not found:
        raise NoSuch(f"no calibration has the id {calibration_id!r}")
    return found[0]


def sessions(connection: Connection, calibration_id: str | None = None) -> list[Calibration]:
    """All calibrations, the latest first; or the one."""
    query = select(qa_calibration).order_by(qa_calibration.c.opened_at.desc(), qa_calibration.c.calibration_id)
    if calibration_id is not None:
        query = query.where(qa_calibration.c.calibration_id == calibration_id)
    return [_session(connection, row) for row in connection.execute(query)]


def rated(connection: Connection, kept: Calibration, by: Somebody) -> list[Rated]:
    """What was handed in, as far as they may see it: their own until the calibration is closed, then all of it."""
    query = select(qa_calibration_score).where(qa_calibration_score.c.calibration_id == kept.calibration_id)
    if kept.closed_at is None:
        query = query.where(qa_calibration_score.c.reviewer == by.name)
    return [_rated(row) for row in connection.execute(query.order_by(qa_calibration_score.c.call_id, qa_calibration_score.c.at))]


def rated_since(connection: Connection, since: datetime) -> list[list[Rated]]:
    """What was handed in since then in each calibration that is closed."""
    return [
        [one for one in _all(connection, kept.calibration_id) if one.at >= since]
        for kept in sessions(connection)
        if kept.closed_at is not None
    ]


def waiting(connection: Connection, kept: Calibration) -> list[tuple[str, str]]:
    """The calls and named reviewers of whom a score is still missing."""
    there = {(one.call_id, one.reviewer) for one in _all(connection, kept.calibration_id)}
    return [(call_id, name) for call_id in kept.calls for name in kept.reviewers if (call_id, name) not in there]


def _all(connection: Connection, calibration_id: str) -> list[Rated]:
    query = select(qa_calibration_score).where(qa_calibration_score.c.calibration_id == calibration_id)
    return [_rated(row) for row in connection.execute(query)]


def _not_theirs(kept: Calibration, call_id: str, by: Somebody, done: Sequence[str]) -> str | None:
    if kept.closed_at is not None:
        return f"calibration {kept.calibration_id} is closed"
    if call_id not in kept.calls:
        return f"call {call_id} is not one of calibration {kept.calibration_id}"
    if kept.reviewers and by.name not in kept.reviewers:
        return f"{by.name} is not one of the reviewers of calibration {kept.calibration_id}"
    return f"{by.name} has scored call {call_id} already: what was handed in stays" if by.name in done else None


def _session(connection: Connection, row: Row[tuple[object, ...]]) -> Calibration:
    theirs = qa_calibration_call.c.calibration_id == row.calibration_id
    call_ids = connection.execute(select(qa_calibration_call.c.call_id).where(theirs).order_by(qa_calibration_call.c.call_id))
    return Calibration(
        calibration_id=row.calibration_id,
        title=row.title,
        scorecard_sha256=row.scorecard_sha256,
        calls=tuple(call_ids.scalars()),
        reviewers=tuple(json.loads(row.reviewers_json)),
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )


def _rated(row: Row[tuple[object, ...]]) -> Rated:
    return Rated(row.call_id, row.reviewer, row.at, marks_of(json.loads(row.marks_json)))
