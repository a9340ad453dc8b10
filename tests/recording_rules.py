"""A law about recordings that wants an agent at once, in the words of a rule pack."""

from typing import Any

from tests.pack_texts import rule_text

_ABANDON: dict[str, Any] = {
    "max_rate": 0.03,
    "per": ["seller", "campaign"],
    "window": "calendar:day@America/New_York",
    "numerator": "live_answer_not_bridged",
    "denominator": "live_answer",
    "connect_within_s": 2.0,
    "connect_clock": "answer",
}
#: All parties are to agree to the recording, and who is not connected within two seconds is abandoned.
LAW = (
    rule_text("law.record", "record", cite="StGB 201", level="law", consent="all", announce=True),
    rule_text("law.abandon", "abandon", level="law", **_ABANDON),
)
