"""Where is the text of a rule pack? Finds packs by id among those shipped, or by path, and reads them.

The rule it protects: a site that names a pack runs with that pack or does not run.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from compliance.packs import Pack, PackError, parse_pack

SUFFIX = ".toml"


def shipped_packs() -> tuple[str, ...]:
    """The ids of the packs that come with Ringfence."""
    names = (entry.name for entry in resources.files("config").joinpath("packs").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def load_packs(refs: Sequence[str], base: Path) -> tuple[Pack, ...]:
    """Reads the packs named by `refs`: ids of shipped packs, or paths of TOML files, relative to `base`.

    Raises PackError with every fault of all of them, also for none at all, an unknown id, an unreadable file, and an
    id that comes twice.
    """
    if not refs:
        raise PackError(("no rule pack is named: without rules nothing may be called",))
    packs: list[Pack] = []
    errors: list[str] = []
    for ref in refs:
        try:
            pack = parse_pack(_text(ref, base), ref)
        except PackError as error:
            errors.extend(error.errors)
            continue
        if any(pack.id == other.id for other in packs):
            errors.append(f"{ref}: pack.id: {pack.id!r} is already in force from another pack")
        packs.append(pack)
    if errors:
        raise PackError(tuple(errors))
    return tuple(packs)


def _text(ref: str, base: Path) -> str:
    try:
        if "/" in ref or ref.endswith(SUFFIX):
            return (base / ref).read_text("utf-8")
        if ref not in shipped_packs():
            known = ", ".join(shipped_packs())
            raise PackError((f"{ref[:60]}: no such rule pack: use {known}, or the path of a TOML file",))
        return resources.files("config").joinpath("packs", ref + SUFFIX).read_text("utf-8")
    except UnicodeDecodeError:
        raise PackError((f"{ref}: not UTF-8 text",)) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        if isinstance(error, PackError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise PackError((f"{ref}: cannot be read: {reason}",)) from None
