"""How does a ledger come by ten million rows in minutes? By copies of rows that the gate itself has written.

A few real attempts are made in the empty database, one of every course. Their rows, as the gate left them, are the patterns:
each copy has another person, number, attempt and time. What the copies do not hold is a valid chain of hashes, and the text of
each decision tells of the pattern's person; both are as long as they would be. Nothing that is measured looks at either.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select
from sqlalchemy.engine import Connection

from compliance.chain import GENESIS
from compliance.facts import Consent, EventKind
from compliance.packs import Pack
from compliance.rows import TIP, append
from compliance.standing import consent_event
from compliance.store import Ledger
from compliance.tables import ledger, ledger_tip, permit
from compliance.verdict import CallerId, Candidate, Permit
from config.clock import ManualClock
from config.database import reading, writing
from config.ids import new_id
from dialer.benches.population import COURSES, Population, number_of, person_id

SELLER, CAMPAIGN, SUBJECT = "Sunshine Home Services", "Roof inspections, spring", "roof-inspection"
BATCH = 30_000  # attempts and consents a transaction
TOLD_EVERY = 1_000_000
PATTERNS_AGO = timedelta(days=400)  # older than any copy

PERMIT_LIFETIME = timedelta(seconds=10)

_FILLED = (ledger, permit)
Row = list[Any]


def candidate_for(person: int, now: datetime, zone: str) -> Candidate:
    """A call to the person on the first of their numbers, as a predictive campaign asks for it."""
    return Candidate(
        attempt_id=new_id(now),
        person=person_id(person),
        number=number_of(person),
        campaign=CAMPAIGN,
        seller=SELLER,
        subject=SUBJECT,
        zones=(zone,),
        technology="predictive",
        caller_id=CallerId("+13055550100", frozenset({"assigned_to_tenant", "dialable", "answers_dnc_in_business_hours"}), "A"),
    )


def consent_of(person: int, given_at: datetime) -> Consent:
    """The person's written leave to be called by a dialing machine (47 CFR 64.1200(f)(9); Fla. Stat. 501.059(8)(a))."""
    return Consent(
        level="written",
        given_at=given_at,
        person=person_id(person),
        number=number_of(person),
        scope=frozenset({"voice", "marketing", "automated_dialing"}),
        seller=SELLER,
        source="web form",
        proof=hashlib.sha256(person_id(person).encode()).hexdigest(),
    )


@dataclass(frozen=True, slots=True)
class Past:
    """What is to have been: these people, called by these rules, until `now`, when it is calling time in `zone`."""

    population: Population
    packs: tuple[Pack, ...]
    now: datetime
    zone: str


def fill(database: Engine, past: Past, say: Callable[[str], None]) -> None:
    """Brings the empty database to the ledger, and the permits, that this past would have made."""
    population = past.population
    patterns = _patterns(database, past.packs, past.now - PATTERNS_AGO, past.zone)
    copier = _Copier(database, patterns, population, past.now)
    indexes = [index for table in _FILLED for index in table.indexes]
    with writing(database) as connection:
        for table in _FILLED:
            connection.execute(delete(table))
        for index in indexes:  # made at the end, of what is there: a tenth of the time
            index.drop(connection)
    written = 0
    for events, permits in copier.batches():
        with writing(database) as connection:
            insert_rows(connection, ledger, events)
            insert_rows(connection, permit, permits)
        before, written = written, written + len(events)
        if written // TOLD_EVERY != before // TOLD_EVERY:
            say(f"{written:,} of {population.rows():,} rows")
    if population.rows() >= TOLD_EVERY:
        say(f"{len(indexes)} indexes")
    for index in indexes:
        with writing(database) as connection:
            index.create(connection)
    with writing(database) as connection:
        connection.execute(delete(ledger_tip))
        connection.execute(insert(ledger_tip).values(id=TIP, seq=written, hash=copier.last_hash, recorded_at=copier.last_at))
    settle(database)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The rows of one real attempt: its ledger rows by kind, and its permit; for a consent there is no permit."""

    events: Mapping[EventKind, Mapping[str, Any]]
    permit: Mapping[str, Any] | None


def _patterns(database: Engine, packs: tuple[Pack, ...], began: datetime, zone: str) -> list[_Pattern]:
    """One for every course of an attempt, and one for a consent, in that order."""
    clock = ManualClock(began)
    gate = Ledger(database, clock, packs, PERMIT_LIFETIME)
    found = []
    for person, course in enumerate(COURSES):
        with writing(database) as connection:
            append(connection, [consent_event(consent_of(person, clock.now()))], clock.now())
        candidate = candidate_for(person, clock.now(), zone)
        granted = gate.permit(candidate)
        if not isinstance(granted, Permit):
            raise AssertionError(f"the bench was refused: {granted}")
        clock.advance(timedelta(seconds=1))
        gate.spend(granted.permit_id)
        for kind, _ in course.steps:
            clock.advance(timedelta(seconds=5))
            gate.record(candidate.attempt_id, kind, clock.now())
        found.append(_read(database, candidate.person, candidate.attempt_id))
    return [*found, _read(database, person_id(0), None)]


def _read(database: Engine, person: str, attempt_id: str | None) -> _Pattern:
    with reading(database) as connection:
        rows = [dict(row) for row in connection.execute(select(ledger).where(ledger.c.person == person)).mappings()]
        kept = connection.execute(select(permit).where(permit.c.attempt_id == attempt_id)).mappings().first()
    wanted = [row for row in rows if (row["kind"] == EventKind.CONSENT) is (attempt_id is None)]
    return _Pattern({EventKind(row["kind"]): row for row in wanted}, dict(kept) if kept else None)


class _Copier:
    """Makes the rows, in the order in which they would have been written: one person's lie far apart, as in life."""

    def __init__(self, database: Engine, patterns: list[_Pattern], population: Population, now: datetime) -> None:
        self._population = population
        self._now = now
        self._stored = _text_on_sqlite if database.dialect.name == "sqlite" else datetime.isoformat
        self._events = [[self._blank(ledger, row) for row in pattern.events.values()] for pattern in patterns]
        self._permits = [self._blank(permit, pattern.permit) if pattern.permit else None for pattern in patterns]
        self.last_at, self.last_hash = now, GENESIS

    def batches(self) -> Iterator[tuple[list[Row], list[Row]]]:
        """Ledger rows and permit rows. Written for speed: it is run for each of ten million rows."""
        people, stored = self._population, self._stored
        seq_, at_, recorded_, *places = (list(ledger.c.keys()).index(name) for name in ("seq", "at", "recorded_at", *_OF_EACH))
        attempt_, person_, number_, before_, skipped_, hash_ = places
        steps = [*((0, *(after for _, after in course.steps)) for course in COURSES), (0,)]
        seq, serial = 0, 0
        for start in range(0, people.person.size, BATCH):
            events: list[Row] = []
            permits: list[Row] = []
            told = (people.person, people.course, people.on_second_number, people.ago_s)
            for person, course, second, ago_s in zip(*(one[start : start + BATCH].tolist() for one in told), strict=True):
                serial += 1
                began = self._now - timedelta(seconds=ago_s)
                attempt_id = _id_at(began, 2 * serial)
                who, number = person_id(person), number_of(person, second=second)
                for blank, after in zip(self._events[course], steps[course], strict=True):
                    seq += 1
                    row = blank.copy()
                    self.last_at = began + timedelta(seconds=after)
                    row[seq_], row[at_] = seq, stored(self.last_at)
                    row[recorded_] = row[at_]
                    row[attempt_], row[person_], row[number_] = attempt_id, who, number
                    row[before_] = row[skipped_] = self.last_hash
                    row[hash_] = self.last_hash = hashlib.sha256(b"%d" % seq).hexdigest()
                    events.append(row)
                if (filled := self._permits[course]) is not None:
                    mine = (_id_at(began, 2 * serial + 1), attempt_id, who, number)
                    permits.append(self._permit(filled, mine, began))
            yield events, permits

    def _permit(self, blank: Row, whose: tuple[str, str, str, str], granted_at: datetime) -> Row:
        stored = self._stored
        granted = stored(granted_at)
        row = blank.copy()
        times = (granted, stored(granted_at + PERMIT_LIFETIME), granted, stored(self.last_at))
        for place, value in zip(_PERMIT_PLACES, (*whose, *times), strict=True):
            row[place] = value
        return row

    def _blank(self, table: Table, pattern: Mapping[str, Any]) -> Row:
        """A row with all that is the same in every copy already in its place."""
        values = (pattern[column.name] for column in table.columns)
        return [self._stored(value) if isinstance(value, datetime) else value for value in values]


_OF_EACH = ("attempt_id", "person", "number", "prev_hash", "skip_hash", "hash")
_PERMIT_PLACES = tuple(
    list(permit.c.keys()).index(name)
    for name in ("permit_id", "attempt_id", "person", "number", "granted_at", "expires_at", "spent_at", "resolved_at")
)
_SCATTER = 0x9E3779B97F4A7C15F39D  # odd, so that no two serials become the same id


def _id_at(moment: datetime, serial: int) -> str:
    """As config.ids makes them: in the order of their times, which is where an index has them; the rest is no chance here."""
    return f"{int(moment.timestamp() * 1000):012x}{serial * _SCATTER % 2**80:020x}"


def _text_on_sqlite(moment: datetime) -> str:
    """As `config.database.UtcDateTime` has it there, and in a tenth of its time."""
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def insert_rows(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Many rows in the fastest way that the database has. The names are the table's own."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(table.columns))
        driver.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows)  # noqa: S608


def settle(database: Engine) -> None:
    """What a database does by itself in an hour: statistics, and everything in its place on the disk."""
    quiet = ("VACUUM ANALYZE", "CHECKPOINT")
    if database.dialect.name == "sqlite":
        quiet = ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)")
    raw = database.raw_connection()
    driver: Any = raw.driver_connection
    try:
        if database.dialect.name == "postgresql":
            driver.autocommit = True
        for statement in quiet:
            driver.execute(statement)
    finally:
        raw.detach()
        driver.close()
