"""What became of one answered leg, going by everything that knows of it? Judged from values alone.

The rule protected: each answered leg ends with a recording, a lawful reason for none, or an alert. Its state is derived from what
the floor, the ledger, the PBX, the archive and the queue each wrote down, and is kept nowhere, so that there are never two.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from recorder.legs import Billed, Finding, Judged, Kind, Leg, Placed, State, Terms
from recorder.plan import DEGRADED, NO_FILES, Flag

WHOLE_SECONDS = timedelta(seconds=1)  # a CDR cuts its times off to whole seconds
AT_ONCE = timedelta(seconds=1)  # who hangs up so soon after the answer was gone before the PBX could tell of it, or record
BILLED_WITHIN = timedelta(seconds=5)  # of its end a call has its CDR
SETTLES = timedelta(minutes=1)  # after its end a call is still written down in one place and not yet in another
PATIENCE = timedelta(minutes=10)  # that a call may wait to be archived
LONGEST = timedelta(hours=12)  # no call is up for longer
_CUT_SHORT = frozenset({Flag.HEADER_REPAIRED, Flag.SHORTER_THAN_CALL, Flag.AGENT_MISSING, Flag.CUSTOMER_MISSING})


def judge(leg: Leg, terms: Terms) -> Judged:
    """What became of a leg, and what is wrong with that."""
    if leg.placed is None:
        strange = tuple(_of_nobody(leg))
        return Judged(State.GAP if strange else State.NOT_ANSWERED, strange)
    if _is_up(leg, leg.placed, terms):
        return Judged(State.UP)
    if not leg.placed.finished:
        text = f"call {leg.call_id} was ordered at {_at(leg.placed.ordered_at)} and has ended, and the floor has not settled it"
        return Judged(State.GAP, (Finding(Kind.UNFINISHED, leg.call_id, text),))
    state = _state(leg, leg.placed)
    findings = [*_of_state(leg, state, terms), *_of_answer(leg, leg.placed)]
    notes: list[str] = []
    for one in (*_of_recording(leg, leg.placed, terms), *_of_billing(leg, leg.placed, terms)):
        if isinstance(one, Finding):
            findings.append(one)
        else:
            notes.append(one)
    return Judged(state, tuple(findings), tuple(notes))


def _is_up(leg: Leg, placed: Placed, terms: Terms) -> bool:
    """Whether it may still go on, or ended so lately that not everybody has written it down."""
    if placed.finished:
        settled = leg.kept is not None or (leg.queued is not None and leg.queued.state != "pending")
        return not settled and placed.ended_at is not None and terms.now - placed.ended_at < SETTLES
    if leg.billed is not None:
        return terms.now - leg.billed.ended_at < PATIENCE
    return terms.now - placed.ordered_at < LONGEST


def _of_nobody(leg: Leg) -> Iterator[Finding]:
    """What is known of a call that the floor knows nothing of."""
    if leg.kept is not None:
        yield Finding(Kind.UNKNOWN_CALL, leg.call_id, f"call {leg.call_id} is recorded, and nobody here placed it")
    if leg.billed is not None and leg.billed.answered_at is not None:
        text = f"call {leg.call_id} was answered at {_at(leg.billed.answered_at)} by the PBX's CDRs, and nobody here placed it"
        yield Finding(Kind.UNKNOWN_CALL, leg.call_id, text)
    if leg.answer_in_ledger is not None:
        text = f"call {leg.call_id} was answered at {_at(leg.answer_in_ledger)} by the ledger, and the floor does not know it"
        yield Finding(Kind.LEDGER, leg.call_id, text)


def _state(leg: Leg, placed: Placed) -> State:
    if leg.kept is not None:
        return State.RECORDED
    if leg.purged:
        return State.PURGED
    if leg.queued is not None and leg.queued.state == "pending":
        return State.WAITING
    if placed.answered_at is None:
        return State.NOT_ANSWERED
    if placed.unrecorded:
        return State.UNRECORDED
    return State.ALERTED if leg.told else State.GAP


def _of_state(leg: Leg, state: State, terms: Terms) -> Iterator[Finding]:
    placed = leg.placed
    if placed is None or placed.ended_at is None:
        return
    answered = f"call {leg.call_id}, answered at {_at(placed.answered_at or placed.ended_at)}"
    if state is State.WAITING and terms.now - placed.ended_at > PATIENCE:
        yield Finding(Kind.WAITS, leg.call_id, f"{answered}, ended at {_at(placed.ended_at)} and still waits to be archived")
    if state is State.GAP:
        yield Finding(Kind.NO_RECORDING, leg.call_id, f"{answered}, has no recording, no reason for that and no alert{_why(leg)}")
    if state is State.ALERTED and not all(one.seen for one in leg.told):
        kinds = ", ".join(sorted({one.kind for one in leg.told}))
        yield Finding(Kind.NO_RECORDING, leg.call_id, f"{answered}, has no recording; nobody has looked at the alert ({kinds})")


def _why(leg: Leg) -> str:
    """What the queue says of a call that has no recording."""
    if leg.queued is None:
        return ": it was never queued to be archived"
    if leg.queued.state == "done" and leg.queued.reason != NO_FILES:
        return ": it was archived, and its row is gone"
    return f": its job is {leg.queued.state}{f' ({leg.queued.reason})' if leg.queued.reason else ''}"


def _of_answer(leg: Leg, placed: Placed) -> Iterator[Finding]:
    """Who says that it was answered, and who does not."""
    call, billed = f"call {leg.call_id}", leg.billed
    if placed.answered_at is None:
        if leg.kept is not None and not placed.lost:
            yield Finding(Kind.NOT_ANSWERED, leg.call_id, f"{call} has a recording, and by the floor nobody answered it")
        if leg.kept is None and billed is not None and billed.answered_at is not None and billed.talk > AT_ONCE:
            text = (
                f"{call} was answered at {_at(billed.answered_at)} by the PBX's CDRs, and the floor saw no answer: no recording"
            )
            yield Finding(Kind.ANSWER_UNSEEN, leg.call_id, text)
        if leg.answer_in_ledger is not None:
            yield Finding(Kind.LEDGER, leg.call_id, f"{call} was answered by the ledger, and not by the floor")
    elif leg.answer_in_ledger is None:
        yield Finding(Kind.LEDGER, leg.call_id, f"{call} was answered by the floor, and the ledger has no answer of it")


def _of_recording(leg: Leg, placed: Placed, terms: Terms) -> Iterator[Finding | str]:
    """What is wrong with a recording that is there, or only odd."""
    kept = leg.kept
    if kept is None:
        return
    if kept.missing:
        text = f"call {leg.call_id}: its recording is in the index, and not in the archive: {', '.join(kept.missing)}"
        yield Finding(Kind.FILE_MISSING, leg.call_id, text)
    if flags := sorted(kept.flags & DEGRADED):
        measured = "; ".join(kept.flag_text.splitlines())
        yield f"call {leg.call_id} is recorded, degraded: {measured or ', '.join(flags)}"
    if placed.began_at is None or placed.over_at is None:
        return
    events = placed.over_at - placed.began_at
    if abs(kept.duration - events) <= terms.tolerance:
        return
    text = f"call {leg.call_id}: its recording lasts {_s(kept.duration)}, by the events of the call it is {_s(events)}"
    if placed.lost or kept.flags & _CUT_SHORT:
        yield f"{text}, as is flagged" if kept.flags & _CUT_SHORT else f"{text}; nobody saw how the call ended"
    elif placed.recorded_whole and _agree(leg.billed, kept.duration, terms):
        yield f"{text}; the PBX's CDRs agree with the recording: the floor learned of the call late"
    else:
        yield Finding(Kind.DURATION, leg.call_id, text)


def _of_billing(leg: Leg, placed: Placed, terms: Terms) -> Iterator[Finding | str]:
    """Whether the PBX counted an answered call as the floor did."""
    if not terms.with_cdrs or placed.answered_at is None or placed.ended_at is None:
        return
    if terms.now - placed.ended_at < BILLED_WITHIN:
        return
    billed, call = leg.billed, f"call {leg.call_id}"
    if billed is None or billed.answered_at is None:
        text = f"{call} was answered at {_at(placed.answered_at)}, and the PBX has no CDR of that"
        died = placed.lost or (leg.kept is not None and Flag.HEADER_REPAIRED in leg.kept.flags)
        yield f"{text}: it ended without writing one" if died else Finding(Kind.CDR_MISSING, leg.call_id, text)
        return
    events = placed.ended_at - placed.answered_at
    if _agree(billed, events, terms):
        return
    text = f"{call} lasted {_s(events)} from its answer by the floor, and {_s(billed.talk)} by the PBX's CDRs"
    if placed.lost or (leg.kept is not None and placed.recorded_whole and _agree(billed, leg.kept.duration, terms)):
        yield f"{text}; the recording agrees with the CDRs, or nobody saw how the call ended"
    elif leg.kept is None or abs(leg.kept.duration - events) <= terms.tolerance:  # else it is told of the recording
        yield Finding(Kind.DURATION, leg.call_id, text)


def _agree(billed: Billed | None, duration: timedelta, terms: Terms) -> bool:
    """Whether the CDRs tell the same duration, as far as they can."""
    return (
        billed is not None and billed.answered_at is not None and abs(billed.talk - duration) <= terms.tolerance + WHOLE_SECONDS
    )


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"
