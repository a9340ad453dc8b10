"""Which mutants live on, and why may they? Reads what the last run found and what is said of it; writes docs/mutation.md.

`tests/mutants_last.json` is written by `make mutate`; `tests/mutants.toml` is written by hand, after looking at each of them.
A mutant is named by what it changes, `gate.check: the line → the line as changed`, so that its name stays when lines move.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LAST = Path(__file__).with_name("mutants_last.json")
REASONS = Path(__file__).with_name("mutants.toml")
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def pure_modules() -> list[str]:
    """The modules of compliance/ that the import contracts call pure: those whose mutants are tried."""
    contracts = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (pure,) = [one["source_modules"] for one in contracts if one["name"].startswith("Decisions reach no I/O")]
    return [name.removeprefix("compliance.") for name in pure if name.startswith("compliance.")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a module's mutants: how many there were, and the names of those that no test noticed."""

    mutants: int
    survived: tuple[str, ...]

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survived)


@dataclass(frozen=True, slots=True)
class Explained:
    """Why some mutants may live on: those named, and those whose whole name matches one of the patterns."""

    because: str
    mutants: frozenset[str]
    like: tuple[re.Pattern[str], ...]

    def covers(self, mutant: str) -> bool:
        return mutant in self.mutants or any(pattern.fullmatch(mutant) for pattern in self.like)


def named(module: str, function: str, was: str, now: str) -> str:
    """The name of a mutant. Several lines are written in one, with ¶ between."""
    return f"{module}.{function}: {was} → {now}".replace("\n", " ¶ ")


def outcomes(text: str) -> dict[str, Outcome]:
    """Reads the last run: module by module."""
    return {module: Outcome(one["mutants"], tuple(one["survived"])) for module, one in json.loads(text).items()}


def written(found: Mapping[str, Outcome]) -> str:
    """What `outcomes` reads."""
    return json.dumps({module: asdict(one) for module, one in sorted(found.items())}, indent=1, ensure_ascii=False) + "\n"


def reasons(text: str) -> tuple[Explained, ...]:
    """Reads the explanations. Raises ValueError for one without a reason or without mutants, re.error for a faulty pattern."""
    found = []
    for number, entry in enumerate(tomllib.loads(text).get("explained", []), 1):
        because, mutants, like = entry.get("because", "").strip(), entry.get("mutants", []), entry.get("like", [])
        if not because or not (mutants or like):
            raise ValueError(f"explained[{number}] needs `because`, and `mutants` or `like`")
        found.append(Explained(because, frozenset(mutants), tuple(re.compile(pattern, re.DOTALL) for pattern in like)))
    return tuple(found)


def reason_for(mutant: str, explained: Iterable[Explained]) -> str | None:
    """Why this mutant may live on; None: nobody has said."""
    return next((one.because for one in explained if one.covers(mutant)), None)


def unexplained(found: Mapping[str, Outcome], explained: Sequence[Explained]) -> list[str]:
    """The mutants that lived on without a reason."""
    return [mutant for one in found.values() for mutant in one.survived if reason_for(mutant, explained) is None]


def page(found: Mapping[str, Outcome], explained: Sequence[Explained]) -> str:
    """The figures by module, then each mutant that lived on, under the reason why it may."""
    lines = ["| module | mutants | killed | survived |", "|---|---:|---:|---:|"]
    for module, one in sorted(found.items()):
        lines.append(f"| `compliance/{module}.py` | {one.mutants} | {one.killed} | {len(one.survived)} |")
    mutants, killed = sum(one.mutants for one in found.values()), sum(one.killed for one in found.values())
    lines += [f"| all | {mutants} | {killed} | {mutants - killed} |", ""]
    left = [(mutant, reason_for(mutant, explained)) for _, one in sorted(found.items()) for mutant in one.survived]
    for because in [*(one.because for one in explained), None]:
        here = [mutant for mutant, reason in left if reason == because]
        if here:
            lines += [f"**{because or 'Not explained yet.'}** ({len(here)})", "", *(f"- {_code(mutant)}" for mutant in here), ""]
    return "\n".join(lines)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def last_run() -> str:
    """The generated part of docs/mutation.md."""
    return page(outcomes(LAST.read_text(encoding="utf-8")), reasons(REASONS.read_text(encoding="utf-8")))
