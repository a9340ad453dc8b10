"""Which recordings are archived, which wait, and what must a person look at?

Three tables. `recording_job` is the queue: a job is written in the transaction that ends the call (`enqueue`), so that
no crash can separate the two. `recording` has one row for each archived file; a row appears in the transaction that
settles its job (`archived`), never before the file is durable. `alert` is what people are told, once.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import CheckConstraint, Index, Row, String, Text, exists, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, mapped_column

from config.database import Base, UtcDateTime
from recorder.exact_times import columns_of, time_of
from recorder.record import CallRecord, canonical, from_json, to_json
from recorder.vault import Archived

__all__ = ["AlertRow", "CallRecord", "Job", "JobState", "RecordingJobRow", "RecordingRow", "enqueue"]


_ASKED = 500  # ids in one question: databases limit the parameters of a statement


class JobState(StrEnum):
    """Where the archiving of one call stands."""

    PENDING = "pending"
    DONE = "done"  # archived, or rightly without a recording (then there is a reason)
    FAILED = "failed"  # a person must look: no files came, or every attempt crashed
    QUARANTINED = "quarantined"  # the files are set aside with the reason


class RecordingJobRow(Base):
    """One call whose files are to be archived."""

    __tablename__ = "recording_job"
    __table_args__ = (
        CheckConstraint("state in ('pending','done','failed','quarantined')", name="state"),
        Index("ix_recording_job_state_next_at", "state", "next_at"),
    )

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default=JobState.PENDING.value)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)  # not looked at before
    reason: Mapped[str | None] = mapped_column(Text)
    metadata_json: Mapped[str] = mapped_column(Text)


class RecordingRow(Base):
    """One archived recording: agent left, customer right. Offsets are milliseconds from the first sample (the answer)."""

    __tablename__ = "recording"
    __table_args__ = (
        Index("ix_recording_started_at", "started_at"),
        Index("ix_recording_campaign_started_at", "campaign", "started_at"),
        Index("ix_recording_agent_id_started_at", "agent_id", "started_at"),
        Index("ix_recording_number_started_at", "number", "started_at"),
        Index("ix_recording_person_started_at", "person", "started_at"),
        Index("ix_recording_disposition_started_at", "disposition", "started_at"),
        Index("ix_recording_team_started_at", "team", "started_at"),
        Index("ix_recording_degraded_started_at", "degraded", "started_at"),
        Index("ix_recording_disclosure_started_at", "disclosure", "started_at"),
    )

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    archived_at: Mapped[datetime] = mapped_column(UtcDateTime)
    path: Mapped[str] = mapped_column(String(255), unique=True)  # relative to the archive
    sha256: Mapped[str] = mapped_column(String(64))
    sidecar_sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int]
    duration_ms: Mapped[int]
    number: Mapped[str]
    person: Mapped[str]
    lead_id: Mapped[str]
    campaign: Mapped[str]
    agent_id: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)  # the first sample: the answer, unless only an event began it
    announced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    bridged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disposition: Mapped[str]
    abandoned: Mapped[bool]
    packs_json: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str]
    prompt_sha256: Mapped[str | None] = mapped_column(String(64))
    disclosure: Mapped[str] = mapped_column(String(16))
    disclosure_score: Mapped[float | None]
    disclosure_start_ms: Mapped[int | None]
    disclosure_end_ms: Mapped[int | None]
    agent_first_word_ms: Mapped[int | None]
    agent_audio_from_ms: Mapped[int | None]
    customer_first_word_ms: Mapped[int | None]
    agent_talk_ms: Mapped[int]
    agent_silence_ms: Mapped[int]
    customer_talk_ms: Mapped[int]
    customer_silence_ms: Mapped[int]
    overtalk_ms: Mapped[int]
    longest_silence_ms: Mapped[int]
    flags: Mapped[str] = mapped_column(Text)  # space-separated, sorted; empty when nothing is to be said
    flag_text: Mapped[str] = mapped_column(Text, default="")  # what was measured, a line for each flag that has a measurement
    degraded: Mapped[bool] = mapped_column(default=False)
    form: Mapped[str] = mapped_column(String(8), default="flac")  # what the audio is coded in: flac or opus
    team: Mapped[str] = mapped_column(String(64), default="")  # the agent's, when the call ended
    language: Mapped[str] = mapped_column(String(16), default="")  # of the prompt
    disclosed_by: Mapped[str] = mapped_column(String(16), default="prompt_before")  # see plan.DisclosedBy
    capture: Mapped[str] = mapped_column(String(16), default="whole_call")  # see capture.Captured
    agents_json: Mapped[str] = mapped_column(Text, default="[]")  # who was joined when, as [agent, from_ms, until_ms]
    pauses_json: Mapped[str] = mapped_column(Text, default="[]")  # what was not captured, as [from_ms, until_ms, why]
    paused_ms: Mapped[int] = mapped_column(default=0)
    agent_interruptions: Mapped[int] = mapped_column(default=0)  # times the agent began while the customer spoke, and took over
    customer_interruptions: Mapped[int] = mapped_column(default=0)
    agent_longest_ms: Mapped[int] = mapped_column(default=0)  # the longest monologue
    customer_longest_ms: Mapped[int] = mapped_column(default=0)
    dead_air_ms: Mapped[int] = mapped_column(default=0)  # silences of three seconds and more, together
    agent_loudness_db: Mapped[float | None]  # of speech, dB below full scale (negative); None when there was none
    customer_loudness_db: Mapped[float | None]
    agent_clipped: Mapped[int] = mapped_column(default=0)  # samples at full scale
    customer_clipped: Mapped[int] = mapped_column(default=0)


class AlertRow(Base):
    """One thing a person must look at, kept after it was seen."""

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_seen_at", "seen", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    call_id: Mapped[str | None] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    seen: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as read from the queue. `metadata` is text still: a row that cannot be read must not stop the others."""

    call_id: str
    state: JobState
    attempts: int
    next_at: datetime
    reason: str | None
    metadata: str

    def record(self) -> CallRecord:
        """What the floor handed over. Raises BadRecord."""
        return from_json(self.metadata)


def enqueue(connection: Connection, record: CallRecord) -> None:
    """Queues the archiving of an ended call, in the caller's write transaction: the one that records the call's end.

    A call that is queued already keeps its first job, so replaying the end of a call after a crash changes nothing.
    """
    known = select(RecordingJobRow.call_id).where(RecordingJobRow.call_id == record.call_id)
    if connection.execute(known).first() is None:
        job = {
            "call_id": record.call_id,
            "state": JobState.PENDING.value,
            "attempts": 0,
            "next_at": record.ended_at,
            "metadata_json": to_json(record),
        }
        connection.execute(insert(RecordingJobRow).values(job))


def due(connection: Connection, now: datetime, limit: int) -> list[Job]:
    """The pending jobs that may be looked at by `now`, the longest waiting first, at most `limit`."""
    query = (
        select(RecordingJobRow.__table__)
        .where(RecordingJobRow.state == JobState.PENDING.value, RecordingJobRow.next_at <= now)
        .order_by(RecordingJobRow.next_at, RecordingJobRow.call_id)
        .limit(limit)
    )
    return [_job(row) for row in connection.execute(query)]


def jobs(connection: Connection, call_ids: Sequence[str]) -> dict[str, Job]:
    """The jobs of these calls, by call; a call without one is not in it."""
    found: dict[str, Job] = {}
    for at in range(0, len(call_ids), _ASKED):
        query = select(RecordingJobRow.__table__).where(RecordingJobRow.call_id.in_(call_ids[at : at + _ASKED]))
        found |= {row.call_id: _job(row) for row in connection.execute(query)}
    return found


def claim(connection: Connection, call_id: str) -> int:
    """Counts an attempt before it is made, and returns its number: a job that kills its worker is seen to do so."""
    row = RecordingJobRow.call_id == call_id
    connection.execute(update(RecordingJobRow).where(row).values(attempts=RecordingJobRow.attempts + 1))
    return connection.execute(select(RecordingJobRow.attempts).where(row)).scalar_one()


def postpone(connection: Connection, call_id: str, until: datetime, reason: str | None, *, refund: bool = False) -> None:
    """Leaves the job pending, not to be looked at before `until`; `refund` takes back the attempt (not the job's fault)."""
    values = {"next_at": until, "reason": reason}
    back = {"attempts": RecordingJobRow.attempts - 1} if refund else {}
    connection.execute(update(RecordingJobRow).where(RecordingJobRow.call_id == call_id).values(values | back))


def settle(connection: Connection, call_id: str, state: JobState, reason: str | None) -> None:
    """Takes the job out of the queue."""
    values = {"state": state.value, "reason": reason}
    connection.execute(update(RecordingJobRow).where(RecordingJobRow.call_id == call_id).values(values))


def reopen(connection: Connection, call_id: str, now: datetime) -> None:
    """Puts a job back into the queue with a clean count: its files came late, or a person says to try again."""
    values = {"state": JobState.PENDING.value, "attempts": 0, "next_at": now, "reason": None}
    connection.execute(update(RecordingJobRow).where(RecordingJobRow.call_id == call_id).values(values))


def archived(connection: Connection, row: dict[str, object]) -> None:
    """Records an archived file and settles its job, in the caller's write transaction.

    Raises IntegrityError when the call has a recording already: one call, one recording.
    """
    connection.execute(insert(RecordingRow).values(row))
    settle(connection, str(row["call_id"]), JobState.DONE, None)


def recordings(connection: Connection) -> int:
    """How many recordings there are."""
    return connection.execute(select(func.count()).select_from(RecordingRow)).scalar_one()


def digests_of(connection: Connection, call_ids: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of the rows of these recordings, as the chain of the archive tells it; a call without a row is not in it.

    A column that says nothing, its value missing or the default, counts for nothing: a revision that adds one changes no
    digest. Raises ValueError or DBAPIError for a row that cannot be read.
    """
    table = RecordingRow.__table__
    silent = {column.name: getattr(column.default, "arg", None) for column in table.columns}
    dated = {column.name for column in table.columns if isinstance(column.type, UtcDateTime)}
    found: dict[str, str] = {}
    for at in range(0, len(call_ids), _ASKED):
        query = select(*columns_of(table, connection)).where(RecordingRow.call_id.in_(call_ids[at : at + _ASKED]))
        for row in connection.execute(query):
            said = {name: value for name, value in row._mapping.items() if value is not None and value != silent[name]}
            times = {name: time_of(said[name], connection).isoformat() for name in said.keys() & dated}
            found[row.call_id] = hashlib.sha256(canonical(said | times).encode()).hexdigest()
    return found


def pending(connection: Connection) -> int:
    """How many calls wait to be archived."""
    query = select(func.count()).select_from(RecordingJobRow).where(RecordingJobRow.state == JobState.PENDING.value)
    return connection.execute(query).scalar_one()


def in_archive(connection: Connection, call_id: str | None = None) -> Iterator[Archived]:
    """What the archive should hold: of one call, or of all, in the order of their ids."""
    columns = (RecordingRow.call_id, RecordingRow.path, RecordingRow.sha256, RecordingRow.bytes, RecordingRow.sidecar_sha256)
    query = select(*columns).order_by(RecordingRow.call_id)
    if call_id is not None:
        query = query.where(RecordingRow.call_id == call_id)
    for row in connection.execute(query):
        yield Archived(row.call_id, row.path, row.sha256, row.bytes, row.sidecar_sha256)


class Notice(Protocol):
    """What a person is to be told; the recorder's alerts and the floor's have this in common."""

    @property
    def kind(self) -> StrEnum: ...
    @property
    def call_id(self) -> str | None: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it is kept."""

    id: int
    at: datetime
    kind: str
    call_id: str | None
    text: str
    seen: bool


def is_told(connection: Connection, alert: Notice) -> bool:
    """Whether the alert needs no telling: one about a call is told once, one about a place again after it was seen."""
    told = AlertRow.seen.is_(False) if alert.call_id is None else AlertRow.call_id == alert.call_id
    same = exists().where(AlertRow.kind == alert.kind.value, AlertRow.text == alert.text, told)
    return connection.execute(select(same)).scalar_one()


def alarm(connection: Connection, alert: Notice, at: datetime) -> bool:
    """Writes the alert unless it `is_told`; returns whether it was new."""
    if is_told(connection, alert):
        return False
    row = {"at": at, "kind": alert.kind.value, "call_id": alert.call_id, "text": alert.text, "seen": False}
    connection.execute(insert(AlertRow).values(row))
    return True


def alerts(connection: Connection, *, unseen_only: bool = True) -> list[Told]:
    """The alerts, oldest first."""
    query = select(AlertRow.__table__).order_by(AlertRow.id)
    if unseen_only:
        query = query.where(AlertRow.seen.is_(False))
    return [Told(row.id, row.at, row.kind, row.call_id, row.text, row.seen) for row in connection.execute(query)]


def mark_seen(connection: Connection, ids: Collection[int] | None) -> list[int]:
    """Marks these alerts, or with None all of them, as seen; answers which were not before. Unknown ids are none."""
    unseen = set(connection.execute(select(AlertRow.id).where(AlertRow.seen.is_(False))).scalars())
    marked = sorted(unseen if ids is None else unseen & set(ids))
    for start in range(0, len(marked), _ASKED):
        these = AlertRow.id.in_(marked[start : start + _ASKED])
        connection.execute(update(AlertRow).where(these).values(seen=True))
    return marked


def _job(row: Row[Any]) -> Job:
    return Job(row.call_id, JobState(row.state), row.attempts, row.next_at, row.reason, row.metadata_json)
