"""Whoever speaks to a customer is in the recording, however they came to the call: judged by tones on the lab's Asterisk."""

from collections.abc import Iterator

import pytest

from recorder.disclosure import Verdict
from recorder.plan import AlertKind, Flag
from tests.second_agents import NAIVE_WAY, WAYS, rung
from tests.tone_archive import Kept, archived
from tests.tone_lab import tone_lab
from tests.tones import AGENTS_HZ, PRESENT_DB, level

pytestmark = [pytest.mark.asterisk, pytest.mark.soak]

TIMES = 2


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Kept]]:
    """Each way twice, and as many calls with a second Dial; all of them archived by the recorder."""
    directory = tmp_path_factory.mktemp("tones")
    with tone_lab(directory) as (info, pairs):
        yield archived(info, rung(info, pairs, TIMES), directory / "site")


@pytest.mark.parametrize("way", WAYS)
def test_each_agent_is_heard_on_the_left_while_there_and_the_customer_on_the_right_throughout(kept: list[Kept], way: str) -> None:
    calls = [one for one in kept if one.rung.way == way]
    assert len(calls) == TIMES
    assert [one.faults() for one in calls] == [[]] * TIMES
    assert [one.row.disclosure for one in calls] == [Verdict.PROVEN] * TIMES
    assert [one.row.flags for one in calls] == [()] * TIMES
    assert [one.alerts for one in calls] == [()] * TIMES


def test_a_second_dial_loses_the_second_agent_and_is_never_archived_as_good(kept: list[Kept]) -> None:
    calls = [one for one in kept if one.rung.way == NAIVE_WAY]
    assert len(calls) == TIMES
    for call in calls:
        first, second = call.rung.stretches
        for stretch, hertz, heard in ((first, AGENTS_HZ[0], True), (second, AGENTS_HZ[1], False)):
            _, lowest = level(call.file, 1, hertz, stretch.end - 3.0, stretch.end - 1.0)
            assert (lowest > PRESENT_DB) is heard, (stretch, lowest)
        assert any(f"{AGENTS_HZ[1]} Hz is missing" in fault for fault in call.faults())
        assert Flag.AGENT_SILENT in call.row.flags
        assert call.row.degraded
        ((kind, text),) = call.alerts
        assert kind == AlertKind.RECORDING_DEGRADED
        assert "while an agent was joined" in text
