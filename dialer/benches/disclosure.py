"""How often is the proof of disclosure wrong: a prompt that was played and is missed, or one that was not and is found?

Prompts in English and Mandarin by several voices of espeak-ng, each over every line of `lines`, judged as on a site. What is
drawn by chance is drawn the same in every run: the figures can be checked.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dialer.benches.lines import KEPT, RATE, SPOILT, Line, Played, Samples, clip
from recorder.disclosure import Template, Verdict, find, template, verdict
from sip.unpack import Tree
from sip.voices import say as spoken_by

#: What is announced, in either language. Mandarin is in pinyin, which espeak-ng reads well. Some are alike on purpose.
PROMPTS = {
    "en": (
        "This call is recorded.",
        "This call may be recorded for quality and training purposes.",
        "Please note that this conversation is being recorded.",
        "For your protection, all calls on this line are recorded.",
        "This call will be recorded. If you do not agree, please hang up now.",
        "Your call is recorded and kept for ninety days.",
    ),
    "zh": (
        "ben3 tong1 dian4hua4 hui4 bei4 lu4yin1.",
        "nin2 hao3, ben3 ci4 tong1hua4 jiang1 bei4 lu4yin1.",
        "wei4le bao3zhang4 fu2wu4 zhi4liang4, ben3 ci4 tong1hua4 jiang1 bei4 lu4yin1.",
        "qing3 zhu4yi4, ben3 tong1 dian4hua4 zheng4zai4 lu4yin1, ru2 bu4 tong2yi4 qing3 gua4 ji1.",
    ),
}
_TALK = {
    "en": "Good day, this is Alex. Is this a good time to talk about your plan with us? We have a new offer for you this month.",
    "zh": "wei2, ni3 hao3, wo3 shi4 gong1si1 de xiao3 wang2. qing3 wen4 nin2 xian4zai4 fang1bian4 shuo1hua4 ma?",
}
_VOICES = {"en": ("en-us", "en-gb"), "zh": ("cmn-latn-pinyin",)}
_VARIANTS = ("", "+f2", "+m3", "+f4", "+m7")
_SPEEDS = (140, 165, 185)  # words a minute
_SOUND = 0.02  # of full scale: what is softer at the ends of a prompt is no part of it


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One line: how many prompts were sent over it, and how often the verdict was wrong."""

    line: str
    whole: bool  # whether the customer heard the whole prompt: then a miss is a false reject, else a find is a false accept
    trials: int
    wrong: int


@dataclass(frozen=True, slots=True)
class DisclosureFigures:
    """The matrix. The target is none wrong of a thousand and more of each."""

    prompts: int
    false_rejects: int
    of_played: int
    false_accepts: int
    of_not_played: int
    met: bool
    lines: tuple[LineFigures, ...]


def measure_disclosure(prompts: int, tree: Tree, say: Callable[[str], None]) -> DisclosureFigures:
    """So many prompts, half of them in each language, over every line. Raises LabError when espeak-ng cannot."""
    say(f"{prompts} prompts are spoken")
    trials = list(itertools.islice(_trials(tree), prompts))
    templates = [template(trial.prompt) for trial in trials]
    lines = []
    for whole, names in ((True, KEPT), (False, SPOILT)):
        for name, line in names.items():
            say(f"{'kept' if whole else 'spoilt'}: {name}")
            wrong = sum(
                _is_proven(line, trial, sought, seed) is not whole
                for seed, (trial, sought) in enumerate(zip(trials, templates, strict=True))
            )
            lines.append(LineFigures(name, whole, prompts, wrong))
    rejects, played = _sums(lines, whole=True)
    accepts, not_played = _sums(lines, whole=False)
    return DisclosureFigures(prompts, rejects, played, accepts, not_played, rejects == accepts == 0, tuple(lines))


def _is_proven(line: Line, trial: Played, sought: Template, seed: int) -> bool:
    heard = line(trial, np.random.default_rng(seed))
    found = find((heard[at : at + 10 * RATE] for at in range(0, len(heard), 10 * RATE)), sought)
    return verdict(found, None, agent_joined=True) is Verdict.PROVEN


def _sums(lines: list[LineFigures], *, whole: bool) -> tuple[int, int]:
    """How many verdicts were wrong on the lines of that kind, and how many there were."""
    those = [line for line in lines if line.whole is whole]
    return sum(line.wrong for line in those), sum(line.trials for line in those)


def _trials(tree: Tree) -> Iterator[Played]:
    """Prompts of both languages in turn, by every voice, variant and speed, in an order that mixes them."""

    def spoken(words: str, voice: str, speed: int) -> Samples:
        signal = spoken_by(tree, words, voice, speed)
        loud = np.flatnonzero(np.abs(signal) > _SOUND)
        return clip(signal[loud[0] : loud[-1] + 1] * 16_000)

    for number in itertools.count():
        language, foreign = ("en", "zh") if number % 2 == 0 else ("zh", "en")
        turn = number // 2
        voice = _VOICES[language][turn % len(_VOICES[language])] + _VARIANTS[turn % len(_VARIANTS)]
        speed, texts = _SPEEDS[turn % len(_SPEEDS)], PROMPTS[language]
        yield Played(
            prompt=spoken(texts[turn % len(texts)], voice, speed),
            other=spoken(texts[(turn + 1) % len(texts)], voice, speed),
            agent=spoken(_TALK[language], _VOICES[language][0] + ("+m1", "+f3")[turn % 2], 150),
            second=spoken(_TALK[foreign], _VOICES[foreign][0] + "+f1", 160),
        )
