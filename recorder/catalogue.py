"""What is known of a recording, and which ones are there?

Read-only, for the command line, for reviews and for reports. Who may know it is asked before (`recorder.access`).
"""

import json
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Engine, Row, select
from sqlalchemy.engine import Connection

from compliance.verdict import PackRef
from config.database import reading
from recorder import search, store
from recorder.access import About
from recorder.disclosure import Verdict
from recorder.plan import Flag
from recorder.record import packs_from_json
from recorder.search import Wanted
from recorder.store import Job, RecordingRow
from recorder.vault import Archived

__all__ = ["Gap", "Recording", "RecordingNotFound", "Turn", "Wanted", "about", "is_held", "list_recordings", "recorded", "show"]


class RecordingNotFound(LookupError):
    """There is no recording of this call in the archive."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An agent who was joined to the customer for a while; milliseconds from the first sample."""

    agent_id: str
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that was not captured, and why; milliseconds from the first sample."""

    from_ms: int
    until_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording, as it is known. Offsets in milliseconds from its first sample; agent left, customer right."""

    call_id: str
    archived_at: datetime
    path: str
    sha256: str
    sidecar_sha256: str
    bytes: int
    duration_ms: int
    number: str
    person: str
    lead_id: str
    campaign: str
    agent_id: str | None
    started_at: datetime
    announced_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime
    disposition: str
    abandoned: bool
    packs: tuple[PackRef, ...]
    prompt: str
    prompt_sha256: str | None
    disclosure: Verdict
    disclosure_score: float | None
    disclosure_start_ms: int | None
    disclosure_end_ms: int | None
    agent_first_word_ms: int | None
    agent_audio_from_ms: int | None
    customer_first_word_ms: int | None
    agent_talk_ms: int
    agent_silence_ms: int
    customer_talk_ms: int
    customer_silence_ms: int
    overtalk_ms: int
    longest_silence_ms: int
    flags: tuple[Flag, ...]
    flag_text: str  # what was measured, a line for each flag that has a measurement
    degraded: bool
    form: str  # what the audio is coded in
    team: str
    language: str
    disclosed_by: str
    capture: str
    agents: tuple[Turn, ...]
    pauses: tuple[Gap, ...]
    paused_ms: int
    agent_interruptions: int
    customer_interruptions: int
    agent_longest_ms: int
    customer_longest_ms: int
    dead_air_ms: int
    agent_loudness_db: float | None
    customer_loudness_db: float | None
    agent_clipped: int
    customer_clipped: int

    @property
    def talk_share(self) -> float | None:
        """The agent's part of all that was said, 0 to 1; None when nobody spoke."""
        said = self.agent_talk_ms + self.customer_talk_ms
        return self.agent_talk_ms / said if said else None

    @property
    def everybody(self) -> frozenset[str]:
        """Every agent who was joined to the customer."""
        joined = {one.agent_id for one in self.agents}
        return frozenset(joined if self.agent_id is None else {*joined, self.agent_id})

    @property
    def connect_ms(self) -> int | None:
        """Answer to the agent's line in the customer's ear, the prompt's own length left out, as the audio has it.

        Both gaps are as the customer hears them; an agent's line is heard before the agent speaks, for no line is
        digitally silent. None when the prompt was not proven or no agent's line was heard.
        """
        if self.disclosure is not Verdict.PROVEN or self.agent_audio_from_ms is None:
            return None
        if self.disclosure_start_ms is None or self.disclosure_end_ms is None:
            return None
        return self.disclosure_start_ms + max(0, self.agent_audio_from_ms - self.disclosure_end_ms)

    @property
    def archived(self) -> Archived:
        """What the archive must hold for it."""
        return Archived(self.call_id, self.path, self.sha256, self.bytes, self.sidecar_sha256)


def list_recordings(engine: Engine, wanted: Wanted | None = None) -> list[Recording]:
    """The recordings asked for, the latest call first. Raises search.NoSuchPlace."""
    with reading(engine) as connection:
        return [_recording(row) for row in search.find(connection, wanted or Wanted())]


def show(engine: Engine, call_id: str) -> Recording | Job | None:
    """The recording of a call; without one, the job that says where it is or why there is none; None for neither."""
    with reading(engine) as connection:
        row = connection.execute(select(RecordingRow.__table__).where(RecordingRow.call_id == call_id)).first()
        return _recording(row) if row is not None else store.jobs(connection, [call_id]).get(call_id)


def recorded(engine: Engine, call_id: str) -> Recording:
    """The recording of a call. Raises RecordingNotFound, which says where it is when it is on its way."""
    match show(engine, call_id):
        case Recording() as found:
            return found
        case Job(state=state, reason=reason):
            raise RecordingNotFound(
                f"call {call_id}: no recording in the archive; its job is {state}{f': {reason}' if reason else ''}"
            )
        case None:
            raise RecordingNotFound(f"call {call_id}: no recording in the archive")


def is_held(connection: Connection, call_id: str) -> bool:
    """Whether the recording is on legal hold."""
    return call_id in search.held_among(connection, [call_id])


def about(recording: Recording, *, held: bool) -> About:
    """What `recorder.access` asks of a recording before anybody is let near it; `held`: it is on legal hold."""
    told = recording.disclosure in {Verdict.PROVEN, Verdict.NOT_APPLICABLE}
    return About(recording.call_id, recording.everybody, recording.team, held=held, told=told)


def _recording(row: Row[tuple[object, ...]]) -> Recording:
    values = row._asdict()
    values["packs"] = packs_from_json(json.loads(values.pop("packs_json")))
    values["disclosure"] = Verdict(values["disclosure"])
    values["flags"] = tuple(Flag(flag) for flag in values["flags"].split())
    values["agents"] = tuple(Turn(*one) for one in json.loads(values["agents_json"]))
    values["pauses"] = tuple(Gap(*one) for one in json.loads(values["pauses_json"]))
    return Recording(**{field.name: values[field.name] for field in fields(Recording)})
