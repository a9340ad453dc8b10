"""Small builders of what abandonment is judged by, for the tests of budgets, the ledger's answers and the floor's stop."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from compliance.abandonment import LiveAnswer
from compliance.budget import Budget, BudgetState
from compliance.facts import EventKind, LedgerEvent
from compliance.packs import Pack, parse_pack
from compliance.rules import AbandonRule, Level

START = datetime(2026, 6, 15, 12, tzinfo=UTC)

PACK = """
schema = 1
[pack]
id = "{id}"
version = "1"
jurisdiction = [{jurisdiction}]

[[rule]]
id = "{id}.abandon"
kind = "abandon"
cite = "c"
level = "law"
source = "primary"
max_rate = {max_rate}
per = [{per}]
window = "{window}"
numerator = "{numerator}"
denominator = "live_answer"
connect_within_s = 2.0
connect_clock = "{connect_clock}"
"""


def a_pack(
    pack_id: str = "test",
    *,
    max_rate: float = 0.03,
    per: Iterable[str] = ("seller", "campaign"),
    window: str = "rolling:24h",
    numerator: str = "live_answer_not_bridged",
    connect_clock: str = "answer",
    jurisdiction: Iterable[str] = ("*",),
    more: str = "",
) -> Pack:
    """A pack with one rule of abandonment; `more` is what else its rule says."""
    words = {
        "per": ", ".join(f'"{one}"' for one in per),
        "jurisdiction": ", ".join(f'"{one}"' for one in jurisdiction),
    }
    told = PACK.format(id=pack_id, max_rate=max_rate, window=window, numerator=numerator, connect_clock=connect_clock, **words)
    return parse_pack(told + more, "test.toml")


def a_rule(**says: Any) -> AbandonRule:
    """The rule of such a pack."""
    (rule,) = a_pack(**says).rules
    assert isinstance(rule, AbandonRule)
    return rule


def after(seconds: float | None, start: datetime = START) -> datetime | None:
    """So many seconds after the start; None for never."""
    return None if seconds is None else start + timedelta(seconds=seconds)


def bridged(at: datetime = START) -> LiveAnswer:
    """An answer whose agent was there in time."""
    return LiveAnswer(at, at + timedelta(seconds=1), ended_at=at + timedelta(seconds=60))


def abandoned(at: datetime = START) -> LiveAnswer:
    """An answer that nobody took: the message played."""
    return LiveAnswer(at, ended_at=at + timedelta(seconds=8), message_at=at + timedelta(seconds=2))


def some(abandoned_calls: int, of: int, at: datetime = START) -> list[LiveAnswer]:
    """So many abandoned of so many answers, all of one instant."""
    return [abandoned(at)] * abandoned_calls + [bridged(at)] * (of - abandoned_calls)


def the_budget(abandoned: int, answered: int, rule: str, last_abandoned_at: datetime | None) -> Budget:
    """Where somebody stands with a rule of 3 % after so many calls, of which the latest abandoned was at that time."""
    headroom = 3 * max(answered, 100) // 100 - abandoned
    state = BudgetState.OVER if headroom < 0 else BudgetState.NEAR if abandoned and headroom == 0 else BudgetState.OK
    return Budget(
        rule=rule,
        cite="c",
        level=Level.HOUSE,
        per=("campaign",),
        period="rolling:24h",
        begins=START - timedelta(days=1),
        ends=START,
        abandoned=abandoned,
        answered=answered,
        limit=Decimal("0.03"),
        headroom=headroom,
        state=state,
        because=f"{abandoned} of {answered}",
        last_abandoned_at=last_abandoned_at if abandoned else None,
    )


def events_of(
    attempt_id: str,
    at: datetime = START,
    *,
    message: bool = False,
    connected_s: float | None = 1,
    number: str = "+12125550100",
    campaign: str = "spring",
    seller: str = "us",
) -> list[LedgerEvent]:
    """What an answered call of ten seconds leaves in the ledger."""
    keys = {"person": attempt_id, "number": number, "campaign": campaign, "seller": seller, "subject": "offer"}
    end = at + timedelta(seconds=10)
    facts = {"ended_at": end.isoformat(), "ended_by": "customer"}
    if connected_s is not None and not message:
        facts["connected_at"] = (at + timedelta(seconds=connected_s)).isoformat()
    kinds = [(EventKind.ATTEMPT, at - timedelta(seconds=5)), (EventKind.LIVE_ANSWER, at)]
    kinds += [(EventKind.ABANDONED, at + timedelta(seconds=2))] if message else []
    kinds += [(EventKind.ENDED, end)]
    told = {EventKind.LIVE_ANSWER: tuple(sorted(facts.items()))}
    return [
        LedgerEvent(kind, when, attempt_id=attempt_id, zones=("America/New_York",), facts=told.get(kind, ()), **keys)
        for kind, when in kinds
    ]
