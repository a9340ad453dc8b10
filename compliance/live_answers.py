"""What does the ledger tell of each call that a person answered? From its events, the times that the rules look at.

The rule it protects: what is not known never counts in the floor's favour. An agent of whom no event tells did not come; a
greeting that was not heard began and ended with the answer; an answer that was taken for a machine's counts only where it
turned out to be a person's.
"""

from collections.abc import Iterable
from datetime import datetime

from compliance.abandonment import LiveAnswer
from compliance.facts import EventKind, LedgerEvent

#: Kinds of event that tell of an answered call.
KINDS = frozenset({EventKind.LIVE_ANSWER, EventKind.MACHINE, EventKind.CONVERSATION, EventKind.ABANDONED, EventKind.ENDED})
#: Who ended a call, as its events say it, where it was not the person and not the line.
_US = frozenset({"floor", "unknown"})


def answers_of(events: Iterable[LedgerEvent]) -> tuple[LiveAnswer, ...]:
    """The live answers among the events, each with all that the other events of its attempt tell; in order of time.

    LIVE_ANSWER tells in its facts when an agent was there (`connected_at`, `held_at`, `agent_left_at`), when the person spoke
    (`greeting_start`, `greeting_end`) and when and by whom it ended (`ended_at`, `ended_by`). Where an older event does
    not, CONVERSATION stands for the agent's coming and ENDED for the end. ABANDONED proves that no agent came in time.
    """
    attempts: dict[str, dict[EventKind, LedgerEvent]] = {}
    for number, event in enumerate(events):
        if event.kind in KINDS:
            attempts.setdefault(event.attempt_id or f"\0{number}", {}).setdefault(event.kind, event)
    found = (_answer(known) for known in attempts.values())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.answered_at))


def _answer(known: dict[EventKind, LedgerEvent]) -> LiveAnswer | None:
    live, machine = known.get(EventKind.LIVE_ANSWER), known.get(EventKind.MACHINE)
    false_machine = machine is not None and dict(machine.facts).get("false_positive") == "true"
    event = live or machine
    if event is None or (machine is not None and not false_machine):
        return None
    facts = dict(event.facts)
    message = known.get(EventKind.ABANDONED)
    return LiveAnswer(
        answered_at=event.at,
        connected_at=_time(facts, "connected_at") or (_at(known, EventKind.CONVERSATION) if message is None else None),
        greeting_start=_time(facts, "greeting_start"),
        greeting_end=_time(facts, "greeting_end"),
        ended_at=_time(facts, "ended_at") or _at(known, EventKind.ENDED),
        held_at=_time(facts, "held_at"),
        agent_left_at=_time(facts, "agent_left_at"),
        message_at=message.at if message is not None else None,
        ended_by_us=facts.get("ended_by", "") in _US,
        false_machine=false_machine,
        attempt_id=event.attempt_id or "",
        number=event.number,
        campaign=event.campaign,
        seller=event.seller,
        subject=event.subject,
        zones=event.zones,
    )


def _at(known: dict[EventKind, LedgerEvent], kind: EventKind) -> datetime | None:
    event = known.get(kind)
    return event.at if event is not None else None


def _time(facts: dict[str, str], name: str) -> datetime | None:
    """The time of that name; one that cannot be read is not known."""
    try:
        at = datetime.fromisoformat(facts[name])
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo is not None else None
