"""How a campaign is to be recorded and disclosed, and pauses of a call that is up, as people and scripts say it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.database import reading, writing
from dialer import bootstrap, store
from dialer.dispositions import LeadState
from dialer.leads import LeadRow
from recorder import audit
from recorder.capture import CaptureFrom, CaptureMode, CapturePlan, CapturePolicy
from recorder.capturing import Capture
from sip.call import CallState
from sip.port import DisclosedBy
from tests.cli_site import Run, told, words
from tests.dialer_floor import a_call, a_floor_call

CALL = "0123456789abcdef0123456789abcdef"


def a_campaign(site: Path, name: str = "spring") -> CapturePolicy:
    with bootstrap.opened(site) as parts, reading(parts.database) as connection:
        return store.campaign_named(connection, name).capture


@pytest.fixture
def call(site: Path, run: Run) -> str:
    """A call of the site that an agent talks in."""
    run("campaign", "create", "spring", "--pause-seconds", "45")
    with bootstrap.opened(site) as parts, writing(parts.database) as connection:
        now = parts.clock.now()
        campaign = store.campaign_named(connection, "spring")
        store.add_leads(connection, campaign.campaign_id, "test", [LeadRow(1, "p1", "", ("+12125550101",), "", "")], now)
        (lead,) = store.leads_of(connection, campaign.campaign_id)
        store.set_lead(connection, lead.lead_id, LeadState.READY, now, "")
        talking = replace(
            a_floor_call(),
            call=replace(a_call(state=CallState.BRIDGED, answered_at=now, bridged_at=now), call_id=CALL),
            lead_id=lead.lead_id,
            campaign_id=campaign.campaign_id,
            capture=Capture(CapturePlan(pause_limit=campaign.capture.pause_limit)),
        )
        assert store.open_attempt(connection, talking)
    return CALL


def test_a_campaign_is_recorded_and_disclosed_as_it_was_said(site: Path, run: Run) -> None:
    said = ("--capture", "on_event", "--disclosed-by", "by_rules", "--announce-where-asked", "--once")
    run("campaign", "create", "spring", *said, "--connected-unrecorded", "--pause-seconds", "45")
    assert a_campaign(site) == CapturePolicy(
        CaptureMode.ON_EVENT, CaptureFrom.WHOLE_CALL, None, False, False, False, timedelta(seconds=45)
    )
    assert "on_event" in run("campaign", "show", "spring").output


def test_a_campaign_of_which_nothing_is_said_plays_a_prompt_first_and_rings_nobody_it_may_not_record(
    site: Path, run: Run
) -> None:
    run("campaign", "create", "spring")
    policy = a_campaign(site)
    assert (policy.disclosed_by, policy.recorded_or_not_connected) == (DisclosedBy.PROMPT_BEFORE, True)


def test_a_consent_that_comes_after_the_agent_is_refused_with_what_to_do(run: Run) -> None:
    done = run("campaign", "create", "spring", "--capture-from", "after_consent", "--disclosed-by", "spoken", expect=2)
    assert "press_to_consent" in done.output


def test_pause_and_resume_reach_the_floor_and_the_audit_chain(site: Path, run: Run, call: str) -> None:
    paused = told(run("recording", "pause", call, "--why", "card", "--as", "kim", "--json"))
    assert paused == {"call": call, "paused": True, "why": "card", "by": "kim"}
    assert "45 s" in run("recording", "pause", call).output
    run("recording", "resume", call, "--as", "kim")
    assert words(site)[-3:] == ["capture"] * 3
    with bootstrap.opened(site) as parts, reading(parts.database) as connection:
        heard = [word.payload for word in store.words(connection, 100) if word.kind == "capture"]
        noted = [(entry.who, entry.action, entry.call_id) for entry in audit.entries(connection) if entry.call_id == call]
    assert heard[0] == {"call": call, "paused": "yes", "why": "card", "by": "kim"}
    assert heard[2] == {"call": call, "paused": "no", "why": "", "by": "kim"}
    assert ("kim", "pause", call) in noted
    assert ("kim", "resume", call) in noted
    assert len(noted) == 3


@pytest.mark.parametrize("which", ["pause", "resume"])
def test_a_call_that_is_not_up_has_nothing_to_pause(run: Run, which: str) -> None:
    assert "no call has the id" in run("recording", which, "f" * 32, expect=2).output
