"""Every field of every kind of rule is read into its place, and every fault is told in full, with its key and what would do."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from compliance.daykinds import DayKind
from compliance.facts import EventKind
from compliance.grounds import parse_ground
from compliance.lengths import IMMEDIATE, Length
from compliance.packs import KINDS, Pack, PackError, parse_pack
from compliance.periods import CALLEE, Rolling, RollingDays, parse_period
from compliance.rules import (
    AbandonRule,
    CallerIdRule,
    CapRule,
    Condition,
    ConsentRule,
    CooldownRule,
    DeadlineRule,
    DiscloseRule,
    Key,
    Leave,
    Level,
    Message,
    Origin,
    RecordMode,
    RecordRule,
    RetainRule,
    RingRule,
    Rule,
    Source,
    SuppressRule,
    Terms,
    WindowRule,
)
from compliance.windows import DayPlan, Hours

HEAD = 'schema = 1\n[pack]\nid = "test"\nversion = "1"\njurisdiction = ["US-FL"]\n'
RULE = '[[rule]]\nid = "x.y"\nkind = "{kind}"\ncite = "c"\nlevel = "law"\nsource = "primary"\n'
ORIGIN = Origin("x.y", "c", Level.LAW, Source.PRIMARY)
WORKWEEK, ALL_WEEK = frozenset(range(5)), frozenset(range(7))
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def a_pack(kind: str, fields: str, head: str = HEAD) -> Pack:
    return parse_pack(f"{head}{RULE.format(kind=kind)}{fields}", "t")


def the_rule(kind: str, fields: str) -> Rule:
    (rule,) = a_pack(kind, fields).rules
    return rule


def faults(text: str) -> list[str]:
    with pytest.raises(PackError) as caught:
        parse_pack(text, "t")
    assert all(error.startswith("t: ") for error in caught.value.errors)
    return [error.removeprefix("t: ").replace("rule[0].", "") for error in caught.value.errors]


CAP = 'max = 3\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"\n'
COOLDOWN = 'after = "refusal"\nkey = ["person"]\n'
WINDOW = 'schedule = [{ on = ["*"], allow = ["08:00-20:00"] }]\n'
SUPPRESS = 'list = "internal"\nmatch = ["number"]\n'
ABANDON = (
    'max_rate = 0.03\nper = ["campaign"]\nwindow = "rolling:24h"\nnumerator = "live_answer_not_bridged"\n'
    'denominator = "live_answer"\nconnect_within_s = 2.5\nconnect_clock = "greeting_end"\n'
)
OPEN = DayPlan(ALL_WEEK, permits=True, hours=(Hours(480, 1200),))

#: Each kind with all its fields, with the fewest it can have, and with each alternative.
READ: list[tuple[str, str, Rule]] = [
    (
        "window",
        (
            'clock = "tz:Europe/Berlin"\nunknown_tz = "deny"\ncalendar = "DE"\nalso = ["person.inconvenient_times"]\n'
            'schedule = [{ on = ["mon-fri", "sun", "holiday"], allow = ["08:00-12:00", "13:00-20:00"] },'
            ' { on = ["*"], forbid = ["20:00-08:00"] }, { on = ["sun"], allow = [] }]\n'
        ),
        WindowRule(
            ORIGIN,
            clock="Europe/Berlin",
            deny_many_zones=True,
            schedule=(
                DayPlan(WORKWEEK | {6}, True, (Hours(480, 720), Hours(780, 1200)), frozenset({DayKind.HOLIDAY})),
                DayPlan(ALL_WEEK, permits=False, hours=(Hours(1200, 1920),)),
                DayPlan(frozenset({6}), permits=True, hours=()),
            ),
            calendar="DE",
            also_times=True,
        ),
    ),
    ("window", WINDOW, WindowRule(ORIGIN, CALLEE, deny_many_zones=False, schedule=(OPEN,))),
    (
        "window",
        f'clock = "callee"\nunknown_tz = "intersect"\nalso = ["person.inconvenient_places"]\n{WINDOW}',
        WindowRule(ORIGIN, CALLEE, deny_many_zones=False, schedule=(OPEN,), also_places=True),
    ),
    (
        "cap",
        (
            'max = 0\nevent = "conversation"\nkey = ["number", "subject"]\ncaller_scope = "creditor"\n'
            'period = "rolling_days:7@callee"\nnot_counted = ["wrong_number"]\n'
        ),
        CapRule(
            ORIGIN,
            max=0,
            event=EventKind.CONVERSATION,
            key=(Key.NUMBER, Key.SUBJECT, Key.CREDITOR),
            period=RollingDays(7, CALLEE),
            period_text="rolling_days:7@callee",
            not_counted=("wrong_number",),
        ),
    ),
    ("cap", CAP, CapRule(ORIGIN, 3, EventKind.ATTEMPT, (Key.PERSON,), Rolling(DAY), "rolling:24h")),
    (
        "cap",
        f'{CAP}not_counted = []\ncaller_scope = "collector"\n',
        CapRule(ORIGIN, 3, EventKind.ATTEMPT, (Key.PERSON, Key.SELLER), Rolling(DAY), "rolling:24h"),
    ),
    (
        "cooldown",
        'after = "amd_machine"\nkey = ["number"]\nclock = "tz:Asia/Tokyo"\ndays = 1\nfirst_day = "next"\n',
        CooldownRule(ORIGIN, EventKind.MACHINE, (Key.NUMBER,), "Asia/Tokyo", days=1, first_day_is_next=True),
    ),
    (
        "cooldown",
        f'{COOLDOWN}clock = "callee"\ndays = 60\nfirst_day = "event"\ncaller_scope = "campaign"\n',
        CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON, Key.CAMPAIGN), CALLEE, days=60),
    ),
    ("cooldown", f'{COOLDOWN}duration = "90m"\n', CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE, 90 * MINUTE)),
    ("cooldown", f'{COOLDOWN}duration = "2h"\n', CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE, 2 * HOUR)),
    ("cooldown", f'{COOLDOWN}duration = "3d"\n', CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE, 3 * DAY)),
    ("cooldown", f"{COOLDOWN}months = 1\n", CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE, months=1)),
    (
        "cooldown",
        f'{COOLDOWN}clock = "callee"\nuntil = "end_of_day@tz:Asia/Shanghai"\n',
        CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), "Asia/Shanghai", until_end_of_day=True),
    ),
    (
        "cooldown",
        f'{COOLDOWN}until = "end_of_day@callee"\n',
        CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE, until_end_of_day=True),
    ),
    ("cooldown", f'{COOLDOWN}until = "reconsent"\n', CooldownRule(ORIGIN, EventKind.REFUSAL, (Key.PERSON,), CALLEE)),
    (
        "suppress",
        (
            'list = "us.national+1"\nmatch = ["person", "number"]\neffective = "immediate"\nlegal_deadline = "10bd"\n'
            'hold = "5y"\nlist_max_age_days = 1\n'
        ),
        SuppressRule(ORIGIN, (Key.PERSON, Key.NUMBER), "us.national+1", max_age=DAY, hold="5y", legal_deadline="10bd"),
    ),
    ("suppress", SUPPRESS, SuppressRule(ORIGIN, (Key.NUMBER,))),
    ("suppress", f'{SUPPRESS}hold = "until_reconsent"\n', SuppressRule(ORIGIN, (Key.NUMBER,), hold="until_reconsent")),
    (
        "consent",
        'level_needed = "written"\nscope = ["seller", "voice"]\nunknown = "deny"\nproof = "file"\n',
        ConsentRule(ORIGIN, "written", ("seller", "voice"), "file"),
    ),
    ("consent", 'level_needed = "implied"\n', ConsentRule(ORIGIN, "implied", ())),
    ("consent", 'level_needed = "implied"\nscope = []\n', ConsentRule(ORIGIN, "implied", ())),
    ("ring", "min_unanswered_s = 15\nor_min_rings = 1\nmax_s = 15\n", RingRule(ORIGIN, 15 * SECOND, 15 * SECOND)),
    ("ring", "min_unanswered_s = 1\nmax_s = 60\n", RingRule(ORIGIN, SECOND, MINUTE)),
    ("ring", "min_unanswered_s = 20\n", RingRule(ORIGIN, 20 * SECOND, None)),
    (
        "callerid",
        (
            'must_present = true\nmust_be = ["dialable"]\nallow_prefix = ["+1", "95"]\nforbid_prefix = ["400"]\n'
            'min_attestation = "B"\nreachable_for = "30d"\n'
        ),
        CallerIdRule(ORIGIN, True, ("dialable",), ("+1", "95"), ("400",), "B", "30d"),
    ),
    ("callerid", "", CallerIdRule(ORIGIN, False, (), (), (), "", "")),
    (
        "disclose",
        'items = ["caller_identity"]\nwithin_s = 1\nend_within_s_on_request = 0\n',
        DiscloseRule(ORIGIN, ("caller_identity",), SECOND, timedelta(0)),
    ),
    ("disclose", 'promptly = ["seller_identity"]\n', DiscloseRule(ORIGIN, ("seller_identity",), None, None)),
    ("disclose", 'items = ["seller_identity"]\n', DiscloseRule(ORIGIN, ("seller_identity",), None, None)),
    (
        "record",
        (
            'consent = "informed"\nannounce = true\nmode = "on_event"\nstart_on = ["contract_conclusion"]\n'
            'all_party_if_callee_in = ["US-CA"]\nunknown_location = "one"\n'
        ),
        RecordRule(ORIGIN, Leave.INFORMED, True, RecordMode.ON_EVENT, Leave.ONE, ("US-CA",), ("contract_conclusion",)),
    ),
    ("record", 'consent = "one"\n', RecordRule(ORIGIN, Leave.ONE, False, RecordMode.AS_SET, Leave.ALL, (), ())),
    ("record", 'consent = "all"\nmode = "off"\n', RecordRule(ORIGIN, Leave.ALL, False, RecordMode.OFF, Leave.ALL, (), ())),
    (
        "retain",
        'what = ["recording", "consent"]\nmin = "1mo"\nmax = "31d"\nfrom = "contract_end"\n',
        RetainRule(ORIGIN, ("recording", "consent"), Length(1, "mo"), Length(31, "d"), "contract_end"),
    ),
    ("retain", 'what = ["script"]\nmax = "1y"\nfrom = "call"\n', RetainRule(ORIGIN, ("script",), None, Length(1, "y"), "call")),
    (
        "deadline",
        'on = "consent_revoked"\nwithin = "10bd"\nhouse = "immediate"\n',
        DeadlineRule(ORIGIN, "consent_revoked", Length(10, "bd"), IMMEDIATE),
    ),
    ("deadline", 'on = "asked"\nwithin = "immediate"\n', DeadlineRule(ORIGIN, "asked", IMMEDIATE, None)),
    ("deadline", 'on = "asked"\nwithin = "72h"\n', DeadlineRule(ORIGIN, "asked", Length(72, "h"), None)),
    (
        "abandon",
        (
            f'{ABANDON}[rule.message]\nstart_within_s = 2.5\nmust_say = ["seller_name"]\nmust_not_say = ["offer"]\n'
            'must_offer = "keypress"\n'
        ),
        AbandonRule(
            ORIGIN,
            max_rate=Decimal("0.03"),
            per=("campaign",),
            period=Rolling(DAY),
            period_text="rolling:24h",
            numerator=("live_answer_not_bridged",),
            denominator="live_answer",
            connect_within=2.5 * SECOND,
            connect_clock="greeting_end",
            message=Message(2.5 * SECOND, ("seller_name",), ("offer",), "keypress"),
        ),
    ),
    (
        "abandon",
        (
            'max_rate = 1\nper = ["seller", "call_centre"]\nwindow = "successive:30d@campaign_start"\n'
            'denominator = "live_answer"\nnumerator = "abandonment_message+amd_false_positive_estimate+live_answer_not_bridged"\n'
            'connect_within_s = 60\nconnect_clock = "greeting_start"\n'
            "message = {}\n"
        ),
        AbandonRule(
            ORIGIN,
            max_rate=Decimal(1),
            per=("seller", "call_centre"),
            period=parse_period("successive:30d@campaign_start"),
            period_text="successive:30d@campaign_start",
            numerator=("abandonment_message", "amd_false_positive_estimate", "live_answer_not_bridged"),
            denominator="live_answer",
            connect_within=MINUTE,
            connect_clock="greeting_start",
            message=Message(None, (), (), ""),
        ),
    ),
    (
        "abandon",
        ABANDON.replace("greeting_end", "answer"),
        AbandonRule(
            ORIGIN,
            Decimal("0.03"),
            ("campaign",),
            Rolling(DAY),
            "rolling:24h",
            ("live_answer_not_bridged",),
            "live_answer",
            2.5 * SECOND,
            "answer",
            None,
        ),
    ),
]


@pytest.mark.parametrize(("kind", "fields", "rule"), READ)
def test_a_rule_is_read_field_by_field(kind: str, fields: str, rule: Rule) -> None:
    assert the_rule(kind, fields) == rule


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ("", Terms()),
        ("unless = []\nexempt = []\n", Terms()),
        (
            (
                'exempt = ["guaranteed_agent", "relation.purchase<=18mo"]\nunless = ["appointment"]\n'
                'waive_with = "consent.written.voice"\n'
            ),
            Terms(
                waived_by=tuple(
                    map(
                        parse_ground,
                        ("guaranteed_agent", "relation.purchase<=18mo", "appointment", "consent.written.voice"),
                    )
                )
            ),
        ),
        (
            "effective_from = 2026-08-11\neffective_until = 2026-08-11\n",
            Terms((), date(2026, 8, 11), date(2026, 8, 11)),
        ),
        ("effective_from = 2026-08-11\n", Terms((), date(2026, 8, 11))),
        ("effective_until = 2026-08-11\n", Terms((), None, date(2026, 8, 11))),
        (
            'when = { callee_in = ["US-FL", "CA"], line_type = ["mobile"], policy_term_gt_years = 1 }\n',
            Terms(
                (
                    Condition("callee_in", ("US-FL", "CA")),
                    Condition("line_type", ("mobile",)),
                    Condition("policy_term_gt_years", ("1",)),
                )
            ),
        ),
        (
            'when = { policy_term_le_years = 0, result = ["policy_sold"] }\n',
            Terms((Condition("policy_term_le_years", ("0",)), Condition("result", ("policy_sold",)))),
        ),
    ],
)
def test_the_terms_of_a_rule_are_read_field_by_field(fields: str, terms: Terms) -> None:
    rule = the_rule("ring", f"min_unanswered_s = 20\n{fields}")
    assert rule == RingRule(ORIGIN, 20 * SECOND, None, terms)


LEAST = {
    "window": WINDOW,
    "cap": CAP,
    "cooldown": f"{COOLDOWN}months = 1\n",
    "suppress": SUPPRESS,
    "consent": 'level_needed = "implied"\n',
    "ring": "min_unanswered_s = 15\n",
    "callerid": "",
    "disclose": 'promptly = ["seller_identity"]\n',
    "record": 'consent = "one"\n',
    "retain": 'what = ["script"]\nmin = "1y"\nfrom = "call"\n',
    "deadline": 'on = "asked"\nwithin = "72h"\n',
    "abandon": ABANDON,
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_rule_of_any_kind_has_its_terms(kind: str) -> None:
    rule = the_rule(kind, f"{LEAST[kind]}effective_from = 2026-08-11\n")
    assert rule.terms == Terms(effective_from=date(2026, 8, 11))


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("source", list(Source))
def test_a_rule_has_the_origin_that_it_names(level: Level, source: Source) -> None:
    text = RULE.format(kind="callerid").replace('"law"', f'"{level}"').replace('"primary"', f'"{source}"')
    (rule,) = parse_pack(HEAD + text, "t").rules
    assert rule.origin == Origin("x.y", "c", level, source)


LEVELS = "law, presumption, standard, local, benchmark, regulator_benchmark, regulator_guidance, industry_code, house"
COUNTED = "abandoned, attempt, conversation, live_answer, machine, refusal, unanswered"
AFTER = "abandoned, amd_machine, attempt, conversation, live_answer, machine, opt_out, refusal, unanswered"
CALL_KEYS = "person, number, campaign, seller, subject, debt, creditor"
LONG = "X" * 61
SHOWN = "X" * 60
LARGE = 1_000_000_000
NO_PERIOD = (
    "is not a period of this version: use rolling:24h, rolling_days:30@callee, successive:30d@campaign_start, "
    "or calendar:day, week(mon) or month with @callee or @<IANA zone>"
)

#: Fields of a rule, and every fault that is told of it.
FAULTS: list[tuple[str, str, list[str]]] = [
    ("window", "", ["schedule: is missing"]),
    ("window", "schedule = []\n", ["schedule: empty: no call would ever be permitted; say so with allow = []"]),
    ("window", 'schedule = "x"\n', [
        "schedule: must be a list of tables", "schedule: empty: no call would ever be permitted; say so with allow = []",
    ]),
    ("window", f'clock = "local"\n{WINDOW}', ["clock: 'local' is not a usable value"]),
    ("window", f'clock = "xcallee"\n{WINDOW}', ["clock: 'xcallee' is not a usable value"]),
    ("window", f'unknown_tz = "ask"\n{WINDOW}', ["unknown_tz: 'ask' is not supported by this version: use intersect, deny"]),
    ("window", f'calendar = "usa"\n{WINDOW}', ["calendar: 'usa' is not a usable value"]),
    ("window", f'also = ["x"]\n{WINDOW}', [
        "also[0]: 'x' is not supported by this version: use person.inconvenient_times, person.inconvenient_places",
    ]),
    ("window", 'schedule = [{ on = ["mon", "holiday"], allow = [] }]\n', [
        "schedule[0].on[1]: 'holiday' needs a calendar: name one with calendar =",
    ]),
    ("window", "schedule = [{ on = [], allow = [] }]\n", ["schedule[0].on: is empty"]),
    ("window", "schedule = [{ allow = [] }]\n", ["schedule[0].on: is missing"]),
    ("window", 'schedule = [{ on = ["*"] }]\n', [
        "schedule[0].allow: exactly one of allow and forbid is needed", "schedule[0].allow: is missing",
    ]),
    ("window", 'schedule = [{ on = ["*"], allow = [], forbid = [] }]\n', [
        "schedule[0].allow: exactly one of allow and forbid is needed",
    ]),
    ("window", 'schedule = [{ on = ["*"], allow = ["08:00-12:00", "13:00"] }]\n', [
        "schedule[0].allow[1]: '13:00' is not HH:MM-HH:MM",
    ]),
    ("window", 'schedule = [{ on = ["*"], forbid = ["13:00"], mind = 1 }]\n', [
        "schedule[0].forbid[0]: '13:00' is not HH:MM-HH:MM", "schedule[0].mind: unknown key",
    ]),
    ("window", f'unless = ["guaranteed_agent", "consent >= 1"]\nexempt = ["?"]\nwaive_with = "!"\n{WINDOW}', [
        "exempt[0]: '?' is not a ground: use consent.<scope>, relation.<kind><=18mo or a plain name",
        "unless[1]: 'consent >= 1' is not a ground: use consent.<scope>, relation.<kind><=18mo or a plain name",
        "waive_with: '!' is not a ground: use consent.<scope>, relation.<kind><=18mo or a plain name",
    ]),
    ("window", f"effective_from = 2026-08-11\neffective_until = 2026-08-10\n{WINDOW}", [
        "effective_until: is before effective_from",
    ]),
    ("window", f'effective_from = "2026-08-11"\n{WINDOW}', [
        "effective_from: must be a date such as 2026-08-11, without quotes and without a time",
    ]),
    ("window", f'when = {{ mood = ["x"], sector = ["A b"], callee_in = ["Texas"] }}\n{WINDOW}', [
        "when.sector[0]: 'A b' is not a usable value",
        "when.callee_in[0]: 'Texas' is not a usable value",
        "when.mood: unknown key",
    ]),
    ("window", f"when = {{ sector = [], policy_term_le_years = -1 }}\n{WINDOW}", [
        "when.sector: is empty",
        f"when.policy_term_le_years: must be from 0 to {LARGE}",
    ]),
    ("window", f"when = 1\n{WINDOW}", ["when: must be a table"]),
    ("cap", "", ["key: is missing", "event: is missing", "period: is missing", "max: is missing"]),
    ("cap", CAP.replace('["person"]', "[]"), ["key: is empty"]),
    ("cap", CAP.replace('"person"', '"mood"'), [f"key[0]: 'mood' is not supported by this version: use {CALL_KEYS}"]),
    ("cap", CAP.replace('"attempt"', '"opt_out"'), [f"event: 'opt_out' is not supported by this version: use {COUNTED}"]),
    ("cap", CAP.replace("max = 3", "max = -1"), [f"max: must be from 0 to {LARGE}"]),
    ("cap", CAP.replace("max = 3", f"max = {LARGE + 1}"), [f"max: must be from 0 to {LARGE}"]),
    ("cap", CAP.replace("max = 3", "max = true"), ["max: must be a whole number"]),
    ("cap", CAP + 'caller_scope = "all"\n', [
        "caller_scope: 'all' is not supported by this version: use seller, collector, creditor, campaign",
    ]),
    ("cap", CAP + 'not_counted = ["a", "B c"]\n', ["not_counted[1]: 'B c' is not a usable value"]),
    ("cap", CAP.replace("rolling:24h", LONG), [
        f"period: {SHOWN!r} {NO_PERIOD}",
    ]),
    ("cooldown", "", [
        "after: is missing", "key: is missing", "duration: exactly one of duration, days, months and until is needed",
    ]),
    ("cooldown", COOLDOWN.replace("refusal", "ended") + "months = 1\n", [
        f"after: 'ended' is not supported by this version: use {AFTER}",
    ]),
    ("cooldown", COOLDOWN + 'months = 1\nduration = "1h"\n', [
        "duration: exactly one of duration, days, months and until is needed",
    ]),
    ("cooldown", COOLDOWN + 'duration = "1y"\n', ["duration: '1y' is not a usable value"]),
    ("cooldown", COOLDOWN + "months = 0\n", [f"months: must be from 1 to {LARGE}"]),
    ("cooldown", COOLDOWN + 'days = 0\nfirst_day = "event"\n', [f"days: must be from 1 to {LARGE}"]),
    ("cooldown", COOLDOWN + "days = 1\n", ["first_day: is missing: event or next"]),
    ("cooldown", COOLDOWN + 'months = 1\nfirst_day = "next"\n', ["first_day: is said of days only"]),
    ("cooldown", COOLDOWN + 'days = 1\nfirst_day = "last"\n', [
        "first_day: 'last' is not supported by this version: use event, next",
    ]),
    ("cooldown", COOLDOWN + 'until = "soon"\n', ["until: 'soon' is not a usable value"]),
    ("cooldown", COOLDOWN + 'until = "end_of_day@tz:Mars/Base"\n', ["until: 'Mars/Base' is not a known IANA time zone"]),
    ("cooldown", COOLDOWN + 'until = "end_of_day@Mars@Asia/Tokyo"\n', [
        "until: 'Mars@Asia/Tokyo' is not a known IANA time zone",
    ]),
    ("cooldown", COOLDOWN + 'months = 1\nclock = "tz:Mars/Base"\n', ["clock: 'Mars/Base' is not a known IANA time zone"]),
    ("cooldown", COOLDOWN + 'months = 1\nclock = "Mars"\n', ["clock: 'Mars' is not a usable value"]),
    ("suppress", "", ["list: is missing", "match: is missing"]),
    ("suppress", SUPPRESS.replace("internal", "A list"), ["list: 'A list' is not a usable value"]),
    ("suppress", SUPPRESS.replace('["number"]', "[]"), ["match: is empty"]),
    ("suppress", SUPPRESS.replace('"number"', '"debt"'), [
        "match[0]: 'debt' is not supported by this version: use number, person",
    ]),
    ("suppress", SUPPRESS + 'effective = "10bd"\n', ["effective: '10bd' is not supported by this version: use immediate"]),
    ("suppress", SUPPRESS + 'legal_deadline = "soon"\nhold = "soon"\n', [
        "legal_deadline: 'soon' is not a usable value", "hold: 'soon' is not a usable value",
    ]),
    ("suppress", SUPPRESS + "list_max_age_days = 1\n", ["list_max_age_days: the internal list is not a copy: it has no age"]),
    ("suppress", SUPPRESS.replace("internal", "us") + "list_max_age_days = 0\n", [
        f"list_max_age_days: must be from 1 to {LARGE}",
    ]),
    ("consent", "", ["level_needed: is missing"]),
    ("consent", 'level_needed = "weak"\nunknown = "permit"\nproof = "word"\nscope = ["A b"]\n', [
        "unknown: 'permit' is not supported by this version: use deny",
        "proof: 'word' is not supported by this version: use seller, written, file",
        "scope[0]: 'A b' is not a usable value",
        "level_needed: 'weak' is not supported by this version: use implied, express, specific, direct, written",
    ]),
    ("ring", "min_unanswered_s = 0\nor_min_rings = 0\nmax_s = 0\n", [
        f"or_min_rings: must be from 1 to {LARGE}",
        f"min_unanswered_s: must be from 1 to {LARGE}",
        f"max_s: must be from 1 to {LARGE}",
    ]),
    ("ring", "min_unanswered_s = 15\nmax_s = 14\n", ["max_s: is shorter than min_unanswered_s"]),
    ("callerid", 'must_present = 1\nmust_be = ["' + LONG + '"]\nallow_prefix = ["+"]\nforbid_prefix = ["+a"]\n', [
        "allow_prefix[0]: '+' is not a usable value",
        "forbid_prefix[0]: '+a' is not a usable value",
        f"must_be[0]: {SHOWN!r} is not a usable value",
        "must_present: must be true or false",
    ]),
    ("callerid", 'min_attestation = "D"\nreachable_for = "long"\n', [
        "min_attestation: 'D' is not supported by this version: use A, B, C", "reachable_for: 'long' is not a usable value",
    ]),
    ("disclose", "", ["items: exactly one of items (with within_s) and promptly is needed", "items: is missing"]),
    ("disclose", 'items = ["a"]\npromptly = ["b"]\n', [
        "items: exactly one of items (with within_s) and promptly is needed", "items: unknown key",
    ]),
    ("disclose", 'promptly = ["b"]\nwithin_s = 3\n', ["within_s: is said of items only"]),
    ("disclose", 'items = ["a"]\nwithin_s = 0\nend_within_s_on_request = -1\n', [
        f"within_s: must be from 1 to {LARGE}", f"end_within_s_on_request: must be from 0 to {LARGE}",
    ]),
    ("record", "", ["consent: is missing"]),
    ("record", 'consent = "none"\nannounce = "yes"\nmode = "some"\nunknown_location = "informed"\n', [
        "unknown_location: 'informed' is not supported by this version: use one, all",
        "mode: 'some' is not supported by this version: use whole_call, on_event, off",
        "consent: 'none' is not supported by this version: use one, informed, all",
        "announce: must be true or false",
    ]),
    ("record", 'consent = "one"\nall_party_if_callee_in = ["CALIF"]\n', [
        "all_party_if_callee_in[0]: 'CALIF' is not a usable value",
    ]),
    ("record", 'consent = "one"\nmode = "whole_call"\nstart_on = ["sale"]\n', ["start_on: is said of mode = 'on_event' only"]),
    ("retain", "", ["min: one of min and max is needed", "what: is missing", "from: is missing"]),
    ("retain", 'what = ["A b"]\nmin = "1h"\nmax = "1bd"\nfrom = "the call"\n', [
        "min: '1h' is not a usable value",
        "max: '1bd' is not a usable value",
        "what[0]: 'A b' is not a usable value",
        "from: 'the call' is not a usable value",
    ]),
    ("retain", 'what = ["a"]\nmin = "32d"\nmax = "1mo"\nfrom = "call"\n', ["max: is shorter than min"]),
    ("retain", 'what = ["a"]\nmin = "101y"\nfrom = "call"\n', ["min: '101y' is longer than a hundred years"]),
    ("deadline", "", ["within: is missing", "on: is missing"]),
    ("deadline", 'on = "A b"\nwithin = "soon"\nhouse = "later"\n', [
        "within: 'soon' is not a usable value", "house: 'later' is not a usable value", "on: 'A b' is not a usable value",
    ]),
    ("abandon", "", [
        "window: is missing", "numerator: is missing", "max_rate: is missing", "per: is missing", "denominator: is missing",
        "connect_within_s: is missing", "connect_clock: is missing",
    ]),
    ("abandon", ABANDON.replace("rolling:24h", "a day"), [f"window: 'a day' {NO_PERIOD}"]),
    ("abandon", ABANDON.replace("0.03", "1.01").replace("2.5", "60.1"), [
        "max_rate: must be from 0 to 1", "connect_within_s: must be from 0 to 60",
    ]),
    ("abandon", ABANDON.replace('["campaign"]', "[]"), ["per: is empty"]),
    ("abandon", ABANDON.replace('["campaign"]', '["agent"]'), [
        "per[0]: 'agent' is not supported by this version: use seller, campaign, call_centre",
    ]),
    ("abandon", ABANDON.replace("live_answer_not_bridged", "abandonment_message+x"), [
        "numerator: use one or more of live_answer_not_bridged, abandonment_message, amd_false_positive_estimate, joined by +",
    ]),
    ("abandon", ABANDON.replace('denominator = "live_answer"', 'denominator = "attempt"').replace("greeting_end", "ring"), [
        "denominator: 'attempt' is not supported by this version: use live_answer",
        "connect_clock: 'ring' is not supported by this version: use answer, greeting_start, greeting_end",
    ]),
    ("abandon", ABANDON + "message = { start_within_s = 60.1, must_say = 1, must_not_say = 1, must_offer = 1, volume = 1 }\n", [
        "message.start_within_s: must be from 0 to 60",
        "message.must_say: must be a list of texts",
        "message.must_not_say: must be a list of texts",
        "message.must_offer: must be a text",
        "message.volume: unknown key",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "told"), FAULTS)
def test_every_fault_of_a_rule_is_told_in_full(kind: str, fields: str, told: list[str]) -> None:
    assert faults(f"{HEAD}{RULE.format(kind=kind)}{fields}") == told


def test_what_a_rule_is_called_and_where_it_comes_from_must_be_told() -> None:
    assert faults(f'{HEAD}[[rule]]\nkind = "callerid"\n') == [
        "id: is missing", "cite: is missing", "level: is missing", "source: is missing",
    ]  # fmt: skip
    strange = RULE.format(kind="callerid").replace("x.y", LONG).replace('"c"', '" "').replace("law", LONG).replace("primary", "m")
    assert faults(HEAD + strange) == [
        f"id: {SHOWN!r} is not a usable value",
        "cite: is empty",
        f"level: {SHOWN!r} is not supported by this version: use {LEVELS}",
        "source: 'm' is not supported by this version: use primary, secondary, memory",
    ]
