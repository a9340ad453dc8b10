"""What do the events tell of a person's standing: what they allowed, what binds them to us, when calls are inconvenient?

The ledger is the one record: a consent is an event, and so is its withdrawal; what is in force is read from both. The rule it
protects: a withdrawal, an opt-out or a new owner of the number ends what was allowed before (47 CFR 64.1200(a)(10); GDPR
art. 7(3); 消费者权益保护法实施条例 24). Here too is how such an event is written, so that one that is told twice is the same one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from compliance.chain import canonical, digest
from compliance.daykinds import Calendar
from compliance.facts import Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression, Vouched
from compliance.grounds import EVERYTHING, LEVELS
from compliance.windows import DayPlan, parse_hours, parse_weekdays

#: Kinds of event that are learnt of a person beside any call: they are read whatever their age.
KINDS = frozenset({EventKind.CONSENT, EventKind.WITHDRAWAL, EventKind.REASSIGNED, EventKind.RELATION, EventKind.INCONVENIENT})
#: Events that take back what was allowed before them.
_TAKES_BACK = frozenset({EventKind.WITHDRAWAL, EventKind.OPT_OUT})


def gathered(
    number: str,
    vouched: Vouched,
    *,
    events: tuple[LedgerEvent, ...],
    reserved: tuple[LedgerEvent, ...] = (),
    entries: Iterable[Suppression] = (),
    listed: Iterable[str] = (),
    numbers: tuple[str, ...] = (),
    lists: tuple[ListState, ...] = (),
    calendars: tuple[Calendar, ...] = (),
) -> Facts:
    """All that the rules may look at for a call to `number`, from what was read: at the decision, and when it is made again.

    `listed` names the do-not-call lists of others that hold the number. Raises ValueError for an event that cannot be read.
    """
    times, places = bans_of(events)
    copies = {state.name: state.as_of for state in lists}
    held = (Suppression(copies[name], "listed", name, number=number, scope=name) for name in listed)
    return Facts(
        events=(*events, *reserved),
        suppressions=(*entries, *held),
        numbers=numbers,
        consents=consents_of(events, number),
        relations=relations_of(events),
        grounds=vouched.grounds,
        lists=lists,
        calendars=calendars,
        inconvenient_times=times,
        inconvenient_numbers=places,
        campaign_start=vouched.campaign_start,
    )


def consents_of(events: Sequence[LedgerEvent], number: str, *, any_seller: bool = False) -> tuple[Consent, ...]:
    """The consents among the events, each with the instant at which it was taken back, as far as they hold for `number`.

    A consent that names no seller is for none, unless `any_seller`. One from before the number had its present owner was
    somebody else's. Raises ValueError for one whose level or expiry cannot be read.
    """
    given = [one for one in events if one.kind is EventKind.CONSENT]
    if not given:
        return ()
    ends = [one for one in events if one.kind in _TAKES_BACK]
    owned_since = max((one.at for one in events if one.kind is EventKind.REASSIGNED and one.number == number), default=None)
    return tuple(_consent(one, ends, any_seller=any_seller) for one in given if owned_since is None or one.at >= owned_since)


def relations_of(events: Iterable[LedgerEvent]) -> tuple[Relation, ...]:
    """What the events say the person has to do with a seller."""
    return tuple(
        Relation(dict(one.facts)["relation"], one.at, one.seller, one.subject) for one in events if one.kind is EventKind.RELATION
    )


def bans_of(events: Iterable[LedgerEvent]) -> tuple[tuple[DayPlan, ...], tuple[str, ...]]:
    """The person's own inconvenient times, and the numbers that ring at an inconvenient place. Raises ValueError."""
    told = [(one, dict(one.facts)) for one in events if one.kind is EventKind.INCONVENIENT]
    times = tuple(_ban(facts["days"], facts["hours"]) for _, facts in told if "hours" in facts)
    return times, tuple(one.number for one, facts in told if "hours" not in facts)


def consent_event(consent: Consent, *, file: str = "") -> LedgerEvent:
    """A consent as it is written; `file` names the proof for people. Raises ValueError for nobody, or no such level."""
    if consent.level not in LEVELS:
        raise ValueError(f"{consent.level[:60]!r} is no level of consent: use {', '.join(LEVELS)}")
    facts = {
        "level": consent.level,
        "scope": " ".join(sorted(consent.scope)),
        "source": consent.source,
        "proof": consent.proof,
        "file": file,
        "expires_at": _iso(consent.expires_at) if consent.expires_at else "",
    }
    bound = {name: "" if getattr(consent, name) == EVERYTHING else getattr(consent, name) for name in ("campaign", "subject")}
    number = "" if consent.number == EVERYTHING else consent.number
    return _noted(EventKind.CONSENT, consent.given_at, consent.person, number, facts, seller=consent.seller, **bound)


def withdrawal_event(at: datetime, person: str, number: str, *, seller: str = "", source: str) -> LedgerEvent:
    """The person, or whoever is on the number, takes back every consent, or those of one seller."""
    return _noted(EventKind.WITHDRAWAL, at, person, number, {"source": source}, seller=seller)


def relation_event(person: str, relation: Relation, *, source: str) -> LedgerEvent:
    """The person has to do with a seller since then (16 CFR 310.2(q))."""
    facts = {"relation": relation.kind, "source": source}
    return _noted(EventKind.RELATION, relation.since, person, "", facts, seller=relation.seller, subject=relation.subject)


def inconvenient_event(at: datetime, person: str, number: str, *, times: str = "", source: str) -> LedgerEvent:
    """Calls are inconvenient at `times` such as `mon-fri 09:00-17:00`; without times, on that number, whenever hours matter.

    Raises ValueError for times that cannot be read, and for neither times nor a number.
    """
    if not times:
        if not number:
            raise ValueError("what is inconvenient: give times such as 'mon-fri 09:00-17:00', or a number")
        return _noted(EventKind.INCONVENIENT, at, person, number, {"source": source})
    days, _, hours = times.partition(" ")
    _ban(days, hours)
    return _noted(EventKind.INCONVENIENT, at, person, number, {"days": days, "hours": hours, "source": source})


def reassigned_event(at: datetime, number: str, *, source: str) -> LedgerEvent:
    """The number went to somebody else at that time: what was before is not about its new owner."""
    return _noted(EventKind.REASSIGNED, at, "", number, {"source": source})


def identified(event: LedgerEvent) -> LedgerEvent:
    """The event with an id made of all it says, where it has none: told twice, it is the same event."""
    if event.attempt_id:
        return event
    keys = [event.person, event.number, event.campaign, event.seller, event.subject, event.debt, event.creditor]
    text = canonical([event.kind.value, _iso(event.at), keys, event.zones, event.facts])
    return replace(event, attempt_id=f"note-{digest(text)[:40]}")


def _noted(kind: EventKind, at: datetime, person: str, number: str, facts: dict[str, str], **keys: str) -> LedgerEvent:
    if not person and not number:
        raise ValueError("of whom: give a person, a number or both")
    known = {"campaign": "", "seller": "", "subject": ""} | keys
    told = tuple(sorted((name, value) for name, value in facts.items() if value or name == "scope"))  # an empty scope is one
    return identified(LedgerEvent(kind, at, person, number, zones=(), facts=told, **known))


def _consent(one: LedgerEvent, ends: Iterable[LedgerEvent], *, any_seller: bool) -> Consent:
    facts = dict(one.facts)
    if facts.get("level", "") not in LEVELS:
        raise ValueError(f"a consent needs a level: {', '.join(LEVELS)}")
    expires = facts.get("expires_at")
    taken_back = (end.at for end in ends if end.at >= one.at and _is_meant(end, one))
    return Consent(
        level=facts["level"],
        given_at=one.at,
        person=one.person,
        number=one.number,
        scope=frozenset(facts.get("scope", EVERYTHING).replace("+", " ").split()),
        seller=one.seller or (EVERYTHING if any_seller else ""),
        campaign=one.campaign or EVERYTHING,
        subject=one.subject or EVERYTHING,
        source=facts.get("source", ""),
        proof=facts.get("proof", ""),
        expires_at=_time(expires) if expires else None,
        withdrawn_at=min(taken_back, default=None),
    )


def _is_meant(end: LedgerEvent, given: LedgerEvent) -> bool:
    if end.seller and given.seller and end.seller != given.seller and end.kind is EventKind.WITHDRAWAL:
        return False
    by_person = bool(given.person) and end.person == given.person
    return by_person or (bool(given.number) and end.number == given.number)


def _ban(days: str, hours: str) -> DayPlan:
    return DayPlan(parse_weekdays(days), permits=False, hours=(parse_hours(hours),))


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text[:40]!r} must say its offset from UTC, such as Z or +02:00")
    return at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
