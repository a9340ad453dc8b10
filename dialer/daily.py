"""What does a site do once a day, beside its calls? Lets go of recordings that must go, and counts what should be there.

The rule it protects: a gap in the recordings is an alert the next morning, and what must be gone is gone, without anybody having
to think of it. It runs in a thread of its own, ends when the site ends, and goes on from there the next time.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from config import logs
from config.clock import Clock
from dialer.store.legs import placed
from dialer.timers import EachDay
from recorder.legs import Terms
from recorder.plan import LENGTH_TOLERANCE
from recorder.purge import Order
from recorder.reconcile import reconcile, tell
from recorder.sweep import sweep
from recorder.vault import Vault
from recorder.witnesses import Period

LOG = logs.get(__name__)
Chore = Callable[[Callable[[int], None]], object]

LOOK_BACK = timedelta(days=3)  # of the daily count: a run that was missed costs no call its count


def chores_of(engine: Engine, vault: Vault, spool: Path, clock: Clock, order: Order) -> Mapping[str, Chore]:
    """What a site does daily with its recordings. The PBX's CDRs are not asked: `ringfence recording reconcile` does that."""

    def let_go(seen: Callable[[int], None]) -> None:
        report = sweep(engine, vault, order, clock.now(), seen)
        LOG.info("recordings were looked through for their age", purged=len(report.purged), kept=report.kept)

    def count(seen: Callable[[int], None]) -> None:
        now = clock.now()
        terms = Terms(now, LENGTH_TOLERANCE, with_cdrs=False)
        report = reconcile(engine, vault, spool, placed, terms, period=Period(since=now - LOOK_BACK), seen=seen)
        told = tell(engine, report, now)
        LOG.info("calls and recordings were held against each other", calls=report.calls, findings=len(report.findings), new=told)

    return {"retention": let_go, "completeness": count}


class Stopped(Exception):
    """The site ends: what is left of the day's work is done the next time."""


class DailyWork:
    """Does the chores at the start and then once a day, one after the other; one that fails is logged and stops no other.

    Each chore is given a function to call as it goes on, which raises Stopped when it is to end.
    """

    def __init__(self, clock: Clock, chores: Mapping[str, Chore], every: timedelta = timedelta(days=1)) -> None:
        self._chores = chores
        self._stopping = threading.Event()
        self._timer = EachDay(clock, every, self.work)

    def start(self) -> None:
        """Begins at once, in the background."""
        self._timer.start()

    def stop(self) -> None:
        """Ends the chore that is being done at its next step, and waits for that."""
        self._stopping.set()
        self._timer.stop()

    def work(self) -> None:
        """All chores, now, in the caller's thread."""
        for name, chore in self._chores.items():
            try:
                chore(self._step)
            except Stopped:
                return
            except Exception:
                LOG.exception("a daily chore failed", chore=name)

    def _step(self, _done: int) -> None:
        if self._stopping.is_set():
            raise Stopped
