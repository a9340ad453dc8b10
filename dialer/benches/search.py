"""How long does it take to find the first page of recordings among a million? Each kind of search, beside a look-up by key.

The recordings are rows only: nothing that is searched looks at a file. They are made as a floor would leave them over two years:
agents in teams, campaigns of unlike sizes, people called more than once, measures and flags as rare as they are in life. The
searches take turns, each time for another agent, number or time, so that a busy machine hits all of them alike.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert, select

from config.clock import SystemClock
from config.database import reading, sqlite_url, to_driver, writing
from config.private_postgresql import private_postgresql
from dialer.benches.filling import insert_rows, settle
from dialer.benches.gate import DATABASES, POSTGRESQL, NoRoom
from dialer.benches.scratch import fresh, scratch_directory
from dialer.metrics import percentile
from recorder.disclosure import Verdict
from recorder.holds import recording_hold
from recorder.qa.tables import qa_review, qa_scorecard
from recorder.search import Between, Measure, Wanted, page
from recorder.store import RecordingRow

ROWS = 1_000_000
PAGE = 50  # recordings on a page
FIRST_PAGE_MS = 100.0  # at most, at the 99th percentile
BYTES_A_ROW = 2_500  # of disk, with the indexes and the log
BATCH = 20_000
PERIOD = timedelta(days=730)
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
AGENTS, TEAMS, CAMPAIGNS = 400, 20, 40
DISPOSITIONS = ("not_interested", "not_given", "callback", "wrong_number", "do_not_call", "sale")
SHARES = (0.55, 0.2, 0.12, 0.06, 0.04, 0.03)

_recording: Any = RecordingRow.__table__


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """One kind of search. `found` is how many recordings the median first page holds.

    `key_p50_ms` is a look-up by key in the same run; `met` whether the 99th percentile is below `FIRST_PAGE_MS`.
    """

    database: str
    rows: int
    search: str
    found: int
    p50_ms: float
    p99_ms: float
    key_p50_ms: float
    times_a_key: float
    met: bool


def measure_search(
    rows: int, rounds: int, say: Callable[[str], None], databases: Sequence[str] = DATABASES, directory: Path | None = None
) -> list[SearchFigures]:
    """Every kind of search, `rounds` times each. Raises NoRoom, and PostgresqlUnavailable."""
    where = directory or Path(tempfile.gettempdir())
    needed = rows * BYTES_A_ROW
    if (free := shutil.disk_usage(where).free) < needed:
        raise NoRoom(f"{where}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free: name another with --dir")
    figures = []
    for name in databases:
        with _database(name, where) as database:
            say(f"{name}: {rows:,} recordings")
            fill(database, rows)
            say(f"{name}: {rounds} rounds of {len(SEARCHES)} kinds of search")
            figures += _measure(name, database, rows, rounds)
    return figures


@contextmanager
def _database(name: str, where: Path) -> Iterator[Engine]:
    if name == POSTGRESQL:
        with private_postgresql(where, durable=False) as server, fresh(server.new_database()) as database:
            yield database
    else:
        with scratch_directory(where) as home, fresh(sqlite_url(home / "recordings.db")) as database:
            yield database


def fill(database: Engine, rows: int) -> None:
    """Puts so many recordings into the empty database, the oldest first, as they would have come."""
    indexes = list(_recording.indexes)
    with writing(database) as connection:
        for index in indexes:  # made at the end, of what is there: a tenth of the time
            index.drop(connection)
    names = [column.name for column in _recording.columns]
    for start in range(0, rows, BATCH):
        made = _made(database.dialect.name, start, min(BATCH, rows - start), rows)
        with writing(database) as connection:
            insert_rows(connection, _recording, [[row[name] for name in names] for row in made])
    for index in indexes:
        with writing(database) as connection:
            index.create(connection)
    _fill_beside(database)
    settle(database)


def _fill_beside(database: Engine) -> None:
    """A hold on one recording of a thousand, and a review of one of fifty."""
    with writing(database) as connection:
        calls = connection.execute(select(_recording.c.call_id, _recording.c.agent_id, _recording.c.started_at)).all()
        held = {"reason": "suit", "by": "bench", "since": UNTIL}
        connection.execute(insert(recording_hold), [{"call_id": one.call_id, **held} for one in calls[::1000]])
        form = {"sha256": "0" * 64, "scorecard_id": "bench", "version": "1", "text": "", "added_at": UNTIL, "added_by": "bench"}
        connection.execute(insert(qa_scorecard).values(form))
        blank = {"stratum_json": "[]", "scorecard_sha256": form["sha256"], "agents_json": "[]", "team": "", "campaign": ""}
        blank |= {"appeal_days": 5, "opened_at": UNTIL, "state": "final", "seq": 1, "due_at": UNTIL, "appealed": False}
        blank |= {"changed": False, "assigned": "", "holder": "", "reviewer": "", "decided_by": ""}
        reviews = [
            blank
            | {"review_id": f"{n:032x}", "call_id": one.call_id, "agent_id": one.agent_id, "started_at": one.started_at}
            | {"total": float(n * 37 % 101)}
            for n, one in enumerate(calls[::50])
        ]
        for start in range(0, len(reviews), BATCH):
            connection.execute(insert(qa_review), reviews[start : start + BATCH])


def _made(dialect: str, start: int, count: int, rows: int) -> list[dict[str, Any]]:
    """Recordings `start` and following, of `rows` in all: the same in every run."""
    rng = np.random.default_rng(start)
    agents = rng.integers(AGENTS, size=count).tolist()
    campaigns = (CAMPAIGNS * rng.random(count) ** 2).astype(int).tolist()  # a few large ones
    people = rng.integers(max(1, rows // 2), size=count).tolist()
    dispositions = rng.choice(len(DISPOSITIONS), count, p=SHARES).tolist()
    lengths = (1000 * (5 + rng.exponential(120, count))).astype(int).tolist()
    shares, dead = rng.beta(4, 4, count).tolist(), rng.exponential(3000, count).astype(int).tolist()
    rare = rng.random(count).tolist()
    made = []
    for n in range(count):
        began = UNTIL - PERIOD * (1 - (start + n) / rows)
        at, ended = to_driver(began, dialect), to_driver(began + timedelta(milliseconds=lengths[n]), dialect)
        talk = int(lengths[n] * 0.8)
        call_id = f"{int(began.timestamp() * 1000):012x}{start + n:020x}"
        row = _BLANK | {
            "call_id": call_id,
            "archived_at": ended,
            "path": f"{began:%Y/%m/%d}/{call_id}.flac",
            "duration_ms": lengths[n],
            "number": f"+1212{people[n]:07}",
            "person": f"p{people[n]}",
            "lead_id": call_id,
            "campaign": f"campaign-{campaigns[n]}",
            "agent_id": str(101 + agents[n]),
            "team": f"team-{agents[n] % TEAMS}",
            "started_at": at,
            "ended_at": ended,
            "disposition": DISPOSITIONS[dispositions[n]],
            "disclosure": (Verdict.ABSENT if rare[n] < 0.0005 else Verdict.PROVEN).value,
            "degraded": rare[n] > 0.998,
            "agent_talk_ms": int(talk * shares[n]),
            "customer_talk_ms": talk - int(talk * shares[n]),
            "dead_air_ms": dead[n],
        }
        made.append(row)
    return made


_BLANK: dict[str, Any] = {
    column.name: None if column.nullable else ("" if column.type.python_type is str else 0) for column in _recording.columns
} | {
    "abandoned": False,
    "packs_json": "[]",
    "agents_json": "[]",
    "pauses_json": "[]",
    "sha256": "0" * 64,
    "sidecar_sha256": "0" * 64,
}


def _some_time(n: int) -> datetime:
    return UNTIL - PERIOD * ((n * 0.618034) % 1)


#: Each kind of search, by the number of the round: another agent, number or time each time.
SEARCHES: dict[str, Callable[[int], Wanted]] = {
    "the latest": lambda _n: Wanted(limit=PAGE),
    "a day": lambda n: Wanted(since=_some_time(n), until=_some_time(n) + timedelta(days=1), limit=PAGE),
    "a customer": lambda n: Wanted(person=f"p{n * 7919 % 500_000}", limit=PAGE),
    "a number": lambda n: Wanted(number=f"+1212{n * 7919 % 500_000:07}", limit=PAGE),
    "an agent": lambda n: Wanted(agent_id=str(101 + n % AGENTS), limit=PAGE),
    "a team": lambda n: Wanted(team=f"team-{n % TEAMS}", limit=PAGE),
    "a campaign": lambda n: Wanted(campaign=f"campaign-{n % CAMPAIGNS}", limit=PAGE),
    "a disposition": lambda n: Wanted(disposition=DISPOSITIONS[n % len(DISPOSITIONS)], limit=PAGE),
    "not disclosed": lambda _n: Wanted(disclosure=Verdict.ABSENT, limit=PAGE),
    "on legal hold": lambda _n: Wanted(held=True, limit=PAGE),
    "an agent's with a score below 60 %": lambda n: Wanted(agent_id=str(101 + n % AGENTS), score=(None, 60.0), limit=PAGE),
    "a score of 95 % and more": lambda _n: Wanted(score=(95.0, None), limit=PAGE),
    "degraded, of a team": lambda n: Wanted(degraded=True, team=f"team-{n % TEAMS}", limit=PAGE),
    "an agent's sales of a campaign": lambda n: Wanted(
        agent_id=str(101 + n % AGENTS), campaign=f"campaign-{n % CAMPAIGNS}", disposition="sale", limit=PAGE
    ),
    "an agent who talks 70 % and more": lambda n: Wanted(
        agent_id=str(101 + n % AGENTS), measures=(Between(Measure.TALK_SHARE, least=0.7),), limit=PAGE
    ),
    "dead air of 20 s and more": lambda _n: Wanted(measures=(Between(Measure.DEAD_AIR, least=20),), limit=PAGE),
    "sales of 10 minutes and more before a time": lambda n: Wanted(
        disposition="sale", until=_some_time(n), measures=(Between(Measure.DURATION, least=600),), limit=PAGE
    ),
    "what there is none of": lambda _n: Wanted(measures=(Between(Measure.DEAD_AIR, least=36_000),), limit=PAGE),
}
AFTER = "the page after a recording of two years ago"


def _measure(name: str, database: Engine, rows: int, rounds: int) -> list[SearchFigures]:
    stopwatch = SystemClock()
    taken: dict[str, list[tuple[float, int]]] = {search: [] for search in (*SEARCHES, AFTER)}
    keys: list[float] = []
    with reading(database) as connection:
        ids = connection.execute(select(_recording.c.call_id).order_by(_recording.c.started_at).limit(rounds)).scalars().all()
    for n in range(rounds):
        some_id = ids[n % len(ids)]
        for search, times in taken.items():
            wanted = SEARCHES[search](n) if search in SEARCHES else Wanted(after=some_id, limit=PAGE)
            with reading(database) as connection:
                began = stopwatch.monotonic()
                answer = page(connection, wanted)
                times.append((stopwatch.monotonic() - began, len(answer.rows)))
        with reading(database) as connection:
            began = stopwatch.monotonic()
            connection.execute(select(_recording).where(_recording.c.call_id == some_id)).one()
            keys.append(stopwatch.monotonic() - began)
    key = 1000 * median(keys)
    figures = []
    for search, times in taken.items():
        p50, p99 = (1000 * (percentile([seconds for seconds, _ in times], share) or 0.0) for share in (0.5, 0.99))
        found = int(median(count for _, count in times))
        figures.append(SearchFigures(name, rows, search, found, p50, p99, key, p50 / key, p99 < FIRST_PAGE_MS))
    return figures
