"""Who asks to be forgotten is forgotten in what QA wrote too, with the recording and never without it; the figures stay."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from compliance.retention import Erasure
from compliance.store import Ledger
from compliance.verdict import Candidate, Permit
from config.clock import ManualClock
from config.database import reading, sqlite_url, writing
from recorder import audit, erasure, erasure_requests, purge
from recorder.erasure_requests import Due, Request
from recorder.keeping import Goes
from recorder.qa import notes
from recorder.qa.forgetting import ERASED, forget
from recorder.qa.notes import Kind, NewNote
from recorder.qa.refused import NoSuch
from recorder.sweep import sweep
from tests.judged_calls import OF_AGENT, TEXTS, WORDS, figures, judged, written
from tests.kept_recordings import LATER, MONTH, NUMBER, Room, a_pack, a_room, keeps
from tests.qa_room import AFTER, LEAD
from tests.recorder_audio import ANSWERED

ROOT = Path(__file__).parents[2]
STEPS = ["buried", "committed", "published", "removed"]
BY_RIGHT = Erasure(LATER, "GDPR 17")
SUIT = a_pack(keeps("suit", min="10y"), name="suit")


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Room]:
    made = a_room(database_url, tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Room]:
    made = a_room(sqlite_url(tmp_path / "site.db"), tmp_path)
    yield made
    made.engine.dispose()


def noted(room: Room) -> int:
    with writing(room.engine) as connection:
        return erasure_requests.note(connection, "ann", BY_RIGHT, Due(), "mary")


def erased(room: Room) -> Request:
    return erasure.work(room.engine, room.vault, room.order(0), noted(room), LATER)


def test_with_the_recording_go_all_words_about_the_call_and_every_figure_stays(room: Room) -> None:
    room.recorded("c0", **OF_AGENT)
    review_id = judged(room.engine, "c0")
    before = figures(room.engine, review_id)
    assert len(written(room.engine)) == TEXTS
    assert erased(room).closed_at == LATER
    assert (room.calls(), written(room.engine)) == ([], [])
    assert figures(room.engine, review_id) == before
    with reading(room.engine) as connection:
        assert notes.listed(connection, Kind.BEST) == []
        assert {one.text for kind in (Kind.COMPLAINT, Kind.COACHING) for one in notes.listed(connection, kind)} == {ERASED}
        (told,) = audit.entries(connection, audit.Sought(action=purge.PURGE))
        assert dict(told.facts)["qa_texts"] == str(TEXTS)
        assert audit.verify(connection).intact
    assert room.findings() == []


def test_not_a_byte_of_the_words_is_left_in_the_files_of_the_database(local: Room, tmp_path: Path) -> None:
    def files() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.glob("site.db*"))

    local.recorded("c0", **OF_AGENT)
    judged(local.engine, "c0")
    assert WORDS.encode() in files()
    erased(local)
    assert WORDS.encode() not in files()


def test_what_must_stay_keeps_its_words_and_so_does_the_call_of_another(room: Room) -> None:
    room.recorded("c0", packs=(SUIT,), **OF_AGENT)
    room.recorded("c1", person="bob", **OF_AGENT)
    for call_id in ("c0", "c1"):
        judged(room.engine, call_id)
    assert erased(room).closed_at is None
    assert room.calls() == ["c0", "c1"]
    assert len(written(room.engine)) == 2 * TEXTS


def test_an_ordinary_purge_leaves_the_words_and_a_request_afterwards_takes_them(room: Room) -> None:
    ledger = Ledger(room.engine, ManualClock(ANSWERED), (a_pack(),), timedelta(seconds=10))
    assert isinstance(ledger.permit(Candidate("c0", "ann", NUMBER, "spring", "acme", "solar")), Permit)
    room.recorded("c0", **OF_AGENT)
    judged(room.engine, "c0")
    purge.apply(room.engine, room.vault, room.order(), LATER)
    assert room.calls() == []
    assert len(written(room.engine)) == TEXTS
    request = erased(room)
    assert (request.outcome, request.closed_at, written(room.engine)) == ((), LATER, [])
    with reading(room.engine) as connection:
        (told,) = audit.entries(connection, audit.Sought(action=erasure.ERASE))
    assert dict(told.facts) == {"request": str(request.request_id), "qa_texts": str(TEXTS)}


def test_what_had_to_stay_loses_its_words_with_the_sweep_though_an_ordinary_purge_is_first_with_the_recording(room: Room) -> None:
    room.recorded("c0", LATER - timedelta(days=20), **OF_AGENT)
    judged(room.engine, "c0")
    request = erased(room)
    assert (request.closed_at, len(written(room.engine))) == (None, TEXTS)
    month_over = LATER + timedelta(days=15)
    sweep(room.engine, room.vault, room.order(1), month_over)
    with reading(room.engine) as connection:
        assert erasure_requests.the(connection, request.request_id).closed_at == month_over
        (told,) = audit.entries(connection, audit.Sought(action=purge.PURGE))
    assert ("rules", "house.keep") in told.facts
    assert (room.calls(), written(room.engine)) == ([], [])


def test_done_again_there_is_nothing_to_forget(room: Room) -> None:
    room.recorded("c0", **OF_AGENT)
    judged(room.engine, "c0")
    with writing(room.engine) as connection:
        assert forget(connection, ["c0"]) == TEXTS
        assert forget(connection, ["c0"]) == 0


def test_who_is_just_writing_about_the_call_is_waited_for_and_nobody_writes_about_it_afterwards(room: Room) -> None:
    room.recorded("c0", **OF_AGENT)
    done = threading.Event()

    def purged() -> object:
        try:
            return purge.purge(room.engine, room.vault, "c0", room.order(0, request=BY_RIGHT), LATER)
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        with writing(room.engine) as connection:
            notes.add(connection, NewNote(Kind.COMPLAINT, WORDS, "c0"), LEAD, AFTER)
            purging: Future[object] = pool.submit(purged)
            if room.engine.dialect.name == "postgresql":  # SQLite lets nobody begin to write meanwhile
                _until_somebody_waits_for_a_lock(room, done)
        assert isinstance(purging.result(timeout=60), Goes)
    assert written(room.engine) == []
    with writing(room.engine) as connection, pytest.raises(NoSuch):
        notes.add(connection, NewNote(Kind.COMPLAINT, WORDS, "c0"), LEAD, AFTER)


def _until_somebody_waits_for_a_lock(room: Room, done: threading.Event) -> None:
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(1200):
        assert not done.wait(0.05), "the purge did not wait for who was writing"
        with reading(room.engine) as connection:
            if connection.execute(waits).scalar_one():
                return
    raise AssertionError("the purge came to nothing within a minute")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A site for each step, whose erasure request was worked by a process that was killed at that step."""
    sites = {}
    for step in STEPS:
        directory = sites[step] = tmp_path_factory.mktemp("killed")
        made = a_room(sqlite_url(directory / "site.db"), directory, (MONTH,))
        made.recorded("c0", **OF_AGENT)
        judged(made.engine, "c0")
        assert noted(made) == 1
        made.engine.dispose()
    pairs = [word for step, directory in sites.items() for word in (str(directory), step)]
    program = [sys.executable, "-m", "tests.erasure_child", *pairs]
    died = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert died.stdout.split() == [str(signal.SIGKILL.value)] * len(STEPS), died.stderr
    return sites


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_words_and_recording_are_both_there_or_both_gone(killed: dict[str, Path], step: str) -> None:
    directory = killed[step]
    made = a_room(sqlite_url(directory / "site.db"), directory, (MONTH,))
    there = (made.calls(), len(written(made.engine)))
    assert there == ((["c0"], TEXTS) if step == "buried" else ([], 0))
    with reading(made.engine) as connection:
        assert erasure_requests.the(connection, 1).closed_at is None
    request = erasure.work(made.engine, made.vault, made.order(0), 1, LATER)
    assert request.closed_at == LATER
    assert (made.calls(), written(made.engine), made.findings()) == ([], [], [])
    made.engine.dispose()
