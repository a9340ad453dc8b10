"""What the floor asks of a telephone system: four verbs and a stream of events.

`Asterisk` (sip/ami.py) and `Simulator` (sip/simulator.py) both keep this contract; tests/contract runs one suite
over them. No call without a permit: `originate` takes a `DialOrder`, and a `DialOrder` carries the committed `Permit`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from compliance.verdict import Permit
from sip.events import Event

#: An answered customer whom nobody is given within this time hears the abandonment message, and the PBX sees to it by
#: itself, whether or not we are alive: 16 CFR 310.4(b)(4)(iii), counted from the answer, which is stricter.
DECISION_WAIT = timedelta(seconds=2)


class DisclosedBy(StrEnum):
    """How the customer learns that the call may be recorded."""

    PROMPT_BEFORE = "prompt_before"  # a prompt, whole, before the agent is there
    PROMPT_JOINING = "prompt_joining"  # a prompt as the agent joins: both hear it
    SPOKEN = "spoken"  # the agent says it, and says that it was said
    PRESS_TO_CONSENT = "press_to_consent"  # a prompt before the agent, and a key that consents
    NONE = "none"  # no rule asks for it

    @property
    def comes_first(self) -> bool:
        """Whether nobody is joined to an agent before the prompt was heard to its end."""
        return self in {DisclosedBy.PROMPT_BEFORE, DisclosedBy.PRESS_TO_CONSENT}


class RecordedFrom(StrEnum):
    """From when on the PBX records a customer."""

    ANSWER = "answer"
    CONSENT = "consent"  # the customer's side is silence until the prompt was heard, or the key pressed; the prompt is recorded
    ORDER = "order"  # nothing before `record`
    NEVER = "never"


CONSENT_KEY = "1"


@dataclass(frozen=True, slots=True)
class DialOrder:
    """Everything the PBX needs to ring one customer once.

    Raises ValueError when the permit is for another call or another number: there is no side door.
    """

    call_id: str
    number: str  # E.164
    trunk: str
    caller_id: str  # E.164
    ring_for: timedelta
    disclosure: str  # id of the disclosure prompt, played before the agent is joined
    safe_harbour: str  # id of the abandonment message
    permit: Permit
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    recorded_from: RecordedFrom = RecordedFrom.ANSWER
    ends_unconsented: bool = True  # who does not press the key is hung up, or else joined unrecorded

    def __post_init__(self) -> None:
        if self.permit.attempt_id != self.call_id or self.permit.number != self.number:
            raise ValueError(f"permit {self.permit.permit_id} is not for call {self.call_id}")

    def is_live(self, now: datetime) -> bool:
        """Whether the permit still allows the originate at `now`."""
        return now < self.permit.expires_at


class TelephonyError(Exception):
    """Something between us and the PBX is broken."""


class PbxUnavailable(TelephonyError):
    """The PBX cannot be reached now: nothing was sent. Try again when it is up."""


class LoginRefused(TelephonyError):
    """The PBX refuses our name or secret: a person must mend the configuration."""


class ProtocolViolation(TelephonyError):
    """The PBX or we said something that the protocol does not allow: a bug."""


class Telephony(Protocol):
    """A PBX as the floor sees it. Orders return at once; what comes of them arrives as events.

    Every order is safe to give late: an order about a call that is gone does nothing.
    """

    def start(self, post: Callable[[Event], None]) -> None:
        """Begins to watch the PBX; `post` receives every event, from any thread. The first is PbxUp or PbxDown."""
        ...

    def originate(self, order: DialOrder) -> None:
        """Rings the customer once. Raises PbxUnavailable if nothing was sent; never sends one order twice."""
        ...

    def connect(self, call_id: str, agent_id: str, *, announce_again: bool = False) -> None:
        """Discloses as the order says (once a call, or once more) and joins the customer to the agent's waiting leg."""
        ...

    def pause(self, call_id: str) -> None:
        """Records silence on both sides from now on; the time goes on. `CapturePaused` confirms it."""
        ...

    def resume(self, call_id: str) -> None:
        """Records again. `CaptureResumed` confirms it."""
        ...

    def record(self, call_id: str, agent_id: str) -> None:
        """Begins to record a customer who is with this agent and was not recorded; they are apart for an instant."""
        ...

    def abandon(self, call_id: str) -> None:
        """Plays the abandonment message and hangs up."""
        ...

    def hang_up(self, call_id: str) -> None:
        """Ends the customer leg, ringing or answered; the agent's leg stays."""
        ...

    def close(self) -> None:
        """Stops watching; calls that are up stay up."""
        ...
