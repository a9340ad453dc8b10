"""Decisions of a real ledger are made again, and bundles of it are proven, on SQLite and on PostgreSQL."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from compliance.evidence import Evidence, bundle, packed, unpacked
from compliance.evidence_check import Checked, check_bundle
from compliance.evidence_rows import NothingKept, Wanted, about_attempt, about_person, decisions, replays
from compliance.facts import Consent, EventKind
from compliance.kept import versions
from compliance.listed import DncLists
from compliance.packs import parse_pack
from compliance.people import People
from compliance.signing import fingerprint, public_half, sign
from compliance.standing import consent_event
from compliance.store import Ledger
from compliance.tables import kept_text
from compliance.tables import ledger as ledger_table
from compliance.tables import permit as permit_table
from compliance.verdict import Candidate, Permit, Refusal
from config.clock import ManualClock
from config.database import reading, writing
from tests.kept_decisions import PACK

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
LIFETIME = timedelta(seconds=10)
ANNS, BOBS, SHARED = "+12125550100", "+12125550101", "+12125550199"
HOMES = {"ann": (ANNS, SHARED), "bob": (BOBS, SHARED)}
SEED = bytes(range(32))
PUBLIC = public_half(SEED)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock, [parse_pack(PACK, "test")], LIFETIME)


def a_call(attempt_id: str, person: str, number: str, *, purpose: str = "sales", technology: str = "manual") -> Candidate:
    ring_for = timedelta(seconds=25)
    return Candidate(attempt_id, person, number, "spring", "acme", "solar", purpose, ring_for=ring_for, technology=technology)


def rung(ledger: Ledger, attempt_id: str, person: str, number: str, came_of_it: EventKind, at: datetime) -> None:
    permit = ledger.permit(a_call(attempt_id, person, number))
    assert isinstance(permit, Permit), permit
    ledger.spend(permit.permit_id)
    ledger.record(attempt_id, came_of_it, at)


def signed(evidence: Evidence) -> dict[str, bytes]:
    files = bundle(evidence, PUBLIC, fingerprint(PUBLIC), lambda text: sign(SEED, text))
    assert unpacked(packed(files)) == files
    return files


def checked(files: dict[str, bytes]) -> Checked:
    return check_bundle(files, versions(), PUBLIC)


def test_200_random_decisions_come_out_the_same(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    chance = random.Random(11)
    people, lists = People(engine, clock), DncLists(engine, clock)
    lists.load("fr.bloctel", [SHARED], NOON - timedelta(days=3), "the register")
    made = 0
    while made < 200:
        clock.advance(timedelta(minutes=chance.randrange(1, 120), microseconds=chance.randrange(10**6)))
        person = f"p{chance.randrange(12)}"
        number = chance.choice([SHARED, f"+1212555{1000 + int(person[1:])}"])
        asked = {"purpose": chance.choice(["sales", "research"]), "technology": chance.choice(["manual", "prerecorded"])}
        verdict = ledger.permit(a_call(f"a{made}", person, number, **asked))
        made += 1
        if isinstance(verdict, Permit) and chance.random() < 0.7:
            ledger.spend(verdict.permit_id)
            ledger.record(
                f"a{made - 1}", chance.choice([EventKind.UNANSWERED, EventKind.REFUSAL, EventKind.NOT_RUNG]), clock.now()
            )
        if chance.random() < 0.05:
            until = clock.now() + timedelta(hours=chance.randrange(1, 50)) if chance.random() < 0.9 else None
            ledger.suppress(number, person, reason="asked", source="desk", until=until)
        if chance.random() < 0.1:
            given = Consent("express", clock.now(), person, number, frozenset({"voice"}), "acme", source="form")
            people.note([consent_event(given)])
    with reading(engine) as connection:
        found = list(replays(connection, decisions(connection, Wanted())))
    assert Counter(one.attempt_id for one, _ in found) == Counter(f"a{number}" for number in range(200))
    assert [again.differences for _, again in found if not again.same] == []
    assert min(Counter(one.verdict_kind for one, _ in found).values()) >= 20


def test_a_bundle_about_a_call_holds_the_decision_the_rows_it_used_and_what_came_of_it(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    clock.advance(timedelta(hours=1))
    rung(ledger, "a2", "ann", ANNS, EventKind.REFUSAL, NOON)
    evidence = about_attempt(engine, "a2", clock.now())
    assert [row.seq for row in evidence.rows] == [1, 2, 3, 4]
    assert [(one.attempt_id, one.verdict_kind, one.used, one.replayed) for one in evidence.judgements] == [
        ("a2", "permit", (1, 2), ())
    ]
    result = checked(signed(evidence))
    assert (result.findings, result.replayed) == ((), 1)


def test_a_refused_call_has_its_bundle_as_well(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    ledger.suppress(ANNS, reason="asked", source="desk")
    assert isinstance(ledger.permit(a_call("a1", "ann", ANNS)), Refusal)
    result = checked(signed(about_attempt(engine, "a1", clock.now())))
    assert (result.findings, result.rows, result.replayed) == ((), 1, 1)


def test_the_complaint_of_one_person_shows_no_row_of_another(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    for number, person in enumerate(["ann", "bob", "ann", "bob"]):
        rung(ledger, f"a{number}", person, HOMES[person][number // 2], EventKind.UNANSWERED, clock.now())
        clock.advance(timedelta(hours=24))
    held = ledger.permit(a_call("held", "bob", SHARED))  # a reservation of bob's that counts for ann, too
    assert isinstance(held, Permit), held
    ledger.permit(a_call("next", "ann", SHARED))
    files = signed(about_person(engine, "ann", clock.now()))
    whole = b"".join(files.values())
    for secret in ("bob", BOBS, "a1", "a3", "held"):
        assert f'"{secret}"'.encode() not in whole
        assert f'\\"{secret}\\"'.encode() not in whole
    result = checked(files)
    assert result.sound
    assert any("are about other people" in note for note in result.notes)
    assert any("kept back, for it names other people; the maker replayed it: identical" in note for note in result.notes)


def test_why_somebody_else_is_not_to_be_called_is_not_told_to_who_shares_the_telephone(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    ledger.suppress(SHARED, "bob", reason="bob is ill", source="bob's sister")
    assert isinstance(ledger.permit(a_call("next", "ann", SHARED)), Refusal)
    files = signed(about_person(engine, "ann", clock.now()))
    assert b"bob is ill" not in b"".join(files.values())
    assert b"sister" not in b"".join(files.values())
    assert checked(files).sound


def test_a_complaint_without_the_decision_about_a_call_that_was_placed_is_told(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    clock.advance(timedelta(hours=1))
    rung(ledger, "a2", "ann", ANNS, EventKind.UNANSWERED, NOON)
    whole = about_person(engine, "ann", clock.now())
    (finding,) = checked(signed(replace(whole, judgements=whole.judgements[:1]))).findings
    assert (finding.file, finding.text) == ("decisions.json", "the decision about attempt a2 is not there")


def test_a_complaint_holds_what_is_known_of_the_persons_numbers_alone(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    ledger.suppress(ANNS, reason="asked", source="desk")
    ledger.suppress(BOBS, reason="asked", source="desk")
    bodies = [row.body for row in about_person(engine, "ann", clock.now()).rows]
    assert [ANNS in body for body in bodies] == [True, True, True]
    assert not any(BOBS in body for body in bodies)


def test_what_nobody_knows_has_no_bundle(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    with pytest.raises(NothingKept, match="'a9'"):
        about_attempt(engine, "a9", clock.now())
    with pytest.raises(NothingKept, match="'zoe'"):
        about_person(engine, "zoe", clock.now())


def test_a_kept_pack_that_was_altered_is_named(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    with writing(engine) as connection:
        connection.execute(update(kept_text).where(kept_text.c.kind == "pack").values(text=PACK.replace("max = 2", "max = 7")))
    (told,) = about_attempt(engine, "a1", clock.now()).judgements
    assert told.replayed[0].startswith("rule pack test 1 (sha256 ")
    assert "its text differs" in told.replayed[0]
    assert not checked(signed(about_attempt(engine, "a1", clock.now()))).sound


def test_a_kept_calendar_that_is_gone_is_named(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    with writing(engine) as connection:
        connection.execute(kept_text.delete().where(kept_text.c.kind == "calendar"))
    (told,) = about_attempt(engine, "a1", clock.now()).judgements
    assert told.replayed[0].startswith("calendar (sha256 ")


def test_a_row_that_was_altered_in_the_database_is_found_in_the_bundle(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    rung(ledger, "a2", "ann", ANNS, EventKind.UNANSWERED, NOON)
    with writing(engine) as connection:
        connection.execute(update(ledger_table).where(ledger_table.c.seq == 2).values(kind="not_rung"))
    result = checked(signed(about_attempt(engine, "a1", clock.now())))
    assert any("row 2: is not in the ledger" in finding.text for finding in result.findings)


def test_a_decision_that_was_altered_in_the_database_does_not_come_out_the_same(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    with writing(engine) as connection:
        text = connection.execute(permit_table.select()).mappings().one()["decision"]
        earlier = text.replace('"at":"2026-06-15T16:', '"at":"2026-06-15T03:')
        connection.execute(update(permit_table).values(decision=earlier))
    (told,) = about_attempt(engine, "a1", clock.now()).judgements
    assert any(one.startswith("reason added: hours: ") for one in told.replayed)


def test_a_decision_from_before_anything_was_kept_says_so(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    with writing(engine) as connection:
        connection.execute(update(permit_table).values(decision=""))
    (told,) = about_attempt(engine, "a1", clock.now()).judgements
    assert told.replayed == ("nothing was kept of what it was decided from",)


def test_decisions_are_read_in_pages_and_none_is_missed_or_doubled(
    ledger: Ledger, engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compliance.evidence_rows._AT_ONCE", 3)
    for number in range(10):  # all at one time: the page ends between equals
        ledger.permit(a_call(f"a{number}", f"p{number % 2}", f"+1212555{1000 + number % 2}"))
    with reading(engine) as connection:
        found = [one.attempt_id for one in decisions(connection, Wanted())]
        some = [one.attempt_id for one in decisions(connection, Wanted(person="p1", campaign="spring", since=NOON))]
        none = list(decisions(connection, Wanted(until=NOON)))
    assert sorted(found) == [f"a{number}" for number in range(10)]
    assert sorted(some) == ["a1", "a3", "a5", "a7", "a9"]
    assert none == []


def test_the_kept_calendar_is_the_one_that_decided(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    rung(ledger, "a1", "ann", ANNS, EventKind.UNANSWERED, NOON)
    evidence = about_attempt(engine, "a1", clock.now())
    assert ['"name":"FR"' in text for text in evidence.calendars.values()] == [True]
