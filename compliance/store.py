"""The ledger: permits, what came of them, and who may not be called. The rule it protects: no permit, no call.

A decision and its permit are one write transaction, so that two nodes racing for the last attempt under a cap cannot
both win. A permit is spent, in a committed row, before the originate is sent: from there on the attempt counts for
ever, unless it is known not to have rung. An unspent permit counts until it expires. The time of every decision is
read inside the transaction, after its locks: whoever waited decides by the time at which the wait ended. What a verdict was
decided from is kept beside it, so that it can be decided again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.engine import Connection

from compliance import decision, suppression
from compliance.chain import ChainReport, canonical, digest
from compliance.facts import FINAL, INTERNAL, RANG, EventKind, LedgerEvent, Suppression, Vouched
from compliance.journal import Journal
from compliance.judging import MOST_SKEW, ClockAdrift, Judge
from compliance.kept import keep
from compliance.locks import Alone, NumberAppeared, lock_calls, lock_keys
from compliance.packs import Pack, PackError
from compliance.rows import (
    UnresolvedAttempt,
    append,
    audit,
    check_number,
    find_suppressions,
    is_proven,
    on_any_key,
    put_permit,
    put_suppressions,
    read_one_snapshot,
)
from compliance.rules import ALWAYS, Rule, SuppressRule
from compliance.tables import (
    CALL_KEYS,
    Fields,
    event_of,
    ledger,
    packs_text,
    permit,
    permit_of,
    refusal,
    refusal_of,
    zones_text,
)
from compliance.verdict import Candidate, Clearance, Permit, Refusal
from config.clock import Clock
from config.database import reading, writing
from config.ids import new_id

IMPORT_BATCH = 500  # rows a transaction of an import: on PostgreSQL each row holds up to two locks
NO_FACTS: Final[Mapping[str, str]] = {}
NOTHING: Final = Vouched()


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


class Ledger:
    """The gate's memory. Keeps no state of its own: threads, processes and nodes may use it at once."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        packs: Sequence[Pack],
        permit_lifetime: timedelta,
        *,
        one_time_for_all: bool = False,
        journal: Journal | None = None,
    ) -> None:
        """With `one_time_for_all`, nodes that share a database server decide by its clock, and refuse while theirs is adrift.

        Opt-outs go into the `journal` too, for a database that is restored from a backup.

        Raises PackError when no pack obeys opt-outs for every purpose, ValueError for a lifetime that is none.
        """
        if permit_lifetime <= timedelta(0):
            raise ValueError("a permit must live for some time")
        everywhere = (rule for pack in packs if not pack.purposes and "*" in pack.jurisdiction for rule in pack.rules)
        if len({key for rule in everywhere if _always_obeys_opt_outs(rule) for key in rule.match}) < 2:
            raise PackError(("the packs would ignore opt-outs: one must suppress by number and person for every purpose",))
        self._engine = engine
        self._clock = clock
        self._packs = tuple(packs)
        self._permit_lifetime = permit_lifetime
        self._one_time_for_all = one_time_for_all
        self._journal = journal
        self._judge = Judge(packs, engine.dialect.name)
        self._kept: set[int] = set()  # years whose texts are kept, as far as this process knows

    def preview(self, candidate: Candidate, vouched: Vouched = NOTHING) -> Clearance | Refusal:
        """What the gate would say now. Writes nothing and promises nothing: only `permit` does."""
        with reading(self._engine) as connection:
            return self._judge.judge(connection, candidate, vouched, self._clock.now()).verdict

    def permit(self, candidate: Candidate, vouched: Vouched = NOTHING) -> Permit | Refusal:
        """Decides, and commits the permit, or the refusal with all its reasons.

        Asked again for an attempt that has a permit it answers with the same one, spent or not; a refused attempt may
        be asked for again. Raises ValueError for nobody, a number that is not E.164, a call that would not ring, or an attempt
        id that was used for another call; ClockAdrift when nobody can tell what time it is.
        """
        return self.permits([(candidate, vouched)])[0]

    def permits(self, asked: Sequence[tuple[Candidate, Vouched]]) -> list[Permit | Refusal]:
        """The same for several calls, in one transaction: the earlier ones count when the later ones are decided.

        As many answers, in the same order. Raises as `permit` does if one of the questions does: then nothing is committed.
        """
        for candidate, _ in asked:
            _check_callable(candidate)
        while True:
            try:
                with writing(self._engine) as connection:
                    alone = self._alone_with(connection, [candidate for candidate, _ in asked])
                    decided = [self._decide(connection, candidate, vouched, alone) for candidate, vouched in asked]
            except NumberAppeared:
                continue
            self._kept.update(year for _, year in decided)  # now that it is committed
            return [verdict for verdict, _ in decided]

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
            if row["voided_at"] is not None or _listed(connection, row, now):
                raise PermitVoid(f"permit {permit_id} is void: the person opted out after it was granted")
            if not row["granted_at"] - MOST_SKEW <= now < row["expires_at"]:  # before the grant: the clock was put back
                raise PermitExpired(f"permit {permit_id} is not valid now: it expires at {row['expires_at'].isoformat()}")
            now = max(now, row["granted_at"])  # the grant may be dated a little later than our clock, as the ledger was
            connection.execute(update(permit).where(permit.c.permit_id == permit_id).values(spent_at=now))
            facts = {"permit_id": permit_id, "packs": row["packs"], "decision": digest(row["decision"])}
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
                put_suppressions(connection, [entry], now, self._journal)
            return True

    def suppress(
        self,
        number: str | None = None,
        person: str | None = None,
        *,
        reason: str,
        source: str,
        scope: str = INTERNAL,
        seller: str = "",
        campaign: str = "",
        until: datetime | None = None,
    ) -> Suppression:
        """Puts a number, a person or both on the do-not-call list and voids their unspent permits; in force on return.

        `seller` and `campaign` narrow it down, `until` makes it a temporary block. An entry that is there already and lasts
        as long is kept as it is. Raises ValueError when neither is given, for a number that is not E.164, an end that is
        not after now, and a list that is not our own.
        """
        with writing(self._engine) as connection:
            lock_keys(connection, person, number)
            now = self._clock.now()
            entry = Suppression(now, reason, source, number, person, scope, seller, campaign, until)
            put_suppressions(connection, [entry], now, self._journal)
            found = find_suppressions(connection, number or "", person or "")
            same = [one for one in found if replace(one, at=now, reason=reason, source=source, until=until) == entry]
            return next(one for one in reversed(same) if suppression.in_force(one, seller, campaign, now))

    def suppressed(self, number: str, person: str, *, seller: str = "", campaign: str = "") -> Suppression | None:
        """The oldest entry of our own lists that forbids ringing this person on this number, if there is one."""
        with reading(self._engine) as connection:
            now = self._clock.now()
            found = find_suppressions(connection, number, person)
            return next((entry for entry in found if suppression.in_force(entry, seller, campaign, now)), None)

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
                added += len(put_suppressions(connection, batch, self._clock.now(), self._journal))
        return added, len(waiting) - added

    def catch_up(self) -> int:
        """Tells the database what the journal knows and it does not: it was restored from a backup. How many entries that were.

        Raises JournalDamaged for a journal that cannot be read: then nobody is rung before somebody has looked at it.
        """
        last = self._journal.last() if self._journal is not None else None
        if self._journal is None or last is None:
            return 0
        with reading(self._engine) as connection:
            if is_proven(connection, *last):
                return 0
        return self.import_suppressions(entry for _, entry in self._journal.entries())[0]

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

    def history(self, person: str, number: str = "") -> list[LedgerEvent]:
        """What is known of one person, or of anybody on a number, in the order in which it was written."""
        with reading(self._engine) as connection:
            return _events(connection, on_any_key(ledger, [person] if person else [], [number] if number else []))

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

    def _alone_with(self, connection: Connection, calls: Sequence[Candidate]) -> Alone | None:
        keys = (key for call in calls for key in (call.attempt_id, *self._judge.keys_of(call)))
        return lock_calls(connection, calls, keys) if calls else None

    def _decide(
        self, connection: Connection, candidate: Candidate, vouched: Vouched, alone: Alone | None
    ) -> tuple[Permit | Refusal, int]:
        judged = self._judge.judge(connection, candidate, vouched, self._now(alone.at if alone else None))
        if alone:
            alone.check(judged.past.facts.numbers)
        if judged.past.granted:
            return _granted_before(connection, candidate), judged.verdict.decided_at.year
        verdict, now = judged.verdict, judged.verdict.decided_at
        if now.year not in self._kept:
            keep(connection, self._packs, judged.calendars)
        common = {name: getattr(candidate, name) for name in ("attempt_id", *CALL_KEYS)}
        common |= {"zones": zones_text(verdict.zones), "packs": packs_text(verdict.packs)}
        common["decision"] = decision.write(judged.decided())
        if isinstance(verdict, Refusal):
            reasons = canonical([decision.reason_fields(reason) for reason in verdict.reasons])
            row = {**common, "decided_at": now, "retry_at": verdict.retry_at, "reasons": reasons}
            connection.execute(insert(refusal).values(row))
            return verdict, now.year
        expires_at = now + self._permit_lifetime
        if verdict.closes_at is not None:  # whoever spends it last must still have rung before the window ends
            expires_at = min(expires_at, verdict.closes_at - candidate.ring_for)
        permit_id = new_id(now)
        put_permit(connection, {**common, "permit_id": permit_id, "granted_at": now, "expires_at": expires_at})
        granted = Permit(
            permit_id,
            candidate.attempt_id,
            candidate.person,
            candidate.number,
            candidate.campaign,
            now,
            expires_at,
            verdict.packs,
        )
        return granted, now.year

    def _now(self, theirs: datetime | None) -> datetime:
        """One time authority: the database server's clock where there is one and it is to be obeyed, else the machine's."""
        ours = self._clock.now()
        if theirs is None or not self._one_time_for_all:
            return ours
        if abs(theirs - ours) > MOST_SKEW:
            raise ClockAdrift(f"our clock says {ours.isoformat()}, the database's {theirs.isoformat()}: set it right first")
        return theirs


def _always_obeys_opt_outs(rule: Rule) -> TypeGuard[SuppressRule]:
    """Whether the rule keeps our own do-not-call list, under all circumstances."""
    return isinstance(rule, SuppressRule) and rule.list == INTERNAL and rule.terms == ALWAYS


def _check_callable(candidate: Candidate) -> None:
    check_number(candidate.number)
    if not candidate.person:
        raise ValueError(f"attempt {candidate.attempt_id}: a call must be to somebody, or no cap could count it")
    if candidate.ring_for <= timedelta(0):
        raise ValueError(f"attempt {candidate.attempt_id}: a call that is to be placed must ring for some time")


def _granted_before(connection: Connection, candidate: Candidate) -> Permit:
    granted = connection.execute(select(permit).where(permit.c.attempt_id == candidate.attempt_id)).mappings().one()
    if any(granted[name] != getattr(candidate, name) for name in CALL_KEYS):
        raise ValueError(f"attempt {candidate.attempt_id} has a permit for another call")
    return permit_of(granted)


def _listed(connection: Connection, row: Fields, now: datetime) -> bool:
    entries = find_suppressions(connection, row["number"], row["person"])
    return any(suppression.in_force(entry, row["seller"], row["campaign"], now) for entry in entries)


def _permit_row(connection: Connection, permit_id: str) -> Fields:
    row = connection.execute(select(permit).where(permit.c.permit_id == permit_id)).mappings().first()
    if row is None:
        raise PermitUnknown(f"there is no permit {permit_id}")
    return row


def _events(connection: Connection, condition: Any) -> list[LedgerEvent]:
    return [event_of(row) for row in connection.execute(select(ledger).where(condition).order_by(ledger.c.seq)).mappings()]


def _event(row: Fields, kind: EventKind, at: datetime, facts: Mapping[str, str]) -> LedgerEvent:
    keys = {name: row[name] for name in ("attempt_id", *CALL_KEYS)}
    zones = tuple(str(zone) for zone in json.loads(row["zones"]))
    return LedgerEvent(kind=kind, at=at, zones=zones, facts=tuple(sorted(facts.items())), **keys)
