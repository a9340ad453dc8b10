"""What becomes of one leg, by everything that knows of it: each state, each thing that can be wrong, one answer for each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.completeness import BILLED_WITHIN, LONGEST, PATIENCE, SETTLES, judge
from recorder.legs import (
    Billed,
    Judged,
    Kept,
    Kind,
    Leg,
    Placed,
    Queued,
    State,
    Terms,
    Told,
)
from recorder.plan import LENGTH_TOLERANCE, NO_FILES, Flag

CALL = "01a200b0ae76f06e78133cd5c216bca2"
ORDERED = datetime(2026, 3, 2, 15, 4, tzinfo=UTC)
ANSWERED, ENDED = ORDERED + timedelta(seconds=5), ORDERED + timedelta(seconds=25)
LATER = Terms(ENDED + timedelta(hours=1))
WITH_CDRS = replace(LATER, with_cdrs=True)
SECOND = timedelta(seconds=1)


def a_call(**known: object) -> Placed:
    """A call that was answered, lasted 20 s and was recorded whole."""
    told = {"answered_at": ANSWERED, "ended_at": ENDED, "finished": True, "began_at": ANSWERED, "over_at": ENDED}
    return Placed(CALL, ORDERED, **(told | known))  # type: ignore[arg-type] # names are of Placed


def unanswered(**known: object) -> Placed:
    return a_call(**{"answered_at": None, "began_at": None, **known})


def a_recording(seconds: float = 20, *flags: Flag, missing: tuple[str, ...] = ()) -> Kept:
    return Kept(CALL, ANSWERED, timedelta(seconds=seconds), "2026/03/02/x.flac", frozenset(flags), "\n".join(flags), missing)


def a_cdr(seconds: float | None = 20) -> Billed:
    """Of a call answered when ours was, or (None) not answered."""
    return Billed(CALL, ORDERED, None if seconds is None else ANSWERED, ANSWERED + timedelta(seconds=seconds or 0))


def a_job(state: str = "done", reason: str = "") -> Queued:
    return Queued(CALL, state, reason)


def a_leg(**known: object) -> Leg:
    """A leg of which all is as it should be, but for what is said."""
    told = {"placed": a_call(), "kept": a_recording(), "queued": a_job(), "answer_in_ledger": ANSWERED}
    return Leg(CALL, **(told | known))  # type: ignore[arg-type] # names are of Leg


def kinds(judged: Judged) -> list[Kind]:
    return [one.kind for one in judged.findings]


def test_a_leg_whose_sources_agree_is_recorded_and_nothing_is_said() -> None:
    assert judge(a_leg(), LATER) == Judged(State.RECORDED)
    assert judge(a_leg(billed=a_cdr()), WITH_CDRS) == Judged(State.RECORDED)


@pytest.mark.parametrize(
    ("known", "state", "expected"),
    [
        ({"placed": a_call(unrecorded="the campaign records nothing")}, State.UNRECORDED, []),
        ({"purged": True}, State.PURGED, []),
        ({"queued": a_job("failed", NO_FILES)}, State.GAP, [Kind.NO_RECORDING]),
        ({"queued": a_job("failed"), "told": (Told(CALL, "recording_missing", False),)}, State.ALERTED, [Kind.NO_RECORDING]),
        ({"queued": a_job("failed"), "told": (Told(CALL, "recording_missing", True),)}, State.ALERTED, []),
        ({"queued": a_job("quarantined")}, State.GAP, [Kind.NO_RECORDING]),
        ({"queued": a_job("pending")}, State.WAITING, [Kind.WAITS]),
        ({"queued": None}, State.GAP, [Kind.NO_RECORDING]),
        ({}, State.GAP, [Kind.NO_RECORDING]),
    ],
)
def test_an_answered_leg_without_a_recording_needs_a_reason_or_an_alert_somebody_saw(
    known: dict[str, object], state: State, expected: list[Kind]
) -> None:
    judged = judge(a_leg(kept=None, **known), LATER)
    assert (judged.state, kinds(judged)) == (state, expected)


def test_a_row_that_went_is_told_from_a_recording_that_never_was() -> None:
    (gone,) = judge(a_leg(kept=None), LATER).findings
    (never,) = judge(a_leg(kept=None, queued=None), LATER).findings
    assert "its row is gone" in gone.text
    assert "never queued" in never.text


def test_a_call_that_has_just_ended_is_up_until_everybody_may_have_written_it_down() -> None:
    bare = a_leg(kept=None, queued=None)
    assert judge(bare, Terms(ENDED + SETTLES - timedelta(microseconds=1))) == Judged(State.UP)
    assert judge(bare, Terms(ENDED + SETTLES)).state is State.GAP
    assert judge(a_leg(kept=None), Terms(ENDED)).state is State.GAP, "its job is done, and its row is gone"
    waiting = a_leg(kept=None, queued=a_job("pending"))
    assert judge(waiting, Terms(ENDED + PATIENCE)) == Judged(State.WAITING)
    assert kinds(judge(waiting, Terms(ENDED + PATIENCE + timedelta(microseconds=1)))) == [Kind.WAITS]


def test_a_call_that_the_floor_never_settled_is_found_once_the_pbx_says_that_it_is_over() -> None:
    left = a_leg(placed=a_call(finished=False, ended_at=None), kept=None, queued=None, answer_in_ledger=None)
    assert judge(left, LATER) == Judged(State.UP)
    assert kinds(judge(replace(left, billed=a_cdr()), WITH_CDRS)) == [Kind.UNFINISHED]
    assert kinds(judge(left, Terms(ORDERED + LONGEST))) == [Kind.UNFINISHED]


def test_what_nobody_here_placed_is_found_wherever_it_is_known() -> None:
    assert kinds(judge(Leg(CALL, billed=a_cdr()), WITH_CDRS)) == [Kind.UNKNOWN_CALL]
    assert kinds(judge(Leg(CALL, billed=a_cdr(None)), WITH_CDRS)) == []
    assert kinds(judge(Leg(CALL, kept=a_recording()), LATER)) == [Kind.UNKNOWN_CALL]
    assert kinds(judge(Leg(CALL, answer_in_ledger=ANSWERED), LATER)) == [Kind.LEDGER]


def test_a_recording_of_a_call_that_nobody_answered_is_found_unless_the_floor_lost_sight_of_it() -> None:
    seen = a_leg(placed=unanswered(), answer_in_ledger=None)
    assert kinds(judge(seen, LATER)) == [Kind.NOT_ANSWERED]
    lost = a_leg(placed=unanswered(lost=True), kept=a_recording(20, Flag.ANSWER_UNSEEN), answer_in_ledger=None)
    assert judge(lost, LATER) == Judged(State.RECORDED)


def test_an_answer_that_only_the_pbx_saw_is_found_when_it_lasted() -> None:
    leg = a_leg(placed=unanswered(), kept=None, answer_in_ledger=None, billed=a_cdr(2))
    assert kinds(judge(leg, WITH_CDRS)) == [Kind.ANSWER_UNSEEN]
    assert kinds(judge(replace(leg, billed=a_cdr(1)), WITH_CDRS)) == []
    assert kinds(judge(replace(leg, placed=unanswered(lost=True)), WITH_CDRS)) == [Kind.ANSWER_UNSEEN]


def test_floor_and_ledger_must_agree_that_somebody_answered() -> None:
    assert kinds(judge(a_leg(answer_in_ledger=None), LATER)) == [Kind.LEDGER]
    only_ledger = a_leg(placed=unanswered(), kept=None, queued=None)
    assert kinds(judge(only_ledger, LATER)) == [Kind.LEDGER]


def test_an_answered_call_without_a_cdr_is_found_and_is_explained_where_the_pbx_died() -> None:
    assert kinds(judge(a_leg(), WITH_CDRS)) == [Kind.CDR_MISSING]
    assert kinds(judge(a_leg(billed=a_cdr(None)), WITH_CDRS)) == [Kind.CDR_MISSING]
    assert kinds(judge(a_leg(), replace(WITH_CDRS, now=ENDED + BILLED_WITHIN))) == [Kind.CDR_MISSING]
    assert kinds(judge(a_leg(), replace(WITH_CDRS, now=ENDED + BILLED_WITHIN - timedelta(microseconds=1)))) == []
    for died in (a_leg(placed=a_call(lost=True)), a_leg(kept=a_recording(20, Flag.HEADER_REPAIRED))):
        judged = judge(died, WITH_CDRS)
        assert judged.findings == ()
        assert any("ended without writing one" in note for note in judged.notes)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_recording_may_differ_from_the_events_by_the_tolerance_and_no_more(sign: int) -> None:
    allowed = 20 + sign * LENGTH_TOLERANCE.total_seconds()
    assert kinds(judge(a_leg(kept=a_recording(allowed)), LATER)) == []
    assert kinds(judge(a_leg(kept=a_recording(allowed + sign * 0.001)), LATER)) == [Kind.DURATION]


def test_a_duration_that_is_flagged_already_or_that_the_cdrs_confirm_is_a_note() -> None:
    flagged = judge(a_leg(kept=a_recording(12, Flag.SHORTER_THAN_CALL)), LATER)
    confirmed = judge(a_leg(kept=a_recording(26), billed=a_cdr(26)), WITH_CDRS)
    for judged in (flagged, confirmed):
        assert judged.findings == ()
        assert any("lasts" in note for note in judged.notes)


def test_a_pause_of_the_capture_is_no_difference_and_its_end_is_its_own() -> None:
    until = ANSWERED + timedelta(seconds=8)
    assert judge(a_leg(placed=a_call(over_at=until), kept=a_recording(8), billed=a_cdr()), WITH_CDRS) == Judged(State.RECORDED)


def test_cdrs_may_differ_by_the_second_they_cut_off_beside_the_tolerance() -> None:
    most = 20 + (LENGTH_TOLERANCE + SECOND).total_seconds()
    assert kinds(judge(a_leg(billed=a_cdr(most)), WITH_CDRS)) == []
    assert kinds(judge(a_leg(billed=a_cdr(most + 1)), WITH_CDRS)) == [Kind.DURATION]


def test_files_that_are_gone_are_named() -> None:
    (found,) = judge(a_leg(kept=a_recording(missing=("2026/03/02/x.flac",))), LATER).findings
    assert found.kind is Kind.FILE_MISSING
    assert "2026/03/02/x.flac" in found.text


def test_a_degraded_recording_is_a_note_with_its_measurement() -> None:
    judged = judge(a_leg(kept=a_recording(20, Flag.AGENT_SILENT)), LATER)
    assert judged.findings == ()
    assert judged.notes == (f"call {CALL} is recorded, degraded: agent_silent",)


_LEGS = st.builds(
    a_leg,
    placed=st.sampled_from([a_call(), unanswered(), a_call(lost=True), a_call(unrecorded="why"), unanswered(lost=True)]),
    kept=st.sampled_from([None, a_recording(), a_recording(3), a_recording(3, Flag.HEADER_REPAIRED)]),
    billed=st.sampled_from([None, a_cdr(), a_cdr(None), a_cdr(60)]),
    queued=st.sampled_from(
        [None, *(a_job(*one) for one in product(("pending", "done", "failed", "quarantined"), ("", NO_FILES)))]
    ),
    told=st.sampled_from([(), (Told(CALL, "recording_missing", True),), (Told(CALL, "recording_gap", False),)]),
    answer_in_ledger=st.sampled_from([None, ANSWERED]),
    purged=st.booleans(),
)


@given(_LEGS, st.booleans())
def test_no_answered_leg_is_passed_over(leg: Leg, with_cdrs: bool) -> None:
    judged = judge(leg, replace(LATER, with_cdrs=with_cdrs))
    assert leg.placed is not None
    excused = leg.kept is not None or leg.purged or leg.placed.unrecorded or (leg.told and all(one.seen for one in leg.told))
    if leg.placed.answered_at is not None and not excused:
        assert judged.findings, "an answered leg that left nothing must be found"
    if judged.state is State.GAP:
        assert judged.findings, "a gap says what is wrong"
