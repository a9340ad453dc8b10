"""How many rows can this database commit at all? Permits that nobody asked the gate for, each its own transaction.

Twice: the way the gate writes, into the very table that holds its permits, for the same people: what is missing is the checking
alone. And through the driver, into a table with a key and no other index, which is the least that can be done for a row that
must be there after a power cut.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count as counting
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, insert, select

from compliance.tables import permit
from config.database import open_database, reading, writing
from config.ids import new_id
from dialer.benches.population import number_of, person_id

Work = TypeVar("Work")
ASIDE = "raw-"  # so begin the ids of permits that were written without asking


@dataclass(frozen=True, slots=True)
class RawInserts:
    """A permit to write again and again, as a row that is over long since; and a connection of the driver for every thread."""

    database: Engine
    row: dict[str, Any]
    connections: tuple[Any, ...]
    statements: tuple[str, ...]  # begin (where the driver does not), and insert
    serials: Iterator[int] = field(default_factory=counting)

    def commit(self, people: Sequence[int], now: datetime, pool: ThreadPoolExecutor, threads: int) -> None:
        """Writes and commits a permit for each of the people one by one as the gate does, without asking it."""
        made = insert(permit)

        def write(_thread: int, share: Sequence[int]) -> None:
            for person in share:
                told = {"permit_id": f"{ASIDE}{new_id(now)}", "attempt_id": f"{ASIDE}{new_id(now)}"}
                with writing(self.database) as connection:
                    connection.execute(made, {**self.row, **told, "person": person_id(person), "number": number_of(person)})

        _shared_out(people, pool, threads, write)

    def forget(self) -> None:
        """Takes those permits away again: nobody asked for is to have had more of them than the gate gave."""
        with writing(self.database) as connection:
            connection.execute(delete(permit).where(permit.c.permit_id.between(ASIDE, f"{ASIDE}~")))

    def commit_by_driver(self, count: int, pool: ThreadPoolExecutor, threads: int) -> None:
        """So many rows as long as these, with nothing between us and the driver."""
        body = "x" * sum(len(value) for value in self.row.values() if isinstance(value, str))

        def write(thread: int, share: Sequence[str]) -> None:
            connection = self.connections[thread]
            *begin, statement = self.statements
            for row_id in share:
                for one in begin:
                    connection.execute(one)
                connection.execute(statement, (row_id, body))
                connection.commit()

        _shared_out([f"{next(self.serials):032d}" for _ in range(count)], pool, threads, write)


def _shared_out(
    work: Sequence[Work], pool: ThreadPoolExecutor, threads: int, write: Callable[[int, Sequence[Work]], None]
) -> None:
    shares = [work[first::threads] for first in range(threads)]
    list(map(write, range(threads), shares) if threads == 1 else pool.map(write, range(threads), shares))


@contextmanager
def raw_inserts(url: str, threads: int) -> Iterator[RawInserts]:
    """On the database at `url`, which holds at least one permit that is over."""
    database = open_database(url)
    with writing(database) as connection:
        connection.exec_driver_sql("CREATE TABLE raw_insert (id VARCHAR(64) PRIMARY KEY, body TEXT NOT NULL)")
    with reading(database) as connection:
        row = dict(connection.execute(select(permit).order_by(permit.c.expires_at).limit(1)).mappings().one())
    open_ones = [database.raw_connection() for _ in range(threads)]
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    begin = ("BEGIN IMMEDIATE",) if database.dialect.name == "sqlite" else ()
    statement = f"INSERT INTO raw_insert VALUES ({mark}, {mark})"  # noqa: S608 -- two marks and nothing else
    try:
        yield RawInserts(database, row, tuple(one.driver_connection for one in open_ones), (*begin, statement))
    finally:
        for one in open_ones:
            one.close()
        database.dispose()
