"""Which sound of a side does an engine get in one go, and where in the recording are the words that it hears in it?

The rule it protects: an engine is shown speech alone. Whatever it makes of silence it made up; and since it listens in windows of
half a minute whatever is in them, short utterances share one, with a breath between them. Words go back to where they were said,
and no phrase reaches over a pause that was left out. Pure arithmetic; milliseconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from recorder.naming import Side
from recorder.segments import WORD_MS, Marks, Segment, utterances
from recorder.transcript import Phrase, Word

LONGEST_MS = 28_000  # of sound in one go: engines listen in windows of 30 s
BREATH_MS = 400  # kept on each side of an utterance: the soft edges of words, and a pause to the next


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pieces of one side that are heard one after the other, in order and apart from each other."""

    pieces: tuple[Segment, ...]

    @property
    def length_ms(self) -> int:
        """How much sound it is."""
        return sum(piece.length_ms for piece in self.pieces)


def stretches(voiced: Marks, frame_ms: int, duration_ms: int) -> tuple[Stretch, ...]:
    """All speech of a side, in its order, in stretches of at most `LONGEST_MS`."""
    found: list[Stretch] = []
    held: list[Segment] = []
    for piece in _pieces(voiced, frame_ms, duration_ms):
        if held and sum(one.length_ms for one in held) + piece.length_ms > LONGEST_MS:
            found.append(Stretch(tuple(held)))
            held = []
        held.append(piece)
    return tuple(found) + ((Stretch(tuple(held)),) if held else ())


def placed(stretch: Stretch, side: Side, phrases: Iterable[Iterable[Word]]) -> Iterator[Phrase]:
    """The phrases that were heard in a stretch, each told by its words, as phrases of the recording: one ends with its piece."""
    for phrase in phrases:
        several = [(index, word) for index, word in (_moved(stretch, word) for word in phrase) if word.text.strip()]
        for _, group in groupby(several, key=lambda one: one[0]):
            yield Phrase(side, tuple(word for _, word in group))


def _moved(stretch: Stretch, word: Word) -> tuple[int, Word]:
    """In which piece a word was said, and the word where it was said; what an engine hears past the end is cut off there.

    It is the piece in which it ended: engines count the pause before a word to it.
    """
    began = 0
    for index, piece in enumerate(stretch.pieces):
        if word.end_ms <= began + piece.length_ms or index == len(stretch.pieces) - 1:
            start, end = (min(piece.start_ms + max(0, at - began), piece.end_ms) for at in (word.start_ms, word.end_ms))
            return index, Word(start, end, word.text, word.confidence)
        began += piece.length_ms
    raise ValueError("a stretch has pieces")


def _pieces(voiced: Marks, frame_ms: int, duration_ms: int) -> Iterator[Segment]:
    """The utterances with a breath around them, those that then touch in one, and none of them longer than `LONGEST_MS`."""
    joined: list[Segment] = []
    for one in utterances(voiced, frame_ms, onset_ms=WORD_MS):  # less is a click, or a detector that has just begun
        start, end = max(0, one.start_ms - BREATH_MS), min(duration_ms, one.end_ms + BREATH_MS)
        if end <= start:
            continue
        if joined and start <= joined[-1].end_ms:
            joined[-1] = Segment(joined[-1].start_ms, end)
        else:
            joined.append(Segment(start, end))
    for piece in joined:
        yield from _cut(piece, np.asarray(voiced, dtype=bool), frame_ms)


def _cut(piece: Segment, voiced: Marks, frame_ms: int) -> Iterator[Segment]:
    """A piece in parts of at most `LONGEST_MS`, cut in the middle of the longest pause of the second half, if there is one."""
    start = piece.start_ms
    while piece.end_ms - start > LONGEST_MS:
        at = _pause(voiced, (start + LONGEST_MS // 2) // frame_ms, (start + LONGEST_MS) // frame_ms) * frame_ms
        at = min(max(at, start + LONGEST_MS // 2), start + LONGEST_MS)
        yield Segment(start, at)
        start = at
    yield Segment(start, piece.end_ms)


def _pause(voiced: Marks, first: int, last: int) -> int:
    """The frame in the middle of the longest unvoiced run from `first` until `last`; `last` when there is none."""
    longest, middle, run = 0, last, 0
    for frame in range(first, min(last, len(voiced))):
        run = 0 if voiced[frame] else run + 1
        if run > longest:
            longest, middle = run, frame + 1 - run // 2
    return middle
