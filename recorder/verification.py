"""Is the archive, every file and every row of its index, what the site wrote? Reads all of it and says what is not.

The rule it protects: a bit that was flipped anywhere in archive or index is found, and so is whatever is missing, swapped or
added. The signed chain is the truth: files and rows are held against it, and it against the head that lies in the archive. It
may run beside the archivist, a purge or a new locking: what looks wrong is looked at again before it is told.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Engine, exists, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from compliance.chain import ChainReport
from config.database import reading
from config.load import ConfigError
from recorder import archive_chain, recording_keys, store
from recorder.archive_chain import ARCHIVED, PURGED, Entry, hash_at, recording_chain, signer_of
from recorder.archive_head import HEAD, HeadDisagrees, read
from recorder.keyring import KeyLost
from recorder.naming import call_of, key_path, paths_of, sidecar_path
from recorder.recording_keys import recording_key
from recorder.sealing import BadSeal, WrappedKey
from recorder.store import JobState, RecordingRow
from recorder.vault import Vault

PAGE = 500
INDEX = "index"  # what a finding calls the place when it is in the database


class Flaw(StrEnum):
    """What can be wrong with an archive."""

    MISSING = "missing"
    ALTERED = "altered"
    SWAPPED = "swapped"  # the file holds what belongs to another call
    ADDED = "added"  # a file or a row that no link of the chain accounts for
    KEY_LOST = "key_lost"  # the key of the site that unlocks it is not in the ring
    CHAIN = "chain"  # a link, or the head, is not as the site wrote it


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with the archive, at `path` in it or in the index; `call_id` is None for what is of no call."""

    flaw: Flaw
    path: str
    call_id: str | None
    text: str


def verify_all(engine: Engine, vault: Vault, seen: Callable[[], None] = lambda: None) -> list[Finding]:
    """Everything wrong with the archive and its index. Empty when all is well. `seen` is called for each recording.

    Memory does not grow with the archive. Raises NoArchiveKey, StoreDown.
    """
    return [*_of_chain(engine, vault), *_of_recordings(engine, vault, seen), *_of_index(engine), *_of_files(engine, vault)]


def _of_chain(engine: Engine, vault: Vault) -> Iterator[Finding]:
    pem = signer_of(engine).public_pem
    try:
        head = read(vault.root, pem)  # before the chain: what the head tells is committed
    except HeadDisagrees as error:
        yield Finding(Flaw.CHAIN, HEAD, None, str(error))
        head = None
    else:
        if head is None:
            yield from _without_head(engine)
    try:
        with reading(engine) as connection:
            report = archive_chain.check(connection, pem)
            held = None if head is None else hash_at(connection, head.seq)
    except (ValueError, DBAPIError) as error:
        yield _unreadable("the chain of the archive", error)
        return
    if head is not None and held != head.hash:
        yield Finding(Flaw.CHAIN, HEAD, None, _disagreement(head.seq, report))
    for fault in report.faults:
        yield Finding(Flaw.CHAIN, f"{INDEX}: recording_chain", None, f"link {fault.seq} of the archive's chain: {fault.text}")


def _without_head(engine: Engine) -> Iterator[Finding]:
    with reading(engine) as connection:
        if archive_chain.tip(connection)[0]:
            yield Finding(Flaw.CHAIN, HEAD, None, f"{HEAD} is missing: nothing tells where the chain of the archive ended")


def _disagreement(seq: int, report: ChainReport) -> str:
    if seq > report.tip_seq:
        return f"the chain of the archive ends at link {report.tip_seq}, but its head tells link {seq}: the end was cut off"
    return f"link {seq} of the archive's chain is not the one that its head tells"


def _of_recordings(engine: Engine, vault: Vault, seen: Callable[[], None]) -> Iterator[Finding]:
    """What is wrong with the recordings that the index has."""
    last = ""
    while True:
        try:
            with reading(engine) as connection:
                query = select(RecordingRow.call_id).where(RecordingRow.call_id > last).order_by(RecordingRow.call_id)
                call_ids = list(connection.execute(query.limit(PAGE)).scalars())
        except DBAPIError as error:
            yield _unreadable("the index of recordings", error)
            return
        for known in _known(engine, call_ids):
            seen()
            if isinstance(known, Finding):
                yield known
            elif any(_judged(vault, engine, known)):  # once more, from fresh rows: it may have been purged or locked anew
                for again in _known(engine, [known.call_id]):
                    yield from [again] if isinstance(again, Finding) else _judged(vault, engine, again)
        if len(call_ids) < PAGE:
            return
        last = call_ids[-1]


@dataclass(frozen=True, slots=True)
class _Known:
    """All that the index has of one recording."""

    call_id: str
    digest: str | None  # of the row; None: it is not there any more
    links: tuple[Entry, ...]
    key: WrappedKey | None

    @property
    def facts(self) -> dict[str, Any] | None:
        """What was archived, by the chain."""
        return next((dict(link.facts) for link in reversed(self.links) if link.kind == ARCHIVED), None)

    @property
    def key_sha256(self) -> str:
        """The digest of its key file, by the chain: as archived, or as last locked anew."""
        return next((str(link.facts["key_sha256"]) for link in reversed(self.links) if "key_sha256" in link.facts), "")

    @property
    def purged(self) -> bool:
        return any(link.kind == PURGED for link in self.links)


def _known(engine: Engine, call_ids: list[str]) -> Iterator[_Known | Finding]:
    """What the index has of these calls; where something cannot even be read, call by call, so that it can be named."""
    try:
        with reading(engine) as connection:
            digests = store.digests_of(connection, call_ids)
            links = archive_chain.entries(connection, call_ids)
            keys = recording_keys.of(connection, call_ids)
    except (ValueError, DBAPIError) as error:
        if len(call_ids) > 1:
            for call_id in call_ids:
                yield from _known(engine, [call_id])
        else:
            yield _unreadable(f"what is known of call {call_ids[0]}", error, call_ids[0])
        return
    for call_id in call_ids:
        yield _Known(call_id, digests.get(call_id), tuple(links.get(call_id, ())), keys.get(call_id))


def _judged(vault: Vault, engine: Engine, known: _Known) -> Iterator[Finding]:
    facts, call = known.facts, f"call {known.call_id}"
    if known.digest is None:
        return
    if facts is None or known.purged:
        why = "was purged, and is there again" if known.purged else "no link of the archive's chain accounts for it"
        yield Finding(Flaw.ADDED, f"{INDEX}: recording", known.call_id, f"{call}: its row: {why}")
        return
    if facts.get("row") != known.digest:
        yield Finding(Flaw.ALTERED, f"{INDEX}: recording", known.call_id, f"{call}: its row is not what was recorded")
    path = str(facts.get("path"))
    for name, expected in ((path, facts.get("sha256")), (sidecar_path(path), facts.get("sidecar_sha256"))):
        yield from _compared(vault, engine, known.call_id, name, str(expected))
    yield from _of_key(vault, engine, known, path)


def _of_key(vault: Vault, engine: Engine, known: _Known, path: str) -> Iterator[Finding]:
    name, call = key_path(path), f"call {known.call_id}"
    if name is not None:
        yield from _compared(vault, engine, known.call_id, name, known.key_sha256)
    if known.key is None:
        if name is not None:
            yield Finding(Flaw.MISSING, f"{INDEX}: recording_key", known.call_id, f"{call}: its key is missing from the index")
        return
    if recording_keys.digest(known.key) != known.key_sha256:
        yield Finding(
            Flaw.ALTERED, f"{INDEX}: recording_key", known.call_id, f"{call}: its key in the index is not as it was kept"
        )
        return
    try:
        if vault.ring is not None:
            vault.ring.unwrap(known.key)
    except (KeyLost, ConfigError, BadSeal) as error:
        yield Finding(Flaw.KEY_LOST, f"{INDEX}: recording_key", known.call_id, f"{call}: {error}")


def _compared(vault: Vault, engine: Engine, call_id: str, name: str, expected: str) -> Iterator[Finding]:
    found = vault.digest(name)
    if found == expected:
        return
    if found is None:
        yield Finding(Flaw.MISSING, name, call_id, f"call {call_id}: {name} is missing, or no file that can be read")
        return
    with reading(engine) as connection:
        theirs = or_(RecordingRow.sha256 == found, RecordingRow.sidecar_sha256 == found)
        owner = connection.execute(select(RecordingRow.call_id).where(theirs)).scalar()
    if owner is not None and owner != call_id:
        yield Finding(Flaw.SWAPPED, name, call_id, f"call {call_id}: {name} holds what belongs to call {owner}")
    else:
        yield Finding(Flaw.ALTERED, name, call_id, f"call {call_id}: {name} is not what was archived")


def _of_index(engine: Engine) -> Iterator[Finding]:
    """What the chain or the keys tell of, and the index of recordings has not."""
    link = recording_chain.alias()
    purged = exists().where(link.c.call_id == recording_chain.c.call_id, link.c.kind == PURGED)
    of_links = select(recording_chain.c.call_id).where(recording_chain.c.kind == ARCHIVED, ~purged)
    of_keys = select(recording_key.c.call_id)
    tables: tuple[tuple[Any, ColumnElement[str], Flaw, str, str], ...] = (
        (of_links, recording_chain.c.call_id, Flaw.MISSING, "recording", "was archived, and its row is gone"),
        (of_keys, recording_key.c.call_id, Flaw.ADDED, "recording_key", "has a key, and is not in the index of recordings"),
    )
    for query, column, flaw, table, what in tables:
        try:
            with reading(engine) as connection:
                strange = connection.execute(query.where(~exists().where(RecordingRow.call_id == column)).distinct()).scalars()
                lost = [str(call_id) for call_id in strange]
        except DBAPIError as error:
            yield _unreadable(table, error)
            continue
        for call_id in sorted(lost):
            yield Finding(flaw, f"{INDEX}: {table}", call_id, f"call {call_id}: {what}")


def _of_files(engine: Engine, vault: Vault) -> Iterator[Finding]:
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


def _unreadable(what: str, error: Exception, call_id: str | None = None) -> Finding:
    reason = error.orig if isinstance(error, DBAPIError) else error
    return Finding(Flaw.ALTERED, INDEX, call_id, f"{what} cannot be read: {' '.join(str(reason).split())[:200]}")
