"""Which calls of a campaign were answered, as the ledger has them? Reads what budgets are made of, by index, and only once.

A month of a large floor is more than can be read each second: `Answered` reads the past of its campaign once, and from then on
what was written since. What was changed by a later row (an abandonment, a machine that was a person) is read again whole, so that
reading on gives what reading anew would. It writes nothing and keeps nothing that a restart would miss.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.engine import Connection

from compliance.abandonment import LiveAnswer
from compliance.budget import HOUSE_POLICY, Budget, BudgetPolicy, Tally, counting, governing, governs, period_of
from compliance.facts import EventKind, LedgerEvent
from compliance.live_answers import KINDS, answers_of
from compliance.packs import Pack
from compliance.rules import AbandonRule
from compliance.tables import event_of, ledger

ASKED = 500  # attempts that one question may be about
SLACK = timedelta(hours=1)  # what left a period is kept so long: the clock may be put back a little
FIRST = datetime.min.replace(tzinfo=UTC)

_TOLD = ledger.c.kind.in_(sorted(kind.value for kind in KINDS))


@dataclass(frozen=True, slots=True)
class Measured:
    """One campaign of one seller, as the rules of abandonment see it. `began` is None where it was never started."""

    campaign: str
    seller: str
    purpose: str = ""
    began: datetime | None = None


class Answered:
    """The live answers of one campaign, as far as they were read. Not safe for threads."""

    def __init__(self, packs: Sequence[Pack], of: Measured, policy: BudgetPolicy = HOUSE_POLICY) -> None:
        self._packs = counting(packs)
        self._of = of
        self._policy = policy
        self._rules = governing(packs, of.purpose)
        self._since = FIRST  # what was answered before is in no tally
        self._tallies: tuple[Tally, ...] = ()
        self._known: dict[str, tuple[LiveAnswer, tuple[Tally, ...]]] = {}
        self._read_to: int | None = None

    def budgets(self, connection: Connection, now: datetime) -> tuple[Budget, ...]:
        """Reads on, and says where the campaign stands with each rule at `now`; nothing where no rule counts."""
        if not self._rules:
            return ()
        began = self._began(connection)
        begins = min(period_of(rule, began, now)[0] for rule in self._rules)
        end = connection.execute(select(func.max(ledger.c.seq))).scalar() or 0
        if self._read_to is None or begins < self._since:
            self._start_over(begins - SLACK)
            self._take(_events(connection, self._ours() & (ledger.c.at >= self._since) & _TOLD))
        elif end > self._read_to:
            self._take(self._written_since(connection, self._read_to))
        self._read_to = end
        self._forget(begins - SLACK)
        return tuple(tally.budget(began, now, self._policy) for tally in self._tallies)

    def _start_over(self, since: datetime) -> None:
        self._since, self._known = since, {}
        self._tallies = tuple(Tally(rule) for rule in self._rules)

    def _began(self, connection: Connection) -> datetime | None:
        """When the campaign began, or the first call of its name: one that is made anew under an old name begins no new count."""
        placed = (ledger.c.campaign == self._of.campaign) & (ledger.c.kind == EventKind.ATTEMPT.value)
        first = connection.execute(select(ledger.c.at).where(placed).order_by(ledger.c.at).limit(1)).scalar()
        return min((at for at in (first, self._of.began) if at is not None), default=None)

    def _ours(self) -> ColumnElement[bool]:
        """The rows that any of the rules counts, by index where every rule counts this campaign alone."""
        ours: list[ColumnElement[bool]] = []
        for rule in self._rules:
            if "campaign" in rule.per:
                ours.append(ledger.c.campaign == self._of.campaign)
            else:
                ours.append(ledger.c.seller == self._of.seller if "seller" in rule.per else true())
        return or_(*ours)

    def _written_since(self, connection: Connection, seq: int) -> Iterator[LedgerEvent]:
        """What was written since, with all else that is known of the same attempts."""
        written = _events(connection, (ledger.c.seq > seq) & _TOLD)
        # Which of it is ours is not asked of the database: it would look through the whole campaign for its last rows.
        fresh = [event for event in written if any(self._is_of(rule, event) for rule in self._rules)]
        yield from (event for event in fresh if event.attempt_id is None)
        touched = sorted({event.attempt_id for event in fresh if event.attempt_id is not None})
        for start in range(0, len(touched), ASKED):
            yield from _events(connection, ledger.c.attempt_id.in_(touched[start : start + ASKED]) & _TOLD)

    def _take(self, events: Iterable[LedgerEvent]) -> None:
        for answer in answers_of(events):
            before, counted = self._known.pop(answer.attempt_id, (answer, ()))
            if before.answered_at >= self._since:
                for tally in counted:
                    tally.remove(before)
            if answer.answered_at < self._since:
                continue
            counts = self._counting(answer)
            for tally in counts:
                tally.add(answer)
            if answer.attempt_id:
                self._known[answer.attempt_id] = (answer, counts)

    def _counting(self, answer: LiveAnswer) -> tuple[Tally, ...]:
        ours = answer.campaign == self._of.campaign
        held = governs(self._packs, answer, self._of.purpose if ours else "")
        return tuple(tally for tally in self._tallies if tally.rule.origin.id in held and self._is_of(tally.rule, answer))

    def _is_of(self, rule: AbandonRule, one: LiveAnswer | LedgerEvent) -> bool:
        """Whether it is within what the rule counts together. A call centre is the whole of this ledger."""
        keys = {"seller": one.seller == self._of.seller, "campaign": one.campaign == self._of.campaign}
        return all(keys.get(key, True) for key in rule.per)

    def _forget(self, before: datetime) -> None:
        self._since = max(self._since, before)
        for tally in self._tallies:
            tally.forget(before)
        while self._known:
            attempt_id = next(iter(self._known))
            if self._known[attempt_id][0].answered_at >= before:
                return
            del self._known[attempt_id]


def budgets(
    connection: Connection,
    packs: Sequence[Pack],
    of: Measured,
    now: datetime,
    policy: BudgetPolicy = HOUSE_POLICY,
) -> tuple[Budget, ...]:
    """Where the campaign stands at `now` with each rule that may govern it, read from the ledger anew."""
    return Answered(packs, of, policy).budgets(connection, now)


def _events(connection: Connection, condition: ColumnElement[bool]) -> Iterator[LedgerEvent]:
    found = connection.execute(select(ledger).where(condition).order_by(ledger.c.seq)).mappings()
    return (event_of(row) for row in found)
