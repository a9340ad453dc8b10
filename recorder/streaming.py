"""How are all rows about calls read in the order of the calls, however many there are?

The order is that of the characters' codes on every database, as Python has it: what several sources tell of one call is brought
together by merging them. Memory holds a handful of rows of each.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, collate
from sqlalchemy.engine import Connection

_AT_ONCE = 1000


def by_call(connection: Connection, query: Select[*tuple[Any, ...]], call_id: ColumnElement[Any]) -> Iterator[Row[Any]]:
    """The rows of `query` in the order of the column `call_id`, read as they are asked for."""
    order = collate(call_id, "C") if connection.dialect.name == "postgresql" else call_id
    yield from connection.execute(query.order_by(order), execution_options={"yield_per": _AT_ONCE})
