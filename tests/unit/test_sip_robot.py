"""The scripted agent does by ear what a person would do: levels and times in, words and keys out."""

import random
from collections.abc import Iterable

import pytest

from sip.robot import DISPOSITIONS, Act, Ear, Press, Say

STEP_S = 0.02
BEEP, HISS, SPEECH, NOTHING = 37, 2, 25, 0


def an_ear(talk_s: tuple[float, float] = (5.0, 5.0), seed: int = 1) -> Ear:
    return Ear(random.Random(seed), talk_s)


def beeps(count: int) -> list[tuple[int, float]]:
    """What the PBX plays: level and duration in seconds."""
    return [(NOTHING, 0.5), *[(BEEP, 0.15), (NOTHING, 0.35)] * count]


def listen(ear: Ear, sounds: Iterable[tuple[int, float]], start_s: float = 0.0) -> tuple[list[tuple[float, Act]], float]:
    """Everything done while the sounds are heard, with its time, and the time at their end."""
    done = []
    step = round(start_s / STEP_S)
    for level, duration_s in sounds:
        for _ in range(round(duration_s / STEP_S)):
            step += 1
            done += [(step * STEP_S, act) for act in ear.hear(level, step * STEP_S)]
    return done, step * STEP_S


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_number_of_beeps_is_pressed_and_then_something_is_said(count: int) -> None:
    done, _ = listen(an_ear(), [*beeps(count), (NOTHING, 3.0)])
    assert [act for _, act in done] == [Press(str(count)), Say("check")]


def test_beeps_that_come_again_are_counted_anew() -> None:
    done, _ = listen(an_ear(), [*beeps(3), (NOTHING, 2.0), *beeps(2), (NOTHING, 2.0)])
    assert [act.keys for _, act in done if isinstance(act, Press)] == ["3", "2"]


def test_a_silent_line_is_never_answered_to() -> None:
    assert listen(an_ear(), [(NOTHING, 60.0)])[0] == []


@pytest.mark.parametrize("first", [HISS, SPEECH])
def test_whoever_comes_on_a_living_line_is_greeted_and_in_the_end_hung_up(first: int) -> None:
    done, _ = listen(an_ear(), [(NOTHING, 1.0), (HISS, 0.3), (first, 10.0)])
    acts = [act for _, act in done]
    assert acts[0] == Say("greeting")
    assert Press("*") in acts
    hung_up_at = next(at for at, act in done if act == Press("*"))
    assert hung_up_at == pytest.approx(1.0 + 0.25 + 5.0, abs=0.1)


def test_pauses_of_the_customer_do_not_end_the_call() -> None:
    done, _ = listen(an_ear((30.0, 30.0)), [(NOTHING, 1.0), *[(SPEECH, 2.0), (HISS, 3.0)] * 4])
    assert [act for _, act in done if isinstance(act, Press)] == []


@pytest.mark.parametrize("seed", range(20))
def test_after_the_customer_left_a_disposition_is_pressed_once_and_then_ready(seed: int) -> None:
    ear = an_ear((60.0, 60.0), seed)
    _, at = listen(ear, [(NOTHING, 1.0), (HISS, 4.0)])
    done, _ = listen(ear, [(NOTHING, 5.0)], at)
    disposition, ready = [act for _, act in done]
    assert isinstance(disposition, Press)
    assert disposition.keys in DISPOSITIONS
    assert ready == Press("#")


def test_nothing_planned_for_one_customer_is_done_to_the_next() -> None:
    ear = an_ear((3.0, 3.0))
    _, at = listen(ear, [(NOTHING, 1.0), (HISS, 2.0), (NOTHING, 4.0)])
    done, _ = listen(ear, [(HISS, 2.5)], at)
    assert [act for _, act in done] == [Say("greeting")]


def test_a_lost_line_forgets_the_customer() -> None:
    ear = an_ear((3.0, 3.0))
    _, at = listen(ear, [(NOTHING, 1.0), (HISS, 2.0)])
    ear.reset()
    assert listen(ear, [(NOTHING, 10.0)], at)[0] == []


def test_the_same_seed_talks_and_disposes_alike() -> None:
    def course(seed: int) -> list[tuple[float, Act]]:
        return listen(an_ear((5.0, 20.0), seed), [(NOTHING, 1.0), (HISS, 25.0), (NOTHING, 5.0)])[0]

    assert course(7) == course(7)
    assert len({repr(course(seed)) for seed in range(5)}) > 1
