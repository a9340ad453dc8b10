"""The text of a call's metadata in the queue is the metadata."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.verdict import PackRef
from recorder.capture import Captured
from recorder.capturing import Joined, Pause
from recorder.record import BadRecord, CallRecord, from_json, to_json
from sip.events import EndedBy
from sip.port import DisclosedBy
from tests.recorder_audio import a_record

times = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis takes naive bounds
texts = st.text(max_size=40)
records = st.builds(
    CallRecord,
    call_id=texts,
    person=texts,
    lead_id=texts,
    number=texts,
    campaign=texts,
    agent_id=st.none() | texts,
    answered_at=st.none() | times,
    announcement_at=st.none() | times,
    announced_at=st.none() | times,
    bridged_at=st.none() | times,
    unbridged_at=st.none() | times,
    ended_at=times,
    disposition=texts,
    abandoned=st.booleans(),
    prompt=texts,
    safe_harbour=texts,
    packs=st.lists(st.builds(PackRef, texts, texts, texts), max_size=3).map(tuple),
    ended_by=st.sampled_from(EndedBy),
    agents=st.lists(st.builds(Joined, texts, times, st.none() | times), max_size=3).map(tuple),
    team=texts,
    language=texts,
    captured=st.sampled_from(Captured),
    captured_from=st.none() | times,
    captured_until=st.none() | times,
    disclosed_by=st.sampled_from(DisclosedBy),
    confirmed_at=st.none() | times,
    pauses=st.lists(st.builds(Pause, times, st.none() | times, texts, texts), max_size=3).map(tuple),
    unrecorded=texts,
)
LATER = ("agents", "team", "language", "captured", "captured_from", "captured_until", "disclosed_by", "confirmed_at", "pauses")


@given(records)
def test_a_record_comes_back_from_its_text_unchanged(record: CallRecord) -> None:
    assert from_json(to_json(record)) == record


def test_a_text_queued_by_an_older_version_is_read() -> None:
    record = a_record()
    old = {key: value for key, value in json.loads(to_json(record)).items() if key not in {*LATER, "unrecorded"}}
    assert from_json(json.dumps(old)) == record


def test_places_in_the_recording_are_counted_from_its_first_sample() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    seconds = [start + timedelta(seconds=second) for second in range(10)]
    record = a_record(
        answered_at=seconds[0],
        captured_from=seconds[2],
        captured_until=seconds[8],
        ended_at=seconds[9],
        pauses=(Pause(seconds[1], seconds[3], "payment", "101"), Pause(seconds[5], None, "payment", "101")),
    )
    assert record.paused_ms == ((0, 1000), (3000, 6000))
    assert (record.began_at, record.over_at) == (seconds[2], seconds[8])


def test_a_time_of_any_zone_is_kept_as_the_same_instant() -> None:
    local = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert from_json(to_json(a_record(answered_at=local))).answered_at == local


@pytest.mark.parametrize("field", ["ended_at", "answered_at", "bridged_at"])
def test_a_naive_time_is_refused_by_name(field: str) -> None:
    naive: dict[str, Any] = {field: datetime(2026, 3, 2)}  # noqa: DTZ001 -- the naive time is the fault under test
    with pytest.raises(ValueError, match=field):
        a_record(**naive)


def altered(**changes: Any) -> str:
    fields = json.loads(to_json(a_record()))
    fields.update(changes)
    return json.dumps({name: value for name, value in fields.items() if value != "REMOVE"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        altered(call_id="REMOVE"),
        altered(ended_at="REMOVE"),
        altered(ended_at=None),
        altered(answered_at="yesterday"),
        altered(answered_at="2026-03-02T15:04:05"),  # in which zone?
        altered(number=None),
        altered(person=7),
        altered(ended_by="nobody"),
        altered(packs=[{"id": "x"}]),
        altered(colour="red"),
    ],
)
def test_a_text_that_is_no_record_is_refused_as_such(text: str) -> None:
    with pytest.raises(BadRecord):
        from_json(text)


@pytest.mark.parametrize(
    ("changes", "may_have_spoken"),
    [
        ({}, True),
        ({"bridged_at": None, "abandoned": True, "ended_by": EndedBy.FLOOR}, False),
        ({"bridged_at": None, "ended_by": EndedBy.CUSTOMER}, False),
        ({"bridged_at": None, "ended_by": EndedBy.UNKNOWN}, True),  # lost from view: nobody knows
        ({"bridged_at": None, "abandoned": True, "ended_by": EndedBy.UNKNOWN}, False),
    ],
)
def test_an_agent_may_have_spoken_when_one_was_joined_or_nobody_saw(changes: dict[str, Any], may_have_spoken: bool) -> None:
    assert a_record(**changes).agent_may_have_spoken is may_have_spoken
