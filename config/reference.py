"""What may `ringfence.toml` say? Writes the settings as a page and as a commented file, from the schema itself.

docs/configuration.md and config/default.toml hold exactly these texts; a test compares them.
"""

import json
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_KINDS = {"str": "text", "Path": "a path", "int": "a whole number", "float": "a number"}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "min_length": "length at least"}
_HEADING = """\
# The settings of this site. Every key is here with its default: take away the # before a key to change it.
# A key that is not known is an error. Relative paths are relative to the directory of this file.
"""


class Undescribed(ValueError):
    """A setting has no description: nobody could know what it means."""


def page(settings: type[BaseModel]) -> str:
    """Markdown: a table a section, a row a key, in the order of the schema. Raises Undescribed."""
    return "\n".join(_tables(settings)) + "\n"


def template(settings: type[BaseModel]) -> str:
    """A TOML file that says nothing: every key with its meaning and default, commented out. Raises Undescribed."""
    return _HEADING + "\n".join(_commented(settings)) + "\n"


def _tables(settings: type[BaseModel]) -> Iterator[str]:
    for section, model in _sections(settings):
        yield f"## `[{section}]`" if section else "## Top of the file"
        yield from ("", _first_line(model), "", "| key | default | may be | meaning |", "|---|---|---|---|")
        for key, field in _keys(model):
            yield f"| `{key}` | `{_toml(field)}` | {_allowed(field)} | {_description(key, field)} |"
        yield ""


def _commented(settings: type[BaseModel]) -> Iterator[str]:
    for section, model in _sections(settings):
        if section:
            yield from ("", f"[{section}]  # {_first_line(model)}")
        for key, field in _keys(model):
            yield from ("", f"# {_description(key, field)}", f"#{key} = {_toml(field)}")


def _sections(settings: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield "", settings
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def _keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for key, field in model.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            yield key, field


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _description(key: str, field: FieldInfo) -> str:
    if not field.description:
        raise Undescribed(f"{key} has no description")
    return field.description


def _toml(field: FieldInfo) -> str:
    """The default as TOML writes it: text, numbers and lists of text are written as in JSON, a path as text."""
    return json.dumps(field.default, ensure_ascii=False, default=str)


def _allowed(field: FieldInfo) -> str:
    """What the key may be: its kind, or the bounds that imply it."""
    said = [
        f"{words} {getattr(bound, name)}"
        for bound in field.metadata
        for name, words in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    said += [f"text like `{bound.pattern}`" for bound in field.metadata if getattr(bound, "pattern", None)]
    return ", ".join(said) or _KINDS.get(str(getattr(field.annotation, "__name__", "")), "a list of text")
