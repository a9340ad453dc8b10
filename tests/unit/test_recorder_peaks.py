"""The waveform a player draws: every sample lies between the two ends of its bucket, however the call is cut."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.peaks import BUCKETS, Pen, Waveform, as_json, from_json
from tests.recorder_audio import Samples, speech


def drawn(agent: Samples, customer: Samples, size: int, buckets: int = BUCKETS) -> Waveform:
    pen = Pen(len(agent), buckets)
    for at in range(0, len(agent), size):
        pen.feed(agent[at : at + size], customer[at : at + size])
    return pen.waveform()


def ends(side: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.frombuffer(side, np.int8).reshape(-1, 2)


@given(st.integers(1, 3000), st.integers(1, 700), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_each_bucket_holds_the_lowest_and_the_highest_of_its_samples(length: int, size: int, buckets: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    agent, customer = random.integers(-32768, 32768, (2, length)).astype(np.int16)
    waveform = drawn(agent, customer, size, buckets)
    assert waveform.buckets == min(buckets, length)
    bucket = np.arange(length) * waveform.buckets // length
    for samples, side in ((agent, waveform.agent), (customer, waveform.customer)):
        expected = [(samples[bucket == b].min() >> 8, samples[bucket == b].max() >> 8) for b in range(waveform.buckets)]
        assert ends(side).tolist() == [list(pair) for pair in expected]


def test_what_was_not_fed_is_silence() -> None:
    assert set(Pen(8000).waveform().agent) == {0}


def test_a_waveform_is_as_small_for_three_hours_as_for_a_minute() -> None:
    pen = Pen(3 * 3600 * 8000)
    pen.feed(speech(1, 5), speech(2, 5))
    told = as_json(pen.waveform())
    assert len(json.dumps(told)) < 6000


def test_a_waveform_reads_back_from_json() -> None:
    waveform = drawn(speech(1, 1), speech(2, 1), 999)
    assert from_json(json.loads(json.dumps(as_json(waveform)))) == waveform


@pytest.mark.parametrize("change", [{"buckets": 999}, {"agent": "AAAA"}, {"agent": "not base64!"}])
def test_a_waveform_of_another_size_is_refused(change: dict[str, object]) -> None:
    told = as_json(drawn(speech(1, 1), speech(2, 1), 999)) | change
    with pytest.raises(ValueError, match=r"waveform|base64"):
        from_json(told)


def test_more_than_the_call_is_refused() -> None:
    pen = Pen(100)
    with pytest.raises(ValueError, match="100 frames"):
        pen.feed(speech(1, 1), speech(2, 1))
