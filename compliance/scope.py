"""Which rules hold for this call, here and now? Packs by jurisdiction and purpose, rules by their conditions and dates.

The rule it protects: doubt never lets a rule go. A condition whose answer is not known is met; a callee who may be in a
jurisdiction is in it; effective dates are inclusive civil dates, as long as it may be that date where the callee is.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from compliance.facts import Facts
from compliance.grounds import holds
from compliance.packs import Pack
from compliance.regions import may_be_in
from compliance.rule_readers import CALL_DIMENSIONS, CALLEE_IN
from compliance.rules import Condition, Rule, Terms
from compliance.verdict import Candidate
from compliance.wallclock import start_of_day, zone_named

ONE_DAY = timedelta(days=1)
FARTHEST = timedelta(hours=14)  # how far a local date may be ahead of, or behind, the date in UTC


def packs_for(packs: Iterable[Pack], candidate: Candidate, regions: frozenset[str]) -> tuple[Pack, ...]:
    """The packs that may govern the call: by where the callee may be, and by what is known of the call."""
    return tuple(
        pack for pack in packs if pack.reaches(regions) and all(may_be_met(one, candidate, regions) for one in pack.applies)
    )


def rules_for(
    packs: Iterable[Pack], candidate: Candidate, regions: frozenset[str], zones: tuple[str, ...], now: datetime
) -> tuple[tuple[Rule, ...], datetime | None, dict[str, datetime]]:
    """The rules in force at `now`, when the next of the others comes into force, and when each that ends does, by id."""
    held: list[Rule] = []
    begins: list[datetime] = []
    ends: dict[str, datetime] = {}
    for rule in _met(packs, candidate, regions):
        if rule.terms.effective_from is None and rule.terms.effective_until is None:
            held.append(rule)
            continue
        first, last = in_force(rule.terms, zones)
        if first is not None and now < first:
            begins.append(first)
        elif last is None or now < last:
            held.append(rule)
            if last is not None:
                ends[rule.origin.id] = last
    return tuple(held), min(begins, default=None), ends


def is_waived(terms: Terms, candidate: Candidate, facts: Facts, now: datetime) -> bool:
    """Whether one of the grounds on which the rule yields is known to hold."""
    return any(holds(ground, candidate, facts, now) for ground in terms.waived_by)


@lru_cache(maxsize=4096)
def in_force(terms: Terms, zones: tuple[str, ...]) -> tuple[datetime | None, datetime | None]:
    """From the first instant at which it is the first date in any zone, to before the last at which it is still the last date."""
    first = _begin(terms.effective_from, zones, latest=False)
    last = _begin(terms.effective_until + ONE_DAY, zones, latest=True) if terms.effective_until else None
    return first, last


def may_be_met(condition: Condition, candidate: Candidate, regions: frozenset[str]) -> bool:
    """Whether the call may be one the condition speaks of. What only the end of the call tells may yet be."""
    if condition.dimension == CALLEE_IN:
        return any(may_be_in(regions, region) for region in condition.values)
    if condition.dimension in CALL_DIMENSIONS:
        known = getattr(candidate, condition.dimension)
        return not known or known in condition.values
    return True


def _met(packs: Iterable[Pack], candidate: Candidate, regions: frozenset[str]) -> Iterator[Rule]:
    for pack in packs:
        for rule in pack.rules:
            if not rule.terms.when or all(may_be_met(one, candidate, regions) for one in rule.terms.when):
                yield rule


def _begin(day: date | None, zones: tuple[str, ...], *, latest: bool) -> datetime | None:
    if day is None:
        return None
    if not zones:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return midnight + FARTHEST if latest else midnight - FARTHEST
    begins = [start_of_day(day, zone_named(zone)) for zone in zones]
    return max(begins) if latest else min(begins)
