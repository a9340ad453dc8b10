"""The gate and a second, slow reading of RULES.md give the same answer: verdict, rules, first permitted instant."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import holidays
from chinese_calendar import constants  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import windows
from compliance.calendars import calendars_for
from compliance.packs import Pack, parse_pack
from compliance.question import answer, parse_question
from tests.compliance_oracle import Asked, Happened, denied_by, first_permitted, permitted
from tests.pack_texts import pack_text, rule_text

HORIZON = timedelta(days=40)
NUMBERS = ("+12125550100", "+12125550101", "+12125550102")
NOWHERE = "+8695588"  # no zone is known of it
#: Zones of every kind of night: both hemispheres, half and three-quarter hours, days without a midnight, a shift of two hours.
ZONES = (
    *("America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Santiago", "America/Nuuk"),
    *("Europe/London", "Europe/Paris", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Kathmandu"),
    *("Asia/Shanghai", "Asia/Kolkata", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham"),
    *("Pacific/Apia", "Pacific/Kiritimati", "Antarctica/Troll"),
)
#: Local dates (in UTC, about) of the nights on which some of these clocks change.
NIGHTS = (
    *(
        "2024-03-10",
        "2024-03-31",
        "2024-04-07",
        "2024-04-26",
        "2024-09-08",
        "2024-10-06",
        "2024-10-27",
        "2024-11-01",
        "2024-11-03",
    ),
    *(
        "2025-03-02",
        "2025-03-09",
        "2025-03-30",
        "2025-04-06",
        "2025-04-25",
        "2025-09-07",
        "2025-09-28",
        "2025-10-26",
        "2025-10-31",
    ),
    *(
        "2026-02-15",
        "2026-03-08",
        "2026-03-22",
        "2026-03-29",
        "2026-04-05",
        "2026-04-24",
        "2026-09-06",
        "2026-10-04",
        "2026-10-25",
    ),
    *("2026-11-01", "2027-03-14", "2027-03-28", "2027-04-04", "2027-09-05", "2027-09-26", "2027-10-31", "2027-11-07"),
    *(
        "2028-02-29",
        "2028-03-12",
        "2028-03-26",
        "2028-04-02",
        "2028-04-28",
        "2028-09-03",
        "2028-10-01",
        "2028-10-29",
        "2028-11-05",
    ),
)
CALENDARS = ("FR", "US", "GB", "AU", "CN")
GROUNDS = ("guaranteed_agent", "inside_a_contract")


def days_of(calendar: str, at: datetime) -> Mapping[date, str]:
    """What the libraries say of the days around an instant, as the oracle wants it."""
    if calendar == "CN":
        return dict.fromkeys(constants.holidays, "holiday") | dict.fromkeys(constants.workdays, "makeup")
    years = range(at.year - 1, at.year + 3)
    return dict.fromkeys(holidays.country_holidays(calendar, years=years), "holiday") if calendar else {}


# --- random packs --------------------------------------------------------------------------------------------------------


def spans() -> st.SearchStrategy[str]:
    quarters = st.integers(0, 95).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
    early = st.integers(0, 15).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")  # where clocks change
    times = quarters | early
    return st.one_of(
        st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map("-".join),
        st.sampled_from(
            ("08:00-21:00", "09:00-20:00", "00:00-24:00", "22:00-08:00", "18:00-02:00", "10:00-13:00", "14:00-24:00")
        ),
    )


@st.composite
def plans(draw: st.DrawFn, calendar: bool) -> dict[str, object]:
    words = ["*", "mon-fri", "sat", "sun", "mon-thu", "sat-sun", "fri-mon", "wed"]
    kinds = ["holiday", "workday", "restday", "preholiday"]
    on = draw(st.lists(st.sampled_from(words + kinds * 2 if calendar else words), min_size=1, max_size=2, unique=True))
    verb = draw(st.sampled_from(("allow", "allow", "forbid")))
    return {"on": on, verb: draw(st.lists(spans(), max_size=3))}


@st.composite
def hours_rules(draw: st.DrawFn, calendar: str) -> dict[str, object]:
    rows = draw(st.lists(plans(bool(calendar)), min_size=1, max_size=3))
    if draw(st.booleans()):  # most packs say something of every day
        rows.append({"on": ["*"], "allow": ["09:00-20:00"]})
    rule: dict[str, object] = {"kind": "window", "schedule": rows}
    rule["clock"] = draw(st.sampled_from(("callee", "callee", "callee", "tz:Asia/Shanghai", "tz:Europe/London")))
    rule["unknown_tz"] = draw(st.sampled_from(("intersect", "intersect", "intersect", "deny")))
    if calendar:
        rule["calendar"] = calendar
    if draw(st.booleans()):
        rule["waive_with"] = draw(st.sampled_from(("consent.time_of_day", "consent.express.time_of_day", "inside_a_contract")))
    return rule


clocks = st.sampled_from(("callee", "callee", "Asia/Shanghai", "America/Havana", "Pacific/Chatham"))
periods = st.one_of(
    st.sampled_from(("rolling:24h", "rolling:8h", "rolling:30m", "rolling:7d", "rolling:36h")),
    st.tuples(st.sampled_from((1, 2, 7, 30)), clocks).map(lambda pair: f"rolling_days:{pair[0]}@{pair[1]}"),
    st.tuples(st.sampled_from(("day", "month", "week(mon)", "week(sun)", "week(wed)")), clocks).map(
        lambda pair: f"calendar:{pair[0]}@{pair[1]}"
    ),
    st.sampled_from(("successive:30d@campaign_start", "successive:7d@campaign_start")),
)
keys = st.sampled_from((["person"], ["number"], ["person", "subject"], ["number", "campaign"], ["person", "debt"]))
scopes = st.sampled_from((None, "seller", "creditor", "campaign"))
kinds = st.sampled_from(("attempt", "attempt", "attempt", "conversation", "refusal", "unanswered"))


@st.composite
def caps(draw: st.DrawFn) -> dict[str, object]:
    rule: dict[str, object] = {"kind": "cap", "max": draw(st.integers(1, 4)), "event": draw(kinds), "key": draw(keys)}
    rule["period"] = draw(periods)
    if scope := draw(scopes):
        rule["caller_scope"] = scope
    if draw(st.booleans()):
        rule["not_counted"] = ["not_connected_to_number", "direct_consent_within_7d"]
    return rule


@st.composite
def cooldowns(draw: st.DrawFn) -> dict[str, object]:
    length: dict[str, object] = draw(
        st.one_of(
            st.sampled_from(("72h", "90m", "1d", "10d")).map(lambda text: {"duration": text}),
            st.tuples(st.sampled_from((1, 7, 20)), st.sampled_from(("event", "next"))).map(
                lambda pair: {"days": pair[0], "first_day": pair[1]}
            ),
            st.sampled_from((1, 6)).map(lambda months: {"months": months}),
            clocks.map(lambda clock: {"until": f"end_of_day@{clock}"}),
        )
    )
    rule = {"kind": "cooldown", "after": draw(kinds), "key": draw(keys)} | length
    if "until" not in length and draw(st.booleans()):
        rule["clock"] = draw(st.sampled_from(("callee", "tz:Asia/Shanghai")))
    if draw(st.booleans()):
        rule["unless"] = ["guaranteed_agent"]
    if scope := draw(scopes):
        rule["caller_scope"] = scope
    return rule


consents = st.sampled_from(("implied", "express", "written")).map(lambda level: {"kind": "consent", "level_needed": level})
own_list = st.sampled_from((["number", "person"], ["number"], ["person"])).map(
    lambda match: {"kind": "suppress", "list": "internal", "match": match}
)
others_list = st.sampled_from((28, 31)).map(
    lambda days: {
        "kind": "suppress",
        "list": "xx.tps",
        "match": ["number"],
        "list_max_age_days": days,
        "exempt": ["inside_a_contract"],
    }
)


@st.composite
def packs(draw: st.DrawFn, at: datetime) -> tuple[str, str]:
    """The TOML text of a pack, and the calendar its rules use."""
    calendar = draw(st.sampled_from(("", "", *CALENDARS)))
    if at.year > 2026 and calendar == "CN":
        calendar = ""  # no notice has been given: that answer is not a matter of arithmetic
    kinds_of_rule: list[st.SearchStrategy[Any]] = [hours_rules(calendar), hours_rules(calendar), caps(), cooldowns()]
    if draw(st.booleans()):
        kinds_of_rule += [consents, own_list, others_list]
    rules: list[dict[str, object]] = draw(st.lists(st.one_of(kinds_of_rule), min_size=1, max_size=3))
    texts = []
    for index, rule in enumerate(rules):
        whole: dict[str, Any] = {"rule_id": f"r{index}", **rule}
        if draw(st.integers(0, 4)) == 0:
            whole["effective_from"] = at.date() + timedelta(days=draw(st.integers(-3, 6)))
        if draw(st.integers(0, 4)) == 0:
            since = whole.get("effective_from", at.date() - timedelta(days=2))
            assert isinstance(since, date)
            whole["effective_until"] = since + timedelta(days=draw(st.integers(0, 8)))
        texts.append(rule_text(**whole))
    return pack_text(*texts, name="random"), calendar


# --- random questions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One question in both languages."""

    line: Mapping[str, Any]
    pack: Pack
    asked: Asked


people = st.sampled_from((None, "ann", "ann", "bob"))
PARTIES: dict[str, tuple[str | None, ...]] = {
    "campaign": (None, "c1", "c2"),
    "subject": (None, "s1", "s2"),
    "seller": (None, "x", "y"),
    "debt": (None, "d1", "d2"),
}
PARTIES |= {"creditor": (None, "k1")}


@st.composite
def parties(draw: st.DrawFn, number: st.SearchStrategy[str | None]) -> dict[str, str]:
    told = {"person": draw(people), "number": draw(number)}
    told |= {name: draw(st.sampled_from(values)) for name, values in PARTIES.items() if draw(st.booleans())}
    return {name: value for name, value in told.items() if value is not None}


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    anywhere = st.integers(0, 5 * 365 * 1440 - 1).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    )
    near = st.tuples(st.sampled_from(NIGHTS), st.integers(-36 * 60, 36 * 60)).map(
        lambda pair: datetime.fromisoformat(f"{pair[0]}T00:00+00:00") + timedelta(minutes=pair[1])
    )
    at = draw(near | anywhere)
    if draw(st.booleans()):
        at -= timedelta(minutes=at.minute % 15)
    return at + timedelta(seconds=draw(st.sampled_from((0, 0, 0, -1, 30, 59))))


ages = st.one_of(
    st.integers(0, 30 * 3600),
    st.integers(0, 45 * 86_400),
    st.sampled_from((0, 86_400, 86_399, 7 * 86_400, 30 * 86_400, 3 * 86_400)),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    at = draw(moments())
    text, calendar = draw(packs(at))
    to = draw(parties(st.sampled_from((*NUMBERS[:1] * 8, NOWHERE))))
    zones = [] if to["number"] == NOWHERE else draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True))
    history = []
    for age in draw(st.lists(ages, max_size=8)):
        marks = draw(st.sampled_from(([], [], [], ["not_connected_to_number"], ["left_a_message"])))
        kind = draw(kinds | st.sampled_from(("opt_out", "consent_withdrawn")) if age % 7 == 0 else kinds)
        told = draw(parties(st.sampled_from((None, *NUMBERS, to["number"], to["number"]))))
        history.append(Happened(kind, at - timedelta(seconds=age), told, frozenset(marks)))
    consent = draw(st.sampled_from(("none", "none", "implied", "express", "written")))
    any_hour = consent != "none" and draw(st.booleans())
    grounds = draw(st.lists(st.sampled_from(GROUNDS), max_size=1))
    held = frozenset(grounds) | ({"consent.time_of_day"} if any_hour else frozenset())
    if any_hour and consent in {"express", "written"}:
        held |= {"consent.express.time_of_day"}
    list_age = timedelta(days=draw(st.sampled_from((0, 10, 25, 28, 31, 40))))
    ring = draw(st.sampled_from((0, 0, 0, 20, 45, 60, 900)))
    started = at - timedelta(seconds=draw(st.integers(0, 60 * 86_400))) if draw(st.booleans()) else None
    line: dict[str, Any] = to | {
        "at": at.isoformat(),
        "zone": zones,
        "pack": ["random"],
        "consent": f"{consent}.time_of_day" if any_hour else consent,
        "grounds": grounds,
        "ring_budget": ring,
        "lists": {"xx.tps": (at - list_age).isoformat()},
        "history": [
            {"kind": event.kind, "at": event.at.isoformat()} | dict(event.to) | dict.fromkeys(event.marks, True)
            for event in history
        ],
    }
    if started:
        line["campaign_start"] = started.isoformat()
    asked = Asked(
        at=at,
        zones=tuple(zones),
        packs=(tomllib.loads(text),),
        to=to,
        history=tuple(history),
        held=held,
        consent=consent,
        list_age=list_age,
        ring_budget=timedelta(seconds=ring),
        days=days_of(calendar, at),
        campaign_started=started,
    )
    return Case(line, parse_pack(text, "random"), asked)


def answered(case: Case) -> tuple[set[str], datetime | None]:
    """The rules our answer names, and its retry_at."""
    told: Any = answer(parse_question(case.line), (case.pack,), calendars_for((case.pack,), case.asked.at))
    rules = {reason["rule"] for reason in told["reasons"]}
    assert told["verdict"] == ("refuse" if rules else "permit")
    retry_at = told["retry_at"]
    assert retry_at is None or (rules and retry_at.endswith("Z"))
    return rules, None if retry_at is None else datetime.fromisoformat(retry_at)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cases())
def test_any_question_is_answered_as_the_rules_read(case: Case) -> None:
    asked = case.asked
    rules, retry_at = answered(case)
    assert rules == denied_by(asked, asked.at)
    if not rules:
        return
    first = first_permitted(asked, asked.at + HORIZON)
    if retry_at is None and first is not None:
        # Hours that do not meet, of several zones or rules, are not waited for beyond two weeks: a better location is asked for.
        hours = [rule for rule in asked.packs[0]["rule"] if rule["kind"] == "window"]
        assert first > asked.at + windows.HORIZON
        assert len(hours) > 1 or len(asked.zones) > 1
    elif first is not None or retry_at is None or retry_at <= asked.at + HORIZON:
        assert retry_at == first
    else:
        assert permitted(asked, retry_at)
        assert not permitted(asked, retry_at - timedelta(microseconds=1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases(), st.data())
def test_a_pack_more_never_permits_more_and_never_earlier(case: Case, data: st.DataObject) -> None:
    text, _ = data.draw(packs(case.asked.at))
    more = parse_pack(text.replace('id = "random"', 'id = "more"'), "more")
    question = parse_question(case.line)
    both = (case.pack, more)
    alone: Any = answer(question, both[:1], calendars_for(both, case.asked.at))
    together: Any = answer(question, both, calendars_for(both, case.asked.at))
    if alone["verdict"] == "refuse":
        assert together["verdict"] == "refuse"
        if together["retry_at"] is not None:
            assert alone["retry_at"] is not None
            assert datetime.fromisoformat(together["retry_at"]) >= datetime.fromisoformat(alone["retry_at"])
