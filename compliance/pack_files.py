"""Where is the text of a rule pack? Finds packs by id among those shipped, or by path, and reads them.

The rule it protects: a site that names a pack runs with that pack, and with those it extends, or does not run.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from compliance.packs import Pack, PackError, parse_pack

SUFFIX = ".toml"
HOUSE = "house"
_ID = re.compile(r'^id = "([^"]+)"', re.MULTILINE)


@lru_cache(maxsize=1)
def shipped_packs() -> tuple[str, ...]:
    """The ids of the packs that come with Ringfence."""
    return tuple(sorted(_texts()))


@lru_cache(maxsize=1)
def packs_of_law() -> tuple[Pack, ...]:
    """Every shipped pack that some jurisdiction imposes: all but the house's own policy."""
    return tuple(_shipped(name) for name in shipped_packs() if name != HOUSE)


def load_packs(refs: Sequence[str], base: Path) -> tuple[Pack, ...]:
    """Reads the packs named by `refs` and, after them, those they extend.

    A ref is the id of a shipped pack, or its file's name without the suffix, or the path of a TOML file, relative to
    `base`. Raises PackError with every fault of all of them, also for none at all, an unknown id, an unreadable file, and an
    id that comes twice.
    """
    if not refs:
        raise PackError(("no rule pack is named: without rules nothing may be called",))
    packs: list[Pack] = []
    errors: list[str] = []
    for ref in refs:
        try:
            pack = _read(ref, base)
        except PackError as error:
            errors.extend(error.errors)
            continue
        if any(pack.id == other.id for other in packs):
            errors.append(f"{ref}: pack.id: {pack.id!r} is already in force from another pack")
        packs.append(pack)
    for pack in packs:  # grows as it is walked: what is extended may extend another
        for index, name in enumerate(pack.extends):
            if name not in {other.id for other in packs}:
                if name in shipped_packs():
                    packs.append(_shipped(name))
                else:
                    errors.append(f"{pack.id}: pack.extends[{index}]: no such rule pack: {name!r}")
    if errors:
        raise PackError(tuple(errors))
    return tuple(packs)


def _read(ref: str, base: Path) -> Pack:
    if "/" in ref or ref.endswith(SUFFIX):
        return parse_pack(_text(ref, base), ref)
    name = ref if ref in _texts() else _stems().get(ref, "")
    if not name:
        known = ", ".join(shipped_packs())
        raise PackError((f"{ref[:60]}: no such rule pack: use {known}, or the path of a TOML file",))
    return _shipped(name)


@lru_cache(maxsize=256)
def _shipped(name: str) -> Pack:
    return parse_pack(_texts()[name], name)


@lru_cache(maxsize=1)
def _texts() -> dict[str, str]:
    found = {}
    for stem, text in _files():
        match = _ID.search(text)
        found[match[1] if match else stem] = text
    return found


@lru_cache(maxsize=1)
def _stems() -> dict[str, str]:
    return {stem: match[1] for stem, text in _files() if (match := _ID.search(text))}


def _files() -> list[tuple[str, str]]:
    entries = resources.files("config").joinpath("packs").iterdir()
    return [(one.name.removesuffix(SUFFIX), one.read_text("utf-8")) for one in entries if one.name.endswith(SUFFIX)]


def _text(ref: str, base: Path) -> str:
    try:
        return (base / ref).read_text("utf-8")
    except UnicodeDecodeError:
        raise PackError((f"{ref}: not UTF-8 text",)) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise PackError((f"{ref}: cannot be read: {reason}",)) from None
