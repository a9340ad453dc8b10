"""Is one field of a question what it must be? Readers of texts, lists, times, zones and regions.

The rule it protects: nothing is guessed. What cannot be read is a BadQuestion that names its key.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from compliance.numbers import is_region
from compliance.wallclock import UnknownZone, zone_named


class BadQuestion(ValueError):
    """The question cannot be read. The message names the key."""


def text_of(asked: Mapping[str, object], key: str) -> str:
    """The text of a key, empty where it is missing. Raises BadQuestion."""
    value = asked.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadQuestion(f"{key}: must be a text")
    return value


def list_of(asked: Mapping[str, object], key: str) -> list[object]:
    """The list of a key, empty where it is missing. Raises BadQuestion."""
    value = asked.get(key)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadQuestion(f"{key}: must be a list")
    return list(value)


def texts_of(asked: Mapping[str, object], key: str) -> tuple[str, ...]:
    """The texts of a key; one alone stands for a list of one. Raises BadQuestion."""
    value = asked.get(key)
    found = [value] if isinstance(value, str) else list_of(asked, key)
    if not all(isinstance(one, str) and one for one in found):
        raise BadQuestion(f"{key}: must be a list of texts")
    return tuple(str(one) for one in found)


def time_of(value: object, key: str) -> datetime:
    """An aware time in UTC; `key` names its place. Raises BadQuestion."""
    try:
        at = datetime.fromisoformat(value.upper()) if isinstance(value, str) else None  # RFC 3339 §5.6 permits t and z
    except ValueError:
        at = None
    if at is None:
        raise BadQuestion(f"{key}: must be a time in ISO 8601, such as 2026-06-15T12:00:00Z")
    if at.tzinfo is None:
        raise BadQuestion(f"{key}: must say its offset from UTC, such as Z or +02:00")
    if not 1971 <= at.year <= 2199:
        raise BadQuestion(f"{key}: must be between 1971 and 2199")
    return at.astimezone(UTC)


def seconds_of(value: object) -> timedelta:
    """A length of ringing; none at all where it is missing. Raises BadQuestion."""
    if value is None:
        return timedelta(0)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or not 0 <= value <= 3600:
        raise BadQuestion("ring_budget: must be seconds, from 0 to 3600")
    return timedelta(seconds=value)


def zone_of(name: str) -> str:
    """The IANA name of a zone that exists. Raises BadQuestion."""
    try:
        return zone_named(name).key
    except UnknownZone as error:
        raise BadQuestion(f"zone: {error}") from None


def region_of(name: str) -> str:
    """A country, or a part of one, that exists. Raises BadQuestion."""
    if not is_region(name):
        raise BadQuestion(f"region: {name[:60]!r} is no country or part of one in ISO 3166, such as FR or US-FL")
    return name
