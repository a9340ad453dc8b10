"""A transcript comes out of its text as it went in, and a clipped one tells nothing of what was clipped off."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.naming import Side
from recorder.transcript import BadTranscript, Phrase, Transcript, Word, from_json, in_order, packed, to_json, unpacked


def a_phrase(side: Side, start_ms: int, *texts: str, confidence: float = 0.75) -> Phrase:
    """Words of 300 ms, one after the other."""
    return Phrase(
        side, tuple(Word(start_ms + 300 * n, start_ms + 300 * (n + 1), text, confidence) for n, text in enumerate(texts))
    )


TALK = Transcript(
    "engine 1, model small",
    "en",
    (a_phrase(Side.AGENT, 1000, " Good", " day"), a_phrase(Side.CUSTOMER, 2000, " Hello"), a_phrase(Side.AGENT, 5000, " Bye")),
)

WORDS = st.builds(
    lambda start, length, text, confidence: Word(start, start + length, text, confidence),
    st.integers(0, 10**8),
    st.integers(0, 10**5),
    st.text(min_size=1),
    st.floats(0, 1),
)
PHRASES = st.builds(Phrase, st.sampled_from(Side), st.lists(WORDS, min_size=1, max_size=5).map(tuple))
TRANSCRIPTS = st.builds(Transcript, st.text(), st.text(), st.lists(PHRASES, max_size=5).map(tuple))


@given(TRANSCRIPTS)
def test_what_is_packed_comes_out_as_it_went_in(transcript: Transcript) -> None:
    assert unpacked(packed(transcript)) == transcript


def test_a_phrase_tells_its_text_time_and_how_sure_it_is() -> None:
    phrase = Phrase(Side.AGENT, (Word(1000, 1200, " It", 0.5), Word(1250, 1400, "'s", 0.75), Word(1500, 1900, " me", 1.0)))
    assert (phrase.text, phrase.start_ms, phrase.end_ms, phrase.confidence) == ("It's me", 1000, 1900, 0.75)


@pytest.mark.parametrize(
    "fields",
    [(-1, 5, "a", 0.5), (6, 5, "a", 0.5), (1, 5, "a", 1.01), (1, 5, "a", -0.1)],
    ids=["early", "backward", "sure", "not"],
)
def test_a_word_has_a_time_and_a_confidence(fields: tuple[int, int, str, float]) -> None:
    with pytest.raises(ValueError, match="a word has a time"):
        Word(*fields)


def test_a_phrase_without_words_is_none() -> None:
    with pytest.raises(ValueError, match="has words"):
        Phrase(Side.AGENT, ())


def test_phrases_follow_each_other_as_they_were_begun_and_of_two_at_once_the_agent_s_is_first() -> None:
    late, both, other = a_phrase(Side.AGENT, 9000, "c"), a_phrase(Side.CUSTOMER, 5000, "b"), a_phrase(Side.AGENT, 5000, "a")
    assert in_order([late, both, other]) == (other, both, late)


def test_a_clip_holds_what_begins_in_it_and_its_times_are_its_own() -> None:
    clip = TALK.clipped(1200, 2200)
    assert clip.phrases == (
        Phrase(Side.AGENT, (Word(100, 400, " day", 0.75),)),
        Phrase(Side.CUSTOMER, (Word(800, 1000, " Hello", 0.75),)),
    )
    assert TALK.clipped(0, 10_000) == TALK
    assert TALK.clipped(6000, 10_000).phrases == ()


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(to_json(TALK)) | fields)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        changed(format="ringfence-transcript-2"),
        changed(phrases=[{"side": "judge", "words": [[0, 1, "a", 1]]}]),
        changed(phrases=[{"side": "agent", "words": []}]),
        changed(phrases=[{"side": "agent", "words": [[0, 1, "a"]]}]),
        changed(phrases=[{"side": "agent", "words": [["0", 1, "a", 1]]}]),
        changed(phrases=7),
    ],
)
def test_a_text_that_is_none_is_told_so(text: str) -> None:
    with pytest.raises(BadTranscript):
        from_json(text)


@pytest.mark.parametrize("content", [b"", b"not zlib", packed(TALK)[:-3]])
def test_bytes_that_are_none_are_told_so(content: bytes) -> None:
    with pytest.raises(BadTranscript):
        unpacked(content)
