"""How is what is known of a call's capture kept beside the call, so that a restart finds it?

`to_text` and `from_text` are exact inverses. The rule protected: a pause that was wanted before a crash is still wanted after
it, and still ends at its limit.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from recorder.capture import Captured, CapturePlan
from recorder.capturing import Capture, Wish
from recorder.record import Json, canonical, joined_as_json, joined_from_json, pauses_as_json, pauses_from_json
from sip.port import DisclosedBy, RecordedFrom


def to_text(capture: Capture) -> str:
    """The capture as canonical JSON."""
    wish = capture.wish
    return canonical(
        {
            "plan": asdict(capture.plan) | {"pause_limit": capture.plan.pause_limit.total_seconds()},
            "since": _text_of(capture.since),
            "until": _text_of(capture.until),
            "consented": capture.consented,
            "confirmed_at": _text_of(capture.confirmed_at),
            "wish": None if wish is None else asdict(wish) | {"at": _text_of(wish.at)},
            "pauses": pauses_as_json(capture.pauses),
            "agents": joined_as_json(capture.agents),
        }
    )


def from_text(text: str) -> Capture:
    """The inverse of `to_text`; no text at all (a call of an older version) is a capture of which nothing is known.

    Raises ValueError, KeyError or TypeError for a text that `to_text` did not write.
    """
    if not text:
        return Capture()
    kept: Json = json.loads(text)
    return Capture(
        plan=_plan(kept["plan"]),
        since=_time_of(kept["since"]),
        until=_time_of(kept["until"]),
        consented=kept["consented"],
        confirmed_at=_time_of(kept["confirmed_at"]),
        wish=None if kept["wish"] is None else Wish(**(kept["wish"] | {"at": datetime.fromisoformat(kept["wish"]["at"])})),
        pauses=pauses_from_json(kept["pauses"]),
        agents=joined_from_json(kept["agents"]),
    )


def _plan(kept: dict[str, Any]) -> CapturePlan:
    read = {
        "captured": Captured(kept["captured"]),
        "disclosed_by": DisclosedBy(kept["disclosed_by"]),
        "recorded_from": RecordedFrom(kept["recorded_from"]),
        "start_on": tuple(kept["start_on"]),
        "pause_limit": timedelta(seconds=kept["pause_limit"]),
    }
    return CapturePlan(**(kept | read))


def _text_of(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _time_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
