"""A side that goes exactly silent in mid-call is told, and silence that has a reason is not."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.flags import DROPOUT_MS, Flags, SideHeard, flags_of_audio
from recorder.levels import FRAME_MS, Levels
from recorder.plan import DEGRADED, Flag
from recorder.segments import Segment

SECOND = 1000 // FRAME_MS  # frames
DROPOUTS = {Flag.AGENT_DROPOUT, Flag.CUSTOMER_DROPOUT}
WHOLE = (Segment(0, 600_000),)


def a_side(*pieces: tuple[str, float]) -> SideHeard:
    """A side of so many seconds of "talk", of "noise" that no voice is in, and of "still": of exact silence."""
    frames = [(what, round(seconds * SECOND)) for what, seconds in pieces]
    peak = np.concatenate([np.full(count, {"talk": 5000, "noise": 8, "still": 0}[what], np.uint16) for what, count in frames])
    still = np.concatenate([np.full(count, what == "still") for what, count in frames])
    levels = Levels(peak.astype(np.float32) ** 2, peak, still, clipped=0)
    return SideHeard(len(peak) * FRAME_MS * 8, repaired=False, odd=False, converted="", levels=levels)


def told(
    agent: SideHeard,
    customer: SideHeard | None = None,
    joined: Sequence[Segment] = WHOLE,
    paused: Sequence[Segment] = (),
    *,
    agent_joined: bool = True,
) -> Flags:
    """The flags of the sides that are about dropouts."""
    other = customer or a_side(("talk", agent.samples / 8000))
    flags = flags_of_audio(agent, other, joined, 0, paused=paused, agent_joined=agent_joined)
    return {flag: text for flag, text in flags.items() if flag in DROPOUTS}


def test_a_side_that_is_exactly_silent_for_twenty_seconds_is_told_with_the_place() -> None:
    gone = a_side(("talk", 14), ("still", 31.2), ("talk", 10))
    text = "exact silence from 14.0 s to 45.2 s, while an agent was joined"
    assert told(gone) == {Flag.AGENT_DROPOUT: text}
    assert told(a_side(("talk", 55.2)), gone) == {Flag.CUSTOMER_DROPOUT: text}


def test_of_several_stretches_the_longest_is_named_and_all_are_counted() -> None:
    gone = a_side(("still", 30.2), ("talk", 3), ("still", 31.2), ("talk", 2), ("still", 19), ("talk", 1))
    text = "exact silence from 33.2 s to 64.4 s, while an agent was joined; 2 such stretches, 61.4 s together"
    assert told(gone) == {Flag.AGENT_DROPOUT: text}


@pytest.mark.parametrize(
    ("pieces", "flagged"),
    [
        ((("talk", 5), ("still", 20), ("talk", 5)), True),
        ((("talk", 5), ("still", 19.98), ("talk", 5)), False),
        ((("talk", 5), ("still", 12), ("noise", 0.02), ("still", 12), ("talk", 5)), False),
        ((("talk", 5), ("noise", 300), ("talk", 5)), False),
    ],
    ids=["twenty seconds", "a frame less", "a frame of noise between", "a quiet line"],
)
def test_it_is_twenty_seconds_without_a_single_frame_of_noise(pieces: tuple[tuple[str, float], ...], flagged: bool) -> None:
    assert bool(told(a_side(*pieces))) is flagged


@pytest.mark.parametrize(
    ("joined", "paused"),
    [
        ((), ()),
        ((Segment(0, 30_000),), ()),
        ((Segment(0, 49_980),), ()),
        ((Segment(0, 40_000), Segment(60_000, 70_000)), ()),
        (WHOLE, (Segment(30_000, 70_000),)),
        (WHOLE, (Segment(45_000, 55_000),)),
    ],
    ids=["not known when", "the agent had left", "had left before it was long", "between two agents", "paused", "paused in it"],
)
def test_silence_without_an_agent_or_in_a_pause_is_as_it_should_be(joined: Sequence[Segment], paused: Sequence[Segment]) -> None:
    gone = a_side(("talk", 30), ("still", 40), ("talk", 1))
    assert told(gone, None, joined, paused) == {}


def test_the_agents_who_follow_each_other_are_one_time() -> None:
    gone = a_side(("talk", 30), ("still", 30), ("talk", 10))
    joined = (Segment(0, 45_000), Segment(45_000, 70_000))
    assert told(gone, None, joined) == {Flag.AGENT_DROPOUT: "exact silence from 30.0 s to 60.0 s, while an agent was joined"}


def test_what_no_agent_was_joined_to_has_no_dropout() -> None:
    assert told(a_side(("still", 60)), agent_joined=False) == {}


def test_a_side_that_did_not_come_at_all_is_missing_and_dropped_out_of_nothing() -> None:
    nothing = SideHeard(0, repaired=False, odd=False, converted="", levels=a_side(("still", 60)).levels)
    flags = flags_of_audio(nothing, a_side(("talk", 60)), WHOLE, 0, agent_joined=True)
    assert flags.keys() == {Flag.AGENT_MISSING}


def test_dropouts_are_told_to_somebody() -> None:
    assert DROPOUTS <= DEGRADED


SPANS = st.lists(st.tuples(st.booleans(), st.integers(1, 45)), min_size=1, max_size=6)


def seconds_of(spans: list[tuple[bool, int]], length: int) -> list[bool]:
    """A mark for each second, filled or cut to the length."""
    marks = [mark for mark, count in spans for _ in range(count)]
    return (marks + [False] * length)[:length]


def segments_of(marks: list[bool]) -> list[Segment]:
    runs, at = [], 0
    for mark, group in groupby(marks):
        count = len(list(group))
        if mark:
            runs.append(Segment(at * 1000, (at + count) * 1000))
        at += count
    return runs


@given(still=SPANS, joined=SPANS, paused=SPANS)
def test_a_dropout_is_told_exactly_where_all_seconds_of_a_long_run_are_still_joined_and_not_paused(
    still: list[tuple[bool, int]], joined: list[tuple[bool, int]], paused: list[tuple[bool, int]]
) -> None:
    length = sum(count for _, count in still)
    agents, pauses = seconds_of(joined, length), seconds_of(paused, length)
    gone = [all(marks) for marks in zip(seconds_of(still, length), agents, (not one for one in pauses), strict=True)]
    runs = [one for one in segments_of(gone) if one.length_ms >= DROPOUT_MS]
    side = a_side(*(("still" if mark else "talk", count) for mark, count in still))
    found = told(side, None, segments_of(agents), segments_of(pauses))
    assert bool(found) is bool(runs)
    if runs:
        longest = max(runs, key=lambda one: one.length_ms)
        assert f"from {longest.start_ms / 1000:.1f} s to {longest.end_ms / 1000:.1f} s" in found[Flag.AGENT_DROPOUT]
        assert (f"{len(runs)} such stretches" in found[Flag.AGENT_DROPOUT]) is (len(runs) > 1)
