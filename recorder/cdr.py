"""Which customers' legs does the PBX itself say there were? Read from the CSV files in which it keeps its CDRs.

The files are Asterisk's `cdr_csv` with `loguniqueid=yes` and `usegmtime=yes` (cdr.conf): the unique id of a leg is our call id.
The rule protected: a line that cannot be read is told, not passed over; only the last line of a file may be cut off, since it may
be about to be written. What was read lies in a temporary file of SQLite's, not in memory.
"""

import csv
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from recorder.legs import Billed

#: The contexts of our dialplan in which a customer can be (config/pbx/extensions.conf).
CUSTOMER_CONTEXTS = frozenset({"rf-customer", "rf-connect", "rf-abandon"})
_CONTEXT, _CHANNEL, _START, _ANSWER, _END, _DISPOSITION, _UNIQUEID = 3, 5, 9, 10, 11, 14, 16
_COLUMNS = (17, 18)  # with the unique id; and with the user field
_REPORT_EVERY = 1 << 20  # bytes
_LONGEST_LINE = 1 << 16
_KEEP = """
insert into leg values (?, ?, ?, ?) on conflict (call_id) do update set
    started_at = min(started_at, excluded.started_at),
    answered_at = min(coalesce(answered_at, excluded.answered_at), coalesce(excluded.answered_at, answered_at)),
    ended_at = max(ended_at, excluded.ended_at)
"""


class NotCdrs(ValueError):
    """The file holds no CDRs that name their legs; the message says what to set."""


@dataclass
class CdrBook:
    """All customers' legs of some files, one row a leg. `unreadable` are the lines that are no CDR, as file and number."""

    _rows: sqlite3.Connection
    unreadable: list[tuple[Path, int]] = field(default_factory=list)

    def legs(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Billed]:
        """The legs that began in this time, in the order of their ids."""
        low, high = _kept(since) if since is not None else "", _kept(until) if until is not None else "~"
        query = "select * from leg where started_at >= ? and started_at < ? order by call_id"
        for call_id, started_at, answered_at, ended_at in self._rows.execute(query, (low, high)):
            answered = None if answered_at is None else _time(answered_at)
            yield Billed(call_id, _time(started_at), answered, _time(ended_at))

    def read(self, files: Sequence[Path], trunk: str, done: Callable[[int], None] = lambda _bytes: None) -> None:
        """Adds the legs of all these files; `trunk` is the endpoint by which customers are rung.

        A call may be in several of them (they are rotated), and counts once. `done` is told how many bytes were read of all.
        Raises NotCdrs, OSError.
        """
        before = 0
        for path in files:
            reported = 0
            with path.open("rb") as file, self._rows:
                for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
                    self._add(path, number, line, trunk)
                    if (place := file.tell()) >= reported + _REPORT_EVERY:
                        reported = place
                        done(before + place)
                before += file.tell()

    def _add(self, path: Path, number: int, line: bytes, trunk: str) -> None:
        is_whole = line.endswith(b"\n") or len(line) == _LONGEST_LINE
        if not is_whole or not line.strip():
            return
        try:
            cells = next(csv.reader([line.decode("utf-8", "replace")]), [])
            if len(cells) == _COLUMNS[0] - 1:
                raise NotCdrs(f"{path}: line {number} does not name its leg; set loguniqueid=yes in section [csv] of cdr.conf")
            if len(cells) not in _COLUMNS:
                raise ValueError(f"{len(cells)} columns")
            if _is_customers(cells, trunk):
                times = (cells[_START], cells[_ANSWER] if cells[_DISPOSITION] == "ANSWERED" else "", cells[_END])
                start, answer, end = (_kept(_time(text)) if text else None for text in times)
                self._rows.execute(_KEEP, (cells[_UNIQUEID], start, answer, end))
        except NotCdrs:
            raise
        except (ValueError, csv.Error, sqlite3.IntegrityError):
            self.unreadable.append((path, number))


@contextmanager
def cdr_book() -> Iterator[CdrBook]:
    """An empty book, and its room on the disk for as long as the block lasts."""
    with closing(sqlite3.connect("")) as rows:  # no name: a file of SQLite's own, gone with the connection
        rows.execute(
            "create table leg (call_id text primary key, started_at text not null, answered_at text, ended_at text not null)"
            " without rowid"
        )
        yield CdrBook(rows)


def _is_customers(cells: Sequence[str], trunk: str) -> bool:
    return cells[_CONTEXT] in CUSTOMER_CONTEXTS or cells[_CHANNEL].startswith(f"PJSIP/{trunk}-")


def _time(text: str) -> datetime:
    """A time as Asterisk writes it, or as it is kept here. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _kept(at: datetime) -> str:
    """A time as text that sorts as times do, cut off to the second as the PBX does."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat(" ")
