"""The history of the database, on real SQLite files: the shipped one, and scratch ones for what may go wrong."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, inspect, text

from compliance.pack_files import load_packs
from compliance.store import Ledger
from config import migrate
from config.clock import SystemClock
from config.database import NAMING, Base, UtcDateTime, open_database, reading, sqlite_url, writing

STORES = (
    "compliance.store",
    "recorder.recording_keys",
    "recorder.store",
    "dialer.store",
    "recorder.approvals",
    "recorder.archive_chain",
    "recorder.audit",
    "recorder.erasure_requests",
    "recorder.holds",
    "recorder.purge",
    "recorder.qa.tables",
    "recorder.sharing",
    "recorder.staff",
    "recorder.transcripts",
)
SHIPPED = Path(migrate.__file__).with_name("migrations")
ROOT = Path(migrate.__file__).parents[1]


def a_database(directory: Path) -> Engine:
    return open_database(sqlite_url(directory / "ringfence.db"))


def tables_of(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty history with the shipped environment and template; its directory of revisions."""
    history = tmp_path / "migrations"
    shutil.copytree(SHIPPED, history, ignore=shutil.ignore_patterns("versions", "__pycache__"))
    (history / "versions").mkdir()
    monkeypatch.setattr(migrate, "LOCATION", str(history))
    return history / "versions"


def a_revision(versions: Path, number: int, *statements: str) -> None:
    """A revision written by hand, whose steps are the given Python statements."""
    previous = f"{number - 1:04d}" if number > 1 else None
    body = "\n".join(f"    {statement}" for statement in statements)
    (versions / f"{number:04d}_by_hand.py").write_text(
        f"import os, signal\nfrom alembic import op\nimport sqlalchemy as sa\n"
        f'revision = "{number:04d}"\ndown_revision = {previous!r}\n\ndef upgrade():\n{body}\n'
    )


def create(table: str, *columns: str) -> str:
    return f"op.create_table({table!r}, sa.Column('id', sa.Integer, primary_key=True){''.join(', ' + c for c in columns)})"


def test_the_shipped_history_makes_exactly_the_tables_of_the_stores(tmp_path: Path) -> None:
    for store in STORES:
        import_module(store)
    engine = a_database(tmp_path)
    migrate.upgrade(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    assert tables_of(engine) == {*Base.metadata.tables, "alembic_version"}
    assert migrate.is_current(engine)


OLD_ROW = (
    "INSERT INTO ledger (seq, kind, at, recorded_at, attempt_id, person, number, campaign, seller, subject, zones, facts, "
    "prev_hash, hash) VALUES (:seq, :kind, :at, :at, :attempt_id, 'ann', '+12125550100', :campaign, '', '', '[]', "
    ":facts, :previous, :hash)"
)


def a_database_of_the_first_call(url: str, rows: int) -> Engine:
    """A database of the first revision, with a ledger in the chain of its time."""
    engine = open_database(url)
    migrate.upgrade(engine, "0001")
    with writing(engine) as connection:
        previous = "0" * 64
        utc = "" if engine.dialect.name == "sqlite" else "+00:00"
        for seq in range(1, rows + 1):
            kind, facts = (
                ("suppressed", '{"reason":"opt_out","scope":"internal","source":"key"}') if seq == 2 else ("attempt", "{}")
            )
            told = {"kind": kind, "attempt_id": None if seq == 2 else f"a{seq}", "facts": facts, "zones": "[]"}
            told |= {"person": "ann", "number": "+12125550100", "seller": "", "subject": ""}
            told |= {"campaign": "" if seq == 2 else "spring"}
            at = f"2026-06-15T12:00:{seq % 60:02d}.000000+00:00"
            body = json.dumps(told | {"at": at, "recorded_at": at}, sort_keys=True, separators=(",", ":"))
            own = hashlib.sha256(f"{previous}\n{seq}\n{body}".encode()).hexdigest()
            written = at[:26].replace("T", " ") + utc
            values = {"seq": seq, "previous": previous, "hash": own, "at": written}
            connection.execute(text(OLD_ROW), values | {name: told[name] for name in ("kind", "attempt_id", "facts", "campaign")})
            previous = own
        connection.execute(text("INSERT INTO ledger_tip VALUES (1, :seq, :hash)"), {"seq": rows, "hash": previous})
        entry = "INSERT INTO suppression VALUES (2, 'internal', '+12125550100', 'ann', :at, 'opt_out', 'key')"
        connection.execute(text(entry), {"at": f"2026-06-15 12:00:02.000000{utc}"})
    return engine


def test_a_ledger_of_the_first_call_is_carried_over_and_is_intact(database_url: str) -> None:
    engine = a_database_of_the_first_call(database_url, 23)
    migrate.upgrade(engine)
    ledger = Ledger(engine, SystemClock(), load_packs(("house",), ROOT), timedelta(seconds=10))
    report = ledger.verify_chain()
    assert report.intact, report.faults
    assert report.rows == 23
    entry = ledger.suppressed("+12125550100", "bob")
    assert entry is not None
    assert entry.until is None
    engine.dispose()


def test_a_ledger_that_was_tampered_with_is_not_made_good_by_carrying_it_over(tmp_path: Path) -> None:
    engine = a_database_of_the_first_call(sqlite_url(tmp_path / "ringfence.db"), 5)
    with writing(engine) as connection:
        connection.execute(text("UPDATE ledger SET person = 'bob' WHERE seq = 3"))
    with pytest.raises(RuntimeError, match="row 3 of the ledger is not as it was written"):
        migrate.upgrade(engine)
    assert migrate.current(engine) == "0001"
    engine.dispose()


def test_an_empty_database_is_not_current_until_it_is_upgraded(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, create("call"))
    engine = a_database(tmp_path)
    assert (migrate.current(engine), migrate.head(), migrate.is_current(engine)) == (None, "0001", False)
    migrate.upgrade(engine)
    assert (migrate.current(engine), migrate.is_current(engine)) == ("0001", True)
    migrate.upgrade(engine)
    assert tables_of(engine) == {"call", "alembic_version"}


def test_a_revision_holds_what_leads_from_the_database_to_the_tables(tmp_path: Path, scratch: Path) -> None:
    engine = a_database(tmp_path)
    wanted = MetaData(naming_convention=NAMING)
    Table("agent", wanted, Column("id", Integer, primary_key=True), Column("hired_at", UtcDateTime, nullable=False))
    first = migrate.revision(engine, "agents", wanted)
    migrate.upgrade(engine)
    Table("leave", wanted, Column("id", Integer, primary_key=True), Column("agent", ForeignKey("agent.id"), nullable=False))
    wanted.tables["agent"].append_column(Column("name", String(40), nullable=True, index=True))
    second = migrate.revision(engine, "leave", wanted)
    migrate.upgrade(engine)
    assert [path.name for path in (first, second)] == ["0001_agents.py", "0002_leave.py"]
    assert migrate.current(engine) == "0002"
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), wanted) == []
    for path in (first, second):
        for tool in ("format", "check"):
            ruff = [sys.executable, "-m", "ruff", tool, "--quiet", "--config", "pyproject.toml", str(path)]
            subprocess.run(ruff, check=True, cwd=ROOT)


def test_a_revision_that_fails_halfway_changes_nothing(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, create("call"))
    a_revision(scratch, 2, create("agent"), "op.execute('SELECT * FROM nowhere')")
    engine = a_database(tmp_path)
    with pytest.raises(Exception, match="nowhere"):
        migrate.upgrade(engine)
    assert tables_of(engine) == set()
    assert migrate.current(engine) is None


def test_an_upgrade_that_is_killed_halfway_leaves_the_schema_it_found_and_can_be_repeated(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, create("call"))
    a_revision(scratch, 2, create("agent"), "os.environ.get('KILL') and os.kill(os.getpid(), signal.SIGKILL)", create("leave"))
    engine = a_database(tmp_path)
    program = textwrap.dedent(
        f"""
        from config import migrate
        from config.database import open_database
        migrate.LOCATION = {str(scratch.parent)!r}
        migrate.upgrade(open_database({str(engine.url)!r}))
        """
    )
    killed = subprocess.run([sys.executable, "-c", program], env={**os.environ, "KILL": "1"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert tables_of(engine) == set()
    migrate.upgrade(engine)
    assert tables_of(engine) == {"call", "agent", "leave", "alembic_version"}


def test_nodes_that_start_at_once_upgrade_once(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, create("call"), "op.execute('INSERT INTO call (id) VALUES (1)')")
    nodes = 4
    together = Barrier(nodes)

    def start(_node: int) -> None:
        engine = a_database(tmp_path)
        together.wait(timeout=60)
        migrate.upgrade(engine)
        engine.dispose()

    with ThreadPoolExecutor(nodes) as pool:
        list(pool.map(start, range(nodes)))
    with reading(a_database(tmp_path)) as connection:
        assert connection.execute(text("SELECT count(*) FROM call")).scalar_one() == 1


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, create("call"))
    a_revision(scratch, 2, create("agent"))
    engine = a_database(tmp_path)
    migrate.upgrade(engine)
    (scratch / "0002_by_hand.py").unlink()
    with pytest.raises(migrate.UnknownRevision, match="at revision 0002, made by a newer Ringfence"):
        migrate.upgrade(engine)
    assert migrate.current(engine) == "0002"
    assert not migrate.is_current(engine)


PARENT_AND_CHILD = (
    create("agent"),
    create("leave", "sa.Column('agent', sa.Integer, sa.ForeignKey('agent.id', ondelete='CASCADE'))"),
)
ONE_OF_EACH = "op.execute('INSERT INTO agent VALUES (1)'), op.execute('INSERT INTO leave VALUES (1, 1)')"


def test_a_table_that_others_point_to_can_be_rebuilt_without_losing_them(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, *PARENT_AND_CHILD, ONE_OF_EACH)
    a_revision(
        scratch,
        2,
        "with op.batch_alter_table('agent', recreate='always') as t: t.add_column(sa.Column('name', sa.String))",
    )
    engine = a_database(tmp_path)
    migrate.upgrade(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM leave JOIN agent ON leave.agent = agent.id")).scalar_one() == 1


def test_a_revision_that_leaves_rows_pointing_nowhere_is_undone(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, *PARENT_AND_CHILD, ONE_OF_EACH)
    engine = a_database(tmp_path)
    migrate.upgrade(engine)
    a_revision(scratch, 2, "op.execute('DELETE FROM agent')")
    with pytest.raises(migrate.BrokenReference, match="1 rows point nowhere, first in table leave"):
        migrate.upgrade(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM agent")).scalar_one() == 1
    assert migrate.current(engine) == "0001"


def test_foreign_keys_hold_again_after_an_upgrade(tmp_path: Path, scratch: Path) -> None:
    a_revision(scratch, 1, *PARENT_AND_CHILD)
    engine = a_database(tmp_path)
    migrate.upgrade(engine)
    with pytest.raises(Exception, match="FOREIGN KEY constraint failed"), writing(engine) as connection:
        connection.execute(text("INSERT INTO leave VALUES (1, 42)"))
