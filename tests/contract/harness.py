"""What the contract suite needs of a PBX with people on it, and the two PBXs: the simulator and a real Asterisk.

A test says who is rung by what the subscriber does; the harness knows the number. Waiting is for an event: the simulator's
clock is moved to what is due next, the real PBX is given until a deadline.
"""

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from compliance.verdict import Permit
from config.clock import Clock, ManualClock, SystemClock
from config.ids import new_id
from sip import subscribers
from sip.ami import Asterisk, PbxAddress
from sip.carrier import Behaviour, number_for
from sip.events import AgentLegProven, Event, LiveAgent, PbxDown, PbxUp
from sip.lab import LabInfo
from sip.port import DialOrder, Telephony
from sip.robot import Robots, start_robots
from sip.simulator import Simulator
from sip.subscribers import Answers, RingsOut, Subscriber
from sip.unpack import Tree

E = TypeVar("E", bound=Event)
DEADLINE_S = 40.0  # for one event of the real PBX: the slowest is an agent's line check on a busy machine


class Harness(Protocol):
    """A PBX, its subscribers and its agents. `events` is all that was posted, in order, as far as it was waited for."""

    telephony: Telephony
    clock: Clock
    events: list[Event]

    def number(self, behaviour: Behaviour) -> str:
        """Somebody who behaves so, never rung before."""
        ...

    def next_event(self) -> Event:
        """Waits for the next event. Raises AssertionError when none comes."""
        ...

    def agent_in(self, agent_id: str) -> None:
        """The agent's phone is logged in and proven when this returns."""
        ...

    def agent_out(self, agent_id: str) -> None:
        """The agent's phone hangs up."""
        ...

    def cut(self) -> None:
        """Takes the PBX out of the floor's view; it goes on working."""
        ...

    def mend(self) -> None:
        """Lets the floor see it again."""
        ...

    def close(self) -> None:
        """Ends all that the harness started."""
        ...


def order(
    harness: Harness,
    behaviour: Behaviour,
    *,
    ring_for: timedelta = timedelta(seconds=20),
    trunk: str = "carrier",
    **said: Any,
) -> DialOrder:
    """An order with a live permit to ring somebody who behaves so; `said` are other fields of it."""
    now = harness.clock.now()
    call_id = new_id(now)
    number = harness.number(behaviour)
    permit = Permit(new_id(now), call_id, "a person", number, "a campaign", now, now + timedelta(seconds=10), ())
    return DialOrder(call_id, number, trunk, "+12125550100", ring_for, "disclosure-en", "safe-harbour-en", permit, **said)


def wait_for(harness: Harness, kind: type[E], call_id: str | None = None, agent_id: str | None = None) -> E:
    """The next event of this kind, about this call or agent if one is given."""
    while True:
        event = harness.next_event()
        about_call = call_id is None or getattr(event, "call_id", None) == call_id
        about_agent = agent_id is None or getattr(event, "agent_id", None) == agent_id
        if isinstance(event, kind) and about_call and about_agent:
            return event


SIMULATED: dict[Behaviour, Subscriber] = {
    Behaviour.TALKS: Answers(rings_for=timedelta(seconds=0.5), talks_for=None),
    Behaviour.HANGS_UP_AFTER_5S: Answers(rings_for=timedelta(seconds=0.5), stays_for=timedelta(seconds=5)),
    Behaviour.HANGS_UP_AT_ONCE: Answers(rings_for=timedelta(seconds=0.5), stays_for=timedelta(seconds=0.1)),
    Behaviour.PRESSES_9: Answers(rings_for=timedelta(seconds=0.5), presses=((timedelta(seconds=1), "9"),)),
    Behaviour.PRESSES_1: Answers(rings_for=timedelta(seconds=0.5), presses=((timedelta(seconds=5), "1"),)),
    Behaviour.RINGS_OUT: RingsOut(),
    Behaviour.BUSY: subscribers.BUSY,
    Behaviour.REJECTS: replace(subscribers.DECLINES, after=timedelta(seconds=0.5)),
    Behaviour.UNOBTAINABLE: subscribers.UNOBTAINABLE,
    Behaviour.UNAVAILABLE: subscribers.UNAVAILABLE,
    Behaviour.CONGESTED: subscribers.CONGESTED,
}


class SimulatorHarness:
    """The simulator, with a clock that jumps to what happens next."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock: Clock = clock
        self.events: list[Event] = []
        self._posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._behaviours: dict[str, Behaviour] = {}
        self._simulator = Simulator(clock, lambda number: SIMULATED[self._behaviours[number]], trunks=frozenset({"carrier"}))
        self.telephony: Telephony = self._simulator
        self._simulator.start(self._posted.put)

    def number(self, behaviour: Behaviour) -> str:
        number = number_for(behaviour, len(self._behaviours))
        self._behaviours[number] = behaviour
        return number

    def next_event(self) -> Event:
        while self._posted.empty():
            due = self._simulator.next_due
            assert due is not None, f"nothing more will happen; so far: {self.events}"
            self._simulator.advance_to(due)
        event = self._posted.get()
        self.events.append(event)
        return event

    def agent_in(self, agent_id: str) -> None:
        self._simulator.agent_up(agent_id)
        wait_for(self, AgentLegProven, agent_id=agent_id)

    def agent_out(self, agent_id: str) -> None:
        self._simulator.agent_down(agent_id)

    def cut(self) -> None:
        self._simulator.cut("the wire is cut")

    def mend(self) -> None:
        self._simulator.mend()

    def close(self) -> None:
        self.telephony.close()


class AsteriskHarness:
    """The lab's Asterisk, seen through a wire that can be cut; agents are robots at real SIP phones.

    `robots` outlive the harness: a line check takes seconds, so who is logged in stays for the next test.
    """

    _numbers = iter(range(500))  # of one process: no subscriber is rung twice

    def __init__(self, info: LabInfo, tree: Tree, directory: Path, robots: dict[str, Robots]) -> None:
        self.clock: Clock = SystemClock()
        self.events: list[Event] = []
        self._posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._info = info
        self._tree = tree
        self._directory = directory
        self._robots = robots
        self._wire = Wire(info.ami_host, info.ami_port)
        address = PbxAddress("lab", self._wire.host, self._wire.port, info.ami_username, info.ami_secret())
        self.telephony: Telephony = Asterisk(address, self.clock)
        self.telephony.start(self._posted.put)

    def number(self, behaviour: Behaviour) -> str:
        return number_for(behaviour, next(AsteriskHarness._numbers))

    def next_event(self) -> Event:
        try:
            event = self._posted.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f"nothing came in {DEADLINE_S} s; so far: {self.events}") from None
        self.events.append(event)
        return event

    def agent_in(self, agent_id: str) -> None:
        found = [event.agents for event in self.events if isinstance(event, PbxUp)]
        if agent_id in self._robots and LiveAgent(agent_id, proven=True) in found[-1]:
            return
        directory = self._directory / agent_id
        directory.mkdir(exist_ok=True)
        agents = [(agent_id, self._info.password(agent_id))]
        # Longer than any test: the tests end the calls.
        self._robots[agent_id] = start_robots(
            self._tree, agents, self._info.sip_host, self._info.sip_port, directory, talk_s=(300.0, 301.0)
        )
        wait_for(self, AgentLegProven, agent_id=agent_id)

    def agent_out(self, agent_id: str) -> None:
        self._robots.pop(agent_id).stop()

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def close(self) -> None:
        """Hangs up what a failed test left, so that the next one finds an empty PBX."""
        for call_id in {getattr(event, "call_id", None) for event in self.events} - {None}:
            self.telephony.hang_up(str(call_id))
        self.telephony.close()
        self._wire.close()


class Wire:
    """A TCP connection to the PBX that can be cut: what is written into a cut wire is lost, nobody can connect."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self.host, self.port = "127.0.0.1", 0
        self.mend()

    def mend(self) -> None:
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._run(lambda: self._accept(listener))

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` alone does not
            listener.close()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for pair in self._pairs:
            for end in pair:
                end.close()
        self._threads.clear()
        self._pairs.clear()

    def close(self) -> None:
        self.cut()

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._far)
            except OSError:
                near.close()
                continue
            if self._listener is not listener:
                near.close()
                far.close()
                return
            self._pairs.append((near, far))
            self._run(lambda near=near, far=far: _pour(near, far))  # type: ignore[misc] # mypy: defaults of a lambda
            self._run(lambda near=near, far=far: _pour(far, near))  # type: ignore[misc] # mypy: defaults of a lambda


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def out_of_view_and_back(harness: Harness) -> PbxUp:
    """Cuts the PBX off and mends it again once that was told; returns what is found alive."""
    harness.cut()
    wait_for(harness, PbxDown)
    harness.mend()
    return wait_for(harness, PbxUp)
