"""A floor that abandons calls: told near the limit, stopped above it, started after a review; killed at any time it stays so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from compliance.answered import Measured, budgets
from compliance.budget import Budget, BudgetPolicy
from compliance.facts import EventKind
from compliance.pack_files import load_packs
from compliance.rows import append
from compliance.store import Ledger
from config.clock import ManualClock
from config.database import reading, writing
from dialer import store
from dialer.floor import Floor
from dialer.store import Campaign, CampaignState, NothingToReview, NotReviewed
from recorder.store import Told, alerts
from sip.subscribers import RingsOut
from tests.abandonment_rules import a_pack, events_of
from tests.dialer_site import NOON, TALKER, RunningFloor, Site

FROM_THE_FIRST = BudgetPolicy(minimum_answers=0)
TWO = BudgetPolicy(minimum_answers=34)  # 3 % of which is one: with the second abandoned call it is passed
TOLD = {"abandonment_near", "abandonment_over"}


@pytest.fixture
def site(tmp_path: Path, migrated: Engine) -> Site:
    clock = ManualClock(NOON)
    packs = load_packs(("house",), tmp_path)
    made = Site(tmp_path, clock, migrated, Ledger(migrated, clock, packs, timedelta(seconds=10)), packs, FROM_THE_FIRST)
    made.agents("101", "102")
    return made


def leads(site: Site, campaign_id: str, count: int, first: int = 0) -> None:
    for index in range(first, first + count):
        site.lead(campaign_id, f"+12125550{index:03d}", TALKER)


def the_campaign(site: Site, name: str = "spring") -> Campaign:
    with reading(site.database) as connection:
        return store.campaign_named(connection, name)


def told(site: Site) -> list[Told]:
    with reading(site.database) as connection:
        return [one for one in alerts(connection) if one.kind in TOLD]


def the_budget(site: Site) -> Budget:
    with reading(site.database) as connection:
        of = Measured("spring", "us", "sales", store.campaign_named(connection, "spring").started_at)
        (found,) = budgets(connection, site.packs, of, site.clock.now(), site.budget_policy)
    return found


def until(floor: RunningFloor, holds: Callable[[Floor], bool]) -> Floor:
    """The floor once that holds, which takes no longer than a call."""
    for _ in range(120):
        state = floor.advance(0.25)
        if holds(state):
            return state
    raise AssertionError("it never came to that")


def lose_one(floor: RunningFloor, agent: str = "101") -> None:
    """A call is dialed for the agent, who is gone when it is answered: the message plays."""
    floor.pbx.agent_up(agent)
    until(floor, lambda state: any(call.call.answered_at is None for call in state.calls.values()))
    floor.pbx.agent_down(agent)
    until(floor, lambda state: any(call.call.abandoned for call in state.calls.values()))


def is_over(floor: RunningFloor) -> Floor:
    """The message was played to its end, and everything that follows is done."""
    until(floor, lambda state: not any(call.call.abandoned for call in state.calls.values()))
    return floor.advance(1)


@contextmanager
def no_alert_can_be_written(site: Site) -> Iterator[None]:
    """The disk is full, say: whatever raises an alert is undone."""
    with site.database.begin() as connection:
        connection.execute(text("alter table alert rename to alert_away"))
    yield
    with site.database.begin() as connection:
        connection.execute(text("alter table alert_away rename to alert"))


def say_settings(site: Site) -> None:
    with writing(site.database) as connection:
        store.say(connection, "settings", {}, site.clock.now())


def start_again(site: Site, name: str = "spring") -> None:
    with writing(site.database) as connection:
        store.start_campaign(connection, name, site.clock.now())
    say_settings(site)


def test_somebody_is_told_near_the_limit_and_above_it_nothing_more_is_dialed(site: Site) -> None:
    site.budget_policy = TWO
    leads(site, site.campaign(), 6)
    floor = RunningFloor(site)
    lose_one(floor)
    state = is_over(floor)
    assert [one.kind for one in told(site)] == ["abandonment_near"]
    (view,) = state.campaigns.values()
    assert view.budget == 0
    floor.advance(3)
    assert len(told(site)) == 1, "once"
    lose_one(floor)
    state = is_over(floor)
    assert [one.kind for one in told(site)] == ["abandonment_near", "abandonment_over"]
    assert state.campaigns == {}
    halted = the_campaign(site)
    assert (halted.state, halted.needs_review) == (CampaignState.HALTED, True)
    assert "2 of 2 (counted as 34) live answers abandoned" in str(halted.halted_because)
    assert "house.abandon" in str(halted.halted_because)
    placed = len(site.calls())
    floor.pbx.agent_up("101")
    floor.advance(20)
    assert len(site.calls()) == placed == 2


def test_calls_that_are_up_go_on_and_other_campaigns_are_dialed(site: Site) -> None:
    first, second = site.campaign("spring"), site.campaign("autumn")
    leads(site, first, 1)
    floor = RunningFloor(site)
    floor.pbx.agent_up("102")
    until(floor, lambda state: any(agent.state == "on_call" for agent in state.agents.values()))
    leads(site, first, 1, first=1)
    lose_one(floor)
    site.lead(second, "+12125550900", TALKER)
    state = is_over(floor)
    assert the_campaign(site).state is CampaignState.HALTED
    assert [call.call.state for call in state.calls.values()] == ["bridged"]
    floor.pbx.agent_up("101")
    state = floor.advance(2)
    assert {call.campaign: call.call.state for call in state.calls.values()} == {"spring": "bridged", "autumn": "ringing"}
    assert the_campaign(site, "autumn").state is CampaignState.RUNNING


def test_only_a_review_lets_it_start_and_only_a_later_abandoned_call_stops_it_again(site: Site) -> None:
    leads(site, site.campaign(), 6)
    floor = RunningFloor(site)
    lose_one(floor)
    is_over(floor)
    with pytest.raises(NotReviewed, match="campaign spring was stopped: 1 of 1 live answers abandoned"):
        start_again(site)
    with writing(site.database) as connection:
        store.set_campaign_state(connection, "spring", CampaignState.STOPPED)
    with pytest.raises(NotReviewed):
        start_again(site)
    with writing(site.database) as connection:
        store.review_campaign(connection, "spring", "Eve", "agent 101 had a bad line", site.clock.now())
    reviewed = the_campaign(site)
    assert (reviewed.state, reviewed.reviewed_by, reviewed.review_note) == ("stopped", "Eve", "agent 101 had a bad line")
    with writing(site.database) as connection, pytest.raises(NothingToReview):
        store.review_campaign(connection, "spring", "Eve", "again", site.clock.now())
    site.clock.advance(timedelta(seconds=1))
    start_again(site)
    floor.pbx.agent_up("101")
    state = floor.advance(10)
    assert len(site.calls()) == 2, "over the limit still, and dialed: an agent waits for each call"
    assert state.agents["101"].state == "on_call"
    floor.advance(20)
    floor.pbx.agent_presses("101", "3")
    floor.pbx.agent_presses("101", "#")
    floor.pbx.agent_down("101")
    floor.advance(12)
    assert the_campaign(site).state is CampaignState.RUNNING
    lose_one(floor)
    is_over(floor)
    assert the_campaign(site).state is CampaignState.HALTED
    assert [one.kind for one in told(site)] == ["abandonment_over", "abandonment_over"]


@pytest.mark.parametrize("ticks", [0, 1])
def test_killed_before_the_stop_is_written_it_is_measured_again_before_anything_is_dialed(site: Site, ticks: int) -> None:
    leads(site, site.campaign(), 6)
    first = RunningFloor(site)
    lose_one(first)
    with no_alert_can_be_written(site):
        until(first, lambda state: not state.campaigns)
        for _ in range(ticks):
            first.settle()
        first.pbx.close()
        assert the_campaign(site).state is CampaignState.RUNNING, "neither without the other"
    first.pbx.agent_up("101")
    second = RunningFloor(site, first.pbx)
    second.advance(5)
    assert the_campaign(site).state is CampaignState.HALTED
    assert [one.kind for one in told(site)] == ["abandonment_over"]
    assert len(site.calls()) == 1


def test_a_stop_that_could_not_be_written_is_written_as_soon_as_it_can_be(site: Site) -> None:
    leads(site, site.campaign(), 2)
    floor = RunningFloor(site)
    lose_one(floor)
    with no_alert_can_be_written(site):
        state = until(floor, lambda state: not state.campaigns)
        assert state.campaigns == {}, "in this run nothing more is dialed, written or not"
    floor.settle()
    assert the_campaign(site).state is CampaignState.HALTED
    assert [one.kind for one in told(site)] == ["abandonment_over"]


def test_killed_after_the_stop_it_stays_stopped_and_is_told_once(site: Site) -> None:
    leads(site, site.campaign(), 6)
    first = RunningFloor(site)
    lose_one(first)
    is_over(first)
    before = the_campaign(site)
    first.pbx.close()
    second = RunningFloor(site, first.pbx)
    second.pbx.agent_up("102")
    second.advance(10)
    assert the_campaign(site) == before
    assert len(told(site)) == 1
    assert len(site.calls()) == 1


def test_killed_before_the_abandoned_call_is_in_the_ledger_it_counts_when_it_is(site: Site) -> None:
    leads(site, site.campaign(), 6)
    first = RunningFloor(site)
    lose_one(first)
    first.pbx.close()
    assert the_budget(site).answered == 0
    second = RunningFloor(site, first.pbx)
    is_over(second)
    assert (the_budget(site).abandoned, the_budget(site).answered) == (1, 1)
    assert the_campaign(site).state is CampaignState.HALTED


def test_what_cannot_be_measured_is_not_dialed_until_it_can_be(site: Site) -> None:
    campaign = site.campaign()
    leads(site, campaign, 2)
    with writing(site.database) as connection:
        append(connection, events_of("x1", NOON - timedelta(hours=1)), NOON)
        good = connection.execute(text("select facts from ledger where kind = 'live_answer'")).scalar()
        connection.execute(text("update ledger set facts = '{' where kind = 'live_answer'"))
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    state = floor.advance(5)
    assert site.calls() == []
    assert not state.campaigns[campaign].measured
    with writing(site.database) as connection:
        connection.execute(text("update ledger set facts = :good where kind = 'live_answer'"), {"good": good})
    floor.advance(3)
    assert len(site.calls()) == 1


def test_the_ledger_holds_what_each_packs_own_rule_counts_by(site: Site) -> None:
    strict = a_pack("strict", max_rate=0.5)
    site.packs = (*site.packs, strict)
    leads(site, site.campaign(), 1)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(30)
    floor.pbx.agent_presses("101", "1")
    floor.pbx.agent_presses("101", "#")
    floor.advance(2)
    (call,) = site.calls()
    (answer,) = [one for one in site.ledger.events_of(call.call_id) if one.kind is EventKind.LIVE_ANSWER]
    facts = dict(answer.facts)
    told_call = call.call
    assert (facts["connected_at"], facts["held_at"], facts["ended_at"]) == tuple(
        at.isoformat() for at in (told_call.bridged_at, told_call.announcement_at, told_call.ended_at) if at is not None
    )
    assert facts["ended_by"] == "customer"
    halted = the_campaign(site)
    assert halted.state is CampaignState.HALTED, "by the law's reading an agent behind a disclosure came too late"
    assert "strict.abandon" in str(halted.halted_because)


def test_a_campaign_is_never_halted_for_what_nobody_answered(site: Site) -> None:
    campaign = site.campaign()
    for index in range(3):
        site.lead(campaign, f"+1212555010{index}", RingsOut())
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(80)
    assert len(site.calls()) == 3
    assert (the_budget(site).answered, the_campaign(site).state) == (0, CampaignState.RUNNING)


def test_the_first_start_is_kept_and_later_ones_change_nothing(site: Site) -> None:
    with writing(site.database) as connection:
        fresh = replace(the_campaign_to_be("autumn"), state=CampaignState.STOPPED)
        store.add_campaign(connection, fresh, NOON)
        assert store.campaign_named(connection, "autumn").started_at is None
        store.start_campaign(connection, "autumn", NOON + timedelta(hours=1))
        store.set_campaign_state(connection, "autumn", CampaignState.PAUSED)
        store.start_campaign(connection, "autumn", NOON + timedelta(hours=2))
        assert store.campaign_named(connection, "autumn").started_at == NOON + timedelta(hours=1)
        store.add_campaign(connection, the_campaign_to_be("running"), NOON)
        assert store.campaign_named(connection, "running").started_at == NOON


def test_the_name_by_which_a_campaign_is_counted_is_its_own(site: Site) -> None:
    site.campaign("spring")
    with writing(site.database) as connection, pytest.raises(store.AlreadyThere):
        store.add_campaign(connection, the_campaign_to_be("spring"), NOON)


def the_campaign_to_be(name: str) -> Campaign:
    return Campaign(f"id of {name}", name, CampaignState.RUNNING, "offer", "sales", "d-en", "s-en", 1, 1, timedelta(seconds=20))
