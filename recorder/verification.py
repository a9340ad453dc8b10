"""Is the archive, every file and every row of its index, what the site wrote? Reads all of it and says what is not.

The rule it protects: a bit that was flipped anywhere in archive or index is found, and so is whatever is missing, swapped or
added. The signed chain is the truth: files and rows are held against it, and it against the head that lies in the archive. It
may run beside the archivist, a purge or a new locking: what looks wrong is looked at again before it is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, or_, select
from sqlalchemy.exc import DBAPIError

from compliance.chain import ChainReport
from config.database import reading
from config.load import ConfigError
from recorder import archive_chain, recording_keys, store, transcripts
from recorder.archive_chain import ARCHIVED, PURGED, Entry, hash_at, signer_of
from recorder.archive_head import HEAD, HeadDisagrees, read
from recorder.findings import INDEX, Finding, Flaw, unreadable
from recorder.keyring import KeyLost
from recorder.naming import key_path, sidecar_path
from recorder.sealing import BadSeal, WrappedKey
from recorder.store import RecordingRow
from recorder.unaccounted import of_files, of_index
from recorder.vault import Vault

__all__ = ["Finding", "Flaw", "verify_all"]

PAGE = 500


def verify_all(engine: Engine, vault: Vault, seen: Callable[[], None] = lambda: None) -> list[Finding]:
    """Everything wrong with the archive and its index. Empty when all is well. `seen` is called for each recording.

    Memory does not grow with the archive. Raises NoArchiveKey, StoreDown.
    """
    return [*_of_chain(engine, vault), *_of_recordings(engine, vault, seen), *of_index(engine), *of_files(engine, vault)]


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
        yield unreadable("the chain of the archive", error)
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
            yield unreadable("the index of recordings", error)
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
    transcript: str  # its digest, empty: there is none

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
            written = transcripts.digests_of(connection, call_ids)
    except (ValueError, DBAPIError) as error:
        if len(call_ids) > 1:
            for call_id in call_ids:
                yield from _known(engine, [call_id])
        else:
            yield unreadable(f"what is known of call {call_ids[0]}", error, call_ids[0])
        return
    for call_id in call_ids:
        theirs = tuple(links.get(call_id, ()))
        yield _Known(call_id, digests.get(call_id), theirs, keys.get(call_id), written.get(call_id, ""))


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
    yield from _of_transcript(known)


def _of_transcript(known: _Known) -> Iterator[Finding]:
    made = transcripts.told_by(known.links)
    if known.transcript == made:
        return
    flaw, what = Flaw.ALTERED, "is not what was made"
    if not known.transcript:
        flaw, what = Flaw.MISSING, "was made, and is gone"
    elif not made:
        flaw, what = Flaw.ADDED, "was never made: no link of the archive's chain tells of it"
    yield Finding(flaw, f"{INDEX}: transcript", known.call_id, f"call {known.call_id}: its transcript {what}")


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
