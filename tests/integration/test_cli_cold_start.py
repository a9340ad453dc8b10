"""What a command waits for before it does anything: a process of its own tells which modules it has loaded at its end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.load import init_site

#: What the rest of Ringfence needs, and what takes most of a second or more to load.
HEAVY = frozenset(
    {"alembic", "apscheduler", "asterisk", "numpy", "pjsua2", "psycopg", "pydantic", "pydub", "rich", "soundfile", "sqlalchemy"}
    | {"structlog", "webrtcvad"}
)
PROBE = """
import sys
from dialer.cli.main import main
try:
    main(prog_name="ringfence")
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
HOME, NOON, NIGHT = "+12125550100", "2026-06-15T12:00:00-04:00", "2026-06-15T23:00:00-04:00"
ASKED = ("compliance", "check", "--number", HOME)


def loaded(*args: str, expect: int, stdin: str = "") -> set[str]:
    """The packages that are loaded when the command has ended."""
    done = subprocess.run([sys.executable, "-c", PROBE, *args], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("args", "exit_code", "stdin"),
    [
        ((*ASKED, "--at", NOON, "--json"), 0, ""),
        ((*ASKED, "--at", NIGHT, "--json"), 3, ""),
        ((*ASKED, "--at", "noon", "--json"), 2, ""),
        (("compliance", "check", "--number", "+33612345678", "--at", NIGHT, "--json"), 3, ""),
        (("compliance", "check", "--batch", "-"), 0, json.dumps({"number": HOME, "at": NOON}) + "\n"),
        (("compliance", "check", "--help"), 0, ""),
        (("compliance", "--help"), 0, ""),
        (("--help",), 0, ""),
        (("--version",), 0, ""),
        (("complience",), 2, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_gate_is_asked_without_a_database_a_phone_or_sound(args: tuple[str, ...], exit_code: int, stdin: str) -> None:
    assert loaded(*args, expect=exit_code, stdin=stdin) & HEAVY == set()


def test_a_command_that_works_on_a_site_does_load_what_it_needs(tmp_path: Path) -> None:
    site = init_site(tmp_path / "site")
    assert {"sqlalchemy", "pydantic", "structlog"} <= loaded("--site", str(site.directory), "campaign", "list", expect=0)
