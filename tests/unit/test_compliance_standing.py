"""How a person stands to us, read back from the events: what was allowed and taken back, relations, inconvenient times."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from compliance.daykinds import Calendar
from compliance.facts import Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression, Vouched
from compliance.standing import (
    bans_of,
    consent_event,
    consents_of,
    gathered,
    identified,
    inconvenient_event,
    reassigned_event,
    relation_event,
    relations_of,
    withdrawal_event,
)
from compliance.windows import DayPlan, Hours

HOME, MOBILE = "+12125550100", "+19175550101"
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARIS = timezone(timedelta(hours=2))
GIVEN = Consent(
    "express",
    NOON,
    "ann",
    HOME,
    frozenset({"voice", "marketing"}),
    "acme",
    "spring",
    "solar",
    source="web form",
    proof="a" * 64,
    expires_at=NOON + timedelta(days=30),
)


def read_back(*events: LedgerEvent, number: str = HOME) -> tuple[Consent, ...]:
    return consents_of(events, number)


def test_a_consent_is_read_as_it_was_written() -> None:
    written = consent_event(GIVEN, file="forms/ann.pdf")
    assert read_back(written) == (GIVEN,)
    assert (written.kind, written.at, written.person, written.number) == (EventKind.CONSENT, NOON, "ann", HOME)
    assert (written.seller, written.campaign, written.subject, written.zones) == ("acme", "spring", "solar", ())
    assert written.facts == (
        ("expires_at", "2026-07-15T16:00:00+00:00"),
        ("file", "forms/ann.pdf"),
        ("level", "express"),
        ("proof", "a" * 64),
        ("scope", "marketing voice"),
        ("source", "web form"),
    )


def test_a_consent_of_few_words_says_no_more_than_they_do() -> None:
    bare = Consent("implied", NOON, "ann")
    written = consent_event(bare)
    assert written.facts == (("level", "implied"), ("scope", ""))
    assert (written.seller, written.campaign, written.subject, written.number) == ("", "", "", "")
    assert read_back(written) == (bare,)


def test_what_is_open_is_written_as_nothing_and_read_as_open() -> None:
    open_to_all = replace(GIVEN, number="*", campaign="*", subject="*")
    written = consent_event(open_to_all)
    assert (written.number, written.campaign, written.subject) == ("", "", "")
    assert read_back(written) == (replace(open_to_all, number=""),)


def test_an_expiry_is_written_in_utc_wherever_it_was_set() -> None:
    expires = datetime(2026, 7, 1, 2, tzinfo=PARIS)
    written = consent_event(replace(GIVEN, expires_at=expires))
    assert dict(written.facts)["expires_at"] == "2026-07-01T00:00:00+00:00"
    assert read_back(written)[0].expires_at == expires


@pytest.mark.parametrize("level", ["", "spoken", "Express", "x" * 61])
def test_a_level_that_is_none_is_refused_with_those_that_are(level: str) -> None:
    with pytest.raises(ValueError, match="level") as caught:
        consent_event(replace(GIVEN, level=level))
    assert str(caught.value) == f"{level[:60]!r} is no level of consent: use implied, express, specific, direct, written"


def a_raw_consent(**facts: str) -> LedgerEvent:
    return LedgerEvent(EventKind.CONSENT, NOON, "ann", HOME, "", "", "", facts=tuple(facts.items()))


@pytest.mark.parametrize("facts", [{}, {"level": ""}, {"level": "spoken"}])
def test_a_consent_in_the_ledger_without_a_level_is_not_guessed(facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^a consent needs a level: implied, express, specific, direct, written$"):
        read_back(a_raw_consent(**facts))


def test_an_expiry_that_does_not_say_its_offset_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="offset") as caught:
        read_back(a_raw_consent(level="express", expires_at="2026-07-01T00:00:00"))
    assert str(caught.value) == "'2026-07-01T00:00:00' must say its offset from UTC, such as Z or +02:00"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        read_back(a_raw_consent(level="express", expires_at="tomorrow"))
    (read,) = read_back(a_raw_consent(level="express", expires_at="2026-07-01T02:00:00+02:00"))
    assert read.expires_at == datetime(2026, 7, 1, tzinfo=UTC)
    assert read.expires_at.tzinfo is UTC


def test_a_consent_of_another_system_is_read_as_far_as_it_says() -> None:
    (read,) = read_back(a_raw_consent(level="express"))
    assert read == Consent("express", NOON, "ann", HOME, frozenset({"*"}), seller="")
    (named,) = read_back(a_raw_consent(level="express", scope="voice+marketing time_of_day", source="crm", proof="b"))
    assert (named.scope, named.source, named.proof) == (frozenset({"voice", "marketing", "time_of_day"}), "crm", "b")
    (for_any,) = consents_of((a_raw_consent(level="express"),), HOME, any_seller=True)
    assert for_any.seller == "*"
    (bound,) = consents_of((consent_event(GIVEN),), HOME, any_seller=True)
    assert bound.seller == "acme"


def test_without_a_consent_there_is_none() -> None:
    assert read_back() == ()
    assert read_back(withdrawal_event(NOON, "ann", HOME, source="letter")) == ()


@pytest.mark.parametrize(
    ("person", "number", "seller", "taken_back"),
    [
        ("ann", "", "", True),
        ("ann", HOME, "acme", True),
        ("ann", MOBILE, "", True),
        ("bob", HOME, "", True),  # whoever is on the number
        ("", HOME, "", True),
        ("bob", MOBILE, "", False),
        ("", MOBILE, "", False),
        ("ann", HOME, "other", False),
    ],
)
def test_a_withdrawal_takes_back_what_the_person_or_the_number_allowed_that_seller(
    person: str, number: str, seller: str, taken_back: bool
) -> None:
    ends = withdrawal_event(NOON + HOUR, person, number, seller=seller, source="letter")
    (read,) = read_back(consent_event(GIVEN), ends)
    assert read.withdrawn_at == (NOON + HOUR if taken_back else None)


def test_the_first_end_after_a_consent_ends_it_and_none_before_it_does() -> None:
    ends = [withdrawal_event(NOON + after, "ann", "", source="letter") for after in (-HOUR, 3 * HOUR, 2 * HOUR)]
    (read,) = read_back(*ends, consent_event(GIVEN))
    assert read.withdrawn_at == NOON + 2 * HOUR
    (at_once,) = read_back(consent_event(GIVEN), withdrawal_event(NOON, "ann", "", source="letter"))
    assert at_once.withdrawn_at == NOON


def test_an_opt_out_takes_back_every_sellers_consent() -> None:
    opted_out = LedgerEvent(EventKind.OPT_OUT, NOON + HOUR, "ann", HOME, "", "other", "")
    (read,) = read_back(consent_event(GIVEN), opted_out)
    assert read.withdrawn_at == NOON + HOUR
    called = replace(opted_out, kind=EventKind.CONVERSATION)
    (kept,) = read_back(consent_event(GIVEN), called)
    assert kept.withdrawn_at is None


def test_a_consent_of_nobody_known_is_not_taken_back_by_nobody() -> None:
    by_number = consent_event(replace(GIVEN, person=""))
    by_person = consent_event(replace(GIVEN, number=""))
    (read,) = read_back(by_number, withdrawal_event(NOON + HOUR, "", MOBILE, source="x"))
    assert read.withdrawn_at is None
    (read,) = read_back(by_person, withdrawal_event(NOON + HOUR, "bob", "", source="x"))
    assert read.withdrawn_at is None


def test_what_the_owner_before_allowed_is_not_the_next_ones() -> None:
    given = consent_event(GIVEN)
    moved = [reassigned_event(NOON + after, HOME, source="carrier") for after in (-HOUR, HOUR)]
    assert read_back(given, moved[0]) == (GIVEN,)
    assert read_back(given, *moved) == read_back(given, *reversed(moved)) == ()
    assert read_back(given, reassigned_event(NOON + HOUR, MOBILE, source="carrier")) == (GIVEN,)
    assert read_back(given, reassigned_event(NOON, HOME, source="carrier")) == (GIVEN,)


def test_a_new_owners_number_is_told_with_its_source() -> None:
    moved = reassigned_event(NOON, HOME, source="carrier")
    assert (moved.kind, moved.at, moved.person, moved.number) == (EventKind.REASSIGNED, NOON, "", HOME)
    assert moved.facts == (("source", "carrier"),)


def test_a_withdrawal_is_told_with_its_source() -> None:
    ends = withdrawal_event(NOON, "ann", HOME, seller="acme", source="letter")
    assert (ends.kind, ends.at, ends.person, ends.number, ends.seller) == (EventKind.WITHDRAWAL, NOON, "ann", HOME, "acme")
    assert ends.facts == (("source", "letter"),)
    assert withdrawal_event(NOON, "ann", HOME, source="letter").seller == ""


def test_a_relation_is_read_as_it_was_written() -> None:
    bought = Relation("purchase", NOON, "acme", "solar")
    written = relation_event("ann", bought, source="orders")
    assert (written.kind, written.at, written.person, written.number) == (EventKind.RELATION, NOON, "ann", "")
    assert written.facts == (("relation", "purchase"), ("source", "orders"))
    assert relations_of((consent_event(GIVEN), written)) == (bought,)


def test_inconvenient_times_are_bans_and_without_times_the_number_is_the_place() -> None:
    at_work = inconvenient_event(NOON, "ann", "", times="mon-fri 09:00-17:00", source="call")
    office = inconvenient_event(NOON, "ann", MOBILE, source="call")
    assert at_work.facts == (("days", "mon-fri"), ("hours", "09:00-17:00"), ("source", "call"))
    assert (office.kind, office.person, office.number, office.facts) == (
        EventKind.INCONVENIENT,
        "ann",
        MOBILE,
        (("source", "call"),),
    )
    ban = DayPlan(frozenset(range(5)), permits=False, hours=(Hours(9 * 60, 17 * 60),))
    assert bans_of((consent_event(GIVEN), at_work, office)) == ((ban,), (MOBILE,))


@pytest.mark.parametrize("times", ["mon-fri", "09:00-17:00", "mon-fri 9-17", "someday 09:00-17:00"])
def test_times_that_cannot_be_read_are_refused_before_they_are_written(times: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        inconvenient_event(NOON, "ann", HOME, times=times, source="call")


def test_a_time_that_is_told_of_a_number_keeps_the_number() -> None:
    there = inconvenient_event(NOON, "ann", MOBILE, times="sat 00:00-24:00", source="call")
    assert (there.person, there.number, there.at) == ("ann", MOBILE, NOON)


def test_what_is_not_said_of_an_event_is_empty() -> None:
    ends = withdrawal_event(NOON, "ann", HOME, source="letter")
    assert (ends.campaign, ends.seller, ends.subject, ends.debt, ends.creditor, ends.zones) == ("", "", "", "", "", ())
    at_work = inconvenient_event(NOON, "ann", HOME, source="call")
    assert (at_work.campaign, at_work.seller, at_work.subject) == ("", "", "")


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock is in Tokyo."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_what_is_written_does_not_depend_on_the_clock_of_the_machine() -> None:
    assert dict(consent_event(GIVEN).facts)["expires_at"] == "2026-07-15T16:00:00+00:00"
    assert consent_event(GIVEN).attempt_id == consent_event(replace(GIVEN, given_at=NOON.astimezone(PARIS))).attempt_id
    (read,) = read_back(a_raw_consent(level="express", expires_at="2026-07-01T02:00:00+02:00"))
    assert read.expires_at is not None
    assert read.expires_at.tzinfo is UTC


def test_all_that_was_read_is_handed_to_the_rules() -> None:
    place = inconvenient_event(NOON, "ann", MOBILE, source="call")
    ban = inconvenient_event(NOON, "ann", "", times="sat 00:00-24:00", source="call")
    bought = Relation("purchase", NOON, "acme", "solar")
    moved = reassigned_event(NOON + HOUR, MOBILE, source="carrier")
    events = (place, ban, relation_event("ann", bought, source="orders"), consent_event(GIVEN), moved)
    reserved = LedgerEvent(EventKind.ATTEMPT, NOON, "ann", HOME, "spring", "acme", "solar", "a1")
    entry = Suppression(NOON, "opt_out", "key 9", person="ann")
    copies = (ListState("us.dnc", NOON), ListState("uk.tps", NOON - HOUR))
    calendar = Calendar("US", frozenset({2026}), frozenset())
    vouched = Vouched(frozenset({"guaranteed_agent"}), NOON - 24 * HOUR)
    assert gathered(
        HOME,
        vouched,
        events=events,
        reserved=(reserved,),
        entries=(entry,),
        listed=("uk.tps",),
        numbers=(MOBILE,),
        lists=copies,
        calendars=(calendar,),
    ) == Facts(
        events=(*events, reserved),
        suppressions=(entry, Suppression(NOON - HOUR, "listed", "uk.tps", number=HOME, scope="uk.tps")),
        numbers=(MOBILE,),
        consents=(GIVEN,),
        relations=(bought,),
        grounds=frozenset({"guaranteed_agent"}),
        lists=copies,
        calendars=(calendar,),
        inconvenient_times=(DayPlan(frozenset({5}), permits=False, hours=(Hours(0, 1440),)),),
        inconvenient_numbers=(MOBILE,),
        campaign_start=NOON - 24 * HOUR,
    )
    assert gathered(HOME, Vouched(), events=()) == Facts()
    at_home = reassigned_event(NOON + HOUR, HOME, source="carrier")
    assert gathered(HOME, Vouched(), events=(consent_event(GIVEN), at_home)).consents == ()


def test_whom_an_event_is_about_must_be_said() -> None:
    with pytest.raises(ValueError, match=r"^of whom: give a person, a number or both$"):
        withdrawal_event(NOON, "", "", source="letter")
    with pytest.raises(ValueError, match=r"^what is inconvenient: give times such as 'mon-fri 09:00-17:00', or a number$"):
        inconvenient_event(NOON, "ann", "", source="call")


def test_an_event_told_twice_is_the_same_one_and_any_other_word_makes_another() -> None:
    first = consent_event(GIVEN)
    again = consent_event(replace(GIVEN, given_at=NOON.astimezone(PARIS)))
    assert first.attempt_id == again.attempt_id
    assert first.attempt_id is not None
    assert first.attempt_id.startswith("note-")
    assert len(first.attempt_id) == len("note-") + 40
    nameless = replace(first, attempt_id=None)
    others = [
        replace(nameless, kind=EventKind.RELATION),
        replace(nameless, at=NOON + timedelta(microseconds=1)),
        replace(nameless, person="bob"),
        replace(nameless, number=MOBILE),
        replace(nameless, campaign="autumn"),
        replace(nameless, seller="other"),
        replace(nameless, subject="wine"),
        replace(nameless, debt="d1"),
        replace(nameless, creditor="bank"),
        replace(nameless, zones=("Europe/Paris",)),
        replace(nameless, facts=()),
    ]
    ids = {identified(one).attempt_id for one in (nameless, *others)}
    assert len(ids) == len(others) + 1
    assert first.attempt_id in ids


def test_an_event_that_has_an_id_keeps_it() -> None:
    named = replace(consent_event(GIVEN), attempt_id="import-7")
    assert identified(named) is named
