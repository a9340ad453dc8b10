"""Figures of a campaign, computed from its calls and never typed in. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sip.call import Call


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """What became of the calls of a campaign. Milliseconds are None when there was nothing to measure."""

    placed: int
    answered: int
    bridged: int
    abandoned: int
    dispositions: dict[str, int]
    signalled_p50_ms: float | None
    signalled_p95_ms: float | None
    talk_seconds: float

    @property
    def answer_seizure_ratio(self) -> float | None:
        """Answered / placed (ASR)."""
        return self.answered / self.placed if self.placed else None

    @property
    def abandonment_rate(self) -> float | None:
        """Abandoned / answered."""
        return self.abandoned / self.answered if self.answered else None


def connect_time(call: Call) -> timedelta | None:
    """Answer to agent as the PBX signals it, the prompt's own length left out; None without all four times.

    What the customer hears is in the recording: see `recorder.catalogue.Recording.connect_ms`.
    """
    if call.answered_at is None or call.bridged_at is None or call.announcement_at is None or call.announced_at is None:
        return None
    return (call.announcement_at - call.answered_at) + (call.bridged_at - call.announced_at)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` (0…1] of the values do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def figures(calls: Sequence[tuple[Call, str | None]]) -> CampaignFigures:
    """The figures of these calls, each with its disposition (None while it is not given)."""
    connects = [time.total_seconds() * 1000 for call, _ in calls if (time := connect_time(call)) is not None]
    talk = sum(((call.ended_at - call.bridged_at).total_seconds() for call, _ in calls if call.bridged_at and call.ended_at), 0.0)
    return CampaignFigures(
        placed=len(calls),
        answered=sum(call.answered_at is not None for call, _ in calls),
        bridged=sum(call.bridged_at is not None for call, _ in calls),
        abandoned=sum(call.abandoned for call, _ in calls),
        dispositions=dict(sorted(Counter(disposition or "open" for _, disposition in calls).items())),
        signalled_p50_ms=percentile(connects, 0.5),
        signalled_p95_ms=percentile(connects, 0.95),
        talk_seconds=talk,
    )
