"""What does the gate read of the past for one call? Everything a rule may look at, in one question to the database.

The rule it protects: what is not read is not counted, so that all that may count is read: by the person, by every number on
which the person was or may be called, and by the other keys that a rule in force counts by alone. Reservations of others are
read with the rest: they may ring at any moment.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Integer, String, Text, bindparam, column, select, text, union
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.sql.selectable import TextualSelect

from compliance.facts import EventKind, Facts, LedgerEvent, ListState, Vouched
from compliance.lookback import Lookback
from compliance.standing import KINDS, gathered
from compliance.tables import event_of, ledger, permit, reservation_of, suppression_of
from compliance.verdict import Candidate
from config.database import UtcDateTime

LONG_AGO: Final = datetime(1971, 1, 1, tzinfo=UTC)


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


class PastReader:
    """Asks for what the packs' rules may look at, and no further back."""

    def __init__(self, lookback: Lookback, dialect: str) -> None:
        self._lookback = lookback
        self._statement = _statement(lookback, dialect)
        self._array: Callable[[list[str]], object] = json.dumps if dialect == "sqlite" else list

    def read(
        self, connection: Connection, candidate: Candidate, numbers: frozenset[str] | None, vouched: Vouched, now: datetime
    ) -> Past:
        """What the rules may look at for this candidate at `now`; `numbers` are all of the person's, if asked for before."""
        if numbers is None:
            numbers = frozenset() if connection.dialect.name == "sqlite" else known_numbers(connection, candidate.person)
        reach = self._lookback.reach
        asked: dict[str, Any] = {
            "person": candidate.person,
            "number": candidate.number,
            "numbers": self._array(sorted({candidate.number, *numbers, *candidate.other_numbers})),
            "attempt_id": candidate.attempt_id,
            "since": now - reach if reach is not None else LONG_AGO,
            "now": now,
            **{f"key_{key.value}": getattr(candidate, key.value) for key in self._lookback.keys},
        }
        found: dict[str, list[RowMapping]] = {}
        for row in connection.execute(self._statement, asked).mappings():
            found.setdefault(row["src"], []).append(row)
        return _past(found, candidate, vouched)


def known_numbers(connection: Connection, person: str) -> frozenset[str]:
    """Every number on which the person was called, or is about to be."""
    called = select(ledger.c.number).where(ledger.c.person == person, ledger.c.number != "")
    about_to_be = select(permit.c.number).where(permit.c.person == person)
    return frozenset(connection.execute(union(called, about_to_be)).scalars())


def _past(found: Mapping[str, Sequence[RowMapping]], candidate: Candidate, vouched: Vouched) -> Past:
    rows = sorted(found.get("ledger", ()), key=lambda row: row["seq"])
    events = tuple(event_of(row) for row in rows)
    sent = {event.attempt_id for event in events if event.kind is EventKind.ATTEMPT}
    reserved = tuple(
        reservation_of({**row, "granted_at": row["at"]})
        for row in found.get("permit", ())
        if row["attempt_id"] not in sent and row["attempt_id"] != candidate.attempt_id
    )
    entries = sorted(found.get("suppression", ()), key=lambda row: row["seq"])
    listed = tuple(sorted({row["facts"] for row in found.get("listed", ())}))
    facts = gathered(
        candidate.number,
        vouched,
        events=events,
        reserved=reserved,
        entries=(
            suppression_of({**row, "reason": row["zones"], "source": row["facts"], "scope": row["kind"]}) for row in entries
        ),
        listed=listed,
        numbers=tuple(sorted(row["number"] for row in found.get("number", ()))),
        lists=tuple(ListState(row["facts"], row["at"]) for row in found.get("list", ())),
    )
    return Past(
        facts=facts,
        events=tuple(row["seq"] for row in rows),
        suppressions=tuple(row["seq"] for row in entries),
        reserved=reserved,
        listed=listed,
        granted=any(row["attempt_id"] == candidate.attempt_id for row in found.get("permit", ())),
        last_recorded=next((row["at"] for row in found.get("tip", ())), None),
    )


#: One statement, its parts told apart by `src`; each part fills those of the columns that it has.
_EVERYTHING = """
WITH known AS (KNOWN)
SELECT 'ledger' AS src, seq, kind, at, at AS until, attempt_id,
       person, number, campaign, seller, subject, debt, creditor, zones, facts
FROM ledger
WHERE seq IN (SELECT seq FROM ledger WHERE person = :person
              UNION SELECT seq FROM ledger WHERE number ONE_OF_THEM
              EVENTS_BY_KEY)
      AND kind IN (COUNTED) AND (at > :since OR kind IN (STANDING))
UNION ALL
SELECT 'permit', 0, '', granted_at, expires_at, attempt_id, person, number, campaign, seller, subject, debt, creditor, '', ''
FROM permit
WHERE permit_id IN (SELECT permit_id FROM permit WHERE attempt_id = :attempt_id
                    UNION SELECT permit_id FROM permit WHERE person = :person AND expires_at > :now
                    UNION SELECT permit_id FROM permit WHERE number ONE_OF_THEM AND expires_at > :now
                    PERMITS_BY_KEY)
      AND (attempt_id = :attempt_id OR (spent_at IS NULL AND voided_at IS NULL))
UNION ALL
SELECT 'suppression', seq, scope, at, until, NULL, person, number, campaign, seller, '', '', '', reason, source
FROM suppression WHERE number = :number OR person = :person
UNION ALL
SELECT 'tip', 0, '', recorded_at, recorded_at, NULL, '', '', '', '', '', '', '', '', '' FROM ledger_tip
UNION ALL
SELECT 'number', 0, '', :now, :now, NULL, '', number, '', '', '', '', '', '', '' FROM known
"""
#: What more there is to read where a rule counts by a key that is neither the person nor the number.
_EVENTS_BY_KEY = "UNION SELECT seq FROM ledger WHERE KEY <> '' AND KEY = :key_KEY AND at > :since"
_PERMITS_BY_KEY = "UNION SELECT permit_id FROM permit WHERE KEY <> '' AND KEY = :key_KEY AND expires_at > :now"
#: Asked only where a rule obeys somebody else's list.
_LISTS = """
UNION ALL
SELECT 'list', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list WHERE in_force
UNION ALL
SELECT 'listed', 0, '', as_of, as_of, NULL, '', '', '', '', '', '', '', '', name FROM dnc_list
WHERE in_force AND EXISTS (SELECT 1 FROM dnc_number WHERE number = :number AND list_id = dnc_list.id)
"""
#: A list of any length is one parameter, so that the statement is always the same. SQLite finds the person's numbers as it
#: goes; on PostgreSQL they were asked for before, to be locked, and a plan that does not depend on them is made only once.
_WORDS = {
    "sqlite": {
        "KNOWN": """SELECT number FROM ledger WHERE person = :person AND number <> ''
                    UNION SELECT number FROM permit WHERE person = :person
                    UNION SELECT value FROM json_each(:numbers)""",
        "ONE_OF_THEM": "IN (SELECT number FROM known)",
    },
    "postgresql": {
        "KNOWN": "SELECT unnest(CAST(:numbers AS varchar[])) AS number",
        "ONE_OF_THEM": "= ANY(CAST(:numbers AS varchar[]))",
    },
}
_TEXTS = ("attempt_id", "person", "number", "campaign", "seller", "subject", "debt", "creditor", "zones", "facts")


def _statement(lookback: Lookback, dialect: str) -> TextualSelect:
    # Kinds and keys are our own words, the same for every question: as parameters they would be taken apart each time.
    words = {
        "COUNTED": _quoted(lookback.kinds),
        "STANDING": _quoted(KINDS),
        **_WORDS[dialect],
        "EVENTS_BY_KEY": " ".join(_EVENTS_BY_KEY.replace("KEY", key.value) for key in sorted(lookback.keys)),
        "PERMITS_BY_KEY": " ".join(_PERMITS_BY_KEY.replace("KEY", key.value) for key in sorted(lookback.keys)),
    }
    asked = _EVERYTHING + _LISTS if lookback.lists else _EVERYTHING
    for word, sql in words.items():
        asked = asked.replace(word, sql)
    statement = text(asked)
    for name in ("since", "now"):
        statement = statement.bindparams(bindparam(name, type_=UtcDateTime()))
    times = (column("at", UtcDateTime), column("until", UtcDateTime))
    return statement.columns(
        column("src", String), column("seq", Integer), column("kind", String), *times, *(column(name, Text) for name in _TEXTS)
    )


def _quoted(kinds: Iterable[EventKind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in sorted(kinds))
