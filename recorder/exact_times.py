"""Is a stored time, sign by sign, as it was written? SQLite keeps times as text, and reads more than one spelling of them.

The rule it protects: what is proven is what lies in the file, not what it is taken for.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, type_coerce
from sqlalchemy.engine import Connection

from config.database import UtcDateTime, from_driver, to_driver


def columns_of(table: FromClause, connection: Connection) -> list[ColumnElement[Any]]:
    """The columns of a table, to be selected; its times as the driver has them."""
    raw = connection.dialect.name == "sqlite"
    return [
        type_coerce(column, String).label(column.name) if raw and isinstance(column.type, UtcDateTime) else column
        for column in table.columns
    ]


def time_of(told: Any, connection: Connection) -> datetime:
    """A time that was selected so. Raises ValueError for one that is not spelled as it was written."""
    dialect = connection.dialect.name
    if dialect != "sqlite":
        return from_driver(told, dialect)
    if not isinstance(told, str) or to_driver(at := from_driver(told, dialect), dialect) != told:
        raise ValueError(f"{told!r} is not a time as it is written here")
    return at
