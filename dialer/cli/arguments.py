"""What may be typed where: each value is refused before anything is opened, with the argument's name in the error.

It protects what comes later from values that only look right: a length of `nan`, a name that moves the cursor, a prompt
id that leads out of the folder of prompts.
"""

import math
import re
from typing import Any

import click

_PROMPT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REGION = re.compile(r"[A-Z]{2}")


class FiniteRange(click.FloatRange):
    """A number within bounds; `nan` is within all of them for a comparison, and is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number that can be used.", param, ctx)
        return number


class Name(click.ParamType[str]):
    """What people call a thing: 1 to `longest` characters that can be printed, not only blanks."""

    name = "text"

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip():
            self.fail("must not be blank.", param, ctx)
        if len(text) > self._longest:
            self.fail(f"{len(text)} characters, at most {self._longest} are allowed.", param, ctx)
        if not all(character.isprintable() or character == "\N{IDEOGRAPHIC SPACE}" for character in text):
            self.fail(f"{text!r} holds characters that cannot be printed.", param, ctx)
        return text


class PromptId(click.ParamType[str]):
    """The id of a prompt: the name of its file in the folder of prompts, without `.wav`."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not _PROMPT_ID.fullmatch(text):
            self.fail(f"{text!r}: 1 to 64 letters, digits, - and _, the first a letter or a digit.", param, ctx)
        return text


class Region(click.ParamType[str]):
    """A country's two letters, as in the settings; small ones are made large."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).upper()
        if not _REGION.fullmatch(text):
            self.fail(f"{value!r}: two letters (ISO 3166), such as US.", param, ctx)
        return text
