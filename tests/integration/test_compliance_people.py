"""What is known of people and of lists, on real databases: consents, relations, shared and reassigned numbers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from compliance.facts import LITIGATORS, Consent, EventKind, LedgerEvent, Relation, Suppression
from compliance.judging import ClockAdrift
from compliance.listed import DncLists, ListCopy
from compliance.pack_files import load_packs
from compliance.packs import parse_pack
from compliance.people import People
from compliance.standing import (
    consent_event,
    inconvenient_event,
    reassigned_event,
    relation_event,
    withdrawal_event,
)
from compliance.store import Ledger, PermitVoid
from compliance.tables import dnc_list, dnc_number
from compliance.verdict import CallerId, Candidate, Permit, Refusal
from config.clock import ManualClock
from config.database import Base, reading, writing
from tests.pack_texts import DNC, cap_text, pack_text, rule_text

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)  # a Monday, noon in New York
DAY = timedelta(days=1)
HOME, MOBILE, OFFICE = "+12125550100", "+19175550101", "+16465550102"
SHOWN = CallerId("+12125550199", frozenset({"assigned_to_tenant", "dialable", "answers_dnc_in_business_hours"}), "A")

CONSENT = rule_text("consent", "consent", level_needed="express", scope=["seller", "voice"], level="law")
LISTED = rule_text(
    "list",
    "suppress",
    list="us.national_dnc",
    match=["number"],
    list_max_age_days=31,
    exempt=["relation.purchase<=18mo"],
    level="law",
)
SUED = rule_text("sued", "suppress", list="litigators", match=["number", "person"])
CAP = cap_text(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def people(engine: Engine, clock: ManualClock) -> People:
    return People(engine, clock)


def a_ledger(engine: Engine, clock: ManualClock, *rules: str) -> Ledger:
    return Ledger(engine, clock, [parse_pack(pack_text(DNC, *rules), "test")], timedelta(seconds=10))


def a_call(attempt_id: str, person: str = "ann", number: str = HOME, campaign: str = "spring") -> Candidate:
    return Candidate(attempt_id, person, number, campaign, "acme", "solar", caller_id=SHOWN)


def a_consent(person: str = "ann", number: str = "", seller: str = "acme", at: datetime = NOON - DAY) -> LedgerEvent:
    return consent_event(Consent("express", at, person, number, frozenset({"voice"}), seller, source="web form"))


def why(verdict: Permit | Refusal) -> str:
    return "" if isinstance(verdict, Permit) else "; ".join(reason.text for reason in verdict.reasons)


# --- consents ---------------------------------------------------------------------------------------------------------


def test_a_consent_permits_from_the_instant_it_is_known_until_it_is_withdrawn(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger = a_ledger(engine, clock, CONSENT)
    assert "none is known" in why(ledger.permit(a_call("a1")))
    assert people.note([a_consent()]) == (1, 0)
    assert isinstance(ledger.permit(a_call("a2")), Permit)
    clock.advance(timedelta(minutes=1))
    people.note([withdrawal_event(clock.now(), "ann", "", source="letter")])
    assert "it was withdrawn" in why(ledger.permit(a_call("a3")))


def test_a_permit_that_rests_on_a_consent_is_void_when_that_is_withdrawn(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger = a_ledger(engine, clock, CONSENT)
    people.note([a_consent()])
    permit = ledger.permit(a_call("a1"))
    assert isinstance(permit, Permit)
    people.note([withdrawal_event(clock.now(), "ann", "", source="letter")])
    with pytest.raises(PermitVoid):
        ledger.spend(permit.permit_id)


def test_what_is_told_twice_is_known_once(engine: Engine, clock: ManualClock, people: People) -> None:
    events = [a_consent(), a_consent("bob"), relation_event("ann", Relation("purchase", NOON - DAY, "acme"), source="shop")]
    assert people.note(events) == (3, 0)
    assert people.note(events) == (0, 3)
    assert [event.kind for event in a_ledger(engine, clock).history("ann")] == [EventKind.CONSENT, EventKind.RELATION]


def test_a_consent_for_one_seller_is_none_for_another(engine: Engine, clock: ManualClock, people: People) -> None:
    people.note([a_consent(seller="others")])
    assert "strong and wide enough" in why(a_ledger(engine, clock, CONSENT).permit(a_call("a1")))


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (a_consent(at=NOON + DAY), "has not happened yet"),
        (LedgerEvent(EventKind.ATTEMPT, NOON - DAY, "ann", "2125550100", "", "", ""), "E.164"),
        (LedgerEvent(EventKind.ATTEMPT, NOON - DAY, "", "", "", "", ""), "of nobody"),
        (LedgerEvent(EventKind.SUPPRESSED, NOON - DAY, "ann", "", "", "", ""), "written by the ledger itself"),
    ],
)
def test_what_cannot_be_so_is_not_written_and_takes_its_batch_with_it(
    engine: Engine, clock: ManualClock, people: People, event: LedgerEvent, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        people.note([a_consent(), event])
    assert a_ledger(engine, clock).history("ann") == []


# --- other facts ------------------------------------------------------------------------------------------------------


def test_attempts_of_another_system_count(engine: Engine, clock: ManualClock, people: People) -> None:
    ledger = a_ledger(engine, clock, CAP)
    past = LedgerEvent(EventKind.ATTEMPT, NOON - timedelta(hours=1), "", HOME, "old", "acme", "solar")
    assert people.note([past, past]) == (1, 1)
    refused = ledger.permit(a_call("a1"))
    assert isinstance(refused, Refusal)
    assert refused.retry_at == NOON + timedelta(hours=23)


def test_an_opt_out_of_another_system_is_on_our_list_and_voids_permits(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger = a_ledger(engine, clock)
    permit = ledger.permit(a_call("a1"))
    assert isinstance(permit, Permit)
    people.note([LedgerEvent(EventKind.OPT_OUT, NOON - DAY, "ann", HOME, "", "", "", facts=(("source", "old dialer"),))])
    with pytest.raises(PermitVoid):
        ledger.spend(permit.permit_id)
    entry = ledger.suppressed(MOBILE, "ann")
    assert entry is not None
    assert entry.source == "old dialer"
    assert ledger.verify_chain().intact


def test_a_shared_number_charges_both_and_an_opt_out_blocks_it_for_both(engine: Engine, clock: ManualClock) -> None:
    ledger = a_ledger(engine, clock, CAP)
    permit = ledger.permit(a_call("a1", "ann", HOME))
    assert isinstance(permit, Permit)
    ledger.spend(permit.permit_id)
    assert "1 of at most 1" in why(ledger.permit(a_call("b1", "bob", HOME)))  # it rang at both
    ledger.record("a1", EventKind.OPT_OUT, clock.now())
    clock.advance(2 * DAY)
    for attempt, person, number in (("a2", "ann", HOME), ("b2", "bob", HOME), ("a3", "ann", MOBILE), ("a4", "ann", OFFICE)):
        assert "do-not-call list" in why(ledger.permit(a_call(attempt, person, number)))
    assert isinstance(ledger.permit(a_call("b3", "bob", "+13475550103")), Permit)


def test_a_reassigned_number_starts_anew_and_its_old_owners_consent_does_not_go_with_it(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger = a_ledger(engine, clock, CAP, CONSENT)
    people.note([a_consent("ann"), a_consent("", HOME)])
    permit = ledger.permit(a_call("a1", "ann", HOME))
    assert isinstance(permit, Permit)
    ledger.spend(permit.permit_id)
    clock.advance(timedelta(hours=1))
    people.note([reassigned_event(clock.now(), HOME, source="carrier")])
    refused = ledger.permit(a_call("z1", "zoe", HOME))
    assert isinstance(refused, Refusal)
    assert [reason.rule for reason in refused.reasons] == ["consent"]  # the cap no longer counts what rang at ann
    people.note([a_consent("zoe", at=clock.now())])
    assert isinstance(ledger.permit(a_call("z2", "zoe", HOME)), Permit)


def test_times_that_a_person_called_inconvenient_are_closed(engine: Engine, clock: ManualClock, people: People) -> None:
    packs = [*load_packs(("us-reg-f",), Path()), parse_pack(pack_text(DNC), "test")]
    ledger = Ledger(engine, clock, packs, timedelta(seconds=10))
    call = Candidate("a1", "ann", HOME, "spring", "acme", "solar", purpose="debt_collection", caller_id=SHOWN)
    assert why(ledger.permit(call)) == ""
    people.note([inconvenient_event(NOON - DAY, "ann", "", times="mon-fri 09:00-17:00", source="call")])
    refused = ledger.permit(Candidate("a2", "ann", HOME, "spring", "acme", "solar", purpose="debt_collection", caller_id=SHOWN))
    assert isinstance(refused, Refusal)
    assert refused.retry_at == NOON + timedelta(hours=5)


def test_a_limit_by_debt_alone_counts_the_calls_of_all_who_owe_it_and_the_permits_that_are_out(
    engine: Engine, clock: ManualClock
) -> None:
    ledger = a_ledger(engine, clock, CAP.replace('"person"', '"debt"'))
    first = ledger.permit(replace(a_call("a1", "ann", HOME), debt="d1"))
    assert isinstance(first, Permit)
    assert "1 of at most 1" in why(ledger.permit(replace(a_call("b1", "bob", MOBILE), debt="d1")))  # ann's permit may ring
    assert isinstance(ledger.permit(replace(a_call("b2", "bob", MOBILE), debt="d2")), Permit)
    ledger.spend(first.permit_id)
    clock.advance(timedelta(minutes=1))
    assert "1 of at most 1" in why(ledger.permit(replace(a_call("b3", "bob", MOBILE), debt="d1")))
    assert isinstance(ledger.permit(replace(a_call("c1", "cai", OFFICE), debt="d3")), Permit)


# --- our own lists ----------------------------------------------------------------------------------------------------


def test_a_temporary_block_ends_by_itself_and_a_longer_one_takes_its_place(engine: Engine, clock: ManualClock) -> None:
    ledger = a_ledger(engine, clock)
    ledger.suppress(person="ann", reason="on holiday", source="call", until=NOON + DAY)
    ledger.suppress(person="ann", reason="still on holiday", source="call", until=NOON + timedelta(hours=1))  # ends earlier
    refused = ledger.permit(a_call("a1"))
    assert isinstance(refused, Refusal)
    assert refused.retry_at == NOON + DAY
    ledger.suppress(person="ann", reason="in hospital", source="call", until=NOON + 2 * DAY)
    clock.advance(DAY)
    refused = ledger.permit(a_call("a2"))
    assert isinstance(refused, Refusal)
    assert refused.retry_at == NOON + 2 * DAY
    clock.advance(DAY)
    assert isinstance(ledger.permit(a_call("a3")), Permit)
    assert ledger.suppressed(HOME, "ann") is None
    assert ledger.verify_chain().intact


def test_an_entry_for_one_campaign_or_one_seller_binds_only_that(engine: Engine, clock: ManualClock) -> None:
    ledger = a_ledger(engine, clock)
    ledger.suppress(number=HOME, reason="asked", source="call", campaign="spring")
    ledger.suppress(person="bob", reason="asked", source="call", seller="others")
    assert "do-not-call" in why(ledger.permit(a_call("a1", "ann", HOME, "spring")))
    assert isinstance(ledger.permit(a_call("a2", "ann", HOME, "autumn")), Permit)
    assert isinstance(ledger.permit(a_call("b1", "bob", MOBILE)), Permit)
    assert ledger.suppressed(HOME, "", campaign="autumn") is None
    assert ledger.suppressed(HOME, "") is not None  # of which campaign is not said: it may be that one


def test_litigators_are_a_list_of_our_own(engine: Engine, clock: ManualClock) -> None:
    ledger = a_ledger(engine, clock, SUED)
    assert isinstance(ledger.permit(a_call("a1")), Permit)
    ledger.import_suppressions([Suppression(NOON, "sued over a call", "lawyers", MOBILE, None, LITIGATORS)])
    assert "litigators" in why(ledger.permit(a_call("a2", "zoe", MOBILE)))


# --- lists of others --------------------------------------------------------------------------------------------------


def test_nobody_is_rung_without_a_copy_of_the_list_or_by_one_that_is_too_old(engine: Engine, clock: ManualClock) -> None:
    ledger, lists = a_ledger(engine, clock, LISTED), DncLists(engine, clock)
    assert "nothing is known of the do-not-call list us.national_dnc" in why(ledger.permit(a_call("a1")))
    copy = lists.load("us.national_dnc", [MOBILE, OFFICE, MOBILE], NOON - 31 * DAY, "file.txt")
    assert (copy.rows, copy.as_of) == (2, NOON - 31 * DAY)
    assert isinstance(ledger.permit(a_call("a2", "ann", HOME)), Permit)
    assert "us.national_dnc do-not-call list" in why(ledger.permit(a_call("b1", "bob", MOBILE)))
    clock.advance(timedelta(seconds=1))
    assert "is 31 days old" in why(ledger.permit(a_call("z1", "zoe", "+13475550103")))
    lists.load("us.national_dnc", [HOME], clock.now(), "newer.txt")
    assert isinstance(ledger.permit(a_call("b2", "bob", MOBILE)), Permit)
    assert (lists.holds("us.national_dnc", HOME), lists.holds("us.national_dnc", MOBILE)) == (True, False)
    assert ledger.verify_chain().intact


def test_a_relation_exempts_from_the_list_for_as_long_as_the_rule_says(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger, lists = a_ledger(engine, clock, LISTED), DncLists(engine, clock)
    lists.load("us.national_dnc", [HOME], NOON, "file.txt")
    people.note([relation_event("ann", Relation("purchase", datetime(2024, 12, 15, 12, tzinfo=UTC), "acme"), source="shop")])
    assert isinstance(ledger.permit(a_call("a1")), Permit)
    clock.advance(DAY)
    assert "do-not-call" in why(ledger.permit(a_call("a2")))


def test_a_copy_that_breaks_off_leaves_the_old_one_in_force_and_is_cleared_away_later(engine: Engine, clock: ManualClock) -> None:
    lists = DncLists(engine, clock)
    first = lists.load("us.national_dnc", [HOME], NOON, "file.txt")

    def cut_off() -> Iterator[str]:
        yield from (f"+1646555{index:04d}" for index in range(6000))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        lists.load("us.national_dnc", cut_off(), NOON, "half.txt")
    assert lists.copies() == [first]
    assert lists.holds("us.national_dnc", HOME)
    assert not lists.holds("us.national_dnc", "+16465550001")
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(dnc_number)).scalar_one() == 5001  # what the crash left
    second = lists.load("us.national_dnc", [MOBILE], NOON, "file2.txt")
    assert lists.copies() == [second]
    with reading(engine) as connection:
        assert connection.execute(select(dnc_number.c.number)).scalars().all() == [MOBILE]
        assert connection.execute(select(func.count()).select_from(dnc_list)).scalar_one() == 1


@pytest.mark.parametrize(
    ("name", "numbers", "as_of", "fault"),
    [
        ("internal", [HOME], NOON, "a list of our own"),
        ("us.national_dnc", [HOME], NOON + DAY, "is not there yet"),
        ("us.national_dnc", [HOME], NOON - 2 * DAY, "this one is older"),
        ("us.national_dnc", [HOME, "2125550100"], NOON, "E.164"),
        ("us.national_dnc", [], NOON, "no number in file.txt"),
    ],
)
def test_a_copy_that_cannot_be_right_does_not_come_into_force(
    engine: Engine, clock: ManualClock, name: str, numbers: list[str], as_of: datetime, fault: str
) -> None:
    lists = DncLists(engine, clock)
    before = lists.load("us.national_dnc", [MOBILE], NOON - DAY, "first.txt")
    with pytest.raises(ValueError, match=fault):
        lists.load(name, numbers, as_of, "file.txt")
    assert lists.copies() == [before]


def test_of_two_copies_that_are_read_at_once_the_one_begun_later_comes_into_force(engine: Engine, clock: ManualClock) -> None:
    lists = DncLists(engine, clock)
    inner: list[ListCopy] = []

    def slow() -> Iterator[str]:
        yield HOME
        inner.append(lists.load("us.national_dnc", [MOBILE], NOON, "second.txt"))

    with pytest.raises(ValueError, match="another copy was begun"):
        lists.load("us.national_dnc", slow(), NOON, "first.txt")
    assert lists.copies() == inner
    with reading(engine) as connection:
        assert connection.execute(select(dnc_number.c.number)).scalars().all() == [MOBILE]


# --- what time it is --------------------------------------------------------------------------------------------------


def test_a_clock_that_was_put_back_stops_dialing_until_it_has_caught_up(
    engine: Engine, clock: ManualClock, people: People
) -> None:
    ledger = a_ledger(engine, clock)
    people.note([a_consent()])
    behind = a_ledger(engine, ManualClock(NOON - timedelta(seconds=90)))
    with pytest.raises(ClockAdrift, match="it was put back"):
        behind.permit(a_call("a1"))
    little = a_ledger(engine, ManualClock(NOON - timedelta(seconds=1))).permit(a_call("a2"))
    assert isinstance(little, Permit)
    assert little.granted_at == NOON  # never dated before what is in the ledger
    assert isinstance(ledger.permit(a_call("a3")), Permit)


def test_rows_are_never_dated_before_those_they_follow(engine: Engine, clock: ManualClock) -> None:
    late, early = People(engine, clock), People(engine, ManualClock(NOON - timedelta(minutes=5)))
    late.note([a_consent("ann")])
    early.note([a_consent("bob")])
    with reading(engine) as connection:
        recorded = connection.execute(select(Base.metadata.tables["ledger"].c.recorded_at)).scalars().all()
    assert recorded == [NOON, NOON]


@pytest.mark.postgresql
def test_nodes_that_share_a_server_decide_by_its_clock_and_refuse_while_theirs_is_adrift(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("a file has no clock of its own")
    with writing(engine) as connection:
        there: datetime = connection.execute(select(func.clock_timestamp())).scalar_one().astimezone(UTC)
    packs = [parse_pack(pack_text(DNC), "test")]
    for skew, adrift in ((timedelta(minutes=-5), True), (timedelta(seconds=90), True), (timedelta(seconds=1), False)):
        ledger = Ledger(engine, ManualClock(there + skew), packs, timedelta(seconds=10), one_time_for_all=True)
        if adrift:
            with pytest.raises(ClockAdrift, match="set it right first"):
                ledger.permit(a_call(f"a{skew}"))
        else:
            granted = ledger.permit(a_call(f"a{skew}"))
            assert isinstance(granted, Permit)
            assert there <= granted.granted_at < there + timedelta(minutes=1)
