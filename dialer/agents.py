"""The states of an agent and what moves them: one table.

An agent is `ready` only while the PBX holds a leg whose audio was proven: an agent who cannot hear or be heard is
never offered a customer. `reserved` begins at the answer of a call, `on_call` at two-way audio, `wrap_up` when the
customer is gone; a wrap-up that runs out pauses the agent, since nobody seems to be there.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AgentState(StrEnum):
    """Where an agent stands; the field's names."""

    OFFLINE = "offline"
    CHECKING = "checking"  # the leg is up, its audio not yet proven
    READY = "ready"
    RESERVED = "reserved"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class AgentMove(StrEnum):
    """What happens to an agent."""

    LEG_UP = "leg_up"
    LEG_PROVEN = "leg_proven"
    LEG_DOWN = "leg_down"
    RESERVE = "reserve"
    RELEASE = "release"  # the reserved call went away before it was joined
    JOIN = "join"
    CUSTOMER_GONE = "customer_gone"
    WRAPPED_UP = "wrapped_up"
    WRAP_UP_EXPIRED = "wrap_up_expired"
    PAUSE = "pause"
    RESUME = "resume"


_A = AgentState
_M = AgentMove

#: (state, move) -> state. A pair that is not here is illegal.
AGENT_TRANSITIONS: dict[tuple[AgentState, AgentMove], AgentState] = {
    (_A.OFFLINE, _M.LEG_UP): _A.CHECKING,
    (_A.OFFLINE, _M.LEG_PROVEN): _A.READY,
    (_A.CHECKING, _M.LEG_UP): _A.CHECKING,
    (_A.CHECKING, _M.LEG_PROVEN): _A.READY,
    (_A.READY, _M.RESERVE): _A.RESERVED,
    (_A.READY, _M.PAUSE): _A.PAUSED,
    (_A.RESERVED, _M.RELEASE): _A.READY,
    (_A.RESERVED, _M.JOIN): _A.ON_CALL,
    (_A.ON_CALL, _M.CUSTOMER_GONE): _A.WRAP_UP,
    (_A.RESERVED, _M.CUSTOMER_GONE): _A.READY,
    (_A.WRAP_UP, _M.WRAPPED_UP): _A.READY,
    (_A.WRAP_UP, _M.WRAP_UP_EXPIRED): _A.PAUSED,
    (_A.PAUSED, _M.RESUME): _A.READY,
    # a second phone of the same agent, or a leg proven again after a gap, changes nothing
    (_A.READY, _M.LEG_PROVEN): _A.READY,
    (_A.PAUSED, _M.LEG_PROVEN): _A.PAUSED,
    (_A.WRAP_UP, _M.LEG_PROVEN): _A.WRAP_UP,
    (_A.ON_CALL, _M.LEG_PROVEN): _A.ON_CALL,
    (_A.RESERVED, _M.LEG_PROVEN): _A.RESERVED,
}
for _state in _A:
    AGENT_TRANSITIONS[(_state, _M.LEG_DOWN)] = _A.OFFLINE


class IllegalMove(Exception):
    """The agent's state does not allow the move."""

    def __init__(self, agent_id: str, state: AgentState, move: AgentMove) -> None:
        super().__init__(f"agent {agent_id}: {move.value} is not possible in state {state.value}")


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent on the floor; `call_id` is the call they are reserved for, talking in, or wrapping up."""

    agent_id: str
    state: AgentState
    since: datetime
    call_id: str | None = None
    reason: str = ""


_KEEPS_CALL = {_A.RESERVED, _A.ON_CALL, _A.WRAP_UP}


def move(agent: Agent, what: AgentMove, at: datetime, *, call_id: str | None = None, reason: str = "") -> Agent:
    """The agent after the move. Raises IllegalMove where the table has none."""
    state = AGENT_TRANSITIONS.get((agent.state, what))
    if state is None:
        raise IllegalMove(agent.agent_id, agent.state, what)
    since = agent.since if state is agent.state else at
    held = (call_id or agent.call_id) if state in _KEEPS_CALL else None
    return Agent(agent.agent_id, state, since, held, reason)
