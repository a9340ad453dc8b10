"""Has this person been called often enough? The rule it protects: never above a cap, over all numbers and campaigns it counts.

An attempt counts unless it is known not to have rung; a reservation counts as the attempt it may become. An event
dated after `now` (a clock that was wrong) counts too: it leaves the count in its own time. Which events share a key with
a candidate is told here for cool-downs too.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from compliance.facts import RANG, EventKind, Facts, LedgerEvent
from compliance.periods import Successive, leaves_at, needs_location
from compliance.rules import CapRule, Key
from compliance.verdict import Candidate, Reason

#: How a mark of an event is said to hold, such as `not_connected_to_number` (12 CFR 1006.14(b)(3)).
MARKED = frozenset({"true", "yes", "1"})


def refuse(rule: CapRule, candidate: Candidate, facts: Facts, zones: tuple[str, ...], now: datetime) -> Reason | None:
    """Why the cap stands in the way at `now`, or None. `retry_at` is exact if nothing more happens; None if it never yields."""
    if needs_location(rule.period) and not zones:
        return _reason(rule, "needs facts: location (the period is counted on the callee's clock)", None)
    events = list(counted(rule, candidate, facts))
    start = facts.campaign_start
    if isinstance(rule.period, Successive) and start is None:
        if len(events) < rule.max:  # however the blocks fall, no block holds more
            return None
        return _reason(rule, "needs facts: campaign start (the period is counted from it)", None)
    leaving = sorted((leaves_at(rule.period, event.at, zones, start) for event in events), reverse=True)
    held = sum(1 for instant in leaving if instant > now)
    if held < rule.max:
        return None
    retry_at = leaving[rule.max - 1] if rule.max else None  # when only max - 1 are left
    told = (("counted", str(held)), ("max", str(rule.max)), ("event", rule.event.value), ("period", rule.period_text))
    return _reason(rule, f"{held} of at most {rule.max} {rule.event.value} events in {rule.period_text}", retry_at, told)


def counted(rule: CapRule, candidate: Candidate, facts: Facts) -> Iterator[LedgerEvent]:
    """The events of the rule's kind that share its key with the candidate, whatever their age, and bear no mark against it."""
    if not facts.events:
        return
    silent = _never_rang(facts.events)
    for event in sharing(rule.event, rule.key, candidate, facts):
        if event.kind is EventKind.ATTEMPT and event.attempt_id in silent:
            continue
        if not any(dict(event.facts).get(mark) in MARKED for mark in rule.not_counted):
            yield event


def sharing(kind: EventKind, keys: tuple[Key, ...], candidate: Candidate, facts: Facts) -> Iterator[LedgerEvent]:
    """The events of a kind that have every part of the key in common with the candidate.

    A campaign, seller, subject, debt or creditor that is not known on one side may be the same, and is taken to be.
    """
    if not any(event.kind is kind for event in facts.events):
        return
    numbers = numbers_of(candidate, facts)
    owners = _Owners(facts.events)
    for event in facts.events:
        if event.kind is kind and all(_shares(key, event, candidate, numbers, owners) for key in keys):
            yield event


def numbers_of(candidate: Candidate, facts: Facts) -> frozenset[tuple[str, int]]:
    """Every number on which the person may be reached, each with the owner it has: a shared number charges everybody on it."""
    owners = _Owners(facts.events)
    used = {(event.number, owners.at(event)) for event in facts.events if event.person and event.person == candidate.person}
    return frozenset(used | {(number, owners.now(number)) for number in (candidate.number, *facts.numbers)})


class _Owners:
    """Which owner of a number an event is about: a number that was reassigned starts anew (its history splits there)."""

    def __init__(self, events: Iterable[LedgerEvent]) -> None:
        self._changes: dict[str, list[datetime]] = {}
        for event in events:
            if event.kind is EventKind.REASSIGNED:
                self._changes.setdefault(event.number, []).append(event.at)

    def at(self, event: LedgerEvent) -> int:
        return sum(1 for change in self._changes.get(event.number, ()) if change <= event.at)

    def now(self, number: str) -> int:
        return len(self._changes.get(number, ()))


def _shares(key: Key, event: LedgerEvent, candidate: Candidate, numbers: frozenset[tuple[str, int]], owners: _Owners) -> bool:
    match key:
        case Key.PERSON:
            same = bool(event.person) and event.person == candidate.person
            return same or (event.number, owners.at(event)) in numbers
        case Key.NUMBER:
            return event.number == candidate.number and owners.at(event) == owners.now(event.number)
        case _:
            theirs, ours = getattr(event, key.value), getattr(candidate, key.value)
            return theirs == ours or not theirs or not ours


def _never_rang(events: Iterable[LedgerEvent]) -> frozenset[str | None]:
    quiet: set[str | None] = set()
    rang: set[str | None] = {None}
    for event in events:
        if event.kind is EventKind.NOT_RUNG:
            quiet.add(event.attempt_id)
        elif event.kind in RANG:
            rang.add(event.attempt_id)
    return frozenset(quiet - rang)


def _reason(rule: CapRule, text: str, retry_at: datetime | None, facts: tuple[tuple[str, str], ...] = ()) -> Reason:
    origin = rule.origin
    return Reason(origin.id, "cap", origin.cite, origin.level.value, text, retry_at, facts)
