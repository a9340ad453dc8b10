"""What do the packets of one Asterisk mean to us? A fold from AMI packets to `sip.events`, with no socket and no clock.

The dialplan of config/pbx and this module are two halves of one contract: the customer leg is originated with ChannelId =
our call id, so its Uniqueid is ours; `UserEvent`s named RF… say what the dialplan does; an agent's room is the
conference `rf-<agent id>`. Channels that are not ours are ignored.

Protects the rule that how a call ended is read from Hangup's Cause, TechCause and what was seen of the leg, never from
OriginateResponse's Reason (which calls a 404 and a 486 the same). An event that `call.TRANSITIONS` does not allow is not
passed on: after a gap Asterisk tells some things twice (in the list of channels and as an event).

Events of rooms (Confbridge…) reach us by another way than those of channels, and may overtake them or be overtaken: what
a late event must have said is told before the event that shows it, and the late one is not passed on.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sip import ami_agents, ami_originates
from sip.ami_codec import Packet
from sip.ami_view import ANSWERED_STATES, CustomerLeg, Step, View, agent_of_room, is_call_id
from sip.call import TRANSITIONS, CallState
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
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)

#: The events this module reads: what manager.conf must let pass (`eventfilter`).
EVENTS_READ = (
    "Newchannel",
    "Newstate",
    "DialState",
    "UserEvent",
    "ConfbridgeJoin",
    "ConfbridgeLeave",
    "DTMFEnd",
    "MixMonitorMute",
    "HangupRequest",
    "Hangup",
    "OriginateResponse",
)
NORMAL_CLEARING = 16  # Q.850
CAUSE_MEDIA_LOST = 44  # Q.850 44, which Asterisk gives a leg whose RTP stopped (endpoint rtp_timeout)


def translate(view: View, packet: Packet, at: datetime) -> Step:
    """The view after the packet, and what happened. `at` is when we received it.

    The packet's own `Timestamp` is preferred (manager.conf `timestampevents`), but never a time after `at`: nothing
    happens after it was told, so a PBX whose clock runs ahead cannot date events into the future.
    """
    if packet.response == "Error":
        return view, ami_originates.refused(packet, at)
    translator = _BY_EVENT.get(packet.event)
    return translator(view, packet, _time_of(packet, at)) if translator else (view, ())


def _time_of(packet: Packet, at: datetime) -> datetime:
    stamp = packet.get("Timestamp")
    try:
        return min(at, datetime.fromtimestamp(float(stamp), UTC)) if stamp else at
    except (ValueError, OverflowError, OSError):
        return at


def _emit(view: View, call_id: str, *events: CallEvent, **seen: object) -> Step:
    """The view with the leg moved by `events` and `seen` noted. Events its state does not allow are left out."""
    leg = view.calls.get(call_id)
    if leg is None:
        return view, ()
    emitted: list[CallEvent] = []
    state = leg.state
    for event in events:
        if (after := TRANSITIONS.get((state, type(event)))) is not None:
            state = after
            emitted.append(event)
    if state is not CallState.ENDED:
        moved = replace(leg, state=state, **seen)  # type: ignore[arg-type] # names are of CustomerLeg
        return replace(view, calls={**view.calls, call_id: moved}), tuple(emitted)
    calls = {other: known for other, known in view.calls.items() if other != call_id}
    unresponded = view.unresponded if leg.responded else view.unresponded | {call_id}
    return replace(view, calls=calls, unresponded=unresponded), tuple(emitted)


def _leaving(view: View, call_id: str, at: datetime) -> tuple[Unbridged, ...]:
    """What ConfbridgeLeave will say, or has said, of a leg that is with an agent."""
    leg = view.calls.get(call_id)
    return (Unbridged(call_id, at, leg.agent_id),) if leg is not None and leg.agent_id is not None else ()


# Customer legs


def _newchannel(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Uniqueid")
    if not is_call_id(call_id) or call_id in view.calls:
        return view, ()
    leg = CustomerLeg(CallState.DIALING, responded=call_id in view.legless)
    legless = {other: said for other, said in view.legless.items() if other != call_id}
    return replace(view, calls={**view.calls, call_id: leg}, legless=legless), (Dialed(call_id, at),)


def _newstate(view: View, packet: Packet, at: datetime) -> Step:
    return _ringing(view, packet.get("Uniqueid"), at) if packet.get("ChannelStateDesc") == "Ringing" else (view, ())


def _dial_state(view: View, packet: Packet, at: datetime) -> Step:
    alerting = packet.get("DialStatus") in {"RINGING", "PROGRESS"}
    return _ringing(view, packet.get("DestUniqueid"), at) if alerting else (view, ())


def _ringing(view: View, call_id: str, at: datetime) -> Step:
    leg = view.calls.get(call_id)
    if leg is None or leg.state is not CallState.DIALING:  # one 180 is told as Newstate and as DialState
        return view, ()
    return _emit(view, call_id, Ringing(call_id, at), rang=True)


def _hangup_request(view: View, packet: Packet, _at: datetime) -> Step:
    return _emit(view, packet.get("Uniqueid"), far_hung_up=True)


def _hangup(view: View, packet: Packet, at: datetime) -> Step:
    uniqueid = packet.get("Uniqueid")
    if uniqueid in view.agents:
        return ami_agents.gone(view, uniqueid, at)
    leg = view.calls.get(uniqueid)
    if leg is None:
        return view, ()
    cause = _number(packet.get("Cause"))
    rang = leg.rang or leg.state in ANSWERED_STATES or packet.get("ChannelStateDesc") in {"Ringing", "Up"}
    by = _ended_by(leg, cause)
    hung_up = HungUp(uniqueid, at, cause, _number(packet.get("TechCause")), by, rang)
    return _emit(view, uniqueid, *_leaving(view, uniqueid, at), hung_up)


def _ended_by(leg: CustomerLeg, cause: int) -> EndedBy:
    if leg.state not in ANSWERED_STATES:
        # The network refuses or gives up with a cause of its own; 16 is what our Hangup gives.
        return EndedBy.FLOOR if cause == NORMAL_CLEARING else EndedBy.NETWORK
    if leg.far_hung_up:
        return EndedBy.CUSTOMER
    return EndedBy.UNKNOWN if cause == CAUSE_MEDIA_LOST else EndedBy.FLOOR


def _number(text: str) -> int:
    """The number a cause ends with ("486", "SIP 486 Busy" gives 486), 0 when it holds none."""
    digits = re.search(r"\d+", text)
    return int(digits[0]) if digits else 0


# What the dialplan says


def _user_event(view: View, packet: Packet, at: datetime) -> Step:
    translator = _BY_USER_EVENT.get(packet.get("UserEvent"))
    return translator(view, packet, at) if translator else (view, ())


def _answered(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, Answered(call_id, at), rang=True)


def _announcing(view: View, packet: Packet, at: datetime) -> Step:
    """Told late, after the join, a prompt that came before it is old news."""
    call_id, prompt = packet.get("Call"), packet.get("Prompt")
    if _is_bridged(view, call_id):
        return view, ()
    return _emit(view, call_id, AnnouncementStarted(call_id, at, prompt), prompt=prompt)


def _announced(view: View, packet: Packet, at: datetime) -> Step:
    return (view, ()) if _is_bridged(view, packet.get("Call")) else _prompt_over(view, packet, at)


def _prompt_over(view: View, packet: Packet, at: datetime) -> Step:
    call_id, complete = packet.get("Call"), packet.get("Status") == "SUCCESS"
    return _emit(view, call_id, AnnouncementEnded(call_id, at, packet.get("Prompt"), complete))


def _is_bridged(view: View, call_id: str) -> bool:
    leg = view.calls.get(call_id)
    return leg is not None and leg.state is CallState.BRIDGED


def _consent(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, ConsentAsked(call_id, at, packet.get("Given") == "yes"))


def _capturing(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, CaptureStarted(call_id, at))


def _playing(view: View, packet: Packet, at: datetime) -> Step:
    """The prompt begins in the agent's room, where the customer is."""
    call_id, agent_id = packet.get("Call"), packet.get("Agent")
    joined = () if _is_bridged(view, call_id) else (Bridged(call_id, at, agent_id),)
    return _emit(view, call_id, *joined, AnnouncementStarted(call_id, at, packet.get("Prompt")), agent_id=agent_id)


def _played(view: View, packet: Packet, at: datetime) -> Step:
    """Of no meaning once the customer has left the room in the middle of it."""
    return _prompt_over(view, packet, at) if _is_bridged(view, packet.get("Call")) else (view, ())


def _agent_missing(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, *_leaving(view, call_id, at), AgentMissing(call_id, at, packet.get("Agent")))


def _abandoning(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, *_leaving(view, call_id, at), SafeHarbourStarted(call_id, at))


def _abandoned(view: View, packet: Packet, at: datetime) -> Step:
    call_id = packet.get("Call")
    return _emit(view, call_id, SafeHarbourEnded(call_id, at))


# Rooms and keys


def _confbridge_join(view: View, packet: Packet, at: datetime) -> Step:
    uniqueid, agent_id = packet.get("Uniqueid"), agent_of_room(packet.get("Conference"))
    if agent_id is None:
        return view, ()
    if uniqueid in view.agents:
        return ami_agents.joined_room(view, uniqueid, agent_id, at)
    leg = view.calls.get(uniqueid)
    if leg is None:
        return view, ()
    before: tuple[CallEvent, ...] = ()
    if leg.state is CallState.BRIDGED and leg.agent_id == agent_id:
        return view, ()  # the prompt that both hear has told it
    if leg.state is CallState.ANNOUNCING:
        before = (AnnouncementEnded(uniqueid, at, leg.prompt, complete=True),)  # the dialplan joins nobody undisclosed
    elif leg.agent_id != agent_id:
        before = _leaving(view, uniqueid, at)
    return _emit(view, uniqueid, *before, Bridged(uniqueid, at, agent_id), agent_id=agent_id)


def _confbridge_leave(view: View, packet: Packet, at: datetime) -> Step:
    """Leaving a room that is not the last one joined is old news: told when the customer joined the next."""
    call_id, agent_id = packet.get("Uniqueid"), agent_of_room(packet.get("Conference"))
    leg = view.calls.get(call_id)
    if agent_id is None or leg is None or leg.agent_id != agent_id:
        return view, ()
    return _emit(view, call_id, Unbridged(call_id, at, agent_id))


def _dtmf_end(view: View, packet: Packet, at: datetime) -> Step:
    uniqueid, digit = packet.get("Uniqueid"), packet.get("Digit")
    if packet.get("Direction") != "Received":
        return view, ()
    if uniqueid in view.agents:
        return ami_agents.pressed_key(view, uniqueid, digit, at)
    return _emit(view, uniqueid, KeyPressed(uniqueid, at, digit))


def _mix_monitor_mute(view: View, packet: Packet, at: datetime) -> Step:
    """One packet tells of both sides: they are never paused apart."""
    call_id = packet.get("Uniqueid")
    paused = packet.get("State").lower() in {"true", "1", "on", "yes"}
    return _emit(view, call_id, CapturePaused(call_id, at) if paused else CaptureResumed(call_id, at))


_Translator = Callable[[View, Packet, datetime], Step]

_BY_EVENT: dict[str, _Translator] = {
    "Newchannel": _newchannel,
    "Newstate": _newstate,
    "DialState": _dial_state,
    "UserEvent": _user_event,
    "ConfbridgeJoin": _confbridge_join,
    "ConfbridgeLeave": _confbridge_leave,
    "DTMFEnd": _dtmf_end,
    "MixMonitorMute": _mix_monitor_mute,
    "HangupRequest": _hangup_request,
    "Hangup": _hangup,
    "OriginateResponse": ami_originates.responded,
}

_BY_USER_EVENT: dict[str, _Translator] = {
    "RFAnswered": _answered,
    "RFAnnouncing": _announcing,
    "RFAnnounced": _announced,
    "RFPlaying": _playing,
    "RFPlayed": _played,
    "RFConsent": _consent,
    "RFCapturing": _capturing,
    "RFAgentMissing": _agent_missing,
    "RFAbandoning": _abandoning,
    "RFAbandoned": _abandoned,
    "RFAgentLeg": ami_agents.logged_in,
    "RFAgentFailed": ami_agents.check_failed,
}
