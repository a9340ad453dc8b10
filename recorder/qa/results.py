"""What came of the samples of a plan? Reads what `report` counts, as far as somebody may see it."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from recorder.access import Everything, Nothing, OfAgent, OfTeam
from recorder.qa.lookup import within
from recorder.qa.refused import NotAllowed
from recorder.qa.report import Cell, Result
from recorder.qa.review import COUNTED, State
from recorder.qa.review_json import score_of
from recorder.qa.rights import Act, reach, refusal
from recorder.qa.somebody import Somebody
from recorder.qa.tables import qa_cell, qa_draw, qa_review


@dataclass(frozen=True, slots=True)
class Results:
    """Of the samples of one plan in a time: every drawn call, and how many there were. `named` calls are in no average."""

    samples: int
    results: tuple[Result, ...]
    cells: tuple[Cell, ...]
    named: int


def of_plan(connection: Connection, plan: str, since: datetime, until: datetime, by: Somebody) -> Results:
    """What came of the samples whose time lies from `since` to `until`. Raises NotAllowed."""
    if isinstance(reach(by.acting, Act.READ), Nothing):
        raise NotAllowed(refusal(by.acting, Act.READ) or "")
    drawn = (qa_draw.c.plan == plan, qa_draw.c.since >= since, qa_draw.c.until <= until)
    draw_ids = list(connection.execute(select(qa_draw.c.draw_id).where(*drawn)).scalars())
    of_draws = select(qa_draw.c.draw_id).where(*drawn)
    rows = connection.execute(within(select(qa_review), reach(by.acting, Act.READ)).where(qa_review.c.draw_id.in_(of_draws)))
    counted = {one.value for one in COUNTED}
    results = tuple(
        Result(
            draw_id=row.draw_id,
            agent_id=row.agent_id,
            team=row.team,
            campaign=row.campaign,
            reviewer=row.decided_by if row.changed else row.reviewer,
            probability=row.probability,
            score=score_of(json.loads(row.score_json)) if row.state in counted else None,
            appealed=row.appealed,
            changed=row.changed,
        )
        for row in rows
    )
    cells = select(qa_cell).where(qa_cell.c.draw_id.in_(of_draws))
    match reach(by.acting, Act.READ):
        case OfTeam(team):
            cells = cells.where(qa_cell.c.team == team)
        case OfAgent(agent_id):
            cells = cells.where(qa_cell.c.agent_id == agent_id)
        case _:
            pass
    named = select(func.count()).where(
        qa_review.c.draw_id.is_(None), qa_review.c.started_at >= since, qa_review.c.started_at < until
    )
    return Results(
        len(draw_ids),
        results,
        tuple(Cell(*row) for row in connection.execute(cells)),
        int(connection.execute(named.where(qa_review.c.state != State.WITHDRAWN.value)).scalar_one()) if _sees_all(by) else 0,
    )


def _sees_all(by: Somebody) -> bool:
    return isinstance(reach(by.acting, Act.READ), Everything)
