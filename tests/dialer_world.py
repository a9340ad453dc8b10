"""The floor between people and a PBX, and everything that may happen to it: the random test of the engine drives it.

Our view of the PBX is cut and mended, the program is killed between two commands, the office reads rosters and opts
people out. After each step the rules of the floor are checked.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from dialer import engine
from dialer.floor import (
    Abandon,
    BudgetsMeasured,
    CampaignsRunning,
    CampaignView,
    CaptureAsked,
    Command,
    Connect,
    DialNext,
    DispositionGiven,
    Finish,
    Floor,
    Halt,
    HangUp,
    Item,
    ListDry,
    OptedOut,
    PauseAsked,
    PauseCapture,
    Placed,
    ResumeCapture,
    RosterRead,
    SaveCall,
    StartCapture,
    Suppress,
    Tick,
)
from recorder.capture import CapturePlan
from recorder.capturing import Capture
from sip.call import CallState, ordered
from sip.events import (
    AgentLegDown,
    AgentLegProven,
    EndedBy,
    LiveAgent,
    LiveCall,
    OriginateFailed,
    PbxDown,
    PbxUp,
)
from sip.port import DisclosedBy, RecordedFrom
from tests.abandonment_rules import the_budget
from tests.dialer_floor import a_floor_call
from tests.dialer_pbx import AGENTS, STEPS_MS, Order, Originate
from tests.dialer_rules import HOLDING, RuledFloor

#: How calls are disclosed and recorded, one after the other.
PLANS = (
    CapturePlan(),
    CapturePlan(),
    CapturePlan(disclosed_by=DisclosedBy.PROMPT_JOINING),
    CapturePlan(disclosed_by=DisclosedBy.PRESS_TO_CONSENT, recorded_from=RecordedFrom.CONSENT),
    CapturePlan(disclosed_by=DisclosedBy.SPOKEN),
    CapturePlan(recorded_from=RecordedFrom.ORDER),
)
CAMPAIGNS = (CampaignView("k1", "spring", 2), CampaignView("k2", "summer", 3))


class Killed(Exception):
    """kill -9, between two commands."""


class World(RuledFloor):
    """One run. Each public method is something that may happen now; `n` chooses among those to whom it can."""

    def __init__(self) -> None:
        super().__init__()
        self.kill_after: int | None = None
        self.running: tuple[CampaignView, ...] = CAMPAIGNS
        self.halted: set[str] = set()
        self.saved: dict[str, Placed] = {}
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
        assert not [one for one in commands if isinstance(one, DialNext) and one.campaign_id in self.halted], "halted"
        self._perform(commands)

    def _perform(self, commands: Sequence[Command]) -> None:
        follow: list[Item] = []
        try:
            for command in commands:
                self._maybe_killed()
                match command:
                    case Connect() | Abandon() | HangUp() | PauseCapture() | ResumeCapture() | StartCapture():
                        self._send(command)
                    case SaveCall(call=call):
                        self.saved[call.call_id] = Placed(call)
                    case Finish(call=call):
                        self.finished[call.call_id] += 1
                    case Halt(campaign_id=campaign_id):
                        self.running = tuple(view for view in self.running if view.campaign_id != campaign_id)
                        self.halted.add(campaign_id)
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
        plan = PLANS[(self.known - 1) % len(PLANS)]
        placed = ordered(f"c{self.known}", self.now, plan.disclosed_by)
        call = a_floor_call(placed, campaign_id=campaign_id, capture=Capture(plan))
        self.saved[call.call_id] = Placed(call)
        self._maybe_killed()
        self.give(Placed(call))
        if self.in_view:
            self.orders.append(Originate(call.call_id, plan.disclosed_by, plan.recorded_from))
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

    # --- the queues -----------------------------------------------------------------------------------------------

    def rest(self, n: int) -> None:
        """Nothing happens."""

    def hear(self, n: int) -> None:
        """The floor takes the next events."""
        for _ in range(min(len(self.told), n % 3 + 1)):
            if self.told:
                self.give(self.told.popleft())

    def tick(self, n: int) -> None:
        if STEPS_MS[n] > 60_000:
            self._drain()  # no order is that long on its way
        self.now += timedelta(milliseconds=STEPS_MS[n])
        self.give(Tick(self.now))

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
            self.obey_all()
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

    # --- the office -----------------------------------------------------------------------------------------------

    def agent_asks(self, n: int) -> None:
        self.give(PauseAsked(AGENTS[n % 4], paused=n == 7, reason="tea", at=self.now))

    def capture_asked(self, n: int) -> None:
        """A command pauses the recording of a call, or has it go on."""
        calls = [call.call_id for call in self.floor.calls.values()]
        self.give(CaptureAsked(calls[n % len(calls)] if calls else "none", n % 3 > 0, "payment", "office", self.now))

    def agent_judges(self, n: int) -> None:
        words = ("sale", "nonsense", "do_not_call", "busy")
        agent = self.floor.agents.get(AGENTS[n % 4])
        call_id = agent.call_id if agent is not None and n < 6 else "another"
        self.give(DispositionGiven(AGENTS[n % 4], call_id or "", words[n % 4], self.now))

    def opt_out(self, n: int) -> None:
        """Somebody whom we call, or nobody we know, is put on the list."""
        calls = list(self.floor.calls.values())
        if not calls or n > 3:
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
        self.running = CAMPAIGNS[max(0, n - 5) :]  # reviewed, where they were halted
        self.halted -= {view.campaign_id for view in self.running}
        self.give(CampaignsRunning(self.running))

    def measure(self, n: int) -> None:
        """What was abandoned is measured: it cannot be, or a limit is passed, or near, or far away."""
        budgets = None if n == 6 else (the_budget(4 if n == 7 else n % 4, 100, "house.abandon", self.now),)
        self.give(BudgetsMeasured(CAMPAIGNS[n % 2].campaign_id, budgets, self.now))

    # --- the end --------------------------------------------------------------------------------------------------

    def closing_time(self) -> None:
        """Everybody hangs up and everything is heard: each call that was placed has ended once, nobody is held."""
        self.kill_after = None
        self.running = ()
        self.give(CampaignsRunning(()))
        self.mend(0)
        self._drain()
        for leg in list(self.legs.values()):
            self.end(leg, 0, 0, EndedBy.CUSTOMER)
        self._drain()
        self.now += timedelta(seconds=121)
        self.give(Tick(self.now))
        assert not self.floor.calls, self.floor.calls
        assert self.finished == Counter(self.saved.keys())
        held = [agent for agent in self.floor.agents.values() if agent.state in HOLDING]
        assert not held, held

    def _drain(self) -> None:
        """Everything that was said is heard, everything that was ordered is done."""
        while self.told or self.orders or any(leg.phase is None for leg in self.legs.values()):
            self.hear(2)
            self.obey(2)
            self.channel(0)
        self.check_rest()
