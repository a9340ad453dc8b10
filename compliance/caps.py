"""Has this person been called often enough? The rule it protects: never above a cap, over all numbers and campaigns it counts.

An attempt counts unless it is known not to have rung; a reservation counts as the attempt it may become. An event
dated after `now` (a clock that was wrong) counts too: it leaves the count in its own time.
"""

from collections.abc import Sequence
from datetime import datetime

from compliance.facts import EventKind, LedgerEvent
from compliance.history import History
from compliance.periods import Successive, in_words, leaving_after, needs_location, reach
from compliance.rules import CapRule
from compliance.verdict import Reason

#: How a mark of an event is said to hold, such as `not_connected_to_number` (12 CFR 1006.14(b)(3)).
MARKED = frozenset({"true", "yes", "1"})


def refuse(rule: CapRule, history: History, zones: tuple[str, ...], now: datetime) -> Reason | None:
    """Why the cap stands in the way at `now`, or None. `retry_at` is exact if nothing more happens; None if it never yields."""
    if not zones and needs_location(rule.period):
        return _reason(rule, "needs facts: location (the period is counted on the callee's clock)", None)
    if _is_far_off(rule, history, now):
        return None
    events = counted(rule, history)
    if len(events) < rule.max:  # whenever they were, and however the blocks of a campaign fall
        return None
    start = history.facts.campaign_start
    if isinstance(rule.period, Successive) and start is None:
        return _reason(rule, "needs facts: campaign start (the period is counted from it)", None)
    leaving = leaving_after(rule.period, now, [event.at for event in events], zones, start)
    held = len(leaving)
    if held < rule.max:
        return None
    retry_at = sorted(leaving, reverse=True)[rule.max - 1] if rule.max else None  # when only max - 1 are left
    told = (("counted", str(held)), ("max", str(rule.max)), ("event", rule.event.value), ("period", rule.period_text))
    return _reason(rule, f"{held} of at most {rule.max} {_noun(rule.event)} {in_words(rule.period)}", retry_at, told)


def counted(rule: CapRule, history: History) -> Sequence[LedgerEvent]:
    """The events of the rule's kind that share its key with the candidate, whatever their age, and bear no mark against it."""
    events = history.sharing(rule.event, rule.key)
    if history.silent and rule.event is EventKind.ATTEMPT:
        events = [event for event in events if event.attempt_id not in history.silent]
    if rule.not_counted:
        events = [event for event in events if not _is_marked(event, rule.not_counted)]
    return events


def _is_far_off(rule: CapRule, history: History, now: datetime) -> bool:
    """Whether too few events of the kind are young enough, whosoever they are: so it is of most people, and one look tells."""
    times = history.times(rule.event)
    if len(times) < rule.max:
        return True
    if rule.max == 0 or isinstance(rule.period, Successive):
        return False
    return now - times[rule.max - 1] >= reach(rule.period)


def _is_marked(event: LedgerEvent, marks: tuple[str, ...]) -> bool:
    told = dict(event.facts)
    return any(told.get(mark) in MARKED for mark in marks)


def _noun(event: EventKind) -> str:
    return "unanswered attempts" if event is EventKind.UNANSWERED else f"{event.value.replace('_', ' ')}s"


def _reason(rule: CapRule, text: str, retry_at: datetime | None, facts: tuple[tuple[str, str], ...] = ()) -> Reason:
    origin = rule.origin
    return Reason(origin.id, "cap", origin.cite, origin.level.value, text, retry_at, facts)
