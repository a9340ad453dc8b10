"""Of whom does a command speak, and how is what it says of them written? Once, in batches that let a running floor through."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from compliance.facts import LedgerEvent
from compliance.numbers import BadNumber, parse_number
from compliance.pack_files import load_packs
from compliance.packs import Pack
from config.database import reading, writing
from dialer import bootstrap, store
from dialer.cli.files import progress
from dialer.cli.output import Failure

BATCH = 500  # events a transaction, as the ledger itself takes them
GIVE_WAY_S = 0.03  # between two of them: SQLite asks for the lock every 25 ms, and whoever let go of it would have it again


@dataclass(frozen=True, slots=True)
class Whom:
    """Whoever was named: by their id, by a number, or by a text that may be either."""

    person: str
    number: str  # E.164; empty where the text is no number

    def __str__(self) -> str:
        return self.person if self.number in {"", self.person} else f"{self.person} ({self.number})"


def whom(text: str, region: str) -> Whom:
    """Whoever `text` names. Somebody without an id of their own is known by their number, so that a number is an id too.

    Raises Failure for an empty text, and for one that begins with + and is no number.
    """
    if not text.strip():
        raise Failure("give a person's id or a number")
    if text.startswith("+"):
        number = number_of(text, region)
        return Whom(number, number)
    try:
        return Whom(text, parse_number(text, region))
    except BadNumber:
        return Whom(text, "")


def number_of(text: str, region: str) -> str:
    """The number in E.164. Raises Failure."""
    try:
        return parse_number(text, region)
    except BadNumber as error:
        raise Failure(f"{text!r}: {error}") from None


def packs_in_force(parts: bootstrap.Opened) -> tuple[Pack, ...]:
    """The rules the site obeys."""
    return load_packs(parts.site.settings.gate.packs, parts.site.directory)


def note_all(parts: bootstrap.Opened, events: Sequence[LedgerEvent], title: str) -> tuple[int, int]:
    """Writes the events into the ledger, a batch at a time; answers (new, known before). Raises Failure for one it refuses."""
    give_way = threading.Event()
    new = known = 0
    with progress(title, len(events)) as done:
        for start in range(0, len(events), BATCH):
            if start:
                give_way.wait(GIVE_WAY_S)
            try:
                added, there = parts.people.note(events[start : start + BATCH])
            except ValueError as error:
                raise Failure(str(error)) from None
            new, known = new + added, known + there
            done(start + BATCH)
    return new, known


def known_together(parts: bootstrap.Opened, who: Whom) -> tuple[tuple[str, str], ...]:
    """(person, number) for every number of the person that was named, and for everybody on the number that was named."""
    told = [(event.person, event.number) for event in parts.ledger.history(who.person, who.number)]
    with reading(parts.database) as connection:
        told += [(who.person, number) for number in store.numbers_of(connection, who.person)]
        told += [(person, who.number) for person in store.people_on(connection, who.number)]
    theirs = {(person, number) for person, number in told if person == who.person or number == who.number}
    named = {(who.person, who.number)}
    whole = {(person, number) for person, number in theirs | named if person and number}
    return tuple(sorted(whole or named))


def known_as(parts: bootstrap.Opened, who: Whom) -> str:
    """The id under which they are known: their own where a list or the ledger has it, else their number."""
    with reading(parts.database) as connection:
        listed = store.numbers_of(connection, who.person)
    return who.person if not who.number or listed or parts.ledger.history(who.person) else who.number


def look_again(parts: bootstrap.Opened, people: Sequence[str]) -> int:
    """The gate looks again at leads of these people (ids or numbers) that it refused for want of facts; how many there are."""
    now = parts.clock.now()
    with writing(parts.database) as connection:
        count = store.ask_again(connection, now, people=people)
        store.say(connection, "settings", {}, now)
    return count


def tell_the_floor(parts: bootstrap.Opened) -> None:
    """A running floor asks again about the calls that are up: something was taken away from what allowed them."""
    with writing(parts.database) as connection:
        store.say(connection, "suppressions_changed", {}, parts.clock.now())
