"""Is it too soon after what happened last? The rule it protects: the latest end of all cool-downs wins.

An hour is real time; days and months are local dates, on which the day of the event is or is not the first as the law
says: 12 CFR 1006.14(b)(2)(i)(B) counts the day of the conversation, C. consom. D.223-9 and 民法典 201 the day after. The
last day counts whole. With several candidate zones the latest end holds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from compliance.facts import Facts, LedgerEvent
from compliance.history import History
from compliance.periods import CALLEE
from compliance.rules import CooldownRule
from compliance.verdict import Candidate, Reason
from compliance.wallclock import add_months, local_date, start_of_day, zone_named


def refuse(rule: CooldownRule, history: History, zones: tuple[str, ...], now: datetime) -> Reason | None:
    """Why the cool-down stands in the way at `now`, or None. `retry_at` is its end; None if only a new consent ends it."""
    events = history.sharing(rule.after, rule.key)
    if not events:
        return None
    there = zones if rule.clock == CALLEE else (rule.clock,)
    if not there and rule.duration is None:
        return _reason(rule, "needs facts: location (the cool-down is counted on the callee's clock)", None)
    if not _has_length(rule):
        last = max(events, key=lambda event: event.at)
        if _consented_since(last, history.candidate, history.facts, now):
            return None
        return _reason(rule, f"{rule.after.value} at {last.at.isoformat()}: no call without a new consent", None, _told(last))
    last, end = max(((event, ends_at(rule, event.at, there)) for event in events), key=lambda pair: pair[1])
    if end <= now:
        return None
    return _reason(rule, f"too soon after {rule.after.value} at {last.at.isoformat()}", end, _told(last))


def ends_at(rule: CooldownRule, at: datetime, zones: Sequence[str]) -> datetime:
    """The first instant at which an event of time `at` no longer stands in the way, in any of the zones."""
    if rule.duration is not None:
        return at + rule.duration
    ends = []
    for zone in map(zone_named, zones):
        day = local_date(at, zone)
        if rule.days is not None:
            free = day + timedelta(days=rule.days + rule.first_day_is_next)
        elif rule.months is not None:
            free = add_months(day, rule.months) + timedelta(days=1)
        else:
            free = day + timedelta(days=1)
        ends.append(start_of_day(free, zone))
    return max(ends)


def _has_length(rule: CooldownRule) -> bool:
    return rule.until_end_of_day or any(length is not None for length in (rule.duration, rule.days, rule.months))


def _consented_since(event: LedgerEvent, candidate: Candidate, facts: Facts, now: datetime) -> bool:
    return any(
        event.at < one.given_at <= now and one.withdrawn_at is None and (one.expires_at is None or one.expires_at > now)
        for one in facts.consents
        if (one.person and one.person == candidate.person) or (one.number and one.number == candidate.number)
    )


def _told(event: LedgerEvent) -> tuple[tuple[str, str], ...]:
    return (("event", event.kind.value), ("at", event.at.isoformat()), ("number", event.number))


def _reason(rule: CooldownRule, text: str, retry_at: datetime | None, facts: tuple[tuple[str, str], ...] = ()) -> Reason:
    return Reason(rule.origin.id, "cooldown", rule.origin.cite, rule.origin.level.value, text, retry_at, facts)
