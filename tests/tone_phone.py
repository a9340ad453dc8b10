"""An agent's phone that passes the line check and then sounds at one pitch: `python -m tests.tone_phone`, one a process.

What it is comes as one JSON line on stdin; it hangs up, unregisters and ends when stdin is closed.
"""

import json
import os
import random
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from config.clock import SystemClock
from sip.lab import LabInfo
from sip.robot import Ear, Press
from sip.softphone import PhoneAccount, Softphone
from sip.voices import tone, write_wav

GOES_WITHIN_S = 10.0


class TonePhone:
    """The phone of an agent, started; it dials in by itself."""

    def __init__(self, info: LabInfo, agent: str, hertz: int, directory: Path) -> None:
        sound = directory / f"{agent}-{hertz}.wav"
        write_wav(sound, tone(hertz, 10.0))
        account = asdict(PhoneAccount(agent, info.password(agent), info.sip_host, info.sip_port))
        said = {"account": account, "tone": str(sound), "owner": os.getpid()}
        command = [sys.executable, "-m", "tests.tone_phone"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert self._process.stdin
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()

    def let_go(self) -> None:
        """Has it end its call and its registration, and does not wait for it."""
        assert self._process.stdin
        self._process.stdin.close()

    def hang_up(self) -> None:
        """Ends the call and the registration; the process is gone when this returns."""
        self.let_go()
        try:
            self._process.wait(GOES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main() -> None:
    """Is the phone until stdin is closed, or until its owner is dead."""
    said = json.loads(sys.stdin.buffer.readline())
    clock = SystemClock()
    phone = Softphone(PhoneAccount(**said["account"]), clock)
    phone.loop(Path(said["tone"]))
    ear = Ear(random.Random(1), (600.0, 601.0))
    checked = False
    try:
        while os.getppid() == said["owner"] and not select.select([sys.stdin.buffer], [], [], 0)[0]:
            phone.step()
            if not phone.on_line:
                ear.reset()
                checked = False
                continue
            for act in () if checked else ear.hear(phone.level(), clock.monotonic()):
                if isinstance(act, Press):
                    phone.press(act.keys)
                    checked = True
    finally:
        phone.close()


if __name__ == "__main__":
    main()
