"""How is a filled form read: from a file, from words on a command line, or from what somebody types item by item?

The rule it protects: what was meant is what is scored. Whatever cannot be read is told with its place, all of it at once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recorder.qa.review import Remark
from recorder.qa.scorecard import Answer, Said, Scorecard, answer_of
from recorder.qa.scoring import is_asked

_PLACE = re.compile(r"(?:(\d{1,3}):)??(?:(\d{1,3}):)?(\d{1,5}(?:\.\d{1,3})?)", re.ASCII)
_TYPED = re.compile(r"(\S+)(?:\s+@(\S+))?(?:\s+(.*\S))?\s*", re.DOTALL)


class BadForm(ValueError):
    """The form cannot be read; a line for each fault."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as a reviewer fills it: answers by item id."""

    answers: Mapping[str, Answer]
    remarks: Sequence[Remark] = ()
    summary: str = ""


def of_document(document: object) -> Filled:
    """A form out of a file: `answers` by item, `remarks` with `item`, `at` (seconds, or text as 1:05.5) and `text`, `summary`.

    Raises BadForm.
    """
    faults: list[str] = []
    told = _table(document, "", ("answers", "remarks", "summary"), faults)
    answers: dict[str, Answer] = {}
    for item, value in _table(told.get("answers", {}), "answers", None, faults).items():
        try:
            answers[item] = _answer(value)
        except ValueError as error:
            faults.append(f"answers.{item}: {error}")
    remarks = told.get("remarks", [])
    if not isinstance(remarks, list):
        faults.append("remarks: must be a list")
        remarks = []
    read = [_remark(one, f"remarks[{index}]", faults) for index, one in enumerate(remarks)]
    summary = told.get("summary", "")
    if not isinstance(summary, str):
        faults.append("summary: must be a text")
    if faults:
        raise BadForm("\n".join(faults))
    return Filled(answers, tuple(one for one in read if one is not None), str(summary))


def of_words(answers: Iterable[str], remarks: Iterable[str], summary: str) -> Filled:
    """A form out of words: `item=answer`, and remarks as `item@seconds=text`, without the item or the place where there is none.

    Raises BadForm.
    """
    faults: list[str] = []
    given: dict[str, Answer] = {}
    for word in answers:
        item, equals, said = word.partition("=")
        try:
            if not equals:
                raise ValueError("write item=answer")
            if item in given:
                raise ValueError("is answered twice")
            given[item] = answer_of(said)
        except ValueError as error:
            faults.append(f"answer {word[:60]!r}: {error}")
    noted = []
    for word in remarks:
        about, equals, text = word.partition("=")
        item, at, place = about.partition("@")
        try:
            if not equals:
                raise ValueError("write item@seconds=text")
            noted.append(Remark(item, place_of(place) if at else None, text))
        except ValueError as error:
            faults.append(f"remark {word[:60]!r}: {error}")
    if faults:
        raise BadForm("\n".join(faults))
    return Filled(given, tuple(noted), summary)


def typed(item: str, line: str) -> tuple[Answer, Remark | None]:
    """What somebody typed to one item: `answer`, `answer remark` or `answer @1:05 remark`; y and n will do. Raises ValueError."""
    match = _TYPED.fullmatch(line)
    if match is None:
        raise ValueError("say yes, no, na or a number")
    said, place, text = match.groups()
    if place is not None and not text:
        raise ValueError(f"what is at {place}?")
    answer = answer_of({"y": "yes", "n": "no"}.get(said.lower(), said))
    return answer, Remark(item, None if place is None else place_of(place), text) if text else None


def place_of(text: str) -> int:
    """A place in a recording, in milliseconds: 65, 65.5, 1:05.5 or 1:01:05. Raises ValueError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:20]!r} is no place: write seconds, or 1:05.5")
    hours, minutes, seconds = match.groups()
    whole, _, part = seconds.partition(".")
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(whole)) * 1000 + int(part.ljust(3, "0") or 0)


def changed(card: Scorecard, before: Mapping[str, Answer], given: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers of before with those given in their place; what is then no longer asked drops out, unless it was given."""
    merged = dict(before) | dict(given)
    for item in card.items():
        if not is_asked(item, merged) and item.id not in given:
            merged.pop(item.id, None)
    return merged


def _table(value: object, path: str, known: tuple[str, ...] | None, faults: list[str]) -> dict[str, object]:
    if not isinstance(value, dict):
        faults.append(f"{path or 'the form'}: must be a table")
        return {}
    unknown = [str(key) for key in value if known is not None and key not in known]
    faults += [f"{path}{'.' if path else ''}{key[:40]}: unknown key" for key in unknown]
    return {str(key): one for key, one in value.items()}


def _answer(value: object) -> Answer:
    match value:
        case bool():
            return Said.YES if value else Said.NO
        case int():
            return answer_of(str(value))
        case str():
            return answer_of(value)
        case _:
            raise ValueError("must be yes, no, na or a whole number")


def _remark(value: object, path: str, faults: list[str]) -> Remark | None:
    told = _table(value, path, ("item", "at", "text"), faults)
    found = list(_remark_faults(told, path))
    faults += found
    if found or not told:
        return None
    at = told.get("at")
    return Remark(str(told.get("item", "")), None if at is None else _place(at), str(told["text"]))


def _remark_faults(told: Mapping[str, object], path: str) -> Iterator[str]:
    if not isinstance(told.get("item", ""), str):
        yield f"{path}.item: must be a text"
    if not isinstance(told.get("text"), str):
        yield f"{path}.text: must be a text"
    try:
        _place(told.get("at", 0))
    except ValueError as error:
        yield f"{path}.at: {error}"


def _place(value: object) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1_000_000:
        return round(value * 1000)
    return place_of(value if isinstance(value, str) else repr(value))
