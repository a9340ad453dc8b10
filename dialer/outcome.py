"""What a finished call leaves behind: its ledger events, the lead's next step, its recording's metadata. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from compliance.facts import EventKind
from dialer.dispositions import Disposition, LeadPlan, plan
from dialer.floor import FloorCall
from recorder.naming import language_of
from recorder.record import CallRecord
from sip.events import EndedBy

CONVERSATION = timedelta(seconds=3)  # with an agent for at least this long counts as a conversation

#: Ended without a ring for one of these, the attempt alerted nobody and does not count; busy and rejected count.
_SILENT = frozenset({Disposition.INVALID_NUMBER, Disposition.CONGESTION, Disposition.FAILED})


@dataclass(frozen=True, slots=True)
class Happened:
    """One event for the ledger."""

    kind: EventKind
    at: datetime
    facts: tuple[tuple[str, str], ...] = ()


def ledger_events(floor_call: FloorCall) -> tuple[Happened, ...]:
    """What the ledger is to know of an ended call, in order of time. Raises ValueError for one that is still up."""
    call = floor_call.call
    if call.ended_at is None:
        raise ValueError(f"call {call.call_id} has not ended")
    events: list[Happened] = []
    if call.ringing_at is not None:
        events.append(Happened(EventKind.RINGING, call.ringing_at))
    if call.answered_at is not None:
        events.append(Happened(EventKind.LIVE_ANSWER, call.answered_at, answer_facts(floor_call)))
    if call.safe_harbour_at is not None and call.abandoned:
        events.append(Happened(EventKind.ABANDONED, call.safe_harbour_at))
    if call.bridged_at is not None and call.ended_at - call.bridged_at >= CONVERSATION:
        events.append(Happened(EventKind.CONVERSATION, call.bridged_at))
    if floor_call.disposition == Disposition.NOT_INTERESTED:
        events.append(Happened(EventKind.REFUSAL, call.ended_at))
    if call.answered_at is None and call.ended_by is not EndedBy.UNKNOWN:
        silent = not call.rang and floor_call.disposition in _SILENT
        events.append(Happened(EventKind.NOT_RUNG if silent else EventKind.UNANSWERED, call.ended_at))
    events.append(Happened(EventKind.ENDED, call.ended_at))
    return tuple(sorted(events, key=lambda event: event.at))


def answer_facts(floor_call: FloorCall) -> tuple[tuple[str, str], ...]:
    """What abandonment is judged by: when an agent was there, and when and by whom the call ended (16 CFR 310.4(b)(1)(iv)).

    A call that we end because the person asked us to (by key, or told the agent) is ended by the person.
    """
    call = floor_call.call
    asked = floor_call.cancelled or floor_call.disposition == Disposition.DO_NOT_CALL
    times = {
        "connected_at": call.bridged_at,
        "held_at": call.announcement_at if call.disclosed_by.comes_first else None,
        "agent_left_at": call.unbridged_at,
        "ended_at": call.ended_at,
    }
    facts = {name: at.astimezone(UTC).isoformat() for name, at in times.items() if at is not None}
    facts["ended_by"] = (EndedBy.CUSTOMER if asked else call.ended_by or EndedBy.UNKNOWN).value
    return tuple(sorted(facts.items()))


def was_unsent(floor_call: FloorCall) -> bool:
    """Whether nothing was sent to the customer at all: the try was none, for the ledger and for the lead."""
    call = floor_call.call
    return call.failure is not None and call.dialed_at is None and not call.rang


def lead_plan(floor_call: FloorCall, numbers: tuple[str, ...], attempts: int, max_attempts: int, now: datetime) -> LeadPlan:
    """The lead's next step after this call; `attempts` counts it."""
    return plan(
        Disposition(floor_call.disposition or Disposition.UNKNOWN),
        numbers=numbers,
        dialed=floor_call.number,
        attempts=attempts,
        max_attempts=max_attempts,
        now=now,
    )


def call_record(floor_call: FloorCall, team: str = "") -> CallRecord | None:
    """What the recorder is to know; None for a call that had nothing to record. `team`: of its last agent."""
    call = floor_call.call
    capture = floor_call.capture
    unseen = call.ended_by is EndedBy.UNKNOWN and call.answered_at is None
    if call.ended_at is None or (call.answered_at is None and not unseen):
        return None
    return CallRecord(
        call_id=call.call_id,
        person=floor_call.person,
        lead_id=floor_call.lead_id,
        number=floor_call.number,
        campaign=floor_call.campaign,
        agent_id=call.agent_id,
        answered_at=call.answered_at,
        announcement_at=call.announcement_at,
        announced_at=call.announced_at,
        bridged_at=call.bridged_at,
        unbridged_at=call.unbridged_at,
        ended_at=call.ended_at,
        disposition=floor_call.disposition or Disposition.UNKNOWN,
        abandoned=call.abandoned,
        prompt=floor_call.disclosure,
        safe_harbour=floor_call.safe_harbour,
        packs=floor_call.packs,
        ended_by=call.ended_by or EndedBy.UNKNOWN,
        agents=capture.agents,
        team=team,
        language=language_of(floor_call.disclosure),
        captured=capture.plan.captured,
        captured_from=capture.since if capture.since != call.answered_at else None,
        captured_until=capture.until,
        disclosed_by=call.disclosed_by,
        confirmed_at=capture.confirmed_at,
        pauses=capture.pauses,
        unrecorded=capture.unrecorded,
    )
