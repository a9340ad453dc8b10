"""What does the floor hand over about an answered call, for its recording to be found and judged by?

`CallRecord` is the one value that crosses from the dialer to the recorder, and the text of it is what the queue keeps:
`to_json` and `from_json` are exact inverses, so that a job written before a crash is worked after it unchanged.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from compliance.verdict import PackRef
from sip.events import EndedBy

Json = dict[str, Any]


class BadRecord(ValueError):
    """The text of a call's metadata cannot be read: the row was altered, or written by another version."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Who was called by whom, under which rules, and what happened when. Times are aware UTC, None if it did not happen.

    `answered_at` is None only for a call that was lost from view before it was seen to be answered: it may have been
    recorded. `prompt` and `safe_harbour` are the ids of the messages the order named, whether or not they were played.
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

    def __post_init__(self) -> None:
        for name in TIMES:
            at: datetime | None = getattr(self, name)
            if at is not None and at.tzinfo is None:
                raise ValueError(f"call {self.call_id}: {name} must be an aware time")

    @property
    def agent_may_have_spoken(self) -> bool:
        """Whether an agent was, or after a gap in our view may have been, joined to the customer."""
        return self.bridged_at is not None or (self.ended_by is EndedBy.UNKNOWN and not self.abandoned)


TIMES = ("answered_at", "announcement_at", "announced_at", "bridged_at", "unbridged_at", "ended_at")
_TEXTS = ("call_id", "person", "lead_id", "number", "campaign", "disposition", "prompt", "safe_harbour")


def canonical(value: Json | list[Json]) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces, UTF-8, no NaN. What is hashed must be reproducible."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def as_json(record: CallRecord) -> Json:
    """The record as plain JSON values; times in ISO 8601, UTC."""
    times = {name: _text_of(getattr(record, name)) for name in TIMES}
    texts = {name: getattr(record, name) for name in _TEXTS}
    return {
        **texts,
        **times,
        "agent_id": record.agent_id,
        "abandoned": record.abandoned,
        "packs": packs_as_json(record.packs),
        "ended_by": record.ended_by.value,
    }


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
        wrong = [name for name in _TEXTS if not isinstance(fields[name], str)]
        if wrong or times["ended_at"] is None:
            raise ValueError(f"{', '.join(wrong) or 'ended_at'} must be told")
        parsed = {"packs": packs_from_json(fields["packs"]), "ended_by": EndedBy(fields["ended_by"])}
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
