"""The ledger: permits, what came of them, and who may not be called. The rule it protects: no permit, no call.

A decision and its permit are one write transaction, so that two nodes racing for the last attempt under a cap cannot
both win. A permit is spent, in a committed row, before the originate is sent: from there on the attempt counts for
ever, unless it is known not to have rung. An unspent permit counts until it expires. The time of every decision is
read inside the transaction, after its locks: whoever waited decides by the time at which the wait ended.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard

from sqlalchemy import ColumnElement, Engine, insert, select, update
from sqlalchemy.engine import Connection

from compliance import gate
from compliance.chain import ChainReport, canonical
from compliance.facts import FINAL, INTERNAL, RANG, EventKind, Facts, LedgerEvent, Suppression
from compliance.lookback import lookback
from compliance.packs import Pack, PackError
from compliance.rows import (
    UnresolvedAttempt,
    append,
    audit,
    check_number,
    find_suppressions,
    known_numbers,
    lock_keys,
    on_any_key,
    put_suppressions,
    read_one_snapshot,
)
from compliance.rules import ALWAYS, Rule, SuppressRule
from compliance.tables import (
    Fields,
    event_of,
    ledger,
    packs_text,
    permit,
    permit_of,
    reasons_text,
    refusal,
    refusal_of,
    reservation_of,
)
from compliance.verdict import Candidate, Clearance, Permit, Refusal
from config.clock import Clock
from config.database import reading, writing
from config.ids import new_id

IMPORT_BATCH = 500  # rows a transaction of an import: on PostgreSQL each row holds up to two locks
NO_FACTS: Final[Mapping[str, str]] = {}


class PermitError(Exception):
    """The permit does not allow an originate: nothing may be sent."""


class PermitUnknown(PermitError):
    """There is no such permit: a bug, or another database."""


class PermitExpired(PermitError):
    """The permit was not spent in time: ask for another, with a new attempt."""


class PermitSpent(PermitError):
    """The permit was used: its attempt may have rung, and is never sent again."""


class PermitVoid(PermitError):
    """The person opted out after the permit was granted."""


class UnknownAttempt(LookupError):
    """Nothing was ever sent for this attempt, so nothing can have come of it."""


class _NumbersGrew(Exception):
    """While we waited for our locks the person was called on one more number: lock again, with it."""


class Ledger:
    """The gate's memory. Keeps no state of its own: threads, processes and nodes may use it at once."""

    def __init__(self, engine: Engine, clock: Clock, packs: Sequence[Pack], permit_lifetime: timedelta) -> None:
        """Raises PackError when no pack obeys opt-outs for every purpose, ValueError for a lifetime that is none."""
        if permit_lifetime <= timedelta(0):
            raise ValueError("a permit must live for some time")
        everywhere = (rule for pack in packs if not pack.purposes and "*" in pack.jurisdiction for rule in pack.rules)
        if len({key for rule in everywhere if _always_obeys_opt_outs(rule) for key in rule.match}) < 2:
            raise PackError(("the packs would ignore opt-outs: one must suppress by number and person for every purpose",))
        self._engine = engine
        self._clock = clock
        self._packs = tuple(packs)
        self._permit_lifetime = permit_lifetime
        self._lookback = lookback(packs)
        self._needed_kinds = sorted(self._lookback.kinds)

    def preview(self, candidate: Candidate) -> Clearance | Refusal:
        """What the gate would say now. Writes nothing and promises nothing: only `permit` does."""
        with reading(self._engine) as connection:
            numbers = _numbers_of(connection, candidate)
            return self._judge(connection, candidate, numbers, self._clock.now())

    def permit(self, candidate: Candidate) -> Permit | Refusal:
        """Decides, and commits the permit, or the refusal with all its reasons.

        Asked again for an attempt that has a permit it answers with the same one, spent or not; a refused attempt may
        be asked for again. Raises ValueError for nobody, a number that is not E.164, a call that would not ring, or an attempt
        id that was used for another call.
        """
        check_number(candidate.number)
        if not candidate.person:
            raise ValueError(f"attempt {candidate.attempt_id}: a call must be to somebody, or no cap could count it")
        if candidate.ring_for <= timedelta(0):
            raise ValueError(f"attempt {candidate.attempt_id}: a call that is to be placed must ring for some time")
        while True:
            try:
                with writing(self._engine) as connection:
                    return self._decide(connection, candidate)
            except _NumbersGrew:
                continue

    def spend(self, permit_id: str) -> None:
        """Commits that the originate is about to be sent; the attempt counts from here on.

        Raises PermitUnknown, PermitSpent, PermitVoid or PermitExpired: then nothing may be sent.
        """
        with writing(self._engine) as connection:
            row = _permit_row(connection, permit_id)
            lock_keys(connection, row["person"], row["number"], row["attempt_id"])
            row, now = _permit_row(connection, permit_id), self._clock.now()
            if row["spent_at"] is not None:
                raise PermitSpent(f"permit {permit_id} was spent: its attempt is never sent twice")
            if row["voided_at"] is not None or find_suppressions(connection, row["number"], row["person"]):
                raise PermitVoid(f"permit {permit_id} is void: the person opted out after it was granted")
            if not row["granted_at"] <= now < row["expires_at"]:  # before the grant: the clock was put back
                raise PermitExpired(f"permit {permit_id} is not valid now: it expires at {row['expires_at'].isoformat()}")
            connection.execute(update(permit).where(permit.c.permit_id == permit_id).values(spent_at=now))
            facts = {"permit_id": permit_id, "packs": row["packs"]}
            append(connection, [_event(row, EventKind.ATTEMPT, now, facts)], now)

    def record(self, attempt_id: str, kind: EventKind, at: datetime, facts: Mapping[str, str] = NO_FACTS) -> bool:
        """Appends what came of an attempt; False when that was known already. An opt-out takes effect with it, at once.

        Raises UnknownAttempt when nothing was sent for it, ValueError for a kind that only the ledger itself writes,
        and for NOT_RUNG of an attempt that is known to have alerted somebody.
        """
        if kind in {EventKind.ATTEMPT, EventKind.SUPPRESSED}:
            raise ValueError(f"{kind.value} is written by the ledger itself")
        with writing(self._engine) as connection:
            row = connection.execute(select(permit).where(permit.c.attempt_id == attempt_id)).mappings().first()
            if row is None or row["spent_at"] is None:
                raise UnknownAttempt(f"attempt {attempt_id} was never sent: nothing can have come of it")
            opted_out = kind is EventKind.OPT_OUT
            lock_keys(connection, attempt_id, *((row["person"], row["number"]) if opted_out else ()))
            known = set(connection.execute(select(ledger.c.kind).where(ledger.c.attempt_id == attempt_id)).scalars())
            if kind.value in known:
                return False
            if kind is EventKind.NOT_RUNG and known & RANG:
                raise ValueError(f"attempt {attempt_id} rang: it cannot be recorded as not rung")
            now = self._clock.now()
            append(connection, [_event(row, kind, at, facts)], now)
            if kind in FINAL:
                unresolved = (permit.c.attempt_id == attempt_id) & permit.c.resolved_at.is_(None)
                connection.execute(update(permit).where(unresolved).values(resolved_at=now))
            if opted_out:
                entry = Suppression(at, "opt_out", f"attempt {attempt_id}", row["number"], row["person"])
                put_suppressions(connection, [entry], now)
            return True

    def suppress(
        self, number: str | None = None, person: str | None = None, *, reason: str, source: str, scope: str = INTERNAL
    ) -> Suppression:
        """Puts a number, a person or both on the do-not-call list and voids their unspent permits; in force on return.

        An entry that is there already is kept as it is. Raises ValueError when neither is given, for a number that is
        not E.164, and for a list that no rule obeys.
        """
        with writing(self._engine) as connection:
            lock_keys(connection, person, number)
            now = self._clock.now()
            put_suppressions(connection, [Suppression(now, reason, source, number, person, scope)], now)
            found = find_suppressions(connection, number or "", person or "")
            return next(entry for entry in found if (entry.number, entry.person) == (number, person))

    def suppressed(self, number: str, person: str) -> Suppression | None:
        """The oldest do-not-call entry that forbids ringing this person on this number, if there is one."""
        with reading(self._engine) as connection:
            return next(iter(find_suppressions(connection, number, person)), None)

    def import_suppressions(self, entries: Iterable[Suppression]) -> tuple[int, int]:
        """Adds many entries, in batches that are each all or nothing; answers (added, known before).

        The same import again adds nothing, so that one that was interrupted is simply repeated. Raises ValueError as
        `suppress` does, and writes nothing of that batch.
        """
        waiting = list(entries)
        added = 0
        for start in range(0, len(waiting), IMPORT_BATCH):
            batch = waiting[start : start + IMPORT_BATCH]
            with writing(self._engine) as connection:
                lock_keys(connection, *(key for entry in batch for key in (entry.person, entry.number)))
                added += put_suppressions(connection, batch, self._clock.now())
        return added, len(waiting) - added

    def unresolved(self) -> list[UnresolvedAttempt]:
        """Attempts that were sent and whose end is not known, oldest first: to be reconciled with what the PBX has live."""
        sent = select(permit).where(permit.c.spent_at.is_not(None), permit.c.resolved_at.is_(None)).order_by(permit.c.spent_at)
        with reading(self._engine) as connection:
            rows = connection.execute(sent).mappings().all()
            return [
                UnresolvedAttempt(
                    attempt_id=row["attempt_id"],
                    permit_id=row["permit_id"],
                    person=row["person"],
                    number=row["number"],
                    campaign=row["campaign"],
                    spent_at=row["spent_at"],
                    kinds=tuple(event.kind for event in _events(connection, ledger.c.attempt_id == row["attempt_id"])),
                )
                for row in rows
            ]

    def events_of(self, attempt_id: str) -> list[LedgerEvent]:
        """What is known of one attempt, in the order in which it was written."""
        with reading(self._engine) as connection:
            return _events(connection, ledger.c.attempt_id == attempt_id)

    def history(self, person: str) -> list[LedgerEvent]:
        """What is known of one person, in the order in which it was written."""
        with reading(self._engine) as connection:
            return _events(connection, ledger.c.person == person)

    def refusals_of(self, person: str) -> list[Refusal]:
        """Every refusal to call this person, oldest first."""
        with reading(self._engine) as connection:
            found = select(refusal).where(refusal.c.person == person).order_by(refusal.c.id)
            return [refusal_of(row) for row in connection.execute(found).mappings()]

    def verify_chain(self) -> ChainReport:
        """Reads the whole ledger and reports every row that is not what was written."""
        with reading(self._engine) as connection:
            read_one_snapshot(connection)
            return audit(connection)

    def _decide(self, connection: Connection, candidate: Candidate) -> Permit | Refusal:
        numbers = _numbers_of(connection, candidate)
        locked = lock_keys(connection, candidate.attempt_id, candidate.person, candidate.number, *numbers)
        if locked and not _numbers_of(connection, candidate) <= numbers:
            raise _NumbersGrew
        granted = connection.execute(select(permit).where(permit.c.attempt_id == candidate.attempt_id)).mappings().first()
        if granted is not None:
            if any(granted[name] != getattr(candidate, name) for name in _CALL_KEYS):
                raise ValueError(f"attempt {candidate.attempt_id} has a permit for another call")
            return permit_of(granted)
        now = self._clock.now()
        verdict = self._judge(connection, candidate, numbers, now)
        common = {name: getattr(candidate, name) for name in ("attempt_id", *_CALL_KEYS)}
        common |= {"zones": canonical(verdict.zones), "packs": packs_text(verdict.packs)}
        if isinstance(verdict, Refusal):
            row = {**common, "decided_at": now, "retry_at": verdict.retry_at, "reasons": reasons_text(verdict.reasons)}
            connection.execute(insert(refusal).values(row))
            return verdict
        expires_at = now + self._permit_lifetime
        if verdict.closes_at is not None:  # whoever spends it last must still have rung before the window ends
            expires_at = min(expires_at, verdict.closes_at - candidate.ring_for)
        row = {**common, "permit_id": new_id(now), "granted_at": now, "expires_at": expires_at}
        connection.execute(insert(permit).values(row))
        return permit_of(row)

    def _judge(self, connection: Connection, candidate: Candidate, numbers: frozenset[str], now: datetime) -> Clearance | Refusal:
        suppressions = find_suppressions(connection, candidate.number, candidate.person)
        events = self._events_that_count(connection, candidate, numbers, now)
        return gate.check(candidate, Facts(events, suppressions, tuple(sorted(numbers))), self._packs, now)

    def _events_that_count(
        self, connection: Connection, candidate: Candidate, numbers: frozenset[str], now: datetime
    ) -> tuple[LedgerEvent, ...]:
        if not self._lookback.counts:
            return ()
        reached = {candidate.number, *numbers}
        live = (permit.c.expires_at > now) & permit.c.spent_at.is_(None) & permit.c.voided_at.is_(None)
        others = on_any_key(permit, [candidate.person], reached) & (permit.c.attempt_id != candidate.attempt_id)
        # Reservations first: one that is spent between the two questions is then counted once or twice, never missed.
        reserved = [reservation_of(row) for row in connection.execute(select(permit).where(live, others)).mappings()]
        recent: ColumnElement[bool] = ledger.c.kind.in_(self._needed_kinds)
        if self._lookback.reach is not None:
            recent = recent & (ledger.c.at > now - self._lookback.reach)
        events = _events(connection, on_any_key(ledger, [candidate.person], reached) & recent)
        sent = {event.attempt_id for event in events if event.kind is EventKind.ATTEMPT}
        return (*events, *(event for event in reserved if event.attempt_id not in sent))


def _always_obeys_opt_outs(rule: Rule) -> TypeGuard[SuppressRule]:
    """Whether the rule keeps our own do-not-call list, under all circumstances."""
    return isinstance(rule, SuppressRule) and rule.list == INTERNAL and rule.terms == ALWAYS


def _numbers_of(connection: Connection, candidate: Candidate) -> frozenset[str]:
    """All numbers of the person that the ledger or the caller knows."""
    return known_numbers(connection, candidate.person) | frozenset(candidate.other_numbers)


_CALL_KEYS = ("person", "number", "campaign", "seller", "subject")


def _permit_row(connection: Connection, permit_id: str) -> Fields:
    row = connection.execute(select(permit).where(permit.c.permit_id == permit_id)).mappings().first()
    if row is None:
        raise PermitUnknown(f"there is no permit {permit_id}")
    return row


def _events(connection: Connection, condition: Any) -> list[LedgerEvent]:
    return [event_of(row) for row in connection.execute(select(ledger).where(condition).order_by(ledger.c.seq)).mappings()]


def _event(row: Fields, kind: EventKind, at: datetime, facts: Mapping[str, str]) -> LedgerEvent:
    keys = {name: row[name] for name in ("attempt_id", *_CALL_KEYS)}
    zones = tuple(str(zone) for zone in json.loads(row["zones"]))
    return LedgerEvent(kind=kind, at=at, zones=zones, facts=tuple(sorted(facts.items())), **keys)
