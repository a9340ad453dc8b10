"""Nothing in the archive or its index can be altered, taken away, put in or exchanged unseen: not a bit."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from compliance.evidence_key import EvidenceKey
from compliance.signing import public_half
from config.database import sqlite_url, writing
from recorder import archive_chain, archive_head
from recorder.archive_head import HEAD, LOCK, HeadDisagrees
from recorder.naming import key_path, sidecar_path
from recorder.store import enqueue
from recorder.vault import Archived, Vault
from recorder.verification import Finding, Flaw, verify_all
from tests.archived_calls import a_kept_call, a_signed_database, an_archived_call, files_below
from tests.recorder_audio import ANSWERED, SITE_KEY, a_record, a_vault

CALLS = ("c0", "c1", "c2")
TABLES = ("recording", "recording_chain", "recording_key")


@dataclass
class Kept:
    """An archive with three calls in it."""

    engine: Engine
    vault: Vault
    calls: dict[str, Archived]

    def findings(self) -> list[Finding]:
        return verify_all(self.engine, self.vault)

    def found(self) -> set[tuple[Flaw, str, str | None]]:
        return {(one.flaw, one.path, one.call_id) for one in self.findings()}

    def do(self, sql: str, **values: object) -> None:
        with writing(self.engine) as connection:
            connection.execute(text(sql), values)


@contextmanager
def an_archive(url: str, directory: Path, *, seals: bool = True) -> Iterator[Kept]:
    engine, vault = a_signed_database(url), a_vault(directory, seals=seals)
    calls = {call_id: an_archived_call(engine, vault, call_id, f"the audio of {call_id} ".encode() * 50) for call_id in CALLS}
    yield Kept(engine, vault, calls)
    engine.dispose()


@pytest.fixture
def kept(database_url: str, tmp_path: Path) -> Iterator[Kept]:
    with an_archive(database_url, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """One archive for many examples: each puts back what it altered."""
    directory = tmp_path_factory.mktemp("lasting")
    with an_archive(sqlite_url(directory / "site.db"), directory) as made:
        yield made


def test_an_untouched_archive_has_no_findings(kept: Kept) -> None:
    assert kept.findings() == []


def test_an_archive_that_is_not_encrypted_has_no_findings_either(tmp_path: Path) -> None:
    with an_archive(sqlite_url(tmp_path / "site.db"), tmp_path, seals=False) as kept:
        assert kept.findings() == []
        path = kept.vault.root / kept.calls["c1"].path
        path.write_bytes(path.read_bytes() + b"x")
        assert kept.found() == {(Flaw.ALTERED, kept.calls["c1"].path, "c1")}


def test_a_new_site_with_nothing_archived_has_no_findings(tmp_path: Path) -> None:
    engine = a_signed_database(sqlite_url(tmp_path / "site.db"))
    assert verify_all(engine, a_vault(tmp_path)) == []
    engine.dispose()


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_in_the_archive_is_found(lasting: Kept, data: st.DataObject) -> None:
    files = [path for path in files_below(lasting.vault.root) if path.name != LOCK]
    assert len(files) == 3 * len(CALLS) + 1
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    altered = bytearray(content)
    altered[place // 8] ^= 1 << place % 8
    file.write_bytes(altered)
    try:
        paths = {finding.path for finding in lasting.findings()}
    finally:
        file.write_bytes(content)
    assert paths == {file.relative_to(lasting.vault.root).as_posix()}


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_in_any_column_of_the_index_is_found(lasting: Kept, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))
    with lasting.engine.connect() as connection:
        rows = [row._mapping for row in connection.exec_driver_sql(f"select rowid as place, * from {table}")]
    row = data.draw(st.sampled_from(rows))
    column = data.draw(
        st.sampled_from(sorted(name for name, value in row.items() if name != "place" and value not in {None, ""}))
    )
    flipped, value = _flipped(row[column], data.draw(st.integers(0, 10_000)))
    where = "rowid" if column != "seq" else "hash"  # `seq` is the rowid itself
    values = {"place": row["place"] if where == "rowid" else row["hash"], "value": value, "before": row[column]}
    try:
        lasting.do(f"update {table} set {column} = {flipped} where {where} = :place", **values)
    except DBAPIError:  # the database refuses it: two rows of one key
        return
    try:
        assert lasting.findings(), (table, column, row[column], value)
    finally:
        lasting.do(f"update {table} set {column} = :before where {where} = :place", **values)


def test_a_time_in_another_spelling_is_found(lasting: Kept) -> None:
    """SQLite keeps text, and `2026-03-02!15:04:05` is read as the same time: not a bit may differ all the same."""
    for table, column in (("recording", "ended_at"), ("recording_chain", "at")):
        change = f"update {table} set {column} = replace({column}, :before, :after) where call_id = 'c1'"
        lasting.do(change, before=" ", after="!")
        assert lasting.findings() != []
        lasting.do(change, before="!", after=" ")
    assert lasting.findings() == []


def _flipped(value: Any, place: int) -> tuple[str, Any]:
    """The value with one bit flipped, as it would lie in the file; text may not be UTF-8 any more."""
    match value:
        case int():
            return ":value", value ^ 1 << place % 31
        case float():
            bits = struct.unpack("<q", struct.pack("<d", value))[0] ^ 1 << place % 51  # of the fraction: stays a number
            return ":value", struct.unpack("<d", struct.pack("<q", bits))[0]
        case str():
            content = bytearray(value.encode())
            place %= len(content) * 8
            content[place // 8] ^= 1 << place % 8
            return "cast(:value as text)", bytes(content)
    raise AssertionError(value)


def test_after_all_that_the_archive_is_as_it_was(lasting: Kept) -> None:
    assert lasting.findings() == []


@pytest.mark.parametrize("what", ["audio", "sidecar", "key", "head"])
def test_a_file_that_is_gone_is_found(kept: Kept, what: str) -> None:
    path = _file(kept.calls["c1"], what)
    (kept.vault.root / path).unlink()
    flaw = (Flaw.CHAIN, HEAD, None) if what == "head" else (Flaw.MISSING, path, "c1")
    assert kept.found() == {flaw}


def _file(call: Archived, what: str) -> str:
    return {"audio": call.path, "sidecar": sidecar_path(call.path), "key": key_path(call.path) or "", "head": HEAD}[what]


@pytest.mark.parametrize("what", ["audio", "sidecar"])
def test_two_files_that_changed_places_are_found_and_told_apart_from_altered_ones(kept: Kept, what: str) -> None:
    first, second = (kept.vault.root / _file(kept.calls[call_id], what) for call_id in CALLS[:2])
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    findings = kept.findings()
    assert [(one.flaw, one.call_id) for one in findings] == [(Flaw.SWAPPED, call_id) for call_id in CALLS[:2]]
    assert "call c1" in findings[0].text


def test_two_calls_whose_files_and_rows_changed_places_altogether_are_found(kept: Kept) -> None:
    """Whoever has the database can move a recording under another call, row and all; not in the chain."""
    kept.do("update recording set call_id = 'other' where call_id = 'c0'")
    kept.do("update recording set call_id = 'c0' where call_id = 'c1'")
    kept.do("update recording set call_id = 'c1' where call_id = 'other'")
    assert {(flaw, call_id) for flaw, _, call_id in kept.found()} >= {(Flaw.ALTERED, "c0"), (Flaw.ALTERED, "c1")}


def test_files_that_were_added_are_found(kept: Kept) -> None:
    folder = (kept.vault.root / kept.calls["c0"].path).parent
    (folder / "extra.flac").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "c0.flac").write_bytes(b"in the clear")
    (kept.vault.root / "link").symlink_to("/etc")
    assert {(flaw, Path(path).name) for flaw, path, _ in kept.found()} == {
        (Flaw.ADDED, name) for name in ("extra.flac", ".hidden", "c0.flac", "link")
    }


@pytest.mark.parametrize(
    ("table", "place"), [("recording", "recording"), ("recording_key", "recording_key"), ("recording_chain", "recording")]
)
def test_a_row_that_is_gone_is_found(kept: Kept, table: str, place: str) -> None:
    kept.do(f"delete from {table} where call_id = 'c1'")
    assert ("c1", f"index: {place}") in {(call_id, path) for _, path, call_id in kept.found()}


def test_links_cut_off_at_the_end_with_all_that_they_told_of_are_missed_by_the_head(kept: Kept) -> None:
    for table in TABLES:
        kept.do(f"delete from {table} where call_id = 'c2'")
    kept.vault.remove(kept.calls["c2"])
    (finding,) = kept.findings()
    assert (finding.flaw, finding.path) == (Flaw.CHAIN, HEAD)
    assert "ends at link 2, but its head tells link 3" in finding.text


def test_a_chain_that_was_written_anew_by_somebody_without_the_key_is_found(kept: Kept) -> None:
    """The hashes can be computed by anybody; the signatures cannot."""
    other = EvidenceKey(b"x" * 32, public_half(b"x" * 32))
    kept.do("delete from recording_chain")
    archive_chain.signed_by(kept.engine, other)
    with writing(kept.engine) as connection:
        for call_id in CALLS:
            archive_chain.append(connection, archive_chain.ARCHIVED, call_id, {"row": "forged"}, ANSWERED)
    (kept.vault.root / HEAD).unlink()
    archive_chain.signed_by(kept.engine, SITE_KEY)
    texts = [one.text for one in kept.findings() if one.flaw is Flaw.CHAIN]
    assert sum("signature" in told for told in texts) == len(CALLS)


def test_a_key_of_the_site_that_is_lost_is_told_by_its_name(kept: Kept, tmp_path: Path) -> None:
    (lost,) = (tmp_path / "secrets").glob("*.key")
    lost.unlink()
    findings = verify_all(kept.engine, a_vault(tmp_path))
    assert {(one.flaw, one.call_id) for one in findings} == {(Flaw.KEY_LOST, call_id) for call_id in CALLS}
    assert lost.stem in findings[0].text


def test_a_recording_on_its_way_in_is_no_finding(kept: Kept) -> None:
    call = a_record("c9")
    with writing(kept.engine) as connection:
        enqueue(connection, call)
    kept.vault.unfinished("c9", ANSWERED, 1).write_bytes(b"audio")
    assert kept.findings() == []
    a_kept_call(kept.vault, "c9")  # its row is not committed yet
    assert kept.findings() == []


def test_a_purged_recording_is_no_finding_and_one_that_came_back_is(kept: Kept) -> None:
    call = kept.calls["c1"]
    before = {path: path.read_bytes() for path in files_below(kept.vault.root) if path.name.startswith("c1.")}
    with writing(kept.engine) as connection:
        connection.execute(text("delete from recording where call_id = 'c1'"))
        connection.execute(text("delete from recording_key where call_id = 'c1'"))
        archive_chain.append(connection, archive_chain.PURGED, "c1", {"why": "retention"}, ANSWERED)
    kept.vault.remove(call)
    archive_head.publish(kept.engine, kept.vault.root)
    assert kept.findings() == []
    for path, content in before.items():
        path.write_bytes(content)
    assert {flaw for flaw, _, _ in kept.found()} == {Flaw.ADDED}


def test_the_head_is_never_moved_back_and_never_over_one_that_disagrees(kept: Kept) -> None:
    head = kept.vault.root / HEAD
    newest = head.read_bytes()
    kept.do("delete from recording_chain where call_id = 'c2'")  # as a database put back from yesterday
    with pytest.raises(HeadDisagrees, match="link 3"):
        archive_head.publish(kept.engine, kept.vault.root)
    assert head.read_bytes() == newest
    head.unlink()
    with pytest.raises(HeadDisagrees, match="gone"):
        archive_head.publish(kept.engine, kept.vault.root)
    archive_head.renew(kept.engine, kept.vault.root)
    assert kept.found() == {(Flaw.ADDED, "index: recording", "c2")}


def test_a_head_that_a_crash_left_behind_catches_up(kept: Kept) -> None:
    head = kept.vault.root / HEAD
    before = head.read_bytes()
    an_archived_call(kept.engine, kept.vault, "c3")
    after = head.read_bytes()
    head.write_bytes(before)  # killed between the commit and the head
    assert kept.findings() == []
    archive_head.publish(kept.engine, kept.vault.root)
    assert head.read_bytes() == after
