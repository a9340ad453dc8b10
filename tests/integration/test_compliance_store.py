"""The ledger on real databases: one contract, SQLite and PostgreSQL. Races, crashes, repetition and tampering."""

import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from compliance.facts import EventKind, LedgerEvent, Suppression
from compliance.locks import lock_keys
from compliance.packs import Pack, PackError, parse_pack
from compliance.store import Ledger, PermitExpired, PermitSpent, PermitUnknown, PermitVoid, UnknownAttempt
from compliance.tables import ledger as ledger_table
from compliance.tables import permit as permit_table
from compliance.verdict import Candidate, Clearance, Permit, Reason, Refusal
from config.clock import ManualClock, SystemClock
from config.database import open_database, reading, sqlite_url, writing
from tests.pack_texts import DNC, cap_text, pack_text, rule_text

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
LIFETIME = timedelta(seconds=10)
HOME, MOBILE, OFFICE = "+12125550100", "+19175550101", "+16465550102"

CAP = cap_text(3)
HOURS = rule_text("hours", "window", clock="callee", schedule=[{"on": ["*"], "allow": ["08:00-20:00"]}])


def a_pack(*rules: str) -> Pack:
    return parse_pack(pack_text(*(rules or (DNC, CAP))), "test")


def a_candidate(
    attempt_id: str, person: str = "ann", number: str = HOME, campaign: str = "spring", ring_s: float = 25
) -> Candidate:
    return Candidate(attempt_id, person, number, campaign, "acme", "solar", ring_for=timedelta(seconds=ring_s))


def granted(verdict: Permit | Refusal) -> Permit:
    assert isinstance(verdict, Permit), verdict
    return verdict


def refused(verdict: Permit | Clearance | Refusal) -> tuple[Reason, ...]:
    assert isinstance(verdict, Refusal), verdict
    return verdict.reasons


# --- the databases ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger_url(engine: Engine, database_url: str) -> str:
    """The URL of the database that `engine` has open, with the tables of Ringfence, on SQLite and on PostgreSQL in turn."""
    return database_url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock, [a_pack()], LIFETIME)


def sent(ledger: Ledger, attempt_id: str, person: str = "ann", number: str = HOME) -> Permit:
    permit = granted(ledger.permit(a_candidate(attempt_id, person, number)))
    ledger.spend(permit.permit_id)
    return permit


def kinds(events: list[LedgerEvent]) -> list[EventKind]:
    return [event.kind for event in events]


# --- permits ----------------------------------------------------------------------------------------------------------


def test_a_permit_is_committed_and_lives_for_its_lifetime(ledger: Ledger, engine: Engine) -> None:
    permit = granted(ledger.permit(a_candidate("a1")))
    assert (permit.granted_at, permit.expires_at) == (NOON, NOON + LIFETIME)
    assert permit.packs == (a_pack().ref,)
    with reading(engine) as connection:
        assert connection.execute(select(permit_table.c.permit_id)).scalars().all() == [permit.permit_id]
    assert ledger.history("ann") == []  # a permit is no attempt


def test_a_permit_ends_early_enough_to_ring_out_before_the_window_ends(engine: Engine) -> None:
    closing = datetime(2026, 6, 16, 0, tzinfo=UTC)  # 20:00 in New York
    clock = ManualClock(closing - timedelta(seconds=30))
    ledger = Ledger(engine, clock, [a_pack(DNC, HOURS)], LIFETIME)
    permit = granted(ledger.permit(a_candidate("a1", ring_s=25)))
    assert permit.expires_at == closing - timedelta(seconds=25)
    clock.advance(timedelta(seconds=5))
    with pytest.raises(PermitExpired):
        ledger.spend(permit.permit_id)


def test_a_refusal_is_kept_with_all_its_reasons_and_is_no_attempt(ledger: Ledger) -> None:
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt)
    ledger.suppress(person="ann", reason="letter", source="desk")
    verdict = ledger.permit(a_candidate("a4"))
    assert [reason.rule for reason in refused(verdict)] == ["dnc", "cap"]
    assert ledger.refusals_of("ann") == [verdict]
    assert ledger.events_of("a4") == []


def test_a_preview_says_the_same_and_writes_nothing(ledger: Ledger) -> None:
    assert isinstance(ledger.preview(a_candidate("a1")), Clearance)
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt)
    previewed = ledger.preview(a_candidate("a4"))
    assert ledger.refusals_of("ann") == []
    assert previewed == ledger.permit(a_candidate("a4"))


def test_an_attempt_does_not_stand_in_its_own_way(ledger: Ledger) -> None:
    for attempt in ("a1", "a2", "a3"):
        granted(ledger.permit(a_candidate(attempt)))
    assert isinstance(ledger.preview(a_candidate("a3")), Clearance)
    assert refused(ledger.preview(a_candidate("a4")))


def test_a_permit_can_be_spent_once(ledger: Ledger) -> None:
    permit = sent(ledger, "a1")
    with pytest.raises(PermitSpent):
        ledger.spend(permit.permit_id)
    assert kinds(ledger.events_of("a1")) == [EventKind.ATTEMPT]
    assert dict(ledger.events_of("a1")[0].facts)["permit_id"] == permit.permit_id


def test_a_permit_cannot_be_spent_at_its_end_nor_before_its_start(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    permit = granted(ledger.permit(a_candidate("a1")))
    put_back = Ledger(engine, ManualClock(NOON - timedelta(seconds=90)), [a_pack()], LIFETIME)
    with pytest.raises(PermitExpired):
        put_back.spend(permit.permit_id)
    clock.advance(LIFETIME)
    with pytest.raises(PermitExpired):
        ledger.spend(permit.permit_id)
    assert ledger.history("ann") == []


def test_what_is_no_permit_cannot_be_spent(ledger: Ledger) -> None:
    with pytest.raises(PermitUnknown):
        ledger.spend("0" * 32)


def test_asking_again_for_the_same_attempt_gives_the_same_permit(ledger: Ledger, clock: ManualClock) -> None:
    permit = sent(ledger, "a1")
    clock.advance(timedelta(hours=1))
    assert ledger.permit(a_candidate("a1")) == permit
    assert len(ledger.history("ann")) == 1
    with pytest.raises(ValueError, match="for another call"):
        ledger.permit(a_candidate("a1", number=MOBILE))


@pytest.mark.parametrize(
    ("candidate", "fault"),
    [
        (a_candidate("a1", number="2125550100"), "E.164"),
        (a_candidate("a1", person=""), "to somebody"),
        (a_candidate("a1", ring_s=0), "must ring"),
    ],
)
def test_a_call_that_could_not_be_counted_or_guarded_is_a_bug(ledger: Ledger, candidate: Candidate, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ledger.permit(candidate)


def test_packs_that_would_ignore_opt_outs_do_not_start(engine: Engine, clock: ManualClock) -> None:
    by_number_only = DNC.replace('"number", "person"', '"number"')
    for rules in ((CAP,), (by_number_only,)):
        with pytest.raises(PackError, match="ignore opt-outs"):
            Ledger(engine, clock, [a_pack(*rules)], LIFETIME)


# --- what counts ------------------------------------------------------------------------------------------------------


def test_a_reservation_counts_until_it_expires(ledger: Ledger, clock: ManualClock) -> None:
    for attempt in ("a1", "a2", "a3"):
        granted(ledger.permit(a_candidate(attempt)))
    assert refused(ledger.permit(a_candidate("a4")))
    clock.advance(LIFETIME - timedelta(microseconds=1))
    assert refused(ledger.permit(a_candidate("a4")))
    clock.advance(timedelta(microseconds=1))
    granted(ledger.permit(a_candidate("a4")))


def test_a_spent_attempt_counts_to_the_end_of_its_period(ledger: Ledger, clock: ManualClock) -> None:
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt)
    clock.advance(timedelta(hours=24) - timedelta(microseconds=1))
    verdict = ledger.permit(a_candidate("a4"))
    assert isinstance(verdict, Refusal)
    assert verdict.retry_at == NOON + timedelta(hours=24)
    clock.advance(timedelta(microseconds=1))
    granted(ledger.permit(a_candidate("a4")))


def test_an_attempt_that_did_not_ring_is_given_back(ledger: Ledger, clock: ManualClock) -> None:
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt)
    assert ledger.record("a2", EventKind.NOT_RUNG, clock.now(), {"cause": "1"})
    granted(ledger.permit(a_candidate("a4")))
    assert refused(ledger.permit(a_candidate("a5")))


def test_an_attempt_that_rang_cannot_be_given_back(ledger: Ledger, clock: ManualClock) -> None:
    sent(ledger, "a1")
    ledger.record("a1", EventKind.RINGING, clock.now())
    with pytest.raises(ValueError, match="rang"):
        ledger.record("a1", EventKind.NOT_RUNG, clock.now())


def test_caps_hold_over_all_numbers_and_campaigns_of_a_person(ledger: Ledger) -> None:
    sent(ledger, "a1", number=HOME)
    sent(ledger, "a2", number=MOBILE)
    granted(ledger.permit(a_candidate("a3", number=OFFICE, campaign="autumn")))
    assert refused(ledger.permit(a_candidate("a4", campaign="winter")))


def test_a_shared_number_charges_everybody_on_it(ledger: Ledger) -> None:
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt, "ann", HOME)
    assert refused(ledger.permit(a_candidate("b1", "bob", HOME)))
    granted(ledger.permit(a_candidate("b2", "bob", OFFICE)))


def test_once_a_person_was_called_on_a_shared_number_it_is_theirs_wherever_they_are_called(
    ledger: Ledger, clock: ManualClock
) -> None:
    sent(ledger, "b1", "bob", HOME)
    clock.advance(timedelta(days=40))
    for attempt in ("a1", "a2", "a3"):
        sent(ledger, attempt, "ann", HOME)
    assert refused(ledger.permit(a_candidate("b2", "bob", OFFICE)))


# --- what came of it --------------------------------------------------------------------------------------------------


def test_events_are_recorded_once_in_their_order(ledger: Ledger, clock: ManualClock) -> None:
    sent(ledger, "a1")
    rang = clock.advance(timedelta(seconds=2))
    assert ledger.record("a1", EventKind.RINGING, rang)
    assert not ledger.record("a1", EventKind.RINGING, rang + timedelta(seconds=1))
    assert ledger.record("a1", EventKind.CONVERSATION, rang, {"seconds": "31"})
    events = ledger.events_of("a1")
    assert kinds(events) == [EventKind.ATTEMPT, EventKind.RINGING, EventKind.CONVERSATION]
    assert events[1].at == rang
    assert events[2].facts == (("seconds", "31"),)
    assert {event.number for event in events} == {HOME}
    assert ledger.history("ann") == events


def test_nothing_can_come_of_what_was_never_sent(ledger: Ledger, clock: ManualClock) -> None:
    granted(ledger.permit(a_candidate("a1")))
    for attempt in ("a1", "nosuch"):
        with pytest.raises(UnknownAttempt):
            ledger.record(attempt, EventKind.RINGING, clock.now())


@pytest.mark.parametrize("kind", [EventKind.ATTEMPT, EventKind.SUPPRESSED])
def test_only_the_ledger_writes_attempts_and_suppressions(ledger: Ledger, clock: ManualClock, kind: EventKind) -> None:
    sent(ledger, "a1")
    with pytest.raises(ValueError, match="by the ledger itself"):
        ledger.record("a1", kind, clock.now())


@pytest.mark.parametrize("last", [EventKind.UNANSWERED, EventKind.ENDED, EventKind.NOT_RUNG, EventKind.ABANDONED])
def test_an_attempt_is_unresolved_until_its_end_is_known(ledger: Ledger, clock: ManualClock, last: EventKind) -> None:
    permit = sent(ledger, "a1")
    granted(ledger.permit(a_candidate("a2")))
    (attempt,) = ledger.unresolved()
    assert (attempt.attempt_id, attempt.permit_id, attempt.number) == ("a1", permit.permit_id, HOME)
    assert attempt.spent_at == NOON
    ledger.record("a1", last, clock.now())
    assert ledger.unresolved() == []


# --- opt-outs ---------------------------------------------------------------------------------------------------------


def test_an_opt_out_voids_what_is_reserved_and_stops_what_is_queued(ledger: Ledger) -> None:
    reserved = granted(ledger.permit(a_candidate("a1", number=MOBILE, campaign="autumn")))
    ledger.suppress(HOME, "ann", reason="asked", source="agent key")
    with pytest.raises(PermitVoid):
        ledger.spend(reserved.permit_id)
    for number in (HOME, MOBILE, OFFICE):
        assert [reason.rule for reason in refused(ledger.preview(a_candidate("a2", number=number)))] == ["dnc"]
    assert ledger.events_of("a1") == []


def test_an_opt_out_holds_even_where_a_permit_was_not_voided(ledger: Ledger, engine: Engine) -> None:
    reserved = granted(ledger.permit(a_candidate("a1")))
    ledger.suppress(HOME, reason="asked", source="letter")
    with writing(engine) as connection:  # as if the list came back from a backup, and the permit with it
        connection.execute(text("UPDATE permit SET voided_at = NULL"))
    with pytest.raises(PermitVoid):
        ledger.spend(reserved.permit_id)


def test_an_opt_out_in_a_call_takes_effect_with_its_event(ledger: Ledger, clock: ManualClock) -> None:
    sent(ledger, "a1", "ann", HOME)
    reserved = granted(ledger.permit(a_candidate("b1", "bob", HOME)))
    assert ledger.record("a1", EventKind.OPT_OUT, clock.now(), {"key": "9"})
    assert not ledger.record("a1", EventKind.OPT_OUT, clock.now())
    with pytest.raises(PermitVoid):
        ledger.spend(reserved.permit_id)
    assert kinds(ledger.history("ann")) == [EventKind.ATTEMPT, EventKind.OPT_OUT, EventKind.SUPPRESSED]
    assert refused(ledger.permit(a_candidate("a2", "ann", OFFICE)))
    granted(ledger.permit(a_candidate("b2", "bob", MOBILE)))
    entry = ledger.suppressed(HOME, "bob")
    assert entry is not None
    assert (entry.reason, entry.source) == ("opt_out", "attempt a1")
    assert ledger.suppressed(MOBILE, "bob") is None


def test_an_entry_is_kept_as_it_was_first_made(ledger: Ledger, clock: ManualClock) -> None:
    first = ledger.suppress(number=HOME, reason="asked", source="agent key")
    clock.advance(timedelta(days=1))
    assert ledger.suppress(number=HOME, reason="again", source="letter") == first
    assert ledger.suppressed(HOME, "") == first


@pytest.mark.parametrize(
    ("number", "person", "scope", "fault"),
    [
        (None, None, "internal", "a number or a person"),
        ("", "", "internal", "a number or a person"),
        ("2125550100", None, "internal", "E.164"),
        (HOME, None, "campaign", "no do-not-call list of our own is called 'campaign'"),
    ],
)
def test_an_entry_that_would_stop_nobody_is_refused(
    ledger: Ledger, number: str | None, person: str | None, scope: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        ledger.suppress(number, person, reason="r", source="s", scope=scope)


def test_an_import_can_be_repeated(ledger: Ledger) -> None:
    numbers = [f"+1212555{index:04}" for index in range(1200)]
    entries = [Suppression(NOON, "imported", "list.csv", number) for number in [*numbers, *numbers[:100]]]
    reserved = granted(ledger.permit(a_candidate("a1", number=numbers[1100])))
    assert ledger.import_suppressions(entries) == (1200, 100)
    assert ledger.import_suppressions(entries) == (0, 1300)
    with pytest.raises(PermitVoid):
        ledger.spend(reserved.permit_id)
    assert ledger.suppressed(numbers[-1], "") == entries[1199]
    report = ledger.verify_chain()
    assert report.intact
    assert report.rows == 1200


def test_a_batch_with_a_bad_entry_writes_nothing(ledger: Ledger) -> None:
    entries = [Suppression(NOON, "imported", "list.csv", HOME), Suppression(NOON, "imported", "list.csv", "212")]
    with pytest.raises(ValueError, match=r"E\.164"):
        ledger.import_suppressions(entries)
    assert ledger.suppressed(HOME, "") is None


# --- races ------------------------------------------------------------------------------------------------------------


def all_at_once(workers: int, ask: Callable[[int], Permit | Refusal]) -> list[Permit]:
    start = threading.Barrier(workers)

    def one(index: int) -> Permit | Refusal:
        start.wait(30)
        return ask(index)

    with ThreadPoolExecutor(workers) as pool:
        verdicts = list(pool.map(one, range(workers)))
    return [verdict for verdict in verdicts if isinstance(verdict, Permit)]


def test_sixteen_threads_racing_for_three_attempts_get_three(ledger: Ledger) -> None:
    permits = all_at_once(16, lambda index: ledger.permit(a_candidate(f"a{index}")))
    assert len(permits) == 3
    assert len(ledger.refusals_of("ann")) == 13


def test_sixteen_threads_racing_for_the_last_attempt_on_many_numbers_get_one(ledger: Ledger) -> None:
    sent(ledger, "x1")
    sent(ledger, "x2", number=MOBILE)
    numbers = (HOME, MOBILE, OFFICE, "+13105550103")
    permits = all_at_once(16, lambda index: ledger.permit(a_candidate(f"a{index}", number=numbers[index % 4])))
    assert len(permits) == 1


def test_sixteen_threads_asking_for_one_attempt_get_one_permit(ledger: Ledger) -> None:
    permits = all_at_once(16, lambda _: ledger.permit(a_candidate("a1")))
    assert len(permits) == 16
    assert len({permit.permit_id for permit in permits}) == 1


def test_sixteen_threads_spending_one_permit_send_one_call(ledger: Ledger) -> None:
    permit = granted(ledger.permit(a_candidate("a1")))
    start = threading.Barrier(16)

    def spend(_: int) -> bool:
        start.wait(30)
        try:
            ledger.spend(permit.permit_id)
        except PermitSpent:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(spend, range(16))).count(True) == 1
    assert ledger.verify_chain().rows == 1


def test_threads_recording_the_same_thing_write_it_once(ledger: Ledger) -> None:
    sent(ledger, "a1")
    start = threading.Barrier(8)

    def record(_: int) -> bool:
        start.wait(30)
        return ledger.record("a1", EventKind.OPT_OUT, NOON)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(record, range(8))).count(True) == 1
    assert kinds(ledger.history("ann")) == [EventKind.ATTEMPT, EventKind.OPT_OUT, EventKind.SUPPRESSED]


def test_a_ledger_that_is_being_written_is_seen_as_one_whole(ledger: Ledger) -> None:
    begun, enough = threading.Event(), threading.Event()

    def write() -> int:
        written = 0
        while not enough.is_set():
            ledger.suppress(number=f"+1212555{written:04}", reason="r", source="s")
            written += 1
            begun.set()
        return written

    with ThreadPoolExecutor(1) as pool:
        writing_on = pool.submit(write)
        assert begun.wait(30)
        try:
            reports = [ledger.verify_chain() for _ in range(25)]
        finally:
            enough.set()
        assert all(report.intact for report in reports), reports
        assert reports[0].rows < writing_on.result(30)


def test_an_opt_out_racing_with_calls_leaves_none_that_was_not_sent_before_it(ledger: Ledger) -> None:
    permits = [granted(ledger.permit(a_candidate(f"a{index}", f"p{index}", HOME))) for index in range(3)]
    start = threading.Barrier(4)

    def spend(permit: Permit) -> bool:
        start.wait(30)
        try:
            ledger.spend(permit.permit_id)
        except PermitVoid:
            return False
        return True

    def opt_out() -> int:
        start.wait(30)
        ledger.suppress(number=HOME, reason="asked", source="letter")
        return len(ledger.unresolved())

    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(spend, permit) for permit in permits]
        sent_when_it_was_in_force = pool.submit(opt_out).result()
        assert sum(call.result() for call in sending) == sent_when_it_was_in_force
    assert ledger.verify_chain().intact


def race_in_a_process(url: str, name: str, ready: "multiprocessing.Queue[str]", go: "multiprocessing.synchronize.Event") -> None:
    engine = open_database(url)
    ledger = Ledger(engine, ManualClock(NOON), [a_pack()], LIFETIME)
    ready.put("ready")
    go.wait(60)
    verdicts = [ledger.permit(a_candidate(f"{name}-{index}")) for index in range(4)]
    ready.put(str(sum(isinstance(verdict, Permit) for verdict in verdicts)))
    engine.dispose()


def test_sixteen_processes_racing_for_the_last_attempt_grant_one(ledger: Ledger, ledger_url: str) -> None:
    sent(ledger, "x1")
    sent(ledger, "x2")
    processes = multiprocessing.get_context("forkserver")  # each is a process of its own, none inherits a connection
    processes.set_forkserver_preload(["compliance.store", "psycopg", "pytest"])  # else each imports them itself
    told, go = processes.Queue(), processes.Event()
    workers = [processes.Process(target=race_in_a_process, args=(ledger_url, f"w{index}", told, go)) for index in range(16)]
    for worker in workers:
        worker.start()
    assert [told.get(timeout=60) for _ in workers] == ["ready"] * 16
    go.set()
    assert sorted(told.get(timeout=60) for _ in workers) == ["0"] * 15 + ["1"]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_on_postgresql_only_decisions_about_the_same_person_or_number_wait(ledger: Ledger, engine: Engine) -> None:
    with ThreadPoolExecutor(2) as pool:
        with writing(engine) as connection:
            assert lock_keys(connection, "ann", MOBILE)
            about_her = pool.submit(ledger.permit, a_candidate("a1", "ann", HOME))
            about_her_number = pool.submit(ledger.permit, a_candidate("c1", "cid", MOBILE))
            granted(ledger.permit(a_candidate("b1", "bob", OFFICE)))
            wait_for_blocked_locks(engine, 2)
            assert not about_her.done()
            assert not about_her_number.done()
        granted(about_her.result(30))
        granted(about_her_number.result(30))


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_on_postgresql_a_number_that_became_the_persons_while_waiting_is_waited_for_as_well(
    ledger: Ledger, engine: Engine
) -> None:
    granted(ledger.permit(a_candidate("b1", "bob", OFFICE)))
    with ThreadPoolExecutor(1) as pool, writing(engine) as about_home:
        lock_keys(about_home, HOME)
        with writing(engine) as about_bob:
            lock_keys(about_bob, "bob")
            decision = pool.submit(ledger.permit, a_candidate("b2", "bob", OFFICE))
            wait_for_blocked_locks(engine, 1)
            about_bob.execute(text(f"UPDATE permit SET number = '{HOME}' WHERE attempt_id = 'b1'"))
        wait_for_blocked_locks(engine, 1)  # now for the lock of his other number
        assert not decision.done()
        about_home.rollback()
        granted(decision.result(30))


def wait_for_blocked_locks(engine: Engine, count: int) -> None:
    """Returns when so many transactions wait for a lock of ours; the server itself gives up after 30 seconds."""
    blocked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = '30s'"))
        connection.execute(text(f"DO $$ BEGIN WHILE ({blocked}) <> {count} LOOP PERFORM pg_sleep(0.01); END LOOP; END $$"))


def test_on_sqlite_a_write_is_alone_without_locks(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path / "alone.db"))
    with writing(engine) as connection:
        assert not lock_keys(connection, "ann")
    engine.dispose()


# --- crashes ----------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from datetime import timedelta
from compliance.facts import EventKind
from compliance.packs import parse_pack
from compliance.store import Ledger
from compliance.verdict import Candidate
from config.clock import SystemClock
from config.database import open_database

url, pack, stop_after = sys.argv[1:]
clock = SystemClock()
ledger = Ledger(open_database(url), clock, [parse_pack(pack, "test")], timedelta(seconds=10))

def reached(step):
    print(step, flush=True)
    if step == stop_after:
        sys.stdin.read()  # until we are killed

index = 0
while True:
    index += 1
    person = "ann" if stop_after != "never" else f"p{index}"
    permit = ledger.permit(Candidate(f"a{index}", person, "+12125550100", "spring", "acme", "solar"))
    reached("permitted")
    ledger.spend(permit.permit_id)
    reached("spent")
    ledger.record(f"a{index}", EventKind.RINGING, clock.now())
    reached("ringing")
    ledger.record(f"a{index}", EventKind.UNANSWERED, clock.now())
    reached("recorded")
"""


def killed_after(url: str, pack: str, stop_after: str, lines: int) -> list[str]:
    """Runs a dialer that says what it has done, and kills it (SIGKILL) once it has said so many lines."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, pack, stop_after],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout
    assert child.stdin
    said = [child.stdout.readline().strip() for _ in range(lines)]
    child.kill()
    child.wait(30)
    said += child.stdout.read().split()  # what it still said before the signal reached it
    child.stdout.close()
    child.stdin.close()
    return said


LAST_ATTEMPT = pack_text(DNC, cap_text(1))


def after_the_crash(engine: Engine, wait: timedelta = timedelta(0)) -> Ledger:
    return Ledger(engine, ManualClock(SystemClock().now() + wait), [parse_pack(LAST_ATTEMPT, "test")], LIFETIME)


def test_a_crash_before_the_originate_frees_the_reservation_when_it_expires(engine: Engine, ledger_url: str) -> None:
    assert killed_after(ledger_url, LAST_ATTEMPT, "permitted", 1) == ["permitted"]
    assert refused(after_the_crash(engine).permit(a_candidate("b1")))
    late = after_the_crash(engine, LIFETIME)
    assert late.unresolved() == []
    granted(late.permit(a_candidate("b1")))


@pytest.mark.parametrize(("step", "lines"), [("spent", 2), ("ringing", 3)])
def test_a_crash_after_the_originate_counts_for_ever_and_is_reconciled(
    engine: Engine, ledger_url: str, step: str, lines: int
) -> None:
    killed_after(ledger_url, LAST_ATTEMPT, step, lines)
    ledger = after_the_crash(engine, timedelta(hours=1))
    (attempt,) = ledger.unresolved()
    assert attempt.attempt_id == "a1"
    assert attempt.kinds == (EventKind.ATTEMPT, EventKind.RINGING)[: lines - 1]
    with pytest.raises(PermitSpent):
        ledger.spend(attempt.permit_id)
    assert refused(ledger.permit(a_candidate("b1")))
    assert ledger.record("a1", EventKind.ENDED, attempt.spent_at, {"fate": "unknown"})
    assert ledger.unresolved() == []
    assert refused(ledger.permit(a_candidate("b1")))


@pytest.mark.parametrize("lines", [1, 6, 7, 12, 17])
def test_a_dialer_killed_at_any_point_leaves_a_whole_ledger(engine: Engine, ledger_url: str, lines: int) -> None:
    unlimited = pack_text(DNC, cap_text(1000))
    said = killed_after(ledger_url, unlimited, "never", lines)
    ledger = after_the_crash(engine)
    assert ledger.verify_chain().intact
    # What was said was committed before; at most the step that was under way when the signal came may be there as well.
    told = said.count("spent") + said.count("ringing") + said.count("recorded")
    assert told <= ledger.verify_chain().rows <= told + 1
    for attempt in ledger.unresolved():
        assert attempt.kinds[0] is EventKind.ATTEMPT


# --- tampering --------------------------------------------------------------------------------------------------------

TAMPERINGS = {
    "an attempt is dated back": "UPDATE ledger SET at = '2020-01-01 00:00:00.000000' WHERE seq = 1",
    "an attempt is charged to somebody else": "UPDATE ledger SET person = 'bob' WHERE seq = 1",
    "an attempt becomes silent": "UPDATE ledger SET kind = 'not_rung' WHERE seq = 2",
    "a fact is changed": "UPDATE ledger SET facts = '{}' WHERE seq = 1",
    "the time of writing is changed": "UPDATE ledger SET recorded_at = '2020-01-01 00:00:00.000000' WHERE seq = 2",
    "a hash is changed": "UPDATE ledger SET hash = prev_hash WHERE seq = 2",
    "the first row is gone": "DELETE FROM ledger WHERE seq = 1",
    "a row in the middle is gone": "DELETE FROM ledger WHERE seq = 2",
    "the last row is gone": "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)",
    "everything is gone": "DELETE FROM ledger",
    "everything and its tip is gone": "DELETE FROM ledger; DELETE FROM ledger_tip",
    "the tip is gone": "DELETE FROM ledger_tip",
    "a row is put in": (
        "INSERT INTO ledger SELECT 99, 'not_rung', at, recorded_at, 'a9', person, number, campaign, seller, subject, "
        "debt, creditor, zones, facts, hash, hash, prev_hash FROM ledger WHERE seq = 1"
    ),
    "two rows change places": (
        "UPDATE ledger SET seq = 99 WHERE seq = 1; UPDATE ledger SET seq = 1 WHERE seq = 2; "
        "UPDATE ledger SET seq = 2 WHERE seq = 99"
    ),
    "the last rows and the tip are wound back": (
        "DELETE FROM ledger WHERE seq > 1; UPDATE ledger_tip SET seq = 1, hash = (SELECT hash FROM ledger WHERE seq = 1)"
    ),
    "a permit is unspent": "UPDATE permit SET spent_at = NULL",
    "an opt-out is lifted": "DELETE FROM suppression",
    "an opt-out is moved to another number": "UPDATE suppression SET number = '+12125559999'",
    "an opt-out is made up": (
        "INSERT INTO suppression "
        "SELECT 99, scope, '+12125559999', person, at, reason, source, seller, campaign, until FROM suppression"
    ),
    "an opt-out is made to end": "UPDATE suppression SET until = '2026-06-15 17:00:00.000000'",
    "an opt-out is narrowed to one campaign": "UPDATE suppression SET campaign = 'spring'",
    "an opt-out is put on another list": "UPDATE suppression SET scope = 'litigators'",
    "a reason to be on the list is changed": "UPDATE suppression SET reason = 'a mistake'",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_whatever_is_done_to_the_ledger_behind_its_back_is_found(
    ledger: Ledger, engine: Engine, clock: ManualClock, tampering: str
) -> None:
    sent(ledger, "a1")
    ledger.record("a1", EventKind.RINGING, clock.now())
    ledger.record("a1", EventKind.OPT_OUT, clock.now())
    assert ledger.verify_chain().intact
    with writing(engine) as connection:
        for statement in TAMPERINGS[tampering].split("; "):
            assert connection.execute(text(statement)).rowcount > 0
    report = ledger.verify_chain()
    assert not report.intact
    assert all(fault.text for fault in report.faults)


def test_a_time_that_is_none_is_a_fault_and_no_crash(ledger: Ledger, engine: Engine) -> None:
    sent(ledger, "a1")
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("UPDATE ledger SET at = 'yesterday'"))
        else:  # PostgreSQL keeps the type; what it can hold and Python cannot is the end of time
            connection.execute(text("UPDATE ledger SET at = 'infinity'"))
    report = ledger.verify_chain()
    assert not report.intact
    assert "cannot be read" in report.faults[0].text


def test_the_ledger_stores_what_the_chain_hashes_to_the_microsecond(ledger: Ledger, engine: Engine, clock: ManualClock) -> None:
    sent(ledger, "a1")
    odd = clock.advance(timedelta(microseconds=123_457))
    ledger.record("a1", EventKind.RINGING, odd, {"说明": "振铃 — “early media”"})
    assert ledger.verify_chain().intact
    assert ledger.events_of("a1")[1].at == odd
    with reading(engine) as connection:
        assert len(set(connection.execute(select(ledger_table.c.hash)).scalars())) == 2
