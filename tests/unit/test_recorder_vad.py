"""The voice detector marks speech, and nothing else that a line carries."""

import numpy as np
import pytest

from recorder.segments import WORD_MS, utterances
from recorder.vad import FRAME_MS, VoiceDetector
from tests.recorder_audio import RATE, Samples, joined, mu_law, silence, speech


def marked(*blocks: Samples) -> list[bool]:
    detector = VoiceDetector()
    for block in blocks:
        detector.feed(block)
    return [bool(mark) for mark in detector.voiced]


@pytest.mark.parametrize("seed", range(6))
def test_an_utterance_is_found_to_within_its_overhang(seed: int) -> None:
    (found,) = utterances(marked(mu_law(joined(silence(1), speech(seed, 2), silence(1)))), FRAME_MS)
    assert 980 <= found.start_ms <= 1060
    assert 2960 <= found.end_ms <= 3160


@pytest.mark.parametrize("level", [3, 20, 100, 500])
def test_silence_and_hiss_hold_no_word(level: int) -> None:
    hiss = np.random.default_rng(level).normal(0, level, RATE * 3).astype(np.int16)
    assert not any(marked(silence(3)))
    assert utterances(marked(mu_law(hiss)), FRAME_MS, onset_ms=WORD_MS) == ()


@pytest.mark.parametrize("size", [1, 77, 160, 161, 8000, 100_000])
def test_how_the_audio_is_cut_into_blocks_changes_nothing(size: int) -> None:
    sound = joined(silence(0.2), speech(3, 0.5), silence(0.313))
    pieces = [sound[at : at + size] for at in range(0, len(sound), size)]
    assert marked(*pieces) == marked(sound)
    assert len(marked(sound)) == len(sound) // (RATE * FRAME_MS // 1000)
