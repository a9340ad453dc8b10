"""What can happen to a call, an agent's line or a PBX: the vocabulary every telephony adapter translates into.

Frozen values, named by past participles. `call_id` is ours (the PBX's Uniqueid of the customer leg is set to it);
`at` is aware UTC. Nothing of a vendor's wording passes further inward than the adapter that read it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EndedBy(StrEnum):
    """Who ended a call, as far as the PBX can tell."""

    CUSTOMER = "customer"
    FLOOR = "floor"  # the agent, the engine or the dialplan
    NETWORK = "network"  # never answered: the far side or the network refused or gave up
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dialed:
    """The PBX has created the customer leg and sent it on its way."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ringing:
    """The far side alerts (SIP 180, or 183 with early media)."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The customer leg was answered (SIP 200) and recording was started. Says nothing about a human."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnnouncementStarted:
    """The disclosure prompt began to play to the customer."""

    call_id: str
    at: datetime
    prompt: str


@dataclass(frozen=True, slots=True)
class AnnouncementEnded:
    """The disclosure prompt ended; `complete` is False when the PBX could not play it (the call is then not connected)."""

    call_id: str
    at: datetime
    prompt: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Bridged:
    """Customer and agent hear each other."""

    call_id: str
    at: datetime
    agent_id: str


@dataclass(frozen=True, slots=True)
class Unbridged:
    """Customer and agent no longer hear each other; the customer leg may still be up."""

    call_id: str
    at: datetime
    agent_id: str


@dataclass(frozen=True, slots=True)
class AgentMissing:
    """The customer was about to be joined to an agent whose leg is gone; the PBX waits briefly for another order."""

    call_id: str
    at: datetime
    agent_id: str


@dataclass(frozen=True, slots=True)
class SafeHarbourStarted:
    """The abandonment message began to play: nobody was free in time."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SafeHarbourEnded:
    """The abandonment message was played to its end."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The customer pressed a key (DTMF)."""

    call_id: str
    at: datetime
    digit: str


@dataclass(frozen=True, slots=True)
class ConsentAsked:
    """The customer was asked to press a key that consents to the recording; `given` is whether they did in time."""

    call_id: str
    at: datetime
    given: bool


@dataclass(frozen=True, slots=True)
class CaptureStarted:
    """The customer leg is recorded from now on, for a call that was not recorded from its answer."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CapturePaused:
    """What is recorded of the customer leg is silence on both sides from now on."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaptureResumed:
    """What is said is recorded again."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HungUp:
    """The customer leg is gone. `cause` is Q.850, `tech_cause` the SIP status if the PBX told one, else 0.

    `rang` is whether the far side may have alerted: decides if the attempt counts.
    """

    call_id: str
    at: datetime
    cause: int
    tech_cause: int
    by: EndedBy
    rang: bool


@dataclass(frozen=True, slots=True)
class OriginateFailed:
    """The PBX refused to create the customer leg at all; nothing rang. `reason` is for people."""

    call_id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """After a gap in our view of the PBX the call is not there, and how it ended is unknown."""

    call_id: str
    at: datetime


CallEvent = (
    Dialed
    | Ringing
    | Answered
    | AnnouncementStarted
    | AnnouncementEnded
    | Bridged
    | Unbridged
    | AgentMissing
    | SafeHarbourStarted
    | SafeHarbourEnded
    | KeyPressed
    | ConsentAsked
    | CaptureStarted
    | CapturePaused
    | CaptureResumed
    | HungUp
    | OriginateFailed
    | Lost
)


@dataclass(frozen=True, slots=True)
class AgentLegUp:
    """An agent's phone is connected to the PBX, its audio not yet proven."""

    agent_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentLegProven:
    """The agent heard the line check and was heard: the leg waits in its room for customers."""

    agent_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentLegFailed:
    """The line check did not pass: no audio one way or the other. `reason` is for people."""

    agent_id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class AgentLegDown:
    """The agent's leg is gone."""

    agent_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentKeyPressed:
    """The agent pressed a key (DTMF): a disposition, a hang-up, an opt-out."""

    agent_id: str
    at: datetime
    digit: str


AgentEvent = AgentLegUp | AgentLegProven | AgentLegFailed | AgentLegDown | AgentKeyPressed


class LivePhase(StrEnum):
    """Where a customer leg stands on the PBX when we look at it after a gap."""

    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    ANNOUNCING = "announcing"
    BRIDGED = "bridged"
    ABANDONING = "abandoning"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A customer leg found alive on the PBX; `agent_id` is set when it is announcing for, or bridged to, an agent."""

    call_id: str
    phase: LivePhase
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveAgent:
    """An agent's leg found alive on the PBX; `proven` when it waits in its room."""

    agent_id: str
    proven: bool


@dataclass(frozen=True, slots=True)
class PbxUp:
    """The PBX is in view again, and this is everything of ours that is alive on it. What is not listed is gone."""

    pbx: str
    at: datetime
    calls: tuple[LiveCall, ...]
    agents: tuple[LiveAgent, ...]


@dataclass(frozen=True, slots=True)
class PbxDown:
    """The PBX is out of view: nothing is originated until it is up again. `reason` is for people."""

    pbx: str
    at: datetime
    reason: str


PbxEvent = PbxUp | PbxDown

Event = CallEvent | AgentEvent | PbxEvent
