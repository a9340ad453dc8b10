"""Calls, ledger, CDRs, recordings and files held against each other: a clean day is no finding, what is taken away is one."""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from compliance.pack_files import load_packs
from compliance.store import Ledger
from compliance.tables import ledger
from config import migrate
from config.clock import ManualClock
from config.database import open_database, reading, sqlite_url, writing
from dialer.floor import FloorCall
from dialer.store.legs import placed
from dialer.tables import AttemptRow
from recorder import store
from recorder.archive_chain import signed_by
from recorder.cdr import NotCdrs, cdr_book
from recorder.legs import Kind, State, Terms
from recorder.naming import Side
from recorder.reconcile import Report, reconcile, tell
from recorder.service import Archivist
from recorder.store import RecordingRow
from recorder.witnesses import ALWAYS, Period
from sip.subscribers import Answers, RingsOut
from tests.conftest import emptied
from tests.dialer_site import NOON, RunningFloor
from tests.dialer_site import Site as DialerSite
from tests.recorder_audio import SITE_KEY, a_conversation, a_vault, leave, padded

TALKS = Answers(rings_for=timedelta(seconds=1), talks_for=timedelta(seconds=15))
FOREIGN = "f" * 32
FULL_DAY = timedelta(seconds=75)


class Day:
    """A site after its calls: three people talked, one did not answer; the PBX has its CDRs and left its files."""

    def __init__(self, directory: Path, database: Engine, at: datetime = NOON + FULL_DAY) -> None:
        self.clock = ManualClock(at)
        self.engine = signed_by(database, SITE_KEY)
        packs = load_packs(("house",), directory)
        ledger_of_site = Ledger(self.engine, self.clock, packs, timedelta(seconds=10))
        self.site = DialerSite(directory, self.clock, self.engine, ledger_of_site, packs)
        self.spool, self.vault, self.cdrs = directory / "spool", a_vault(directory), directory / "Master.csv"
        self.calls = self.site.calls()

    @property
    def answered(self) -> list[FloorCall]:
        return [call for call in self.calls if call.call.answered_at is not None]

    def rings(self) -> None:
        """The calls are made, by a real floor on a simulated PBX."""
        campaign = self.site.campaign()
        for n in range(3):
            self.site.lead(campaign, f"+1212555010{n}", TALKS)
        self.site.lead(campaign, "+12125550109", RingsOut())
        self.site.agents("ann", "bob", "cy", "dee")  # as many as calls
        floor = RunningFloor(self.site)
        for agent in ("ann", "bob", "cy", "dee"):
            floor.pbx.agent_up(agent)
        floor.advance(FULL_DAY.total_seconds())
        self.calls = self.site.calls()
        assert (len(self.calls), len(self.answered)) == (4, 3)
        for call in self.calls:
            self.leave_audio(call)
        write_cdrs(self.cdrs, [_cdr(call) for call in self.calls])

    def leave_audio(self, call: FloorCall) -> None:
        answered, ended = call.call.answered_at, call.call.ended_at
        if answered is not None and ended is not None:
            seconds = (ended - answered).total_seconds()
            leave(self.spool, call.call_id, {side: padded(part, seconds) for side, part in a_conversation(20).items()})

    def archive(self) -> None:
        archivist = Archivist(self.engine, self.clock, self.spool, self.vault, self.spool)
        self.clock.advance(timedelta(seconds=70))
        archivist.work_once()
        archivist.close()

    def reconcile(self, period: Period = ALWAYS, cdrs: Sequence[Path] | None = None) -> Report:
        self.clock.advance(timedelta(hours=1))
        with cdr_book() as book:
            book.read([self.cdrs] if cdrs is None else cdrs, "carrier")
            terms = Terms(self.clock.now(), with_cdrs=True)
            return reconcile(self.engine, self.vault, self.spool, placed, terms, book=book, period=period)

    def found(self, period: Period = ALWAYS) -> list[tuple[Kind, str | None]]:
        return sorted(((one.kind, one.call_id) for one in self.reconcile(period).findings), key=str)


def a_line(call_id: str, start: datetime, answer: datetime | None, end: datetime, channel: str = "PJSIP/carrier-00000001") -> str:
    """One line as Asterisk's cdr_csv writes it with loguniqueid=yes and usegmtime=yes."""
    times = ",".join(f'"{at:%Y-%m-%d %H:%M:%S}"' if at else "" for at in (start, answer, end))
    talk = int((end - answer).total_seconds()) if answer else 0
    verdict = "ANSWERED" if answer else "NO ANSWER"
    head = (
        f'"","+12125550100","101","rf-connect",""""" <+12125550100>","{channel}","","ConfBridge","rf-101,rf_bridge,rf_customer"'
    )
    return f'{head},{times},{int((end - start).total_seconds())},{talk},"{verdict}","DOCUMENTATION","{call_id}"\n'


def write_cdrs(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(lines))


def _cdr(call: FloorCall) -> str:
    ended = call.call.ended_at
    assert ended is not None
    return a_line(call.call_id, call.call.ordered_at, call.call.answered_at, ended)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sites on SQLite to be copied: before and after archiving."""
    made: dict[str, Path] = {}
    for name in ("day", "archived"):
        made[name] = tmp_path_factory.mktemp(name) / "site"
        if name == "day":
            made[name].mkdir()
            migrate.upgrade(database := open_database(sqlite_url(made[name] / "ringfence.db")))
            Day(made[name], database, NOON).rings()
        else:
            shutil.copytree(made["day"], made[name])
            database = open_database(sqlite_url(made[name] / "ringfence.db"))
            Day(made[name], database).archive()
        database.dispose()
    return made


def a_copy(of: Path, directory: Path) -> Iterator[Day]:
    """A site like that, to be spoiled."""
    shutil.copytree(of, directory / "site")
    database = open_database(sqlite_url(directory / "site" / "ringfence.db"))
    yield Day(directory / "site", database)
    database.dispose()


@pytest.fixture
def day(days: dict[str, Path], tmp_path: Path) -> Iterator[Day]:
    yield from a_copy(days["day"], tmp_path)


@pytest.fixture
def archived(days: dict[str, Path], tmp_path: Path) -> Iterator[Day]:
    yield from a_copy(days["archived"], tmp_path)


@pytest.mark.postgresql
def test_the_same_is_found_on_postgresql(postgresql_database: str, tmp_path: Path) -> None:
    database = open_database(emptied(postgresql_database))
    migrate.upgrade(database)
    day = Day(tmp_path, database, NOON)
    day.rings()
    day.archive()
    report = day.reconcile()
    assert report.findings == ()
    assert report.states == {State.RECORDED: 3, State.NOT_ANSWERED: 1}
    gone = day.answered[0].call_id
    with writing(database) as connection:
        connection.execute(delete(RecordingRow).where(RecordingRow.call_id == gone))
    assert (Kind.NO_RECORDING, gone) in day.found()
    database.dispose()


def test_a_clean_day_is_no_finding(archived: Day) -> None:
    report = archived.reconcile()
    assert report.findings == ()
    assert report.states == {State.RECORDED: 3, State.NOT_ANSWERED: 1}


def test_whatever_is_taken_away_after_archiving_is_found(archived: Day) -> None:
    by_file, by_row, by_ledger = (call.call_id for call in archived.answered)
    with reading(archived.engine) as connection:
        paths = {one.call_id: one.path for one in store.in_archive(connection)}
    (archived.vault.root / paths[by_file]).unlink()
    with writing(archived.engine) as connection:
        connection.execute(delete(RecordingRow).where(RecordingRow.call_id == by_row))
        connection.execute(delete(ledger).where(ledger.c.attempt_id == by_ledger, ledger.c.kind == "live_answer"))
    with archived.cdrs.open("a") as file:
        file.write(a_line(FOREIGN, NOON, NOON + timedelta(seconds=2), NOON + timedelta(seconds=9)))
    left = [(Kind.FILE_UNKNOWN, by_row)] * 3  # audio, sidecar, key
    expected = [(Kind.FILE_MISSING, by_file), (Kind.NO_RECORDING, by_row), (Kind.LEDGER, by_ledger), *left]
    assert archived.found() == sorted([*expected, (Kind.UNKNOWN_CALL, FOREIGN)], key=str)


def test_raw_files_that_vanish_before_archiving_are_found_until_somebody_has_seen_the_alert(day: Day) -> None:
    lost, half = (call.call_id for call in day.answered[:2])
    for path in day.spool.glob(f"{lost}-*.wav"):
        path.unlink()
    (day.spool / f"{half}-agent.wav").unlink()
    day.archive()
    assert day.found() == [(Kind.NO_RECORDING, lost)]
    assert any(half in note and "agent_missing" in note for note in day.reconcile().notes)
    with writing(day.engine) as connection:
        store.mark_seen(connection, None)
    report = day.reconcile()
    assert report.findings == ()
    assert report.states[State.ALERTED] == 1


def test_a_call_that_waits_in_the_spool_is_found_when_it_waits_for_too_long(day: Day) -> None:
    assert day.found() == sorted(((Kind.WAITS, call.call_id) for call in day.answered), key=str)


def test_the_calls_of_the_floor_cannot_go_unnoticed(archived: Day) -> None:
    gone, denied = (call.call_id for call in archived.answered[:2])
    with writing(archived.engine) as connection:
        connection.execute(delete(AttemptRow).where(AttemptRow.call_id == gone))
        connection.execute(update(AttemptRow).where(AttemptRow.call_id == denied).values(answered_at=None))
    found = archived.found()
    assert found == sorted(
        [
            (Kind.UNKNOWN_CALL, gone),  # it is recorded
            (Kind.UNKNOWN_CALL, gone),  # and has a CDR
            (Kind.LEDGER, gone),
            (Kind.NOT_ANSWERED, denied),
            (Kind.LEDGER, denied),
        ],
        key=str,
    )


def test_a_missing_a_cut_and_a_broken_line_of_the_cdrs(archived: Day) -> None:
    lost = archived.answered[0].call_id
    lines = archived.cdrs.read_text().splitlines(keepends=True)
    (of_lost,) = (line for line in lines if lost in line)
    rest = [line for line in lines if line is not of_lost]
    write_cdrs(archived.cdrs, ["not a CDR\n", *rest, of_lost[:-20]])  # the last line is about to be written
    assert archived.found() == sorted([(Kind.CDR_UNREADABLE, None), (Kind.CDR_MISSING, lost)], key=str)


def test_cdrs_of_several_files_and_of_several_legs_of_one_call_count_once(archived: Day, tmp_path: Path) -> None:
    lines = archived.cdrs.read_text().splitlines(keepends=True)
    older = tmp_path / "Master.csv.1"
    write_cdrs(older, lines[:2])
    write_cdrs(archived.cdrs, lines[1:])
    assert archived.reconcile(cdrs=[older, archived.cdrs]).findings == ()


def test_cdrs_without_the_id_of_their_leg_are_refused_with_what_to_set(archived: Day) -> None:
    line = archived.cdrs.read_text().splitlines()[0].rpartition(",")[0]
    write_cdrs(archived.cdrs, [line + "\n"])
    with pytest.raises(NotCdrs, match="loguniqueid=yes"):
        archived.reconcile()


def test_only_the_calls_of_the_period_are_judged(archived: Day) -> None:
    with writing(archived.engine) as connection:
        connection.execute(delete(RecordingRow))
    for path in archived.vault.files():
        (archived.vault.root / path).unlink()
    assert len(archived.reconcile().findings) == 3
    ordered = [call.call.ordered_at for call in archived.calls]
    assert archived.reconcile(Period(until=min(ordered))).calls == 0
    assert archived.reconcile(Period(since=max(ordered) + timedelta(seconds=1))).calls == 0
    assert archived.reconcile(Period(since=min(ordered), until=max(ordered) + timedelta(seconds=1))).calls == 4


def test_strange_files_in_archive_and_spool_are_found(archived: Day) -> None:
    (archived.vault.root / "stranger.flac").write_bytes(b"x")
    stray = archived.spool / f"{FOREIGN}-{Side.AGENT}.wav"
    stray.write_bytes(b"x")
    now = archived.clock.now().timestamp()
    os.utime(stray, (now + 3500, now + 3500))
    assert archived.found() == [(Kind.FILE_UNKNOWN, None)], "the one in the spool may be of a call that goes on"
    assert archived.found() == [(Kind.FILE_UNKNOWN, FOREIGN), (Kind.FILE_UNKNOWN, None)]


def test_each_finding_is_told_once(archived: Day) -> None:
    with archived.cdrs.open("a") as file:
        file.write(a_line(FOREIGN, NOON, NOON + timedelta(seconds=2), NOON + timedelta(seconds=9)))
    report = archived.reconcile()
    assert tell(archived.engine, report, archived.clock.now()) == 1
    assert tell(archived.engine, report, archived.clock.now()) == 0
    with reading(archived.engine) as connection:
        assert [one.call_id for one in store.alerts(connection) if one.kind == "recording_gap"] == [FOREIGN]
