"""Campaigns, leads, attempts and agents on disk.

Each function is one short transaction or a part of the caller's. What an attempt needs to be found after a crash is
written before the effect it stands for; `open_attempts` is where a restart begins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Text, Update, cast, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from compliance.verdict import PackRef
from config.ids import new_id
from dialer.agents import Agent, AgentState
from dialer.dispositions import LeadPlan, LeadState
from dialer.floor import CampaignView, FloorCall
from dialer.leads import LeadRow as ListRow
from dialer.tables import AgentRow, AgentStateRow, AttemptRow, CampaignRow, ControlRow, LeadRow, PersonNumberRow
from sip.call import Call, CallState
from sip.events import EndedBy


class CampaignState(StrEnum):
    """Whether a campaign is dialed."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"  # stopped by a rule; started again only after a review


class NotFound(LookupError):
    """Nothing has that name or id; the text says what was looked for."""


class AlreadyThere(ValueError):
    """The name is taken."""


class NotReviewed(Exception):
    """A rule stopped the campaign, and nobody has reviewed that yet."""


class NothingToReview(ValueError):
    """No rule has stopped the campaign since it was last reviewed."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as configured."""

    campaign_id: str
    name: str
    state: CampaignState
    subject: str
    purpose: str
    disclosure: str
    safe_harbour: str
    channels: int
    max_attempts: int
    ring_for: timedelta
    started_at: datetime | None = None  # for the first time
    halted_at: datetime | None = None
    halted_because: str | None = None
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    review_note: str | None = None

    @property
    def needs_review(self) -> bool:
        """Whether a rule has stopped it, and nobody has looked at that since."""
        return self.halted_at is not None and (self.reviewed_at is None or self.reviewed_at < self.halted_at)


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead as stored."""

    lead_id: str
    campaign_id: str
    list_name: str
    line: int
    person: str
    name: str
    numbers: tuple[str, ...]
    zone: str
    subject: str
    debt: str
    creditor: str
    region: str
    state: LeadState
    next_at: datetime
    attempts: int
    reason: str

    @property
    def number(self) -> str:
        """The number whose turn it is: after each attempt the next one is first."""
        return self.numbers[0]


# --- campaigns -------------------------------------------------------------------------------------------------------


def add_campaign(connection: Connection, campaign: Campaign, now: datetime) -> None:
    """Raises AlreadyThere when the name is taken. One that is made running has started."""
    if connection.execute(select(CampaignRow.campaign_id).where(CampaignRow.name == campaign.name)).first():
        raise AlreadyThere(f"a campaign is called {campaign.name!r} already")
    values = {field.name: getattr(campaign, field.name) for field in fields(campaign)}
    values["ring_seconds"] = values.pop("ring_for").total_seconds()
    if campaign.state is CampaignState.RUNNING:
        values["started_at"] = campaign.started_at or now
    connection.execute(insert(CampaignRow).values(**values, created_at=now))


def campaigns(connection: Connection) -> list[Campaign]:
    """All campaigns, oldest first."""
    return [_campaign(row) for row in connection.execute(select(CampaignRow.__table__).order_by(CampaignRow.created_at))]


def campaign_named(connection: Connection, name: str) -> Campaign:
    """Raises NotFound, telling which there are."""
    found = {campaign.name: campaign for campaign in campaigns(connection)}
    if name not in found:
        raise NotFound(f"no campaign is called {name!r}; there are: {', '.join(sorted(found)) or 'none yet'}")
    return found[name]


def set_campaign_state(connection: Connection, name: str, state: CampaignState) -> None:
    """Raises NotFound, and NotReviewed where a campaign is to run that a rule stopped and nobody has reviewed."""
    campaign = campaign_named(connection, name)
    change = _row_of(campaign)
    if state is CampaignState.RUNNING:  # asked of the row itself: it may be halted at this moment
        change = change.where(or_(CampaignRow.halted_at.is_(None), CampaignRow.reviewed_at >= CampaignRow.halted_at))
    if connection.execute(change.values(state=state.value)).rowcount != 1:
        raise NotReviewed(f"campaign {name} was stopped: {campaign.halted_because or 'too many calls were abandoned'}")


def start_campaign(connection: Connection, name: str, now: datetime) -> None:
    """Lets the campaign be dialed; the first time is kept. Raises as `set_campaign_state` does."""
    set_campaign_state(connection, name, CampaignState.RUNNING)
    first = (CampaignRow.name == name) & CampaignRow.started_at.is_(None)
    connection.execute(update(CampaignRow).where(first).values(started_at=now))


def halt_campaign(connection: Connection, campaign_id: str, because: str, at: datetime) -> None:
    """A rule stops the campaign, until it is reviewed."""
    halted = {"state": CampaignState.HALTED.value, "halted_at": at, "halted_because": because}
    connection.execute(update(CampaignRow).where(CampaignRow.campaign_id == campaign_id).values(halted))


def review_campaign(connection: Connection, name: str, by: str, note: str, now: datetime) -> None:
    """Somebody has looked at why a rule stopped the campaign: it may be started again. Raises NotFound, NothingToReview."""
    campaign = campaign_named(connection, name)
    if campaign.halted_at is None or not campaign.needs_review:
        raise NothingToReview(f"campaign {name} was not stopped by a rule since it was last reviewed")
    reviewed = {"reviewed_at": max(now, campaign.halted_at), "reviewed_by": by, "review_note": note}
    seen = _row_of(campaign).where(CampaignRow.halted_at == campaign.halted_at)  # and no later halt that nobody has looked at
    if connection.execute(seen.values({**reviewed, "state": CampaignState.STOPPED.value})).rowcount != 1:
        raise NotReviewed(f"campaign {name} was stopped again meanwhile: look at it again")


def _row_of(campaign: Campaign) -> Update:
    return update(CampaignRow).where(CampaignRow.campaign_id == campaign.campaign_id)


def running(connection: Connection) -> tuple[CampaignView, ...]:
    """The campaigns to be dialed now, once it is measured what they abandoned."""
    return tuple(
        CampaignView(campaign.campaign_id, campaign.name, campaign.channels, measured=False, reviewed_at=campaign.reviewed_at)
        for campaign in campaigns(connection)
        if campaign.state is CampaignState.RUNNING
    )


# --- leads -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the good rows of a list: the others were in the campaign already."""

    added: int
    known: tuple[int, ...]  # lines


def add_leads(connection: Connection, campaign_id: str, list_name: str, rows: Sequence[ListRow], now: datetime) -> Imported:
    """Adds the rows whose person is not in the campaign yet, in the caller's write transaction; a repeat changes nothing."""
    persons = [row.person for row in rows]
    known: set[str] = set()
    for start in range(0, len(persons), 500):
        chunk = persons[start : start + 500]
        query = select(LeadRow.person).where(LeadRow.campaign_id == campaign_id, LeadRow.person.in_(chunk))
        known.update(connection.execute(query).scalars())
    fresh = [row for row in rows if row.person not in known]
    if fresh:
        connection.execute(insert(LeadRow), [_lead_values(row, campaign_id, list_name, now) for row in fresh])
    _remember_numbers(connection, {(row.person, number) for row in rows for number in row.numbers})
    return Imported(len(fresh), tuple(row.line for row in rows if row.person in known))


def _remember_numbers(connection: Connection, pairs: set[tuple[str, str]]) -> None:
    people = sorted({person for person, _ in pairs})
    for start in range(0, len(people), 500):
        query = select(PersonNumberRow.person, PersonNumberRow.number).where(
            PersonNumberRow.person.in_(people[start : start + 500])
        )
        pairs -= {(row.person, row.number) for row in connection.execute(query)}
    if pairs:
        rows = [{"person": person, "number": number} for person, number in sorted(pairs)]
        connection.execute(insert(PersonNumberRow), rows)


def other_numbers(connection: Connection, of: "Lead") -> tuple[str, ...]:
    """More numbers of the lead's person, from all lists, beside the one whose turn it is.

    Somebody without an id of their own is whoever the other lists say has one of their numbers.
    """
    people = {of.person}
    if of.person in of.numbers:
        holders = select(PersonNumberRow.person).where(PersonNumberRow.number.in_(of.numbers))
        people |= set(connection.execute(holders).scalars())
    theirs = select(PersonNumberRow.number).where(PersonNumberRow.person.in_(sorted(people)))
    return tuple(sorted({*of.numbers, *connection.execute(theirs).scalars()} - {of.number}))


def numbers_of(connection: Connection, person: str) -> frozenset[str]:
    """The numbers that some list gives for the person."""
    return frozenset(connection.execute(select(PersonNumberRow.number).where(PersonNumberRow.person == person)).scalars())


def people_on(connection: Connection, number: str) -> frozenset[str]:
    """The people for whom some list gives the number."""
    return frozenset(connection.execute(select(PersonNumberRow.person).where(PersonNumberRow.number == number)).scalars())


def _lead_values(row: ListRow, campaign_id: str, list_name: str, now: datetime) -> dict[str, Any]:
    return {
        "lead_id": new_id(now),
        "campaign_id": campaign_id,
        "list_name": list_name,
        "line": row.line,
        "person": row.person,
        "name": row.name,
        "numbers": list(row.numbers),
        "zone": row.zone,
        "subject": row.subject,
        "debt": row.debt,
        "creditor": row.creditor,
        "region": row.region,
        "state": LeadState.NEW.value,
        "next_at": now,
        "attempts": 0,
        "reason": "",
    }


def due_leads(connection: Connection, campaign_id: str, state: LeadState, now: datetime, limit: int) -> list[Lead]:
    """Leads in `state` that may be looked at by `now`, the longest due first."""
    query = (
        select(LeadRow.__table__)
        .where(LeadRow.campaign_id == campaign_id, LeadRow.state == state.value, LeadRow.next_at <= now)
        .order_by(LeadRow.next_at, LeadRow.lead_id)
        .limit(limit)
    )
    return [_lead(row) for row in connection.execute(query)]


def next_due(connection: Connection, campaign_id: str) -> datetime | None:
    """When the next lead of the campaign may be dialed; None if none ever will as things stand."""
    states = (LeadState.NEW.value, LeadState.READY.value)
    query = select(LeadRow.next_at).where(LeadRow.campaign_id == campaign_id, LeadRow.state.in_(states))
    return connection.execute(query.order_by(LeadRow.next_at).limit(1)).scalar_one_or_none()


def lead(connection: Connection, lead_id: str) -> Lead:
    """The lead with this id. Raises NotFound."""
    row = connection.execute(select(LeadRow.__table__).where(LeadRow.lead_id == lead_id)).first()
    if row is None:
        raise NotFound(f"no lead has the id {lead_id!r}")
    return _lead(row)


def leads_like(connection: Connection, text: str) -> list[Lead]:
    """Leads whose id, person or a number is `text`."""
    holds_number = cast(LeadRow.numbers, Text).contains(f'"{text}"', autoescape=True)
    query = select(LeadRow.__table__).where(or_(LeadRow.lead_id == text, LeadRow.person == text, holds_number))
    return [_lead(row) for row in connection.execute(query)]


def leads_of(connection: Connection, campaign_id: str) -> list[Lead]:
    """All leads of the campaign, in list order."""
    query = select(LeadRow.__table__).where(LeadRow.campaign_id == campaign_id).order_by(LeadRow.list_name, LeadRow.line)
    return [_lead(row) for row in connection.execute(query)]


def lead_counts(connection: Connection, campaign_id: str) -> dict[str, int]:
    """How many leads are in each state."""
    query = select(LeadRow.state, func.count()).where(LeadRow.campaign_id == campaign_id).group_by(LeadRow.state)
    return {state: count for state, count in connection.execute(query)}  # noqa: C416 -- a Row is no pair to mypy


def set_lead(connection: Connection, lead_id: str, state: LeadState, next_at: datetime | None, reason: str) -> None:
    """Where the lead stands now; `next_at` None keeps the time it has."""
    values: dict[str, Any] = {"state": state.value, "reason": reason}
    if next_at is not None:
        values["next_at"] = next_at
    connection.execute(update(LeadRow).where(LeadRow.lead_id == lead_id).values(values))


def ask_again(connection: Connection, now: datetime, *, rules: Sequence[str] = (), people: Sequence[str] = ()) -> int:
    """Lets the gate look again at leads that it refused for want of facts: by one of these rules, or to these people.

    People are named by their ids or by numbers. Answers how many leads there are; none of them is permitted by it.
    """
    by_rule = [LeadRow.reason.contains(f"{rule}: ", autoescape=True) for rule in rules]
    count = 0
    for start in range(0, max(len(people), 1), 500):
        some = people[start : start + 500]
        holders = select(PersonNumberRow.person).where(PersonNumberRow.number.in_(some))
        meant = or_(*by_rule, LeadRow.person.in_(some), LeadRow.person.in_(holders))
        refused = (LeadRow.state == LeadState.REFUSED.value) & meant
        again = update(LeadRow).where(refused).values(state=LeadState.NEW.value, next_at=now)
        count += connection.execute(again).rowcount
    return count


def apply_plan(connection: Connection, lead_id: str, plan: LeadPlan) -> None:
    """What becomes of the lead after an attempt."""
    set_lead(connection, lead_id, plan.state, plan.next_at, plan.reason)
    connection.execute(update(LeadRow).where(LeadRow.lead_id == lead_id).values(numbers=list(plan.numbers)))


# --- attempts --------------------------------------------------------------------------------------------------------


def open_attempt(connection: Connection, floor_call: FloorCall) -> bool:
    """Takes the lead for this attempt, which a restart will find; False when somebody else has the lead."""
    free = (LeadRow.lead_id == floor_call.lead_id) & (LeadRow.state == LeadState.READY.value)
    taken = {"state": LeadState.DIALING.value, "attempts": LeadRow.attempts + 1, "reason": ""}
    if connection.execute(update(LeadRow).where(free).values(taken)).rowcount != 1:
        return False
    connection.execute(insert(AttemptRow).values(call_id=floor_call.call_id, **_attempt_values(floor_call)))
    return True


def take_back(connection: Connection, lead_id: str) -> None:
    """The lead's last attempt was none: nothing was sent, nobody was rung."""
    connection.execute(update(LeadRow).where(LeadRow.lead_id == lead_id).values(attempts=LeadRow.attempts - 1))


def void_attempt(connection: Connection, floor_call: FloorCall, now: datetime, reason: str) -> None:
    """Nothing was sent to the PBX: the lead is as it was, and the attempt is kept only as a trace."""
    ended = {"state": CallState.ENDED.value, "disposition": "void", "finished_at": now, "ended_at": now, "failure": reason}
    connection.execute(update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id).values(ended))
    back = {"state": LeadState.READY.value, "attempts": LeadRow.attempts - 1, "reason": reason}
    connection.execute(update(LeadRow).where(LeadRow.lead_id == floor_call.lead_id).values(back))


def save_call(connection: Connection, floor_call: FloorCall) -> None:
    """Where the call stands."""
    connection.execute(update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id).values(**_attempt_values(floor_call)))


def finish_attempt(connection: Connection, floor_call: FloorCall, disposition: str, now: datetime) -> bool:
    """The last word on a call; False when it was said already."""
    done = update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id, AttemptRow.finished_at.is_(None))
    values = _attempt_values(floor_call) | {"disposition": disposition, "finished_at": now}
    return connection.execute(done.values(**values)).rowcount == 1


def open_attempts(connection: Connection) -> list[FloorCall]:
    """Attempts whose last word is not said: what a restart takes over."""
    query = _with_campaign().where(AttemptRow.finished_at.is_(None)).order_by(AttemptRow.call_id)
    return [_floor_call(row) for row in connection.execute(query)]


def attempt(connection: Connection, call_id: str) -> FloorCall:
    """The attempt with this id, open or finished. Raises NotFound."""
    row = connection.execute(_with_campaign().where(AttemptRow.call_id == call_id)).first()
    if row is None:
        raise NotFound(f"no call has the id {call_id!r}")
    return _floor_call(row)


def attempts_of(connection: Connection, *, lead_id: str | None = None, campaign_id: str | None = None) -> list[FloorCall]:
    """The attempts on a lead or of a campaign, oldest first; attempts that were never sent are left out."""
    query = _with_campaign().where(or_(AttemptRow.disposition.is_(None), AttemptRow.disposition != "void"))
    if lead_id is not None:
        query = query.where(AttemptRow.lead_id == lead_id)
    if campaign_id is not None:
        query = query.where(AttemptRow.campaign_id == campaign_id)
    return [_floor_call(row) for row in connection.execute(query.order_by(AttemptRow.ordered_at, AttemptRow.call_id))]


# --- agents ----------------------------------------------------------------------------------------------------------


def add_agent(connection: Connection, agent_id: str, name: str, now: datetime) -> None:
    """Puts an agent on the roster, or back on it."""
    row = AgentRow.agent_id == agent_id
    if connection.execute(select(AgentRow.agent_id).where(row)).first():
        connection.execute(update(AgentRow).where(row).values(name=name, active=True))
        return
    connection.execute(
        insert(AgentRow).values(agent_id=agent_id, name=name, active=True, state=AgentState.OFFLINE.value, since=now, reason="")
    )


def remove_agent(connection: Connection, agent_id: str) -> None:
    """Takes an agent off the roster; the history stays. Raises NotFound."""
    gone = connection.execute(update(AgentRow).where(AgentRow.agent_id == agent_id, AgentRow.active).values(active=False))
    if gone.rowcount == 0:
        raise NotFound(f"no agent {agent_id!r} is on the roster")


def roster(connection: Connection) -> list[tuple[Agent, str]]:
    """The agents who may take calls, with their names."""
    rows = connection.execute(select(AgentRow.__table__).where(AgentRow.active).order_by(AgentRow.agent_id))
    return [(Agent(row.agent_id, AgentState(row.state), row.since, row.call_id, row.reason), row.name) for row in rows]


def save_agent(connection: Connection, agent: Agent) -> None:
    """The agent's state, now and in the history."""
    values = {"state": agent.state.value, "since": agent.since, "call_id": agent.call_id, "reason": agent.reason}
    connection.execute(update(AgentRow).where(AgentRow.agent_id == agent.agent_id).values(values))
    connection.execute(insert(AgentStateRow).values(agent_id=agent.agent_id, **values))


# --- words from other processes --------------------------------------------------------------------------------------


def say(connection: Connection, kind: str, payload: dict[str, str], now: datetime) -> None:
    """Leaves a word for the running floor, in the caller's transaction."""
    connection.execute(insert(ControlRow).values(at=now, kind=kind, payload=payload))


@dataclass(frozen=True, slots=True)
class Word:
    """One word from another process."""

    id: int
    kind: str
    payload: dict[str, str]
    at: datetime


def words(connection: Connection, limit: int) -> list[Word]:
    """The words not taken yet, oldest first."""
    waiting = select(ControlRow.__table__).where(ControlRow.taken_at.is_(None)).order_by(ControlRow.id).limit(limit)
    return [Word(row.id, row.kind, row.payload, row.at) for row in connection.execute(waiting)]


def take_words(connection: Connection, taken: Iterable[Word], now: datetime) -> None:
    """The floor has acted on these words."""
    connection.execute(update(ControlRow).where(ControlRow.id.in_([word.id for word in taken])).values(taken_at=now))


# --- rows to values --------------------------------------------------------------------------------------------------

_CALL_FIELDS = tuple(field.name for field in fields(Call) if field.name not in {"call_id", "state", "ended_by"})


def _with_campaign() -> Any:
    columns = (
        *AttemptRow.__table__.columns,
        CampaignRow.name.label("campaign"),
        CampaignRow.disclosure,
        CampaignRow.safe_harbour,
    )
    return select(*columns).join(CampaignRow, CampaignRow.campaign_id == AttemptRow.campaign_id)


def _attempt_values(floor_call: FloorCall) -> dict[str, Any]:
    call = floor_call.call
    return {
        "lead_id": floor_call.lead_id,
        "campaign_id": floor_call.campaign_id,
        "person": floor_call.person,
        "number": floor_call.number,
        "packs": [{"id": pack.id, "version": pack.version, "sha256": pack.sha256} for pack in floor_call.packs],
        "holds_agent": floor_call.agent_id,
        "disposition": floor_call.disposition,
        "state": call.state.value,
        "ended_by": call.ended_by.value if call.ended_by else None,
        **{name: getattr(call, name) for name in _CALL_FIELDS},
    }


def _floor_call(row: Row[Any]) -> FloorCall:
    call = Call(
        call_id=row.call_id,
        state=CallState(row.state),
        ended_by=EndedBy(row.ended_by) if row.ended_by else None,
        **{name: getattr(row, name) for name in _CALL_FIELDS},
    )
    return FloorCall(
        call=call,
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        campaign=row.campaign,
        person=row.person,
        number=row.number,
        packs=tuple(PackRef(**pack) for pack in row.packs),
        disclosure=row.disclosure,
        safe_harbour=row.safe_harbour,
        agent_id=row.holds_agent,
        disposition=row.disposition,
    )


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        campaign_id=row.campaign_id,
        name=row.name,
        state=CampaignState(row.state),
        subject=row.subject,
        purpose=row.purpose,
        disclosure=row.disclosure,
        safe_harbour=row.safe_harbour,
        channels=row.channels,
        max_attempts=row.max_attempts,
        ring_for=timedelta(seconds=row.ring_seconds),
        started_at=row.started_at,
        halted_at=row.halted_at,
        halted_because=row.halted_because,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        review_note=row.review_note,
    )


def _lead(row: Row[Any]) -> Lead:
    values = {field.name: getattr(row, field.name) for field in fields(Lead) if field.name not in {"numbers", "state"}}
    return Lead(numbers=tuple(row.numbers), state=LeadState(row.state), **values)
