"""How many rows can this database commit at all? Rows as long as a permit's, each its own transaction, nothing else done.

Twice: through the way the gate writes too, into a table with the columns and indexes of permits, which shows what checking
costs; and through the driver alone, into a table with a key and no other index, which is the least that can be done for a row
that must be there after a power cut.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count as counting
from typing import Any

from sqlalchemy import Engine, MetaData, Table, insert, select
from sqlalchemy.sql.elements import quoted_name

from compliance.tables import permit
from config.database import open_database, reading, writing


@dataclass(frozen=True, slots=True)
class RawInserts:
    """The twin of the table of permits, a connection of the driver for every thread, and a permit to write again and again."""

    database: Engine
    twin: Table
    row: dict[str, Any]
    connections: tuple[Any, ...]
    statements: tuple[str, ...]  # begin (where the driver does not), and insert
    serials: Iterator[int] = field(default_factory=counting)

    def commit(self, count: int, pool: ThreadPoolExecutor, threads: int) -> None:
        """Writes and commits so many permits one by one as the gate does, without asking it; shared out among the threads."""
        made = insert(self.twin)

        def write(_thread: int, ids: Sequence[str]) -> None:
            for row_id in ids:
                with writing(self.database) as connection:
                    connection.execute(made, {**self.row, "permit_id": row_id, "attempt_id": row_id, "person": row_id})

        self._shared_out(count, pool, threads, write)

    def commit_by_driver(self, count: int, pool: ThreadPoolExecutor, threads: int) -> None:
        """The same number of rows as long as these, with nothing between us and the driver."""
        body = "x" * sum(len(value) for value in self.row.values() if isinstance(value, str))

        def write(thread: int, ids: Sequence[str]) -> None:
            connection = self.connections[thread]
            *begin, statement = self.statements
            for row_id in ids:
                for one in begin:
                    connection.execute(one)
                connection.execute(statement, (row_id, body))
                connection.commit()

        self._shared_out(count, pool, threads, write)

    def _shared_out(
        self, count: int, pool: ThreadPoolExecutor, threads: int, write: Callable[[int, Sequence[str]], None]
    ) -> None:
        ids = [f"{next(self.serials):032d}" for _ in range(count)]
        shares = [ids[first::threads] for first in range(threads)]
        list(map(write, range(threads), shares) if threads == 1 else pool.map(write, range(threads), shares))


@contextmanager
def raw_inserts(url: str, threads: int) -> Iterator[RawInserts]:
    """On the database at `url`, which holds at least one permit."""
    database = open_database(url)
    twin = permit.to_metadata(MetaData(), name="raw_permit")
    for constraint in twin.constraints:  # names are of one database, not of one table
        constraint.name = None
    for index in twin.indexes:
        index.name = quoted_name(f"raw_{index.name}", quote=None)
    with writing(database) as connection:
        twin.create(connection)
        connection.exec_driver_sql("CREATE TABLE raw_insert (id VARCHAR(64) PRIMARY KEY, body TEXT NOT NULL)")
    with reading(database) as connection:
        row = dict(connection.execute(select(permit).limit(1)).mappings().one())
    open_ones = [database.raw_connection() for _ in range(threads)]
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    begin = ("BEGIN IMMEDIATE",) if database.dialect.name == "sqlite" else ()
    statement = f"INSERT INTO raw_insert VALUES ({mark}, {mark})"  # noqa: S608 -- two marks and nothing else
    try:
        yield RawInserts(database, twin, row, tuple(one.driver_connection for one in open_ones), (*begin, statement))
    finally:
        for one in open_ones:
            one.close()
        database.dispose()
