"""Never above a cap, whatever the order: nodes ask, spend, crash and report in any interleaving, on a real database.

The count that is checked is made from what was sent to telephones, not from the ledger.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from compliance.facts import EventKind
from compliance.packs import Pack, parse_pack
from compliance.store import Ledger, PermitError
from compliance.verdict import Candidate, Permit
from config.clock import ManualClock
from config.database import Base, open_database, sqlite_url
from tests.pack_texts import DNC, cap_text, pack_text

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
DAY = timedelta(hours=24)
MOST = 3
PEOPLE = ("ann", "bob")
NUMBERS = ("+12125550100", "+19175550101", "+16465550102")  # anybody may be called on any: they share their telephones
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("ask", "ask", "ask", "spend", "spend", "spend", "silent", "rang", "crash", "wait", "sleep")),
        st.integers(0, 1),  # the node
        st.integers(0, 5),
    ),
    min_size=10,
    max_size=60,
)


class Floor:
    """Two nodes on one database. What each of them was permitted is theirs to send, and is forgotten when they crash."""

    def __init__(self, engine: Engine, packs: tuple[Pack, ...]) -> None:
        self.clock = ManualClock(NOON)
        self.engine = engine
        self.packs = packs
        self.nodes = [self._node(), self._node()]
        self.held: list[list[Permit]] = [[], []]
        self.sent: dict[str, tuple[datetime, str, str]] = {}
        self.ids = count()

    def _node(self) -> Ledger:
        return Ledger(self.engine, self.clock, self.packs, timedelta(seconds=10))

    def ask(self, node: int, which: int) -> None:
        person, number = PEOPLE[which % 2], NUMBERS[which % 3]
        verdict = self.nodes[node].permit(Candidate(f"a{next(self.ids)}", person, number, "spring", "acme", "solar"))
        if isinstance(verdict, Permit):
            self.held[node].append(verdict)

    def spend(self, node: int, which: int) -> None:
        if not self.held[node]:
            return
        permit = self.held[node].pop(which % len(self.held[node]))
        try:
            self.nodes[node].spend(permit.permit_id)
        except PermitError:
            return
        self.sent[permit.attempt_id] = (self.clock.now(), permit.person, permit.number)

    def tell(self, node: int, which: int, kind: EventKind) -> None:
        if not self.sent:
            return
        attempt = sorted(self.sent)[which % len(self.sent)]
        known = {event.kind for event in self.nodes[node].events_of(attempt)}
        if kind is EventKind.NOT_RUNG:
            if EventKind.RINGING not in known:
                self.nodes[node].record(attempt, kind, self.clock.now())
                del self.sent[attempt]  # it is known that nobody was alerted
        else:
            self.nodes[node].record(attempt, kind, self.clock.now())

    def step(self, what: str, node: int, which: int) -> None:
        match what:
            case "ask":
                self.ask(node, which)
            case "spend":
                self.spend(node, which)
            case "silent":
                self.tell(node, which, EventKind.NOT_RUNG)
            case "rang":
                self.tell(node, which, EventKind.RINGING)
            case "crash":
                self.nodes[node], self.held[node] = self._node(), []
            case "wait":
                self.clock.advance(timedelta(seconds=4))
            case _:
                self.clock.advance(timedelta(hours=5))

    def check(self) -> None:
        """Of each person: never more than the cap in any 24 hours, whichever node sent them, on whichever telephone."""
        for person in PEOPLE:
            sent = [at for at, who, _ in self.sent.values() if who == person]
            for now in sent:
                assert sum(1 for at in sent if now - DAY < at <= now) <= MOST, person


@contextmanager
def a_floor() -> Iterator[Floor]:
    with tempfile.TemporaryDirectory(prefix="ringfence-test-") as name:
        engine = open_database(sqlite_url(Path(name) / "ledger.db"))
        Base.metadata.create_all(engine)
        try:
            yield Floor(engine, (parse_pack(pack_text(DNC, cap_text(MOST)), "test"),))
        finally:
            engine.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_no_interleaving_of_two_nodes_rings_a_person_more_often_than_the_cap(steps: list[tuple[str, int, int]]) -> None:
    with a_floor() as floor:
        for what, node, which in steps:
            floor.step(what, node, which)
            floor.check()
        assert floor.nodes[0].verify_chain().intact


@pytest.mark.parametrize("nodes", [(0, 0), (0, 1)])
def test_permits_that_are_out_are_counted_as_the_attempts_they_may_become(nodes: tuple[int, int]) -> None:
    with a_floor() as floor:
        for _ in range(MOST + 2):
            floor.ask(nodes[0], 0)
            floor.ask(nodes[1], 0)
        assert len(floor.held[0]) + len(floor.held[1]) == MOST
