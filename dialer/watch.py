"""How many calls has each running campaign abandoned, as of now? Asks the ledger, and writes down that a campaign is stopped.

The rule it protects: what cannot be measured is not dialed. What is measured is told to the floor, which decides (`halting`).
A stop and its alert are one transaction: after a kill -9 there are both of them, or the next run measures before it dials.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Engine

from compliance.answered import Answered, Measured
from compliance.budget import Budget, BudgetPolicy
from compliance.packs import Pack
from config.database import reading, writing
from config.logs import get
from config.schema import GateSettings
from dialer import store
from dialer.floor import Alert, AlertKind, BudgetsMeasured, Halt
from dialer.store import Campaign
from recorder.store import alarm

LOG = get("dialer.watch")

EVERY = timedelta(seconds=1)


def policy_of(gate: GateSettings) -> BudgetPolicy:
    """What the site adds to the rules; the share as it is written in the settings, not as a float has it."""
    return BudgetPolicy(Decimal(str(gate.abandonment_alert_share)), gate.abandonment_minimum_answers)


class AbandonmentWatch:
    """Measures the campaigns of one seller. Not safe for threads: the floor's thread owns it."""

    def __init__(self, database: Engine, packs: Sequence[Pack], seller: str, policy: BudgetPolicy) -> None:
        self._database = database
        self._packs = tuple(packs)
        self._seller = seller
        self._policy = policy
        self._answered: dict[str, Answered] = {}
        self._asked_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to measure again though nothing happened; then it is not for another second."""
        if self._asked_at is not None and self._asked_at <= now < self._asked_at + EVERY:
            return False
        self._asked_at = now
        return True

    def measured(self, campaigns: Iterable[Campaign], now: datetime) -> list[BudgetsMeasured]:
        """Where these campaigns stand with the rules of abandonment; budgets of None for what could not be found out."""
        return [BudgetsMeasured(campaign.campaign_id, self._budgets(campaign, now), now) for campaign in campaigns]

    def halt(self, command: Halt) -> None:
        """Writes down that the campaign is stopped, and raises the alert."""
        text = f"campaign {command.campaign} is halted: {command.because}; `ringfence campaign review` lets it be started again"
        alert = Alert(AlertKind.ABANDONMENT_OVER, text, command.at)
        LOG.warning(alert.kind.value, text=text)
        with writing(self._database) as connection:
            store.halt_campaign(connection, command.campaign_id, command.because, command.at)
            alarm(connection, alert, alert.at)

    def _budgets(self, campaign: Campaign, now: datetime) -> tuple[Budget, ...] | None:
        of = Measured(campaign.name, self._seller, campaign.purpose, campaign.started_at)
        answered = self._answered.setdefault(campaign.campaign_id, Answered(self._packs, of, self._policy))
        try:
            with reading(self._database) as connection:
                return answered.budgets(connection, now)
        except Exception:  # whatever is wrong with the ledger: nothing is dialed on it, and the calls that are up go on
            LOG.exception("abandonment_not_measured", campaign=campaign.campaign_id)
            del self._answered[campaign.campaign_id]  # read anew next time, whatever was half read
            return None
