"""Is it a permitted hour for this callee, and will it be until the phone stops ringing? Window rules and the ring rule.

The rule it protects: a phone rings only while it is permitted in every zone the callee may be in, by the calendar of the
place, and not at the times or places the person called inconvenient (12 CFR 1006.6(b)(1)). Only if `now + ring < end`.
"""

from datetime import datetime, timedelta

from compliance.daykinds import Calendar
from compliance.facts import Facts
from compliance.periods import CALLEE
from compliance.rules import Origin, RingRule, WindowRule
from compliance.verdict import Candidate, Reason
from compliance.wallclock import zone_named
from compliance.windows import FARTHEST, HORIZON, DayPlan, Schedule, closes_at, next_open, open_long_enough, unknown_dates

INSTANT = timedelta(0)
SHOWN_ZONES = 3  # of more a text tells how many they are: a toll-free number has forty
AT_ANY_OTHER_TIME = DayPlan(frozenset(range(7)), permits=False, hours=())


def judge(
    rule: WindowRule, candidate: Candidate, facts: Facts, zones: tuple[str, ...], now: datetime
) -> tuple[list[Reason], datetime | None]:
    """Why the hours stand in the way at `now`, and when the hours that are open end; None where they do not within HORIZON.

    The `retry_at` of a reason is their first opening that is long enough for the ring.
    """
    there = zones if rule.clock == CALLEE else (rule.clock,)
    if not there:
        return [_reason(rule.origin, "window", "needs facts: location (calling hours are on the callee's clock)", None)], None
    if rule.deny_many_zones and len(there) > 1:
        text = f"needs facts: location (one of {len(there)} time zones)"
        return [_reason(rule.origin, "window", text, None, _told(there, now))], None
    reasons: list[Reason] = []
    if rule.also_places and candidate.number in facts.inconvenient_numbers:
        reasons.append(_reason(rule.origin, "window", "the number rings at a place the person called inconvenient", None))
    calendar = _calendar(rule, facts)
    closing: list[datetime] = []
    for schedule in _schedules(rule, facts):
        ends = closes_at(schedule, there, now, calendar)
        if ends is not None:
            closing.append(ends)
            if now + candidate.ring_for < ends:
                continue
        if (reason := _closed(rule, schedule, candidate, calendar, there, now=now, ends=ends)) is not None:
            reasons.append(reason)
    return reasons, min(closing, default=None)


def wrong_ring_time(rule: RingRule, candidate: Candidate) -> Reason | None:
    """Why the phone would ring too briefly or too long, or None; asked about the instant alone it has nothing to say."""
    if INSTANT < candidate.ring_for < rule.min_unanswered:
        text = f"an unanswered phone must ring for at least {rule.min_unanswered.total_seconds():g} s"
    elif rule.max_ring is not None and candidate.ring_for > rule.max_ring:
        text = f"an unanswered phone may ring for at most {rule.max_ring.total_seconds():g} s"
    else:
        return None
    return _reason(rule.origin, "ring", text, None, (("ring_for_s", f"{candidate.ring_for.total_seconds():g}"),))


def _closed(
    rule: WindowRule,
    schedule: Schedule,
    candidate: Candidate,
    calendar: Calendar | None,
    there: tuple[str, ...],
    *,
    now: datetime,
    ends: datetime | None,
) -> Reason | None:
    if open_long_enough(schedule, there, now, candidate.ring_for, calendar):
        return None
    permitted = next_open(schedule, there, now, candidate.ring_for, calendar)
    if permitted == now:
        return None
    searched = HORIZON if len(there) > 1 else FARTHEST
    until = now + searched if permitted is None else permitted
    missing = unknown_dates(schedule, there, now, until, calendar)
    if missing:
        text = f"needs facts: calendar ({rule.calendar} for {missing[0].year} is not known)"
        return _reason(rule.origin, "window", text, None, _told(there, now))
    if permitted is None:
        text = "needs facts: location" if len(there) > 1 else "closed"
        everywhere = f"all of {_named(there)}" if len(there) > 1 else there[0]
        text += f" (no time is permitted within {searched.days} days in {everywhere})"
    elif ends is not None:
        ring_s = candidate.ring_for.total_seconds()
        text = f"the phone would ring for {ring_s:g} s, and the permitted hours end at {_read(there, ends)}"
    else:
        text = f"outside the permitted hours: it is {_read(there, now)}"
    return _reason(rule.origin, "window", text, permitted, _told(there, now))


def _schedules(rule: WindowRule, facts: Facts) -> tuple[Schedule, ...]:
    if not rule.also_times:
        return (rule.schedule,)
    return (rule.schedule, *((ban, AT_ANY_OTHER_TIME) for ban in facts.inconvenient_times))


def _calendar(rule: WindowRule, facts: Facts) -> Calendar | None:
    return next((one for one in facts.calendars if one.name == rule.calendar), None) if rule.calendar else None


def _named(zones: tuple[str, ...]) -> str:
    return ", ".join(zones) if len(zones) <= SHOWN_ZONES else f"{len(zones)} time zones"


def _read(zones: tuple[str, ...], at: datetime) -> str:
    """What the clocks of the zones read at the instant, each by itself or the first and the last of many."""
    walls = [(at.astimezone(zone_named(name)).replace(tzinfo=None), name) for name in zones]
    if len(walls) <= SHOWN_ZONES:
        return ", ".join(f"{wall:%a %H:%M} in {name}" for wall, name in walls)
    return f"{min(walls)[0]:%a %H:%M} to {max(walls)[0]:%a %H:%M} in {_named(zones)}"


def _told(zones: tuple[str, ...], now: datetime) -> tuple[tuple[str, str], ...]:
    return tuple((name, now.astimezone(zone_named(name)).strftime("%a %H:%M:%S %z")) for name in zones)


def _reason(origin: Origin, kind: str, text: str, retry_at: datetime | None, facts: tuple[tuple[str, str], ...] = ()) -> Reason:
    return Reason(origin.id, kind, origin.cite, origin.level.value, text, retry_at, facts)
