"""The import contracts hold everything they should hold: a list of names cannot fall behind the modules."""

import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).parents[2]
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
(PURITY,) = [contract for contract in LINTER["contracts"] if contract["name"].startswith("Decisions reach no I/O")]
(LAYERS,) = [contract for contract in LINTER["contracts"] if contract["type"] == "layers"]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*LINTER["root_packages"], include_external_packages=True, cache_dir=None)


def ours(graph: grimp.ImportGraph) -> set[str]:
    """Modules of ours, packages left out."""
    return {
        module
        for module in graph.modules
        if module.partition(".")[0] in LINTER["root_packages"] and "." in module and not graph.find_children(module)
    }


def test_every_module_that_reaches_no_io_is_held_to_it(graph: grimp.ImportGraph) -> None:
    impure = set(PURITY["forbidden_modules"])
    found = {module for module in ours(graph) if not graph.find_upstream_modules(module) & impure}
    assert sorted(found - set(PURITY["source_modules"]) - {"config.migrations.versions"}) == []


def test_every_package_of_the_repository_has_its_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(LAYERS["layers"]) == set(LINTER["root_packages"])


def test_every_package_is_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(LINTER["root_packages"])
    assert set(project["tool"]["coverage"]["run"]["source"]) == set(LINTER["root_packages"])
