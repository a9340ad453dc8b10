"""The figures are what the calls say, nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.metrics import CampaignFigures, connect_time, figures, percentile
from sip.call import Call, CallState
from tests.dialer_floor import a_call, at


def a_conversation(answered: float, prompt: tuple[float, float], joined: float, ended: float) -> Call:
    return a_call(
        state=CallState.ENDED,
        answered_at=at(answered),
        announcement_at=at(prompt[0]),
        announced_at=at(prompt[1]),
        disclosed=True,
        bridged_at=at(joined),
        ended_at=at(ended),
    )


def test_the_prompt_is_left_out_of_the_connect_time() -> None:
    time = connect_time(a_conversation(5, (5.25, 9.25), 9.5, 60))
    assert time is not None
    assert time.total_seconds() == 0.5


@pytest.mark.parametrize("missing", ["answered_at", "announcement_at", "announced_at", "bridged_at"])
def test_there_is_no_connect_time_without_all_four_times(missing: str) -> None:
    call = a_conversation(5, (6, 7), 8, 60)
    assert connect_time(call) is not None
    assert connect_time(replace(call, **{missing: None})) is None  # type: ignore[arg-type] # names are of Call


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=80), st.floats(0.001, 1))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    enough = [value for value in values if sum(one <= value for one in values) >= share * len(values) - 1e-9]
    assert found == min(enough)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (1, 100), (0.951, 96), (0.01, 1), (0.001, 1)])
def test_nearest_ranks_of_a_hundred(share: float, value: float) -> None:
    assert percentile([float(one) for one in range(100, 0, -1)], share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 0.5) is None


def test_a_campaign_without_calls_has_no_rates() -> None:
    nothing = figures([])
    assert nothing == CampaignFigures(0, 0, 0, 0, {}, None, None, 0.0)
    assert nothing.answer_seizure_ratio is None
    assert nothing.abandonment_rate is None


def test_the_figures_of_a_small_campaign() -> None:
    talked = [(a_conversation(5, (5, 9), 9 + late / 10, 69 + late / 10), "sale") for late in range(1, 5)]
    abandoned = a_call(state=CallState.ENDED, answered_at=at(5), safe_harbour_at=at(7), ended_at=at(12))
    busy = a_call(state=CallState.ENDED, ended_at=at(1))
    found = figures([*talked, (abandoned, "abandoned"), (busy, "busy"), (busy, "busy"), (a_call(state=CallState.RINGING), None)])
    assert (found.placed, found.answered, found.bridged, found.abandoned) == (8, 5, 4, 1)
    assert found.dispositions == {"abandoned": 1, "busy": 2, "open": 1, "sale": 4}
    assert found.signalled_p50_ms == pytest.approx(200)
    assert found.signalled_p95_ms == pytest.approx(400)
    assert found.talk_seconds == pytest.approx(240)
    assert found.answer_seizure_ratio == pytest.approx(5 / 8)
    assert found.abandonment_rate == pytest.approx(1 / 5)


def test_a_conversation_that_goes_on_has_no_talk_time_yet() -> None:
    assert figures([(a_call(state=CallState.BRIDGED, answered_at=at(5), bridged_at=at(9)), None)]).talk_seconds == 0
