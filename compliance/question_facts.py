"""What does a question say is known: what happened, who asked for what, which lists are how old? From JSON into Facts.

The rule it protects: doubt is never in favour of a call. An event that leaves unsaid whose it was may have been this
person's; an opt-out holds on every number the history knows to be theirs; a consent without a date may have been taken back.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from compliance.facts import INTERNAL, Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression
from compliance.grounds import EVERYTHING, LEVELS, ONLY_IF_SAID
from compliance.question_fields import BadQuestion, list_of, text_of, texts_of, time_of
from compliance.standing import consents_of
from compliance.verdict import Candidate
from compliance.windows import DayPlan, parse_hours, parse_weekdays

#: Other names for events of the ledger, as other systems export them.
ALIASES = {"amd_machine": "machine", "consent_given": "consent", "consent_withdrawn": "withdrawal", "optout": "opt_out"}
NO_CONSENT = frozenset({"", "none", "unknown"})

_EVENT_TEXTS = ("person", "number", "campaign", "seller", "subject", "debt", "creditor", "attempt_id")
_NO_MARKS = frozenset({"kind", "at", "attempt", "facts", *_EVENT_TEXTS})  # every other key of an event is a mark of it
_SCOPE = re.compile(r"|[a-z][a-z0-9_]*([+.][a-z][a-z0-9_]*)*", re.ASCII)


def facts_of(asked: Mapping[str, object], candidate: Candidate, at: datetime) -> Facts:
    """All that the question says is known of the candidate. Raises BadQuestion."""
    events = tuple(_event(line, f"history[{index}]", candidate) for index, line in enumerate(list_of(asked, "history")))
    start = asked.get("campaign_start")
    return Facts(
        events=events,
        suppressions=(*_opt_outs(events), *_entries(asked, candidate, at)),
        numbers=_numbers(events, () if candidate.person else _people(events, candidate.number)),
        consents=(*_consent_of(text_of(asked, "consent"), candidate, events, at), *_consents(events, candidate.number)),
        relations=tuple(_relation(one, f"relations[{index}]", at) for index, one in enumerate(list_of(asked, "relations"))),
        grounds=frozenset(texts_of(asked, "grounds")),
        lists=_lists(asked),
        inconvenient_times=tuple(_ban(text) for text in texts_of(asked, "inconvenient")),
        campaign_start=None if start is None else time_of(start, "campaign_start"),
    )


def _event(line: object, place: str, candidate: Candidate) -> LedgerEvent:
    if not isinstance(line, Mapping):
        raise BadQuestion(f"{place}: must be an object")
    name = text_of(line, "kind")
    try:
        kind = EventKind(ALIASES.get(name, name))
    except ValueError:
        raise BadQuestion(f"{place}.kind: {name[:60]!r} is no event: use {', '.join(EventKind)}") from None
    texts = {key: text_of(line, key) for key in _EVENT_TEXTS}
    if not texts["number"] and (not texts["person"] or texts["person"] == candidate.person or not candidate.person):
        texts["number"] = candidate.number  # on which number it was is not known: it may have been this one
    texts["attempt_id"] = texts["attempt_id"] or text_of(line, "attempt")
    marks = {str(key): _mark(value) for key, value in line.items() if key not in _NO_MARKS}
    match line.get("facts"):
        case Mapping() as nested:
            marks |= {str(key): _mark(value) for key, value in nested.items()}
        case list() as named:
            marks |= {str(name): "true" for name in named}
        case None:
            pass
        case _:
            raise BadQuestion(f"{place}.facts: must be an object or a list")
    return LedgerEvent(
        kind=kind,
        at=time_of(line.get("at"), f"{place}.at"),
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
    """An entry for the number, one for the person, and one for every other number the history knows to be theirs."""
    found: list[Suppression] = []
    for one in events:
        if one.kind not in {EventKind.OPT_OUT, EventKind.SUPPRESSED}:
            continue
        scope = dict(one.facts).get("scope", INTERNAL) if one.kind is EventKind.SUPPRESSED else INTERNAL
        people = (one.person,) if one.person else _people(events, one.number)  # who of them it was, is not known
        entries = [(one.number, one.person), *(("", person) for person in people)]
        entries += [(number, "") for number in _numbers(events, people)]
        found.extend(
            Suppression(one.at, one.kind.value, "history", number or None, person or None, scope, one.seller)
            for number, person in dict.fromkeys(entries)
        )
    return tuple(found)


def _people(events: Sequence[LedgerEvent], number: str) -> tuple[str, ...]:
    """Everybody the history knows on the number, since it was last given to somebody else."""
    changes = (one.at for one in events if one.kind is EventKind.REASSIGNED and one.number == number)
    since = max(changes, default=None)
    there = (one for one in events if one.person and one.number == number)
    return tuple(dict.fromkeys(one.person for one in there if since is None or one.at >= since))


def _numbers(events: Sequence[LedgerEvent], people: Sequence[str]) -> tuple[str, ...]:
    """Every number the history knows to be one of theirs."""
    used = dict.fromkeys(one.number for one in events if one.number and one.person in people)
    return tuple(number for number in used if set(_people(events, number)) & set(people))


def _entries(asked: Mapping[str, object], candidate: Candidate, at: datetime) -> list[Suppression]:
    found = []
    for index, one in enumerate(list_of(asked, "dnc")):
        if not isinstance(one, Mapping):
            raise BadQuestion(f"dnc[{index}]: must be an object")
        number, person = text_of(one, "number") or None, text_of(one, "person") or None
        if number is None and person is None:
            number = candidate.number
        found.append(
            Suppression(at, "listed", "question", number, person, text_of(one, "list") or INTERNAL, text_of(one, "seller"))
        )
    return found


def _consent_of(text: str, candidate: Candidate, events: Sequence[LedgerEvent], at: datetime) -> tuple[Consent, ...]:
    """The consent that is said to be there. When it was given is not: whatever took a consent back may have been later."""
    level, _, scope = text.removeprefix("consent.").partition(".")
    if level in NO_CONSENT:
        return ()
    if level in ONLY_IF_SAID and not scope:  # that alone is said: as weak a consent as there is, for any hour
        level, scope = LEVELS[0], level
    if level not in LEVELS:
        raise BadQuestion(f"consent: {level[:60]!r} is no level of consent: use none, {', '.join(LEVELS)}")
    if not _SCOPE.fullmatch(scope):
        raise BadQuestion(f"consent: {scope[:60]!r} is no scope: use words joined by +, such as time_of_day")
    tags = frozenset({EVERYTHING, *scope.replace(".", "+").split("+")} - {""})
    taken_back = [one.at for one in events if one.kind in {EventKind.WITHDRAWAL, EventKind.OPT_OUT} and _is_of(one, candidate)]
    number = EVERYTHING if candidate.person else candidate.number
    return (Consent(level, at, candidate.person, number, tags, EVERYTHING, withdrawn_at=min(taken_back, default=None)),)


def _is_of(event: LedgerEvent, candidate: Candidate) -> bool:
    same_party = event.number == candidate.number or (bool(event.person) and event.person == candidate.person)
    return same_party and (event.seller in {"", candidate.seller} or not candidate.seller)


def _consents(events: Sequence[LedgerEvent], number: str) -> tuple[Consent, ...]:
    try:
        return consents_of(events, number, any_seller=True)
    except ValueError as error:
        raise BadQuestion(f"history: {error}") from None


def _relation(one: object, place: str, at: datetime) -> Relation:
    if not isinstance(one, Mapping):
        raise BadQuestion(f"{place}: must be an object")
    since = time_of(one["since"], f"{place}.since") if "since" in one else at
    return Relation(text_of(one, "kind"), since, text_of(one, "seller"), text_of(one, "subject"))


def _lists(asked: Mapping[str, object]) -> tuple[ListState, ...]:
    value = asked.get("lists")
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise BadQuestion("lists: must be an object of names and times")
    return tuple(ListState(str(name), time_of(as_of, f"lists.{name}")) for name, as_of in value.items())


def _ban(text: str) -> DayPlan:
    days, _, clock = text.partition(" ")
    try:
        return DayPlan(parse_weekdays(days), permits=False, hours=(parse_hours(clock),))
    except ValueError as error:
        raise BadQuestion(f"inconvenient: {error}") from None
