"""What is in the archive or its index that nothing accounts for, and what is accounted for and gone?

The rule it protects: whoever puts a file, a row, a key or a transcript in, or takes a row out, is seen, also where no recording
is left to be looked at. It may run beside the archivist and a purge: files on their way in, or just gone, are no finding.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Engine, exists, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from config.database import reading
from recorder import store
from recorder.archive_chain import ARCHIVED, PURGED, recording_chain
from recorder.findings import INDEX, Finding, Flaw, unreadable
from recorder.naming import call_of, paths_of
from recorder.recording_keys import recording_key
from recorder.store import JobState, RecordingRow
from recorder.transcripts import transcript_table
from recorder.vault import Vault

PAGE = 500
NOT_THERE = "and is not in the index of recordings"


def of_index(engine: Engine) -> Iterator[Finding]:
    """What the chain, the keys or the transcripts tell of, and the index of recordings has not."""
    link = recording_chain.alias()
    purged = exists().where(link.c.call_id == recording_chain.c.call_id, link.c.kind == PURGED)
    of_links = select(recording_chain.c.call_id).where(recording_chain.c.kind == ARCHIVED, ~purged)
    of_keys = select(recording_key.c.call_id)
    of_transcripts = select(transcript_table.c.call_id)
    tables: tuple[tuple[Any, ColumnElement[str], Flaw, str, str], ...] = (
        (of_links, recording_chain.c.call_id, Flaw.MISSING, "recording", "was archived, and its row is gone"),
        (of_keys, recording_key.c.call_id, Flaw.ADDED, "recording_key", f"has a key, {NOT_THERE}"),
        (of_transcripts, transcript_table.c.call_id, Flaw.ADDED, "transcript", f"has a transcript, {NOT_THERE}"),
    )
    for query, column, flaw, table, what in tables:
        try:
            with reading(engine) as connection:
                strange = connection.execute(query.where(~exists().where(RecordingRow.call_id == column)).distinct()).scalars()
                lost = [str(call_id) for call_id in strange]
        except DBAPIError as error:
            yield unreadable(table, error)
            continue
        for call_id in sorted(lost):
            yield Finding(flaw, f"{INDEX}: {table}", call_id, f"call {call_id}: {what}")


def of_files(engine: Engine, vault: Vault) -> Iterator[Finding]:
    """Files that nothing accounts for. A file seen here has its row, or its job, by the time they are read."""
    for names in _pages(vault.files()):
        for name in _strange(engine, names):
            if vault.digest(name) is not None or (vault.root / name).is_symlink():  # not purged meanwhile
                yield Finding(Flaw.ADDED, name, None, f"{name!r}: no recording accounts for this file")


def _strange(engine: Engine, names: list[str]) -> list[str]:
    call_ids = sorted({call_of(name) for name in names})
    try:
        with reading(engine) as connection:
            return _unaccounted(connection, names, call_ids)
    except (ValueError, DBAPIError):
        return []  # told already, of the row that cannot be read


def _unaccounted(connection: Connection, names: list[str], call_ids: list[str]) -> list[str]:
    rows = connection.execute(select(RecordingRow.path).where(RecordingRow.call_id.in_(call_ids))).scalars()
    accounted = {name for path in rows for name in paths_of(path)}
    jobs = store.jobs(connection, call_ids)
    on_their_way = {call_id for call_id, job in jobs.items() if job.state is JobState.PENDING}
    return [name for name in names if name not in accounted and call_of(name) not in on_their_way]


def _pages(names: Iterable[str]) -> Iterator[list[str]]:
    several = iter(names)
    while page := list(islice(several, PAGE)):
        yield page
