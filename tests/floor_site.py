"""A whole site on a real lab PBX, for tests that ring real calls: agents are robots, the floor is a process of its own."""

import csv
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from compliance.verdict import Candidate, Clearance
from config.database import open_database, reading
from config.ids import ID_LENGTH
from config.load import init_site
from dialer import bootstrap
from sip.carrier import COUNTRIES, Behaviour, number_for
from sip.lab import LabInfo
from sip.robot import start_robots
from sip.unpack import ensure_tree

RINGFENCE = (sys.executable, "-m", "dialer.cli")
PATIENCE_S = 120.0


@dataclass
class FloorSite:
    """One site: its directory, its lab, and commands run in it as a person would."""

    directory: Path
    lab: LabInfo

    def command(self, *args: str, expect: int = 0) -> Any:
        """Runs `ringfence … --json` in the site and returns what it printed."""
        argv = [*RINGFENCE, "--site", str(self.directory), *args, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == expect, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout else None

    def start_floor(self, *args: str) -> subprocess.Popen[bytes]:
        """Starts `ringfence run`, its log in the site."""
        with (self.directory / "run.log").open("ab") as log:
            return subprocess.Popen([*RINGFENCE, "--site", str(self.directory), "run", *args], stdout=log, stderr=log)

    def log(self) -> str:
        return (self.directory / "run.log").read_text(errors="replace")

    def placed_by_pbx(self) -> set[str]:
        """The customer legs that the PBX's own call records know, by id: a witness that is not us."""
        path = self.lab.directory / "var/log/cdr-csv/Master.csv"
        rows = csv.reader(path.read_text().splitlines()) if path.exists() else ()
        return {row[-1] for row in rows if len(row[-1]) == ID_LENGTH}

    @contextmanager
    def robots(self, *agents: str, talk_s: tuple[float, float] = (3.0, 5.0)) -> Iterator[None]:
        accounts = [(agent, self.lab.password(agent)) for agent in agents]
        tree = ensure_tree(lambda _text: None)
        directory = self.directory / "agents"
        robots = start_robots(tree, accounts, self.lab.sip_host, self.lab.sip_port, directory, talk_s=talk_s)
        try:
            yield
        finally:
            robots.stop()


DEAF = """
import sys
from config.clock import SystemClock
from sip.softphone import PhoneAccount, Softphone
phone = Softphone(PhoneAccount(sys.argv[1], sys.stdin.readline().strip(), sys.argv[2], int(sys.argv[3])), SystemClock())
while True:
    phone.step()
"""


@contextmanager
def deaf_phone(lab: LabInfo, agent: str) -> Iterator[None]:
    """A phone that logs in again and again and never answers the line check."""
    argv = [sys.executable, "-c", DEAF, agent, lab.sip_host, str(lab.sip_port)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as phone:
        assert phone.stdin
        phone.stdin.write(lab.password(agent) + "\n")
        phone.stdin.flush()
        try:
            yield
        finally:
            phone.kill()


@contextmanager
def floor_site(directory: Path, *agents: str) -> Iterator[FloorSite]:
    """A site with its lab up and these agents on the roster; everything ends with the block."""
    site = init_site(directory, lab=True)
    lab = bootstrap.lab_of(site)
    try:
        made = FloorSite(directory, lab.up(agents))
        for agent in agents:
            made.command("agent", "add", agent)
        yield made
    finally:
        lab.down()


def open_country(site: FloorSite) -> str:
    """A country where people may be rung now; the gate decides, as everywhere."""
    with bootstrap.opened(site.directory) as parts:
        for country in COUNTRIES:
            verdict = parts.ledger.preview(Candidate("x", "x", number_for(Behaviour.TALKS, 0, country), "c", "s", "s"))
            if isinstance(verdict, Clearance):
                return country
    raise AssertionError("the countries of the lab's carrier leave no hour of the day uncovered")


def a_campaign(site: FloorSite, behaviours: Sequence[Behaviour], *options: str) -> list[str]:
    """A running campaign of one lead for each behaviour, through the commands people use; the numbers, in order."""
    country = open_country(site)
    counts: Counter[Behaviour] = Counter()
    numbers = []
    for behaviour in behaviours:
        numbers.append(number_for(behaviour, counts[behaviour], country))
        counts[behaviour] += 1
    leads = site.directory / "leads.csv"
    leads.write_text("phone\n" + "".join(f"{number}\n" for number in numbers))
    site.command("campaign", "create", "spring", "--max-attempts", "1", "--ring-seconds", "15", *options)
    assert site.command("list", "import", str(leads), "--campaign", "spring")["added"] == len(numbers)
    site.command("campaign", "start", "spring")
    return numbers


def rows(site: FloorSite, query: str) -> list[Any]:
    """What the site's database answers."""
    database = open_database(f"sqlite:///{site.directory / 'ringfence.db'}")
    try:
        with reading(database) as connection:
            return list(connection.execute(text(query)).all())
    finally:
        database.dispose()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Looks again and again until it is so; fails loudly when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        select_nothing(0.05)


def select_nothing(seconds: float) -> None:
    """Lets others run between two looks."""
    select.select([], [], [], seconds)


def family(pid: int) -> set[int]:
    """The process's children and theirs."""
    found: set[int] = set()
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        children = {int(child) for child in listed.read_text().split()}
        found |= children.union(*(family(child) for child in children))
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and waits for the body."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
