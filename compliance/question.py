"""What is asked of the gate from outside, and what is answered? Options and JSON into a candidate and facts; a verdict into JSON.

Nothing is guessed: an unknown key, a time without a zone, an event nobody knows is a BadQuestion that names its place.
Two things a question cannot know are taken as given unless it says otherwise: do-not-call lists of others are up to date, and
a person dials by hand (`technology` manual).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from compliance import gate
from compliance.daykinds import Calendar
from compliance.facts import INTERNAL, Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression
from compliance.grounds import EVERYTHING, LEVELS
from compliance.packs import Pack, SuppressRule
from compliance.verdict import CallerId, Candidate, Refusal
from compliance.wallclock import UnknownZone, zone_named
from compliance.windows import DayPlan, parse_hours, parse_weekdays

PURPOSES = ("sales", "service", "debt_collection", "research")
MANUAL = "manual"
#: Other names for events of the ledger, as other systems export them.
ALIASES = {"amd_machine": "machine", "consent_given": "consent", "consent_withdrawn": "withdrawal", "optout": "opt_out"}
NO_CONSENT = frozenset({"", "none", "unknown"})

_CALL = ("purpose", "technology", "party", "sector", "caller_role", "line_type")
_TEXTS = ("person", "subject", "campaign", "seller", "debt", "creditor", *_CALL)
_EVENT_TEXTS = ("person", "number", "campaign", "seller", "subject", "debt", "creditor", "attempt_id")
KEYS = frozenset(
    {"number", "at", "pack", "zone", "consent", "history", "ring_budget", "region", "campaign_start", "caller_id"}
    | {"lists", "dnc", "relations", "grounds", "inconvenient", *_TEXTS}
)
_E164 = re.compile(r"\+[1-9][0-9]{3,14}", re.ASCII)
_FRESH = timedelta(days=36500)


class BadQuestion(ValueError):
    """The question cannot be read. The message names the key."""


@dataclass(frozen=True, slots=True)
class Question:
    """A candidate, what is known, when, and by which packs (ids or paths); none: those of the number's jurisdictions."""

    candidate: Candidate
    facts: Facts
    at: datetime
    packs: tuple[str, ...] = ()


def parse_question(asked: Mapping[str, object]) -> Question:
    """Reads a question: the options' names with `_`. Raises BadQuestion."""
    if unknown := sorted(set(asked) - KEYS):
        raise BadQuestion(f"{unknown[0][:60]}: unknown key")
    number = _text(asked, "number")
    if not _E164.fullmatch(number):
        raise BadQuestion("number: must be in E.164: + and 4 to 15 digits")
    at = _time(asked.get("at"), "at")
    words = {key: _text(asked, key) for key in _TEXTS}
    words["purpose"] = words["purpose"] or PURPOSES[0]
    words["technology"] = words["technology"] or MANUAL
    candidate = Candidate(
        attempt_id="question",
        number=number,
        zones=tuple(_zone(name) for name in _texts(asked, "zone")),
        ring_for=_seconds(asked.get("ring_budget")),
        regions=_texts(asked, "region"),
        caller_id=_caller_id(asked.get("caller_id")),
        other_numbers=(),  # what it has of the person's past it has in its history
        **words,
    )
    events = tuple(_event(line, f"history[{index}]", candidate) for index, line in enumerate(_list(asked, "history")))
    start = asked.get("campaign_start")
    facts = Facts(
        events=events,
        suppressions=(*_opt_outs(events), *_entries(asked, candidate, at)),
        consents=(*_consent_of(_text(asked, "consent"), candidate, at), *_consents(events)),
        relations=tuple(_relation(one, f"relations[{index}]", at) for index, one in enumerate(_list(asked, "relations"))),
        grounds=frozenset(_texts(asked, "grounds")),
        lists=_lists(asked),
        inconvenient_times=tuple(_ban(text) for text in _texts(asked, "inconvenient")),
        campaign_start=None if start is None else _time(start, "campaign_start"),
    )
    return Question(candidate, facts, at, _texts(asked, "pack"))


def answer(question: Question, packs: Sequence[Pack], calendars: tuple[Calendar, ...]) -> dict[str, object]:
    """The verdict as JSON: verdict, reasons, retry_at, zones, packs. Packs that were asked for apply wherever the number is."""
    applied = tuple(_everywhere(pack) if question.packs else pack for pack in packs)
    named = {rule.list for pack in packs for rule in pack.rules if isinstance(rule, SuppressRule) and rule.list != INTERNAL}
    told = {state.name for state in question.facts.lists}
    fresh = tuple(ListState(name, question.at + _FRESH) for name in sorted(named - told))
    facts = replace(question.facts, lists=(*question.facts.lists, *fresh), calendars=calendars)
    verdict = gate.check(question.candidate, facts, applied, question.at)
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


@lru_cache(maxsize=256)
def _everywhere(pack: Pack) -> Pack:
    return replace(pack, jurisdiction=(EVERYTHING,))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(asked: Mapping[str, object], key: str) -> str:
    value = asked.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadQuestion(f"{key}: must be a text")
    return value


def _list(asked: Mapping[str, object], key: str) -> list[object]:
    value = asked.get(key)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadQuestion(f"{key}: must be a list")
    return list(value)


def _texts(asked: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = asked.get(key)
    found = [value] if isinstance(value, str) else _list(asked, key)
    if not all(isinstance(one, str) and one for one in found):
        raise BadQuestion(f"{key}: must be a list of texts")
    return tuple(str(one) for one in found)


def _time(value: object, key: str) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise BadQuestion(f"{key}: must be a time in ISO 8601, such as 2026-06-15T12:00:00Z")
    if at.tzinfo is None:
        raise BadQuestion(f"{key}: must say its offset from UTC, such as Z or +02:00")
    if not 1971 <= at.year <= 2199:
        raise BadQuestion(f"{key}: must be between 1971 and 2199")
    return at.astimezone(UTC)


def _seconds(value: object) -> timedelta:
    if value is None:
        return timedelta(0)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or not 0 <= value <= 3600:
        raise BadQuestion("ring_budget: must be seconds, from 0 to 3600")
    return timedelta(seconds=value)


def _zone(name: str) -> str:
    try:
        return zone_named(name).key
    except UnknownZone as error:
        raise BadQuestion(f"zone: {error}") from None


def _event(line: object, place: str, candidate: Candidate) -> LedgerEvent:
    if not isinstance(line, Mapping):
        raise BadQuestion(f"{place}: must be an object")
    name = _text(line, "kind")
    try:
        kind = EventKind(ALIASES.get(name, name))
    except ValueError:
        raise BadQuestion(f"{place}.kind: {name[:60]!r} is no event: use {', '.join(EventKind)}") from None
    texts = {key: _text(line, key) for key in _EVENT_TEXTS}
    if not texts["person"] and not texts["number"]:
        texts["number"] = candidate.number  # of whom it is, is not known: it may be this one
    texts["attempt_id"] = texts["attempt_id"] or _text(line, "attempt")
    marks = {str(key): _mark(value) for key, value in line.items() if key not in {"kind", "at", "attempt", *_EVENT_TEXTS}}
    nested = line.get("facts")
    if isinstance(nested, Mapping):
        marks |= {str(key): _mark(value) for key, value in nested.items()}
    return LedgerEvent(
        kind=kind,
        at=_time(line.get("at"), f"{place}.at"),
        person=texts["person"],
        number=texts["number"],
        campaign=texts["campaign"],
        seller=texts["seller"],
        subject=texts["subject"],
        attempt_id=texts["attempt_id"] or None,
        facts=tuple(sorted(marks.items())),
        debt=texts["debt"],
        creditor=texts["creditor"],
    )


def _mark(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _opt_outs(events: Sequence[LedgerEvent]) -> tuple[Suppression, ...]:
    return tuple(
        Suppression(
            one.at,
            one.kind.value,
            "history",
            one.number or None,
            one.person or None,
            dict(one.facts).get("scope", INTERNAL) if one.kind is EventKind.SUPPRESSED else INTERNAL,
            one.seller,
        )
        for one in events
        if one.kind in {EventKind.OPT_OUT, EventKind.SUPPRESSED}
    )


def _entries(asked: Mapping[str, object], candidate: Candidate, at: datetime) -> list[Suppression]:
    found = []
    for index, one in enumerate(_list(asked, "dnc")):
        if not isinstance(one, Mapping):
            raise BadQuestion(f"dnc[{index}]: must be an object")
        number, person = _text(one, "number") or None, _text(one, "person") or None
        if number is None and person is None:
            number = candidate.number
        found.append(Suppression(at, "listed", "question", number, person, _text(one, "list") or INTERNAL, _text(one, "seller")))
    return found


def _consent_of(text: str, candidate: Candidate, at: datetime) -> tuple[Consent, ...]:
    level, _, scope = text.partition(".")
    if level in NO_CONSENT:
        return ()
    if level not in LEVELS:
        raise BadQuestion(f"consent: {level[:60]!r} is no level of consent: use none, {', '.join(LEVELS)}")
    tags = frozenset({EVERYTHING, *scope.split("+")} - {""})
    return (Consent(level, at, candidate.person, EVERYTHING if candidate.person else candidate.number, tags, EVERYTHING),)


def _consents(events: Sequence[LedgerEvent]) -> tuple[Consent, ...]:
    found = []
    for one in events:
        if one.kind is not EventKind.CONSENT:
            continue
        marks = dict(one.facts)
        if marks.get("level", "") not in LEVELS:
            raise BadQuestion(f"history: a consent needs a level: {', '.join(LEVELS)}")
        taken_back = [
            other.at for other in events if other.kind is EventKind.WITHDRAWAL and other.at >= one.at and _same_person(other, one)
        ]
        found.append(
            Consent(
                level=marks["level"],
                given_at=one.at,
                person=one.person,
                number=one.number,
                scope=frozenset(marks.get("scope", EVERYTHING).replace("+", " ").split()),
                seller=one.seller or EVERYTHING,
                campaign=one.campaign or EVERYTHING,
                subject=one.subject or EVERYTHING,
                expires_at=_time(marks["expires_at"], "history: expires_at") if "expires_at" in marks else None,
                withdrawn_at=min(taken_back, default=None),
            )
        )
    return tuple(found)


def _same_person(one: LedgerEvent, other: LedgerEvent) -> bool:
    by_person = bool(one.person) and one.person == other.person
    return by_person or (bool(one.number) and one.number == other.number)


def _relation(one: object, place: str, at: datetime) -> Relation:
    if not isinstance(one, Mapping):
        raise BadQuestion(f"{place}: must be an object")
    since = _time(one["since"], f"{place}.since") if "since" in one else at
    return Relation(_text(one, "kind"), since, _text(one, "seller"), _text(one, "subject"))


def _lists(asked: Mapping[str, object]) -> tuple[ListState, ...]:
    value = asked.get("lists")
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise BadQuestion("lists: must be an object of names and times")
    return tuple(ListState(str(name), _time(as_of, f"lists.{name}")) for name, as_of in value.items())


def _caller_id(value: object) -> CallerId | None:
    if value is None or isinstance(value, str):
        return CallerId(value) if value is not None else None
    if not isinstance(value, Mapping):
        raise BadQuestion("caller_id: must be a number, or an object with number, qualities and attestation")
    return CallerId(_text(value, "number"), frozenset(_texts(value, "qualities")), _text(value, "attestation"))


def _ban(text: str) -> DayPlan:
    days, _, clock = text.partition(" ")
    try:
        return DayPlan(parse_weekdays(days), permits=False, hours=(parse_hours(clock),))
    except ValueError as error:
        raise BadQuestion(f"inconvenient: {error}") from None
