"""What is done to the rows of the gate inside somebody else's transaction: append, look up. Commits nothing.

The rule it protects: the ledger only grows, one row after the other.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, insert, or_, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError

from compliance.chain import GENESIS, ChainFault, ChainReport, digest, link_hash, skipped_to, walk
from compliance.facts import OWN_LISTS, EventKind, LedgerEvent, Suppression
from compliance.journal import Journal
from compliance.locks import lock_keys
from compliance.tables import (
    FOREVER,
    body_of,
    event_fields,
    ledger,
    ledger_tip,
    link_of,
    permit,
    suppression,
    suppression_fields,
    suppression_of,
)
from config.database import Direct, to_driver

CHAIN_LOCK = "end of the ledger chain"
TIP = 1  # the id of the one row of ledger_tip
READ_AT_ONCE = 10_000

_E164 = re.compile(r"\+[1-9][0-9]{3,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UnresolvedAttempt:
    """An attempt that was sent, and of which the ledger does not know how it ended: it counts, and is never sent again."""

    attempt_id: str
    permit_id: str
    person: str
    number: str
    campaign: str
    spent_at: datetime
    kinds: tuple[EventKind, ...]  # what is known of it, in the order in which it was written


def check_number(number: str) -> None:
    """Raises ValueError unless the number is E.164: another spelling would escape the caps and the do-not-call list."""
    if not _E164.fullmatch(number):
        raise ValueError("a number must be in E.164: + and 4 to 15 digits")


def read_one_snapshot(connection: Connection) -> None:
    """Lets every later question of this transaction see one state of the database; to be called before the first of them."""
    if connection.dialect.name == "postgresql":  # SQLite does so by itself
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def append(connection: Connection, events: Sequence[LedgerEvent], recorded_at: datetime) -> int:
    """Writes the events at the end of the chain and answers with the `seq` of the first of them.

    What is written later is never dated earlier: where `recorded_at` is before that of the last row, that one's stands.
    """
    lock_keys(connection, CHAIN_LOCK)  # always the last lock of a transaction
    tip = connection.execute(select(ledger_tip).where(ledger_tip.c.id == TIP)).first()
    first = seq = (tip.seq if tip else 0) + 1
    previous = tip.hash if tip else GENESIS
    recorded_at = max(recorded_at, tip.recorded_at) if tip else recorded_at
    hashes = {0: GENESIS, first - 1: previous}
    rows = []
    for seq, event in enumerate(events, start=first):
        fields = {**event_fields(event), "recorded_at": recorded_at}
        skipped = _hash_of(connection, skipped_to(seq), hashes)
        hashes[seq] = link_hash(seq, digest(body_of(fields)), previous, skipped)
        rows.append({**fields, "seq": seq, "prev_hash": previous, "skip_hash": skipped, "hash": hashes[seq]})
        previous = hashes[seq]
    if rows:
        connection.execute(insert(ledger), rows)
        end = {"seq": seq, "hash": previous, "recorded_at": recorded_at}
        if tip:
            connection.execute(update(ledger_tip).where(ledger_tip.c.id == TIP).values(end))
        else:
            connection.execute(insert(ledger_tip).values(id=TIP, **end))
    return first


def _hash_of(connection: Connection, seq: int, known: dict[int, str]) -> str:
    if seq not in known:
        known[seq] = connection.execute(select(ledger.c.hash).where(ledger.c.seq == seq)).scalar_one()
    return known[seq]


def put_permit(connection: Connection, fields: Mapping[str, Any]) -> None:
    """Writes one permit that was not spent yet."""
    dialect = connection.dialect.name
    values = {name: to_driver(value, dialect) if isinstance(value, datetime) else value for name, value in fields.items()}
    _PERMIT[dialect].run(connection, values)


def put_suppressions(
    connection: Connection, entries: Sequence[Suppression], now: datetime, journal: Journal | None
) -> list[tuple[int, Suppression]]:
    """Adds those entries that are not on the list yet, each with its ledger row, and voids unspent permits; answers with the new.

    They are in the journal before the caller's transaction can commit.
    """
    for entry in entries:
        _check_entry(entry)
    people = [entry.person for entry in entries if entry.person]
    numbers = [entry.number for entry in entries if entry.number]
    touched = on_any_key(suppression, people, numbers)
    known: dict[tuple[str, ...], datetime] = {}
    for row in connection.execute(select(suppression).where(touched)).mappings():
        key = tuple(row[name] for name in _ENTRY_KEYS)
        known[key] = max(row["until"], known.get(key, row["until"]))
    fresh: list[dict[str, Any]] = []
    for entry in entries:
        fields = suppression_fields(entry)
        key = tuple(fields[name] for name in _ENTRY_KEYS)
        if key not in known or known[key] < fields["until"]:
            known[key] = fields["until"]
            fresh.append(fields)
    added: list[tuple[int, Suppression]] = []
    if fresh:
        first = append(connection, [_as_event(suppression_of(fields)) for fields in fresh], now)
        rows = [{"seq": seq, **fields} for seq, fields in enumerate(fresh, start=first)]
        connection.execute(insert(suppression), rows)
        added = [(seq, suppression_of(fields)) for seq, fields in enumerate(fresh, start=first)]
        if journal is not None:
            journal.note(added)
    live = on_any_key(permit, people, numbers) & permit.c.spent_at.is_(None) & permit.c.voided_at.is_(None)
    connection.execute(update(permit).where(live).values(voided_at=now))
    return added


def is_proven(connection: Connection, seq: int, entry: Suppression) -> bool:
    """Whether the do-not-call entry that was written as this row of the ledger is there."""
    found = connection.execute(select(suppression).where(suppression.c.seq == seq)).mappings().first()
    return found is not None and suppression_of(found) == entry


def find_suppressions(connection: Connection, number: str, person: str) -> tuple[Suppression, ...]:
    """The entries of our own lists for the number, or for the person, oldest first; also those that are over."""
    on_list = on_any_key(suppression, [person] if person else [], [number] if number else [])
    found = select(suppression).where(on_list).order_by(suppression.c.seq)
    return tuple(suppression_of(row) for row in connection.execute(found).mappings())


def on_any_key(table: Table, people: Collection[str], numbers: Collection[str]) -> ColumnElement[bool]:
    """Rows of one of the people or on one of the numbers."""
    return or_(table.c.person.in_(people), table.c.number.in_(numbers))


def audit(connection: Connection) -> ChainReport:
    """Walks the whole chain, then compares the tables that are derived from it with it."""
    tip = connection.execute(select(ledger_tip.c.seq, ledger_tip.c.hash).where(ledger_tip.c.id == TIP)).first()
    every_row = select(ledger).order_by(ledger.c.seq)
    try:
        rows = connection.execution_options(yield_per=READ_AT_ONCE).execute(every_row).mappings()
        report = walk((link_of(row) for row in rows), tip.seq if tip else 0, tip.hash if tip else GENESIS)
    except (ValueError, DataError) as error:  # a column does not even hold a value of its type any more
        reason = error.orig if isinstance(error, DataError) else error
        return ChainReport(0, 0, GENESIS, (ChainFault(0, f"a ledger row cannot be read: {reason}"),))
    faults = report.faults + tuple(ChainFault(seq, what) for seq, what in _strays(connection))
    return ChainReport(report.rows, report.tip_seq, report.tip_hash, faults)


def _strays(connection: Connection) -> Iterable[tuple[int, str]]:
    attempt = (ledger.c.attempt_id == permit.c.attempt_id) & (ledger.c.kind == EventKind.ATTEMPT.value)
    spent = select(permit.c.attempt_id).outerjoin(ledger, attempt).where(permit.c.spent_at.is_not(None), ledger.c.seq.is_(None))
    for attempt_id in connection.execute(spent).scalars():
        yield 0, f"attempt {attempt_id} was sent, but its ledger row is gone"
    unspent = select(ledger.c.seq).join(permit, attempt).where(permit.c.spent_at.is_(None))
    for seq in connection.execute(unspent).scalars():
        yield seq, "the attempt was sent, but its permit says that it was not"
    same = suppression.c.seq == ledger.c.seq
    for key in ("number", "person", "seller", "campaign"):
        same &= suppression.c[key] == ledger.c[key]
    proven = ledger.c.kind == EventKind.SUPPRESSED.value
    lifted = select(ledger.c.seq).outerjoin(suppression, same).where(proven, suppression.c.seq.is_(None))
    for seq in connection.execute(lifted).scalars():
        yield seq, "the do-not-call entry of this row is gone or was altered"
    kept = select(suppression, ledger.c.facts).join(ledger, same & proven)
    for row in connection.execution_options(yield_per=READ_AT_ONCE).execute(kept).mappings():
        if dict(_as_event(suppression_of(row)).facts) != json.loads(row["facts"]):
            yield row["seq"], "the do-not-call entry of this row was altered"
    unproven = select(suppression.c.seq).outerjoin(ledger, same & proven).where(ledger.c.seq.is_(None))
    for seq in connection.execute(unproven).scalars():
        yield seq, "a do-not-call entry has no ledger row that proves it"


def _check_entry(entry: Suppression) -> None:
    if not entry.number and not entry.person:
        raise ValueError("a do-not-call entry needs a number or a person")
    if entry.number:
        check_number(entry.number)
    if entry.scope not in OWN_LISTS:
        raise ValueError(f"no do-not-call list of our own is called {entry.scope!r}: use {' or '.join(sorted(OWN_LISTS))}")
    if entry.until is not None and not entry.at < entry.until < FOREVER:
        raise ValueError(f"a block that ends at {entry.until.isoformat()} does not end after it begins")


def _as_event(entry: Suppression) -> LedgerEvent:
    facts = {"reason": entry.reason, "scope": entry.scope, "source": entry.source}
    if entry.until is not None:
        facts["until"] = entry.until.isoformat()
    return LedgerEvent(
        kind=EventKind.SUPPRESSED,
        at=entry.at,
        person=entry.person or "",
        number=entry.number or "",
        campaign=entry.campaign,
        seller=entry.seller,
        subject="",
        facts=tuple(sorted(facts.items())),
    )


_GIVEN = [column.name for column in permit.columns if column.name not in {"spent_at", "voided_at", "resolved_at"}]
_INSERT = f"INSERT INTO permit ({', '.join(_GIVEN)}) VALUES ({', '.join(f':{name}' for name in _GIVEN)})"  # noqa: S608 -- names
_PERMIT = {dialect: Direct(_INSERT, dialect) for dialect in ("sqlite", "postgresql")}
_ENTRY_KEYS = ("scope", "number", "person", "seller", "campaign")
