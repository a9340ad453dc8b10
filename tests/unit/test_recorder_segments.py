"""Who spoke when: arithmetic on voiced frames."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.segments import Segment, outside, overlap, utterances, within, word_before

FRAME = 20
frames = st.lists(st.booleans(), max_size=200)


def marks(text: str) -> tuple[bool, ...]:
    """Frames drawn as text: `#` voiced, `.` not."""
    return tuple(mark == "#" for mark in text)


def spans(segments: tuple[Segment, ...]) -> list[tuple[int, int]]:
    return [(one.start_ms, one.end_ms) for one in segments]


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("", []),
        ("....", []),
        ("..###.", [(40, 100)]),
        ("##", []),  # 40 ms is a click
        ("###", [(0, 60)]),
        ("###" + "." * 15 + "###", [(0, 420)]),  # a pause of 300 ms is a breath
        ("###" + "." * 16 + "###", [(0, 60), (380, 440)]),  # one of 320 ms is not
        ("#.#", [(0, 60)]),  # what the hangover joins is one utterance
    ],
)
def test_a_pause_up_to_the_hangover_is_speech_and_the_hangover_behind_the_last_word_is_not(
    drawn: str, expected: list[tuple[int, int]]
) -> None:
    assert spans(utterances(marks(drawn), FRAME, hangover_ms=300, onset_ms=60)) == expected


def test_a_segment_that_does_not_end_after_it_starts_is_refused() -> None:
    for end in (100, 99):
        with pytest.raises(ValueError, match=r"100\.\."):
            Segment(100, end)


def test_the_detectors_overhang_behind_an_announcement_is_not_the_agents_voice() -> None:
    drawn = marks("#" * 10 + "#" * 8 + "...")  # 160 ms more than the announcement of 200 ms
    assert not any(outside(drawn, FRAME, Segment(0, 200)))


def test_an_agent_who_cuts_in_at_the_end_of_the_announcement_is_heard_from_there() -> None:
    drawn = marks("#" * 10 + "#" * 9 + "...")
    assert spans(utterances(outside(drawn, FRAME, Segment(0, 200)), FRAME)) == [(200, 380)]


def test_voice_before_the_announcement_is_kept() -> None:
    drawn = marks("####" + "." * 10 + "#" * 10)
    kept = outside(drawn, FRAME, Segment(280, 480))
    assert tuple(kept) == marks("####" + "." * 20)


@pytest.mark.parametrize(
    ("drawn", "start_ms"),
    [
        ("....................", None),
        (".#########..........", None),  # 180 ms is no word
        (".##########.........", 20),
        ("...........#########", None),  # the announcement starts at 280 ms
        ("##########" + "#" * 10, 0),
    ],
)
def test_a_word_before_the_announcement_is_found_and_a_crackle_is_not(drawn: str, start_ms: int | None) -> None:
    assert word_before(marks(drawn), FRAME, 280) == start_ms


@given(frames)
def test_utterances_are_in_order_apart_and_hold_every_voiced_frame_that_is_no_click(voiced: list[bool]) -> None:
    found = utterances(voiced, FRAME, hangover_ms=300, onset_ms=0)
    for one, following in itertools.pairwise(found):
        assert following.start_ms - one.end_ms > 300
    for index, is_voiced in enumerate(voiced):
        held = any(one.start_ms <= index * FRAME < one.end_ms for one in found)
        assert held or not is_voiced


@given(frames, frames)
def test_overlap_is_symmetric_and_counts_each_frame_voiced_on_both_sides(left: list[bool], right: list[bool]) -> None:
    a, b = (utterances(side, FRAME, hangover_ms=0, onset_ms=0) for side in (left, right))
    assert overlap(a, b) == overlap(b, a)
    both = sum(one and other for one, other in zip(left, right, strict=False)) * FRAME
    assert sum(one.length_ms for one in overlap(a, b)) == both


@given(frames, st.integers(0, 4000))
def test_nothing_reaches_past_the_end_of_the_recording(voiced: list[bool], duration: int) -> None:
    assert all(one.end_ms <= duration for one in within(utterances(voiced, FRAME), duration))
