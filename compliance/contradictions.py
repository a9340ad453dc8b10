"""Do two packs ask for what cannot be done at once? The rule it protects: a conflict of laws goes to a person, not to chance.

Told are pairs of rules that may bind the same call: hours that never meet, caller numbers one demands and the other bars, records
one keeps longer than the other permits, calls one records whole and the other not by default.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from compliance.daykinds import DayKind
from compliance.packs import Pack
from compliance.regions import may_be_in
from compliance.rules import CallerIdRule, Condition, RecordRule, RetainRule, Rule, WindowRule
from compliance.windows import DAY_MINUTES, DayPlan, Schedule

#: What a date may be: an ordinary day, a holiday, the day before one, a day of the weekend on which people work.
DATES = (
    frozenset({DayKind.WORKDAY}),
    frozenset({DayKind.RESTDAY, DayKind.HOLIDAY}),
    frozenset({DayKind.WORKDAY, DayKind.PREHOLIDAY}),
    frozenset({DayKind.RESTDAY}),
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two rules, each as pack and rule id, and what they cannot both have."""

    first: str
    second: str
    text: str


def contradictions(packs: Sequence[Pack]) -> tuple[Contradiction, ...]:
    """Every pair of rules of two packs that no call can obey together. Packs for other places or purposes never meet."""
    found: list[Contradiction] = []
    for one, other in combinations(packs, 2):
        if not _meet(one, other):
            continue
        for left in one.rules:
            for right in other.rules:
                if _may_hold_together(left, right):
                    found.extend(
                        Contradiction(f"{one.id}: {left.origin.id}", f"{other.id}: {right.origin.id}", text)
                        for text in _conflicts(left, right)
                    )
    return tuple(found)


def _meet(one: Pack, other: Pack) -> bool:
    same_place = any(
        "*" in {here, there} or may_be_in(frozenset({here}), there) for here in one.jurisdiction for there in other.jurisdiction
    )
    return same_place and _compatible(one.applies, other.applies)


def _may_hold_together(left: Rule, right: Rule) -> bool:
    if not _compatible(left.terms.when, right.terms.when):
        return False
    for one, other in ((left.terms, right.terms), (right.terms, left.terms)):
        if one.effective_until and other.effective_from and one.effective_until < other.effective_from:
            return False
    return True


def _compatible(left: tuple[Condition, ...], right: tuple[Condition, ...]) -> bool:
    asked = {one.dimension: set(one.values) for one in left}
    return all(asked.get(one.dimension, set(one.values)) & set(one.values) for one in right)


def _conflicts(left: Rule, right: Rule) -> Iterator[str]:
    match left, right:
        case WindowRule(), WindowRule() if left.clock == right.clock and not _overlap(left.schedule, right.schedule):
            yield "their hours never meet"
        case CallerIdRule(), CallerIdRule():
            for one, other in ((left, right), (right, left)):
                if one.allow_prefix and all(_starts(prefix, other.forbid_prefix) for prefix in one.allow_prefix):
                    yield f"every caller number one permits ({', '.join(one.allow_prefix)}) is barred by the other"
            if left.allow_prefix and right.allow_prefix and not _share(left.allow_prefix, right.allow_prefix):
                yield "no caller number begins as both demand"
        case RetainRule(), RetainRule() if kept := ", ".join(sorted(set(left.what) & set(right.what))):
            for shortest, longest in ((left.min_days, right.max_days), (right.min_days, left.max_days)):
                if shortest is not None and longest is not None and shortest > longest:
                    yield f"{kept}: kept at least {shortest} days by one, at most {longest} by the other"
        case RecordRule(), RecordRule():
            modes = {left.mode, right.mode}
            if "whole_call" in modes and modes & {"off", "on_event"}:
                yield f"one records the whole call, the other {'nothing' if 'off' in modes else 'only on an event'}"
        case _:
            pass


def _starts(prefix: str, barred: tuple[str, ...]) -> bool:
    return any(prefix.startswith(one) for one in barred)


def _share(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return any(one.startswith(other) or other.startswith(one) for one in left for other in right)


def _overlap(left: Schedule, right: Schedule) -> bool:
    return any(
        _open_minutes(left, weekday, kinds) & _open_minutes(right, weekday, kinds) for weekday in range(7) for kinds in DATES
    )


def _open_minutes(schedule: Schedule, weekday: int, kinds: frozenset[DayKind]) -> int:
    """The open minutes of such a date as bits, with what the same kind of day before reaches into it."""
    today, yesterday = _plan(schedule, weekday, kinds), _plan(schedule, (weekday - 1) % 7, kinds)
    whole = (1 << DAY_MINUTES) - 1
    opened = 0 if today is None else _bits(today) if today.permits else whole
    opened |= _bits(yesterday) >> DAY_MINUTES if yesterday is not None and yesterday.permits else 0
    for plan, shift in ((today, 0), (yesterday, DAY_MINUTES)):
        if plan is not None and not plan.permits:
            opened &= ~(_bits(plan) >> shift)
    return opened & whole


def _plan(schedule: Schedule, weekday: int, kinds: frozenset[DayKind]) -> DayPlan | None:
    return next((plan for plan in schedule if weekday in plan.weekdays or plan.kinds & kinds), None)


def _bits(plan: DayPlan) -> int:
    bits = 0
    for hours in plan.hours:
        bits |= (1 << hours.end_min) - (1 << hours.start_min)
    return bits
