"""What was said in a recording, by whom and when, as an engine heard it?

Values and their one text; `to_json` and `from_json` are exact inverses. Each side was heard alone, so that who said it is known
and never guessed. The rule it protects: a transcript says what made it and how sure that was of each word; it is what a machine
heard, and the audio stays the proof. Milliseconds from the recording's first sample.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from recorder.naming import Side
from recorder.record import canonical

FORMAT = "ringfence-transcript-1"


class BadTranscript(ValueError):
    """The text of a transcript cannot be read: it was altered, or written by another version."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or what the engine gives in one: `text` with the space before it, if its language has one. `confidence`: 0 to 1.

    Raises ValueError for a word that ends before it starts, or is surer than sure.
    """

    start_ms: int
    end_ms: int
    text: str
    confidence: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms <= self.end_ms or not 0 <= self.confidence <= 1:
            raise ValueError(f"a word has a time and a confidence of 0 to 1, not {self}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that one side said in one go. Raises ValueError without words."""

    side: Side
    words: tuple[Word, ...]

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("a phrase has words")

    @property
    def start_ms(self) -> int:
        return self.words[0].start_ms

    @property
    def end_ms(self) -> int:
        return self.words[-1].end_ms

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    @property
    def confidence(self) -> float:
        """The mean of its words', to a thousandth."""
        return round(sum(word.confidence for word in self.words) / len(self.words), 3)


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was heard in a recording: `language` as ISO 639 (empty: nobody spoke), phrases in the order of their starts."""

    made_by: str  # the engine with its version and its model
    language: str
    phrases: tuple[Phrase, ...]

    def clipped(self, from_ms: int, until_ms: int) -> "Transcript":
        """What begins in a piece of the recording, its times from the start of the piece, and ending with it."""
        return Transcript(self.made_by, self.language, tuple(_clipped(self.phrases, from_ms, until_ms)))


def _clipped(phrases: Iterable[Phrase], from_ms: int, until_ms: int) -> Iterator[Phrase]:
    for phrase in phrases:
        inside = [word for word in phrase.words if from_ms <= word.start_ms < until_ms]
        moved = (
            Word(word.start_ms - from_ms, min(word.end_ms, until_ms) - from_ms, word.text, word.confidence) for word in inside
        )
        if inside:
            yield Phrase(phrase.side, tuple(moved))


def in_order(phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
    """The phrases of both sides as they followed each other; of two at once the agent's first."""
    return tuple(sorted(phrases, key=lambda one: (one.start_ms, one.side)))


def to_json(transcript: Transcript) -> str:
    """The one text of a transcript."""
    phrases = [{"side": one.side.value, "words": [_told(word) for word in one.words]} for one in transcript.phrases]
    return canonical({"format": FORMAT, "made_by": transcript.made_by, "language": transcript.language, "phrases": phrases})


def from_json(text: str) -> Transcript:
    """The inverse of `to_json`. Raises BadTranscript."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise ValueError(f"its format is {said['format']!r}")
        phrases = tuple(Phrase(Side(one["side"]), tuple(Word(*word) for word in one["words"])) for one in said["phrases"])
        return Transcript(str(said["made_by"]), str(said["language"]), phrases)
    except (ValueError, KeyError, TypeError) as error:
        raise BadTranscript(f"a transcript cannot be read: {error}") from None


def packed(transcript: Transcript) -> bytes:
    """The transcript as it is kept, before it is sealed: a fifth of its text."""
    return zlib.compress(to_json(transcript).encode(), 9)


def unpacked(content: bytes) -> Transcript:
    """The inverse of `packed`. Raises BadTranscript."""
    try:
        return from_json(zlib.decompress(content).decode())
    except (zlib.error, UnicodeDecodeError) as error:
        raise BadTranscript(f"a transcript cannot be read: {error}") from None


def _told(word: Word) -> list[Any]:
    return [word.start_ms, word.end_ms, word.text, word.confidence]
