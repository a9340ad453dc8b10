"""What is done about the recording of a call as it goes on, and what was captured of it?

`after`, `asked` and `due` fold what happens into a `Capture` and say what is to be ordered of the PBX. The rules protected: a
pause cannot be forgotten (it ends when somebody asks, when the agent changes or leaves, and at its limit; what was ordered
is ordered again until the PBX confirms it), and what was not captured is known: from when until when, why and by whom.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from compliance.recording import Transfer
from recorder.capture import CapturePlan
from sip.events import (
    AnnouncementEnded,
    Answered,
    Bridged,
    CallEvent,
    CapturePaused,
    CaptureResumed,
    CaptureStarted,
    ConsentAsked,
    HungUp,
    Lost,
    OriginateFailed,
    Unbridged,
)
from sip.port import DisclosedBy, RecordedFrom

NOTICE = "notice"  # why a recording is paused while a party who has joined hears the notice


class Act(StrEnum):
    """What is to be ordered of the PBX."""

    ANNOUNCE = "announce"  # the prompt, once more
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"  # for the rest of the call


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch that was not captured; `until` is None while it lasts. `by` is an agent, a script or whoever gave a command."""

    since: datetime
    until: datetime | None
    why: str
    by: str


@dataclass(frozen=True, slots=True)
class Joined:
    """An agent who was with the customer; `until` is None while they are."""

    agent_id: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A pause that is wanted; `for_good` has no limit."""

    at: datetime
    why: str
    by: str
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """What was recorded of one call so far, with whom, and what is wanted now."""

    plan: CapturePlan = field(default_factory=CapturePlan)
    since: datetime | None = None  # the first sample
    until: datetime | None = None  # the last one, where it is not the end of the call
    consented: bool | None = None  # None: was not asked
    confirmed_at: datetime | None = None  # the customer pressed the key, or the agent said that the notice was spoken
    wish: Wish | None = None
    pauses: tuple[Pause, ...] = ()
    agents: tuple[Joined, ...] = ()

    @property
    def paused(self) -> bool:
        """Whether silence is recorded now, as far as the PBX has told."""
        return bool(self.pauses) and self.pauses[-1].until is None

    @property
    def unrecorded(self) -> str:
        """The lawful reason why there is no recording of the conversation; empty where there should be one."""
        if self.plan.unrecorded:
            return self.plan.unrecorded
        if self.consented is False:
            return "the customer did not consent to the recording"
        if self.plan.recorded_from is RecordedFrom.ORDER and self.since is None:
            return "nothing happened that may begin the recording"
        return ""


Step = tuple[Capture, tuple[Act, ...]]


def after(capture: Capture, event: CallEvent) -> Step:
    """The capture after an event of its call, and what is to be ordered."""
    at = event.at
    match event:
        case Answered() if capture.plan.recorded_from in {RecordedFrom.ANSWER, RecordedFrom.CONSENT}:
            return replace(capture, since=capture.since or at), ()
        case CaptureStarted():
            return replace(capture, since=capture.since or at), ()
        case ConsentAsked(given=True):
            return replace(capture, consented=True, confirmed_at=at), ()
        case ConsentAsked():
            return replace(capture, consented=False, until=capture.until or at), ()
        case Bridged(agent_id=agent_id):
            return _joined(capture, agent_id, at)
        case Unbridged():
            return _released(replace(capture, agents=_left(capture.agents, at)))
        case AnnouncementEnded(complete=True) if capture.wish is not None and capture.wish.why == NOTICE:
            return replace(capture, wish=None), (Act.RESUME,)
        case CapturePaused():
            return _paused(capture, at)
        case CaptureResumed():
            resumed = replace(capture, pauses=_over(capture.pauses, at))
            return resumed, (Act.PAUSE,) if resumed.wish is not None else ()
        case HungUp() | Lost() | OriginateFailed():
            return replace(capture, wish=None, pauses=_over(capture.pauses, at), agents=_left(capture.agents, at)), ()
        case _:
            return capture, ()


def asked(capture: Capture, *, pause: bool, why: str, by: str, at: datetime) -> Step:
    """Somebody wants the recording paused, or made again. A pause that lasts keeps its limit."""
    if not pause:
        return _released(capture)
    if capture.wish is not None or capture.since is None or capture.until is not None:
        return capture, ()
    return replace(capture, wish=Wish(at, why, by)), (Act.PAUSE,)


def happened(capture: Capture, event: str) -> Step:
    """Something happened in the talk that may begin a recording that waits for it."""
    waits = capture.plan.recorded_from is RecordedFrom.ORDER and capture.since is None
    return capture, (Act.START,) if waits and (not capture.plan.start_on or event in capture.plan.start_on) else ()


def spoken(capture: Capture, at: datetime) -> Capture:
    """The agent says that the notice was spoken."""
    wanted = capture.plan.disclosed_by is DisclosedBy.SPOKEN and capture.confirmed_at is None
    return replace(capture, confirmed_at=at) if wanted else capture


def transferred(capture: Capture, to: Transfer, at: datetime) -> Step:
    """Another party joins, on other terms: the notice once more before it is recorded on, or no more recording."""
    if to.stop:
        return replace(capture, wish=Wish(at, "not recordable after the transfer", "rules", for_good=True)), (Act.STOP,)
    if to.announce and capture.plan.again_after_transfer:
        return replace(capture, wish=capture.wish or Wish(at, NOTICE, "rules")), (Act.PAUSE, Act.ANNOUNCE)
    return capture, ()


def due(capture: Capture, now: datetime) -> Step:
    """What time alone brings: the end of a pause at its limit, and again what was ordered and is not confirmed."""
    wish = capture.wish
    if wish is not None and not wish.for_good and now - wish.at >= capture.plan.pause_limit:
        return _released(capture)
    if wish is not None:
        return capture, () if capture.paused else (Act.PAUSE,)
    return capture, (Act.RESUME,) if capture.paused else ()


def ran_out(before: Capture, now: datetime) -> bool:
    """Whether `due` ends a pause at its limit: somebody may have forgotten it."""
    wish = before.wish
    return wish is not None and not wish.for_good and now - wish.at >= before.plan.pause_limit


def found_alive(capture: Capture) -> tuple[Act, ...]:
    """After a gap in our view nobody knows what was obeyed: what is wanted is ordered again."""
    if capture.since is None or capture.until is not None:
        return ()
    return (Act.PAUSE,) if capture.wish is not None else (Act.RESUME,)


def _joined(capture: Capture, agent_id: str, at: datetime) -> Step:
    last = capture.agents[-1] if capture.agents else None
    if last is not None and last.until is None and last.agent_id == agent_id:
        return capture, ()
    with_agent = replace(capture, agents=(*_left(capture.agents, at), Joined(agent_id, at, None)))
    changed = last is not None and last.agent_id != agent_id
    return _released(with_agent) if changed else (with_agent, ())


def _released(capture: Capture) -> Step:
    """The pause is wanted no more; what the rules stopped stays stopped, and what waits for the notice waits."""
    if capture.wish is not None and (capture.wish.for_good or capture.wish.why == NOTICE):
        return capture, ()
    lasts = capture.wish is not None or capture.paused
    return replace(capture, wish=None), (Act.RESUME,) if lasts else ()


def _paused(capture: Capture, at: datetime) -> Step:
    """Paused though nobody wants it any more: an order that came late."""
    wish = capture.wish
    if not capture.paused:
        why, by = (wish.why, wish.by) if wish is not None else ("", "")
        capture = replace(capture, pauses=(*capture.pauses, Pause(at, None, why, by)))
    return capture, () if wish is not None else (Act.RESUME,)


def _over(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    return tuple(replace(one, until=at) if one.until is None else one for one in pauses)


def _left(agents: tuple[Joined, ...], at: datetime) -> tuple[Joined, ...]:
    return tuple(replace(one, until=at) if one.until is None else one for one in agents)
