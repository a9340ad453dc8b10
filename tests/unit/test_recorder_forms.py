"""Every form a PBX may write becomes 8 kHz mono with the sound it had; what 8 kHz cannot hold is not folded into it."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.forms import A_LAW, FLOAT, MU_LAW, PCM, RATES, Form, converted, length_of
from tests.recorder_audio import RATE, Samples, tone_level

SUBTYPES = {
    "PCM_U8": (PCM, 8),
    "PCM_16": (PCM, 16),
    "PCM_24": (PCM, 24),
    "PCM_32": (PCM, 32),
    "FLOAT": (FLOAT, 32),
    "ALAW": (A_LAW, 8),
    "ULAW": (MU_LAW, 8),
}


def a_sine(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def raw(sound: np.ndarray[tuple[int, ...], np.dtype[np.float64]], rate: int, subtype: str) -> bytes:
    """The bytes of the samples as libsndfile writes them."""
    content = io.BytesIO()
    soundfile.write(content, sound, rate, format="RAW", subtype=subtype, endian="LITTLE")
    return content.getvalue()


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def all_of(pieces: Iterator[Samples]) -> Samples:
    return np.concatenate(list(pieces))


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("rate", [8000, 44_100])
def test_a_tone_of_any_coding_keeps_its_pitch_and_its_level(subtype: str, rate: int) -> None:
    coding, bits = SUBTYPES[subtype]
    form = Form(coding, 1, rate, bits)
    assert form.known
    heard = all_of(converted(cut(raw(a_sine(700, rate), rate, subtype), 700 * form.frame_bytes), form))
    assert len(heard) == RATE
    assert tone_level(heard, 700) == pytest.approx(16_384, rel=0.02)


@pytest.mark.parametrize("rate", RATES[1:])
def test_what_eight_kilohertz_cannot_hold_is_filtered_out_and_not_folded_into_speech(rate: int) -> None:
    form = Form(PCM, 1, rate, 16)
    hertz = min(5000, rate // 2 - 100)
    heard = all_of(converted([raw(a_sine(hertz, rate), rate, "PCM_16")], form))[200:-200]
    if hertz > 4400:
        assert np.abs(heard.astype(np.int32)).max() < 16  # 60 dB below what it was
    through = all_of(converted([raw(a_sine(3000, rate), rate, "PCM_16")], form))
    assert tone_level(through, 3000) == pytest.approx(16_384, rel=0.02)


def test_two_channels_are_mixed_and_one_of_them_alone_is_half_as_loud() -> None:
    sides = np.stack([a_sine(700, 16_000), np.zeros(16_000)], axis=1)
    heard = all_of(converted([raw(sides, 16_000, "PCM_16")], Form(PCM, 2, 16_000, 16)))
    assert tone_level(heard, 700) == pytest.approx(8192, rel=0.02)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(RATES), st.integers(0, 9000), st.integers(1, 3000))
def test_how_a_file_is_cut_changes_neither_its_length_nor_its_sound(rate: int, frames: int, size: int) -> None:
    form = Form(PCM, 1, rate, 16)
    content = np.random.default_rng(frames).integers(-9000, 9000, frames).astype("<i2").tobytes()
    whole = all_of(converted([content] if content else [], form))
    pieces = all_of(converted(cut(content, 2 * size), form))
    assert len(whole) == len(pieces) == length_of(frames, form)
    assert (np.abs(whole.astype(np.int32) - pieces) <= 1).all()


def test_what_is_no_number_is_silence() -> None:
    content = np.array([np.nan, np.inf, -np.inf, 0.5], "<f4").tobytes()
    heard = all_of(converted([content], Form(FLOAT, 1, 8000, 32)))
    assert heard.tolist()[0] == 0
    assert heard.tolist()[3] == 16_384


@pytest.mark.parametrize("form", [Form(0x31, 1, 8000, 0), Form(PCM, 1, 7999, 16), Form(PCM, 0, 8000, 16), Form(PCM, 9, 8000, 16)])
def test_other_forms_are_not_known(form: Form) -> None:
    assert not form.known
