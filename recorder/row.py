"""How is an archived call written down: as a row to find it by, and as the sidecar that travels with its audio?

The sidecar says nothing that depends on when the archiving was done, so that doing it again after a crash gives the
same bytes.
"""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

from recorder import peaks
from recorder.flags import Flags
from recorder.ingest import Ingested
from recorder.plan import DEGRADED, Flag, missing, told
from recorder.record import CallRecord, Json, as_json, canonical, packs_as_json
from recorder.vault import Archived

FORMAT = "ringfence-recording-1"


def filed_at(record: CallRecord) -> datetime:
    """The time whose day is the recording's folder: known before the audio is looked at, and the same on every attempt."""
    return record.answered_at or record.ended_at


def flags_of(record: CallRecord, ingested: Ingested) -> Flags:
    """What the audio and the call's times together say of the recording, with what was measured."""
    duration = timedelta(milliseconds=ingested.duration_ms)
    flags = dict(ingested.flags)
    if lacks := missing(record, duration):
        text = f"{lacks.total_seconds():.1f} s of {(duration + lacks).total_seconds():.1f} s are missing"
        flags[Flag.SHORTER_THAN_CALL] = text
    if record.answered_at is None:
        flags[Flag.ANSWER_UNSEEN] = ""
    return flags


def metadata_of(record: CallRecord, ingested: Ingested, flags: Flags) -> Json:
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
            "disclosed_by": record.disclosed_by.value,
            "language": record.language,
            "agent_first_word_ms": ingested.measures.agent_first_word_ms,
            "found": None if found is None else asdict(found),
        },
        "measures": asdict(ingested.measures) | asdict(ingested.loudness) | {"agent_audio_from_ms": ingested.agent_audio_from_ms},
        "waveform": peaks.as_json(ingested.waveform),
        "flags": sorted(flags),
        "measured": {flag.value: flags[flag] for flag in sorted(flags) if flags[flag]},
    }


def row_of(record: CallRecord, ingested: Ingested, flags: Flags, archived: Archived, archived_at: datetime) -> dict[str, object]:
    """The row of `recording`."""
    found = ingested.found
    agents = [[one.agent_id, record.ms_at(one.since), record.ms_at(one.until or record.over_at)] for one in record.agents]
    pauses = [[*stretch, one.why] for one, stretch in zip(record.pauses, record.paused_ms, strict=True)]
    return {
        **asdict(archived),
        **asdict(ingested.measures),
        **asdict(ingested.loudness),
        "archived_at": archived_at,
        "duration_ms": ingested.duration_ms,
        "number": record.number,
        "person": record.person,
        "lead_id": record.lead_id,
        "campaign": record.campaign,
        "agent_id": record.agent_id,
        "started_at": record.began_at or record.ended_at - timedelta(milliseconds=ingested.duration_ms),
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
        "flag_text": "\n".join(told(flag, flags[flag]) for flag in sorted(flags) if flags[flag]),
        "degraded": bool(flags.keys() & DEGRADED),
        "form": ingested.form,
        "team": record.team,
        "language": record.language,
        "disclosed_by": record.disclosed_by.value,
        "capture": record.captured.value,
        "agents_json": json.dumps(agents, ensure_ascii=False),
        "pauses_json": json.dumps(pauses, ensure_ascii=False),
        "paused_ms": sum(until - since for since, until in record.paused_ms),
    }
