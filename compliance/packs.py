"""Which rules are in force, and who says so? Rule packs as values, read from TOML text; every fault is told at once.

The rule it protects: nothing in a pack is ever silently ignored. A kind, key or value that this version does not
enforce is an error that names its place, because a rule that was read but not applied would be a call unlawfully placed.
"""

import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from compliance.document import Node
from compliance.facts import COUNTABLE, INTERNAL, EventKind
from compliance.periods import CALLEE, Period, parse_period
from compliance.verdict import PackRef
from compliance.wallclock import zone_named
from compliance.windows import DayPlan, Schedule, parse_hours, parse_weekdays

SCHEMA = 1
KINDS_TO_COME = frozenset({"cooldown", "consent", "abandon", "callerid", "disclose", "record", "retain", "deadline"})


class Level(StrEnum):
    """How much weight a rule carries."""

    LAW = "law"
    PRESUMPTION = "presumption"
    STANDARD = "standard"
    LOCAL = "local"
    REGULATOR_BENCHMARK = "regulator_benchmark"
    REGULATOR_GUIDANCE = "regulator_guidance"
    INDUSTRY_CODE = "industry_code"
    HOUSE = "house"


class Source(StrEnum):
    """How the text of a rule is known."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    MEMORY = "memory"


class Key(StrEnum):
    """What a cap counts by. A person is counted over all their numbers."""

    PERSON = "person"
    NUMBER = "number"
    CAMPAIGN = "campaign"
    SELLER = "seller"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which rule this is and where it comes from."""

    id: str
    cite: str
    level: Level
    source: Source


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Calling hours. `clock` is CALLEE or an IANA zone; `deny_many_zones` refuses a callee who may be in several."""

    origin: Origin
    clock: str
    deny_many_zones: bool
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most `max` events of one kind in a period, counted by `key`."""

    origin: Origin
    max: int
    event: EventKind
    key: tuple[Key, ...]
    period: Period
    period_text: str


@dataclass(frozen=True, slots=True)
class SuppressRule:
    """Nobody on the internal do-not-call list, by number, by person or by either."""

    origin: Origin
    match: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class RingRule:
    """An unanswered phone rings at least `min_unanswered`, and at most `max_ring` where one is set."""

    origin: Origin
    min_unanswered: timedelta
    max_ring: timedelta | None


Rule = WindowRule | CapRule | SuppressRule | RingRule


@dataclass(frozen=True, slots=True)
class Pack:
    """One rule pack. `purposes` is empty when it applies to every purpose of calling."""

    id: str
    version: str
    jurisdiction: tuple[str, ...]
    purposes: tuple[str, ...]
    rules: tuple[Rule, ...]
    sha256: str

    @property
    def ref(self) -> PackRef:
        """Which text this is, for the record of a decision."""
        return PackRef(self.id, self.version, self.sha256)

    def applies_to(self, purpose: str) -> bool:
        """Whether the pack governs calls of this purpose."""
        return not self.purposes or purpose in self.purposes


class PackError(ValueError):
    """A pack cannot be used. `errors` names the place of every fault; the message has one a line."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def parse_pack(text: str, name: str) -> Pack:
    """Reads a pack in the schema of docs/compliance.md. `name` stands before every error. Raises PackError with all faults."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PackError((f"{name}: not TOML: {str(error) or 'nested too deep'}",)) from None
    errors: list[str] = []
    root = Node(document, "", errors)
    if root.integer("schema", minimum=0) != SCHEMA:
        root.fault("schema", f"this version reads schema {SCHEMA}")
    head = root.table("pack")
    pack = Pack(
        id=head.text("id", pattern=r"[a-z0-9][a-z0-9_.-]{0,63}"),
        version=head.text("version"),
        jurisdiction=head.texts("jurisdiction"),
        purposes=_purposes(head),
        rules=_rules(root),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    head.close()
    root.close()
    if errors:
        raise PackError(tuple(f"{name}: {error}" for error in errors))
    return pack


def _purposes(head: Node) -> tuple[str, ...]:
    head.only_empty("extends")
    if not head.has("applies"):
        return ()
    applies = head.table("applies")
    purposes = applies.texts("purpose") if applies.has("purpose") else ()
    applies.close()
    return purposes


def _rules(root: Node) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    seen: set[str] = set()
    for node in root.tables("rule"):
        kind = node.text("kind")
        if kind in READERS:
            rule = READERS[kind](node, _origin(node))
            if rule.origin.id in seen:
                node.fault("id", f"{rule.origin.id!r} is used twice")
            seen.add(rule.origin.id)
            rules.append(rule)
            for unsupported in ("when", "effective_from", "effective_until", "waive_with"):
                node.not_yet(unsupported)
            node.only_empty("exempt")
            node.close()
        elif kind in KINDS_TO_COME:
            node.fault("kind", f"{kind!r} is not supported by this version")
        elif kind:
            node.fault("kind", f"{kind!r} is not a kind of rule: use {', '.join(sorted(READERS))}")
    return tuple(rules)


def _origin(node: Node) -> Origin:
    return Origin(
        id=node.text("id", pattern=r"[a-z0-9][a-z0-9_.-]{0,63}"),
        cite=node.text("cite"),
        level=Level(node.choice("level", tuple(Level))),
        source=Source(node.choice("source", tuple(Source))),
    )


def _window(node: Node, origin: Origin) -> Rule:
    node.not_yet("calendar")
    node.not_yet("also")
    clock = node.text("clock", pattern=r"callee|tz:\S+")
    zone = clock.removeprefix("tz:")
    if zone not in {CALLEE, ""}:
        node.attempt("clock", partial(zone_named, zone))
    unknown = node.choice("unknown_tz", ("intersect", "deny")) if node.has("unknown_tz") else "intersect"
    plans = tuple(_day_plan(entry) for entry in node.tables("schedule"))
    if node.has("schedule") and not plans:
        node.fault("schedule", "empty: no call would ever be permitted; say so with allow = []")
    return WindowRule(origin, zone, unknown == "deny", plans)


def _day_plan(entry: Node) -> DayPlan:
    weekdays: frozenset[int] = frozenset()
    for index, text in enumerate(entry.texts("on", at_least=1)):
        weekdays |= entry.attempt(f"on[{index}]", partial(parse_weekdays, text)) or frozenset()
    if entry.has("allow") == entry.has("forbid"):
        entry.fault("allow", "exactly one of allow and forbid is needed")
    verb = "forbid" if entry.has("forbid") else "allow"
    hours = tuple(
        read
        for index, text in enumerate(entry.texts(verb))
        if (read := entry.attempt(f"{verb}[{index}]", partial(parse_hours, text)))
    )
    entry.close("allow", "forbid")
    return DayPlan(weekdays, verb == "allow", hours)


def _cap(node: Node, origin: Origin) -> Rule:
    keys = [Key(text) for text in node.choices("key", tuple(Key), at_least=1)]
    if keys and not {Key.PERSON, Key.NUMBER} & set(keys):
        node.fault("key", "must name person or number: a cap protects somebody who is called")
    if node.has("caller_scope") and node.choice("caller_scope", ("seller",)) and Key.SELLER not in keys:
        keys.append(Key.SELLER)
    node.only_empty("not_counted")
    event = node.choice("event", tuple(sorted(COUNTABLE)))
    text = node.text("period")
    period = node.attempt("period", partial(parse_period, text)) if text else None
    # The stand-ins for what was not readable never leave parse_pack: it raises if there was any fault.
    return CapRule(
        origin, node.integer("max", minimum=0), EventKind(event), tuple(keys), period or parse_period("rolling:24h"), text
    )


def _suppress(node: Node, origin: Origin) -> Rule:
    node.choice("list", (INTERNAL,))
    if node.has("effective"):
        node.choice("effective", ("immediate",))
    for kept_longer in ("hold", "legal_deadline"):  # entries are held for ever and obeyed at once: stricter than either
        if node.has(kept_longer):
            node.text(kept_longer)
    node.not_yet("list_max_age_days")
    return SuppressRule(origin, tuple(Key(text) for text in node.choices("match", (Key.NUMBER, Key.PERSON), at_least=1)))


def _ring(node: Node, origin: Origin) -> Rule:
    if node.has("or_min_rings"):  # an alternative to the seconds; ringing for the seconds satisfies the rule
        node.integer("or_min_rings", minimum=1)
    shortest = timedelta(seconds=node.integer("min_unanswered_s", minimum=1))
    longest = timedelta(seconds=node.integer("max_s", minimum=1)) if node.has("max_s") else None
    if longest is not None and longest < shortest:
        node.fault("max_s", "is shorter than min_unanswered_s")
    return RingRule(origin, shortest, longest)


READERS: dict[str, Callable[[Node, Origin], Rule]] = {
    "window": _window,
    "cap": _cap,
    "suppress": _suppress,
    "ring": _ring,
}
