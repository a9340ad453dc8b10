"""A trailing window of another system's attempts: every line counts once, whatever way it is written, and no line twice."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.facts import EventKind, LedgerEvent
from compliance.pack_files import load_packs, packs_of_law
from compliance.rules import CooldownRule
from dialer.history_files import KINDS, PastEvent, reaching_further, read_history
from dialer.people_files import Reading
from dialer.sheets import ListError, RowError

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOW = Reading("US", None, "acme", NOW)
MARKS = frozenset({"not_connected_to_number"})


def rows(text: str, how: Reading = HOW) -> list[PastEvent | RowError]:
    return list(read_history(text, {}, how, MARKS, "import:old.csv"))


def events(text: str) -> list[LedgerEvent]:
    found = rows(text)
    assert not [row for row in found if isinstance(row, RowError)], found
    return [row.event for row in found if isinstance(row, PastEvent)]


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


LINE = {"kind": "attempt", "at": "2026-06-14T12:00:00Z", "person": "p1", "number": "+12125550123"}


def test_a_line_with_everything_from_either_kind_of_file() -> None:
    cells = {**LINE, "campaign": "c", "seller": "s", "subject": "u", "debt": "d", "creditor": "r", "attempt_id": "77"}
    expected = LedgerEvent(
        EventKind.ATTEMPT,
        datetime(2026, 6, 14, 12, tzinfo=UTC),
        "p1",
        "+12125550123",
        "c",
        "s",
        "u",
        "past-77",
        facts=(("not_connected_to_number", "true"), ("source", "import:old.csv")),
        debt="d",
        creditor="r",
    )
    assert events(lines({**cells, "not_connected_to_number": True})) == [expected]
    csv = ",".join([*cells, "not_connected_to_number"]) + "\n" + ",".join([*cells.values(), "TRUE"]) + "\n"
    assert events(csv) == [expected]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("amd_machine", EventKind.MACHINE),
        ("optout", EventKind.OPT_OUT),
        ("OPT_OUT", EventKind.OPT_OUT),
        ("refusal", EventKind.REFUSAL),
    ],
)
def test_other_systems_names_of_events_are_known(name: str, kind: EventKind) -> None:
    assert [one.kind for one in events(f"event,time,phone\n{name},2026-06-14,2125550123\n")] == [kind]


def test_what_no_rule_asks_about_stays_out_of_the_ledger() -> None:
    (event,) = events(lines({**LINE, "notes": "rude", "customer_name": "Ann", "duration": 31.5}))
    assert event.facts == (("source", "import:old.csv"),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "sms"}, "kind: 'sms' is nothing a call can come to: use abandoned, attempt"),
        ({"kind": "consent"}, "kind: 'consent' is nothing"),
        ({"kind": None}, "kind: '' is nothing"),
        ({"kind": "not_rung"}, "attempt_id: empty: which attempt"),
        ({"at": None}, "at: empty"),
        ({"at": "2026-06-14 12:00"}, "at: '2026-06-14 12:00' does not say its offset"),
        ({"at": "2026-06-15T12:00:01Z"}, "at: '2026-06-15T12:00:01Z' is in the future"),
        ({"at": 1765}, "at: '1765' is not"),
        ({"person": None, "number": ""}, "person: empty, and no number either"),
        ({"number": "12"}, "number: "),
        ({"person": ["p"]}, "person: must be a text"),
        ({"person": "p\u0000"}, "person: holds a control character"),
        ({"person": "\ud800"}, "person: holds a control character"),
        ({"phone": "+12125550124"}, "number: said twice ('phone' is the second)"),
        ({"person": "x" * 201}, "person: 201 characters"),
    ],
)
def test_a_line_that_cannot_count_is_told_with_its_place_and_the_next_is_read(change: dict[str, Any], says: str) -> None:
    bad, fine = rows(lines({**LINE, **change}, LINE))
    assert isinstance(bad, RowError)
    assert str(bad).startswith(f"line 1, {says}"), bad
    assert isinstance(fine, PastEvent)


def test_a_file_without_a_time_of_each_event_is_refused_and_lines_of_json_have_no_columns_to_map() -> None:
    with pytest.raises(ListError, match="no at column"):
        read_history("kind,phone\n", {}, HOW, MARKS, "x")
    with pytest.raises(ListError, match="lines of JSON have none"):
        read_history(lines(LINE), {"a": "at"}, HOW, MARKS, "x")


# --- once, and not twice ---------------------------------------------------------------------------------------------


def test_two_lines_that_say_the_same_are_two_attempts_and_the_same_two_in_the_next_file() -> None:
    once = events(lines(LINE, LINE))
    assert len({one.attempt_id for one in once}) == 2
    assert events(lines({**LINE, "at": "2026-06-13T12:00:00Z"}, LINE, LINE))[1:] == once


def test_the_way_a_line_is_written_makes_no_other_event_of_it() -> None:
    text = "phone,person,at,kind\n(212) 555-0123,p1,2026-06-14T08:00:00-04:00,attempt\n"
    assert events(text) == events(lines(LINE))


def test_an_id_of_theirs_joins_what_came_of_an_attempt_with_it_and_is_not_ours() -> None:
    both = events(lines({**LINE, "attempt_id": "a"}, {**LINE, "kind": "conversation", "attempt_id": "a"}))
    assert [one.attempt_id for one in both] == ["past-a", "past-a"]


def test_one_id_for_two_different_attempts_hides_neither() -> None:
    first, second = rows(lines({**LINE, "attempt_id": "a"}, {**LINE, "attempt_id": "a", "number": "+13125550199"}))
    assert isinstance(first, PastEvent)
    assert str(second) == "line 2, attempt_id: 'a' is another attempt at line 1"


def test_a_long_id_is_shortened_to_one_that_the_ledger_takes_and_stays_itself() -> None:
    long, longer = ("x" * 100, "x" * 101)
    found = [events(lines({**LINE, "attempt_id": one}))[0].attempt_id or "" for one in (long, longer, long)]
    assert found[0] == found[2] != found[1]
    assert all(len(one) <= 64 for one in found)


PEOPLE = st.sampled_from(["p1", "p2"])
TIMES = st.integers(0, 3).map(lambda day: f"2026-06-1{day}T12:00:00Z")
LINES = st.lists(
    st.builds(
        lambda kind, at, person: {"kind": kind, "at": at, "person": person},
        st.sampled_from(["attempt", "refusal"]),
        TIMES,
        PEOPLE,
    ),
    max_size=12,
)


@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_event(told: list[dict[str, Any]], chance: Any) -> None:
    if not told:
        return
    shuffled = list(told)
    chance.shuffle(shuffled)
    in_order, mixed = events(lines(*told)), events(lines(*shuffled))
    assert Counter(in_order) == Counter(mixed)
    assert len({one.attempt_id for one in in_order}) == len(told)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_that_can_be_imported_is_read(kind: EventKind) -> None:
    assert events(lines({**LINE, "kind": kind.value, "attempt_id": "a"}))[0].kind is kind


# --- how far back ----------------------------------------------------------------------------------------------------


def test_limits_that_look_further_back_than_the_file_are_named() -> None:
    house = load_packs(["house"], Path())
    assert [one.rule for one in reaching_further(house, NOW - timedelta(days=7), NOW)] == ["house.month"]
    assert [one.since for one in reaching_further(house, NOW - timedelta(days=7), NOW)] == [NOW - timedelta(days=30)]
    assert reaching_further(house, NOW - timedelta(days=30), NOW) == ()


def test_a_limit_without_end_looks_further_back_than_any_file() -> None:
    (pack,) = (one for one in packs_of_law() if one.id == "cn-mainland")
    rules = tuple(replace(rule, months=None) for rule in pack.rules if isinstance(rule, CooldownRule))
    (found,) = reaching_further([replace(pack, rules=rules)], datetime(1971, 1, 1, tzinfo=UTC), NOW)
    assert (found.rule, found.since) == ("cn.life_insurance_dnc", None)
