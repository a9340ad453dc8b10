"""What binds once the phone has rung? What must be said, how it may be recorded, how long records stay, by when requests are met.

The rule it protects: every rule of every place applies. What is said is said as soon as the soonest of them asks, the message to
somebody abandoned says all that any of them wants said, and each line names its rules and their sources. Nothing here needs
facts about the person, so that no exemption is taken as given.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance import recording, retention
from compliance.daykinds import Calendar
from compliance.deadlines import due_by, house_due_by
from compliance.gate import zones_for
from compliance.packs import Pack
from compliance.parties import Regions, callee_of, rules_at, rules_at_callee, zones_at
from compliance.recording import RecordingTerms
from compliance.retention import KeepUntil
from compliance.rules import AbandonRule, DeadlineRule, DiscloseRule, Message, Origin, RetainRule, Rule
from compliance.verdict import Candidate, PackRef, Reason


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One thing the agent must say: within so long of the answer (None: no number is set), and promptly where a rule says so."""

    item: str
    within: timedelta | None
    promptly: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class EndOnRequest:
    """How soon the call ends once the person asks for it."""

    within: timedelta
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class AbandonmentMessage:
    """What somebody hears whom no agent takes: begun within the shortest time, saying and offering all that any rule wants.

    `conflicts` are what one rule wants said and another forbids.
    """

    start_within: timedelta | None
    must_say: tuple[str, ...]
    must_not_say: tuple[str, ...]
    must_offer: tuple[str, ...]
    conflicts: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when a request that came in at the moment asked about is obeyed: by law, and in this house."""

    on: str
    law_by: datetime
    house_by: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Obligations:
    """Everything that binds the call after the ring, by the packs that apply to it."""

    at: datetime
    recording: RecordingTerms
    disclosures: tuple[Disclosure, ...]
    end_on_request: EndOnRequest | None
    message: AbandonmentMessage | None
    retention: tuple[KeepUntil, ...]
    deadlines: tuple[Deadline, ...]
    packs: tuple[PackRef, ...]


def obligations(
    packs: Sequence[Pack],
    candidate: Candidate,
    now: datetime,
    parties_regions: Sequence[Regions] = (),
    calendars: Iterable[Calendar] = (),
) -> Obligations:
    """What binds the call if it is answered at `now`; other parties as for `recording.required`, the agent first.

    The call, its records and the requests in it are taken to be of `now`. Records are kept by the rules of every party's place,
    the person is spoken to and obeyed by those of the callee's. `calendars` are those of `countries_of`; without one, every day
    counts as a business day. Raises ValueError for a naive `now`, UnknownZone.
    """
    terms = recording.required(packs, candidate, parties_regions, now)
    reached = list(rules_at_callee(packs, candidate, now))
    elsewhere = [one for regions in parties_regions for one in rules_at(packs, candidate, regions, now)]
    here = [rule for _, rule in reached]
    kept = {(pack.id, rule.origin.id): rule for pack, rule in (*reached, *elsewhere) if isinstance(rule, RetainRule)}
    known = {one.name: one for one in calendars}
    return Obligations(
        at=now,
        recording=terms,
        disclosures=_disclosures(here),
        end_on_request=_end_on_request(here),
        message=_message(here),
        retention=_retention(list(kept.values()), now, _zones(candidate, parties_regions)),
        deadlines=_deadlines(here, now, zones_for(candidate), [known.get(name) for name in countries_of(candidate)] or [None]),
        packs=tuple(dict.fromkeys(pack.ref for pack, _ in (*reached, *elsewhere))),
    )


def countries_of(candidate: Candidate) -> tuple[str, ...]:
    """The countries the callee may be in: by their calendars the business days of a deadline are counted."""
    return tuple(sorted({region.partition("-")[0] for region in callee_of(candidate)}))


def _zones(candidate: Candidate, parties_regions: Sequence[Regions]) -> tuple[str, ...]:
    """The zones on whose dates records are kept: those of all parties, none as soon as one of them is not known."""
    each = [zones_for(candidate), *(zones_at(regions) for regions in parties_regions)]
    return tuple(sorted({zone for zones in each for zone in zones})) if all(each) else ()


def _disclosures(rules: Iterable[Rule]) -> tuple[Disclosure, ...]:
    """Each item once, in the order in which the rules name them."""
    asked: dict[str, list[DiscloseRule]] = {}
    for rule in rules:
        if isinstance(rule, DiscloseRule):
            for item in rule.items:
                asked.setdefault(item, []).append(rule)
    return tuple(
        Disclosure(
            item=item,
            within=min((rule.within for rule in held if rule.within is not None), default=None),
            promptly=any(rule.within is None for rule in held),
            reasons=tuple(_reason(rule.origin, "disclose", _soon(rule.within)) for rule in held),
        )
        for item, held in asked.items()
    )


def _end_on_request(rules: Iterable[Rule]) -> EndOnRequest | None:
    held = [(rule.end_within, rule.origin) for rule in rules if isinstance(rule, DiscloseRule) and rule.end_within is not None]
    if not held:
        return None
    reasons = tuple(_reason(origin, "disclose", f"ended within {within.total_seconds():g} s") for within, origin in held)
    return EndOnRequest(min(within for within, _ in held), reasons)


def _message(rules: Iterable[Rule]) -> AbandonmentMessage | None:
    held = [(rule.message, rule.origin) for rule in rules if isinstance(rule, AbandonRule) and rule.message is not None]
    if not held:
        return None
    messages = [message for message, _ in held]
    must_say, must_not_say = _all_of(messages, lambda one: one.must_say), _all_of(messages, lambda one: one.must_not_say)
    return AbandonmentMessage(
        start_within=min((one.start_within for one in messages if one.start_within is not None), default=None),
        must_say=must_say,
        must_not_say=must_not_say,
        must_offer=_all_of(messages, lambda one: (one.must_offer,) if one.must_offer else ()),
        conflicts=tuple(item for item in must_say if item in must_not_say),
        reasons=tuple(_reason(origin, "abandon", _soon(message.start_within)) for message, origin in held),
    )


def _all_of(messages: Iterable[Message], of: Callable[[Message], tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for message in messages for item in of(message)))


def _retention(rules: Sequence[RetainRule], now: datetime, zones: tuple[str, ...]) -> tuple[KeepUntil, ...]:
    since = {"call": now, "record_created": now}
    kinds = dict.fromkeys(what for rule in rules for what in rule.what)
    return tuple(retention.resolve(rules, what, since, zones) for what in kinds)


def _deadlines(
    rules: Iterable[Rule], now: datetime, zones: tuple[str, ...], calendars: Sequence[Calendar | None]
) -> tuple[Deadline, ...]:
    """By when each request is obeyed: of the calendars of all places where the callee may be, the one by which it is soonest."""
    found: dict[str, list[DeadlineRule]] = {}
    for rule in rules:
        if isinstance(rule, DeadlineRule):
            found.setdefault(rule.on, []).append(rule)
    return tuple(
        Deadline(
            on=on,
            law_by=min(due_by(rule, now, calendar, zones) for rule in held for calendar in calendars),
            house_by=min(house_due_by(rule, now, calendar, zones) for rule in held for calendar in calendars),
            reasons=tuple(_reason(rule.origin, "deadline", _within(rule)) for rule in held),
        )
        for on, held in found.items()
    )


def _within(rule: DeadlineRule) -> str:
    return f"within {rule.within}" + (f"; here: {rule.house}" if rule.house is not None else "")


def _soon(within: timedelta | None) -> str:
    return "promptly" if within is None else f"within {within.total_seconds():g} s"


def _reason(origin: Origin, kind: str, text: str) -> Reason:
    return Reason(origin.id, kind, origin.cite, origin.level.value, text, None)
