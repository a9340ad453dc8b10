"""What of ours is alive on the PBX? The answer to CoreShowChannels, read after a gap in our view.

Where a customer leg stands is where the dialplan of config/pbx has it: its context, and the application it runs. What
this list does not show is gone.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from sip.ami_codec import Packet
from sip.ami_view import ANSWERED_STATES, AgentLeg, CustomerLeg, View, agent_of_room, current_leg, is_call_id
from sip.call import CallState
from sip.events import LiveAgent, LiveCall, LivePhase, PbxUp

CUSTOMER_CONTEXT = "rf-customer"
CONNECT_CONTEXT = "rf-connect"
ABANDON_CONTEXT = "rf-abandon"
AGENT_CONTEXT = "rf-agents"

_AGENT_CHANNEL = re.compile(r"PJSIP/(?P<agent>.+)-[0-9a-f]{8}")


def take_stock(pbx: str, rows: Sequence[Packet], at: datetime) -> tuple[View, PbxUp]:
    """The view to go on from, and the event that tells the floor. `rows` are CoreShowChannel events."""
    calls: dict[str, CustomerLeg] = {}
    agents: dict[str, AgentLeg] = {}
    live: list[LiveCall] = []
    for row in sorted(rows, key=_age):
        uniqueid = row.get("Uniqueid")
        if is_call_id(uniqueid):
            found = _customer(uniqueid, row)
            live.append(found)
            # It may have rung while we did not look, and what is unknown counts.
            state = CallState(found.phase.value)
            calls[uniqueid] = CustomerLeg(state, found.agent_id, rang=True, responded=state in ANSWERED_STATES)
        elif row.get("Context") == AGENT_CONTEXT and (channel := _AGENT_CHANNEL.fullmatch(row.get("Channel"))):
            agents[uniqueid] = AgentLeg(channel["agent"], proven=_room(row) == channel["agent"])
    view = View(calls, agents)
    known = dict.fromkeys(leg.agent_id for leg in agents.values())
    return view, PbxUp(pbx, at, tuple(live), tuple(_agent(view, agent_id) for agent_id in known))


def _age(row: Packet) -> tuple[int, int]:
    """Order of creation: Asterisk's own Uniqueid ends with `<Unix seconds>.<serial number>`."""
    match = re.search(r"(\d+)\.(\d+)$", row.get("Uniqueid"))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _customer(call_id: str, row: Packet) -> LiveCall:
    state, context = row.get("ChannelStateDesc"), row.get("Context")
    if state != "Up":
        return LiveCall(call_id, LivePhase.RINGING if state == "Ringing" else LivePhase.DIALING)
    if context == CONNECT_CONTEXT:
        room = _room(row)
        if room is not None:
            return LiveCall(call_id, LivePhase.BRIDGED, room)
        return LiveCall(call_id, LivePhase.ANNOUNCING, row.get("Exten"))
    return LiveCall(call_id, LivePhase.ABANDONING if context == ABANDON_CONTEXT else LivePhase.ANSWERED)


def _room(row: Packet) -> str | None:
    """The agent in whose room the channel is."""
    if row.get("Application") != "ConfBridge":
        return None
    return agent_of_room(row.get("ApplicationData").split(",")[0])


def _agent(view: View, agent_id: str) -> LiveAgent:
    leg = current_leg(view, agent_id)
    return LiveAgent(agent_id, proven=leg is not None and view.agents[leg].proven)
