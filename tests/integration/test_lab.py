"""The lab is a real telephone network: each kind of customer, each promise of the dialplan, and no process left behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sip.carrier import BEHAVIOURS, Behaviour, number_for
from sip.lab import LabInfo
from sip.robot import Robots, start_robots
from sip.unpack import Tree
from sip.voices import RATE_HZ, Samples, read_wav, tone, write_wav
from tests.floor_site import deaf_phone
from tests.raw_ami import Ami, Packet, a_call, until

pytestmark = pytest.mark.asterisk

HISS = 0.01  # peaks of a line on which nobody speaks stay below this share of full scale in the mean


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
