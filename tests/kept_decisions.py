"""Decisions as a site keeps them, made from a seed: a chained ledger of a few people, and what the gate said on it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from compliance import gate
from compliance.chain import GENESIS, Link, digest, link_hash, skipped_to
from compliance.daykinds import Calendar
from compliance.decision import Decided, calendar_text, text_hash, verdict_text, write
from compliance.facts import EventKind, LedgerEvent, ListState, Suppression
from compliance.packs import parse_pack
from compliance.replay import Kept, facts_of
from compliance.tables import body_of, event_fields
from compliance.verdict import CallerId, Candidate
from tests.pack_texts import DNC, cap_text, pack_text, rule_text

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
VERSIONS = "ringfence 1, tzdata 2026a"
PEOPLE = ("ann", "bob", "cyd")
NUMBERS = ("+12125550100", "+18505550101", "+33142345678", "+8613800138000")
PACK = pack_text(
    DNC,
    rule_text(
        "hours",
        "window",
        clock="callee",
        calendar="FR",
        schedule=[{"on": ["holiday", "sun"], "allow": []}, {"on": ["*"], "allow": ["08:00-20:00"]}],
        level="law",
    ),
    cap_text(2, level="law", source="secondary"),
    rule_text("rest", "cooldown", after="refusal", key=["number"], days=3, first_day="next", clock="callee"),
    rule_text(
        "consent",
        "consent",
        level_needed="express",
        scope=["seller", "voice"],
        when={"technology": ["prerecorded"]},
        level="law",
    ),
    rule_text(
        "register",
        "suppress",
        list="fr.bloctel",
        match=["number"],
        list_max_age_days=30,
        when={"purpose": ["research"]},
        level="law",
    ),
)
FRANCE = Calendar("FR", frozenset({2025, 2026, 2027}), frozenset({datetime(2026, 7, 14, tzinfo=UTC).date()}))


@dataclass(frozen=True)
class KeptSite:
    """A chained ledger, and the decision texts that were made on it with the pack and the calendar."""

    links: tuple[Link, ...]
    decisions: tuple[str, ...]
    pack: str = PACK
    calendar: Calendar = FRANCE

    def kept(self, decision: str) -> Kept:
        """What the site has kept of one of its decisions."""
        rows = {link.seq: link.body for link in self.links}
        calendar = calendar_text(self.calendar)
        return Kept(decision, rows, {text_hash(self.pack): self.pack}, {text_hash(calendar): calendar})


def chained(events: Sequence[LedgerEvent]) -> tuple[Link, ...]:
    """The events as rows of a ledger, one after the other."""
    hashes = {0: GENESIS}
    links = []
    for seq, event in enumerate(events, start=1):
        body = body_of({**event_fields(event), "recorded_at": event.at})
        before, skip = hashes[seq - 1], hashes[skipped_to(seq)]
        hashes[seq] = link_hash(seq, digest(body), before, skip)
        links.append(Link(seq, body, before, skip, hashes[seq]))
    return tuple(links)


def an_event(kind: EventKind, at: datetime, person: str, number: str, attempt: str | None = None, **facts: str) -> LedgerEvent:
    return LedgerEvent(kind, at, person, number, "spring", "acme", "solar", attempt, facts=tuple(sorted(facts.items())))


def random_events(seed: int, count: int, *, shared: bool = True) -> list[LedgerEvent]:
    """A past of several people, on shared numbers or each on their own: attempts, refusals, opt-outs, consents."""
    chance = random.Random(seed)
    events = []
    for step in range(count):
        at = NOON - timedelta(minutes=chance.randrange(1, 9000), microseconds=chance.randrange(10**6))
        person, number = chance.choice(PEOPLE), chance.choice(NUMBERS)
        number = number if shared else NUMBERS[PEOPLE.index(person)]
        kind = chance.choice(
            [EventKind.ATTEMPT] * 8
            + [EventKind.CONSENT] * 3
            + [EventKind.REFUSAL, EventKind.SUPPRESSED, EventKind.CONSENT, EventKind.INCONVENIENT]
        )
        match kind:
            case EventKind.SUPPRESSED:
                until = {"until": (at + timedelta(hours=9)).isoformat()} if chance.random() < 0.9 else {}
                facts = {"reason": "asked\u2028twice", "scope": "internal", "source": "desk", **until}
                events.append(an_event(kind, at, person, chance.choice(["", number]), None, **facts))
            case EventKind.CONSENT:
                events.append(
                    an_event(kind, at, person, number, f"note-{step}", level="express", scope="voice", proof="", source="")
                )
            case EventKind.INCONVENIENT:
                events.append(an_event(kind, at, person, number, f"note-{step}", days="mon-fri", hours="12:00-13:00"))
            case _:
                events.append(an_event(kind, at, person, number, f"a{step}"))
    return sorted(events, key=lambda event: event.at)


def a_site(seed: int, *, decisions: int = 5, events: int = 40, shared: bool = True) -> KeptSite:
    """A ledger made from the seed, and decisions about its people with everything a decision may be made from."""
    past = random_events(seed, events, shared=shared)
    links = chained(past)
    chance = random.Random(seed + 1)
    calendar = calendar_text(FRANCE)
    pack = parse_pack(PACK, "test")
    texts = []
    for number in range(decisions):
        person, dialed = chance.choice(PEOPLE), chance.choice(NUMBERS)
        dialed = dialed if shared else NUMBERS[PEOPLE.index(person)]
        shown = CallerId("+12125550199", frozenset({"dialable"}), "A") if chance.random() < 0.3 else None
        candidate = Candidate(
            f"try-{seed}-{number}",
            person,
            dialed,
            "spring",
            "acme",
            "solar",
            purpose=chance.choice(["sales", "research"]),
            technology=chance.choice(["", "manual", "prerecorded"]),
            ring_for=timedelta(seconds=chance.randrange(15, 60)),
            caller_id=shown,
        )
        at = NOON + timedelta(hours=chance.randrange(96), seconds=chance.randrange(3600), microseconds=chance.randrange(10**6))
        used = [seq for seq, one in enumerate(past, 1) if one.person == person or one.number == dialed]
        listed = chance.random() < 0.3
        reserved = an_event(EventKind.ATTEMPT, at - timedelta(seconds=5), person, dialed, f"r{number}")
        decided = Decided(
            candidate=candidate,
            at=at,
            verdict="",
            events=tuple(seq for seq in used if past[seq - 1].kind is not EventKind.SUPPRESSED),
            suppressions=tuple(seq for seq in used if past[seq - 1].kind is EventKind.SUPPRESSED),
            reserved=(reserved,) if chance.random() < 0.3 else (),
            numbers=tuple(sorted({one.number for one in past if one.person == person and one.number})),
            lists=(ListState("fr.bloctel", NOON - timedelta(days=chance.randrange(40))),) if listed else (),
            listed=("fr.bloctel",) if listed and chance.random() < 0.5 else (),
            calendars=(text_hash(calendar),),
            grounds=("guaranteed_agent",) if chance.random() < 0.3 else (),
            campaign_start=NOON if chance.random() < 0.3 else None,
            versions=VERSIONS,
        )
        facts = facts_of(decided, dict(enumerate(past, 1)), (FRANCE,))
        verdict = verdict_text(gate.check(candidate, facts, (pack,), at))
        texts.append(write(replace(decided, verdict=verdict)))
    return KeptSite(links, tuple(texts))


def an_entry(event: LedgerEvent) -> Suppression:
    """The entry a SUPPRESSED event stands for, told by hand and not by the code under test."""
    facts = dict(event.facts)
    until = datetime.fromisoformat(facts["until"]) if "until" in facts else None
    number, person = event.number or None, event.person or None
    return Suppression(
        event.at, facts["reason"], facts["source"], number, person, facts["scope"], event.seller, event.campaign, until
    )
