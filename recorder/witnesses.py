"""Who knows of a call, and what? Everything written down about calls, brought together call by call.

The rule protected: a call that only one of them knows of is a call too. Each source is read in the order of the calls' ids, as it
is needed, and they are merged: memory holds one call and a few rows of each source.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from sqlalchemy import exists, select
from sqlalchemy.engine import Connection

from compliance.facts import EventKind
from compliance.tables import ledger, permit
from recorder.archive_chain import PURGED, recording_chain
from recorder.cdr import CdrBook
from recorder.legs import TELLING, Billed, Kept, Leg, Placed, Queued, Told
from recorder.naming import paths_of
from recorder.store import AlertRow, RecordingJobRow, RecordingRow
from recorder.streaming import by_call

MARGIN = timedelta(days=1)  # around the time asked for: what is known of its calls may be told a little before or after it


class PlacedCalls(Protocol):
    """The floor's calls ordered in a time (None: without bound), in the order of their ids."""

    def __call__(self, connection: Connection, since: datetime | None, until: datetime | None) -> Iterator[Placed]: ...


@dataclass(frozen=True, slots=True)
class Period:
    """The calls that were ordered in it are judged; None: without bound."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, at: datetime | None) -> bool:
        """Whether a call of that time is judged; one of no known time always is."""
        if at is None:
            return True
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    @property
    def wider(self) -> "Period":
        """With a margin on both sides."""
        since = None if self.since is None else self.since - MARGIN
        return Period(since, None if self.until is None else self.until + MARGIN)


ALWAYS = Period()


def legs(connection: Connection, placed: PlacedCalls, book: CdrBook | None, period: Period, there: set[str]) -> Iterator[Leg]:
    """Every call that anybody knows of, with all that is known of it, in the order of their ids.

    `placed` are the calls as the floor has them, `there` the names of the files in the archive.
    """
    sources: list[Iterator[Placed | Kept | Billed | Queued | Told | _Answer | _Purged]] = [
        placed(connection, period.since, period.until),
        _kept(connection, period, there),
        _queued(connection, period),
        _told(connection, period),
        _answers(connection, period),
        _purged(connection, period),
    ]
    if book is not None:
        sources.append(book.legs(period.since, period.until))
    for call_id, parts in groupby(heapq.merge(*sources, key=attrgetter("call_id")), key=attrgetter("call_id")):
        leg = _leg(call_id, parts)
        if leg.at is not None:
            yield leg


@dataclass(frozen=True, slots=True)
class _Answer:
    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Purged:
    call_id: str


def _leg(call_id: str, parts: Iterable[Placed | Kept | Billed | Queued | Told | _Answer | _Purged]) -> Leg:
    """All that is told of one call, as one leg."""
    placed, kept, billed, queued, answer, purged = None, None, None, None, None, False
    told: list[Told] = []
    for part in parts:
        match part:
            case Placed():
                placed = part
            case Kept():
                kept = part
            case Billed():
                billed = part
            case Queued():
                queued = part
            case Told():
                told.append(part)
            case _Answer():
                answer = part.at
            case _Purged():
                purged = True
    return Leg(call_id, placed, kept, billed, queued, tuple(told), answer, purged)


def _kept(connection: Connection, period: Period, there: set[str]) -> Iterator[Kept]:
    row = RecordingRow
    query = select(row.call_id, row.started_at, row.duration_ms, row.flags, row.flag_text, row.path)
    if period.since is not None:
        query = query.where(row.started_at >= period.since)
    if period.until is not None:
        query = query.where(row.started_at < period.until)
    for one in by_call(connection, query, row.__table__.c.call_id):
        missing = tuple(name for name in paths_of(one.path) if name not in there)
        flags, duration = frozenset(one.flags.split()), timedelta(milliseconds=one.duration_ms)
        yield Kept(one.call_id, one.started_at, duration, one.path, flags, one.flag_text, missing)


def _queued(connection: Connection, period: Period) -> Iterator[Queued]:
    query = select(RecordingJobRow.call_id, RecordingJobRow.state, RecordingJobRow.reason)
    if period.since is not None:
        query = query.where(RecordingJobRow.next_at >= period.since)  # which is the end of the call, or later
    for row in by_call(connection, query, RecordingJobRow.__table__.c.call_id):
        yield Queued(row.call_id, row.state, row.reason or "")


def _told(connection: Connection, period: Period) -> Iterator[Told]:
    query = select(AlertRow.call_id, AlertRow.kind, AlertRow.seen)
    query = query.where(AlertRow.call_id.is_not(None), AlertRow.kind.in_(sorted(TELLING)))
    if period.since is not None:
        query = query.where(AlertRow.at >= period.since)
    for row in by_call(connection, query, AlertRow.__table__.c.call_id):
        yield Told(row.call_id, row.kind, row.seen)


def _answers(connection: Connection, period: Period) -> Iterator[_Answer]:
    """The answers of our own calls: what was imported of other systems has no permit of ours."""
    ours = exists().where(permit.c.attempt_id == ledger.c.attempt_id)
    query = select(ledger.c.attempt_id, ledger.c.at).where(ledger.c.kind == EventKind.LIVE_ANSWER.value, ours)
    if period.since is not None:
        query = query.where(ledger.c.at >= period.since)
    if period.until is not None:
        query = query.where(ledger.c.at < period.until)
    for row in by_call(connection, query, ledger.c.attempt_id):
        yield _Answer(row.attempt_id, row.at)


def _purged(connection: Connection, period: Period) -> Iterator[_Purged]:
    query = select(recording_chain.c.call_id).where(recording_chain.c.kind == PURGED)
    if period.since is not None:
        query = query.where(recording_chain.c.at >= period.since)
    for row in by_call(connection, query, recording_chain.c.call_id):
        yield _Purged(row.call_id)
