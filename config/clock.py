"""The only reader of the wall clock.

Every other module takes `now` as an argument or a `Clock` at its edge, so that a test of a month runs in
milliseconds and a decision can be replayed with the time it was made at. Times are aware UTC.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how to wait; `monotonic` never steps back and is for measuring seconds."""

    def now(self) -> datetime:
        """Aware UTC wall-clock time."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin, never going back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 -- this module is the one reader of the clock

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to: for the simulator, rehearsals and tests."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware time")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        self._guard = threading.Lock()

    def now(self) -> datetime:
        with self._guard:
            return self._now

    def monotonic(self) -> float:
        with self._guard:
            return self._elapsed

    def advance(self, step: timedelta) -> datetime:
        """Moves the clock forward by `step` and returns the new time. Raises ValueError for a negative step."""
        if step < timedelta(0):
            raise ValueError("a manual clock does not go back")
        with self._guard:
            self._now += step
            self._elapsed += step.total_seconds()
            return self._now
