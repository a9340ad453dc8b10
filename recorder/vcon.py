"""How is one recording told as a vCon, the IETF's container of a conversation, so that another system understands it?

Contract: draft-ietf-vcon-vcon-core-04, the unsigned form: parties, one dialog of type recording with one channel for each side,
the speech measures and the transcript as analysis, and the proof of disclosure as attachment. Nothing but parameters of the core
is used, so that no extension need be named. Whoever writes the file puts in the audio. Nothing is read or written here.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from recorder.catalogue import Recording
from recorder.naming import Side
from recorder.transcript import FORMAT as TRANSCRIPT_FORMAT
from recorder.transcript import Phrase, Transcript

Json = dict[str, Any]

VERSION = "0.4.0"  # of the syntax, as the draft fixes it
VENDOR = "Ringfence"
MEDIATYPES = {"wav": "audio/x-wav", "mp3": "audio/x-mp3", "opus": "audio/ogg", "ogg": "audio/ogg", "flac": "audio/flac"}

_MEASURES = (
    "agent_talk_ms",
    "agent_silence_ms",
    "customer_talk_ms",
    "customer_silence_ms",
    "overtalk_ms",
    "longest_silence_ms",
    "dead_air_ms",
    "agent_longest_ms",
    "customer_longest_ms",
    "agent_interruptions",
    "customer_interruptions",
    "agent_loudness_db",
    "customer_loudness_db",
    "agent_clipped",
    "customer_clipped",
    "agent_first_word_ms",
    "customer_first_word_ms",
)
_DISCLOSURE = (
    "prompt",
    "prompt_sha256",
    "language",
    "disclosed_by",
    "disclosure_score",
    "disclosure_start_ms",
    "disclosure_end_ms",
    "agent_first_word_ms",
)


def vcon(
    recording: Recording, form: str, seller: str, host: str, created_at: datetime, *, transcript: Transcript | None = None
) -> Json:
    """The vCon of a recording whose audio is in `form`, made at `created_at` by the machine `host`; the dialog has no body yet.

    The left channel is the agents', or where there was none the seller's, whose announcement is heard there; the right one
    the customer's. Raises ValueError for a form without a media type.
    """
    if form not in MEDIATYPES:
        raise ValueError(f"a vCon cannot hold {form!r}: choose one of {', '.join(MEDIATYPES)}")
    agents = list(dict.fromkeys([one.agent_id for one in recording.agents] + [recording.agent_id or ""]))
    agents = [agent_id for agent_id in agents if agent_id]
    names = [f"agent {agent_id}" for agent_id in agents] or [seller]
    ours = [{"name": name, "validation": "none"} for name in names]
    customer = len(ours)
    start = _date(recording.started_at)
    return {
        "vcon": VERSION,
        "uuid": uuid8(recording.call_id, host, created_at),
        "created_at": _date(created_at),
        "subject": recording.campaign,
        "parties": [*ours, {"tel": recording.number}],
        "dialog": [
            {
                "type": "recording",
                "start": start,
                "duration": recording.duration_ms / 1000,
                "parties": [list(range(customer)) if customer > 1 else 0, customer],
                "mediatype": MEDIATYPES[form],
                "filename": f"{recording.call_id}.{form}",
                "party_history": _history(recording, agents),
            }
        ],
        "analysis": [
            {
                "type": "report",
                "dialog": 0,
                "vendor": VENDOR,
                "product": "speech measures",
                "schema": "ringfence-measures-1",
                "mediatype": "application/json",
                "encoding": "json",
                "body": {name: getattr(recording, name) for name in _MEASURES} | {"disposition": recording.disposition},
            },
            *([] if transcript is None else [_transcript(recording, transcript, agents, customer)]),
        ],
        "attachments": [
            {
                "purpose": "proof of disclosure",
                "start": start,
                "party": 0,
                "dialog": 0,
                "mediatype": "application/json",
                "encoding": "json",
                "body": {
                    **{name: getattr(recording, name) for name in _DISCLOSURE},
                    "verdict": recording.disclosure.value,
                    "packs": [{"id": pack.id, "version": pack.version, "sha256": pack.sha256} for pack in recording.packs],
                },
            }
        ],
    }


def _transcript(recording: Recording, transcript: Transcript, agents: list[str], customer: int) -> Json:
    """What was said, each phrase by the party who said it: of several agents the one who was on the call when it began."""

    def party(phrase: Phrase) -> int:
        if phrase.side is Side.CUSTOMER:
            return customer
        there = [one.agent_id for one in recording.agents if one.from_ms <= phrase.start_ms < one.until_ms]
        return agents.index(there[-1]) if there else 0

    phrases = [
        {
            "party": party(phrase),
            "start_ms": phrase.start_ms,
            "end_ms": phrase.end_ms,
            "text": phrase.text,
            "confidence": phrase.confidence,
        }
        for phrase in transcript.phrases
    ]
    return {
        "type": "transcript",
        "dialog": 0,
        "vendor": VENDOR,
        "product": transcript.made_by,
        "schema": TRANSCRIPT_FORMAT,
        "mediatype": "application/json",
        "encoding": "json",
        "body": {"language": transcript.language, "phrases": phrases},
    }


def uuid8(call_id: str, host: str, created_at: datetime) -> str:
    """A UUID of version 8 (RFC 9562) as the draft has it: milliseconds, twelve bits (here of the call), the host's SHA-1."""
    milliseconds = int(created_at.timestamp() * 1000) & (2**48 - 1)
    of_call = int.from_bytes(hashlib.sha256(f"{call_id} {created_at.isoformat()}".encode()).digest()[:2]) & 0xFFF
    of_host = int.from_bytes(hashlib.sha1(host.encode(), usedforsecurity=False).digest()[:8]) >> 2
    number = milliseconds << 80 | 8 << 76 | of_call << 64 | 0b10 << 62 | of_host
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _history(recording: Recording, agents: list[str]) -> list[Json]:
    """When each agent joined and left."""
    events = []
    for one in recording.agents:
        for event, offset_ms in (("join", one.from_ms), ("drop", one.until_ms)):
            at = recording.started_at + timedelta(milliseconds=offset_ms)
            events.append({"party": agents.index(one.agent_id), "time": _date(at), "event": event})
    return events


def _date(at: datetime) -> str:
    """As RFC 3339 has it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
