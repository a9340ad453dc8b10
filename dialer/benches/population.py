"""Who is in the ledger of a floor that has dialed for half a year? People with a few events or many, and when each happened.

The same number of rows always makes the same people. Nobody in it is near a cap, so that everybody may be rung: what
is measured is the permit, not the refusal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compliance.facts import EventKind

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Course:
    """How an attempt went: the share of attempts that do, and what is recorded how many seconds after it."""

    share: float
    steps: tuple[tuple[EventKind, int], ...]


COURSES = (
    Course(0.55, ((EventKind.RINGING, 2), (EventKind.UNANSWERED, 27))),
    Course(0.15, ((EventKind.RINGING, 2), (EventKind.MACHINE, 9))),
    Course(0.20, ((EventKind.RINGING, 2), (EventKind.LIVE_ANSWER, 8), (EventKind.CONVERSATION, 12), (EventKind.ENDED, 150))),
    Course(
        0.05,
        (
            (EventKind.RINGING, 2),
            (EventKind.LIVE_ANSWER, 8),
            (EventKind.CONVERSATION, 12),
            (EventKind.REFUSAL, 60),
            (EventKind.ENDED, 62),
        ),
    ),
    Course(0.05, ((EventKind.NOT_RUNG, 3),)),
)
CONSENT = len(COURSES)  # as the course of a moment: no attempt, but a consent that was given
MOST_ATTEMPTS = 12
ANOTHER_TRY = 0.75  # of those who were tried so often, the share that was tried once more
CONSENTED = 0.8
TWO_NUMBERS = 0.2

_AREA_CODES = ("305", "954", "561", "813"), ("786", "754", "407", "727")  # Florida's: of first numbers, and of second ones
_NUMBERS_AN_AREA = 8_000_000  # +1 305 200 0000 to 999 9999


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """The people, and every attempt and consent, oldest first, as arrays of one length."""

    people: int
    consented: NDArray[np.bool_]  # by person
    person: NDArray[np.int64]
    course: NDArray[np.int64]  # in COURSES, or CONSENT
    on_second_number: NDArray[np.bool_]
    ago_s: NDArray[np.int64]

    def rows(self) -> int:
        """How many ledger rows they make."""
        return int(_LENGTHS[self.course].sum())


_LENGTHS = np.array([1 + len(course.steps) for course in COURSES] + [1])
_SHARES = np.array([course.share for course in COURSES])


def populate(rows: int) -> Population:
    """People whose attempts and consents make exactly that many rows of a ledger."""
    rng = np.random.default_rng(1)
    enough = rows // 5 + 200  # people make ten rows each
    odds = ANOTHER_TRY ** np.arange(MOST_ATTEMPTS + 1)
    attempts = rng.choice(MOST_ATTEMPTS + 1, size=enough, p=odds / odds.sum())
    consented = rng.random(enough) < CONSENTED
    owner = np.repeat(np.arange(enough), attempts)
    course = rng.choice(len(COURSES), size=owner.size, p=_SHARES / _SHARES.sum())
    each = np.bincount(owner, weights=_LENGTHS[course], minlength=enough).astype(np.int64) + consented
    made = np.concatenate(([0], np.cumsum(each)))
    whole = int(np.searchsorted(made, rows, side="right")) - 1  # so many people fit
    rest = rows - int(made[whole])  # and so many more who only consented
    consented[whole : whole + rest] = True
    ago_s = _ages(rng, attempts)
    second = (rng.random(enough) < TWO_NUMBERS)[owner] & (rng.random(owner.size) < 0.5)
    fits = owner < whole
    people = whole + rest
    givers = np.flatnonzero(consented[:people])
    given_s = 200 * DAY_S + rng.integers(0, 100 * DAY_S, size=givers.size)
    person = np.concatenate((owner[fits], givers))
    ago_s = np.concatenate((ago_s[fits], given_s))
    order = np.argsort(-ago_s, kind="stable")
    return Population(
        people=people,
        consented=consented[:people],
        person=person[order],
        course=np.concatenate((course[fits], np.full(givers.size, CONSENT)))[order],
        on_second_number=np.concatenate((second[fits], np.zeros(givers.size, dtype=np.bool_)))[order],
        ago_s=ago_s[order],
    )


def person_id(person: int) -> str:
    """The id of a person, as a list of leads would bring it."""
    return f"customer-{person:09d}"


def number_of(person: int, *, second: bool = False) -> str:
    """One of the person's numbers: nobody else's, and in Florida."""
    area, line = divmod(person, _NUMBERS_AN_AREA)
    return f"+1{_AREA_CODES[second][area]}{2_000_000 + line:07d}"


def _ages(rng: np.random.Generator, attempts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How long ago each attempt was: the last within three weeks, the others 4 to 14 days apart, all of them by day."""
    total = int(attempts.sum())
    gaps = rng.uniform(4, 14, size=total)
    last = (np.cumsum(attempts) - attempts)[attempts > 0]
    gaps[last] = rng.uniform(1, 20, size=last.size)
    days = np.cumsum(gaps)
    days -= np.repeat(days[last] - gaps[last], attempts[attempts > 0])
    hours = rng.integers(-7 * 3600, 3 * 3600, size=total)  # around noon, which is when the permits are asked for
    ages: NDArray[np.int64] = np.floor(days).astype(np.int64) * DAY_S + hours
    return ages
