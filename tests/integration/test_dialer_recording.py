"""The floor and the recordings of its calls, on a simulated PBX: who pauses, what is kept, what is not dialed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compliance.pack_files import load_packs
from compliance.store import Ledger
from config.clock import ManualClock
from config.database import reading, writing
from dialer import store
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from recorder.capture import CaptureMode, CapturePolicy
from recorder.record import CallRecord
from recorder.store import due
from sip.call import CallState
from sip.port import DisclosedBy
from sip.subscribers import Answers
from tests.dialer_site import NOON, RunningFloor, Site
from tests.pack_texts import pack_text, rule_text

TALKS = Answers(rings_for=timedelta(seconds=1), talks_for=timedelta(seconds=400))
NUMBER = "+12125550101"


def a_site(directory: Path, database: Engine, *rules: str) -> Site:
    clock = ManualClock(NOON)
    if rules:
        (directory / "rules.toml").write_text(pack_text(*rules))
    packs = load_packs(("house", *(["rules.toml"] if rules else [])), directory)
    return Site(directory, clock, database, Ledger(database, clock, packs, timedelta(seconds=10)), packs)


@pytest.fixture
def site(tmp_path: Path, migrated: Engine) -> Site:
    return a_site(tmp_path, migrated)


@pytest.fixture
def talking(site: Site) -> RunningFloor:
    """Ann talks to a customer, whose recording may be paused for a minute."""
    return in_talk(site, CapturePolicy(pause_limit=timedelta(seconds=60)))


def in_talk(site: Site, capture: CapturePolicy) -> RunningFloor:
    site.lead(site.campaign(capture=capture), NUMBER, TALKS)
    site.agents("ann")
    floor = RunningFloor(site)
    floor.pbx.agent_up("ann")
    floor.advance(12)
    return floor


def the_call(floor: RunningFloor) -> FloorCall:
    (call,) = floor.service.floor.calls.values()
    return call


def say(site: Site, call_id: str, *, paused: bool) -> None:
    """What `ringfence recording pause` and `resume` leave for the floor."""
    with writing(site.database) as connection:
        said = {"call": call_id, "paused": "yes" if paused else "no", "why": "payment", "by": "office"}
        store.say(connection, "capture", said, site.clock.now())


def handed_over(floor: RunningFloor) -> CallRecord:
    """What the recorder was given of the call once it is over and wrapped up."""
    floor.pbx.hang_up(next(iter(floor.service.floor.calls)))
    floor.advance(1)
    for key in "1#":
        floor.pbx.agent_presses("ann", key)
        floor.settle()
    floor.advance(1)
    with reading(floor.site.database) as connection:
        (job,) = due(connection, floor.site.clock.now(), 10)
        return job.record()


def test_the_agents_key_pauses_the_recording_and_lets_it_go_on(talking: RunningFloor) -> None:
    began = talking.site.clock.now()
    for _ in range(2):
        talking.pbx.agent_presses("ann", "0")
        talking.settle()
        talking.advance(10)
    (pause,) = handed_over(talking).pauses
    assert (pause.why, pause.by) == ("agent asked", "ann")
    assert pause.until is not None
    assert (pause.since - began, pause.until - pause.since) == (timedelta(0), timedelta(seconds=10))


def test_a_pause_ends_by_itself_at_the_limit_and_somebody_is_told(talking: RunningFloor) -> None:
    say(talking.site, the_call(talking).call_id, paused=True)
    talking.advance(59)
    assert the_call(talking).call.paused
    talking.advance(3)
    assert not the_call(talking).call.paused
    assert alerts(talking.site) == ["pause_ran_out"]
    (pause,) = handed_over(talking).pauses
    assert (pause.why, pause.by) == ("payment", "office")


def alerts(site: Site) -> list[str]:
    with reading(site.database) as connection:
        return [row.kind for row in connection.exec_driver_sql("SELECT kind FROM alert ORDER BY id")]


@pytest.mark.parametrize("away", [5, 90])
def test_a_floor_that_dies_while_a_recording_is_paused_lets_it_go_on_in_time(talking: RunningFloor, away: float) -> None:
    say(talking.site, the_call(talking).call_id, paused=True)
    talking.advance(1)
    talking.pbx.close()
    talking.pbx.advance_to(talking.site.clock.now() + timedelta(seconds=away))
    again = RunningFloor(talking.site, talking.pbx)
    again.advance(2)
    assert the_call(again).call.paused is (away < 60)
    again.advance(60)
    assert not the_call(again).call.paused
    assert the_call(again).capture.wish is None


def test_an_order_to_pause_that_was_lost_with_the_floor_is_given_again(talking: RunningFloor) -> None:
    call_id = the_call(talking).call_id
    talking.pbx.cut("the wire is cut")
    say(talking.site, call_id, paused=True)
    talking.settle()
    assert not the_call(talking).call.paused
    talking.pbx.mend()
    talking.advance(1)
    assert the_call(talking).call.paused


def test_the_keys_of_a_card_are_not_kept_and_its_nines_opt_nobody_out(site: Site) -> None:
    presses = tuple((timedelta(seconds=second), "9") for second in (20, 21, 40))
    site.lead(site.campaign(), NUMBER, replace(TALKS, presses=presses))
    site.agents("ann")
    floor = RunningFloor(site)
    floor.pbx.agent_up("ann")
    floor.advance(12)
    floor.pbx.agent_presses("ann", "0")
    floor.advance(15)
    assert the_call(floor).call.keys == ""
    assert site.ledger.suppressed(NUMBER, NUMBER) is None
    floor.pbx.agent_presses("ann", "0")
    floor.advance(20)
    assert the_call(floor).call.keys == "9"
    assert site.ledger.suppressed(NUMBER, NUMBER) is not None


def test_an_agent_who_is_to_say_it_says_that_it_was_said(site: Site) -> None:
    floor = in_talk(site, CapturePolicy(disclosed_by=DisclosedBy.SPOKEN))
    at = site.clock.now()
    floor.pbx.agent_presses("ann", "1")
    floor.settle()
    record = handed_over(floor)
    assert (record.disclosed_by, record.confirmed_at, record.announced_at) == (DisclosedBy.SPOKEN, at, None)
    assert [one.agent_id for one in record.agents] == ["ann"]


def test_a_prompt_as_the_agent_joins_leaves_nobody_waiting_behind_it(site: Site) -> None:
    record = handed_over(in_talk(site, CapturePolicy(disclosed_by=DisclosedBy.PROMPT_JOINING)))
    assert record.answered_at is not None
    assert record.bridged_at is not None
    assert record.announced_at is not None
    assert record.bridged_at - record.answered_at < timedelta(seconds=2)
    assert record.announced_at > record.bridged_at


def test_a_campaign_that_records_nothing_keeps_the_reason_and_asks_for_no_file(site: Site) -> None:
    record = handed_over(in_talk(site, CapturePolicy(mode=CaptureMode.OFF)))
    assert record.unrecorded == "the campaign records nothing"
    assert record.captured == "nothing"


def test_a_recording_on_event_begins_with_the_agents_key(site: Site) -> None:
    floor = in_talk(site, CapturePolicy(mode=CaptureMode.ON_EVENT))
    assert the_call(floor).capture.since is None
    began = site.clock.now()
    floor.pbx.agent_presses("ann", "0")
    floor.settle()
    floor.advance(1)
    assert the_call(floor).call.state is CallState.BRIDGED
    record = handed_over(floor)
    assert (record.captured_from, record.unrecorded) == (began, "")


def test_the_prompt_tells_its_language(talking: RunningFloor) -> None:
    assert handed_over(talking).language == "en"


NOT_TO_BE_RECORDED = rule_text("no.record", "record", level="law", consent="all", announce=True, mode="off")


def test_a_lead_whose_call_may_not_be_recorded_is_not_dialed_and_is_told_why(tmp_path: Path, migrated: Engine) -> None:
    site = a_site(tmp_path, migrated, NOT_TO_BE_RECORDED)
    floor = in_talk(site, CapturePolicy())
    assert not floor.service.floor.calls
    assert not site.calls()
    lead = site.leads()[NUMBER]
    assert (lead.state, lead.attempts) == (LeadState.REFUSED, 0)
    assert lead.reason.startswith("recording.not_recordable: ")
    assert "no.record: " in lead.reason


def test_where_the_switch_is_off_the_call_is_connected_unrecorded_and_the_lawful_reason_is_kept(
    tmp_path: Path, migrated: Engine
) -> None:
    site = a_site(tmp_path, migrated, NOT_TO_BE_RECORDED)
    record = handed_over(in_talk(site, CapturePolicy(recorded_or_not_connected=False)))
    assert record.bridged_at is not None
    assert "no.record: " in record.unrecorded
