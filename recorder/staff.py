"""Who is on the staff, and as whom does somebody act?

The rule it protects: as soon as anybody is on the staff, nobody who is not on it hears a recording. The first one is a manager
and a manager always remains, so that a site is never left to nobody. Rows stay: who left is still told by the audit chain.
"""

from datetime import datetime

from sqlalchemy import Boolean, Column, Row, String, Table, exists, func, insert, select, update
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from config.database import Base, UtcDateTime
from recorder.access import Acting, Operator, Role, Staff

LOCK = "staff of the site"

staff = Table(
    "staff",
    Base.metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("team", String(64), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("since", UtcDateTime, nullable=False),  # when this was said of them
)


class UnknownStaff(LookupError):
    """Nobody of this name is on the staff."""


class StaffRefused(ValueError):
    """The staff cannot be so: a role lacks what it needs, or nobody would be left to answer for it."""


def acting(connection: Connection, name: str) -> Acting:
    """Who `name` is. On a site where nobody was ever on the staff, its operator. Raises UnknownStaff."""
    row = connection.execute(select(staff).where(staff.c.name == name)).first()
    if row is not None and row.active:
        return _staff(row)
    if row is None and not connection.execute(select(exists().select_from(staff))).scalar_one():
        return Operator(name)
    raise UnknownStaff(f"{name!r} is not on the staff of this site")


def put(connection: Connection, member: Staff, now: datetime) -> None:
    """Puts somebody on the staff, or gives them another role. Raises StaffRefused."""
    lock_keys(connection, LOCK)
    if member.role is Role.AGENT and not member.agent_id:
        raise StaffRefused(f"{member.name}: who has the role agent needs an agent id: they hear their own calls")
    if member.role is Role.SUPERVISOR and not member.team:
        raise StaffRefused(f"{member.name}: a supervisor needs a team")
    if member.role is not Role.MANAGER:
        _check_a_manager_remains(connection, member.name)
    values = {"role": member.role.value, "team": member.team, "agent_id": member.agent_id, "active": True, "since": now}
    changed = connection.execute(update(staff).where(staff.c.name == member.name).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(staff).values(name=member.name, **values))


def remove(connection: Connection, name: str, now: datetime) -> None:
    """Takes somebody off the staff; their row stays. Raises UnknownStaff, StaffRefused."""
    lock_keys(connection, LOCK)
    here = (staff.c.name == name) & staff.c.active
    if not connection.execute(select(exists().where(here))).scalar_one():
        raise UnknownStaff(f"{name!r} is not on the staff of this site")
    _check_a_manager_remains(connection, name)
    connection.execute(update(staff).where(here).values(active=False, since=now))


def members(connection: Connection) -> list[Staff]:
    """Everybody on the staff, by name."""
    return [_staff(row) for row in connection.execute(select(staff).where(staff.c.active).order_by(staff.c.name))]


def _check_a_manager_remains(connection: Connection, name: str) -> None:
    others = (staff.c.role == Role.MANAGER.value) & staff.c.active & (staff.c.name != name)
    if connection.execute(select(func.count()).select_from(staff).where(others)).scalar_one() == 0:
        raise StaffRefused("there must be a manager: put one on the staff first")


def _staff(row: Row[tuple[object, ...]]) -> Staff:
    return Staff(row.name, Role(row.role), row.team, row.agent_id)
