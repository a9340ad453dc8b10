"""Who may take calls, and in which state they are. Each function is part of a transaction."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from dialer.agents import Agent, AgentState
from dialer.store.campaigns import NotFound
from dialer.tables import AgentRow, AgentStateRow
from recorder.staff import staff


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


def team_of(connection: Connection, agent_id: str | None) -> str:
    """The team of an agent, as the staff of the site says it; empty where it says nothing."""
    theirs = select(staff.c.team).where(staff.c.agent_id == agent_id, staff.c.active).order_by(staff.c.name).limit(1)
    return "" if agent_id is None else connection.execute(theirs).scalar() or ""


def save_agent(connection: Connection, agent: Agent) -> None:
    """The agent's state, now and in the history."""
    values = {"state": agent.state.value, "since": agent.since, "call_id": agent.call_id, "reason": agent.reason}
    connection.execute(update(AgentRow).where(AgentRow.agent_id == agent.agent_id).values(values))
    connection.execute(insert(AgentStateRow).values(agent_id=agent.agent_id, **values))
