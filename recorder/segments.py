"""Who spoke when, for how long, and where did nobody?

Pure arithmetic on the frames a voice detector marked. A pause of up to the hangover inside an utterance is speech; the
hangover after its last voiced frame is not counted. Milliseconds from the first sample everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class SpeechMeasures:
    """What QA reads of a conversation. Per side, talk and silence add up to the duration."""

    agent_talk_ms: int
    agent_silence_ms: int
    customer_talk_ms: int
    customer_silence_ms: int
    overtalk_ms: int  # both at once
    longest_silence_ms: int  # the longest dead air: nobody
    agent_first_word_ms: int | None
    customer_first_word_ms: int | None


def utterances(
    voiced: Iterable[bool], frame_ms: int, *, hangover_ms: int = HANGOVER_MS, onset_ms: int = ONSET_MS
) -> tuple[Segment, ...]:
    """The utterances in a row of frames: runs of voiced frames, joined over pauses of up to `hangover_ms`.

    What is left shorter than `onset_ms` is no utterance.
    """
    joined: list[tuple[int, int]] = []
    for index, is_voiced in enumerate(voiced):
        if not is_voiced:
            continue
        start = index * frame_ms
        if joined and start - joined[-1][1] <= hangover_ms:
            joined[-1] = (joined[-1][0], start + frame_ms)
        else:
            joined.append((start, start + frame_ms))
    return tuple(Segment(start, end) for start, end in joined if end - start >= onset_ms)


def outside(voiced: Sequence[bool], frame_ms: int, announcement: Segment) -> tuple[bool, ...]:
    """The frames with the announcement made silent: every frame it touches, and the detector's overhang behind it.

    A run of voice that goes on from the announcement for longer than `OVERHANG_MS` is the agent, cutting in at once.
    """
    first = announcement.start_ms // frame_ms
    behind = -(-announcement.end_ms // frame_ms)
    run = behind
    while run < len(voiced) and voiced[run]:
        run += 1
    if (run - behind) * frame_ms <= OVERHANG_MS:
        behind = run
    return tuple(is_voiced and not first <= index < behind for index, is_voiced in enumerate(voiced))


def word_before(voiced: Sequence[bool], frame_ms: int, before_ms: int) -> int | None:
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


def measure(
    agent: Sequence[bool],
    customer: Sequence[bool],
    frame_ms: int,
    duration_ms: int,
    announcement: Segment | None = None,
    *,
    agent_joined: bool = True,
) -> SpeechMeasures:
    """The measures of a recording, from the voiced frames of its sides.

    The announcement is nobody's talk, nor dead air; with no agent joined, all that the customer heard was played.
    """
    heard = within(utterances(agent, frame_ms), duration_ms)
    answered = within(utterances(customer, frame_ms), duration_ms)
    spoken: tuple[Segment, ...] = heard if agent_joined else ()
    played: tuple[Segment, ...] = ()
    if announcement is not None and agent_joined:
        spoken = within(utterances(outside(agent, frame_ms, announcement), frame_ms), duration_ms)
        played = within((announcement,), duration_ms)
    agent_talk, customer_talk = total_ms(spoken), total_ms(answered)
    return SpeechMeasures(
        agent_talk_ms=agent_talk,
        agent_silence_ms=duration_ms - agent_talk,
        customer_talk_ms=customer_talk,
        customer_silence_ms=duration_ms - customer_talk,
        overtalk_ms=total_ms(overlap(spoken, answered)),
        longest_silence_ms=max((gap.length_ms for gap in dead_air((*heard, *played), answered, duration_ms)), default=0),
        agent_first_word_ms=spoken[0].start_ms if spoken else None,
        customer_first_word_ms=answered[0].start_ms if answered else None,
    )
