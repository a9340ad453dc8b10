"""How attempts end, and what that means for the lead: recycle rules as a table.

A disposition is given by the system (busy, no_answer …) or by the agent (sale, callback …). The plan says only when
the campaign would like to try again; whether that is allowed is the gate's business, asked again at that time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sip.call import Call
from sip.causes import disposition_of
from sip.events import EndedBy


class Disposition(StrEnum):
    """How an attempt ended. The first group is given by the system, the second by the agent."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    INVALID_NUMBER = "invalid_number"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    FAILED = "failed"
    ABANDONED = "abandoned"
    CUSTOMER_HUNG_UP = "customer_hung_up"  # answered, gone before an agent was there
    NOT_DISCLOSED = "not_disclosed"  # the prompt could not be played, so nobody was connected
    UNKNOWN = "unknown"  # out of our sight when it ended
    NOT_GIVEN = "not_given"  # an agent talked and told no result in time

    SALE = "sale"
    CALLBACK = "callback"
    NOT_INTERESTED = "not_interested"
    WRONG_NUMBER = "wrong_number"
    DO_NOT_CALL = "do_not_call"


#: What an agent's key means while wrapping up; `#` ends the wrap-up.
WRAP_UP_KEYS: dict[str, Disposition] = {
    "1": Disposition.SALE,
    "2": Disposition.CALLBACK,
    "3": Disposition.NOT_INTERESTED,
    "4": Disposition.WRONG_NUMBER,
    "9": Disposition.DO_NOT_CALL,
}

AGENT_DISPOSITIONS: frozenset[Disposition] = frozenset(WRAP_UP_KEYS.values())


def system_disposition(call: Call) -> Disposition:
    """How a call ended that no agent has judged."""
    if call.bridged_at is not None:
        return Disposition.NOT_GIVEN
    if call.abandoned:
        return Disposition.ABANDONED
    if call.ended_by is EndedBy.UNKNOWN:
        return Disposition.UNKNOWN
    if call.answered_at is not None:
        return Disposition.NOT_DISCLOSED if call.announced_at is not None and not call.disclosed else Disposition.CUSTOMER_HUNG_UP
    if call.failure is not None:
        return Disposition.FAILED
    return Disposition(disposition_of(call.hangup_cause, call.tech_cause, rang=call.rang).value)


class LeadState(StrEnum):
    """Where a lead stands in its campaign."""

    NEW = "new"  # imported; the gate has not looked at it yet
    READY = "ready"  # may be dialed from `next_at` on, if the gate says so again then
    DIALING = "dialing"
    REFUSED = "refused"  # not without new facts: on a do-not-call list, no known zone …
    DONE = "done"
    EXHAUSTED = "exhausted"  # as many attempts as the campaign makes


class NumberFate(StrEnum):
    """What an outcome says about the number that was dialed."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Recycle:
    """What the campaign does after a disposition: `again_after` None means the lead is done."""

    again_after: timedelta | None
    number: NumberFate = NumberFate.KEEP


RECYCLE: dict[Disposition, Recycle] = {
    Disposition.BUSY: Recycle(timedelta(minutes=15)),
    Disposition.NO_ANSWER: Recycle(timedelta(hours=4)),
    Disposition.MACHINE: Recycle(timedelta(hours=6)),
    Disposition.INVALID_NUMBER: Recycle(timedelta(0), NumberFate.DROP),  # at once, if the lead has another number
    Disposition.REJECTED: Recycle(timedelta(days=1)),
    Disposition.CONGESTION: Recycle(timedelta(minutes=5)),
    Disposition.FAILED: Recycle(timedelta(minutes=30)),
    Disposition.ABANDONED: Recycle(timedelta(hours=72)),  # the longest rest any rule pack of ours asks after one
    Disposition.CUSTOMER_HUNG_UP: Recycle(timedelta(days=1)),
    Disposition.NOT_DISCLOSED: Recycle(timedelta(days=1)),
    Disposition.UNKNOWN: Recycle(timedelta(days=1)),
    Disposition.NOT_GIVEN: Recycle(timedelta(days=1)),
    Disposition.SALE: Recycle(None),
    Disposition.CALLBACK: Recycle(timedelta(days=1)),
    Disposition.NOT_INTERESTED: Recycle(None),
    Disposition.WRONG_NUMBER: Recycle(timedelta(0), NumberFate.DROP),
    Disposition.DO_NOT_CALL: Recycle(None),
}


@dataclass(frozen=True, slots=True)
class LeadPlan:
    """What becomes of a lead after an attempt."""

    state: LeadState
    next_at: datetime | None
    numbers: tuple[str, ...]
    reason: str


def plan(
    disposition: Disposition, *, numbers: tuple[str, ...], dialed: str, attempts: int, max_attempts: int, now: datetime
) -> LeadPlan:
    """The lead's next step. `attempts` counts this one. Nothing is silently dropped: `reason` says why it rests or ends."""
    rule = RECYCLE[disposition]
    left = _after(numbers, dialed, rule.number)
    if rule.again_after is None:
        return LeadPlan(LeadState.DONE, None, left, disposition.value)
    if not left:
        return LeadPlan(LeadState.DONE, None, numbers, f"{disposition.value}: no other number")
    if attempts >= max_attempts:
        return LeadPlan(LeadState.EXHAUSTED, None, left, f"{disposition.value}: attempt {attempts} of {max_attempts}")
    return LeadPlan(LeadState.READY, now + rule.again_after, left, f"{disposition.value}: again after {rule.again_after}")


def _after(numbers: tuple[str, ...], dialed: str, fate: NumberFate) -> tuple[str, ...]:
    """The numbers in the order to be tried next: from the one after `dialed` on, and `dialed` last, if it is kept."""
    if dialed not in numbers:
        return numbers
    place = numbers.index(dialed)
    turned = numbers[place + 1 :] + numbers[:place]
    return turned if fate is NumberFate.DROP else (*turned, dialed)
