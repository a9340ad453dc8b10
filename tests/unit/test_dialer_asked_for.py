"""What rules ask to be told: the words of the command say the same as the gate does, at every age of a copy."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import gate
from compliance.facts import OWN_LISTS, Facts, ListState
from compliance.pack_files import packs_of_law
from compliance.packs import Pack, parse_pack
from compliance.verdict import Candidate, Refusal
from dialer.asked_for import Freshness, lists_asked_for, marks_asked_for, relations_asked_for, state_of
from tests.pack_texts import pack_text, rule_text

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def a_pack(*rules: str, head: str = "") -> Pack:
    return parse_pack(pack_text(*rules, name="ours", more=head), "ours")


def a_rule(name: str = "some.list", more: str = "") -> str:
    return rule_text(f"ours.{name}", "suppress", list=name, match=["number"], exempt=[]) + f"{more}\n"


@given(st.integers(0, 20 * 24 * 60), st.sampled_from([None, 1, 5, 10]))
def test_the_command_calls_a_copy_fresh_exactly_as_long_as_the_gate_permits_by_it(age_min: int, limit: int | None) -> None:
    pack = a_pack(a_rule(more=f"list_max_age_days = {limit}" if limit else ""))
    as_of = NOW - timedelta(minutes=age_min)
    (asked,) = lists_asked_for([pack], NOW)
    state = state_of(asked, {"some.list": as_of}, NOW)
    candidate = Candidate("q", "p", "+12125550123", "c", "s", "u")
    verdict = gate.check(candidate, Facts(lists=(ListState("some.list", as_of),)), (pack,), NOW)
    assert (state.freshness is Freshness.FRESH) == (not isinstance(verdict, Refusal))
    assert (state.age, state.as_of) == (timedelta(minutes=age_min), as_of)


def test_a_list_that_nobody_loaded_says_which_calls_it_stops() -> None:
    head = '[pack.applies]\npurpose = ["sales"]\nparty = ["consumer"]\n'
    (asked,) = lists_asked_for([a_pack(a_rule(), head=head)], NOW)
    state = state_of(asked, {"other.list": NOW}, NOW)
    assert state.freshness is Freshness.MISSING
    assert state.words == "missing: sales calls everywhere, party consumer are refused until a copy is loaded"


def test_lists_of_our_own_are_never_asked_for() -> None:
    assert lists_asked_for([a_pack(*(a_rule(name) for name in sorted(OWN_LISTS)))], NOW) == ()


@pytest.mark.parametrize(
    ("dates", "asked"),
    [
        ("effective_until = 2026-06-13", False),
        ("effective_until = 2026-06-15", True),
        ("effective_from = 2026-07-01", True),
    ],
)
def test_a_rule_that_is_over_asks_for_nothing_and_one_to_come_already_does(dates: str, asked: bool) -> None:
    found = lists_asked_for([a_pack(a_rule(more=dates))], NOW)
    assert bool(found) == asked
    if "from" in dates:
        assert "from 2026-06-30 on" in state_of(found[0], {}, NOW).words, "the first date is told by the earliest clock"


def test_the_shipped_packs_ask_for_the_lists_relations_and_marks_of_the_sources() -> None:
    packs = packs_of_law()
    names = {one.name for one in lists_asked_for(packs, NOW)}
    assert {"us.national_dnc", "ca.national_dncl", "gb.tps+ctps", "au.dncr", "it.rpo", "us-tx.no_call"} <= names
    assert {"purchase", "inquiry", "contract_in_force"} <= relations_asked_for(packs)
    assert {"not_connected_to_number", "warm_call"} <= marks_asked_for(packs)
    assert "fr.bloctel" in names, "until the opt-out regime ended"
    later = {one.name for one in lists_asked_for(packs, datetime(2026, 9, 1, tzinfo=UTC))}
    assert "fr.bloctel" not in later
