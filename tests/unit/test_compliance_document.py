"""A table is read key by key: each fault is told once, at its place, and what stands in for the value has its type."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from compliance.document import LARGEST_INTEGER, Node

LONG, SHOWN = "X" * 61, "X" * 60
ALLOWED = ("red", "green")
NOON = datetime(2026, 8, 11, 12, tzinfo=UTC)


def a_node(path: str = "pack", /, **fields: object) -> tuple[Node, list[str]]:
    errors: list[str] = []
    return Node(fields, path, errors), errors


#: How a key is read, the value it has there (None: it is missing), what is answered, and the fault that is told.
READ: list[tuple[Callable[[Node], object], object, object, str]] = [
    (lambda node: node.text("k"), " a\n", " a\n", ""),
    (lambda node: node.text("k"), None, "", "is missing"),
    (lambda node: node.text("k"), 1, "", "must be a text"),
    (lambda node: node.text("k"), "", "", "is empty"),
    (lambda node: node.text("k"), " \n", "", "is empty"),
    (lambda node: node.text("k", pattern="a+"), "aa", "aa", ""),
    (lambda node: node.text("k", pattern="a+"), "aab", "", "'aab' is not a usable value"),
    (lambda node: node.text("k", pattern="a+"), LONG, "", f"{SHOWN!r} is not a usable value"),
    (lambda node: node.text("k", pattern="a+"), " ", "", "is empty"),
    (lambda node: node.integer("k", minimum=2), 2, 2, ""),
    (lambda node: node.integer("k", minimum=2), LARGEST_INTEGER, 1_000_000_000, ""),
    (lambda node: node.integer("k", minimum=2), LARGEST_INTEGER + 1, 2, "must be from 2 to 1000000000"),
    (lambda node: node.integer("k", minimum=2), 1, 2, "must be from 2 to 1000000000"),
    (lambda node: node.integer("k", minimum=0), True, 0, "must be a whole number"),
    (lambda node: node.integer("k", minimum=2), Decimal(2), 2, "must be a whole number"),
    (lambda node: node.integer("k", minimum=2), None, 2, "is missing"),
    (lambda node: node.number("k", largest=1), Decimal("0.03"), Decimal("0.03"), ""),
    (lambda node: node.number("k", largest=1), 1, Decimal(1), ""),
    (lambda node: node.number("k", largest=1), 0, Decimal(0), ""),
    (lambda node: node.number("k", largest=1), Decimal("1.01"), Decimal(0), "must be from 0 to 1"),
    (lambda node: node.number("k", largest=1), Decimal("-0.01"), Decimal(0), "must be from 0 to 1"),
    (lambda node: node.number("k", largest=1), Decimal("NaN"), Decimal(0), "must be from 0 to 1"),
    (lambda node: node.number("k", largest=1), Decimal("Infinity"), Decimal(0), "must be from 0 to 1"),
    (lambda node: node.number("k", largest=1), True, Decimal(0), "must be a number"),
    (lambda node: node.number("k", largest=1), "1", Decimal(0), "must be a number"),
    (lambda node: node.number("k", largest=1), None, Decimal(0), "is missing"),
    (lambda node: node.flag("k"), True, True, ""),
    (lambda node: node.flag("k"), False, False, ""),
    (lambda node: node.flag("k"), None, False, ""),
    (lambda node: node.flag("k"), 1, False, "must be true or false"),
    (lambda node: node.day("k"), date(2026, 8, 11), date(2026, 8, 11), ""),
    (lambda node: node.day("k"), None, None, ""),
    (lambda node: node.day("k"), NOON, None, "must be a date such as 2026-08-11, without quotes and without a time"),
    (lambda node: node.day("k"), "2026-08-11", None, "must be a date such as 2026-08-11, without quotes and without a time"),
    (lambda node: node.choice("k", ALLOWED), "green", "green", ""),
    (lambda node: node.choice("k", ALLOWED), "blue", "red", "'blue' is not supported by this version: use red, green"),
    (lambda node: node.choice("k", ALLOWED), LONG, "red", f"{SHOWN!r} is not supported by this version: use red, green"),
    (lambda node: node.choice("k", ALLOWED), 1, "red", "must be a text"),
    (lambda node: node.choice("k", ALLOWED), None, "red", "is missing"),
    (lambda node: node.texts("k"), ["a", "b", "a"], ("a", "b", "a"), ""),
    (lambda node: node.texts("k"), [], (), ""),
    (lambda node: node.texts("k", at_least=1), ["a"], ("a",), ""),
    (lambda node: node.texts("k", at_least=1), [], (), "is empty"),
    (lambda node: node.texts("k"), ["a", 1], (), "must be a list of texts"),
    (lambda node: node.texts("k"), "a", (), "must be a list of texts"),
    (lambda node: node.texts("k"), None, (), "is missing"),
    (lambda node: node.choices("k", ALLOWED), ["green", "red"], ("green", "red"), ""),
    (lambda node: node.choices("k", ALLOWED), [], (), ""),
    (lambda node: node.choices("k", ALLOWED, at_least=1), [], (), "is empty"),
    (lambda node: node.tables("k"), [], (), ""),
    (lambda node: node.tables("k"), {}, (), "must be a list of tables"),
    (lambda node: node.tables("k"), None, (), "is missing"),
]


@pytest.mark.parametrize(("read", "value", "answer", "fault"), READ)
def test_a_key_is_read_as_its_type_or_its_fault_is_told(
    read: Callable[[Node], object], value: object, answer: object, fault: str
) -> None:
    for path, place in (("pack", "pack.k"), ("", "k")):
        node, errors = a_node(path, **({} if value is None else {"k": value}))
        found = read(node)
        assert (found, type(found)) == (answer, type(answer))
        assert errors == ([f"{place}: {fault}"] if fault else [])
        node.close()
        assert errors == ([f"{place}: {fault}"] if fault else []), "what was asked for is no unknown key"


def test_of_a_list_of_choices_each_fault_is_told_and_the_others_are_answered() -> None:
    node, errors = a_node(k=["green", "blue", "red", "green", LONG, "blue"])
    assert node.choices("k", ALLOWED) == ("green", "red", "green")
    assert errors == [
        "pack.k[1]: 'blue' is not supported by this version: use red, green",
        "pack.k[3]: 'green' is named twice",
        f"pack.k[4]: {SHOWN!r} is not supported by this version: use red, green",
        "pack.k[5]: 'blue' is not supported by this version: use red, green",
    ]


def test_what_is_below_a_table_is_told_by_its_whole_path() -> None:
    node, errors = a_node(head={"id": 1}, rules=[{"id": 1}, 7, {"id": "a"}])
    assert node.table("head").text("id") == ""
    assert [rule.text("id") for rule in node.tables("rules")] == ["", "", "a"]
    node.close()
    assert errors == [
        "pack.head.id: must be a text",
        "pack.rules[1]: must be a table",
        "pack.rules[0].id: must be a text",
        "pack.rules[1].id: is missing",
    ]
    root, errors = a_node("", head=[], rules=[{}])
    root.table("head")
    root.tables("rules")[0].flag("id")
    root.tables("rules")[0].fault("id", "x")
    assert errors == ["head: must be a table", "rules[0].id: x"]


def test_a_table_that_is_missing_is_one_fault_and_not_one_for_each_of_its_keys() -> None:
    node, errors = a_node()
    below = node.table("head")
    assert (below.text("id"), below.integer("n", minimum=1), below.has("id")) == ("", 1, False)
    below.table("more").fault("x", "y")
    assert errors == ["pack.head: is missing"]


def test_a_value_that_cannot_be_made_is_a_fault_of_its_key() -> None:
    node, errors = a_node(n="7", m="x")
    assert node.attempt("n", lambda: int("7")) == 7
    assert node.attempt("m", lambda: int("x")) is None
    assert errors == ["pack.m: invalid literal for int() with base 10: 'x'"]


def test_what_nothing_asked_for_is_an_unknown_key() -> None:
    node, errors = a_node(b=1, a=1, seen=True, also=1, **{LONG: 1})
    assert node.keys() == ("b", "a", "seen", "also", LONG)
    assert node.has("a")
    assert not node.has("c")
    assert node.flag("seen")
    node.close("also")
    assert errors == [f"pack.{SHOWN}: unknown key", "pack.a: unknown key", "pack.b: unknown key"], "to ask whether is not to read"
