"""The lab is a real telephone network: each kind of customer, each promise of the dialplan, and no process left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sip import parts
from sip.carrier import BEHAVIOURS, Behaviour, number_for
from sip.lab import Lab, LabError, LabInfo
from sip.robot import Robots, start_robots
from sip.unpack import Tree, ensure_tree
from sip.voices import RATE_HZ, Samples, read_wav, silence, tone, write_wav
from tests.floor_site import deaf_phone

pytestmark = pytest.mark.asterisk

Packet = dict[str, str]
HISS = 0.01  # peaks of a line on which nobody speaks stay below this share of full scale in the mean


class Ami:
    """Raw AMI for tests: sends actions, keeps every packet, waits for one that fits. Nothing of sip/ami.py is in it."""

    def __init__(self, info: LabInfo) -> None:
        self._socket = socket.create_connection((info.ami_host, info.ami_port))
        self._came = threading.Condition()
        self.packets: list[Packet] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.send(Action="Login", Username=info.ami_username, Secret=info.ami_secret())
        self.wait(lambda packet: packet.get("Event") == "FullyBooted")

    def send(self, *variables: str, **fields: str) -> None:
        lines = [f"{key}: {value}" for key, value in fields.items()] + [f"Variable: {variable}" for variable in variables]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def wait(self, fits: Callable[[Packet], bool], within_s: float = 30.0) -> Packet:
        deadline = time.monotonic() + within_s
        seen = 0
        with self._came:
            while True:
                for packet in self.packets[seen:]:
                    seen += 1
                    if fits(packet):
                        return packet
                if not self._came.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"not seen within {within_s} s; last: {self.packets[-5:]}")

    def ring(self, call: str, number: str, ring_ms: int = 3000, safe: str = "safe-harbour-en") -> str:
        variables = (f"__RF_CALL={call}", "RF_PROMPT=disclosure-en", f"RF_SAFE={safe}")
        self.send(
            *variables,
            Action="Originate",
            ActionID=call,
            Channel=f"PJSIP/{number}@carrier",
            ChannelId=call,
            Context="rf-customer",
            Exten="s",
            Priority="1",
            Timeout=str(ring_ms),
            CallerID="+12125550100",
            Async="true",
        )
        return call

    def connect(self, call: str, agent: str) -> None:
        self.send(Action="Redirect", Channel=call, Context="rf-connect", Exten=agent, Priority="1")

    def hang_up(self, call: str) -> None:
        self.send(Action="Hangup", Channel=call, Cause="16")

    def user_event(self, name: str, **fields: str) -> Packet:
        return self.wait(lambda packet: packet.get("UserEvent") == name and fields.items() <= packet.items())

    def hangup(self, call: str) -> Packet:
        return self.wait(lambda packet: packet.get("Event") == "Hangup" and packet.get("Uniqueid") == call)

    def about(self, call: str) -> list[Packet]:
        with self._came:
            return [packet for packet in self.packets if call in (packet.get("Uniqueid"), packet.get("Call"))]

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                more = self._socket.recv(65536)
            except OSError:
                return
            if not more:
                return
            *packets, buffer = (buffer + more).split(b"\r\n\r\n")
            with self._came:
                for packet in packets:
                    pairs = (line.split(":", 1) for line in packet.decode().split("\r\n") if ":" in line)
                    self.packets.append({key: value.strip() for key, value in pairs})
                self._came.notify_all()


def a_call(number: int) -> str:
    return f"{number:032x}"


def until(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Waits for something that tells nobody when it happens: a process that is gone, a file that is whole."""
    deadline = time.monotonic() + within_s
    waiting = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, what
        waiting.wait(0.02)


def heard(path: Path, start_s: float, end_s: float) -> float:
    """The mean level between two times of a recording, of full scale."""
    samples, rate_hz = read_wav(path)
    assert rate_hz == RATE_HZ
    piece = samples[int(start_s * rate_hz) : int(end_s * rate_hz)]
    assert piece.size, f"{path.name} holds nothing between {start_s} and {end_s} s"
    return float(np.abs(piece).mean())


def seconds(path: Path) -> float:
    return read_wav(path)[0].size / RATE_HZ


def presence(samples: Samples, hertz: float) -> float:
    """How much of a tone there is, 0 to about 1."""
    t = np.arange(samples.size) / RATE_HZ
    return float(2 * abs(np.mean(samples * np.exp(-2j * np.pi * hertz * t))))


@pytest.fixture(scope="module")
def tree() -> Tree:
    return ensure_tree(lambda _: None)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabInfo]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        found = lab.up(("101", "102", "103", "104"))
        write_wav(found.prompts / "a-minute.wav", silence(60.0))
        yield found
    finally:
        lab.down()


@pytest.fixture
def ami(info: LabInfo) -> Iterator[Ami]:
    connected = Ami(info)
    yield connected
    connected.close()


@dataclass(frozen=True)
class Rung:
    """What became of one call to each behaviour."""

    calls: dict[Behaviour, str]
    ami: Ami
    spool: Path

    def hangup(self, behaviour: Behaviour) -> Packet:
        return self.ami.hangup(self.calls[behaviour])

    def named(self, behaviour: Behaviour) -> set[str]:
        """Events and user events of the call."""
        about = self.ami.about(self.calls[behaviour])
        return {packet["Event"] for packet in about if "Event" in packet} | {packet.get("UserEvent", "") for packet in about}

    def recording(self, behaviour: Behaviour, side: str) -> Path:
        return self.spool / f"{self.calls[behaviour]}-{side}.wav"


STAY = frozenset(
    {
        *(Behaviour.TALKS, Behaviour.SPEAKS_AFTER_3S, Behaviour.PRESSES_9, Behaviour.PRESSES_1, Behaviour.VOICEMAIL),
        Behaviour.SENDS_NOTHING,
    }
)


@pytest.fixture(scope="module")
def deaf(info: LabInfo) -> Iterator[Ami]:
    """Agent 104 does not hear the beeps; what the PBX tells of it."""
    ami = Ami(info)
    with deaf_phone(info, "104"):
        yield ami
    ami.close()


@pytest.fixture(scope="module")
def rung(info: LabInfo, deaf: Ami) -> Iterator[Rung]:
    """One call to each behaviour that ends in reasonable time, all at once; those who stay are hung up by us in the end.

    Meanwhile the PBX gives up the agent who does not hear the beeps, which takes it as long.
    """
    ami = Ami(info)
    behaviours: list[Behaviour] = [behaviour for behaviour in Behaviour if behaviour is not Behaviour.HANGS_UP_AFTER_40S]
    calls = {
        behaviour: ami.ring(a_call(index), number_for(behaviour, index), safe="a-minute")
        for index, behaviour in enumerate(behaviours, start=1)
    }
    for behaviour in behaviours:
        if behaviour not in STAY:
            ami.hangup(calls[behaviour])
    for behaviour in STAY:
        ami.hang_up(calls[behaviour])
        ami.hangup(calls[behaviour])
    yield Rung(calls, ami, info.spool)
    ami.close()


#: Behaviour -> Q.850 cause and SIP status of a call that is not answered.
UNANSWERED = {
    Behaviour.RINGS_OUT: ("19", "480"),
    Behaviour.BUSY: ("17", "486"),
    Behaviour.UNAVAILABLE: ("19", "480"),
    Behaviour.REJECTS: ("21", "603"),
    Behaviour.UNOBTAINABLE: ("1", "404"),
    Behaviour.CONGESTED: ("34", "503"),
}


@pytest.mark.parametrize("behaviour", UNANSWERED)
def test_who_does_not_answer_is_told_apart_by_the_pbx(rung: Rung, behaviour: Behaviour) -> None:
    hangup = rung.hangup(behaviour)
    assert (hangup["Cause"], hangup["TechCause"]) == UNANSWERED[behaviour]
    assert "RFAnswered" not in rung.named(behaviour)
    assert not rung.recording(behaviour, "customer").exists()
    rang = any(packet.get("ChannelStateDesc") == "Ringing" for packet in rung.ami.about(rung.calls[behaviour]))
    assert rang == (BEHAVIOURS[behaviour].rings_s > 0)


@pytest.mark.parametrize(
    "behaviour", [b for b in Behaviour if BEHAVIOURS[b].status == 200 and b is not Behaviour.HANGS_UP_AFTER_40S]
)
def test_who_answers_is_recorded_on_both_sides_for_as_long_as_the_call(rung: Rung, behaviour: Behaviour) -> None:
    rung.hangup(behaviour)
    assert "RFAnswered" in rung.named(behaviour)
    customer, agent = (seconds(rung.recording(behaviour, side)) for side in ("customer", "agent"))
    assert customer == pytest.approx(agent, abs=0.05)
    subscriber = BEHAVIOURS[behaviour]
    if behaviour in STAY:
        assert customer > 14.0  # to the end of the longest of the others, silence of ours or theirs included
    else:
        assert customer == pytest.approx(subscriber.stays_s, abs=0.5)
        assert "HangupRequest" in rung.named(behaviour)  # the far end asked for it


def test_a_talker_is_heard_talking_and_a_room_is_only_a_hiss(rung: Rung) -> None:
    rung.hangup(Behaviour.TALKS)
    assert heard(rung.recording(Behaviour.TALKS, "customer"), 0.3, 2.0) > 3 * HISS
    room = heard(rung.recording(Behaviour.PRESSES_9, "customer"), 2.0, 10.0)
    assert 0 < room < HISS
    assert heard(rung.recording(Behaviour.SENDS_NOTHING, "customer"), 0.0, 10.0) == 0


def test_who_speaks_late_is_quiet_before(rung: Rung) -> None:
    late = rung.recording(Behaviour.SPEAKS_AFTER_3S, "customer")
    assert heard(late, 0.2, 2.8) < HISS
    assert heard(late, 3.1, 4.5) > 3 * HISS


def test_voicemail_greets_at_length_and_then_beeps(rung: Rung) -> None:
    rung.hangup(Behaviour.VOICEMAIL)
    samples, _ = read_wav(rung.recording(Behaviour.VOICEMAIL, "customer"))
    beeps = [second for second in np.arange(0, 14, 0.1) if presence(samples[int(second * RATE_HZ) :][:800], 1000.0) > 0.2]
    assert beeps
    assert min(beeps) > 6.0
    assert heard(rung.recording(Behaviour.VOICEMAIL, "customer"), 0.5, 6.0) > 2 * HISS


def test_a_key_pressed_in_band_is_seen(rung: Rung) -> None:
    rung.hangup(Behaviour.PRESSES_9)
    pressed = [packet["Digit"] for packet in rung.ami.about(rung.calls[Behaviour.PRESSES_9]) if packet.get("Event") == "DTMFEnd"]
    assert pressed == ["9"]


def test_who_is_taken_by_nobody_hears_the_whole_abandonment_message(info: LabInfo, ami: Ami) -> None:
    write_wav(info.prompts / "sorry.wav", tone(700.0, 2.0))
    call = ami.ring(a_call(101), number_for(Behaviour.TALKS, 101), safe="sorry")
    assert ami.user_event("RFAbandoned", Call=call)["Status"] == "SUCCESS"
    assert ami.hangup(call)["Cause"] == "16"
    samples, _ = read_wav(info.spool / f"{call}-agent.wav")
    present = [presence(samples[start : start + 800], 700.0) > 0.2 for start in range(0, samples.size - 800, 800)]
    assert present.index(True) == pytest.approx(20, abs=3)  # tenths of a second: two seconds after the answer
    assert sum(present) == pytest.approx(20, abs=2)


def test_an_announcement_that_cannot_be_played_is_never_followed_by_an_agent(ami: Ami, robots: Robots) -> None:
    call = a_call(102)
    ami.ring(call, number_for(Behaviour.TALKS, 102))
    ami.user_event("RFAnswered", Call=call)
    ami.send(Action="Setvar", Channel=call, Variable="RF_PROMPT", Value="no-such-prompt")
    ami.connect(call, "101")
    assert ami.user_event("RFAnnounced", Call=call)["Status"] == "FAILED"
    ami.user_event("RFAbandoning", Call=call)
    assert "ConfbridgeJoin" not in {packet.get("Event") for packet in ami.about(call)}
    ami.hang_up(call)


def test_a_customer_is_not_put_into_an_empty_room(ami: Ami) -> None:
    call = a_call(103)
    ami.ring(call, number_for(Behaviour.TALKS, 103))
    ami.user_event("RFAnswered", Call=call)
    ami.connect(call, "999")
    ami.user_event("RFAgentMissing", Call=call, Agent="999")
    ami.user_event("RFAbandoning", Call=call)
    ami.hang_up(call)


@pytest.fixture(scope="module")
def robots(info: LabInfo, tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robots]:
    """Agents 101 and 102 at work, both lines proven."""
    ami = Ami(info)
    accounts = [(agent, info.password(agent)) for agent in ("101", "102")]
    at_work = start_robots(tree, accounts, info.sip_host, info.sip_port, tmp_path_factory.mktemp("robots"), talk_s=(2.0, 3.0))
    try:
        for agent, _ in accounts:
            ami.user_event("RFAgentProven", Agent=agent)
        yield at_work
    finally:
        at_work.stop()
        ami.close()


def joined(ami: Ami, call: str, room: str) -> Packet:
    return ami.wait(
        lambda packet: (
            packet.get("Event") == "ConfbridgeJoin" and packet.get("Uniqueid") == call and packet.get("Conference") == room
        )
    )


def test_a_customer_is_told_then_greeted_then_kept_by_the_next_agent_and_all_of_it_is_recorded(
    info: LabInfo, ami: Ami, robots: Robots
) -> None:
    call = a_call(104)
    ami.ring(call, number_for(Behaviour.SENDS_NOTHING, 104))
    ami.user_event("RFAnswered", Call=call)
    ami.send(Action="Setvar", Channel=call, Variable="RF_PROMPT", Value="told")
    write_wav(info.prompts / "told.wav", tone(700.0, 1.0))
    ami.connect(call, "101")
    joined(ami, call, "rf-101")
    ami.connect(call, "102")  # a transfer: not disclosed twice
    joined(ami, call, "rf-102")
    customer, agent = (info.spool / f"{call}-{side}.wav" for side in ("customer", "agent"))
    before_s = seconds_on_disk(agent)
    until(lambda: seconds_on_disk(agent) > before_s + 5.0, 15.0, "the recording stopped at the transfer")
    ami.hang_up(call)
    ami.hangup(call)
    announced = [packet for packet in ami.about(call) if packet.get("UserEvent") == "RFAnnouncing"]
    assert len(announced) == 1
    samples, _ = read_wav(agent)
    assert max(presence(samples[start : start + 1600], 700.0) for start in range(0, 16000, 800)) > 0.3
    hiss = np.abs(
        samples[-3 * RATE_HZ :]
    ).mean()  # the second agent's room: where a bridge passes packets on, this leg goes silent
    assert hiss > 0
    assert seconds(customer) == pytest.approx(seconds(agent), abs=0.05)


def seconds_on_disk(path: Path) -> float:
    """The length of a WAV that is still being written, whatever its header says."""
    return max(0, path.stat().st_size - 44) / 2 / RATE_HZ if path.exists() else 0.0


def test_agent_and_customer_hear_each_other_and_the_agent_can_end_and_dispose_by_key(ami: Ami, robots: Robots) -> None:
    call = a_call(105)
    ami.ring(call, number_for(Behaviour.TALKS, 105))
    ami.user_event("RFAnswered", Call=call)
    ami.connect(call, "102")
    joined(ami, call, "rf-102")

    def pressed(digits: str) -> Packet:
        return ami.wait(
            lambda packet: (
                packet.get("Event") == "DTMFEnd"
                and packet.get("Channel", "").startswith("PJSIP/102-")
                and packet.get("Digit", "") in digits
            )
        )

    pressed("*")  # the robot hears the customer, and has had enough
    ami.hang_up(call)
    pressed("12349")
    pressed("#")
    assert robots.alive()


def test_the_end_of_the_agents_leg_ends_the_customers(info: LabInfo, tree: Tree, ami: Ami, tmp_path: Path) -> None:
    account = [("103", info.password("103"))]
    robot = start_robots(tree, account, info.sip_host, info.sip_port, tmp_path, talk_s=(60.0, 61.0))
    try:
        ami.user_event("RFAgentProven", Agent="103")
        call = ami.ring(a_call(106), number_for(Behaviour.TALKS, 106))
        ami.user_event("RFAnswered", Call=call)
        ami.connect(call, "103")
        joined(ami, call, "rf-103")
    finally:
        robot.stop()
    assert ami.hangup(call)["Cause"] == "16"


def test_a_second_login_is_busy_and_the_first_leg_stays(
    info: LabInfo, tree: Tree, ami: Ami, robots: Robots, tmp_path: Path
) -> None:
    legs = sum(packet.get("UserEvent") == "RFAgentLeg" for packet in ami.packets)
    second = start_robots(tree, [("101", info.password("101"))], info.sip_host, info.sip_port, tmp_path)
    try:
        refused = ami.wait(
            lambda packet: (
                packet.get("Event") == "Hangup"
                and packet.get("Channel", "").startswith("PJSIP/101-")
                and packet.get("Cause") == "17"
            )
        )
    finally:
        second.stop()
    assert refused["ChannelStateDesc"] != "Up"
    assert sum(packet.get("UserEvent") == "RFAgentLeg" for packet in ami.packets) == legs
    call = ami.ring(a_call(107), number_for(Behaviour.HANGS_UP_AFTER_5S, 107))
    ami.user_event("RFAnswered", Call=call)
    ami.connect(call, "101")
    joined(ami, call, "rf-101")
    ami.hangup(call)


def test_an_agent_who_does_not_hear_the_beeps_gets_no_room(deaf: Ami) -> None:
    deaf.user_event("RFAgentLeg", Agent="104")
    assert "beeps" in deaf.user_event("RFAgentFailed", Agent="104")["Reason"]
    rooms = [packet for packet in deaf.packets if packet.get("Event") == "ConfbridgeJoin" and packet["Conference"] == "rf-104"]
    assert rooms == []


def sockets_of(pid: int, *, kinds: tuple[str, ...] = ("udp", "udp6", "tcp", "tcp6")) -> list[tuple[str, int]]:
    """Address and port of every IP socket of these kinds that a process has bound."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink()) if entry.is_symlink() else ""
        inodes |= {target[8:-1]} if target.startswith("socket:[") else set()
    found = []
    for table in kinds:
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                address, port = fields[1].split(":")
                raw = bytes.fromhex(address)
                found.append((socket.inet_ntoa(raw[::-1]) if len(raw) == 4 else f"IPv6 {address}", int(port, 16)))
    return found


def test_nothing_of_the_lab_can_be_reached_from_outside_even_during_a_call(info: LabInfo, ami: Ami) -> None:
    call = ami.ring(a_call(108), number_for(Behaviour.TALKS, 108))
    ami.user_event("RFAnswered", Call=call)
    pids = parts.alive(info.directory)
    bound = {name: sockets_of(pid) for name, pid in pids.items()}
    streams = sockets_of(pids["asterisk"], kinds=("tcp", "tcp6"))
    ami.hang_up(call)
    assert (info.sip_host, info.sip_port) in bound["asterisk"]
    assert (info.ami_host, info.ami_port) in streams
    assert (info.carrier_host, info.carrier_port) in bound["carrier"]
    assert len(bound["carrier"]) >= 3  # its control socket and the RTP of the call as well
    outside = [where for where in (*bound["carrier"], *streams) if not where[0].startswith("127.")]
    assert outside == []
    # Asterisk's DNS resolver has a UDP socket for each family, which takes answers only; there must be no other.
    assert len([where for where in bound["asterisk"] if not where[0].startswith("127.")]) <= 2


# Processes: what is started is found, and nothing outlives its owner.


def test_two_labs_stand_side_by_side(info: LabInfo, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    try:
        theirs = other.up(("101",))
        assert not {theirs.sip_port, theirs.ami_port} & {info.sip_port, info.ami_port}
        for found in (info, theirs):
            ami = Ami(found)
            call = ami.ring(a_call(201), number_for(Behaviour.BUSY, 201))
            assert ami.hangup(call)["Cause"] == "17"
            ami.close()
    finally:
        other.down()
    assert parts.alive(info.directory).keys() == {"asterisk", "carrier"}


def test_up_leaves_a_running_lab_alone_and_down_leaves_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        running = lab.status()
        assert running.up
        assert lab.up(("101",)) == first
        assert lab.status().parts == running.parts
        for secret in (first.ami_secret_file, *first.agents.values(), tmp_path / "lab.json", *(tmp_path / "etc").iterdir()):
            assert secret.stat().st_mode & 0o077 == 0, secret
    finally:
        lab.down()
    assert not lab.status().up
    assert parts.alive(tmp_path) == {}
    assert not mentioned(tmp_path)
    lab.down()


def test_a_killed_pbx_is_brought_back_where_the_phones_and_the_floor_look_for_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        secret = first.ami_secret()
        os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
        until(lambda: not lab.status().up, 5.0, "a killed Asterisk still counts as running")
        again = lab.up(("101",))
        assert again == first
        assert again.ami_secret() == secret
    finally:
        lab.down()


def test_phones_register_and_prove_their_lines_again_after_the_pbx_was_killed(tree: Tree, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    first = lab.up(("101",))
    account = [("101", first.password("101"))]
    robot = start_robots(tree, account, first.sip_host, first.sip_port, tmp_path / "robots")
    try:
        ami = Ami(first)
        ami.user_event("RFAgentProven", Agent="101")
        ami.close()
        os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
        until(lambda: not lab.status().up, 5.0, "a killed Asterisk still counts as running")
        ami = Ami(lab.up(("101",)))
        ami.user_event("RFAgentProven", Agent="101")
        ami.close()
        assert robot.alive()
    finally:
        robot.stop()
        lab.down()


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        first = lab.up(("101",))
        lab.down()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            ours = False
            with suppress(OSError):  # somebody else was quicker, and may be gone again before the lab looks
                stranger.bind((first.sip_host, first.sip_port))
                ours = True
            second = lab.up(("101",))
            assert second.sip_port != first.sip_port or not ours
            assert lab.status().up
    finally:
        lab.down()


def test_more_agents_than_a_running_lab_knows_are_refused_in_words(info: LabInfo) -> None:
    with pytest.raises(LabError, match=r"101, 102, 103, 104: take it down"):
        Lab(info.directory).up(("101", "199"))


def test_a_lab_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file where a directory should be")
    with pytest.raises(LabError, match=str(tmp_path)):
        Lab(tmp_path).up(("101",))
    assert parts.alive(tmp_path) == {}


def test_a_path_too_long_for_the_control_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"at most 90 characters"):
        Lab(tmp_path / ("x" * 90)).up(("101",))


OWNER = """
import sys, threading
from pathlib import Path
from sip.lab import Lab
Lab(Path(sys.argv[1]), leashed=sys.argv[2] == "leashed").up(("101",))
print("up", flush=True)
if sys.argv[2] == "leashed":
    threading.Event().wait()
"""


def owner_of(directory: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(directory), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def mentioned(directory: Path) -> list[str]:
    """Command lines of running processes that name the directory, found without the lab's own means."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if entry.name.isdigit() and str(directory) in command:
            found.append(command)
    return found


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_lab_does_not_outlive_the_process_it_was_brought_up_for(tmp_path: Path, end: signal.Signals) -> None:
    with owner_of(tmp_path, "leashed") as owner:
        assert parts.alive(tmp_path).keys() == {"asterisk", "carrier"}
        owner.send_signal(end)
        owner.wait()
    until(lambda: not parts.alive(tmp_path) and not mentioned(tmp_path), 10.0, "a part outlived its owner")


def test_a_lab_that_is_not_leashed_stays_until_it_is_taken_down_by_anybody(tmp_path: Path) -> None:
    with owner_of(tmp_path, "detached") as owner:
        assert owner.wait() == 0
    lab = Lab(tmp_path)
    try:
        status = lab.status()
        assert status.up
        assert status.info is not None
        Ami(status.info).close()
    finally:
        lab.down()
    assert not mentioned(tmp_path)


def test_robots_die_with_their_owner(info: LabInfo, tmp_path: Path) -> None:
    script = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from sip.robot import start_robots\nfrom sip.unpack import ensure_tree\n"
        "password, host, port, directory = sys.stdin.readline().split()\n"
        "robots = start_robots(ensure_tree(lambda _: None), [('103', password)], host, int(port), Path(directory))\n"
        "print(robots.pids()[0], flush=True)\nthreading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdin
        assert owner.stdout
        owner.stdin.write(f"{info.password('103')} {info.sip_host} {info.sip_port} {tmp_path}\n")
        owner.stdin.flush()
        robot = int(owner.stdout.readline())
        owner.kill()
    until(lambda: not Path(f"/proc/{robot}").exists(), 10.0, "a robot outlived its owner")
