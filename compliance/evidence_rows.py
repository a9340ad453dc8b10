"""What does the ledger hold about one call or one person? Decisions, the rows they used, the texts that decided, and the proof.

The rule it protects: evidence is one state of the database. All is read in one snapshot, so that the rows, the end of the chain
and the proof that ties them together belong to each other while the floor goes on dialing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, Table, or_, select
from sqlalchemy.engine import Connection, RowMapping

from compliance.chain import GENESIS, Step, digest
from compliance.decision import Decided
from compliance.evidence import About, Evidence, Judgement, Recorded, Shown, Subject, steps_needed
from compliance.kept import texts_of, versions
from compliance.replay import PERMIT, REFUSAL, Kept, KeptDecision, Ref, Replay, event_in, read_whole, replay, rows_used
from compliance.rows import TIP, read_one_snapshot
from compliance.tables import body_of, ledger, ledger_tip, permit, refusal
from config.database import reading

_AT_ONCE = 500  # rows in one question: databases limit the parameters of a statement
_TIMES: Final = ("granted_at", "expires_at", "spent_at", "voided_at", "resolved_at")


class NothingKept(LookupError):
    """The ledger knows no decision about that call, or nothing at all of that person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions: all conditions that are given must hold. `since` is included, `until` is not."""

    attempt_id: str | None = None
    person: str | None = None
    campaign: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def decisions(connection: Connection, wanted: Wanted) -> Iterator[KeptDecision]:
    """The decisions asked for: refusals, then permits, each oldest first; read as they are taken."""
    for table, kind, at, key in ((refusal, REFUSAL, "decided_at", "id"), (permit, PERMIT, "granted_at", "permit_id")):
        query = _matching(table, at, wanted).order_by(table.c[at], table.c[key]).limit(_AT_ONCE)
        last: RowMapping | None = None
        while True:
            page = query if last is None else query.where(_after(table, at, key, last))
            rows = connection.execute(page).mappings().all()
            yield from (_decision(row, kind, row[at]) for row in rows)
            if len(rows) < _AT_ONCE:
                break
            last = rows[-1]


def replays(connection: Connection, found: Iterable[KeptDecision]) -> Iterator[tuple[KeptDecision, Replay]]:
    """Each of the decisions, made again from what was kept of it."""
    waiting = iter(found)
    while batch := list(islice(waiting, _AT_ONCE)):
        known = kept_for(connection, batch)
        for one in batch:
            yield one, replay(Kept(one.decision, *known), versions())


def about_attempt(engine: Engine, attempt_id: str, made_at: datetime, recordings: Sequence[Recorded] = ()) -> Evidence:
    """All that tells why one call was or was not placed, and what came of it. Raises NothingKept."""
    with reading(engine) as connection:
        read_one_snapshot(connection)
        found = sorted(decisions(connection, Wanted(attempt_id=attempt_id)), key=_decided_at)
        if not found:
            raise NothingKept(f"nothing was ever decided about a call {attempt_id!r}")
        about = About(Subject.ATTEMPT, attempt_id, tuple(sorted({one.person for one in found})))
        return _evidence(connection, about, ledger.c.attempt_id == attempt_id, found, made_at=made_at, recordings=recordings)


def about_person(engine: Engine, person: str, made_at: datetime, recordings: Sequence[Recorded] = ()) -> Evidence:
    """All that concerns one person: every row, every decision, the rows about one of their numbers alone. Raises NothingKept."""
    with reading(engine) as connection:
        read_one_snapshot(connection)
        found = sorted(decisions(connection, Wanted(person=person)), key=_decided_at)
        theirs = ledger.c.person == person
        numbers = select(ledger.c.number).where(theirs, ledger.c.number != "")
        of_nobody = (ledger.c.person == "") & (ledger.c.number.in_(numbers) | ledger.c.number.in_({one.number for one in found}))
        rows = or_(theirs, of_nobody)
        if not found and connection.execute(select(ledger.c.seq).where(theirs).limit(1)).first() is None:
            raise NothingKept(f"the ledger knows nobody called {person!r}")
        return _evidence(
            connection, About(Subject.PERSON, person, (person,)), rows, found, made_at=made_at, recordings=recordings
        )


def _evidence(
    connection: Connection,
    about: About,
    rows: ColumnElement[bool],
    found: Sequence[KeptDecision],
    *,
    made_at: datetime,
    recordings: Sequence[Recorded],
) -> Evidence:
    bodies, packs, calendars = kept_for(connection, found)
    own = {row["seq"]: body_of(row) for row in connection.execute(select(ledger).where(rows)).mappings()}
    of_people = {"", *about.people}
    withheld = tuple(sorted(seq for seq, body in bodies.items() if event_in(body).person not in of_people))
    made = [_judgement(one, again, about.people, frozenset(withheld)) for one, again in replays(connection, found)]
    shown = own | {seq: body for seq, body in bodies.items() if seq not in withheld}
    tip = connection.execute(select(ledger_tip).where(ledger_tip.c.id == TIP)).first()
    tip_seq, tip_hash = (tip.seq, tip.hash) if tip else (0, GENESIS)
    steps = _rows_at(connection, steps_needed(tip_seq, {*shown, *withheld}))
    return Evidence(
        about=about,
        made_at=made_at,
        tip_seq=tip_seq,
        tip_hash=tip_hash,
        rows=tuple(Shown(seq, body) for seq, body in sorted(shown.items())),
        withheld=withheld,
        steps=tuple(Step(row["seq"], digest(body_of(row)), row["prev_hash"], row["skip_hash"]) for row in steps),
        judgements=tuple(made),
        packs=packs,
        calendars=calendars,
        recordings=tuple(recordings),
        versions=versions(),
    )


def _judgement(one: KeptDecision, again: Replay, people: Collection[str], withheld: frozenset[int]) -> Judgement:
    """A decision names others where it counted their reservations, or tells why they are on a do-not-call list."""
    found = _read(one.decision)
    decided = found[0] if found else None
    return Judgement(
        attempt_id=one.attempt_id,
        verdict_kind=one.verdict_kind,
        decided_at=one.decided_at,
        decision=one.decision,
        verdict=again.then,
        used=rows_used(decided) if decided else (),
        permit=one.permit or None,
        replayed=() if again.same else again.differences,
        others=decided is not None
        and (not withheld.isdisjoint(decided.suppressions) or any(one.person not in {"", *people} for one in decided.reserved)),
    )


def kept_for(connection: Connection, found: Iterable[KeptDecision]) -> tuple[dict[int, str], dict[str, str], dict[str, str]]:
    """The bodies of the rows that the decisions used, by place, and the texts of their packs and calendars by hash."""
    told = [one for one in (_read(kept.decision) for kept in found) if one is not None]
    rows = _rows_at(connection, sorted({seq for decided, _ in told for seq in rows_used(decided)}))
    packs = texts_of(connection, {sha256 for _, refs in told for _, _, sha256 in refs})
    calendars = texts_of(connection, {sha256 for decided, _ in told for sha256 in decided.calendars})
    return {row["seq"]: body_of(row) for row in rows}, dict(packs), dict(calendars)


def _read(text: str) -> tuple[Decided, tuple[Ref, ...]] | None:
    """The decision and its packs; None for one that cannot be read, of which the replay says so."""
    try:
        return read_whole(text)
    except ValueError:
        return None


def _rows_at(connection: Connection, places: Sequence[int]) -> Iterator[RowMapping]:
    for start in range(0, len(places), _AT_ONCE):
        found = select(ledger).where(ledger.c.seq.in_(places[start : start + _AT_ONCE]))
        yield from connection.execute(found).mappings()


def _matching(table: Table, at: str, wanted: Wanted) -> Select[Any]:
    query = select(table)
    for name in ("attempt_id", "person", "campaign"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(table.c[name] == value)
    if wanted.since is not None:
        query = query.where(table.c[at] >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.c[at] < wanted.until)
    return query


def _after(table: Table, at: str, key: str, last: RowMapping) -> ColumnElement[bool]:
    return or_(table.c[at] > last[at], (table.c[at] == last[at]) & (table.c[key] > last[key]))


def _decision(row: RowMapping, kind: str, decided_at: datetime) -> KeptDecision:
    became = {"permit_id": row["permit_id"], **{name: _iso(row[name]) for name in _TIMES}} if kind == PERMIT else {}
    texts = {name: row[name] for name in ("attempt_id", "person", "number", "campaign", "decision")}
    return KeptDecision(verdict_kind=kind, decided_at=decided_at, permit=became, **texts)


def _decided_at(one: KeptDecision) -> datetime:
    return one.decided_at


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
