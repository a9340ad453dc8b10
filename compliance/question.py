"""What is asked of the gate from outside, and what is answered? Options and JSON into a candidate and facts; a verdict into JSON.

Nothing is guessed: an unknown key, a time without a zone, an event nobody knows is a BadQuestion that names its place.
Two things a question cannot know are taken as given unless it says otherwise: do-not-call lists of others are up to date, and
a person dials by hand (`technology` manual).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from compliance import gate
from compliance.daykinds import Calendar
from compliance.facts import INTERNAL, Facts, ListState
from compliance.grounds import EVERYTHING
from compliance.packs import Pack, SuppressRule
from compliance.question_facts import ALIASES, facts_of
from compliance.question_fields import BadQuestion, region_of, seconds_of, text_of, texts_of, time_of, zone_of
from compliance.verdict import CallerId, Candidate, Refusal

__all__ = [
    "ALIASES",
    "KEYS",
    "MANUAL",
    "PURPOSES",
    "TECHNOLOGIES",
    "BadQuestion",
    "Question",
    "answer",
    "check_words",
    "parse_question",
]

PURPOSES = ("sales", "service", "debt_collection", "research")
MANUAL = "manual"
TECHNOLOGIES = (MANUAL, "preview", "progressive", "predictive", "prerecorded", "ai_voice", "atds")
_OPTIONS = {"purpose": PURPOSES, "technology": TECHNOLOGIES}

_CALL = ("purpose", "technology", "party", "sector", "caller_role", "line_type")
_TEXTS = ("person", "subject", "campaign", "seller", "debt", "creditor", *_CALL)
KEYS = frozenset(
    {"number", "at", "pack", "zone", "consent", "history", "ring_budget", "region", "campaign_start", "caller_id"}
    | {"lists", "dnc", "relations", "grounds", "inconvenient", *_TEXTS}
)
_E164 = re.compile(r"\+[1-9][0-9]{3,14}", re.ASCII)
_FRESH = timedelta(days=36500)


@dataclass(frozen=True, slots=True)
class Question:
    """A candidate, what is known, when, and by which packs (ids or paths); none: those of the number's jurisdictions.

    A candidate without a purpose is asked about for the purpose of the packs.
    """

    candidate: Candidate
    facts: Facts
    at: datetime
    packs: tuple[str, ...] = ()


def parse_question(asked: Mapping[str, object]) -> Question:
    """Reads a question: the options' names with `_`. Raises BadQuestion."""
    if unknown := sorted(set(asked) - KEYS):
        raise BadQuestion(f"{unknown[0][:60]}: unknown key")
    number = text_of(asked, "number")
    if not _E164.fullmatch(number):
        raise BadQuestion("number: must be in E.164: + and 4 to 15 digits")
    at = time_of(asked.get("at"), "at")
    words = {key: text_of(asked, key) for key in _TEXTS}
    packs = texts_of(asked, "pack")
    words["purpose"] = words["purpose"] or ("" if packs else PURPOSES[0])
    words["technology"] = words["technology"] or MANUAL
    candidate = Candidate(
        attempt_id="question",
        number=number,
        zones=tuple(zone_of(name) for name in texts_of(asked, "zone")),
        ring_for=seconds_of(asked.get("ring_budget")),
        regions=tuple(region_of(name) for name in texts_of(asked, "region")),
        caller_id=_caller_id(asked.get("caller_id")),
        declared_zones=(),
        other_numbers=(),  # what it has of the person's past it has in its history
        **words,
    )
    return Question(candidate, facts_of(asked, candidate, at), at, packs)


def check_words(candidate: Candidate, packs: Iterable[Pack]) -> None:
    """Raises BadQuestion for a purpose or a technology that no option has and no pack speaks of: a slip of the pen would
    step out of every rule that is made for the right word.
    """
    for dimension, options in _OPTIONS.items():
        said = getattr(candidate, dimension)
        if said and said not in options:
            known = {*options, *(word for pack in packs for word in _words(pack, dimension))}
            if said not in known:
                raise BadQuestion(f"{dimension}: {said[:60]!r} is not known: use {', '.join(sorted(known))}")


def _words(pack: Pack, dimension: str) -> Iterator[str]:
    conditions = (*pack.applies, *(one for rule in pack.rules for one in rule.terms.when))
    return (word for one in conditions if one.dimension == dimension for word in one.values)


def answer(question: Question, packs: Sequence[Pack], calendars: tuple[Calendar, ...]) -> dict[str, object]:
    """The verdict as JSON: verdict, reasons, retry_at, zones, packs. Packs that were asked for apply wherever the number is."""
    applied = tuple(_everywhere(pack) if question.packs else pack for pack in packs)
    named = {rule.list for pack in packs for rule in pack.rules if isinstance(rule, SuppressRule) and rule.list != INTERNAL}
    told = {state.name for state in question.facts.lists}
    fresh = tuple(ListState(name, question.at + _FRESH) for name in sorted(named - told))
    facts = replace(question.facts, lists=(*question.facts.lists, *fresh), calendars=calendars)
    candidate = question.candidate if question.candidate.purpose else replace(question.candidate, purpose=_purpose_of(packs))
    verdict = gate.check(candidate, facts, applied, question.at)
    refused = isinstance(verdict, Refusal)
    return {
        "verdict": "refuse" if refused else "permit",
        "reasons": [
            {"rule": one.rule, "kind": one.kind, "cite": one.cite, "level": one.level, "text": one.text}
            for one in (verdict.reasons if isinstance(verdict, Refusal) else ())
        ],
        "retry_at": _iso(verdict.retry_at) if isinstance(verdict, Refusal) and verdict.retry_at else None,
        "zones": list(verdict.zones),
        "packs": [{"id": one.id, "version": one.version, "sha256": one.sha256} for one in verdict.packs],
    }


def _purpose_of(packs: Sequence[Pack]) -> str:
    """The purpose that all the packs govern, sales before others; none is known where they share none: then all of them apply."""
    for purpose in (PURPOSES[0], *(one for pack in packs for one in pack.purposes)):
        if all(pack.applies_to(purpose) for pack in packs):
            return purpose
    return ""


@lru_cache(maxsize=256)
def _everywhere(pack: Pack) -> Pack:
    return replace(pack, jurisdiction=(EVERYTHING,))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _caller_id(value: object) -> CallerId | None:
    if value is None or isinstance(value, str):
        return CallerId(value) if value is not None else None
    if not isinstance(value, Mapping):
        raise BadQuestion("caller_id: must be a number, or an object with number, qualities and attestation")
    return CallerId(text_of(value, "number"), frozenset(texts_of(value, "qualities")), text_of(value, "attestation"))
