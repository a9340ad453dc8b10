"""A whole floor at work, to have its PBX killed under it: a lab, agents on SIP phones, a long list, `ringfence run`.

The floor is a process of its own, as on a site; what it does is read from what it writes down.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

from compliance.verdict import Candidate, Clearance
from config.database import reading, writing
from config.ids import new_id
from config.load import init_site
from dialer import bootstrap, store
from dialer.benches.crash import CrashFailed
from dialer.floor import FloorCall
from dialer.leads import LeadRow
from dialer.store import Campaign, CampaignState
from recorder.store import pending
from sip import parts as lab_parts
from sip.carrier import COUNTRIES, Behaviour, number_for
from sip.lab import Lab, LabInfo
from sip.robot import start_robots
from sip.unpack import ensure_tree

AGENTS = ("101", "102", "103", "104")
TALK_S = (5.0, 30.0)  # how long agents talk: some calls end before the PBX is killed, most do not
CAMPAIGN = "crash"
#: Whoever answers and talks; a mix, so that there are numbers enough where few people may be rung.
TALKERS = (Behaviour.TALKS, Behaviour.SPEAKS_AFTER_3S, Behaviour.HANGS_UP_AFTER_40S, Behaviour.HANGS_UP_AFTER_15S)
PEOPLE_A_KILL = 12  # more than four agents talk to from one kill to the next
OPEN_FOR = timedelta(minutes=10)  # a country's calling hours go on for so long, and for every kill
OPEN_A_KILL = timedelta(seconds=40)  # so long again: or nobody is rung there
PATIENCE_S = 120.0
POLL_S = 0.05
_STOPS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class CrashFloor:
    """A floor that is dialing; `process` is its `ringfence run`."""

    parts: bootstrap.Opened
    lab: Lab
    info: LabInfo
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def cdrs(self) -> Path:
        """The file in which Asterisk keeps its CDRs."""
        return self.info.directory / "var/log/cdr-csv/Master.csv"

    def calls(self) -> list[FloorCall]:
        """Every call that was sent, oldest first."""
        with reading(self.parts.database) as connection:
            campaign = store.campaign_named(connection, CAMPAIGN)
            return store.attempts_of(connection, campaign_id=campaign.campaign_id)

    def answered_since(self, moment: datetime) -> bool:
        """Whether a call that was answered after it is up."""
        with reading(self.parts.database) as connection:
            up = [one.call for one in store.open_attempts(connection) if one.call.ended_at is None]
        return any(call.answered_at is not None and call.answered_at > moment for call in up)

    def settled(self) -> bool:
        """Whether no call is up and none waits to be archived."""
        with reading(self.parts.database) as connection:
            return not store.open_attempts(connection) and not pending(connection)

    def kill_pbx(self) -> datetime:
        """Ends Asterisk by SIGKILL and returns when that was asked for, once it is dead. Raises CrashFailed."""
        pid = self.lab.status().parts.get("asterisk")
        if pid is None:
            raise CrashFailed("Asterisk ended by itself")
        at = self.parts.clock.now()
        os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: lab_parts.ended(pid), "Asterisk is dead")
        lab_parts.reap({pid})
        return at

    def stop_dialing(self) -> None:
        """No further call is ordered, as soon as the floor has read it."""
        with writing(self.parts.database) as connection:
            store.set_campaign_state(connection, CAMPAIGN, CampaignState.STOPPED)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Looks again and again until it is so. Raises CrashFailed when it does not come to be, or the floor has ended."""
        pause, deadline = threading.Event(), self.parts.clock.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise CrashFailed(f"the floor ended with {self.process.returncode}: {self._last_words()}")
            if self.parts.clock.monotonic() > deadline:
                raise CrashFailed(f"{what}: not within {seconds:g} s; the floor said: {self._last_words()}")
            pause.wait(POLL_S)

    def _last_words(self) -> str:
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-3:]) or "nothing"


@contextmanager
def crash_floor(directory: Path, kills: int, say: Callable[[str], None]) -> Iterator[CrashFloor]:
    """A floor in `directory`, which becomes a site, with people for so many kills; taken down at the end of the block.

    To be used from the main thread. Raises CrashFailed when nobody may be rung now, LabError.
    """
    site = init_site(directory, lab=True)
    lab = bootstrap.lab_of(site)
    try:
        info = lab.up(AGENTS, say)
        with bootstrap.opened(directory) as parts:
            _make_list(parts, kills)
            accounts = [(agent, info.password(agent)) for agent in AGENTS]
            robots = start_robots(ensure_tree(say), accounts, info.sip_host, info.sip_port, directory / "agents", talk_s=TALK_S)
            try:
                with _running(directory) as (process, log):
                    yield CrashFloor(parts, lab, info, process, log)
            finally:
                robots.stop()
    finally:
        lab.down()


@contextmanager
def _running(site: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`ringfence run` on the site, and where it logs; it ends with us, however we end. Raises CrashFailed if it ends badly."""
    log = site / "run.log"
    leash = [sys.executable, "-P", "-m", "sip.leash", str(os.getpid()), str(site)]
    command = [*leash, sys.executable, "-P", "-m", "dialer.cli", "--site", str(site), "run"]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)  # noqa: S603 -- ours, without a shell
    try:
        yield process, log
        process.terminate()
        if process.wait(_STOPS_WITHIN_S) != 0:
            raise CrashFailed(f"the floor ended with {process.returncode}")
    except subprocess.TimeoutExpired:
        raise CrashFailed(f"the floor did not end within {_STOPS_WITHIN_S:g} s") from None
    finally:
        process.kill()
        process.wait()


def _make_list(parts: bootstrap.Opened, kills: int) -> None:
    """The campaign, its people, each to be rung once, and the agents. Raises CrashFailed when nobody may be rung now."""
    now = parts.clock.now()
    numbers = _numbers(parts, OPEN_FOR + kills * OPEN_A_KILL)[: kills * PEOPLE_A_KILL]
    if not numbers:
        raise CrashFailed(f"it is outside calling hours in {', '.join(COUNTRIES)}, or soon will be: try again later")
    rows = [LeadRow(line, f"customer-{number[1:]}", "", (number,), "", "") for line, number in enumerate(numbers, 2)]
    campaign = Campaign(
        new_id(now),
        CAMPAIGN,
        CampaignState.RUNNING,
        subject=CAMPAIGN,
        purpose="sales",
        disclosure="disclosure-en",
        safe_harbour="safe-harbour-en",
        channels=50,
        max_attempts=1,
        ring_for=timedelta(seconds=15),
    )
    with writing(parts.database) as connection:
        store.add_campaign(connection, campaign, now)
        store.add_leads(connection, campaign.campaign_id, "crash.csv", rows, now)
        for agent in AGENTS:
            store.add_agent(connection, agent, f"Robot {agent}", now)


def _numbers(parts: bootstrap.Opened, needed: timedelta) -> list[str]:
    """The numbers of those who may be rung from now on for as long as is needed, and who will answer."""
    awake = [country for country in COUNTRIES if _is_open(parts, number_for(TALKERS[0], 0, country), needed)]
    return [
        number_for(behaviour, index, country)
        for country in awake
        for index, behaviour in product(range(len(COUNTRIES[country])), TALKERS)
    ]


def _is_open(parts: bootstrap.Opened, number: str, needed: timedelta) -> bool:
    candidate = Candidate("preview", "nobody", number, CAMPAIGN, parts.site.settings.seller, CAMPAIGN)
    match parts.ledger.preview(candidate):
        case Clearance(closes_at=closes_at):
            return closes_at is None or closes_at - parts.clock.now() > needed
        case _:
            return False
