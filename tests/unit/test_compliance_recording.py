"""A call between two places is recorded on the terms of the stricter one, and on none where their laws contradict each other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, parse_pack
from compliance.recording import RecordingTerms, Transfer, after_transfer, required
from compliance.regions import US_AREA_CODES
from compliance.rules import Leave, Level, RecordMode, RecordRule
from compliance.verdict import Candidate, Reason

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
LAWS = packs_of_law()
TEXAS, PARIS, BEIJING, LONDON, BERLIN, TORONTO, TOLL_FREE = (
    "+12145550100", "+33142685300", "+861062555555", "+442079460958", "+493012345678", "+14165550100", "+18005551234",
)  # fmt: skip
#: RULES.md 1.2: the common list of eleven, and the three of which the sources are mixed.
ALL_PARTY = ["CA", "DE", "FL", "IL", "MD", "MA", "MT", "NV", "NH", "PA", "WA", "CT", "MI", "OR"]
ONE_PARTY = sorted(set(US_AREA_CODES) - set(ALL_PARTY))


def a_call(number: str = TEXAS, **about: str) -> Candidate:
    return replace(Candidate("call", "ann", number, "spring", "acme", "solar"), **about)  # type: ignore[arg-type] # texts all


def there(*regions: str) -> frozenset[str]:
    return frozenset(regions)


def terms(number: str, *others: frozenset[str], packs: Sequence[Pack] = LAWS, **about: str) -> RecordingTerms:
    return required(packs, a_call(number, **about), others, NOON)


def a_rule(name: str, fields: str, level: str = "law") -> str:
    head = f'[[rule]]\nid = "{name}"\nkind = "record"\ncite = "c"\nlevel = "{level}"\nsource = "primary"\n'
    return f"{head}announce = true\n{fields}\n"


def a_pack(name: str, *rules: str, jurisdiction: str = "*") -> Pack:
    head = f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = ["{jurisdiction}"]\n'
    return parse_pack(head + "".join(rules), name)


INFORMED = 'consent = "informed"'
WHOLE, OFF = INFORMED + '\nmode = "whole_call"', INFORMED + '\nmode = "off"'


def on_event(*events: str) -> str:
    return f'{INFORMED}\nmode = "on_event"' + (f"\nstart_on = {list(events)}" if events else "")


@pytest.mark.parametrize("state", ALL_PARTY)
def test_a_state_that_wants_the_leave_of_all_gets_it_on_whichever_side_it_is(state: str) -> None:
    code = US_AREA_CODES[state].split()[0]
    for found in (terms(TEXAS, there(f"US-{state}")), terms(f"+1{code}2221234", there("US-TX"))):
        assert (found.consent, found.announce) == (Leave.ALL, True)
    assert terms(TEXAS, there("US-TX"), there(f"US-{state}")).consent is Leave.ALL


@pytest.mark.parametrize("state", ONE_PARTY)
def test_every_other_state_asks_for_the_leave_of_one_and_is_told_all_the_same(state: str) -> None:
    found = terms(TEXAS, there(f"US-{state}"))
    assert (found.consent, found.announce, found.by_default) == (Leave.ONE, True, True)


@pytest.mark.parametrize(
    ("number", "agent", "consent", "mode"),
    [
        (TEXAS, there("US-CA"), Leave.ALL, RecordMode.AS_SET),
        (TEXAS, there("US"), Leave.ALL, RecordMode.AS_SET),  # somewhere in the country: it may be California
        (TEXAS, there("US-TX", "US-CA"), Leave.ALL, RecordMode.AS_SET),
        (TOLL_FREE, there("US-TX"), Leave.ALL, RecordMode.AS_SET),
        (TEXAS, there("CA"), Leave.ONE, RecordMode.AS_SET),
        (TORONTO, there("CA"), Leave.ONE, RecordMode.AS_SET),
        (TORONTO, there("DE"), Leave.ALL, RecordMode.AS_SET),
        (BERLIN, there("US-TX"), Leave.ALL, RecordMode.AS_SET),
        (TEXAS, there("CN"), Leave.INFORMED, RecordMode.WHOLE_CALL),
        (BEIJING, there("CN"), Leave.INFORMED, RecordMode.WHOLE_CALL),
        (PARIS, there("FR"), Leave.INFORMED, RecordMode.ON_EVENT),
        (TEXAS, there("FR"), Leave.INFORMED, RecordMode.ON_EVENT),
        (LONDON, there("GB"), Leave.ALL, RecordMode.AS_SET),  # no source says whose leave it is in the United Kingdom
    ],
)
def test_the_stricter_side_decides(number: str, agent: frozenset[str], consent: Leave, mode: RecordMode) -> None:
    found = terms(number, agent)
    assert (found.consent, found.mode, found.announce, found.conflicts) == (consent, mode, True, ())


def test_a_party_of_whose_place_nothing_is_known_makes_it_the_leave_of_all() -> None:
    for found in (terms(TEXAS), terms(TEXAS, there()), terms(TEXAS, there("US-TX"), there())):
        assert (found.consent, found.announce, found.recordable) == (Leave.ALL, True, True)
        assert "recording.location" in [reason.rule for reason in found.reasons]
    assert terms(TEXAS).parties == (there("US-TX"), there())


def test_a_callee_of_whose_place_nothing_is_known_makes_it_the_leave_of_all() -> None:
    here = (a_pack("here", a_rule("here.record", 'consent = "one"')),)
    assert terms("+99912345", there("US-TX"), packs=here).consent is Leave.ALL


def test_where_no_rule_of_law_says_whose_leave_it_is_it_is_that_of_all() -> None:
    found = terms(LONDON, there("GB"), packs=(*LAWS, *load_packs(("house",), Path())))
    assert found.consent is Leave.ALL
    assert [reason.rule for reason in found.reasons] == ["house.record", "recording.law"]
    assert found.reasons[-1].text.endswith("in GB: the leave of all parties")
    assert terms(LONDON, there("GB"), packs=()).consent is Leave.ALL
    assert terms(TEXAS, there("US-TX"), purpose="debt_collection").consent is Leave.ALL  # us.record is of sales calls


def test_a_rule_may_say_that_an_unknown_state_is_the_leave_of_one() -> None:
    fields = 'consent = "one"\nall_party_if_callee_in = ["US-CA"]\nunknown_location = "one"'
    packs = (a_pack("mild", a_rule("mild.record", fields)),)
    assert terms(TEXAS, there("US"), packs=packs).consent is Leave.ONE
    assert terms(TEXAS, there("US-CA"), packs=packs).consent is Leave.ALL
    assert terms(TEXAS, there("US-TX", "US-CA"), packs=packs).consent is Leave.ALL, "California is one of two"


def test_the_leave_of_one_without_any_notice_needs_no_announcement() -> None:
    silent = a_rule("silent.record", 'consent = "one"').replace("announce = true", "announce = false")
    packs = (a_pack("silent", silent),)
    assert not terms(TEXAS, there("US-TX"), packs=packs).announce
    assert terms(TEXAS, there(), packs=packs).announce, "all must agree, and can only if they are told"
    loud = a_pack("loud", a_rule("loud.record", 'consent = "one"'))
    assert terms(TEXAS, there("US-TX"), packs=(*packs, loud)).announce, "one of two rules wants it"


def test_france_records_nothing_by_default_and_only_from_two_events_on() -> None:
    found = terms(PARIS, there("FR"))
    assert (found.recordable, found.by_default) == (True, False)
    assert found.start_on == ("contract_conclusion", "sampled_for_quality")


def test_a_life_insurance_call_in_china_is_recorded_whole() -> None:
    found = terms(BEIJING, there("CN"), sector="life_insurance")
    assert (found.mode, found.recordable, found.by_default) == (RecordMode.WHOLE_CALL, True, True)


def test_the_whole_call_against_none_by_default_goes_to_a_person() -> None:
    for found in (terms(BEIJING, there("FR"), sector="life_insurance"), terms(PARIS, there("CN"))):
        assert not found.recordable
        assert not found.by_default
        assert found.conflicts == (
            "cn.record has the whole call recorded, fr.record only what follows an event: a person decides",
        )


def test_what_the_house_would_like_yields_to_a_law_that_limits_it() -> None:
    wish = a_pack("wish", a_rule("wish.record", WHOLE, "house"))
    limit = a_pack("limit", a_rule("limit.record", on_event("sale")))
    found = terms(TEXAS, there("US-TX"), packs=(wish, limit))
    assert (found.mode, found.start_on, found.conflicts) == (RecordMode.ON_EVENT, ("sale",), ())
    both = terms(TEXAS, there("US-TX"), packs=(wish, limit, a_pack("more", a_rule("more.record", on_event(), "house"))))
    assert (both.mode, both.start_on, both.conflicts) == (RecordMode.ON_EVENT, ("sale",), ())


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (a_rule("one.record", WHOLE), a_rule("two.record", OFF, "house"), "two.record nothing of it"),
        (a_rule("one.record", WHOLE, "house"), a_rule("two.record", OFF, "house"), "two.record nothing of it"),
        (a_rule("one.record", WHOLE), a_rule("two.record", on_event("sale")), "two.record only what follows an event"),
    ],
)
def test_a_house_that_records_nothing_does_not_overrule_a_law_that_has_it_recorded(first: str, second: str, told: str) -> None:
    found = terms(TEXAS, there("US-TX"), packs=(a_pack("one", first), a_pack("two", second)))
    assert not found.recordable
    assert found.conflicts == (f"one.record has the whole call recorded, {told}: a person decides",)


@pytest.mark.parametrize(
    ("rules", "mode", "start_on"),
    [
        ((on_event("sale", "sample"), on_event("sample")), RecordMode.ON_EVENT, ("sample",)),
        ((on_event("sale"), on_event("sample")), RecordMode.OFF, ()),
        ((on_event("sale"), on_event()), RecordMode.ON_EVENT, ("sale",)),
        ((on_event(), on_event()), RecordMode.ON_EVENT, ()),
        ((on_event("sale"), OFF), RecordMode.OFF, ()),
        ((OFF, INFORMED), RecordMode.OFF, ()),
        ((WHOLE, INFORMED), RecordMode.WHOLE_CALL, ()),
        ((INFORMED, INFORMED), RecordMode.AS_SET, ()),
    ],
)
def test_of_several_limits_the_narrowest_holds(rules: tuple[str, ...], mode: RecordMode, start_on: tuple[str, ...]) -> None:
    packs = [a_pack(f"p{index}", a_rule(f"p{index}.record", fields)) for index, fields in enumerate(rules)]
    found = terms(TEXAS, there("US-TX"), packs=packs)
    assert (found.mode, found.start_on, found.recordable) == (mode, start_on, mode is not RecordMode.OFF)


def test_every_rule_is_told_with_its_source() -> None:
    told = {reason.rule: (reason.cite, reason.level, reason.text) for reason in terms(PARIS, there("US-CA")).reasons}
    assert told == {
        "fr.record": (
            "CNIL 2022-04-25",
            "regulator_guidance",
            "all parties informed; announced; mode on_event; from contract_conclusion, sampled_for_quality on",
        ),
        "us.record": ("18 USC 2511(2)(d) + state law", "law", "the leave of all parties; announced"),
    }


def test_a_reason_says_of_what_kind_it_is_and_what_is_not_known_is_the_houses_own() -> None:
    silent = a_rule("silent.record", 'consent = "one"').replace("announce = true", "announce = false")
    packs = (a_pack("silent", silent, jurisdiction="US"),)
    strictly = "what is not known is read strictly"
    nowhere = "the place of a party is not known: the leave of all parties"
    no_law = "no rule in force says whose leave a recording needs in GB: the leave of all parties"
    assert terms(TEXAS, there(), there("GB"), packs=packs).reasons == (
        Reason("silent.record", "record", "c", "law", "one party's leave", None),
        Reason("recording.location", "unknown", strictly, "house", nowhere, None),
        Reason("recording.law", "unknown", strictly, "house", no_law, None),
    )


def test_a_rule_for_a_country_is_a_rule_for_each_part_of_it() -> None:
    fields = 'consent = "one"\nall_party_if_callee_in = ["CN"]\nunknown_location = "one"'
    packs = (a_pack("whole", a_rule("whole.record", fields)),)
    assert terms(TEXAS, there("CN-NX"), packs=packs).consent is Leave.ALL
    assert terms(TEXAS, there("US-TX"), packs=packs).consent is Leave.ONE


def test_the_law_of_one_place_where_a_party_may_be_says_nothing_of_the_other() -> None:
    found = terms(TEXAS, there("US-TX", "GB"))
    assert found.consent is Leave.ALL
    assert [reason.rule for reason in found.reasons] == ["us.record", "recording.law"]


def test_a_rule_binds_on_its_dates_alone() -> None:
    packs = (a_pack("soon", a_rule("soon.record", OFF + "\neffective_from = 2027-01-01")),)
    assert terms(TEXAS, there("US-TX"), packs=packs).recordable
    assert not required(packs, a_call(), (there("US-TX"),), datetime(2027, 1, 2, tzinfo=UTC)).recordable


def test_rules_of_one_id_in_two_packs_both_bind() -> None:
    packs = (a_pack("a", a_rule("x.record", INFORMED)), a_pack("b", a_rule("x.record", 'consent = "all"')))
    assert terms(TEXAS, there("US-TX"), packs=packs).consent is Leave.ALL


def test_terms_are_of_an_aware_time() -> None:
    with pytest.raises(ValueError, match=r"^recording terms need an aware time$"):
        required(LAWS, a_call(), (), datetime(2026, 11, 23))  # noqa: DTZ001 -- the fault under test


# --- transfers --------------------------------------------------------------------------------------------------------


def moved(before: RecordingTerms, number: str, joins: frozenset[str], packs: Sequence[Pack] = LAWS) -> Transfer:
    return after_transfer(before, packs, a_call(number), joins, NOON)


def test_case_20_notice_to_all_before_capture_and_a_new_one_after_the_transfer() -> None:
    before = terms(TEXAS, there("US-CA"))
    assert (before.consent, before.announce, before.by_default) == (Leave.ALL, True, True)
    joined = moved(before, TEXAS, there("US-PA"))
    assert joined.terms.parties == (there("US-TX"), there("US-CA"), there("US-PA"))
    assert (joined.announce, joined.stop, joined.terms.consent) == (True, False, Leave.ALL)


def test_one_who_joins_from_a_stricter_state_makes_it_the_leave_of_all() -> None:
    before = terms(TEXAS, there("US-TX"))
    assert before.consent is Leave.ONE
    joined = moved(before, TEXAS, there("US-PA"))
    assert (joined.terms.consent, joined.announce) == (Leave.ALL, True)


def test_one_who_joins_from_nobody_knows_where_makes_it_the_leave_of_all() -> None:
    joined = moved(terms(TEXAS, there("US-TX")), TEXAS, there())
    assert (joined.terms.consent, joined.announce, joined.stop) == (Leave.ALL, True, False)


@pytest.mark.parametrize("joins", ["FR", "CN"])
def test_a_recording_that_may_not_go_on_stops_without_a_new_notice(joins: str) -> None:
    number, agent = (TEXAS, "US-TX") if joins == "FR" else (PARIS, "FR")
    joined = moved(terms(number, there(agent)), number, there(joins))
    assert (joined.announce, joined.stop) == (False, True)


def test_a_transfer_nobody_needs_to_hear_of_is_not_announced() -> None:
    silent = a_rule("silent.record", 'consent = "one"').replace("announce = true", "announce = false")
    packs = (a_pack("silent", silent),)
    joined = moved(terms(TEXAS, there("US-TX"), packs=packs), TEXAS, there("US-NY"), packs)
    assert (joined.announce, joined.stop) == (False, False)


PLACES = ["US-TX", "US-CA", "US-PA", "US", "CA", "FR", "CN", "CN-NX", "DE", "GB", "AU", "IE"]
STRICTNESS = [Leave.ONE, Leave.INFORMED, Leave.ALL]


@settings(deadline=None)
@given(
    st.sampled_from([TEXAS, PARIS, BEIJING, LONDON, BERLIN, TORONTO, TOLL_FREE]),
    st.lists(st.frozensets(st.sampled_from(PLACES), max_size=2), min_size=1, max_size=3),
    st.frozensets(st.sampled_from(PLACES), max_size=2),
)
def test_one_party_more_never_makes_the_terms_milder(number: str, parties: list[frozenset[str]], joins: frozenset[str]) -> None:
    packs = (*LAWS, *load_packs(("house",), Path()))
    before = terms(number, *parties, packs=packs)
    after = moved(before, number, joins, packs).terms
    assert STRICTNESS.index(after.consent) >= STRICTNESS.index(before.consent)
    assert after.announce >= before.announce
    assert after.recordable <= before.recordable
    assert after.by_default <= before.by_default
    assert set(before.conflicts) <= set(after.conflicts)


@settings(deadline=None)
@given(st.permutations(["US-CA", "US-TX", "FR", "US-PA"]))
def test_in_which_order_the_parties_are_named_changes_nothing(places: list[str]) -> None:
    agent, *others = places
    found = terms(TEXAS, *(there(one) for one in (agent, *others)))
    assert (found.consent, found.mode, found.start_on) == (
        Leave.ALL,
        RecordMode.ON_EVENT,
        ("contract_conclusion", "sampled_for_quality"),
    )


#: Each shipped rule against RULES.md section 1: whose leave it is in its own place, whether announced, how much.
SHIPPED = {
    "us.record": (Leave.ONE, RecordMode.AS_SET),
    "ca.record": (Leave.ONE, RecordMode.AS_SET),
    "de.record": (Leave.ALL, RecordMode.AS_SET),
    "fr.record": (Leave.INFORMED, RecordMode.ON_EVENT),
    "cn.record": (Leave.INFORMED, RecordMode.WHOLE_CALL),
    "house.record": (Leave.INFORMED, RecordMode.AS_SET),
}


def test_each_shipped_rule_alone_asks_what_its_source_does() -> None:
    packs = (*LAWS, *load_packs(("house",), Path()))
    found = {}
    for pack in packs:
        for rule in pack.rules:
            if isinstance(rule, RecordRule):
                alone = replace(pack, rules=(replace(rule, origin=replace(rule.origin, level=Level.LAW)),))
                place = there("US-TX" if pack.jurisdiction[0] in {"US", "*"} else pack.jurisdiction[0])
                number = {"US-TX": TEXAS, "CA": TORONTO, "DE": BERLIN, "FR": PARIS, "CN": BEIJING}[min(place)]
                asked = terms(number, place, packs=(alone,))
                assert asked.announce
                found[rule.origin.id] = (asked.consent, asked.mode)
    assert found == SHIPPED
