"""What QA reads of a conversation: arithmetic on who spoke when."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.segments import Segment
from recorder.speech import (
    DEAD_AIR_MS,
    YIELD_MS,
    Conversation,
    SpeechMeasures,
    conversation,
    interruptions,
    longest_monologue_ms,
    measure,
)

FRAME = 20
frames = st.lists(st.booleans(), max_size=200)


def marks(text: str) -> tuple[bool, ...]:
    """Frames drawn as text: `#` voiced, `.` not."""
    return tuple(mark == "#" for mark in text)


def said(*spans: tuple[int, int]) -> tuple[Segment, ...]:
    return tuple(Segment(start, end) for start, end in spans)


def measured(
    agent: str, customer: str, duration_ms: int, announcement: Segment | None = None, *, agent_joined: bool = True
) -> SpeechMeasures:
    talk = conversation(marks(agent), marks(customer), FRAME, duration_ms, announcement=announcement, agent_joined=agent_joined)
    return measure(talk)


def test_the_measures_of_a_conversation_are_read_off_its_frames() -> None:
    agent = "#" * 10 + "." * 20 + "#" * 30 + "." * 40
    found = measured(agent, "." * 50 + "#" * 20 + "." * 30, 2000, Segment(0, 200))
    assert (found.agent_talk_ms, found.agent_silence_ms) == (600, 1400)
    assert (found.customer_talk_ms, found.customer_silence_ms) == (400, 1600)
    assert found.overtalk_ms == 200
    assert found.longest_silence_ms == 600  # from 1400, the customer's last word, to the end
    assert (found.agent_first_word_ms, found.customer_first_word_ms) == (600, 1000)
    assert (found.agent_interruptions, found.customer_interruptions) == (0, 1)
    assert (found.agent_longest_ms, found.customer_longest_ms) == (600, 400)


def test_with_no_agent_joined_what_the_customer_heard_is_nobodys_talk() -> None:
    found = measured("#" * 50, "." * 50, 1000, agent_joined=False)
    assert (found.agent_talk_ms, found.agent_first_word_ms, found.longest_silence_ms) == (0, None, 0)


def test_an_empty_recording_has_no_measure_but_zero() -> None:
    found = measured("", "", 0)
    assert (found.agent_talk_ms, found.longest_silence_ms, found.dead_air_ms, found.agent_first_word_ms) == (0, 0, 0, None)


def test_dead_air_is_every_silence_of_three_seconds_and_more_together() -> None:
    one, other = said((0, 1000), (4000, 5000), (7999, 9000)), said((12_000, 13_000))
    found = measure(Conversation(20_000, one, other, (), ()))
    assert found.dead_air_ms == 3000 + 3000 + 7000  # that of 2999 ms is none
    assert found.longest_silence_ms == 7000


def test_what_was_played_and_what_was_left_out_is_no_dead_air() -> None:
    talk = Conversation(30_000, said((12_000, 13_000)), (), said((0, 11_000)), said((14_000, 29_000)))
    assert measure(talk).dead_air_ms == 0
    assert measure(replace(talk, paused=())).dead_air_ms == 17_000


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (said((1000, 4000)), said((0, 2000)), 1),  # began in the middle, went on, and the other stopped
        (said((1801, 4000)), said((0, 2000)), 0),  # 199 ms at the end of a turn: taking turns
        (said((1800, 4000)), said((0, 2000)), 1),
        (said((0, 4000)), said((0, 2000)), 0),  # both at once: nobody had the floor
        (said((1000, 1900)), said((0, 2000)), 0),  # an aside: the other goes on
        (said((1000, 2000)), said((0, 2000)), 0),  # both stop at once: nobody took it
        (said((1000, 9000)), said((0, 1000 + YIELD_MS)), 1),
        (said((1000, 9000)), said((0, 1001 + YIELD_MS)), 0),  # the other spoke on for too long to have been cut short
        (said((1000, 1300), (1500, 4000)), said((0, 2000)), 1),  # an aside, then the floor
        (said((1000, 3000), (6000, 9000)), said((0, 2000), (5000, 7000)), 2),
        (said((1000, 9000)), said((0, 2000), (5000, 7000)), 1),
        ((), said((0, 2000)), 0),
        (said((0, 2000)), (), 0),
    ],
)
def test_an_interruption_takes_the_floor_from_who_has_it(
    one: tuple[Segment, ...], other: tuple[Segment, ...], expected: int
) -> None:
    assert interruptions(one, other) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((), (), 0),
        (said((0, 4000)), (), 4000),
        (said((0, 4000), (6000, 9000)), (), 9000),  # a pause of 2 s is a breath
        (said((0, 4000), (6001, 9000)), (), 4000),
        (said((0, 4000), (5000, 9000)), said((4200, 4900)), 9000),  # "yes" takes the floor from nobody
        (said((0, 4000), (5000, 9000)), said((4000, 5000)), 4000),  # an answer does
        (said((0, 9000)), said((4000, 5000)), 5000),  # spoken over: what follows is the next
        (said((0, 9000)), said((4000, 4999)), 9000),
        (said((2000, 9000)), said((0, 3000)), 7000),  # begun over the other's end
    ],
)
def test_a_monologue_ends_at_an_answer_and_not_at_a_breath(
    one: tuple[Segment, ...], other: tuple[Segment, ...], expected: int
) -> None:
    assert longest_monologue_ms(one, other) == expected


@given(frames, frames, st.integers(0, 4000), st.none() | st.tuples(st.integers(0, 4000), st.integers(1, 2000)))
def test_the_measures_of_any_conversation_add_up(
    agent: list[bool], customer: list[bool], duration: int, played: tuple[int, int] | None
) -> None:
    announcement = None if played is None else Segment(played[0], played[0] + played[1])
    talk = conversation(agent, customer, FRAME, duration, announcement=announcement)
    found = measure(talk)
    assert found.agent_talk_ms + found.agent_silence_ms == duration
    assert found.customer_talk_ms + found.customer_silence_ms == duration
    assert 0 <= found.overtalk_ms <= min(found.agent_talk_ms, found.customer_talk_ms)
    assert 0 <= found.longest_silence_ms <= duration - max(found.agent_talk_ms, found.customer_talk_ms)
    assert found.dead_air_ms <= duration - max(found.agent_talk_ms, found.customer_talk_ms)
    assert (found.dead_air_ms > 0) == (found.longest_silence_ms >= DEAD_AIR_MS)
    assert found.agent_longest_ms <= duration


spoken = st.lists(st.integers(1, 3000), min_size=0, max_size=24).map(
    lambda steps: tuple(Segment(sum(steps[: i + 1]), sum(steps[: i + 2])) for i in range(0, len(steps) - 1, 2))
)


@given(spoken, spoken)
def test_nobody_is_interrupted_more_often_than_they_spoke_nor_interrupts_without_overtalk(
    one: tuple[Segment, ...], other: tuple[Segment, ...]
) -> None:
    found = interruptions(one, other)
    assert found <= min(len(one), len(other))
    plain = sum(
        mine.start_ms > theirs.start_ms and 200 <= theirs.end_ms - mine.start_ms <= YIELD_MS and mine.end_ms > theirs.end_ms
        for theirs in other
        for mine in one
    )
    assert found == plain


@given(spoken, spoken)
def test_a_monologue_is_at_least_the_longest_utterance_nobody_answered(
    one: tuple[Segment, ...], other: tuple[Segment, ...]
) -> None:
    found = longest_monologue_ms(one, other)
    assert found >= max(
        (mine.length_ms for mine in one if all(mine.end_ms <= x.start_ms or x.end_ms <= mine.start_ms for x in other)), default=0
    )
    if one:
        assert found <= one[-1].end_ms - one[0].start_ms
    assert all(following.start_ms > before.end_ms for before, following in pairwise(one))
