"""Calls that are over come into an archive by the recorder's own service, and out of it again, to be judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.clock import SystemClock
from config.database import reading, writing
from recorder.catalogue import Recording, show
from recorder.record import CallRecord
from recorder.service import Archivist
from recorder.store import alerts, enqueue
from sip.lab import LabInfo
from tests.floor_site import wait_until
from tests.recorder_audio import a_database, a_vault
from tests.tones import Stretch, faults


@dataclass(frozen=True)
class Rung:
    """A call that is over: on which way, what was played in it, and what the floor would tell of it."""

    way: str
    record: CallRecord
    stretches: tuple[Stretch, ...]
    ending: float  # when the PBX was told to end it, in seconds from the answer

    @property
    def lasted(self) -> float:
        assert self.record.answered_at
        return (self.record.ended_at - self.record.answered_at).total_seconds()


@dataclass(frozen=True, eq=False)
class Kept:
    """A call out of the archive: its recording decrypted to a file, and what somebody was told of it."""

    rung: Rung
    row: Recording
    file: Path
    alerts: tuple[tuple[str, str], ...]  # kind and text

    def faults(self) -> list[str]:
        return faults(self.file, self.rung.stretches, self.rung.ending, self.rung.lasted)


def archived(info: LabInfo, calls: Sequence[Rung], directory: Path) -> list[Kept]:
    """Has the recorder archive what the PBX left of these calls, and takes it out again."""
    directory.mkdir()
    engine, vault, clock = a_database(directory / "site.db"), a_vault(directory), SystemClock()
    archivist = Archivist(engine, clock, info.spool, vault, info.prompts, workers=2)
    try:
        with writing(engine) as connection:
            for call in calls:
                enqueue(connection, call.record)
        left = len(calls)

        def settled() -> bool:
            nonlocal left
            left -= archivist.work_once()
            return left == 0

        wait_until(settled, "all calls are archived", 60.0 + 5.0 * len(calls))
        with reading(engine) as connection:
            told = alerts(connection)
        found = []
        for call in calls:
            row = show(engine, call.record.call_id)
            assert isinstance(row, Recording), row
            file = directory / f"{row.call_id}.flac"
            with vault.open_audio(row.archived) as audio:
                file.write_bytes(audio.read())
            mine = tuple((one.kind, one.text) for one in told if one.call_id == row.call_id)
            found.append(Kept(call, row, file, mine))
        return found
    finally:
        archivist.close()
        engine.dispose()
