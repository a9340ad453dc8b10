"""The lab with a tone for each party, its agents at their phones in pairs, and one call that is led from agent to agent."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from config.clock import SystemClock
from config.ids import new_id
from recorder.record import CallRecord
from sip import carrier, lab
from sip.carrier import Behaviour, number_for
from sip.lab import Lab, LabInfo
from sip.unpack import Tree
from sip.voices import Samples, tone
from tests.raw_ami import Ami, Packet
from tests.recorder_audio import a_record
from tests.tone_phone import TonePhone
from tests.tones import AGENTS_HZ, CUSTOMER_HZ, Stretch

STRETCH_S = 1.8
PROMPT = "disclosure-en"
NOBODY = "999"
PAIRS = (("101", "102"), ("103", "104"), ("105", "106"))
CLOCK = SystemClock()
NUMBERS = iter(range(500))  # no subscriber is rung twice

#: What we do not do: one channel is recorded while one phone after the other is dialled for it. The phones are subscribers of
#: the carrier, for SIPp begins each stream with the same sequence number: the second, who stays for less time, is always late.
NAIVE = """
[naive-dial]
exten => s,1,MixMonitor(,r(${RF_SPOOL}/${RF_CALL}-customer.wav)t(${RF_SPOOL}/${RF_CALL}-agent.wav))
 same => n,UserEvent(RFAnswered,Call: ${RF_CALL})
 same => n,Playback(${RF_PROMPTS}/${RF_PROMPT})
 same => n,UserEvent(Naive,Call: ${RF_CALL},Agent: 1)
 same => n,Dial(PJSIP/${RF_FIRST}@carrier,10,S(8)g)
 same => n,UserEvent(Naive,Call: ${RF_CALL},Agent: 2)
 same => n,Dial(PJSIP/${RF_SECOND}@carrier,10,S(6)g)
 same => n,Hangup(16)
"""


@dataclass
class Pair:
    """Two agents at their phones, for one call at a time; `legs` are the channels of those logged in."""

    info: LabInfo
    agents: tuple[str, str]
    directory: Path
    phones: dict[str, TonePhone] = field(default_factory=dict)
    legs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ami = Ami(self.info)

    def since(self, mark: int, fits: Callable[[Packet], bool]) -> Packet:
        """The first packet that fits, of those that came after the first `mark`."""
        old = {id(packet) for packet in self.ami.packets[:mark]}
        return self.ami.wait(lambda packet: id(packet) not in old and fits(packet))

    def log_in(self, *agents: str) -> None:
        """Starts their phones and waits until the PBX has proven the lines."""
        mark = len(self.ami.packets)
        for agent in agents:
            self.phones[agent] = TonePhone(self.info, agent, AGENTS_HZ[self.agents.index(agent)], self.directory)
        for agent in agents:
            self.legs[agent] = self.since(mark, says("UserEvent", "RFAgentProven", Agent=agent))["Channel"]
            self.since(mark, says("Event", "ConfbridgeJoin", Channel=self.legs[agent]))

    def close(self) -> None:
        for phone in self.phones.values():
            phone.let_go()
        for phone in self.phones.values():
            phone.hang_up()
        self.ami.close()


class Call:
    """One call, as it is led along a way. Each step returns when the PBX has told that it was done."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.one, self.two = pair.agents
        self.call_id = new_id(CLOCK.now())
        self.stretches: list[Stretch] = []
        self._mark = len(pair.ami.packets)
        self._changed = 0.0

    def answered(self) -> None:
        """The customer answers, hears the prompt and is with the first agent."""
        self.pair.ami.ring(self.call_id, number_for(Behaviour.TALKS, next(NUMBERS)), ring_ms=20_000)
        self._answered = at(self.pair.since(self._mark, says("UserEvent", "RFAnswered", Call=self.call_id)))
        self.connect(self.one)
        self._announced = at(self.pair.since(self._mark, says("UserEvent", "RFAnnounced", Call=self.call_id)))
        self.talk(self.one)

    def connect(self, agent: str) -> None:
        """The customer goes to an agent's room, as the floor sends them."""
        self._redirect(self.call_id, "rf-connect", agent, "ConfbridgeJoin", Uniqueid=self.call_id, Conference=f"rf-{agent}")

    def connect_in_vain(self) -> None:
        """The customer is sent to an agent who is not there."""
        mark = len(self.pair.ami.packets)
        self.pair.ami.connect(self.call_id, NOBODY)
        self.pair.since(mark, says("UserEvent", "RFAgentMissing", Call=self.call_id))

    def hold(self) -> None:
        """The customer waits."""
        self._redirect(self.call_id, "rf-hold", "s", "ConfbridgeLeave", Uniqueid=self.call_id)

    def visit(self, agent: str, host: str) -> None:
        """An agent's leg goes into another agent's room, or into its own."""
        leg = self.pair.legs[agent]
        self._redirect(leg, "rf-visit", host, "ConfbridgeJoin", Channel=leg, Conference=f"rf-{host}")

    def reload(self, agent: str, meanwhile: Callable[[], None]) -> None:
        """The agent's phone goes, and comes back by another login and line check."""
        mark = len(self.pair.ami.packets)
        self.pair.phones[agent].hang_up()
        self._changed = at(self.pair.since(mark, says("Event", "ConfbridgeLeave", Channel=self.pair.legs[agent])))
        meanwhile()
        mark = len(self.pair.ami.packets)
        self.pair.log_in(agent)
        self._changed = at(self.pair.since(mark, says("Event", "ConfbridgeJoin", Channel=self.pair.legs[agent])))

    def talk(self, *agents: str) -> None:
        """For a while just these agents are with the customer: time goes by, for what is recorded in it is what is judged."""
        threading.Event().wait(STRETCH_S)
        pitches = frozenset(AGENTS_HZ[self.pair.agents.index(agent)] for agent in agents)
        start = self._changed - self._answered
        name = f"{len(self.stretches) + 1}. stretch"
        self.stretches.append(Stretch(name, start, start + STRETCH_S, pitches))

    def ended(self) -> CallRecord:
        """The call is hung up, and what the floor would hand to the recorder."""
        self.pair.ami.hang_up(self.call_id)
        self.ending = at(self.pair.since(self._mark, says("Event", "SoftHangupRequest", Uniqueid=self.call_id))) - self._answered
        over = time_of(at(self.pair.ami.hangup(self.call_id)))
        return a_record(
            self.call_id,
            prompt=PROMPT,
            answered_at=time_of(self._answered),
            announcement_at=time_of(self._answered),
            announced_at=time_of(self._announced),
            bridged_at=time_of(self._answered + self.stretches[0].start),
            unbridged_at=over,
            ended_at=over,
        )

    def _redirect(self, channel: str, context: str, exten: str, event: str, **told: str) -> None:
        mark = len(self.pair.ami.packets)
        self.pair.ami.send(Action="Redirect", Channel=channel, Context=context, Exten=exten, Priority="1")
        self._changed = at(self.pair.since(mark, says("Event", event, **told)))


@contextmanager
def tone_lab(directory: Path) -> Iterator[tuple[LabInfo, list[Pair]]]:
    """The lab whose subscribers sound at the customer's pitch, with all pairs logged in."""

    def sounds(tree: Tree) -> dict[str, Samples]:
        del tree
        names = ("talking", "quiet-then-talking", "voicemail")
        tones = {name: tone(hertz, 10.0) for name, hertz in zip(names, (CUSTOMER_HZ, *AGENTS_HZ), strict=True)}
        return dict.fromkeys(("room", "presses-9", "presses-1"), tones["talking"]) | tones

    def texts() -> dict[str, str]:
        return plain() | {"extensions.conf": plain()["extensions.conf"] + NAIVE}

    plain, here = lab.templates, Lab(directory / "lab")
    with ExitStack() as open_until:
        open_until.callback(here.down)
        with patch.object(carrier, "_audio", sounds), patch.object(lab, "templates", texts):
            info = here.up(agents=tuple(agent for pair in PAIRS for agent in pair))
        pairs = [Pair(info, agents, directory) for agents in PAIRS]
        for pair in pairs:
            open_until.callback(pair.close)
        with ThreadPoolExecutor(len(pairs)) as at_once:
            list(at_once.map(lambda pair: pair.log_in(*pair.agents), pairs))
        yield info, pairs


def says(key: str, value: str, **fields: str) -> Callable[[Packet], bool]:
    return lambda packet: packet.get(key) == value and fields.items() <= packet.items()


def at(packet: Packet) -> float:
    """When the PBX told it, in seconds of its clock."""
    return float(packet["Timestamp"])


def time_of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
