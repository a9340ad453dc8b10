"""Did every call that was answered leave its recording, a lawful reason for none, or an alert? Asks everybody who knows of calls.

The floor's calls, the ledger, the PBX's CDRs, the index of recordings, the queue and the alerts are merged in the order of the
calls, and each call is judged (`recorder.legs`); files of archive and spool are held against them. The rule protected: no call is
missed for being unknown to one of them. It writes nothing and may run beside everything else: files that seem to be missing are
looked for again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from config.database import reading, writing
from recorder import store
from recorder.cdr import CdrBook
from recorder.completeness import judge
from recorder.legs import GAP_ALERT, Finding, Judged, Kind, Leg, State, Terms
from recorder.naming import call_of, is_archived_name, paths_of
from recorder.purge import recording_removal
from recorder.spool import Spool
from recorder.store import JobState, RecordingRow
from recorder.tidy import ORPHANED
from recorder.vault import Vault
from recorder.witnesses import ALWAYS, Period, PlacedCalls, legs

NOTES = 1_000  # that are kept
_ASKED = 500


class GapKind(StrEnum):
    """What a person must look at."""

    RECORDING_GAP = GAP_ALERT


@dataclass(frozen=True, slots=True)
class GapAlert:
    """An alert about a call, or (`call_id` None) about the archive as a whole."""

    text: str
    call_id: str | None
    kind: GapKind = GapKind.RECORDING_GAP


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `states` counts the calls by what became of them; `notes` say what looks odd and is not wrong."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    states: Mapping[State, int]

    @property
    def calls(self) -> int:
        """How many calls were judged."""
        return sum(self.states.values())


def reconcile(
    engine: Engine,
    vault: Vault,
    spool: Path,
    placed: PlacedCalls,
    terms: Terms,
    *,
    book: CdrBook | None = None,
    period: Period = ALWAYS,
    seen: Callable[[int], None] = lambda _calls: None,
) -> Report:
    """Holds everything that knows of the calls of a period against each other. `seen` is told how many calls were judged.

    `book`: the PBX's CDRs, read before this is called; `terms.with_cdrs` says whether to ask them. Raises StoreDown, OSError.
    """
    there = set(vault.files())  # before the index is read: what is in it by then is there
    strange = {name for name in there if period.wider.has(_day(name))}
    findings: list[Finding] = []
    notes: list[str] = []
    states: Counter[State] = Counter()
    for path, number in book.unreadable if book is not None else ():
        findings.append(Finding(Kind.CDR_UNREADABLE, None, f"{path}: line {number} is no CDR"))
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        for leg in legs(connection, placed, book, period.wider, there):
            if leg.kept is not None:
                strange.difference_update(paths_of(leg.kept.path))
            if not period.has(leg.at):
                continue
            judged = _looked_at_again(vault, leg, judge(leg, terms), terms)
            findings += judged.findings
            notes += judged.notes[: max(0, NOTES - len(notes))]
            states[judged.state] += 1
            seen(states.total())
    findings += _of_archive(engine, vault, sorted(strange))
    findings += _of_spool(engine, spool, period, terms.now)
    return Report(tuple(findings), tuple(notes), states)


def tell(engine: Engine, report: Report, now: datetime) -> int:
    """Raises an alert for each finding that was not told before; how many were new."""
    with writing(engine) as connection:
        return sum(store.alarm(connection, GapAlert(one.text, one.call_id), now) for one in report.findings)


def _looked_at_again(vault: Vault, leg: Leg, judged: Judged, terms: Terms) -> Judged:
    """Files that came after they were listed are not missing."""
    if leg.kept is None or not leg.kept.missing:
        return judged
    missing = tuple(name for name in leg.kept.missing if vault.digest(name) is None)
    return judge(replace(leg, kept=replace(leg.kept, missing=missing)), terms)


def _of_archive(engine: Engine, vault: Vault, names: Sequence[str]) -> Iterator[Finding]:
    """Which of these files in the archive are of no recording at all: one may have come, or be of a call out of the period."""
    for at in range(0, len(names), _ASKED):
        some = names[at : at + _ASKED]
        with reading(engine) as connection:
            unknown = _unaccounted(connection, some)
        for name in unknown:
            if vault.digest(name) is not None or (vault.root / name).is_symlink():
                call_id = call_of(name) if is_archived_name(name) else None
                yield Finding(Kind.FILE_UNKNOWN, call_id, f"{name!r} is in the archive, and of no recording in its index")


def _unaccounted(connection: Connection, names: Sequence[str]) -> list[str]:
    call_ids = sorted({call_of(name) for name in names})
    rows = connection.execute(select(RecordingRow.path).where(RecordingRow.call_id.in_(call_ids))).scalars().all()
    going = connection.execute(select(recording_removal.c.path).where(recording_removal.c.call_id.in_(call_ids))).scalars().all()
    accounted = {name for path in (*rows, *going) for name in paths_of(path)}
    strange = [name for name in names if name not in accounted]
    coming = store.jobs(connection, [call_of(name) for name in strange])
    pending = {call_id for call_id, job in coming.items() if job.state is JobState.PENDING}
    return [name for name in strange if call_of(name) not in pending]


def _day(name: str) -> datetime | None:
    """The day in whose folder a file of the archive is; None for a file that the archivist cannot have put there."""
    if not is_archived_name(name):
        return None
    try:
        return datetime.fromisoformat(f"{name[:10].replace('/', '-')}T00:00:00+00:00")
    except ValueError:
        return None


def _of_spool(engine: Engine, spool: Path, period: Period, now: datetime) -> Iterator[Finding]:
    """Raw files in the spool that nobody will ever archive."""
    if not spool.is_dir():
        return
    strays = [one for one in Spool(spool).strays() if now - one.changed_at >= ORPHANED and period.has(one.changed_at)]
    with reading(engine) as connection:
        jobs = store.jobs(connection, [one.call_id for one in strays if one.call_id is not None])
    for stray in strays:
        if stray.call_id not in jobs:
            text = f"{stray.name[:120]!r} is in the spool, and of no call that waits to be archived"
            yield Finding(Kind.FILE_UNKNOWN, stray.call_id, text)
