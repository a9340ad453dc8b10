"""The rules of the floor, checked after each step of the engine and whenever the floor and the PBX have heard all."""

from collections import Counter
from collections.abc import Sequence

from dialer.agents import AgentState
from dialer.assignment import in_time
from dialer.dispositions import Disposition
from dialer.floor import (
    Alert,
    AlertKind,
    Command,
    Connect,
    DialNext,
    Finish,
    Floor,
    Item,
    Placed,
    Suppress,
    Tick,
)
from sip.call import CallState
from sip.events import (
    AgentKeyPressed,
    KeyPressed,
    LivePhase,
)
from tests.dialer_pbx import AGENTS, BEFORE_ANSWER, ModelPbx

HOLDING = {AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP}
NOT_ANSWERED = (CallState.ORDERED, CallState.DIALING, CallState.RINGING)


class RuledFloor(ModelPbx):
    """A floor beside the PBX, and what must hold of it."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor(self.now)
        self.roster: tuple[str, ...] = AGENTS
        self.finished: Counter[str] = Counter()
        self.opted_out: set[str | None] = set()
        self.proven: set[str] = set()  # whose line the floor was told to be proven
        self.unbroken = True  # never cut nor killed
        self.settled = False  # has seen the PBX since it was started
        self.seen: Counter[str] = Counter()  # what happened, and what was ordered

    def check(self, before: Floor, item: Item, commands: Sequence[Command]) -> None:
        """The rules of the floor, after each step."""
        self.seen.update(type(one).__name__ for one in (item, *commands))
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
        if isinstance(item, Tick) and floor.pbx_up:
            for call in floor.calls.values():
                wish, limit = call.capture.wish, call.capture.plan.pause_limit
                assert wish is None or floor.now - wish.at < limit, f"the pause of {call.call_id} is forgotten"
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
            call.agent_id is None and call.call.state in {*NOT_ANSWERED, CallState.ANSWERED} for call in floor.calls.values()
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
                    assert floor.campaigns[campaign_id].measured
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
                if before.calls[call_id].call.state in {CallState.ENDED, *NOT_ANSWERED} or before.calls[call_id].call.paused:
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
        on_call = {agent.call_id or "" for agent in self.floor.agents.values() if agent.state is AgentState.ON_CALL}
        bridged = {key for key, leg in self.legs.items() if leg.phase is LivePhase.BRIDGED}
        assert bridged <= on_call, f"{bridged - on_call} talk to nobody"
        for key in on_call - bridged:
            # The message was ordered when the agent was lost, and came after a gap that had found them back with the customer:
            # they judge the call when the message is over.
            assert not self.unbroken, f"{key} is not with its agent"
            assert self.legs[key].phase is LivePhase.ABANDONING, f"{key} is not with its agent"
            assert self.floor.calls[key].call.bridged_at is not None, f"{key} never was with its agent"
        for key, leg in self.legs.items():
            call = self.floor.calls[key]
            if leg.phase is LivePhase.BRIDGED or (leg.phase is LivePhase.ANNOUNCING and not leg.missing):
                assert call.agent_id == leg.agent, f"{key} hears the prompt for {leg.agent}, the floor has {call.agent_id}"
            if leg.phase is LivePhase.ANSWERED and call.agent_id is None and in_time(self.floor, call):
                idle = [agent for agent in self.floor.agents.values() if agent.state is AgentState.READY]
                assert not idle, f"{key} waits and {idle} are idle"
            assert not leg.recorded or leg.muted == (call.capture.wish is not None), f"{key} is recorded otherwise than wanted"
            if leg.phase in BEFORE_ANSWER:
                assert call.person not in self.opted_out, f"{key} rings, {call.person} has opted out"
