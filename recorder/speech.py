"""How did the two of them talk: who, how long, over each other, and where did nobody?

What QA reads of a conversation, from the frames a voice detector marked. Rule protected: a measure means the same on
every call. The announcement is nobody's talk and no dead air; a stretch that was not captured (a pause for a card
number) is no dead air either. Milliseconds from the first sample everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recorder.segments import WORD_MS, Marks, Segment, dead_air, outside, overlap, total_ms, utterances, within

DEAD_AIR_MS = 3000  # a silence from which it is dead air
YIELD_MS = 2000  # who stops within this of being spoken over was interrupted
ASIDE_MS = 1000  # what is shorter ("yes", "I see") takes the floor from nobody
MONOLOGUE_PAUSE_MS = 2000  # a longer pause offers the floor: what follows is another turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who spoke when. `played` is what the customer heard that was nobody's talk, `paused` what was not captured."""

    duration_ms: int
    agent: tuple[Segment, ...]
    customer: tuple[Segment, ...]
    played: tuple[Segment, ...]
    paused: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class SpeechMeasures:
    """What QA reads of a conversation. Per side, talk and silence add up to the duration."""

    agent_talk_ms: int
    agent_silence_ms: int
    customer_talk_ms: int
    customer_silence_ms: int
    overtalk_ms: int  # both at once
    longest_silence_ms: int  # the longest stretch with nobody, nothing played and nothing left out
    dead_air_ms: int  # all such stretches of `DEAD_AIR_MS` and more, together
    agent_interruptions: int  # see `interruptions`
    customer_interruptions: int
    agent_longest_ms: int  # see `longest_monologue_ms`
    customer_longest_ms: int
    agent_first_word_ms: int | None
    customer_first_word_ms: int | None


def conversation(
    agent: Marks,
    customer: Marks,
    frame_ms: int,
    duration_ms: int,
    *,
    announcement: Segment | None = None,
    paused: Sequence[Segment] = (),
    agent_joined: bool = True,
) -> Conversation:
    """The talk of both, from the voiced frames of their sides. With no agent joined, all the customer heard was played."""
    heard = within(utterances(agent, frame_ms), duration_ms)
    answered = within(utterances(customer, frame_ms), duration_ms)
    left_out = within(paused, duration_ms)
    if not agent_joined:
        return Conversation(duration_ms, (), answered, heard, left_out)
    if announcement is None:
        return Conversation(duration_ms, heard, answered, (), left_out)
    spoken = within(utterances(outside(agent, frame_ms, announcement), frame_ms), duration_ms)
    return Conversation(duration_ms, spoken, answered, within((announcement,), duration_ms), left_out)


def measure(talk: Conversation) -> SpeechMeasures:
    """The measures of a conversation."""
    agent_talk, customer_talk = total_ms(talk.agent), total_ms(talk.customer)
    silent = [gap.length_ms for gap in dead_air((*talk.agent, *talk.played, *talk.paused), talk.customer, talk.duration_ms)]
    return SpeechMeasures(
        agent_talk_ms=agent_talk,
        agent_silence_ms=talk.duration_ms - agent_talk,
        customer_talk_ms=customer_talk,
        customer_silence_ms=talk.duration_ms - customer_talk,
        overtalk_ms=total_ms(overlap(talk.agent, talk.customer)),
        longest_silence_ms=max(silent, default=0),
        dead_air_ms=sum(length for length in silent if length >= DEAD_AIR_MS),
        agent_interruptions=interruptions(talk.agent, talk.customer),
        customer_interruptions=interruptions(talk.customer, talk.agent),
        agent_longest_ms=longest_monologue_ms(talk.agent, talk.customer),
        customer_longest_ms=longest_monologue_ms(talk.customer, talk.agent),
        agent_first_word_ms=talk.agent[0].start_ms if talk.agent else None,
        customer_first_word_ms=talk.customer[0].start_ms if talk.customer else None,
    )


def interruptions(one: Sequence[Segment], other: Sequence[Segment]) -> int:
    """How often `one` took the floor from `other`: began while the other spoke and was still speaking when the other stopped.

    The other must have had the floor, spoken on for at least a word (less is two people taking turns), and stopped
    within `YIELD_MS` (who speaks on for longer was not interrupted). Each utterance of the other is cut short once at most.
    """
    cut_short, at = 0, 0
    for theirs in other:
        while at < len(one) and one[at].start_ms <= theirs.start_ms:
            at += 1
        mine = at
        while mine < len(one) and one[mine].start_ms < theirs.end_ms:
            if one[mine].end_ms > theirs.end_ms and WORD_MS <= theirs.end_ms - one[mine].start_ms <= YIELD_MS:
                cut_short += 1
            mine += 1
        at = mine
    return cut_short


def longest_monologue_ms(one: Sequence[Segment], other: Sequence[Segment]) -> int:
    """The longest that `one` held the floor: utterances joined over pauses of up to `MONOLOGUE_PAUSE_MS`, in none of which
    or beside which the other said anything of `ASIDE_MS` or longer.

    A monologue ends where such an answer begins; what `one` goes on to say over it is the next.
    """
    answers = [answer.start_ms for answer in other if answer.length_ms >= ASIDE_MS]
    longest, start, until, at = 0, 0, None, 0
    for mine in one:
        while at < len(answers) and answers[at] <= mine.start_ms:
            at += 1
            until = None
        if until is None or mine.start_ms - until > MONOLOGUE_PAUSE_MS:
            start = mine.start_ms
        while at < len(answers) and answers[at] < mine.end_ms:
            longest = max(longest, answers[at] - start)
            start = answers[at]
            at += 1
        until = mine.end_ms
        longest = max(longest, until - start)
    return longest
