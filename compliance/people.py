"""What was learnt of people beside our own calls: consents, relations, inconvenient times, numbers that went to others, calls
of another system. The rule it protects: it is in the ledger like everything else, once, and in force on return.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Engine, select, update
from sqlalchemy.engine import Connection

from compliance.facts import COUNTABLE, FINAL, EventKind, LedgerEvent, Suppression
from compliance.journal import Journal
from compliance.locks import lock_keys
from compliance.rows import append, check_number, on_any_key, put_suppressions
from compliance.standing import KINDS, identified
from compliance.tables import ledger, permit
from config.clock import Clock
from config.database import writing

BATCH = 500  # events a transaction: on PostgreSQL each holds up to two locks
#: What may be told from elsewhere. A list that was loaded and an entry on ours are written by those who keep them.
TELLABLE = KINDS | COUNTABLE | FINAL | {EventKind.RINGING, EventKind.OPT_OUT}
#: After one of these a permit that was granted before may rest on what is no longer so.
_TAKES_AWAY = frozenset({EventKind.WITHDRAWAL, EventKind.INCONVENIENT, EventKind.REASSIGNED, EventKind.OPT_OUT})


class People:
    """Writes into the ledger what others know of people. Keeps no state of its own."""

    def __init__(self, engine: Engine, clock: Clock, journal: Journal | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._journal = journal

    def note(self, events: Iterable[LedgerEvent]) -> tuple[int, int]:
        """Writes the events that are not known yet, in batches that are each all or nothing; answers (new, known before).

        An event without an id of its own gets one made of all it says, so that the same import again adds nothing. An opt-out is
        on the do-not-call list with it; what takes a consent away voids the permits that were not spent. Raises ValueError, and
        writes nothing of that batch, for an event of nobody, one in the future, a number that is not E.164, and a kind that the
        ledger itself writes.
        """
        new = known = 0
        waiting = iter(events)
        while batch := [identified(event) for event in islice(waiting, BATCH)]:
            with writing(self._engine) as connection:
                lock_keys(connection, *(key for event in batch for key in (event.person, event.number)))
                added = self._write(connection, batch)
            new, known = new + added, known + len(batch) - added
        return new, known

    def _write(self, connection: Connection, batch: Sequence[LedgerEvent]) -> int:
        now = self._clock.now()
        for event in batch:
            if event.kind not in TELLABLE:
                raise ValueError(f"{event.kind.value} is written by the ledger itself")
            if not event.person and not event.number:
                raise ValueError(f"{event.kind.value} at {event.at.isoformat()}: of nobody: give a person, a number or both")
            if event.number:
                check_number(event.number)
            if event.at > now:
                raise ValueError(f"{event.kind.value} at {event.at.isoformat()} has not happened yet")
        ids = [event.attempt_id for event in batch]
        there = select(ledger.c.attempt_id, ledger.c.kind).where(ledger.c.attempt_id.in_(ids))
        seen: set[tuple[str | None, str]] = {(row.attempt_id, row.kind) for row in connection.execute(there)}
        fresh: list[LedgerEvent] = []
        for event in batch:
            if (event.attempt_id, event.kind.value) not in seen:
                seen.add((event.attempt_id, event.kind.value))
                fresh.append(event)
        append(connection, fresh, now)
        taken = [event for event in fresh if event.kind in _TAKES_AWAY]
        if taken:
            concerned = on_any_key(permit, {one.person for one in taken} - {""}, {one.number for one in taken} - {""})
            unspent = concerned & permit.c.spent_at.is_(None) & permit.c.voided_at.is_(None)
            connection.execute(update(permit).where(unspent).values(voided_at=now))
        opted_out = [event for event in fresh if event.kind is EventKind.OPT_OUT]
        put_suppressions(connection, [_entry(event) for event in opted_out], now, self._journal)
        return len(fresh)


def _entry(event: LedgerEvent) -> Suppression:
    source = dict(event.facts).get("source", "told")
    return Suppression(event.at, "opt_out", source, event.number or None, event.person or None)
