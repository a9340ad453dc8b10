"""On which ground does a rule yield? Reads `consent.written.seller` or `relation.purchase<=18mo` and asks whether it holds.

The rule it protects: a ground that is not known does not hold. A consent says how strongly it was given, for what, to
whom, and until when; it must last until the phone stops ringing. A relation says what the person had to do with the seller,
and when (16 CFR 310.2(q): a purchase within 18 months, an inquiry within 3).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.facts import Consent, Facts, Relation
from compliance.verdict import Candidate
from compliance.wallclock import add_months

LEVELS = ("implied", "express", "specific", "direct", "written")
_RANK = {"implied": 1, "express": 2, "specific": 2, "direct": 2, "written": 3}

#: Parts of a scope that say whom or what a consent is bound to; the others are tags such as `voice`.
BOUND = frozenset({"seller", "number", "campaign", "subject"})
#: A consent for everything is still none for calls at any hour: that must have been said.
ONLY_IF_SAID = frozenset({"time_of_day", "requested_call"})
EVERYTHING = "*"

_TERM = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}")
_RELATION = re.compile(r"relation\.([a-z][a-z0-9_]*)(?:<=([1-9][0-9]{0,3})(mo|y|d))?")


@dataclass(frozen=True, slots=True)
class Asserted:
    """A circumstance somebody vouches for, such as `guaranteed_agent`."""

    name: str


@dataclass(frozen=True, slots=True)
class ConsentGround:
    """A consent of at least this level (None: of any) that covers the scope."""

    level: str | None
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelationGround:
    """Such a relation with the seller, at most so many months and days ago."""

    kind: str
    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """All of its parts together. `text` is how the pack says it."""

    text: str
    parts: tuple[Asserted | ConsentGround | RelationGround, ...]


def parse_ground(text: str) -> Ground:
    """Reads `consent[.level].scope`, `relation.kind[<=18mo]`, a plain name, or several joined by `+`. Raises ValueError."""
    return Ground(text, tuple(_part(term) for term in text.split("+")))


def holds(ground: Ground, candidate: Candidate, facts: Facts, now: datetime) -> bool:
    """Whether the ground is known to hold at `now`, and as long as the phone would ring."""
    for part in ground.parts:
        match part:
            case Asserted(name=name):
                found = name in facts.grounds or (name == "same_subject" and _same_subject(candidate, facts))
            case ConsentGround(level=level, scope=scope):
                found = consent_for(level, scope, candidate, facts, now) is not None
            case RelationGround():
                found = any(_is_related(part, relation, candidate, now) for relation in facts.relations)
        if not found:
            return False
    return True


def consent_for(level: str | None, scope: tuple[str, ...], candidate: Candidate, facts: Facts, now: datetime) -> Consent | None:
    """The consent that is in force at `now` and as long as the phone would ring, strong and wide enough; None for none."""
    for one in facts.consents:
        if lasts(one, candidate, now) and suffices(one, level, scope, candidate):
            return one
    return None


def suffices(consent: Consent, level: str | None, scope: tuple[str, ...], candidate: Candidate) -> bool:
    """Whether the consent is this person's, strong enough, and covers every part of the scope; not whether it is in force."""
    return (
        _is_of(consent, candidate)
        and (level is None or _at_least(consent.level, level))
        and all(_covers(consent, part, candidate) for part in scope)
    )


def lasts(consent: Consent, candidate: Candidate, now: datetime) -> bool:
    """Whether the consent was given, not withdrawn, and does not expire while the phone rings."""
    if consent.withdrawn_at is not None or consent.given_at > now:
        return False
    return consent.expires_at is None or now + candidate.ring_for < consent.expires_at


def _part(term: str) -> Asserted | ConsentGround | RelationGround:
    if match := _RELATION.fullmatch(term):
        count, unit = int(match[2] or 0), match[3]
        return RelationGround(match[1], count * {"mo": 1, "y": 12}.get(unit, 0), count if unit == "d" else 0)
    if not _TERM.fullmatch(term):
        raise ValueError(f"{term[:60]!r} is not a ground: use consent.<scope>, relation.<kind><=18mo or a plain name")
    head, *rest = term.split(".")
    if head == "consent" and rest:
        level = rest[0] if rest[0] in LEVELS else None
        return ConsentGround(level, tuple(rest[1:] if level else rest))
    if rest:
        raise ValueError(f"{term[:60]!r} is not a ground: only consent and relation have parts")
    return Asserted(term)


def _is_of(consent: Consent, candidate: Candidate) -> bool:
    if consent.person:
        return consent.person == candidate.person and consent.number in ("", EVERYTHING, candidate.number)
    return consent.number == candidate.number


def _at_least(given: str, needed: str) -> bool:
    return (
        given == needed or _RANK.get(given, 0) > _RANK[needed] or (needed == "express" and _RANK.get(given, 0) == _RANK[needed])
    )


def _covers(consent: Consent, part: str, candidate: Candidate) -> bool:
    if part in BOUND:
        bound = getattr(consent, part)
        return bound == EVERYTHING or bool(bound and bound == getattr(candidate, part))
    return part in consent.scope or (EVERYTHING in consent.scope and part not in ONLY_IF_SAID)


def _is_related(ground: RelationGround, relation: Relation, candidate: Candidate, now: datetime) -> bool:
    if relation.kind != ground.kind or relation.seller not in ("", candidate.seller) or relation.since > now:
        return False
    if not ground.months and not ground.days:
        return True
    last_day = add_months(relation.since.date(), ground.months) + timedelta(days=ground.days)
    return now.date() <= last_day


def _same_subject(candidate: Candidate, facts: Facts) -> bool:
    return bool(candidate.subject) and any(relation.subject == candidate.subject for relation in facts.relations)
