"""What recording a finished call leaves behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recorder.disclosure import Verdict
from recorder.plan import (
    DEGRADED,
    AlertKind,
    Flag,
    NoRecording,
    RecordingExpected,
    RecordingNotExpected,
    RecordingPossible,
    about,
    after,
    missing,
    without_files,
)
from sip import events
from sip.call import Call, apply, ordered
from tests.recorder_audio import ANSWERED, a_record

AT = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
PATIENCE = timedelta(seconds=60)
HUNG_UP = events.HungUp("c1", AT, cause=16, tech_cause=0, by=events.EndedBy.CUSTOMER, rang=True)


def a_call(*happened: events.CallEvent) -> Call:
    call = ordered("c1", AT)
    for event in happened:
        call = apply(call, event)
    return call


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (a_call(events.Dialed("c1", AT), events.Answered("c1", AT), HUNG_UP), RecordingExpected("c1")),
        (a_call(events.Dialed("c1", AT), events.Answered("c1", AT), events.Lost("c1", AT)), RecordingExpected("c1")),
        (
            a_call(events.Dialed("c1", AT), events.Ringing("c1", AT), HUNG_UP),
            RecordingNotExpected("c1", NoRecording.NOT_ANSWERED),
        ),
        (a_call(events.OriginateFailed("c1", AT, "no such endpoint")), RecordingNotExpected("c1", NoRecording.NOT_PLACED)),
        (a_call(events.Dialed("c1", AT), events.Lost("c1", AT)), RecordingPossible("c1")),
        (a_call(events.Lost("c1", AT)), RecordingPossible("c1")),
    ],
)
def test_every_answered_call_is_expected_to_be_recorded(call: Call, expected: object) -> None:
    assert after(call) == expected


def test_nothing_is_said_of_a_call_that_is_still_up() -> None:
    with pytest.raises(ValueError, match="answered"):
        after(a_call(events.Dialed("c1", AT), events.Answered("c1", AT)))


def test_an_answered_call_without_files_is_an_alert_once_patience_is_over() -> None:
    record = a_record("c1")
    due = record.ended_at + PATIENCE
    assert without_files(record, due - timedelta(microseconds=1), PATIENCE) is None
    alert = without_files(record, due, PATIENCE)
    assert alert is not None
    assert (alert.kind, alert.call_id) == (AlertKind.RECORDING_MISSING, "c1")


def test_a_call_that_was_not_seen_to_be_answered_may_have_no_files() -> None:
    assert without_files(a_record("c1", answered_at=None), ANSWERED + timedelta(days=1), PATIENCE) is None


def test_a_recording_is_short_from_a_second_less_than_the_call() -> None:
    record = a_record(lasted=timedelta(seconds=20))
    assert missing(record, timedelta(seconds=19)) == timedelta(0)
    assert missing(record, timedelta(seconds=18, milliseconds=999)) == timedelta(seconds=1, milliseconds=1)
    assert missing(a_record(answered_at=None), timedelta(seconds=1)) == timedelta(0)


def test_only_the_time_that_was_to_be_captured_can_be_missing() -> None:
    record = a_record(lasted=timedelta(seconds=20))
    late = replace(record, captured_from=ANSWERED + timedelta(seconds=5), captured_until=ANSWERED + timedelta(seconds=15))
    assert missing(late, timedelta(seconds=10)) == timedelta(0)
    assert missing(late, timedelta(seconds=4)) == timedelta(seconds=6)


def test_a_good_recording_tells_nobody_and_each_fault_tells_somebody_what_was_measured() -> None:
    record = a_record("c1")
    assert about(record, {Flag.ANSWER_UNSEEN: "", Flag.ODD_LENGTH: "agent: half a sample"}, Verdict.PROVEN) == ()
    assert about(record, {}, Verdict.NOT_APPLICABLE) == ()
    assert about(record, {}, Verdict.ATTESTED) == ()
    faults = {Flag.AGENT_SILENT: "nothing above -50 dBFS in 9.0 s", Flag.CUSTOMER_MISSING: ""}
    degraded, unproven = about(record, faults, Verdict.ABSENT)
    assert degraded.kind is AlertKind.RECORDING_DEGRADED
    assert degraded.text.endswith("agent_silent: nothing above -50 dBFS in 9.0 s; customer_missing")
    assert unproven.kind is AlertKind.DISCLOSURE_UNPROVEN
    assert record.prompt in unproven.text


@pytest.mark.parametrize("flag", sorted(DEGRADED))
def test_every_degrading_flag_tells_somebody(flag: Flag) -> None:
    (alert,) = about(a_record("c1"), {flag: "12 of it"}, Verdict.PROVEN)
    assert f"{flag.value}: 12 of it" in alert.text
