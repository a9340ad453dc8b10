"""May this call be placed at this instant? The one decision every way of ringing a person goes through.

`check` asks every rule that may hold for the call and answers with all reasons at once. Windows intersect, all caps apply, the
latest cool-down wins, an entry on the do-not-call list has no end. A pack applies where the callee may be: a jurisdiction
that was not meant can only make the answer stricter, so that adding a rule or a pack never permits more. What is not
known denies. Abandonment, disclosure, recording, retention and deadlines bind what follows the ring: others ask them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from compliance import callerid, caps, consent, cooldown, hours, suppression
from compliance.facts import Facts
from compliance.history import History
from compliance.numbers import regions_of, zones_in, zones_of
from compliance.packs import Pack
from compliance.rules import (
    CallerIdRule,
    CapRule,
    ConsentRule,
    CooldownRule,
    RingRule,
    Rule,
    SuppressRule,
    WindowRule,
)
from compliance.scope import Timetable, is_waived, timetable_for
from compliance.verdict import Candidate, Clearance, Reason, Refusal
from compliance.wallclock import UnknownZone, zone_named
from compliance.windows import HORIZON

INSTANT = timedelta(0)
STEPS = 500  # how often the search for the first permitted instant goes on: more than a year of daily windows that do not meet
PLACES = 16_384  # how many numbers' places are remembered: what libphonenumber tells takes longer than all the rules together


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the callee may be: zones only where all of them are known, or else the faults."""

    zones: tuple[str, ...]
    regions: frozenset[str]
    faults: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """What stays the same while the search asks about one instant after the other."""

    candidate: Candidate
    facts: Facts
    history: History
    timetable: Timetable
    zones: tuple[str, ...]


def check(candidate: Candidate, facts: Facts, packs: tuple[Pack, ...], now: datetime) -> Clearance | Refusal:
    """Judges the candidate at `now` by the packs that may govern the call.

    `ring_for` of zero asks about the instant alone. Raises ValueError for a naive `now` or a negative `ring_for`.
    """
    if now.tzinfo is None:
        raise ValueError("the gate needs an aware time")
    if candidate.ring_for < INSTANT:
        raise ValueError("a phone cannot ring for less than no time")
    place = _place(candidate.number, candidate.zones, candidate.declared_zones, candidate.regions)
    timetable = timetable_for(packs, candidate, place.regions, place.zones)
    question = _Question(candidate, facts, History(candidate, facts), timetable, place.zones)
    found, closes = _judge(question, now)
    reasons = [*place.faults, *found]
    if not timetable.packs:
        where = f" in {', '.join(sorted(place.regions))}" if place.regions else ""
        reasons.append(_unknown("packs", f"no rule pack in force covers calls for {candidate.purpose!r}{where}"))
    if not reasons:
        return Clearance(now, place.zones, timetable.packs, closes)
    return Refusal(now, tuple(reasons), _retry_at(question, reasons, now), place.zones, timetable.packs)


def zones_for(candidate: Candidate) -> tuple[str, ...]:
    """Every zone the callee may be in: those known for sure, or else the number's, the declared ones, every declared region's."""
    return _zones(candidate.number, candidate.zones, candidate.declared_zones, candidate.regions)


@lru_cache(maxsize=PLACES)
def _place(number: str, known: tuple[str, ...], declared: tuple[str, ...], regions: tuple[str, ...]) -> _Place:
    zones = _zones(number, known, declared, regions)
    faults = []
    for name in zones:
        try:
            zone_named(name)
        except UnknownZone as error:
            faults.append(_unknown("location", str(error)))
    return _Place(() if faults else zones, regions_of(number) | frozenset(regions), tuple(faults))


def _zones(number: str, known: tuple[str, ...], declared: tuple[str, ...], regions: tuple[str, ...]) -> tuple[str, ...]:
    if known:
        return tuple(sorted(set(known)))
    found = {*zones_of(number), *declared}
    for region in regions:
        found.update(zones_in(region))
    return tuple(sorted(found))


def _judge(question: _Question, now: datetime) -> tuple[list[Reason], datetime | None]:
    """All reasons against the instant; where there are none, until when that stays so."""
    candidate, facts = question.candidate, question.facts
    rules, next_rule, ends = question.timetable.at(now)
    reasons: list[Reason] = []
    closing = [] if next_rule is None else [next_rule]
    for rule in rules:
        if rule.terms.waived_by and is_waived(rule.terms, candidate, facts, now):
            closes = _next_expiry(facts, now)
        else:
            found, closes = _ask(rule, question, now)
            if found:
                reasons.extend([_while_it_holds(reason, ends.get(rule.origin.id)) for reason in found])
        if closes is not None:
            closing.append(closes)
    return reasons, min(closing, default=None)


def _ask(rule: Rule, question: _Question, now: datetime) -> tuple[Sequence[Reason], datetime | None]:
    """What the rule has against the instant; where it has nothing, until when that stays so, as far as time alone tells."""
    candidate, facts = question.candidate, question.facts
    reason: Reason | None = None
    closes: datetime | None = None
    match rule:
        case WindowRule():
            return hours.judge(rule, candidate, facts, question.zones, now)
        case CapRule():
            reason = caps.refuse(rule, question.history, question.zones, now)
        case CooldownRule():
            reason = cooldown.refuse(rule, question.history, question.zones, now)
        case SuppressRule():
            reason, closes = suppression.refuse(rule, candidate, facts, now), suppression.expires_at(rule, facts)
        case ConsentRule():
            reason, closes = consent.refuse(rule, candidate, facts, now), _next_expiry(facts, now)
        case CallerIdRule():
            reason = callerid.refuse(rule, candidate)
        case RingRule():
            reason = hours.wrong_ring_time(rule, candidate)
        case _:
            pass  # what binds after the ring is asked only whether it is waived
    return ((reason,) if reason else ()), closes


def _next_expiry(facts: Facts, now: datetime) -> datetime | None:
    """When the next consent expires: a rule that it fulfils, or waives, is to be asked again then."""
    return min([one.expires_at for one in facts.consents if one.expires_at is not None and one.expires_at > now], default=None)


def _while_it_holds(reason: Reason, ends: datetime | None) -> Reason:
    if ends is None or (reason.retry_at is not None and reason.retry_at <= ends):
        return reason
    return Reason(reason.rule, reason.kind, reason.cite, reason.level, reason.text, ends, reason.facts)


def _retry_at(question: _Question, reasons: list[Reason], now: datetime) -> datetime | None:
    """The first instant at which every rule permits.

    Each reason tells from when on its own rule no longer stands in the way: nothing is permitted before the latest of
    them, so that the search goes there, asks again, and stops where nobody objects. It gives up where hours alone object for as
    long as HORIZON.
    """
    at = settled = now
    for _ in range(STEPS):
        retries = [reason.retry_at for reason in reasons]
        if None in retries:
            return None
        at = max(retry for retry in retries if retry is not None)
        if any(reason.kind != "window" for reason in reasons):
            settled = at
        reasons, _ = _judge(question, at)
        if not reasons:
            return at
        if at - settled > HORIZON:
            return None
    return None


def _unknown(what: str, text: str) -> Reason:
    return Reason(f"gate.{what}", "unknown", "what is not known denies", "house", f"needs facts: {what} ({text})", None)
