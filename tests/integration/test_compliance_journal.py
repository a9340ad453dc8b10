"""Opt-outs survive a database that is restored from a backup, and a crash between any two lines."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compliance.facts import EventKind, LedgerEvent, Suppression
from compliance.journal import Journal, JournalDamaged
from compliance.pack_files import load_packs
from compliance.people import People
from compliance.store import Ledger
from compliance.verdict import CallerId, Candidate, Permit
from config.clock import ManualClock
from config.database import Base, open_database, sqlite_url

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOME, MOBILE = "+12125550100", "+19175550101"
ENTRY = Suppression(NOON, "asked", "call", HOME, "ann", until=NOON + timedelta(days=3), campaign="春")


def a_database(directory: Path) -> Engine:
    engine = open_database(sqlite_url(directory / "ringfence.db"))
    Base.metadata.create_all(engine)
    return engine


def a_ledger(engine: Engine, journal: Journal | None) -> Ledger:
    return Ledger(engine, ManualClock(NOON), load_packs(("house",), ROOT), timedelta(seconds=10), journal=journal)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.last() is None
    assert list(journal.entries()) == []
    journal.note([])
    journal.note([(7, ENTRY)])
    journal.note([(8, Suppression(NOON, "opt_out", "key", person="bob")), (9, ENTRY)])
    assert [seq for seq, _ in journal.entries()] == [7, 8, 9]
    assert journal.last() == (9, ENTRY)
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_cut_off_was_never_promised_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.note([(7, ENTRY)])
    with path.open("ab") as file:
        file.write(b'{"seq": 8, "number": "+1212')
    assert journal.last() == (7, ENTRY)
    assert list(journal.entries()) == [(7, ENTRY)]
    journal.note([(8, ENTRY)])
    assert list(journal.entries()) == [(7, ENTRY), (8, ENTRY)]


def test_a_line_that_was_spoiled_is_named_and_nobody_goes_on_without_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.note([(7, ENTRY), (8, ENTRY)])
    path.write_bytes(path.read_bytes().replace(b'"seq": 7', b'"seq": ', 1))
    with pytest.raises(JournalDamaged, match="line 1 of the do-not-call journal"):
        list(journal.entries())


@pytest.mark.parametrize("way", ["command", "call", "import", "other system"])
def test_an_opt_out_survives_the_restore_of_an_older_backup(tmp_path: Path, way: str) -> None:
    journal = Journal(tmp_path / "opt-outs.jsonl")
    engine = a_database(tmp_path)
    ledger = a_ledger(engine, journal)
    ledger.suppress(person="first", reason="asked", source="call")
    engine.dispose()
    shutil.copy(tmp_path / "ringfence.db", tmp_path / "backup.db")
    engine = a_database(tmp_path)
    ledger = a_ledger(engine, journal)
    match way:
        case "command":
            ledger.suppress(HOME, "ann", reason="asked", source="command")
        case "call":
            call = Candidate("a1", "ann", HOME, "spring", "acme", "solar", caller_id=CallerId("+12125550199"))
            permit = ledger.permit(call)
            assert isinstance(permit, Permit)
            ledger.spend(permit.permit_id)
            ledger.record("a1", EventKind.OPT_OUT, NOON)
        case "import":
            ledger.import_suppressions([Suppression(NOON, "listed", "import", HOME), Suppression(NOON, "l", "i", None, "ann")])
        case _:
            event = LedgerEvent(EventKind.OPT_OUT, NOON, "ann", HOME, "", "", "")
            People(engine, ManualClock(NOON), journal).note([event])
    assert ledger.catch_up() == 0
    engine.dispose()
    for left in tmp_path.glob("ringfence.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "ringfence.db")
    engine = a_database(tmp_path)
    restored = a_ledger(engine, journal)
    assert restored.suppressed(HOME, "ann") is None  # as the backup knew it
    assert restored.catch_up() > 0
    assert restored.suppressed(HOME, "") is not None
    assert restored.suppressed(MOBILE, "ann") is not None
    assert restored.catch_up() == 0
    assert restored.verify_chain().intact
    engine.dispose()


def test_killed_between_the_journal_and_the_commit_the_person_is_on_the_list_after_the_restart(tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from compliance import rows
        from tests.integration.test_compliance_journal import HOME, Journal, a_database, a_ledger
        from pathlib import Path
        here = Path({str(tmp_path)!r})
        written = Journal.note
        def note_and_die(self, entries):
            written(self, entries)
            os.kill(os.getpid(), signal.SIGKILL)
        Journal.note = note_and_die
        a_ledger(a_database(here), Journal(here / "journal")).suppress(HOME, reason="asked", source="call")
    """
    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    engine = a_database(tmp_path)
    ledger = a_ledger(engine, Journal(tmp_path / "journal"))
    assert ledger.suppressed(HOME, "") is None
    assert ledger.catch_up() == 1
    assert ledger.suppressed(HOME, "") is not None
    engine.dispose()
