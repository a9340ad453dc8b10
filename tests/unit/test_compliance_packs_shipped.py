"""The rule packs that come with Ringfence hold the numbers of their sources, and say where each comes from."""

import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from compliance.facts import OWN_LISTS
from compliance.packs import parse_pack
from compliance.windows import parse_hours

FOLDER = Path(__file__).parents[2] / "config" / "packs"
FILES = sorted(FOLDER.glob("*.toml"))
PACKS: dict[str, dict[str, Any]] = {path.name: tomllib.loads(path.read_text("utf-8")) for path in FILES}
RULES: dict[str, dict[str, Any]] = {rule["id"]: rule for pack in PACKS.values() for rule in pack["rule"]}
HEADS: dict[str, dict[str, Any]] = {pack["pack"]["id"]: pack["pack"] for pack in PACKS.values()}
IDS = [rule["id"] for pack in PACKS.values() for rule in pack["rule"]]

EVERY_DAY = "*"

#: Hours as the sources give them: rule -> what its schedule says, first match first. `!` stands before forbidden hours.
HOURS: dict[str, tuple[tuple[str, str], ...]] = {
    "us.hours": ((EVERY_DAY, "08:00-21:00"),),
    "regf.hours": ((EVERY_DAY, "08:00-21:00"),),
    "fl.hours": ((EVERY_DAY, "08:00-20:00"),),
    "ok.hours": ((EVERY_DAY, "08:00-20:00"),),
    "md.hours": ((EVERY_DAY, "08:00-20:00"),),
    "wa.hours": ((EVERY_DAY, "08:00-20:00"),),
    "ny.hours": ((EVERY_DAY, "08:00-21:00"),),
    "ct.hours": ((EVERY_DAY, "09:00-20:00"),),
    "tx.hours": (("sun", "12:00-21:00"), ("mon-sat", "09:00-21:00")),
    "al.hours": (("holiday sun", ""), ("mon-sat", "08:00-20:00")),
    "la.hours": (("holiday sun", ""), ("mon-sat", "08:00-20:00")),
    "ms.hours": (("sun", ""), ("mon-sat", "08:00-20:00")),
    "ky.hours": ((EVERY_DAY, "10:00-21:00"),),
    "mi.hours": ((EVERY_DAY, "09:00-21:00"),),
    "mn.hours": ((EVERY_DAY, "09:00-21:00"),),
    "nm.hours": ((EVERY_DAY, "09:00-21:00"),),
    "nv.hours": ((EVERY_DAY, "09:00-20:00"),),
    "ma.hours": ((EVERY_DAY, "08:00-20:00"),),
    "ri.hours": (("sat sun", ""), ("mon-fri", "09:00-18:00")),
    "ca.hours": (("mon-fri", "09:00-21:30"), ("sat sun", "10:00-18:00")),
    "gb.hours": (("holiday sun", ""), ("mon-fri", "09:00-20:00"), ("sat", "09:00-17:00")),
    "fr.hours": (("holiday sat sun", ""), ("mon-fri", "10:00-13:00 14:00-20:00")),
    "it.hours": (("holiday sun", ""), ("sat preholiday", "10:00-19:00"), ("mon-fri", "09:00-20:00")),
    "es.hours": (("holiday sat sun", ""), ("mon-fri", "09:00-21:00")),
    "au.hours_sales": (("holiday sun", ""), ("mon-fri", "09:00-20:00"), ("sat", "09:00-17:00")),
    "au.hours_research": (("mon-fri", "09:00-20:30"), ("sat sun", "09:00-17:00")),
    "au-debt.hours": (("holiday", ""), ("mon-fri", "07:30-21:00"), ("sat sun", "09:00-21:00")),
    "nz.hours": (("holiday sun", ""), ("mon-sat", "08:00-21:00")),
    "in.hours": ((EVERY_DAY, "!21:00-09:00"),),
    "in-recovery.hours": ((EVERY_DAY, "08:00-19:00"),),
    "hk.hours": ((EVERY_DAY, "09:00-22:00"),),
    "jp-collection.hours": ((EVERY_DAY, "!21:00-08:00"),),
    "cn.house_hours": (("workday", "09:00-12:00 14:00-20:00"), ("restday", "10:00-12:00 14:00-18:00")),
    "cn.life_insurance_hours": ((EVERY_DAY, "09:00-21:00"),),
    "cn.collect_hours": ((EVERY_DAY, "!22:00-08:00"),),
    "cn-64.collect_hours": (("workday", "08:00-20:00"), ("restday", "09:00-18:00")),
    "house.hours": ((EVERY_DAY, "09:00-20:00"),),
}

#: Caps as the sources give them: rule -> most, of what, by what, in which period.
CAPS: dict[str, tuple[int, str, str, str]] = {
    "fl.cap": (3, "attempt", "person subject", "rolling:24h"),
    "ok.cap_person": (3, "attempt", "person subject", "rolling:24h"),
    "ok.cap_number": (3, "attempt", "number subject", "rolling:24h"),
    "md.cap": (3, "attempt", "person subject", "rolling:24h"),
    "me.cap": (1, "attempt", "number", "rolling:8h"),
    "regf.7in7": (7, "attempt", "person debt", "rolling_days:7@callee"),
    "gb.pensions": (0, "attempt", "person", "rolling:24h"),
    "fr.cap": (4, "attempt", "person", "rolling_days:30@callee"),
    "au-debt.week": (3, "conversation", "person debt", "rolling_days:7@callee"),
    "au-debt.month": (10, "conversation", "person debt", "calendar:month@callee"),
    "hk.week_mon": (3, "attempt", "number", "calendar:week(mon)@Asia/Hong_Kong"),
    "hk.week_sun": (3, "attempt", "number", "calendar:week(sun)@Asia/Hong_Kong"),
    "cn.collect_contacts": (3, "conversation", "person", "calendar:day@Asia/Shanghai"),
    "cn.collect_unanswered": (6, "unanswered", "number", "calendar:day@Asia/Shanghai"),
    "cn-64.collect_contacts": (3, "conversation", "person", "calendar:day@Asia/Shanghai"),
    "house.gap": (1, "attempt", "person", "rolling:1h"),
    "house.day": (3, "attempt", "person", "rolling:24h"),
    "house.month": (10, "attempt", "person", "rolling:30d"),
}

#: Every other limit that a source gives: rule -> the fields that hold it.
LIMITS: dict[str, dict[str, object]] = {
    "us.abandon": {"max_rate": 0.03, "window": "successive:30d@campaign_start", "connect_within_s": 2.0},
    "ca.abandon": {"max_rate": 0.05, "window": "calendar:month@America/Toronto", "connect_within_s": 2.0},
    "gb.abandon": {"max_rate": 0.03, "window": "calendar:day@Europe/London", "connect_within_s": 2.0},
    "it.abandon": {"max_rate": 0.03, "per": ["campaign"], "connect_within_s": 3.0, "connect_clock": "answer"},
    "house.abandon": {"max_rate": 0.03, "window": "rolling:24h", "connect_within_s": 2.0, "numerator": "abandonment_message"},
    "us.ring": {"min_unanswered_s": 15, "or_min_rings": 4},
    "gb.ring": {"min_unanswered_s": 15},
    "house.ring": {"min_unanswered_s": 15},
    "us.ndnc": {"list_max_age_days": 31},
    "ca.national_dncl": {"list_max_age_days": 31},
    "gb.tps": {"list_max_age_days": 28},
    "ie.ndd": {"list_max_age_days": 28},
    "fr.bloctel": {"list_max_age_days": 30},
    "it.rpo": {"list_max_age_days": 15},
    "au.dncr": {"list_max_age_days": 30},
    "tx.state_dnc": {"hold": "3y"},
    "us.internal_dnc": {"effective": "immediate", "legal_deadline": "10bd", "hold": "5y"},
    "ca.internal_dnc": {"effective": "immediate", "legal_deadline": "14d"},
    "us.revocation": {"within": "10bd", "house": "immediate"},
    "eu.request_answer": {"within": "1mo"},
    "wa.refusal": {"after": "refusal", "months": 12},
    "regf.after_conversation": {"after": "conversation", "days": 7, "first_day": "event"},
    "gb.after_amd": {"after": "amd_machine", "until": "end_of_day@Europe/London", "unless": ["guaranteed_agent"]},
    "jp.refusal": {"after": "refusal", "until": "reconsent"},
    "gb.after_abandon": {"after": "abandoned", "duration": "72h", "unless": ["guaranteed_agent"]},
    "fr.refusal": {"after": "refusal", "days": 60, "first_day": "next"},
    "it.after_abandon": {"after": "abandoned", "days": 5},
    "cn.life_insurance_dnc": {"after": "refusal", "months": 6},
    "fl.disclose": {"within_s": 30},
    "wa.disclose": {"within_s": 30, "end_within_s_on_request": 10},
    "ct.disclose": {"within_s": 10, "end_within_s_on_request": 10},
    "au.callerid": {"reachable_for": "30d"},
    "in.callerid_promotional": {"allow_prefix": ["140"]},
    "in.callerid_service": {"allow_prefix": ["1600"]},
    "cn.callerid": {"forbid_prefix": ["400", "800"]},
    "us.retain": {"min": "5y"},
    "regf.retain": {"min": "3y", "from": "last_collection_activity"},
    "regf.retain_recording": {"min": "3y", "from": "call"},
    "ca.retain_abandonment": {"min": "3y"},
    "de.retain_consent": {"min": "5y", "from": "consent_granted"},
    "de.retain_consent_used": {"min": "5y", "from": "consent_used"},
    "cn.retain_callcentre": {"min": "30d"},
    "cn.retain_life_short": {"min": "5y", "from": "contract_end"},
    "cn.retain_life_long": {"min": "10y", "from": "contract_end"},
    "cn.retain_credit_card": {"min": "2y"},
    "cn.retain_assessment": {"min": "3y"},
}

#: Which consent the sources ask for, and for what.
CONSENTS: dict[str, tuple[str, str]] = {
    "us.robocall_consent": ("written", "seller number voice"),
    "fl.consent": ("written", "seller number automated_dialing"),
    "md.consent": ("written", "seller number automated_dialing"),
    "ct.consent": ("written", "seller voice marketing"),
    "ca.robocall_consent": ("express", "seller voice marketing"),
    "gb.claims_optin": ("express", "seller line"),
    "eu.robocall_consent": ("express", "seller voice marketing"),
    "ie.mobile_consent": ("express", "seller voice marketing"),
    "de.consent": ("express", "seller voice marketing"),
    "es.consent": ("express", "seller voice marketing"),
    "fr.optin": ("express", "seller voice marketing"),
    "cn.consent": ("express", "seller voice marketing"),
}

#: What the sources have the agent say.
DISCLOSED: dict[str, str] = {
    "us.disclose": "seller_identity sales_purpose goods_nature no_purchase_needed_if_prize",
    "fl.disclose": "caller_identity",
    "wa.disclose": "caller_identity seller_identity sales_purpose",
    "ny.disclose": "caller_identity seller_identity dnc_option",
    "ct.disclose": "caller_identity sales_purpose seller_identity offer_continue_end_or_remove",
    "ie.disclose": "caller_identity seller_identity contact_details",
    "eu.disclose": "seller_identity sales_purpose",
    "au.disclose": "caller_identity call_purpose",
    "jp.disclose": "seller_identity goods_nature sales_purpose",
    "house.disclose": "recording",
}

#: Whose leave a recording needs by the sources.
RECORDED: dict[str, str] = {
    "us.record": "one",
    "ca.record": "one",
    "de.record": "all",
    "fr.record": "informed",
    "cn.record": "informed",
    "house.record": "informed",
}

#: The lists that are not the floor's own.
LISTS: dict[str, str] = {
    "us.ndnc": "us.national_dnc",
    "tx.state_dnc": "us-tx.no_call",
    "ca.national_dncl": "ca.national_dncl",
    "gb.tps": "gb.tps+ctps",
    "fr.bloctel": "fr.bloctel",
    "ie.ndd": "ie.ndd",
    "ie.ex_directory": "ie.ex_directory",
    "it.rpo": "it.rpo",
    "au.dncr": "au.dncr",
    "in.preferences": "in.preferences",
}

#: The rules that are known from memory alone: none of them may pass for better known than it is.
FROM_MEMORY = {
    "us.callerid", "us.disclose", "tx.hours", "gb.hours", "ca.abandon", "ca.internal_dnc", "ca.robocall_consent", "ca.record",
    "eu.robocall_consent", "eu.objection", "eu.request_answer", "eu.disclose", "de.record", "au.dncr", "in.callerid_service",
    "cn.retain_assessment",
}  # fmt: skip


def written(rule: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """A schedule in the words of HOURS."""
    return tuple(
        (" ".join(plan["on"]), " ".join(plan["allow"] if "allow" in plan else (f"!{hours}" for hours in plan["forbid"])))
        for plan in rule["schedule"]
    )


def rules_of(kind: str) -> set[str]:
    return {rule["id"] for rule in RULES.values() if rule["kind"] == kind}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_every_shipped_pack_is_read_whole(path: Path) -> None:
    pack = parse_pack(path.read_text("utf-8"), path.name)
    assert [rule.origin.id for rule in pack.rules] == [rule["id"] for rule in PACKS[path.name]["rule"]]


def test_no_id_is_used_twice_in_all_packs() -> None:
    assert len(HEADS) == len(PACKS)
    assert sorted(IDS) == sorted(set(IDS))


def test_every_pack_that_is_extended_is_shipped_and_covers_the_place() -> None:
    for head in HEADS.values():
        for base in head.get("extends", []):
            covered = set(HEADS[base]["jurisdiction"])
            assert all({place, place.partition("-")[0]} & covered for place in head["jurisdiction"]), head["id"]


@pytest.mark.parametrize("rule", RULES.values(), ids=IDS)
def test_every_rule_says_where_it_comes_from_and_how_well_that_is_known(rule: dict[str, Any]) -> None:
    assert rule["cite"].strip()
    assert rule["level"] in {
        "law", "presumption", "standard", "local", "regulator_benchmark", "regulator_guidance", "industry_code", "house",
    }  # fmt: skip
    assert rule["source"] in {"primary", "secondary", "memory"}
    assert (rule["source"] == "memory") == (rule["id"] in FROM_MEMORY)


def test_only_the_house_and_what_is_said_to_be_its_own_is_house_level() -> None:
    own = {rule["id"] for rule in RULES.values() if rule["level"] == "house"}
    assert {rule for rule in own if not rule.startswith("house.")} == {"gb.hours", "cn.house_hours"}
    assert all(rule["level"] == "house" for rule in PACKS["house.toml"]["rule"])


def test_the_hours_are_those_of_the_sources() -> None:
    assert {rule: written(RULES[rule]) for rule in rules_of("window")} == HOURS


def test_the_caps_are_those_of_the_sources() -> None:
    caps = {
        rule: (RULES[rule]["max"], RULES[rule]["event"], " ".join(RULES[rule]["key"]), RULES[rule]["period"])
        for rule in rules_of("cap")
    }
    assert caps == CAPS


def test_consent_is_asked_for_as_the_sources_do() -> None:
    asked = {rule: (RULES[rule]["level_needed"], " ".join(RULES[rule]["scope"])) for rule in rules_of("consent")}
    assert asked == CONSENTS


def test_what_is_to_be_said_is_that_of_the_sources() -> None:
    said = {rule: " ".join(RULES[rule].get("items") or RULES[rule]["promptly"]) for rule in rules_of("disclose")}
    assert said == DISCLOSED


def test_recordings_are_announced_and_need_the_leave_that_the_sources_ask_for() -> None:
    assert {rule: RULES[rule]["consent"] for rule in rules_of("record")} == RECORDED
    assert all(RULES[rule]["announce"] for rule in RECORDED)


def test_the_lists_of_others_are_told_apart_and_the_floors_own_has_no_exemption() -> None:
    assert {rule: RULES[rule]["list"] for rule in rules_of("suppress") if RULES[rule]["list"] not in OWN_LISTS} == LISTS
    own = [RULES[rule] for rule in rules_of("suppress") - LISTS.keys()]
    assert all(rule["match"] == ["number", "person"] and not rule["exempt"] for rule in own)


@pytest.mark.parametrize("rule", LIMITS)
def test_every_other_limit_is_that_of_its_source(rule: str) -> None:
    assert {field: RULES[rule][field] for field in LIMITS[rule]} == LIMITS[rule]


@pytest.mark.parametrize("kind", ["abandon", "ring", "cooldown", "retain", "deadline"])
def test_no_rule_of_a_kind_with_limits_is_left_out_of_the_table(kind: str) -> None:
    assert rules_of(kind) - LIMITS.keys() == set()


@pytest.mark.parametrize("rule", sorted(rules_of("window")))
def test_hours_are_sane(rule: str) -> None:
    schedule = RULES[rule]["schedule"]
    for plan in schedule:
        spans = [parse_hours(text) for text in plan.get("allow", plan.get("forbid"))]
        assert all(before.end_min < after.start_min for before, after in pairwise(spans)), "spans touch or are out of order"
        if "allow" in plan:
            assert all(span.start_min >= 6 * 60 and span.end_min <= 22 * 60 for span in spans), "a call at night is permitted"
    named = {day for plan in schedule for day in plan["on"]}
    assert ("calendar" in RULES[rule]) == bool(named & {"holiday", "preholiday", "workday", "restday"})


def test_the_two_sides_of_11_august_2026_in_france_leave_no_day_without_a_rule_and_none_with_both() -> None:
    until, since = RULES["fr.bloctel"]["effective_until"], RULES["fr.optin"]["effective_from"]
    assert (until, since) == (date(2026, 8, 10), date(2026, 8, 11))
    assert RULES["fr.opposition"]["effective_from"] == since
    assert {"effective_from", "effective_until"}.isdisjoint(RULES["fr.hours"].keys() | RULES["fr.cap"].keys())


def test_florida_counts_by_person_and_subject_whatever_number_is_shown() -> None:
    assert RULES["fl.cap"]["key"] == ["person", "subject"]
    assert RULES["fl.cap"]["caller_scope"] == "seller"
    assert HEADS["us-fl"]["applies"]["jurisdiction_match"] == "any_candidate"


def test_the_states_where_all_must_agree_to_a_recording_are_named() -> None:
    states = "CA CT DE FL IL MD MA MI MT NV NH OR PA WA"
    assert RULES["us.record"]["all_party_if_callee_in"] == [f"US-{state}" for state in states.split()]
    assert RULES["us.record"]["unknown_location"] == "all"


def test_the_house_asks_nothing_that_only_a_consent_could_answer() -> None:
    kinds = {rule["kind"] for rule in PACKS["house.toml"]["rule"]}
    assert "consent" not in kinds
    assert not [rule for rule in PACKS["house.toml"]["rule"] if rule.get("when")]
