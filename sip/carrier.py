"""Whom does the lab's carrier reach? Subscribers that behave by the last two digits of the number, on one SIPp.

`BEHAVIOURS` is the whole table; the SIPp scenario and the numbers are made from it. The carrier listens on a loopback
address of its own, so that the PBX can tell it from the agents' phones, and rings nobody outside this machine.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from sip import voices
from sip.sipp import Subscriber, scenario
from sip.unpack import Tree

CARRIER_HOST = "127.0.0.2"


class Behaviour(Enum):
    """What a subscriber does; the value is the last two digits of the number."""

    TALKS = "01"
    HANGS_UP_AFTER_5S = "05"
    HANGS_UP_AFTER_15S = "15"
    HANGS_UP_AFTER_40S = "40"
    SPEAKS_AFTER_3S = "03"
    HANGS_UP_AT_ONCE = "10"
    PRESSES_9 = "09"
    PRESSES_1 = "11"
    VOICEMAIL = "60"
    SENDS_NOTHING = "00"
    RINGS_OUT = "20"
    BUSY = "86"
    UNAVAILABLE = "80"
    REJECTS = "93"
    UNOBTAINABLE = "44"
    CONGESTED = "53"


BEHAVIOURS: dict[Behaviour, Subscriber] = {
    Behaviour.TALKS: Subscriber("answers, talks and listens in turn until hung up", audio="talking"),
    Behaviour.HANGS_UP_AFTER_5S: Subscriber("answers, talks, hangs up after 5 s", audio="talking", stays_s=5),
    Behaviour.HANGS_UP_AFTER_15S: Subscriber("answers, talks, hangs up after 15 s", audio="talking", stays_s=15),
    Behaviour.HANGS_UP_AFTER_40S: Subscriber("answers, talks, hangs up after 40 s", audio="talking", stays_s=40),
    Behaviour.SPEAKS_AFTER_3S: Subscriber("answers, is quiet for 3 s, then talks", audio="quiet-then-talking"),
    Behaviour.HANGS_UP_AT_ONCE: Subscriber("answers and hangs up at once", audio="room", stays_s=0.1),
    Behaviour.PRESSES_9: Subscriber(
        "answers, presses 9 after 1 s, hangs up after 60 s", audio="presses-9", stays_s=60, keys_in_band=True
    ),
    Behaviour.PRESSES_1: Subscriber(
        "answers, presses 1 after 4 s, hangs up after 60 s", audio="presses-1", stays_s=60, keys_in_band=True
    ),
    Behaviour.VOICEMAIL: Subscriber("a voicemail greeting of 8 s and a beep, hangs up after 30 s", audio="voicemail", stays_s=30),
    Behaviour.SENDS_NOTHING: Subscriber("answers and sends no audio at all", audio=None),
    Behaviour.RINGS_OUT: Subscriber("rings until the caller gives up", status=None),
    Behaviour.BUSY: Subscriber("is busy", rings_s=0, status=486, reason="Busy Here"),
    Behaviour.UNAVAILABLE: Subscriber("is switched off", rings_s=0, status=480, reason="Temporarily Unavailable"),
    Behaviour.REJECTS: Subscriber("rings once and rejects", status=603, reason="Decline"),
    Behaviour.UNOBTAINABLE: Subscriber("does not exist", rings_s=0, status=404, reason="Not Found"),
    Behaviour.CONGESTED: Subscriber(
        "cannot be reached: the network is full", rings_s=0, status=503, reason="Service Unavailable"
    ),
}

_UK_AREAS = (
    "207946",
    "161496",
    "121496",
    "113496",
    "114496",
    "116496",
    "117496",
    "118496",
    "131496",
    "141496",
    "151496",
    "191498",
)
_CN_AREAS = ("10", "21", "20", "755", "22", "28")


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers kept free for fiction, all in one time zone: a prefix, some digits, and two for the behaviour."""

    prefixes: tuple[str, ...]
    middles: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.prefixes) * len(self.middles)


#: Country -> its numbers: valid to the numbering plan and assigned to nobody. Somewhere it is always calling time.
COUNTRIES: dict[str, Range] = {
    # Exchange 555 of New York City, 555-01xx (kept for fiction) first, without 555-12xx (directory assistance).
    "US": Range(
        tuple(f"+1{area}555" for area in (212, 646, 347, 718, 917, 929)),
        tuple(f"{middle:02d}" for middle in (*range(1, 12), *range(13, 100))),
    ),
    # Ofcom's numbers for drama.
    "GB": Range(
        (
            *("+442079460", "+441134960", "+441144960", "+441164960", "+441174960", "+441214960", "+441314960"),
            *("+441414960", "+441514960", "+441614960", "+441914980", "+442890180", "+442920180"),
        ),
        tuple("0123456789"),
    ),
    # ACMA's numbers for fiction, of New South Wales.
    "AU": Range(("+6125550", "+6127010"), tuple(f"{middle:02d}" for middle in range(100))),
    # The Bundesnetzagentur's numbers for films: Berlin, Hamburg, Frankfurt, Munich, Cologne.
    "DE": Range(("+493023125", "+494066969", "+496990009", "+498999998", "+492214710"), tuple("0123456789")),
}


def number_for(behaviour: Behaviour, index: int, country: str = "US") -> str:
    """The E.164 number of subscriber `index` (from 0) with this behaviour.

    Raises ValueError for a country that is not in `COUNTRIES` or an index past its last number.
    """
    numbers = COUNTRIES.get(country)
    if numbers is None:
        raise ValueError(f"the lab's carrier has no subscribers in {country!r}, only in {', '.join(COUNTRIES)}")
    if not 0 <= index < len(numbers):
        raise ValueError(f"subscriber {index}: the lab's carrier has {len(numbers)} of each behaviour in {country}")
    prefix, middle = divmod(index, len(numbers.middles))
    return f"{numbers.prefixes[prefix]}{numbers.middles[middle]}{behaviour.value}"


def behaviour_of(number: str) -> Behaviour | None:
    """How the subscriber of this number behaves; None: no such subscriber, the carrier answers 404."""
    return next((behaviour for behaviour in Behaviour if number.endswith(behaviour.value)), None)


def write_scenario(tree: Tree, directory: Path) -> Path:
    """Writes the scenario and what it plays into `directory`; returns the scenario's path."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, samples in _audio(tree).items():
        voices.write_ulaw(directory / f"{name}.ulaw", voices.on_the_line(samples, seed=2))
    path = directory / "subscribers.xml"
    path.write_text(scenario(BEHAVIOURS, directory))
    return path


def _audio(tree: Tree) -> dict[str, voices.Samples]:
    """What subscribers are heard to say. Each is streamed in a loop."""
    talk = [
        voices.say(tree, "Hello? Yes, this is speaking.", "en-us+f3"),
        voices.silence(3.0),
        voices.say(tree, "I see. And how much would that cost in a month?", "en-us+f3"),
        voices.silence(4.0),
        voices.say(tree, "All right, that sounds good to me. Thank you.", "en-us+f3"),
        voices.silence(3.5),
    ]
    greeting = voices.say(
        tree,
        "You have reached the voicemail of the person you called. They cannot come to the telephone now. "
        "Please leave your name, your number and a message after the tone.",
        "en-us+m3",
        150,
    )
    return {
        "talking": np.concatenate([voices.silence(0.3), *talk]),
        "quiet-then-talking": np.concatenate([voices.silence(3.0), *talk]),
        "room": voices.silence(10.0),
        "presses-9": np.concatenate([voices.silence(1.0), voices.key_tone("9"), voices.silence(70.0)]),
        "presses-1": np.concatenate([voices.silence(4.0), voices.key_tone("1"), voices.silence(70.0)]),
        "voicemail": np.concatenate([greeting, voices.silence(0.5), voices.tone(1000, 0.5), voices.silence(40.0)]),
    }
