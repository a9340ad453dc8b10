"""How much of the past must be read so that no rule forgets? The rule it protects: what is not read is not counted.

A store that answers the gate from a ledger reads these kinds of event, this far back; a limit beyond it would be broken unseen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from compliance.facts import RANG, EventKind
from compliance.packs import Pack
from compliance.periods import reach
from compliance.rules import CapRule, CooldownRule

SLACK = timedelta(days=3)  # local dates of zones that are 26 h apart, and the day after the last
LONGEST_MONTH = timedelta(days=31)

#: What is read whatever the rules are: what tells that an attempt was silent, and what splits or lifts.
ALWAYS = RANG | {EventKind.NOT_RUNG, EventKind.REASSIGNED, EventKind.CONSENT, EventKind.WITHDRAWAL}


@dataclass(frozen=True, slots=True)
class Lookback:
    """The kinds of event, and how old they may be; None for any age. `counts` is False where no rule counts events at all."""

    kinds: frozenset[EventKind]
    reach: timedelta | None
    counts: bool


def lookback(packs: Iterable[Pack]) -> Lookback:
    """What the rules of all the packs may count."""
    kinds: set[EventKind] = set()
    lengths: list[timedelta | None] = []
    for rule in (rule for pack in packs for rule in pack.rules):
        match rule:
            case CapRule():
                kinds.add(rule.event)
                lengths.append(reach(rule.period))
            case CooldownRule():
                kinds.add(rule.after)
                lengths.append(_length(rule))
            case _:
                pass
    farthest = None if None in lengths else max((one for one in lengths if one is not None), default=timedelta(0))
    return Lookback(frozenset(kinds | ALWAYS), farthest, bool(lengths))


def _length(rule: CooldownRule) -> timedelta | None:
    if rule.duration is not None:
        return rule.duration
    if rule.days is not None:
        return timedelta(days=rule.days) + SLACK
    if rule.months is not None:
        return rule.months * LONGEST_MONTH + SLACK
    return SLACK if rule.until_end_of_day else None
