"""Several calls asked about in one transaction, on SQLite and PostgreSQL: as if one after the other, all or none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from compliance import rows, store
from compliance.facts import Vouched
from compliance.packs import parse_pack
from compliance.store import Ledger
from compliance.verdict import Candidate, Permit, Refusal
from config.clock import ManualClock
from tests.pack_texts import DNC, cap_text, pack_text

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOME, MOBILE, OFFICE = "+12125550100", "+19175550101", "+16465550102"
NOTHING = Vouched()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """Three attempts a person, and no more."""
    return Ledger(engine, ManualClock(NOON), [parse_pack(pack_text(DNC, cap_text(3)), "test")], timedelta(seconds=10))


def asked(attempt_id: str, person: str = "ann", number: str = HOME) -> tuple[Candidate, Vouched]:
    return Candidate(attempt_id, person, number, "spring", "acme", "solar", ring_for=timedelta(seconds=25)), NOTHING


def test_the_earlier_ones_count_when_the_later_ones_are_decided(ledger: Ledger) -> None:
    numbers = (HOME, MOBILE, OFFICE, HOME, MOBILE)
    verdicts = ledger.permits([asked(f"a{index}", number=number) for index, number in enumerate(numbers)])
    assert [type(verdict) for verdict in verdicts] == [Permit, Permit, Permit, Refusal, Refusal]
    assert [verdict.attempt_id for verdict in verdicts if isinstance(verdict, Permit)] == ["a0", "a1", "a2"]
    assert len(ledger.refusals_of("ann")) == 2


def test_each_person_is_answered_for_in_the_order_in_which_they_were_asked_about(ledger: Ledger) -> None:
    ledger.suppress(number=MOBILE, reason="opt_out", source="letter")
    verdicts = ledger.permits([asked("a", "ann", HOME), asked("b", "bob", MOBILE), asked("c", "cy", OFFICE)])
    assert [type(verdict) for verdict in verdicts] == [Permit, Refusal, Permit]


def test_an_attempt_asked_about_twice_has_one_permit(ledger: Ledger) -> None:
    one, other = ledger.permits([asked("a"), asked("a")])
    assert isinstance(one, Permit)
    assert one == other == ledger.permit(asked("a")[0])


def test_nobody_is_asked_about(ledger: Ledger) -> None:
    assert ledger.permits([]) == []


@pytest.mark.parametrize("bad", [asked("b", ""), asked("b", "bob", "2125550100"), asked("a", "bob", MOBILE)])
def test_one_question_that_is_none_leaves_nothing_of_the_others(ledger: Ledger, bad: tuple[Candidate, Vouched]) -> None:
    before = ledger.permit(asked("a")[0])
    with pytest.raises(ValueError, match=r"somebody|E\.164|another call"):
        ledger.permits([asked("n1", "cy", OFFICE), bad])
    verdicts = ledger.permits([asked(f"c{index}", "cy", OFFICE) for index in range(3)])
    assert all(isinstance(verdict, Permit) for verdict in verdicts), "what was rolled back counts against nobody"
    assert ledger.permit(asked("a")[0]) == before


def test_killed_between_two_of_them_neither_is_there(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    written: list[str] = []

    def put(connection: Connection, row: dict[str, object]) -> None:
        if written:
            raise Killed
        written.append(str(row["attempt_id"]))
        rows.put_permit(connection, row)

    with monkeypatch.context() as patched:
        patched.setattr(store, "put_permit", put)
        with pytest.raises(Killed):
            ledger.permits([asked("a0"), asked("a1")])
    assert written == ["a0"]
    again = ledger.permits([asked(f"b{index}") for index in range(4)])
    assert [type(verdict) for verdict in again] == [Permit, Permit, Permit, Refusal]


def test_sixteen_threads_that_ask_for_the_same_people_crosswise_share_what_the_cap_leaves(ledger: Ledger) -> None:
    people = (("ann", HOME), ("bob", MOBILE), ("cy", OFFICE))
    start = threading.Barrier(16)

    def ask(worker: int) -> list[Permit | Refusal]:
        start.wait(30)
        turned = people[worker % 3 :] + people[: worker % 3]  # locks taken in the order of the question would wait in a circle
        return ledger.permits([asked(f"{worker}-{person}", person, number) for person, number in turned])

    with ThreadPoolExecutor(16) as pool:
        verdicts = [verdict for answer in pool.map(ask, range(16)) for verdict in answer]
    permitted = [verdict.person for verdict in verdicts if isinstance(verdict, Permit)]
    assert {person: permitted.count(person) for person, _ in people} == {"ann": 3, "bob": 3, "cy": 3}
    assert len(verdicts) == 48
