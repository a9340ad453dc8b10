"""Which rules are in force, and who says so? Rule packs as values, read from TOML text; every fault is told at once.

The rule it protects: nothing in a pack is ever silently ignored. A kind, key or value that this version does not
know is an error that names its place, because a rule that was read but not applied would be a call unlawfully placed.
"""

import hashlib
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal

from compliance.abandonment import read_abandon
from compliance.document import Node
from compliance.regions import may_be_in
from compliance.rule_readers import CALL_DIMENSIONS, ID, READERS, REGION, conditions_of, origin_of, terms_of, words
from compliance.rules import (
    AbandonRule,
    CallerIdRule,
    CapRule,
    Condition,
    ConsentRule,
    CooldownRule,
    DeadlineRule,
    DiscloseRule,
    Key,
    Level,
    Origin,
    RecordRule,
    RetainRule,
    RingRule,
    Rule,
    Source,
    SuppressRule,
    Terms,
    WindowRule,
)
from compliance.verdict import PackRef

__all__ = [
    "AbandonRule",
    "CallerIdRule",
    "CapRule",
    "ConsentRule",
    "CooldownRule",
    "DeadlineRule",
    "DiscloseRule",
    "Key",
    "Level",
    "Origin",
    "Pack",
    "PackError",
    "RecordRule",
    "RetainRule",
    "RingRule",
    "Rule",
    "Source",
    "SuppressRule",
    "Terms",
    "WindowRule",
    "parse_pack",
]

SCHEMA = 1
KINDS = READERS | {"abandon": read_abandon}


@dataclass(frozen=True, slots=True)
class Pack:
    """One rule pack. `applies` says for which calls, `jurisdiction` for callees where; `*` is everywhere."""

    id: str
    version: str
    jurisdiction: tuple[str, ...]
    applies: tuple[Condition, ...]
    rules: tuple[Rule, ...]
    sha256: str
    extends: tuple[str, ...] = ()
    text: str = field(default="", repr=False, compare=False)  # as it was written: what `sha256` is of

    def __hash__(self) -> int:
        """That of its text: what is derived from packs is remembered by them, and hashing every rule would take longer."""
        return hash(self.sha256)

    @property
    def ref(self) -> PackRef:
        """Which text this is, for the record of a decision."""
        return PackRef(self.id, self.version, self.sha256)

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes of calling it governs; empty for every purpose."""
        return next((one.values for one in self.applies if one.dimension == "purpose"), ())

    def applies_to(self, purpose: str) -> bool:
        """Whether the pack governs calls of this purpose."""
        return not self.purposes or purpose in self.purposes

    def reaches(self, regions: frozenset[str]) -> bool:
        """Whether somebody who is in one of the regions may be under this pack; with none at all, anybody may be."""
        return any(may_be_in(regions, region) for region in self.jurisdiction)


class PackError(ValueError):
    """A pack cannot be used. `errors` names the place of every fault; the message has one a line."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def parse_pack(text: str, name: str) -> Pack:
    """Reads a pack in the schema of docs/compliance.md. `name` stands before every error. Raises PackError with all faults."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PackError((f"{name}: not TOML: {error}",)) from None
    except RecursionError:
        raise PackError((f"{name}: not TOML: nested too deep",)) from None
    errors: list[str] = []
    root = Node(document, "", errors)
    if root.integer("schema", minimum=0) != SCHEMA:
        root.fault("schema", f"this version reads schema {SCHEMA}")
    head = root.table("pack")
    extends = words(head, "extends", ID, at_least=0) if head.has("extends") else ()
    applies = _applies(head)
    pack = Pack(
        id=head.text("id", pattern=ID),
        version=head.text("version"),
        jurisdiction=words(head, "jurisdiction", rf"\*|{REGION}"),
        applies=applies,
        rules=_rules(root),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        extends=extends,
        text=text,
    )
    head.close()
    root.close()
    if errors:
        raise PackError(tuple(f"{name}: {error}" for error in errors))
    return pack


def _applies(head: Node) -> tuple[Condition, ...]:
    # A callee who may be in the jurisdiction is taken to be: an area code is a presumption (Fla. Stat. 501.059).
    if head.has("jurisdiction_match"):
        head.choice("jurisdiction_match", ("any_candidate",))
    if not head.has("applies"):
        return ()
    applies = head.table("applies")
    if applies.has("jurisdiction_match"):  # in TOML, what follows a table is in it
        applies.choice("jurisdiction_match", ("any_candidate",))
    return conditions_of(applies, CALL_DIMENSIONS)


def _rules(root: Node) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    seen: set[str] = set()
    for node in root.tables("rule"):
        kind = node.text("kind")
        if kind in KINDS:
            rule = KINDS[kind](node, origin_of(node), terms_of(node))
            if rule.origin.id in seen:
                node.fault("id", f"{rule.origin.id!r} is used twice")
            seen.add(rule.origin.id)
            rules.append(rule)
            node.close()
        elif kind:
            node.fault("kind", f"{kind!r} is not a kind of rule: use {', '.join(sorted(KINDS))}")
    return tuple(rules)
