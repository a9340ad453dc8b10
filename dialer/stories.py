"""What is told of a decision and of a call? Kept texts and rows become what a person reads. Values only.

The rule it protects: everything says why. A decision is told with each event that counted, each pack with its version and hash,
how well each rule is known, and the first permitted instant on the callee's own clock beside UTC.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.facts import LedgerEvent
from compliance.packs import Pack, PackError, parse_pack
from compliance.replay import KeptDecision, Replay, event_in, read_whole, rows_used
from compliance.verdict import Reason
from compliance.wallclock import UnknownZone, zone_named
from dialer.floor import FloorCall

_SHOWN_ZONES = 2
#: What a call went through, by the field of `Call` that holds when.
_MOMENTS = {
    "ordered_at": "ordered",
    "dialed_at": "dialed",
    "ringing_at": "ringing",
    "answered_at": "answered, recording",
    "announcement_at": "disclosure began",
    "announced_at": "disclosure over",
    "bridged_at": "with an agent",
    "unbridged_at": "without an agent again",
    "safe_harbour_at": "abandonment message",
    "ended_at": "ended",
}


@dataclass(frozen=True, slots=True)
class ReasonTold:
    """One rule that stood in the way. `source` says how its text is known; empty where the pack's text was not kept."""

    rule: str
    level: str
    source: str
    cite: str
    text: str
    retry_at: datetime | None
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PackTold:
    """One rule pack that decided: which text of it, and how many of its rules are of which level and source."""

    id: str
    version: str
    sha256: str
    levels: Mapping[str, int]
    sources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RowTold:
    """One row of the ledger that the decision was made from. `person` is who it is about."""

    seq: int
    kind: str
    at: datetime
    person: str
    number: str
    campaign: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DecisionTold:
    """One decision, whole. `used` are the rows, `beside` what it was made from beside them; `differs` how its replay differs."""

    attempt_id: str
    verdict: str
    decided_at: datetime
    number: str
    zones: tuple[str, ...]
    until: datetime | None  # of a refusal the first permitted instant, of a permit the end of the window
    reasons: tuple[ReasonTold, ...]
    packs: tuple[PackTold, ...]
    used: tuple[RowTold, ...]
    beside: Mapping[str, object]
    permit: Mapping[str, str | None]
    versions: str
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    what: str
    note: str


def decision_told(one: KeptDecision, rows: Mapping[int, str], packs: Mapping[str, str], again: Replay) -> DecisionTold | None:
    """The decision as people read it; None for one of which nothing was kept that can be read."""
    try:
        decided, refs = read_whole(one.decision)
    except ValueError:
        return None
    verdict = json.loads(decided.verdict)
    texts = [(ref, _pack(ref[0], packs.get(ref[2], ""))) for ref in refs]
    sources = {rule.origin.id: rule.origin.source.value for _, pack in texts if pack for rule in pack.rules}
    beside: dict[str, object] = {
        "numbers": decided.numbers,
        "reserved": [f"{event.number} at {event.at.isoformat()}" for event in decided.reserved],
        "lists": {state.name: state.as_of.isoformat() for state in decided.lists},
        "listed": decided.listed,
        "grounds": decided.grounds,
        "campaign_start": decided.campaign_start.isoformat() if decided.campaign_start else None,
        "calendars": decided.calendars,
    }
    return DecisionTold(
        attempt_id=one.attempt_id,
        verdict=str(verdict["verdict"]),
        decided_at=one.decided_at,
        number=one.number,
        zones=tuple(verdict["zones"]),
        until=_time(verdict.get("retry_at") or verdict.get("closes_at")),
        reasons=tuple(_reason(reason, sources) for reason in verdict.get("reasons", ())),
        packs=tuple(_pack_told(ref, pack) for ref, pack in texts),
        used=tuple(_row(seq, rows[seq]) for seq in rows_used(decided) if seq in rows),
        beside={name: value for name, value in beside.items() if value},
        permit=one.permit,
        versions=decided.versions,
        differs=() if again.same else again.differences,
    )


def on_their_clock(at: datetime | None, zones: Sequence[str]) -> str:
    """An instant on the callee's clock, in each zone the callee may be in, and in UTC; None needs new facts."""
    if at is None:
        return "needs new facts"
    local = [text for name in zones[:_SHOWN_ZONES] if (text := _in_zone(at, name))]
    more = [f"and {len(zones) - _SHOWN_ZONES} more"] if len(zones) > _SHOWN_ZONES else []
    return "; ".join([*local, *more, f"{at:%Y-%m-%d %H:%M:%S}Z"])


def timeline(placed: FloorCall | None, decisions: Iterable[DecisionTold], events: Iterable[LedgerEvent]) -> tuple[Moment, ...]:
    """What was decided, what happened and what was written down, in the order of time."""
    told = tuple(decisions)
    found = [
        Moment(one.decided_at, one.verdict, ", ".join(reason.rule for reason in one.reasons) or f"packs {_names(one.packs)}")
        for one in told
    ]
    found += [
        Moment(at, "permit void", "opted out before it was spent") for one in told if (at := _time(one.permit.get("voided_at")))
    ]
    if placed is not None:
        times = ((getattr(placed.call, name), what) for name, what in _MOMENTS.items())
        found += [Moment(at, what, _note(placed, what)) for at, what in times if at is not None]
    found += [Moment(event.at, f"ledger: {event.kind}", "") for event in events]
    return tuple(sorted(found, key=lambda moment: moment.at))


def reasons_told(reasons: Iterable[Reason]) -> tuple[ReasonTold, ...]:
    """Reasons of a verdict that was made just now, as those of a kept one are told."""
    return tuple(ReasonTold(one.rule, one.level, "", one.cite, one.text, one.retry_at, one.facts) for one in reasons)


def _reason(reason: Mapping[str, Any], sources: Mapping[str, str]) -> ReasonTold:
    facts = tuple((str(name), str(value)) for name, value in reason["facts"])
    source = sources.get(reason["rule"], "")
    return ReasonTold(reason["rule"], reason["level"], source, reason["cite"], reason["text"], _time(reason["retry_at"]), facts)


def _pack(name: str, text: str) -> Pack | None:
    try:
        return parse_pack(text, name)
    except PackError:
        return None


def _pack_told(ref: tuple[str, str, str], pack: Pack | None) -> PackTold:
    origins = [rule.origin for rule in pack.rules] if pack else []
    levels = Counter(origin.level.value for origin in origins)
    sources = Counter(origin.source.value for origin in origins)
    return PackTold(*ref, dict(sorted(levels.items())), dict(sorted(sources.items())))


def _row(seq: int, body: str) -> RowTold:
    event = event_in(body)
    return RowTold(seq, event.kind.value, event.at, event.person, event.number, event.campaign, event.facts)


def _note(placed: FloorCall, what: str) -> str:
    call = placed.call
    match what:
        case "dialed":
            return placed.number
        case "disclosure began":
            return placed.disclosure
        case "disclosure over":
            return "to its end" if call.disclosed else "NOT to its end"
        case "with an agent":
            return f"agent {call.agent_id}" if call.agent_id else ""
        case "abandonment message":
            return placed.safe_harbour
        case "ended":
            return f"by {call.ended_by}, cause {call.hangup_cause}, SIP {call.tech_cause}"
        case _:
            return ""


def _names(packs: Iterable[PackTold]) -> str:
    return ", ".join(f"{pack.id} {pack.version}" for pack in packs)


def _in_zone(at: datetime, name: str) -> str:
    try:
        return f"{at.astimezone(zone_named(name)):%Y-%m-%d %H:%M:%S} {name}"
    except UnknownZone:
        return ""


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
