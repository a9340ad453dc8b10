"""How is one rule of a pack read? One reader per kind, each from its TOML table to its value, noting every fault.

A value that nothing enforces is a fault like an unknown key: a rule that was read but not obeyed would be a call
unlawfully placed.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from compliance.daykinds import DayKind
from compliance.document import Node
from compliance.facts import COUNTABLE, INTERNAL, EventKind
from compliance.grounds import LEVELS, Ground, parse_ground
from compliance.lengths import IMMEDIATE, Length, parse_length
from compliance.periods import CALLEE, parse_period
from compliance.rules import (
    CallerIdRule,
    CapRule,
    Condition,
    ConsentRule,
    CooldownRule,
    DeadlineRule,
    DiscloseRule,
    Key,
    Leave,
    Level,
    Origin,
    RecordMode,
    RecordRule,
    RetainRule,
    RingRule,
    Rule,
    Source,
    SuppressRule,
    Terms,
    WindowRule,
)
from compliance.wallclock import zone_named
from compliance.windows import DayPlan, parse_hours, parse_weekdays

ID = r"[a-z0-9][a-z0-9_.-]{0,63}"
WORD = r"[a-z][a-z0-9_]*"
REGION = r"[A-Z]{2}(-[A-Z0-9]{1,3})?"
LIST = r"[a-z0-9][a-z0-9_.+-]{0,31}"
LENGTH = r"[1-9][0-9]{0,4}(bd|d|mo|y|h|m)"
CIVIL_LENGTH = r"[1-9][0-9]{0,4}(d|mo|y)"

CALL_DIMENSIONS = ("purpose", "party", "technology", "sector", "caller_role", "line_type")
OUTCOME_DIMENSIONS = ("result", "policy_term_le_years", "policy_term_gt_years")
CALLEE_IN = "callee_in"

#: Other names under which packs know the events of the ledger.
EVENT_NAMES = {"amd_machine": EventKind.MACHINE} | {kind.value: kind for kind in sorted(COUNTABLE | {EventKind.OPT_OUT})}
SCOPES = {"seller": Key.SELLER, "collector": Key.SELLER, "creditor": Key.CREDITOR, "campaign": Key.CAMPAIGN}

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def origin_of(node: Node) -> Origin:
    """Which rule it is, and who says so."""
    return Origin(
        id=node.text("id", pattern=ID),
        cite=node.text("cite"),
        level=Level(node.choice("level", tuple(Level))),
        source=Source(node.choice("source", tuple(Source))),
    )


def terms_of(node: Node) -> Terms:
    """When the rule holds: its conditions, its dates, and what waives it."""
    grounds: list[Ground] = []
    for key in ("exempt", "unless"):
        if node.has(key):
            grounds.extend(
                found
                for index, text in enumerate(node.texts(key))
                if (found := node.attempt(f"{key}[{index}]", partial(parse_ground, text)))
            )
    if node.has("waive_with") and (found := node.attempt("waive_with", partial(parse_ground, node.text("waive_with")))):
        grounds.append(found)
    first, last = node.day("effective_from"), node.day("effective_until")
    if first is not None and last is not None and last < first:
        node.fault("effective_until", "is before effective_from")
    when = conditions_of(node.table("when"), (*CALL_DIMENSIONS, *OUTCOME_DIMENSIONS, CALLEE_IN)) if node.has("when") else ()
    return Terms(when, first, last, tuple(grounds))


def conditions_of(node: Node, dimensions: tuple[str, ...]) -> tuple[Condition, ...]:
    """The conditions of a table: each key one dimension, with the values that meet it."""
    found = []
    for key in node.keys():  # noqa: SIM118 -- a Node is not a mapping
        if key not in dimensions:
            continue
        if key.endswith("_years"):
            found.append(Condition(key, (str(node.integer(key, minimum=0)),)))
        else:
            found.append(Condition(key, words(node, key, REGION if key == CALLEE_IN else WORD)))
    node.close()
    return tuple(found)


def words(node: Node, key: str, pattern: str = WORD, at_least: int = 1) -> tuple[str, ...]:
    """A list of texts that each match the pattern."""
    found = node.texts(key, at_least)
    for index, text in enumerate(found):
        if not re.fullmatch(pattern, text):
            node.fault(f"{key}[{index}]", f"{text[:60]!r} is not a usable value")
    return found


def read_window(node: Node, origin: Origin, terms: Terms) -> Rule:
    """Calling hours."""
    clock = node.text("clock", pattern=r"callee|tz:\S+") if node.has("clock") else CALLEE
    zone = clock.removeprefix("tz:")
    if zone not in {CALLEE, ""}:
        node.attempt("clock", partial(zone_named, zone))
    unknown = node.choice("unknown_tz", ("intersect", "deny")) if node.has("unknown_tz") else "intersect"
    calendar = node.text("calendar", pattern=REGION) if node.has("calendar") else ""
    also = node.choices("also", ("person.inconvenient_times", "person.inconvenient_places")) if node.has("also") else ()
    plans = tuple(_day_plan(entry, calendar=node.has("calendar")) for entry in node.tables("schedule"))
    if node.has("schedule") and not plans:
        node.fault("schedule", "empty: no call would ever be permitted; say so with allow = []")
    times, places = "person.inconvenient_times" in also, "person.inconvenient_places" in also
    return WindowRule(origin, zone, unknown == "deny", plans, calendar, times, places, terms)


def _day_plan(entry: Node, *, calendar: bool) -> DayPlan:
    weekdays: frozenset[int] = frozenset()
    kinds: set[DayKind] = set()
    for index, text in enumerate(entry.texts("on", at_least=1)):
        if text in tuple(DayKind):
            kinds.add(DayKind(text))
            if not calendar:
                entry.fault(f"on[{index}]", f"{text!r} needs a calendar: name one with calendar =")
        else:
            weekdays |= entry.attempt(f"on[{index}]", partial(parse_weekdays, text)) or frozenset()
    if entry.has("allow") == entry.has("forbid"):
        entry.fault("allow", "exactly one of allow and forbid is needed")
    verb = "forbid" if entry.has("forbid") else "allow"
    hours = tuple(
        read
        for index, text in enumerate(entry.texts(verb))
        if (read := entry.attempt(f"{verb}[{index}]", partial(parse_hours, text)))
    )
    entry.close("allow")  # beside forbid it was not read, and that was told
    return DayPlan(weekdays, verb == "allow", hours, frozenset(kinds))


def read_cap(node: Node, origin: Origin, terms: Terms) -> Rule:
    """At most so many events in a period."""
    keys = _keys(node)
    not_counted = words(node, "not_counted", at_least=0) if node.has("not_counted") else ()
    event = node.choice("event", tuple(sorted(COUNTABLE)))
    text = node.text("period")
    period = node.attempt("period", partial(parse_period, text)) if text else None
    # The stand-ins for what was not readable never leave parse_pack: it raises if there was any fault.
    period = period or parse_period("rolling:24h")
    return CapRule(origin, node.integer("max", minimum=0), EventKind(event), keys, period, text, not_counted, terms)


def read_cooldown(node: Node, origin: Origin, terms: Terms) -> Rule:
    """No call for some time after an event."""
    after = node.choice("after", tuple(sorted(EVENT_NAMES)))
    keys = _keys(node)
    clock = node.text("clock", pattern=r"callee|tz:\S+").removeprefix("tz:") if node.has("clock") else CALLEE
    lengths = [key for key in ("duration", "days", "months", "until") if node.has(key)]
    if len(lengths) != 1:
        node.fault("duration", "exactly one of duration, days, months and until is needed")
    duration = _duration(node, "duration") if node.has("duration") else None
    days = node.integer("days", minimum=1) if node.has("days") else None
    months = node.integer("months", minimum=1) if node.has("months") else None
    first_is_next = False
    if node.has("first_day"):
        first_is_next = node.choice("first_day", ("event", "next")) == "next"
        if days is None:
            node.fault("first_day", "is said of days only")
    elif days is not None:
        node.fault("first_day", "is missing: event or next")
    until = node.text("until", pattern=r"reconsent|end_of_day@\S+") if node.has("until") else ""
    if until.startswith("end_of_day@"):
        clock = until.partition("@")[2].removeprefix("tz:")
    if clock not in {CALLEE, ""}:
        node.attempt("until" if until else "clock", partial(zone_named, clock))
    return CooldownRule(
        origin, EVENT_NAMES[after], keys, clock, duration, days, first_is_next, months, until.startswith("end"), terms
    )


def _keys(node: Node) -> tuple[Key, ...]:
    keys = [Key(text) for text in node.choices("key", tuple(Key), at_least=1)]
    if node.has("caller_scope") and (scope := SCOPES[node.choice("caller_scope", tuple(SCOPES))]) not in keys:
        keys.append(scope)
    return tuple(keys)


def read_suppress(node: Node, origin: Origin, terms: Terms) -> Rule:
    """Nobody on a list."""
    name = node.text("list", pattern=LIST)
    if node.has("effective"):
        node.choice("effective", ("immediate",))
    # Entries are obeyed at once and held until somebody lifts them: stricter than either.
    deadline = node.text("legal_deadline", pattern=LENGTH) if node.has("legal_deadline") else ""
    hold = node.text("hold", pattern=f"until_reconsent|{LENGTH}") if node.has("hold") else ""
    days = node.integer("list_max_age_days", minimum=1) if node.has("list_max_age_days") else None
    if days is not None and name == INTERNAL:
        node.fault("list_max_age_days", "the internal list is not a copy: it has no age")
    match = tuple(Key(text) for text in node.choices("match", (Key.NUMBER, Key.PERSON), at_least=1))
    return SuppressRule(origin, match, name, None if days is None else timedelta(days=days), hold, deadline, terms)


def read_consent(node: Node, origin: Origin, terms: Terms) -> Rule:
    """No call without leave. What is not known denies, whether the pack says so or not."""
    if node.has("unknown"):
        node.choice("unknown", ("deny",))
    proof = node.choice("proof", ("seller", "written", "file")) if node.has("proof") else ""
    scope = words(node, "scope", at_least=0) if node.has("scope") else ()
    return ConsentRule(origin, node.choice("level_needed", LEVELS), scope, proof, terms)


def read_ring(node: Node, origin: Origin, terms: Terms) -> Rule:
    """How long an unanswered phone rings."""
    if node.has("or_min_rings"):  # an alternative to the seconds; ringing for the seconds satisfies the rule
        node.integer("or_min_rings", minimum=1)
    shortest = timedelta(seconds=node.integer("min_unanswered_s", minimum=1))
    longest = timedelta(seconds=node.integer("max_s", minimum=1)) if node.has("max_s") else None
    if longest is not None and longest < shortest:
        node.fault("max_s", "is shorter than min_unanswered_s")
    return RingRule(origin, shortest, longest, terms)


def read_callerid(node: Node, origin: Origin, terms: Terms) -> Rule:
    """What the callee is shown."""
    allow = words(node, "allow_prefix", r"\+?[0-9]{1,15}") if node.has("allow_prefix") else ()
    forbid = words(node, "forbid_prefix", r"\+?[0-9]{1,15}") if node.has("forbid_prefix") else ()
    must_be = words(node, "must_be") if node.has("must_be") else ()
    attested = node.choice("min_attestation", ("A", "B", "C")) if node.has("min_attestation") else ""
    reachable = node.text("reachable_for", pattern=LENGTH) if node.has("reachable_for") else ""
    return CallerIdRule(origin, node.flag("must_present"), must_be, allow, forbid, attested, reachable, terms)


def read_disclose(node: Node, origin: Origin, terms: Terms) -> Rule:
    """What must be said."""
    if node.has("items") == node.has("promptly"):
        node.fault("items", "exactly one of items (with within_s) and promptly is needed")
    if node.has("within_s") and node.has("promptly"):
        node.fault("within_s", "is said of items only")
    items = words(node, "promptly" if node.has("promptly") else "items")
    within = timedelta(seconds=node.integer("within_s", minimum=1)) if node.has("within_s") else None
    key = "end_within_s_on_request"
    return DiscloseRule(origin, items, within, timedelta(seconds=node.integer(key, minimum=0)) if node.has(key) else None, terms)


def read_record(node: Node, origin: Origin, terms: Terms) -> Rule:
    """What may and must be recorded."""
    everywhere = words(node, "all_party_if_callee_in", REGION) if node.has("all_party_if_callee_in") else ()
    unknown = node.choice("unknown_location", (Leave.ONE, Leave.ALL)) if node.has("unknown_location") else Leave.ALL
    start_on = words(node, "start_on") if node.has("start_on") else ()
    modes = (RecordMode.WHOLE_CALL, RecordMode.ON_EVENT, RecordMode.OFF)
    mode = RecordMode(node.choice("mode", modes)) if node.has("mode") else RecordMode.AS_SET
    if start_on and mode is not RecordMode.ON_EVENT:
        node.fault("start_on", "is said of mode = 'on_event' only")
    consent = Leave(node.choice("consent", tuple(Leave)))
    return RecordRule(origin, consent, node.flag("announce"), mode, Leave(unknown), everywhere, start_on, terms)


def read_retain(node: Node, origin: Origin, terms: Terms) -> Rule:
    """How long records are kept."""
    least = _length(node, "min", CIVIL_LENGTH) if node.has("min") else None
    most = _length(node, "max", CIVIL_LENGTH) if node.has("max") else None
    if not node.has("min") and not node.has("max"):
        node.fault("min", "one of min and max is needed")
    if least is not None and most is not None and most.most_days < least.most_days:
        node.fault("max", "is shorter than min")
    return RetainRule(origin, words(node, "what"), least, most, node.text("from", pattern=WORD), terms)


def read_deadline(node: Node, origin: Origin, terms: Terms) -> Rule:
    """By when a request is obeyed."""
    allowed = f"{IMMEDIATE}|{LENGTH}"
    within = _length(node, "within", allowed) or IMMEDIATE
    house = _length(node, "house", allowed) if node.has("house") else None
    return DeadlineRule(origin, node.text("on", pattern=WORD), within, house, terms)


def _duration(node: Node, key: str) -> timedelta | None:
    text = node.text(key, pattern=r"[1-9][0-9]{0,4}[mhd]")
    return int(text[:-1]) * _UNITS[text[-1]] if text else None


def _length(node: Node, key: str, pattern: str) -> Length | None:
    text = node.text(key, pattern=pattern)
    return node.attempt(key, partial(parse_length, text)) if text else None


READERS: dict[str, Callable[[Node, Origin, Terms], Rule]] = {
    "window": read_window,
    "cap": read_cap,
    "cooldown": read_cooldown,
    "suppress": read_suppress,
    "consent": read_consent,
    "ring": read_ring,
    "callerid": read_callerid,
    "disclose": read_disclose,
    "record": read_record,
    "retain": read_retain,
    "deadline": read_deadline,
}
