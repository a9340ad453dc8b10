"""How is an archived call written down: as a row to find it by, and as the sidecar that travels with its audio?

The sidecar says nothing that depends on when the archiving was done, so that doing it again after a crash gives the
same bytes.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

from recorder.ingest import Ingested
from recorder.plan import Flag, is_short
from recorder.record import CallRecord, Json, as_json, canonical, packs_as_json
from recorder.vault import Archived

FORMAT = "ringfence-recording-1"


def filed_at(record: CallRecord) -> datetime:
    """The time whose day is the recording's folder: known before the audio is looked at, and the same on every attempt."""
    return record.answered_at or record.ended_at


def flags_of(record: CallRecord, ingested: Ingested) -> frozenset[Flag]:
    """What the audio and the call's times together say of the recording."""
    short = {Flag.SHORTER_THAN_CALL} if is_short(record, timedelta(milliseconds=ingested.duration_ms)) else set()
    unseen = {Flag.ANSWER_UNSEEN} if record.answered_at is None else set()
    return ingested.flags | short | unseen


def metadata_of(record: CallRecord, ingested: Ingested, flags: frozenset[Flag]) -> Json:
    """The sidecar of a recording, as JSON values, without the audio's own checksum."""
    found = ingested.found
    return {
        "format": FORMAT,
        "call": as_json(record),
        "channels": ["agent", "customer"],
        "duration_ms": ingested.duration_ms,
        "disclosure": {
            "verdict": ingested.verdict.value,
            "prompt": record.prompt,
            "prompt_sha256": ingested.prompt_sha256,
            "found": None if found is None else asdict(found),
        },
        "measures": asdict(ingested.measures) | {"agent_audio_from_ms": ingested.agent_audio_from_ms},
        "flags": sorted(flags),
    }


def row_of(
    record: CallRecord, ingested: Ingested, flags: frozenset[Flag], archived: Archived, archived_at: datetime
) -> dict[str, object]:
    """The row of `recording`."""
    found = ingested.found
    return {
        **asdict(archived),
        **asdict(ingested.measures),
        "archived_at": archived_at,
        "duration_ms": ingested.duration_ms,
        "number": record.number,
        "person": record.person,
        "lead_id": record.lead_id,
        "campaign": record.campaign,
        "agent_id": record.agent_id,
        "started_at": record.answered_at or record.ended_at - timedelta(milliseconds=ingested.duration_ms),
        "announced_at": record.announced_at,
        "bridged_at": record.bridged_at,
        "ended_at": record.ended_at,
        "disposition": record.disposition,
        "abandoned": record.abandoned,
        "packs_json": canonical(packs_as_json(record.packs)),
        "prompt": record.prompt,
        "prompt_sha256": ingested.prompt_sha256,
        "disclosure": ingested.verdict.value,
        "disclosure_score": None if found is None else found.score,
        "disclosure_start_ms": None if found is None else found.start_ms,
        "disclosure_end_ms": None if found is None else found.end_ms,
        "agent_audio_from_ms": ingested.agent_audio_from_ms,
        "flags": " ".join(sorted(flags)),
    }
