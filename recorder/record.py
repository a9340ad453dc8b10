"""What does the floor hand over about an answered call, for its recording to be found and judged by?

`CallRecord` is the one value that crosses from the dialer to the recorder, and the text of it is what the queue keeps:
`to_json` and `from_json` are exact inverses, so that a job written before a crash is worked after it unchanged.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from compliance.verdict import PackRef
from recorder.capture import Captured
from recorder.capturing import Joined, Pause
from sip.events import EndedBy
from sip.port import DisclosedBy

Json = dict[str, Any]


class BadRecord(ValueError):
    """The text of a call's metadata cannot be read: the row was altered, or written by another version."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Who was called by whom, under which rules, and what happened when. Times are aware UTC, None if it did not happen.

    `answered_at` is None only for a call that was lost from view before it was seen to be answered: it may have been
    recorded. `prompt` and `safe_harbour` are the ids of the messages the order named, whether or not they were played.
    The recording goes from `captured_from` (None: the answer) to `captured_until` (None: the end); `unrecorded` is the lawful
    reason why there is none of the conversation. `confirmed_at`: the customer's key, or the agent's word that it was said.
    Raises ValueError for a time that is not aware.
    """

    call_id: str
    person: str
    lead_id: str
    number: str  # E.164
    campaign: str
    agent_id: str | None
    answered_at: datetime | None
    announcement_at: datetime | None
    announced_at: datetime | None
    bridged_at: datetime | None
    unbridged_at: datetime | None
    ended_at: datetime
    disposition: str
    abandoned: bool
    prompt: str
    safe_harbour: str
    packs: tuple[PackRef, ...]
    ended_by: EndedBy
    agents: tuple[Joined, ...] = ()
    team: str = ""  # of the last agent
    language: str = ""  # of the prompt
    captured: Captured = Captured.WHOLE_CALL
    captured_from: datetime | None = None
    captured_until: datetime | None = None
    disclosed_by: DisclosedBy = DisclosedBy.PROMPT_BEFORE
    confirmed_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    unrecorded: str = ""

    def __post_init__(self) -> None:
        for name in (*TIMES, *LATER_TIMES):
            at: datetime | None = getattr(self, name)
            if at is not None and at.tzinfo is None:
                raise ValueError(f"call {self.call_id}: {name} must be an aware time")

    @property
    def agent_may_have_spoken(self) -> bool:
        """Whether an agent was, or after a gap in our view may have been, joined to the customer."""
        return self.bridged_at is not None or (self.ended_by is EndedBy.UNKNOWN and not self.abandoned)

    @property
    def began_at(self) -> datetime | None:
        """The time of the recording's first sample; None when nobody saw it."""
        return self.captured_from or self.answered_at

    @property
    def over_at(self) -> datetime:
        """The time of its last sample."""
        return self.captured_until or self.ended_at

    def ms_at(self, at: datetime) -> int:
        """Where in the recording a time is, in milliseconds from its first sample; 0 for what came before."""
        began = self.began_at
        return 0 if began is None else max(0, round((at - began).total_seconds() * 1000))

    @property
    def paused_ms(self) -> tuple[tuple[int, int], ...]:
        """The stretches of the recording that are silence because they were paused: from, until, in milliseconds."""
        return tuple((self.ms_at(one.since), self.ms_at(one.until or self.over_at)) for one in self.pauses)


TIMES = ("answered_at", "announcement_at", "announced_at", "bridged_at", "unbridged_at", "ended_at")
LATER_TIMES = ("captured_from", "captured_until", "confirmed_at")  # texts of older versions have none of these fields
_LATER_TEXTS = ("team", "language", "unrecorded")
_TEXTS = ("call_id", "person", "lead_id", "number", "campaign", "disposition", "prompt", "safe_harbour")


def canonical(value: Json | list[Json]) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces, UTF-8, no NaN. What is hashed must be reproducible."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def as_json(record: CallRecord) -> Json:
    """The record as plain JSON values; times in ISO 8601, UTC."""
    times = {name: _text_of(getattr(record, name)) for name in (*TIMES, *LATER_TIMES)}
    texts = {name: getattr(record, name) for name in (*_TEXTS, *_LATER_TEXTS)}
    return {
        **texts,
        **times,
        "agent_id": record.agent_id,
        "abandoned": record.abandoned,
        "packs": packs_as_json(record.packs),
        "ended_by": record.ended_by.value,
        "captured": record.captured.value,
        "disclosed_by": record.disclosed_by.value,
        "agents": joined_as_json(record.agents),
        "pauses": pauses_as_json(record.pauses),
    }


def joined_as_json(agents: tuple[Joined, ...]) -> list[Json]:
    """Who was with the customer, as plain JSON values."""
    return [{"agent_id": one.agent_id, "since": _text_of(one.since), "until": _text_of(one.until)} for one in agents]


def joined_from_json(agents: list[Json]) -> tuple[Joined, ...]:
    """The inverse of `joined_as_json`. Raises KeyError, ValueError."""
    return tuple(Joined(one["agent_id"], _told(one["since"]), _time_of(one["until"])) for one in agents)


def pauses_as_json(pauses: tuple[Pause, ...]) -> list[Json]:
    """What was not captured, as plain JSON values."""
    return [{"since": _text_of(one.since), "until": _text_of(one.until), "why": one.why, "by": one.by} for one in pauses]


def pauses_from_json(pauses: list[Json]) -> tuple[Pause, ...]:
    """The inverse of `pauses_as_json`. Raises KeyError, ValueError."""
    return tuple(Pause(_told(one["since"]), _time_of(one["until"]), one["why"], one["by"]) for one in pauses)


def packs_as_json(packs: tuple[PackRef, ...]) -> list[Json]:
    """The rule packs that decided, as plain JSON values."""
    return [{"id": pack.id, "version": pack.version, "sha256": pack.sha256} for pack in packs]


def packs_from_json(packs: list[Json]) -> tuple[PackRef, ...]:
    """The inverse of `packs_as_json`. Raises KeyError for a pack without its id, version or hash."""
    return tuple(PackRef(pack["id"], pack["version"], pack["sha256"]) for pack in packs)


def to_json(record: CallRecord) -> str:
    """The record as canonical JSON text."""
    return canonical(as_json(record))


def from_json(text: str) -> CallRecord:
    """The inverse of `to_json`. Raises BadRecord for a text with a field missing, unknown or unreadable."""
    try:
        fields = json.loads(text)
        times = {name: _time_of(fields[name]) for name in TIMES}
        times |= {name: _time_of(fields.get(name)) for name in LATER_TIMES}
        wrong = [name for name in _TEXTS if not isinstance(fields[name], str)]
        wrong += [name for name in _LATER_TEXTS if not isinstance(fields.get(name, ""), str)]
        if wrong or times["ended_at"] is None:
            raise ValueError(f"{', '.join(wrong) or 'ended_at'} must be told")
        parsed = {
            "packs": packs_from_json(fields["packs"]),
            "ended_by": EndedBy(fields["ended_by"]),
            "captured": Captured(fields.get("captured", Captured.WHOLE_CALL)),
            "disclosed_by": DisclosedBy(fields.get("disclosed_by", DisclosedBy.PROMPT_BEFORE)),
            "agents": joined_from_json(fields.get("agents", [])),
            "pauses": pauses_from_json(fields.get("pauses", [])),
        }
        return CallRecord(**(fields | times | parsed))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRecord(f"metadata of a recording job cannot be read: {error}") from error


def _text_of(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _time_of(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return at.astimezone(UTC)


def _told(text: str | None) -> datetime:
    at = _time_of(text)
    if at is None:
        raise ValueError("a time must be told")
    return at
