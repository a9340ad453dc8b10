"""One site on a real database and a floor on a simulated PBX, both moved by hand: for the tests of the whole floor."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from compliance.budget import HOUSE_POLICY, BudgetPolicy
from compliance.packs import Pack
from compliance.store import Ledger
from config.clock import ManualClock
from config.database import reading, writing
from config.ids import new_id
from dialer import store
from dialer.floor import Floor, FloorCall, FloorPolicy, Item, Tick
from dialer.leads import LeadRow
from dialer.service import FloorService
from dialer.store import Campaign, CampaignState
from recorder.capture import CapturePolicy
from sip.simulator import Simulator
from sip.subscribers import Answers, Subscriber

NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)  # Wednesday noon in New York
TALKER = Answers(rings_for=timedelta(seconds=3), talks_for=timedelta(seconds=20))


@dataclass
class Site:
    """One site on disk; `floor()` starts a floor on it, again and again."""

    directory: Path
    clock: ManualClock
    database: Engine
    ledger: Ledger
    packs: tuple[Pack, ...] = ()
    budget_policy: BudgetPolicy = HOUSE_POLICY
    script: dict[str, Subscriber] = field(default_factory=dict)

    def lead(self, campaign_id: str, number: str, subscriber: Subscriber, person: str = "", more: tuple[str, ...] = ()) -> None:
        self.script[number] = subscriber
        row = LeadRow(len(self.script), person or number, "", (number, *more), "", "")
        with writing(self.database) as connection:
            store.add_leads(connection, campaign_id, "test", [row], self.clock.now())

    def campaign(self, name: str = "spring", max_attempts: int = 1, capture: CapturePolicy | None = None) -> str:
        made = Campaign(
            new_id(self.clock.now()),
            name,
            CampaignState.RUNNING,
            subject="offer",
            purpose="sales",
            disclosure="disclosure-en",
            safe_harbour="safe-harbour-en",
            channels=50,
            max_attempts=max_attempts,
            ring_for=timedelta(seconds=20),
            capture=capture or CapturePolicy(),
        )
        with writing(self.database) as connection:
            store.add_campaign(connection, made, self.clock.now())
        return made.campaign_id

    def agents(self, *agent_ids: str) -> None:
        with writing(self.database) as connection:
            for agent_id in agent_ids:
                store.add_agent(connection, agent_id, agent_id, self.clock.now())

    def leads(self) -> dict[str, store.Lead]:
        with reading(self.database) as connection:
            return {
                lead.numbers[0]: lead
                for campaign in store.campaigns(connection)
                for lead in store.leads_of(connection, campaign.campaign_id)
            }

    def calls(self) -> list[FloorCall]:
        with reading(self.database) as connection:
            return [
                call
                for campaign in store.campaigns(connection)
                for call in store.attempts_of(connection, campaign_id=campaign.campaign_id)
            ]


class RunningFloor:
    """A floor on a simulated PBX, both moved by hand in one thread; dropped without a word, it has crashed."""

    def __init__(self, site: Site, pbx: Simulator | None = None) -> None:
        self.site = site
        self.pbx = pbx or Simulator(site.clock, site.script.__getitem__)
        self.items: deque[Item] = deque()
        self.prompts = {"disclosure-en", "safe-harbour-en"}
        self.service = FloorService(
            site.database,
            site.clock,
            site.ledger,
            self.pbx,
            seller="us",
            trunk="carrier",
            caller_id="+12125550100",
            policy=FloorPolicy(wrap_up=timedelta(seconds=30)),
            has_prompt=lambda prompt: prompt in self.prompts,
            packs=site.packs,
            budget_policy=site.budget_policy,
        )
        self.service.take_over()
        self.pbx.start(self.items.append)
        self.settle()

    def settle(self) -> None:
        """Takes in what the PBX told, and a tick."""
        self.items.append(Tick(self.site.clock.now()))
        while self.items:
            self.service.handle(self.items.popleft())

    def advance(self, seconds: float, step: float = 0.25) -> Floor:
        """Moves the PBX and the floor together."""
        for _ in range(int(seconds / step)):
            self.pbx.advance_to(self.site.clock.now() + timedelta(seconds=step))
            self.settle()
        return self.service.floor
