"""Leads on disk: who they are, on which numbers, and when they are looked at again. Each function is part of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, cast, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from config.ids import new_id
from dialer.dispositions import LeadPlan, LeadState
from dialer.leads import LeadRow as ListRow
from dialer.store.campaigns import NotFound
from dialer.tables import LeadRow, PersonNumberRow


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


def some_numbers(connection: Connection, limit: int) -> frozenset[str]:
    """Up to so many of the numbers on the lists."""
    return frozenset(connection.execute(select(PersonNumberRow.number).limit(limit)).scalars())


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


def _lead(row: Row[Any]) -> Lead:
    values = {field.name: getattr(row, field.name) for field in fields(Lead) if field.name not in {"numbers", "state"}}
    return Lead(numbers=tuple(row.numbers), state=LeadState(row.state), **values)
