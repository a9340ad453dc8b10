"""Whom has another system rung lately, and what came of it? Lines of its export become ledger events, or errors with their place.

The rule it protects: whoever changes systems may not start to count anew. Each line has an id, its own or one made of what it
says, so that a file that is imported again, or reaches into the last one, adds nothing twice; and the answer says which
limits look further back than the file does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from compliance.chain import canonical, digest
from compliance.facts import COUNTABLE, EventKind, LedgerEvent
from compliance.lookback import lookback
from compliance.packs import Pack
from compliance.question import ALIASES as KIND_ALIASES
from compliance.rules import CapRule, CooldownRule
from compliance.scope import in_force
from dialer.leads import number_in
from dialer.people_files import WHOM, Reading, past
from dialer.sheets import BadCell, Form, ListError, RowError, checked, objects, parsed, sheet_of

#: What a line may say: all that is counted, and what tells whether a phone rang at all.
KINDS = COUNTABLE | {EventKind.OPT_OUT, EventKind.RINGING, EventKind.NOT_RUNG, EventKind.ENDED}
KEYS = ("campaign", "seller", "subject", "debt", "creditor")
FIELDS = ("kind", "at", "person", "number", *KEYS, "attempt_id")
ALIASES = (
    WHOM
    | {"event": "kind", "type": "kind", "类型": "kind", "事件": "kind"}
    | {"time": "at", "timestamp": "at", "call_date": "at", "called_at": "at", "时间": "at", "呼叫时间": "at"}
    | {"attempt": "attempt_id", "call_id": "attempt_id", "uniqueid": "attempt_id", "通话编号": "attempt_id"}
    | {"debt_id": "debt", "loan_id": "debt", "产品": "subject", "债权人": "creditor"}
)
PREFIX = "past-"  # of ids: another system's must not meet ours
LONGEST_ID = 59  # characters of another system's id; with the prefix as many as the ledger takes


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One good line."""

    line: int
    event: LedgerEvent


@dataclass(frozen=True, slots=True)
class ReachesFurther:
    """A limit in force that looks back beyond what was imported: `since` when, None for without end."""

    rule: str
    cite: str
    since: datetime | None


def read_history(
    text: str, mapping: Mapping[str, str], how: Reading, marks: frozenset[str], source: str
) -> Iterator[PastEvent | RowError]:
    """The events of a CSV file with a header, or of lines of JSON, which begin with a brace; bad ones are told, in order.

    `marks` are what rules ask of an event before they count it (`not_connected_to_number`); `source` is noted with each.
    Raises ListError when the header cannot be used, or, of lines of JSON, when a column is mapped.
    """
    if not text.lstrip().startswith("{"):
        form = Form((*FIELDS, *sorted(marks)), ALIASES, (("kind",), ("at",), ("person", "number")))
        return _with_ids(parsed(sheet_of(text, mapping, form), lambda line, cells: _event(line, cells, how, marks, source)))
    if mapping:
        raise ListError("--map names columns, and lines of JSON have none")
    return _with_ids(_of_objects(text, how, marks, source))


def reaching_further(packs: Sequence[Pack], since: datetime, now: datetime) -> tuple[ReachesFurther, ...]:
    """The caps and cool-downs that at `now` look further back than `since`: what was before it they do not know."""
    found = {}
    for pack in packs:
        for rule in pack.rules:
            _, ends = in_force(rule.terms, ())
            if isinstance(rule, CapRule | CooldownRule) and (ends is None or now < ends):
                length = lookback((replace(pack, rules=(rule,), sha256=rule.origin.id),)).reach
                if length is None or now - length < since:
                    begins = None if length is None else now - length
                    found[rule.origin.id] = ReachesFurther(rule.origin.id, rule.origin.cite, begins)
    return tuple(sorted(found.values(), key=lambda one: one.rule))


def _of_objects(text: str, how: Reading, marks: frozenset[str], source: str) -> Iterator[PastEvent | RowError]:
    for line, found in objects(text.split("\n")):
        if isinstance(found, RowError):
            yield found
            continue
        try:
            yield _event(line, _cells(found, marks), how, marks, source)
        except BadCell as bad:
            yield RowError(line, bad.column, str(bad))


def _cells(found: Mapping[str, object], marks: frozenset[str]) -> dict[str, str]:
    """The object's fields as cells. What is neither a field nor a mark stays out of a ledger that is kept for ever."""
    cells: dict[str, str] = {}
    for name, value in found.items():
        column = ALIASES.get(name, name)
        if value is None or column not in {*FIELDS, *marks}:
            continue
        if not isinstance(value, str | int):
            raise BadCell(column, "must be a text")
        if column in cells:
            raise BadCell(column, f"said twice ({name!r} is the second)")
        cells[column] = checked(column, str(value).lower() if isinstance(value, bool) else str(value).strip())
    return cells


def _event(line: int, cells: Mapping[str, str], how: Reading, marks: frozenset[str], source: str) -> PastEvent:
    told = cells.get("kind", "").lower()
    try:
        kind = EventKind(KIND_ALIASES.get(told, told))
    except ValueError:
        kind = None
    if kind not in KINDS:
        raise BadCell("kind", f"{told[:40]!r} is nothing a call can come to: use {', '.join(sorted(KINDS))}")
    person, number = cells.get("person", ""), number_in("number", cells.get("number", ""), how.region)
    if not person and not number:
        raise BadCell("person", "empty, and no number either: who was it?")
    if kind is EventKind.NOT_RUNG and not cells.get("attempt_id"):
        raise BadCell("attempt_id", "empty: which attempt did not ring?")
    noted = {mark: cells[mark].lower() for mark in marks if cells.get(mark)} | {"source": source}
    event = LedgerEvent(
        kind=kind,
        at=past("at", cells.get("at", ""), how),
        person=person,
        number=number,
        campaign=cells.get("campaign", ""),
        seller=cells.get("seller", ""),
        subject=cells.get("subject", ""),
        attempt_id=cells.get("attempt_id") or None,
        facts=tuple(sorted(noted.items())),
        debt=cells.get("debt", ""),
        creditor=cells.get("creditor", ""),
    )
    return PastEvent(line, event)


def _with_ids(rows: Iterable[PastEvent | RowError]) -> Iterator[PastEvent | RowError]:
    """Gives each event its id in the ledger.

    Two lines without ids that say the same are two events, for a clock that tells only minutes: the n-th of them in one file is
    the n-th in the next. One id for two different things would hide one of them, and is an error of the later line.
    """
    alike: Counter[str] = Counter()
    used: dict[tuple[str, EventKind], PastEvent] = {}
    for row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        own = row.event.attempt_id
        if own is None:
            said = _said(row.event)
            alike[said] += 1
            yield replace(row, event=replace(row.event, attempt_id=f"{PREFIX}{digest(canonical([said, alike[said]]))[:40]}"))
            continue
        first = used.setdefault((own, row.event.kind), row)
        if _said(first.event) != _said(row.event):
            yield RowError(row.line, "attempt_id", f"{own[:40]!r} is another {row.event.kind.value} at line {first.line}")
            continue
        yield replace(row, event=replace(row.event, attempt_id=f"{PREFIX}{own if len(own) <= LONGEST_ID else digest(own)[:40]}"))


def _said(event: LedgerEvent) -> str:
    keys = [getattr(event, key) for key in ("person", "number", *KEYS)]
    return canonical([event.kind.value, event.at.isoformat(timespec="microseconds"), keys])
