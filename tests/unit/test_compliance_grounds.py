"""On which ground a rule yields: read to the letter, and held only as far as it is known, strong, wide and lasting enough."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.facts import Consent, Facts, Relation
from compliance.grounds import (
    LEVELS,
    Asserted,
    ConsentGround,
    Ground,
    RelationGround,
    consent_for,
    holds,
    lasts,
    parse_ground,
    suffices,
)
from compliance.verdict import Candidate

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOME, MOBILE = "+12125550100", "+19175550101"
CALL = Candidate("now", "ann", HOME, "spring", "acme", "solar", ring_for=timedelta(seconds=30))
GIVEN = Consent("express", NOON - timedelta(days=1), person="ann", scope=frozenset({"voice"}), seller="acme")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("guaranteed_agent", (Asserted("guaranteed_agent"),)),
        ("consent.voice", (ConsentGround(None, ("voice",)),)),
        ("consent.written", (ConsentGround("written", ()),)),
        ("consent.written.seller.voice", (ConsentGround("written", ("seller", "voice")),)),
        ("consent.seller.written", (ConsentGround(None, ("seller", "written")),)),
        ("consent", (Asserted("consent"),)),
        ("relation.purchase<=18mo", (RelationGround("purchase", 18, 0),)),
        ("relation.purchase<=2y", (RelationGround("purchase", 24, 0),)),
        ("relation.inquiry<=90d", (RelationGround("inquiry", 0, 90),)),
        ("relation.contract_in_force", (RelationGround("contract_in_force", 0, 0),)),
        ("relation.contract_in_force+same_subject", (RelationGround("contract_in_force"), Asserted("same_subject"))),
    ],
)
def test_a_ground_is_read(text: str, parts: tuple[Asserted | ConsentGround | RelationGround, ...]) -> None:
    assert parse_ground(text) == Ground(text, parts)


USE = "use consent.<scope>, relation.<kind><=18mo or a plain name"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", f"'' is not a ground: {USE}"),
        ("Consent.voice", f"'Consent.voice' is not a ground: {USE}"),
        ("a+", f"'' is not a ground: {USE}"),
        ("relation.purchase<=0mo", f"'relation.purchase<=0mo' is not a ground: {USE}"),
        ("x" * 61 + ".", f"'{'x' * 60}' is not a ground: {USE}"),
        ("agent.guaranteed", "'agent.guaranteed' is not a ground: only consent and relation have parts"),
        (f"agent.{'x' * 61}", f"'agent.{'x' * 54}' is not a ground: only consent and relation have parts"),
    ],
)
def test_what_is_no_ground_is_told_with_what_would_be(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"ground") as caught:
        parse_ground(text)
    assert str(caught.value) == why


STRONGER = {
    "implied": {"implied"},
    "express": {"implied", "express"},
    "specific": {"implied", "express", "specific"},
    "direct": {"implied", "express", "direct"},
    "written": set(LEVELS),
}


@pytest.mark.parametrize("given", LEVELS)
@pytest.mark.parametrize("needed", LEVELS)
def test_a_consent_is_enough_for_its_own_level_and_the_weaker_ones(given: str, needed: str) -> None:
    assert suffices(replace(GIVEN, level=given), needed, (), CALL) is (needed in STRONGER[given])


def test_any_level_is_enough_where_none_is_asked_and_an_unknown_one_is_never() -> None:
    assert suffices(replace(GIVEN, level="hearsay"), None, (), CALL)
    assert not any(suffices(replace(GIVEN, level="hearsay"), level, (), CALL) for level in LEVELS)


@pytest.mark.parametrize(
    ("person", "number", "theirs"),
    [
        ("ann", "", True),
        ("ann", "*", True),
        ("ann", HOME, True),
        ("ann", MOBILE, False),
        ("bob", HOME, False),
        ("bob", "", False),
        ("", HOME, True),
        ("", MOBILE, False),
        ("", "*", False),
        ("", "", False),
    ],
)
def test_a_consent_is_of_the_person_on_the_numbers_it_names(person: str, number: str, theirs: bool) -> None:
    assert suffices(replace(GIVEN, person=person, number=number), None, (), CALL) is theirs


@pytest.mark.parametrize("part", ["seller", "number", "campaign", "subject"])
def test_a_consent_bound_to_somebody_is_for_nobody_else(part: str) -> None:
    def bound(to: str, call: Candidate = CALL, scope: tuple[str, ...] = (part,)) -> bool:
        fields: dict[str, Any] = {part: to}
        return suffices(replace(GIVEN, **fields), None, scope, call)

    nameless: dict[str, Any] = {part: ""}
    assert bound(getattr(CALL, part))
    assert bound("*")
    assert not bound("")
    assert not bound("", replace(CALL, **nameless))
    assert not bound("other")
    assert bound("other", scope=()) is (part != "number")  # one for another number is not this person's at all


@pytest.mark.parametrize(
    ("scope", "asked", "covered"),
    [
        ({"voice"}, ("voice",), True),
        ({"voice"}, ("voice", "marketing"), False),
        ({"voice", "marketing"}, ("voice", "marketing"), True),
        ({"*"}, ("voice", "marketing"), True),
        ({"*"}, ("time_of_day",), False),
        ({"*"}, ("requested_call",), False),
        ({"*", "time_of_day"}, ("time_of_day",), True),
        (set(), ("voice",), False),
        (set(), (), True),
    ],
)
def test_a_scope_covers_what_it_says_and_everything_but_what_must_be_said(
    scope: set[str], asked: tuple[str, ...], covered: bool
) -> None:
    assert suffices(replace(GIVEN, scope=frozenset(scope)), None, asked, CALL) is covered


@pytest.mark.parametrize(
    ("consent", "in_force"),
    [
        (GIVEN, True),
        (replace(GIVEN, given_at=NOON), True),
        (replace(GIVEN, given_at=NOON + timedelta(microseconds=1)), False),
        (replace(GIVEN, withdrawn_at=NOON - timedelta(hours=1)), False),
        (replace(GIVEN, withdrawn_at=NOON + timedelta(days=1)), False),  # it counts from the instant it is known
        (replace(GIVEN, expires_at=NOON + timedelta(seconds=30)), False),
        (replace(GIVEN, expires_at=NOON + timedelta(seconds=31)), True),
        (replace(GIVEN, expires_at=NOON - timedelta(seconds=1)), False),
    ],
)
def test_a_consent_lasts_until_the_phone_stops_ringing(consent: Consent, in_force: bool) -> None:
    assert lasts(consent, CALL, NOON) is in_force
    found = consent_for("express", ("voice",), CALL, Facts(consents=(consent,)), NOON)
    assert found == (consent if in_force else None)
    assert holds(parse_ground("consent.express.voice"), CALL, Facts(consents=(consent,)), NOON) is in_force


def test_a_ground_holds_only_by_a_consent_of_the_level_and_the_scope_it_names() -> None:
    given = Facts(consents=(GIVEN,))
    for text, held in (("consent.voice", True), ("consent.express.seller.voice", True), ("consent.written.voice", False)):
        assert holds(parse_ground(text), CALL, given, NOON) is held
    assert not holds(parse_ground("consent.express.marketing"), CALL, given, NOON)


def test_the_first_consent_that_is_enough_is_taken() -> None:
    weak, strong = replace(GIVEN, level="implied"), replace(GIVEN, level="written")
    withdrawn = replace(strong, withdrawn_at=NOON)
    facts = Facts(consents=(weak, withdrawn, GIVEN, strong))
    assert consent_for("express", ("voice",), CALL, facts, NOON) == GIVEN
    assert consent_for("written", ("voice",), CALL, facts, NOON) == strong
    assert consent_for("written", ("marketing",), CALL, facts, NOON) is None
    assert consent_for(None, (), CALL, Facts(), NOON) is None


BOUGHT = Relation("purchase", datetime(2025, 1, 31, 9, tzinfo=UTC), "acme", "solar")


@pytest.mark.parametrize(
    ("text", "last_day"),
    [
        ("relation.purchase<=1mo", datetime(2025, 2, 28, tzinfo=UTC)),
        ("relation.purchase<=18mo", datetime(2026, 7, 31, tzinfo=UTC)),
        ("relation.purchase<=1y", datetime(2026, 1, 31, tzinfo=UTC)),
        ("relation.purchase<=30d", datetime(2025, 3, 2, tzinfo=UTC)),
    ],
)
def test_a_relation_lasts_to_the_end_of_its_last_day(text: str, last_day: datetime) -> None:
    ground, facts = parse_ground(text), Facts(relations=(BOUGHT,))
    assert holds(ground, CALL, facts, last_day + timedelta(hours=23, minutes=59))
    assert not holds(ground, CALL, facts, last_day + timedelta(days=1))
    assert holds(ground, CALL, facts, BOUGHT.since)
    assert not holds(ground, CALL, facts, BOUGHT.since - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("relation", "held"),
    [
        (BOUGHT, True),
        (replace(BOUGHT, seller=""), True),
        (replace(BOUGHT, seller="other"), False),
        (replace(BOUGHT, kind="inquiry"), False),
        (replace(BOUGHT, since=NOON + timedelta(seconds=1)), False),
        (replace(BOUGHT, since=NOON - timedelta(days=9000)), True),
    ],
)
def test_a_relation_without_an_age_holds_from_when_it_began(relation: Relation, held: bool) -> None:
    assert holds(parse_ground("relation.purchase"), CALL, Facts(relations=(relation,)), NOON) is held


def test_one_relation_among_several_is_enough() -> None:
    other = replace(BOUGHT, seller="other")
    assert holds(parse_ground("relation.purchase"), CALL, Facts(relations=(other, BOUGHT, other)), NOON)


def test_all_parts_of_a_ground_must_hold_together() -> None:
    ground = parse_ground("relation.purchase+same_subject+guaranteed_agent")
    whole = Facts(relations=(BOUGHT,), grounds=frozenset({"guaranteed_agent"}))
    assert holds(ground, CALL, whole, NOON)
    assert not holds(ground, CALL, replace(whole, grounds=frozenset()), NOON)
    assert not holds(ground, CALL, replace(whole, relations=()), NOON)
    assert not holds(ground, replace(CALL, subject="wine"), whole, NOON)


def test_the_same_subject_is_vouched_for_or_found_and_an_unknown_one_is_not_the_same() -> None:
    ground = parse_ground("same_subject")
    assert holds(ground, CALL, Facts(relations=(replace(BOUGHT, subject="wine"), BOUGHT)), NOON)
    assert not holds(ground, CALL, Facts(relations=(replace(BOUGHT, subject="wine"),)), NOON)
    assert not holds(ground, replace(CALL, subject=""), Facts(relations=(replace(BOUGHT, subject=""),)), NOON)
    assert holds(ground, replace(CALL, subject=""), Facts(grounds=frozenset({"same_subject"})), NOON)
    assert not holds(parse_ground("guaranteed_agent"), CALL, Facts(relations=(BOUGHT,)), NOON)
