"""How is a broken setting told to a person? Turns pydantic's findings into one line each: key, value, what is wrong.

Values are shown cut short, and never for a key that is unknown: a secret put under a wrong name must not be printed.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_SHOWN_CHARACTERS = 60

_SAID: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "greater_than": lambda value, bound: f"{value} is not greater than {bound['gt']:g}",
    "greater_than_equal": lambda value, bound: f"{value} is less than {bound['ge']:g}",
    "less_than": lambda value, bound: f"{value} is not less than {bound['lt']:g}",
    "less_than_equal": lambda value, bound: f"{value} is greater than {bound['le']:g}",
    "string_pattern_mismatch": lambda value, bound: f"{value} does not match {bound['pattern']}",
    "string_too_short": lambda value, bound: f"{value} is shorter than {bound['min_length']} characters",
    "string_type": lambda value, _: f"{value} is not text",
    "int_type": lambda value, _: f"{value} is not a whole number",
    "int_from_float": lambda value, _: f"{value} is not a whole number",
    "float_type": lambda value, _: f"{value} is not a number",
    "tuple_type": lambda value, _: f"{value} is not a list",
    "model_type": lambda value, _: f"{value} is not a section",
    "model_attributes_type": lambda value, _: f"{value} is not a section",
}


def describe(errors: Iterable[ErrorDetails], model: type[BaseModel]) -> list[str]:
    """One line a finding, in the order found: `pbx.port: 99999 is greater than 65535`."""
    return [_line(error, model) for error in errors]


def _line(error: ErrorDetails, model: type[BaseModel]) -> str:
    keys = [str(key) for key in error["loc"]]
    place = shown(".".join(keys))
    if error["type"] == "extra_forbidden":
        near = get_close_matches(keys[-1][:_SHOWN_CHARACTERS], _keys_beside(keys, model), n=1)
        return f"{place}: unknown key" + (f" (did you mean {near[0]}?)" if near else "")
    said = _SAID.get(error["type"])
    value = _quoted(error["input"])
    return f"{place}: {said(value, error.get('ctx', {}))}" if said else f"{place}: {value}: {error['msg']}"


def _keys_beside(keys: list[str], model: type[BaseModel]) -> list[str]:
    """The keys that the section of the last of `keys` knows."""
    section: Any = model
    for key in keys[:-1]:
        section = section.model_fields[key].annotation
    return list(section.model_fields)


def shown(text: str) -> str:
    """`text` as it may stand in one line for a person: cut short, nothing unprintable."""
    return "".join(character if character.isprintable() else "�" for character in _cut(text))


def _quoted(value: object) -> str:
    return _cut(repr(_cut(value) if isinstance(value, str) else value), 2 * _SHOWN_CHARACTERS)


def _cut(text: str, longest: int = _SHOWN_CHARACTERS) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
