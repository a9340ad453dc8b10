"""How was this call to be recorded and disclosed, by which rules, and what came of it? Values only.

The rule it protects: everything says why. The plan is the one that was made before the call was dialed; the rules are those of
the packs that permitted the call, by their texts of that time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance import recording
from compliance.abandonment import NOT_BRIDGED
from compliance.packs import Pack, PackError, parse_pack
from compliance.parties import rules_at_callee
from compliance.replay import MISSHAPEN, PERMIT, KeptDecision, read_whole
from compliance.rules import AbandonRule
from compliance.verdict import Reason
from dialer.stories import ReasonTold, reasons_told
from recorder.capture import Captured, CapturePlan, CapturePolicy
from recorder.capturing import Capture, Pause
from sip.port import DisclosedBy, RecordedFrom

_BEGINS: Mapping[RecordedFrom, str] = {
    RecordedFrom.ANSWER: "from the answer on",
    RecordedFrom.CONSENT: "of the customer nothing before the consent: the prompt heard to its end, or the key",
    RecordedFrom.ORDER: "from an event in the talk on",
    RecordedFrom.NEVER: "never",
}


@dataclass(frozen=True, slots=True)
class RecordingStory:
    """The recording of one call. `policy` is what its campaign wants, `plan` what was decided for this call before it was dialed.

    `rules` are what the packs that permitted it ask of its recording, `at_once` those of their rules by which who waits behind a
    recorded voice is abandoned; None where what it was decided from is not kept. `unrecorded` is the lawful reason why there is
    no recording of the conversation, else empty.
    """

    policy: CapturePolicy
    plan: CapturePlan
    rules: tuple[ReasonTold, ...] | None
    at_once: tuple[str, ...] | None
    since: datetime | None
    until: datetime | None
    consented: bool | None
    confirmed_at: datetime | None
    pauses: tuple[Pause, ...]
    unrecorded: str


def recording_story(
    policy: CapturePolicy, capture: Capture, kept: Iterable[KeptDecision], packs: Mapping[str, str]
) -> RecordingStory:
    """What is told of a call's recording. `kept` are the decisions about the call, `packs` the texts they name, by SHA-256."""
    permitted = [one for one in kept if one.verdict_kind == PERMIT]
    rules, at_once = _asked(permitted[-1], packs) if permitted else (None, None)
    return RecordingStory(
        policy=policy,
        plan=capture.plan,
        rules=None if rules is None else reasons_told(rules),
        at_once=at_once,
        since=capture.since,
        until=capture.until,
        consented=capture.consented,
        confirmed_at=capture.confirmed_at,
        pauses=capture.pauses,
        unrecorded=capture.unrecorded,
    )


def in_words(story: RecordingStory) -> tuple[tuple[str, str], ...]:
    """The plan and what came of it, a line each: what it is about, and what is said."""
    plan = story.plan
    lines = [("recorded", _recorded(plan)), ("disclosed by", _disclosed(plan))]
    if plan.captured is not Captured.NOTHING:
        lines.append(("a pause ends after", _seconds(plan.pause_limit)))
    if story.since is not None:
        lines.append(("began", _clock(story.since)))
    if story.until is not None:
        lines.append(("ended before the call", _clock(story.until)))
    if story.consented is not None:
        lines.append(("the customer", "consented" if story.consented else "did not consent"))
    if story.confirmed_at is not None:
        lines.append(("disclosure confirmed by a key", _clock(story.confirmed_at)))
    lines += [("paused", _paused(one)) for one in story.pauses]
    if story.unrecorded and story.unrecorded != plan.unrecorded:
        lines.append(("not recorded", story.unrecorded))
    if story.at_once:
        lines.append(("an agent at once", f"who waits behind a recorded voice counts as abandoned: {', '.join(story.at_once)}"))
    return tuple(lines)


def _asked(permit: KeptDecision, texts: Mapping[str, str]) -> tuple[tuple[Reason, ...], tuple[str, ...]] | tuple[None, None]:
    """What the packs of a permit ask of the recording, and which of their rules want an agent at once; None: it is not known."""
    try:
        decided, refs = read_whole(permit.decision)
        packs = [_pack(texts[sha256], name, sha256) for name, _, sha256 in refs]
        terms = recording.required(packs, decided.candidate, (), decided.at)
        in_force = [rule for _, rule in rules_at_callee(packs, decided.candidate, decided.at) if isinstance(rule, AbandonRule)]
    except MISSHAPEN:  # a text is gone or altered: nothing is made up for it
        return None, None
    return terms.reasons, tuple(rule.origin.id for rule in in_force if NOT_BRIDGED in rule.numerator)


def _pack(text: str, name: str, sha256: str) -> Pack:
    pack = parse_pack(text, name)
    if pack.sha256 != sha256:
        raise PackError((f"{name}: its text differs from the one that decided",))
    return pack


def _recorded(plan: CapturePlan) -> str:
    if plan.captured is Captured.NOTHING:
        return f"nothing: {plan.unrecorded}"
    events = f": {', '.join(plan.start_on)}" if plan.start_on else ""
    return f"{plan.captured.value}, {_BEGINS[plan.recorded_from]}{events}"


def _disclosed(plan: CapturePlan) -> str:
    if plan.disclosed_by is DisclosedBy.PRESS_TO_CONSENT:
        without = "is hung up" if plan.ends_unconsented else "is joined and not recorded"
        return f"{plan.disclosed_by.value}; who does not consent {without}"
    return plan.disclosed_by.value


def _paused(pause: Pause) -> str:
    until = _clock(pause.until) if pause.until is not None else "still"
    return f"{_clock(pause.since)} to {until}: {pause.why} ({pause.by})"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():g} s"


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
