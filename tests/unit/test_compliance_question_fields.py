"""A field of a question is what it must be, to the last second of its bounds, or its key is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from compliance.question_fields import BadQuestion, list_of, region_of, seconds_of, text_of, texts_of, time_of, zone_of

ISO = "must be a time in ISO 8601, such as 2026-06-15T12:00:00Z"
SECONDS = "ring_budget: must be seconds, from 0 to 3600"
LONG, SHOWN = "X" * 61, "X" * 60


def a_time(text: object) -> datetime:
    return time_of(text, "at")


def of_k(read: Callable[[dict[str, object], str], object]) -> Callable[[object], object]:
    return lambda value: read({"k": value}, "k")


READ: list[tuple[Callable[[object], object], object, object]] = [
    (of_k(text_of), "a", "a"),
    (of_k(text_of), None, ""),
    (of_k(list_of), [1, "a"], [1, "a"]),
    (of_k(list_of), (1,), [1]),
    (of_k(list_of), None, []),
    (of_k(texts_of), "a", ("a",)),
    (of_k(texts_of), ["a", "b"], ("a", "b")),
    (of_k(texts_of), None, ()),
    (a_time, "1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
    (a_time, "2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (a_time, "2026-06-15t12:00:00z", datetime(2026, 6, 15, 12, tzinfo=UTC)),
    (a_time, "2026-06-15T12:00:00+02:00", datetime(2026, 6, 15, 10, tzinfo=UTC)),
    (seconds_of, None, timedelta(0)),
    (seconds_of, 0, timedelta(0)),
    (seconds_of, 0.5, timedelta(milliseconds=500)),
    (seconds_of, "45.5", timedelta(seconds=45.5)),
    (seconds_of, 3600, timedelta(hours=1)),
]


@pytest.mark.parametrize(("read", "value", "found"), READ)
def test_what_can_be_read_is_read(read: Callable[[object], object], value: object, found: object) -> None:
    assert read(value) == found


FAULTS: list[tuple[Callable[[object], object], object, str]] = [
    (of_k(text_of), 1, "k: must be a text"),
    (of_k(list_of), "a", "k: must be a list"),
    (of_k(texts_of), ["a", ""], "k: must be a list of texts"),
    (of_k(texts_of), "", "k: must be a list of texts"),
    (of_k(texts_of), {}, "k: must be a list"),
    (a_time, "1970-12-31T23:59:59Z", "at: must be between 1971 and 2199"),
    (a_time, "2200-01-01T00:00:00Z", "at: must be between 1971 and 2199"),
    (a_time, "2026-06-15T12:00:00", "at: must say its offset from UTC, such as Z or +02:00"),
    (a_time, "noon", f"at: {ISO}"),
    (a_time, 12, f"at: {ISO}"),
    (a_time, None, f"at: {ISO}"),
    (seconds_of, -0.001, SECONDS),
    (seconds_of, 3600.001, SECONDS),
    (seconds_of, "3601", SECONDS),
    (seconds_of, "soon", SECONDS),
    (seconds_of, "nan", SECONDS),
    (seconds_of, float("inf"), SECONDS),
    (seconds_of, True, SECONDS),
    (seconds_of, [1], SECONDS),
    (lambda name: zone_of(str(name)), "Mars/Base", "zone: 'Mars/Base' is not a known IANA time zone"),
    (lambda name: region_of(str(name)), LONG, f"region: {SHOWN!r} is no country or part of one in ISO 3166, such as FR or US-FL"),
]


@pytest.mark.parametrize(("read", "value", "told"), FAULTS)
def test_what_cannot_be_read_is_told_in_full(read: Callable[[object], object], value: object, told: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        read(value)
    assert str(caught.value) == told


def test_a_time_is_told_in_utc_and_a_place_by_its_own_name() -> None:
    assert a_time("2026-06-15T12:00:00+02:00").tzinfo is UTC
    assert zone_of("America/New_York") == "America/New_York"
    assert [region_of(name) for name in ("FR", "US-FL", "CN-NX")] == ["FR", "US-FL", "CN-NX"]
