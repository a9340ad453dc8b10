"""The audio of a call, worked on whole: what is measured, flagged and encoded, and what tools of others say of it."""

import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recorder import audio, ffmpeg
from recorder.audio import EncodingFailed, NoEncoder, convert
from recorder.ingest import Ingested, Task, ingest
from recorder.naming import Side
from recorder.peaks import Waveform
from recorder.plan import Flag
from recorder.segments import Segment
from tests.recorder_audio import (
    RATE,
    Samples,
    a_conversation,
    joined,
    mu_law,
    padded,
    silence,
    speech,
    tone,
    tone_level,
    wav_bytes,
)

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def worked_on(directory: Path, sides: Mapping[Side, Samples | bytes], **changes: object) -> Ingested:
    """The call of these sides (samples, or a whole file), ingested; the audio is in `directory`/part."""
    paths = {}
    for side, content in sides.items():
        paths[side] = directory / f"{side.value}.wav"
        paths[side].write_bytes(content if isinstance(content, bytes) else wav_bytes(content))
    task = Task("c1", paths.get(Side.AGENT), paths.get(Side.CUSTOMER), directory / "part", None, agent_joined=True)
    return ingest(Task(**{name: getattr(task, name) for name in Task.__slots__} | changes))


def stereo(left: Samples, right: Samples) -> Samples:
    return np.stack([left, right], axis=1)


def in_another_form(samples: Samples, rate: int, subtype: str, channels: int = 1, *, form: str = "WAV") -> bytes:
    """The sound as a WAV of another rate, coding or number of channels, written by libsndfile."""
    at = np.arange(len(samples) * rate // RATE) * RATE / rate
    sound = np.interp(at, np.arange(len(samples)), samples) / 32768
    content = io.BytesIO()
    soundfile.write(content, np.stack([sound] * channels, axis=1), rate, format=form, subtype=subtype)
    return content.getvalue()


@pytest.mark.parametrize(
    ("rate", "subtype", "channels", "form"),
    [
        (8000, "ULAW", 1, "WAV"),
        (8000, "ALAW", 1, "WAV"),
        (16_000, "PCM_16", 1, "WAV"),
        (48_000, "PCM_16", 2, "WAVEX"),
        (44_100, "PCM_24", 2, "WAV"),
        (8000, "PCM_U8", 1, "WAV"),
        (32_000, "FLOAT", 1, "WAVEX"),
    ],
)
def test_a_file_of_another_form_is_converted_and_flagged_with_what_it_was(
    tmp_path: Path, rate: int, subtype: str, channels: int, form: str
) -> None:
    sides = a_conversation() | {Side.CUSTOMER: padded(tone(700, 20), 20)}
    strange = in_another_form(sides[Side.CUSTOMER], rate, subtype, channels, form=form)
    found = worked_on(tmp_path, {Side.AGENT: sides[Side.AGENT], Side.CUSTOMER: strange})
    assert found.flags.keys() == {Flag.CONVERTED}
    assert f"customer: came as {rate} Hz" in found.flags[Flag.CONVERTED]
    assert found.duration_ms == 20_000
    archived, _ = soundfile.read(tmp_path / "part", dtype="int16")
    assert (archived[:, 0] == sides[Side.AGENT]).all()
    assert tone_level(archived[RATE : 2 * RATE, 1], 700) == pytest.approx(6000, rel=0.04)


@pytest.mark.parametrize("cut_off", [1, 2, 3, 700])
def test_a_converted_file_cut_off_by_a_crash_is_read_to_its_last_whole_frame(tmp_path: Path, cut_off: int) -> None:
    whole = in_another_form(tone(700, 3), 48_000, "PCM_16", 2)
    found = worked_on(tmp_path, {Side.AGENT: tone(500, 3), Side.CUSTOMER: whole[:-cut_off]})
    assert {Flag.CONVERTED, Flag.HEADER_REPAIRED} <= found.flags.keys()
    assert found.duration_ms == 3000


def test_a_silent_side_is_flagged_with_what_was_measured(tmp_path: Path) -> None:
    found = worked_on(tmp_path, {Side.AGENT: speech(1, 9), Side.CUSTOMER: silence(9)})
    assert found.flags == {Flag.CUSTOMER_SILENT: "nothing above -50 dBFS in 9.0 s"}
    assert found.loudness.customer_loudness_db is None
    assert found.loudness.agent_loudness_db is not None


def test_the_second_agent_who_is_not_in_the_recording_is_flagged_though_the_first_is(tmp_path: Path) -> None:
    line = joined(speech(1, 8), silence(12))
    agents = (Segment(0, 8000), Segment(8000, 20_000))
    found = worked_on(tmp_path, {Side.AGENT: line, Side.CUSTOMER: speech(2, 20)}, joined=agents)
    assert found.flags == {Flag.AGENT_SILENT: "nothing above -50 dBFS from 8.0 s to 20.0 s, while an agent was joined"}
    assert worked_on(tmp_path, {Side.AGENT: line, Side.CUSTOMER: speech(2, 20)}).flags == {}


def test_a_side_cut_off_at_full_scale_is_flagged_with_its_share(tmp_path: Path) -> None:
    loud = mu_law((speech(3, 9).astype(np.int32) * 16).clip(-32768, 32767).astype(np.int16))
    found = worked_on(tmp_path, {Side.AGENT: speech(1, 9), Side.CUSTOMER: loud})
    assert found.flags.keys() == {Flag.CUSTOMER_CLIPPED}
    assert found.loudness.customer_clipped > 1000
    assert found.loudness.agent_clipped == 0
    assert str(found.loudness.customer_clipped) in found.flags[Flag.CUSTOMER_CLIPPED]


def test_lengths_that_differ_are_flagged_with_both(tmp_path: Path) -> None:
    found = worked_on(tmp_path, {Side.AGENT: speech(1, 9), Side.CUSTOMER: speech(2, 7.5)})
    assert found.flags == {Flag.LENGTHS_DIFFER: "customer 7.5 s, the other side 9.0 s"}


def test_the_waveform_shows_the_prompt_and_the_agent_where_they_are_heard(tmp_path: Path) -> None:
    found = worked_on(tmp_path, dict(a_conversation()))
    assert isinstance(found.waveform, Waveform)
    agent = np.frombuffer(found.waveform.agent, np.int8).reshape(-1, 2)
    assert not agent[:14].any()  # the first 0.3 s of 20 s
    assert agent[20:180, 1].max() > 25
    assert not agent[190:210].any()  # between the prompt and the agent


def test_a_paused_stretch_is_no_dead_air(tmp_path: Path) -> None:
    sides: dict[Side, Samples | bytes] = {Side.AGENT: joined(speech(1, 4), silence(10), speech(3, 4)), Side.CUSTOMER: silence(18)}
    assert worked_on(tmp_path, sides).measures.dead_air_ms > 9000
    assert worked_on(tmp_path, sides, paused=(Segment(4100, 14_000),)).measures.dead_air_ms == 0


@pytest.fixture(params=["ffmpeg", "libsndfile"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Opus by ffmpeg, and as on a machine without it."""
    if request.param == "libsndfile":
        monkeypatch.setattr(ffmpeg, "program", lambda _form: None)
    elif shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    return str(request.param)


def test_opus_keeps_the_length_and_each_side_to_itself(tmp_path: Path, encoder: str) -> None:
    left, right = joined(tone(440, 3), silence(3)), joined(silence(3), tone(700, 3))
    found = worked_on(tmp_path, {Side.AGENT: left, Side.CUSTOMER: right}, form="opus")
    assert (found.form, found.duration_ms) == ("opus", 6000)
    kept, rate = soundfile.read(tmp_path / "part", dtype="int16")
    assert (rate, len(kept)) == (RATE, 6 * RATE), encoder
    middle = slice(RATE, 2 * RATE)
    assert tone_level(kept[middle, 0], 440) == pytest.approx(6000, rel=0.1)
    assert tone_level(kept[middle, 1], 440) < 6  # 60 dB below
    assert tone_level(kept[4 * RATE : 5 * RATE, 1], 700) == pytest.approx(6000, rel=0.1)
    assert tone_level(kept[4 * RATE : 5 * RATE, 0], 700) < 6
    assert (tmp_path / "part").stat().st_size < 6 * RATE  # a quarter of the PCM, at most


@needs_ffmpeg
def test_opus_is_read_by_a_tool_we_did_not_write(tmp_path: Path) -> None:
    worked_on(tmp_path, dict(a_conversation()), form="opus")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(tmp_path / "part")],
        capture_output=True,
        check=True,
        text=True,
    )
    probed = json.loads(told.stdout)
    assert (probed["streams"][0]["codec_name"], probed["streams"][0]["channels"]) == ("opus", 2)
    assert float(probed["format"]["duration"]) == pytest.approx(20, abs=0.1)


@needs_ffmpeg
def test_the_same_audio_gives_the_same_opus_bytes(tmp_path: Path) -> None:
    sides = dict(a_conversation())
    worked_on(tmp_path, sides, form="opus")
    first = (tmp_path / "part").read_bytes()
    worked_on(tmp_path, sides, form="opus")
    assert (tmp_path / "part").read_bytes() == first


def test_opus_that_is_not_as_loud_as_what_was_recorded_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(program: str, form: str, target: ffmpeg.Sink, blocks: object, tags: object = None) -> int:
        return real(program, form, target, (block // 2 for block in blocks))  # type: ignore[attr-defined] # samples

    real = ffmpeg.encode
    program = ffmpeg.program("opus")
    if program is None:
        pytest.skip("ffmpeg is not installed")
    monkeypatch.setattr(ffmpeg, "encode", halved)
    with pytest.raises(EncodingFailed, match="second 0 of the agent's side is not as loud"):
        audio.write(tmp_path / "x.opus", [stereo(speech(1, 3), speech(2, 3))], "opus")


def test_an_ffmpeg_that_fails_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    program = ffmpeg.program("opus")
    if program is None:
        pytest.skip("ffmpeg is not installed")
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho 'no memory for an encoder' >&2\nexit 3\n")
    broken.chmod(0o755)
    with (tmp_path / "x").open("wb") as target, pytest.raises(ffmpeg.FfmpegFailed, match="no memory for an encoder"):
        ffmpeg.encode(str(broken), "opus", target, [stereo(speech(1, 3), speech(2, 3))] * 50)


@needs_ffmpeg
def test_a_disk_that_refuses_opus_is_an_error_with_its_number(tmp_path: Path) -> None:
    program = ffmpeg.program("opus")
    assert program is not None
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        ffmpeg.encode(program, "opus", full, [stereo(speech(1, 3), speech(2, 3))] * 20)


@needs_ffmpeg
def test_an_exported_mp3_has_no_holes_and_its_sides_are_apart(tmp_path: Path) -> None:
    worked_on(tmp_path, {Side.AGENT: tone(440, 6), Side.CUSTOMER: tone(700, 6)})
    convert(tmp_path / "part", tmp_path / "x.mp3", "mp3")
    argv = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "x.mp3"), "-f", "s16le", "-"]
    heard = np.frombuffer(subprocess.run(argv, capture_output=True, check=True).stdout, "<i2").reshape(-1, 2)
    assert abs(len(heard) - 6 * RATE) < RATE // 5
    for second in range(1, 5):
        stretch = heard[second * RATE : (second + 1) * RATE]
        assert tone_level(stretch[:, 0], 440) == pytest.approx(6000, rel=0.1)
        assert tone_level(stretch[:, 0], 700) < 60
        assert tone_level(stretch[:, 1], 700) == pytest.approx(6000, rel=0.1)


def test_without_ffmpeg_there_is_no_mp3_and_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "program", lambda _form: None)
    worked_on(tmp_path, dict(a_conversation()))
    with pytest.raises(NoEncoder, match="install ffmpeg"):
        convert(tmp_path / "part", tmp_path / "x.mp3", "mp3")
    assert not (tmp_path / "x.mp3").exists()


def test_another_form_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="flac, opus"):
        audio.write(tmp_path / "x", [], "mp3")
