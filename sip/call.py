"""The life of one call to a customer: one table of states and events, and the fold over it.

Rule 1: everything that moves a call from one state to another is in `TRANSITIONS`. Rule 2: this module does not
know which PBX, agent or campaign is behind the events. The diagram in docs/call-lifecycle.md is drawn from the table.

Answered, human and bridged are three facts with three times: `answered_at` is the 200 OK, `bridged_at` is two-way
audio with the agent.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sip.events import (
    AgentMissing,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CallEvent,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    Dialed,
    EndedBy,
    HungUp,
    KeyPressed,
    Lost,
    OriginateFailed,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import DisclosedBy


class CallState(StrEnum):
    """Where a call stands."""

    ORDERED = "ordered"  # the originate was sent; the PBX has not yet said a word about it
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"  # answered and recorded; waits for an agent or the abandonment message
    ANNOUNCING = "announcing"  # hears the disclosure prompt, an agent is reserved
    ANNOUNCED = "announced"  # disclosed, about to be joined to the agent
    BRIDGED = "bridged"
    UNBRIDGED = "unbridged"  # was with an agent, still up (a transfer, or about to hang up)
    ABANDONING = "abandoning"  # hears the abandonment message
    ENDED = "ended"


_S = CallState

#: (state, event) -> state. A pair that is not here is illegal: `apply` raises and nothing changes.
TRANSITIONS: dict[tuple[CallState, type[CallEvent]], CallState] = {
    (_S.ORDERED, Dialed): _S.DIALING,
    (_S.ORDERED, OriginateFailed): _S.ENDED,
    (_S.DIALING, Ringing): _S.RINGING,
    (_S.DIALING, Answered): _S.ANSWERED,  # a far side may answer without ringing
    (_S.DIALING, OriginateFailed): _S.ENDED,
    (_S.RINGING, Ringing): _S.RINGING,  # a second 18x
    (_S.RINGING, Answered): _S.ANSWERED,
    (_S.ANSWERED, AnnouncementStarted): _S.ANNOUNCING,
    (_S.ANSWERED, SafeHarbourStarted): _S.ABANDONING,
    (_S.ANSWERED, Bridged): _S.BRIDGED,  # only of a call whose disclosure does not come first: see `apply`
    (_S.ANSWERED, AgentMissing): _S.ANSWERED,
    (_S.ANNOUNCING, AnnouncementEnded): _S.ANNOUNCED,
    (_S.ANNOUNCED, Bridged): _S.BRIDGED,
    (_S.ANNOUNCED, ConsentAsked): _S.ANNOUNCED,
    (_S.BRIDGED, ConsentAsked): _S.BRIDGED,  # told by another way than the join, and may be overtaken by it
    (_S.ANNOUNCED, AgentMissing): _S.ANNOUNCED,
    (_S.ANNOUNCED, SafeHarbourStarted): _S.ABANDONING,
    (_S.ANNOUNCING, SafeHarbourStarted): _S.ABANDONING,  # the reserved agent left during the prompt
    (_S.BRIDGED, AnnouncementStarted): _S.BRIDGED,  # both hear it
    (_S.BRIDGED, AnnouncementEnded): _S.BRIDGED,
    (_S.BRIDGED, Unbridged): _S.UNBRIDGED,
    (_S.UNBRIDGED, AnnouncementStarted): _S.ANNOUNCING,  # once more, before another agent
    (_S.UNBRIDGED, Bridged): _S.BRIDGED,  # transferred to another agent
    (_S.UNBRIDGED, AgentMissing): _S.UNBRIDGED,
    (_S.UNBRIDGED, SafeHarbourStarted): _S.ABANDONING,
    (_S.ABANDONING, SafeHarbourEnded): _S.ABANDONING,
    (_S.ABANDONING, AnnouncementStarted): _S.ANNOUNCING,  # an agent's order crossed the message: still counted abandoned
    (_S.ABANDONING, Bridged): _S.BRIDGED,  # the same, for a customer who had been disclosed to already
    (_S.ENDED, SafeHarbourEnded): _S.ENDED,
    (_S.ENDED, Unbridged): _S.ENDED,  # the PBX may report the leave after the hang-up
    (_S.ENDED, OriginateFailed): _S.ENDED,  # OriginateResponse and Hangup come in either order
    (_S.ENDED, HungUp): _S.ENDED,
    (_S.ENDED, Lost): _S.ENDED,
}
for _state in (_S.ANSWERED, _S.ANNOUNCING, _S.ANNOUNCED, _S.BRIDGED, _S.UNBRIDGED, _S.ABANDONING):
    for _kind in (KeyPressed, CaptureStarted, CapturePaused, CaptureResumed):
        TRANSITIONS[(_state, _kind)] = _state
for _late in (ConsentAsked, CaptureStarted, CapturePaused, CaptureResumed):
    TRANSITIONS[(_S.ENDED, _late)] = _S.ENDED
for _state in _S:
    if _state is not _S.ENDED:
        TRANSITIONS[(_state, HungUp)] = _S.ENDED
        TRANSITIONS[(_state, Lost)] = _S.ENDED


class IllegalTransition(Exception):
    """An event arrived that the state of the call does not allow: a bug in an adapter, never in a customer."""

    def __init__(self, call_id: str, state: CallState, event: CallEvent) -> None:
        super().__init__(f"call {call_id}: {type(event).__name__} is not possible in state {state.value}")
        self.state = state
        self.event = event


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to reach a customer and all that came of it. Times are None until the thing happened."""

    call_id: str
    state: CallState
    ordered_at: datetime
    dialed_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    announcement_at: datetime | None = None
    announced_at: datetime | None = None
    disclosed: bool = False  # the prompt was played to its end
    agent_id: str | None = None  # the last agent who was bridged
    bridged_at: datetime | None = None  # first time with an agent
    unbridged_at: datetime | None = None  # last time without one
    safe_harbour_at: datetime | None = None
    ended_at: datetime | None = None
    hangup_cause: int | None = None  # Q.850; None when it is unknown
    tech_cause: int | None = None  # SIP status behind it; None when unknown, 0 when there was none
    ended_by: EndedBy | None = None
    rang: bool = False  # the far side may have alerted
    keys: str = ""  # keys the customer pressed, in order
    failure: str | None = None  # what the PBX said when it made no leg at all
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    paused: bool = False  # what is said now is not recorded, and keys are not kept: they may be a card's number

    @property
    def abandoned(self) -> bool:
        """A person may have answered and no agent came in time: 16 CFR 310.4(b)(1)(iv). True from the message's start.

        An agent who comes after the message has begun does not undo it.
        """
        return self.safe_harbour_at is not None and (self.bridged_at is None or self.safe_harbour_at < self.bridged_at)


def ordered(call_id: str, at: datetime, disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE) -> Call:
    """A call whose originate is about to be sent."""
    return Call(call_id, CallState.ORDERED, at, disclosed_by=disclosed_by)


def apply(call: Call, event: CallEvent) -> Call:  # noqa: C901, PLR0912 -- one arm an event, nothing nested
    """The call after the event. Raises IllegalTransition for an event its state does not allow."""
    if event.call_id != call.call_id:
        raise ValueError(f"event of call {event.call_id} applied to call {call.call_id}")
    state = TRANSITIONS.get((call.state, type(event)))
    undisclosed = isinstance(event, Bridged) and call.state is CallState.ANSWERED and call.disclosed_by.comes_first
    if state is None or undisclosed:
        raise IllegalTransition(call.call_id, call.state, event)
    if call.state is CallState.ENDED:
        return call
    moved = replace(call, state=state)
    match event:
        case Dialed(at=at):
            return replace(moved, dialed_at=at)
        case Ringing(at=at):
            return replace(moved, ringing_at=call.ringing_at or at, rang=True)
        case Answered(at=at):
            return replace(moved, answered_at=at, rang=True)
        case AnnouncementStarted(at=at):
            return replace(moved, announcement_at=call.announcement_at or at)
        case AnnouncementEnded(at=at, complete=complete):
            return replace(moved, announced_at=call.announced_at or at, disclosed=complete)
        case Bridged(at=at, agent_id=agent_id):
            return replace(moved, bridged_at=call.bridged_at or at, agent_id=agent_id)
        case Unbridged(at=at):
            return replace(moved, unbridged_at=at)
        case SafeHarbourStarted(at=at):
            return replace(moved, safe_harbour_at=call.safe_harbour_at or at)
        case KeyPressed(digit=digit):
            return moved if call.paused else replace(moved, keys=call.keys + digit)
        case CapturePaused():
            return replace(moved, paused=True)
        case CaptureResumed():
            return replace(moved, paused=False)
        case HungUp(at=at, cause=cause, tech_cause=tech_cause, by=by, rang=rang):
            return replace(moved, ended_at=at, hangup_cause=cause, tech_cause=tech_cause, ended_by=by, rang=call.rang or rang)
        case OriginateFailed(at=at, reason=reason):
            return replace(moved, ended_at=at, ended_by=EndedBy.NETWORK, failure=reason)
        case Lost(at=at):
            # What is unknown counts: the far side may have rung (RULES: "a crash leaves unknown, and unknown counts").
            return replace(moved, ended_at=at, ended_by=EndedBy.UNKNOWN, rang=True)
        case AgentMissing() | SafeHarbourEnded() | ConsentAsked() | CaptureStarted():
            return moved
