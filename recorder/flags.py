"""What is wrong with the audio of a call, and by how much?

Rule protected: a recording that is not whole never passes for one that is. Each flag comes with what was measured, in
words for the person who must look; a flag without a measurement has an empty text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recorder.levels import Levels
from recorder.pcm import to_ms
from recorder.plan import Flag
from recorder.segments import Segment, dead_air, overlap, total_ms

Flags = dict[Flag, str]  # each with its measurement

LENGTH_TOLERANCE_MS = 100
CLIPPED_SHARE = 0.001  # of the samples in which anything is heard; a voice at the limit touches it now and then
SILENT_STRETCH_MS = 5000  # an agent's time on the call from which a word is to be expected
DROPOUT_MS = 20_000  # of exact silence; a phone that is muted, or sends nothing while nobody speaks, looks the same


@dataclass(frozen=True, slots=True)
class SideHeard:
    """What came of one side. `repaired` and `odd` are of its file's end, `converted` names a format that was not ours."""

    samples: int
    repaired: bool
    odd: bool
    converted: str
    levels: Levels

    @property
    def came(self) -> bool:
        """Whether there was any audio."""
        return self.samples > 0


def flags_of_audio(
    agent: SideHeard,
    customer: SideHeard,
    joined: Sequence[Segment],
    after_ms: int,
    *,
    paused: Sequence[Segment] = (),
    agent_joined: bool,
) -> Flags:
    """The flags of two sides. `joined` is when which agent was on the call, if that is known; `after_ms` the prompt's end.

    `paused` is what was not captured, in which exact silence is as it should be.
    """
    flags = dict(_of_side(agent, Flag.AGENT_MISSING, Flag.AGENT_CLIPPED))
    flags |= dict(_of_side(customer, Flag.CUSTOMER_MISSING, Flag.CUSTOMER_CLIPPED))
    for flag, texts in _of_files({"agent": agent, "customer": customer}).items():
        flags[flag] = "; ".join(texts)
    if agent_joined:
        if agent.came and (text := _silence(agent, after_ms, joined)):
            flags[Flag.AGENT_SILENT] = text
        if customer.came and (text := _silence(customer, 0, ())):
            flags[Flag.CUSTOMER_SILENT] = text
        for side, flag in ((agent, Flag.AGENT_DROPOUT), (customer, Flag.CUSTOMER_DROPOUT)):
            if side.came and (text := _dropout(side, joined, paused)):
                flags[flag] = text
    lengths = sorted(to_ms(side.samples) for side in (agent, customer))
    if lengths[0] and lengths[1] - lengths[0] > LENGTH_TOLERANCE_MS:
        shorter = "agent" if agent.samples < customer.samples else "customer"
        flags[Flag.LENGTHS_DIFFER] = f"{shorter} {_s(lengths[0])}, the other side {_s(lengths[1])}"
    return flags


def _of_side(side: SideHeard, missing: Flag, clipped: Flag) -> Iterator[tuple[Flag, str]]:
    if not side.came:
        yield missing, "no audio came"
    if side.levels.clipped_share > CLIPPED_SHARE:
        share = f"{100 * side.levels.clipped_share:.1f} %"
        yield clipped, f"{share} of the samples heard are at full scale ({side.levels.clipped} of them)"


def _of_files(sides: dict[str, SideHeard]) -> dict[Flag, list[str]]:
    """The flags a file has by its form, and for which side."""
    found: dict[Flag, list[str]] = {}
    for name, side in sides.items():
        if side.repaired:
            found.setdefault(Flag.HEADER_REPAIRED, []).append(f"{name}: {_s(to_ms(side.samples))} by the size of the file")
        if side.odd:
            found.setdefault(Flag.ODD_LENGTH, []).append(f"{name}: the last bytes are no whole sample")
        if side.converted:
            found.setdefault(Flag.CONVERTED, []).append(f"{name}: {side.converted}")
    return found


def _silence(side: SideHeard, after_ms: int, joined: Sequence[Segment]) -> str:
    """Where nothing is heard of a side: in all of it, or in the whole time of one agent. Empty when there is no such time."""
    until_ms = to_ms(side.samples)
    if until_ms <= after_ms or not side.levels.is_heard(Segment(after_ms, until_ms)):
        where = f"in {_s(until_ms)}" if not after_ms else f"after {_s(after_ms)}, in {_s(max(0, until_ms - after_ms))}"
        return f"nothing above -50 dBFS {where}"
    for one in joined:
        start_ms, end_ms = max(one.start_ms, after_ms), min(one.end_ms, until_ms)
        if end_ms - start_ms >= SILENT_STRETCH_MS and not side.levels.is_heard(Segment(start_ms, end_ms)):
            return f"nothing above -50 dBFS from {_s(start_ms)} to {_s(end_ms)}, while an agent was joined"
    return ""


def _dropout(side: SideHeard, joined: Sequence[Segment], paused: Sequence[Segment]) -> str:
    """Where a side was exactly silent while an agent was joined and nothing paused; empty where it was not for so long."""
    until_ms = to_ms(side.samples)
    alone = dead_air(joined, (), until_ms)
    counted = dead_air(alone, paused, until_ms)  # what is neither: the agents' time, without the pauses
    found = [one for one in overlap(side.levels.stillness(DROPOUT_MS), counted) if one.length_ms >= DROPOUT_MS]
    if not found:
        return ""
    longest = max(found, key=lambda one: one.length_ms)
    text = f"exact silence from {_s(longest.start_ms)} to {_s(longest.end_ms)}, while an agent was joined"
    return f"{text}; {len(found)} such stretches, {_s(total_ms(found))} together" if len(found) > 1 else text


def _s(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
