"""What do the rules ask to be told of people, and is it here? Lists of others, kinds of relation, marks of an event.

The rule it protects: a list that is missing or too old lets nobody be rung whom its rule protects
(47 CFR 64.1200(c)(2)(i)(D)), and the floor is told so in plain words before it wonders why its leads rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from compliance.facts import OWN_LISTS
from compliance.grounds import RelationGround
from compliance.packs import Pack
from compliance.rules import CapRule, SuppressRule
from compliance.scope import in_force


@dataclass(frozen=True, slots=True)
class AskedList:
    """One rule's need of a copy of somebody else's do-not-call list, and the calls that depend on it."""

    name: str
    rule: str
    cite: str
    max_age: timedelta | None
    stops: str  # which calls rest without it, in words
    begins: datetime | None = None  # when the rule comes into force, where it names a date


class Freshness(StrEnum):
    """Whether a rule can rely on a copy."""

    FRESH = "fresh"
    TOO_OLD = "too_old"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class CopyState:
    """How a rule's list stands: when the copy was taken, how old it is, and until when it serves."""

    asked: AskedList
    freshness: Freshness
    as_of: datetime | None
    age: timedelta | None
    serves_until: datetime | None
    words: str


def lists_asked_for(packs: Iterable[Pack], now: datetime) -> tuple[AskedList, ...]:
    """Every list of others that a rule asks for which is in force or will be, by name; our own are never missing."""
    found = []
    for pack in packs:
        for rule in pack.rules:
            if isinstance(rule, SuppressRule) and rule.list not in OWN_LISTS:
                begins, ends = in_force(rule.terms, ())
                if ends is None or now < ends:
                    found.append(AskedList(rule.list, rule.origin.id, rule.origin.cite, rule.max_age, _calls(pack), begins))
    return tuple(sorted(found, key=lambda one: (one.name, one.rule)))


def state_of(asked: AskedList, copies: Mapping[str, datetime], now: datetime) -> CopyState:
    """How the list stands at `now`; `copies` says of each loaded list when it was taken. The gate decides by the same limits."""
    as_of = copies.get(asked.name)
    if as_of is None:
        words = f"missing: {_refused(asked, now)} until a copy is loaded"
        return CopyState(asked, Freshness.MISSING, None, None, None, words)
    age = now - as_of
    if asked.max_age is None:
        return CopyState(asked, Freshness.FRESH, as_of, age, None, "here; the rule sets no limit to its age")
    until = as_of + asked.max_age
    if age > asked.max_age:
        words = f"too old: {age.days} days, at most {asked.max_age.days}; {_refused(asked, now)} until a newer copy is loaded"
        return CopyState(asked, Freshness.TOO_OLD, as_of, age, until, words)
    return CopyState(asked, Freshness.FRESH, as_of, age, until, f"fresh until {until:%Y-%m-%d %H:%M}Z")


def relations_asked_for(packs: Iterable[Pack]) -> frozenset[str]:
    """The kinds of relation with the seller on which some rule yields: `purchase`, `inquiry` …"""
    return frozenset(
        part.kind
        for pack in packs
        for rule in pack.rules
        for ground in rule.terms.waived_by
        for part in ground.parts
        if isinstance(part, RelationGround)
    )


def marks_asked_for(packs: Iterable[Pack]) -> frozenset[str]:
    """What rules ask of an event before they count it, such as `not_connected_to_number` (12 CFR 1006.14(b)(3))."""
    return frozenset(mark for pack in packs for rule in pack.rules if isinstance(rule, CapRule) for mark in rule.not_counted)


def _refused(asked: AskedList, now: datetime) -> str:
    later = f" from {asked.begins:%Y-%m-%d} on" if asked.begins is not None and now < asked.begins else ""
    return f"{asked.stops} are refused{later}"


def _calls(pack: Pack) -> str:
    where = "everywhere" if "*" in pack.jurisdiction else f"to {', '.join(pack.jurisdiction)}"
    said = {one.dimension: " or ".join(value.replace("_", " ") for value in one.values) for one in pack.applies}
    purpose = said.pop("purpose", "")
    narrowed = "".join(f", {dimension.replace('_', ' ')} {values}" for dimension, values in said.items())
    return f"{purpose + ' ' if purpose else ''}calls {where}{narrowed}"
