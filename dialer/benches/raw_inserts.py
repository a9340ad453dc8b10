"""How many rows can this database commit at all? Rows as long as a permit's, each its own transaction, nothing else done.

They go through the driver, on connections that are open and set up as the gate's are, into a table with a key and no
other index: less cannot be done for a row that must be there after a power cut.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count as counting
from typing import Any

from sqlalchemy import func, select

from compliance.tables import permit
from config.database import open_database, reading, writing


@dataclass(frozen=True, slots=True)
class RawInserts:
    """A connection for every thread, and what each row holds."""

    connections: tuple[Any, ...]
    statements: tuple[str, ...]  # begin (where the driver does not), and insert
    body: str
    serials: Iterator[int] = field(default_factory=counting)

    def commit(self, count: int, pool: ThreadPoolExecutor, threads: int) -> None:
        """Inserts and commits so many rows one by one, shared out among the threads."""
        ids = [f"{next(self.serials):032d}" for _ in range(count)]

        def insert_all(first: int) -> None:
            connection = self.connections[first]
            *begin, insert = self.statements
            for row_id in ids[first::threads]:
                for statement in begin:
                    connection.execute(statement)
                connection.execute(insert, (row_id, self.body))
                connection.commit()

        if threads == 1:
            insert_all(0)
        else:
            list(pool.map(insert_all, range(threads)))


@contextmanager
def raw_inserts(url: str, threads: int) -> Iterator[RawInserts]:
    """On the database at `url`, which holds at least one permit."""
    database = open_database(url)
    texts = (permit.c.person, permit.c.zones, permit.c.packs, permit.c.decision)
    with writing(database) as connection:
        connection.exec_driver_sql("CREATE TABLE raw_insert (id VARCHAR(64) PRIMARY KEY, body TEXT NOT NULL)")
    with reading(database) as connection:
        length = sum(connection.execute(select(*(func.length(text) for text in texts)).limit(1)).one())
    open_ones = [database.raw_connection() for _ in range(threads)]
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    begin = ("BEGIN IMMEDIATE",) if database.dialect.name == "sqlite" else ()
    insert = f"INSERT INTO raw_insert VALUES ({mark}, {mark})"  # noqa: S608 -- two marks and nothing else
    try:
        yield RawInserts(tuple(one.driver_connection for one in open_ones), (*begin, insert), "x" * length)
    finally:
        for one in open_ones:
            one.close()
        database.dispose()
