"""Who takes which customer: reserving, joining, releasing and wrapping up, as pure steps on the floor.

The longest-ready agent takes the longest-waiting customer. A reservation begins at the answer and ends only when the
customer or the agent goes: as long as our order to join them may be under way, nobody else may be sent to that agent,
or two customers would meet. Every path out of a call leads to one `Finish`.
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
    ready = [agent for agent in floor.agents.values() if agent.state is AgentState.READY and agent.agent_id not in floor.leaving]
    if not ready:
        return floor, ()
    return _reserve(floor, min(ready, key=lambda one: (one.since, one.agent_id)), call)


def became_ready(floor: Floor, agent: Agent) -> Step:
    """A ready agent takes the customer who waits longest, if one can still be reached in time; one off the roster leaves."""
    if agent.agent_id in floor.leaving:
        return floor.without_agent(agent.agent_id), (SaveAgent(move(agent, AgentMove.LEG_DOWN, floor.now)),)
    waiting = [call for call in floor.calls.values() if _waits(floor, call)]
    if not waiting:
        return floor, (SaveAgent(agent),)
    return _reserve(floor, agent, min(waiting, key=lambda call: (call.call.answered_at or floor.now, call.call_id)))


def _waits(floor: Floor, call: FloorCall) -> bool:
    """Whether an agent may still be given to the customer. One to whom the prompt could not be played gets nobody."""
    if call.agent_id is not None or call.cancelled:
        return False
    if call.call.state is CallState.ANNOUNCED:
        return call.call.disclosed
    return call.call.state is CallState.ANSWERED and in_time(floor, call)


def _reserve(floor: Floor, agent: Agent, call: FloorCall) -> Step:
    reserved = move(agent, AgentMove.RESERVE, floor.now, call_id=call.call_id)
    taken = replace(call, agent_id=agent.agent_id)
    return floor.with_agent(reserved).with_call(taken), (Connect(call.call_id, agent.agent_id), SaveAgent(reserved))


def joined(floor: Floor, call: FloorCall, event: Bridged) -> Step:
    """Two-way audio: the reserved agent is on the call. Undisclosed, or with anybody else, the customer is hung up.

    With anybody else while our order to join the reserved agent is under way, that order puts it right.
    """
    if not call.call.disclosed and call.call.disclosed_by.comes_first:
        text = f"joined agent {event.agent_id} without having heard the disclosure prompt"
        return floor, (HangUp(call.call_id), Alert(AlertKind.UNDISCLOSED, text, event.at, call.call_id))
    agent = floor.agents.get(event.agent_id)
    if agent is None or agent.call_id != call.call_id or agent.state not in {AgentState.RESERVED, AgentState.ON_CALL}:
        text = f"joined agent {event.agent_id}, who was not reserved for it"
        wrong = Alert(AlertKind.ILLEGAL_EVENT, text, event.at, call.call_id)
        expected = floor.agents.get(call.agent_id or "")
        under_way = expected is not None and expected.state is AgentState.RESERVED
        return floor, (wrong,) if under_way else (HangUp(call.call_id), wrong)
    if agent.state is AgentState.ON_CALL:
        return floor, ()
    on_call = move(agent, AgentMove.JOIN, event.at)
    return floor.with_agent(on_call), (SaveAgent(on_call),)


def agent_missing(floor: Floor, call: FloorCall, agent_id: str) -> Step:
    """The PBX found nobody in the agent's room. Old news about an agent who is not reserved for the call any more."""
    agent = floor.agents.get(agent_id)
    if agent is not None and agent.call_id == call.call_id:
        return agent_gone(floor, agent)
    return offer(floor, call) if _waits(floor, call) else (floor, ())


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
        free = replace(call, agent_id=None)
        floor, orders = instead(floor.with_call(free), free)
        return floor, (*orders, SaveAgent(offline), lost)
    floor = floor.with_call(replace(call, agent_id=None))
    return floor, (HangUp(call.call_id), SaveAgent(offline), lost)  # the hang-up event finishes the call


def instead(floor: Floor, call: FloorCall) -> Step:
    """Who comes instead of a reserved agent who was lost: another one, or the abandonment message.

    A message that began while our order to join was under way may be interrupted by that order, so it is ordered again.
    """
    prompt_failed = call.call.announced_at is not None and not call.call.disclosed
    match call.call.state:
        case _ if call.cancelled:
            return floor, ()  # is being hung up
        case CallState.ANSWERED | CallState.ANNOUNCING | CallState.ANNOUNCED if not prompt_failed:
            floor, offered = offer(floor, call)
            return floor, offered or (Abandon(call.call_id),)
        case CallState.BRIDGED | CallState.UNBRIDGED:
            return floor, (HangUp(call.call_id),)  # with somebody who was not reserved for it
        case _:
            return floor, (Abandon(call.call_id),)
