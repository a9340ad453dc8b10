"""Has this person been called often enough? The rule it protects: never above a cap, over all numbers and campaigns it counts.

An attempt counts unless it is known not to have rung; a reservation counts as the attempt it may become. An event
dated after `now` (a clock that was wrong) counts too: it leaves the count in its own time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from compliance.facts import RANG, EventKind, Facts, LedgerEvent
from compliance.packs import CapRule, Key
from compliance.periods import leaves_at, needs_location
from compliance.verdict import Candidate, Reason


def refuse(rule: CapRule, candidate: Candidate, facts: Facts, zones: tuple[str, ...], now: datetime) -> Reason | None:
    """Why the cap stands in the way at `now`, or None. `retry_at` is exact if nothing more happens; None if it never yields."""
    if needs_location(rule.period) and not zones:
        return _reason(rule, "needs facts: location (the period is counted on the callee's clock)", None)
    leaving = sorted((leaves_at(rule.period, event.at, zones) for event in counted(rule, candidate, facts)), reverse=True)
    held = sum(1 for instant in leaving if instant > now)
    if held < rule.max:
        return None
    retry_at = leaving[rule.max - 1] if rule.max else None  # when only max - 1 are left
    told = (("counted", str(held)), ("max", str(rule.max)), ("event", rule.event.value), ("period", rule.period_text))
    return _reason(rule, f"{held} of at most {rule.max} {rule.event.value} events in {rule.period_text}", retry_at, told)


def counted(rule: CapRule, candidate: Candidate, facts: Facts) -> Iterator[LedgerEvent]:
    """The events of the rule's kind that share its key with the candidate, whatever their age."""
    numbers = numbers_of(candidate, facts)
    silent = _never_rang(facts.events)
    for event in facts.events:
        if event.kind is not rule.event or (event.kind is EventKind.ATTEMPT and event.attempt_id in silent):
            continue
        if all(_shares(key, event, candidate, numbers) for key in rule.key):
            yield event


def numbers_of(candidate: Candidate, facts: Facts) -> frozenset[str]:
    """Every number on which the person may be reached: a shared number charges everybody on it."""
    used = (event.number for event in facts.events if event.person == candidate.person)
    return frozenset({candidate.number, *facts.numbers, *used})


def _shares(key: Key, event: LedgerEvent, candidate: Candidate, numbers: frozenset[str]) -> bool:
    match key:
        case Key.PERSON:
            return event.person == candidate.person or event.number in numbers
        case Key.NUMBER:
            return event.number == candidate.number
        case Key.CAMPAIGN:
            return event.campaign == candidate.campaign
        case Key.SELLER:
            return event.seller == candidate.seller
        case Key.SUBJECT:
            return event.subject == candidate.subject


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
