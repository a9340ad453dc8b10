"""Where is the audio worked on, so that the call floor does not wait for it?

Worker processes, started afresh (spawn: a fork of a process with threads and sockets is not safe). They outlive
neither a crash of their own nor one of the process they work for: an orphan would write to the archive unseen.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection

from recorder.ingest import Ingested, Task, ingest


class AudioWorkers:
    """A pool of `count` worker processes, started when there is work."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, task: Task) -> Future[Ingested]:
        """Hands a call to a worker. Raises BrokenProcessPool when one has died; `restart` mends that."""
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, mp_context=spawn, initializer=_prepare)
        return self._pool.submit(ingest, task)

    def restart(self) -> None:
        """Ends the workers; the next task starts new ones. Waits for those at work."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    close = restart


def _prepare() -> None:
    """Ties a worker to its parent: Ctrl-C is the parent's to handle, and the parent's death ends the worker at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=die_with_parent, daemon=True).start()


def die_with_parent() -> None:
    """Ends this process as soon as the one that started it is gone, however that went: nobody else would end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
