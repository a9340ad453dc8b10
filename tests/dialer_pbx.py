"""A small PBX with people at both ends, that keeps the promises of the dialplan and nothing else.

One prompt before any agent or as they join, the abandonment message when nobody comes. Orders and events are two queues
that anybody may be slow to empty; what happens, happens when the test says so: each public method is something that may
happen now, and `n` (0 to 7) chooses among those to whom it can.
"""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta

from dialer.floor import (
    Abandon,
    Connect,
    HangUp,
    PauseCapture,
    ResumeCapture,
    StartCapture,
)
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
    LivePhase,
    OriginateFailed,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)
from sip.port import DisclosedBy, RecordedFrom
from tests.dialer_floor import START

AGENTS = ("ann", "bob", "cai", "dee")
STEPS_MS = (10, 10, 10, 10, 10, 200, 2000, 121_000)
KEYS = ("1", "#", "9", "#", "2", "#", "*", "0")
BEFORE_ANSWER = {LivePhase.DIALING, LivePhase.RINGING}


@dataclass(slots=True)
class Leg:
    """A customer leg: where the PBX has it (None: no channel yet) and what our adapter has told of it."""

    call_id: str
    phase: LivePhase | None = None
    agent: str | None = None
    disclosed: bool = False
    missing: bool = False  # waits for another order, the agent was not in the room
    view: CallState = CallState.DIALING
    how: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    recorded_from: RecordedFrom = RecordedFrom.ANSWER
    recorded: bool = False
    muted: bool = False
    playing: bool = False  # the prompt that both hear


@dataclass(frozen=True, slots=True)
class Originate:
    """Our order to ring somebody, on its way to the PBX."""

    call_id: str
    how: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    recorded_from: RecordedFrom = RecordedFrom.ANSWER


Order = Originate | Connect | Abandon | HangUp | PauseCapture | ResumeCapture | StartCapture


class ModelPbx:
    """The PBX, the customers it rings and the agents who log in."""

    def __init__(self) -> None:
        self.now = START
        self.legs: dict[str, Leg] = {}
        self.lines: dict[str, bool] = {}  # agents' legs -> proven
        self.orders: deque[Order] = deque()
        self.told: deque[Event] = deque()
        self.in_view = False

    def obey(self, n: int) -> None:
        """The PBX takes the next orders."""
        for _ in range(min(len(self.orders), n % 3 + 1)):
            self._obey(self.orders.popleft())

    def obey_all(self) -> None:
        while self.orders:
            self._obey(self.orders.popleft())

    def slow(self, n: int) -> None:
        """Time goes by and nobody ticks."""
        self.now += timedelta(milliseconds=STEPS_MS[n % 7])

    # --- customers ------------------------------------------------------------------------------------------------

    def _pick(self, n: int, *phases: LivePhase | None) -> Leg | None:
        some = [leg for leg in self.legs.values() if leg.phase in phases]
        return some[n % len(some)] if some else None

    def _emit(self, leg: Leg, *events: CallEvent) -> None:
        """As the adapter does: an event that the state does not allow is not passed on."""
        for event in events:
            state = TRANSITIONS.get((leg.view, type(event)))
            if state is not None:
                leg.view = state
                if self.in_view:
                    self.told.append(event)

    def end(self, leg: Leg, cause: int, tech: int, by: EndedBy) -> None:
        del self.legs[leg.call_id]
        if leg.phase is LivePhase.BRIDGED and leg.agent is not None:
            self._emit(leg, Unbridged(leg.call_id, self.now, leg.agent))
        rang = leg.phase is not LivePhase.DIALING
        self._emit(leg, HungUp(leg.call_id, self.now, cause, tech, by, rang))

    def _obey(self, order: Order) -> None:
        if isinstance(order, Originate):
            self.legs[order.call_id] = Leg(order.call_id, how=order.how, recorded_from=order.recorded_from)
            return
        leg = self.legs.get(order.call_id)
        if leg is None or leg.phase is None:
            return  # no channel of that name
        match order:
            case HangUp():
                self.end(leg, 16, 0, EndedBy.FLOOR)
            case Connect(agent_id=agent_id) if leg.phase not in BEFORE_ANSWER:
                self._leave_room(leg)
                if leg.disclosed or not leg.how.comes_first:
                    self._join(leg, agent_id)
                else:
                    leg.phase, leg.agent, leg.missing = LivePhase.ANNOUNCING, agent_id, False
                    self._emit(leg, AnnouncementStarted(leg.call_id, self.now, "house-en"))
            case PauseCapture() | ResumeCapture() if leg.recorded:
                leg.muted = isinstance(order, PauseCapture)
                told = CapturePaused if leg.muted else CaptureResumed
                self._emit(leg, told(leg.call_id, self.now))
            case StartCapture(agent_id=agent_id) if leg.phase not in BEFORE_ANSWER:
                self._leave_room(leg)
                leg.recorded = True
                self._emit(leg, CaptureStarted(leg.call_id, self.now))
                self._join(leg, agent_id)
            case Abandon() if leg.phase not in BEFORE_ANSWER:
                self._leave_room(leg)
                self._abandon(leg)
            case _:
                pass

    def _leave_room(self, leg: Leg) -> None:
        leg.playing = False
        if leg.phase is LivePhase.BRIDGED and leg.agent is not None:
            self._emit(leg, Unbridged(leg.call_id, self.now, leg.agent))

    def _join(self, leg: Leg, agent_id: str) -> None:
        leg.agent = agent_id
        if not self.lines.get(agent_id, False):
            leg.phase, leg.missing = LivePhase.ANNOUNCING, True
            self._emit(leg, AgentMissing(leg.call_id, self.now, agent_id))
            return
        there = (one for one in self.legs.values() if one.phase is LivePhase.BRIDGED and one.agent == agent_id)
        others = [one.call_id for one in there if one is not leg]
        assert not others, f"{leg.call_id} meets {others} in the room of {agent_id}"
        leg.phase, leg.missing = LivePhase.BRIDGED, False
        if leg.view is CallState.ANNOUNCING:  # what a gap has hidden
            self._emit(leg, AnnouncementEnded(leg.call_id, self.now, "house-en", complete=True))
        self._emit(leg, Bridged(leg.call_id, self.now, agent_id))
        if leg.how is DisclosedBy.PROMPT_JOINING and not leg.disclosed:
            leg.playing = True
            self._emit(leg, AnnouncementStarted(leg.call_id, self.now, "house-en"))

    def _abandon(self, leg: Leg) -> None:
        leg.phase, leg.agent, leg.missing = LivePhase.ABANDONING, None, False
        self._emit(leg, SafeHarbourStarted(leg.call_id, self.now))

    def channel(self, n: int) -> None:
        """The PBX makes the channel, or has no route."""
        leg = self._pick(n, None)
        if leg is None:
            return
        if n == 7:
            del self.legs[leg.call_id]
            self._emit(leg, OriginateFailed(leg.call_id, self.now, "no route"))
            return
        leg.phase = LivePhase.DIALING
        if self.in_view:
            self.told.append(Dialed(leg.call_id, self.now))

    def ring(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.DIALING):
            leg.phase = LivePhase.RINGING
            self._emit(leg, Ringing(leg.call_id, self.now))

    def answer(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.DIALING, LivePhase.RINGING):
            leg.phase = LivePhase.ANSWERED
            leg.recorded = leg.recorded_from in {RecordedFrom.ANSWER, RecordedFrom.CONSENT}
            self._emit(leg, Answered(leg.call_id, self.now))

    def refuse(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.DIALING, LivePhase.RINGING):
            self.end(leg, 17, 486, EndedBy.NETWORK)

    def prompt_ends(self, n: int) -> None:
        self.obey_all()  # a prompt is longer than an order is on its way
        for both in [one for one in self.legs.values() if one.playing]:
            both.playing, both.disclosed = False, True
            self._emit(both, AnnouncementEnded(both.call_id, self.now, "house-en", complete=True))
        leg = self._pick(n, LivePhase.ANNOUNCING)
        if leg is None or leg.missing or leg.agent is None:
            return
        leg.disclosed = n != 7
        self._emit(leg, AnnouncementEnded(leg.call_id, self.now, "house-en", leg.disclosed))
        if leg.disclosed and leg.how is DisclosedBy.PRESS_TO_CONSENT:
            self._emit(leg, ConsentAsked(leg.call_id, self.now, given=n != 6))
            if n == 6:
                self.end(leg, 16, 0, EndedBy.FLOOR)
                return
        if leg.disclosed:
            self._join(leg, leg.agent)
        else:
            self._abandon(leg)

    def patience_ends(self, n: int) -> None:
        """Two seconds after the answer, or after the agent was missed, the PBX abandons by itself."""
        leg = self._pick(n, LivePhase.ANSWERED, LivePhase.ANNOUNCING)
        if leg is not None and (leg.phase is LivePhase.ANSWERED or leg.missing):
            self._abandon(leg)

    def message_ends(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.ABANDONING):
            self._emit(leg, SafeHarbourEnded(leg.call_id, self.now))
            self.end(leg, 16, 0, EndedBy.FLOOR)

    def customer_leaves(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.ANSWERED, LivePhase.ANNOUNCING, LivePhase.BRIDGED, LivePhase.ABANDONING):
            self.end(leg, 0, 0, EndedBy.CUSTOMER)

    def customer_presses(self, n: int) -> None:
        if leg := self._pick(n // 2, LivePhase.ANSWERED, LivePhase.ANNOUNCING, LivePhase.BRIDGED, LivePhase.ABANDONING):
            self._emit(leg, KeyPressed(leg.call_id, self.now, "95"[n % 2]))

    # --- agents ---------------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        if self.in_view:
            self.told.append(event)

    def agent_logs_in(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if agent_id not in self.lines:
            self.lines[agent_id] = False
            self.tell(AgentLegUp(agent_id, self.now))

    def agent_comes(self, n: int) -> None:
        self.agent_logs_in(n)
        self.agent_proves(n)

    def agent_proves(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if self.lines.get(agent_id) is False:
            self.lines[agent_id] = True
            self.tell(AgentLegProven(agent_id, self.now))

    def agent_fails(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if self.lines.get(agent_id) is False:
            del self.lines[agent_id]
            self.tell(AgentLegFailed(agent_id, self.now, "no sound"))
            self.tell(AgentLegDown(agent_id, self.now))

    def agent_drops(self, n: int) -> None:
        """The agent's leg goes, and the customer in the room; either may be told first."""
        agent_id = AGENTS[n % 4]
        if self.lines.pop(agent_id, None) is None:
            return
        if n >= 4:
            self.tell(AgentLegDown(agent_id, self.now))
        for leg in [one for one in self.legs.values() if one.phase is LivePhase.BRIDGED and one.agent == agent_id]:
            self.end(leg, 16, 0, EndedBy.FLOOR)
        if n < 4:
            self.tell(AgentLegDown(agent_id, self.now))

    def agent_drops_in_the_prompt(self, n: int) -> None:
        """The agent for whom a prompt plays is gone when it ends."""
        leg = self._pick(n, LivePhase.ANNOUNCING)
        if leg is not None and leg.agent is not None:
            self.agent_drops(AGENTS.index(leg.agent))
            self.prompt_ends(0)

    def agent_presses(self, n: int) -> None:
        for agent_id in (AGENTS[n % 4], *AGENTS):
            if self.lines.get(agent_id):
                self.tell(AgentKeyPressed(agent_id, self.now, KEYS[n]))
                return
