"""Reads a parsed TOML document field by field, and remembers the key path of every fault instead of stopping at the first.

A reader that finds a fault notes it and answers with a stand-in of the right type, so that the whole document is
judged in one go. What was not read when a table is closed is an unknown key: a fault like any other.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")

LARGEST_INTEGER = 1_000_000_000


class Node:
    """One table of the document. Faults go to the list shared by the whole document, each with its key path."""

    def __init__(self, table: object, path: str, errors: list[str]) -> None:
        self._path = path
        self._errors = errors
        self._fields: dict[str, object] = dict(table) if isinstance(table, dict) else {}
        self._read: set[str] = set()
        if not isinstance(table, dict):
            errors.append(f"{path}: must be a table")

    def fault(self, key: str, text: str) -> None:
        """Notes a fault of one key."""
        self._errors.append(f"{self._path}{'.' if self._path else ''}{key}: {text}")

    def has(self, key: str) -> bool:
        """Whether the table has the key."""
        return key in self._fields

    def text(self, key: str, pattern: str = r"(?s).*\S.*") -> str:
        """A text that matches the whole pattern, by default any that is not blank."""
        value = self._take(key)
        if not isinstance(value, str):
            return self._mistyped(key, value, "a text", "")
        if not re.fullmatch(pattern, value):
            self.fault(key, f"{value[:60]!r} is not a usable value" if value.strip() else "is empty")
            return ""
        return value

    def integer(self, key: str, minimum: int) -> int:
        """A whole number of at least `minimum`."""
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool):
            return self._mistyped(key, value, "a whole number", minimum)
        if not minimum <= value <= LARGEST_INTEGER:
            self.fault(key, f"must be from {minimum} to {LARGEST_INTEGER}")
            return minimum
        return value

    def number(self, key: str, largest: int) -> Decimal:
        """A number from 0 to `largest`, exactly as it is written: the document must be read with Decimal for its floats."""
        value = self._take(key)
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            return self._mistyped(key, value, "a number", Decimal(0))
        if not Decimal(value).is_finite() or not 0 <= value <= largest:
            self.fault(key, f"must be from 0 to {largest}")
            return Decimal(0)
        return Decimal(value)

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            self.fault(key, "must be true or false")
        return value is True

    def day(self, key: str) -> date | None:
        """A calendar date without a time, or None where it is missing."""
        value = self._take(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.fault(key, "must be a date such as 2026-08-11, without quotes and without a time")
            return None
        return value

    def keys(self) -> tuple[str, ...]:
        """Every key of the table, in the order in which it is written."""
        return tuple(self._fields)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed texts."""
        value = self._take(key)
        if not isinstance(value, str):
            return self._mistyped(key, value, "a text", allowed[0])
        if value not in allowed:
            self.fault(key, f"{value[:60]!r} is not supported by this version: use {', '.join(allowed)}")
            return allowed[0]
        return value

    def texts(self, key: str, at_least: int = 0) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return self._mistyped(key, value, "a list of texts", ())
        if len(value) < at_least:
            self.fault(key, "is empty")
        return tuple(str(item) for item in value)

    def choices(self, key: str, allowed: tuple[str, ...], at_least: int = 0) -> tuple[str, ...]:
        """A list of the allowed texts, none twice."""
        values = self.texts(key, at_least)
        for index, value in enumerate(values):
            if value not in allowed:
                self.fault(f"{key}[{index}]", f"{value[:60]!r} is not supported by this version: use {', '.join(allowed)}")
            elif value in values[:index]:
                self.fault(f"{key}[{index}]", f"{value!r} is named twice")
        return tuple(value for value in values if value in allowed)

    def table(self, key: str) -> "Node":
        """A table below this one; an empty one in place of a missing one."""
        value = self._take(key)
        if value is None:
            self.fault(key, "is missing")
            value = {}
            return Node(value, self._below(key), [])  # one fault is enough: not one more for each of its keys
        return Node(value, self._below(key), self._errors)

    def tables(self, key: str) -> tuple["Node", ...]:
        """A list of tables."""
        value = self._take(key)
        if not isinstance(value, list):
            return self._mistyped(key, value, "a list of tables", ())
        return tuple(Node(item, f"{self._below(key)}[{index}]", self._errors) for index, item in enumerate(value))

    def attempt(self, key: str, read: Callable[[], T]) -> T | None:
        """The value that `read` makes; its ValueError becomes the fault of the key."""
        try:
            return read()
        except ValueError as error:
            self.fault(key, str(error))
            return None

    def close(self, *also_read: str) -> None:
        """Notes a fault for every key that nothing asked for."""
        for key in _sorted_without(self._fields, self._read.union(also_read)):
            self.fault(key, "unknown key")

    def _take(self, key: str) -> object:
        self._read.add(key)
        return self._fields.get(key)

    def _mistyped(self, key: str, value: object, wanted: str, stand_in: T) -> T:
        self.fault(key, "is missing" if value is None else f"must be {wanted}")
        return stand_in

    def _below(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _sorted_without(keys: Iterable[str], read: set[str]) -> list[str]:
    return sorted(key[:60] for key in keys if key not in read)
