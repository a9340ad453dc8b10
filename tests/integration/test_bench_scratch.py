"""What a bench writes is gone when it is over, and what a killed one left is gone with the next."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from dialer.benches.scratch import LOCK, PREFIX, scratch_directory

OWNER = """
import os, sys
from pathlib import Path
from dialer.benches.scratch import scratch_directory
with scratch_directory(Path(sys.argv[1])) as directory:
    (directory / "ledger.db").write_text("gigabytes")
    print(directory, flush=True)
    sys.stdin.read()
"""


def test_the_directory_of_a_killed_bench_goes_with_the_next_and_a_living_ones_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", OWNER, str(tmp_path)]
    with scratch_directory(tmp_path) as living:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
            assert owner.stdout
            left = Path(owner.stdout.readline().strip())
            os.kill(owner.pid, signal.SIGKILL)
        assert (left / "ledger.db").exists()
        with scratch_directory(tmp_path) as other:
            assert {path.name for path in tmp_path.iterdir()} == {living.name, other.name}
    assert not list(tmp_path.iterdir())


def test_a_directory_that_only_looks_like_a_benchs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}of-somebody").mkdir()
    (tmp_path / LOCK).touch()
    with scratch_directory(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {f"{PREFIX}of-somebody", LOCK}
