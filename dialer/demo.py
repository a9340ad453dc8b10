"""The demonstration: a whole floor on one machine, every part of it real.

A lab PBX, four agents on SIP phones, forty leads of every behaviour, some of whom may not be rung now, and a report
made from what was written down. Nothing is staged: the refusals come from the gate, the figures from the calls, and
each recording is read back and searched for the disclosure prompt.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import available_timezones

from compliance.verdict import Candidate, Clearance, Refusal
from config.database import reading, writing
from config.ids import new_id
from config.load import SETTINGS_FILE, init_site
from dialer import bootstrap, metrics, store
from dialer.dispositions import LeadState
from dialer.floor import Floor
from dialer.leads import LeadRow, read
from dialer.sheets import decode
from dialer.store import Campaign, CampaignState
from recorder.catalogue import Wanted, list_recordings
from recorder.disclosure import Verdict
from recorder.store import pending
from recorder.verification import verify_all
from sip.carrier import COUNTRIES, Behaviour, number_for
from sip.robot import start_robots
from sip.unpack import ensure_tree

#: Who is in the list, for forty leads; other sizes keep the proportions. The last three groups may not be rung.
MIX: tuple[tuple[Behaviour, int], ...] = (
    (Behaviour.TALKS, 10),
    (Behaviour.SPEAKS_AFTER_3S, 2),
    (Behaviour.HANGS_UP_AFTER_5S, 2),
    (Behaviour.HANGS_UP_AFTER_15S, 2),
    (Behaviour.HANGS_UP_AT_ONCE, 2),
    (Behaviour.PRESSES_9, 1),
    (Behaviour.VOICEMAIL, 1),
    (Behaviour.RINGS_OUT, 2),
    (Behaviour.BUSY, 2),
    (Behaviour.UNAVAILABLE, 1),
    (Behaviour.REJECTS, 2),
    (Behaviour.UNOBTAINABLE, 2),
    (Behaviour.CONGESTED, 1),
)
ASLEEP = 4  # in a country where it is night
LISTED = 3  # on the do-not-call list
RUNG_ALREADY = 3  # rung by the other campaign, on another number, within the hour

CAMPAIGN = "spring-offer"
OTHER_CAMPAIGN = "renewals"
WRAP_UP = "wrap_up_seconds = 20"  # a simulated agent who forgets to judge a call must not hold the demonstration up
TALK_S = (4.0, 9.0)  # how long the agents talk
MARGIN = timedelta(minutes=15)  # a country counts as open, or as closed, if it stays so during the demonstration


class NoCountryOpen(RuntimeError):
    """No country the lab can ring has calling hours now; told rather than rung outside them."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the lists that the demonstration imports."""

    phone: str
    name: str
    person: str


@dataclass(frozen=True, slots=True)
class Lists:
    """What is imported: two campaigns' leads, and numbers that asked not to be called."""

    leads: tuple[Listed, ...]
    other: tuple[Listed, ...]
    dnc: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingLine:
    """One recording as the report shows it."""

    call_id: str
    path: Path
    seconds: float
    verified: bool
    disclosure: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the demonstration did, `finished` or not.

    `disclosure_verified` counts the conversations in whose recording the whole disclosure was found before the agent.
    `connect_p95_ms` is from the answer to the agent's line in the customer's ear, the prompt's own length left out, as
    measured in the recordings; `signalled_p95_ms` is the same by the PBX's events.
    """

    finished: bool
    leads: int
    placed: int
    refused: int
    refused_by_rule: dict[str, int]
    answered: int
    bridged: int
    abandoned: int
    dispositions: dict[str, int]
    connect_p50_ms: float | None
    connect_p95_ms: float | None
    signalled_p50_ms: float | None
    signalled_p95_ms: float | None
    recordings: int
    recordings_verified: int
    disclosure_verified: int
    recording_lines: tuple[RecordingLine, ...]
    problems: tuple[str, ...]
    archive: Path
    workdir: Path

    @property
    def broken_promises(self) -> tuple[str, ...]:
        """What a demonstration must show and this one did not, one line each."""
        broken = list(self.problems)
        if not self.finished:
            broken.append("it did not finish in its time")
        if self.recordings != self.answered:
            broken.append(f"{self.recordings} recordings of {self.answered} answered calls")
        if self.disclosure_verified < self.bridged:
            broken.append(f"the disclosure was proven in {self.disclosure_verified} of {self.bridged} conversations")
        return tuple(broken)


def lists(size: int, may_ring: Callable[[str], bool | None]) -> Lists:
    """The people of a list of `size`; `may_ring` says whether it is calling time where a number is (None: that changes soon).

    Raises NoCountryOpen when there is nobody who may be rung now.
    """
    hours = {country: may_ring(number_for(Behaviour.TALKS, 0, country)) for country in COUNTRIES}
    awake = [country for country, is_open in hours.items() if is_open]
    asleep = [country for country, is_open in hours.items() if is_open is False]
    if not awake:
        raise NoCountryOpen(f"it is outside calling hours in {', '.join(COUNTRIES)}: nobody is rung; try again later")
    share = size / 40
    used: Counter[tuple[Behaviour, str]] = Counter()

    def person(behaviour: Behaviour, country: str, name: str) -> Listed:
        index = used[behaviour, country]
        used[behaviour, country] += 1
        number = number_for(behaviour, index, country)
        return Listed(number, f"{name} {index + 1}", f"customer-{number[1:]}")

    def several(count: int) -> range:
        return range(max(1, round(count * share)))

    home = awake[0]
    leads = [person(behaviour, home, behaviour.name.lower()) for behaviour, count in MIX for _ in several(count)]
    for country in asleep[:1]:
        leads += [person(Behaviour.TALKS, country, "asleep") for _ in several(ASLEEP)]
    listed = [person(Behaviour.TALKS, home, "listed") for _ in several(LISTED)]
    talkers = [lead for lead in leads if lead.name.startswith("talks")]
    other = [
        Listed(person(Behaviour.TALKS, home, "other").phone, one.name, one.person)
        for one, _ in zip(talkers, several(RUNG_ALREADY), strict=False)
    ]
    return Lists((*leads, *listed), tuple(other), tuple(one.phone for one in listed))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    leads: int
    settled: int  # leads that will not be rung again today
    floor: Floor | None


class Demo:
    """One demonstration in `directory`, which becomes a site. Call the steps in order, from the main thread."""

    def __init__(self, directory: Path, leads: int, agents: int) -> None:
        self._directory = directory
        self._size = leads
        self._agents = tuple(str(101 + index) for index in range(agents))
        self._floor: Floor | None = None

    @contextmanager
    def running(self, say: Callable[[str], None]) -> Iterator["RunningDemo"]:
        """Everything up and dialing from the start of the block; taken down at its end."""
        site = init_site(self._directory, lab=True)
        settings = self._directory / SETTINGS_FILE
        settings.write_text(settings.read_text(encoding="utf-8").replace("#wrap_up_seconds = 120", WRAP_UP), encoding="utf-8")
        lab = bootstrap.lab_of(site)
        try:
            info = lab.up(self._agents, say)
            with bootstrap.opened(self._directory) as parts:
                say("importing the lists")
                self._import(parts)
                say(f"logging in {len(self._agents)} agents: each hears the line check and answers it")
                accounts = [(agent, info.password(agent)) for agent in self._agents]
                robots = start_robots(
                    ensure_tree(say), accounts, info.sip_host, info.sip_port, self._directory / "agents", talk_s=TALK_S
                )
                try:
                    with bootstrap.running(parts, self._watch):
                        yield RunningDemo(parts, lambda: self._floor)
                finally:
                    robots.stop()
        finally:
            lab.down()

    def _watch(self, floor: Floor) -> None:
        self._floor = floor

    def _import(self, parts: bootstrap.Opened) -> None:
        people = lists(self._size, lambda number: _may_ring(parts, number))
        files = self._directory / "lists"
        files.mkdir(exist_ok=True)
        now = parts.clock.now()
        for name, rows in ((CAMPAIGN, people.leads), (OTHER_CAMPAIGN, people.other)):
            path = files / f"{name}.csv"
            _write_csv(path, rows)
            read_back = read(decode(path.read_bytes()).text, parts.site.settings.region, {}, frozenset(available_timezones()))
            good = [row for row in read_back if isinstance(row, LeadRow)]
            campaign = Campaign(
                new_id(now),
                name,
                CampaignState.RUNNING,
                subject=name,
                purpose="sales",
                disclosure="disclosure-en",
                safe_harbour="safe-harbour-en",
                channels=50,
                max_attempts=1,
                ring_for=timedelta(seconds=15),
            )
            with writing(parts.database) as connection:
                store.add_campaign(connection, campaign, now)
                store.add_leads(connection, campaign.campaign_id, path.name, good, now)
        for number in people.dnc:
            parts.ledger.suppress(number=number, reason="asked not to be called", source="demonstration")
        with writing(parts.database) as connection:
            for agent in self._agents:
                store.add_agent(connection, agent, f"Robot {agent}", now)


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """A demonstration that is dialing."""

    parts: bootstrap.Opened
    floor: Callable[[], Floor | None]

    def progress(self) -> Progress:
        """How many leads are done with, of how many."""
        with reading(self.parts.database) as connection:
            leads = [
                lead for campaign in store.campaigns(connection) for lead in store.leads_of(connection, campaign.campaign_id)
            ]
        now = self.parts.clock.now()
        settled = sum(lead.state not in {LeadState.NEW, LeadState.DIALING} and not _due(lead, now) for lead in leads)
        return Progress(len(leads), settled, self.floor())

    def is_over(self) -> bool:
        """Nobody is left to ring, no call is up or in wrap-up, and every recording is settled."""
        progress = self.progress()
        if progress.settled < progress.leads or progress.floor is None or progress.floor.calls:
            return False
        with reading(self.parts.database) as connection:
            return not store.open_attempts(connection) and not pending(connection)

    def report(self, *, finished: bool = True) -> Report:
        """What was done, from what was written down."""
        with reading(self.parts.database) as connection:
            campaigns = store.campaigns(connection)
            leads = [lead for campaign in campaigns for lead in store.leads_of(connection, campaign.campaign_id)]
            calls = [call for campaign in campaigns for call in store.attempts_of(connection, campaign_id=campaign.campaign_id)]
        figures = metrics.figures([(call.call, call.disposition) for call in calls])
        rung = {call.lead_id for call in calls}
        refused = [lead for lead in leads if lead.lead_id not in rung and lead.reason]
        found = list_recordings(self.parts.database, Wanted(limit=100_000))
        findings = verify_all(self.parts.database, self.parts.vault)
        connects = [float(one.connect_ms) for one in found if one.connect_ms is not None]
        bad = {finding.call_id for finding in findings}
        lines = tuple(
            RecordingLine(
                one.call_id,
                self.parts.site.archive / one.path,
                one.duration_ms / 1000,
                verified=one.call_id not in bad,
                disclosure=one.disclosure,
            )
            for one in found
        )
        return Report(
            finished=finished,
            leads=len(leads),
            placed=figures.placed,
            refused=len(refused),
            refused_by_rule=dict(Counter(rule for lead in refused for rule in _rules(lead.reason))),
            answered=figures.answered,
            bridged=figures.bridged,
            abandoned=figures.abandoned,
            dispositions=figures.dispositions,
            connect_p50_ms=metrics.percentile(connects, 0.5),
            connect_p95_ms=metrics.percentile(connects, 0.95),
            signalled_p50_ms=figures.signalled_p50_ms,
            signalled_p95_ms=figures.signalled_p95_ms,
            recordings=len(lines),
            recordings_verified=sum(line.verified for line in lines),
            disclosure_verified=sum(one.disclosure is Verdict.PROVEN and one.bridged_at is not None for one in found),
            recording_lines=lines,
            problems=tuple(f"{finding.call_id}: {finding.text}" for finding in findings),
            archive=self.parts.site.archive,
            workdir=self.parts.site.directory,
        )


def _rules(reason: str) -> list[str]:
    return [part.split(":", 1)[0] for part in reason.split("; ")]


def _due(lead: store.Lead, now: datetime) -> bool:
    return lead.state is LeadState.READY and lead.next_at <= now + timedelta(seconds=30)


def _may_ring(parts: bootstrap.Opened, number: str) -> bool | None:
    """Whether the gate would let somebody nobody knows be rung on the number now; None if the answer changes in a while."""
    candidate = Candidate("preview", "nobody", number, CAMPAIGN, parts.site.settings.seller, CAMPAIGN)
    match parts.ledger.preview(candidate):
        case Clearance(closes_at=closes_at):
            return True if closes_at is None or closes_at - parts.clock.now() > MARGIN else None
        case Refusal(retry_at=retry_at):
            return False if retry_at is None or retry_at - parts.clock.now() > MARGIN else None


def _write_csv(path: Path, rows: tuple[Listed, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("phone", "name", "person"))
        writer.writerows((row.phone, row.name, row.person) for row in rows)
