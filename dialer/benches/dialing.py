"""How long is a customer who answered without the agent's voice?"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.clock import Clock, SystemClock
from dialer.bootstrap import pbx_of
from dialer.demo import Demo
from dialer.metrics import percentile
from sip.ami import PbxAddress
from sip.ami_client import AmiClient
from sip.port import PbxUnavailable


@dataclass(frozen=True, slots=True)
class DialFigures:
    """Real calls on a lab PBX. Connecting is from the answer to two-way audio, the prompt's own length left out."""

    bridged: int
    heard_p50_ms: float | None  # as the recordings have it, in steps of a packet (20 ms)
    heard_p95_ms: float | None
    signalled_p50_ms: float | None  # as the PBX's events have it
    signalled_p95_ms: float | None
    ami_round_trip_p50_ms: float | None  # Ping and its answer on the same PBX under the same load
    ami_round_trip_p95_ms: float | None
    signalled_per_round_trip: float | None  # at the median: how many round trips a connect costs


def measure_dial(leads: int, say: Callable[[str], None]) -> DialFigures:
    """The demonstration with `leads` people, and the manager interface asked for a sign of life all the while."""
    stopwatch = SystemClock()
    trips: list[float] = []
    pause = threading.Event()
    scratch = tempfile.TemporaryDirectory(prefix="ringfence-bench-")
    with scratch as name, Demo(Path(name) / "site", leads, 4).running(say) as running:
        say(f"{leads} people, 4 agents")
        with _manager(pbx_of(running.parts.site).address, stopwatch) as manager:
            while not running.is_over():
                began = stopwatch.monotonic()
                if manager.ping():
                    trips.append((stopwatch.monotonic() - began) * 1000)
                pause.wait(0.1)
        report = running.report()
    median = percentile(trips, 0.5)
    return DialFigures(
        bridged=report.bridged,
        heard_p50_ms=report.connect_p50_ms,
        heard_p95_ms=report.connect_p95_ms,
        signalled_p50_ms=report.signalled_p50_ms,
        signalled_p95_ms=report.signalled_p95_ms,
        ami_round_trip_p50_ms=median,
        ami_round_trip_p95_ms=percentile(trips, 0.95),
        signalled_per_round_trip=report.signalled_p50_ms / median if report.signalled_p50_ms is not None and median else None,
    )


@contextmanager
def _manager(address: PbxAddress, clock: Clock) -> Iterator[AmiClient]:
    """A manager session beside the floor's own."""
    client = AmiClient(address.host, address.port, clock)
    login = client.login(address.username, address.secret)
    reader = threading.Thread(target=client.listen, daemon=True)
    reader.start()
    try:
        if login.response is None:
            raise PbxUnavailable(f"{address.host}:{address.port} does not answer")
        yield client
    finally:
        client.disconnect()
        reader.join()
