"""Which stretches of a call are speech, which are common to both sides, and which are nobody's?

Pure arithmetic on the frames a voice detector marked. A pause of up to the hangover inside an utterance is speech; the
hangover after its last voiced frame is not counted. Milliseconds from the first sample everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Marks = Sequence[bool] | npt.NDArray[np.bool_]  # a mark for each frame: whether it is voiced

HANGOVER_MS = 300  # a breath between two words
ONSET_MS = 60  # a click is shorter than this, a syllable is not
WORD_MS = 200  # the shortest word; a detector that has just begun takes a little noise for voice
OVERHANG_MS = 160  # how long the detector itself may go on after speech has stopped


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time, `start_ms` in it and `end_ms` after it. Raises ValueError when it is empty or backward."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.end_ms <= self.start_ms:
            raise ValueError(f"a segment ends after it starts, not {self.start_ms}..{self.end_ms}")

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.start_ms


def utterances(voiced: Marks, frame_ms: int, *, hangover_ms: int = HANGOVER_MS, onset_ms: int = ONSET_MS) -> tuple[Segment, ...]:
    """The utterances in a row of frames: runs of voiced frames, joined over pauses of up to `hangover_ms`.

    What is left shorter than `onset_ms` is no utterance.
    """
    marks = np.concatenate(([False], np.asarray(voiced, dtype=bool), [False]))
    edges = np.flatnonzero(marks[1:] != marks[:-1]) * frame_ms  # starts and ends of the runs, in turn
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] - ends[:-1] > hangover_ms
    first, last = np.concatenate(([True], apart)), np.concatenate((apart, [True]))
    if not len(starts):
        return ()
    joined = zip(starts[first].tolist(), ends[last].tolist(), strict=True)
    return tuple(Segment(start, end) for start, end in joined if end - start >= onset_ms)


def outside(voiced: Marks, frame_ms: int, announcement: Segment) -> npt.NDArray[np.bool_]:
    """The frames with the announcement made silent: every frame it touches, and the detector's overhang behind it.

    A run of voice that goes on from the announcement for longer than `OVERHANG_MS` is the agent, cutting in at once.
    """
    kept = np.array(voiced, dtype=bool)
    first = announcement.start_ms // frame_ms
    behind = -(-announcement.end_ms // frame_ms)
    after = kept[behind : behind + OVERHANG_MS // frame_ms + 1]
    ran_on = len(after) if after.all() else int(np.argmin(after))
    if ran_on * frame_ms <= OVERHANG_MS:
        behind += ran_on
    kept[first:behind] = False
    return kept


def word_before(voiced: Marks, frame_ms: int, before_ms: int) -> int | None:
    """Where the first word before `before_ms` starts; None when there is none."""
    words = utterances(voiced[: before_ms // frame_ms], frame_ms, onset_ms=WORD_MS)
    return words[0].start_ms if words else None


def within(segments: Sequence[Segment], duration_ms: int) -> tuple[Segment, ...]:
    """`segments` cut at the end of the recording: the last frame of a detector may reach past it."""
    kept = (Segment(one.start_ms, min(one.end_ms, duration_ms)) for one in segments if one.start_ms < duration_ms)
    return tuple(kept)


def total_ms(segments: Iterable[Segment]) -> int:
    """The length of all of them. They must not overlap."""
    return sum(segment.length_ms for segment in segments)


def overlap(left: Sequence[Segment], right: Sequence[Segment]) -> tuple[Segment, ...]:
    """The stretches in both. Each side is in order and free of overlap, and so is the result."""
    common: list[Segment] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start_ms, right[j].start_ms), min(left[i].end_ms, right[j].end_ms)
        if start < end:
            common.append(Segment(start, end))
        if left[i].end_ms <= right[j].end_ms:
            i += 1
        else:
            j += 1
    return tuple(common)


def dead_air(left: Sequence[Segment], right: Sequence[Segment], duration_ms: int) -> tuple[Segment, ...]:
    """The stretches of the recording in neither."""
    silent: list[Segment] = []
    spoken_until = 0
    for one in sorted((*left, *right), key=lambda segment: segment.start_ms):
        if one.start_ms > spoken_until:
            silent.append(Segment(spoken_until, one.start_ms))
        spoken_until = max(spoken_until, one.end_ms)
    if duration_ms > spoken_until:
        silent.append(Segment(spoken_until, duration_ms))
    return tuple(silent)
