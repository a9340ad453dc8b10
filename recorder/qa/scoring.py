"""What is a call worth, by the answers on a form? Exact fractions, so that the same answers give the same score everywhere.

The rule it protects: what does not apply, or was not asked, changes nothing; it drops out of what is counted, above and
below the line. A failed critical item takes its section, a failed fatal one the call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from recorder.qa.scorecard import Answer, Item, Said, Scorecard, Section


@dataclass(frozen=True, slots=True)
class SectionScore:
    """What one section is worth, in percent; None when nothing of it applied."""

    section: str
    percent: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """What a call is worth: `total` in percent to two places, 0 when a fatal item failed, however good the sections were."""

    total: float
    passed: bool
    sections: tuple[SectionScore, ...]
    critical: tuple[str, ...]  # the critical items that failed
    fatal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadAnswers:
    """The answers do not fit the form: a line for each fault."""

    faults: tuple[str, ...]


def is_asked(item: Item, answers: Mapping[str, Answer]) -> bool:
    """Whether the form asks the item, given the answers to those before it."""
    condition = item.asked_if
    return condition is None or answers.get(condition.item) in condition.answers


def score(card: Scorecard, answers: Mapping[str, Answer]) -> Score | BadAnswers:
    """The score of the answers, by item id; or everything that is wrong with them."""
    if faults := tuple(_faults(card, answers)):
        return BadAnswers(faults)
    counted = {section.id: _share(section, answers) for section in card.sections}
    weights = {section.id: Fraction(section.weight) for section in card.sections if counted[section.id] is not None}
    if not sum(weights.values()):
        return BadAnswers(("no answer counts: everything that has a weight is na, or was not asked",))
    fatal = tuple(item.id for item in card.items() if item.severity == "fatal" and _failed(item, answers))
    critical = tuple(item.id for item in card.items() if item.severity == "critical" and _failed(item, answers))
    total = sum(((counted[name] or 0) * weight for name, weight in weights.items()), Fraction(0)) / sum(weights.values())
    percent = 0.0 if fatal else _percent(total)
    sections = tuple(SectionScore(name, None if share is None else _percent(share)) for name, share in counted.items())
    return Score(percent, not fatal and Decimal(str(percent)) >= card.passing, sections, critical, fatal)


def _faults(card: Scorecard, answers: Mapping[str, Answer]) -> Iterator[str]:
    known = {item.id for item in card.items()}
    for name in answers:
        if name not in known:
            yield f"{name}: the form has no such item"
    for item in card.items():
        given = answers.get(item.id)
        if not is_asked(item, answers):
            if given is not None:
                yield f"{item.id}: is not asked, by the answer to {item.asked_if.item if item.asked_if else ''}"
        elif given is None:
            yield f"{item.id}: is not answered: {item.answers()}"
        elif not item.takes(given):
            yield f"{item.id}: {given} is no answer to it: {item.answers()}"


def _failed(item: Item, answers: Mapping[str, Answer]) -> bool:
    given = answers.get(item.id)
    return given is not None and item.fails(given)


def _share(section: Section, answers: Mapping[str, Answer]) -> Fraction | None:
    """What part of the section's weight was earned; None when no weight of it applied."""
    worth = [(Fraction(item.weight), _worth(item, answers.get(item.id))) for item in section.items]
    counted = [(weight, value) for weight, value in worth if value is not None]
    if not sum(weight for weight, _ in counted):
        return None
    if any(item.severity == "critical" and _failed(item, answers) for item in section.items):
        return Fraction(0)
    return sum((weight * value for weight, value in counted), Fraction(0)) / sum(weight for weight, _ in counted)


def _worth(item: Item, given: Answer | None) -> Fraction | None:
    match given:
        case None | Said.NA:
            return None
        case Said():
            return Fraction(int(given is Said.YES))
        case int():
            return Fraction(given, item.largest)


def _percent(share: Fraction) -> float:
    return float(round(100 * share, 2))
