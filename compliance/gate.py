"""May this call be placed at this instant? The one decision every way of ringing a person goes through.

`check` asks every rule that may hold for the call and answers with all reasons at once. Windows intersect, all caps apply, the
latest cool-down wins, an entry on the do-not-call list has no end. A pack applies where the callee may be: a jurisdiction
that was not meant can only make the answer stricter, so that adding a rule or a pack never permits more. What is not
known denies. Abandonment, disclosure, recording, retention and deadlines bind what follows the ring: others ask them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance import callerid, caps, consent, cooldown, hours, suppression
from compliance.facts import Facts
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
from compliance.scope import is_waived, packs_for, rules_for
from compliance.verdict import Candidate, Clearance, Reason, Refusal
from compliance.wallclock import UnknownZone, zone_named
from compliance.windows import HORIZON

INSTANT = timedelta(0)
STEPS = 500  # how often the search for the first permitted instant goes on: more than a year of daily windows that do not meet


@dataclass(frozen=True, slots=True)
class _Question:
    """What stays the same while the search asks about one instant after the other."""

    candidate: Candidate
    facts: Facts
    packs: tuple[Pack, ...]
    zones: tuple[str, ...]
    regions: frozenset[str]


def check(candidate: Candidate, facts: Facts, packs: tuple[Pack, ...], now: datetime) -> Clearance | Refusal:
    """Judges the candidate at `now` by the packs that may govern the call.

    `ring_for` of zero asks about the instant alone. Raises ValueError for a naive `now` or a negative `ring_for`.
    """
    if now.tzinfo is None:
        raise ValueError("the gate needs an aware time")
    if candidate.ring_for < INSTANT:
        raise ValueError("a phone cannot ring for less than no time")
    regions = regions_of(candidate.number) | frozenset(candidate.regions)
    applying = packs_for(packs, candidate, regions)
    zones, faults = _zones(candidate)
    question = _Question(candidate, facts, applying, zones, regions)
    found, closes = _judge(question, now)
    reasons = [*faults, *found]
    if not applying:
        where = f" in {', '.join(sorted(regions))}" if packs and regions else ""
        reasons.append(_unknown("packs", f"no rule pack in force covers calls for {candidate.purpose!r}{where}"))
    refs = tuple(pack.ref for pack in applying)
    if not reasons:
        return Clearance(now, zones, refs, closes)
    return Refusal(now, tuple(reasons), _retry_at(question, reasons, now), zones, refs)


def zones_for(candidate: Candidate) -> tuple[str, ...]:
    """Every zone the callee may be in: those known for sure, or else the number's, the declared ones and every declared region's."""
    if candidate.zones:
        return tuple(sorted(set(candidate.zones)))
    found = {*zones_of(candidate.number), *candidate.declared_zones}
    for region in candidate.regions:
        found.update(zones_in(region))
    return tuple(sorted(found))


def _zones(candidate: Candidate) -> tuple[tuple[str, ...], list[Reason]]:
    zones = zones_for(candidate)
    faults = []
    for name in zones:
        try:
            zone_named(name)
        except UnknownZone as error:
            faults.append(_unknown("location", str(error)))
    return (() if faults else zones), faults


def _judge(question: _Question, now: datetime) -> tuple[list[Reason], datetime | None]:
    """All reasons against the instant; where there are none, until when that stays so."""
    candidate, facts = question.candidate, question.facts
    rules, next_rule, ends = rules_for(question.packs, candidate, question.regions, question.zones, now)
    reasons: list[Reason] = []
    closing = [next_rule]
    for rule in rules:
        if rule.terms.waived_by and is_waived(rule.terms, candidate, facts, now):
            closing.extend(one.expires_at for one in facts.consents if one.expires_at is not None and one.expires_at > now)
            continue
        reasons.extend(_while_it_holds(reason, ends.get(rule.origin.id)) for reason in _refusals(rule, question, now))
        if not reasons:
            closing.append(_closes_at(rule, question, now))
    return reasons, min((end for end in closing if end is not None), default=None)


def _refusals(rule: Rule, question: _Question, now: datetime) -> Iterator[Reason]:
    candidate, facts, zones = question.candidate, question.facts, question.zones
    reason: Reason | None = None
    match rule:
        case WindowRule():
            yield from hours.refuse(rule, candidate, facts, zones, now)
        case CapRule():
            reason = caps.refuse(rule, candidate, facts, zones, now)
        case CooldownRule():
            reason = cooldown.refuse(rule, candidate, facts, zones, now)
        case SuppressRule():
            reason = suppression.refuse(rule, candidate, facts, now)
        case ConsentRule():
            reason = consent.refuse(rule, candidate, facts, now)
        case CallerIdRule():
            reason = callerid.refuse(rule, candidate)
        case RingRule():
            reason = hours.wrong_ring_time(rule, candidate)
        case _:
            pass  # what binds after the answer: abandonment, disclosure, recording, retention, deadlines
    if reason is not None:
        yield reason


def _closes_at(rule: Rule, question: _Question, now: datetime) -> datetime | None:
    match rule:
        case WindowRule():
            return hours.closing(rule, question.facts, question.zones, now)
        case SuppressRule():
            return suppression.expires_at(rule, question.facts)
        case ConsentRule():
            ends = (one.expires_at for one in question.facts.consents if one.expires_at is not None)
            return min((end for end in ends if end > now), default=None)
        case _:
            return None


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
