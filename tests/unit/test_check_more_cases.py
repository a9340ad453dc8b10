"""More questions of the kinds of the twenty cases, with other zones, years, packs and periods, through `compliance check`.

Each answer was worked out by hand from the rules before the command was asked. Times are UTC; the words say what they
are where the person is. All questions go through the command as one batch, as a script would ask them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dialer.cli.main import main
from tests.pack_texts import pack_text, rule_text

NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"
HOME = "+12123342000"


Rule = tuple[str, Mapping[str, Any]]  # its kind and the fields of the kind


def hours(*plans: Mapping[str, Sequence[str]], **more: Any) -> Rule:
    return "window", {"clock": "callee", "unknown_tz": "intersect", "schedule": list(plans), **more}


def allow(days: str, *spans: str) -> Mapping[str, Sequence[str]]:
    return {"on": days.split(), "allow": list(spans)}


def forbid(days: str, *spans: str) -> Mapping[str, Sequence[str]]:
    return {"on": days.split(), "forbid": list(spans)}


def by_calendar(name: str) -> Rule:
    return hours(allow("holiday sun"), allow("*", "09:00-18:00"), calendar=name)


def cap(most: int, period: str, *key: str) -> Rule:
    return "cap", {"max": most, "event": "attempt", "key": list(key or ("person",)), "period": period}


def cooldown(after: str, **length: Any) -> Rule:
    return "cooldown", {"after": after, "key": ["person"], "clock": "callee", **length}


DAY = hours(allow("*", "08:00-20:00"))
PACKS: Mapping[str, Sequence[Rule]] = {
    "day": [DAY],
    "small hours": [hours(allow("*", "00:00-06:00"))],
    "two to six": [hours(allow("*", "02:00-06:00"))],
    "to quarter to two": [hours(allow("*", "22:00-01:45"))],
    "to half past two": [hours(allow("*", "00:00-02:30"))],
    "three to nine": [hours(allow("*", "03:00-09:00"))],
    "evening to midnight": [hours(allow("*", "18:00-00:00"))],
    "saturday night": [hours(allow("sat", "23:30-03:00"))],
    "half an hour": [hours(allow("*", "02:15-02:45"))],
    "monday night ban": [hours(forbid("mon", "22:00-08:00"), allow("*", "00:00-24:00"))],
    "two spans that touch": [hours(allow("*", "08:00-12:00", "12:00-20:00"))],
    "a minute and an hour": [hours(allow("*", "12:00-12:01", "15:00-16:00"))],
    "only holidays": [hours(allow("holiday", "10:00-12:00"), allow("*"), calendar="FR")],
    "make-up days": [hours(allow("restday"), allow("workday", "03:00-10:00"), calendar="CN")],
    "other hours next year": [
        hours(allow("*", "08:00-20:00"), effective_until=date(2026, 12, 31)),
        hours(allow("*", "10:00-18:00"), effective_from=date(2027, 1, 1)),
    ],
    "consent this year": [("consent", {"level_needed": "express", "scope": ["seller"], "effective_until": date(2026, 12, 31)})],
    "once a local day": [cap(1, "calendar:day@callee")],
    "once in today": [cap(1, "rolling_days:1@callee")],
    "once a month": [cap(1, "calendar:month@callee")],
    "once a week from saturday": [cap(1, "calendar:week(sat)@callee")],
    "once in 7 days of 24 hours": [cap(1, "rolling:7d")],
    "once in 7 local days": [cap(1, "rolling_days:7@callee")],
    "once a day in Tokyo": [cap(1, "rolling_days:1@Asia/Tokyo")],
    "once a block": [cap(1, "successive:30d@campaign_start", "person", "campaign")],
    "thrice a day by day": [cap(3, "rolling:24h"), DAY],
    "two an hour and three a day": [cap(2, "rolling:1h"), cap(3, "calendar:day@callee")],
    "six months": [cooldown("refusal", months=6)],
    "two cool-downs": [cooldown("conversation", days=3, first_day="event"), cooldown("abandoned", duration="72h")],
    **{name: [by_calendar(name)] for name in ("DE-BY", "DE-BE", "AU-VIC", "AU-NSW", "CA-QC", "CA-ON")},
}


@dataclass(frozen=True)
class Case:
    """A claim, the question that tests it, and the answer: `permit`, the first permitted instant, or None for none."""

    claim: str
    question: Mapping[str, Any]
    answer: str | None
    history: Sequence[Mapping[str, str]] = ()


def there(
    claim: str, at: str, pack: str, zone: str | list[str], answer: str | None, *past: Mapping[str, str], **more: Any
) -> Case:
    """Somebody in the zone, by one of the packs above."""
    return Case(claim, {"number": HOME, "at": at, "pack": pack, "zone": zone, **more}, answer, past)


def ringing(claim: str, at: str, number: str, answer: str | None, *past: Mapping[str, str], **more: Any) -> Case:
    """A number, by the shipped packs of where its owner may be."""
    return Case(claim, {"number": number, "at": at, **more}, answer, past)


def event(kind: str, at: str, **more: str) -> Mapping[str, str]:
    return {"kind": kind, "at": at, "person": "p1", "campaign": "c1", "subject": "s1", "seller": "x", **more}


def attempts(*times: str, **more: str) -> tuple[Mapping[str, str], ...]:
    return tuple(event("attempt", at, **more) for at in times)


def same_hours(day: str, *hours_of_day: int, **more: str) -> tuple[Mapping[str, str], ...]:
    return attempts(*(f"{day}T{hour:02}:00:00Z" for hour in hours_of_day), **more)


LORD_HOWE, TROLL = "Australia/Lord_Howe", "Antarctica/Troll"
NIGHTS = [
    there("half an hour is skipped on Lord Howe", "2026-10-03T15:29:00Z", "two to six", LORD_HOWE, "2026-10-03T15:30:00Z"),
    there("the first 01:40 on Lord Howe", "2026-04-04T14:40:00Z", "to quarter to two", LORD_HOWE, "permit"),
    there("the second 01:40 on Lord Howe", "2026-04-04T15:10:00Z", "to quarter to two", LORD_HOWE, "2026-04-05T11:30:00Z"),
    there("03:00 is skipped on Chatham", "2026-09-26T13:45:00Z", "three to nine", "Pacific/Chatham", "2026-09-26T14:00:00Z"),
    there("two hours are skipped at Troll", "2027-03-28T00:30:00Z", "two to six", TROLL, "2027-03-28T01:00:00Z"),
    there("two hours come twice at Troll", "2027-10-31T02:15:00Z", "to half past two", TROLL, "2027-11-01T00:00:00Z"),
    there("midnight is skipped in Cairo", "2026-04-23T21:59:59Z", "small hours", "Africa/Cairo", "2026-04-23T22:00:00Z"),
    there("midnight is skipped in Havana", "2026-03-08T04:59:59Z", "evening to midnight", "America/Havana", "permit"),
    there(
        "Saturday's last hour is skipped in Nuuk",
        "2026-03-29T00:59:59Z",
        "saturday night",
        "America/Nuuk",
        "2026-03-29T01:00:00Z",
    ),
    there("a window inside the gap waits a day", "2027-03-13T17:00:00Z", "half an hour", NEW_YORK, "2027-03-15T06:15:00Z"),
    there("clocks go back for Ramadan", "2026-02-14T20:30:00Z", "day", "Africa/Casablanca", "2026-02-15T08:00:00Z"),
    there("clocks go on after Ramadan", "2026-03-21T20:30:00Z", "day", "Africa/Casablanca", "2026-03-22T07:00:00Z"),
    there("a spring of the south", "2026-10-03T10:30:00Z", "day", "Australia/Sydney", "2026-10-03T21:00:00Z"),
]
RULES_OF_ZONES = [
    there("Paraguay changed its clocks until 2024", "2024-07-01T11:00:00Z", "day", "America/Asuncion", "2024-07-01T12:00:00Z"),
    there("and does no more", "2027-07-01T11:00:00Z", "day", "America/Asuncion", "permit"),
    there("Kazakhstan took one zone in 2024", "2024-02-29T14:30:00Z", "day", "Asia/Almaty", "2024-03-01T03:00:00Z"),
    there("British Columbia stays on summer time", "2027-01-15T15:00:00Z", "day", "America/Vancouver", "permit"),
    ringing("and its evenings end an hour earlier in UTC", "2027-01-15T04:30:00Z", "+16045551234", "2027-01-15T16:00:00Z"),
]
WINDOWS = [
    there(
        "a ban of Monday night reaches into Tuesday", "2026-12-01T12:00:00Z", "monday night ban", NEW_YORK, "2026-12-01T13:00:00Z"
    ),
    there("and not out of Sunday", "2026-11-30T06:00:00Z", "monday night ban", NEW_YORK, "permit"),
    there("spans that touch are one", "2026-12-01T16:59:50Z", "two spans that touch", NEW_YORK, "permit", ring_budget=30),
    there(
        "a minute never holds a minute of ringing",
        "2026-12-01T16:00:00Z",
        "a minute and an hour",
        NEW_YORK,
        "2026-12-01T20:00:00Z",
        ring_budget=60,
    ),
    there("holidays may be far", "2027-01-02T11:00:00Z", "only holidays", "Europe/Paris", "2027-03-29T08:00:00Z"),
    there("a make-up day is read on the callee's date", "2026-10-09T20:00:00Z", "make-up days", SHANGHAI, "permit"),
    there("rules change overnight", "2027-01-01T01:30:00Z", "other hours next year", NEW_YORK, "2027-01-01T15:00:00Z"),
    there("a rule that ends lets go", "2026-12-31T17:00:00Z", "consent this year", NEW_YORK, "2027-01-01T05:00:00Z"),
    there("two far zones meet for two hours", "2027-01-05T15:00:00Z", "day", ["Asia/Tokyo", NEW_YORK], "2027-01-05T23:00:00Z"),
]
PLACES = [
    there("Corpus Christi is a holiday in Bavaria", "2026-06-04T10:00:00Z", "DE-BY", "Europe/Berlin", "2026-06-05T07:00:00Z"),
    there("and none in Berlin", "2026-06-04T10:00:00Z", "DE-BE", "Europe/Berlin", "permit"),
    there("the Cup is run in Victoria", "2026-11-03T01:00:00Z", "AU-VIC", "Australia/Melbourne", "2026-11-03T22:00:00Z"),
    there("and not in New South Wales", "2026-11-03T01:00:00Z", "AU-NSW", "Australia/Sydney", "permit"),
    there("Saint John is kept in Quebec", "2027-06-24T16:00:00Z", "CA-QC", "America/Toronto", "2027-06-25T13:00:00Z"),
    there("and not in Ontario", "2027-06-24T16:00:00Z", "CA-ON", "America/Toronto", "permit"),
    ringing("an overlay has the zones of its area: 448", "2026-12-02T13:30:00Z", "+14482221234", "2026-12-02T14:00:00Z"),
    ringing("Gary is Central, Pulaski is Eastern: 219", "2026-12-02T13:30:00Z", "+12192221234", "2026-12-02T14:00:00Z"),
    ringing("Clinton is Central: 606", "2026-12-02T15:30:00Z", "+16062221234", "2026-12-02T16:00:00Z"),
    ringing("Malheur is Mountain: 541", "2026-12-03T04:30:00Z", "+15415551234", "2026-12-03T16:00:00Z"),
    ringing("a toll-free number is nowhere", "2026-12-02T17:00:00Z", "+18002221234", None),
    ringing("a satellite telephone is anywhere", "2026-12-02T17:00:00Z", "+870773111632", None),
    ringing("a Chinese mobile may be in Ningxia", "2026-10-11T11:00:00Z", "+8613812345678", "2026-10-12T00:00:00Z",
            purpose="debt_collection"),
    ringing("a landline of Beijing is not", "2026-10-11T11:00:00Z", "+861065551234", "permit", purpose="debt_collection"),
    ringing("an Irish landline needs no consent", "2027-02-02T12:00:00Z", "+35312345678", "permit"),
    ringing("an Irish mobile does", "2027-02-02T12:00:00Z", "+353851234567", None),
    ringing("China has not said when it works in 2027", "2026-12-31T12:00:00Z", "+861065551234", None, consent="express"),
    ringing("the evening before the opt-in waits for a consent", "2026-08-10T18:30:00Z", "+33142685300", None),
]  # fmt: skip
PERIODS = [
    there("the day of Cairo that has no midnight", "2026-04-23T21:30:00Z", "once a local day", "Africa/Cairo",
          "2026-04-23T22:00:00Z", *attempts("2026-04-23T18:00:00Z")),
    there("the day of Cairo that has 25 hours", "2026-10-29T21:30:00Z", "once a local day", "Africa/Cairo",
          "2026-10-29T22:00:00Z", *attempts("2026-10-29T20:30:00Z")),
    there("today ends at 01:00 in Santiago", "2027-09-05T03:00:00Z", "once in today", "America/Santiago", "2027-09-05T04:00:00Z",
          *attempts("2027-09-04T16:00:00Z")),
    there("a week from Saturday", "2027-03-14T16:00:00Z", "once a week from saturday", NEW_YORK, "2027-03-20T04:00:00Z",
          *attempts("2027-03-13T17:00:00Z")),
    there("seven times 24 hours over a spring night", "2027-03-20T16:30:00Z", "once in 7 days of 24 hours", NEW_YORK,
          "2027-03-20T17:00:00Z", *attempts("2027-03-13T17:00:00Z")),
    there("seven local days", "2027-03-20T03:59:59Z", "once in 7 local days", NEW_YORK, "2027-03-20T04:00:00Z",
          *attempts("2027-03-13T17:00:00Z")),
    there("a day of Tokyo wherever the callee is", "2027-03-19T03:00:00Z", "once a day in Tokyo", NEW_YORK,
          "2027-03-19T15:00:00Z", *attempts("2027-03-18T15:30:00Z")),
    there("a month that has begun in one zone", "2026-11-20T18:00:00Z", "once a month", [NEW_YORK, "America/Los_Angeles"],
          "2026-12-01T05:00:00Z", *attempts("2026-11-01T05:30:00Z")),
    there("the third block of a campaign", "2027-03-05T00:00:00Z", "once a block", "Etc/UTC", "2027-04-01T00:00:00Z",
          *attempts("2027-03-02T00:00:00Z"), campaign_start="2027-01-01T00:00:00Z"),
    there("of a campaign that began nobody knows when", "2027-03-05T00:00:00Z", "once a block", "Etc/UTC", None,
          *attempts("2027-03-02T00:00:00Z")),
    there("five of three wait for the third", "2026-12-01T20:00:00Z", "thrice a day by day", NEW_YORK, "2026-12-02T17:00:00Z",
          *same_hours("2026-12-01", 15, 16, 17, 18, 19)),
    there("the later of two caps", "2026-12-01T20:00:00Z", "two an hour and three a day", NEW_YORK, "2026-12-02T05:00:00Z",
          *attempts("2026-12-01T19:10:00Z", "2026-12-01T19:20:00Z", "2026-12-01T19:30:00Z")),
    there("the later of two cool-downs", "2026-12-02T17:00:00Z", "two cool-downs", NEW_YORK, "2026-12-04T15:00:00Z",
          event("conversation", "2026-12-01T15:00:00Z"), event("abandoned", "2026-12-01T15:00:00Z")),
    there("six months from the end of August, leap year", "2028-02-29T04:00:00Z", "six months", SHANGHAI, "2028-02-29T16:00:00Z",
          event("refusal", "2027-08-31T02:00:00Z")),
    ringing("thirty days over a leap day", "2028-03-01T11:00:00Z", "+33142685300", "2028-03-02T09:00:00Z",
            *attempts("2028-02-01T10:00:00Z", "2028-02-05T10:00:00Z", "2028-02-10T10:00:00Z", "2028-02-20T10:00:00Z"),
            consent="express", seller="x"),
    ringing("a cap that frees too late to ring", "2027-01-05T17:00:00Z", "+13053741234", "2027-01-06T13:00:00Z",
            *attempts("2027-01-05T00:59:40Z", "2027-01-05T00:59:40Z", "2027-01-05T00:59:40Z"), ring_budget=30),
    ringing("three days of Hong Kong's Sunday week", "2027-01-04T04:00:00Z", "+85221234567", "2027-01-10T01:00:00Z",
            *same_hours("2027-01-03", 2, 3, 4)),
    ringing("a conversation counts on the date it was there", "2026-11-12T20:00:00Z", "+12062221234", "permit",
            event("conversation", "2026-11-06T03:30:00Z", debt="d1"), pack="us-reg-f", purpose="debt_collection", debt="d1"),
]  # fmt: skip
CASES = [*NIGHTS, *RULES_OF_ZONES, *WINDOWS, *PLACES, *PERIODS]


def asked(case: Case, packs: Path) -> dict[str, Any]:
    """The question as a line of a batch; the packs above by the path of their file."""
    known = {"person": "p1", "campaign": "c1", "subject": "s1", "seller": "x", "history": list(case.history)}
    found = {**known, **case.question}
    if found.get("pack") in PACKS:
        found["pack"] = str(packs / f"{list(PACKS).index(found['pack'])}.toml")
    return found


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("packs")
    for index, rules in enumerate(PACKS.values()):
        texts = [rule_text(f"rule{number}", kind, **fields) for number, (kind, fields) in enumerate(rules)]
        (home / f"{index}.toml").write_text(pack_text(*texts), "utf-8")
    return home


@pytest.fixture(scope="module")
def answers(packs: Path) -> Mapping[str, Mapping[str, Any]]:
    questions = "\n".join(json.dumps(asked(case, packs)) for case in CASES)
    result = CliRunner().invoke(main, ["compliance", "check", "--batch", "-"], input=questions)
    assert result.exit_code == 0, result.output
    return {case.claim: json.loads(line) for case, line in zip(CASES, result.stdout.splitlines(), strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_the_answer_is_the_one_worked_out_by_hand(case: Case, answers: Mapping[str, Mapping[str, Any]]) -> None:
    told = answers[case.claim]
    expected = ("permit", None) if case.answer == "permit" else ("refuse", case.answer)
    assert (told["verdict"], told["retry_at"]) == expected, told["reasons"]
