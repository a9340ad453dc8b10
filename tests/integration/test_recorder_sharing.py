"""Shares, staff and approvals on both databases: what is counted is counted once, and what was said first stands."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, select

from config.database import Base, open_database, reading, writing
from recorder import approvals, sharing, staff
from recorder.access import APPROVED_FOR, Operator, Role, Staff
from recorder.approvals import NoSuchRequest, NotApproved, export_request
from recorder.sharing import Offer, ShareRefused, recording_share
from recorder.staff import StaffRefused, UnknownStaff

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
OFFER = Offer("c1", "sue", "Ms Lee", "dispute", NOON + timedelta(days=7), 2, 1000, 5000)
MIA = Staff("mia", Role.MANAGER)


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    Base.metadata.create_all(engine, tables=[recording_share, export_request, staff.staff])
    yield engine
    engine.dispose()


def shared(database: Engine, offer: Offer = OFFER) -> tuple[str, str]:
    with writing(database) as connection:
        return sharing.share(connection, offer, NOON)


def opened(database: Engine, token: str, at: datetime = NOON) -> int:
    with writing(database) as connection:
        return sharing.take_opening(connection, token, at).openings


def test_a_share_is_opened_as_often_as_it_may_be_and_no_more(database: Engine) -> None:
    number, token = shared(database)
    assert [opened(database, token), opened(database, token)] == [1, 2]
    with pytest.raises(ShareRefused, match=f"share {number} was opened 2 times"):
        opened(database, token)


def test_a_share_is_open_until_the_very_moment_it_expires(database: Engine) -> None:
    _, token = shared(database)
    assert opened(database, token, OFFER.expires_at - timedelta(microseconds=1)) == 1
    with pytest.raises(ShareRefused, match="expired at 2026-06-08 12:00Z"):
        opened(database, token, OFFER.expires_at)


def test_a_share_that_was_taken_back_is_closed_and_stays_as_it_was_taken_back_first(database: Engine) -> None:
    number, token = shared(database)
    for who, at in (("mia", NOON), ("max", NOON + timedelta(hours=1))):
        with writing(database) as connection:
            ended = sharing.revoke(connection, number, who, at)
        assert (ended.revoked_by, ended.revoked_at) == ("mia", NOON)
    with pytest.raises(ShareRefused, match="taken back by mia"):
        opened(database, token)
    with reading(database) as connection:
        assert sharing.shares(connection, open_at=NOON) == []
        assert [one.number for one in sharing.shares(connection, call_id="c1")] == [number]


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.partition(".")[0], lambda t: "0" * 12 + t[12:], str.upper]
)
def test_a_token_that_is_not_the_one_opens_nothing_and_counts_nothing(database: Engine, spoil: object) -> None:
    number, token = shared(database)
    assert callable(spoil)
    if spoil(token) == token:  # all of it was in capitals
        return
    with pytest.raises(ShareRefused, match="no such share"):
        opened(database, spoil(token))
    with reading(database) as connection:
        found = sharing.find(connection, number)
    assert found is not None
    assert found.openings == 0


def test_the_database_holds_nothing_that_opens_a_share(database: Engine) -> None:
    _, token = shared(database)
    with reading(database) as connection:
        (row,) = connection.execute(select(recording_share)).all()
    assert not any(isinstance(value, str) and value in token for value in row if value != row.number and value)


def test_of_many_who_open_at_once_only_so_many_succeed(database: Engine) -> None:
    _, token = shared(database, replace(OFFER, openings_at_most=3))
    together = Barrier(8)

    def work(_n: int) -> bool:
        together.wait(timeout=30)
        try:
            opened(database, token)
        except ShareRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 3


def test_until_anybody_is_on_the_staff_whoever_comes_is_the_operator(database: Engine) -> None:
    with writing(database) as connection:
        assert staff.acting(connection, "root") == Operator("root")
        staff.put(connection, MIA, NOON)
        assert staff.acting(connection, "mia") == MIA
        with pytest.raises(UnknownStaff, match="'root' is not on the staff"):
            staff.acting(connection, "root")


def test_the_first_on_the_staff_is_a_manager_and_one_always_remains(database: Engine) -> None:
    with writing(database) as connection:
        with pytest.raises(StaffRefused, match="must be a manager"):
            staff.put(connection, Staff("quinn", Role.QA), NOON)
        staff.put(connection, MIA, NOON)
        with pytest.raises(StaffRefused, match="must be a manager"):
            staff.put(connection, Staff("mia", Role.QA), NOON)
        with pytest.raises(StaffRefused, match="must be a manager"):
            staff.remove(connection, "mia", NOON)
        staff.put(connection, Staff("max", Role.MANAGER), NOON)
        staff.remove(connection, "mia", NOON)
        assert [one.name for one in staff.members(connection)] == ["max"]
        with pytest.raises(UnknownStaff):
            staff.acting(connection, "mia")
        staff.put(connection, Staff("mia", Role.AGENT, agent_id="101"), NOON)
        assert staff.acting(connection, "mia") == Staff("mia", Role.AGENT, agent_id="101")


@pytest.mark.parametrize("member", [Staff("a", Role.AGENT), Staff("s", Role.SUPERVISOR, agent_id="101")])
def test_a_role_without_what_it_reaches_by_is_refused(database: Engine, member: Staff) -> None:
    with writing(database) as connection:
        staff.put(connection, MIA, NOON)
        with pytest.raises(StaffRefused, match=member.name):
            staff.put(connection, member, NOON)


def test_two_managers_who_remove_each_other_at_once_leave_one(database: Engine) -> None:
    with writing(database) as connection:
        for name in ("mia", "max"):
            staff.put(connection, Staff(name, Role.MANAGER), NOON)
    together = Barrier(2)

    def remove(name: str) -> None:
        together.wait(timeout=30)
        try:
            with writing(database) as connection:
                staff.remove(connection, name, NOON)
        except StaffRefused:
            pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(remove, ("mia", "max")))
    with reading(database) as connection:
        assert len(staff.members(connection)) == 1


def asked(database: Engine) -> str:
    with writing(database) as connection:
        return approvals.ask(connection, "sue", "audit of May", ["c2", "c1", "c2"], NOON).request_id


def test_an_export_is_approved_by_somebody_else_for_seven_days_and_for_the_one_who_asked(database: Engine) -> None:
    request = asked(database)
    with writing(database) as connection:
        with pytest.raises(NotApproved, match="waits"):
            approvals.check(connection, request, "sue", NOON)
        with pytest.raises(NotApproved, match="your own"):
            approvals.approve(connection, request, "sue", NOON)
        approvals.approve(connection, request, "mia", NOON)
        assert approvals.approve(connection, request, "max", NOON + timedelta(days=3)).approved_by == "mia"
        assert approvals.check(connection, request, "sue", NOON + APPROVED_FOR - timedelta(seconds=1)).calls == ("c1", "c2")
        with pytest.raises(NotApproved, match="ended at"):
            approvals.check(connection, request, "sue", NOON + APPROVED_FOR)
        with pytest.raises(NotApproved, match="one of sue"):
            approvals.check(connection, request, "max", NOON)
        with pytest.raises(NoSuchRequest):
            approvals.check(connection, "nothing", "sue", NOON)


def test_the_digest_of_a_request_changes_with_any_call_in_it(database: Engine) -> None:
    with writing(database) as connection:
        one = approvals.ask(connection, "sue", "", ["c1", "c2"], NOON)
        same = approvals.ask(connection, "sue", "", ["c2", "c1"], NOON)
        other = approvals.ask(connection, "sue", "", ["c1", "c3"], NOON)
    assert one.digest == same.digest != other.digest
