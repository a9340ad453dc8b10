"""May this call be placed at this instant? The one decision every way of ringing a person goes through.

`check` asks every rule of every pack and answers with all reasons at once. Windows intersect, all caps apply, an entry
on the do-not-call list has no end. Every pack that is given applies: a jurisdiction that was not meant can only make
the answer stricter, so that adding a rule or a pack never permits more. What is not known denies.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from compliance import caps, suppression
from compliance.facts import Facts
from compliance.intervals import Intervals, intersection
from compliance.numbers import zones_of
from compliance.packs import CapRule, Origin, Pack, RingRule, Rule, SuppressRule, WindowRule
from compliance.periods import CALLEE
from compliance.verdict import Candidate, Clearance, Reason, Refusal
from compliance.wallclock import UnknownZone, zone_named
from compliance.windows import HORIZON, closes_at, first_fit, next_open, open_intervals

INSTANT = timedelta(0)


def check(candidate: Candidate, facts: Facts, packs: tuple[Pack, ...], now: datetime) -> Clearance | Refusal:
    """Judges the candidate at `now` by the packs that apply to its purpose.

    `ring_for` of zero asks about the instant alone. Raises ValueError for a naive `now` or a negative `ring_for`.
    """
    if now.tzinfo is None:
        raise ValueError("the gate needs an aware time")
    if candidate.ring_for < INSTANT:
        raise ValueError("a phone cannot ring for less than no time")
    applying = tuple(pack for pack in packs if pack.applies_to(candidate.purpose))
    rules = tuple(rule for pack in applying for rule in pack.rules)
    zones, faults = _zones(candidate)
    reasons = [*faults, *_reasons(rules, candidate, facts, zones, now)]
    if not applying:
        reasons.append(_unknown("packs", f"no rule pack in force covers calls for {candidate.purpose!r}"))
    refs = tuple(pack.ref for pack in applying)
    windows = tuple(rule for rule in rules if isinstance(rule, WindowRule))
    if not reasons:
        closing = (closes_at(rule.schedule, _window_zones(rule, zones), now) for rule in windows)
        return Clearance(now, zones, refs, min((end for end in closing if end is not None), default=None))
    return Refusal(now, tuple(reasons), _retry_at(reasons, windows, candidate, zones, now), zones, refs)


def _zones(candidate: Candidate) -> tuple[tuple[str, ...], list[Reason]]:
    zones = tuple(sorted(set(candidate.zones))) if candidate.zones else zones_of(candidate.number)
    faults = []
    for name in zones:
        try:
            zone_named(name)
        except UnknownZone as error:
            faults.append(_unknown("location", str(error)))
    return (() if faults else zones), faults


def _reasons(
    rules: tuple[Rule, ...], candidate: Candidate, facts: Facts, zones: tuple[str, ...], now: datetime
) -> Iterator[Reason]:
    for rule in rules:
        match rule:
            case WindowRule():
                reason = _outside_hours(rule, candidate, zones, now)
            case CapRule():
                reason = caps.refuse(rule, candidate, facts, zones, now)
            case SuppressRule():
                reason = suppression.refuse(rule, candidate, facts)
            case RingRule():
                reason = _wrong_ring_time(rule, candidate)
        if reason is not None:
            yield reason


def _outside_hours(rule: WindowRule, candidate: Candidate, zones: tuple[str, ...], now: datetime) -> Reason | None:
    there = _window_zones(rule, zones)
    told = tuple((name, now.astimezone(zone_named(name)).strftime("%a %H:%M:%S %z")) for name in there)
    if not there:
        return _reason(rule.origin, "window", "needs facts: location (calling hours are on the callee's clock)", None)
    if rule.deny_many_zones and len(there) > 1:
        return _reason(rule.origin, "window", f"needs facts: location (one of {len(there)} time zones)", None, told)
    permitted = next_open(rule.schedule, there, now, candidate.ring_for)
    if permitted == now:
        return None
    if permitted is None:
        text = "needs facts: location" if len(there) > 1 else "closed"
        text += f" (no time is permitted within {HORIZON.days} days in all of {', '.join(there)})"
    elif (closing := closes_at(rule.schedule, there, now)) is not None:
        ring_s = candidate.ring_for.total_seconds()
        text = f"the phone would ring for {ring_s:g} s, and the permitted hours end at {closing.isoformat()}"
    else:
        text = f"outside the permitted hours in {', '.join(there)}"
    return _reason(rule.origin, "window", text, permitted, told)


def _wrong_ring_time(rule: RingRule, candidate: Candidate) -> Reason | None:
    told = (("ring_for_s", f"{candidate.ring_for.total_seconds():g}"),)
    if INSTANT < candidate.ring_for < rule.min_unanswered:
        text = f"an unanswered phone must ring for at least {rule.min_unanswered.total_seconds():g} s"
        return _reason(rule.origin, "ring", text, None, told)
    if rule.max_ring is not None and candidate.ring_for > rule.max_ring:
        text = f"an unanswered phone may ring for at most {rule.max_ring.total_seconds():g} s"
        return _reason(rule.origin, "ring", text, None, told)
    return None


def _retry_at(
    reasons: list[Reason], windows: tuple[WindowRule, ...], candidate: Candidate, zones: tuple[str, ...], now: datetime
) -> datetime | None:
    """The first instant at which all rules permit: caps only ever relax, so the first common window after the last of them."""
    after = now
    for reason in reasons:
        if reason.retry_at is None:
            return None
        after = max(after, reason.retry_at)
    if not windows:
        return after
    common: Intervals | None = None
    for rule in windows:
        spans = open_intervals(rule.schedule, _window_zones(rule, zones), after, after + HORIZON)
        common = spans if common is None else intersection(common, spans)
    return first_fit(common or (), after, candidate.ring_for)


def _window_zones(rule: WindowRule, zones: tuple[str, ...]) -> tuple[str, ...]:
    return zones if rule.clock == CALLEE else (rule.clock,)


def _unknown(what: str, text: str) -> Reason:
    return Reason(f"gate.{what}", "unknown", "what is not known denies", "house", f"needs facts: {what} ({text})", None)


def _reason(origin: Origin, kind: str, text: str, retry_at: datetime | None, facts: tuple[tuple[str, str], ...] = ()) -> Reason:
    return Reason(origin.id, kind, origin.cite, origin.level.value, text, retry_at, facts)
