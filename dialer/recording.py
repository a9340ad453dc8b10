"""What does the floor order about the recordings of its calls? The commands that follow from `recorder.capturing`, pure.

The rule it protects: what is wanted is written down before it is ordered, so that a restart knows of a pause that may be in
force, and ends it in time.
"""

from dataclasses import replace
from datetime import datetime

from dialer.floor import (
    Alert,
    AlertKind,
    CaptureAsked,
    Command,
    Connect,
    Floor,
    FloorCall,
    PauseCapture,
    ResumeCapture,
    SaveCall,
    StartCapture,
)
from recorder import capturing
from recorder.capturing import Act, Capture
from sip.call import CallState
from sip.events import CallEvent
from sip.port import DisclosedBy, RecordedFrom

Step = tuple[Floor, tuple[Command, ...]]

BY_AGENT = "agent asked"  # why a recording begins in the talk, or pauses, when an agent presses the key
SPOKEN_KEY = "1"  # during the call: the notice was said
PAUSE_KEY = "0"  # during the call: pause the recording, or go on; begin one that waits for it

_NOT_UP = {CallState.ORDERED, CallState.DIALING, CallState.RINGING, CallState.ENDED}


def after(call: FloorCall, event: CallEvent) -> tuple[FloorCall, tuple[Command, ...]]:
    """The call with what an event means to its recording. What follows is ordered after the call is saved."""
    capture, acts = capturing.after(call.capture, event)
    taken = replace(call, capture=capture)
    return taken, _orders(taken, acts)


def asked(floor: Floor, item: CaptureAsked) -> Step:
    """Somebody wants the recording of a call paused, or made again."""
    call = floor.calls.get(item.call_id)
    if call is None or call.call.state in _NOT_UP:
        return floor, ()
    capture, acts = capturing.asked(call.capture, pause=item.paused, why=item.why, by=item.by, at=item.at)
    return _taken(floor, call, capture, acts)


def key(floor: Floor, call: FloorCall, agent_id: str, digit: str, at: datetime) -> Step:
    """A key of the agent who talks: about the recording, or nothing."""
    if digit == SPOKEN_KEY and call.capture.plan.disclosed_by is DisclosedBy.SPOKEN:
        return _taken(floor, call, capturing.spoken(call.capture, at), ())
    if digit != PAUSE_KEY:
        return floor, ()
    waits = call.capture.plan.recorded_from is RecordedFrom.ORDER and call.capture.since is None
    if waits:  # the agent says that what the rules wait for has come
        event = call.capture.plan.start_on[0] if call.capture.plan.start_on else BY_AGENT
        return _taken(floor, call, *capturing.happened(call.capture, event))
    paused = call.capture.wish is None
    capture, acts = capturing.asked(call.capture, pause=paused, why=BY_AGENT, by=agent_id, at=at)
    return _taken(floor, call, capture, acts)


def tick(floor: Floor) -> Step:
    """Pauses that have reached their limit, and orders that the PBX has not confirmed."""
    commands: list[Command] = []
    if not floor.pbx_up:
        return floor, ()
    for call in floor.calls.values():
        if call.call.state in _NOT_UP:
            continue
        capture, acts = capturing.due(call.capture, floor.now)
        if capturing.ran_out(call.capture, floor.now):
            limit = call.capture.plan.pause_limit.total_seconds()
            text = f"the recording was paused for {limit:g} s and goes on by itself"
            commands.append(Alert(AlertKind.PAUSE_RAN_OUT, text, floor.now, call.call_id))
        floor, more = _taken(floor, call, capture, acts)
        commands.extend(more)
    return floor, tuple(commands)


def found_alive(call: FloorCall) -> tuple[Command, ...]:
    """After a gap nobody knows what the PBX was told: what is wanted is ordered again."""
    return () if call.call.state in _NOT_UP else _orders(call, capturing.found_alive(call.capture))


def _taken(floor: Floor, call: FloorCall, capture: Capture, acts: tuple[Act, ...]) -> Step:
    if capture == call.capture:
        return floor, _orders(call, acts)
    changed = replace(call, capture=capture)
    return floor.with_call(changed), (SaveCall(changed), *_orders(changed, acts))


def _orders(call: FloorCall, acts: tuple[Act, ...]) -> tuple[Command, ...]:
    return tuple(order for act in acts if (order := _order(call, act)) is not None)


def _order(call: FloorCall, act: Act) -> Command | None:
    match act:
        case Act.PAUSE | Act.STOP:  # stopped for good is paused to the end: the time goes on
            return PauseCapture(call.call_id)
        case Act.RESUME:
            return ResumeCapture(call.call_id)
        case Act.START:
            return StartCapture(call.call_id, call.agent_id) if call.agent_id is not None else None
        case Act.ANNOUNCE:
            return Connect(call.call_id, call.agent_id, announce_again=True) if call.agent_id is not None else None
