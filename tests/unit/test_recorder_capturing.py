"""What is done about a recording as the call goes on; a pause cannot be forgotten, and is known afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.recording import RecordingTerms, Transfer
from compliance.rules import Leave, RecordMode
from recorder.capture import CapturePlan
from recorder.capture_text import from_text, to_text
from recorder.capturing import Act, Capture, Joined, Pause, after, asked, due, found_alive, happened, ran_out, spoken, transferred
from sip.events import (
    AnnouncementEnded,
    Answered,
    Bridged,
    CallEvent,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    EndedBy,
    HungUp,
    Unbridged,
)
from sip.port import DisclosedBy, RecordedFrom

CALL = "0123456789abcdef0123456789abcdef"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TERMS = RecordingTerms((), Leave.ALL, True, RecordMode.AS_SET, (), (), ())


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def event(kind: type[CallEvent], second: float, **known: Any) -> CallEvent:
    return kind(CALL, at(second), **known)


def lived(*events: CallEvent, plan: CapturePlan | None = None) -> Capture:
    capture = Capture(plan or CapturePlan())
    for one in events:
        capture, _ = after(capture, one)
    return capture


def talking(plan: CapturePlan | None = None) -> Capture:
    return lived(event(Answered, 0), event(Bridged, 2, agent_id="101"), plan=plan)


def pausing(capture: Capture | None = None) -> Capture:
    return asked(capture or talking(), pause=True, why="payment", by="101", at=at(10))[0]


def test_a_pause_is_ordered_confirmed_and_kept_with_why_and_by_whom() -> None:
    capture, acts = asked(talking(), pause=True, why="payment", by="101", at=at(10))
    assert acts == (Act.PAUSE,)
    assert not capture.paused
    capture, acts = after(capture, event(CapturePaused, 10.1))
    assert (capture.paused, acts) == (True, ())
    capture, acts = asked(capture, pause=False, why="", by="101", at=at(20))
    assert acts == (Act.RESUME,)
    capture, acts = after(capture, event(CaptureResumed, 20.1))
    assert (capture.pauses, acts) == ((Pause(at(10.1), at(20.1), "payment", "101"),), ())


def test_a_pause_that_lasts_is_not_prolonged_by_asking_again() -> None:
    capture, acts = asked(pausing(), pause=True, why="again", by="101", at=at(100))
    assert (capture, acts) == (pausing(), ())


@pytest.mark.parametrize(("second", "over"), [(129.9, False), (130, True), (4000, True)])
def test_a_pause_ends_at_its_limit(second: float, over: bool) -> None:
    capture, _ = after(pausing(), event(CapturePaused, 10.1))
    assert ran_out(capture, at(second)) is over
    capture, acts = due(capture, at(second))
    assert (capture.wish is None, acts) == ((True, (Act.RESUME,)) if over else (False, ()))


def test_what_the_pbx_does_not_confirm_is_ordered_again() -> None:
    capture, acts = due(pausing(), at(11))
    assert acts == (Act.PAUSE,)
    capture, _ = after(capture, event(CapturePaused, 12))
    capture, _ = asked(capture, pause=False, why="", by="101", at=at(13))
    assert due(capture, at(14))[1] == due(capture, at(500))[1] == (Act.RESUME,)


@pytest.mark.parametrize(
    "what", [event(Bridged, 30, agent_id="102"), event(Unbridged, 30, agent_id="101")], ids=["another-agent", "the-agent-leaves"]
)
def test_a_pause_ends_when_the_agent_changes_or_leaves(what: CallEvent) -> None:
    capture, acts = after(after(pausing(), event(CapturePaused, 11))[0], what)
    assert (capture.wish, acts) == (None, (Act.RESUME,))


def test_a_pause_that_comes_late_is_undone() -> None:
    assert after(talking(), event(CapturePaused, 30))[1] == (Act.RESUME,)
    assert after(pausing(), event(CaptureResumed, 30))[1] == (Act.PAUSE,)


def test_after_a_gap_what_is_wanted_is_ordered_again() -> None:
    assert found_alive(pausing()) == (Act.PAUSE,)
    assert found_alive(talking()) == (Act.RESUME,)
    assert found_alive(Capture()) == ()


def test_the_hang_up_ends_the_pause_and_the_time_with_the_agent() -> None:
    capture, _ = after(pausing(), event(CapturePaused, 11))
    capture, acts = after(capture, event(HungUp, 50, cause=16, tech_cause=0, by=EndedBy.CUSTOMER, rang=True))
    assert (capture.pauses, acts) == ((Pause(at(11), at(50), "payment", "101"),), ())
    assert capture.agents == (Joined("101", at(2), at(50)),)


def test_each_agent_is_kept_with_when_they_were_there() -> None:
    capture = lived(
        event(Answered, 0),
        event(Bridged, 2, agent_id="101"),
        event(Unbridged, 8, agent_id="101"),
        event(Bridged, 9, agent_id="102"),
        event(Bridged, 9.5, agent_id="102"),
        event(Bridged, 12, agent_id="103"),
    )
    assert capture.agents == (Joined("101", at(2), at(8)), Joined("102", at(9), at(12)), Joined("103", at(12), None))


def test_who_does_not_consent_is_lawfully_unrecorded() -> None:
    plan = CapturePlan(disclosed_by=DisclosedBy.PRESS_TO_CONSENT, recorded_from=RecordedFrom.CONSENT)
    refused = lived(event(Answered, 0), event(ConsentAsked, 8, given=False), plan=plan)
    assert (refused.until, "consent" in refused.unrecorded) == (at(8), True)
    given_it = lived(event(Answered, 0), event(ConsentAsked, 8, given=True), plan=plan)
    assert (given_it.until, given_it.unrecorded, given_it.confirmed_at) == (None, "", at(8))
    assert asked(refused, pause=True, why="payment", by="101", at=at(9)) == (refused, ())


def test_a_recording_that_waits_for_an_event_begins_with_it_and_not_with_another() -> None:
    waits = talking(CapturePlan(recorded_from=RecordedFrom.ORDER, start_on=("contract_conclusion",)))
    assert "nothing happened" in waits.unrecorded
    assert happened(waits, "small talk")[1] == ()
    assert happened(waits, "contract_conclusion")[1] == (Act.START,)
    begun, _ = after(waits, event(CaptureStarted, 40))
    assert (begun.since, begun.unrecorded, happened(begun, "contract_conclusion")[1]) == (at(40), "", ())


def test_the_agents_word_counts_where_the_agent_is_to_say_it() -> None:
    assert spoken(talking(CapturePlan(disclosed_by=DisclosedBy.SPOKEN)), at(5)).confirmed_at == at(5)
    assert spoken(talking(), at(5)).confirmed_at is None


def test_after_a_transfer_to_other_terms_nothing_is_captured_before_the_notice_was_heard_again() -> None:
    capture, acts = transferred(talking(), Transfer(TERMS, announce=True, stop=False), at(30))
    assert acts == (Act.PAUSE, Act.ANNOUNCE)
    capture, acts = asked(capture, pause=False, why="", by="101", at=at(31))
    assert (capture.wish is None, acts) == (False, ())
    capture, acts = after(capture, event(AnnouncementEnded, 35, prompt="en", complete=True))
    assert (capture.wish, acts) == (None, (Act.RESUME,))


def test_a_recording_that_the_rules_end_stays_ended() -> None:
    capture, acts = transferred(talking(), Transfer(TERMS, announce=False, stop=True), at(30))
    assert acts == (Act.STOP,)
    for second in (31, 5000):
        capture, acts = due(capture, at(second))
        assert acts == (Act.PAUSE,)
    assert asked(capture, pause=False, why="", by="101", at=at(40)) == (capture, ())


happenings = st.lists(
    st.tuples(st.sampled_from(["pause", "resume", "paused", "resumed", "joins", "other", "leaves", "tick"]), st.floats(0.1, 90)),
    max_size=30,
)


@given(happenings)
def test_no_pause_outlives_its_limit_and_what_is_kept_is_in_order(happened_so: list[tuple[str, float]]) -> None:
    capture, now = talking(), 3.0
    for what, later in happened_so:
        now += later
        capture, _ = due(capture, at(now))
        match what:
            case "pause" | "resume":
                capture, _ = asked(capture, pause=what == "pause", why="payment", by="101", at=at(now))
            case "paused":
                capture, _ = after(capture, event(CapturePaused, now))
            case "resumed":
                capture, _ = after(capture, event(CaptureResumed, now))
            case "joins" | "other":
                capture, _ = after(capture, event(Bridged, now, agent_id="101" if what == "joins" else "102"))
            case "leaves":
                capture, _ = after(capture, event(Unbridged, now, agent_id="101"))
        assert capture.wish is None or at(now) - capture.wish.at < capture.plan.pause_limit
        assert from_text(to_text(capture)) == capture
    times = [moment for one in capture.pauses for moment in (one.since, one.until or at(now))]
    assert times == sorted(times)
    assert [one for one in capture.pauses if one.until is None] in ([], [capture.pauses[-1]] if capture.pauses else [])


def test_a_call_of_an_older_version_is_one_of_which_nothing_is_known() -> None:
    assert from_text("") == Capture()
