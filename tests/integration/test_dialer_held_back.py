"""What holds a whole campaign back, on a simulated PBX and a real ledger: a list that is too old, a clock that is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compliance.facts import EventKind, LedgerEvent
from compliance.listed import DncLists
from compliance.pack_files import load_packs
from compliance.people import People
from compliance.standing import reassigned_event, withdrawal_event
from compliance.store import Ledger
from config.clock import ManualClock
from config.database import reading, writing
from dialer import store
from dialer.dispositions import LeadState
from dialer.store import CampaignState
from recorder.store import alerts
from sip.subscribers import RingsOut
from tests.dialer_site import NOON, TALKER, RunningFloor, Site
from tests.pack_texts import pack_text, rule_text

LISTED = pack_text(
    rule_text("ndnc", "suppress", list="us.national_dnc", match=["number"], list_max_age_days=31, level="law"),
    name="listed",
    places=("US",),
)


@pytest.fixture
def site(tmp_path: Path, migrated: Engine) -> Site:
    clock = ManualClock(NOON)
    (tmp_path / "listed.toml").write_text(LISTED)
    ledger = Ledger(migrated, clock, load_packs(("house", "listed.toml"), tmp_path), timedelta(seconds=10))
    return Site(tmp_path, clock, migrated, ledger)


def told(site: Site) -> list[tuple[str, str]]:
    with reading(site.database) as connection:
        return [(one.kind, one.text) for one in alerts(connection)]


def state(site: Site, name: str) -> CampaignState:
    with reading(site.database) as connection:
        return store.campaign_named(connection, name).state


def test_a_list_that_is_too_old_pauses_the_campaign_and_says_what_to_do(site: Site) -> None:
    lists = DncLists(site.database, site.clock)
    lists.load("us.national_dnc", ["+12125550109"], NOON - timedelta(days=31), "old.txt")
    campaign = site.campaign()
    site.agents("101", "102")
    site.lead(campaign, "+12125550100", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(30)
    assert [call.number for call in site.calls()] == []  # 31 days and some seconds old when an agent was there
    assert state(site, "spring") is CampaignState.PAUSED
    assert len(told(site)) == 1
    kind, text = told(site)[0]
    assert kind == "list_too_old"
    assert "us.national_dnc is 31 days old, at most 31 are permitted" in text
    assert "ringfence dnc import FILE --list us.national_dnc" in text
    assert site.leads()["+12125550100"].state in {LeadState.NEW, LeadState.READY}

    lists.load("us.national_dnc", ["+12125550109"], site.clock.now(), "new.txt")
    floor.advance(2)
    assert site.calls() == []  # somebody starts it again, or nobody does
    with writing(site.database) as connection:
        store.set_campaign_state(connection, "spring", CampaignState.RUNNING)
        store.say(connection, "settings", {}, site.clock.now())
    floor.advance(10)
    assert [call.number for call in site.calls()] == ["+12125550100"]


def test_a_list_that_is_missing_pauses_only_the_campaigns_that_need_it(site: Site) -> None:
    one, other = site.campaign("spring"), site.campaign("autumn")
    site.agents("101", "102")
    site.lead(one, "+12125550100", TALKER)
    site.lead(other, "+442079460101", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    floor.advance(5)
    assert (state(site, "spring"), state(site, "autumn")) == (CampaignState.PAUSED, CampaignState.RUNNING)
    assert [call.number for call in site.calls()] == ["+442079460101"]


def test_while_our_clock_is_wrong_nobody_is_rung_and_it_is_said_once(site: Site) -> None:
    DncLists(site.database, site.clock).load("us.national_dnc", ["+12125550109"], NOON, "new.txt")
    ahead = ManualClock(NOON + timedelta(seconds=30))
    People(site.database, ahead).note([reassigned_event(NOON, "+12125550199", source="carrier")])
    campaign = site.campaign()
    site.agents("101", "102")
    site.lead(campaign, "+12125550100", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(20)
    assert site.calls() == []
    assert [kind for kind, _ in told(site)] == ["clock_adrift"]
    floor.advance(25)  # it has caught up
    assert [call.number for call in site.calls()] == ["+12125550100"]
    assert [kind for kind, _ in told(site)] == ["clock_adrift"]


def test_a_consent_that_is_taken_back_ends_the_ringing_within_a_second(site: Site) -> None:
    DncLists(site.database, site.clock).load("us.national_dnc", ["+12125550109"], NOON, "new.txt")
    campaign = site.campaign()
    site.agents("101", "102")
    site.lead(campaign, "+12125550100", RingsOut(), person="ann")
    site.lead(campaign, "+12125550101", RingsOut(), person="bob")
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    floor.advance(3)
    assert {call.person for call in floor.service.floor.calls.values()} == {"ann", "bob"}
    People(site.database, site.clock).note([withdrawal_event(site.clock.now(), "ann", "", source="letter")])
    with writing(site.database) as connection:
        store.say(connection, "suppressions_changed", {}, site.clock.now())
    floor.advance(1)
    assert {call.person for call in floor.service.floor.calls.values()} == {"bob"}


BLOCKS = LISTED.replace(
    """id = "ndnc"
kind = "suppress"
list = "us.national_dnc"
match = ["number"]
list_max_age_days = 31
""",
    """id = "blocks"
kind = "cap"
max = 1
event = "attempt"
key = ["person"]
period = "successive:30d@campaign_start"
""",
)


def test_limits_that_are_counted_from_the_start_of_the_campaign_know_when_that_was(site: Site) -> None:
    (site.directory / "blocks.toml").write_text(BLOCKS)
    packs = load_packs(("house", "blocks.toml"), site.directory)
    site.ledger = Ledger(site.database, site.clock, packs, timedelta(seconds=10))
    campaign = site.campaign()
    with reading(site.database) as connection:
        started = store.campaign_named(connection, "spring").started_at
    assert started == NOON
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER, person="ann")
    site.lead(campaign, "+12125550101", TALKER, person="ann2")
    People(site.database, site.clock).note([LedgerEvent(EventKind.ATTEMPT, NOON, "ann", "+12125550100", "spring", "us", "offer")])
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(10)
    rested = site.leads()["+12125550100"]
    assert "blocks" in rested.reason
    assert rested.next_at == NOON + timedelta(days=30)
