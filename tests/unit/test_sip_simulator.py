"""The simulated PBX keeps the dialplan's promises to the second, and tells the same story every time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.verdict import Permit
from config.clock import ManualClock
from sip.call import Call, CallState, apply, ordered
from sip.events import (
    AgentEvent,
    AgentLegDown,
    AgentLegFailed,
    AgentLegUp,
    AgentMissing,
    AnnouncementStarted,
    Answered,
    Bridged,
    Dialed,
    EndedBy,
    Event,
    HungUp,
    LiveAgent,
    LiveCall,
    LivePhase,
    OriginateFailed,
    PbxDown,
    PbxEvent,
    PbxUp,
    Ringing,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import DECISION_WAIT, DialOrder
from sip.simulator import Simulator
from sip.subscribers import BUSY, HANGS_UP_AT_ONCE, UNOBTAINABLE, VOICEMAIL, Answers, RingsOut, Silent, Subscriber

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PROMPT, MESSAGE = timedelta(seconds=4), timedelta(seconds=6)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class Scene:
    """A simulator with its clock at noon, its people by the last digits of their numbers, and all it has posted."""

    def __init__(self, people: Mapping[str, Subscriber], react: Callable[["Scene", Event], None] = lambda *_: None) -> None:
        self.clock = ManualClock(NOON)
        self.posted: list[Event] = []
        self.pbx = Simulator(
            self.clock, lambda number: people[number[-2:]], prompt=PROMPT, safe_harbour=MESSAGE, trunks=frozenset({"carrier"})
        )

        def post(event: Event) -> None:
            self.posted.append(event)
            react(self, event)

        self.pbx.start(post)

    def ring(self, who: str, *, ring_for: timedelta = timedelta(seconds=25), trunk: str = "carrier") -> str:
        now = self.clock.now()
        call_id = f"{len(self.posted):030d}{who}"
        permit = Permit("permit", call_id, who, f"+121255501{who}", "campaign", now, now + seconds(10), ())
        order = DialOrder(call_id, permit.number, trunk, "+12125550100", ring_for, "disclosure-en", "safe-harbour-en", permit)
        self.pbx.originate(order)
        return call_id

    def run(self, duration: timedelta) -> None:
        self.pbx.advance_to(self.clock.now() + duration)

    def told(self) -> list[tuple[float, type[Event]]]:
        """Seconds after noon, and what was told then."""
        return [((event.at - NOON).total_seconds(), type(event)) for event in self.posted]


def connect_when_answered(agent_id: str) -> Callable[[Scene, Event], None]:
    def react(scene: Scene, event: Event) -> None:
        if isinstance(event, Answered):
            scene.pbx.connect(event.call_id, agent_id)

    return react


def test_a_customer_nobody_takes_is_abandoned_two_seconds_after_the_answer_and_let_go_after_the_message() -> None:
    scene = Scene({"01": Answers(rings_for=seconds(6))})
    scene.ring("01")
    scene.run(seconds(60))
    answered_at = 6.0
    abandoned_at = answered_at + DECISION_WAIT.total_seconds()
    assert scene.told()[1:] == [
        (0.0, Dialed),
        (0.0, Ringing),
        (answered_at, Answered),
        (abandoned_at, SafeHarbourStarted),
        (abandoned_at + 6.0, type(scene.posted[-2])),
        (abandoned_at + 6.0, HungUp),
    ]


def test_a_customer_connected_at_the_answer_meets_the_agent_when_the_prompt_is_over() -> None:
    scene = Scene({"01": Answers(rings_for=seconds(6), talks_for=seconds(30))}, connect_when_answered("101"))
    scene.pbx.agent_up("101")
    scene.ring("01")
    scene.run(seconds(120))
    times = {kind: at for at, kind in scene.told()}
    assert times[AnnouncementStarted] == times[Answered] == 6.0
    assert times[Bridged] == 10.0
    assert times[Unbridged] == times[HungUp] == 40.0
    last = scene.posted[-1]
    assert isinstance(last, HungUp)
    assert (last.by, last.cause, last.tech_cause, last.rang) == (EndedBy.CUSTOMER, 16, 0, True)


def test_ringing_stops_when_the_order_says() -> None:
    scene = Scene({"01": RingsOut(), "02": Answers(rings_for=seconds(30)), "03": Silent()})
    calls = [scene.ring(who, ring_for=seconds(25)) for who in ("01", "02", "03")]
    scene.run(seconds(60))
    ended = [event for event in scene.posted if isinstance(event, HungUp)]
    assert [(event.call_id, event.at, event.rang) for event in ended] == [
        (call_id, NOON + seconds(25), call_id != calls[2]) for call_id in calls
    ]
    assert {(event.cause, event.tech_cause, event.by) for event in ended} == {(19, 480, EndedBy.NETWORK)}


def test_the_abandonment_message_interrupts_the_prompt_and_what_it_would_have_led_to() -> None:
    scene = Scene({"01": Answers(rings_for=seconds(1), talks_for=None)}, connect_when_answered("101"))
    scene.pbx.agent_up("101")
    call_id = scene.ring("01")
    scene.run(seconds(3))
    scene.pbx.abandon(call_id)
    scene.run(seconds(30))
    kinds = [kind for _, kind in scene.told()]
    assert kinds.count(SafeHarbourStarted) == 1
    assert AgentMissing not in kinds
    assert Bridged not in kinds


def test_a_failed_line_check_leaves_no_leg() -> None:
    scene = Scene({})
    scene.pbx.agent_fails("101", "no sound from the agent")
    assert [type(event) for event in scene.posted[1:]] == [AgentLegUp, AgentLegFailed, AgentLegDown]
    scene.pbx.cut("gap")
    scene.pbx.mend()
    up = scene.posted[-1]
    assert isinstance(up, PbxUp)
    assert up.agents == ()


def test_what_happens_out_of_view_is_not_told_but_shows_when_it_is_mended() -> None:
    scene = Scene(
        {"01": Answers(rings_for=seconds(1), talks_for=None), "02": BUSY, "03": RingsOut()}, connect_when_answered("101")
    )
    scene.pbx.agent_up("101")
    talking, _, ringing = (scene.ring(who) for who in ("01", "02", "03"))
    scene.run(seconds(0.1))
    scene.pbx.cut("the wire is cut")
    scene.pbx.connect(talking, "101")  # an order out of view does nothing
    scene.run(seconds(1.4))
    scene.pbx.mend()
    assert [type(event) for event in scene.posted[-2:]] == [PbxDown, PbxUp]
    up = scene.posted[-1]
    assert isinstance(up, PbxUp)
    assert up.calls == (LiveCall(talking, LivePhase.ANSWERED), LiveCall(ringing, LivePhase.RINGING))
    assert up.agents == (LiveAgent("101", proven=True),)


def test_an_unknown_trunk_makes_no_leg() -> None:
    scene = Scene({"01": BUSY})
    scene.ring("01", trunk="nowhere")
    scene.run(seconds(1))
    assert [type(event) for event in scene.posted[1:]] == [OriginateFailed]


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="back"):
        Scene({}).run(seconds(-1))


def test_what_is_due_next_is_known() -> None:
    scene = Scene({"01": RingsOut()})
    assert scene.pbx.next_due is None
    scene.ring("01", ring_for=seconds(25))
    scene.run(seconds(1))
    assert scene.pbx.next_due == NOON + seconds(25)


PEOPLE: dict[str, Subscriber] = {
    "01": Answers(rings_for=seconds(2), talks_for=seconds(20), presses=((seconds(3), "9"),)),
    "02": BUSY,
    "03": UNOBTAINABLE,
    "04": RingsOut(),
    "05": VOICEMAIL,
    "06": HANGS_UP_AT_ONCE,
    "07": Silent(),
}
ORDERS = st.one_of(
    st.tuples(st.just("ring"), st.sampled_from(sorted(PEOPLE)), st.none()),
    st.tuples(st.just("connect"), st.integers(0, 9), st.sampled_from(["101", "102"])),
    st.tuples(st.sampled_from(["abandon", "hang_up"]), st.integers(0, 9), st.none()),
    st.tuples(st.sampled_from(["agent_up", "agent_down"]), st.sampled_from(["101", "102"]), st.none()),
)
SCRIPTS = st.lists(st.tuples(st.floats(0, 15), ORDERS), max_size=30)


def played(script: list[tuple[float, tuple[str, object, str | None]]]) -> Scene:
    """The scene after a script of orders, each some seconds after the one before, and three minutes more."""
    scene = Scene(PEOPLE)
    calls: list[str] = []
    for pause, (verb, whom, agent) in script:
        scene.run(seconds(pause))
        match verb, whom, agent:
            case "ring", str(who), _:
                calls.append(scene.ring(who))
            case (("agent_up" | "agent_down"), str(agent_id), _):
                getattr(scene.pbx, verb)(agent_id)
            case "connect", int(number), str(agent_id) if number < len(calls):
                scene.pbx.connect(calls[number], agent_id)
            case _, int(number), None if number < len(calls):
                getattr(scene.pbx, verb)(calls[number])
    for agent_id in ("101", "102"):
        scene.pbx.agent_down(agent_id)
    scene.run(seconds(180))
    return scene


def lives(scene: Scene) -> dict[str, Call]:
    known: dict[str, Call] = {}
    for event in scene.posted:
        if not isinstance(event, AgentEvent | PbxEvent):
            known[event.call_id] = apply(known.get(event.call_id, ordered(event.call_id, NOON)), event)
    return known


@given(SCRIPTS)
def test_whatever_is_ordered_every_call_lives_a_legal_life_to_its_end(
    script: list[tuple[float, tuple[str, object, str | None]]],
) -> None:
    scene = played(script)
    assert all(call.state is CallState.ENDED for call in lives(scene).values())
    assert [event.at for event in scene.posted] == sorted(event.at for event in scene.posted)


@given(SCRIPTS)
def test_nobody_is_bridged_undisclosed_or_left_without_a_word(script: list[tuple[float, tuple[str, object, str | None]]]) -> None:
    for call in lives(played(script)).values():
        if call.bridged_at is not None:
            assert call.disclosed
        if call.answered_at is not None and call.ended_at is not None and call.announcement_at is None:
            waited = (call.safe_harbour_at or call.ended_at) - call.answered_at
            assert waited <= DECISION_WAIT


@given(SCRIPTS)
def test_the_same_script_tells_the_same_story(script: list[tuple[float, tuple[str, object, str | None]]]) -> None:
    assert played(script).posted == played(script).posted
