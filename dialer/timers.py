"""Time for the floor and for what is done daily: APScheduler posts a tick every so often, and wakes the day's work.

Only this module knows the scheduler. The floor decides by the time a tick carries, not by how many came, so a tick is
not put behind one that still waits (`FloorThread.tick`). The day's work has a scheduler of its own: it may take long.
"""

from collections.abc import Callable
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from config.clock import Clock
from dialer.floor import Tick


class Timers:
    """Posts `Tick(now)` every `every`, from a thread of its own, from `start` to `stop`."""

    def __init__(self, clock: Clock, every: timedelta, post: Callable[[Tick], None]) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(
            lambda: post(Tick(clock.now())),
            "interval",
            seconds=every.total_seconds(),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=1,
        )

    def start(self) -> None:
        """Begins to tick."""
        self._scheduler.start()

    def stop(self) -> None:
        """No tick is posted after this returns."""
        self._scheduler.shutdown(wait=True)


class EachDay:
    """Calls `work` at the start and then every so often, in a thread of its own, never twice at once."""

    def __init__(self, clock: Clock, every: timedelta, work: Callable[[], None]) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC", executors={"default": {"type": "threadpool", "max_workers": 1}})
        self._scheduler.add_job(
            work,
            "interval",
            seconds=every.total_seconds(),
            next_run_time=clock.now(),
            coalesce=True,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begins, with the first call at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """Nothing is called after this returns; waits for a call that is going on."""
        self._scheduler.shutdown(wait=True)
