"""What the floor does about what happens: `step(floor, item) -> (floor', commands)`, pure.

The rules it keeps: an agent is reserved at the answer, so no customer listens to the disclosure with nobody behind
it; nobody is offered to a customer too late for the abandonment message; nothing is dialed while the PBX is out of
view; an opt-out cancels what rings; every call that was placed ends in exactly one `Finish`. Commands that a customer
waits for come first, but an opt-out is written down before anything else is done about it.
"""

from dataclasses import replace
from datetime import datetime

from dialer import halting, pacing, recording
from dialer.agents import Agent, AgentMove, AgentState, move
from dialer.assignment import Step, agent_gone, agent_missing, became_ready, customer_gone, end_wrap_up, in_time, joined, offer
from dialer.dispositions import AGENT_DISPOSITIONS, WRAP_UP_KEYS, Disposition
from dialer.floor import (
    Alert,
    AlertKind,
    BudgetsMeasured,
    CampaignsRunning,
    CampaignView,
    CaptureAsked,
    Command,
    DialNext,
    DispositionGiven,
    Floor,
    FloorCall,
    HangUp,
    Item,
    ListDry,
    OptedOut,
    PauseAsked,
    Placed,
    RosterRead,
    SaveAgent,
    SaveCall,
    Suppress,
    Tick,
)
from dialer.reconcile import reconcile
from sip import call as calls
from sip.call import CallState, IllegalTransition
from sip.events import (
    AgentKeyPressed,
    AgentLegDown,
    AgentLegFailed,
    AgentLegProven,
    AgentLegUp,
    AgentMissing,
    AnnouncementEnded,
    Answered,
    Bridged,
    CallEvent,
    Dialed,
    HungUp,
    KeyPressed,
    Lost,
    OriginateFailed,
    PbxDown,
    PbxUp,
    Ringing,
    SafeHarbourStarted,
)

OPT_OUT_KEY = "9"  # the customer's, and the agent's during a call

_BEFORE_ANSWER = {CallState.ORDERED, CallState.DIALING, CallState.RINGING}


def step(floor: Floor, item: Item) -> Step:  # noqa: C901, PLR0912 -- the table of contents: one arm an item
    """The floor after the item, and what is to be done about it."""
    floor = replace(floor, now=max(floor.now, _time_of(item) or floor.now))
    match item:
        case Tick():
            return _tick(floor)
        case Placed():
            return floor.with_call(item.call), ()
        case ListDry():
            return replace(floor, dry={**floor.dry, item.campaign_id: item.until}), ()
        case CampaignsRunning():
            kept = {key: until for key, until in floor.dry.items() if key in floor.campaigns}
            return replace(floor, campaigns={one.campaign_id: _as_told(floor, one) for one in item.campaigns}, dry=kept), ()
        case BudgetsMeasured():
            return halting.measured(floor, item)
        case RosterRead():
            return _roster(floor, item), ()
        case DispositionGiven():
            agent = floor.agents.get(item.agent_id)
            meant = agent is not None and agent.call_id == item.call_id
            return _judge(floor, item.agent_id, item.disposition) if meant else (floor, ())
        case PauseAsked():
            return _pause(floor, item)
        case CaptureAsked():
            return recording.asked(floor, item)
        case OptedOut():
            return _cancelled(floor, item)
        case PbxUp():
            return reconcile(replace(floor, pbx_up=True), item)
        case PbxDown():
            return replace(floor, pbx_up=False), ()
        case AgentLegUp() | AgentLegProven() | AgentLegFailed() | AgentLegDown():
            return _agent_leg(floor, item)
        case AgentKeyPressed():
            return _agent_key(floor, item)
        case _:
            return _call_event(floor, item)


def _as_told(floor: Floor, campaign: CampaignView) -> CampaignView:
    """The campaign as it is read anew; of which limits it was said to be near is still so."""
    before = floor.campaigns.get(campaign.campaign_id)
    return replace(campaign, near=before.near) if before is not None else campaign


def _time_of(item: Item) -> datetime | None:
    match item:
        case Tick(now=at):
            return at
        case Placed() | ListDry() | CampaignsRunning() | RosterRead():
            return None
        case _:
            return item.at


# --- time ------------------------------------------------------------------------------------------------------------


def _tick(floor: Floor) -> Step:
    commands: list[Command] = []
    for call in floor.calls.values():
        if call.call.state is CallState.ORDERED and floor.pbx_up and floor.now - call.call.ordered_at > floor.policy.unheard_of:
            floor, more = _call_event(floor, Lost(call.call_id, floor.now))
            commands.extend(more)
    for agent in floor.agents.values():
        if agent.state is AgentState.WRAP_UP and floor.now - agent.since >= floor.policy.wrap_up:
            floor, more = end_wrap_up(floor, agent, AgentMove.WRAP_UP_EXPIRED)
            commands.extend(more)
    floor, orders = recording.tick(floor)
    return floor, (*orders, *commands, *_dial(floor))


def _dial(floor: Floor) -> list[Command]:
    """One pace for each running campaign; ready agents claimed by one are not there for the next.

    A campaign of which it is not known what it abandoned is not dialed. Whoever hears the abandonment message now is
    not in the ledger yet, and is taken off its headroom.
    """
    if not floor.pbx_up:
        return []
    ready = sum(agent.state is AgentState.READY for agent in floor.agents.values())
    coming = sum(
        call.agent_id is None and (call.call.state in _BEFORE_ANSWER or call.call.state is CallState.ANSWERED)
        for call in floor.calls.values()
    )
    commands: list[Command] = []
    for campaign in floor.campaigns.values():
        dry = floor.dry.get(campaign.campaign_id)
        if not campaign.measured or (dry is not None and floor.now < dry):
            continue
        ours = [call.call for call in floor.calls.values() if call.campaign_id == campaign.campaign_id]
        live = sum(call.state is not CallState.ENDED for call in ours)
        budget = None if campaign.budget is None else campaign.budget - sum(call.abandoned for call in ours)
        pace = pacing.decide(pacing.PacingView(ready, coming, live, campaign.channels, budget))
        if pace.calls:
            coming += pace.calls
            commands.append(DialNext(campaign.campaign_id, pace.calls, pace.because))
    return commands


# --- calls -----------------------------------------------------------------------------------------------------------


def _call_event(floor: Floor, event: CallEvent) -> Step:
    known = floor.calls.get(event.call_id)
    if known is None:
        return floor, _stray(event)
    try:
        after = replace(known, call=calls.apply(known.call, event))
    except IllegalTransition as error:
        illegal = Alert(AlertKind.ILLEGAL_EVENT, str(error), event.at, event.call_id)
        undisclosed = isinstance(event, Bridged) and not known.call.disclosed and known.call.state is not CallState.ENDED
        undisclosed = undisclosed and known.call.disclosed_by.comes_first
        return floor, (HangUp(event.call_id), illegal) if undisclosed else (illegal,)
    if known.call.state is CallState.ENDED:
        return floor, ()
    after, orders = recording.after(after, event)
    if isinstance(event, HungUp | OriginateFailed):
        return _ended(floor, after)
    if isinstance(event, Lost):
        floor, commands = _ended(floor, after)
        text = "ended out of our sight; counted as an attempt"
        return floor, (*commands, Alert(AlertKind.CALL_LOST, text, event.at, event.call_id))
    floor, commands = _consequences(floor.with_call(after), after, event)
    return floor, (*commands, SaveCall(floor.calls.get(event.call_id, after)), *orders)


def _consequences(floor: Floor, call: FloorCall, event: CallEvent) -> Step:
    match event:
        case Dialed() | Ringing() | Answered() if call.cancelled:
            return floor, (HangUp(call.call_id),)  # the first order may have found no channel yet
        case Answered() if in_time(floor, call):
            return offer(floor, call)
        case AnnouncementEnded(complete=False):
            return floor, (Alert(AlertKind.UNDISCLOSED, "the disclosure prompt could not be played", event.at, event.call_id),)
        case Bridged():
            return joined(floor, call, event)
        case AgentMissing(agent_id=agent_id):
            return agent_missing(floor, call, agent_id)
        case SafeHarbourStarted():
            undisclosed = call.call.announced_at is not None and not call.call.disclosed
            text = "the disclosure prompt could not be played" if undisclosed else "no agent within the time allowed"
            return floor, (Alert(AlertKind.ABANDONED, text, event.at, event.call_id),)
        case KeyPressed(digit=digit) if digit == OPT_OUT_KEY and not call.call.paused:  # a card's number has nines in it
            return _customer_opts_out(floor, call, event.at)
        case _:
            return floor, ()


def _stray(event: CallEvent) -> tuple[Command, ...]:
    """A call we do not know, seen ringing or answered, is ended: nobody permitted it. Late words about ended calls pass."""
    if isinstance(event, Dialed | Ringing | Answered):
        return (HangUp(event.call_id), Alert(AlertKind.STRAY_CALL, "a call nobody ordered was ended", event.at, event.call_id))
    return ()


def _customer_opts_out(floor: Floor, call: FloorCall, at: datetime) -> Step:
    """The customer's key: on the list at once. Before an agent is there the call ends; with one, the agent says goodbye."""
    suppress = Suppress(call, "customer_key", at)
    if call.call.state in {CallState.ANSWERED, CallState.ANNOUNCING, CallState.ANNOUNCED}:
        return floor.with_call(replace(call, cancelled=True)), (suppress, HangUp(call.call_id))
    return floor, (suppress,)


def _ended(floor: Floor, call: FloorCall) -> Step:
    if OPT_OUT_KEY in call.call.keys:
        call = replace(call, disposition=Disposition.DO_NOT_CALL.value)
    return customer_gone(floor.with_call(call), call)


# --- agents ----------------------------------------------------------------------------------------------------------


def _agent_leg(floor: Floor, event: AgentLegUp | AgentLegProven | AgentLegFailed | AgentLegDown) -> Step:
    agent = floor.agents.get(event.agent_id)
    if agent is None:
        return floor, ()  # not on the roster: the PBX let a phone in that may not take calls
    match event:
        case AgentLegUp():
            if agent.state not in {AgentState.OFFLINE, AgentState.CHECKING}:
                return floor, ()  # a second phone of the same agent; the first keeps working until it is gone
            checking = move(agent, AgentMove.LEG_UP, event.at)
            return floor.with_agent(checking), (SaveAgent(checking),)
        case AgentLegProven():
            proven = move(agent, AgentMove.LEG_PROVEN, event.at)
            floor = floor.with_agent(proven)
            return became_ready(floor, proven) if proven.state is not agent.state else (floor, ())
        case AgentLegFailed():
            return floor, (Alert(AlertKind.LINE_CHECK_FAILED, f"agent {event.agent_id}: {event.reason}", event.at),)
        case AgentLegDown():
            return agent_gone(floor, agent)


def _agent_key(floor: Floor, event: AgentKeyPressed) -> Step:
    agent = floor.agents.get(event.agent_id)
    if agent is None:
        return floor, ()
    call = floor.calls.get(agent.call_id or "")
    match agent.state, event.digit:
        case AgentState.ON_CALL, "*" if call is not None:
            return floor, (HangUp(call.call_id),)
        case AgentState.ON_CALL, "9" if call is not None:
            floor, commands = _judge(floor, agent.agent_id, Disposition.DO_NOT_CALL)
            return floor, (*commands, HangUp(call.call_id))
        case AgentState.ON_CALL, digit if call is not None:
            return recording.key(floor, call, agent.agent_id, digit, event.at)
        case AgentState.WRAP_UP, "#" if call is None or call.disposition is not None:
            return end_wrap_up(floor, agent, AgentMove.WRAPPED_UP)  # the next call waits for the result of this one
        case AgentState.WRAP_UP, key if key in WRAP_UP_KEYS:
            return _judge(floor, agent.agent_id, WRAP_UP_KEYS[key])
        case AgentState.PAUSED, "#":
            return _pause(floor, PauseAsked(agent.agent_id, paused=False, reason="", at=event.at))
        case AgentState.READY, "0":
            return _pause(floor, PauseAsked(agent.agent_id, paused=True, reason="key", at=event.at))
        case _:
            return floor, ()


def _judge(floor: Floor, agent_id: str, disposition: str) -> Step:
    """An agent's verdict; may be corrected until the wrap-up ends. An opt-out cannot be taken back by another verdict."""
    agent = floor.agents.get(agent_id)
    call = floor.calls.get(agent.call_id or "") if agent else None
    if call is None or agent is None or disposition not in AGENT_DISPOSITIONS:
        return floor, ()
    if agent.state not in {AgentState.ON_CALL, AgentState.WRAP_UP} or call.disposition == Disposition.DO_NOT_CALL:
        return floor, ()
    judged = replace(call, disposition=str(disposition))
    commands: tuple[Command, ...] = (SaveCall(judged),)
    if disposition == Disposition.DO_NOT_CALL:
        commands = (Suppress(judged, "agent", floor.now), *commands)
    return floor.with_call(judged), commands


def _pause(floor: Floor, asked: PauseAsked) -> Step:
    agent = floor.agents.get(asked.agent_id)
    if agent is None:
        return floor, ()
    if asked.paused and agent.state is AgentState.READY:
        paused = move(agent, AgentMove.PAUSE, asked.at, reason=asked.reason)
        return floor.with_agent(paused), (SaveAgent(paused),)
    if not asked.paused and agent.state is AgentState.PAUSED:
        ready = move(agent, AgentMove.RESUME, asked.at)
        return became_ready(floor.with_agent(ready), ready)
    return floor, ()


def _roster(floor: Floor, roster: RosterRead) -> Floor:
    """New agents appear offline; one who left the roster is dropped once no call holds them."""
    kept = {key: agent for key, agent in floor.agents.items() if key in roster.agent_ids or agent.call_id is not None}
    fresh = {key: Agent(key, AgentState.OFFLINE, floor.now) for key in roster.agent_ids if key not in kept}
    return replace(floor, agents={**kept, **fresh}, leaving=frozenset(kept) - frozenset(roster.agent_ids))


def _cancelled(floor: Floor, item: OptedOut) -> Step:
    hit = [
        call
        for call in floor.calls.values()
        if call.call.state in _BEFORE_ANSWER and (call.person == item.person or call.number == item.number)
    ]
    for call in hit:
        floor = floor.with_call(replace(call, cancelled=True))
    return floor, tuple(HangUp(call.call_id) for call in hit)
