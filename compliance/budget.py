"""How many more answered calls may go without an agent now, by each rule that counts them, and which rule governs?

The rules it protects: 16 CFR 310.4(b)(4)(i) and its like, each by its own numerator, denominator, clock and period. Every rule is
measured by itself on the calls it governs, and the lowest headroom governs. Whole numbers are compared, never shares. Before
`minimum_answers` live answers in a period the limit counts as if there had been that many: a matter of policy, so that the
first abandoned call of a day does not stop a floor. What is done about a budget is for the floor to say.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from compliance.abandonment import NOT_BRIDGED, LiveAnswer, Rate, is_abandoned
from compliance.numbers import regions_of
from compliance.packs import Pack
from compliance.periods import Rolling, leaves_at, starts_at
from compliance.rules import AbandonRule, Level
from compliance.scope import packs_for, rules_for
from compliance.verdict import Candidate
from compliance.wallclock import UnknownZone

#: For a rule on the clock of the callees, who are in many places at once: its day begins where it began first, and ends last.
EVERYWHERE = tuple(f"Etc/GMT{offset:+d}" for offset in range(-14, 13))
NOWHERE: frozenset[str] = frozenset()


class BudgetState(StrEnum):
    """Where a campaign stands with one rule, from the best to the worst."""

    OK = "ok"
    NEAR = "near"  # the alert share of the limit is reached
    OVER = "over"  # more were abandoned than the rule permits


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """What the house adds to every rule: the share of a limit at which it wants to know, and the answers that count at least."""

    alert_share: Decimal = Decimal("0.8")
    minimum_answers: int = 100


HOUSE_POLICY = BudgetPolicy()


@dataclass(frozen=True, slots=True)
class Budget:
    """What one rule leaves: `headroom` more calls may be abandoned now. `because` says it in words.

    The period is from `begins` to `ends`; that of a rolling rule ends now.
    """

    rule: str
    cite: str
    level: Level
    per: tuple[str, ...]
    period: str
    begins: datetime
    ends: datetime
    abandoned: int
    answered: int
    limit: Decimal
    headroom: int
    state: BudgetState
    because: str
    last_abandoned_at: datetime | None = None  # when the latest of the abandoned was answered

    @property
    def rate(self) -> float:
        """The share that was abandoned, for people to read; nothing is decided by it."""
        return self.abandoned / self.answered if self.answered else 0.0


def worst(budgets: Iterable[Budget]) -> Budget | None:
    """The budget that governs: the one with the lowest headroom; None where no rule counts."""
    return min(budgets, key=lambda one: (one.headroom, one.rule), default=None)


def period_of(rule: AbandonRule, campaign_start: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From when to when the rule counts at `now`. A campaign that never began begins now."""
    if isinstance(rule.period, Rolling):
        return now - rule.period.length, now
    start = now if campaign_start is None else campaign_start
    return starts_at(rule.period, now, EVERYWHERE, start), leaves_at(rule.period, now, EVERYWHERE, start)


def governing(packs: Iterable[Pack], purpose: str) -> tuple[AbandonRule, ...]:
    """The rules that may govern a campaign for this purpose, wherever its customers turn out to be."""
    reaching = packs_for(packs, _a_call(purpose), NOWHERE)
    return tuple(rule for pack in reaching for rule in pack.rules if isinstance(rule, AbandonRule))


def counting(packs: Iterable[Pack]) -> tuple[Pack, ...]:
    """The packs with nothing in them but what counts abandoned calls: thousands of answers are asked about."""
    bare = (replace(pack, rules=tuple(rule for rule in pack.rules if isinstance(rule, AbandonRule))) for pack in packs)
    return tuple(pack for pack in bare if pack.rules)


def governs(packs: tuple[Pack, ...], answer: LiveAnswer, purpose: str) -> frozenset[str]:
    """The ids of the rules that held for this call where and when it was answered; in doubt they held."""
    call, regions = _a_call(purpose), regions_of(answer.number)
    try:
        held, _, _ = rules_for(packs, call, regions, answer.zones, answer.answered_at)
    except UnknownZone:  # a zone that is called otherwise by now
        held, _, _ = rules_for(packs, call, regions, (), answer.answered_at)
    return frozenset(rule.origin.id for rule in held if isinstance(rule, AbandonRule))


def needs_an_agent_at_once(packs: Iterable[Pack], purpose: str) -> tuple[AbandonRule, ...]:
    """The rules by which a call whose agent joins only after a recorded disclosure is not connected in time."""
    return tuple(rule for rule in governing(packs, purpose) if NOT_BRIDGED in rule.numerator)


class Tally:
    """The live answers that one rule counts, as they become known; not a value, but what a value is made of.

    An answer may be taken out and put in again when more is known of it. What is before the period is left out of the count,
    and may be forgotten.
    """

    def __init__(self, rule: AbandonRule) -> None:
        self.rule = rule
        self._answered: list[datetime] = []
        self._abandoned: list[datetime] = []

    def add(self, answer: LiveAnswer) -> None:
        """Counts the answer from now on."""
        insort(self._answered, answer.answered_at)
        if is_abandoned(answer, self.rule):
            insort(self._abandoned, answer.answered_at)

    def remove(self, answer: LiveAnswer) -> None:
        """Counts the answer no more. Raises ValueError for one that was not added, or was forgotten."""
        _take(self._answered, answer.answered_at)
        if is_abandoned(answer, self.rule):
            _take(self._abandoned, answer.answered_at)

    def forget(self, before: datetime) -> None:
        """Drops what was answered before that."""
        for times in (self._answered, self._abandoned):
            del times[: bisect_left(times, before)]

    def budget(self, campaign_start: datetime | None, now: datetime, policy: BudgetPolicy) -> Budget:
        """Where the campaign stands with the rule at `now`."""
        begins, ends = period_of(self.rule, campaign_start, now)
        first = bisect_right if isinstance(self.rule.period, Rolling) else bisect_left  # a rolling period begins after its start
        answered = len(self._answered) - first(self._answered, begins)
        abandoned = len(self._abandoned) - first(self._abandoned, begins)
        last = self._abandoned[-1] if abandoned else None
        return _budget(self.rule, (begins, ends), Rate(abandoned, answered, self.rule.max_rate), last, policy)


def measure(
    rule: AbandonRule,
    answers: Iterable[LiveAnswer],
    campaign_start: datetime | None,
    now: datetime,
    policy: BudgetPolicy = HOUSE_POLICY,
) -> Budget:
    """The budget of the rule after these answers, all of which it governs."""
    tally = Tally(rule)
    for answer in answers:
        tally.add(answer)
    return tally.budget(campaign_start, now, policy)


def _a_call(purpose: str) -> Candidate:
    """A call of which only the purpose is known: no pack asks who is rung, on which number or by which campaign."""
    return Candidate("", "", "", "", "", "", purpose)


def _budget(
    rule: AbandonRule, period: tuple[datetime, datetime], counted: Rate, last_abandoned_at: datetime | None, policy: BudgetPolicy
) -> Budget:
    figure = replace(counted, answered=max(counted.answered, policy.minimum_answers))
    top, bottom = (rule.max_rate * policy.alert_share).as_integer_ratio()
    near = counted.abandoned > 0 and counted.abandoned * bottom >= top * figure.answered
    return Budget(
        rule=rule.origin.id,
        cite=rule.origin.cite,
        level=rule.origin.level,
        per=rule.per,
        period=rule.period_text,
        begins=period[0],
        ends=period[1],
        abandoned=counted.abandoned,
        answered=counted.answered,
        limit=rule.max_rate,
        headroom=figure.budget,
        state=BudgetState.OVER if not figure.within else BudgetState.NEAR if near else BudgetState.OK,
        because=_because(rule, period[0], counted, figure),
        last_abandoned_at=last_abandoned_at,
    )


def _because(rule: AbandonRule, begins: datetime, counted: Rate, figure: Rate) -> str:
    few = f" (counted as {figure.answered})" if figure.answered > counted.answered else ""
    more = f"{figure.budget} more may be" if figure.budget >= 0 else f"{-figure.budget} too many"
    return (
        f"{counted.abandoned} of {counted.answered}{few} live answers abandoned since {begins:%Y-%m-%d %H:%M}Z, "
        f"at most {(rule.max_rate * 100).normalize():f} % by {rule.origin.id}: {more}"
    )


def _take(times: list[datetime], at: datetime) -> None:
    place = bisect_left(times, at)
    if place == len(times) or times[place] != at:
        raise ValueError(f"nothing that was answered at {at.isoformat()} is counted")
    del times[place]
