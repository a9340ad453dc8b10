"""An agent for the lab and the demo that does by ear what a person would do: `python -m sip.robot`, one a process.

It passes the line check by counting beeps, greets whoever comes on the line, talks and listens in turn, hangs up with
`*`, presses a disposition and `#`. It knows nothing but what it hears: if the PBX or the floor fails to give it audio,
it fails as a person would. Its settings, the password among them, come as one JSON line on stdin; it ends when stdin
is closed, so also when its owner dies.
"""

import json
import os
import random
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum, auto
from pathlib import Path

from config.clock import SystemClock
from sip import voices
from sip.softphone import PhoneAccount, Softphone
from sip.unpack import Tree

#: Levels as Softphone.level gives them. Nobody in the room is digital silence; a person's line always hisses.
_SILENT = 0
_LOUD = 15
_BEEP_FROM_SILENCE_S = 0.06  # a beep is loud at once, a person's line hisses before the person speaks
_BEEPS_OVER_S = 0.9  # longer than the pause between two beeps
_CHECKED_AGAIN_S = 4.0  # a line check that was not passed beeps again within this
_SOMEBODY_S = 0.25
_NOBODY_S = 0.8

#: What an agent presses after a call, and how often of a hundred.
DISPOSITIONS = {"1": 25, "2": 20, "3": 45, "4": 8, "9": 2}


@dataclass(frozen=True, slots=True)
class Say:
    """Say this line (a name in voices.AGENT_LINES)."""

    line: str


@dataclass(frozen=True, slots=True)
class Press:
    """Press these keys."""

    keys: str


Act = Say | Press


class _Mood(Enum):
    ALONE = auto()
    BEEPS = auto()
    WITH_CUSTOMER = auto()
    WRAP_UP = auto()


class Ear:
    """From levels heard to things done: the script of the robot, without telephone or clock.

    Call `hear` with the level and the time in seconds every few hundredths of a second.
    """

    def __init__(self, rng: random.Random, talk_s: tuple[float, float]) -> None:
        self._rng = rng
        self._talk_s = talk_s
        self.reset()

    def reset(self) -> None:
        """The line is gone: whatever was going on is over."""
        self._mood = _Mood.ALONE
        self._beeps = 0
        self._pressed_at: float | None = None  # when the number of beeps was last pressed
        self._was_loud = False
        self._sound_since: float | None = None
        self._silent_since: float | None = None
        self._plan: list[tuple[float, Act]] = []

    def hear(self, level: int, at: float) -> Iterator[Act]:
        """What to do now, having heard `level` at time `at`."""
        self._measure(level, at)
        match self._mood:
            case _Mood.ALONE:
                self._alone(level, at)
            case _Mood.BEEPS:
                self._count(level, at)
            case _Mood.WITH_CUSTOMER:
                if self._silent_for(at) > _NOBODY_S:
                    self._customer_left(at)
            case _Mood.WRAP_UP:
                if not self._plan:
                    self._mood = _Mood.ALONE
        while self._plan and self._plan[0][0] <= at:
            yield self._plan.pop(0)[1]

    def _measure(self, level: int, at: float) -> None:
        if level > _SILENT:
            self._sound_since = at if self._sound_since is None else self._sound_since
            self._silent_since = None
        else:
            self._silent_since = at if self._silent_since is None else self._silent_since
            self._sound_since = None

    def _silent_for(self, at: float) -> float:
        return 0.0 if self._silent_since is None else at - self._silent_since

    def _alone(self, level: int, at: float) -> None:
        if self._sound_since is None:
            return
        sounding = at - self._sound_since
        if level >= _LOUD and sounding <= _BEEP_FROM_SILENCE_S and self._in_line_check(at):
            self._mood, self._beeps, self._was_loud = _Mood.BEEPS, 1, True
        elif sounding >= _SOMEBODY_S:
            self._mood = _Mood.WITH_CUSTOMER
            self._plan = self._conversation(at)

    def _in_line_check(self, at: float) -> bool:
        """Whether beeps may come: later, what is loud at once is a customer, or a machine with a greeting."""
        return self._pressed_at is None or at - self._pressed_at < _CHECKED_AGAIN_S

    def _count(self, level: int, at: float) -> None:
        loud = level >= _LOUD
        self._beeps += loud and not self._was_loud
        self._was_loud = loud
        if self._silent_for(at) > _BEEPS_OVER_S:
            self._mood, self._pressed_at = _Mood.ALONE, at
            self._plan = [(at, Press(str(self._beeps))), (at + 0.5, Say("check"))]

    def _conversation(self, at: float) -> list[tuple[float, Act]]:
        end = at + self._rng.uniform(*self._talk_s)
        plan: list[tuple[float, Act]] = [(at + 0.2, Say("greeting"))]
        moment = at + 7.0
        while moment < end - 4.0:
            plan.append((moment, Say(self._rng.choice(("offer", "question", "closing")))))
            moment += self._rng.uniform(6.0, 9.0)
        # Pressed again should nothing come of it: whoever is still there after that is the floor's to find.
        return [*plan, *((end + again, Press("*")) for again in (0.0, 5.0, 10.0))]

    def _customer_left(self, at: float) -> None:
        (disposition,) = self._rng.choices(list(DISPOSITIONS), weights=list(DISPOSITIONS.values()))
        self._mood = _Mood.WRAP_UP
        self._plan = [(at + 0.5, Press(disposition)), (at + 1.2, Press("#"))]


class Robots:
    """Scripted agents at work, each a process of its own."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes

    def alive(self) -> bool:
        """Whether every one of them still runs."""
        return all(process.poll() is None for process in self._processes)

    def pids(self) -> list[int]:
        """Their process ids."""
        return [process.pid for process in self._processes]

    def stop(self) -> None:
        """Has them hang up and unregister, and returns when they are gone."""
        for process in self._processes:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start_robots(
    tree: Tree,
    agents: Sequence[tuple[str, str]],
    host: str,
    port: int,
    directory: Path,
    *,
    seed: int = 1,
    talk_s: tuple[float, float] = (6.0, 15.0),
) -> Robots:
    """Starts one robot for each (agent id, password), registering at `host`:`port`; returns at once.

    `directory` receives their voices and logs. They end with `stop`, or with this process however it ends.
    """
    voices.make_agent_lines(tree, directory)
    started = []
    for agent_id, password in agents:
        settings = {
            "account": asdict(PhoneAccount(agent_id, password, host, port)),
            "voices": str(directory),
            "seed": f"{seed}-{agent_id}",
            "talk_s": talk_s,
            "owner": os.getpid(),
        }
        with (directory / f"robot-{agent_id}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sip.robot"], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        assert process.stdin is not None  # noqa: S101 -- it was asked for
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
        started.append(process)
    return Robots(started)


def main() -> None:
    """Reads the settings and works until stdin is closed."""
    settings = json.loads(sys.stdin.buffer.readline())
    lines = Path(settings["voices"])
    clock = SystemClock()
    phone = Softphone(PhoneAccount(**settings["account"]), clock)
    phone.loop(lines / "room.wav")
    ear = Ear(random.Random(settings["seed"]), tuple(settings["talk_s"]))
    try:
        while os.getppid() == settings["owner"] and not select.select([sys.stdin.buffer], [], [], 0)[0]:
            phone.step()
            if not phone.on_line:
                ear.reset()
                continue
            for act in ear.hear(phone.level(), clock.monotonic()):
                _log(f"{clock.now():%H:%M:%S.%f} {act}")
                match act:
                    case Say(line):
                        phone.play(lines / f"{line}.wav")
                    case Press(keys):
                        phone.press(keys)
    finally:
        phone.close()


def _log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
