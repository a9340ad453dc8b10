"""What a demonstration reports is what was recorded, and a promise it did not keep is never passed over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from config.database import writing
from config.load import init_site
from dialer import bootstrap
from dialer.demo import Report, RunningDemo
from recorder.store import RecordingRow

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def a_recording(call_id: str, disclosure: str, *, bridged: bool) -> dict[str, object]:
    """A row of the archive's table, with only what a report looks at filled in."""
    empty: dict[str, object] = {
        column.name: "" if column.type.python_type is str else 0
        for column in RecordingRow.__table__.columns
        if not column.nullable
    }
    times = {"archived_at": NOW, "started_at": NOW, "ended_at": NOW + timedelta(seconds=9)}
    about = {"path": f"{call_id}.flac", "packs_json": "[]", "abandoned": not bridged, "bridged_at": NOW if bridged else None}
    how = {"agents_json": "[]", "pauses_json": "[]", "form": "flac", "disclosed_by": "prompt_before", "capture": "whole_call"}
    return {**empty, **how, "call_id": call_id, "disclosure": disclosure, **times, **about}


def a_report(directory: Path, *recordings: dict[str, object]) -> Report:
    with bootstrap.opened(init_site(directory).directory) as parts:
        with writing(parts.database) as connection:
            connection.execute(insert(RecordingRow), list(recordings))
        return RunningDemo(parts, lambda: None).report()


def test_a_disclosure_that_nobody_followed_with_a_conversation_proves_nothing(tmp_path: Path) -> None:
    report = a_report(
        tmp_path / "site",
        a_recording("1", "proven", bridged=True),
        a_recording("2", "proven", bridged=False),
        a_recording("3", "absent", bridged=True),
    )
    assert report.recordings == 3
    assert report.disclosure_verified == 1


def test_every_broken_promise_is_told(tmp_path: Path) -> None:
    found = a_report(tmp_path / "site", a_recording("1", "proven", bridged=True))
    kept = replace(found, answered=1, bridged=1, problems=())
    assert kept.broken_promises == ()
    assert found.problems, "the file of the recording is not there"
    assert set(found.problems) <= set(found.broken_promises)
    for broken, says in (
        (replace(kept, finished=False), "did not finish"),
        (replace(kept, answered=2), "1 recordings of 2 answered calls"),
        (replace(kept, bridged=2, answered=1), "proven in 1 of 2 conversations"),
    ):
        (told,) = broken.broken_promises
        assert says in told


@pytest.mark.parametrize("answered", [0, 2])
def test_more_recordings_than_answers_are_as_wrong_as_fewer(tmp_path: Path, answered: int) -> None:
    found = a_report(tmp_path / "site", a_recording("1", "proven", bridged=True))
    assert len(replace(found, problems=(), answered=answered).broken_promises) == 1
