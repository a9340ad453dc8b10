"""Who takes which customer: reserving, joining, releasing and wrapping up, as pure steps on the floor.

The longest-ready agent takes the longest-waiting customer. A reservation begins at the answer and is given back
when the customer or the agent goes; every path out of a call leads to one `Finish`.
"""

from dataclasses import replace
from datetime import timedelta

from dialer.agents import Agent, AgentMove, AgentState, move
from dialer.dispositions import system_disposition
from dialer.floor import Abandon, Alert, AlertKind, Command, Connect, Finish, Floor, FloorCall, HangUp, SaveAgent, SaveCall
from sip.call import CallState
from sip.events import Bridged

Step = tuple[Floor, tuple[Command, ...]]


def waited(floor: Floor, call: FloorCall) -> timedelta:
    """How long the customer has been waiting since the answer; zero before it."""
    return floor.now - (call.call.answered_at or floor.now)


def in_time(floor: Floor, call: FloorCall) -> bool:
    """Whether an agent offered now still comes before the abandonment message is due."""
    return waited(floor, call) <= floor.policy.agent_wait - floor.policy.keep_off


def offer(floor: Floor, call: FloorCall) -> Step:
    """Gives the call to the agent who has been ready longest; nobody, if nobody is ready."""
    ready = [agent for agent in floor.agents.values() if agent.state is AgentState.READY]
    if not ready:
        return floor, ()
    return _reserve(floor, min(ready, key=lambda one: (one.since, one.agent_id)), call)


def became_ready(floor: Floor, agent: Agent) -> Step:
    """A ready agent takes the customer who waits longest, if one waits who can still be reached in time."""
    waiting = [
        call
        for call in floor.calls.values()
        if call.agent_id is None
        and (call.call.state is CallState.ANNOUNCED or (call.call.state is CallState.ANSWERED and in_time(floor, call)))
    ]
    if not waiting:
        return floor, (SaveAgent(agent),)
    return _reserve(floor, agent, min(waiting, key=lambda call: (call.call.answered_at or floor.now, call.call_id)))


def _reserve(floor: Floor, agent: Agent, call: FloorCall) -> Step:
    reserved = move(agent, AgentMove.RESERVE, floor.now, call_id=call.call_id)
    taken = replace(call, agent_id=agent.agent_id)
    return floor.with_agent(reserved).with_call(taken), (Connect(call.call_id, agent.agent_id), SaveAgent(reserved))


def joined(floor: Floor, call: FloorCall, event: Bridged) -> Step:
    """Two-way audio: the reserved agent is on the call."""
    agent = floor.agents.get(event.agent_id)
    if agent is None or agent.call_id != call.call_id or agent.state not in {AgentState.RESERVED, AgentState.ON_CALL}:
        text = f"joined agent {event.agent_id}, who was not reserved for it"
        return floor, (Alert(AlertKind.ILLEGAL_EVENT, text, event.at, call.call_id),)
    if agent.state is AgentState.ON_CALL:
        return floor, ()
    on_call = move(agent, AgentMove.JOIN, event.at)
    return floor.with_agent(on_call), (SaveAgent(on_call),)


def release(floor: Floor, call: FloorCall) -> Step:
    """The agent reserved for the call is free again, and takes the next customer who waits."""
    if call.agent_id is None:
        return floor, ()
    floor = floor.with_call(replace(call, agent_id=None))
    agent = floor.agents.get(call.agent_id)
    if agent is None or agent.state is not AgentState.RESERVED or agent.call_id != call.call_id:
        return floor, ()
    released = move(agent, AgentMove.RELEASE, floor.now)
    return became_ready(floor.with_agent(released), released)


def customer_gone(floor: Floor, call: FloorCall) -> Step:
    """The customer leg has ended: into the wrap-up with an agent who talked, otherwise the call is finished."""
    agent = floor.agents.get(call.agent_id) if call.agent_id else None
    if agent is None or agent.call_id != call.call_id:
        return finish(floor, call)
    if agent.state is AgentState.ON_CALL:
        wrapping = move(agent, AgentMove.CUSTOMER_GONE, floor.now)
        return floor.with_agent(wrapping), (SaveCall(call), SaveAgent(wrapping))
    if agent.state is AgentState.RESERVED:
        released = move(agent, AgentMove.RELEASE, floor.now)
        floor, commands = finish(floor.with_agent(released), replace(call, agent_id=None))
        floor, taken = became_ready(floor, released)
        return floor, (*taken, *commands)
    return finish(floor, call)


def finish(floor: Floor, call: FloorCall) -> Step:
    """The call leaves the floor with its final disposition."""
    disposition = call.disposition or system_disposition(call.call).value
    return floor.without_call(call.call_id), (Finish(replace(call, disposition=disposition), disposition),)


def end_wrap_up(floor: Floor, agent: Agent, how: AgentMove) -> Step:
    """The wrap-up is over, by the agent's word or because it ran out; the call is finished."""
    call = floor.calls.get(agent.call_id or "")
    after = move(agent, how, floor.now, reason="wrap-up ran out" if how is AgentMove.WRAP_UP_EXPIRED else "")
    floor = floor.with_agent(after)
    finished: tuple[Command, ...] = ()
    if call is not None:
        floor, finished = finish(floor, call)
    if after.state is AgentState.READY:
        floor, taken = became_ready(floor, after)
        return floor, (*taken, *finished)
    return floor, (SaveAgent(after), *finished)


def agent_gone(floor: Floor, agent: Agent) -> Step:
    """The agent's leg is gone, whatever they were doing."""
    offline = move(agent, AgentMove.LEG_DOWN, floor.now)
    floor = floor.with_agent(offline)
    call = floor.calls.get(agent.call_id) if agent.call_id else None
    if call is None or call.agent_id != agent.agent_id:
        return floor, (SaveAgent(offline),)
    if agent.state is AgentState.WRAP_UP:
        floor, commands = finish(floor, call)
        return floor, (SaveAgent(offline), *commands)
    lost = Alert(AlertKind.AGENT_LOST, f"agent {agent.agent_id} was lost during the call", floor.now, call.call_id)
    if agent.state is AgentState.RESERVED:
        # The prompt goes on playing and is not played again for the next agent; without one, the message follows.
        free = replace(call, agent_id=None)
        floor, offered = offer(floor.with_call(free), free)
        return floor, (*(offered or (Abandon(call.call_id),)), SaveAgent(offline), lost)
    return floor, (HangUp(call.call_id), SaveAgent(offline), lost)  # the hang-up event finishes the call
