"""An opt-out covers the number for everybody on it, and the person on all their numbers."""

from datetime import UTC, datetime

import pytest

from compliance.facts import Facts, Suppression
from compliance.packs import Key, Level, Origin, Source, SuppressRule
from compliance.suppression import refuse
from compliance.verdict import Candidate

SHARED, SECOND, THIRD, BOBS = "+12125550100", "+12125550101", "+12125550102", "+12125550103"
NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
ANN_OPTED_OUT = Suppression(NOON, "opt_out", "attempt a1", number=SHARED, person="ann")


def a_rule(*match: Key) -> SuppressRule:
    return SuppressRule(Origin("test.dnc", "a cite", Level.LAW, Source.PRIMARY), match or (Key.NUMBER, Key.PERSON))


def a_candidate(person: str, number: str) -> Candidate:
    return Candidate("now", person, number, "spring", "acme", "solar")


@pytest.mark.parametrize(
    ("person", "number", "blocked"),
    [
        ("ann", SHARED, True),
        ("ann", SECOND, True),
        ("ann", THIRD, True),
        ("bob", SHARED, True),
        ("bob", BOBS, False),
    ],
)
def test_an_opt_out_on_a_shared_number(person: str, number: str, blocked: bool) -> None:
    assert (refuse(a_rule(), a_candidate(person, number), Facts(suppressions=(ANN_OPTED_OUT,)), NOON) is not None) is blocked


def test_an_opt_out_is_told_with_its_source_and_has_no_end() -> None:
    reason = refuse(a_rule(), a_candidate("ann", SECOND), Facts(suppressions=(ANN_OPTED_OUT,)), NOON)
    assert reason is not None
    assert reason.retry_at is None
    assert dict(reason.facts) == {"match": "person", "since": NOON.isoformat(), "reason": "opt_out", "source": "attempt a1"}


def test_a_rule_matches_only_what_it_names() -> None:
    facts = Facts(suppressions=(ANN_OPTED_OUT,))
    assert refuse(a_rule(Key.NUMBER), a_candidate("ann", SECOND), facts, NOON) is None
    assert refuse(a_rule(Key.PERSON), a_candidate("bob", SHARED), facts, NOON) is None


def test_an_entry_of_a_person_alone_says_nothing_of_a_number() -> None:
    entry = Suppression(NOON, "letter", "desk", person="ann")
    assert refuse(a_rule(), a_candidate("bob", SHARED), Facts(suppressions=(entry,)), NOON) is None


def test_an_entry_of_another_list_is_not_the_internal_list() -> None:
    elsewhere = Suppression(NOON, "moved", "campaign", number=BOBS, scope="campaign")
    assert refuse(a_rule(), a_candidate("bob", BOBS), Facts(suppressions=(elsewhere,)), NOON) is None
