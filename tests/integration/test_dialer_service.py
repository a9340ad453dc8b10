"""The floor on a simulated PBX, a real ledger and a real database: whole campaigns in milliseconds, and restarts.

The floor thread runs for real; the test moves the clock and waits for the floor to have taken everything in.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from compliance.facts import EventKind
from compliance.pack_files import load_packs
from compliance.store import Ledger
from config.clock import ManualClock
from config.database import reading, writing
from config.load import init_site
from dialer import bootstrap, store
from dialer.dispositions import LeadState
from dialer.floor import Floor, FloorCall, Tick
from dialer.floor_thread import FloorThread
from recorder.store import alerts, due
from sip.simulator import Simulator
from sip.subscribers import BUSY, UNOBTAINABLE, Answers, RingsOut
from tests.dialer_site import NOON, TALKER, RunningFloor, Site

FAR = datetime.max.replace(tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path, migrated: Engine) -> Site:
    clock = ManualClock(NOON)
    packs = load_packs(("house",), tmp_path)
    return Site(tmp_path, clock, migrated, Ledger(migrated, clock, packs, timedelta(seconds=10)), packs)


def kinds(site: Site, call: FloorCall) -> set[EventKind]:
    return {event.kind for event in site.ledger.events_of(call.call_id)}


def test_a_campaign_is_dialed_one_call_for_each_free_agent_and_every_lead_ends_with_a_reason(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101", "102")
    for index in range(4):
        site.lead(campaign, f"+1212555010{index}", TALKER)
    site.lead(campaign, "+12125550110", BUSY)
    site.lead(campaign, "+12125550111", UNOBTAINABLE)
    site.lead(campaign, "+12125550112", RingsOut())
    floor = RunningFloor(site)
    floor.advance(1)
    assert site.calls() == [], "dialed without an agent"
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    most = 0
    for _ in range(600):
        state = floor.advance(0.5)
        most = max(most, sum(call.call.ended_at is None for call in state.calls.values()))
        for agent in state.agents.values():
            if agent.state == "wrap_up":
                floor.pbx.agent_presses(agent.agent_id, "3")
                floor.pbx.agent_presses(agent.agent_id, "#")
    assert most == 2
    ended = {call.number: call.disposition for call in site.calls()}
    assert ended == {f"+1212555010{index}": "not_interested" for index in range(4)} | {
        "+12125550110": "busy",
        "+12125550111": "invalid_number",
        "+12125550112": "no_answer",
    }
    assert {lead.state for lead in site.leads().values()} == {LeadState.DONE, LeadState.EXHAUSTED}
    assert all(lead.reason for lead in site.leads().values())
    with reading(site.database) as connection:
        assert len(due(connection, FAR, 100)) == 4, "each answered call has its recording job"
    by_number = {call.number: kinds(site, call) for call in site.calls()}
    assert EventKind.CONVERSATION in by_number["+12125550100"]
    assert EventKind.NOT_RUNG in by_number["+12125550111"]
    assert EventKind.UNANSWERED in by_number["+12125550112"]
    assert site.ledger.verify_chain().intact


def test_a_refusal_is_no_attempt_and_says_when_again(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101", "102")
    site.lead(campaign, "+12125550100", TALKER, person="alice")
    site.lead(campaign, "+14155550101", TALKER, person="bob")
    other = site.campaign("other")
    site.lead(other, "+12125550102", TALKER, person="alice")
    site.ledger.suppress(number="+14155550101", reason="asked", source="test")
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    floor.advance(10)
    leads = site.leads()
    assert [call.number for call in site.calls()] == ["+12125550100"]
    assert leads["+14155550101"].state is LeadState.REFUSED
    assert "house.internal_dnc" in leads["+14155550101"].reason
    assert leads["+12125550102"].state is LeadState.READY
    assert leads["+12125550102"].next_at >= NOON + timedelta(hours=1), "one attempt an hour for each person, on any number"
    assert leads["+12125550102"].attempts == 0


def test_nobody_free_means_the_abandonment_message_within_two_seconds(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(1)
    floor.pbx.agent_down("101")
    floor.advance(30)
    (call,) = site.calls()
    assert call.disposition == "abandoned"
    assert call.call.answered_at is not None
    assert call.call.safe_harbour_at == call.call.answered_at + timedelta(seconds=2)
    assert EventKind.ABANDONED in kinds(site, call)


def test_an_opt_out_by_either_key_is_on_the_list_before_the_call_ends(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101", "102")
    presses = Answers(rings_for=timedelta(seconds=2), presses=((timedelta(seconds=3), "9"),))
    site.lead(campaign, "+12125550100", presses, person="alice")
    site.lead(campaign, "+12125550101", TALKER, person="bob")
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    state = floor.advance(12)
    for agent in state.agents.values():
        if agent.state == "on_call":
            floor.pbx.agent_presses(agent.agent_id, "9")
    floor.advance(2)
    assert site.ledger.suppressed("+19175550100", "alice") is not None, "all numbers of the person"
    assert site.ledger.suppressed("+12125550101", "nobody") is not None, "everybody on the number"
    assert {call.number: call.call.state for call in site.calls()} == {"+12125550100": "ended", "+12125550101": "ended"}


def test_what_rings_is_cancelled_when_the_person_is_put_on_the_list_by_another_process(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", RingsOut(), person="alice")
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(2)
    site.ledger.suppress(person="alice", reason="called in", source="test")
    with writing(site.database) as connection:
        store.say(connection, "suppressed", {"person": "alice"}, site.clock.now())
    floor.advance(1)
    (call,) = site.calls()
    assert call.call.state == "ended"


@pytest.mark.parametrize("seconds", [0.5, 2, 4, 6, 9, 14, 24, 26, 40])
def test_a_floor_that_crashed_at_any_time_is_taken_over_and_nobody_is_rung_twice(site: Site, seconds: float) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER)
    first = RunningFloor(site)
    first.pbx.agent_up("101")
    first.advance(seconds)
    first.pbx.close()
    dialed = {call.call_id for call in site.calls()}
    site.clock.advance(timedelta(seconds=1))
    second = RunningFloor(site, first.pbx)
    state = second.advance(60)
    for _ in range(40):
        if any(agent.state == "wrap_up" for agent in state.agents.values()):
            second.pbx.agent_presses("101", "1")
            second.pbx.agent_presses("101", "#")
        state = second.advance(1)
    assert {call.call_id for call in site.calls()} == dialed or not dialed
    (call,) = site.calls()
    assert call.call.ended_at is not None
    assert call.disposition not in {None, "void"}
    assert not state.calls
    attempts = [event for event in site.ledger.history("+12125550100") if event.kind is EventKind.ATTEMPT]
    assert len(attempts) == 1
    assert not site.ledger.unresolved()


def test_an_opt_out_that_could_not_be_written_is_written_as_soon_as_it_can_be(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", Answers(rings_for=timedelta(seconds=2)), person="alice")
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(10)
    with site.database.begin() as connection:
        connection.execute(text("alter table suppression rename to suppression_away"))
    floor.pbx.agent_presses("101", "9")
    floor.advance(0.5)
    with site.database.begin() as connection:
        connection.execute(text("alter table suppression_away rename to suppression"))
    assert site.ledger.suppressed("+12125550100", "alice") is None
    floor.advance(0.5)
    assert site.ledger.suppressed("+12125550100", "alice") is not None


def test_a_ringing_call_of_somebody_who_opted_out_while_the_floor_was_dead_is_ended_by_the_next_one(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", RingsOut(), person="alice")
    first = RunningFloor(site)
    first.pbx.agent_up("101")
    first.advance(3)
    first.pbx.close()
    site.ledger.suppress(person="alice", reason="called in", source="test")
    second = RunningFloor(site, first.pbx)
    second.advance(1)
    (call,) = site.calls()
    assert call.call.state == "ended"
    assert call.call.answered_at is None


def test_a_lead_the_gate_cannot_judge_is_set_aside_and_does_not_stop_the_others(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101", "102")
    site.lead(campaign, "not a number", TALKER)
    site.lead(campaign, "+12125550101", TALKER)
    with writing(site.database) as connection:
        connection.execute(text("update lead set state = 'ready'"))
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.pbx.agent_up("102")
    floor.advance(5)
    assert site.leads()["not a number"].state is LeadState.REFUSED
    assert [call.number for call in site.calls()] == ["+12125550101"]


def test_a_second_floor_on_the_same_database_is_refused(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database_url.startswith("postgresql"):
        monkeypatch.setenv("RINGFENCE_DATABASE_URL", database_url)
        directories = (tmp_path / "one", tmp_path / "two")
    else:
        directories = (tmp_path / "one", tmp_path / "one")
    for directory in set(directories):
        init_site(directory)
    with bootstrap.opened(directories[0]) as first, bootstrap.opened(directories[1]) as second:
        with bootstrap.one_at_a_time(first), pytest.raises(bootstrap.AlreadyRunning), bootstrap.one_at_a_time(second):
            pass
        with bootstrap.one_at_a_time(second):
            pass


def test_closing_time_does_not_hold_the_floor_up(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    for index in range(100):
        site.lead(campaign, f"+1212555{index:04d}" if index != 12 else "+16465550112", TALKER)
    with writing(site.database) as connection:
        connection.execute(text("update lead set state = 'ready'"))
    site.clock.advance(timedelta(hours=9))  # nine in the evening
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.settle()
    resting = sum(lead.reason != "" for lead in site.leads().values())
    assert 0 < resting <= 40, "a few at each tick, so that customers are not kept waiting"
    floor.advance(10)
    assert all(lead.reason for lead in site.leads().values())
    assert site.calls() == []


def test_a_campaign_whose_messages_the_pbx_does_not_have_is_not_dialed(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER)
    floor = RunningFloor(site)
    floor.prompts.discard("safe-harbour-en")
    with writing(site.database) as connection:
        store.say(connection, "settings", {}, site.clock.now())
    floor.pbx.agent_up("101")
    floor.advance(3)
    assert site.calls() == []
    with reading(site.database) as connection:
        (alert,) = alerts(connection)
    assert "safe-harbour-en" in alert.text


def test_a_verdict_that_comes_late_does_not_fall_on_the_next_customer(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER)
    site.lead(campaign, "+12125550101", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    state = floor.advance(10)
    first = state.agents["101"].call_id
    floor.advance(20)
    floor.pbx.agent_presses("101", "1")
    floor.pbx.agent_presses("101", "#")
    state = floor.advance(10)
    assert state.agents["101"].call_id not in {None, first}
    with writing(site.database) as connection:
        store.say(connection, "disposition", {"agent": "101", "call": str(first), "disposition": "do_not_call"}, site.clock.now())
    floor.advance(1)
    assert [call.disposition for call in site.calls()] == ["sale", None]


def test_words_that_were_not_acted_on_are_heard_again_after_a_crash(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", RingsOut(), person="alice")
    first = RunningFloor(site)
    first.pbx.agent_up("101")
    first.advance(2)
    site.ledger.suppress(number="+12125550100", reason="on a list", source="test")
    with writing(site.database) as connection:
        store.say(connection, "suppressions_changed", {}, site.clock.now())
    first.advance(1)
    (call,) = site.calls()
    assert call.call.state == "ended", "whatever rings for somebody on a new list is cancelled"
    with reading(site.database) as connection:
        assert store.words(connection, 10) == []


def test_a_try_that_was_never_sent_is_no_attempt_of_the_lead(site: Site) -> None:
    campaign = site.campaign()
    site.agents("101")
    site.lead(campaign, "+12125550100", TALKER)
    floor = RunningFloor(site, Simulator(site.clock, site.script.__getitem__, trunks=frozenset({"another"})))
    floor.pbx.agent_up("101")
    floor.advance(5)
    lead = site.leads()["+12125550100"]
    assert (lead.state, lead.attempts) == (LeadState.READY, 0)


def test_two_numbers_of_one_person_share_the_caps_before_the_second_was_ever_rung(site: Site) -> None:
    site.agents("101", "102")
    first, second = site.campaign("first"), site.campaign("second")
    site.lead(first, "+12125550100", TALKER, person="cust-7", more=("+12125550102",))
    site.lead(second, "+12125550102", TALKER)
    floor = RunningFloor(site)
    floor.pbx.agent_up("101")
    floor.advance(3)
    floor.pbx.agent_up("102")
    floor.advance(5)
    assert [call.number for call in site.calls()] == ["+12125550100"]


def test_ticks_do_not_pile_up_and_a_watcher_that_fails_does_not_end_the_floor(site: Site) -> None:
    floor = RunningFloor(site)
    floor.pbx.close()
    pbx = Simulator(site.clock, site.script.__getitem__)
    seen: list[bool] = []

    def watch(state: Floor) -> None:
        seen.append(state.pbx_up)
        if len(seen) == 1:
            raise RuntimeError("the screen is gone")

    thread = FloorThread(floor.service, pbx, watch)
    for _ in range(5):
        thread.tick(Tick(site.clock.now()))
    thread.start()
    thread.stop()
    assert len(seen) == 2, "one tick of the five, and the PBX coming into view"
