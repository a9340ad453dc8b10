"""What is kept of a decision and of the chain, word by word: a text that says less, or says it otherwise, replays otherwise."""

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from compliance.chain import GENESIS, ChainFault, ChainReport, Link, digest, link_hash, path, skipped_to, walk
from compliance.daykinds import Calendar
from compliance.decision import (
    Decided,
    calendar_text,
    packs_of,
    read,
    read_calendar,
    reason_fields,
    text_hash,
    verdict_text,
    write,
)
from compliance.facts import EventKind, LedgerEvent, ListState
from compliance.verdict import CallerId, Candidate, Clearance, PackRef, Reason, Refusal

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
IN_PARIS = NOON.astimezone(timezone(timedelta(hours=2)))
HOME = "+12125550100"
CALL = Candidate("a1", "ann", HOME, "spring", "acme", "solar")
PACKS = (PackRef("us", "2026.1", "a" * 64), PackRef("house", "3", "b" * 64))
REASON = Reason("us.hours", "window", "16 CFR 310.4(c)", "law", "closed", NOON, (("America/New_York", "Mon"),))
PERMIT = Clearance(IN_PARIS, ("America/New_York",), PACKS, NOON + timedelta(hours=4))
REFUSAL = Refusal(IN_PARIS, (REASON, replace(REASON, retry_at=None)), NOON + timedelta(hours=1), (), PACKS)

TOLD_REASON = {
    "rule": "us.hours",
    "kind": "window",
    "cite": "16 CFR 310.4(c)",
    "level": "law",
    "text": "closed",
    "retry_at": "2026-06-15T16:00:00+00:00",
    "facts": [["America/New_York", "Mon"]],
}
TOLD_PACKS = [["us", "2026.1", "a" * 64], ["house", "3", "b" * 64]]


def test_a_permit_is_told_with_when_it_closes() -> None:
    assert json.loads(verdict_text(PERMIT)) == {
        "verdict": "permit",
        "at": "2026-06-15T16:00:00+00:00",
        "zones": ["America/New_York"],
        "packs": TOLD_PACKS,
        "closes_at": "2026-06-15T20:00:00+00:00",
    }
    assert json.loads(verdict_text(replace(PERMIT, closes_at=None)))["closes_at"] is None
    assert packs_of(verdict_text(PERMIT)) == [("us", "2026.1", "a" * 64), ("house", "3", "b" * 64)]


def test_a_refusal_is_told_with_every_reason_and_when_again() -> None:
    assert json.loads(verdict_text(REFUSAL)) == {
        "verdict": "refuse",
        "at": "2026-06-15T16:00:00+00:00",
        "zones": [],
        "packs": TOLD_PACKS,
        "retry_at": "2026-06-15T17:00:00+00:00",
        "reasons": [TOLD_REASON, TOLD_REASON | {"retry_at": None}],
    }
    assert json.loads(verdict_text(replace(REFUSAL, retry_at=None)))["retry_at"] is None
    assert reason_fields(REASON) == TOLD_REASON | {"facts": REASON.facts}


def test_a_verdict_is_told_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    here = verdict_text(REFUSAL)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert verdict_text(REFUSAL) == here
    finally:
        monkeypatch.undo()
        time.tzset()


FULL = Decided(
    candidate=Candidate(
        "a1",
        "ann",
        HOME,
        "spring",
        "acme",
        "solar",
        purpose="debt_collection",
        zones=("America/Chicago", "America/New_York"),
        ring_for=timedelta(seconds=20.5),
        regions=("US-NY",),
        technology="predictive",
        party="consumer",
        sector="energy",
        caller_role="agent",
        line_type="mobile",
        debt="d1",
        creditor="bank",
        caller_id=CallerId("+12125559999", frozenset({"dialable", "assigned_to_tenant"}), "A"),
        declared_zones=("America/Denver",),
        other_numbers=("+19175550101",),
    ),
    at=NOON,
    verdict=verdict_text(REFUSAL),
    events=(1, 5),
    suppressions=(7,),
    reserved=(
        LedgerEvent(
            EventKind.ATTEMPT, NOON, "ann", HOME, "spring", "acme", "solar", "a0", debt="d1", creditor="bank"
        ),
        LedgerEvent(EventKind.ATTEMPT, NOON, "", HOME, "", "", "", None),
    ),
    numbers=("+19175550101",),
    lists=(ListState("us.national_dnc", NOON - timedelta(days=3)),),
    listed=("us.national_dnc",),
    calendars=("c" * 64,),
    grounds=("guaranteed_agent",),
    campaign_start=NOON - timedelta(days=10),
    versions="1.0; tzdata 2026a",
)  # fmt: skip


def test_a_decision_is_read_as_it_was_written_with_every_part_of_it() -> None:
    assert read(write(FULL)) == FULL
    assert write(read(write(FULL))) == write(FULL)


def test_a_decision_keeps_what_it_rests_on_under_these_names() -> None:
    assert json.loads(write(FULL)) == {
        "at": "2026-06-15T16:00:00+00:00",
        "candidate": {
            "attempt_id": "a1",
            "person": "ann",
            "number": HOME,
            "campaign": "spring",
            "seller": "acme",
            "subject": "solar",
            "purpose": "debt_collection",
            "zones": ["America/Chicago", "America/New_York"],
            "ring_for": 20.5,
            "regions": ["US-NY"],
            "technology": "predictive",
            "party": "consumer",
            "sector": "energy",
            "caller_role": "agent",
            "line_type": "mobile",
            "debt": "d1",
            "creditor": "bank",
            "caller_id": ["+12125559999", ["assigned_to_tenant", "dialable"], "A"],
            "declared_zones": ["America/Denver"],
            "other_numbers": ["+19175550101"],
        },
        "events": [1, 5],
        "suppressions": [7],
        "reserved": [
            {
                "kind": "attempt",
                "at": "2026-06-15T16:00:00+00:00",
                "attempt_id": "a0",
                "person": "ann",
                "number": HOME,
                "campaign": "spring",
                "seller": "acme",
                "subject": "solar",
                "debt": "d1",
                "creditor": "bank",
            },
            {"kind": "attempt", "at": "2026-06-15T16:00:00+00:00", "attempt_id": None, "number": HOME},
        ],
        "numbers": ["+19175550101"],
        "lists": [["us.national_dnc", "2026-06-12T16:00:00+00:00"]],
        "listed": ["us.national_dnc"],
        "calendars": ["c" * 64],
        "grounds": ["guaranteed_agent"],
        "campaign_start": "2026-06-05T16:00:00+00:00",
        "verdict": json.loads(verdict_text(REFUSAL)),
        "versions": "1.0; tzdata 2026a",
    }


def test_what_is_as_it_is_by_default_is_left_out_and_read_back() -> None:
    bare = Decided(CALL, NOON, verdict_text(PERMIT))
    text = write(bare)
    told = json.loads(text)
    assert set(told) == {"at", "candidate", "verdict", "versions"}
    assert set(told["candidate"]) == {"attempt_id", "person", "number", "campaign", "seller", "subject"}
    assert read(text) == bare
    assert list(told) == ["at", "candidate", "verdict", "versions"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "not a decision of the gate: KeyError at 'candidate'"),
        ("nonsense", "not a decision of the gate: JSONDecodeError at Expecting value: line 1 column 1 (char 0)"),
        ('{"candidate":{"number":"+1"},"at":"x","verdict":{},"versions":""}', "not a decision of the gate: TypeError at"),
    ],
)
def test_a_text_that_is_no_decision_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="not a decision of the gate") as caught:
        read(text)
    assert str(caught.value).startswith(why)


def test_a_calendar_is_read_as_it_was_written_and_has_one_text() -> None:
    golden = Calendar(
        "CN",
        frozenset({2027, 2026}),
        frozenset({date(2026, 10, 2), date(2026, 10, 1)}),
        make_up=frozenset({date(2026, 10, 10), date(2026, 9, 27)}),
        weekend=frozenset({5, 4}),
    )
    text = calendar_text(golden)
    assert text == (
        '{"holidays":["2026-10-01","2026-10-02"],"make_up":["2026-09-27","2026-10-10"],"name":"CN",'
        '"weekend":[4,5],"years":[2026,2027]}'
    )
    assert read_calendar(text) == golden
    assert text_hash(text) == digest(text) != text_hash(f"{text} ")


# --- the chain --------------------------------------------------------------------------------------------------------


def a_link(seq: int, body: str, previous: str, skipped: str) -> Link:
    return Link(seq, body, previous, skipped, link_hash(seq, digest(body), previous, skipped))


def a_chain(length: int) -> list[Link]:
    hashes, links = {0: GENESIS}, []
    for seq in range(1, length + 1):
        links.append(a_link(seq, f"row {seq}", hashes[seq - 1], hashes[skipped_to(seq)]))
        hashes[seq] = links[-1].hash
    return links


def test_a_link_is_hashed_over_its_place_both_hashes_and_its_body_in_that_order() -> None:
    assert digest("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
    parts = (7, digest("row"), "p" * 64, "s" * 64)
    assert link_hash(*parts) == digest(f"7\n{'p' * 64}\n{'s' * 64}\n{digest('row')}")


@pytest.mark.parametrize(("seq", "skipped"), [(1, 0), (2, 0), (3, 2), (6, 4), (7, 6), (8, 0), (12, 8), (1023, 1022), (1024, 0)])
def test_a_row_skips_to_the_one_without_its_lowest_bit(seq: int, skipped: int) -> None:
    assert skipped_to(seq) == skipped


def test_a_report_tells_each_fault_at_its_row_and_what_the_ledger_ends_with() -> None:
    links = a_chain(8)
    tip = links[-1].hash
    assert walk(links, 8, tip) == ChainReport(8, 8, tip, ())
    assert walk([], 0, GENESIS) == ChainReport(0, 0, GENESIS, ())
    cut = ChainFault(7, "the ledger ends at row 7, but its kept tip is row 8")
    assert walk(links[:7], 8, tip) == ChainReport(7, 7, links[6].hash, (cut,))
    altered = replace(links[2], body="another")
    changed = ChainFault(3, "was altered: its content and its hash differ")
    assert walk([*links[:2], altered, *links[3:]], 8, tip).faults == (changed,)
    without_two = walk([links[0], *links[3:]], 8, tip)
    assert without_two == ChainReport(6, 8, tip, (ChainFault(4, "rows 2 to 3 are missing"),))
    forged = a_link(5, "forged", "f" * 64, links[3].hash)
    assert walk([*links[:4], forged, *links[5:]], 8, tip).faults == (
        ChainFault(5, "does not follow the row before it"),
        ChainFault(6, "does not follow the row before it"),
    )
    astray = a_link(6, "row 6", links[4].hash, GENESIS)
    faults = walk([*links[:5], astray, *links[6:]], 8, tip).faults
    assert faults[0] == ChainFault(6, "does not follow row 4")
    not_to_the_start = a_link(4, "row 4", links[2].hash, links[0].hash)
    assert walk([*links[:3], not_to_the_start], 4, not_to_the_start.hash).faults == (ChainFault(4, "does not follow row 0"),)
    other_tip = walk(links, 8, GENESIS)
    assert other_tip.faults == (ChainFault(8, "the ledger ends at row 8, but its kept tip is row 8"),)


def test_a_path_goes_down_by_the_longest_skip_that_does_not_pass_its_row() -> None:
    assert path(8, 8) == [8]
    assert path(8, 1) == [8, 7, 6, 4, 3, 2, 1]
    assert path(13, 8) == [13, 12, 8]
    assert path(1, 1) == [1]
    for tip, target in ((8, 0), (8, 9), (0, 0)):
        with pytest.raises(ValueError, match="row") as caught:
            path(tip, target)
        assert str(caught.value) == f"row {target} is not among rows 1 to {tip}"
