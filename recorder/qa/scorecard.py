"""What does a form ask about a call, and how much does each answer count? Forms as they are read from TOML.

The rule it protects: a form means one thing. It is read whole or refused with the key path of every fault; its hash stands
in each review, so that a score can be counted again on the very form that it was given on. How it is counted: `scoring`.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from compliance.document import Node

_ID = r"[a-z0-9][a-z0-9_-]{0,63}"
_VERSION = r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}"
LANGUAGES = ("en", "zh")
LARGEST_WEIGHT = 1000
STEPS = 10  # of a scale, at most


class Kind(StrEnum):
    """How an item is answered."""

    YES_NO = "yes_no"
    SCALE = "scale"  # a whole number from 0 to `largest`


class Severity(StrEnum):
    """What a failed item takes away beside its own weight."""

    NORMAL = "normal"
    CRITICAL = "critical"  # its section counts nothing
    FATAL = "fatal"  # the whole call counts nothing


class Said(StrEnum):
    """An answer that is no number."""

    YES = "yes"
    NO = "no"
    NA = "na"  # does not apply to this call: drops out of what is counted


Answer = Said | int


class ScorecardError(ValueError):
    """The form cannot be used; `errors` has a line for each fault."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


@dataclass(frozen=True, slots=True)
class Words:
    """One text in the languages of the form."""

    en: str
    zh: str

    def told(self, language: str) -> str:
        """The text in a language, `en` or `zh`; where it has none, in the other."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class AskedIf:
    """An item is asked only when an earlier one was answered with one of these."""

    item: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `largest` is the top of its scale; it fails with a no, or with a number below `fails_below`."""

    id: str
    title: Words
    kind: Kind
    weight: Decimal
    largest: int
    may_be_na: bool
    severity: Severity
    fails_below: int
    asked_if: AskedIf | None
    guide: Words

    def takes(self, answer: Answer) -> bool:
        """Whether the answer is one to this question."""
        match answer:
            case Said.NA:
                return self.may_be_na
            case Said():
                return self.kind is Kind.YES_NO
            case int():
                return self.kind is Kind.SCALE and 0 <= answer <= self.largest

    def answers(self) -> str:
        """What may be answered, for people."""
        shown = "yes, no" if self.kind is Kind.YES_NO else f"0 to {self.largest}"
        return f"{shown}, na" if self.may_be_na else shown

    def fails(self, answer: Answer) -> bool:
        """Whether the answer fails the item, which matters for critical and fatal ones."""
        return answer is Said.NO or (isinstance(answer, int) and answer < self.fails_below)


@dataclass(frozen=True, slots=True)
class Section:
    """Items that are told as one figure."""

    id: str
    title: Words
    weight: Decimal
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A form. `passing` is the percentage from which a call is good enough; `sha256` is that of its text."""

    id: str
    version: str
    sha256: str
    title: Words
    passing: Decimal
    sections: tuple[Section, ...]

    def items(self) -> Iterator[Item]:
        """Every item, in the order in which they are asked."""
        return (item for section in self.sections for item in section.items)


def parse_scorecard(text: str, name: str) -> Scorecard:
    """The form that is written in `text`; `name` is what a fault is told with. Raises ScorecardError with every fault."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScorecardError((f"{name}: not TOML: {error}",)) from None
    errors: list[str] = []
    card = _scorecard(Node(document, "", errors), hashlib.sha256(text.encode()).hexdigest())
    errors += _misfits(card)
    if errors:
        raise ScorecardError(f"{name}: {error}" for error in errors)
    return card


def _scorecard(node: Node, sha256: str) -> Scorecard:
    sections = tuple(_section(one) for one in node.tables("section"))
    card = Scorecard(
        id=node.text("id", _ID),
        version=node.text("version", _VERSION),
        sha256=sha256,
        title=_words(node, "title"),
        passing=node.number("passing", 100),
        sections=sections,
    )
    node.close()
    return card


def _section(node: Node) -> Section:
    items = tuple(_item(one) for one in node.tables("item"))
    section = Section(node.text("id", _ID), _words(node, "title"), node.number("weight", LARGEST_WEIGHT), items)
    node.close()
    return section


def _item(node: Node) -> Item:
    kind = Kind(node.choice("kind", tuple(Kind)))
    largest = node.integer("largest", 1) if kind is Kind.SCALE else 1
    if largest > STEPS:
        node.fault("largest", f"a scale has at most {STEPS} steps")
    severity = Severity(node.choice("severity", tuple(Severity))) if node.has("severity") else Severity.NORMAL
    fails_below = node.integer("fails_below", 1) if kind is Kind.SCALE and severity is not Severity.NORMAL else 0
    if fails_below > largest:
        node.fault("fails_below", f"no answer reaches it: the scale ends at {largest}")
    item = Item(
        id=node.text("id", _ID),
        title=_words(node, "title"),
        kind=kind,
        weight=node.number("weight", LARGEST_WEIGHT),
        largest=largest,
        may_be_na=node.flag("may_be_na"),
        severity=severity,
        fails_below=fails_below,
        asked_if=_asked_if(node.table("asked_if")) if node.has("asked_if") else None,
        guide=_words(node, "guide") if node.has("guide") else Words("", ""),
    )
    node.close()
    return item


def _asked_if(node: Node) -> AskedIf:
    item, texts = node.text("item", _ID), node.texts("answers", at_least=1)
    answers = [node.attempt("answers", lambda text=text: answer_of(text)) for text in texts]  # type: ignore[misc]  # a default binds the loop's value
    node.close()
    return AskedIf(item, tuple(one for one in answers if one is not None))


def _words(node: Node, key: str) -> Words:
    below = node.table(key)
    told = {language: below.text(language) if below.has(language) else "" for language in LANGUAGES}
    if not any(told.values()):
        below.fault("en", f"is missing: give the text in {' or '.join(LANGUAGES)}")
    below.close()
    return Words(**told)


def answer_of(text: str) -> Answer:
    """The answer that a text stands for: yes, no, na or a whole number. Raises ValueError."""
    text = text.strip().lower()
    if text.isascii() and text.isdigit() and len(text) < 4:
        return int(text)
    try:
        return Said(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no answer: say yes, no, na or a number") from None


def _misfits(card: Scorecard) -> Iterator[str]:
    """What no part of the form can see by itself."""
    if not card.sections:
        yield "section: is empty"
    elif not any(section.weight for section in card.sections):
        yield "section: none has a weight"
    before: dict[str, Item] = {}
    sections: set[str] = set()
    for index, section in enumerate(card.sections):
        path = f"section[{index}]"
        if section.id in sections:
            yield f"{path}.id: {section.id!r} is there twice"
        sections.add(section.id)
        if not any(item.weight for item in section.items):
            yield f"{path}.item: none has a weight"
        for place, item in enumerate(section.items):
            if item.id in before:
                yield f"{path}.item[{place}].id: {item.id!r} is there twice"
            yield from _condition_misfits(f"{path}.item[{place}].asked_if", item.asked_if, before)
            before[item.id] = item


def _condition_misfits(path: str, condition: AskedIf | None, before: dict[str, Item]) -> Iterator[str]:
    if condition is None or not condition.item:
        return
    if condition.item not in before:
        yield f"{path}.item: no earlier item is called {condition.item!r}"
        return
    for answer in condition.answers:
        if not before[condition.item].takes(answer):
            yield f"{path}.answers: {condition.item!r} is never answered with {answer}"
