"""The audit chain on both databases: what is written stays, and whatever was done to it is found."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, update

from config.database import Base, open_database, reading, sqlite_url, writing
from recorder import audit
from recorder.audit import Sought, audit_entry, audit_tip, entries, note, verify

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    Base.metadata.create_all(engine, tables=[audit_entry, audit_tip])
    yield engine
    engine.dispose()


def noted(database: Engine, count: int) -> None:
    for n in range(count):
        with writing(database) as connection:
            note(connection, NOON + timedelta(seconds=n), f"w{n % 3}", "play", f"c{n}", reason="complaint", n=str(n))


def faults(database: Engine, *kept: tuple[int, str]) -> list[int]:
    with reading(database) as connection:
        return [fault.seq for fault in verify(connection, kept).faults]


def test_what_was_noted_is_told_latest_first_and_the_chain_is_whole(database: Engine) -> None:
    noted(database, 7)
    with reading(database) as connection:
        told = entries(connection)
        assert [one.seq for one in told] == [7, 6, 5, 4, 3, 2, 1]
        assert told[0] == audit.Entry(7, NOON + timedelta(seconds=6), "w0", "play", "c6", (("n", "6"), ("reason", "complaint")))
        report = verify(connection)
    assert (report.intact, report.rows, report.tip_seq) == (True, 7, 7)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(who="w1"), [5, 2]),
        (Sought(call_id="c3"), [4]),
        (Sought(action="export"), []),
        (Sought(since=NOON + timedelta(seconds=5)), [7, 6]),
        (Sought(until=NOON + timedelta(seconds=1)), [1]),
        (Sought(limit=2), [7, 6]),
        (Sought(before=6, limit=2), [5, 4]),
        (Sought(who="w0", before=7), [4, 1]),
    ],
)
def test_entries_are_found_by_who_what_whom_and_when(database: Engine, sought: Sought, found: list[int]) -> None:
    noted(database, 7)
    with reading(database) as connection:
        assert [one.seq for one in entries(connection, sought)] == found


def test_how_often_somebody_did_something_is_counted_since_a_time(database: Engine) -> None:
    noted(database, 7)
    with reading(database) as connection:
        assert audit.count(connection, "w0", "play", NOON) == 3
        assert audit.count(connection, "w0", "play", NOON + timedelta(seconds=3)) == 2
        assert audit.count(connection, "w0", "export", NOON) == 0


def test_a_note_that_is_rolled_back_leaves_no_gap(database: Engine) -> None:
    noted(database, 2)
    connection = database.connect()
    with connection, connection.begin() as transaction:
        note(connection, NOON, "ann", "export", "c9")
        transaction.rollback()
    noted(database, 1)
    assert faults(database) == []


def test_what_is_written_later_is_never_dated_earlier(database: Engine) -> None:
    noted(database, 3)
    with writing(database) as connection:
        note(connection, NOON - timedelta(days=1), "ann", "play")
    with reading(database) as connection:
        assert entries(connection)[0].at == NOON + timedelta(seconds=2)
    assert faults(database) == []


@pytest.mark.parametrize(("at", "who", "action"), [(NOON.replace(tzinfo=None), "a", "play"), (NOON, "", "play"), (NOON, "a", "")])
def test_an_entry_without_a_time_a_person_or_an_act_is_refused(database: Engine, at: datetime, who: str, action: str) -> None:
    with pytest.raises(ValueError, match="who did what"), writing(database) as connection:
        note(connection, at, who, action)
    with reading(database) as connection:
        assert entries(connection) == []


def test_many_who_note_at_once_make_one_chain(database: Engine) -> None:
    together = Barrier(6)

    def work(worker: int) -> None:
        together.wait(timeout=30)
        for n in range(8):
            with writing(database) as connection:
                note(connection, NOON, f"w{worker}", "play", f"c{n}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with reading(database) as connection:
        report = verify(connection)
    assert (report.intact, report.rows) == (True, 48)


ROWS = 9
COLUMNS = ("at", "who", "action", "call_id", "facts", "prev_hash", "skip_hash", "hash")


@settings(max_examples=40, deadline=None)
@given(seq=st.integers(1, ROWS), column=st.sampled_from(COLUMNS))
def test_any_column_of_any_entry_that_is_changed_is_found(filled: Engine, seq: int, column: str) -> None:
    here = audit_entry.c.seq == seq
    with writing(filled) as connection:
        before = connection.execute(select(audit_entry.c[column]).where(here)).scalar_one()
        after = (
            before + timedelta(microseconds=1)
            if isinstance(before, datetime)
            else f"{before[:-1]}{'0' if before[-1:] != '0' else '1'}"
        )
        connection.execute(update(audit_entry).where(here).values({column: after}))
    assert faults(filled)
    with writing(filled) as connection:
        connection.execute(update(audit_entry).where(here).values({column: before}))
    assert faults(filled) == []


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_database(sqlite_url(tmp_path_factory.mktemp("audit") / "audit.db"))
    Base.metadata.create_all(engine, tables=[audit_entry, audit_tip])
    noted(engine, ROWS)
    yield engine
    engine.dispose()


def test_an_entry_that_is_taken_out_or_cut_off_at_the_end_is_found(database: Engine) -> None:
    noted(database, 5)
    with writing(database) as connection:
        connection.execute(delete(audit_entry).where(audit_entry.c.seq == 5))
    assert faults(database) == [4]
    noted_rows = delete(audit_entry).where(audit_entry.c.seq == 2)
    with writing(database) as connection:
        connection.execute(noted_rows)
    assert 3 in faults(database)


def test_a_chain_that_was_written_anew_is_told_from_the_one_whose_tip_was_kept(database: Engine) -> None:
    noted(database, 5)
    with reading(database) as connection:
        report = verify(connection)
    kept = (report.tip_seq, report.tip_hash)
    noted(database, 3)
    assert faults(database, kept) == []
    with writing(database) as connection:
        connection.execute(delete(audit_entry))
        connection.execute(delete(audit_tip))
    for n in range(8):
        with writing(database) as connection:
            note(connection, NOON, "mallory", "play", f"c{n}")
    assert faults(database) == []
    assert faults(database, kept) == [5]


def test_an_entry_that_is_put_in_is_found(database: Engine) -> None:
    noted(database, 2)
    with writing(database) as connection:
        row = dict(connection.execute(select(audit_entry).where(audit_entry.c.seq == 2)).mappings().one())
        connection.execute(insert(audit_entry).values(row | {"seq": 3}))
    assert faults(database)
