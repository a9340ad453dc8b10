"""Who is on the other end of a simulated number? What each kind of subscriber does when the phone rings.

Values only; `sip/simulator.py` plays them. The causes are those that Asterisk 22 gives for the real thing.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Answers:
    """Picks up after `rings_for`; hangs up `stays_for` after the answer or `talks_for` after meeting an agent.

    None never hangs up by itself. `presses` are keys with the time after the answer. A voicemail is somebody who answers
    soon, stays as long as its tape and meets nobody.
    """

    rings_for: timedelta = timedelta(seconds=6)
    talks_for: timedelta | None = timedelta(seconds=60)
    stays_for: timedelta | None = None
    presses: tuple[tuple[timedelta, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refuses:
    """Is refused with SIP `status` and Q.850 `cause`, `after` a while; `rings` when the far side alerted before."""

    status: int
    cause: int
    after: timedelta = timedelta(milliseconds=200)
    rings: bool = False


@dataclass(frozen=True, slots=True)
class RingsOut:
    """Rings and nobody picks up."""


@dataclass(frozen=True, slots=True)
class Silent:
    """The carrier never replies."""


Subscriber = Answers | Refuses | RingsOut | Silent

BUSY = Refuses(486, 17)
DECLINES = Refuses(603, 21, after=timedelta(seconds=4), rings=True)
FORBIDDEN = Refuses(403, 21)
UNOBTAINABLE = Refuses(404, 1)
UNAVAILABLE = Refuses(480, 19)
CONGESTED = Refuses(503, 34)
VOICEMAIL = Answers(rings_for=timedelta(seconds=15), talks_for=timedelta(seconds=30), stays_for=timedelta(seconds=45))
HANGS_UP_AT_ONCE = Answers(rings_for=timedelta(seconds=5), stays_for=timedelta(milliseconds=300))
