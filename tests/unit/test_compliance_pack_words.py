"""Packs as people read them: the words are those of the text that decides, and whom a pack reaches is what the gate says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import gate
from compliance.facts import Facts
from compliance.numbers import regions_of
from compliance.pack_words import Holds, PackSummary, PackWords, Reach, in_words, reach, summary
from compliance.packs import Pack, parse_pack
from compliance.question import PURPOSES
from compliance.rules import Condition
from compliance.verdict import Candidate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
TEXTS = {one.name: one.read_text("utf-8") for one in resources.files("config").joinpath("packs").iterdir()}
PACKS = tuple(parse_pack(text, name) for name, text in sorted(TEXTS.items()))
NUMBERS = {
    "New York": "+12125550100",
    "Florida, two zones": "+18502221234",
    "toll-free": "+18005551212",
    "Paris": "+33140205050",
    "a mobile in China": "+8613812345678",
    "Guernsey": "+447781123456",
    "nobody's": "+99912345678",
}


def a_pack(*rules: str, head: str = "") -> tuple[Pack, str]:
    text = f'schema = 1\n[pack]\nid = "mine"\nversion = "1"\njurisdiction = ["*"]\n{head}\n' + "\n".join(rules)
    return parse_pack(text, "mine.toml"), text


def a_cap(name: str, extra: str = "", level: str = "house", source: str = "primary") -> str:
    return (
        f'[[rule]]\nid = "{name}"\nkind = "cap"\ncite = "ours"\nlevel = "{level}"\nsource = "{source}"\n'
        f'max = 3\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"\n{extra}\n'
    )


def a_candidate(number: str, purpose: str = "") -> Candidate:
    return Candidate("a", "p", number, "c", "s", "x", purpose=purpose)


def words(*rules: str, now: datetime = NOW) -> PackWords:
    return in_words(*a_pack(*rules), now)


def test_a_rule_is_told_with_what_it_asks_and_who_says_so() -> None:
    (rule,) = words(a_cap("mine.day", level="law", source="memory")).rules
    assert rule.says == "at most 3 attempts per person in `rolling:24h`"
    assert (rule.id, rule.kind, rule.level, rule.source, rule.cite) == ("mine.day", "cap", "law", "memory", "ours")
    assert (rule.effective_from, rule.effective_until, rule.holds) == (None, None, Holds.NOW)


def test_words_of_another_text_are_refused() -> None:
    pack, text = a_pack(a_cap("mine.day"))
    with pytest.raises(ValueError, match="mine: this is not the text"):
        in_words(pack, text.replace("max = 3", "max = 4"), NOW)


FIRST_ANYWHERE = datetime(2026, 8, 10, 10, tzinfo=UTC)  # midnight of the 11th, fourteen hours ahead of UTC
LAST_ANYWHERE = datetime(2026, 8, 11, 14, tzinfo=UTC)  # the end of the 10th, fourteen hours behind it


@pytest.mark.parametrize(
    ("dates", "now", "holds"),
    [
        ("effective_from = 2026-08-11", FIRST_ANYWHERE - TICK, Holds.LATER),
        ("effective_from = 2026-08-11", FIRST_ANYWHERE, Holds.NOW),
        ("effective_until = 2026-08-10", LAST_ANYWHERE - TICK, Holds.NOW),
        ("effective_until = 2026-08-10", LAST_ANYWHERE, Holds.NO_MORE),
    ],
)
def test_a_rule_holds_as_long_as_it_may_be_one_of_its_dates_anywhere(dates: str, now: datetime, holds: Holds) -> None:
    (rule,) = words(a_cap("mine.day", dates), now=now).rules
    assert rule.holds is holds


def test_the_dates_of_a_rule_are_told() -> None:
    (rule,) = words(a_cap("mine.day", "effective_from = 2026-01-01\neffective_until = 2026-12-31")).rules
    assert (rule.effective_from, rule.effective_until) == (date(2026, 1, 1), date(2026, 12, 31))


def test_a_summary_counts_kinds_levels_and_sources_the_most_frequent_first() -> None:
    rules = [a_cap("a"), a_cap("b", level="law", source="memory"), a_cap("c", "effective_from = 2030-01-01", level="law")]
    told = summary(words(*rules))
    assert (told.rules, told.hold_now) == (3, 2)
    assert list(told.kinds.items()) == [("cap", 3)]
    assert list(told.levels.items()) == [("law", 2), ("house", 1)]
    assert list(told.sources.items()) == [("primary", 2), ("memory", 1)]


def test_those_that_are_as_frequent_come_by_the_alphabet() -> None:
    rules = [a_cap(name, level=level) for name, level in (("a", "standard"), ("b", "house"), ("c", "law"))]
    assert list(summary(words(*rules)).levels) == ["house", "law", "standard"]


def test_a_pack_in_words_and_in_one_line_says_which_pack_it_is_and_for_whom() -> None:
    head = 'extends = ["us", "house"]\n[pack.applies]\npurpose = ["sales"]'
    text = f'schema = 1\n[pack]\nid = "mine"\nversion = "7"\njurisdiction = ["US", "FR"]\n{head}\n{a_cap("mine.day")}'
    pack = parse_pack(text, "mine.toml")
    told = in_words(pack, text, NOW)
    applies = (Condition("purpose", ("sales",)),)
    assert replace(told, rules=()) == PackWords("mine", "7", pack.sha256, ("US", "FR"), applies, ("us", "house"), ())
    cap, house, primary = {"cap": 1}, {"house": 1}, {"primary": 1}
    assert summary(told) == PackSummary("mine", "7", pack.sha256, ("US", "FR"), applies, 1, 1, cap, house, primary)


def test_what_reaches_somebody_says_for_which_calls_and_which_of_its_rules_hold_where_they_are() -> None:
    rules = (
        a_cap("mine.all"),
        a_cap("mine.florida", 'when = { callee_in = ["US-FL"] }'),
        a_cap("mine.georgia", 'when = { callee_in = ["US-GA"] }'),
        a_cap("mine.tomorrow", "effective_from = 2026-11-22"),
    )
    pack, _ = a_pack(*rules, head='[pack.applies]\nparty = ["consumer"]')
    (found,) = reach((pack,), a_candidate("+13055550100"), frozenset({"US-FL"}), ("America/New_York",), NOW)
    applies = (Condition("party", ("consumer",)),)
    assert found == Reach(pack.ref, ("*",), applies, ("mine.all", "mine.florida")), "it is not the 22nd in New York yet"
    (anywhere,) = reach((pack,), a_candidate("+13055550100"), frozenset({"US-FL"}), (), NOW)
    assert anywhere.rules == ("mine.all", "mine.florida", "mine.tomorrow"), "somewhere it is"


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_shipped_rule_is_told_once_and_in_words(pack: Pack) -> None:
    (text,) = [text for name, text in TEXTS.items() if parse_pack(text, name).sha256 == pack.sha256]
    told = in_words(pack, text, NOW)
    assert [(rule.id, rule.cite) for rule in told.rules] == [(rule.origin.id, rule.origin.cite) for rule in pack.rules]
    assert all(rule.says for rule in told.rules)
    counted = summary(told)
    for counts in (counted.kinds, counted.levels, counted.sources):
        assert sum(counts.values()) == counted.rules == len(pack.rules)


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_the_packs_that_reach_a_number_are_those_by_which_the_gate_decides(number: str) -> None:
    regions, zones = regions_of(number), gate.zones_for(a_candidate(number))
    reached = {one.pack for one in reach(PACKS, a_candidate(number), regions, zones, NOW)}
    purposes = {value for pack in PACKS for value in pack.purposes} | set(PURPOSES)
    asked = [gate.check(a_candidate(number, purpose), Facts(), PACKS, NOW) for purpose in sorted(purposes)]
    assert reached == {pack for verdict in asked for pack in verdict.packs}


def test_a_pack_says_by_which_of_its_places_it_reaches_and_which_of_its_rules_hold_there() -> None:
    candidate = a_candidate("+33140205050")
    found = reach(PACKS, candidate, regions_of(candidate.number), ("Europe/Paris",), NOW)
    french = next(one for one in found if one.pack.id == "fr-prospection")
    assert french.places == ("FR",)
    assert "fr.optin" in french.rules
    assert "fr.bloctel" not in french.rules


def test_of_a_number_of_which_nothing_is_known_every_place_may_be_the_one() -> None:
    found = reach(PACKS, a_candidate("+99912345678"), frozenset(), (), NOW)
    assert [one.pack.id for one in found] == [pack.id for pack in PACKS]
    assert [one.places for one in found] == [pack.jurisdiction for pack in PACKS]


@settings(max_examples=200, deadline=None)
@given(hours=st.integers(-3000, 3000))
def test_what_holds_where_the_callee_is_is_said_to_hold(hours: int) -> None:
    now = FIRST_ANYWHERE + timedelta(hours=hours)
    french, text = parse_pack(TEXTS["fr.toml"], "fr.toml"), TEXTS["fr.toml"]
    candidate = a_candidate("+33140205050")
    (there,) = reach((french,), candidate, frozenset({"FR"}), ("Europe/Paris",), now)
    said = {rule.id for rule in in_words(french, text, now).rules if rule.holds is Holds.NOW}
    assert set(there.rules) <= said
