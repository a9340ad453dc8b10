"""What a refusal says: the rule, its kind, citation and level, the words, when again, and the facts it rests on, to the letter.

These words are kept for audit and read by people; a fact that is missing among them cannot be checked by anybody.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance import callerid, caps, consent, cooldown, hours, suppression
from compliance.daykinds import Calendar, DayKind
from compliance.facts import Consent, EventKind, Facts, LedgerEvent, ListState, Suppression
from compliance.gate import check
from compliance.history import History
from compliance.packs import parse_pack
from compliance.periods import parse_period
from compliance.rules import (
    CallerIdRule,
    CapRule,
    ConsentRule,
    CooldownRule,
    Key,
    Level,
    Origin,
    RingRule,
    Source,
    SuppressRule,
    WindowRule,
)
from compliance.verdict import CallerId, Candidate, Reason, Refusal
from compliance.windows import DayPlan, Hours
from tests.pack_texts import pack_text, rule_text

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
HOME, MOBILE = "+12125550100", "+19175550101"
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
ORIGIN = Origin("test.rule", "a cite", Level.STANDARD, Source.PRIMARY)
EVERY_DAY = frozenset(range(7))


def there(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def a_candidate(ring_s: float = 0.0, caller_id: CallerId | None = None) -> Candidate:
    ring_for = timedelta(seconds=ring_s)
    return Candidate("now", "ann", HOME, "spring", "acme", "solar", zones=(NEW_YORK,), ring_for=ring_for, caller_id=caller_id)


def a_reason(kind: str, text: str, retry_at: datetime | None = None, *facts: tuple[str, str]) -> Reason:
    return Reason("test.rule", kind, "a cite", "standard", text, retry_at, facts)


# --- the number shown -------------------------------------------------------------------------------------------------


def a_callerid_rule(
    *,
    must_present: bool = True,
    must_be: tuple[str, ...] = (),
    allow: tuple[str, ...] = (),
    forbid: tuple[str, ...] = (),
    attestation: str = "",
) -> CallerIdRule:
    return CallerIdRule(ORIGIN, must_present, must_be, allow, forbid, attestation, "")


SHOWN = ("presented", "+442071838750")


@pytest.mark.parametrize(
    ("rule", "shown", "reason"),
    [
        (a_callerid_rule(), CallerId(""), a_reason("callerid", "no caller number would be presented")),
        (a_callerid_rule(must_present=False), CallerId(""), None),
        (a_callerid_rule(must_be=("dialable",)), None, None),
        (a_callerid_rule(), CallerId(SHOWN[1]), None),
        (
            a_callerid_rule(must_be=("dialable", "ours", "answered")),
            CallerId(SHOWN[1], frozenset({"ours"})),
            a_reason("callerid", "needs facts: caller number (nobody vouches that it is dialable, answered)", None, SHOWN),
        ),
        (
            a_callerid_rule(allow=("0800", "+33")),
            CallerId(SHOWN[1]),
            a_reason("callerid", "the caller number must begin with 0800 or +33", None, SHOWN),
        ),
        (
            a_callerid_rule(forbid=("+4420", "020")),
            CallerId(SHOWN[1]),
            a_reason("callerid", "the caller number must not begin with +4420 or 020", None, SHOWN),
        ),
        (
            a_callerid_rule(attestation="B"),
            CallerId(SHOWN[1], attestation="C"),
            a_reason("callerid", "the carrier must attest B or better, not C", None, SHOWN),
        ),
        (
            a_callerid_rule(attestation="A"),
            CallerId(SHOWN[1]),
            a_reason("callerid", "the carrier must attest A or better, not nothing", None, SHOWN),
        ),
        (a_callerid_rule(attestation="B"), CallerId(SHOWN[1], attestation="B"), None),
        (a_callerid_rule(attestation="B"), CallerId(SHOWN[1], attestation="A"), None),
        (a_callerid_rule(), CallerId(SHOWN[1], attestation="C"), None),
    ],
)
def test_a_number_that_may_not_be_shown_is_named_with_what_is_wrong(
    rule: CallerIdRule, shown: CallerId | None, reason: Reason | None
) -> None:
    assert callerid.refuse(rule, a_candidate(caller_id=shown)) == reason


@pytest.mark.parametrize("prefix", ["+4420", "4420", "20"])
def test_a_prefix_is_looked_for_in_each_way_of_writing_the_number(prefix: str) -> None:
    shown = a_candidate(caller_id=CallerId(SHOWN[1]))
    assert callerid.refuse(a_callerid_rule(allow=(prefix,)), shown) is None
    assert callerid.refuse(a_callerid_rule(forbid=(prefix,)), shown) is not None
    assert callerid.refuse(a_callerid_rule(allow=("999", prefix)), shown) is None
    assert callerid.refuse(a_callerid_rule(allow=(prefix,), forbid=(prefix,)), shown) is not None


# --- how often, and how soon ------------------------------------------------------------------------------------------


def an_event(at: datetime, kind: EventKind = EventKind.ATTEMPT, number: str = HOME) -> LedgerEvent:
    return LedgerEvent(kind, at, "ann", number, "spring", "acme", "solar", f"a{at.timestamp()}")


def a_history(*events: LedgerEvent, campaign_start: datetime | None = None) -> History:
    return History(a_candidate(), Facts(events, campaign_start=campaign_start))


def a_cap(period: str, limit: int = 2) -> CapRule:
    return CapRule(ORIGIN, limit, EventKind.ATTEMPT, (Key.PERSON,), parse_period(period), period)


def test_a_cap_says_how_many_were_counted_in_which_period_and_when_one_leaves() -> None:
    tried = [an_event(NOON - timedelta(hours=ago)) for ago in (30, 23, 5, 1)]
    told = (("counted", "3"), ("max", "2"), ("event", "attempt"), ("period", "rolling:24h"))
    assert caps.refuse(a_cap("rolling:24h"), a_history(*tried), (NEW_YORK,), NOON) == a_reason(
        "cap", "3 of at most 2 attempts within 24 h", NOON + timedelta(hours=19), *told
    )


def test_a_cap_of_none_never_yields() -> None:
    told = (("counted", "0"), ("max", "0"), ("event", "attempt"), ("period", "rolling:24h"))
    assert caps.refuse(a_cap("rolling:24h", 0), a_history(), (NEW_YORK,), NOON) == a_reason(
        "cap", "0 of at most 0 attempts within 24 h", None, *told
    )


def test_a_cap_that_lacks_a_fact_says_which() -> None:
    tried = [an_event(NOON), an_event(NOON - timedelta(hours=1))]
    assert caps.refuse(a_cap("calendar:day@callee"), a_history(), (), NOON) == a_reason(
        "cap", "needs facts: location (the period is counted on the callee's clock)"
    )
    assert caps.refuse(a_cap("successive:30d@campaign_start"), a_history(*tried), (), NOON) == a_reason(
        "cap", "needs facts: campaign start (the period is counted from it)"
    )
    assert caps.refuse(a_cap("successive:30d@campaign_start"), a_history(tried[0]), (), NOON) is None
    began = a_history(*tried, campaign_start=NOON - timedelta(days=29))
    reason = caps.refuse(a_cap("successive:30d@campaign_start"), began, (), NOON)
    assert reason is not None
    assert reason.retry_at == NOON + timedelta(days=1)


def test_a_mark_counts_only_where_it_is_said_to_hold() -> None:
    def marked(text: str) -> LedgerEvent:
        return replace(an_event(NOON), facts=(("other", "yes"), ("not_connected", text)))

    rule = replace(a_cap("rolling:24h", 1), not_counted=("unheard", "not_connected"))
    for text in ("true", "yes", "1"):
        assert caps.refuse(rule, a_history(marked(text)), (), NOON) is None
    for text in ("false", "no", "", "TRUE"):
        assert caps.refuse(rule, a_history(marked(text)), (), NOON) is not None


def a_cooldown(**length: Any) -> CooldownRule:
    return replace(CooldownRule(ORIGIN, EventKind.CONVERSATION, (Key.PERSON,), "callee"), **length)


TALKED = an_event(there("2026-06-14T18:00"), EventKind.CONVERSATION, MOBILE)
TALK = (("event", "conversation"), ("at", "2026-06-14T22:00:00+00:00"), ("number", MOBILE))


@pytest.mark.parametrize(
    ("length", "end"),
    [
        ({"duration": timedelta(hours=72)}, there("2026-06-17T18:00")),
        ({"days": 7}, there("2026-06-21T00:00")),
        ({"days": 7, "first_day_is_next": True}, there("2026-06-22T00:00")),
        ({"months": 6}, there("2026-12-15T00:00")),
        ({"until_end_of_day": True}, there("2026-06-15T00:00")),
    ],
)
def test_a_cooldown_says_what_it_is_too_soon_after_and_when_it_ends(
    length: dict[str, timedelta | int | bool], end: datetime
) -> None:
    rule = a_cooldown(**length)
    earlier = replace(TALKED, at=TALKED.at - timedelta(hours=3), number=HOME)
    too_soon = a_reason("cooldown", "too soon after conversation at 2026-06-14T22:00:00+00:00", end, *TALK)
    just_before = end - timedelta(microseconds=1)
    assert cooldown.refuse(rule, a_history(TALKED, earlier), (NEW_YORK,), just_before) == too_soon
    assert cooldown.refuse(rule, a_history(TALKED, earlier), (NEW_YORK,), end) is None
    assert cooldown.refuse(rule, a_history(), (NEW_YORK,), just_before) is None


def test_a_cooldown_in_days_needs_to_know_where_and_one_in_hours_does_not() -> None:
    where = a_reason("cooldown", "needs facts: location (the cool-down is counted on the callee's clock)")
    assert cooldown.refuse(a_cooldown(days=7), a_history(TALKED), (), NOON) == where
    reason = cooldown.refuse(a_cooldown(duration=timedelta(hours=72)), a_history(TALKED), (), NOON)
    assert reason is not None
    assert reason.retry_at == there("2026-06-17T18:00")
    named = cooldown.refuse(a_cooldown(days=7, clock="Asia/Shanghai"), a_history(TALKED), (), NOON)
    assert named is not None
    assert named.retry_at == there("2026-06-22T00:00", "Asia/Shanghai")  # there it was the 15th already


ALLOWED = Consent("express", TALKED.at + timedelta(hours=1), person="ann")


@pytest.mark.parametrize(
    ("given", "ends_it"),
    [
        ((), False),
        ((ALLOWED,), True),
        ((replace(ALLOWED, person="bob"), ALLOWED), True),
        ((replace(ALLOWED, person="bob"),), False),
        ((replace(ALLOWED, person="", number=HOME),), True),
        ((replace(ALLOWED, person="", number=MOBILE),), False),
        ((replace(ALLOWED, given_at=TALKED.at),), False),
        ((replace(ALLOWED, given_at=NOON),), True),
        ((replace(ALLOWED, given_at=NOON + timedelta(seconds=1)),), False),
        ((replace(ALLOWED, withdrawn_at=NOON),), False),
        ((replace(ALLOWED, expires_at=NOON),), False),
        ((replace(ALLOWED, expires_at=NOON + timedelta(seconds=1)),), True),
    ],
)
def test_what_has_no_end_is_ended_by_a_consent_given_since_and_still_in_force(given: tuple[Consent, ...], ends_it: bool) -> None:
    earlier = replace(TALKED, at=TALKED.at - timedelta(days=3))
    history = History(a_candidate(), Facts((TALKED, earlier), consents=given))
    text = "conversation at 2026-06-14T22:00:00+00:00: no call without a new consent"
    expected = None if ends_it else a_reason("cooldown", text, None, *TALK)
    assert cooldown.refuse(a_cooldown(), history, (NEW_YORK,), NOON) == expected


def test_a_consent_of_nobody_ends_nothing() -> None:
    nameless = History(replace(a_candidate(), person=""), Facts((TALKED,), consents=(replace(ALLOWED, person=""),)))
    by_number = a_cooldown(key=(Key.CAMPAIGN,))
    assert cooldown.refuse(by_number, nameless, (NEW_YORK,), NOON) is not None


# --- the lists --------------------------------------------------------------------------------------------------------


def a_list_rule(
    name: str = "internal", days: int | None = None, match: tuple[Key, ...] = (Key.NUMBER, Key.PERSON)
) -> SuppressRule:
    return SuppressRule(ORIGIN, match, name, None if days is None else timedelta(days=days))


def test_a_listed_number_is_told_with_its_list_and_the_end_of_its_block() -> None:
    until = NOON + timedelta(days=3)
    shorter = Suppression(NOON - timedelta(days=1), "asked", "desk", number=HOME, until=NOON + timedelta(days=1))
    longer = Suppression(NOON, "bereaved", "letter", number=HOME, until=until)
    told = (("match", "number"), ("since", NOON.isoformat()), ("reason", "bereaved"), ("source", "letter"))
    for entries in ((shorter, longer), (longer, shorter)):
        assert suppression.refuse(a_list_rule(), a_candidate(), Facts(suppressions=entries), NOON) == a_reason(
            "suppress", "the number is on the internal do-not-call list: bereaved", until, *told
        )


def test_an_entry_without_an_end_outlasts_every_block() -> None:
    block = Suppression(NOON, "asked", "desk", number=HOME, until=NOON + timedelta(days=9000))
    for_good = Suppression(NOON, "opt_out", "key 9", person="ann")
    told = (("match", "person"), ("since", NOON.isoformat()), ("reason", "opt_out"), ("source", "key 9"))
    for entries in ((block, for_good), (for_good, block)):
        assert suppression.refuse(a_list_rule(), a_candidate(), Facts(suppressions=entries), NOON) == a_reason(
            "suppress", "the person is on the internal do-not-call list: opt_out", None, *told
        )


def test_a_list_of_others_must_be_there_and_fresh_enough() -> None:
    rule, old = a_list_rule("us.dnc", 31), NOON - timedelta(days=31)
    nothing = "needs facts: list (nothing is known of the do-not-call list us.dnc)"
    named = ("no_list", "us.dnc")
    assert suppression.refuse(rule, a_candidate(), Facts(), NOON) == a_reason("suppress", nothing, None, named)
    copies = Facts(lists=(ListState("uk.tps", NOON), ListState("us.dnc", old - timedelta(days=9)), ListState("us.dnc", old)))
    assert suppression.refuse(rule, a_candidate(), copies, NOON) is None
    aged = (named, ("as_of", old.isoformat()), ("max_age_days", "31"))
    assert suppression.refuse(rule, a_candidate(), copies, NOON + timedelta(seconds=1)) == a_reason(
        "suppress", "needs facts: list (us.dnc is 31 days old, at most 31 are permitted)", None, *aged
    )
    assert suppression.refuse(a_list_rule("us.dnc"), a_candidate(), copies, NOON + timedelta(days=999)) is None
    assert suppression.refuse(a_list_rule("litigators"), a_candidate(), Facts(), NOON) is None


def test_the_freshest_copy_says_until_when_a_list_is_fresh_enough() -> None:
    copies = Facts(lists=(ListState("us.dnc", NOON), ListState("us.dnc", NOON - timedelta(days=5)), ListState("x", NOON)))
    assert suppression.expires_at(a_list_rule("us.dnc", 31), copies) == NOON + timedelta(days=31)
    assert suppression.expires_at(a_list_rule("us.dnc"), copies) is None
    assert suppression.expires_at(a_list_rule("uk.tps", 28), copies) is None


@pytest.mark.parametrize(("ends_in_s", "binds"), [(-1, False), (0, False), (1, True)])
def test_a_block_ends_at_its_end(ends_in_s: int, binds: bool) -> None:
    entry = Suppression(NOON, "asked", "desk", number=HOME, until=NOON + timedelta(seconds=ends_in_s))
    assert suppression.in_force(entry, "acme", "spring", NOON) is binds
    assert (suppression.refuse(a_list_rule(), a_candidate(), Facts(suppressions=(entry,)), NOON) is not None) is binds


@pytest.mark.parametrize(
    ("seller", "campaign", "binds"),
    [
        ("", "", True),
        ("acme", "", True),
        ("", "spring", True),
        ("acme", "spring", True),
        ("other", "", False),
        ("", "other", False),
        ("acme", "other", False),
        ("other", "spring", False),
    ],
)
def test_an_entry_for_one_seller_or_campaign_binds_that_one_and_whoever_does_not_say(
    seller: str, campaign: str, binds: bool
) -> None:
    entry = Suppression(NOON, "asked", "desk", number=HOME, seller=seller, campaign=campaign)
    refused = suppression.refuse(a_list_rule(), a_candidate(), Facts(suppressions=(entry,)), NOON)
    assert (refused is not None) is binds
    assert suppression.in_force(entry, "acme", "spring", NOON) is binds
    assert suppression.in_force(entry, "", "", NOON)


def test_a_person_without_an_id_is_on_no_list_by_the_person() -> None:
    entry = Suppression(NOON, "asked", "desk", number=MOBILE, person="")
    nobody = replace(a_candidate(), person="")
    assert suppression.refuse(a_list_rule(), nobody, Facts(suppressions=(entry,)), NOON) is None


# --- consent ----------------------------------------------------------------------------------------------------------

WRITTEN = ConsentRule(ORIGIN, "written", ("seller", "voice"))
GIVEN = Consent("written", NOON - timedelta(days=1), person="ann", scope=frozenset({"voice"}), seller="acme")
NEEDED = "written consent for seller, voice is needed: "


@pytest.mark.parametrize(
    ("consents", "why", "retry_at"),
    [
        ((), "none is known", None),
        ((replace(GIVEN, person="bob"),), "none that is known is strong and wide enough, and this person's", None),
        ((replace(GIVEN, level="express"),), "none that is known is strong and wide enough, and this person's", None),
        ((replace(GIVEN, scope=frozenset()),), "none that is known is strong and wide enough, and this person's", None),
        ((replace(GIVEN, withdrawn_at=NOON),), "it was withdrawn", None),
        ((replace(GIVEN, given_at=NOON + timedelta(1), withdrawn_at=NOON + timedelta(2)),), "it was withdrawn", None),
        ((replace(GIVEN, given_at=NOON + timedelta(1)),), "it is dated later", NOON + timedelta(1)),
        (
            (replace(GIVEN, given_at=NOON + timedelta(2)), replace(GIVEN, given_at=NOON + timedelta(1))),
            "it is dated later",
            NOON + timedelta(1),
        ),
        ((replace(GIVEN, given_at=NOON + timedelta(1), expires_at=NOON + timedelta(1, 30)),), "it is dated later", None),
        (
            (replace(GIVEN, given_at=NOON + timedelta(1), expires_at=NOON + timedelta(1, 31)),),
            "it is dated later",
            NOON + timedelta(1),
        ),
        ((replace(GIVEN, expires_at=NOON + timedelta(seconds=30)),), "it expired, or would while the phone rings", None),
        (
            (replace(GIVEN, given_at=NOON, expires_at=NOON + timedelta(seconds=30)),),
            "it expired, or would while the phone rings",
            None,
        ),
    ],
)
def test_a_consent_that_is_missing_is_told_with_why_none_is_enough(
    consents: tuple[Consent, ...], why: str, retry_at: datetime | None
) -> None:
    told = (("consents", str(len(consents))), ("level_needed", "written"), ("scope", "seller voice"))
    assert consent.refuse(WRITTEN, a_candidate(30), Facts(consents=consents), NOON) == a_reason(
        "consent", NEEDED + why, retry_at, *told
    )


def test_a_consent_for_no_scope_in_particular_names_none() -> None:
    reason = consent.refuse(ConsentRule(ORIGIN, "express", ()), a_candidate(), Facts(), NOON)
    told = (("consents", "0"), ("level_needed", "express"), ("scope", ""))
    assert reason == a_reason("consent", "express consent is needed: none is known", None, *told)
    assert consent.refuse(WRITTEN, a_candidate(30), Facts(consents=(GIVEN,)), NOON) is None


# --- hours and rings --------------------------------------------------------------------------------------------------


def a_window(*hours_of_day: tuple[int, int], kinds: frozenset[DayKind] = frozenset()) -> WindowRule:
    plan = DayPlan(
        frozenset() if kinds else EVERY_DAY, permits=True, hours=tuple(Hours(*one) for one in hours_of_day), kinds=kinds
    )
    return WindowRule(ORIGIN, "callee", deny_many_zones=False, schedule=(plan,))


DAYTIME = a_window((8 * 60, 20 * 60))


NOTHING_MORE = Facts()


def asked(
    rule: WindowRule, now: datetime, *zones: str, ring_s: float = 0.0, facts: Facts = NOTHING_MORE
) -> tuple[list[Reason], datetime | None]:
    return hours.judge(rule, a_candidate(ring_s), facts, zones, now)


def test_closed_hours_are_told_on_the_clock_of_every_zone() -> None:
    early = there("2026-06-15T09:30")
    clocks = ((NEW_YORK, "Mon 09:30:00 -0400"), (LOS_ANGELES, "Mon 06:30:00 -0700"))
    text = "outside the permitted hours: it is Mon 09:30 in America/New_York, Mon 06:30 in America/Los_Angeles"
    closed = a_reason("window", text, there("2026-06-15T08:00", LOS_ANGELES), *clocks)
    assert asked(DAYTIME, early, NEW_YORK, LOS_ANGELES) == ([closed], None)
    assert asked(DAYTIME, early, NEW_YORK) == ([], there("2026-06-15T20:00"))


def test_of_many_zones_the_first_and_the_last_clock_are_told() -> None:
    three = (NEW_YORK, "America/Chicago", "America/Denver")
    assert asked(DAYTIME, there("2026-06-15T09:30"), *three)[0][0].text == (
        "outside the permitted hours: "
        "it is Mon 09:30 in America/New_York, Mon 08:30 in America/Chicago, Mon 07:30 in America/Denver"
    )
    (four,), _ = asked(DAYTIME, there("2026-06-15T09:30"), *three, LOS_ANGELES)
    assert four.text == "outside the permitted hours: it is Mon 06:30 to Mon 09:30 in 4 time zones"
    morning = a_window((9 * 60, 10 * 60))
    (never,), _ = asked(morning, NOON, *three, LOS_ANGELES)
    assert never.text == "needs facts: location (no time is permitted within 15 days in all of 4 time zones)"
    late, ends = there("2026-06-15T19:59:30"), "the phone would ring for 30 s, and the permitted hours end at"
    (many,), _ = asked(a_window((8 * 60, 20 * 60)), late, *three, LOS_ANGELES, ring_s=30)
    assert many.text == f"{ends} Mon 17:00 to Mon 20:00 in 4 time zones"


def test_a_ring_that_would_outlast_the_hours_is_told_with_their_end() -> None:
    evening, end = there("2026-06-15T19:59:30"), there("2026-06-15T20:00")
    clock = (NEW_YORK, "Mon 19:59:30 -0400")
    text = "the phone would ring for 30 s, and the permitted hours end at Mon 20:00 in America/New_York"
    too_long = a_reason("window", text, there("2026-06-16T08:00"), clock)
    assert asked(DAYTIME, evening, NEW_YORK, ring_s=30) == ([too_long], end)
    assert asked(DAYTIME, evening, NEW_YORK, ring_s=29.5) == ([], end)


def test_hours_without_a_place_or_with_too_many_say_so() -> None:
    assert asked(DAYTIME, NOON) == (
        [a_reason("window", "needs facts: location (calling hours are on the callee's clock)")],
        None,
    )
    one_zone = replace(DAYTIME, deny_many_zones=True)
    clocks = ((NEW_YORK, "Mon 12:00:00 -0400"), (LOS_ANGELES, "Mon 09:00:00 -0700"))
    many = a_reason("window", "needs facts: location (one of 2 time zones)", None, *clocks)
    assert asked(one_zone, NOON, NEW_YORK, LOS_ANGELES) == ([many], None)
    assert asked(one_zone, NOON, NEW_YORK) == ([], there("2026-06-15T20:00"))


def test_hours_that_never_come_say_how_far_was_looked() -> None:
    never = a_window()
    clock = (NEW_YORK, "Mon 12:00:00 -0400")
    text = "closed (no time is permitted within 400 days in America/New_York)"
    assert asked(never, NOON, NEW_YORK) == ([a_reason("window", text, None, clock)], None)
    morning = a_window((9 * 60, 10 * 60))
    clocks = (clock, ("Asia/Shanghai", "Tue 00:00:00 +0800"))
    text = "needs facts: location (no time is permitted within 15 days in all of America/New_York, Asia/Shanghai)"
    assert asked(morning, NOON, NEW_YORK, "Asia/Shanghai") == ([a_reason("window", text, None, *clocks)], None)


def test_a_calendar_that_is_not_known_is_asked_for_by_name_and_year() -> None:
    workdays = replace(a_window((8 * 60, 20 * 60), kinds=frozenset({DayKind.WORKDAY})), calendar="CN")
    clock = (NEW_YORK, "Mon 12:00:00 -0400")
    unknown = a_reason("window", "needs facts: calendar (CN for 2026 is not known)", None, clock)
    another = Facts(calendars=(Calendar("FR", frozenset({2026}), frozenset()),))
    known = Facts(calendars=(*another.calendars, Calendar("CN", frozenset({2026}), frozenset())))
    assert asked(workdays, NOON, NEW_YORK) == ([unknown], None)
    assert asked(workdays, NOON, NEW_YORK, facts=another) == ([unknown], None)
    assert asked(workdays, NOON, NEW_YORK, facts=known) == ([], there("2026-06-15T20:00"))
    holiday = Facts(calendars=(Calendar("CN", frozenset({2026}), frozenset({date(2026, 6, 15)})),))
    (closed,), _ = asked(workdays, NOON, NEW_YORK, facts=holiday)
    assert closed.retry_at == there("2026-06-16T08:00")


def test_the_persons_own_times_and_places_are_asked_where_the_rule_says_so() -> None:
    lunch = DayPlan(EVERY_DAY, permits=False, hours=(Hours(12 * 60, 13 * 60),))
    told = Facts(inconvenient_times=(lunch,), inconvenient_numbers=(HOME,))
    assert asked(DAYTIME, NOON, NEW_YORK, facts=told) == ([], there("2026-06-15T20:00"))
    place = a_reason("window", "the number rings at a place the person called inconvenient")
    time = a_reason(
        "window",
        "outside the permitted hours: it is Mon 12:00 in America/New_York",
        there("2026-06-15T13:00"),
        (NEW_YORK, "Mon 12:00:00 -0400"),
    )
    assert asked(replace(DAYTIME, also_places=True), NOON, NEW_YORK, facts=told) == ([place], there("2026-06-15T20:00"))
    assert asked(replace(DAYTIME, also_times=True), NOON, NEW_YORK, facts=told)[0] == [time]
    before = there("2026-06-15T11:00")
    assert asked(replace(DAYTIME, also_times=True), before, NEW_YORK, facts=told) == ([], there("2026-06-15T12:00"))
    elsewhere = replace(told, inconvenient_numbers=(MOBILE,))
    assert asked(replace(DAYTIME, also_places=True), NOON, NEW_YORK, facts=elsewhere)[0] == []


@pytest.mark.parametrize(
    ("ring_s", "text"),
    [
        (0, None),
        (14.9, "an unanswered phone must ring for at least 15 s"),
        (15, None),
        (60, None),
        (60.1, "an unanswered phone may ring for at most 60 s"),
    ],
)
def test_a_ring_too_short_or_too_long_is_told_with_its_length(ring_s: float, text: str | None) -> None:
    rule = RingRule(ORIGIN, timedelta(seconds=15), timedelta(seconds=60))
    expected = None if text is None else a_reason("ring", text, None, ("ring_for_s", f"{ring_s:g}"))
    assert hours.wrong_ring_time(rule, a_candidate(ring_s)) == expected
    assert hours.wrong_ring_time(replace(rule, max_ring=None), a_candidate(3600)) is None


# --- the gate's own reasons -------------------------------------------------------------------------------------------

A_RULE = rule_text("r", "ring", min_unanswered_s=15)


def own(what: str, text: str) -> Reason:
    return Reason(f"gate.{what}", "unknown", "what is not known denies", "house", f"needs facts: {what} ({text})", None)


def refused(candidate: Candidate, *jurisdiction: str) -> Refusal:
    packs = (parse_pack(pack_text(A_RULE, places=jurisdiction or ("*",)), "p"),)
    verdict = check(candidate, Facts(), packs if jurisdiction else (), NOON)
    assert isinstance(verdict, Refusal)
    return verdict


def test_a_call_that_no_pack_covers_says_for_what_and_where() -> None:
    covered = "no rule pack in force covers calls for 'sales'"
    unclear = replace(a_candidate(), regions=("US-TX",))
    assert refused(a_candidate()).reasons == (own("packs", f"{covered} in US-NY"),)
    assert refused(replace(a_candidate(), number="+870773111632")).reasons == (own("packs", covered),)
    assert refused(a_candidate(), "FR").reasons == (own("packs", f"{covered} in US-NY"),)
    assert refused(unclear, "FR").reasons == (own("packs", f"{covered} in US-NY, US-TX"),)


def test_every_zone_that_is_none_is_told_and_then_no_zone_is_known() -> None:
    verdict = refused(replace(a_candidate(), zones=("Mars/Base", NEW_YORK, "Moon/Sea")), "*")
    assert verdict.reasons == tuple(
        own("location", f"'{name}' is not a known IANA time zone") for name in ("Mars/Base", "Moon/Sea")
    )
    assert verdict.zones == ()


def test_a_bug_of_the_caller_is_told_in_words() -> None:
    with pytest.raises(ValueError, match=r"^the gate needs an aware time$"):
        check(a_candidate(), Facts(), (), NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match=r"^a phone cannot ring for less than no time$"):
        check(a_candidate(-1), Facts(), (), NOON)
