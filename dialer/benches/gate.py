"""How fast is the gate, as the ledger grows? Permits beside raw inserts, on both databases, with ledgers of several sizes.

All ledgers of a database are there at once and are asked in turn, raw inserts between the permits, so that a busy machine
hits all of them alike: what is compared is what ran side by side.
"""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count as counting
from itertools import cycle, islice, product
from pathlib import Path
from statistics import median

import numpy as np
from sqlalchemy import Engine

from compliance.pack_files import load_packs
from compliance.store import NOTHING, Ledger
from compliance.verdict import Candidate, Permit
from config.clock import Clock, SystemClock
from config.database import sqlite_url
from config.private_postgresql import private_postgresql
from dialer.benches.deciding import measure_decisions
from dialer.benches.filling import Past, candidate_for, fill
from dialer.benches.gate_figures import GateFigures, PermitFigures, judged
from dialer.benches.population import Population, populate
from dialer.benches.raw_inserts import RawInserts, raw_inserts
from dialer.benches.scratch import fresh, scratch_directory, seconds_of
from dialer.metrics import percentile

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES: tuple[str, ...] = (SQLITE, POSTGRESQL)
SIZES: tuple[int, ...] = (10_000, 1_000_000, 10_000_000)
PACKS: tuple[tuple[str, ...], ...] = (("house",), ("house", "us-federal-telemarketing", "us-fl"))
AN_ORDER = 10  # leads that an order to dial asks about in one transaction
#: Threads, and permits asked for in a transaction. SQLite has one writer at a time.
ASKED: dict[str, tuple[tuple[int, int], ...]] = {
    SQLITE: ((1, 1), (1, AN_ORDER)),
    POSTGRESQL: ((1, 1), (1, AN_ORDER), (8, 1)),
}

BYTES_A_ROW = 2_000  # of disk for a ledger row, with its part of a permit, the indexes and the log
ROUNDS = 20
READ_AT_ONCE = 1 << 20  # bytes
WARM_UP = 20  # permits before the first that is measured: connections, statements and packs are then known
LIFETIME = timedelta(milliseconds=10)  # of a permit: whoever was asked for may soon be asked for again, in a small ledger


class NoRoom(Exception):
    """The databases do not fit on the disk; the message says where."""


def measure_gate(
    count: int,
    say: Callable[[str], None],
    sizes: Sequence[int] = SIZES,
    databases: Sequence[str] = DATABASES,
    directory: Path | None = None,
) -> GateFigures:
    """`count` permits of each kind. Raises NoRoom, and PostgresqlUnavailable."""
    where = directory or Path(tempfile.gettempdir())
    needed = sum(sizes) * BYTES_A_ROW
    if (free := shutil.disk_usage(where).free) < needed:
        raise NoRoom(f"{where}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free: name another with --dir")
    figures = []
    for name in databases:
        with _databases(name, where) as (files, urls):
            figures.extend(_measure(name, (files, urls), sizes, count, say))
    say("decisions, nothing read or written")
    return judged(figures, measure_decisions([load_packs(names, where) for names in PACKS]))


@contextmanager
def _databases(name: str, where: Path) -> Iterator[tuple[Path, Iterator[str]]]:
    """Where the files of the databases lie, and URLs of as many empty ones as are asked for; gone afterwards."""
    if name == POSTGRESQL:
        with private_postgresql(where, durable=True) as server:
            yield server.directory, (server.new_database() for _ in counting())
    else:
        with scratch_directory(where) as home:
            yield home, (sqlite_url(home / f"ledger-{number}.db") for number in counting())


@dataclass(frozen=True, slots=True)
class _Filled:
    """A database with a ledger of that many rows, and whom of its people to ask for next."""

    rows: int
    database: Engine
    raw: RawInserts
    people: Iterator[int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One kind of permit on one ledger, and how long each has taken so far; `seconds` and `raw_seconds` are of whole batches."""

    filled: _Filled
    packs: tuple[str, ...]
    gate: Ledger
    threads: int
    at_once: int
    transactions: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    raw_seconds: list[float] = field(default_factory=list)
    driver_seconds: list[float] = field(default_factory=list)


def _measure(
    name: str, databases: tuple[Path, Iterator[str]], sizes: Sequence[int], count: int, say: Callable[[str], None]
) -> list[PermitFigures]:
    files, urls = databases
    clock = SystemClock()
    zone = noon_zone(clock.now())
    packs = {names: load_packs(names, Path()) for names in PACKS}
    batch = AN_ORDER * math.ceil(count / ROUNDS / AN_ORDER)
    most_threads = max(threads for threads, _ in ASKED[name])
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(most_threads))
        asked = []
        for rows in sorted(set(sizes)):
            say(f"{name}: filling a ledger of {rows:,} rows")
            url = next(urls)
            database = stack.enter_context(fresh(url))
            population = populate(rows)
            fill(database, Past(population, packs[PACKS[-1]], clock.now(), zone), say)
            raw = stack.enter_context(raw_inserts(url, most_threads))
            filled = _Filled(rows, database, raw, _in_turn(population))
            for names, (threads, at_once) in product(PACKS, ASKED[name]):
                gate = Ledger(database, clock, packs[names], LIFETIME, one_time_for_all=name == POSTGRESQL)
                asked.append(_Asked(filled, names, gate, threads, at_once))
        say(f"{name}: reading all of it once")
        _read_through(files)
        for one in asked:
            _permits(pool, one, WARM_UP, clock, zone)
            one.transactions.clear()
            one.seconds.clear()
        say(f"{name}: {batch * ROUNDS} permits of each kind and as many raw inserts, in {ROUNDS} rounds")
        for _, one in product(range(ROUNDS), asked):
            whom = list(islice(one.filled.people, batch))
            one.raw_seconds.append(seconds_of(clock, partial(one.filled.raw.commit, whom, clock.now(), pool, one.threads)))
            one.filled.raw.forget()
            one.driver_seconds.append(seconds_of(clock, partial(one.filled.raw.commit_by_driver, batch, pool, one.threads)))
            _permits(pool, one, batch, clock, zone)
    smallest = {(one.packs, one.threads, one.at_once): median(one.seconds) for one in reversed(asked)}
    return [_figures(name, one, batch, smallest[one.packs, one.threads, one.at_once]) for one in asked]


def _read_through(files: Path) -> None:
    """So that every ledger is in memory as far as it fits, and not only the one that was filled last."""
    for path in sorted(path for path in files.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError), path.open("rb", buffering=0) as file:  # a server puts files of its own away
            while file.read(READ_AT_ONCE):
                pass


def _permits(pool: ThreadPoolExecutor, one: _Asked, batch: int, clock: Clock, zone: str) -> None:
    """So many permits, shared out among the threads."""
    candidates = [candidate_for(person, clock.now(), zone) for person in islice(one.filled.people, batch)]

    def ask(share: Sequence[Candidate]) -> list[float]:
        taken = []
        for first in range(0, len(share), one.at_once):
            together = [(candidate, NOTHING) for candidate in share[first : first + one.at_once]]
            began = clock.monotonic()
            verdicts = one.gate.permits(together)
            taken.append(clock.monotonic() - began)
            if not all(isinstance(verdict, Permit) for verdict in verdicts):
                raise AssertionError(f"the bench was refused: {verdicts}")
        return taken

    def ask_all() -> None:
        shares = [candidates[first :: one.threads] for first in range(one.threads)]
        answers = map(ask, shares) if one.threads == 1 else pool.map(ask, shares)
        one.transactions.extend(taken for answer in answers for taken in answer)

    one.seconds.append(seconds_of(clock, ask_all))


def _figures(name: str, one: _Asked, batch: int, smallest: float) -> PermitFigures:
    """By the median round: what happened to the machine in one of them is no property of the gate."""
    seconds, raw, driver = median(one.seconds), median(one.raw_seconds), median(one.driver_seconds)
    return PermitFigures(
        database=name,
        rows=one.filled.rows,
        packs=one.packs,
        threads=one.threads,
        at_once=one.at_once,
        permits=len(one.seconds) * batch,
        permits_per_second=batch / seconds,
        raw_inserts_per_second=batch / raw,
        permits_per_raw_insert=raw / seconds,
        driver_inserts_per_second=batch / driver,
        p50_ms=1000 * (percentile(one.transactions, 0.5) or 0.0),
        p99_ms=1000 * (percentile(one.transactions, 0.99) or 0.0),
        cost_vs_smallest=seconds / smallest,
    )


def _in_turn(population: Population) -> Iterator[int]:
    """Those who may be rung, in an order that jumps about the ledger; from the beginning again after the last."""
    willing = np.flatnonzero(population.consented)
    return cycle(np.random.default_rng(2).permutation(willing).tolist())


def noon_zone(now: datetime) -> str:
    """The zone in which it is an hour before noon: the bench runs by the real clocks, and at night nobody may be rung."""
    east = (11 - now.astimezone(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-east:+d}"  # these names count to the west
