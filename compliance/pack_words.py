"""What does a rule pack ask for, in words, which of it holds today, and whom does it reach? Packs as people read them.

The rule it protects: what is shown is what decides. The words are made from the very text whose hash stands in every decision,
and whom a pack reaches is asked of the same functions that the gate asks.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from compliance.packs import Pack
from compliance.regions import may_be_in
from compliance.register import says
from compliance.rules import Condition, Level, Source, Terms
from compliance.scope import in_force, packs_for, rules_for
from compliance.verdict import Candidate, PackRef


class Holds(StrEnum):
    """Whether a rule holds at an instant, by its effective dates."""

    NOW = "now"
    LATER = "later"
    NO_MORE = "no_more"


@dataclass(frozen=True, slots=True)
class RuleWords:
    """One rule: what it asks in words, of what weight it is, how its text is known, and whether it holds."""

    id: str
    kind: str
    says: str
    level: Level
    source: Source
    cite: str
    effective_from: date | None
    effective_until: date | None
    holds: Holds


@dataclass(frozen=True, slots=True)
class PackWords:
    """A pack: for callees where (`*` is everywhere) and calls of what sort it is made, and all that it asks."""

    id: str
    version: str
    sha256: str
    jurisdiction: tuple[str, ...]
    applies: tuple[Condition, ...]
    extends: tuple[str, ...]
    rules: tuple[RuleWords, ...]


@dataclass(frozen=True, slots=True)
class PackSummary:
    """A pack in one line: how many rules of each kind, level and source it has, and how many of them hold now."""

    id: str
    version: str
    sha256: str
    jurisdiction: tuple[str, ...]
    applies: tuple[Condition, ...]
    rules: int
    hold_now: int
    kinds: Mapping[str, int]
    levels: Mapping[str, int]
    sources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """A pack that may govern calls to somebody: the places of the pack where they may be, if the call is one of which
    `applies` speaks, and the ids of its rules that hold there now.
    """

    pack: PackRef
    places: tuple[str, ...]
    applies: tuple[Condition, ...]
    rules: tuple[str, ...]


def in_words(pack: Pack, text: str, now: datetime) -> PackWords:
    """The pack, read from `text`, as it stands at `now`. Raises ValueError for another text than the one it was read from."""
    if hashlib.sha256(text.encode()).hexdigest() != pack.sha256:
        raise ValueError(f"{pack.id}: this is not the text that the pack was read from")
    rules = (
        RuleWords(
            id=rule.origin.id,
            kind=fields["kind"],
            says=says(fields),
            level=rule.origin.level,
            source=rule.origin.source,
            cite=rule.origin.cite,
            effective_from=rule.terms.effective_from,
            effective_until=rule.terms.effective_until,
            holds=_holds(rule.terms, now),
        )
        for rule, fields in zip(pack.rules, tomllib.loads(text)["rule"], strict=True)
    )
    return PackWords(pack.id, pack.version, pack.sha256, pack.jurisdiction, pack.applies, pack.extends, tuple(rules))


def summary(pack: PackWords) -> PackSummary:
    """The pack in one line."""
    return PackSummary(
        id=pack.id,
        version=pack.version,
        sha256=pack.sha256,
        jurisdiction=pack.jurisdiction,
        applies=pack.applies,
        rules=len(pack.rules),
        hold_now=sum(rule.holds is Holds.NOW for rule in pack.rules),
        kinds=_counted(rule.kind for rule in pack.rules),
        levels=_counted(rule.level for rule in pack.rules),
        sources=_counted(rule.source for rule in pack.rules),
    )


def reach(
    packs: Iterable[Pack], candidate: Candidate, regions: frozenset[str], zones: tuple[str, ...], now: datetime
) -> tuple[Reach, ...]:
    """The packs that may govern a call to the candidate, who may be in any of `regions` and `zones`.

    What the candidate leaves open (`purpose`, `party`, …) may be anything: then `applies` says for which calls it is.
    """
    return tuple(
        Reach(
            pack=pack.ref,
            places=tuple(place for place in pack.jurisdiction if may_be_in(regions, place)),
            applies=pack.applies,
            rules=tuple(rule.origin.id for rule in rules_for((pack,), candidate, regions, zones, now)[0]),
        )
        for pack in packs_for(packs, candidate, regions)
    )


def _holds(terms: Terms, now: datetime) -> Holds:
    # Its dates are the callee's: the rule holds as long as it may be one of them anywhere on earth.
    first, last = in_force(terms, ())
    if first is not None and now < first:
        return Holds.LATER
    return Holds.NO_MORE if last is not None and now >= last else Holds.NOW


def _counted(words: Iterable[str]) -> dict[str, int]:
    """The most frequent first, and those that are as frequent by the alphabet."""
    return {str(word): count for word, count in sorted(Counter(words).items(), key=lambda one: (-one[1], one[0]))}
