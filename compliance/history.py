"""Which past events concern this call? The rule it protects: no limit forgets a number of the person, or a person on the number.

Sorted at most once for a decision, however many caps and cool-downs ask, and only as far as they ask. An attempt that is known
to have alerted nobody is told apart here; a number that was reassigned starts anew: its history splits there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from compliance.facts import RANG, EventKind, Facts, LedgerEvent
from compliance.rules import Key
from compliance.verdict import Candidate


class History:
    """The events of the facts as the candidate's keys see them. It remembers what it was asked: made for one decision."""

    def __init__(self, candidate: Candidate, facts: Facts) -> None:
        self.candidate = candidate
        self.facts = facts
        self._shared: dict[tuple[EventKind, tuple[Key, ...]], Sequence[LedgerEvent]] = {}
        self._times: dict[EventKind, Sequence[datetime]] = {}

    def times(self, kind: EventKind) -> Sequence[datetime]:
        """When the events of a kind were, the latest first, whatever they have in common with the candidate."""
        found = self._times.get(kind)
        if found is None:
            found = self._times[kind] = sorted([event.at for event in self.facts.events if event.kind is kind], reverse=True)
        return found

    def sharing(self, kind: EventKind, keys: tuple[Key, ...]) -> Sequence[LedgerEvent]:
        """The events of a kind that have every part of the key in common with the candidate, in the order of the facts.

        A campaign, seller, subject, debt or creditor that is not known on one side may be the same, and is taken to be.
        """
        found = self._shared.get((kind, keys))
        if found is None:
            found = self._with_same(keys[-1], self.sharing(kind, keys[:-1])) if keys else self._of_kind(kind)
            self._shared[kind, keys] = found
        return found

    @cached_property
    def silent(self) -> frozenset[str]:
        """The attempts that are known to have alerted nobody, and of which nothing says the contrary."""
        quiet = {event.attempt_id for event in self._of_kind(EventKind.NOT_RUNG) if event.attempt_id is not None}
        rang = {event.attempt_id for event in self.facts.events if event.kind in RANG} if quiet else set()
        return frozenset(quiet - rang)

    @cached_property
    def _owners(self) -> "_Owners":
        return _Owners(self._of_kind(EventKind.REASSIGNED))

    def _of_kind(self, kind: EventKind) -> Sequence[LedgerEvent]:
        return [event for event in self.facts.events if event.kind is kind]

    def _with_same(self, key: Key, events: Sequence[LedgerEvent]) -> Sequence[LedgerEvent]:
        match key:
            case Key.PERSON:
                person, owners = self.candidate.person, self._owners
                return [
                    event
                    for event in events
                    if (person and event.person == person) or (event.number, owners.at(event)) in self._numbers
                ]
            case Key.NUMBER:
                number, owners = self.candidate.number, self._owners
                return [event for event in events if event.number == number and owners.at(event) == owners.now(number)]
            case _:
                theirs = attrgetter(key)  # a key is called what the field is
                ours = theirs(self.candidate)
                same = ("", ours)
                return [event for event in events if theirs(event) in same] if ours else events

    @cached_property  # nobody asks while all events are of the person
    def _numbers(self) -> frozenset[tuple[str, int]]:
        """Every number on which the person may be reached, with the owner it has: a shared number charges everybody on it."""
        person, owners = self.candidate.person, self._owners
        used = {(event.number, owners.at(event)) for event in self.facts.events if person and event.person == person}
        return frozenset(used | {(number, owners.now(number)) for number in (self.candidate.number, *self.facts.numbers)})


class _Owners:
    """Which owner of a number an event is about: the first, or the one after so many reassignments."""

    def __init__(self, reassignments: Iterable[LedgerEvent]) -> None:
        self._changes: dict[str, list[datetime]] = {}
        for event in reassignments:
            self._changes.setdefault(event.number, []).append(event.at)

    def at(self, event: LedgerEvent) -> int:
        return sum(1 for change in self._changes.get(event.number, ()) if change <= event.at)

    def now(self, number: str) -> int:
        return len(self._changes.get(number, ()))
