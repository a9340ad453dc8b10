"""What a real Asterisk said of each way a call can go, and what it must mean to us.

The transcripts were recorded from Asterisk 22 with the dialplan of config/pbx: every line as it was sent.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.ami_codec import BANNER, Decoder, Packet
from sip.ami_originates import GRACE, settle
from sip.ami_snapshot import take_stock
from sip.ami_translate import EVENTS_READ, translate
from sip.ami_view import View
from sip.call import Call, CallState, apply, ordered
from sip.causes import SystemDisposition, disposition_of
from sip.events import (
    AgentEvent,
    AgentKeyPressed,
    AgentLegDown,
    AgentLegFailed,
    AgentLegProven,
    AgentLegUp,
    AgentMissing,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CallEvent,
    Dialed,
    EndedBy,
    HungUp,
    KeyPressed,
    LiveAgent,
    LiveCall,
    LivePhase,
    OriginateFailed,
    PbxUp,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
CALL = "0123456789abcdef0123456789abcde1"
AT = datetime(2030, 1, 1, tzinfo=UTC)  # when all of it was received, later than any of it was sent

Told = CallEvent | AgentEvent


def packets_of(transcript: str) -> list[Packet]:
    text = (TRANSCRIPTS / f"{transcript}.txt").read_text(encoding="utf-8")
    return Decoder().feed(BANNER + b"11.0.0\r\n" + text.replace("\n", "\r\n").encode())


def told(packets: Iterable[Packet], view: View | None = None) -> list[Told]:
    """The events that the packets mean, with the time they all were settled as their time."""
    view = view or View()
    events: list[Told] = []
    for packet in packets:
        view, more = translate(view, packet, AT)
        events += more
    _, late = settle(view, AT + GRACE)
    return [replace(event, at=AT) for event in (*events, *late)]


def an_event(name: str, **fields: str) -> Packet:
    return Packet((("Event", name), *fields.items()))


def a_user_event(name: str, **fields: str) -> Packet:
    return an_event("UserEvent", UserEvent=name, **fields)


def hung_up(cause: int, tech_cause: int, by: EndedBy, *, rang: bool) -> HungUp:
    return HungUp(CALL, AT, cause, tech_cause, by, rang)


DIALED, RINGING, ANSWERED = Dialed(CALL, AT), Ringing(CALL, AT), Answered(CALL, AT)
ANNOUNCING, ANNOUNCED = AnnouncementStarted(CALL, AT, "en"), AnnouncementEnded(CALL, AT, "en", complete=True)
ABANDONING, ABANDONED = SafeHarbourStarted(CALL, AT), SafeHarbourEnded(CALL, AT)
WITH_101, LEFT_101 = Bridged(CALL, AT, "101"), Unbridged(CALL, AT, "101")
AGENT_IN = [AgentLegUp("101", AT), AgentLegProven("101", AT)]
NETWORK, CUSTOMER, FLOOR = EndedBy.NETWORK, EndedBy.CUSTOMER, EndedBy.FLOOR


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("busy_486", [DIALED, hung_up(17, 486, NETWORK, rang=False)]),
        ("rings_until_timeout", [DIALED, RINGING, hung_up(19, 480, NETWORK, rang=True)]),
        ("unavailable_480", [DIALED, hung_up(19, 480, NETWORK, rang=False)]),
        ("not_found_404", [DIALED, hung_up(1, 404, NETWORK, rang=False)]),
        ("forbidden_403", [DIALED, hung_up(21, 403, NETWORK, rang=False)]),
        ("declined_603", [DIALED, hung_up(21, 603, NETWORK, rang=False)]),
        ("congested_503", [DIALED, hung_up(34, 503, NETWORK, rang=False)]),
        ("no_reply_until_timeout", [DIALED, hung_up(19, 480, NETWORK, rang=False)]),
        ("no_reply_for_32_seconds", [DIALED, hung_up(18, 408, NETWORK, rang=False)]),
        ("progress_then_busy", [DIALED, RINGING, hung_up(17, 486, NETWORK, rang=True)]),
        ("ringing_then_we_hang_up", [DIALED, RINGING, hung_up(16, 0, FLOOR, rang=True)]),
        ("answered_then_we_hang_up", [DIALED, RINGING, ANSWERED, hung_up(16, 0, FLOOR, rang=True)]),
        ("answered_then_customer_hangs_up", [DIALED, RINGING, ANSWERED, hung_up(0, 0, CUSTOMER, rang=True)]),
        ("far_end_dies_silently", [DIALED, RINGING, ANSWERED, hung_up(44, 0, EndedBy.UNKNOWN, rang=True)]),
        ("answered_and_abandoned", [DIALED, RINGING, ANSWERED, ABANDONING, ABANDONED, hung_up(16, 0, FLOOR, rang=True)]),
        (
            "abandonment_message_cut_by_customer",
            [DIALED, RINGING, ANSWERED, ABANDONING, hung_up(0, 0, CUSTOMER, rang=True)],
        ),
        (
            "answered_and_presses_9",
            [
                *(DIALED, RINGING, ANSWERED, KeyPressed(CALL, AT, "9"), ABANDONING, ABANDONED),
                hung_up(16, 0, FLOOR, rang=True),
            ],
        ),
        (
            "connected_then_customer_hangs_up",
            [
                *(*AGENT_IN, DIALED, RINGING, ANSWERED, ANNOUNCING, ANNOUNCED, WITH_101, LEFT_101),
                hung_up(16, 0, CUSTOMER, rang=True),
            ],
        ),
        (
            "connected_then_agent_leaves",
            [
                *(*AGENT_IN, DIALED, RINGING, ANSWERED, ANNOUNCING, ANNOUNCED, WITH_101, LEFT_101, AgentLegDown("101", AT)),
                hung_up(16, 0, FLOOR, rang=True),
            ],
        ),
        (
            "transferred_to_another_agent",
            [
                *(*AGENT_IN, AgentLegUp("102", AT), AgentLegProven("102", AT)),
                *(DIALED, RINGING, ANSWERED, ANNOUNCING, ANNOUNCED, WITH_101, LEFT_101),
                *(Bridged(CALL, AT, "102"), Unbridged(CALL, AT, "102"), hung_up(16, 0, FLOOR, rang=True)),
            ],
        ),
        (
            "connected_to_an_agent_who_is_gone",
            [
                *(DIALED, RINGING, ANSWERED, ANNOUNCING, ANNOUNCED, AgentMissing(CALL, AT, "101"), ABANDONING, ABANDONED),
                hung_up(16, 0, FLOOR, rang=True),
            ],
        ),
        (
            "agent_fails_the_line_check",
            [AgentLegUp("101", AT), AgentLegFailed("101", AT, "no sound from the agent"), AgentLegDown("101", AT)],
        ),
        ("agent_logs_in_twice", [*AGENT_IN, *AGENT_IN, AgentLegDown("101", AT)]),
        ("unknown_endpoint", [OriginateFailed(CALL, AT, "the PBX made no leg for the originate by nosuch")]),
        ("bad_context", [OriginateFailed(CALL, AT, "the PBX refused the originate: Extension does not exist.")]),
    ],
)
def test_each_way_a_call_went_on_a_real_asterisk_is_told_as_it_was(transcript: str, expected: list[Told]) -> None:
    assert told(packets_of(transcript)) == expected


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("busy_486", SystemDisposition.BUSY),
        ("rings_until_timeout", SystemDisposition.NO_ANSWER),
        ("unavailable_480", SystemDisposition.NO_ANSWER),
        ("not_found_404", SystemDisposition.INVALID_NUMBER),
        ("forbidden_403", SystemDisposition.REJECTED),
        ("declined_603", SystemDisposition.REJECTED),
        ("congested_503", SystemDisposition.CONGESTION),
        ("no_reply_until_timeout", SystemDisposition.NO_ANSWER),
        ("no_reply_for_32_seconds", SystemDisposition.NO_ANSWER),
        ("progress_then_busy", SystemDisposition.BUSY),
        ("ringing_then_we_hang_up", SystemDisposition.NO_ANSWER),
        ("unknown_endpoint", SystemDisposition.FAILED),
    ],
)
def test_a_call_that_was_not_answered_gets_the_disposition_of_its_cause(transcript: str, expected: SystemDisposition) -> None:
    call = lived(told(packets_of(transcript)))
    assert call.state is CallState.ENDED
    assert call.answered_at is None
    assert disposition_of(call.hangup_cause, call.tech_cause, rang=call.rang) is expected


def lived(events: Iterable[Told]) -> Call:
    """The call after all its events. Raises IllegalTransition when the translation told an impossible life."""
    call = ordered(CALL, AT)
    for event in events:
        if not isinstance(event, AgentEvent):
            call = apply(call, event)
    return call


WITH_CUSTOMER = sorted(path.stem for path in TRANSCRIPTS.glob("*.txt") if not path.stem.startswith(("agent_", "live_")))
NO_LEG = {"bad_context", "unknown_endpoint"}


@pytest.mark.parametrize("transcript", WITH_CUSTOMER)
def test_every_recorded_call_lives_a_legal_life_to_its_end(transcript: str) -> None:
    assert lived(told(packets_of(transcript))).state is CallState.ENDED


@pytest.mark.parametrize("transcript", WITH_CUSTOMER)
@given(order=st.randoms(use_true_random=False))
def test_events_of_rooms_and_originates_that_come_late_or_early_change_no_outcome(transcript: str, order: Random) -> None:
    """They travel by other ways than the events of channels: each kind keeps its own order, between them there is none."""
    packets = packets_of(transcript)
    other = {"OriginateResponse", "ConfbridgeJoin", "ConfbridgeLeave"}
    shuffled = list(packets)
    for place in range(1, len(shuffled)):
        earlier, later = shuffled[place - 1], shuffled[place]
        apart = float(later.get("Timestamp", "0")) - float(earlier.get("Timestamp", "0"))  # seconds
        if (earlier.event in other) != (later.event in other) and abs(apart) < 0.2 and order.random() < 0.5:
            shuffled[place - 1], shuffled[place] = later, earlier
    call, straight = lived(told(shuffled)), lived(told(packets))
    assert (call.state, call.hangup_cause, call.ended_by, call.rang) == (
        straight.state,
        straight.hangup_cause,
        straight.ended_by,
        straight.rang,
    )
    assert (call.bridged_at, call.agent_id, call.disclosed) == (straight.bridged_at, straight.agent_id, straight.disclosed)


def test_a_second_originate_with_a_live_calls_id_does_not_end_that_call() -> None:
    assert told(packets_of("call_id_in_use"))[:3] == [DIALED, RINGING, hung_up(16, 0, FLOOR, rang=True)]


def test_an_originate_by_a_prefix_of_a_live_calls_id_does_not_end_that_call() -> None:
    assert told(packets_of("call_id_prefix_of_a_live_one")) == [DIALED, RINGING, hung_up(16, 0, FLOOR, rang=True)]


def test_a_failed_originate_whose_leg_shows_late_is_not_said_to_have_had_none() -> None:
    """Under load the response overtakes the events of the channel."""
    packets = packets_of("busy_486")
    early = sorted(packets, key=lambda packet: packet.event != "OriginateResponse")
    assert early[0].event == "OriginateResponse"
    assert told(early) == [DIALED, hung_up(17, 486, NETWORK, rang=False)]


def test_a_failed_originate_without_a_leg_is_believed_after_its_grace_and_once() -> None:
    view = View()
    for packet in packets_of("unknown_endpoint"):
        view, events = translate(view, packet, AT)
        assert events == ()
    [(failed_at, _)] = view.legless.values()
    assert settle(view, failed_at + GRACE - timedelta(microseconds=1))[1] == ()
    view, events = settle(view, failed_at + GRACE)
    assert [type(event) for event in events] == [OriginateFailed]
    assert settle(view, failed_at + GRACE * 2) == (view, ())


def test_nothing_is_remembered_of_a_call_that_is_over() -> None:
    view = View()
    for packet in packets_of("connected_then_agent_leaves"):
        view, _ = translate(view, packet, AT)
    assert view == View()


def test_channels_that_are_not_ours_mean_nothing() -> None:
    foreign = "amilab-1795291750.19"
    packets = [
        an_event("Newchannel", Uniqueid=foreign, ChannelStateDesc="Down"),
        an_event("Newstate", Uniqueid=foreign, ChannelStateDesc="Ringing"),
        an_event("DTMFEnd", Uniqueid=foreign, Digit="1", Direction="Received"),
        an_event("ConfbridgeJoin", Uniqueid=foreign, Conference="rf-101"),
        an_event("ConfbridgeJoin", Uniqueid=CALL, Conference="rf-101"),
        an_event("ConfbridgeLeave", Uniqueid=foreign, Conference="sales"),
        a_user_event("RFAnswered", Call=foreign),
        a_user_event("SomebodyElses", Call=CALL),
        an_event("Hangup", Uniqueid=foreign, Cause="16"),
        an_event("OriginateResponse", Uniqueid=foreign, Response="Failure", ActionID="theirs"),
        Packet((("Response", "Error"), ("ActionID", "theirs"), ("Message", "No such channel"))),
        an_event("PeerStatus", Peer="PJSIP/101"),
    ]
    assert told(packets) == []


def test_a_conference_of_another_kind_bridges_nobody() -> None:
    packets = [
        an_event("Newchannel", Uniqueid=CALL),
        a_user_event("RFAnswered", Call=CALL),
        an_event("ConfbridgeJoin", Uniqueid=CALL, Conference="sales"),
    ]
    assert told(packets) == [DIALED, ANSWERED]


def test_a_prompt_that_failed_is_not_told_as_disclosed() -> None:
    packets = [
        an_event("Newchannel", Uniqueid=CALL),
        a_user_event("RFAnswered", Call=CALL),
        a_user_event("RFAnnouncing", Call=CALL, Prompt="en"),
        a_user_event("RFAnnounced", Call=CALL, Prompt="en", Status="FAILED"),
    ]
    assert told(packets)[-1] == AnnouncementEnded(CALL, AT, "en", complete=False)


def test_keys_that_we_send_are_not_keys_that_were_pressed() -> None:
    packets = [
        an_event("Newchannel", Uniqueid=CALL),
        a_user_event("RFAnswered", Call=CALL),
        an_event("DTMFEnd", Uniqueid=CALL, Digit="9", Direction="Sent"),
    ]
    assert told(packets) == [DIALED, ANSWERED]


def test_a_join_that_overtakes_the_leave_of_a_transfer_still_leaves_first() -> None:
    packets = [
        an_event("Newchannel", Uniqueid=CALL),
        a_user_event("RFAnswered", Call=CALL),
        a_user_event("RFAnnouncing", Call=CALL, Prompt="en"),
        a_user_event("RFAnnounced", Call=CALL, Prompt="en", Status="SUCCESS"),
        an_event("ConfbridgeJoin", Uniqueid=CALL, Conference="rf-101"),
        an_event("ConfbridgeJoin", Uniqueid=CALL, Conference="rf-102"),
        an_event("ConfbridgeLeave", Uniqueid=CALL, Conference="rf-101"),
        an_event("ConfbridgeLeave", Uniqueid=CALL, Conference="rf-102"),
    ]
    assert told(packets)[4:] == [WITH_101, LEFT_101, Bridged(CALL, AT, "102"), Unbridged(CALL, AT, "102")]


def test_the_earlier_of_two_legs_goes_silently_and_counts_again_when_the_later_goes_first() -> None:
    login = [a_user_event("RFAgentLeg", Uniqueid=leg, Agent="101") for leg in ("first", "second")]
    join = [an_event("ConfbridgeJoin", Uniqueid=leg, Conference="rf-101") for leg in ("first", "second")]
    gone = [an_event("Hangup", Uniqueid=leg, Cause="16") for leg in ("first", "second")]
    up, proven, down = AgentLegUp("101", AT), AgentLegProven("101", AT), AgentLegDown("101", AT)
    assert told([login[0], join[0], login[1], join[1], gone[0], gone[1]]) == [up, proven, up, proven, down]
    assert told([login[0], join[0], login[1], join[1], gone[1], gone[0]]) == [up, proven, up, proven, down, up, proven, down]
    assert told([login[0], login[1], gone[1], join[0]]) == [up, up, down, up, proven]


def test_only_the_leg_that_counts_presses_keys_and_fails_checks() -> None:
    login = [a_user_event("RFAgentLeg", Uniqueid=leg, Agent="101") for leg in ("first", "second")]
    join = [an_event("ConfbridgeJoin", Uniqueid=leg, Conference="rf-101") for leg in ("first", "second")]
    keys = [
        an_event("DTMFEnd", Uniqueid=leg, Digit=digit, Direction="Received") for leg, digit in (("first", "1"), ("second", "2"))
    ]
    failed = a_user_event("RFAgentFailed", Uniqueid="first", Agent="101", Reason="no sound")
    assert told([*login, *join, *keys, failed])[3:] == [AgentKeyPressed("101", AT, "2")]


def test_the_key_that_answers_the_line_check_is_not_for_the_floor() -> None:
    """It would be taken for a disposition."""
    login = a_user_event("RFAgentLeg", Uniqueid="leg", Agent="101")
    key = an_event("DTMFEnd", Uniqueid="leg", Digit="1", Direction="Received")
    assert told([login, key]) == [AgentLegUp("101", AT)]


def test_an_agent_in_another_agents_room_is_not_proven() -> None:
    packets = [
        a_user_event("RFAgentLeg", Uniqueid="leg", Agent="101"),
        an_event("ConfbridgeJoin", Uniqueid="leg", Conference="rf-102"),
    ]
    assert told(packets) == [AgentLegUp("101", AT)]


SENT = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "received", "expected"),
    [
        pytest.param("1700000000.123456", SENT + timedelta(seconds=2), SENT, id="the PBX's time, though it came late"),
        pytest.param("1700000000.123456", SENT - timedelta(seconds=2), SENT - timedelta(seconds=2), id="never the future"),
        pytest.param("", SENT, SENT, id="no timestamp"),
        pytest.param("yesterday", SENT, SENT, id="no number"),
        pytest.param("nan", SENT, SENT, id="not a number"),
        pytest.param("9e99", SENT, SENT, id="beyond all time"),
    ],
)
def test_an_event_happened_when_the_pbx_says_but_never_after_we_heard_of_it(
    stamp: str, received: datetime, expected: datetime
) -> None:
    _, [event] = translate(View(), an_event("Newchannel", Timestamp=stamp, Uniqueid=CALL), received)
    assert event.at == expected


FIELDS = st.sampled_from(["Uniqueid", "Call", "Agent", "Conference", "Digit", "Cause", "Timestamp", "ActionID", "Response"])
NOISE = st.sampled_from([CALL, "rf-101", "101", "x", "", "-1", "999999999999999999999", "Received", "originate-" + CALL])
USER_EVENTS = [
    "RFAnswered",
    "RFAnnouncing",
    "RFAnnounced",
    "RFAgentMissing",
    "RFAbandoning",
    "RFAbandoned",
    "RFAgentLeg",
    "RFAgentFailed",
]


@given(
    st.lists(
        st.builds(
            lambda name, fields, user: an_event(name, **{**fields, "UserEvent": user}),
            st.sampled_from([*EVENTS_READ, "FullyBooted"]),
            st.dictionaries(FIELDS, NOISE),
            st.sampled_from(USER_EVENTS),
        ),
        max_size=30,
    )
)
def test_no_sequence_of_packets_tells_a_call_an_impossible_life(packets: list[Packet]) -> None:
    lives: dict[str, Call] = {}
    for event in told(packets):
        if not isinstance(event, AgentEvent):
            known = lives.get(event.call_id)
            if known is None or (isinstance(event, Dialed) and known.state is CallState.ENDED):
                known = ordered(event.call_id, AT)
            lives[event.call_id] = apply(known, event)


def test_the_list_of_live_channels_tells_where_each_call_stands() -> None:
    rows = [packet for packet in packets_of("live_channels") if packet.event == "CoreShowChannel"]
    view, up = take_stock("lab", rows, AT)
    calls = {call.call_id[-1]: (call.phase, call.agent_id) for call in up.calls}
    assert calls == {
        "1": (LivePhase.DIALING, None),
        "2": (LivePhase.RINGING, None),
        "3": (LivePhase.BRIDGED, "101"),
        "4": (LivePhase.ABANDONING, None),
        "5": (LivePhase.ANNOUNCING, "102"),
        "6": (LivePhase.ANSWERED, None),
    }
    assert up.agents == (LiveAgent("101", proven=True), LiveAgent("102", proven=True))
    assert set(view.calls) == {call.call_id for call in up.calls}


def test_a_call_found_after_a_gap_goes_on_from_where_it_stands() -> None:
    rows = [packet for packet in packets_of("live_channels") if packet.event == "CoreShowChannel"]
    view, _ = take_stock("lab", rows, AT)
    bridged, announcing = CALL[:-1] + "3", CALL[:-1] + "5"
    packets = [
        a_user_event("RFAnnounced", Call=bridged, Prompt="en", Status="SUCCESS"),  # told again, late
        an_event("ConfbridgeJoin", Uniqueid=bridged, Conference="rf-101"),
        an_event("ConfbridgeLeave", Uniqueid=bridged, Conference="rf-101"),
        an_event("ConfbridgeJoin", Uniqueid=announcing, Conference="rf-102"),  # the end of the prompt fell into the gap
    ]
    assert told(packets, view) == [
        Unbridged(bridged, AT, "101"),
        AnnouncementEnded(announcing, AT, "", complete=True),
        Bridged(announcing, AT, "102"),
    ]


def test_a_call_found_dialing_after_a_gap_counts_as_one_that_may_have_rung() -> None:
    row = an_event("CoreShowChannel", Uniqueid=CALL, ChannelStateDesc="Down", Context="rf-inbound")
    view, up = take_stock("lab", [row], AT)
    assert up == PbxUp("lab", AT, (LiveCall(CALL, LivePhase.DIALING),), ())
    hangup = an_event("Hangup", Uniqueid=CALL, ChannelStateDesc="Down", Cause="19", TechCause="480")
    assert told([hangup], view) == [hung_up(19, 480, NETWORK, rang=True)]


def test_of_two_legs_of_an_agent_found_after_a_gap_the_younger_counts() -> None:
    def leg(uniqueid: str, application: str) -> Packet:
        return an_event(
            "CoreShowChannel",
            Channel=f"PJSIP/101-0000000{uniqueid[-1]}",
            Uniqueid=uniqueid,
            ChannelStateDesc="Up",
            Context="rf-agents",
            Application=application,
            ApplicationData="rf-101,rf_bridge,rf_agent",
        )

    old, young = leg("pbx-1795291750.9", "ConfBridge"), leg("pbx-1795291750.10", "WaitForNoise")
    assert take_stock("lab", [young, old], AT)[1].agents == (LiveAgent("101", proven=False),)
