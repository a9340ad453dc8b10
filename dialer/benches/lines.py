"""What do lines, PBXs and people do to a disclosure prompt, and what passes for it that is not?

Each line takes what was played, a voice of somebody else and a chance, and gives what the customer heard. `KEPT` are lines
over which the prompt is heard whole: not to find it is a false reject. `SPOILT` are such that it is not, or not all of it:
to find it is a false accept. A fault that lies between the two (a hole of one syllable) is in neither.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.int16]
Random = np.random.Generator

RATE = 8000
PACKET = 160  # samples: 20 ms
_HISS = 30.0  # rms of 32768, -61 dBFS


@dataclass(frozen=True, slots=True)
class Played:
    """One trial: the prompt, another prompt by the same voice, and what an agent and somebody else say."""

    prompt: Samples
    other: Samples
    agent: Samples
    second: Samples


Line = Callable[[Played, Random], Samples]


def silence(seconds: float) -> Samples:
    """Digital silence."""
    return np.zeros(int(seconds * RATE), dtype=np.int16)


def clip(signal: npt.NDArray[np.float64]) -> Samples:
    """Back to 16 bits."""
    samples: Samples = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
    return samples


def g711(samples: Samples, law: str) -> Samples:
    """After a trip through mu-law or A-law."""
    coded = io.BytesIO()
    soundfile.write(coded, samples, RATE, format="RAW", subtype=law)
    coded.seek(0)
    decoded, _ = soundfile.read(coded, samplerate=RATE, channels=1, format="RAW", subtype=law, dtype="int16")
    back: Samples = decoded
    return back


def noisy(samples: Samples, snr_db: float, random: Random) -> Samples:
    """With white noise so far below the sound; silence does not count as sound."""
    sound = samples.astype(np.float64)
    power = np.mean(sound[sound != 0] ** 2) / 10 ** (snr_db / 10)
    return clip(sound + random.normal(0, np.sqrt(power), len(sound)))


def gained(samples: Samples, decibels: float) -> Samples:
    """Louder or softer."""
    return clip(samples.astype(np.float64) * 10 ** (decibels / 20))


def over(samples: Samples, talk: Samples, decibels: float, start: int = 0) -> Samples:
    """With somebody talking over it, so much softer (or, negative, louder) than it, from `start`."""
    sound = samples.astype(np.float64)
    level = np.sqrt(np.mean(sound[sound != 0] ** 2) / np.mean(talk.astype(np.float64)[talk != 0] ** 2)) / 10 ** (decibels / 20)
    reach = min(len(talk), len(sound) - start)
    sound[start : start + reach] += talk[:reach] * level
    return clip(sound)


def lossy(samples: Samples, share: float, random: Random, *, concealed: bool = False) -> Samples:
    """With packets lost at random: replaced by silence, or concealed by the one before, softer each time."""
    heard = samples.copy()
    for at in range(PACKET, len(heard) - PACKET, PACKET):
        if random.random() < share:
            heard[at : at + PACKET] = heard[at - PACKET : at] * 0.7 if concealed else 0
    return heard


def jittered(samples: Samples, times: int, random: Random) -> Samples:
    """A jitter buffer that now and then leaves a packet out or plays one twice: what follows is 20 ms off, at most one packet."""
    pieces, at, late = [], 0, 0
    cuts = sorted(random.choice(np.arange(1, len(samples) // PACKET), size=times, replace=False) * PACKET)
    for cut in cuts:
        pieces.append(samples[at:cut])
        if late <= 0 and random.random() < 0.5:
            pieces.append(samples[cut - PACKET : cut])  # played twice
            at, late = cut, late + 1
        else:
            at, late = cut + PACKET if late > -1 else cut, max(-1, late - 1)
    return np.concatenate([*pieces, samples[at:]])


def _line(played: Samples, agent: Samples, random: Random) -> Samples:
    """A moment, what was played, a moment, the agent: on a line that hisses."""
    parts = (silence(random.uniform(0.1, 1.5)), played, silence(random.uniform(0.2, 0.8)), agent, silence(0.5))
    sound = np.concatenate(parts)
    return clip(sound + random.normal(0, _HISS, len(sound)))


def _before(change: Callable[[Samples, Random], Samples], law: str = "ULAW") -> Line:
    """A prompt before the agent, changed, then the trip to the customer."""
    return lambda trial, random: g711(_line(change(trial.prompt, random), trial.agent, random), law)


def _whole(change: Callable[[Samples, Random], Samples]) -> Line:
    """A prompt before the agent, on a line that is changed as a whole."""
    return lambda trial, random: g711(change(_line(trial.prompt, trial.agent, random), random), "ULAW")


def _joining(decibels: float, share: float) -> Line:
    """A prompt in the middle of the call, as the agent joins, who talks over a share of it."""

    def heard(trial: Played, random: Random) -> Samples:
        talk = trial.agent[: int(share * len(trial.prompt))]
        spoken_over = over(trial.prompt, talk, decibels, int(random.uniform(0, 1 - share) * len(trial.prompt)))
        return g711(np.concatenate((trial.second, silence(0.2), _line(spoken_over, trial.agent, random))), "ULAW")

    return heard


def _instead(change: Callable[[Played, Random], Samples]) -> Line:
    """Something that is not the whole prompt, where the prompt should be."""
    return lambda trial, random: g711(_line(change(trial, random), trial.agent, random), "ULAW")


def _holed(prompt: Samples, seconds: float) -> Samples:
    """With its middle silent."""
    middle, half = len(prompt) // 2, int(seconds * RATE / 2)
    heard = prompt.copy()
    heard[middle - half : middle + half] = 0
    return heard


KEPT: dict[str, Line] = {
    "mu-law": _before(lambda prompt, _random: prompt),
    "A-law": _before(lambda prompt, _random: prompt, "ALAW"),
    "mu-law twice, 26 dB softer": _before(lambda prompt, _random: g711(gained(prompt, -26), "ULAW")),
    "6 dB louder, clipped": _before(lambda prompt, _random: gained(prompt, 12)),
    "1 % of packets lost": _before(lambda prompt, random: lossy(prompt, 0.01, random)),
    "5 % of packets lost": _before(lambda prompt, random: lossy(prompt, 0.05, random)),
    "5 % of packets concealed": _before(lambda prompt, random: lossy(prompt, 0.05, random, concealed=True)),
    "jitter: a packet skipped or doubled": _before(lambda prompt, random: jittered(prompt, 1, random)),
    "jitter: two such, 1 % lost": _before(lambda prompt, random: lossy(jittered(prompt, 2, random), 0.01, random)),
    "white noise at 20 dB": _whole(lambda line, random: noisy(line, 20, random)),
    "white noise at 10 dB": _whole(lambda line, random: noisy(line, 10, random)),
    "white noise at 5 dB": _whole(lambda line, random: noisy(line, 5, random)),
    "5 % lost, noise at 10 dB": _before(lambda prompt, random: noisy(lossy(prompt, 0.05, random), 10, random)),
    "as the agent joins, nobody talks": _joining(0, 0.05),
    "as the agent joins, over half of it, 6 dB softer": _joining(6, 0.5),
    "as the agent joins, over half of it, as loud": _joining(0, 0.5),
    "as the agent joins, over all of it, 6 dB softer": _joining(6, 1.0),
    "as the agent joins, over all of it, as loud": _joining(0, 1.0),
}

SPOILT: dict[str, Line] = {
    "no prompt": _instead(lambda _trial, _random: silence(0.1)),
    "noise": _instead(lambda trial, random: clip(random.normal(0, 2000, len(trial.prompt)))),
    "another prompt, the same voice": _instead(lambda trial, _random: trial.other),
    "the same in noise at 5 dB": _instead(lambda trial, random: noisy(trial.other, 5, random)),
    "somebody talks": _instead(lambda trial, _random: trial.second),
    "the prompt backward": _instead(lambda trial, _random: trial.prompt[::-1]),
    "its first 60 %": _instead(lambda trial, _random: trial.prompt[: len(trial.prompt) * 6 // 10]),
    "its last 60 %": _instead(lambda trial, _random: trial.prompt[len(trial.prompt) * 4 // 10 :]),
    "without its first 0.6 s": _instead(lambda trial, _random: trial.prompt[RATE * 6 // 10 :]),
    "without its last 0.6 s": _instead(lambda trial, _random: trial.prompt[: -RATE * 6 // 10]),
    "a hole of 1 s": _instead(lambda trial, _random: _holed(trial.prompt, 1.0)),
    "half of it silent": _instead(lambda trial, _random: _holed(trial.prompt, len(trial.prompt) / RATE / 2)),
    "twice as fast": _instead(lambda trial, _random: trial.prompt[::2]),
    "cut off by the hang-up": lambda trial, _random: g711(
        np.concatenate((silence(0.4), trial.prompt[: len(trial.prompt) * 7 // 10])), "ULAW"
    ),
    "another prompt, an agent talks over it": _instead(lambda trial, _random: over(trial.other, trial.agent, 0)),
}
