"""A PBX that exists only in time: `Telephony` for rehearsals, pacing studies and tests, on a clock that moves when told.

It keeps the promises of the dialplan in config/pbx (an answered customer whom nobody takes in two seconds hears the
abandonment message; nobody is joined undisclosed; the agent's leaving ends the call) and nothing here is random: the
same script and orders give the same events. Audio, trunks and capacity are not simulated.

One thread: `post` is called from within `advance_to` and the orders, and may give orders itself.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.clock import ManualClock
from sip.call import TRANSITIONS, CallState
from sip.events import (
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
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    Dialed,
    EndedBy,
    Event,
    HungUp,
    KeyPressed,
    LiveAgent,
    LiveCall,
    LivePhase,
    OriginateFailed,
    PbxDown,
    PbxUp,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import CONSENT_KEY, DECISION_WAIT, DialOrder, DisclosedBy, PbxUnavailable, RecordedFrom
from sip.subscribers import Answers, Refuses, RingsOut, Silent, Subscriber

NORMAL_CLEARING = 16  # Q.850
CONSENT_WAIT = timedelta(seconds=5)  # for the key, after the prompt


@dataclass(slots=True)
class _Leg:
    """One customer leg. `turn` grows with each step of the dialplan, so that what a Redirect interrupted does not go on."""

    order: DialOrder
    subscriber: Subscriber
    phase: LivePhase = LivePhase.DIALING
    agent_id: str | None = None
    disclosed: bool = False
    consented: bool | None = None  # None: not asked yet
    asked: bool = False  # the key is waited for now
    captured: bool = False
    talked: bool = False
    turn: int = 0
    state: CallState = CallState.ORDERED  # as the floor was told

    @property
    def answered(self) -> bool:
        return self.phase not in {LivePhase.DIALING, LivePhase.RINGING}


class Simulator:
    """Simulated PBX `name`; `subscriber_of` says who answers a number, `prompt` and `safe_harbour` how long they play.

    Without `trunks` every trunk exists; with them, an order by another one makes no leg.
    """

    def __init__(
        self,
        clock: ManualClock,
        subscriber_of: Callable[[str], Subscriber],
        *,
        prompt: timedelta = timedelta(seconds=4),
        safe_harbour: timedelta = timedelta(seconds=6),
        trunks: frozenset[str] | None = None,
        name: str = "simulator",
    ) -> None:
        self._clock = clock
        self._subscriber_of = subscriber_of
        self._prompt = prompt
        self._safe_harbour = safe_harbour
        self._trunks = trunks
        self._name = name
        self._post: Callable[[Event], None] | None = None
        self._in_view = False
        self._legs: dict[str, _Leg] = {}
        self._ordered: set[str] = set()
        self._agents: dict[str, None] = {}  # who is logged in, in order
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._serial = itertools.count()

    # Telephony

    def start(self, post: Callable[[Event], None]) -> None:
        self._post = post
        self.mend()

    def close(self) -> None:
        self._in_view = False
        self._post = None

    def originate(self, order: DialOrder) -> None:
        """Raises ValueError for a permit that is not live, PbxUnavailable while the PBX is cut off. An order rings once."""
        if not order.is_live(self._clock.now()):
            raise ValueError(f"permit {order.permit.permit_id} of call {order.call_id} has expired")
        if not self._in_view:
            raise PbxUnavailable(f"PBX {self._name} is not in view")
        if order.call_id not in self._ordered:
            self._ordered.add(order.call_id)
            self._legs[order.call_id] = _Leg(order, self._subscriber_of(order.number))
            self._after(timedelta(0), lambda: self._dial(order.call_id))

    def connect(self, call_id: str, agent_id: str, *, announce_again: bool = False) -> None:
        self._redirect(call_id, lambda: self._connect(call_id, agent_id, announce_again=announce_again))

    def pause(self, call_id: str) -> None:
        self._mute(call_id, CapturePaused)

    def resume(self, call_id: str) -> None:
        self._mute(call_id, CaptureResumed)

    def record(self, call_id: str, agent_id: str) -> None:
        self._redirect(call_id, lambda: self._record(call_id, agent_id))

    def abandon(self, call_id: str) -> None:
        self._redirect(call_id, lambda: self._abandon(call_id))

    def hang_up(self, call_id: str) -> None:
        leg = self._legs.get(call_id)
        if leg is not None and self._in_view:
            self._after(timedelta(0), lambda: self._end(call_id, NORMAL_CLEARING, 0, EndedBy.FLOOR))

    def _mute(self, call_id: str, kind: type[CapturePaused | CaptureResumed]) -> None:
        """Told of whatever is up, as Asterisk does, whether or not anything changes by it."""

        def go() -> None:
            leg = self._legs.get(call_id)
            if leg is not None:
                self._report(leg, kind(call_id, self._now))

        leg = self._legs.get(call_id)
        if leg is not None and leg.captured and self._in_view:
            self._after(timedelta(0), go)

    # The script: what people and lines do

    def agent_up(self, agent_id: str) -> None:
        """The agent's phone logs in and passes the line check. Nothing when it is up."""
        if agent_id not in self._agents:
            self._agents[agent_id] = None
            self._tell(AgentLegUp(agent_id, self._now))
            self._tell(AgentLegProven(agent_id, self._now))

    def agent_fails(self, agent_id: str, reason: str) -> None:
        """The agent's phone logs in, does not pass the line check and is hung up."""
        self._tell(AgentLegUp(agent_id, self._now))
        self._tell(AgentLegFailed(agent_id, self._now, reason))
        self._tell(AgentLegDown(agent_id, self._now))

    def agent_presses(self, agent_id: str, digit: str) -> None:
        """The agent presses a key; nothing when the leg is not up."""
        if agent_id in self._agents:
            self._tell(AgentKeyPressed(agent_id, self._now, digit))

    def agent_down(self, agent_id: str) -> None:
        """The agent's phone hangs up; the customer in the room leaves with it."""
        if agent_id not in self._agents:
            return
        del self._agents[agent_id]
        with_agent = [
            call_id for call_id, leg in self._legs.items() if leg.phase is LivePhase.BRIDGED and leg.agent_id == agent_id
        ]
        for call_id in with_agent:
            self._end(call_id, NORMAL_CLEARING, 0, EndedBy.FLOOR)
        self._tell(AgentLegDown(agent_id, self._now))

    def cut(self, reason: str) -> None:
        """The floor loses sight of the PBX; calls go on."""
        if self._in_view:
            self._tell(PbxDown(self._name, self._now, reason))
            self._in_view = False

    def mend(self) -> None:
        """The floor sees the PBX again, and what is alive on it."""
        if not self._in_view:
            self._in_view = True
            for leg in self._legs.values():
                leg.state = CallState(leg.phase.value)
            calls = tuple(LiveCall(call_id, leg.phase, leg.agent_id) for call_id, leg in self._legs.items())
            agents = tuple(LiveAgent(agent_id, proven=True) for agent_id in self._agents)
            self._tell(PbxUp(self._name, self._now, calls, agents))

    # Time

    @property
    def next_due(self) -> datetime | None:
        """When something happens next by itself."""
        return self._due[0][0] if self._due else None

    def advance_to(self, at: datetime) -> None:
        """Moves the clock to `at`, stopping at each thing that is due on the way. Raises ValueError for a past time."""
        while self._due and self._due[0][0] <= at:
            due, _, happen = heapq.heappop(self._due)
            if due > self._now:
                self._clock.advance(due - self._now)
            happen()
        self._clock.advance(at - self._now)

    @property
    def _now(self) -> datetime:
        return self._clock.now()

    def _after(self, delay: timedelta, happen: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._now + delay, next(self._serial), happen))

    def _report(self, leg: _Leg, event: CallEvent) -> None:
        """Tells of a call, as every adapter does: what its state does not allow (a prompt begun anew) is not told."""
        after = TRANSITIONS.get((leg.state, type(event)))
        if after is not None:
            leg.state = after
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if self._in_view and self._post is not None:
            self._post(event)

    # The network and the far side

    def _dial(self, call_id: str) -> None:
        leg = self._legs[call_id]
        if self._trunks is not None and leg.order.trunk not in self._trunks:
            del self._legs[call_id]
            self._tell(OriginateFailed(call_id, self._now, f"the simulated PBX has no trunk {leg.order.trunk}"))
            return
        match leg.subscriber:
            case Answers(rings_for=rings_for):
                self._ring_then(call_id, rings_for, lambda: self._answer(call_id))
            case Refuses(after=after, rings=rings, cause=cause, status=status):
                refuse = self._ender(call_id, cause, status, EndedBy.NETWORK)
                if rings:
                    self._ring_then(call_id, after, refuse)
                else:
                    self._report(leg, Dialed(call_id, self._now))
                    self._after(after, refuse)
            case RingsOut():
                self._ring_then(call_id, None, None)
            case Silent():
                self._report(leg, Dialed(call_id, self._now))
        self._after(leg.order.ring_for, lambda: self._give_up(call_id))

    def _ring_then(self, call_id: str, rings_for: timedelta | None, then: Callable[[], None] | None) -> None:
        self._report(self._legs[call_id], Dialed(call_id, self._now))
        self._after(timedelta(0), lambda: self._ring(call_id))
        if rings_for is not None and then is not None:
            self._after(rings_for, then)

    def _ring(self, call_id: str) -> None:
        leg = self._legs.get(call_id)
        if leg is not None and leg.phase is LivePhase.DIALING:
            leg.phase = LivePhase.RINGING
            self._report(leg, Ringing(call_id, self._now))

    def _give_up(self, call_id: str) -> None:
        leg = self._legs.get(call_id)
        if leg is not None and not leg.answered:
            self._end(call_id, 19, 480, EndedBy.NETWORK)

    def _answer(self, call_id: str) -> None:
        leg = self._legs.get(call_id)
        if leg is None or not isinstance(leg.subscriber, Answers):
            return
        leg.phase = LivePhase.ANSWERED
        leg.captured = leg.order.recorded_from in {RecordedFrom.ANSWER, RecordedFrom.CONSENT}
        self._report(leg, Answered(call_id, self._now))
        if leg.subscriber.stays_for is not None:
            self._after(leg.subscriber.stays_for, self._ender(call_id, NORMAL_CLEARING, 0, EndedBy.CUSTOMER))
        for pressed_after, digit in leg.subscriber.presses:
            self._after(pressed_after, self._key(call_id, digit))
        self._in_turn(leg, DECISION_WAIT, lambda: self._abandon(call_id))

    def _key(self, call_id: str, digit: str) -> Callable[[], None]:
        def press() -> None:
            leg = self._legs.get(call_id)
            if leg is not None:
                self._report(leg, KeyPressed(call_id, self._now, digit))
                if leg.asked:
                    self._consent(call_id, given=digit == CONSENT_KEY)

        return press

    def _ender(self, call_id: str, cause: int, status: int, by: EndedBy) -> Callable[[], None]:
        return lambda: self._end(call_id, cause, status, by)

    def _end(self, call_id: str, cause: int, status: int, by: EndedBy) -> None:
        leg = self._legs.pop(call_id, None)
        if leg is None:
            return
        if leg.phase is LivePhase.BRIDGED and leg.agent_id is not None:
            self._report(leg, Unbridged(call_id, self._now, leg.agent_id))
        rang = leg.phase is not LivePhase.DIALING
        self._report(leg, HungUp(call_id, self._now, cause, status, by, rang))

    # The dialplan

    def _in_turn(self, leg: _Leg, delay: timedelta, step: Callable[[], None]) -> None:
        """The dialplan goes on with `step` unless the leg ends or is redirected first."""
        turn = leg.turn

        def go_on() -> None:
            if leg.turn == turn and self._legs.get(leg.order.call_id) is leg:
                step()

        self._after(delay, go_on)

    def _redirect(self, call_id: str, to: Callable[[], None]) -> None:
        """Asterisk redirects only a leg that is up; the order takes effect after the current event is told."""
        leg = self._legs.get(call_id)
        if leg is None or not leg.answered or not self._in_view:
            return

        def go() -> None:
            if self._legs.get(call_id) is not leg:
                return
            leg.turn += 1
            if leg.phase is LivePhase.BRIDGED and leg.agent_id is not None:
                self._report(leg, Unbridged(call_id, self._now, leg.agent_id))
            to()

        self._after(timedelta(0), go)

    def _connect(self, call_id: str, agent_id: str, *, announce_again: bool) -> None:
        leg = self._legs[call_id]
        leg.disclosed = leg.disclosed and not announce_again
        if not leg.order.disclosed_by.comes_first:
            self._join(call_id, agent_id)
            return
        leg.phase, leg.agent_id, leg.asked = LivePhase.ANNOUNCING, agent_id, False
        if leg.disclosed:
            self._ask(call_id)
            return
        self._report(leg, AnnouncementStarted(call_id, self._now, leg.order.disclosure))
        self._in_turn(leg, self._prompt, lambda: self._announced(call_id))

    def _announced(self, call_id: str) -> None:
        leg = self._legs[call_id]
        leg.disclosed = True
        turn = leg.turn
        self._report(leg, AnnouncementEnded(call_id, self._now, leg.order.disclosure, complete=True))
        if leg.turn == turn:
            self._ask(call_id)

    def _ask(self, call_id: str) -> None:
        """For the key that consents, once a call, if the order says so; then on to the agent."""
        leg = self._legs[call_id]
        if leg.order.disclosed_by is DisclosedBy.PRESS_TO_CONSENT and leg.consented is None:
            leg.asked = True
            self._in_turn(leg, CONSENT_WAIT, lambda: self._consent(call_id, given=False))
        elif leg.consented is False and leg.order.ends_unconsented:
            self._end(call_id, NORMAL_CLEARING, 0, EndedBy.FLOOR)
        elif leg.agent_id is not None:
            self._join(call_id, leg.agent_id)

    def _consent(self, call_id: str, *, given: bool) -> None:
        leg = self._legs[call_id]
        leg.turn += 1
        leg.asked, leg.consented = False, given
        leg.captured = leg.captured and given
        turn = leg.turn
        self._report(leg, ConsentAsked(call_id, self._now, given))
        if leg.turn == turn:
            self._ask(call_id)

    def _record(self, call_id: str, agent_id: str) -> None:
        leg = self._legs[call_id]
        if not leg.captured:
            leg.captured = True
            self._report(leg, CaptureStarted(call_id, self._now))
        self._connect(call_id, agent_id, announce_again=False)

    def _heard(self, call_id: str) -> None:
        """The prompt that both hear is over."""
        leg = self._legs[call_id]
        leg.disclosed = True
        self._report(leg, AnnouncementEnded(call_id, self._now, leg.order.disclosure, complete=True))

    def _join(self, call_id: str, agent_id: str) -> None:
        leg = self._legs[call_id]
        if agent_id not in self._agents:
            leg.phase = LivePhase.ANNOUNCING
            leg.agent_id = agent_id
            self._report(leg, AgentMissing(call_id, self._now, agent_id))
            self._in_turn(leg, DECISION_WAIT, lambda: self._abandon(call_id))
            return
        leg.phase, leg.agent_id = LivePhase.BRIDGED, agent_id
        if leg.state is CallState.ANNOUNCING:  # its end was not seen: the floor looked away
            self._report(leg, AnnouncementEnded(call_id, self._now, leg.order.disclosure, complete=True))
        self._report(leg, Bridged(call_id, self._now, agent_id))
        if not leg.talked and isinstance(leg.subscriber, Answers) and leg.subscriber.talks_for is not None:
            self._after(leg.subscriber.talks_for, self._ender(call_id, NORMAL_CLEARING, 0, EndedBy.CUSTOMER))
        leg.talked = True
        if leg.order.disclosed_by is DisclosedBy.PROMPT_JOINING and not leg.disclosed and self._legs.get(call_id) is leg:
            self._report(leg, AnnouncementStarted(call_id, self._now, leg.order.disclosure))
            self._in_turn(leg, self._prompt, lambda: self._heard(call_id))

    def _abandon(self, call_id: str) -> None:
        leg = self._legs[call_id]
        leg.turn += 1
        leg.phase, leg.agent_id = LivePhase.ABANDONING, None
        self._report(leg, SafeHarbourStarted(call_id, self._now))
        self._in_turn(leg, self._safe_harbour, lambda: self._abandoned(call_id))

    def _abandoned(self, call_id: str) -> None:
        self._report(self._legs[call_id], SafeHarbourEnded(call_id, self._now))
        self._end(call_id, NORMAL_CLEARING, 0, EndedBy.FLOOR)
