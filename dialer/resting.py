"""Why does a campaign's list rest? The leads that wait, by the rule or the disposition that holds them back, and until when.

The rule it protects: nothing is silently dropped. Each lead carries the reasons for which it was put by; here they are counted.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dialer.dispositions import Disposition, LeadState

#: In the reason a lead rests for: a rule or a disposition, a colon, and what it says, up to the next of them.
_NAMED = re.compile(r"(?:^|; )([a-z0-9][a-z0-9_.-]{0,63}): ((?:(?!; [a-z0-9][a-z0-9_.-]{0,63}: ).)*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Resting:
    """Why leads rest: one rule or disposition, for how many, until when for the first and the last of them, and an example."""

    because: str
    recycled: bool  # the campaign's own wait after an attempt, not a rule of a pack
    leads: int
    need_facts: int
    first_at: datetime | None
    last_at: datetime | None
    example: str


def resting(leads: Iterable[tuple[LeadState, datetime, str]], now: datetime) -> tuple[Resting, ...]:
    """Why leads that wait do wait, by rule, the most frequent first. A lead that several rules hold back counts for each.

    `leads` are their states, when they may be asked about again, and the reason that was noted.
    """
    counted: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    times: dict[str, list[datetime]] = {}
    examples: dict[str, str] = {}
    for state, next_at, reason in leads:
        if state is not LeadState.REFUSED and not (state is LeadState.READY and next_at > now):
            continue
        named = dict(_NAMED.findall(reason)) or {reason or "not said": ""}
        for because, text in named.items():
            counted[because] += 1
            facts[because] += state is LeadState.REFUSED
            times.setdefault(because, []).extend([next_at] if state is LeadState.READY else [])
            examples.setdefault(because, text)
    return tuple(
        Resting(
            because,
            because in set(Disposition),
            leads_held,
            facts[because],
            min(times[because], default=None),
            max(times[because], default=None),
            examples[because],
        )
        for because, leads_held in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    )
