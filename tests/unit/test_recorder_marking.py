"""The mark of a shared copy is read back from whatever became of the copy, and is never read where there is none."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.marking import LEVEL, marked, read_mark
from recorder.pcm import RATE, Samples
from tests.recorder_audio import mu_law, noisy, silence, speech, tone

NUMBER = "483920112233"
DIGITS = len(NUMBER)


def a_call(seconds: int, seed: int = 3) -> Samples:
    """Both sides speak by turns, seldom pausing."""
    agent, customer = speech(seed, seconds), speech(seed + 1, seconds)
    turns = (np.arange(len(agent)) // (RATE * 4)) % 2
    both: Samples = np.stack((agent * (1 - turns), customer * turns), axis=1).astype(np.int16)
    return both


def a_copy(sound: Samples, number: str = NUMBER, block: int = RATE * 10) -> Samples:
    blocks = [sound[at : at + block] for at in range(0, len(sound), block)]
    return np.concatenate(list(marked(blocks, number)))


def mono(sound: Samples) -> Samples:
    mixed: Samples = sound.mean(axis=1, keepdims=True).astype(np.int16)
    return mixed


def changed(sound: Samples, by: Callable[[Samples], Samples]) -> Samples:
    """The one channel, as it comes out of that."""
    return by(sound[:, 0])[:, None]


def test_the_mark_is_read_under_speech_of_a_minute() -> None:
    assert read_mark(mono(a_copy(a_call(60))), DIGITS) == NUMBER


def test_the_mark_is_read_from_either_side_alone() -> None:
    copy = a_copy(a_call(60))
    assert [read_mark(copy[:, [side]], DIGITS) for side in (0, 1)] == [NUMBER, NUMBER]


def test_the_mark_of_a_short_copy_is_read_where_one_side_is_silent() -> None:
    agent, customer = np.concatenate((speech(3, 9), silence(9))), np.concatenate((silence(5), tone(620, 13)))
    both: Samples = np.stack((agent, customer), axis=1)
    assert read_mark(a_copy(both), DIGITS) == NUMBER


def test_the_mark_outlives_cutting_a_line_and_noise() -> None:
    copy = mono(a_copy(a_call(90)))
    cut = copy[int(RATE * 17.3) : int(RATE * 77.9)]
    assert read_mark(cut, DIGITS) == NUMBER
    assert read_mark(changed(cut, mu_law), DIGITS) == NUMBER
    assert read_mark(changed(cut, lambda sound: noisy(sound, 30, 5)), DIGITS) == NUMBER


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**DIGITS - 1), st.integers(0, RATE * 12))
def test_any_number_is_read_from_silence_wherever_the_cut_was(number: int, start: int) -> None:
    text = f"{number:0{DIGITS}}"
    copy = a_copy(np.zeros((RATE * 24, 2), dtype=np.int16), text)
    assert read_mark(copy[start:], DIGITS) == text


@pytest.mark.parametrize("block", [1, 799, 80_000])
def test_how_the_audio_was_cut_into_blocks_changes_nothing(block: int) -> None:
    sound = a_call(3)
    assert np.array_equal(a_copy(sound, block=block), a_copy(sound))


@pytest.mark.parametrize("seed", range(12))
def test_no_mark_is_read_from_a_call_without_one(seed: int) -> None:
    assert read_mark(mono(a_call(40, seed)), DIGITS) is None


def test_no_mark_is_read_from_silence_noise_or_next_to_nothing() -> None:
    noise = np.random.default_rng(1).normal(0, 300, RATE * 30).astype(np.int16)
    assert [read_mark(sound[:, None], DIGITS) for sound in (silence(30), noise, silence(0.5), silence(0))] == [None] * 4


def test_the_mark_is_40_db_below_full_scale_and_moves_nothing() -> None:
    sound = np.zeros((RATE * 12, 2), dtype=np.int16)
    copy = a_copy(sound)
    assert len(copy) == len(sound)
    assert np.abs(copy).max() <= 2 * LEVEL
    loud = a_copy(np.full((RATE, 2), 32767, dtype=np.int16))
    assert loud.min() > 0  # at full scale it is cut off, and never wraps around
