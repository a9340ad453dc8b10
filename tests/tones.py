"""Which tones are on which side of a recording, and is it as long as the call? Heard with sox and ffprobe, not with ours."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CUSTOMER_HZ = 1000
AGENTS_HZ = (440, 1700)  # of the first and of the second agent: no tone is a multiple of another
PRESENT_DB = -26.0  # a tone of the lab has -11 dBFS; it is there when its level never falls below this
ABSENT_DB = -40.0  # and is not there when its mean is below this
MARGIN_S = 0.4  # left out at both ends of a stretch: a join and its event are not the same sample
WINDOW_S = 0.2  # what "never" means: a gap of 0.7 s in a tone is found
LENGTH_TOLERANCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Who is to be heard by the customer, in seconds from the answer: the pitches of the agents, and none besides."""

    name: str
    start: float
    end: float
    agents: frozenset[int]


def faults(recording: Path, stretches: Sequence[Stretch], ending: float, lasted: float) -> list[str]:
    """What of a stereo recording (agent left, customer right) is not as it was played; nothing when all is.

    The call began to end `ending` seconds after the answer and was over after `lasted`: the recording ends in between.
    """
    return [*_of_form(recording, ending, lasted), *_of_left(recording, stretches), *_of_right(recording, ending)]


def level(recording: Path, channel: int, hertz: int, start: float, end: float) -> tuple[float, float]:
    """The mean and the lowest level of a tone in a stretch of a channel (1: left), in dBFS."""
    band = ("bandpass", str(hertz), "30h")
    effects = ["remix", str(channel), *band, *band, "trim", f"{start:.3f}", f"={end:.3f}", "stats", "-w", str(WINDOW_S)]
    said = subprocess.run(["sox", str(recording), "-n", *effects], capture_output=True, text=True, check=True).stderr
    rows = {line[:10].strip(): line[10:].strip() for line in said.splitlines()}
    return float(rows["RMS lev dB"]), float(rows["RMS Tr dB"])


def probed(recording: Path) -> tuple[int, int, float]:
    """Channels, samples a second and seconds of a file, by ffprobe."""
    entries = ["-show_entries", "stream=channels,sample_rate:format=duration", "-of", "json"]
    told = json.loads(subprocess.check_output(["ffprobe", "-v", "error", *entries, str(recording)]))
    (stream,) = told["streams"]
    return stream["channels"], int(stream["sample_rate"]), float(told["format"]["duration"])


def _of_form(recording: Path, ending: float, lasted: float) -> Iterator[str]:
    channels, rate, seconds = probed(recording)
    if (channels, rate) != (2, 8000):
        yield f"{channels} channels of {rate} Hz"
    if not ending - LENGTH_TOLERANCE_S <= seconds <= lasted + LENGTH_TOLERANCE_S:
        yield f"{seconds:.2f} s long, the call was ended at {ending:.2f} s and over at {lasted:.2f} s"


def _of_left(recording: Path, stretches: Sequence[Stretch]) -> Iterator[str]:
    for one in stretches:
        for hertz in (*AGENTS_HZ, CUSTOMER_HZ):
            mean, lowest = level(recording, 1, hertz, one.start + MARGIN_S, one.end - MARGIN_S)
            if hertz in one.agents and lowest < PRESENT_DB:
                yield f"left, {one.name}: {hertz} Hz is missing ({lowest:.0f} dB)"
            if hertz not in one.agents and mean > ABSENT_DB:
                yield f"left, {one.name}: {hertz} Hz is heard ({mean:.0f} dB)"


def _of_right(recording: Path, ending: float) -> Iterator[str]:
    mean, lowest = level(recording, 2, CUSTOMER_HZ, MARGIN_S, ending - MARGIN_S)
    if lowest < PRESENT_DB:
        yield f"right: {CUSTOMER_HZ} Hz is not there throughout ({lowest:.0f} dB, in the mean {mean:.0f} dB)"
    for hertz in AGENTS_HZ:
        mean, _ = level(recording, 2, hertz, MARGIN_S, ending - MARGIN_S)
        if mean > ABSENT_DB:
            yield f"right: {hertz} Hz is heard ({mean:.0f} dB)"
