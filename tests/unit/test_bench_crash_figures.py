"""What the crash benches count, and what they let pass: judged from values, without killing anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dialer.benches.crash import Outcome, Part, shared_out
from dialer.benches.crash_pbx import BUFFER, TOLERANCE, PbxFigures, is_explained, losses, until_kill
from dialer.benches.crash_store import StoreFigures
from sip.call import Call, CallState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHOLE = Outcome(calls=5, archived_once=4, excused=1, lost=0, doubled=0, differing=0, findings=0)
ALL = tuple(Part)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def a_call(answered: float | None, ended: float | None) -> Call:
    """A call, answered and ended so many seconds after noon."""
    times = [None if at is None else NOON + s(at) for at in (answered, ended)]
    return Call("c1", CallState.ENDED, NOON, answered_at=times[0], ended_at=times[1])


@pytest.mark.parametrize(
    ("kills", "parts", "shares"),
    [
        (None, ALL, (120, 40, 40)),
        (None, (Part.PBX,), (40,)),
        (200, ALL, (120, 40, 40)),
        (10, ALL, (6, 2, 2)),
        (7, ALL, (5, 1, 1)),
        (3, ALL, (1, 1, 1)),
        (1, ALL, (1, 1, 1)),
        (41, (Part.STORE, Part.PBX), (21, 20)),
        (5, (Part.PBX,), (5,)),
    ],
)
def test_kills_are_shared_out_and_each_part_is_killed_at_least_once(
    kills: int | None, parts: tuple[Part, ...], shares: tuple[int, ...]
) -> None:
    assert shared_out(kills, parts) == dict(zip(parts, shares, strict=True))


@pytest.mark.parametrize("wrong", ["lost", "doubled", "differing", "findings"])
def test_one_call_that_is_not_as_it_should_be_is_one_too_many(wrong: str) -> None:
    assert WHOLE.intact
    assert not replace(WHOLE, **{wrong: 1}).intact


def test_a_call_of_which_nobody_knows_where_it_is_is_not_intact_whatever_else_is_counted() -> None:
    assert not replace(WHOLE, archived_once=3).intact


@pytest.mark.parametrize(
    ("answered", "ended", "kills", "expected"),
    [
        (1.0, None, (5.0,), s(4)),
        (1.0, 7.0, (5.0,), s(4)),  # the floor learned of its end when the PBX was back
        (1.0, 7.0, (0.5, 5.0, 6.0), s(4)),
        (1.0, 4.0, (5.0,), None),  # ended by itself before
        (6.0, 9.0, (5.0,), None),  # answered after the last
        (None, 7.0, (5.0,), None),  # never seen to be answered
    ],
)
def test_a_call_is_cut_off_by_the_first_kill_after_its_answer_if_it_is_up_then(
    answered: float | None, ended: float | None, kills: tuple[float, ...], expected: timedelta | None
) -> None:
    assert until_kill(a_call(answered, ended), [NOON + s(at) for at in kills]) == expected


def test_the_pbx_holds_back_two_seconds_of_a_file_and_no_more_is_let_pass() -> None:
    assert s(2.048) == BUFFER
    missing = losses({"c1": s(10), "c2": s(10), "c3": s(1)}, {"c1": s(10) - BUFFER - TOLERANCE, "c2": s(7), "c4": s(3)})
    assert {call_id: is_explained(loss) for call_id, loss in missing.items()} == {"c1": True, "c2": False}


def test_a_recording_that_is_too_short_or_left_behind_or_unplayable_is_not_intact() -> None:
    pbx = PbxFigures(kills=1, cut_off=4, too_short=0, worst_loss_s=2.0, outcome=WHOLE, seconds=1.0)
    assert pbx.intact
    assert not replace(pbx, too_short=1).intact
    assert not replace(pbx, outcome=replace(WHOLE, lost=1)).intact
    far = StoreFigures(kills=1, kills_in_sending=1, outages_told=1, unplayable=0, left_behind=0, outcome=WHOLE, seconds=1.0)
    assert far.intact
    assert not replace(far, unplayable=1).intact
    assert not replace(far, left_behind=1).intact
    assert not replace(far, outcome=replace(WHOLE, findings=1)).intact
