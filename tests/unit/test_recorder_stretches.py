"""An engine is shown all speech and nothing else, in pieces that it can take, and its words go back to where they were said."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.naming import Side
from recorder.segments import WORD_MS, Segment, utterances
from recorder.stretches import BREATH_MS, LONGEST_MS, Stretch, placed, stretches
from recorder.transcript import Word

FRAME_MS = 20


def marks(*runs: tuple[int, int], until_ms: int) -> list[bool]:
    """Voiced from and until, in milliseconds."""
    return [any(start <= at < end for start, end in runs) for at in range(0, until_ms, FRAME_MS)]


def pieces_of(*runs: tuple[int, int], until_ms: int) -> list[list[tuple[int, int]]]:
    found = stretches(marks(*runs, until_ms=until_ms), FRAME_MS, until_ms)
    return [[(piece.start_ms, piece.end_ms) for piece in stretch.pieces] for stretch in found]


def test_silence_is_not_shown_to_the_engine() -> None:
    assert pieces_of(until_ms=60_000) == []
    assert pieces_of((1000, 1000 + WORD_MS - FRAME_MS), until_ms=60_000) == []


def test_utterances_share_a_stretch_and_long_pauses_between_them_are_left_out() -> None:
    assert pieces_of((5000, 6000), (30_000, 31_000), until_ms=60_000) == [[(4600, 6400), (29_600, 31_400)]]


def test_a_short_pause_is_kept_as_it_is() -> None:
    assert pieces_of((5000, 6000), (6700, 7000), until_ms=60_000) == [[(4600, 7400)]]


def test_the_breath_does_not_reach_out_of_the_recording() -> None:
    assert pieces_of((0, 1000), (59_000, 60_000), until_ms=60_000) == [[(0, 1400), (58_600, 60_000)]]


def test_what_does_not_fit_any_more_begins_the_next_stretch() -> None:
    assert pieces_of((10_000, 30_000), (40_000, 50_000), until_ms=60_000) == [[(9600, 30_400)], [(39_600, 50_400)]]


@pytest.mark.parametrize(
    ("pause", "cut"),
    [((30_000, 30_200), 30_100), ((36_000, 36_240), 36_120), ((12_000, 12_200), 9600 + LONGEST_MS)],
    ids=["at the pause", "at the later one", "too early a pause: at the limit"],
)
def test_who_does_not_stop_talking_is_cut_at_the_longest_pause_of_the_second_half(pause: tuple[int, int], cut: int) -> None:
    first, *_ = pieces_of((10_000, pause[0]), (pause[1], 60_000), until_ms=80_000)
    assert first[0][0] == 9600
    assert abs(first[0][1] - cut) <= FRAME_MS


VOICED = st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=40).map(
    lambda runs: [voiced for voiced, length in runs for _ in range(length)]
)


@given(VOICED)
def test_every_utterance_is_heard_once_in_order_and_no_stretch_is_too_long(voiced: list[bool]) -> None:
    duration = len(voiced) * FRAME_MS
    found = stretches(voiced, FRAME_MS, duration)
    pieces = [piece for stretch in found for piece in stretch.pieces]
    assert all(0 < stretch.length_ms <= LONGEST_MS for stretch in found)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(pieces))
    heard = np.zeros(duration + 1, dtype=bool)
    for piece in pieces:
        heard[piece.start_ms : piece.end_ms] = True
    spoken = utterances(voiced, FRAME_MS, onset_ms=WORD_MS)
    assert all(heard[one.start_ms : one.end_ms].all() for one in spoken)
    near = np.zeros(duration + 1, dtype=bool)
    for one in spoken:
        near[max(0, one.start_ms - BREATH_MS) : one.end_ms + BREATH_MS] = True
    assert not (heard & ~near).any()


TWO = Stretch((Segment(4600, 6400), Segment(29_600, 31_400)))


def word(start_ms: int, end_ms: int, text: str = " yes") -> Word:
    return Word(start_ms, end_ms, text, 0.5)


def said(*words: Word) -> list[list[tuple[int, int, str]]]:
    phrases = placed(TWO, Side.CUSTOMER, [words])
    return [[(one.start_ms, one.end_ms, one.text) for one in phrase.words] for phrase in phrases]


def test_words_go_back_to_where_they_were_said() -> None:
    assert said(word(400, 900)) == [[(5000, 5500, " yes")]]
    assert said(word(2200, 2900)) == [[(30_000, 30_700, " yes")]]


def test_a_phrase_ends_where_the_engine_did_not_hear_the_pause_that_was_left_out() -> None:
    assert said(word(400, 900), word(1000, 1700, " I"), word(2200, 2900, " do")) == [
        [(5000, 5500, " yes"), (5600, 6300, " I")],
        [(30_000, 30_700, " do")],
    ]


def test_a_word_that_the_engine_begins_in_the_pause_before_it_belongs_to_what_follows() -> None:
    assert said(word(1500, 2400)) == [[(29_600, 30_200, " yes")]]


def test_what_is_heard_past_the_end_is_cut_off_there() -> None:
    assert said(word(3400, 9000), word(9000, 9500)) == [[(31_200, 31_400, " yes"), (31_400, 31_400, " yes")]]


def test_a_word_without_letters_is_none() -> None:
    assert said(word(0, 0, " ")) == []


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000)), max_size=20))
def test_no_word_leaves_the_pieces(times: list[tuple[int, int]]) -> None:
    words = [word(start, start + length) for start, length in times]
    for phrase in placed(TWO, Side.AGENT, [words]):
        inside = [piece for piece in TWO.pieces if piece.start_ms <= phrase.words[0].start_ms <= piece.end_ms]
        assert all(inside[0].start_ms <= one.start_ms <= one.end_ms <= inside[0].end_ms for one in phrase.words)
