"""What does the gate read of the past for one call? Everything a rule may look at, in one question to the database.

The rule it protects: what is not read is not counted, so that all that may count is read: by the person, by every number on
which the person was or may be called, and by the other keys that a rule in force counts by alone. Reservations of others are
read with the rest: they may ring at any moment.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import Connection

from compliance.facts import EventKind, Facts, LedgerEvent, ListState, Suppression, Vouched
from compliance.lookback import Lookback
from compliance.past_sql import everything
from compliance.standing import gathered
from compliance.tables import FOREVER
from compliance.verdict import Candidate
from config.database import from_driver, to_driver

LONG_AGO: Final = datetime(1971, 1, 1, tzinfo=UTC)
_KINDS: Final = {kind.value: kind for kind in EventKind}


@dataclass(frozen=True, slots=True)
class Past:
    """What was read: facts for the gate (calendars are not among them), and where each came from, for the record.

    `granted` tells that the attempt has a permit already; `last_recorded` is the time of the last row of the ledger.
    """

    facts: Facts
    events: tuple[int, ...]
    suppressions: tuple[int, ...]
    reserved: tuple[LedgerEvent, ...]
    listed: tuple[str, ...]
    granted: bool
    last_recorded: datetime | None


class _Row(NamedTuple):
    """One row of the statement; what the columns hold depends on `src`."""

    src: str
    seq: int
    kind: str
    at: Any
    until: Any
    attempt_id: str | None
    person: str
    number: str
    campaign: str
    seller: str
    subject: str
    debt: str
    creditor: str
    told: str
    facts: str


class PastReader:
    """Asks for what the packs' rules may look at, and no further back."""

    def __init__(self, lookback: Lookback, dialect: str) -> None:
        self._lookback = lookback
        self._dialect = dialect
        self._everything = everything(lookback, dialect)

    def read(self, connection: Connection, candidate: Candidate, vouched: Vouched, now: datetime) -> Past:
        """What the rules may look at for this candidate at `now`."""
        reach = self._lookback.reach
        asked = {
            "person": candidate.person,
            "number": candidate.number,
            "numbers": json.dumps([candidate.number, *candidate.other_numbers]),
            "attempt_id": candidate.attempt_id,
            "since": to_driver(now - reach if reach is not None else LONG_AGO, self._dialect),
            "now": to_driver(now, self._dialect),
            **{f"key_{key.value}": getattr(candidate, key.value) for key in self._lookback.keys},
        }
        found: defaultdict[str, list[_Row]] = defaultdict(list)
        for row in self._everything.rows(connection, asked):
            found[row[0]].append(_Row._make(row))
        return self._past(found, candidate, vouched)

    def _past(self, found: Mapping[str, Sequence[_Row]], candidate: Candidate, vouched: Vouched) -> Past:
        rows = sorted(found["ledger"], key=_by_seq)
        if self._lookback.keys:
            rows = list({row.seq: row for row in rows}.values())
        events = tuple([self._event(row, _KINDS[row.kind]) for row in rows])
        live = {row.attempt_id: row for row in found["permit"] if row.attempt_id != candidate.attempt_id}
        for event in events:
            if live and event.kind is EventKind.ATTEMPT:
                live.pop(event.attempt_id, None)
        reserved = tuple([self._event(row, EventKind.ATTEMPT) for row in live.values()])  # each may become one at any moment
        entries = sorted(found["suppression"], key=_by_seq)
        listed = tuple(sorted({row.facts for row in found["listed"]}))
        facts = gathered(
            candidate.number,
            vouched,
            events=events,
            reserved=reserved,
            entries=map(self._entry, entries),
            listed=listed,
            numbers=tuple(sorted(row.number for row in found["number"])),
            lists=tuple(ListState(row.facts, self._time(row.at)) for row in found["list"]),
        )
        return Past(
            facts=facts,
            events=tuple([row.seq for row in rows]),
            suppressions=tuple([row.seq for row in entries]),
            reserved=reserved,
            listed=listed,
            granted=bool(found["granted"]),
            last_recorded=next((self._time(row.at) for row in found["tip"]), None),
        )

    def _event(self, row: _Row, kind: EventKind) -> LedgerEvent:
        return LedgerEvent(
            kind,
            self._time(row.at),
            row.person,
            row.number,
            row.campaign,
            row.seller,
            row.subject,
            row.attempt_id,
            (),  # no rule asks where the person was then
            _facts(row.facts),
            row.debt,
            row.creditor,
        )

    def _entry(self, row: _Row) -> Suppression:
        until = self._time(row.until)
        ends = until if until < FOREVER else None
        number, person = row.number or None, row.person or None
        return Suppression(self._time(row.at), row.told, row.facts, number, person, row.kind, row.seller, row.campaign, ends)

    def _time(self, told: Any) -> datetime:
        return from_driver(told, self._dialect)


_by_seq = attrgetter("seq")


@lru_cache(maxsize=4096)
def _facts(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(json.loads(text).items())) if text else ()
