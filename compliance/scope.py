"""Which rules hold for this call, here and now? Packs by jurisdiction and purpose, rules by their conditions and dates.

The rule it protects: doubt never lets a rule go. A condition whose answer is not known is met; a callee who may be in a
jurisdiction is in it; effective dates are inclusive civil dates, as long as it may be that date where the callee is.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from compliance.facts import Facts
from compliance.grounds import holds
from compliance.numbers import line_type_of
from compliance.packs import Pack
from compliance.regions import may_be_in
from compliance.rule_readers import CALL_DIMENSIONS, CALLEE_IN
from compliance.rules import (
    CallerIdRule,
    CapRule,
    Condition,
    ConsentRule,
    CooldownRule,
    RingRule,
    Rule,
    SuppressRule,
    Terms,
    WindowRule,
)
from compliance.verdict import Candidate, PackRef
from compliance.wallclock import start_of_day, zone_named

ONE_DAY = timedelta(days=1)
FARTHEST = timedelta(hours=14)  # how far a local date may be ahead of, or behind, the date in UTC
BEFORE_ALL_TURNS = datetime.min.replace(tzinfo=UTC)

#: The kinds of rule that may stand in the way of a call; the others bind what follows the ring.
BEFORE_THE_RING = (WindowRule, CapRule, CooldownRule, SuppressRule, ConsentRule, RingRule, CallerIdRule)


class CallKind(NamedTuple):
    """What is known of a call, beside the place, that a condition may ask for: CALL_DIMENSIONS, of a candidate."""

    purpose: str
    party: str
    technology: str
    sector: str
    caller_role: str
    line_type: str


class InForce(NamedTuple):
    """The rules in force, when the next of the others comes into force, and when each that ends does, by id."""

    rules: tuple[Rule, ...]
    next_rule: datetime | None
    ends: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Timetable:
    """Which rules are in force when, for one kind of call to one place, and the texts of the packs they are from.

    `turns` are the instants at which a rule begins or ends; `stretches` what holds before, between and after them.
    """

    packs: tuple[PackRef, ...]
    turns: tuple[datetime, ...]
    stretches: tuple[InForce, ...]

    def at(self, now: datetime) -> InForce:
        """What is in force at `now`."""
        return self.stretches[bisect_right(self.turns, now)]


_kind_of = attrgetter(*CallKind._fields)


def packs_for(packs: Iterable[Pack], candidate: Candidate | CallKind, regions: frozenset[str]) -> tuple[Pack, ...]:
    """The packs that may govern the call: by where the callee may be, and by what is known of the call."""
    return tuple(
        pack for pack in packs if pack.reaches(regions) and all(may_be_met(one, candidate, regions) for one in pack.applies)
    )


def timetable_for(packs: tuple[Pack, ...], candidate: Candidate, regions: frozenset[str], zones: tuple[str, ...]) -> Timetable:
    """The rules that a decision asks before the phone rings, of those packs that may govern the call, by when they are in force.

    Others are among them only where something may waive them: a decision stands no longer than the waivers it rests on.
    """
    return _timetable(packs, _call(candidate), regions, zones, before_ring=True)


def rules_for(
    packs: Iterable[Pack], candidate: Candidate, regions: frozenset[str], zones: tuple[str, ...], now: datetime
) -> InForce:
    """All rules of those packs that may govern the call which are in force at `now`, whenever they bind."""
    return _timetable(tuple(packs), _call(candidate), regions, zones, before_ring=False).at(now)


def _call(candidate: Candidate) -> CallKind:
    call = CallKind._make(_kind_of(candidate))
    if not call.line_type and (told := line_type_of(candidate.number)):
        return call._replace(line_type=told)
    return call


def is_waived(terms: Terms, candidate: Candidate, facts: Facts, now: datetime) -> bool:
    """Whether one of the grounds on which the rule yields is known to hold."""
    return any(holds(ground, candidate, facts, now) for ground in terms.waived_by)


def in_force(terms: Terms, zones: tuple[str, ...]) -> tuple[datetime | None, datetime | None]:
    """From the first instant at which it is the first date in any zone, to before the last at which it is still the last date."""
    first = _begin(terms.effective_from, zones, latest=False)
    last = _begin(terms.effective_until + ONE_DAY, zones, latest=True) if terms.effective_until else None
    return first, last


def may_be_met(condition: Condition, candidate: Candidate | CallKind, regions: frozenset[str]) -> bool:
    """Whether the call may be one the condition speaks of. What only the end of the call tells may yet be."""
    if condition.dimension == CALLEE_IN:
        return any(may_be_in(regions, region) for region in condition.values)
    if condition.dimension in CALL_DIMENSIONS:
        known = getattr(candidate, condition.dimension)
        return not known or known in condition.values
    return True


@lru_cache(maxsize=1024)  # a site's packs, by the kinds of its calls and the places it calls
def _timetable(
    packs: tuple[Pack, ...], call: CallKind, regions: frozenset[str], zones: tuple[str, ...], *, before_ring: bool
) -> Timetable:
    governing = packs_for(packs, call, regions)
    dated = [
        (rule, *in_force(rule.terms, zones))
        for pack in governing
        for rule in pack.rules
        if all(may_be_met(one, call, regions) for one in rule.terms.when)
    ]
    turns = sorted({instant for _, first, last in dated for instant in (first, last) if instant is not None})
    stretches = [_stretch(dated, start) for start in (BEFORE_ALL_TURNS, *turns)]
    if before_ring:
        stretches = [one._replace(rules=tuple(filter(_is_asked, one.rules))) for one in stretches]
    return Timetable(tuple(pack.ref for pack in governing), tuple(turns), tuple(stretches))


def _is_asked(rule: Rule) -> bool:
    return isinstance(rule, BEFORE_THE_RING) or bool(rule.terms.waived_by)


def _stretch(dated: Iterable[tuple[Rule, datetime | None, datetime | None]], now: datetime) -> InForce:
    held: list[Rule] = []
    begins: list[datetime] = []
    ends: dict[str, datetime] = {}
    for rule, first, last in dated:
        if first is not None and now < first:
            begins.append(first)
        elif last is None or now < last:
            held.append(rule)
            if last is not None:
                ends[rule.origin.id] = last
    return InForce(tuple(held), min(begins, default=None), MappingProxyType(ends))


def _begin(day: date | None, zones: tuple[str, ...], *, latest: bool) -> datetime | None:
    if day is None:
        return None
    if not zones:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return midnight + FARTHEST if latest else midnight - FARTHEST
    begins = [start_of_day(day, zone_named(zone)) for zone in zones]
    return max(begins) if latest else min(begins)
