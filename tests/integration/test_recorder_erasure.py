"""Who asks to be forgotten is obeyed in all that no hold and no minimum keeps, is told of the rest, and is never called again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.journal import Journal
from compliance.retention import Erasure
from compliance.rows import find_suppressions
from config.database import reading, sqlite_url, writing
from recorder import archive_chain, audit, erasure, erasure_requests, holds, purge, store
from recorder.erasure_requests import Due, Fate, NoSuchRequest, Request
from recorder.retained import Scope
from recorder.store import JobState, enqueue, settle
from recorder.sweep import sweep
from tests.kept_recordings import NUMBER, Room, a_pack, a_room, keeps
from tests.pack_texts import rule_text
from tests.recorder_audio import ANSWERED, a_record

ASKED = ANSWERED + timedelta(days=20)
MONTH_OVER = datetime(2026, 4, 2, 4, tzinfo=UTC)  # midnight where the number is
BY_RIGHT = Erasure(ASKED, "PIPL 47")
MONTH = a_pack(keeps("month", min="30d"), name="month")
NOTHING = a_pack(name="nothing")


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Room]:
    made = a_room(database_url, tmp_path, (NOTHING,))
    yield made
    made.engine.dispose()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Room]:
    made = a_room(sqlite_url(tmp_path / "site.db"), tmp_path, (NOTHING,))
    yield made
    made.engine.dispose()


def noted(room: Room, asked: Erasure = BY_RIGHT, person: str = "ann", journal: Journal | None = None) -> int:
    with writing(room.engine) as connection:
        return erasure_requests.note(connection, person, asked, Due(), "mary", journal=journal)


def worked(room: Room, request_id: int, now: datetime = ASKED) -> Request:
    return erasure.work(room.engine, room.vault, room.order(0), request_id, now)


def fates(request: Request) -> list[tuple[str, Fate, datetime | None]]:
    return [(item.call_id, item.fate, item.until) for item in request.outcome]


def test_what_may_go_goes_at_once_and_what_must_stay_is_told_with_its_reason_and_its_end(room: Room) -> None:
    for call_id in ("c0", "c1"):
        room.recorded(call_id)
    room.recorded("c2", packs=(MONTH,))
    room.recorded("c3", person="bob")
    with writing(room.engine) as connection:
        holds.place(connection, "c1", "lawsuit 3", "counsel", ANSWERED)
    request = worked(room, noted(room))
    assert fates(request) == [("c0", Fate.PURGED, ASKED), ("c1", Fate.KEPT, None), ("c2", Fate.KEPT, MONTH_OVER)]
    assert [item.why[0][0] for item in request.outcome] == ["erasure", "hold", "month"]
    assert (request.answered_at, request.closed_at) == (ASKED, None)
    assert room.calls() == ["c1", "c2", "c3"]
    (tombstone,) = room.tombstones()["c0"]
    assert [(one["rule"], one["cite"]) for one in tombstone.facts["why"]] == [("erasure", "PIPL 47")]
    assert room.findings() == []


def test_what_had_to_stay_goes_with_the_sweep_after_its_time_and_the_request_is_closed(room: Room) -> None:
    room.recorded("c0", packs=(MONTH,))
    request = worked(room, noted(room))
    sweep(room.engine, room.vault, room.order(0), MONTH_OVER - timedelta(seconds=1))
    assert room.calls() == ["c0"]
    sweep(room.engine, room.vault, room.order(0), MONTH_OVER)
    assert room.calls() == []
    with reading(room.engine) as connection:
        closed = erasure_requests.the(connection, request.request_id)
        assert erasure_requests.requests(connection, open_only=True) == []
        told = [dict(one.facts) for one in reversed(audit.entries(connection, audit.Sought(action="erase")))]
    assert (fates(closed), closed.answered_at, closed.closed_at) == (
        [("c0", Fate.PURGED, MONTH_OVER)],
        ASKED,
        MONTH_OVER,
    )
    assert told == [{"kept": "1", "request": str(request.request_id)}, {"purged": "1", "request": str(request.request_id)}]


def test_marketing_to_the_person_stops_in_the_transaction_that_notes_the_request(room: Room, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "opt-outs.jsonl")
    request_id = noted(room, journal=journal)
    with reading(room.engine) as connection:
        (entry,) = find_suppressions(connection, "", "ann")
    assert (entry.person, entry.reason, entry.source) == ("ann", "erasure", f"erasure request {request_id}")
    assert journal.last() is not None
    with pytest.raises(RuntimeError, match="cut short"):
        _note_and_fail(room)
    with reading(room.engine) as connection:
        assert find_suppressions(connection, "", "bob") == ()
        assert [one.person for one in erasure_requests.requests(connection)] == ["ann"]


def _note_and_fail(room: Room) -> None:
    with writing(room.engine) as connection:
        erasure_requests.note(connection, "bob", BY_RIGHT, Due(), "mary")
        raise RuntimeError("cut short")


def test_cut_short_after_the_purge_the_request_still_knows_what_it_had_purged(
    local: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.recorded("c0")
    request_id = noted(local)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasure_requests, "answer", die)
        with pytest.raises(KeyboardInterrupt):
            worked(local, request_id)
    assert local.calls() == []
    request = worked(local, request_id, ASKED + timedelta(hours=1))
    assert fates(request) == [("c0", Fate.PURGED, ASKED)]
    assert request.closed_at == ASKED + timedelta(hours=1)


def test_a_request_that_was_noted_and_not_worked_is_worked_by_the_next_sweep(local: Room) -> None:
    local.recorded("c0")
    request_id = noted(local)
    sweep(local.engine, local.vault, local.order(0), ASKED)
    with reading(local.engine) as connection:
        request = erasure_requests.the(connection, request_id)
    assert (fates(request), request.closed_at) == ([("c0", Fate.PURGED, ASKED)], ASKED)


def test_calls_after_the_request_are_not_asked_for(room: Room) -> None:
    room.recorded("c0", ASKED)
    room.recorded("c1", ASKED + timedelta(seconds=1))
    request = worked(room, noted(room), ASKED + timedelta(days=1))
    assert [item.call_id for item in request.outcome] == ["c0"]
    assert room.calls() == ["c1"]


def test_a_recording_that_is_not_archived_yet_is_waited_for_and_one_set_aside_goes_to_a_person(room: Room) -> None:
    with writing(room.engine) as connection:
        for call_id in ("c0", "c1", "c2"):
            enqueue(connection, a_record(call_id, person="bob" if call_id == "c2" else "ann"))
        settle(connection, "c1", JobState.QUARANTINED, "holds no audio")
    request = worked(room, noted(room))
    assert fates(request) == [("c0", Fate.ON_ITS_WAY, None), ("c1", Fate.SET_ASIDE, None)]
    assert [item.review for item in request.outcome] == [False, True]
    assert request.closed_at is None
    room.recorded("c0")
    sweep(room.engine, room.vault, room.order(0), ASKED)
    assert room.calls() == []
    with reading(room.engine) as connection:
        (alert,) = store.alerts(connection)
    assert (alert.kind, alert.text) == (
        "erasure_review",
        f"erasure request {request.request_id}: a person must decide about 1 recordings",
    )


def test_a_call_that_left_no_recording_after_all_keeps_no_request_open(local: Room) -> None:
    with writing(local.engine) as connection:
        enqueue(connection, a_record("c0", person="ann"))
    request_id = noted(local)
    assert worked(local, request_id).closed_at is None
    with writing(local.engine) as connection:
        settle(connection, "c0", JobState.DONE, "no files in the spool")
    request = worked(local, request_id)
    assert (request.outcome, request.closed_at) == ((), ASKED)


def test_a_minimum_of_the_house_alone_needs_a_person(local: Room) -> None:
    local.recorded("c0", packs=(a_pack(keeps("own", min="2y", level="house"), name="own"),))
    (item,) = worked(local, noted(local)).outcome
    assert (item.fate, item.review) == (Fate.KEPT, True)


def test_of_somebody_of_whom_there_is_nothing_the_request_is_kept_and_closed(local: Room) -> None:
    request = worked(local, noted(local, person="nobody"))
    assert (request.outcome, request.answered_at, request.closed_at) == ((), ASKED, ASKED)


def test_a_dry_run_tells_the_same_and_leaves_nothing(local: Room) -> None:
    local.recorded("c0")
    local.recorded("c1", packs=(MONTH,))
    items = erasure.foresee(local.engine, local.order(0), "ann", BY_RIGHT, ASKED)
    assert [(item.call_id, item.fate) for item in items] == [("c0", Fate.PURGED), ("c1", Fate.KEPT)]
    assert local.calls() == ["c0", "c1"]
    with reading(local.engine) as connection:
        assert erasure_requests.requests(connection) == []
        assert archive_chain.length(connection) == 2


def test_the_deadline_is_the_soonest_of_all_places_where_the_person_was_called(room: Room) -> None:
    slow, fast = (
        a_pack(rule_text(name, "deadline", on="data_subject_request", within=within), name=name)
        for name, within in (("slow", "2mo"), ("fast", "1mo"))
    )
    room.recorded("c0")
    room.recorded("c1", number="+442079460123")
    due = erasure.due_by(room.engine, (slow, fast), "ann", ASKED)
    assert due.rules == ("fast", "slow")
    assert due.law_by == datetime(2026, 4, 22, 23, tzinfo=UTC)  # midnight in London, where the day ends first
    assert erasure.due_by(room.engine, (NOTHING,), "ann", ASKED) == Due()
    assert erasure.due_by(room.engine, (slow,), "nobody", ASKED) == Due()


def test_a_request_is_of_somebody_and_by_a_right(local: Room) -> None:
    with writing(local.engine) as connection:
        for person, cite in (("", "GDPR 17"), ("ann", " ")):
            with pytest.raises(ValueError, match="of somebody, by a right that is named"):
                erasure_requests.note(connection, person, Erasure(ASKED, cite), Due(), "mary")
        with pytest.raises(NoSuchRequest, match="no erasure request 7"):
            erasure_requests.the(connection, 7)


def test_an_ordinary_purge_is_not_in_the_way_of_a_request(local: Room) -> None:
    local.recorded("c0", number=NUMBER)
    purge.apply(local.engine, local.vault, local.order(1), ASKED, scope=Scope(person="ann"))
    request = worked(local, noted(local))
    assert (request.outcome, request.closed_at) == ((), ASKED)
