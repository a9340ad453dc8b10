"""Time for the floor: APScheduler posts a tick every so often and does nothing else.

Only this module knows the scheduler. The floor decides by the time a tick carries, not by how many came, so a tick is
not put behind one that still waits (`FloorThread.tick`).
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
