"""Once a day a site lets go of what must go, and counts its recordings; a failure of the one does not stop the other."""

import threading
from collections.abc import Callable
from datetime import timedelta

from config.clock import SystemClock
from dialer.daily import DailyWork


def test_the_work_begins_with_the_site_and_a_chore_that_fails_stops_no_other() -> None:
    done, seen = threading.Event(), list[str]()

    def fails(_seen: Callable[[int], None]) -> None:
        seen.append("first")
        raise OSError("no such store")

    def works(_seen: Callable[[int], None]) -> None:
        seen.append("second")
        done.set()

    daily = DailyWork(SystemClock(), {"first": fails, "second": works})
    daily.start()
    assert done.wait(30)
    daily.stop()
    assert seen == ["first", "second"]


def test_it_is_done_again_after_its_time() -> None:
    times = threading.Semaphore(0)
    daily = DailyWork(SystemClock(), {"count": lambda _seen: times.release()}, every=timedelta(milliseconds=20))
    daily.start()
    assert all(times.acquire(timeout=30) for _ in range(3))
    daily.stop()


def test_a_site_that_ends_does_not_wait_for_the_whole_of_it() -> None:
    begun, stopping = threading.Event(), threading.Event()
    steps: list[int] = []

    def endless(seen: Callable[[int], None]) -> None:
        begun.set()
        assert stopping.wait(30)
        while True:
            steps.append(len(steps))
            seen(len(steps))

    daily = DailyWork(SystemClock(), {"endless": endless, "never begun": lambda _seen: steps.append(-1)})
    daily.start()
    assert begun.wait(30)
    ends = threading.Thread(target=daily.stop)
    ends.start()
    stopping.set()
    ends.join(30)
    assert not ends.is_alive()
    assert -1 not in steps
