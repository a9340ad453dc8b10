"""What does the gate say of a call, by all that the database knows? Reads the past, asks, and tells what it was asked with.

The rule it protects: a verdict is made of what was read in the same transaction, and that is what is told of it afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from compliance import decision, gate
from compliance.calendars import calendars_for
from compliance.daykinds import Calendar
from compliance.decision import Decided
from compliance.facts import Vouched
from compliance.kept import versions
from compliance.lookback import lookback
from compliance.packs import Pack
from compliance.past import Past, PastReader
from compliance.verdict import Candidate, Clearance, Refusal

MOST_SKEW = timedelta(seconds=2)  # between two clocks that both claim to tell the time


class ClockAdrift(Exception):
    """Our clock, the database's and the ledger's do not agree what time it is: nobody may be rung until they do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and all that it was made from."""

    verdict: Clearance | Refusal
    candidate: Candidate
    vouched: Vouched
    past: Past
    calendars: tuple[Calendar, ...]
    calendar_hashes: tuple[str, ...]

    def decided(self) -> Decided:
        """What is kept beside the verdict, so that it can be made again."""
        past = self.past
        return Decided(
            candidate=self.candidate,
            at=self.verdict.decided_at,
            verdict=decision.verdict_text(self.verdict),
            events=past.events,
            suppressions=past.suppressions,
            reserved=past.reserved,
            numbers=past.facts.numbers,
            lists=past.facts.lists,
            listed=past.listed,
            calendars=self.calendar_hashes,
            grounds=tuple(sorted(self.vouched.grounds)),
            campaign_start=self.vouched.campaign_start,
            versions=versions(),
        )


class Judge:
    """The gate before a database, with the packs in force. Remembers calendars, and nothing of any call."""

    def __init__(self, packs: Sequence[Pack], dialect: str) -> None:
        self._packs = tuple(packs)
        self._lookback = lookback(packs)
        self._past = PastReader(self._lookback, dialect)
        self._calendars: dict[int, tuple[tuple[Calendar, ...], tuple[str, ...]]] = {}

    def keys_of(self, candidate: Candidate) -> tuple[str, ...]:
        """What else a decision about this candidate must be alone with: the keys by which a rule counts other people's calls."""
        return tuple(f"{key.value} {getattr(candidate, key.value)}" for key in sorted(self._lookback.keys))

    def judge(self, connection: Connection, candidate: Candidate, vouched: Vouched, now: datetime) -> Judged:
        """The verdict at `now`, or at the time of the last row of the ledger where that is a little later.

        What is decided later is never dated earlier. Raises ClockAdrift when the clock is further behind the ledger than that.
        """
        past = self._past.read(connection, candidate, vouched, now)
        if past.last_recorded is not None and now < past.last_recorded:
            if past.last_recorded - now > MOST_SKEW:
                told = f"the clock says {now.isoformat()}, but the ledger goes to {past.last_recorded.isoformat()}"
                raise ClockAdrift(f"{told}: it was put back; nobody is rung before it has caught up")
            now = past.last_recorded
        calendars, hashes = self._calendars_of(now)
        verdict = gate.check(candidate, replace(past.facts, calendars=calendars), self._packs, now)
        return Judged(verdict, candidate, vouched, past, calendars, hashes)

    def _calendars_of(self, now: datetime) -> tuple[tuple[Calendar, ...], tuple[str, ...]]:
        """The calendars that the packs name, for the years around `now`, and the hashes of their texts."""
        if now.year not in self._calendars:
            found = calendars_for(self._packs, now)
            self._calendars[now.year] = found, tuple(decision.text_hash(decision.calendar_text(one)) for one in found)
        return self._calendars[now.year]
