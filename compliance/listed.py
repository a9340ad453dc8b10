"""Which numbers are on the do-not-call lists of others? Copies of regulators' lists, each as of a date.

The rule it protects: a copy is whole or it is not in force (47 CFR 64.1200(c)(2)(i)(D) asks for the list, not for a part of it).
A new copy is read beside the old one and takes its place in one transaction, with a ledger row that says so; what an
interrupted load left is cleared away by the next.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Connection, RowMapping

from compliance.facts import OWN_LISTS, EventKind, LedgerEvent
from compliance.locks import lock_keys
from compliance.rows import append, check_number
from compliance.tables import dnc_list, dnc_number
from config.clock import Clock
from config.database import reading, writing
from config.ids import new_id

BATCH = 5_000  # numbers a transaction: a running floor waits for the write lock meanwhile
FEWEST = 1  # a copy without a number is a file that was cut off, not a list


@dataclass(frozen=True, slots=True)
class ListCopy:
    """One copy of somebody else's list: as of when it is, how many numbers it holds, and the SHA-256 of them in their order."""

    name: str
    as_of: datetime
    rows: int
    source: str
    sha256: str
    loaded_at: datetime


class DncLists:
    """The copies of others' lists. Keeps no state of its own."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def load(
        self,
        name: str,
        numbers: Iterable[str],
        as_of: datetime,
        source: str,
        progress: Callable[[int], None] = lambda _rows: None,
    ) -> ListCopy:
        """Brings a new copy into force in place of the old one, which is obeyed until then. A number that comes twice is one.

        Raises ValueError for a list of our own, an `as_of` in the future or before that of the copy in force, a number that is
        not E.164, and for no number at all; then the old copy stays in force.
        """
        if name in OWN_LISTS:
            raise ValueError(f"{name} is a list of our own: entries are added to it, no copy is taken")
        if as_of > self._clock.now():
            raise ValueError(f"{name}: a copy as of {as_of.isoformat()} is not there yet")
        list_id = self._begin(name, as_of, source)
        content = hashlib.sha256()
        rows = 0
        for batch in _batches(numbers):
            for number in batch:
                check_number(number)
                content.update(f"{number}\n".encode())
            with writing(self._engine) as connection:
                rows += _add(connection, list_id, batch)
            progress(rows)
        if rows < FEWEST:
            raise ValueError(f"{name}: no number in {source}: the copy in force stays")
        return self._bring_into_force(name, list_id, rows, content.hexdigest())

    def copies(self) -> list[ListCopy]:
        """The copies in force, by name."""
        with reading(self._engine) as connection:
            found = connection.execute(select(dnc_list).where(dnc_list.c.in_force).order_by(dnc_list.c.name))
            return [_copy(row) for row in found.mappings()]

    def holds(self, name: str, number: str) -> bool:
        """Whether the copy in force of this list holds the number; False where there is no copy."""
        held = select(dnc_number.c.number).join(dnc_list, dnc_list.c.id == dnc_number.c.list_id)
        this = (dnc_list.c.name == name) & dnc_list.c.in_force & (dnc_number.c.number == number)
        with reading(self._engine) as connection:
            return connection.execute(held.where(this)).first() is not None

    def _begin(self, name: str, as_of: datetime, source: str) -> str:
        with writing(self._engine) as connection:
            lock_keys(connection, f"list {name}")
            held = connection.execute(select(dnc_list).where(dnc_list.c.name == name)).mappings().all()
            newest = max((row["as_of"] for row in held if row["in_force"]), default=None)
            if newest is not None and as_of < newest:
                raise ValueError(f"{name}: the copy in force is as of {newest.isoformat()}, this one is older")
            left = [row["id"] for row in held if not row["in_force"]]
            connection.execute(delete(dnc_number).where(dnc_number.c.list_id.in_(left)))
            connection.execute(delete(dnc_list).where(dnc_list.c.id.in_(left)))
            now = self._clock.now()
            list_id = new_id(now)
            row = {"id": list_id, "name": name, "as_of": as_of, "source": source, "sha256": "", "rows": 0}
            connection.execute(insert(dnc_list).values(**row, loaded_at=now, in_force=False))
            return list_id

    def _bring_into_force(self, name: str, list_id: str, rows: int, sha256: str) -> ListCopy:
        with writing(self._engine) as connection:
            this = dnc_list.c.id == list_id
            lock_keys(connection, f"list {name}")
            if connection.execute(select(dnc_list.c.id).where(this)).first() is None:
                connection.execute(delete(dnc_number).where(dnc_number.c.list_id == list_id))
                connection.commit()
                raise ValueError(f"{name}: another copy was begun while this one was read; the copy in force stays")
            now = self._clock.now()
            old = (dnc_list.c.name == name) & dnc_list.c.in_force
            connection.execute(update(dnc_list).where(old).values(in_force=False))
            connection.execute(update(dnc_list).where(this).values(in_force=True, rows=rows, sha256=sha256, loaded_at=now))
            copy = _copy(connection.execute(select(dnc_list).where(this)).mappings().one())
            append(connection, [_as_event(copy)], now)
        self._clear_away(name)
        return copy

    def _clear_away(self, name: str) -> None:
        """Takes the numbers of copies that are no longer in force away, some at a time: a floor waits for the lock meanwhile."""
        older = (dnc_list.c.name == name) & ~dnc_list.c.in_force & (dnc_list.c.sha256 != "")  # one that is being read has none
        replaced = select(dnc_list.c.id).where(older)
        some = select(dnc_number.c.number).where(dnc_number.c.list_id.in_(replaced)).limit(BATCH)
        while True:
            with writing(self._engine) as connection:
                old = dnc_number.c.list_id.in_(replaced) & dnc_number.c.number.in_(some)
                if connection.execute(delete(dnc_number).where(old)).rowcount == 0:
                    connection.execute(delete(dnc_list).where(older))
                    return


def _batches(numbers: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(numbers)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _add(connection: Connection, list_id: str, batch: list[str]) -> int:
    wanted = sorted(set(batch))
    known: set[str] = set()
    for start in range(0, len(wanted), 500):
        held = select(dnc_number.c.number).where(
            dnc_number.c.list_id == list_id, dnc_number.c.number.in_(wanted[start : start + 500])
        )
        known.update(connection.execute(held).scalars())
    fresh = [{"number": number, "list_id": list_id} for number in wanted if number not in known]
    if fresh:
        connection.execute(insert(dnc_number), fresh)
    return len(fresh)


def _copy(row: RowMapping) -> ListCopy:
    return ListCopy(row["name"], row["as_of"], row["rows"], row["source"], row["sha256"], row["loaded_at"])


def _as_event(copy: ListCopy) -> LedgerEvent:
    facts = {"list": copy.name, "rows": str(copy.rows), "sha256": copy.sha256, "source": copy.source}
    return LedgerEvent(EventKind.LIST_LOADED, copy.as_of, "", "", "", "", "", facts=tuple(sorted(facts.items())))
