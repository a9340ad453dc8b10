"""Prompts from the command line: spoken by the real espeak-ng, taken from real WAV files, and never changed."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from recorder.audio import load_prompt
from recorder.disclosure import find, template
from tests.cli_site import Run, told

Audio = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture
def folder(site: Path) -> Path:
    """Where this site's PBX finds its prompts."""
    made = site / "prompts"
    made.mkdir(exist_ok=True)
    return made


def noise(seconds: float, rate: int, peak: float = 0.3) -> Audio:
    """Something with enough in it to be told from other sounds."""
    return np.random.default_rng(1).uniform(-peak, peak, int(seconds * rate))


@pytest.mark.parametrize(
    ("prompt", "text"),
    [("welcome-en", "Calls are recorded, so that we can help you."), ("welcome-zh", "ben3 tong1 dian4hua4 hui4 bei4 lu4yin1.")],
)
def test_a_spoken_prompt_can_be_played_by_asterisk_and_proven(run: Run, folder: Path, prompt: str, text: str) -> None:
    made = told(run("prompt", "make", prompt, "--text", text, "--json"))
    path = folder / f"{prompt}.wav"
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() / 8000 == pytest.approx(made["duration_ms"] / 1000, abs=0.01)
    assert made["fault"] == ""
    samples = load_prompt(path)
    found = find([samples], template(samples))
    assert found is not None
    assert found.coverage == 1.0
    assert path.stat().st_mode & 0o777 == 0o644, "the PBX runs as somebody else"


def test_a_file_of_another_rate_and_width_is_converted(run: Run, folder: Path, tmp_path: Path) -> None:
    studio = tmp_path / "studio.wav"
    soundfile.write(studio, np.stack([noise(3, 44100)] * 2, axis=1), 44100, subtype="PCM_24")
    assert told(run("prompt", "add", "studio-en", str(studio), "--json"))["duration_ms"] == pytest.approx(3000, abs=20)
    assert (folder / "studio-en.wav").is_file()


def test_a_prompt_is_never_changed(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.wav"
    soundfile.write(file, noise(2, 8000), 8000)
    before = told(run("prompt", "add", "one-en", str(file), "--json"))
    soundfile.write(file, noise(3, 8000), 8000)
    assert "give the new one an id of its own" in run("prompt", "add", "one-en", str(file), expect=2).stderr
    assert told(run("prompt", "list", "--json"))["prompts"][0]["prompt"]["sha256"] == before["sha256"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("make", "welcome-en", "--text", "本通电话会被录音"), "pinyin"),
        (("make", "welcome", "--text", "hello"), "--voice"),
        (("make", "../welcome-en", "--text", "Calls are recorded here."), "prompt"),
        (("add", "short-en", "short.wav"), "0.6 s"),
        (("add", "none-en", "missing.wav"), "missing.wav"),
        (("add", "text-en", "text.wav"), "text.wav"),
    ],
)
def test_what_is_no_prompt_is_refused_in_one_line_and_leaves_nothing(
    run: Run, folder: Path, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    soundfile.write(tmp_path / "short.wav", noise(0.3, 8000), 8000)
    (tmp_path / "text.wav").write_text("no sound at all")
    given = [str(tmp_path / word) if word.endswith(".wav") else word for word in words]
    assert why in run("prompt", *given, expect=2).stderr
    assert list(folder.iterdir()) == []


def test_the_list_says_what_is_wrong_who_uses_it_and_what_is_missing(run: Run, folder: Path, tmp_path: Path) -> None:
    for name, peak in (("good-en", 0.3), ("soft-en", 0.005), ("loud-en", 1.5)):
        soundfile.write(tmp_path / "one.wav", np.clip(noise(2, 8000, peak), -1, 1), 8000)
        run("prompt", "add", name, str(tmp_path / "one.wav"))
    (folder / "broken-en.wav").write_bytes(b"RIFF")
    run("campaign", "create", "spring", "--disclosure", "good-en", "--safe-harbour", "gone-en")
    listed = told(run("prompt", "list", "--json"))
    faults = {one["prompt"]["prompt"]: one["prompt"]["fault"] for one in listed["prompts"]}
    assert faults["good-en"] == ""
    assert "too soft" in faults["soft-en"]
    assert "clipped" in faults["loud-en"]
    assert "broken-en.wav" in faults["broken-en"]
    assert {one["prompt"]["prompt"]: one["campaigns"] for one in listed["prompts"]}["good-en"] == ["spring"]
    assert listed["missing"] == {"gone-en": ["spring"]}
