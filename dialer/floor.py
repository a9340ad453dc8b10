"""The floor as a value: agents, calls and campaigns at one instant, what can happen to it, and what it can order.

`engine.step` maps a `Floor` and an `Item` to the next `Floor` and `Command`s; `service` performs the commands. One
thread owns the floor, so nothing here is locked and everything is frozen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from compliance.budget import Budget
from compliance.verdict import PackRef
from dialer.agents import Agent
from recorder.capturing import Capture
from sip.call import Call
from sip.events import Event
from sip.port import DECISION_WAIT


@dataclass(frozen=True, slots=True)
class FloorPolicy:
    """The patience of the floor."""

    agent_wait: timedelta = DECISION_WAIT  # from the answer to the abandonment message, which the PBX plays by itself
    wrap_up: timedelta = timedelta(seconds=120)
    unheard_of: timedelta = timedelta(seconds=60)  # an order the PBX has not said a word about is given up as lost
    keep_off: timedelta = timedelta(milliseconds=200)  # an agent offered later than this before `agent_wait` ends is too late


@dataclass(frozen=True, slots=True)
class CampaignView:
    """What pacing needs to know of a running campaign."""

    campaign_id: str
    name: str
    channels: int  # most calls of this campaign at one time
    budget: int | None = None  # how many more of its answers may be abandoned; None: no rule counts them
    measured: bool = True  # False: what was abandoned is not known, and nothing is dialed
    reviewed_at: datetime | None = None  # somebody looked at what had stopped it
    near: frozenset[str] = frozenset()  # rules whose limit is near, and was told to be


@dataclass(frozen=True, slots=True)
class FloorCall:
    """A call with everything of ours around it."""

    call: Call
    lead_id: str
    campaign_id: str
    campaign: str  # its name, as the ledger and the recording know it
    person: str
    number: str
    packs: tuple[PackRef, ...]
    disclosure: str
    safe_harbour: str
    agent_id: str | None = None  # reserved for, talking to, or judged by this agent
    disposition: str | None = None
    capture: Capture = field(default_factory=Capture)
    cancelled: bool = False  # the person opted out before an agent was there: hung up again at whatever it does next

    @property
    def call_id(self) -> str:
        """The id of the call, of its attempt and of the PBX's customer leg."""
        return self.call.call_id


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything `engine.step` decides on."""

    now: datetime
    policy: FloorPolicy = FloorPolicy()
    pbx_up: bool = False
    campaigns: Mapping[str, CampaignView] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()  # off the roster, but a call still holds them
    calls: Mapping[str, FloorCall] = field(default_factory=dict)
    dry: Mapping[str, datetime] = field(default_factory=dict)  # campaign -> no lead is due before

    def with_agent(self, agent: Agent) -> "Floor":
        """The floor with this agent as given."""
        return replace(self, agents={**self.agents, agent.agent_id: agent})

    def without_agent(self, agent_id: str) -> "Floor":
        """The floor without this agent."""
        return replace(self, agents={key: agent for key, agent in self.agents.items() if key != agent_id})

    def with_call(self, call: FloorCall) -> "Floor":
        """The floor with this call as given."""
        return replace(self, calls={**self.calls, call.call_id: call})

    def without_call(self, call_id: str) -> "Floor":
        """The floor without this call."""
        return replace(self, calls={key: call for key, call in self.calls.items() if key != call_id})


# --- items: what can happen to the floor, besides telephony events ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""

    now: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """A lead was permitted and its originate is about to be sent; follows from `DialNext`."""

    call: FloorCall


@dataclass(frozen=True, slots=True)
class ListDry:
    """No lead of the campaign is due before `until`; follows from `DialNext`."""

    campaign_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class CampaignsRunning:
    """These campaigns, and no others, are to be dialed now."""

    campaigns: tuple[CampaignView, ...]


@dataclass(frozen=True, slots=True)
class BudgetsMeasured:
    """Where a running campaign stands with the rules of abandonment; None when that could not be found out."""

    campaign_id: str
    budgets: tuple[Budget, ...] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RosterRead:
    """These agents, and no others, may take calls."""

    agent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DispositionGiven:
    """An agent's verdict on a call, from the console or the command line."""

    agent_id: str
    call_id: str  # a verdict that comes late must not fall on the next customer
    disposition: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PauseAsked:
    """An agent wants no calls, or wants them again (`paused` False)."""

    agent_id: str
    paused: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaptureAsked:
    """The recording of a call is to pause, or (`paused` False) to go on: by key, a script's payment step, or a command.

    `why` and `by` are kept with the recording.
    """

    call_id: str
    paused: bool
    why: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OptedOut:
    """Somebody is on the do-not-call list: whatever rings for them is cancelled."""

    person: str | None
    number: str | None
    at: datetime


Item = (
    Event
    | Tick
    | Placed
    | ListDry
    | CampaignsRunning
    | BudgetsMeasured
    | RosterRead
    | DispositionGiven
    | PauseAsked
    | CaptureAsked
    | OptedOut
)


# --- commands: what the floor can order ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DialNext:
    """Place up to `count` calls of the campaign, each through the gate."""

    campaign_id: str
    count: int
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connect:
    """Disclose to the customer (once a call, or once more) and join the agent."""

    call_id: str
    agent_id: str
    announce_again: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Play the abandonment message and hang up."""

    call_id: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the customer leg."""

    call_id: str


@dataclass(frozen=True, slots=True)
class PauseCapture:
    """Record silence."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ResumeCapture:
    """Record again."""

    call_id: str


@dataclass(frozen=True, slots=True)
class StartCapture:
    """Record a call from now on that was not recorded."""

    call_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class SaveCall:
    """Write down where the call stands, so that a restart finds it."""

    call: FloorCall


@dataclass(frozen=True, slots=True)
class SaveAgent:
    """Write down the agent's new state and when it began."""

    agent: Agent


@dataclass(frozen=True, slots=True)
class Suppress:
    """Put the person of this call on the do-not-call list, at once."""

    call: FloorCall
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Finish:
    """The call and its wrap-up are over: ledger, lead plan and recording follow. `disposition` is final."""

    call: FloorCall
    disposition: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop the campaign until somebody has reviewed it, and raise the alert: both, or neither."""

    campaign_id: str
    campaign: str
    because: str
    at: datetime


class AlertKind(StrEnum):
    """What a person should look at."""

    ILLEGAL_EVENT = "illegal_event"
    STRAY_CALL = "stray_call"
    UNDISCLOSED = "undisclosed"
    AGENT_LOST = "agent_lost"
    PROMPT_MISSING = "prompt_missing"
    LINE_CHECK_FAILED = "line_check_failed"
    ABANDONED = "abandoned"
    CLOCK_ADRIFT = "clock_adrift"
    LIST_TOO_OLD = "list_too_old"
    CALL_LOST = "call_lost"
    PAUSE_RAN_OUT = "pause_ran_out"  # a recording was paused to the limit: nobody had it go on
    ABANDONMENT_NEAR = "abandonment_near"  # nearly as many were abandoned as a rule permits
    ABANDONMENT_OVER = "abandonment_over"  # more were: the campaign is halted


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is not as it should be; `call_id` leads to the customer."""

    kind: AlertKind
    text: str
    at: datetime
    call_id: str | None = None


Command = (
    DialNext
    | Connect
    | Abandon
    | HangUp
    | PauseCapture
    | ResumeCapture
    | StartCapture
    | SaveCall
    | SaveAgent
    | Suppress
    | Finish
    | Halt
    | Alert
)
