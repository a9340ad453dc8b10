"""The real engine hears real speech of a telephone line, in two languages, each side for itself.

Runs where faster-whisper is installed and RINGFENCE_TRANSCRIPT_MODEL names the folder of a multilingual model. What is asserted
is what a small model gets right of a synthetic voice: docs/recording-and-qa.md tells how well one heard.
"""

import os
from collections.abc import Iterator
from functools import partial
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from recorder.hearing import Hearing
from recorder.naming import Side
from recorder.transcribing import Transcriber
from recorder.transcript import Transcript
from recorder.whisper import EngineMissing, Whisper, check
from sip.unpack import Tree
from sip.voices import RATE_HZ, on_the_line, say
from tests.recorder_audio import Samples, Site, a_record, leave, mu_law, silence

MODEL = os.environ.get("RINGFENCE_TRANSCRIPT_MODEL", "")
HEARS = bool(MODEL) and util.find_spec("faster_whisper") is not None
needs_engine = pytest.mark.skipif(not HEARS, reason="needs faster-whisper, and RINGFENCE_TRANSCRIPT_MODEL with a model's folder")

Line = tuple[Side, float, str]  # who, from which second, which words
ENGLISH: tuple[Line, ...] = (
    (Side.AGENT, 1, "We have a new plan with calls and data for nineteen dollars a month."),
    (Side.CUSTOMER, 8, "That sounds interesting. What is this about?"),
    (Side.CUSTOMER, 14, "Please call me again on Monday morning."),
    (Side.AGENT, 20, "Thank you very much."),
)
MANDARIN: tuple[Line, ...] = (
    (Side.AGENT, 1, "wo3men5 you3 yi1 ge5 xin1 de5 tao4can1, mei3 ge5 yue4 yi1bai3 kuai4 qian2."),
    (Side.CUSTOMER, 9, "tai4 gui4 le5. wo3 bu4 xu1yao4."),
    (Side.AGENT, 16, "hao3 de5, xie4xie5 nin2, zai4jian4."),
)
SECONDS = 25


def spoken(tree: Tree, lines: tuple[Line, ...], voices: dict[Side, str]) -> dict[Side, Samples]:
    """Both sides, as a telephone line carries them."""
    sides = {}
    for seed, side in enumerate(Side):
        sound = silence(SECONDS).astype(float)
        for who, at, words in lines:
            if who is side:
                speech = say(tree, words, voices[side], 150)
                first = round(at * RATE_HZ)
                sound[first : first + len(speech)] += speech[: len(sound) - first]
        sides[side] = mu_law((on_the_line(sound, seed) * 32767).astype(np.int16))
    return sides


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def heard(site: Site, sides: dict[Side, Samples]) -> Transcript:
    leave(site.spool, "c1", sides)
    site.ended(a_record("c1"))
    assert site.archivist.work_once() == 1
    hearing = Hearing(site.vault, partial(Whisper, Path(MODEL)))
    try:
        transcript = Transcriber(site.engine, site.vault, site.clock, hearing).transcribe(site.recording("c1").archived)
    finally:
        hearing.close()
    assert transcript is not None
    return transcript


def told(transcript: Transcript, side: Side) -> str:
    return " ".join(one.text for one in transcript.phrases if one.side is side).lower()


@pytest.mark.soak
@needs_engine
def test_english_is_found_and_each_side_says_its_own(site: Site, tree: Tree) -> None:
    transcript = heard(site, spoken(tree, ENGLISH, {Side.AGENT: "en-us", Side.CUSTOMER: "en-gb"}))
    assert transcript.language == "en"
    assert {"new", "plan", "month"} <= set(told(transcript, Side.AGENT).replace(".", "").replace(",", "").split())
    assert "monday morning" in told(transcript, Side.CUSTOMER)
    assert "monday" not in told(transcript, Side.AGENT)
    first, last = transcript.phrases[0], transcript.phrases[-1]
    assert (first.side, last.side) == (Side.AGENT, Side.AGENT)
    assert abs(first.start_ms - 1000) < 1500
    assert abs(last.start_ms - 20_000) < 1500


@pytest.mark.soak
@needs_engine
def test_mandarin_is_found(site: Site, tree: Tree) -> None:
    transcript = heard(site, spoken(tree, MANDARIN, dict.fromkeys(Side, "cmn-latn-pinyin")))
    assert transcript.language == "zh"
    said = told(transcript, Side.AGENT)
    assert "套餐" in said
    assert "每個月" in said or "每个月" in said


@pytest.mark.soak
@needs_engine
def test_a_model_that_cannot_be_loaded_is_no_engine(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(EngineMissing, match="cannot be loaded"):
        Whisper(tmp_path)


def test_without_the_extra_or_the_files_of_a_model_it_is_said_what_to_do(tmp_path: Path) -> None:
    wanted = "has no model.bin, config.json, tokenizer.json" if util.find_spec("faster_whisper") else r"ringfence\[transcripts\]"
    with pytest.raises(EngineMissing, match=wanted):
        check(tmp_path)
