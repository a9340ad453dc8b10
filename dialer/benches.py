"""How fast is it? Each figure stands beside something measured in the same run, since machines differ and ratios do not.

Nothing here asserts: a figure is for reading, and for comparing with the one of the last release.
"""

import csv
import io
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import numpy as np
import soundfile
from sqlalchemy import Engine, insert

from compliance import gate
from compliance.facts import Facts
from compliance.pack_files import load_packs
from compliance.store import Ledger
from compliance.tables import refusal
from compliance.verdict import Candidate, Permit
from config import migrate
from config.clock import Clock, ManualClock, SystemClock
from config.database import open_database, reading, sqlite_url, writing
from config.ids import new_id
from dialer import store
from dialer.bootstrap import pbx_of
from dialer.demo import Demo
from dialer.leads import LeadRow, read
from dialer.metrics import percentile
from dialer.store import Campaign, CampaignState
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import enqueue
from recorder.vault import Vault
from sip.ami import PbxAddress
from sip.ami_client import AmiClient
from sip.events import EndedBy
from sip.port import PbxUnavailable

NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)  # Wednesday noon in New York: calling hours


@dataclass(frozen=True, slots=True)
class GateFigures:
    """Permits are checked and committed one by one, as at dialing; raw inserts commit one row of like size each."""

    permits: int
    permits_per_second: float
    permit_p99_ms: float
    raw_inserts_per_second: float
    permits_per_raw_insert: float
    decisions_per_second: float  # the pure decision, nothing written


def measure_gate(count: int, say: Callable[[str], None]) -> GateFigures:
    """The gate on SQLite, one thread, one person each."""
    stopwatch = SystemClock()
    clock = ManualClock(NOON)
    with _database() as (directory, database):
        packs = load_packs(("house",), directory)
        ledger = Ledger(database, clock, packs, timedelta(seconds=10))
        people = [_candidate(clock, index) for index in range(count)]
        say(f"{count} permits, checked and committed")
        times = []
        for person in people:
            began = stopwatch.monotonic()
            verdict = ledger.permit(person)
            times.append(stopwatch.monotonic() - began)
            if not isinstance(verdict, Permit):
                raise AssertionError(f"the bench was refused: {verdict}")
        say(f"{count} raw inserts, each committed")

        def insert_all() -> None:
            for person in people:
                _raw_insert(database, person)

        raw = _seconds(stopwatch, insert_all)
        say(f"{count} decisions, nothing written")
        facts = Facts()
        decided = _seconds(stopwatch, lambda: [gate.check(person, facts, packs, NOON) for person in people])
    return GateFigures(
        permits=count,
        permits_per_second=count / sum(times),
        permit_p99_ms=1000 * (percentile(times, 0.99) or 0.0),
        raw_inserts_per_second=count / raw,
        permits_per_raw_insert=raw / sum(times),
        decisions_per_second=count / decided,
    )


def _candidate(clock: Clock, index: int) -> Candidate:
    number = f"+1212555{index % 10_000:04d}" if index < 10_000 else f"+1646555{index % 10_000:04d}"
    return Candidate(new_id(clock.now()), f"person-{index}", number, "bench", "seller", "subject", zones=("America/New_York",))


def _raw_insert(database: Engine, person: Candidate) -> None:
    row = {
        "attempt_id": f"raw-{person.attempt_id[4:]}",
        "decided_at": NOON,
        "person": person.person,
        "number": person.number,
        "campaign": person.campaign,
        "seller": person.seller,
        "subject": person.subject,
        "zones": "[]",
        "packs": "[]",
        "reasons": "[]",
    }
    with writing(database) as connection:
        connection.execute(insert(refusal).values(row))


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """A list read, checked and stored, beside Python's own CSV reader on the same text."""

    rows: int
    rows_per_second: float
    csv_reader_rows_per_second: float
    csv_reader_times: float  # how many times longer than reading the CSV alone


def measure_import(count: int, say: Callable[[str], None]) -> ImportFigures:
    """A list of `count` good rows."""
    stopwatch = SystemClock()
    text = "phone,name,person\n" + "".join(f"+1{212 + n // 10_000}555{n % 10_000:04d},Name {n},c-{n}\n" for n in range(count))
    say(f"{count} rows through csv.reader")
    alone = _seconds(stopwatch, lambda: list(csv.reader(io.StringIO(text))))
    say(f"{count} rows imported")
    with _database() as (_, database):
        campaign = _campaign(database, stopwatch)

        def bring_in() -> None:
            rows = [row for row in read(text, "US", {}, frozenset(available_timezones())) if isinstance(row, LeadRow)]
            with writing(database) as connection:
                store.add_leads(connection, campaign.campaign_id, "bench", rows, stopwatch.now())

        took = _seconds(stopwatch, bring_in)
        with reading(database) as connection:
            stored = sum(store.lead_counts(connection, campaign.campaign_id).values())
    return ImportFigures(stored, stored / took, count / alone, took / alone)


def _campaign(database: Engine, clock: Clock) -> Campaign:
    made = Campaign(
        new_id(clock.now()),
        "bench",
        CampaignState.STOPPED,
        subject="bench",
        purpose="sales",
        disclosure="disclosure-en",
        safe_harbour="safe-harbour-en",
        channels=50,
        max_attempts=3,
        ring_for=timedelta(seconds=25),
    )
    with writing(database) as connection:
        store.add_campaign(connection, made, clock.now())
    return made


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


@dataclass(frozen=True, slots=True)
class ArchiveFigures:
    """One long call from raw files to the archive, all of it, beside the FLAC encoding of the same audio alone."""

    call_seconds: float
    seconds: float
    call_seconds_per_second: float  # how many seconds of call are archived in one
    encode_seconds: float
    encode_times: float  # how many times longer than the encoding alone


def measure_archive(seconds: int, say: Callable[[str], None]) -> ArchiveFigures:
    """A call of `seconds`, speech-like noise on both sides."""
    stopwatch = SystemClock()
    rng = np.random.default_rng(1)
    loudness = np.repeat(rng.choice((0.0, 0.3), size=seconds), 8000)
    sides = np.stack([loudness, np.roll(loudness, 8000)]) * rng.normal(0, 0.3, (2, seconds * 8000))
    with _database() as (directory, database):
        spool = directory / "spool"
        spool.mkdir()
        call_id = new_id(stopwatch.now())
        for side, name in zip(sides, ("agent", "customer"), strict=True):
            soundfile.write(spool / f"{call_id}-{name}.wav", np.clip(side, -1, 1), 8000, subtype="PCM_16")
        say(f"encoding {seconds} s of stereo alone")
        encoded = _seconds(stopwatch, lambda: soundfile.write(directory / "alone.flac", np.clip(sides.T, -1, 1), 8000))
        ended = stopwatch.now()
        with writing(database) as connection:
            enqueue(connection, _record(call_id, ended, seconds))
        archivist = Archivist(database, stopwatch, spool, Vault(directory / "archive"), directory / "prompts")
        say("aligning, measuring, encoding, hashing and archiving the same")

        def archive() -> None:
            while not any((directory / "archive").rglob("*.flac")):
                archivist.work_once()

        took = _seconds(stopwatch, archive)
        archivist.close()
    return ArchiveFigures(float(seconds), took, seconds / took, encoded, took / encoded)


def _record(call_id: str, ended: datetime, seconds: int) -> CallRecord:
    answered = ended - timedelta(seconds=seconds)
    return CallRecord(
        call_id=call_id,
        person="bench",
        lead_id="bench",
        number="+12125550100",
        campaign="bench",
        agent_id="101",
        answered_at=answered,
        announcement_at=answered,
        announced_at=answered + timedelta(seconds=2),
        bridged_at=answered + timedelta(seconds=2),
        unbridged_at=ended,
        ended_at=ended,
        disposition="sale",
        abandoned=False,
        prompt="disclosure-en",
        safe_harbour="safe-harbour-en",
        packs=(),
        ended_by=EndedBy.FLOOR,
    )


@contextmanager
def _database() -> Iterator[tuple[Path, Engine]]:
    """A fresh directory with a SQLite database of the present schema; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as name:
        database = open_database(sqlite_url(Path(name) / "ringfence.db"))
        try:
            migrate.upgrade(database)
            yield Path(name), database
        finally:
            database.dispose()


def _seconds(stopwatch: Clock, work: Callable[[], object]) -> float:
    began = stopwatch.monotonic()
    work()
    return stopwatch.monotonic() - began
