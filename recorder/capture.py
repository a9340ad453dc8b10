"""How is a call to be recorded and disclosed? Answered before it is dialed.

From what the campaign wants and what the rules of the parties' places ask: the stricter wins. The rule protected: a call
that may not be recorded is either not placed, or placed with the lawful reason kept; it is never recorded by default.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from compliance.recording import RecordingTerms
from compliance.rules import Leave, RecordMode
from compliance.verdict import Reason
from sip.port import DisclosedBy, RecordedFrom

PAUSE_LIMIT = timedelta(seconds=120)


class CaptureMode(StrEnum):
    """What a campaign wants of its calls."""

    ALWAYS = "always"
    ON_EVENT = "on_event"
    OFF = "off"


class CaptureFrom(StrEnum):
    """From when on a campaign wants it."""

    WHOLE_CALL = "whole_call"
    AFTER_CONSENT = "after_consent"


class Captured(StrEnum):
    """How much of a call was to be recorded."""

    WHOLE_CALL = "whole_call"
    AFTER_CONSENT = "after_consent"  # of the customer: nothing before the notice was heard, or the key pressed
    ON_EVENT = "on_event"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """What one campaign wants. `disclosed_by` None: as the rules of the customer's place ask.

    `announce`: a notice is given also where no rule asks for one. `recorded_or_not_connected`: nobody is rung whom no rule lets
    us record, and who does not consent is not joined to an agent.
    """

    mode: CaptureMode = CaptureMode.ALWAYS
    begins: CaptureFrom = CaptureFrom.WHOLE_CALL
    disclosed_by: DisclosedBy | None = DisclosedBy.PROMPT_BEFORE
    announce: bool = True
    again_after_transfer: bool = True
    recorded_or_not_connected: bool = True
    pause_limit: timedelta = PAUSE_LIMIT


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What is to be done with one call. `unrecorded` is the lawful reason of a call that is not recorded, else empty."""

    captured: Captured = Captured.WHOLE_CALL
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    recorded_from: RecordedFrom = RecordedFrom.ANSWER
    start_on: tuple[str, ...] = ()  # the events that may begin a recording on order; none: any
    ends_unconsented: bool = True
    again_after_transfer: bool = True
    pause_limit: timedelta = PAUSE_LIMIT
    unrecorded: str = ""


@dataclass(frozen=True, slots=True)
class NotRecordable:
    """The call may not be recorded, and is therefore not placed."""

    why: str
    reasons: tuple[Reason, ...]


def plan(policy: CapturePolicy, terms: RecordingTerms, *, agent_at_once: bool = False) -> CapturePlan | NotRecordable:
    """What is done with a call on these terms. `agent_at_once`: a rule counts who waits behind a recorded voice as abandoned."""
    first = DisclosedBy.PROMPT_JOINING if agent_at_once else DisclosedBy.PROMPT_BEFORE
    how = policy.disclosed_by or first
    if how is DisclosedBy.NONE and (policy.announce or terms.announce):
        how = first
    if unlawful := _unlawful(terms):
        if policy.recorded_or_not_connected and policy.mode is not CaptureMode.OFF:
            return NotRecordable(unlawful, terms.reasons)
        return _unrecorded(policy, unlawful)
    if policy.mode is CaptureMode.OFF and terms.mode is not RecordMode.WHOLE_CALL:  # what a rule has recorded is
        return _unrecorded(policy, "the campaign records nothing")
    on_event = terms.mode is RecordMode.ON_EVENT or (
        policy.mode is CaptureMode.ON_EVENT and terms.mode is not RecordMode.WHOLE_CALL
    )
    after_consent = policy.begins is CaptureFrom.AFTER_CONSENT or how is DisclosedBy.PRESS_TO_CONSENT
    if after_consent and not on_event and not how.comes_first:
        how = DisclosedBy.PROMPT_BEFORE
    after_consent = after_consent or (terms.consent is Leave.ALL and how.comes_first)
    captured, begins = Captured.WHOLE_CALL, RecordedFrom.ANSWER
    if on_event:
        captured, begins = Captured.ON_EVENT, RecordedFrom.ORDER
    elif after_consent:
        captured, begins = Captured.AFTER_CONSENT, RecordedFrom.CONSENT
    return CapturePlan(
        captured=captured,
        disclosed_by=how,
        recorded_from=begins,
        start_on=terms.start_on,
        ends_unconsented=policy.recorded_or_not_connected,
        again_after_transfer=policy.again_after_transfer,
        pause_limit=policy.pause_limit,
    )


def _unlawful(terms: RecordingTerms) -> str:
    if terms.conflicts:
        return "; ".join(terms.conflicts)
    if not terms.recordable:
        return "; ".join(f"{reason.rule}: {reason.text}" for reason in terms.reasons) or "no rule lets it be recorded"
    return ""


def _unrecorded(policy: CapturePolicy, why: str) -> CapturePlan:
    """Nothing is recorded, so that nothing is disclosed."""
    return CapturePlan(Captured.NOTHING, DisclosedBy.NONE, RecordedFrom.NEVER, pause_limit=policy.pause_limit, unrecorded=why)
