"""The twenty cases every gate must hold, through the packs as they are shipped.

Cases 12 (the race for the last attempt), 13 (crashes), 14 (opt-outs under way) and 16 (clocks) are of the ledger and the
floor: they are in tests/integration/test_compliance_store.py. Of 15, 19 and 20 this is the pure part.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance.abandonment import LiveAnswer, Rate, is_abandoned, rate
from compliance.calendars import calendars_for
from compliance.contradictions import contradictions
from compliance.pack_files import load_packs
from compliance.packs import AbandonRule, Pack, parse_pack
from compliance.question import answer, parse_question
from compliance.rules import RecordRule

NEW_YORK, PARIS, SHANGHAI = "America/New_York", "Europe/Paris", "Asia/Shanghai"
NUMBERS = {NEW_YORK: "+12125550100", PARIS: "+33142685300", SHANGHAI: "+8613912345678"}
US_ZONES = [
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"),
    *("America/Anchorage", "America/Adak", "Pacific/Honolulu"),
]
RUSSIAN_ZONES = ["Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok", "Asia/Kamchatka"]
HEAD = 'schema = 1\n[pack]\nid = "case"\nversion = "1"\njurisdiction = ["*"]\n'
RULE = '[[rule]]\nid = "case.{kind}"\nkind = "{kind}"\ncite = "c"\nlevel = "law"\nsource = "primary"\n'


def there(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def a_pack(kind: str, fields: str) -> Pack:
    return parse_pack(HEAD + RULE.format(kind=kind) + fields, "case")


def hours(schedule: str, clock: str = "callee", calendar: str = "") -> Pack:
    named = f'calendar = "{calendar}"\n' if calendar else ""
    return a_pack("window", f'clock = "{clock}"\n{named}schedule = {schedule}\n')


def ask(at: datetime, packs: tuple[Pack, ...] | str, **asked: Any) -> tuple[bool, datetime | None, list[str]]:
    """Permitted or not, when again, and which rules refuse."""
    zone = asked.get("zone", NEW_YORK)
    asked.setdefault("number", NUMBERS.get(zone if isinstance(zone, str) else "", NUMBERS[NEW_YORK]))
    read = parse_question({"at": at.isoformat(), "pack": ["case"], **asked})
    chosen = load_packs((packs,), Path()) if isinstance(packs, str) else packs
    told: Any = answer(read, chosen, calendars_for(chosen, at))
    retry = told["retry_at"]
    return (
        told["verdict"] == "permit",
        None if retry is None else datetime.fromisoformat(retry),
        [one["rule"] for one in told["reasons"]],
    )


def permits(at: datetime, packs: tuple[Pack, ...] | str, **asked: Any) -> bool:
    return ask(at, packs, **asked)[0]


def events(kind: str, *times: datetime, **more: str) -> list[dict[str, str]]:
    common = {"person": "p1", "number": "+12125550100", "campaign": "c1", "subject": "s1", "seller": "x"}
    return [{**common, **more, "kind": kind, "at": at.isoformat()} for at in times]


@pytest.mark.parametrize(
    ("pack", "zone", "clock", "permitted"),
    [
        ("us-federal-telemarketing", NEW_YORK, "07:59:59", False),
        ("us-federal-telemarketing", NEW_YORK, "08:00:00", True),
        ("us-federal-telemarketing", NEW_YORK, "20:59:59", True),
        ("us-federal-telemarketing", NEW_YORK, "21:00:00", False),
        ("fr-prospection", PARIS, "12:59:59", True),
        ("fr-prospection", PARIS, "13:00:00", False),
        ("fr-prospection", PARIS, "13:59:59", False),
        ("fr-prospection", PARIS, "14:00:00", True),
        ("fr-prospection", PARIS, "20:00:00", False),
    ],
)
def test_case_1_edges(pack: str, zone: str, clock: str, permitted: bool) -> None:
    assert permits(there(f"2026-06-15T{clock}", zone), pack, zone=zone) is permitted


@pytest.mark.parametrize(("denied", "hours_to_wait"), [("2026-03-07T21:30", 9.5), ("2026-10-31T21:30", 11.5)])
def test_case_2_the_retry_is_real_time_across_a_clock_change(denied: str, hours_to_wait: float) -> None:
    at = there(denied)
    assert ask(at, "us-federal-telemarketing")[1] == at + timedelta(hours=hours_to_wait)


@pytest.mark.parametrize(
    ("at", "permitted"),
    [
        ("2026-06-15T21:59:59", True),
        ("2026-06-15T22:00:00", False),
        ("2026-06-16T00:00:00", False),
        ("2026-06-16T07:59:59", False),
        ("2026-06-16T08:00:00", True),
    ],
)
def test_case_3_a_ban_crosses_midnight(at: str, permitted: bool) -> None:
    ban = hours('[{ on = ["*"], forbid = ["22:00-08:00"] }]', "tz:Asia/Shanghai")
    assert permits(there(at, SHANGHAI), (ban,), zone=SHANGHAI) is permitted


@pytest.mark.parametrize(("day", "permitted"), [("2026-06-19", True), ("2026-06-20", False), ("2026-06-15", False)])
def test_case_4_a_crossing_window_belongs_to_its_start(day: str, permitted: bool) -> None:
    assert permits(there(f"{day}T01:00"), (hours('[{ on = ["mon-thu"], allow = ["18:00-02:00"] }]'),)) is permitted


def test_case_5_the_repeated_and_the_skipped_hour() -> None:
    late, early = hours('[{ on = ["sat"], allow = ["22:00-01:30"] }]'), hours('[{ on = ["sun"], allow = ["02:30-06:00"] }]')
    assert permits(there("2026-11-01T01:15"), (late,))
    assert not permits(there("2026-11-01T01:15", fold=1), (late,))
    assert ask(there("2026-03-08T01:00"), (early,))[1] == there("2026-03-08T03:00")


def test_case_6_two_zones_of_one_area_code() -> None:
    def asked(clock: str) -> tuple[bool, datetime | None, list[str]]:
        return ask(there(f"2026-06-15T{clock}", "America/Boise"), "us-federal-telemarketing", number="+12085551212")

    assert asked("08:30")[:2] == (False, there("2026-06-15T09:00", "America/Boise"))
    assert asked("20:30")[0]
    assert not asked("21:00")[0]


@pytest.mark.parametrize(
    ("day", "pack", "opens", "closes"),
    [
        ("2026-01-15", "us-federal-telemarketing", "13:00", "21:00"),
        ("2026-07-15", "us-federal-telemarketing", "14:00", "21:00"),
        ("2026-01-15", "us-fl", "13:00", "20:00"),
        ("2026-07-15", "us-fl", "14:00", "20:00"),
    ],
)
def test_case_7_anywhere_in_the_us(day: str, pack: str, opens: str, closes: str) -> None:
    first, last = there(f"{day}T{opens}"), there(f"{day}T{closes}")
    assert ask(there(f"{day}T06:00"), pack, zone=US_ZONES)[1] == first
    assert permits(first, pack, zone=US_ZONES)
    assert permits(last - timedelta(seconds=1), pack, zone=US_ZONES)
    assert not permits(last, pack, zone=US_ZONES)


def test_case_7_one_hour_a_day_in_russia_and_none_where_hours_never_meet() -> None:
    day, office = hours('[{ on = ["*"], allow = ["09:00-20:00"] }]'), hours('[{ on = ["*"], allow = ["09:00-17:00"] }]')
    midnight = datetime(2026, 1, 15, tzinfo=UTC)
    opened = [hour for hour in range(24) if permits(midnight + timedelta(hours=hour), (day,), zone=RUSSIAN_ZONES)]
    assert opened == [7]
    assert ask(midnight, (office,), zone=[NEW_YORK, SHANGHAI])[1] is None


def test_case_8_24_hours_are_not_a_calendar_day() -> None:
    evening = [there(f"2026-06-15T19:{text}") for text in ("58:00", "59:00", "59:59")]
    asked = {"number": "+13055550100", "person": "p1", "subject": "s1", "seller": "x", "history": events("attempt", *evening)}
    morning = there("2026-06-16T08:00")
    assert ask(morning, "us-fl", **asked) == (False, there("2026-06-16T19:58"), ["fl.cap"])
    assert permits(there("2026-06-16T19:58"), "us-fl", **asked)
    by_day = a_pack("cap", 'max = 3\nevent = "attempt"\nkey = ["person"]\nperiod = "calendar:day@callee"\n')
    assert permits(morning, (by_day,), **asked)


@pytest.mark.parametrize(("clock", "permitted"), [("19:30", False), ("20:00", True)])
def test_case_8_over_the_spring_night(clock: str, permitted: bool) -> None:
    cap = a_pack("cap", 'max = 1\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"\n')
    history = events("attempt", there("2026-03-07T19:00"))
    assert permits(there(f"2026-03-08T{clock}"), (cap,), person="p1", history=history) is permitted


REG_F = {"purpose": "debt_collection", "person": "p1", "debt": "d1"}


def test_case_9_regulation_f() -> None:
    seven = events("attempt", *(there(f"2026-03-02T{hour}:00") for hour in range(10, 17)), debt="d1")
    assert not permits(there("2026-03-08T20:59"), "us-reg-f", history=seven, **REG_F)
    assert ask(there("2026-03-08T20:59"), "us-reg-f", history=seven, **REG_F)[1] == there("2026-03-09T08:00")
    assert permits(there("2026-03-09T08:00"), "us-reg-f", history=seven, **REG_F)
    spoken = events("conversation", there("2026-03-05T20:50"), debt="d1")
    only_cooldown = tuple(
        replace(pack, rules=tuple(rule for rule in pack.rules if rule.origin.id == "regf.after_conversation"))
        for pack in load_packs(("us-reg-f",), Path())
    )
    assert ask(there("2026-03-06T09:00"), only_cooldown, history=spoken, **REG_F)[1] == there("2026-03-12T00:00")


def test_case_9_busy_is_not_counted_by_regulation_f() -> None:
    busy = [{**one, "not_connected_to_number": True} for one in events("attempt", *[there("2026-03-02T10:00")] * 7, debt="d1")]
    assert permits(there("2026-03-02T12:00"), "us-reg-f", history=busy, **REG_F)


@pytest.mark.parametrize(("day", "permitted"), [("2026-03-30", False), ("2026-03-31", True)])
def test_case_9_france_counts_thirty_days(day: str, permitted: bool) -> None:
    four = events("attempt", *(there(f"2026-03-01T{hour}:00", PARIS) for hour in (10, 11, 14, 15)))
    asked = {"zone": PARIS, "person": "p1", "seller": "x", "history": four}
    assert permits(there(f"{day}T10:00", PARIS), "fr-prospection", **asked) is permitted


def test_case_9_france_waits_sixty_full_days_after_a_refusal() -> None:
    refusal = events("refusal", there("2026-01-15T15:00", PARIS))
    asked = {"zone": PARIS, "person": "p1", "seller": "x", "history": refusal}
    assert ask(there("2026-01-16T10:00", PARIS), "fr-prospection", **asked)[1] == there("2026-03-17T10:00", PARIS)


@pytest.mark.parametrize(("start", "permitted"), [("mon", True), ("sun", False)])
def test_case_10_the_pack_says_when_a_week_starts(start: str, permitted: bool) -> None:
    zone = "Asia/Hong_Kong"
    cap = a_pack("cap", f'max = 3\nevent = "attempt"\nkey = ["person"]\nperiod = "calendar:week({start})@{zone}"\n')
    history = events("attempt", *(there(f"2026-06-07T{hour}:00", zone) for hour in (10, 11, 12)))
    assert permits(there("2026-06-08T10:00", zone), (cap,), zone=zone, person="p1", history=history) is permitted


@pytest.mark.parametrize(
    ("at", "permitted"),
    [
        ("2026-02-14T19:59:59", True),  # a Saturday on which people work
        ("2026-02-14T07:59:59", False),
        ("2026-02-15T18:00", False),
        ("2026-02-15T09:00", True),
        ("2026-02-23T18:00", False),  # a Monday off
        ("2026-02-23T17:59:59", True),
        ("2027-01-04T10:00", False),
    ],
)
def test_case_11_make_up_workdays_in_ningxia(at: str, permitted: bool) -> None:
    asked = {"zone": SHANGHAI, "purpose": "debt_collection", "number": "+869516012345"}
    assert permits(there(at, SHANGHAI), "cn-mainland", **asked) is permitted
    if at.startswith("2027"):
        assert ask(there(at, SHANGHAI), "cn-mainland", **asked)[1] is None


@pytest.mark.parametrize(
    ("person", "number", "blocked"),
    [("a", "+12125550100", True), ("a", "+12125550101", True), ("b", "+12125550100", True), ("b", "+12125550103", False)],
)
def test_case_15_a_shared_number(person: str, number: str, blocked: bool) -> None:
    opted_out = events("opt_out", there("2026-06-15T12:00"), person="a")
    noon = there("2026-06-16T12:00")
    assert permits(noon, "house", person=person, number=number, seller="x", history=opted_out) is not blocked


def test_case_15_a_reassigned_number_starts_anew() -> None:
    cap = a_pack("cap", 'max = 1\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:7d"\n')
    before = events("attempt", there("2026-06-15T12:00"), person="a")
    moved = [{"kind": "reassigned", "number": "+12125550100", "at": there("2026-06-16T00:00").isoformat()}]
    noon = there("2026-06-17T12:00")
    assert not permits(noon, (cap,), person="b", history=before)
    assert permits(noon, (cap,), person="b", history=before + moved)
    assert not permits(noon, (cap,), person="a", number="+12125550101", history=before + moved)


@pytest.mark.parametrize(("clock", "permitted"), [("19:59:10", True), ("19:59:15", False), ("19:59:20", False)])
def test_case_17_the_phone_has_stopped_ringing_before_the_hours_end(clock: str, permitted: bool) -> None:
    at = there(f"2026-06-15T{clock}")
    assert permits(at, "us-fl", number="+13055550100", ring_budget=45) is permitted


def abandon_rule(pack: str) -> AbandonRule:
    (rule,) = (one for one in load_packs((pack,), Path())[0].rules if isinstance(one, AbandonRule))
    return rule


@pytest.mark.parametrize(
    ("abandoned", "answered", "within", "budget"), [(3, 100, True, 0), (3, 99, False, -1), (1, 33, False, -1), (1, 34, True, 0)]
)
def test_case_18_the_rate_is_compared_in_whole_numbers(abandoned: int, answered: int, within: bool, budget: int) -> None:
    figure = Rate(abandoned, answered, abandon_rule("us-federal-telemarketing").max_rate)
    assert (figure.within, figure.budget) == (within, budget)


@pytest.mark.parametrize(
    ("connected_s", "ended_s", "abandoned"),
    [(1.9, 9, False), (2.0, 9, False), (2.1, 9, True), (None, 1.9, False), (None, 2.0, True), (None, None, True)],
)
def test_case_18_who_was_abandoned(connected_s: float | None, ended_s: float | None, abandoned: bool) -> None:
    start = there("2026-06-15T12:00")

    def after(seconds: float | None) -> datetime | None:
        return None if seconds is None else start + timedelta(seconds=seconds)

    call = LiveAnswer(start - timedelta(seconds=3), after(connected_s), greeting_end=start, ended_at=after(ended_s))
    assert is_abandoned(call, abandon_rule("us-federal-telemarketing")) is abandoned


def test_case_18_a_person_taken_for_a_machine_counts_on_both_sides() -> None:
    start = there("2026-06-15T12:00")
    answers = (LiveAnswer(start, start),) * 66
    figure = rate(abandon_rule("gb-marketing"), answers, false_machines=2)
    assert (figure.abandoned, figure.answered, figure.within) == (2, 68, True)
    assert not rate(abandon_rule("gb-marketing"), answers, false_machines=3).within


@pytest.mark.parametrize(("day", "permitted"), [("2026-08-10", True), ("2026-08-11", False)])
def test_case_19_france_asks_for_consent_from_the_day_the_law_does(day: str, permitted: bool) -> None:
    told = ask(there(f"{day}T10:30", PARIS), "fr-prospection", zone=PARIS)
    assert told == (permitted, None, [] if permitted else ["fr.optin"])
    assert permits(there(f"{day}T10:30", PARIS), "fr-prospection", zone=PARIS, consent="express")


def test_case_19_the_same_question_has_the_same_answer() -> None:
    asked = {"number": NUMBERS[PARIS], "at": "2026-08-11T08:30:00Z", "pack": ["fr-prospection"]}
    packs = load_packs(("fr-prospection",), Path())
    assert answer(parse_question(asked), packs, ()) == answer(parse_question(asked), packs, ())


def test_case_20_recording_by_default_and_only_on_an_event_contradict_each_other() -> None:
    modes = {
        pack: next(rule.mode for rule in load_packs((pack,), Path())[0].rules if isinstance(rule, RecordRule))
        for pack in ("fr-prospection", "cn-mainland")
    }
    assert modes == {"fr-prospection": "on_event", "cn-mainland": "whole_call"}
    whole = a_pack("record", 'consent = "informed"\nannounce = true\nmode = "whole_call"\n')
    france = load_packs(("fr-prospection",), Path())[0]
    (found,) = contradictions((france, whole))
    assert (found.first, found.second) == ("fr-prospection: fr.record", "case: case.record")


# --- and beside the twenty --------------------------------------------------------------------------------------------


def test_72_hours_after_an_abandoned_call_over_the_spring_night() -> None:
    zone = "Europe/London"
    dropped = events("abandoned", there("2026-03-28T12:00", zone), number="+442079460958")
    asked = {"zone": zone, "number": "+442079460958", "history": dropped}
    assert ask(there("2026-03-30T12:00", zone), "gb-marketing", **asked)[1] == there("2026-03-31T13:00", zone)
    assert permits(there("2026-03-30T12:00", zone), "gb-marketing", grounds=["guaranteed_agent"], **asked)


@pytest.mark.parametrize(
    ("refused", "free"), [("2026-08-31", "2027-03-01"), ("2027-08-31", "2028-03-01"), ("2026-03-10", "2026-09-11")]
)
def test_six_months_after_a_refusal_are_over_when_the_last_day_is(refused: str, free: str) -> None:
    cooldown = a_pack("cooldown", 'after = "refusal"\nkey = ["person"]\nmonths = 6\nclock = "tz:Asia/Shanghai"\n')
    history = events("refusal", there(f"{refused}T15:00", SHANGHAI))
    at = there(f"{refused}T16:00", SHANGHAI)
    assert ask(at, (cooldown,), zone=SHANGHAI, person="p1", history=history)[1] == there(f"{free}T00:00", SHANGHAI)


def test_a_consent_that_expires_while_the_phone_rings_is_none() -> None:
    noon = there("2026-08-12T12:00", PARIS)
    for seconds, permitted in ((44, False), (45, False), (46, True)):
        expires = (noon + timedelta(seconds=seconds)).isoformat()
        given = [{**events("consent", there("2026-08-11T12:00", PARIS))[0], "level": "express", "expires_at": expires}]
        given[0]["number"] = NUMBERS[PARIS]
        asked = {"zone": PARIS, "person": "p1", "seller": "x", "history": given, "ring_budget": 45}
        assert permits(noon, "fr-prospection", **asked) is permitted


def test_a_consent_taken_back_is_none() -> None:
    given = {**events("consent", there("2026-08-11T12:00", PARIS))[0], "level": "express", "number": NUMBERS[PARIS]}
    taken = {**events("withdrawal", there("2026-08-12T09:00", PARIS))[0], "number": NUMBERS[PARIS]}
    asked = {"zone": PARIS, "person": "p1", "seller": "x"}
    noon = there("2026-08-12T12:00", PARIS)
    assert permits(noon, "fr-prospection", history=[given], **asked)
    assert not permits(noon, "fr-prospection", history=[given, taken], **asked)


@pytest.mark.parametrize(("age_days", "permitted"), [(31, True), (32, False)])
def test_a_list_that_is_too_old_pauses_everybody(age_days: int, permitted: bool) -> None:
    noon = there("2026-06-15T12:00")
    lists = {"us.national_dnc": (noon - timedelta(days=age_days)).isoformat()}
    assert permits(noon, "us-federal-telemarketing", lists=lists) is permitted


def test_a_written_consent_beats_a_regulators_list_and_no_internal_one() -> None:
    noon, asked = there("2026-06-15T12:00"), {"person": "p1", "seller": "x"}
    listed = [{"list": "us.national_dnc", "number": NUMBERS[NEW_YORK]}]
    assert not permits(noon, "us-federal-telemarketing", dnc=listed, **asked)
    assert permits(noon, "us-federal-telemarketing", dnc=listed, consent="written", **asked)
    assert not permits(noon, "us-federal-telemarketing", dnc=[{"person": "p1"}], consent="written", **asked)


def test_a_consent_for_any_hour_waives_the_hours_and_another_does_not() -> None:
    night, asked = there("2026-06-15T21:30", PARIS), {"zone": PARIS, "person": "p1", "seller": "x"}
    assert not permits(night, "fr-prospection", consent="express", **asked)
    assert permits(night, "fr-prospection", consent="express.time_of_day", **asked)


def test_the_persons_own_bans_are_kept() -> None:
    noon = there("2026-03-02T12:00")
    assert permits(noon, "us-reg-f", **REG_F)
    told = ask(noon, "us-reg-f", inconvenient=["mon-fri 09:00-17:00"], **REG_F)
    assert told[:2] == (False, there("2026-03-02T17:00"))


def test_blocks_of_days_from_the_start_of_a_campaign() -> None:
    cap = a_pack("cap", 'max = 1\nevent = "attempt"\nkey = ["person"]\nperiod = "successive:30d@campaign_start"\n')
    start, history = there("2026-06-01T12:00"), events("attempt", there("2026-06-20T12:00"))
    at, asked = there("2026-06-21T12:00"), {"person": "p1", "history": history}
    assert ask(at, (cap,), campaign_start=start.isoformat(), **asked)[1] == start + timedelta(days=30)
    assert ask(at, (cap,), **asked)[:2] == (False, None)


@pytest.mark.parametrize(
    ("shown", "permitted"),
    [("", False), ("+862012345678", True), ("+864001234567", False), (None, True)],
)
def test_the_number_the_callee_sees(shown: str | None, permitted: bool) -> None:
    rule = a_pack("callerid", 'must_present = true\nforbid_prefix = ["400", "800"]\n')
    asked = {} if shown is None else {"caller_id": shown}
    assert permits(there("2026-06-15T12:00", SHANGHAI), (rule,), zone=SHANGHAI, **asked) is permitted
