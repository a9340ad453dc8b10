"""Which reviews are there, where does each stand, and what was done with it? Reading them; `reviews` is what is done.

The rule it protects: somebody sees the reviews that are theirs to see. An agent's are those of own calls that have a score.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.engine import Connection

from recorder.access import Everything, Nothing, OfAgent, OfTeam, Reach
from recorder.qa.refused import NoSuch
from recorder.qa.review import OPEN, Event, Review, State, is_late, standing
from recorder.qa.review_json import from_json, score_of
from recorder.qa.rights import Act, reach, refusal
from recorder.qa.somebody import Somebody
from recorder.qa.tables import qa_review, qa_review_event


@dataclass(frozen=True, slots=True)
class Listed:
    """A review with what it is sought by. `standing` is as of the time it was asked for."""

    review: Review
    standing: State
    late: bool
    campaign: str
    started_at: datetime
    draw_id: str | None
    probability: float | None
    scorecard_sha256: str
    appeal_days: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a review's history."""

    seq: int
    at: datetime
    who: str
    event: Event


@dataclass(frozen=True, slots=True)
class Sought:
    """Which reviews to list: all conditions that are given must hold."""

    states: frozenset[State] = frozenset()
    agent_id: str | None = None
    reviewer: str | None = None  # who has it, is told off for it, or scored it
    campaign: str | None = None
    call_id: str | None = None
    draw_id: str | None = None
    late_only: bool = False
    limit: int = 100
    offset: int = 0


def show(connection: Connection, review_id: str, now: datetime) -> Listed:
    """One review. Raises NoSuch."""
    row = connection.execute(select(qa_review).where(qa_review.c.review_id == review_id)).first()
    if row is None:
        raise NoSuch(f"no review has the id {review_id!r}")
    return listed_row(row, now)


def history(connection: Connection, review_id: str) -> list[Happened]:
    """Everything that was done with a review, in its order."""
    query = select(qa_review_event).where(qa_review_event.c.review_id == review_id).order_by(qa_review_event.c.seq)
    return [Happened(row.seq, row.at, row.who, from_json(row.kind, row.facts_json)) for row in connection.execute(query)]


def listed(connection: Connection, sought: Sought, by: Somebody, now: datetime) -> list[Listed]:
    """The reviews asked for that they may see, those due first at the top. An agent sees own ones, once they are scored."""
    query = within(select(qa_review), reach(by.acting, Act.READ))
    if isinstance(reach(by.acting, Act.READ), OfAgent):
        query = query.where(qa_review.c.score_json.is_not(None))
    if sought.states:
        query = query.where(or_(*(_stands(one, now) for one in sorted(sought.states))))
    for name in ("agent_id", "campaign", "call_id", "draw_id"):
        if (value := getattr(sought, name)) is not None:
            query = query.where(qa_review.c[name] == value)
    if sought.reviewer is not None:
        query = query.where(or_(*(qa_review.c[name] == sought.reviewer for name in ("holder", "assigned", "reviewer"))))
    if sought.late_only:
        query = query.where(qa_review.c.state.in_(sorted(OPEN)), qa_review.c.due_at < now)
    ordered = query.order_by(qa_review.c.due_at, qa_review.c.review_id)
    return [listed_row(row, now) for row in connection.execute(ordered.limit(sought.limit).offset(sought.offset))]


def may_see(one: Listed, by: Somebody) -> str | None:
    """Why somebody may not see a review; None when they may. An agent sees it once there is a score."""
    why = refusal(by.acting, Act.READ, agents=frozenset({one.review.agent_id}), team=one.review.team)
    if why is None and isinstance(reach(by.acting, Act.READ), OfAgent) and one.review.score is None:
        return f"review {one.review.review_id}: there is no score yet"
    return why


def within(query: Select[tuple[object, ...]], reached: Reach) -> Select[tuple[object, ...]]:
    """The query, of those reviews alone that somebody may reach."""
    match reached:
        case Everything():
            return query
        case OfTeam(team):
            return query.where(qa_review.c.team == team)
        case OfAgent(agent_id):
            return query.where(qa_review.c.agent_id == agent_id)
        case Nothing():
            return query.where(qa_review.c.review_id == "")


def _stands(state: State, now: datetime) -> ColumnElement[bool]:
    """The rows that `standing` calls so at `now`."""
    stored = qa_review.c.state == state.value
    lapsed = and_(qa_review.c.state == State.SCORED.value, qa_review.c.appeal_until < now)
    match state:
        case State.DUE:
            return and_(stored, qa_review.c.due_at >= now)
        case State.OVERDUE:
            return and_(qa_review.c.state == State.DUE.value, qa_review.c.due_at < now)
        case State.SCORED:
            return and_(stored, qa_review.c.appeal_until >= now)
        case State.FINAL:
            return or_(stored, lapsed)
        case _:
            return stored


def review_of(row: Row[tuple[object, ...]]) -> Review:
    """The review that the row is of."""
    return Review(
        review_id=row.review_id,
        call_id=row.call_id,
        agent_id=row.agent_id,
        agents=frozenset(json.loads(row.agents_json)),
        team=row.team,
        state=State(row.state),
        seq=row.seq,
        assigned=row.assigned,
        due_at=row.due_at,
        holder=row.holder,
        reviewer=row.reviewer,
        score=None if row.score_json is None else score_of(json.loads(row.score_json)),
        appeal_until=row.appeal_until,
        decided_by=row.decided_by,
        appealed=row.appealed,
        changed=row.changed,
    )


def listed_row(row: Row[tuple[object, ...]], now: datetime) -> Listed:
    """The review that the row is of, as it stands at `now`."""
    review = review_of(row)
    return Listed(
        review=review,
        standing=standing(review, now),
        late=is_late(review, now),
        campaign=row.campaign,
        started_at=row.started_at,
        draw_id=row.draw_id,
        probability=row.probability,
        scorecard_sha256=row.scorecard_sha256,
        appeal_days=row.appeal_days,
    )
