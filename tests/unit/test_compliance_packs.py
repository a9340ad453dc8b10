"""A pack is read whole or refused with every fault at its place; nothing in it is silently ignored."""

import hashlib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.facts import EventKind
from compliance.packs import (
    AbandonRule,
    CallerIdRule,
    CapRule,
    ConsentRule,
    CooldownRule,
    DeadlineRule,
    DiscloseRule,
    Key,
    Level,
    PackError,
    RecordRule,
    RetainRule,
    RingRule,
    Source,
    SuppressRule,
    WindowRule,
    parse_pack,
)
from compliance.periods import Rolling
from compliance.rules import Condition

HEAD = """
schema = 1
[pack]
id = "test"
version = "2026.1"
jurisdiction = ["US-FL"]
"""

WINDOW = """
[[rule]]
id = "fl.hours"
kind = "window"
cite = "Fla. Stat. 501.616(6)(a)"
level = "law"
source = "primary"
clock = "callee"
unknown_tz = "intersect"
schedule = [{ on = ["mon-fri"], allow = ["08:00-12:00", "13:00-20:00"] }, { on = ["*"], forbid = ["20:00-08:00"] }]
"""

CAP = """
[[rule]]
id = "fl.cap"
kind = "cap"
cite = "Fla. Stat. 501.616(6)(b)"
level = "law"
source = "secondary"
max = 3
event = "attempt"
key = ["person", "subject"]
caller_scope = "seller"
period = "rolling:24h"
"""

SUPPRESS = """
[[rule]]
id = "us.internal_dnc"
kind = "suppress"
cite = "47 CFR 64.1200(d)(3),(d)(6)"
level = "law"
source = "primary"
list = "internal"
match = ["number", "person"]
effective = "immediate"
legal_deadline = "10bd"
hold = "5y"
exempt = []
"""

RING = """
[[rule]]
id = "us.ring"
kind = "ring"
cite = "16 CFR 310.4(b)(4)(ii)"
level = "law"
source = "secondary"
min_unanswered_s = 15
or_min_rings = 4
max_s = 60
"""


def errors_of(text: str) -> tuple[str, ...]:
    with pytest.raises(PackError) as caught:
        parse_pack(text, "test.toml")
    assert str(caught.value).splitlines() == list(caught.value.errors)
    assert all(error.startswith("test.toml: ") for error in caught.value.errors)
    return tuple(error.removeprefix("test.toml: ") for error in caught.value.errors)


def test_every_kind_of_this_version_is_read() -> None:
    text = HEAD + WINDOW + CAP + SUPPRESS + RING
    pack = parse_pack(text, "test.toml")
    window, cap, suppress, ring = pack.rules
    assert (pack.id, pack.version, pack.jurisdiction) == ("test", "2026.1", ("US-FL",))
    assert pack.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert pack.ref.sha256 == pack.sha256
    assert isinstance(window, WindowRule)
    assert window.origin.cite == "Fla. Stat. 501.616(6)(a)"
    assert (window.origin.level, window.origin.source) == (Level.LAW, Source.PRIMARY)
    assert [plan.permits for plan in window.schedule] == [True, False]
    assert isinstance(cap, CapRule)
    assert (cap.max, cap.event, cap.key) == (3, EventKind.ATTEMPT, (Key.PERSON, Key.SUBJECT, Key.SELLER))
    assert cap.period == Rolling(timedelta(hours=24))
    assert isinstance(suppress, SuppressRule)
    assert suppress.match == (Key.NUMBER, Key.PERSON)
    assert isinstance(ring, RingRule)
    assert (ring.min_unanswered, ring.max_ring) == (timedelta(seconds=15), timedelta(seconds=60))


def test_a_pack_may_be_for_some_purposes() -> None:
    pack = parse_pack(HEAD + '[pack.applies]\npurpose = ["sales"]\n' + CAP, "test.toml")
    assert pack.applies_to("sales")
    assert not pack.applies_to("service")
    assert parse_pack(HEAD + CAP, "test.toml").applies_to("service")


HEAD_OF_RULE = '[[rule]]\nid = "x.y"\nkind = "{kind}"\ncite = "c"\nlevel = "law"\nsource = "primary"\n'
OTHERS = {
    "cooldown": 'after = "refusal"\nkey = ["person"]\ndays = 60\nfirst_day = "next"\nunless = ["guaranteed_agent"]\n',
    "consent": 'level_needed = "express"\nscope = ["seller", "voice"]\nunknown = "deny"\nproof = "seller"\n',
    "callerid": 'must_present = true\nmust_be = ["dialable"]\nforbid_prefix = ["400"]\nmin_attestation = "A"\n',
    "disclose": 'within_s = 30\nitems = ["caller_identity"]\nend_within_s_on_request = 10\n',
    "record": 'consent = "informed"\nannounce = true\nmode = "on_event"\nstart_on = ["contract_conclusion"]\n',
    "retain": 'what = ["recording"]\nmin = "3y"\nfrom = "call"\n',
    "deadline": 'on = "consent_revoked"\nwithin = "10bd"\nhouse = "immediate"\n',
    "abandon": 'max_rate = 0.03\nper = ["seller"]\nwindow = "successive:30d@campaign_start"\n'
    'numerator = "live_answer_not_bridged"\ndenominator = "live_answer"\nconnect_within_s = 2.0\n'
    'connect_clock = "greeting_end"\nmessage = { start_within_s = 2.0, must_say = ["seller_name"] }\n',
}


KINDS = {
    "cooldown": CooldownRule,
    "consent": ConsentRule,
    "callerid": CallerIdRule,
    "disclose": DiscloseRule,
    "record": RecordRule,
    "retain": RetainRule,
    "deadline": DeadlineRule,
    "abandon": AbandonRule,
}


def a_rule_of(kind: str) -> str:
    return HEAD_OF_RULE.format(kind=kind) + OTHERS[kind]


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_every_other_kind_is_read_and_says_what_it_lacks(kind: str) -> None:
    (rule,) = parse_pack(HEAD + a_rule_of(kind), "test.toml").rules
    assert rule.origin.id == "x.y"
    assert type(rule) is KINDS[kind]
    assert errors_of(HEAD + a_rule_of(kind) + "surprise = 1\n") == ("rule[0].surprise: unknown key",)


def test_an_abandonment_rate_is_read_exactly() -> None:
    (rule,) = parse_pack(HEAD + a_rule_of("abandon"), "test.toml").rules
    assert isinstance(rule, AbandonRule)
    assert rule.max_rate.as_integer_ratio() == (3, 100)
    assert rule.connect_within == timedelta(seconds=2)
    assert rule.message is not None
    assert rule.message.must_say == ("seller_name",)


def test_terms_are_read_whole() -> None:
    terms = 'when = { sector = ["life_insurance"], callee_in = ["CN-NX"] }\n'
    terms += "effective_from = 2026-08-11\neffective_until = 2027-01-31\n"
    terms += 'waive_with = "consent.express.time_of_day"\nexempt = ["relation.contract_in_force+same_subject"]\n'
    (rule,) = parse_pack(HEAD + CAP + terms, "test.toml").rules
    assert [(one.dimension, one.values) for one in rule.terms.when] == [
        ("sector", ("life_insurance",)),
        ("callee_in", ("CN-NX",)),
    ]
    assert (rule.terms.effective_from, rule.terms.effective_until) == (date(2026, 8, 11), date(2027, 1, 31))
    grounds = [ground.text for ground in rule.terms.waived_by]
    assert grounds == ["relation.contract_in_force+same_subject", "consent.express.time_of_day"]


@pytest.mark.parametrize(
    ("rule", "changed", "error"),
    [
        (WINDOW, ('"mon-fri"', '"holiday"'), "rule[0].schedule[0].on[0]: 'holiday' needs a calendar"),
        (WINDOW, ('"mon-fri"', '"monday"'), "rule[0].schedule[0].on[0]: 'monday' is not a day class"),
        (WINDOW, ("08:00-12:00", "8-12"), "rule[0].schedule[0].allow[0]: '8' is not a time of day"),
        (WINDOW, ('on = ["*"], forbid', 'on = ["*"], permit'), "rule[0].schedule[1].permit: unknown key"),
        (WINDOW, ('on = ["*"]', "on = []"), "rule[0].schedule[1].on: is empty"),
        (WINDOW, ('on = ["*"], ', 'on = ["*"], allow = [], '), "rule[0].schedule[1].allow: exactly one of allow and forbid"),
        (WINDOW, ('clock = "callee"', 'clock = "tz:Mars/Base"'), "rule[0].clock: 'Mars/Base' is not a known IANA"),
        (WINDOW, ('clock = "callee"', 'clock = "local"'), "rule[0].clock: 'local' is not a usable value"),
        (WINDOW, ('clock = "callee"', 'calendar = "usa"\nclock = "callee"'), "rule[0].calendar: 'usa' is not a usable value"),
        (WINDOW, ('"intersect"', '"guess"'), "rule[0].unknown_tz: 'guess' is not supported"),
        (WINDOW, ('"callee"', '"callee"\nwaive_with = "consent >= 1"'), "rule[0].waive_with: 'consent >= 1' is not a ground"),
        (WINDOW, ('"callee"', '"callee"\nwhen = { mood = ["x"] }'), "rule[0].when.mood: unknown key"),
        (
            WINDOW,
            ('"callee"', '"callee"\nwhen = { callee_in = ["Texas"] }'),
            "rule[0].when.callee_in[0]: 'Texas' is not a usable",
        ),
        (WINDOW, ('"callee"', '"callee"\neffective_from = "2026-08-11"'), "rule[0].effective_from: must be a date"),
        (WINDOW, ('"callee"', '"callee"\neffective_until = 2026-08-11T00:00:00Z'), "rule[0].effective_until: must be a date"),
        (
            WINDOW,
            ('"callee"', '"callee"\neffective_from = 2026-08-11\neffective_until = 2026-08-10'),
            "rule[0].effective_until: is before effective_from",
        ),
        (WINDOW, ('"callee"', '"callee"\nalso = ["x"]'), "rule[0].also[0]: 'x' is not supported"),
        (WINDOW, ('level = "law"', 'level = "rumour"'), "rule[0].level: 'rumour' is not supported"),
        (WINDOW, ('source = "primary"', ""), "rule[0].source: is missing"),
        (WINDOW, ('cite = "Fla. Stat. 501.616(6)(a)"', 'cite = " "'), "rule[0].cite: is empty"),
        (WINDOW, ('id = "fl.hours"', "id = 7"), "rule[0].id: must be a text"),
        (WINDOW, ('kind = "window"', 'kind = "windows"'), "rule[0].kind: 'windows' is not a kind of rule"),
        (CAP, ("max = 3", "max = true"), "rule[0].max: must be a whole number"),
        (CAP, ("max = 3", "max = -1"), "rule[0].max: must be from 0"),
        (CAP, ("max = 3", "max = 3\nmaximum = 4"), "rule[0].maximum: unknown key"),
        (CAP, ('"attempt"', '"ringing"'), "rule[0].event: 'ringing' is not supported"),
        (CAP, ('"person", "subject"', '"person", "mood"'), "rule[0].key[1]: 'mood' is not supported"),
        (CAP, ('"person", "subject"', '"person", "person"'), "rule[0].key[1]: 'person' is named twice"),
        (CAP, ('"person", "subject"', ""), "rule[0].key: is empty"),
        (CAP, ('caller_scope = "seller"', 'caller_scope = "everybody"'), "rule[0].caller_scope: 'everybody' is not"),
        (CAP, ('caller_scope = "seller"', 'not_counted = ["X y"]'), "rule[0].not_counted[0]: 'X y' is not a usable value"),
        (CAP, ("rolling:24h", "successive:30d@callee"), "rule[0].period: 'successive:30d@callee' is not"),
        (CAP, ("rolling:24h", "rolling_days:7@Mars/Base"), "rule[0].period: 'Mars/Base' is not a known IANA"),
        (SUPPRESS, ('list = "internal"', 'list = "a list"'), "rule[0].list: 'a list' is not a usable value"),
        (SUPPRESS, ('effective = "immediate"', 'effective = "10bd"'), "rule[0].effective: '10bd' is not supported"),
        (
            SUPPRESS,
            ('effective = "immediate"', "list_max_age_days = 31"),
            "rule[0].list_max_age_days: the internal list is not a copy",
        ),
        (
            SUPPRESS,
            ("exempt = []", 'exempt = ["relation.purchase<18mo"]'),
            "rule[0].exempt[0]: 'relation.purchase<18mo' is not a ground",
        ),
        (RING, ("min_unanswered_s = 15", ""), "rule[0].min_unanswered_s: is missing"),
        (RING, ("max_s = 60", "max_s = 10"), "rule[0].max_s: is shorter"),
    ],
)
def test_one_fault_is_one_error_at_its_key(rule: str, changed: tuple[str, str], error: str) -> None:
    assert changed[0] in rule
    errors = errors_of(HEAD + rule.replace(*changed, 1))
    assert any(found.startswith(error) for found in errors), errors


KINDS_KNOWN = "abandon, callerid, cap, consent, cooldown, deadline, disclose, record, retain, ring, suppress, window"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = ", ["not TOML: Invalid value (at end of document)"]),
        ("a=" + "[" * 5000, ["not TOML: nested too deep"]),
        ("schema = 1", ["pack: is missing", "rule: is missing"]),
        (HEAD.replace("schema = 1", "schema = 2") + CAP, ["schema: this version reads schema 1"]),
        (HEAD.replace("schema = 1", "schema = 0") + CAP, ["schema: this version reads schema 1"]),
        (HEAD.replace("schema = 1", "") + CAP, ["schema: is missing", "schema: this version reads schema 1"]),
        (HEAD.replace('"test"', '"../test"') + CAP, ["pack.id: '../test' is not a usable value"]),
        (HEAD.replace('"2026.1"', '""') + CAP, ["pack.version: is empty"]),
        (HEAD.replace('["US-FL"]', '"US-FL"') + CAP, ["pack.jurisdiction: must be a list of texts"]),
        (HEAD, ["rule: is missing"]),
        (HEAD + 'rule = "x"', ["rule: is missing", "pack.rule: unknown key"]),
        (HEAD + 'extends = ["../us"]\n' + CAP, ["pack.extends[0]: '../us' is not a usable value"]),
        (
            HEAD + 'jurisdiction_match = "declared"\n' + CAP,
            ["pack.jurisdiction_match: 'declared' is not supported by this version: use any_candidate"],
        ),
        (
            HEAD + '[pack.applies]\njurisdiction_match = "declared"\n' + CAP,
            ["pack.applies.jurisdiction_match: 'declared' is not supported by this version: use any_candidate"],
        ),
        (HEAD + '[pack.applies]\nmood = ["good"]\n' + CAP, ["pack.applies.mood: unknown key"]),
        (HEAD + '[pack.applies]\nresult = ["sale"]\n' + CAP, ["pack.applies.result: unknown key"]),
        (HEAD.replace("US-FL", "Florida") + CAP, ["pack.jurisdiction[0]: 'Florida' is not a usable value"]),
        (HEAD.replace('["US-FL"]', "[]") + CAP, ["pack.jurisdiction: is empty"]),
        (HEAD + CAP + CAP, ["rule[1].id: 'fl.cap' is used twice"]),
        (HEAD + CAP.replace('"cap"', '"caps"'), [f"rule[0].kind: 'caps' is not a kind of rule: use {KINDS_KNOWN}"]),
        (HEAD + CAP.replace('"cap"', '""') + RING, ["rule[0].kind: is empty"]),
    ],
)
def test_a_fault_of_the_whole_is_told(text: str, told: list[str]) -> None:
    assert list(errors_of(text)) == told


def test_a_pack_is_read_with_its_text_and_what_it_extends() -> None:
    text = HEAD + 'extends = ["us", "house"]\njurisdiction_match = "any_candidate"\n' + CAP
    pack = parse_pack(text, "test.toml")
    assert (pack.extends, pack.text, pack.applies) == (("us", "house"), text, ())
    assert parse_pack(HEAD + "extends = []\n" + CAP, "test.toml").extends == ()
    applies = '[pack.applies]\njurisdiction_match = "any_candidate"\npurpose = ["sales"]\nparty = ["consumer"]\n'
    assert parse_pack(HEAD + applies + CAP, "test.toml").applies == (
        Condition("purpose", ("sales",)),
        Condition("party", ("consumer",)),
    )


def test_packs_are_remembered_by_their_text() -> None:
    one, same, other = (parse_pack(HEAD + rule, "test.toml") for rule in (CAP, CAP, RING))
    assert (one, hash(one)) == (same, hash(same))
    assert hash(one) != hash(other)


def test_all_faults_are_told_at_once() -> None:
    broken = HEAD.replace('"test"', "1") + WINDOW.replace("08:00-12:00", "x") + CAP.replace("max = 3", "max = 'x'")
    assert [error.partition(":")[0] for error in errors_of(broken)] == ["pack.id", "rule[0].schedule[0].allow[0]", "rule[1].max"]


toml_values: st.SearchStrategy[Any] = st.sampled_from(
    ("1", '"x"', "true", "[]", "{}", "1.5", "2026-01-01", '["x", 1]', "[{}]", "nan", "-1", '""', "99999999999999999999")
)


@settings(deadline=None)
@given(st.sampled_from((WINDOW, CAP, SUPPRESS, RING, *map(a_rule_of, sorted(OTHERS)))), st.integers(0, 14), toml_values)
def test_any_value_in_any_place_is_read_or_refused_with_its_place(rule: str, line: int, value: str) -> None:
    lines = (HEAD + rule).strip().splitlines()
    settable = [index for index, text in enumerate(lines) if " = " in text]
    index = settable[line % len(settable)]
    key = lines[index].partition(" = ")[0]
    lines[index] = f"{key} = {value}"
    faults = ""
    try:
        parse_pack("\n".join(lines), "fuzzed")
    except PackError as error:
        faults = str(error)
    assert not faults or key in faults
