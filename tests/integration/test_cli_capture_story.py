"""`explain call` tells how the call was to be recorded and disclosed, by which rules, and what came of it."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.pack_files import load_packs
from compliance.verdict import Candidate, Permit
from config.clock import ManualClock
from config.database import writing
from dialer import bootstrap, store
from dialer.dialing import candidate, capture_of, vouched
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from dialer.leads import LeadRow
from recorder.capture import CapturePlan
from recorder.capturing import Capture, Pause
from sip import call as calls
from tests.cli_site import Run, obeying, told
from tests.pack_texts import pack_text
from tests.recording_rules import LAW

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
CALL = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def call(site: Path, run: Run) -> str:
    """A call that the gate has permitted where a law wants an agent at once, planned as the floor plans it, and paused."""
    (site / "law.toml").write_text(pack_text(*LAW, name="law"))
    obeying(site, "house", "law.toml")
    run("campaign", "create", "spring", "--disclosed-by", "by_rules", "--pause-seconds", "45")
    with bootstrap.opened(site, ManualClock(NOON)) as parts:
        packs = load_packs(parts.site.settings.gate.packs, site)
        with writing(parts.database) as connection:
            campaign = store.campaign_named(connection, "spring")
            row = LeadRow(1, "p1", "", ("+13055550101",), "", "")
            store.add_leads(connection, campaign.campaign_id, "test", [row], NOON)
            (lead,) = store.leads_of(connection, campaign.campaign_id)
            store.set_lead(connection, lead.lead_id, LeadState.READY, NOON, "")
        asked = candidate(campaign, lead, parts.site.settings.seller, CALL, ())
        plan = capture_of(campaign, packs, asked, NOON)
        assert isinstance(plan, CapturePlan), plan
        permit = parts.ledger.permit(asked, vouched(campaign))
        assert isinstance(permit, Permit), permit
        capture = Capture(plan, NOON + timedelta(seconds=9), pauses=(Pause(NOON + timedelta(seconds=30), None, "card", "ann"),))
        placed = FloorCall(
            replace(calls.ordered(CALL, NOON, plan.disclosed_by), answered_at=NOON + timedelta(seconds=9)),
            lead.lead_id,
            campaign.campaign_id,
            "spring",
            lead.person,
            lead.number,
            permit.packs,
            campaign.disclosure,
            campaign.safe_harbour,
            capture=capture,
        )
        with writing(parts.database) as connection:
            assert store.open_attempt(connection, placed)
    return CALL


def test_the_plan_of_a_call_is_told_with_the_rules_that_asked_for_it(run: Run, call: str) -> None:
    story = told(run("explain", "call", call, "--json"))["recording"]
    assert (story["policy"]["disclosed_by"], story["policy"]["pause_limit"]) == (None, 45)
    assert (story["plan"]["captured"], story["plan"]["disclosed_by"]) == ("whole_call", "prompt_joining")
    rules = {one["rule"]: one for one in story["rules"]}
    assert {"house.record", "law.record", "recording.location"} <= rules.keys()
    assert "the leave of all parties" in rules["law.record"]["text"]
    assert story["at_once"] == ["law.abandon"]
    assert [one["why"] for one in story["pauses"]] == ["card"]
    output = " ".join(run("explain", "call", call).output.split())
    assert "recording; the campaign wants: always, whole_call, or not connected; disclosed: by_rules" in output
    assert "recorded: whole_call, from the answer on disclosed by: prompt_joining" in output
    assert "paused: 2026-06-15 16:00:30.000Z to still: card (ann)" in output
    assert "StGB 201" in output


def test_a_call_whose_pack_text_was_altered_names_no_rules(run: Run, site: Path, call: str) -> None:
    connection = sqlite3.connect(site / "ringfence.db")
    with connection:
        assert connection.execute("update kept_text set text = text || '# lenient' where kind = 'pack'").rowcount
    connection.close()
    story = told(run("explain", "call", call, "--json"))["recording"]
    assert (story["rules"], story["at_once"], story["plan"]["captured"]) == (None, None, "whole_call")
    assert "what the rules asked is not known" in run("explain", "call", call).output


def test_a_call_that_was_permitted_and_never_placed_has_no_plan(run: Run, site: Path) -> None:
    with bootstrap.opened(site, ManualClock(NOON)) as parts:
        asked = Candidate("never-placed", "p2", "+12125550199", "spring", parts.site.settings.seller, "solar", purpose="sales")
        assert isinstance(parts.ledger.permit(asked), Permit)
    assert told(run("explain", "call", "never-placed", "--json"))["recording"] is None
    assert "recording; the campaign wants" not in run("explain", "call", "never-placed").output
