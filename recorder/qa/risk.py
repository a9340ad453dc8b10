"""How much more likely is a call to be drawn than another? A weight from what is known of it before anybody listens.

The rule it protects: risk changes how likely a call is drawn, never how much it counts. Every call keeps a chance, and the
chance is known (`sampling`), so that averages are not bent by having looked where it hurts (`estimates`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction

from recorder.disclosure import Verdict

HUNDRED = 100  # a weight is a whole number of hundredths, so that sums of weights are exact in any order
LARGEST = 100_000_000
TOLD = {Verdict.PROVEN, Verdict.NOT_APPLICABLE}


class Trait(StrEnum):
    """What of a call may make it likelier to be drawn, or less likely. Shares are of the call's length, from 0 to 1."""

    OUTCOME = "outcome"  # this disposition
    CAMPAIGN = "campaign"  # this campaign
    COMPLAINT = "complaint"  # the customer complained of the call
    DEGRADED = "degraded"  # the recording is not whole
    UNDISCLOSED = "undisclosed"  # the disclosure is not proven
    LONGER = "longer"  # at least so many seconds
    SHORTER = "shorter"  # fewer seconds
    OVERTALK = "overtalk"  # both speak for at least this share
    DEAD_AIR = "dead_air"  # nobody speaks, three seconds and more at a time, for at least this share
    AGENT_TALK = "agent_talk"  # the agent has at least this share of all talk
    MONOLOGUE = "monologue"  # the agent speaks for at least so many seconds in one go
    INTERRUPTIONS = "interruptions"  # the agent interrupts at least so many times


NAMED = {Trait.OUTCOME, Trait.CAMPAIGN}
BARE = {Trait.COMPLAINT, Trait.DEGRADED, Trait.UNDISCLOSED}
SHARES = {Trait.OVERTALK, Trait.DEAD_AIR, Trait.AGENT_TALK}


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a recorded call when a sample is drawn. Lengths are milliseconds."""

    call_id: str
    agent_id: str
    team: str
    campaign: str
    outcome: str
    complaint: bool
    degraded: bool
    disclosure: Verdict
    duration_ms: int
    agent_talk_ms: int
    customer_talk_ms: int
    overtalk_ms: int
    dead_air_ms: int
    agent_longest_ms: int
    agent_interruptions: int


@dataclass(frozen=True, slots=True)
class Risk:
    """Calls with this trait weigh `factor` times as much. `value` is empty for the traits that are there or not."""

    trait: Trait
    value: str
    factor: Decimal

    def __str__(self) -> str:
        return f"{self.trait}{':' if self.value else ''}{self.value}={self.factor}"


def parse_risk(text: str) -> Risk:
    """Reads `trait=factor` or `trait:value=factor`, such as degraded=3, outcome:sale=2, overtalk:0.1=2. Raises ValueError."""
    told, equals, factor = text.rpartition("=")
    name, _, value = told.partition(":")
    if not equals or name not in set(Trait):
        raise ValueError(f"{text[:60]!r}: write trait=factor or trait:value=factor; traits are {', '.join(Trait)}")
    trait = Trait(name)
    if trait in BARE and value:
        raise ValueError(f"{text[:60]!r}: {trait} takes no value")
    if trait not in BARE and not value:
        raise ValueError(f"{text[:60]!r}: {trait} needs a value, as in {trait}:{'sale' if trait in NAMED else '0.1'}=2")
    if trait not in BARE | NAMED and _number(text, value) > (1 if trait in SHARES else 1_000_000):
        raise ValueError(f"{text[:60]!r}: {value} is too large for {trait}")
    weight = _number(text, factor)
    if not Decimal("0.01") <= weight <= 1000:
        raise ValueError(f"{text[:60]!r}: the factor must be from 0.01 to 1000")
    return Risk(trait, value, weight)


def weight(call: Call, risks: Sequence[Risk]) -> int:
    """The weight of the call in hundredths: the product of the factors of all its traits, at least 1."""
    product = Fraction(HUNDRED)
    for risk in risks:
        if applies(call, risk):
            product *= Fraction(risk.factor)
    return max(1, min(LARGEST, round(product)))


def applies(call: Call, risk: Risk) -> bool:
    """Whether the call has the trait."""
    there: Mapping[Trait, bool] = {
        Trait.OUTCOME: risk.value == call.outcome,
        Trait.CAMPAIGN: risk.value == call.campaign,
        Trait.COMPLAINT: call.complaint,
        Trait.DEGRADED: call.degraded,
        Trait.UNDISCLOSED: call.disclosure not in TOLD,
    }
    if risk.trait in there:
        return there[risk.trait]
    least, length = Decimal(risk.value), max(1, call.duration_ms)
    match risk.trait:
        case Trait.LONGER:
            return call.duration_ms >= least * 1000
        case Trait.SHORTER:
            return call.duration_ms < least * 1000
        case Trait.OVERTALK:
            return call.overtalk_ms >= least * length
        case Trait.DEAD_AIR:
            return call.dead_air_ms >= least * length
        case Trait.AGENT_TALK:
            return call.agent_talk_ms >= least * max(1, call.agent_talk_ms + call.customer_talk_ms)
        case Trait.MONOLOGUE:
            return call.agent_longest_ms >= least * 1000
        case _:
            return call.agent_interruptions >= least


def _number(text: str, written: str) -> Decimal:
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise ValueError(f"{text[:60]!r}: {written[:20]!r} is not a number") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{text[:60]!r}: {written[:20]!r} is not a number that can be used")
    return number
