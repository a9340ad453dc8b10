"""A site as `ringfence init` makes it, and its commands as people and scripts type them: for the tests of what they say.

The fixtures `site` and `run` of tests/integration/conftest.py are made of these.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dialer.cli.main import main

Run = Callable[..., Result]


def invoked(*args: str, expect: int = 0) -> Result:
    """What a command says, and that it ends with this exit code and never with a traceback."""
    done = CliRunner().invoke(main, args)
    assert done.exit_code == expect, f"{args}: exit {done.exit_code}\n{done.output}\n{done.exception!r}"
    assert "Traceback" not in done.output
    return done


def runs(site: Path, *args: str, expect: int = 0) -> Result:
    """What a command says on the site."""
    return invoked("--site", str(site), *args, expect=expect)


def told(done: Result) -> Any:
    """What a command said with --json."""
    return json.loads(done.stdout)


def a_file(site: Path, content: str | bytes, name: str = "list.csv") -> str:
    """The path of a file with this in it."""
    path = site / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def obeying(site: Path, *packs: str) -> None:
    """The site obeys these packs from now on."""
    settings = site / "ringfence.toml"
    text, found = re.subn(r"(?m)^#?packs = .*$", f"packs = {json.dumps(packs)}", settings.read_text(encoding="utf-8"))
    assert found == 1
    settings.write_text(text, encoding="utf-8")


def words(site: Path) -> list[str]:
    """What was said to the floor."""
    connection = sqlite3.connect(site / "ringfence.db")
    try:
        return [kind for (kind,) in connection.execute("select kind from control order by id")]
    finally:
        connection.close()
