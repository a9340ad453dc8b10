"""After a gap in our view of the PBX, or a restart: make the floor agree with what the PBX holds.

What lives is adopted, what nobody here ordered is ended, what is gone is closed as lost. Times of what we missed are
the time we learned of it, never guessed earlier. Our last orders may reach the PBX after it was looked at: what the
floor decides on words from before the gap is sent as soon as the PBX is back.
"""

from dataclasses import replace
from datetime import timedelta

from dialer import recording
from dialer.agents import Agent, AgentMove, AgentState, move
from dialer.assignment import Step, agent_gone, became_ready, customer_gone, finish, in_time, instead
from dialer.floor import Alert, AlertKind, Command, Connect, Floor, FloorCall, HangUp, SaveAgent, SaveCall
from sip import call as calls
from sip.call import CallState
from sip.events import (
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CallEvent,
    Dialed,
    LiveCall,
    LivePhase,
    Lost,
    PbxUp,
    Ringing,
    SafeHarbourStarted,
)

_S = CallState

#: A call ordered this shortly before the PBX was looked at, or after, need not be in what was seen. If it never comes to
#: life the floor gives it up by itself.
JUST_ORDERED = timedelta(seconds=1)


def reconcile(floor: Floor, up: PbxUp) -> Step:
    """The floor after seeing everything that is alive on the PBX."""
    commands: list[Command] = []
    live_agents = {agent.agent_id: agent for agent in up.agents}
    live_calls = {call.call_id: call for call in up.calls}
    present = {agent.agent_id for agent in up.agents if agent.proven} & floor.agents.keys()  # on the roster, with a proven line
    forsaken = {one.call_id for one in floor.agents.values() if one.state is AgentState.RESERVED and one.agent_id not in present}
    for call_id in sorted(live_calls.keys() - floor.calls.keys()):
        commands += [HangUp(call_id), Alert(AlertKind.STRAY_CALL, "a call nobody here ordered was ended", up.at, call_id)]
    for agent in tuple(floor.agents.values()):
        live = live_agents.get(agent.agent_id)
        if live is not None and live.proven:
            floor = floor.with_agent(move(agent, AgentMove.LEG_PROVEN, up.at))
    for agent in tuple(floor.agents.values()):
        live = live_agents.get(agent.agent_id)
        if agent.state is not AgentState.OFFLINE and (live is None or not live.proven):
            floor, more = _line_lost(floor, floor.agents[agent.agent_id])
            commands.extend(more)
        if live is not None and not live.proven:
            floor = floor.with_agent(move(floor.agents[agent.agent_id], AgentMove.LEG_UP, up.at))
    found_with = {call.call_id for call in up.calls if call.agent_id in present} - forsaken
    for call_id in sorted(floor.calls, key=lambda one: (_turn(floor.calls[one], live_calls.get(one), found_with), one)):
        floor, more = _settle(floor, floor.calls[call_id], live_calls.get(call_id), up, forsaken=call_id in forsaken)
        commands.extend(more)
    for agent in sorted(floor.agents.values(), key=lambda one: (one.since, one.agent_id)):
        current = floor.agents[agent.agent_id]
        floor, more = became_ready(floor, current) if current.state is AgentState.READY else (floor, (SaveAgent(current),))
        commands.extend(more)
    return floor, tuple(commands)


def _turn(call: FloorCall, live: LiveCall | None, found_with: set[str]) -> int:
    """Which calls are settled first: nobody is offered before it is known whom they have, or to a customer who is gone."""
    if live is not None:
        return 0 if call.call_id in found_with else 1
    return 3 if call.agent_id is not None else 2


def _line_lost(floor: Floor, agent: Agent) -> Step:
    """The agent's leg is gone; what that means for their customer is settled with what the PBX holds of the customer."""
    call = floor.calls.get(agent.call_id or "")
    if call is None or call.call.state is _S.ENDED:
        return agent_gone(floor, agent)
    floor = floor.with_agent(move(agent, AgentMove.LEG_DOWN, floor.now)).with_call(replace(call, agent_id=None))
    lost = Alert(AlertKind.AGENT_LOST, f"agent {agent.agent_id} was lost during the call", floor.now, call.call_id)
    return floor, (lost,)


def _settle(floor: Floor, call: FloorCall, live: LiveCall | None, up: PbxUp, *, forsaken: bool) -> Step:
    """One call as the PBX has it. `forsaken`: the agent reserved for it is gone, and our order to join them may be under way."""
    if call.call.state is _S.ENDED:
        return _resume_wrap_up(floor, call)
    if live is None and call.call.state is _S.ORDERED and call.call.ordered_at > up.at - JUST_ORDERED:
        return floor, ()
    if live is None:
        gone = Lost(call.call_id, up.at)
        lost, _ = recording.after(replace(call, call=calls.apply(call.call, gone)), gone)
        floor, commands = customer_gone(floor.with_call(lost), lost)
        text = "ended out of our sight; counted as an attempt"
        return floor, (*commands, Alert(AlertKind.CALL_LOST, text, up.at, call.call_id))
    agent = floor.agents.get(call.agent_id or "")
    held = agent.agent_id if agent is not None and agent.call_id == call.call_id else None
    adopted = replace(_caught_up(call, live, up), agent_id=held)
    floor, commands = _adopted(floor.with_call(adopted), adopted, live, held=held, forsaken=forsaken)
    return floor, commands if adopted.cancelled else (*commands, *recording.found_alive(adopted))


def _adopted(floor: Floor, adopted: FloorCall, live: LiveCall, *, held: str | None, forsaken: bool) -> Step:
    """What a call that lives needs now. `held`: its agent on the floor."""
    call = adopted
    if adopted.cancelled:
        return floor, (HangUp(call.call_id), SaveCall(adopted))
    if forsaken:
        return _without_agent(floor, adopted)  # whatever was seen, that order must not have the last word
    match live.phase:
        case LivePhase.ANNOUNCING | LivePhase.BRIDGED:
            return _with_agent(floor, adopted, live)
        case LivePhase.ANSWERED if held is not None and in_time(floor, adopted):
            return floor, (Connect(call.call_id, held), SaveCall(adopted))  # the first order may have been lost
        case _:
            return floor, (SaveCall(adopted),)


def _resume_wrap_up(floor: Floor, call: FloorCall) -> Step:
    """A call that ended while nobody watched: its agent judges it if they are there, else the system does."""
    agent = floor.agents.get(call.agent_id or "")
    if agent is None or (agent.state is not AgentState.READY and agent.call_id != call.call_id):
        return finish(floor, call)
    if agent.state is AgentState.WRAP_UP:
        return floor, ()
    if call.call.bridged_at is None or call.disposition is not None:
        return finish(floor, call)  # a call that was judged already does not hold its agent again
    ended_at = call.call.ended_at or floor.now
    return floor.with_agent(move(_on_call(agent, call, floor), AgentMove.CUSTOMER_GONE, ended_at)), ()


def _with_agent(floor: Floor, call: FloorCall, live: LiveCall) -> Step:
    """Puts the agent whom the PBX has for this customer into the state that goes with it."""
    agent = floor.agents.get(live.agent_id or "")
    if agent is None or (agent.call_id != call.call_id and (agent.state is not AgentState.READY or call.agent_id is not None)):
        return _without_agent(floor, call)
    held = replace(call, agent_id=agent.agent_id)
    if agent.state is AgentState.READY:
        agent = move(agent, AgentMove.RESERVE, floor.now, call_id=call.call_id)
    if live.phase is LivePhase.BRIDGED and agent.state is AgentState.RESERVED:
        agent = move(agent, AgentMove.JOIN, floor.now)
    return floor.with_agent(agent).with_call(held), (SaveCall(held),)


def _without_agent(floor: Floor, call: FloorCall) -> Step:
    """The PBX has the customer for an agent who is not there for them: another takes over during the prompt, or nobody."""
    if call.agent_id is not None and call.call.state is not _S.BRIDGED:
        return floor, (Connect(call.call_id, call.agent_id), SaveCall(call))
    floor, orders = instead(floor, call)
    return floor, (*orders, SaveCall(floor.calls[call.call_id]))


def _on_call(agent: Agent, call: FloorCall, floor: Floor) -> Agent:
    if agent.state is AgentState.READY:
        agent = move(agent, AgentMove.RESERVE, floor.now, call_id=call.call_id)
    return move(agent, AgentMove.JOIN, floor.now) if agent.state is AgentState.RESERVED else agent


#: The states a call passes on its way to each phase.
_PATH: dict[LivePhase, tuple[CallState, ...]] = {
    LivePhase.DIALING: (_S.DIALING,),
    LivePhase.RINGING: (_S.DIALING, _S.RINGING),
    LivePhase.ANSWERED: (_S.DIALING, _S.ANSWERED),
    LivePhase.ANNOUNCING: (_S.DIALING, _S.ANSWERED, _S.ANNOUNCING),
    LivePhase.BRIDGED: (_S.DIALING, _S.ANSWERED, _S.ANNOUNCING, _S.ANNOUNCED, _S.BRIDGED),
    LivePhase.ABANDONING: (_S.DIALING, _S.ANSWERED, _S.ABANDONING),
}

_RANK = {
    _S.ORDERED: 0,
    _S.DIALING: 1,
    _S.RINGING: 2,
    _S.ANSWERED: 3,
    _S.ABANDONING: 3,
    _S.ANNOUNCING: 4,
    _S.ANNOUNCED: 5,
    _S.UNBRIDGED: 5,
    _S.BRIDGED: 6,
}


def _caught_up(known: FloorCall, live: LiveCall, up: PbxUp) -> FloorCall:
    """The call brought to the PBX's phase by the events we missed. A phase behind our view changes nothing."""
    floor_call = known
    path = _PATH[live.phase]
    if not known.call.disclosed_by.comes_first:  # whether a prompt was heard to its end is not seen from where the call stands
        path = tuple(state for state in path if state not in {_S.ANNOUNCING, _S.ANNOUNCED})
    for state in path:
        call = floor_call.call
        missed = _RANK[state] > _RANK[call.state] or (state is path[-1] and state is not call.state)
        missed = missed and (call.state, state) != (_S.UNBRIDGED, _S.ANNOUNCING)  # waits for an order: it had an agent
        event = _event_into(state, known, live, up)
        if missed and (call.state, type(event)) in calls.TRANSITIONS:
            floor_call, _ = recording.after(replace(floor_call, call=calls.apply(call, event)), event)
    return floor_call


def _event_into(state: CallState, known: FloorCall, live: LiveCall, up: PbxUp) -> CallEvent:
    match state:
        case CallState.DIALING:
            return Dialed(known.call_id, up.at)
        case CallState.RINGING:
            return Ringing(known.call_id, up.at)
        case CallState.ANSWERED:
            return Answered(known.call_id, up.at)
        case CallState.ANNOUNCING:
            return AnnouncementStarted(known.call_id, up.at, known.disclosure)
        case CallState.ANNOUNCED:
            # The PBX joins nobody to an agent before the prompt was played to its end.
            return AnnouncementEnded(known.call_id, up.at, known.disclosure, complete=True)
        case CallState.BRIDGED:
            return Bridged(known.call_id, up.at, live.agent_id or "")
        case _:
            return SafeHarbourStarted(known.call_id, up.at)
