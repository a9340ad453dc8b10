"""What was a verdict decided from? All that `gate.check` was given, as one JSON text that a permit or a refusal keeps.

The rule it protects: a past decision can be made again, and comes out the same to the byte (RULES: replay is deterministic).
Events and our own do-not-call entries are told by their places in the ledger, which is chained; calendars and packs by the
hash of their kept text; only what leaves no trace of its own (reservations, ages of lists, circumstances) is told in full.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from compliance.chain import canonical, digest
from compliance.daykinds import Calendar
from compliance.facts import EventKind, LedgerEvent, ListState
from compliance.verdict import CallerId, Candidate, Clearance, Reason, Refusal

_DEFAULTS: Final = {
    field.name: field.default if field.default is not MISSING else None
    for field in fields(Candidate)
    if field.name != "caller_id"
}
_EVENT_TEXTS = ("person", "number", "campaign", "seller", "subject", "debt", "creditor")


@dataclass(frozen=True, slots=True)
class Decided:
    """What one verdict was decided from. `events` and `suppressions` are ledger rows, `calendars` hashes of kept texts.

    `listed` names the do-not-call lists of others that held the number. `versions` are those of the program and of the
    libraries whose tables decide (zones, numbers, holidays). `verdict` is the verdict itself, as `verdict_text` writes it.
    """

    candidate: Candidate
    at: datetime
    verdict: str
    events: tuple[int, ...] = ()
    suppressions: tuple[int, ...] = ()
    reserved: tuple[LedgerEvent, ...] = ()
    numbers: tuple[str, ...] = ()
    lists: tuple[ListState, ...] = ()
    listed: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    campaign_start: datetime | None = None
    versions: str = ""


def write(decided: Decided) -> str:
    """The one text of a decision. What is as it is by default is left out."""
    told: dict[str, Any] = {
        "at": _iso(decided.at),
        "candidate": _candidate_text(decided.candidate),
    }
    for name in ("events", "suppressions", "numbers", "listed", "calendars", "grounds"):
        if found := getattr(decided, name):
            told[name] = found
    if decided.reserved:
        told["reserved"] = [_event_text(event) for event in decided.reserved]
    if decided.lists:
        told["lists"] = [[one.name, _iso(one.as_of)] for one in decided.lists]
    if decided.campaign_start is not None:
        told["campaign_start"] = _iso(decided.campaign_start)
    # The verdict is a text already, and with the versions last in the order of the names: it is not taken apart for this.
    return f'{canonical(told)[:-1]},"verdict":{decided.verdict},"versions":{canonical(decided.versions)}}}'


def read(text: str) -> Decided:
    """The decision that `write` wrote. Raises ValueError for a text that is none."""
    try:
        told: Mapping[str, Any] = json.loads(text)
        start = told.get("campaign_start")
        return Decided(
            candidate=_candidate(told["candidate"]),
            at=_time(told["at"]),
            verdict=canonical(told["verdict"]),
            **{
                name: tuple(told.get(name, ()))
                for name in ("events", "suppressions", "numbers", "listed", "calendars", "grounds")
            },
            reserved=tuple(_event(one) for one in told.get("reserved", ())),
            lists=tuple(ListState(name, _time(as_of)) for name, as_of in told.get("lists", ())),
            campaign_start=None if start is None else _time(start),
            versions=told["versions"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a decision of the gate: {type(error).__name__} at {error}") from None


def verdict_text(verdict: Clearance | Refusal) -> str:
    """All that a verdict says, as one canonical JSON text: two verdicts are the same if their texts are."""
    told: dict[str, Any] = {
        "at": _iso(verdict.decided_at),
        "zones": verdict.zones,
        "packs": [[pack.id, pack.version, pack.sha256] for pack in verdict.packs],
    }
    if isinstance(verdict, Refusal):
        retry_at = _iso(verdict.retry_at) if verdict.retry_at else None
        told |= {"verdict": "refuse", "retry_at": retry_at, "reasons": [reason_fields(one) for one in verdict.reasons]}
    else:
        told |= {"verdict": "permit", "closes_at": _iso(verdict.closes_at) if verdict.closes_at else None}
    return canonical(told)


def reason_fields(reason: Reason) -> dict[str, Any]:
    """One reason as JSON holds it."""
    return {
        "rule": reason.rule,
        "kind": reason.kind,
        "cite": reason.cite,
        "level": reason.level,
        "text": reason.text,
        "retry_at": _iso(reason.retry_at) if reason.retry_at else None,
        "facts": reason.facts,
    }


def calendar_text(calendar: Calendar) -> str:
    """The one text of a calendar, to be kept under its hash."""
    return canonical(
        {
            "name": calendar.name,
            "years": sorted(calendar.years),
            "holidays": sorted(day.isoformat() for day in calendar.holidays),
            "make_up": sorted(day.isoformat() for day in calendar.make_up),
            "weekend": sorted(calendar.weekend),
        }
    )


def read_calendar(text: str) -> Calendar:
    """The calendar that `calendar_text` wrote."""
    told = json.loads(text)
    holidays, make_up = (frozenset(map(date.fromisoformat, told[name])) for name in ("holidays", "make_up"))
    return Calendar(told["name"], frozenset(told["years"]), holidays, make_up, frozenset(told["weekend"]))


def text_hash(text: str) -> str:
    """Under which a pack or a calendar is kept: the SHA-256 of its text."""
    return digest(text)


def _candidate_text(candidate: Candidate) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(candidate, name)
        if value != default:
            told[name] = value.total_seconds() if isinstance(value, timedelta) else value
    if (shown := candidate.caller_id) is not None:
        told["caller_id"] = [shown.number, sorted(shown.qualities), shown.attestation]
    return told


def _candidate(told: Mapping[str, Any]) -> Candidate:
    read_as: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    if "ring_for" in told:
        read_as["ring_for"] = timedelta(seconds=told["ring_for"])
    if "caller_id" in told:
        number, qualities, attestation = told["caller_id"]
        read_as["caller_id"] = CallerId(number, frozenset(qualities), attestation)
    return Candidate(**read_as)


def _event_text(event: LedgerEvent) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for name in _EVENT_TEXTS if (value := getattr(event, name))}
    return told | {"kind": event.kind.value, "at": _iso(event.at), "attempt_id": event.attempt_id}


def _event(told: Mapping[str, Any]) -> LedgerEvent:
    texts = {name: told.get(name, "") for name in _EVENT_TEXTS}
    return LedgerEvent(kind=EventKind(told["kind"]), at=_time(told["at"]), attempt_id=told["attempt_id"], **texts)


def packs_of(verdict: str) -> Sequence[tuple[str, str, str]]:
    """The packs that decided, as (id, version, sha256), from the text of a verdict."""
    return [(pack[0], pack[1], pack[2]) for pack in json.loads(verdict)["packs"]]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
