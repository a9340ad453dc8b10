"""What is in the archive, is it whole, and how does one recording leave it?

Read-only, for the command line and for reports. Nothing is given out that is not, byte for byte, what was archived.
"""

import json
import os
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine, Row, Select, select

from compliance.verdict import PackRef
from config.database import reading
from recorder import store
from recorder.audio import EXPORTS, convert
from recorder.disclosure import Verdict
from recorder.naming import sidecar_path
from recorder.plan import Flag
from recorder.record import packs_from_json
from recorder.store import Job, JobState, RecordingRow
from recorder.vault import Archived, Finding, Flaw, Vault


class RecordingNotFound(LookupError):
    """There is no recording of this call in the archive."""


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings to list: all conditions that are given must hold. `since` is included, `until` is not."""

    campaign: str | None = None
    agent_id: str | None = None
    number: str | None = None
    person: str | None = None
    disposition: str | None = None
    disclosure: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    offset: int = 0


def list_recordings(engine: Engine, wanted: Wanted | None = None) -> list[Recording]:
    """The recordings asked for, the latest call first."""
    wanted = wanted or Wanted()
    query = _matching(wanted).order_by(RecordingRow.started_at.desc(), RecordingRow.call_id.desc())
    with reading(engine) as connection:
        return [_recording(row) for row in connection.execute(query.limit(wanted.limit).offset(wanted.offset))]


def show(engine: Engine, call_id: str) -> Recording | Job | None:
    """The recording of a call; without one, the job that says where it is or why there is none; None for neither."""
    with reading(engine) as connection:
        row = connection.execute(select(RecordingRow.__table__).where(RecordingRow.call_id == call_id)).first()
        return _recording(row) if row is not None else store.jobs(connection, [call_id]).get(call_id)


def export(engine: Engine, vault: Vault, call_id: str, target: Path, form: str) -> Path:
    """Writes a copy of a recording in one of `audio.EXPORTS` to `target`, a new file or an existing folder; returns the file.

    Raises RecordingNotFound, AlteredRecording, FileExistsError, ValueError for the format, OSError. A copy that fails
    leaves nothing behind.
    """
    recording = show(engine, call_id)
    if not isinstance(recording, Recording):
        raise RecordingNotFound(f"call {call_id}: no recording in the archive")
    if form not in EXPORTS:
        raise ValueError(f"cannot export as {form!r}: choose one of {', '.join(EXPORTS)}")
    source = vault.open_path(recording.archived)
    copy = target / f"{call_id}.{form}" if target.is_dir() else target
    part = copy.with_name(f".{copy.name}.part")
    try:
        convert(source, part, form)
        os.link(part, copy)  # unlike a rename, refuses to replace what is there
    except FileExistsError:
        raise FileExistsError(f"{copy}: exists already, nothing was written") from None
    finally:
        part.unlink(missing_ok=True)
    return copy


def verify_all(engine: Engine, vault: Vault) -> list[Finding]:
    """Everything wrong with the archive: missing, altered, swapped and added files. Empty when all is well.

    May run beside the archivist: files of a call that is still queued are on their way in, and no finding.
    """
    files = vault.files()  # before the rows: a file seen here has its row, or its job, by the time they are read
    with reading(engine) as connection:
        known = list(store.in_archive(connection))
        accounted = {name for one in known for name in (one.path, sidecar_path(one.path))}
        strange = {name: PurePosixPath(name).stem for name in files if name not in accounted}
        queued = store.jobs(connection, list(strange.values()))
    owners = {digest: one.call_id for one in known for digest in (one.sha256, one.sidecar_sha256)}
    findings = [finding for one in known for finding in vault.verify(one, owners)]
    for name, call_id in strange.items():
        if call_id not in queued or queued[call_id].state is not JobState.PENDING:
            findings.append(Finding(Flaw.ADDED, name, None, f"{name!r}: no recording accounts for this file"))
    return findings


def _matching(wanted: Wanted) -> Select[tuple[object, ...]]:
    query = select(RecordingRow.__table__)
    columns = ("campaign", "agent_id", "number", "person", "disposition", "disclosure")
    for name in columns:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(RecordingRow, name) == value)
    if wanted.since is not None:
        query = query.where(RecordingRow.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(RecordingRow.started_at < wanted.until)
    return query


def _recording(row: Row[tuple[object, ...]]) -> Recording:
    values = row._asdict()
    values["packs"] = packs_from_json(json.loads(values.pop("packs_json")))
    values["disclosure"] = Verdict(values["disclosure"])
    values["flags"] = tuple(Flag(flag) for flag in values["flags"].split())
    return Recording(**{field.name: values[field.name] for field in fields(Recording)})
