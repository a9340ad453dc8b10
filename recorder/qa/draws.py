"""Which plans are there, which samples were drawn by them, and from how many calls? Plans and draws as they are kept.

The rule it protects: a sample is drawn once. A second draw of a time that was drawn already is refused, since whoever may draw
until they like the result has picked; the seed, the plan's version and the digest of all calls there were stay with the sample,
so that `drawn_again` can show that it is the one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, insert, select
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from config.ids import new_id
from recorder import staff
from recorder.qa import forms
from recorder.qa.calls import Recorded, in_period
from recorder.qa.plan import Period, Plan, assigned, from_json, is_meant, to_json, unit_of
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.review import Opened
from recorder.qa.reviews import New, open_all
from recorder.qa.rights import Act, refusal
from recorder.qa.sampling import Drawn, Unit, draw
from recorder.qa.somebody import Somebody, noted
from recorder.qa.tables import qa_cell, qa_draw, qa_plan, qa_review
from recorder.record import canonical


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan as it is kept."""

    plan: Plan
    version: int
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample: by which version of which plan, of which time, with which seed, from which calls."""

    draw_id: str
    plan: str
    version: int
    period: Period
    seed: str
    population_sha256: str
    scorecard_sha256: str
    drawn_at: datetime
    drawn_by: str
    calls: int  # there were
    drawn: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What a draw comes to before it is kept: `calls` is the population, `drawn` what chance took of it."""

    calls: tuple[Recorded, ...]
    drawn: tuple[Drawn, ...]
    population_sha256: str


def put(connection: Connection, plan: Plan, by: Somebody, now: datetime) -> int:
    """Keeps a plan, as the next version of its name; the same plan again changes nothing. Answers its version.

    Raises NotAllowed, and NoSuch for a form that is not there.
    """
    _allow(by)
    forms.add_shipped(connection, now)
    forms.latest(connection, plan.scorecard)
    lock_keys(connection, f"qa plan {plan.name}")
    query = select(qa_plan.c.version, qa_plan.c.plan_json).where(qa_plan.c.name == plan.name).order_by(qa_plan.c.version.desc())
    last = connection.execute(query).first()
    text = to_json(plan)
    if last is not None and last.plan_json == text:
        return int(last.version)
    version = int(last.version) + 1 if last else 1
    row = {"name": plan.name, "version": version, "plan_json": text, "made_at": now, "made_by": by.name}
    connection.execute(insert(qa_plan).values(row))
    digest = hashlib.sha256(text.encode()).hexdigest()
    noted(connection, now, by, "qa.plan", plan=plan.name, version=str(version), sha256=digest)
    return version


def plan_named(connection: Connection, name: str, version: int | None = None) -> KeptPlan:
    """The latest version of a plan, or the one asked for. Raises NoSuch."""
    query = select(qa_plan).where(qa_plan.c.name == name).order_by(qa_plan.c.version.desc())
    row = connection.execute(query if version is None else query.where(qa_plan.c.version == version)).first()
    if row is None:
        raise NoSuch(f"no sampling plan is called {name!r}")
    return _plan(row)


def plans(connection: Connection) -> list[KeptPlan]:
    """The latest version of every plan, by name."""
    newest = select(qa_plan.c.name, func.max(qa_plan.c.version).label("version")).group_by(qa_plan.c.name).subquery()
    same = (qa_plan.c.name == newest.c.name) & (qa_plan.c.version == newest.c.version)
    return [_plan(row) for row in connection.execute(select(qa_plan).join(newest, same).order_by(qa_plan.c.name))]


def sampled(connection: Connection, plan: Plan, period: Period, seed: str) -> Sample:
    """What the plan would draw of the period with this seed. Nothing is kept."""
    calls = tuple(one for one in in_period(connection, period) if is_meant(plan, one.call))
    units = [unit_of(plan, one.call) for one in calls]
    return Sample(calls, tuple(draw(units, plan.quota, seed)), _digest(units))


def keep(
    connection: Connection, kept: KeptPlan, period: Period, seed: str, sample: Sample, *, by: Somebody, now: datetime
) -> Draw:
    """Keeps a sample of a period that is over, and opens a review of each call, in the caller's write transaction.

    The sample was `sampled` before it, so that nothing else waits for chance. Raises NoSuch, and NotAllowed when the period is
    not over, was drawn already in part or whole, or holds no calls, or when the plan has a newer version meanwhile.
    """
    _allow(by)
    name = kept.plan.name
    if period.until > now:
        raise NotAllowed(f"the time until {period.until:%Y-%m-%d %H:%M}Z is not over: calls of it may still come")
    lock_keys(connection, f"qa plan {name}")
    if plan_named(connection, name).version != kept.version:
        raise NotAllowed(f"plan {name} has a newer version than {kept.version}: draw again")
    overlap = (qa_draw.c.plan == name) & (qa_draw.c.since < period.until) & (qa_draw.c.until > period.since)
    before = connection.execute(select(qa_draw.c.draw_id, qa_draw.c.since, qa_draw.c.until).where(overlap)).first()
    if before is not None:
        days = f"{before.since:%Y-%m-%d %H:%M}Z to {before.until:%Y-%m-%d %H:%M}Z"
        raise NotAllowed(f"plan {name}: {days} was drawn already ({before.draw_id}); a sample is drawn once")
    if not sample.drawn:
        raise NotAllowed(f"plan {name}: no call that it is about was recorded in that time")
    card = forms.latest(connection, kept.plan.scorecard)
    row = {
        "draw_id": new_id(now),
        "plan": name,
        "version": kept.version,
        "since": period.since,
        "until": period.until,
        "seed": seed,
        "population_sha256": sample.population_sha256,
        "scorecard_sha256": card.sha256,
        "drawn_at": now,
        "drawn_by": by.name,
    }
    connection.execute(insert(qa_draw).values(row))
    _keep_cells(connection, str(row["draw_id"]), sample.calls)
    open_all(connection, _new_reviews(connection, kept.plan, sample, str(row["draw_id"]), card.sha256, now=now), by.name, now)
    facts = {"plan": name, "version": str(kept.version), "seed": seed, "population": sample.population_sha256}
    noted(connection, now, by, "qa.draw", draw=str(row["draw_id"]), calls=str(len(sample.drawn)), **facts)
    return draws(connection, str(row["draw_id"]))[0]


def draws(connection: Connection, draw_id: str | None = None) -> list[Draw]:
    """The samples that were drawn, the latest first; or one. Raises NoSuch for one that is not there."""
    calls = select(func.sum(qa_cell.c.calls)).where(qa_cell.c.draw_id == qa_draw.c.draw_id).scalar_subquery()
    drawn = select(func.count()).where(qa_review.c.draw_id == qa_draw.c.draw_id).scalar_subquery()
    query = select(qa_draw, calls.label("calls"), drawn.label("drawn")).order_by(qa_draw.c.drawn_at.desc(), qa_draw.c.draw_id)
    found = [_draw(row) for row in connection.execute(query if draw_id is None else query.where(qa_draw.c.draw_id == draw_id))]
    if draw_id is not None and not found:
        raise NoSuch(f"no sample has the id {draw_id!r}")
    return found


def drawn_again(connection: Connection, kept: Draw) -> list[str]:
    """What differs when the sample is drawn once more with its own seed: empty when it is the one that the rules give.

    A recording that was purged since, or a call that came into the archive late, is told as another population.
    """
    plan = plan_named(connection, kept.plan, kept.version).plan
    again = sampled(connection, plan, kept.period, kept.seed)
    was = set(connection.execute(select(qa_review.c.call_id).where(qa_review.c.draw_id == kept.draw_id)).scalars())
    now = {one.call_id for one in again.drawn}
    findings = []
    if again.population_sha256 != kept.population_sha256:
        findings.append(
            f"sample {kept.draw_id}: the calls to draw from are others than they were: {len(again.calls)}, not {kept.calls}"
        )
    findings += [f"sample {kept.draw_id}: call {call_id} was drawn, and would not be again" for call_id in sorted(was - now)]
    findings += [f"sample {kept.draw_id}: call {call_id} was not drawn, and would be" for call_id in sorted(now - was)]
    return findings


def _allow(by: Somebody) -> None:
    if why := refusal(by.acting, Act.PLAN):
        raise NotAllowed(why)


def _keep_cells(connection: Connection, draw_id: str, calls: Iterable[Recorded]) -> None:
    counted = Counter((one.call.agent_id, one.call.team, one.call.campaign) for one in calls)
    rows = [
        {"draw_id": draw_id, "agent_id": agent_id, "team": team, "campaign": campaign, "calls": number}
        for (agent_id, team, campaign), number in counted.items()
    ]
    connection.execute(insert(qa_cell), rows)


def _new_reviews(
    connection: Connection, plan: Plan, sample: Sample, draw_id: str, scorecard_sha256: str, *, now: datetime
) -> Sequence[New]:
    known = {one.call.call_id: one for one in sample.calls}
    who = {member.name: member.agent_id for member in staff.members(connection)}
    reviewers = [(name, who.get(name, name)) for name in plan.reviewers]
    told_off = assigned([(one.call_id, known[one.call_id].agents) for one in sample.drawn], reviewers, draw_id)
    due_at = now + timedelta(days=plan.due_days)
    return [
        New(
            recorded=known[one.call_id],
            draw_id=draw_id,
            probability=float(one.probability),
            stratum=one.stratum,
            scorecard_sha256=scorecard_sha256,
            appeal_days=plan.appeal_days,
            opened=Opened(f"drawn by plan {plan.name}", told_off[one.call_id], due_at),
        )
        for one in sample.drawn
    ]


def _digest(units: Iterable[Unit]) -> str:
    lines = sorted(
        canonical({"call": one.call_id, "cell": one.cell, "stratum": list(one.stratum), "weight": one.weight}) for one in units
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _plan(row: Row[tuple[object, ...]]) -> KeptPlan:
    return KeptPlan(from_json(row.plan_json), row.version, row.made_at, row.made_by)


def _draw(row: Row[tuple[object, ...]]) -> Draw:
    return Draw(
        draw_id=row.draw_id,
        plan=row.plan,
        version=row.version,
        period=Period(row.since, row.until),
        seed=row.seed,
        population_sha256=row.population_sha256,
        scorecard_sha256=row.scorecard_sha256,
        drawn_at=row.drawn_at,
        drawn_by=row.drawn_by,
        calls=int(row.calls or 0),
        drawn=int(row.drawn),
    )
