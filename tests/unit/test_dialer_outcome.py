"""What a finished call leaves in the ledger decides whether the person may be rung again: nothing too little, nothing untrue."""

from dataclasses import replace

import pytest

from compliance.facts import RANG, EventKind
from compliance.verdict import PackRef
from dialer.dispositions import LeadState
from dialer.outcome import call_record, lead_plan, ledger_events
from recorder.record import from_json, to_json
from sip.call import Call, CallState
from sip.events import EndedBy
from tests.dialer_floor import START, a_call, a_floor_call, at

PACKS = (PackRef("house", "1", "ab"),)
TALKED = {
    "ringing_at": at(2),
    "answered_at": at(5),
    "announcement_at": at(5.1),
    "announced_at": at(9),
    "disclosed": True,
    "agent_id": "ann",
    "bridged_at": at(9.5),
    "unbridged_at": at(60),
    "rang": True,
}


def an_end(second: float = 60, by: EndedBy = EndedBy.NETWORK, **known: object) -> Call:
    return replace(a_call(state=CallState.ENDED, ended_at=at(second), ended_by=by), **known)  # type: ignore[arg-type] # names are of Call


@pytest.mark.parametrize(
    ("call", "disposition", "kinds"),
    [
        (an_end(3, hangup_cause=17, tech_cause=486), "busy", "unanswered ended"),
        (an_end(3, hangup_cause=21, tech_cause=603), "rejected", "unanswered ended"),
        (an_end(3, hangup_cause=18, tech_cause=408), "no_answer", "unanswered ended"),
        (an_end(25, hangup_cause=19, tech_cause=480, ringing_at=at(2), rang=True), "no_answer", "ringing unanswered ended"),
        (an_end(3, hangup_cause=1, tech_cause=404), "invalid_number", "not_rung ended"),
        (an_end(3, hangup_cause=34, tech_cause=503), "congestion", "not_rung ended"),
        (an_end(3, failure="no route"), "failed", "not_rung ended"),
        (an_end(3, hangup_cause=1, tech_cause=404, ringing_at=at(1), rang=True), "invalid_number", "ringing unanswered ended"),
        (an_end(3, hangup_cause=34, tech_cause=503, rang=True), "congestion", "unanswered ended"),
        (an_end(9, EndedBy.UNKNOWN, rang=True), "unknown", "ended"),
        (an_end(9, EndedBy.UNKNOWN, ringing_at=at(2), rang=True), "unknown", "ringing ended"),
        (an_end(9, EndedBy.UNKNOWN, answered_at=at(5), rang=True), "unknown", "live_answer ended"),
        (an_end(9, EndedBy.CUSTOMER, ringing_at=at(2), answered_at=at(5)), "customer_hung_up", "ringing live_answer ended"),
        (an_end(9, EndedBy.FLOOR, answered_at=at(5), safe_harbour_at=at(7)), "abandoned", "live_answer abandoned ended"),
        (an_end(60, EndedBy.CUSTOMER, **TALKED), "sale", "ringing live_answer conversation ended"),
        (an_end(12.5, EndedBy.CUSTOMER, **TALKED), "sale", "ringing live_answer conversation ended"),
        (an_end(12.499, EndedBy.CUSTOMER, **TALKED), "sale", "ringing live_answer ended"),
        (an_end(60, EndedBy.CUSTOMER, **TALKED), "not_interested", "ringing live_answer conversation refusal ended"),
        (
            an_end(60, EndedBy.CUSTOMER, **(TALKED | {"safe_harbour_at": at(7)})),
            "sale",
            "ringing live_answer abandoned conversation ended",
        ),
        (
            an_end(60, EndedBy.FLOOR, **(TALKED | {"safe_harbour_at": at(59)})),
            "not_given",
            "ringing live_answer conversation ended",
        ),
    ],
)
def test_the_ledger_of_an_ended_call(call: Call, disposition: str, kinds: str) -> None:
    events = ledger_events(a_floor_call(call, disposition=disposition))
    assert [event.kind.value for event in events] == kinds.split()
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[-1].at == call.ended_at


@pytest.mark.parametrize(
    ("call", "around", "facts"),
    [
        (
            an_end(60, EndedBy.CUSTOMER, **TALKED),
            {},
            {"connected_at": 9.5, "held_at": 5.1, "agent_left_at": 60, "ended_at": 60, "ended_by": "customer"},
        ),
        (an_end(9, EndedBy.FLOOR, answered_at=at(5), safe_harbour_at=at(7)), {}, {"ended_at": 9, "ended_by": "floor"}),
        (an_end(6, EndedBy.CUSTOMER, answered_at=at(5)), {}, {"ended_at": 6, "ended_by": "customer"}),
        (an_end(6, EndedBy.UNKNOWN, answered_at=at(5)), {}, {"ended_at": 6, "ended_by": "unknown"}),
        (an_end(6, EndedBy.FLOOR, answered_at=at(5)), {"cancelled": True}, {"ended_at": 6, "ended_by": "customer"}),
        (an_end(6, EndedBy.FLOOR, answered_at=at(5)), {"disposition": "do_not_call"}, {"ended_at": 6, "ended_by": "customer"}),
    ],
)
def test_a_live_answer_tells_when_an_agent_was_there_and_who_ended_it(
    call: Call, around: dict[str, object], facts: dict[str, object]
) -> None:
    events = {event.kind: dict(event.facts) for event in ledger_events(a_floor_call(call, **around))}
    told = {name: said if isinstance(said, str) else at(float(str(said))).isoformat() for name, said in facts.items()}
    assert events.pop(EventKind.LIVE_ANSWER) == told
    assert not any(events.values()), "the others are told by their kind and time"


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.ENDED])
def test_a_call_that_is_up_has_no_outcome_yet(state: CallState) -> None:
    with pytest.raises(ValueError, match="call c1 has not ended"):
        ledger_events(a_floor_call(a_call(state=state)))
    assert call_record(a_floor_call(a_call(state=state, answered_at=at(5)))) is None


@pytest.mark.parametrize(
    "disposition", ["busy", "rejected", "no_answer", "invalid_number", "congestion", "failed", "do_not_call"]
)
@pytest.mark.parametrize("rang", [True, False])
def test_what_rang_is_never_said_not_to_have_rung(disposition: str, *, rang: bool) -> None:
    kinds = {event.kind for event in ledger_events(a_floor_call(an_end(rang=rang), disposition=disposition))}
    assert not (rang and EventKind.NOT_RUNG in kinds)
    assert not (EventKind.NOT_RUNG in kinds and kinds & RANG)
    assert (EventKind.NOT_RUNG in kinds) != (EventKind.UNANSWERED in kinds)


def test_a_call_of_unknown_end_counts_as_the_attempt_it_was() -> None:
    kinds = {event.kind for event in ledger_events(a_floor_call(an_end(by=EndedBy.UNKNOWN), disposition="unknown"))}
    assert EventKind.NOT_RUNG not in kinds


def test_the_record_tells_the_recorder_all_that_the_call_knew() -> None:
    call = an_end(60, EndedBy.CUSTOMER, **TALKED)
    record = call_record(a_floor_call(call, disposition="sale", packs=PACKS, agent_id=None))
    assert record is not None
    assert (record.call_id, record.person, record.lead_id, record.number) == ("c1", "p0001", "lead-0001", "+12125550001")
    assert (record.campaign, record.agent_id, record.disposition, record.abandoned) == ("spring", "ann", "sale", False)
    assert (record.answered_at, record.announcement_at, record.announced_at) == (at(5), at(5.1), at(9))
    assert (record.bridged_at, record.unbridged_at, record.ended_at) == (at(9.5), at(60), at(60))
    assert (record.prompt, record.safe_harbour, record.packs, record.ended_by) == ("house-en", "safe-en", PACKS, EndedBy.CUSTOMER)
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize(
    ("call", "recorded"),
    [
        (an_end(3, hangup_cause=17, tech_cause=486), False),
        (an_end(25, ringing_at=at(2), rang=True), False),
        (an_end(9, EndedBy.CUSTOMER, answered_at=at(5)), True),
        (an_end(9, EndedBy.FLOOR, answered_at=at(5), safe_harbour_at=at(7)), True),
        (an_end(9, EndedBy.UNKNOWN, rang=True), True),  # it may have been answered where we could not see it
    ],
)
def test_there_is_a_recording_of_whatever_may_have_been_answered(call: Call, *, recorded: bool) -> None:
    record = call_record(a_floor_call(call, disposition="busy"))
    assert (record is not None) == recorded
    assert record is None or record.abandoned == call.abandoned


def test_a_call_without_a_verdict_rests_as_one_of_unknown_end() -> None:
    plan = lead_plan(a_floor_call(an_end()), ("+12125550001",), attempts=1, max_attempts=3, now=START)
    assert (plan.state, plan.reason) == (LeadState.READY, "unknown: again after 1 day, 0:00:00")


def test_the_number_that_was_dialed_is_the_one_dropped() -> None:
    call = a_floor_call(an_end(), disposition="invalid_number")
    plan = lead_plan(call, ("+12125550009", call.number), attempts=1, max_attempts=3, now=START)
    assert plan.numbers == ("+12125550009",)
