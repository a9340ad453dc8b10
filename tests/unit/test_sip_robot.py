"""What the scripted agent does by ear: levels and times in, sayings and keys out."""

import random

from sip.robot import Act, Ear, Press, Say

STEP_S = 0.02
SILENCE, HISS, LOUD = 0, 20, 90


class Line:
    """A line with a robot on it; `hears` plays a level for a while and collects what the robot does."""

    def __init__(self) -> None:
        self.ear = Ear(random.Random(1), (3.0, 3.0))
        self.at = 0.0

    def hears(self, level: int, seconds: float) -> list[Act]:
        done: list[Act] = []
        for _ in range(round(seconds / STEP_S)):
            self.at += STEP_S
            done.extend(self.ear.hear(level, self.at))
        return done

    def beeps(self, count: int) -> list[Act]:
        done: list[Act] = []
        for _ in range(count):
            done += self.hears(LOUD, 0.16) + self.hears(SILENCE, 0.34)
        return done + self.hears(SILENCE, 1.8)


def checked() -> Line:
    """A line whose check was passed a while ago."""
    line = Line()
    line.hears(SILENCE, 0.5)
    line.beeps(2)
    line.hears(SILENCE, 5)
    return line


def keys(acts: list[Act]) -> str:
    return "".join(act.keys for act in acts if isinstance(act, Press))


def test_the_line_check_is_answered_with_the_number_of_beeps_and_a_sound() -> None:
    for count in (1, 2, 3, 4):
        line = Line()
        line.hears(SILENCE, 0.5)
        done = line.beeps(count)
        assert keys(done) == str(count)
        assert Say("check") in done


def test_a_line_check_that_was_not_passed_is_answered_again() -> None:
    line = Line()
    line.hears(SILENCE, 0.5)
    line.beeps(2)
    assert keys(line.beeps(3)) == "3"


def test_a_customer_is_greeted_talked_to_and_hung_up_and_the_call_is_judged() -> None:
    line = checked()
    talk = line.hears(HISS, 3.5)
    assert Say("greeting") in talk
    assert keys(talk) == "*"
    after = keys(line.hears(SILENCE, 3))
    assert len(after) == 2
    assert after[0] in "12349"
    assert after[1] == "#"


def test_a_customer_who_leaves_first_is_judged_as_well() -> None:
    line = checked()
    assert keys(line.hears(HISS, 2)) == ""
    assert keys(line.hears(SILENCE, 3)).endswith("#")


def test_a_machine_that_is_loud_at_once_is_a_customer_and_no_line_check() -> None:
    line = checked()
    talk = line.hears(LOUD, 2)
    assert Say("greeting") in talk
    assert keys(line.hears(SILENCE, 3)).endswith("#")


def test_a_line_that_was_lost_is_checked_again() -> None:
    line = checked()
    line.ear.reset()
    line.hears(SILENCE, 0.5)
    assert keys(line.beeps(3)) == "3"
