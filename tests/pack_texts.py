"""Rule packs in the words of their files, for tests that need rules of their own: what a test does not say is of no account."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any


def toml(value: object) -> str:
    """A value as TOML has it, inline."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value)


def rule_text(rule_id: str, kind: str, *, cite: str = "c", level: str = "house", source: str = "primary", **fields: Any) -> str:
    """A rule of that kind, with the fields of its kind."""
    said = {"id": rule_id, "kind": kind, **fields, "cite": cite, "level": level, "source": source}
    return "[[rule]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in said.items())


def pack_text(*rules: str, name: str = "test", places: Sequence[str] = ("*",), more: str = "") -> str:
    """A pack of these rules, for these places; `more` is what else its head says."""
    return f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = {toml(list(places))}\n{more}' + "".join(rules)


#: Nobody is rung who, or whose number, is on the internal do-not-call list.
DNC = rule_text("dnc", "suppress", list="internal", match=["number", "person"])


def cap_text(most: int, **said: Any) -> str:
    """At most so many attempts to a person in 24 hours."""
    return rule_text("cap", "cap", max=most, event="attempt", key=["person"], period="rolling:24h", **said)
