"""Is the prompt in the audio, and before the agent? A matrix of what lines and PBXs do to sound, over several voices."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from recorder.disclosure import Found, Verdict, find, template, verdict
from sip.port import DisclosedBy
from tests.recorder_audio import RATE, Samples, joined, mu_law, noisy, silence, speech, tone

SEEDS = range(12)
SECONDS = 3.5
LEAD = 0.37  # of silence before the prompt


def chopped(samples: Samples, size: int = 4 * RATE) -> Iterable[Samples]:
    return (samples[at : at + size] for at in range(0, len(samples), size))


def a_line(seed: int, played: Samples) -> Samples:
    """What the customer hears: a moment, what was played, the agent."""
    return joined(silence(LEAD), played, silence(0.4), speech(500 + seed, 4.0), silence(1))


def lossy(prompt: Samples, seed: int) -> Samples:
    """One packet in twenty replaced by silence."""
    random = np.random.default_rng(seed)
    heard = prompt.copy()
    for at in range(0, len(heard), 160):
        if random.random() < 0.05:
            heard[at : at + 160] = 0
    return heard


def slipped(prompt: Samples) -> Samples:
    """One packet in the middle is gone: the rest comes 20 ms early."""
    middle = len(prompt) // 320 * 160
    return joined(prompt[:middle], prompt[middle + 160 :])


def quiet(prompt: Samples) -> Samples:
    return (prompt * 0.05).astype(np.int16)


def clipped(prompt: Samples) -> Samples:
    return np.clip(prompt.astype(np.int32) * 8, -32768, 32767).astype(np.int16)


KEPT: dict[str, Callable[[Samples, int], Samples]] = {
    "as it is": lambda prompt, seed: a_line(seed, prompt),
    "mu-law": lambda prompt, seed: mu_law(a_line(seed, prompt)),
    "mu-law twice and 26 dB softer": lambda prompt, seed: mu_law(mu_law(a_line(seed, quiet(prompt)))),
    "clipped": lambda prompt, seed: mu_law(a_line(seed, clipped(prompt))),
    "5 % packets lost": lambda prompt, seed: mu_law(a_line(seed, lossy(prompt, seed))),
    "a packet skipped": lambda prompt, seed: mu_law(a_line(seed, slipped(prompt))),
    "noise at 20 dB": lambda prompt, seed: mu_law(noisy(a_line(seed, prompt), 20, seed)),
    "noise at 10 dB": lambda prompt, seed: mu_law(noisy(a_line(seed, prompt), 10, seed)),
    "noise at 5 dB": lambda prompt, seed: mu_law(noisy(a_line(seed, prompt), 5, seed)),
    "a packet skipped, noise at 10 dB": lambda prompt, seed: mu_law(noisy(a_line(seed, slipped(prompt)), 10, seed)),
    "mains hum and an offset": lambda prompt, seed: a_line(seed, prompt) + np.int16(900) + tone(50, 8 + LEAD + 0.9, 1500),
}

SPOILT: dict[str, Callable[[Samples, int], Samples]] = {
    "no prompt": lambda prompt, seed: mu_law(a_line(seed, silence(0.1))),
    "another prompt": lambda prompt, seed: mu_law(a_line(seed, speech(900 + seed, SECONDS))),
    "another prompt in noise": lambda prompt, seed: mu_law(noisy(a_line(seed, speech(900 + seed, SECONDS)), 5, seed)),
    "silence": lambda prompt, seed: silence(8),
    "noise only": lambda prompt, seed: noisy(tone(300, 8, 3), -40, seed),
    "a tone": lambda prompt, seed: mu_law(tone(150 + 10 * seed, 8)),
    "the prompt backward": lambda prompt, seed: mu_law(a_line(seed, prompt[::-1])),
    "the first 60 % of it": lambda prompt, seed: mu_law(a_line(seed, prompt[: len(prompt) * 6 // 10])),
    "all but its last half second": lambda prompt, seed: mu_law(a_line(seed, prompt[: -RATE // 2])),
    "without its first half second": lambda prompt, seed: mu_law(a_line(seed, prompt[RATE // 2 :])),
    "cut off by the hang-up": lambda prompt, seed: mu_law(joined(silence(LEAD), prompt[: len(prompt) * 7 // 10])),
    "a hole of a second": lambda prompt, seed: mu_law(a_line(seed, joined(prompt[:RATE], silence(1), prompt[2 * RATE :]))),
}


def sought(seed: int, line: Callable[[Samples, int], Samples]) -> Found | None:
    prompt = speech(seed, SECONDS)
    return find(chopped(line(prompt, seed)), template(prompt))


@pytest.mark.parametrize("name", KEPT)
def test_a_prompt_that_was_played_is_never_missed(name: str) -> None:
    missed = []
    for seed in SEEDS:
        found = sought(seed, KEPT[name])
        if verdict(found, found.start_ms if found else None, agent_joined=True) is not Verdict.PROVEN:
            missed.append((seed, found))
    assert missed == []


@pytest.mark.parametrize("name", KEPT)
def test_the_prompt_is_found_where_it_was_played(name: str) -> None:
    for seed in SEEDS:
        found = sought(seed, KEPT[name])
        assert found is not None
        assert abs(found.start_ms - 1000 * LEAD) <= 25  # a packet, when one was skipped
        assert abs(found.end_ms - 1000 * (LEAD + SECONDS)) <= 25


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_not_the_whole_prompt_is_never_taken_for_it(name: str) -> None:
    taken = []
    for seed in SEEDS:
        found = sought(seed, SPOILT[name])
        if verdict(found, None, agent_joined=True) not in (Verdict.ABSENT, Verdict.INCOMPLETE):
            taken.append((seed, found))
    assert taken == []


def test_a_part_of_the_prompt_is_told_from_none_of_it() -> None:
    part = sought(1, SPOILT["the first 60 % of it"])
    none = sought(1, SPOILT["another prompt"])
    assert verdict(part, None, agent_joined=True) is Verdict.INCOMPLETE
    assert verdict(none, None, agent_joined=True) is Verdict.ABSENT


def test_of_two_playings_the_first_is_found() -> None:
    prompt = speech(3, SECONDS)
    played = mu_law(joined(silence(1), prompt, silence(2), prompt, silence(1)))
    found = find(chopped(played), template(prompt))
    assert found is not None
    assert found.start_ms == 1000


@pytest.mark.parametrize("start", [0.0, 14.0, 16.2, 16.384, 31.0, 32.768, 59.7])
def test_a_prompt_is_found_across_the_edges_of_the_windows(start: float) -> None:
    prompt = speech(4, SECONDS)
    found = find(chopped(joined(silence(start), prompt, silence(20)), size=7001), template(prompt))
    assert found is not None
    assert found.complete
    assert found.start_ms == int(start * 1000)


def test_the_search_ends_when_the_prompt_is_found() -> None:
    prompt = speech(5, SECONDS)
    read = 0

    def stream() -> Iterable[Samples]:
        nonlocal read
        for block in chopped(joined(prompt, silence(200))):
            read += len(block)
            yield block

    assert find(stream(), template(prompt)) is not None
    assert read < 30 * RATE


@pytest.mark.parametrize("line", [silence(0), silence(0.01), speech(6, 0.2)])
def test_a_line_too_short_for_the_prompt_does_not_hold_it(line: Samples) -> None:
    found = find(chopped(line), template(speech(6, SECONDS)))
    assert verdict(found, None, agent_joined=True) is Verdict.ABSENT


@pytest.mark.parametrize("prompt", [silence(3), silence(0), speech(8, 0.3)])
def test_a_prompt_that_proves_nothing_is_refused(prompt: Samples) -> None:
    with pytest.raises(ValueError, match="cannot be told"):
        template(prompt)


FOUND = Found(start_ms=400, end_ms=3900, score=0.9, coverage=1.0, complete=True)


@pytest.mark.parametrize(
    ("found", "first_voice_ms", "joined_agent", "expected"),
    [
        (FOUND, 400, True, Verdict.PROVEN),
        (FOUND, 340, True, Verdict.PROVEN),  # three frames early is the detector, not a word
        (FOUND, 339, True, Verdict.LATE),
        (FOUND, None, True, Verdict.PROVEN),
        (None, 0, True, Verdict.ABSENT),
        (None, None, False, Verdict.NOT_APPLICABLE),
        (FOUND, 0, False, Verdict.NOT_APPLICABLE),
    ],
)
def test_the_announcement_must_come_before_any_voice_on_the_agents_side(
    found: Found | None, first_voice_ms: int | None, joined_agent: bool, expected: Verdict
) -> None:
    assert verdict(found, first_voice_ms, agent_joined=joined_agent) is expected


@pytest.mark.parametrize(
    ("how", "start_ms", "joined_ms", "first_voice_ms", "expected"),
    [
        (DisclosedBy.PROMPT_JOINING, 12_000, 10_000, 0, Verdict.PROVEN),  # the agent may have spoken: both hear it
        (DisclosedBy.PROMPT_JOINING, 12_001, 10_000, 0, Verdict.LATE),
        (DisclosedBy.PROMPT_JOINING, 400, None, None, Verdict.PROVEN),
        (DisclosedBy.PROMPT_JOINING, 400, None, 0, Verdict.LATE),  # nobody saw the agent join: it must come first
        (DisclosedBy.PROMPT_BEFORE, 12_000, 10_000, 0, Verdict.LATE),
        (DisclosedBy.PRESS_TO_CONSENT, 12_000, 13_000, 0, Verdict.LATE),
        (DisclosedBy.NONE, 12_000, 10_000, 0, Verdict.NOT_APPLICABLE),
    ],
)
def test_a_prompt_as_the_agent_joins_has_two_seconds_and_the_others_come_first(
    how: DisclosedBy, start_ms: int, joined_ms: int | None, first_voice_ms: int | None, expected: Verdict
) -> None:
    found = replace(FOUND, start_ms=start_ms, end_ms=start_ms + 3500)
    assert verdict(found, first_voice_ms, agent_joined=True, disclosed_by=how, joined_ms=joined_ms) is expected


@pytest.mark.parametrize("how", [DisclosedBy.SPOKEN, DisclosedBy.PRESS_TO_CONSENT])
def test_what_the_audio_cannot_hold_is_somebodys_word_or_absent(how: DisclosedBy) -> None:
    assert verdict(None, None, agent_joined=True, disclosed_by=how, attested=True) is Verdict.ATTESTED
    assert verdict(None, None, agent_joined=True, disclosed_by=how) is Verdict.ABSENT


def test_half_a_prompt_is_incomplete_whoever_says_it_was_played() -> None:
    half = replace(FOUND, coverage=0.5, complete=False)
    assert verdict(half, None, agent_joined=True, attested=True) is Verdict.INCOMPLETE


def test_an_agent_who_talks_over_the_prompt_does_not_hide_it() -> None:
    prompt, talk = speech(3, SECONDS), speech(600, SECONDS)
    both = (prompt.astype(np.int32) + talk).clip(-32768, 32767).astype(np.int16)
    found = find(chopped(mu_law(joined(speech(601, 5), both, speech(602, 3)))), template(prompt))
    assert found is not None
    assert found.complete
    assert abs(found.start_ms - 5000) <= 25
