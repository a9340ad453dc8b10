"""What does a sampling plan say: whose calls, how many of each agent, which are likelier, on which form, by whom and by when?

A plan is never changed: what is drawn later by other rules is drawn by the plan's next version. It is kept as JSON, which
`to_json` and `from_json` turn into the same plan again.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from compliance.wallclock import start_of_day
from recorder.qa.risk import TOLD, Call, Risk, Trait, weight
from recorder.qa.sampling import Quota, Unit, random_key
from recorder.record import Json, canonical

_WEEK = re.compile(r"(\d{4})-W(\d{2})")


class Feature(StrEnum):
    """By what calls are sorted into strata, so that a sample has its share of each."""

    OUTCOME = "outcome"
    CAMPAIGN = "campaign"
    TEAM = "team"
    LENGTH = "length"
    DISCLOSURE = "disclosure"


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules of a sample. Empty `campaigns` and `teams` mean all of them; `bands` are the bounds of lengths, in seconds."""

    name: str
    scorecard: str
    quota: Quota
    strata: tuple[Feature, ...] = ()
    risks: tuple[Risk, ...] = ()
    bands: tuple[int, ...] = (60, 300)
    campaigns: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    shortest_s: int = 0
    reviewers: tuple[str, ...] = ()
    due_days: int = 7
    appeal_days: int = 7
    zone: str = "UTC"  # whose weeks


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime


def week_of(text: str, zone: ZoneInfo) -> Period:
    """The ISO week such as 2026-W46, from Monday's midnight to the next by the clock of `zone`. Raises ValueError."""
    match = _WEEK.fullmatch(text)
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        monday = None
    if monday is None:
        raise ValueError(f"{text[:20]!r} is no week: write 2026-W46")
    return Period(start_of_day(monday, zone), start_of_day(monday + timedelta(days=7), zone))


def last_week(now: datetime, zone: ZoneInfo) -> str:
    """The ISO week before the one that `now` is in, as 2026-W46."""
    year, week, _ = (now.astimezone(zone).date() - timedelta(days=7)).isocalendar()
    return f"{year}-W{week:02d}"


def is_meant(plan: Plan, call: Call) -> bool:
    """Whether the plan is about the call at all: what it is not about is no part of the population."""
    return (
        bool(call.agent_id)
        and (not plan.campaigns or call.campaign in plan.campaigns)
        and (not plan.teams or call.team in plan.teams)
        and call.duration_ms >= plan.shortest_s * 1000
    )


def unit_of(plan: Plan, call: Call) -> Unit:
    """The call as it may be drawn: counted to its agent, in its stratum, with its weight."""
    return Unit(call.call_id, call.agent_id, tuple(_in_stratum(plan, call, one) for one in plan.strata), weight(call, plan.risks))


def assigned(calls: Iterable[tuple[str, frozenset[str]]], reviewers: Sequence[tuple[str, str]], seed: str) -> dict[str, str]:
    """Who reviews which call, by chance and evenly: nobody a call that they are on. '' when there is nobody to assign.

    `calls` are call ids with the agents on them, `reviewers` names with their own agent id, or ''. By chance, since who
    gets the hard calls must not be who scores hard.
    """
    able = {call_id: [name for name, own in reviewers if not own or own not in agents] for call_id, agents in calls}
    load = dict.fromkeys((name for name, _ in reviewers), 0)
    given: dict[str, str] = {}
    for call_id in sorted(able, key=lambda one: (len(able[one]), random_key(seed, "order", one))):  # the hard ones first
        least = min(able[call_id], key=lambda name: (load[name], random_key(seed, "reviewer", name, call_id)), default="")
        given[call_id] = least
        if least:
            load[least] += 1
    return given


def to_json(plan: Plan) -> str:
    """The plan as canonical JSON text."""
    share = None if plan.quota.share is None else str(plan.quota.share)
    told: Json = {
        "name": plan.name,
        "scorecard": plan.scorecard,
        "quota": {"share": share, "count": plan.quota.count, "minimum": plan.quota.minimum},
        "strata": [one.value for one in plan.strata],
        "risks": [[one.trait.value, one.value, str(one.factor)] for one in plan.risks],
        "bands": list(plan.bands),
        "campaigns": list(plan.campaigns),
        "teams": list(plan.teams),
        "shortest_s": plan.shortest_s,
        "reviewers": list(plan.reviewers),
        "due_days": plan.due_days,
        "appeal_days": plan.appeal_days,
        "zone": plan.zone,
    }
    return canonical(told)


def from_json(text: str) -> Plan:
    """The inverse of `to_json`."""
    told = json.loads(text)
    quota = told["quota"]
    share = None if quota["share"] is None else Fraction(quota["share"])
    lists = {name: tuple(told[name]) for name in ("bands", "campaigns", "teams", "reviewers")}
    parsed = {
        "quota": Quota(share, quota["count"], quota["minimum"]),
        "strata": tuple(Feature(one) for one in told["strata"]),
        "risks": tuple(Risk(Trait(trait), value, Decimal(factor)) for trait, value, factor in told["risks"]),
    }
    return Plan(**(told | lists | parsed))


def _in_stratum(plan: Plan, call: Call, feature: Feature) -> str:
    match feature:
        case Feature.OUTCOME:
            return call.outcome
        case Feature.CAMPAIGN:
            return call.campaign
        case Feature.TEAM:
            return call.team
        case Feature.DISCLOSURE:
            return "told" if call.disclosure in TOLD else "not proven"
        case Feature.LENGTH:
            reached = [bound for bound in sorted(plan.bands) if call.duration_ms >= bound * 1000]
            return f"{reached[-1] if reached else 0} s and more"
