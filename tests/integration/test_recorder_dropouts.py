"""A side that no packets came of for a while is found in the files that a PBX leaves, and told to somebody."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from recorder.capturing import Joined, Pause
from recorder.ingest import Ingested, ingest, task_of
from recorder.naming import Side
from recorder.plan import Flag
from recorder.record import CallRecord
from tests.recorder_audio import (
    ANSWERED,
    RATE,
    Samples,
    Site,
    a_prompt,
    a_record,
    joined,
    leave,
    mu_law,
    noisy,
    silence,
    speech,
    wav_bytes,
)

LASTS = timedelta(seconds=60)
DROPOUTS = {Flag.AGENT_DROPOUT, Flag.CUSTOMER_DROPOUT}


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def a_call(pauses: tuple[Pause, ...] = (), until: float = 60) -> CallRecord:
    """A call of a minute that an agent was joined to from the fifth second on, until the end or before."""
    agents = (Joined("agent-1", ANSWERED + at(5), ANSWERED + at(until)),)
    return a_record("c1", lasted=LASTS, agents=agents, pauses=pauses)


def talk(seed: int, seconds: float) -> Samples:
    """Somebody who talks on a line that is never quite silent."""
    return noisy(speech(seed, seconds), 30, seed)


def the_agent(gap_from: float = 0, gap_until: float = 0, silent: int = 0) -> Samples:
    """The agent's side of the call, after the prompt; where there is a gap, every sample is the same."""
    line = joined(a_prompt(), silence(1.5), talk(11, 55))
    line[round(gap_from * RATE) : round(gap_until * RATE)] = silent
    return line


def worked_on(directory: Path, record: CallRecord, agent: Samples, customer: Samples) -> Ingested:
    """What is found in the raw files of the call."""
    files = []
    for side, samples in (("agent", agent), ("customer", customer)):
        file = directory / f"{side}.wav"
        file.write_bytes(wav_bytes(samples))
        files.append(file)
    return ingest(task_of(record, (files[0], files[1]), directory / "part", directory, "flac"))


@pytest.mark.parametrize("silent", [0, 8, -8], ids=["no packets", "silence in A-law", "the other silence in A-law"])
def test_an_agent_whose_packets_stopped_is_found_in_the_file(tmp_path: Path, silent: int) -> None:
    found = worked_on(tmp_path, a_call(), the_agent(20, 45, silent), talk(12, 60))
    assert found.flags == {Flag.AGENT_DROPOUT: "exact silence from 20.0 s to 45.0 s, while an agent was joined"}


def test_a_customer_whose_packets_stopped_is_found_and_one_who_listens_on_a_line_is_not(tmp_path: Path) -> None:
    listens = joined(talk(12, 20), np.random.default_rng(3).integers(-9, 10, 40 * RATE).astype(np.int16))
    assert worked_on(tmp_path, a_call(), the_agent(), listens).flags == {}
    gone = joined(talk(12, 20), silence(40))
    assert worked_on(tmp_path, a_call(), the_agent(), gone).flags == {
        Flag.CUSTOMER_DROPOUT: "exact silence from 20.0 s to 60.0 s, while an agent was joined"
    }


def test_after_a_trip_through_g711_what_was_silent_still_is(tmp_path: Path) -> None:
    found = worked_on(tmp_path, a_call(), mu_law(the_agent(20, 45)), mu_law(talk(12, 60)))
    assert found.flags.keys() == {Flag.AGENT_DROPOUT}


def test_what_was_paused_and_what_followed_the_agent_are_no_dropouts(tmp_path: Path) -> None:
    paused = (Pause(ANSWERED + at(20), ANSWERED + at(45), "card", "agent-1"),)
    quiet = talk(12, 60)
    quiet[20 * RATE : 45 * RATE] = 0
    assert worked_on(tmp_path, a_call(paused), the_agent(20, 45), quiet).flags == {}
    assert worked_on(tmp_path, a_call(until=20), the_agent(20, 60), talk(12, 60)).flags == {}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_a_dropout_is_archived_with_its_measurement_and_told(site: Site) -> None:
    site.clock.advance(LASTS)
    record = a_call()
    leave(site.spool, record.call_id, {Side.AGENT: the_agent(20, 45), Side.CUSTOMER: talk(12, 60)})
    site.ended(record)
    assert site.archivist.work_once() == 1
    kept = site.recording(record.call_id)
    assert kept.flags == (Flag.AGENT_DROPOUT,)
    assert kept.flag_text == "agent_dropout: exact silence from 20.0 s to 45.0 s, while an agent was joined"
    assert site.told() == [("recording_degraded", record.call_id)]
