"""How loud a side is, and whether it was cut off, however the audio arrives."""

import numpy as np
import pytest

from recorder.levels import FULL_SCALE, Levels, Meter
from recorder.segments import Segment
from tests.recorder_audio import RATE, Samples, joined, mu_law, silence, speech, tone


def levels_of(samples: Samples, size: int = 8000) -> Levels:
    meter = Meter()
    for at in range(0, len(samples), size):
        meter.feed(samples[at : at + size])
    return meter.levels()


def test_a_sine_of_half_scale_is_nine_decibels_below_full_scale() -> None:
    levels = levels_of(joined(silence(1), tone(500, 1, 16_384), silence(1)))
    assert levels.loudness_db([Segment(1000, 2000)]) == -9.0  # 6 for its half, 3 for being a sine
    assert levels.loudness_db([Segment(0, 3000)]) == pytest.approx(-9.0 - 4.8, abs=0.05)  # a third of the time
    assert levels.loudness_db([Segment(0, 1000)]) is None
    assert levels.loudness_db([]) is None


@pytest.mark.parametrize("size", [1, 77, 160, 161, 100_000])
def test_how_the_audio_is_cut_changes_no_level(size: int) -> None:
    sound = joined(silence(0.2), speech(3, 0.5), silence(0.313))
    one, other = levels_of(sound, size), levels_of(sound)
    assert np.allclose(one.energy, other.energy)
    assert (one.peak == other.peak).all()
    assert (one.still == other.still).all()
    assert len(one.peak) == -(-len(sound) // 160)


def test_what_is_heard_is_heard_in_its_frame_and_nowhere_else() -> None:
    levels = levels_of(joined(silence(1), tone(500, 0.02, 101), silence(1), tone(500, 0.02, 99)))
    assert levels.is_heard(Segment(1000, 1020))
    assert not levels.is_heard(Segment(0, 1000))
    assert not levels.is_heard(Segment(1020, 2100))  # the second tone is softer than any voice
    assert levels.heard_ms == 20


def test_samples_at_the_end_of_mu_law_are_clipped_and_a_loud_voice_is_not() -> None:
    loud = (speech(5, 2).astype(np.int32) * 20).clip(-32768, 32767).astype(np.int16)
    clipped = levels_of(mu_law(loud))
    assert clipped.clipped == int((np.abs(mu_law(loud).astype(np.int32)) >= FULL_SCALE).sum()) > 1000
    assert clipped.clipped_share > 0.05
    good = levels_of(mu_law(speech(5, 2)))
    assert (good.clipped, good.clipped_share) == (0, 0.0)
    assert levels_of(silence(1)).clipped_share == 0.0


def test_the_lowest_sample_there_is_has_a_magnitude() -> None:
    levels = levels_of(np.full(320, -32768, dtype=np.int16))
    assert levels.clipped == 320
    assert levels.loudness_db([Segment(0, 40)]) == 0.0


@pytest.mark.parametrize("constant", [0, 8, -8, 32_767])
def test_a_line_on_which_every_sample_is_the_same_is_still_whatever_its_code_for_silence(constant: int) -> None:
    flat = np.full(3 * RATE, constant, dtype=np.int16)
    levels = levels_of(joined(tone(500, 1), flat, tone(500, 1)))
    assert levels.stillness(3000) == (Segment(1000, 4000),)
    assert levels.stillness(3001) == ()


def test_one_sample_that_differs_ends_the_stillness_in_its_frame_alone() -> None:
    line = silence(2)
    line[RATE] = 1
    assert levels_of(line).stillness(20) == (Segment(0, 1000), Segment(1020, 2000))


def test_a_line_that_only_hisses_is_never_still() -> None:
    hiss = np.random.default_rng(1).choice(np.array([-8, 8], dtype=np.int16), 20 * RATE)
    assert levels_of(hiss).stillness(20) == ()
