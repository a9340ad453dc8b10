"""Every field of every kind of rule has its words, and the whole page is told to the last sign."""

import tomllib

import pytest

from compliance.packs import parse_pack
from compliance.register import HEADING, Holding, register, says

RULE = '[[rule]]\nid = "x.y"\nkind = "{kind}"\ncite = "c"\nlevel = "law"\nsource = "primary"\n'
HEAD = 'schema = 1\n[pack]\nid = "mine"\nversion = "1"\njurisdiction = ["US", "FR"]\n'

CAP = 'max = 1\nevent = "unanswered"\nkey = ["person"]\nperiod = "rolling:24h"\n'
COOLDOWN = 'after = "refusal"\nkey = ["person", "subject"]\n'
ONE_CAP = "at most 1 unanswered attempt per person in `rolling:24h`"
ABANDON = (
    'max_rate = 0.03\nper = ["seller", "campaign"]\nwindow = "rolling:24h"\ndenominator = "live_answer"\nconnect_within_s = 2.5\n'
    'numerator = "live_answer_not_bridged"\nconnect_clock = "greeting_end"\n'
)
RATE = "live_answer_not_bridged at most 3 % of live_answer; per seller + campaign in `rolling:24h`; connected within 2.5 s of "

#: A rule as a pack writes it, and what is said of it.
SAID: list[tuple[str, str, str]] = [
    (
        "window",
        'clock = "callee"\nschedule = [{ on = ["*"], allow = ["08:00-12:00", "13:00-20:00"] }]\n',
        "every day 08:00–12:00 and 13:00–20:00; where the customer is",
    ),
    (
        "window",
        (
            'clock = "tz:Europe/Paris"\ncalendar = "FR"\nunknown_tz = "deny"\n'
            'also = ["person.inconvenient_times", "person.inconvenient_places"]\n'
            'schedule = [{ on = ["sat-sun", "holiday"], allow = [] },'
            ' { on = ["mon"], forbid = ["20:00-08:00", "12:00-13:00"] }]\n'
        ),
        (
            "sat–sun and holiday never; mon never 20:00–08:00 and 12:00–13:00; on the clock of Europe/Paris, calendar FR; "
            "not in one of several zones; not at the person.inconvenient_times, person.inconvenient_places either"
        ),
    ),
    ("window", 'schedule = [{ on = ["*"], allow = ["08:00-12:00"] }]\n', "every day 08:00–12:00; where the customer is"),
    (
        "window",
        'clock = "callee"\nunknown_tz = "intersect"\nschedule = [{ on = ["*"], forbid = [] }]\n',
        "every day never; where the customer is",
    ),
    ("cap", CAP, ONE_CAP),
    (
        "cap",
        (
            'max = 2\nevent = "live_answer"\nkey = ["number", "debt"]\ncaller_scope = "creditor"\n'
            'period = "rolling_days:7@callee"\nnot_counted = ["wrong_number", "busy"]\n'
        ),
        (
            "at most 2 live answers per number + debt from one creditor in `rolling_days:7@callee`; "
            "not counted: wrong_number, busy"
        ),
    ),
    ("cap", CAP.replace("max = 1", "max = 0"), "at most 0 unanswered attempts per person in `rolling:24h`"),
    ("cap", CAP + "not_counted = []\nunless = []\nexempt = []\nwhen = {}\n", ONE_CAP),
    ("cooldown", COOLDOWN + 'duration = "72h"\n', "after refusal no call per person + subject for 72h"),
    ("cooldown", COOLDOWN + "months = 12\n", "after refusal no call per person + subject for 12 months"),
    (
        "cooldown",
        COOLDOWN + 'days = 60\nfirst_day = "event"\nclock = "tz:Asia/Tokyo"\n',
        "after refusal no call per person + subject for 60 days, the first of them the day itself, on the clock of Asia/Tokyo",
    ),
    (
        "cooldown",
        COOLDOWN + 'days = 60\nfirst_day = "next"\ncaller_scope = "seller"\nclock = "callee"\n',
        (
            "after refusal no call per person + subject from one seller for 60 days, the first of them the next day, "
            "on the clock of callee"
        ),
    ),
    ("cooldown", COOLDOWN + 'until = "reconsent"\n', "after refusal no call per person + subject until reconsent"),
    ("suppress", 'list = "us.national"\nmatch = ["number"]\n', "nobody on the list `us.national`, by number"),
    (
        "suppress",
        (
            'list = "x"\nmatch = ["number", "person"]\nlist_max_age_days = 31\neffective = "immediate"\nlegal_deadline = "10bd"\n'
            'hold = "until_reconsent"\n'
        ),
        (
            "nobody on the list `x`, by number or person; the list at most 31 days old; effective immediate (the law: 10bd); "
            "entries held until reconsent"
        ),
    ),
    (
        "suppress",
        'list = "x"\nmatch = ["person"]\neffective = "immediate"\nhold = "5y"\n',
        "nobody on the list `x`, by person; effective immediate; entries held 5y",
    ),
    (
        "suppress",
        'list = "x"\nmatch = ["person"]\nlegal_deadline = "10bd"\n',
        "nobody on the list `x`, by person; effective immediate (the law: 10bd)",
    ),
    (
        "consent",
        'level_needed = "express"\nscope = ["seller", "voice"]\nproof = "file"\nunknown = "deny"\n',
        "needs express consent for seller + voice; the file proves it; unknown: deny",
    ),
    ("consent", 'level_needed = "written"\nscope = ["voice"]\n', "needs written consent for voice"),
    ("consent", 'level_needed = "implied"\n', "needs implied consent"),
    ("consent", 'level_needed = "implied"\nscope = []\n', "needs implied consent"),
    ("abandon", ABANDON, RATE + "greeting_end"),
    (
        "abandon",
        ABANDON.replace("0.03", "1").replace("2.5", "2") + 'message = { start_within_s = 2.0, must_say = ["a", "b"] }\n',
        (
            "live_answer_not_bridged at most 100 % of live_answer; per seller + campaign in `rolling:24h`; connected within "
            "2 s of greeting_end; message start_within_s: 2.0; message must_say: a, b"
        ),
    ),
    (
        "ring",
        "min_unanswered_s = 15\n",
        "an unanswered phone rings at least 15 seconds, and only if that ends inside the window",
    ),
    (
        "ring",
        "min_unanswered_s = 15\nor_min_rings = 4\nmax_s = 60\n",
        (
            "an unanswered phone rings at least 15 seconds or 4 rings, and only if that ends inside the window; "
            "and at most 60 seconds"
        ),
    ),
    (
        "callerid",
        (
            'must_present = true\nmust_be = ["dialable", "assigned"]\nallow_prefix = ["+1", "95"]\nforbid_prefix = ["400", "+44"]'
            '\nmin_attestation = "A"\nreachable_for = "30d"\n'
        ),
        (
            "a number is shown; it is dialable, assigned; it begins with +1 or 95; it does not begin with 400 or +44; "
            "attested at least A; it can be called back for 30d"
        ),
    ),
    ("callerid", "must_present = false\n", ""),
    (
        "disclose",
        'within_s = 30\nitems = ["caller_identity", "offer"]\nend_within_s_on_request = 10\n',
        "said within 30 s: caller_identity, offer; the call ends within 10 s when asked",
    ),
    ("disclose", 'items = ["seller_identity"]\n', "said promptly: seller_identity"),
    ("disclose", 'promptly = ["seller_identity", "offer"]\n', "said promptly: seller_identity, offer"),
    (
        "record",
        (
            'consent = "informed"\nannounce = true\nmode = "on_event"\nstart_on = ["sale", "sample"]\n'
            'all_party_if_callee_in = ["US-CA", "US-FL"]\nunknown_location = "one"\n'
        ),
        (
            "recorded with all parties informed, announced; mode on_event, started on sale, sample; "
            "the consent of all in US-CA, US-FL; where the location is unknown: one"
        ),
    ),
    ("record", 'consent = "one"\nannounce = false\n', "recorded with one party's consent"),
    ("record", 'consent = "all"\nmode = "off"\n', "recorded with the consent of all parties; mode off"),
    (
        "retain",
        'what = ["recording", "consent"]\nmin = "1mo"\nmax = "5y"\nfrom = "contract_end"\n',
        "recording, consent kept at least 1mo and at most 5y from contract_end",
    ),
    ("retain", 'what = ["script"]\nmin = "1y"\nfrom = "call"\n', "script kept at least 1y from call"),
    ("retain", 'what = ["script"]\nmax = "1y"\nfrom = "call"\n', "script kept at most 1y from call"),
    ("deadline", 'on = "asked"\nwithin = "10bd"\n', "asked is answered within 10bd"),
    ("deadline", 'on = "asked"\nwithin = "10bd"\nhouse = "immediate"\n', "asked is answered within 10bd; here: immediate"),
    (
        "cap",
        CAP
        + (
            'unless = ["guaranteed_agent", "appointment"]\nwaive_with = "consent.express.voice"\n'
            'exempt = ["relation.purchase<=18mo", "consent.written.voice"]\neffective_from = 2026-08-11\n'
            'effective_until = 2026-12-31\nwhen = { sector = ["energy", "water"], policy_term_le_years = 1 }\n'
        ),
        (
            f"when sector is energy, water, policy_term_le_years is 1: {ONE_CAP}; unless guaranteed_agent, appointment; "
            "waived by `consent.express.voice`; exempt: `relation.purchase<=18mo`, `consent.written.voice`; "
            "from 2026-08-11 on; until 2026-12-31, that day included"
        ),
    ),
]


@pytest.mark.parametrize(("kind", "fields", "said"), SAID)
def test_a_rule_is_told_in_these_words(kind: str, fields: str, said: str) -> None:
    text = HEAD + RULE.format(kind=kind) + fields
    (rule,) = tomllib.loads(text)["rule"]
    assert says(rule) == said
    assert parse_pack(text, "t").rules[0].origin.id == "x.y", "it is a rule that can be read"


def test_the_page_has_a_section_a_pack_and_a_row_a_rule() -> None:
    more = 'extends = ["us", "house"]\n[pack.applies]\npurpose = ["sales", "service"]\nparty = ["consumer"]\n'
    ring = RULE.format(kind="ring").replace("x.y", "x.ring").replace('"c"', '"a | b"') + "min_unanswered_s = 15\n"
    texts = {"b.toml": HEAD.replace("mine", "other") + more + ring, "a.toml": HEAD + RULE.format(kind="cap") + CAP + ring}
    held = {"cap": Holding("m.caps", "tests/t.py::test_cap"), "x.ring": Holding("m.ring", "test_ring", "or_min_rings")}
    rings = "an unanswered phone rings at least 15 seconds, and only if that ends inside the window"
    row = f"| `x.ring` | ring | {rings} | a \\| b | law, primary | `m.ring`, `test_ring`; **not yet**: or_min_rings |\n"
    assert register(texts, held) == (
        "### `mine`\n\n`config/packs/a.toml`, for US, FR.\n\n"
        f"{HEADING}| `x.y` | cap | {ONE_CAP} | c | law, primary | `m.caps`, `test_cap` |\n{row}"
        "\n### `other`\n\n`config/packs/b.toml`, for US, FR; purpose: sales, service; party: consumer.\n"
        f"Extends `us`, `house`.\n\n{HEADING}{row}"
    )
    with pytest.raises(LookupError, match=r"^'?nothing is known to hold x\.y, x\.ring, x\.ring'?$"):
        register(texts, {"deadline": held["cap"]})
