"""The one thread that owns the floor: what comes from other threads goes through its inbox, and nothing ends it but `stop`."""

import queue
import threading
from collections.abc import Callable

from config.logs import get
from dialer.floor import Floor, Item, Tick
from dialer.service import FloorService
from sip.port import Telephony

LOG = get("dialer.floor_thread")


class FloorThread:
    """Runs a `FloorService`; `watch` is shown the floor after each item, in the floor's thread."""

    def __init__(self, service: FloorService, telephony: Telephony, watch: Callable[[Floor], None]) -> None:
        self._service = service
        self._telephony = telephony
        self._watch = watch
        self._inbox: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._tick_waits = False
        self._thread = threading.Thread(target=self._run, name="floor", daemon=True)

    def start(self) -> None:
        """Takes over what an earlier run left, then watches the PBX and begins to work."""
        self._service.take_over()
        self._thread.start()
        self._telephony.start(self._inbox.put)

    def tick(self, tick: Tick) -> None:
        """Puts a tick into the inbox, unless one waits there already: the floor needs to know that time went by once."""
        if not self._tick_waits:
            self._tick_waits = True
            self._inbox.put(tick)

    def stop(self) -> None:
        """Ends the thread after what is in the inbox; calls that are up stay up for the next run."""
        self._telephony.close()
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._inbox.get()) is not None:
            if isinstance(item, Tick):
                self._tick_waits = False
            try:
                self._service.handle(item)
                self._watch(self._service.floor)
            except Exception:  # the last resort: customers are waiting
                LOG.exception("item_failed", item=type(item).__name__)
