"""Who is alone with a person or a number? On PostgreSQL, where transactions run side by side; SQLite has one writer at a time.

The rule it protects: whoever decides about a call, or notes what stands in its way, is alone with the person, with every number
of theirs, and with what else a rule counts by. Telephone numbers are taken last, the others before them, each kind in one
order, so that nobody waits in a circle.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from compliance.verdict import Candidate
from config.database import Direct, from_driver


class NumberAppeared(Exception):
    """A number became the person's while their lock was waited for: the transaction must begin again, to be alone with it too."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The numbers that this transaction is alone with, and what the database's clock said once it was."""

    numbers: frozenset[str]
    at: datetime

    def check(self, numbers: Iterable[str]) -> None:
        """Raises NumberAppeared unless these are all among them."""
        if not self.numbers.issuperset(numbers):
            raise NumberAppeared


def lock_keys(connection: Connection, *keys: str | None) -> datetime | None:
    """Waits until this transaction is alone with the keys, to its end; what the database's clock says then.

    None where it is alone anyway and there is no such clock (SQLite). Whoever calls this twice asks for numbers the second time.
    """
    if connection.dialect.name != "postgresql":
        return None
    ordered = sorted({(key.startswith("+"), _lock_number(key)) for key in keys if key})
    times = _LOCKS.rows(connection, {"keys": _array(number for _, number in ordered)})
    return max(from_driver(at, "postgresql") for (at,) in times) if times else None


def lock_calls(connection: Connection, calls: Sequence[Candidate], keys: Iterable[str]) -> Alone | None:
    """Waits until this transaction is alone with the keys, the people, the numbers and all that are known to be the people's.

    What is known is what was known when the wait began: see `Alone.check`. None on SQLite, where it is alone anyway.
    """
    if connection.dialect.name != "postgresql":
        return None
    people = {call.person for call in calls}
    numbers = {number for call in calls for number in (call.number, *call.other_numbers)}
    given = {
        "people": json.dumps(sorted(people)),
        "numbers": json.dumps(sorted(numbers)),
        "keys": _array(sorted({_lock_number(key) for key in (*people, *keys) if key})),
    }
    rows = _LOCKS_OF_CALLS.rows(connection, given)
    return Alone(frozenset(row[0] for row in rows if row[0]), max(from_driver(row[1], "postgresql") for row in rows))


#: Taken one after the other in the order of the array. The clock is read for each row, after its lock.
_LOCKS = Direct(
    "SELECT clock_timestamp() FROM unnest(CAST(:keys AS bigint[])) AS key WHERE pg_advisory_xact_lock(key) IS NOT NULL",
    "postgresql",
)
#: The same, with the people's numbers looked up on the way; their lock numbers are made as `_lock_number` makes them.
_LOCKS_OF_CALLS = Direct(
    """
    SELECT number, clock_timestamp() FROM (
        SELECT FALSE AS is_number, key, '' AS number FROM unnest(CAST(:keys AS bigint[])) AS key
        UNION ALL
        SELECT TRUE,
               CAST(CAST('x' || substr(encode(sha256(convert_to(number, 'UTF8')), 'hex'), 1, 16) AS bit(64)) AS bigint),
               number
        FROM (SELECT number FROM ledger WHERE person = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(:people AS jsonb))))
                  AND number <> ''
              UNION SELECT number FROM permit WHERE person = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(:people AS jsonb))))
              UNION SELECT jsonb_array_elements_text(CAST(:numbers AS jsonb))) AS theirs
        ORDER BY 1, 2
    ) AS in_order
    WHERE pg_advisory_xact_lock(key) IS NOT NULL
    """,
    "postgresql",
)


def _lock_number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"
