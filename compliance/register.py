"""Which rules does Ringfence know, in words, and who says so? Rule packs become the table of docs/compliance.md.

The rule it protects: what is documented is what is in force. A row is made from the very text that the gate reads, after
it was read without a fault, and tells every field of the rule as it is written there (`5y`, not the days it is read as).
Without something that holds each rule there is no table.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compliance.packs import parse_pack

Fields = Mapping[str, Any]

HEADING = "| rule | kind | says | source | level, known | held by |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Holding:
    """What keeps a rule: the module that applies it, the test that would fail if it did not, and what nothing keeps yet."""

    module: str
    test: str
    not_yet: str = ""


def register(texts: Mapping[str, str], held_by: Mapping[str, Holding]) -> str:
    """The table of every rule of the packs, in Markdown, one section a pack. `texts` are packs by file name.

    `held_by` has a Holding by the id of a rule or else by its kind. Raises LookupError that names the rules with none,
    PackError for a pack that cannot be used.
    """
    rules = [rule for name in sorted(texts) for rule in _rules(texts[name])]
    missing = [rule["id"] for rule in rules if rule["id"] not in held_by and rule["kind"] not in held_by]
    if missing:
        raise LookupError(f"nothing is known to hold {', '.join(missing)}")
    return "\n".join(_section(name, texts[name], held_by) for name in sorted(texts))


def says(rule: Fields) -> str:
    """What one rule, as its pack states it, asks for: every field in words."""
    words = [*_WORDS[rule["kind"]](rule), *_around(rule)]
    text = "; ".join(word for word in words if word)
    when = ", ".join(f"{key} is {_listed(value)}" for key, value in rule.get("when", {}).items())
    return f"when {when}: {text}" if when else text


def _section(name: str, text: str, held_by: Mapping[str, Holding]) -> str:
    pack = parse_pack(text, name)
    head = tomllib.loads(text)["pack"]
    applies = "; ".join(f"{key}: {_listed(value)}" for key, value in head.get("applies", {}).items())
    lines = [
        f"### `{pack.id}`",
        "",
        f"`config/packs/{name}`, for {_listed(head['jurisdiction'])}{'; ' + applies if applies else ''}.",
    ]
    if head.get("extends"):
        lines.append(f"Extends {', '.join(f'`{base}`' for base in head['extends'])}.")
    rows = "".join(_row(rule, held_by) for rule in _rules(text))
    return "\n".join(lines) + "\n\n" + HEADING + rows


def _row(rule: Fields, held_by: Mapping[str, Holding]) -> str:
    holding = held_by.get(rule["id"]) or held_by[rule["kind"]]
    by = f"`{holding.module}`, `{holding.test.rpartition('::')[2]}`" if holding.module else ""
    by = "; ".join(filter(None, (by, holding.not_yet and f"**not yet**: {holding.not_yet}")))
    cells = (f"`{rule['id']}`", rule["kind"], says(rule), rule["cite"], f"{rule['level']}, {rule['source']}", by)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _rules(text: str) -> list[Fields]:
    rules: list[Fields] = tomllib.loads(text)["rule"]
    return rules


def _around(rule: Fields) -> Iterable[str]:
    """The fields that any kind of rule may have."""
    if rule.get("unless"):
        yield f"unless {_listed(rule['unless'])}"
    if "waive_with" in rule:
        yield f"waived by `{rule['waive_with']}`"
    if rule.get("exempt"):
        yield "exempt: " + ", ".join(f"`{one}`" for one in rule["exempt"])
    if "effective_from" in rule:
        yield f"from {rule['effective_from']} on"
    if "effective_until" in rule:
        yield f"until {rule['effective_until']}, that day included"


def _window(rule: Fields) -> Iterable[str]:
    clock = rule.get("clock", "callee")
    where = "where the customer is" if clock == "callee" else f"on the clock of {clock.removeprefix('tz:')}"
    for plan in rule["schedule"]:
        days = "every day" if plan["on"] == ["*"] else " and ".join(_dashed(plan["on"]))
        if hours := plan.get("allow"):
            yield f"{days} {' and '.join(_dashed(hours))}"
        elif hours := plan.get("forbid"):
            yield f"{days} never {' and '.join(_dashed(hours))}"
        else:
            yield f"{days} never"
    yield where + (f", calendar {rule['calendar']}" if "calendar" in rule else "")
    if rule.get("unknown_tz") == "deny":
        yield "not in one of several zones"
    if "also" in rule:
        yield f"not at the {_listed(rule['also'])} either"


def _cap(rule: Fields) -> Iterable[str]:
    scope = f" from one {rule['caller_scope']}" if "caller_scope" in rule else ""
    yield f"at most {rule['max']} {_plural(rule['event'], rule['max'])} per {_joined(rule['key'])}{scope} in `{rule['period']}`"
    if rule.get("not_counted"):
        yield f"not counted: {_listed(rule['not_counted'])}"


def _cooldown(rule: Fields) -> Iterable[str]:
    scope = f" from one {rule['caller_scope']}" if "caller_scope" in rule else ""
    if "duration" in rule:
        length = f"for {rule['duration']}"
    elif "months" in rule:
        length = f"for {rule['months']} months"
    elif "days" in rule:
        length = f"for {rule['days']} days, the first of them the {'day itself' if rule['first_day'] == 'event' else 'next day'}"
    else:
        length = f"until {rule['until']}"
    clock = f", on the clock of {rule['clock'].removeprefix('tz:')}" if "clock" in rule else ""
    yield f"after {rule['after']} no call per {_joined(rule['key'])}{scope} {length}{clock}"


def _suppress(rule: Fields) -> Iterable[str]:
    yield f"nobody on the list `{rule['list']}`, by {' or '.join(rule['match'])}"
    if "list_max_age_days" in rule:
        yield f"the list at most {rule['list_max_age_days']} days old"
    law = f" (the law: {rule['legal_deadline']})" if "legal_deadline" in rule else ""
    if "effective" in rule or law:
        yield f"effective {rule.get('effective', 'immediate')}{law}"
    if "hold" in rule:
        yield f"entries held {rule['hold'].replace('_', ' ')}"


def _consent(rule: Fields) -> Iterable[str]:
    yield f"needs {rule['level_needed']} consent" + (f" for {_joined(rule['scope'])}" if rule.get("scope") else "")
    if "proof" in rule:
        yield f"the {rule['proof']} proves it"
    if "unknown" in rule:
        yield f"unknown: {rule['unknown']}"


def _abandon(rule: Fields) -> Iterable[str]:
    yield f"{rule['numerator']} at most {rule['max_rate'] * 100:g} % of {rule['denominator']}"
    yield f"per {_joined(rule['per'])} in `{rule['window']}`"
    yield f"connected within {rule['connect_within_s']:g} s of {rule['connect_clock']}"
    for key, value in rule.get("message", {}).items():
        yield f"message {key}: {_listed(value)}"


def _ring(rule: Fields) -> Iterable[str]:
    rings = f" or {rule['or_min_rings']} rings" if "or_min_rings" in rule else ""
    yield f"an unanswered phone rings at least {rule['min_unanswered_s']} seconds{rings}, and only if that ends inside the window"
    if "max_s" in rule:
        yield f"and at most {rule['max_s']} seconds"


def _callerid(rule: Fields) -> Iterable[str]:
    if rule.get("must_present"):
        yield "a number is shown"
    if "must_be" in rule:
        yield f"it is {_listed(rule['must_be'])}"
    if "allow_prefix" in rule:
        yield f"it begins with {' or '.join(rule['allow_prefix'])}"
    if "forbid_prefix" in rule:
        yield f"it does not begin with {' or '.join(rule['forbid_prefix'])}"
    if "min_attestation" in rule:
        yield f"attested at least {rule['min_attestation']}"
    if "reachable_for" in rule:
        yield f"it can be called back for {rule['reachable_for']}"


def _disclose(rule: Fields) -> Iterable[str]:
    if "promptly" in rule:
        yield f"said promptly: {_listed(rule['promptly'])}"
    if "items" in rule:
        soon = f"within {rule['within_s']} s" if "within_s" in rule else "promptly"
        yield f"said {soon}: {_listed(rule['items'])}"
    if "end_within_s_on_request" in rule:
        yield f"the call ends within {rule['end_within_s_on_request']} s when asked"


def _record(rule: Fields) -> Iterable[str]:
    whose = {"one": "one party's consent", "all": "the consent of all parties", "informed": "all parties informed"}
    yield f"recorded with {whose[rule['consent']]}" + (", announced" if rule.get("announce") else "")
    if "mode" in rule:
        yield f"mode {rule['mode']}" + (f", started on {_listed(rule['start_on'])}" if "start_on" in rule else "")
    if "all_party_if_callee_in" in rule:
        yield f"the consent of all in {_listed(rule['all_party_if_callee_in'])}"
    if "unknown_location" in rule:
        yield f"where the location is unknown: {rule['unknown_location']}"


def _retain(rule: Fields) -> Iterable[str]:
    least = f"at least {rule['min']}" if "min" in rule else ""
    most = f"at most {rule['max']}" if "max" in rule else ""
    yield f"{_listed(rule['what'])} kept {' and '.join(filter(None, (least, most)))} from {rule['from']}"


def _deadline(rule: Fields) -> Iterable[str]:
    yield f"{rule['on']} is answered within {rule['within']}" + (f"; here: {rule['house']}" if "house" in rule else "")


def _listed(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _joined(values: list[str]) -> str:
    return " + ".join(values)


def _plural(event: str, count: int) -> str:
    noun = {"unanswered": "unanswered attempt"}.get(event, event.replace("_", " "))
    return noun if count == 1 else noun + "s"


def _dashed(spans: list[str]) -> list[str]:
    return [span.replace("-", "–") for span in spans]


_WORDS: Mapping[str, Callable[[Fields], Iterable[str]]] = {
    "window": _window,
    "cap": _cap,
    "cooldown": _cooldown,
    "suppress": _suppress,
    "consent": _consent,
    "abandon": _abandon,
    "ring": _ring,
    "callerid": _callerid,
    "disclose": _disclose,
    "record": _record,
    "retain": _retain,
    "deadline": _deadline,
}
