"""Pauses and disclosures on a real Asterisk, heard with sox: the customer's line sounds at 1000 Hz, the agent's at 440 Hz."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.outcome import call_record
from recorder import capturing
from recorder.capture import CapturePlan
from recorder.capturing import Capture
from sip import carrier
from sip.call import CallState, apply, ordered
from sip.carrier import Behaviour
from sip.events import (
    AgentEvent,
    AgentLegProven,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    HungUp,
    PbxEvent,
    PbxUp,
)
from sip.lab import Lab, LabInfo
from sip.port import DisclosedBy, RecordedFrom
from sip.unpack import Tree, ensure_tree
from sip.voices import tone, write_wav
from tests.contract.harness import AsteriskHarness, E, order, wait_for
from tests.dialer_floor import a_floor_call
from tests.floor_site import wait_until
from tests.recorder_audio import a_record

pytestmark = pytest.mark.asterisk

AGENT_HZ, CUSTOMER_HZ = 440, 1000
HEARD = 0.05  # RMS share of full scale that a tone of ours has at least on a line, within its band

PHONE = """
import json, random, sys
from pathlib import Path
from config.clock import SystemClock
from sip.robot import Ear, Press
from sip.softphone import PhoneAccount, Softphone
said = json.loads(sys.stdin.readline())
clock = SystemClock()
phone = Softphone(PhoneAccount(**said["account"]), clock)
phone.loop(Path(said["tone"]))
ear = Ear(random.Random(1), (600.0, 601.0))
checked = False
while True:
    phone.step()
    for act in ear.hear(phone.level(), clock.monotonic()) if phone.on_line and not checked else ():
        if isinstance(act, Press):
            phone.press(act.keys)
            checked = True
"""


@contextmanager
def tone_phone(info: LabInfo, agent: str, directory: Path) -> Iterator[None]:
    """A phone that passes the line check and sends a tone without end."""
    write_wav(directory / "tone.wav", tone(AGENT_HZ, 10.0))
    account = {"agent_id": agent, "password": info.password(agent), "host": info.sip_host, "port": info.sip_port}
    with subprocess.Popen([sys.executable, "-c", PHONE], stdin=subprocess.PIPE, text=True) as phone:
        assert phone.stdin
        phone.stdin.write(json.dumps({"account": account, "tone": str(directory / "tone.wav")}) + "\n")
        phone.stdin.flush()
        try:
            yield
        finally:
            phone.kill()


@dataclass
class Line:
    """The lab with the agent at the phone; everything is asked of the PBX as the floor would."""

    harness: AsteriskHarness
    info: LabInfo

    def side(self, call_id: str, side: str) -> Path:
        return self.info.spool / f"{call_id}-{side}.wav"

    def whole(self, call_id: str) -> tuple[Path, Path]:
        """The two files of a call that has ended, once the PBX has closed them."""
        sides = self.side(call_id, "agent"), self.side(call_id, "customer")
        wait_until(lambda: all(length(path) > 0 for path in sides), "the PBX closes its files", 20)
        return sides

    def told(self, kind: type[E], call_id: str, times: int = 1) -> E:
        """Waits until this was told so often of the call, in whatever order with other things; the last of them."""
        while True:
            found = [one for one in self.harness.events if isinstance(one, kind) and getattr(one, "call_id", "") == call_id]
            if len(found) >= times:
                return found[-1]
            self.harness.next_event()

    def pass_time(self, seconds: float) -> datetime:
        """Lets the call go on for a while: what is recorded meanwhile is what the test is about. Returns when that was."""
        start = self.harness.clock.now()
        wait_until(lambda: self.harness.clock.now() - start >= timedelta(seconds=seconds), "time goes by", seconds + 20)
        return start


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    tree: Tree = ensure_tree(lambda _: None)
    directory = tmp_path_factory.mktemp("capture")
    lab = Lab(directory / "lab")
    try:
        with pytest.MonkeyPatch.context() as carrier_plays:
            usual = carrier._audio
            carrier_plays.setattr(carrier, "_audio", lambda tree: usual(tree) | {"talking": tone(CUSTOMER_HZ, 30.0)})
            info = lab.up(agents=("101",))
        harness = AsteriskHarness(info, tree, directory, {})
        try:
            wait_for(harness, PbxUp)
            with tone_phone(info, "101", directory):
                wait_for(harness, AgentLegProven, agent_id="101")
                yield Line(harness, info)
        finally:
            harness.close()
    finally:
        lab.down()


def sox(path: Path, *effects: str) -> dict[str, float]:
    """What `sox … stat` says of a file after these effects."""
    done = subprocess.run(["sox", str(path), "-n", *effects, "stat"], capture_output=True, text=True, check=True)
    pairs = (one.rsplit(":", 1) for one in done.stderr.splitlines() if ":" in one)
    return {" ".join(name.split()): float(value) for name, value in pairs if value.strip()}


def length(path: Path) -> float:
    """Seconds, by the header; 0 while the PBX has not closed the file."""
    done = subprocess.run(["soxi", "-D", str(path)], capture_output=True, text=True, check=False)
    return float(done.stdout or 0) if done.returncode == 0 else 0.0


def loudness(path: Path, hertz: int, start: float, seconds: float) -> float:
    """RMS of a stretch within 40 Hz of a tone."""
    return sox(path, "trim", f"{start:.3f}", f"{seconds:.3f}", "bandpass", str(hertz), "40h")["RMS amplitude"]


def is_silence(path: Path, start: float, seconds: float) -> bool:
    """Every sample is zero."""
    said = sox(path, "trim", f"{start:.3f}", f"{seconds:.3f}")
    return said["Maximum amplitude"] == said["Minimum amplitude"] == 0.0


def after_answer(line: Line, call_id: str, kind: type) -> float:
    """Seconds from the answer to the first event of a kind."""
    found = {type(one): one.at for one in reversed(line.harness.events) if getattr(one, "call_id", None) == call_id}
    return (found[kind] - found[Answered]).total_seconds()


def record_of(line: Line, call_id: str, plan: CapturePlan) -> capturing.Capture:
    capture = Capture(plan)
    for event in line.harness.events:
        if not isinstance(event, AgentEvent | PbxEvent) and event.call_id == call_id:
            capture, _ = capturing.after(capture, event)
    return capture


def test_a_paused_stretch_is_exact_silence_on_both_sides_and_the_time_goes_on(line: Line) -> None:
    dial = order(line.harness, Behaviour.TALKS)
    line.harness.telephony.originate(dial)
    wait_for(line.harness, Answered, dial.call_id)
    line.harness.telephony.connect(dial.call_id, "101")
    wait_for(line.harness, Bridged, dial.call_id)
    line.pass_time(1.5)
    line.harness.telephony.pause(dial.call_id)
    wait_for(line.harness, CapturePaused, dial.call_id)
    line.pass_time(2.0)
    line.harness.telephony.resume(dial.call_id)
    wait_for(line.harness, CaptureResumed, dial.call_id)
    line.pass_time(1.5)
    line.harness.telephony.hang_up(dial.call_id)
    wait_for(line.harness, HungUp, dial.call_id)
    bridged, paused, resumed, ended = (
        after_answer(line, dial.call_id, kind) for kind in (Bridged, CapturePaused, CaptureResumed, HungUp)
    )
    agent, customer = line.whole(dial.call_id)
    for path, hertz in ((agent, AGENT_HZ), (customer, CUSTOMER_HZ)):
        assert abs(length(path) - ended) < 0.1
        assert is_silence(path, paused + 0.1, resumed - paused - 0.2)
        assert loudness(path, hertz, bridged + 0.3, 1.0) > HEARD
        assert loudness(path, hertz, resumed + 0.1, 1.0) > HEARD
    for path, own, other in ((agent, AGENT_HZ, CUSTOMER_HZ), (customer, CUSTOMER_HZ, AGENT_HZ)):
        assert loudness(path, other, resumed + 0.1, 1.0) < loudness(path, own, resumed + 0.1, 1.0) / 20
    capture = record_of(line, dial.call_id, CapturePlan())
    (pause,) = capture.pauses
    assert pause.until is not None
    record = replace(a_record(answered_at=capture.since, ended_at=pause.until), pauses=capture.pauses)
    assert record.paused_ms == ((round(paused * 1000), round(resumed * 1000)),)


@pytest.mark.parametrize("how", [DisclosedBy.PROMPT_BEFORE, DisclosedBy.PRESS_TO_CONSENT])
def test_nothing_of_the_customer_is_recorded_before_the_consent_and_the_prompt_is(line: Line, how: DisclosedBy) -> None:
    behaviour = Behaviour.TALKS if how is DisclosedBy.PROMPT_BEFORE else Behaviour.PRESSES_1
    dial = order(line.harness, behaviour, disclosed_by=how, recorded_from=RecordedFrom.CONSENT)
    line.harness.telephony.originate(dial)
    wait_for(line.harness, Answered, dial.call_id)
    line.harness.telephony.connect(dial.call_id, "101")
    wait_for(line.harness, Bridged, dial.call_id)
    line.pass_time(1.5)
    line.harness.telephony.hang_up(dial.call_id)
    wait_for(line.harness, HungUp, dial.call_id)
    started, over = (after_answer(line, dial.call_id, kind) for kind in (AnnouncementStarted, AnnouncementEnded))
    bridged, ended = (after_answer(line, dial.call_id, kind) for kind in (Bridged, HungUp))
    agent, customer = line.whole(dial.call_id)
    assert is_silence(customer, 0.0, bridged - 0.1)
    assert not is_silence(customer, bridged + 0.2, 1.0)
    assert sox(agent, "trim", f"{started:.3f}", f"{over - started:.3f}")["RMS amplitude"] > 0.02
    assert loudness(agent, AGENT_HZ, bridged + 0.2, 1.0) > HEARD
    assert all(abs(length(path) - ended) < 0.1 for path in (agent, customer))


def test_a_prompt_as_the_agent_joins_is_heard_by_both_and_is_in_the_recording(line: Line) -> None:
    dial = order(line.harness, Behaviour.TALKS, disclosed_by=DisclosedBy.PROMPT_JOINING)
    line.harness.telephony.originate(dial)
    wait_for(line.harness, Answered, dial.call_id)
    line.harness.telephony.connect(dial.call_id, "101")
    wait_for(line.harness, AnnouncementEnded, dial.call_id)
    line.pass_time(1.0)
    line.harness.telephony.hang_up(dial.call_id)
    wait_for(line.harness, HungUp, dial.call_id)
    bridged, started, over = (
        after_answer(line, dial.call_id, kind) for kind in (Bridged, AnnouncementStarted, AnnouncementEnded)
    )
    agent, _ = line.whole(dial.call_id)
    assert bridged < 0.5
    assert abs(over - started - length(line.info.prompts / f"{dial.disclosure}.wav")) < 0.2
    # The prompt is the one voice on the agent's line: what is left without the tone of the agent's phone.
    without_tone = ("bandreject", str(AGENT_HZ), "200h")
    voice = sox(agent, "trim", f"{started:.3f}", f"{over - started:.3f}", *without_tone)["RMS amplitude"]
    after = sox(agent, "trim", f"{over + 0.2:.3f}", "0.700", *without_tone)["RMS amplitude"]
    assert voice > 3 * after


def test_a_recording_that_waits_begins_with_the_order_and_has_both_sides(line: Line) -> None:
    dial = order(line.harness, Behaviour.TALKS, recorded_from=RecordedFrom.ORDER)
    line.harness.telephony.originate(dial)
    wait_for(line.harness, Answered, dial.call_id)
    line.harness.telephony.connect(dial.call_id, "101")
    wait_for(line.harness, Bridged, dial.call_id)
    assert not line.side(dial.call_id, "agent").exists()
    line.harness.telephony.record(dial.call_id, "101")
    line.told(CaptureStarted, dial.call_id)
    line.told(Bridged, dial.call_id, times=2)
    line.pass_time(1.5)
    line.harness.telephony.hang_up(dial.call_id)
    wait_for(line.harness, HungUp, dial.call_id)
    agent, customer = line.whole(dial.call_id)
    lasted = after_answer(line, dial.call_id, HungUp) - after_answer(line, dial.call_id, CaptureStarted)
    for path, hertz in ((agent, AGENT_HZ), (customer, CUSTOMER_HZ)):
        assert abs(length(path) - lasted) < 0.1
        assert loudness(path, hertz, 0.3, 1.0) > HEARD


def test_who_does_not_consent_is_recorded_no_further(line: Line) -> None:
    dial = order(
        line.harness,
        Behaviour.TALKS,
        disclosed_by=DisclosedBy.PRESS_TO_CONSENT,
        recorded_from=RecordedFrom.CONSENT,
        ends_unconsented=False,
    )
    line.harness.telephony.originate(dial)
    wait_for(line.harness, Answered, dial.call_id)
    line.harness.telephony.connect(dial.call_id, "101")
    assert not line.told(ConsentAsked, dial.call_id).given
    line.told(Bridged, dial.call_id)
    line.pass_time(1.0)
    line.harness.telephony.hang_up(dial.call_id)
    wait_for(line.harness, HungUp, dial.call_id)
    _, customer = line.whole(dial.call_id)
    asked = after_answer(line, dial.call_id, ConsentAsked)
    assert abs(length(customer) - asked) < 0.1
    assert is_silence(customer, 0.0, length(customer))
    plan = CapturePlan(disclosed_by=DisclosedBy.PRESS_TO_CONSENT, recorded_from=RecordedFrom.CONSENT)
    capture = record_of(line, dial.call_id, plan)
    call = ordered(dial.call_id, line.harness.clock.now(), DisclosedBy.PRESS_TO_CONSENT)
    for event in line.harness.events:
        if not isinstance(event, AgentEvent | PbxEvent) and event.call_id == dial.call_id:
            call = apply(call, event)
    assert call.state is CallState.ENDED
    record = call_record(replace(a_floor_call(), call=call, capture=capture))
    assert record is not None
    assert "consent" in record.unrecorded
    assert record.over_at - (record.answered_at or record.ended_at) == timedelta(seconds=asked)
