"""The queue and the alerts, on a real database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from config.database import reading, writing
from recorder.plan import Alert, AlertKind
from recorder.store import JobState, alarm, alerts, claim, due, enqueue, jobs, pending, postpone, reopen, settle
from tests.recorder_audio import ANSWERED, a_database, a_record

LATER = ANSWERED + timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = a_database(tmp_path / "site.db")
    yield made
    made.dispose()


def queued(engine: Engine, *call_ids: str) -> None:
    with writing(engine) as connection:
        for n, call_id in enumerate(call_ids):
            enqueue(connection, a_record(call_id, lasted=timedelta(seconds=20 + n)))


def test_a_job_is_queued_with_the_calls_end_or_not_at_all(engine: Engine) -> None:
    def end_the_call() -> None:
        with writing(engine) as connection:
            enqueue(connection, a_record("c1"))
            raise RuntimeError("the call's end could not be written")

    with pytest.raises(RuntimeError):
        end_the_call()
    with reading(engine) as connection:
        assert pending(connection) == 0


def test_the_job_holds_what_the_floor_handed_over(engine: Engine) -> None:
    record = a_record("c1")
    with writing(engine) as connection:
        enqueue(connection, record)
    with reading(engine) as connection:
        (job,) = due(connection, LATER, 10)
    assert job.record() == record
    assert (job.state, job.attempts, job.reason) == (JobState.PENDING, 0, None)


def test_jobs_come_in_the_order_their_calls_ended_and_not_before(engine: Engine) -> None:
    queued(engine, "b", "a", "c")
    with reading(engine) as connection:
        assert [job.call_id for job in due(connection, LATER, 10)] == ["b", "a", "c"]
        assert [job.call_id for job in due(connection, LATER, 2)] == ["b", "a"]
        assert [job.call_id for job in due(connection, ANSWERED + timedelta(seconds=21), 10)] == ["b", "a"]


def test_an_attempt_is_counted_before_it_is_made_and_given_back_when_the_job_is_not_to_blame(engine: Engine) -> None:
    queued(engine, "a")
    with writing(engine) as connection:
        assert [claim(connection, "a"), claim(connection, "a")] == [1, 2]
        postpone(connection, "a", LATER, "storage is full", refund=True)
    with reading(engine) as connection:
        job = jobs(connection, ["a"])["a"]
        assert (job.attempts, job.next_at, job.reason) == (1, LATER, "storage is full")
        assert due(connection, LATER - timedelta(microseconds=1), 10) == []


def test_a_settled_job_leaves_the_queue_and_a_reopened_one_starts_anew(engine: Engine) -> None:
    queued(engine, "a", "b")
    with writing(engine) as connection:
        claim(connection, "a")
        settle(connection, "a", JobState.FAILED, "no files")
    with reading(engine) as connection:
        assert [job.call_id for job in due(connection, LATER, 10)] == ["b"]
        assert pending(connection) == 1
    with writing(engine) as connection:
        reopen(connection, "a", ANSWERED)
    with reading(engine) as connection:
        job = jobs(connection, ["a", "nobody"])["a"]
        assert (job.state, job.attempts, job.reason) == (JobState.PENDING, 0, None)


def test_a_thousand_jobs_can_be_asked_for_at_once(engine: Engine) -> None:
    call_ids = [f"c{n}" for n in range(1001)]
    queued(engine, *call_ids)
    with reading(engine) as connection:
        assert set(jobs(connection, call_ids)) == set(call_ids)


def test_a_state_that_does_not_exist_is_refused_by_the_database(engine: Engine) -> None:
    queued(engine, "a")
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(text("update recording_job set state = 'lost'"))


def test_an_alert_about_a_call_is_told_once_and_one_about_a_place_again_after_it_was_seen(engine: Engine) -> None:
    call = Alert(AlertKind.RECORDING_MISSING, "a", "call a left no recording")
    other = Alert(AlertKind.RECORDING_MISSING, "b", "call b left no recording")
    place = Alert(AlertKind.STORAGE_FULL, None, "archive: no room")
    with writing(engine) as connection:
        assert [alarm(connection, alert, ANSWERED) for alert in (call, call, other, place, place)] == [
            True,
            False,
            True,
            True,
            False,
        ]
    with writing(engine) as connection:
        assert [(one.call_id, one.kind, one.at) for one in alerts(connection)] == [
            ("a", "recording_missing", ANSWERED),
            ("b", "recording_missing", ANSWERED),
            (None, "storage_full", ANSWERED),
        ]
        connection.execute(text("update alert set seen = :seen"), {"seen": True})
        assert alerts(connection) == []
        assert [alarm(connection, alert, LATER) for alert in (call, place)] == [False, True]
        assert len(alerts(connection, unseen_only=False)) == 4
