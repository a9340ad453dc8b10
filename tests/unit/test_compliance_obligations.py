"""What binds a call after the ring is all that any rule of the parties' places wants, each with the rules that say so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from compliance.calendars import calendar_named
from compliance.obligations import Obligations, countries_of, obligations
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, parse_pack
from compliance.rules import AbandonRule, DiscloseRule, Leave
from compliance.verdict import Candidate, Reason

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
LAWS = packs_of_law()
TEXAS, FLORIDA, CONNECTICUT, WASHINGTON, NEW_YORK, LONDON, PARIS, BEIJING, TOKYO, SYDNEY, DUBLIN = (
    "+12145550100", "+13055550100", "+12035550100", "+12065550100", "+12125550100", "+442079460958", "+33142685300",
    "+861062555555", "+81312345678", "+61212345678", "+35312345678",
)  # fmt: skip


def a_call(number: str = TEXAS, **about: str) -> Candidate:
    return replace(Candidate("call", "ann", number, "spring", "acme", "solar"), **about)  # type: ignore[arg-type] # texts all


def binding(number: str, *agents: str, packs: Sequence[Pack] = LAWS, **about: str) -> Obligations:
    call = a_call(number, **about)
    calendars = [found for name in countries_of(call) if (found := calendar_named(name, (2026, 2027))) is not None]
    return obligations(packs, call, NOON, tuple(frozenset({one}) for one in agents), calendars)


def a_pack(name: str, rules: str) -> Pack:
    return parse_pack(f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = ["*"]\n{rules}', name)


def a_message(name: str, fields: str) -> str:
    return (
        f'[[rule]]\nid = "{name}"\nkind = "abandon"\ncite = "c"\nlevel = "law"\nsource = "primary"\nmax_rate = 0.03\n'
        'per = ["seller"]\nwindow = "rolling:24h"\nnumerator = "live_answer_not_bridged"\ndenominator = "live_answer"\n'
        f'connect_within_s = 2.0\nconnect_clock = "answer"\n[rule.message]\n{fields}\n'
    )


def seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


#: What is said in each place, within how many seconds (None: promptly), and by when the call ends once that is asked for.
SAID = [
    (TEXAS, {"seller_identity": None, "sales_purpose": None, "goods_nature": None, "no_purchase_needed_if_prize": None}, None),
    (
        FLORIDA,
        {
            "seller_identity": None,
            "sales_purpose": None,
            "goods_nature": None,
            "no_purchase_needed_if_prize": None,
            "caller_identity": 30,
        },
        None,
    ),
    (
        CONNECTICUT,
        {
            "caller_identity": 10,
            "sales_purpose": 10,
            "seller_identity": 10,
            "offer_continue_end_or_remove": 10,
            "goods_nature": None,
            "no_purchase_needed_if_prize": None,
        },
        10,
    ),
    (
        WASHINGTON,
        {
            "caller_identity": 30,
            "seller_identity": 30,
            "sales_purpose": 30,
            "goods_nature": None,
            "no_purchase_needed_if_prize": None,
        },
        10,
    ),
    (
        NEW_YORK,
        {
            "caller_identity": None,
            "seller_identity": None,
            "dnc_option": None,
            "sales_purpose": None,
            "goods_nature": None,
            "no_purchase_needed_if_prize": None,
        },
        None,
    ),
    (DUBLIN, {"seller_identity": None, "sales_purpose": None, "caller_identity": None, "contact_details": None}, None),
    (PARIS, {"seller_identity": None, "sales_purpose": None}, None),
    (SYDNEY, {"caller_identity": None, "call_purpose": None}, None),
    (TOKYO, {"seller_identity": None, "goods_nature": None, "sales_purpose": None}, None),
    (LONDON, {}, None),
    (BEIJING, {}, None),
]


@pytest.mark.parametrize(("number", "items", "ends"), SAID)
def test_what_the_sources_want_said_is_said_as_soon_as_the_soonest_of_them_asks(
    number: str, items: dict[str, float | None], ends: float | None
) -> None:
    found = binding(number)
    assert {one.item: seconds(one.within) for one in found.disclosures} == items
    assert (seconds(found.end_on_request.within) if found.end_on_request else None) == ends


def test_every_shipped_disclosure_is_in_the_table() -> None:
    said = {reason.rule for number, *_ in SAID for one in binding(number).disclosures for reason in one.reasons}
    assert said == {rule.origin.id for pack in LAWS for rule in pack.rules if isinstance(rule, DiscloseRule)}


def test_an_item_of_two_rules_names_both_and_what_each_of_them_asks() -> None:
    seller = next(one for one in binding(CONNECTICUT).disclosures if one.item == "seller_identity")
    assert (seller.within, seller.promptly) == (timedelta(seconds=10), True)
    assert {reason.rule: reason.text for reason in seller.reasons} == {"us.disclose": "promptly", "ct.disclose": "within 10 s"}


def test_of_two_limits_on_one_item_the_shorter_holds() -> None:
    two = (*LAWS, *load_packs(("house",), Path()))
    both = obligations(two, replace(a_call(CONNECTICUT), regions=("US-FL", "US-WA")), NOON)
    caller = next(one for one in both.disclosures if one.item == "caller_identity")
    assert (caller.within, caller.promptly) == (timedelta(seconds=10), False)
    assert {reason.rule for reason in caller.reasons} == {"ct.disclose", "fl.disclose", "wa.disclose"}
    assert both.end_on_request is not None
    assert {reason.rule for reason in both.end_on_request.reasons} == {"ct.disclose", "wa.disclose"}
    assert "recording" in {one.item for one in both.disclosures}, "the house's own"


def test_of_two_limits_on_the_end_of_the_call_the_shorter_holds() -> None:
    rule = '[[rule]]\nid = "{}.said"\nkind = "disclose"\ncite = "c"\nlevel = "law"\nsource = "primary"\npromptly = ["name"]\n'
    packs = tuple(
        a_pack(name, rule.format(name) + f"end_within_s_on_request = {limit}") for name, limit in (("a", 20), ("b", 5), ("c", 10))
    )
    end = binding(TEXAS, packs=packs).end_on_request
    assert end is not None
    assert seconds(end.within) == 5
    assert [reason.text for reason in end.reasons] == ["ended within 20 s", "ended within 5 s", "ended within 10 s"]


def test_somebody_abandoned_in_the_united_states_hears_seller_number_and_purpose_and_may_opt_out() -> None:
    message = binding(TEXAS).message
    assert message is not None
    assert seconds(message.start_within) == 2
    assert message.must_say == ("seller_name", "seller_number_for_dnc", "for_telemarketing_purposes")
    assert (message.must_not_say, message.must_offer) == (("solicitation",), ("keypress_or_voice_optout",))
    assert ([reason.rule for reason in message.reasons], message.conflicts) == (["us.abandon"], ())


def test_somebody_who_may_be_in_two_countries_hears_what_both_want() -> None:
    message = obligations(LAWS, replace(a_call(TEXAS), regions=("GB",)), NOON).message
    assert message is not None
    assert set(message.must_say) == {
        "seller_name",
        "seller_number_for_dnc",
        "for_telemarketing_purposes",
        "number_to_decline_further_calls",
    }
    assert set(message.must_not_say) == {"solicitation", "marketing"}
    assert {reason.rule for reason in message.reasons} == {"us.abandon", "gb.abandon"}


def test_every_shipped_message_reaches_somebody() -> None:
    reached = {reason.rule for number in (TEXAS, LONDON) if (message := binding(number).message) for reason in message.reasons}
    shipped = {rule.origin.id for pack in LAWS for rule in pack.rules if isinstance(rule, AbandonRule) and rule.message}
    assert reached == shipped
    assert binding(BEIJING).message is None


def test_messages_add_up_and_what_one_wants_said_and_another_forbids_is_told() -> None:
    first = a_message("a.abandon", 'must_say = ["seller_name", "offer"]\nmust_offer = "keypress"')
    second = a_message("b.abandon", 'start_within_s = 3.0\nmust_say = ["seller_name"]\nmust_not_say = ["offer"]')
    third = a_message("c.abandon", 'start_within_s = 1.5\nmust_offer = "voice"')
    message = binding(TEXAS, packs=(a_pack("a", first), a_pack("b", second), a_pack("c", third))).message
    assert message is not None
    assert (seconds(message.start_within), message.must_say) == (1.5, ("seller_name", "offer"))
    assert (message.must_not_say, message.must_offer, message.conflicts) == (("offer",), ("keypress", "voice"), ("offer",))
    assert [reason.text for reason in message.reasons] == ["promptly", "within 3 s", "within 1.5 s"]
    prompt = binding(TEXAS, packs=(a_pack("a", first),)).message
    assert prompt is not None
    assert prompt.start_within is None


def test_records_are_kept_by_the_rules_of_every_partys_place_on_the_dates_of_all_of_them() -> None:
    kept = {one.what: one for one in binding(TEXAS, "CN").retention}
    assert set(kept) == {
        "call_detail", "consent", "script", "prerecorded_message", "dnc_request", "abandonment_stats", "recording",
        "impact_assessment",
    }  # fmt: skip
    assert {one.rule for one in kept["call_detail"].reasons} == {"us.retain", "cn.retain_callcentre"}
    # In Shanghai it is the 24th already: five years are over there some hours after those of the 23rd in Texas.
    assert kept["call_detail"].min_until == datetime(2031, 11, 25, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert set(kept["recording"].needs) == {"contract_end"}, "life insurance may have been sold: nobody said it was not"
    assert "recording" not in {one.what for one in binding(TEXAS, "US-TX").retention}


def test_where_the_agent_is_changes_nothing_of_what_is_said_to_the_person() -> None:
    alone, abroad = binding(LONDON, "GB"), binding(LONDON, "US-CT")
    assert (alone.disclosures, alone.message, alone.deadlines) == (abroad.disclosures, abroad.message, abroad.deadlines)


def test_the_dates_of_a_record_are_those_of_any_place_while_one_of_the_parties_is_nowhere() -> None:
    somewhere, nowhere = binding(TEXAS, "US-TX"), obligations(LAWS, a_call(TEXAS), NOON, (frozenset(),))
    assert somewhere.retention[0].min_until == datetime(2031, 11, 24, tzinfo=ZoneInfo("America/Denver"))  # El Paso
    assert nowhere.retention[0].min_until == datetime(2031, 11, 25, 12, tzinfo=UTC)


def test_a_revoked_consent_is_due_in_10_business_days_by_law_and_at_once_here() -> None:
    (deadline,) = binding(TEXAS).deadlines
    assert deadline.on == "consent_revoked"
    assert deadline.law_by == datetime(2026, 12, 9, tzinfo=ZoneInfo("America/Chicago"))  # not on Thanksgiving
    assert deadline.house_by == NOON
    assert [(one.rule, one.text) for one in deadline.reasons] == [("us.revocation", "within 10bd; here: immediate")]


def test_without_calendars_every_day_counts_and_a_number_of_two_countries_has_the_sooner_date() -> None:
    (strict,) = obligations(LAWS, a_call(TEXAS), NOON).deadlines
    assert strict.law_by == datetime(2026, 12, 4, tzinfo=ZoneInfo("America/Chicago"))
    toll_free = a_call("+18005551234")
    assert countries_of(toll_free) == ("CA", "US")
    us = [one for one in (calendar_named("US", (2026, 2027)),) if one]
    (mixed,) = obligations(LAWS, toll_free, NOON, (), us).deadlines
    assert mixed.law_by < binding(TEXAS).deadlines[0].law_by, "Canada's calendar was not given"


def test_the_european_month_has_no_end_of_its_own_in_the_house() -> None:
    (deadline,) = binding(PARIS).deadlines
    assert deadline.on == "data_subject_request"
    assert deadline.law_by == deadline.house_by == datetime(2026, 12, 24, tzinfo=ZoneInfo("Europe/Paris"))


def test_of_two_rules_for_one_request_the_sooner_one_is_due() -> None:
    head = '[[rule]]\nid = "{}.asked"\nkind = "deadline"\ncite = "c"\nlevel = "law"\nsource = "primary"\non = "asked"\n'
    packs = tuple(a_pack(name, head.format(name) + fields) for name, fields in (
        ("a", 'within = "10d"\nhouse = "2d"'), ("b", 'within = "5d"\nhouse = "3d"'),
    ))  # fmt: skip
    (deadline,) = binding(TEXAS, packs=packs).deadlines
    assert deadline.law_by == datetime(2026, 11, 29, tzinfo=ZoneInfo("America/Chicago"))
    assert deadline.house_by == datetime(2026, 11, 26, tzinfo=ZoneInfo("America/Chicago"))
    assert [one.rule for one in deadline.reasons] == ["a.asked", "b.asked"]


def test_what_the_house_gives_itself_in_business_days_is_counted_by_the_same_calendar() -> None:
    rules = "".join(
        f'[[rule]]\nid = "a.{on}"\nkind = "deadline"\ncite = "c"\nlevel = "law"\nsource = "primary"\non = "{on}"\n{fields}\n'
        for on, fields in (("asked", 'within = "10bd"\nhouse = "3bd"'), ("told", 'within = "10d"'))
    )
    asked, told = binding(TEXAS, packs=(a_pack("a", rules),)).deadlines
    assert asked.house_by == datetime(2026, 11, 28, tzinfo=ZoneInfo("America/Chicago")), "the 26th is Thanksgiving"
    assert asked.reasons == (Reason("a.asked", "deadline", "c", "law", "within 10bd; here: 3bd", None),)
    assert told.reasons == (Reason("a.told", "deadline", "c", "law", "within 10d", None),)


def test_a_rule_of_the_agents_place_binds_on_its_dates_alone() -> None:
    keep = 'kind = "retain"\ncite = "c"\nlevel = "law"\nsource = "primary"\nwhat = ["script"]\nfrom = "call"\nmin = "1y"\n'
    now = f'[[rule]]\nid = "fr.now"\n{keep}'
    later = f'[[rule]]\nid = "fr.later"\n{keep}effective_from = 2027-01-01\n'
    french = replace(a_pack("fr", now + later), jurisdiction=("FR",))
    (script,) = binding(TEXAS, "FR", packs=(french,)).retention
    assert [reason.rule for reason in script.reasons] == ["fr.now"]


def test_every_reason_says_of_what_kind_it_is() -> None:
    found = binding(CONNECTICUT)
    assert found.at == NOON
    assert found.end_on_request is not None
    assert found.message is not None
    assert {reason.kind for one in found.disclosures for reason in one.reasons} == {"disclose"}
    assert {reason.kind for reason in found.end_on_request.reasons} == {"disclose"}
    assert {reason.kind for reason in found.message.reasons} == {"abandon"}
    assert {reason.kind for one in found.deadlines for reason in one.reasons} == {"deadline"}


def test_every_line_has_its_source_and_every_pack_its_hash() -> None:
    found = binding(CONNECTICUT, "CN")
    lines = (*found.disclosures, *found.retention, *found.deadlines, found.message, found.recording, found.end_on_request)
    assert all(reason.cite and reason.level for line in lines if line is not None for reason in line.reasons)
    assert [ref.id for ref in found.packs] == ["us-ct", "us-federal-telemarketing", "cn-mainland"]
    assert all(len(ref.sha256) == 64 for ref in found.packs)


def test_the_recording_terms_are_those_of_all_parties() -> None:
    assert binding(TEXAS, "US-CA").recording.consent is Leave.ALL
    assert binding(TEXAS, "US-TX").recording.consent is Leave.ONE
    assert binding(TEXAS).recording.parties == (frozenset({"US-TX"}), frozenset())


def test_what_binds_a_sales_call_does_not_bind_the_collection_of_a_debt() -> None:
    found = binding(TEXAS, "US-TX", purpose="debt_collection", caller_role="third_party_collector")
    assert ([one.item for one in found.disclosures], found.message, found.deadlines) == ([], None, ())
    assert {one.what: one.needs for one in found.retention} == {
        "call_detail": ("last_collection_activity",),
        "compliance_evidence": ("last_collection_activity",),
        "recording": (),
    }


def test_obligations_are_of_an_aware_time() -> None:
    with pytest.raises(ValueError, match="aware"):
        obligations(LAWS, a_call(), datetime(2026, 11, 23))  # noqa: DTZ001 -- the fault under test
