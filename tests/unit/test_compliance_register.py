"""The table of rules tells every field of every rule, and names what holds it: a module and a test that exist."""

import copy
import importlib
import re
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.packs import PackError
from compliance.register import Holding, register, says
from tests.held_by import HELD_BY, NOT_YET

ROOT = Path(__file__).parents[2]
TEXTS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "config" / "packs").glob("*.toml"))}
RULES: dict[str, dict[str, Any]] = {rule["id"]: rule for text in TEXTS.values() for rule in tomllib.loads(text)["rule"]}
OWN_COLUMN = {"id", "kind", "cite", "level", "source"}

PACK = """
schema = 1
[pack]
id = "mine"
version = "1"
jurisdiction = ["*"]
[[rule]]
id = "mine.ring"
kind = "ring"
cite = "a | b"
level = "house"
source = "primary"
min_unanswered_s = 20
"""


def changed(value: object) -> Iterator[object]:
    """Values of the same type that say something else; for a table, one for each of its fields."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case date():
            yield value + timedelta(days=1)
        case str():
            yield {"one": "all", "all": "one", "informed": "one", "event": "next", "next": "event"}.get(value, value + "x")
        case dict():
            for key in value:
                yield from ({**value, key: other} for other in changed(value[key]))
        case list():
            if not any(isinstance(item, dict) for item in value):
                yield [*value, "x"]
            for index, item in enumerate(value):
                yield from ([*value[:index], other, *value[index + 1 :]] for other in changed(item))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_whatever_is_changed_in_a_rule_changes_what_the_table_says(rule: dict[str, Any]) -> None:
    told = says(rule)
    for key in rule.keys() - OWN_COLUMN:
        for value in changed(rule[key]):
            other = copy.deepcopy(rule)
            other[key] = value
            assert says(other) != told or (key, value) == ("unknown_tz", "intersectx"), f"{key} is not told"


def test_a_callee_who_must_be_in_one_zone_is_told() -> None:
    assert says({**RULES["fl.hours"], "unknown_tz": "deny"}) == says(RULES["fl.hours"]) + "; not in one of several zones"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("fl.hours", "every day 08:00–20:00; where the customer is"),
        ("fl.cap", "at most 3 attempts per person + subject from one seller in `rolling:24h`"),
        (
            "fr.hours",
            "holiday and sat and sun never; mon–fri 10:00–13:00 and 14:00–20:00; where the customer is, calendar FR; waived by ",
        ),
        ("cn.collect_unanswered", "when purpose is debt_collection: at most 6 unanswered attempts per number from one creditor"),
        ("house.gap", "at most 1 attempt per person in `rolling:1h`"),
        ("gb.after_abandon", "after abandoned no call per number for 72h; unless guaranteed_agent"),
        ("wa.refusal", "after refusal no call per person for 12 months"),
        ("fr.optin", "needs express consent for seller + voice + marketing; the seller proves it; exempt: "),
        ("us.abandon", "live_answer_not_bridged at most 3 % of live_answer; per seller + campaign in `successive:30d@campaign_"),
    ],
)
def test_a_rule_is_told_in_words(rule: str, text: str) -> None:
    assert says(RULES[rule]).startswith(text)


def test_a_rule_that_nothing_holds_has_no_table() -> None:
    with pytest.raises(LookupError, match=r"nothing is known to hold mine\.ring$"):
        register({"mine.toml": PACK}, {"other.ring": Holding("m", "t")})


def test_a_rule_of_its_own_holding_is_not_told_by_its_kind() -> None:
    table = register({"mine.toml": PACK}, {"ring": Holding("m", "kind"), "mine.ring": Holding("m", "tests/t.py::own")})
    assert table.endswith("a \\| b | house, primary | `m`, `own` |\n")


def test_what_nothing_holds_is_said() -> None:
    table = register({"mine.toml": PACK}, {"ring": Holding("", "", "nothing rings")})
    assert table.endswith(" | **not yet**: nothing rings |\n")
    table = register({"mine.toml": PACK}, {"ring": Holding("m", "t", "the end of it")})
    assert table.endswith(" | `m`, `t`; **not yet**: the end of it |\n")


def test_a_pack_with_a_fault_has_no_table() -> None:
    with pytest.raises(PackError, match=r"^mine\.toml: rule\[0\]\.min_unanswered_s: must be from 1 "):
        register({"mine.toml": PACK.replace("20", "0")}, HELD_BY)


def test_every_rule_that_is_shipped_has_one_row() -> None:
    rows = re.findall(r"^\| `([a-z][^`]*)` \|", register(TEXTS, HELD_BY), re.MULTILINE)
    assert sorted(rows) == sorted(RULES)


@pytest.mark.parametrize("name", HELD_BY)
def test_what_is_said_to_hold_a_rule_exists(name: str) -> None:
    holding = HELD_BY[name]
    assert name in RULES or name in {rule["kind"] for rule in RULES.values()}, "holds nothing"
    if holding is NOT_YET:
        return
    importlib.import_module(holding.module)
    path, _, test = holding.test.partition("::")
    assert f"\ndef {test}(" in (ROOT / path).read_text("utf-8")


def test_only_what_binds_after_the_gate_may_wait_for_its_module() -> None:
    waiting = {name for name, holding in HELD_BY.items() if not holding.module}
    assert waiting <= {"disclose", "record", "retain", "deadline"}
