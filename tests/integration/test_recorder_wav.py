"""Raw files of the PBX: read in blocks, whole where a crash cut them, refused with the reason."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder import wav
from recorder.audio import load_prompt, write_flac
from recorder.ingest import Task, ingest
from recorder.plan import Flag
from recorder.wav import NotAudio
from tests.recorder_audio import RATE, Samples, joined, silence, speech, tone, wav_bytes

SOUND = speech(70, 2)


def a_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def read(path: Path) -> Samples:
    return joined(*wav.blocks(wav.inspect(path), size=999))


def test_a_closed_file_is_read_as_its_header_says(tmp_path: Path) -> None:
    path = a_file(tmp_path / "x.wav", wav_bytes(SOUND))
    found = wav.inspect(path)
    assert (found.closed, found.odd, found.duration_ms) == (True, False, 2000)
    assert (read(path) == SOUND).all()


def test_chunks_beside_the_audio_are_no_audio(tmp_path: Path) -> None:
    plain = wav_bytes(SOUND)
    extra = b"LIST" + struct.pack("<I", 5) + b"hello\x00"  # an odd length, padded
    body = plain[12:36] + extra + plain[36:]
    path = a_file(tmp_path / "x.wav", b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    assert wav.inspect(path).closed
    assert (read(path) == SOUND).all()


@pytest.mark.parametrize("sizes", [(0, 0), (36, 0), (0xFFFFFFFF, 0xFFFFFFFF), (1, 2), (36 + 32_000, 32_000)])
def test_whatever_a_crash_left_in_the_header_the_audio_is_as_long_as_the_file(tmp_path: Path, sizes: tuple[int, int]) -> None:
    sound = joined(SOUND, tone(500, 1))
    content = bytearray(wav_bytes(sound))
    struct.pack_into("<I", content, 4, sizes[0])
    struct.pack_into("<I", content, 40, sizes[1])
    path = a_file(tmp_path / "x.wav", bytes(content))
    assert not wav.inspect(path).closed
    assert (read(path) == sound).all()
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(length=st.integers(0, 600))
def test_cut_anywhere_a_file_is_read_to_its_last_whole_sample_or_refused(tmp_path: Path, length: int) -> None:
    path = a_file(tmp_path / "x.wav", wav_bytes(SOUND, closed=False)[:length])
    if 0 < length < 44:
        with pytest.raises(NotAudio):
            wav.inspect(path)
        return
    found = wav.inspect(path)
    assert found.samples == max(0, length - 44) // 2
    assert found.odd == (length % 2 == 1)
    assert joined(silence(0), *wav.blocks(found)).tolist() == SOUND[: found.samples].tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"RIFF\0\0\0\0WAVE" + tail))
def test_no_bytes_whatever_crash_the_reader(tmp_path: Path, content: bytes) -> None:
    path = a_file(tmp_path / "x.wav", content)
    try:
        found = wav.inspect(path)
    except NotAudio:
        return
    assert found.offset + found.samples * 2 <= len(content)


def test_a_file_that_shrinks_while_it_is_read_is_no_silence(tmp_path: Path) -> None:
    path = a_file(tmp_path / "x.wav", wav_bytes(SOUND))
    found = wav.inspect(path)
    path.write_bytes(wav_bytes(SOUND)[:-2])
    with pytest.raises(NotAudio, match="shorter"):
        list(wav.blocks(found))


def test_both_sides_run_in_step_and_the_shorter_ends_in_silence(tmp_path: Path) -> None:
    left = wav.inspect(a_file(tmp_path / "l.wav", wav_bytes(tone(400, 1))))
    right = wav.inspect(a_file(tmp_path / "r.wav", wav_bytes(tone(800, 0.5))))
    both = np.concatenate(list(wav.stereo(left, right, size=777)))
    assert (both[:, 0] == tone(400, 1)).all()
    assert (both[:, 1] == joined(tone(800, 0.5), silence(0.5))).all()
    alone = np.concatenate(list(wav.stereo(None, right, size=777)))
    assert not alone[:, 0].any()


def test_the_first_sound_is_found_where_it_is(tmp_path: Path) -> None:
    path = a_file(tmp_path / "x.wav", wav_bytes(joined(tone(500, 1), silence(1.5), tone(500, 1))))
    found = wav.inspect(path)
    assert wav.first_sound(found, 0, 100) == 0
    assert wav.first_sound(found, 1000, 100) == 2500
    assert wav.first_sound(found, 1000, 10_000) is None


def test_an_archived_file_is_sample_for_sample_what_was_recorded(tmp_path: Path) -> None:
    stereo = np.stack([SOUND, tone(700, 2)], axis=1)
    frames = write_flac(tmp_path / "x.flac", [stereo[:5000], stereo[5000:]])
    audio, rate = soundfile.read(tmp_path / "x.flac", dtype="int16")
    assert (frames, rate) == (2 * RATE, RATE)
    assert (audio == stereo).all()


@pytest.mark.parametrize(("rate", "channels", "subtype"), [(8000, 1, "PCM_16"), (16_000, 2, "PCM_16"), (44_100, 1, "PCM_24")])
def test_a_prompt_of_any_rate_becomes_eight_kilohertz_mono(tmp_path: Path, rate: int, channels: int, subtype: str) -> None:
    content = io.BytesIO()
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    soundfile.write(content, np.stack([sine] * channels, axis=1), rate, format="WAV", subtype=subtype)
    prompt = load_prompt(a_file(tmp_path / "p.wav", content.getvalue()))
    assert prompt.dtype == np.int16
    assert abs(len(prompt) - 2 * RATE) <= 2
    assert abs(int(np.max(np.abs(prompt))) - 16_384) < 400


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"ID3 not a wav" * 50, wav_bytes(SOUND)[:40]])
def test_a_prompt_that_is_no_wav_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotAudio, match=r"p\.wav"):
        load_prompt(a_file(tmp_path / "p.wav", content))


def test_working_on_a_call_again_finds_the_same_and_changes_no_raw_file(tmp_path: Path) -> None:
    left = wav_bytes(joined(SOUND, silence(1)), closed=False) + b"\x01"
    paths = [a_file(tmp_path / f"{side}.wav", left) for side in ("agent", "customer")]
    task = Task("c1", paths[0], paths[1], tmp_path / "part", None, agent_joined=True)
    first = ingest(task)
    encoded = (tmp_path / "part").read_bytes()
    assert first.flags.keys() == {Flag.HEADER_REPAIRED, Flag.ODD_LENGTH}
    assert ingest(task) == first
    assert (tmp_path / "part").read_bytes() == encoded
    assert [path.read_bytes() for path in paths] == [left, left]


PEAK = """
import resource, sys
from pathlib import Path
from recorder.ingest import Task, ingest

for length in ("minute", "three hours"):
    sides = [Path(f"{length}-{side}.wav") for side in ("agent", "customer")]
    found = ingest(Task("c1", sides[0], sides[1], Path("part"), None, agent_joined=True))
    print(found.duration_ms, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, *found.flags)
"""


def test_a_call_of_three_hours_is_worked_on_in_the_memory_of_a_short_one(tmp_path: Path) -> None:
    seconds = {"minute": 60, "three hours": 3 * 3600}
    for length, lasts in seconds.items():
        for side in ("agent", "customer"):
            with a_file(tmp_path / f"{length}-{side}.wav", wav_bytes(SOUND, closed=False)).open("r+b") as file:
                file.truncate(44 + lasts * RATE * 2)  # two seconds of speech, then silence that takes no room on the disk
    done = subprocess.run([sys.executable, "-c", PEAK], cwd=tmp_path, capture_output=True, text=True, check=True)
    minute, three_hours = (line.split() for line in done.stdout.splitlines())
    assert (minute[0], three_hours[0]) == ("60000", "10800000")
    assert three_hours[2:] == [Flag.HEADER_REPAIRED.value]
    grown_bytes = (int(three_hours[1]) - int(minute[1])) * 1024
    assert grown_bytes < seconds["three hours"] * RATE * 2 // 5  # of 346 MB of audio: marks and levels of each frame
