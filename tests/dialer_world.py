"""A small PBX with people at both ends, and the floor between them: what the random test of the engine drives.

The PBX keeps the promises of the dialplan (one prompt before any agent, the abandonment message when nobody comes) and
nothing else: orders and events are two queues that anybody may be slow to empty, lines drop, our view is cut, the
program is killed between two commands. After each step of the engine the rules of the floor are checked.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dialer import engine
from dialer.agents import AgentState
from dialer.assignment import in_time
from dialer.dispositions import Disposition
from dialer.floor import (
    Abandon,
    Alert,
    AlertKind,
    CampaignsRunning,
    CampaignView,
    Command,
    Connect,
    DialNext,
    DispositionGiven,
    Finish,
    Floor,
    HangUp,
    Item,
    ListDry,
    OptedOut,
    PauseAsked,
    Placed,
    RosterRead,
    SaveCall,
    Suppress,
    Tick,
)
from sip.call import TRANSITIONS, CallState, ordered
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
from tests.dialer_floor import START, a_floor_call

AGENTS = ("ann", "bob", "cai", "dee")
CAMPAIGNS = (CampaignView("k1", "spring", 2), CampaignView("k2", "summer", 3))
STEPS_MS = (10, 10, 10, 200, 200, 900, 2000, 121_000)
KEYS = ("1", "#", "9", "#", "2", "#", "*", "0")
BEFORE_ANSWER = {LivePhase.DIALING, LivePhase.RINGING}
HOLDING = {AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP}


@dataclass(slots=True)
class Leg:
    """A customer leg: where the PBX has it (None: no channel yet) and what our adapter has told of it."""

    call_id: str
    phase: LivePhase | None = None
    agent: str | None = None
    disclosed: bool = False
    missing: bool = False  # waits for another order, the agent was not in the room
    view: CallState = CallState.DIALING


@dataclass(frozen=True, slots=True)
class Originate:
    """Our order to ring somebody, on its way to the PBX."""

    call_id: str


Order = Originate | Connect | Abandon | HangUp


class Killed(Exception):
    """kill -9, between two commands."""


class World:
    """One run. Each public method is something that may happen now; `n` chooses among those to whom it can."""

    def __init__(self) -> None:
        self.now = START
        self.legs: dict[str, Leg] = {}
        self.lines: dict[str, bool] = {}  # agents' legs on the PBX -> proven
        self.orders: deque[Order] = deque()
        self.told: deque[Event] = deque()
        self.in_view = False
        self.unbroken = True  # never cut nor killed
        self.kill_after: int | None = None
        self.roster: tuple[str, ...] = AGENTS
        self.running: tuple[CampaignView, ...] = CAMPAIGNS
        self.saved: dict[str, Placed] = {}
        self.finished: Counter[str] = Counter()
        self.opted_out: set[str | None] = set()
        self.proven: set[str] = set()  # whose line the floor was told to be proven
        self.known = 0
        self.floor = self._started()
        self.mend(0)

    # --- the floor ------------------------------------------------------------------------------------------------

    def _started(self) -> Floor:
        """The floor as the program starts it from its database."""
        left = {key: placed.call for key, placed in self.saved.items() if not self.finished[key]}
        self.settled = False
        self.proven.clear()
        floor = Floor(self.now, calls=left)
        for item in (CampaignsRunning(self.running), RosterRead(self.roster)):
            floor, _ = engine.step(floor, item)
        return floor

    def give(self, item: Item) -> None:
        """The floor decides, we check and perform."""
        before = self.floor
        self._note(item)
        self.floor, commands = engine.step(before, item)
        self.check(before, item, commands)
        self._perform(commands)

    def _perform(self, commands: Sequence[Command]) -> None:
        follow: list[Item] = []
        try:
            for command in commands:
                self._maybe_killed()
                match command:
                    case Connect() | Abandon() | HangUp():
                        self._send(command)
                    case SaveCall(call=call):
                        self.saved[call.call_id] = Placed(call)
                    case Finish(call=call):
                        self.finished[call.call_id] += 1
                    case Suppress(call=call):
                        follow.append(OptedOut(call.person, call.number, self.now))
                    case DialNext(campaign_id=campaign_id, count=count):
                        for _ in range(count):
                            self._place(campaign_id)
                    case _:
                        pass
        except Killed:
            self.restart(0)
            return
        for item in follow:
            self.give(item)

    def _maybe_killed(self) -> None:
        if self.kill_after is None:
            return
        self.kill_after -= 1
        if self.kill_after < 0:
            self.kill_after = None
            raise Killed

    def _send(self, order: Order) -> None:
        if self.in_view:
            self.orders.append(order)

    def _place(self, campaign_id: str) -> None:
        self.known += 1
        if self.known % 7 == 0:
            self.give(ListDry(campaign_id, self.now + timedelta(seconds=1)))
            return
        call = a_floor_call(ordered(f"c{self.known}", self.now), campaign_id=campaign_id)
        self.saved[call.call_id] = Placed(call)
        self._maybe_killed()
        self.give(Placed(call))
        if self.in_view:
            self.orders.append(Originate(call.call_id))
        else:
            self.give(OriginateFailed(call.call_id, self.now, "the PBX is not in view"))

    def _note(self, item: Item) -> None:
        match item:
            case AgentLegProven(agent_id=agent_id):
                self.proven.add(agent_id)
            case AgentLegDown(agent_id=agent_id):
                self.proven.discard(agent_id)
            case PbxUp(agents=agents):
                self.proven = {agent.agent_id for agent in agents if agent.proven}
                self.settled = True
            case _:
                pass

    # --- what must hold -------------------------------------------------------------------------------------------

    def check(self, before: Floor, item: Item, commands: Sequence[Command]) -> None:
        """The rules of the floor, after each step."""
        floor = self.floor
        for key, agent in floor.agents.items():
            if agent.state in HOLDING:
                call = floor.calls.get(agent.call_id or "")
                assert call is not None, f"{key} is {agent.state} with {agent.call_id}, which is not on the floor"
                assert call.agent_id == key, f"{key} is {agent.state} with {call.call_id}, which has {call.agent_id}"
                assert (call.call.state is CallState.ENDED) == (agent.state is AgentState.WRAP_UP)
            else:
                assert agent.call_id is None
            if agent.state in {AgentState.READY, AgentState.RESERVED}:
                assert key in self.proven, f"{key} is {agent.state}, the line is not proven"
        if self.settled:
            for call in floor.calls.values():
                holder = floor.agents.get(call.agent_id or "")
                assert call.agent_id is None or (holder is not None and holder.call_id == call.call_id), f"{call} has no agent"
                assert call.call.state is not CallState.ENDED or holder is not None, f"{call.call_id} ended and nobody judges it"
        self._check_ends(before, item, commands)
        self._check_orders(before, commands)
        self._check_opt_outs(before, item, commands)
        if self.unbroken:
            illegal = [one for one in commands if isinstance(one, Alert) and one.kind is AlertKind.ILLEGAL_EVENT]
            assert not [one for one in illegal if "not possible" in one.text], illegal

    def _check_ends(self, before: Floor, item: Item, commands: Sequence[Command]) -> None:
        ends = Counter(command.call.call_id for command in commands if isinstance(command, Finish))
        came = {item.call.call_id} if isinstance(item, Placed) else set()
        left = (before.calls.keys() | came) - self.floor.calls.keys()
        assert ends == Counter(left), f"finished {dict(ends)}, left the floor {left}"
        assert not [key for key in ends if self.finished[key]]
        for command in commands:
            if isinstance(command, Finish):
                assert command.call.call.ended_at is not None
                assert command.call.disposition == command.disposition

    def _check_orders(self, before: Floor, commands: Sequence[Command]) -> None:
        floor = self.floor
        ready = sum(agent.state is AgentState.READY for agent in floor.agents.values())
        coming = sum(
            call.agent_id is None and call.call.state in {*engine._BEFORE_ANSWER, CallState.ANSWERED}
            for call in floor.calls.values()
        )
        wanted = 0
        for command in commands:
            match command:
                case Connect(call_id=call_id, agent_id=agent_id):
                    agent, call = floor.agents[agent_id], floor.calls[call_id]
                    assert agent.state is AgentState.RESERVED, f"{agent_id} is {agent.state}"
                    assert agent.call_id == call_id
                    known = before.agents.get(agent_id)
                    reserved_before = known is not None and known.call_id == call_id
                    assert agent_id in self.roster or reserved_before, f"{agent_id} has left"
                    assert call.call.state in {CallState.ANSWERED, CallState.ANNOUNCING, CallState.ANNOUNCED}
                    assert call.call.state is not CallState.ANNOUNCED or call.call.disclosed, "the prompt could not be played"
                    assert not call.cancelled
                    if call.call.state is CallState.ANSWERED and before.agents.get(agent_id) == agent:
                        assert in_time(floor, call)
                case DialNext(campaign_id=campaign_id, count=count):
                    assert floor.pbx_up
                    live = sum(
                        call.campaign_id == campaign_id and call.call.state is not CallState.ENDED
                        for call in floor.calls.values()
                    )
                    assert 0 < count <= floor.campaigns[campaign_id].channels - live
                    wanted += count
                case _:
                    pass
        assert not wanted or wanted + coming <= ready, f"{wanted} wanted, {coming} coming, {ready} ready"

    def _check_opt_outs(self, before: Floor, item: Item, commands: Sequence[Command]) -> None:
        asked: str | None = None
        match item:
            case KeyPressed(call_id=call_id, digit="9") if call_id in before.calls:
                if before.calls[call_id].call.state in {CallState.ENDED, *engine._BEFORE_ANSWER}:
                    return
                asked = call_id
            case AgentKeyPressed(agent_id=agent_id, digit="9") if agent_id in before.agents:
                agent = before.agents[agent_id]
                call = before.calls.get(agent.call_id or "")
                if agent.state in {AgentState.ON_CALL, AgentState.WRAP_UP} and call is not None:
                    asked = None if call.disposition == Disposition.DO_NOT_CALL else call.call_id
            case _:
                pass
        if asked is not None:
            first = commands[0] if commands else None
            assert isinstance(first, Suppress), f"the opt-out of {asked} is not the first thing written: {commands}"
            assert first.call.call_id == asked

    def check_rest(self) -> None:
        """What must hold when all that was said was heard: the floor and the PBX agree."""
        if self.told or self.orders or not self.in_view or not self.floor.pbx_up or not self.settled:
            return
        if any(leg.phase is None for leg in self.legs.values()):
            return
        up = {key for key, call in self.floor.calls.items() if call.call.state is not CallState.ENDED}
        heard_of = {key for key in up if self.floor.calls[key].call.state is not CallState.ORDERED}
        assert heard_of == self.legs.keys(), f"on the floor {heard_of}, on the PBX {self.legs.keys()}"
        on_call = {agent.call_id for agent in self.floor.agents.values() if agent.state is AgentState.ON_CALL}
        assert on_call == {key for key, leg in self.legs.items() if leg.phase is LivePhase.BRIDGED}
        for key, leg in self.legs.items():
            call = self.floor.calls[key]
            if leg.phase is LivePhase.BRIDGED or (leg.phase is LivePhase.ANNOUNCING and not leg.missing):
                assert call.agent_id == leg.agent, f"{key} hears the prompt for {leg.agent}, the floor has {call.agent_id}"
            if leg.phase is LivePhase.ANSWERED and call.agent_id is None and in_time(self.floor, call):
                idle = [agent for agent in self.floor.agents.values() if agent.state is AgentState.READY]
                assert not idle, f"{key} waits and {idle} are idle"
            if leg.phase in BEFORE_ANSWER:
                assert call.person not in self.opted_out, f"{key} rings, {call.person} has opted out"

    # --- the queues -----------------------------------------------------------------------------------------------

    def rest(self, n: int) -> None:
        """Nothing happens."""

    def hear(self, n: int) -> None:
        """The floor takes the next events."""
        for _ in range(min(len(self.told), n % 3 + 1)):
            if self.told:
                self.give(self.told.popleft())

    def obey(self, n: int) -> None:
        """The PBX takes the next orders."""
        for _ in range(min(len(self.orders), n % 3 + 1)):
            self._obey(self.orders.popleft())

    def _obey_all(self) -> None:
        while self.orders:
            self._obey(self.orders.popleft())

    def tick(self, n: int) -> None:
        self.now += timedelta(milliseconds=STEPS_MS[n])
        self.give(Tick(self.now))

    def slow(self, n: int) -> None:
        """Time goes by and nobody ticks."""
        self.now += timedelta(milliseconds=STEPS_MS[n % 7])

    # --- our view of the PBX --------------------------------------------------------------------------------------

    def cut(self, n: int) -> None:
        """The connection is lost; what was on its way arrives, or does not."""
        if not self.in_view:
            return
        self.unbroken = False
        self.in_view = False
        self.told.append(PbxDown("pbx", self.now, "lost"))
        self._settle_orders(n)

    def _settle_orders(self, n: int) -> None:
        if n % 2:
            self._obey_all()
        self.orders.clear()

    def mend(self, n: int) -> None:
        """The PBX is in view again."""
        if self.in_view:
            return
        self.in_view = True
        live = []
        for leg in self.legs.values():
            if leg.phase is not None:
                leg.view = CallState(leg.phase.value)
                live.append(LiveCall(leg.call_id, leg.phase, leg.agent))
        agents = tuple(LiveAgent(key, proven) for key, proven in self.lines.items())
        self.now += timedelta(milliseconds=1)
        self.told.append(PbxUp("pbx", self.now, tuple(live), agents))
        self.now += timedelta(milliseconds=1)

    def restart(self, n: int) -> None:
        """kill -9, and started again."""
        self.unbroken = False
        self._settle_orders(n)
        self.told.clear()
        self.opted_out.clear()  # that a ringing call was cancelled is not kept
        self.in_view = False
        self.floor = self._started()
        self.mend(0)

    def kill(self, n: int) -> None:
        """The program will be killed after a few more commands."""
        self.kill_after = n

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

    def _end(self, leg: Leg, cause: int, tech: int, by: EndedBy) -> None:
        del self.legs[leg.call_id]
        if leg.phase is LivePhase.BRIDGED and leg.agent is not None:
            self._emit(leg, Unbridged(leg.call_id, self.now, leg.agent))
        rang = leg.phase is not LivePhase.DIALING
        self._emit(leg, HungUp(leg.call_id, self.now, cause, tech, by, rang))

    def _obey(self, order: Order) -> None:
        if isinstance(order, Originate):
            self.legs[order.call_id] = Leg(order.call_id)
            return
        leg = self.legs.get(order.call_id)
        if leg is None or leg.phase is None:
            return  # no channel of that name
        match order:
            case HangUp():
                self._end(leg, 16, 0, EndedBy.FLOOR)
            case Connect(agent_id=agent_id) if leg.phase not in BEFORE_ANSWER:
                self._leave_room(leg)
                if leg.disclosed:
                    self._join(leg, agent_id)
                else:
                    leg.phase, leg.agent, leg.missing = LivePhase.ANNOUNCING, agent_id, False
                    self._emit(leg, AnnouncementStarted(leg.call_id, self.now, "house-en"))
            case Abandon() if leg.phase not in BEFORE_ANSWER:
                self._leave_room(leg)
                self._abandon(leg)
            case _:
                pass

    def _leave_room(self, leg: Leg) -> None:
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
            self._emit(leg, Answered(leg.call_id, self.now))

    def refuse(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.DIALING, LivePhase.RINGING):
            self._end(leg, 17, 486, EndedBy.NETWORK)

    def prompt_ends(self, n: int) -> None:
        self._obey_all()  # a prompt is longer than an order is on its way
        leg = self._pick(n, LivePhase.ANNOUNCING)
        if leg is None or leg.missing or leg.agent is None:
            return
        leg.disclosed = n != 7
        self._emit(leg, AnnouncementEnded(leg.call_id, self.now, "house-en", leg.disclosed))
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
            self._end(leg, 16, 0, EndedBy.FLOOR)

    def customer_leaves(self, n: int) -> None:
        if leg := self._pick(n, LivePhase.ANSWERED, LivePhase.ANNOUNCING, LivePhase.BRIDGED, LivePhase.ABANDONING):
            self._end(leg, 0, 0, EndedBy.CUSTOMER)

    def customer_presses(self, n: int) -> None:
        if leg := self._pick(n // 2, LivePhase.ANSWERED, LivePhase.ANNOUNCING, LivePhase.BRIDGED, LivePhase.ABANDONING):
            self._emit(leg, KeyPressed(leg.call_id, self.now, "95"[n % 2]))

    # --- agents ---------------------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        if self.in_view:
            self.told.append(event)

    def agent_logs_in(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if agent_id not in self.lines:
            self.lines[agent_id] = False
            self._tell(AgentLegUp(agent_id, self.now))

    def agent_comes(self, n: int) -> None:
        self.agent_logs_in(n)
        self.agent_proves(n)

    def agent_proves(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if self.lines.get(agent_id) is False:
            self.lines[agent_id] = True
            self._tell(AgentLegProven(agent_id, self.now))

    def agent_fails(self, n: int) -> None:
        agent_id = AGENTS[n % 4]
        if self.lines.get(agent_id) is False:
            del self.lines[agent_id]
            self._tell(AgentLegFailed(agent_id, self.now, "no sound"))
            self._tell(AgentLegDown(agent_id, self.now))

    def agent_drops(self, n: int) -> None:
        """The agent's leg goes, and the customer in the room; either may be told first."""
        agent_id = AGENTS[n % 4]
        if self.lines.pop(agent_id, None) is None:
            return
        if n >= 4:
            self._tell(AgentLegDown(agent_id, self.now))
        for leg in [one for one in self.legs.values() if one.phase is LivePhase.BRIDGED and one.agent == agent_id]:
            self._end(leg, 16, 0, EndedBy.FLOOR)
        if n < 4:
            self._tell(AgentLegDown(agent_id, self.now))

    def agent_presses(self, n: int) -> None:
        for agent_id in (AGENTS[n % 4], *AGENTS):
            if self.lines.get(agent_id):
                self._tell(AgentKeyPressed(agent_id, self.now, KEYS[n]))
                return

    # --- the office -----------------------------------------------------------------------------------------------

    def agent_asks(self, n: int) -> None:
        self.give(PauseAsked(AGENTS[n % 4], paused=n == 7, reason="tea", at=self.now))

    def agent_judges(self, n: int) -> None:
        words = ("sale", "nonsense", "do_not_call", "busy")
        self.give(DispositionGiven(AGENTS[n % 4], words[n % 4], self.now))

    def opt_out(self, n: int) -> None:
        """Somebody whom we call, or nobody we know, is put on the list."""
        calls = list(self.floor.calls.values())
        if not calls:
            self.give(OptedOut(None, "+12125559999", self.now))
            return
        call = calls[n % len(calls)]
        if self.settled and self.floor.pbx_up:
            self.opted_out.add(call.person)
        self.give(OptedOut(call.person, None, self.now) if n % 2 else OptedOut(None, call.number, self.now))

    def read_roster(self, n: int) -> None:
        self.roster = tuple(agent_id for place, agent_id in enumerate(AGENTS) if place != n)
        self.give(RosterRead(self.roster))

    def read_campaigns(self, n: int) -> None:
        self.running = CAMPAIGNS[max(0, n - 5) :]
        self.give(CampaignsRunning(self.running))

    # --- the end --------------------------------------------------------------------------------------------------

    def closing_time(self) -> None:
        """Everybody hangs up and everything is heard: each call that was placed has ended once, nobody is held."""
        self.kill_after = None
        self.running = ()
        self.give(CampaignsRunning(()))
        self.mend(0)
        self._drain()
        for leg in list(self.legs.values()):
            self._end(leg, 0, 0, EndedBy.CUSTOMER)
        self._drain()
        self.now += timedelta(seconds=121)
        self.give(Tick(self.now))
        assert not self.floor.calls, self.floor.calls
        assert self.finished == Counter(self.saved.keys())
        held = [agent for agent in self.floor.agents.values() if agent.state in HOLDING]
        assert not held, held

    def _drain(self) -> None:
        while self.told or self.orders or any(leg.phase is None for leg in self.legs.values()):
            self.hear(2)
            self.obey(2)
            self.channel(0)
        self.check_rest()
