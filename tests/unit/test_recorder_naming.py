"""Names from outside cannot point anywhere but at their own place."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.naming import (
    HostileName,
    RawName,
    Side,
    audio_path,
    folder,
    parse_part_name,
    parse_raw_name,
    part_name,
    raw_name,
    sidecar_path,
)

AT = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
HOSTILE = ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\x00b", "a\n", "-rf", "a.b", "é", "a b", "x" * 65, "．．"]


def test_a_recording_lies_in_the_utc_day_of_its_answer() -> None:
    late_in_new_york = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert audio_path("abc", late_in_new_york) == "2026/03/02/abc.flac"
    assert sidecar_path(audio_path("abc", late_in_new_york)) == "2026/03/02/abc.json"


def test_a_naive_time_has_no_folder() -> None:
    with pytest.raises(ValueError, match="aware"):
        folder(datetime(2026, 3, 1))  # noqa: DTZ001 -- the naive time is the fault under test


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_is_refused_wherever_it_would_become_a_file(name: str) -> None:
    with pytest.raises(HostileName):
        audio_path(name, AT)
    with pytest.raises(HostileName):
        raw_name(name, Side.AGENT)
    with pytest.raises(HostileName):
        part_name(name, 1)
    assert parse_raw_name(f"{name}-agent.wav") is None
    assert parse_part_name(f".{name}.1.part") is None


@given(st.text(max_size=100))
def test_whatever_is_accepted_stays_in_its_folder(name: str) -> None:
    try:
        path = PurePosixPath("archive") / audio_path(name, AT)
    except HostileName:
        return
    assert path.parts == ("archive", "2026", "03", "02", f"{name}.flac")


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True), st.sampled_from(Side))
def test_the_name_of_a_raw_file_tells_its_call_and_side(call_id: str, side: Side) -> None:
    assert parse_raw_name(raw_name(call_id, side)) == RawName(call_id, side)
    assert parse_part_name(part_name(call_id, 3)) == call_id


@pytest.mark.parametrize("name", ["agent.wav", "-agent.wav", "x-agent.WAV", "x-agent.wav.bak", "x-other.wav", "x-agent", "x.wav"])
def test_a_file_the_pbx_was_not_told_to_write_belongs_to_no_call(name: str) -> None:
    assert parse_raw_name(name) is None
