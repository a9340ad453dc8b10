"""Does a past decision come out the same when it is made again? With the rules, the calendars and the facts of that time.

The rule it protects: a verdict can be shown to follow from what was known (RULES section 5, case 19: an old decision replays
byte-identical with its pack hash). Nothing of today enters but the program and its libraries' tables: where the verdict
differs, the difference is told in words; where something that was kept is gone or altered, nothing is made up for it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from compliance import gate
from compliance.daykinds import Calendar
from compliance.decision import Decided, packs_of, read, read_calendar, text_hash, verdict_text
from compliance.differences import differences
from compliance.facts import INTERNAL, EventKind, Facts, LedgerEvent, Suppression, Vouched
from compliance.packs import Pack, PackError, parse_pack
from compliance.standing import gathered

Texts = Mapping[str, str]
PERMIT, REFUSAL = "permit", "refusal"
MOST_ROWS = 1 << 31  # of a ledger: its places are 32-bit integers
Ref = tuple[str, str, str]  # of a pack: id, version, SHA-256
#: What a text that was altered may raise while it is read, or while the gate is asked what it says.
MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_KEYS = ("person", "number", "campaign", "seller", "subject", "debt", "creditor")


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """One decision with what it is found by. `permit` says when the permit was granted, spent and so on; empty for a refusal."""

    attempt_id: str
    verdict_kind: str
    decided_at: datetime
    person: str
    number: str
    campaign: str
    decision: str
    permit: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a decision: its text, the bodies of the ledger rows it used, by place, and texts by their SHA-256."""

    decision: str
    rows: Mapping[int, str]
    packs: Texts
    calendars: Texts


@dataclass(frozen=True, slots=True)
class Replay:
    """How a decision came out the second time. `then` and `now` are the texts of the verdicts; no `now`: it could not be made.

    `differences` says in words why the two are not the same; `notes` what is different today and made no difference.
    """

    then: str
    now: str | None
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both are the same to the byte."""
        return self.then == self.now and not self.differences


def replay(kept: Kept, versions: str) -> Replay:
    """Makes a kept decision again. `versions` are those of the program and its libraries as they run now."""
    if not kept.decision:
        return Replay("", None, ("nothing was kept of what it was decided from",))
    try:
        decided, refs = read_whole(kept.decision)
    except ValueError as error:
        return Replay("", None, (str(error),))
    then = decided.verdict
    missing: list[str] = []
    packs = tuple(_packs(refs, kept.packs, missing))
    calendars = tuple(_calendars(decided, kept.calendars, missing))
    events = _events(decided, kept.rows, missing)
    aged = tuple(_versions(decided.versions, versions))
    if missing:
        return Replay(then, None, tuple(missing), aged)
    try:
        facts = facts_of(decided, events, calendars)
        now = verdict_text(gate.check(decided.candidate, facts, packs, decided.at))
    except MISSHAPEN as error:
        return Replay(then, None, (f"the gate cannot be asked this: {type(error).__name__} at {error}",), aged)
    if now == then:
        return Replay(then, now, (), aged)
    return Replay(then, now, (*differences(json.loads(then), json.loads(now)), *aged))


def read_whole(text: str) -> tuple[Decided, tuple[Ref, ...]]:
    """A kept decision, and the packs that its verdict names. Raises ValueError for a text that is none."""
    try:
        decided = read(text)
        refs = tuple(packs_of(decided.verdict))
        places = (*decided.events, *decided.suppressions)
        names = (decided.versions, *decided.calendars, *(part for ref in refs for part in ref))
        if not all(type(seq) is int and 0 < seq < MOST_ROWS for seq in places) or not all(isinstance(one, str) for one in names):
            raise ValueError("not a decision of the gate: its rows or texts have no such names")
        return decided, refs
    except MISSHAPEN as error:
        if isinstance(error, ValueError):
            raise
        raise ValueError(f"not a decision of the gate: {type(error).__name__} at {error}") from None


def rows_used(decided: Decided) -> tuple[int, ...]:
    """The places of all ledger rows that the decision was made from, in order."""
    return tuple(sorted({*decided.events, *decided.suppressions}))


def event_in(body: str) -> LedgerEvent:
    """The event that the body of a ledger row tells. Raises ValueError for a text that is none."""
    try:
        told = json.loads(body)
        return LedgerEvent(
            kind=EventKind(told["kind"]),
            at=datetime.fromisoformat(told["at"]),
            attempt_id=told["attempt_id"],
            zones=tuple(json.loads(told["zones"])),
            facts=tuple(sorted(json.loads(told["facts"]).items())),
            **{name: told[name] for name in _KEYS},
        )
    except MISSHAPEN as error:
        raise ValueError(f"not a row of the ledger: {type(error).__name__} at {error}") from None


def facts_of(decided: Decided, rows: Mapping[int, LedgerEvent], calendars: tuple[Calendar, ...]) -> Facts:
    """What the gate was given, from the rows of the ledger by place. Raises ValueError for a row that tells no such fact."""
    return gathered(
        decided.candidate.number,
        Vouched(frozenset(decided.grounds), decided.campaign_start),
        events=tuple(rows[seq] for seq in decided.events),
        reserved=decided.reserved,
        entries=(entry_in(rows[seq]) for seq in decided.suppressions),
        listed=decided.listed,
        numbers=decided.numbers,
        lists=decided.lists,
        calendars=calendars,
    )


def entry_in(event: LedgerEvent) -> Suppression:
    """The do-not-call entry that a SUPPRESSED row proves. Raises ValueError for a row that proves none."""
    facts = dict(event.facts)
    if event.kind is not EventKind.SUPPRESSED:
        raise ValueError(f"a row that says {event.kind.value!r} proves no do-not-call entry")
    return Suppression(
        at=event.at,
        reason=facts.get("reason", ""),
        source=facts.get("source", ""),
        number=event.number or None,
        person=event.person or None,
        scope=facts.get("scope", INTERNAL),
        seller=event.seller,
        campaign=event.campaign,
        until=datetime.fromisoformat(facts["until"]) if "until" in facts else None,
    )


def _packs(refs: Iterable[Ref], texts: Texts, missing: list[str]) -> Iterator[Pack]:
    for pack_id, version, sha256 in refs:
        name = f"rule pack {pack_id} {version} (sha256 {sha256})"
        text = _whole(texts, sha256, name, missing)
        if text is not None:
            try:
                yield _parsed(text, pack_id)
            except PackError as error:
                missing.append(f"{name}: this version cannot read it: {error.errors[0]}")


def _calendars(decided: Decided, texts: Texts, missing: list[str]) -> Iterator[Calendar]:
    for sha256 in decided.calendars:
        text = _whole(texts, sha256, f"calendar (sha256 {sha256})", missing)
        if text is not None:
            try:
                yield read_calendar(text)
            except MISSHAPEN as error:
                missing.append(f"calendar (sha256 {sha256}): this version cannot read it: {error}")


@lru_cache(maxsize=128)  # one text decides many calls
def _parsed(text: str, name: str) -> Pack:
    return parse_pack(text, name)


def _whole(texts: Texts, sha256: str, name: str, missing: list[str]) -> str | None:
    text = texts.get(sha256)
    if text is None:
        missing.append(f"{name}: its text is not there")
    elif (found := text_hash(text)) != sha256:
        missing.append(f"{name}: its text differs from the one that decided: it has sha256 {found}")
    else:
        return text
    return None


def _events(decided: Decided, rows: Mapping[int, str], missing: list[str]) -> dict[int, LedgerEvent]:
    found = {}
    for seq in rows_used(decided):
        if seq not in rows:
            missing.append(f"ledger row {seq}: it was used, and is not there")
            continue
        try:
            found[seq] = event_in(rows[seq])
        except ValueError as error:
            missing.append(f"ledger row {seq}: {error}")
    return found


def _versions(then: str, now: str) -> Iterator[str]:
    if then != now:
        yield f"decided by {then or 'unknown versions'}; this is {now}"
