"""What is known of our legs on one Asterisk: the state that the fold over its packets carries.

Customer legs are known by our call id (their Uniqueid is set to it), agents' legs by the Uniqueid that Asterisk gave. An
agent's room is the conference `rf-<agent id>`; when an agent has logged in from two phones, the later one counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.ids import ID_LENGTH
from sip.call import CallState
from sip.events import AgentEvent, CallEvent

ROOM = "rf-"  # + agent id: the conference an agent's leg waits in
ANSWERED_STATES = frozenset(CallState) - {CallState.ORDERED, CallState.DIALING, CallState.RINGING}

_CALL_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class CustomerLeg:
    """What was seen of one customer leg."""

    state: CallState
    agent_id: str | None = None  # whose room it is in, or is on its way to
    prompt: str = ""
    rang: bool = False
    far_hung_up: bool = False
    responded: bool = False  # its OriginateResponse came


@dataclass(frozen=True, slots=True)
class AgentLeg:
    """One phone an agent logged in from; `proven` once it waits in its room."""

    agent_id: str
    proven: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """All legs of ours on one PBX: customers by call id, agents' legs by Uniqueid in order of their login.

    `unresponded` are calls that ended before their OriginateResponse came; `legless` are failed originates of which no
    leg was seen, each with the time and the words of the failure.
    """

    calls: Mapping[str, CustomerLeg] = field(default_factory=dict)
    agents: Mapping[str, AgentLeg] = field(default_factory=dict)
    unresponded: frozenset[str] = frozenset()
    legless: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)


#: What one packet means.
Emitted = tuple[CallEvent | AgentEvent, ...]
#: The view after a packet, and what it means.
Step = tuple[View, Emitted]


def is_call_id(uniqueid: str) -> bool:
    """Whether a channel's Uniqueid is a call id of ours."""
    return _CALL_ID.fullmatch(uniqueid) is not None


def agent_of_room(conference: str) -> str | None:
    """The agent whose room a conference is, None for a conference that is not ours."""
    return conference.removeprefix(ROOM) if conference.startswith(ROOM) else None


def current_leg(view: View, agent_id: str) -> str | None:
    """The Uniqueid of the leg that counts for an agent: the latest login."""
    return next((uniqueid for uniqueid, leg in reversed(list(view.agents.items())) if leg.agent_id == agent_id), None)
