"""How fast is the gate's decision alone? Facts at hand, nothing read, nothing written: what one core can judge."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from compliance import gate
from compliance.facts import EventKind, Facts, LedgerEvent
from compliance.packs import Pack
from compliance.standing import consent_event, consents_of
from compliance.verdict import Candidate, Clearance
from dialer.benches.filling import candidate_for, consent_of
from dialer.benches.gate_figures import DecisionFigures
from dialer.benches.population import COURSES, DAY_S
from dialer.benches.scratch import processor_seconds_of

EVENTS = (0, 10, 50)
PEOPLE = 200  # different ones, so that nothing is known from the decision before
MEASURED_S = 0.3
NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)  # Wednesday noon in New York: calling hours


def measure_decisions(packs: Sequence[tuple[Pack, ...]]) -> list[DecisionFigures]:
    """Decisions a second with each of the sets of packs, for people with so many events. Only permitted calls are counted."""
    return [_measured(some, events) for some in packs for events in EVENTS]


def _measured(packs: tuple[Pack, ...], events: int) -> DecisionFigures:
    asked = [(_candidate(person), _facts(person, events)) for person in range(PEOPLE)]

    def decide_all() -> None:
        for candidate, facts in asked:
            if not isinstance(gate.check(candidate, facts, packs, NOON), Clearance):
                raise AssertionError(f"the bench was refused: {candidate}")

    decide_all()
    rounds, seconds = 0, 0.0
    while seconds < MEASURED_S:
        seconds += processor_seconds_of(decide_all)
        rounds += 1
    return DecisionFigures(tuple(pack.id for pack in packs), events, rounds * PEOPLE / seconds)


def _candidate(person: int) -> Candidate:
    """The zones are the number's own."""
    return replace(candidate_for(person, NOON, ""), zones=())


def _facts(person: int, events: int) -> Facts:
    """One attempt after the other, five days apart, the last yesterday; beside them a consent."""
    candidate = _candidate(person)
    known: list[LedgerEvent] = []
    for serial in range(events):
        course = COURSES[serial % len(COURSES)]
        at = NOON - timedelta(seconds=(1 + 5 * serial) * DAY_S)
        for kind, after in ((EventKind.ATTEMPT, 0), *course.steps):
            about = {name: getattr(candidate, name) for name in ("person", "number", "campaign", "seller", "subject")}
            known.append(LedgerEvent(kind=kind, at=at + timedelta(seconds=after), attempt_id=f"{person}-{serial}", **about))
    consent = consent_event(consent_of(person, NOON - timedelta(days=300)))
    return Facts(events=tuple(reversed(known[:events])), consents=consents_of((consent,), candidate.number))
