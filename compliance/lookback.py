"""How much of the past must be read so that no rule forgets? The rule it protects: what is not read is not counted.

A store that answers the gate from a ledger reads these kinds of event, this far back; a limit beyond it would be broken unseen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from compliance import standing
from compliance.facts import OWN_LISTS, RANG, EventKind
from compliance.packs import Pack
from compliance.periods import reach
from compliance.rules import CapRule, CooldownRule, Key, SuppressRule

SLACK = timedelta(days=3)  # local dates of zones that are 26 h apart, and the day after the last
LONGEST_MONTH = timedelta(days=31)

#: What is read whatever the rules are: what tells that an attempt was silent, and how the person stands to us.
ALWAYS = RANG | standing.KINDS | {EventKind.NOT_RUNG}


@dataclass(frozen=True, slots=True)
class Lookback:
    """The kinds of event, and how old they may be (None: any age); how a person stands to us is read whatever its age.

    `keys` are those by which rules count calls of other people on other numbers too; `lists` the do-not-call lists of others.
    """

    kinds: frozenset[EventKind]
    reach: timedelta | None
    keys: frozenset[Key]
    lists: frozenset[str]


def lookback(packs: Iterable[Pack]) -> Lookback:
    """What the rules of all the packs may count."""
    kinds = set(ALWAYS)
    lengths: list[timedelta | None] = [timedelta(0)]
    keys: set[Key] = set()
    lists: set[str] = set()
    for rule in (rule for pack in packs for rule in pack.rules):
        match rule:
            case CapRule(event=event, period=period, key=key):
                kinds.add(event)
                lengths.append(reach(period))
                keys.update(_alone(key))
            case CooldownRule(after=event, key=key):
                kinds.add(event)
                lengths.append(_length(rule))
                keys.update(_alone(key))
            case SuppressRule(list=name) if name not in OWN_LISTS:
                lists.add(name)
            case _:
                pass
    known = [length for length in lengths if length is not None]
    farthest = max(known) if len(known) == len(lengths) else None
    return Lookback(frozenset(kinds), farthest, frozenset(keys), frozenset(lists))


def _alone(key: tuple[Key, ...]) -> tuple[Key, ...]:
    """What to look events up by where neither the person nor the number is in the key: the rarest of its parts."""
    if Key.PERSON in key or Key.NUMBER in key:
        return ()
    return tuple(one for one in (Key.DEBT, Key.SUBJECT, Key.CREDITOR, Key.CAMPAIGN, Key.SELLER) if one in key)[:1]


def _length(rule: CooldownRule) -> timedelta | None:
    if rule.duration is not None:
        return rule.duration
    if rule.days is not None:
        return timedelta(days=rule.days) + SLACK
    if rule.months is not None:
        return rule.months * LONGEST_MONTH + SLACK
    return SLACK if rule.until_end_of_day else None
