"""A decision is told whole: on the callee's clock, with the packs and the rows; a list that rests says for what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compliance.decision import read
from compliance.facts import EventKind
from compliance.replay import REFUSAL, KeptDecision, replay, rows_used
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from dialer.resting import Resting, resting
from dialer.stories import DecisionTold, decision_told, on_their_clock, timeline
from sip.call import Call, CallState
from tests.kept_decisions import PACK, VERSIONS, KeptSite, a_site, an_event

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)


def refused(rule: str) -> tuple[KeptSite, str]:
    """A kept refusal in which this rule stood in the way."""
    return next((site, text) for site in map(a_site, range(40)) for text in site.decisions if f'"rule":"{rule}"' in text)


def story_of(site: KeptSite, text: str, **changed: object) -> DecisionTold:
    kept = replace(site.kept(text), **changed)  # type: ignore[arg-type] # fields of Kept by name
    decided = read(text)
    one = KeptDecision("a1", REFUSAL, decided.at, decided.candidate.person, decided.candidate.number, "spring", text, {})
    told = decision_told(one, kept.rows, kept.packs, replay(kept, VERSIONS))
    assert told is not None
    return told


def test_a_decision_is_told_with_every_row_and_pack_that_decided() -> None:
    site, text = refused("cap")
    told = story_of(site, text)
    assert [row.seq for row in told.used] == list(rows_used(read(text)))
    assert [(pack.id, pack.levels, pack.sources) for pack in told.packs] == [
        ("test", {"house": 2, "law": 4}, {"primary": 5, "secondary": 1})
    ]
    assert told.differs == ()


@pytest.mark.parametrize(("rule", "level", "source"), [("cap", "law", "secondary"), ("rest", "house", "primary")])
def test_a_reason_says_how_well_its_rule_is_known(rule: str, level: str, source: str) -> None:
    reasons = [one for one in story_of(*refused(rule)).reasons if one.rule == rule]
    assert {(one.level, one.source) for one in reasons} == {(level, source)}


def test_without_the_text_of_the_pack_the_story_is_told_all_the_same() -> None:
    site, text = refused("cap")
    told = story_of(site, text, packs={})
    assert told.packs[0].levels == {}
    assert {one.source for one in told.reasons} == {""}
    assert "its text is not there" in told.differs[0]


def test_a_decision_of_which_nothing_was_kept_has_no_story() -> None:
    site, text = refused("cap")
    one = KeptDecision("a1", REFUSAL, NOON, "ann", "+12125550100", "spring", "", {})
    assert decision_told(one, {}, {}, replay(replace(site.kept(text), decision=""), VERSIONS)) is None
    assert PACK in site.kept(text).packs.values()


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        (("America/New_York",), "2026-06-15 12:00:00 America/New_York; 2026-06-15 16:00:00Z"),
        (("Asia/Shanghai",), "2026-06-16 00:00:00 Asia/Shanghai; 2026-06-15 16:00:00Z"),
        ((), "2026-06-15 16:00:00Z"),
        (("Mars/Olympus",), "2026-06-15 16:00:00Z"),
        (
            ("America/Boise", "America/Los_Angeles", "America/Denver", "America/Phoenix"),
            "2026-06-15 10:00:00 America/Boise; 2026-06-15 09:00:00 America/Los_Angeles; and 2 more; 2026-06-15 16:00:00Z",
        ),
    ],
)
def test_an_instant_is_told_on_the_clock_of_the_person_and_in_utc(zones: tuple[str, ...], told: str) -> None:
    assert on_their_clock(NOON, zones) == told


def test_no_instant_means_that_facts_are_needed() -> None:
    assert on_their_clock(None, ("America/New_York",)) == "needs new facts"


def test_a_timeline_is_in_the_order_in_which_things_happened() -> None:
    site, text = refused("cap")
    decided = replace(story_of(site, text), decided_at=NOON)
    moments = [NOON + timedelta(seconds=second) for second in range(6)]
    call = Call("c1", CallState.ENDED, ordered_at=moments[1], dialed_at=moments[2], ringing_at=moments[4], ended_at=moments[5])
    placed = FloorCall(call, "l1", "k1", "spring", "ann", "+12125550100", (), "hello", "sorry")
    event = an_event(EventKind.ATTEMPT, moments[3], "ann", "+12125550100", "c1")
    found = timeline(placed, [decided], [event])
    assert [moment.at for moment in found] == moments
    assert [moment.what for moment in found] == ["refuse", "ordered", "dialed", "ledger: attempt", "ringing", "ended"]
    assert found[2].note == "+12125550100"


def test_a_permit_that_was_voided_by_an_opt_out_says_so() -> None:
    site, text = refused("cap")
    voided = replace(story_of(site, text), decided_at=NOON, permit={"voided_at": (NOON + timedelta(seconds=1)).isoformat()})
    assert [moment.what for moment in timeline(None, [voided], [])] == ["refuse", "permit void"]


LATER, LATEST = NOON + timedelta(hours=1), NOON + timedelta(days=1)


def test_leads_that_rest_are_counted_by_rule_with_the_first_and_the_last_time() -> None:
    leads = [
        (LeadState.READY, LATER, "us.hours: closed; us.cap: 3 of 3"),
        (LeadState.READY, LATEST, "us.hours: closed since noon; not a rule; twice"),
        (LeadState.REFUSED, NOON, "us.dnc: the number is on the internal do-not-call list: asked"),
        (LeadState.READY, LATER, "no_answer: again after 4:00:00"),
        (LeadState.READY, NOON, "us.hours: over by now"),
        (LeadState.DONE, LATER, "sale"),
        (LeadState.DIALING, LATER, ""),
    ]
    assert resting(leads, NOON) == (
        Resting("us.hours", False, 2, 0, LATER, LATEST, "closed"),
        Resting("no_answer", True, 1, 0, LATER, LATER, "again after 4:00:00"),
        Resting("us.cap", False, 1, 0, LATER, LATER, "3 of 3"),
        Resting("us.dnc", False, 1, 1, None, None, "the number is on the internal do-not-call list: asked"),
    )


def test_a_lead_that_rests_for_no_noted_reason_is_counted_too() -> None:
    assert resting([(LeadState.REFUSED, NOON, "")], NOON) == (Resting("not said", False, 1, 1, None, None, ""),)


def test_a_list_that_is_not_resting_has_nothing_to_tell() -> None:
    assert resting([(LeadState.NEW, NOON, ""), (LeadState.READY, NOON, "")], NOON) == ()
