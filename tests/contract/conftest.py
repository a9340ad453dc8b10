"""Every test of the contract runs over the simulator and over a real Asterisk of the lab."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.clock import ManualClock
from sip.lab import Lab, LabInfo
from sip.robot import Robots
from sip.unpack import Tree, ensure_tree
from tests.contract.harness import AsteriskHarness, Harness, SimulatorHarness


@pytest.fixture(scope="session")
def tree() -> Tree:
    return ensure_tree(lambda _: None)


@pytest.fixture(scope="session")
def contract_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabInfo]:
    """A lab of its own: the contract looks at all that is alive on its PBX."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield lab.up(agents=("101", "102"))
    finally:
        lab.down()


@pytest.fixture(scope="session")
def robots() -> Iterator[dict[str, Robots]]:
    """The agents at their phones, by agent id."""
    at_work: dict[str, Robots] = {}
    try:
        yield at_work
    finally:
        for agent in at_work.values():
            agent.stop()


@pytest.fixture(params=["simulator", pytest.param("asterisk", marks=pytest.mark.asterisk)])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made: Harness
    if request.param == "simulator":
        made = SimulatorHarness(ManualClock(datetime(2030, 1, 1, 12, tzinfo=UTC)))
    else:
        info = request.getfixturevalue("contract_lab")
        made = AsteriskHarness(info, request.getfixturevalue("tree"), tmp_path, request.getfixturevalue("robots"))
    try:
        yield made
    finally:
        made.close()
