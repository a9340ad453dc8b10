"""What do Asterisk's packets mean to an agent's line? The half of the translation that is about agents' legs.

Protects the rule that an agent whose audio is not proven is offered no call: a leg is proven when it waits in its own
room, where the dialplan of config/pbx lets it only after the line check. Failures of a leg that does not count (an older
login) and keys of one that is not proven are not told.
"""

from dataclasses import replace
from datetime import datetime

from sip.ami_codec import Packet
from sip.ami_view import AgentLeg, Step, View, current_leg
from sip.events import AgentKeyPressed, AgentLegDown, AgentLegFailed, AgentLegProven, AgentLegUp


def logged_in(view: View, packet: Packet, at: datetime) -> Step:
    """RFAgentLeg: the phone is connected and begins the line check."""
    uniqueid, agent_id = packet.get("Uniqueid"), packet.get("Agent")
    if not uniqueid or not agent_id or uniqueid in view.agents:
        return view, ()
    return replace(view, agents={**view.agents, uniqueid: AgentLeg(agent_id)}), (AgentLegUp(agent_id, at),)


def check_failed(view: View, packet: Packet, at: datetime) -> Step:
    """RFAgentFailed: the line check did not pass; the dialplan hangs up."""
    leg = view.agents.get(packet.get("Uniqueid"))
    if leg is None or current_leg(view, leg.agent_id) != packet.get("Uniqueid"):
        return view, ()
    return view, (AgentLegFailed(leg.agent_id, at, packet.get("Reason")),)


def joined_room(view: View, uniqueid: str, room: str, at: datetime) -> Step:
    """ConfbridgeJoin of an agent's leg into the room of agent `room`."""
    leg = view.agents[uniqueid]
    if leg.proven or leg.agent_id != room:
        return view, ()
    proven = replace(view, agents={**view.agents, uniqueid: replace(leg, proven=True)})
    return proven, (AgentLegProven(room, at),) if current_leg(view, room) == uniqueid else ()


def gone(view: View, uniqueid: str, at: datetime) -> Step:
    """An older leg goes silently; when the one that counts goes, an older one that is still up counts again."""
    agent_id = view.agents[uniqueid].agent_id
    after = replace(view, agents={known: leg for known, leg in view.agents.items() if known != uniqueid})
    if current_leg(view, agent_id) != uniqueid:
        return after, ()
    down = AgentLegDown(agent_id, at)
    older = current_leg(after, agent_id)
    if older is None:
        return after, (down,)
    proven = (AgentLegProven(agent_id, at),) if after.agents[older].proven else ()
    return after, (down, AgentLegUp(agent_id, at), *proven)


def pressed_key(view: View, uniqueid: str, digit: str, at: datetime) -> Step:
    """A key of a leg that is not proven answers the line check, and is not for the floor."""
    leg = view.agents[uniqueid]
    counts = leg.proven and current_leg(view, leg.agent_id) == uniqueid
    return view, (AgentKeyPressed(leg.agent_id, at, digit),) if counts else ()
