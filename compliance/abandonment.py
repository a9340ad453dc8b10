"""Was an answered call abandoned, and are too many? By each pack's own count, in whole numbers; and how its rule is read.

The rule it protects: 16 CFR 310.4(b)(4)(i) and its like. The comparison is of whole numbers: 3 of 100 is within 3 %,
1 of 33 is not. Machine answers and calls that nobody answered are in neither number; an answer taken for a machine's that was a
person's is in both. Over which time a rule counts, and what follows from it, is in `budget`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from compliance.document import Node
from compliance.periods import parse_period
from compliance.rules import AbandonRule, Message, Origin, Rule, Terms

CLOCKS = ("answer", "greeting_start", "greeting_end")
NOT_BRIDGED = "live_answer_not_bridged"  # no agent within the time: also one who came later, after a disclosure for example
MESSAGE_PLAYED = "abandonment_message"  # no agent at all: the person heard the abandonment message
FALSE_MACHINES = "amd_false_positive_estimate"
NUMERATORS = (NOT_BRIDGED, MESSAGE_PLAYED, FALSE_MACHINES)


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """One call a person answered. `connected_at` is None where no agent came, `ended_at` where nobody hung up.

    `greeting_start` and `greeting_end` are None where speech was not detected: the answer stands for them, which is stricter.
    `ended_by_us` is False where the person hung up. `held_at` is when an agent was reserved, before a disclosure.
    """

    answered_at: datetime
    connected_at: datetime | None = None
    greeting_start: datetime | None = None
    greeting_end: datetime | None = None
    ended_at: datetime | None = None
    held_at: datetime | None = None
    agent_left_at: datetime | None = None
    message_at: datetime | None = None  # the abandonment message began
    ended_by_us: bool = False
    false_machine: bool = False  # taken for a machine
    attempt_id: str = ""
    number: str = ""
    campaign: str = ""
    seller: str = ""
    subject: str = ""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many, and how many more may be abandoned now within the limit."""

    abandoned: int
    answered: int
    limit: Decimal

    @property
    def within(self) -> bool:
        """Whether the rate is at most the limit. Nothing abandoned is within any."""
        top, bottom = self.limit.as_integer_ratio()
        return self.abandoned * bottom <= top * self.answered

    @property
    def budget(self) -> int:
        """How many more may be abandoned with no further answer counted; negative when it is over already."""
        top, bottom = self.limit.as_integer_ratio()
        return top * self.answered // bottom - self.abandoned


def is_abandoned(answer: LiveAnswer, rule: AbandonRule) -> bool:
    """Whether the rule counts the person as left without an agent.

    Whoever heard the abandonment message was, and so was a person taken for a machine to whom nobody spoke in time. By a rule
    that counts calls not bridged it takes no more than an agent who is not there when the time is up; one who hangs up
    before that was not abandoned, one whom we hung up was.
    """
    if answer.message_at is not None:
        return True
    if not answer.false_machine and NOT_BRIDGED not in rule.numerator:
        return False
    started = {"answer": None, "greeting_start": answer.greeting_start, "greeting_end": answer.greeting_end}[rule.connect_clock]
    due = (started or answer.answered_at) + rule.connect_within
    left_early = answer.agent_left_at is not None and answer.agent_left_at < due
    if answer.connected_at is not None and answer.connected_at <= due and not left_early:
        return False
    hung_up = answer.ended_at is not None and answer.ended_at < due and not answer.ended_by_us
    return answer.false_machine or not hung_up


def rate(rule: AbandonRule, answers: tuple[LiveAnswer, ...], false_machines: int = 0) -> Rate:
    """The rate of the answers of one period. `false_machines` is an estimate of people taken for machines, beside those known.

    They are abandoned people whether the pack says so or not: nobody spoke to them.
    """
    abandoned = sum(1 for answer in answers if is_abandoned(answer, rule))
    return Rate(abandoned + false_machines, len(answers) + false_machines, rule.max_rate)


def read_abandon(node: Node, origin: Origin, terms: Terms) -> Rule:
    """The rule as a pack writes it."""
    text = node.text("window")
    period = node.attempt("window", lambda: parse_period(text)) if text else None
    numerator = tuple(node.text("numerator").split("+"))
    if node.has("numerator") and not set(numerator) <= set(NUMERATORS):
        node.fault("numerator", f"use one or more of {', '.join(NUMERATORS)}, joined by +")
    message = _message(node.table("message")) if node.has("message") else None
    return AbandonRule(
        origin=origin,
        max_rate=node.number("max_rate", largest=1),
        per=node.choices("per", ("seller", "campaign", "call_centre"), at_least=1),
        period=period or parse_period("rolling:24h"),
        period_text=text,
        numerator=numerator,
        denominator=node.choice("denominator", ("live_answer",)),
        connect_within=timedelta(seconds=float(node.number("connect_within_s", largest=60))),
        connect_clock=node.choice("connect_clock", CLOCKS),
        message=message,
        terms=terms,
    )


def _message(node: Node) -> Message:
    soon = timedelta(seconds=float(node.number("start_within_s", largest=60))) if node.has("start_within_s") else None
    must_say = node.texts("must_say") if node.has("must_say") else ()
    must_not_say = node.texts("must_not_say") if node.has("must_not_say") else ()
    offer = node.text("must_offer") if node.has("must_offer") else ""
    node.close()
    return Message(soon, must_say, must_not_say, offer)
