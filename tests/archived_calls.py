"""Recordings that are in an archive without a PBX, a spool or a codec: any bytes will do for what is proven about them."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from config.database import Base, open_database, writing
from recorder import archive_head
from recorder.archive_chain import signed_by
from recorder.filing import file_recording
from recorder.sealing import Role
from recorder.vault import Archived, Vault
from tests.recorder_audio import ANSWERED, SITE_KEY


def a_signed_database(url: str) -> Engine:
    """A database with all tables known so far, whose transactions add to the archive's chain."""
    engine = signed_by(open_database(url), SITE_KEY)
    Base.metadata.create_all(engine)
    return engine


def a_kept_call(vault: Vault, call_id: str, audio: bytes = b"audio", attempt: int = 1) -> tuple[Archived, dict[str, object]]:
    """A call whose files are in the archive and of which the index knows nothing yet; its row."""
    locked = vault.locked(call_id)
    part = vault.unfinished(call_id, ANSWERED, attempt)
    with part.open("wb") as file:
        if locked is None:
            file.write(audio)
        else:
            writer = locked.seal(Role.AUDIO).writer(file)
            writer.write(audio)
            writer.finish()
    kept = vault.keep(part, call_id, ANSWERED, {"call": call_id}, locked=locked)
    return kept, a_row(kept) | {"wrapped": None if locked is None else locked.wrapped}


def an_archived_call(engine: Engine, vault: Vault, call_id: str, audio: bytes = b"audio", at: datetime = ANSWERED) -> Archived:
    """A call that is in the archive, in its index and in its chain."""
    kept, row = a_kept_call(vault, call_id, audio)
    wrapped = row.pop("wrapped")
    with writing(engine) as connection:
        file_recording(connection, row, kept, wrapped, at)  # type: ignore[arg-type] # one value of a row is none of a column
    archive_head.publish(engine, vault.root)
    return kept


def a_row(kept: Archived) -> dict[str, object]:
    """The row of a recording, with something in every column that may hold nothing."""
    counts = ("agent_talk_ms", "agent_silence_ms", "customer_talk_ms", "customer_silence_ms", "overtalk_ms", "longest_silence_ms")
    offsets = ("disclosure_start_ms", "disclosure_end_ms", "agent_first_word_ms", "agent_audio_from_ms", "customer_first_word_ms")
    texts = ("number", "person", "lead_id", "campaign", "agent_id", "disposition", "prompt", "prompt_sha256")
    times = ("archived_at", "started_at", "announced_at", "bridged_at", "ended_at")
    return {
        **{name: 1000 + place for place, name in enumerate((*counts, *offsets))},
        **{name: f"{name} of {kept.call_id}"[:60] for name in texts},
        **dict.fromkeys(times, ANSWERED),
        "call_id": kept.call_id,
        "path": kept.path,
        "sha256": kept.sha256,
        "sidecar_sha256": kept.sidecar_sha256,
        "bytes": kept.bytes,
        "duration_ms": 20_000,
        "abandoned": False,
        "packs_json": "[]",
        "disclosure": "proven",
        "disclosure_score": 0.875,
        "agent_loudness_db": -21.5,
        "customer_loudness_db": -30.25,
        "flags": "",
    }


def files_below(root: Path) -> list[Path]:
    """Every file below `root`, hidden ones too."""
    return sorted(path for path in root.rglob("*") if path.is_file())
