"""A site on which people are known: what its commands say, what the gate says, and what was said to its floor."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from compliance.verdict import Candidate, Clearance, Refusal
from config.clock import ManualClock, SystemClock
from dialer.bootstrap import opened
from dialer.cli.main import main

Run = Callable[..., Result]

ANN = "+12125550123"
BOB = "+12125550199"


def runs(site: Path, *args: str, expect: int = 0) -> Result:
    """What a command says on the site."""
    done = CliRunner().invoke(main, ["--site", str(site), *args])
    assert done.exit_code == expect, f"{args}: exit {done.exit_code}\n{done.output}\n{done.exception!r}"
    assert "Traceback" not in done.output
    return done


def a_new_site(at: Path, template: Path) -> Path:
    """A site as `init` makes it; copied, for the database of a new one is brought up to date in a second."""
    if not template.exists():
        done = CliRunner().invoke(main, ["init", str(template)])
        assert done.exit_code == 0, done.output
    shutil.copytree(template, at)
    return at


def told(done: Result) -> Any:
    """What a command said with --json."""
    return json.loads(done.stdout)


def a_file(site: Path, content: str, name: str = "file.csv") -> str:
    path = site / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def words(site: Path) -> list[str]:
    """What was said to the floor."""
    connection = sqlite3.connect(site / "ringfence.db")
    try:
        return [kind for (kind,) in connection.execute("select kind from control order by id")]
    finally:
        connection.close()


def rest(site: Path, person: str, reason: str) -> None:
    """What the floor does with a lead that the gate refuses for want of facts."""
    connection = sqlite3.connect(site / "ringfence.db")
    with connection:
        connection.execute("update lead set state = 'refused', reason = ? where person = ?", (reason, person))
    connection.close()


def now() -> datetime:
    return SystemClock().now()


def days_ago(days: float) -> str:
    return (now() - timedelta(days=days)).isoformat()


def obeying(site: Path, *packs: str) -> None:
    """The site obeys these packs from now on."""
    settings = site / "ringfence.toml"
    text = settings.read_text()
    named = ", ".join(f'"{one}"' for one in packs)
    assert text.count('#packs = ["house"]') == 1
    settings.write_text(text.replace('#packs = ["house"]', f"packs = [{named}]"))


def noon_in_new_york() -> datetime:
    """Noon or one o'clock there, on a day after today: whatever the time is now, calls are permitted then."""
    return (now() + timedelta(days=1)).replace(hour=17, minute=0, second=0, microsecond=0)


def asked(
    site: Path,
    person: str = "c-1",
    number: str = ANN,
    *,
    campaign: str = "spring",
    later: timedelta = timedelta(0),
    **more: Any,
) -> Clearance | Refusal:
    """What the gate says of a call to them, at noon in New York."""
    with opened(site, ManualClock(noon_in_new_york() + later)) as parts:
        seller = parts.site.settings.seller
        return parts.ledger.preview(Candidate("question", person, number, campaign, seller, "boiler", **more))


def reasons(verdict: Clearance | Refusal) -> dict[str, str]:
    """Why not, by rule."""
    return {one.rule: one.text for one in verdict.reasons} if isinstance(verdict, Refusal) else {}
