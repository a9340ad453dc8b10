"""Campaigns on disk: what they are, whether they are dialed, and what stopped them. Each function is part of a transaction."""

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Update, insert, or_, select, update
from sqlalchemy.engine import Connection

from dialer.floor import CampaignView
from dialer.tables import CampaignRow
from recorder.capture import CaptureFrom, CaptureMode, CapturePolicy
from sip.port import DisclosedBy


class CampaignState(StrEnum):
    """Whether a campaign is dialed."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"  # stopped by a rule; started again only after a review


class NotFound(LookupError):
    """Nothing has that name or id; the text says what was looked for."""


class AlreadyThere(ValueError):
    """The name is taken."""


class NotReviewed(Exception):
    """A rule stopped the campaign, and nobody has reviewed that yet."""


class NothingToReview(ValueError):
    """No rule has stopped the campaign since it was last reviewed."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as configured."""

    campaign_id: str
    name: str
    state: CampaignState
    subject: str
    purpose: str
    disclosure: str
    safe_harbour: str
    channels: int
    max_attempts: int
    ring_for: timedelta
    started_at: datetime | None = None  # for the first time
    halted_at: datetime | None = None
    halted_because: str | None = None
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    review_note: str | None = None
    capture: CapturePolicy = field(default_factory=CapturePolicy)

    @property
    def needs_review(self) -> bool:
        """Whether a rule has stopped it, and nobody has looked at that since."""
        return self.halted_at is not None and (self.reviewed_at is None or self.reviewed_at < self.halted_at)


def add_campaign(connection: Connection, campaign: Campaign, now: datetime) -> None:
    """Raises AlreadyThere when the name is taken. One that is made running has started."""
    if connection.execute(select(CampaignRow.campaign_id).where(CampaignRow.name == campaign.name)).first():
        raise AlreadyThere(f"a campaign is called {campaign.name!r} already")
    values = {one.name: getattr(campaign, one.name) for one in fields(campaign)}
    values |= _capture_values(values.pop("capture"))
    values["ring_seconds"] = values.pop("ring_for").total_seconds()
    if campaign.state is CampaignState.RUNNING:
        values["started_at"] = campaign.started_at or now
    connection.execute(insert(CampaignRow).values(**values, created_at=now))


def campaigns(connection: Connection) -> list[Campaign]:
    """All campaigns, oldest first."""
    return [_campaign(row) for row in connection.execute(select(CampaignRow.__table__).order_by(CampaignRow.created_at))]


def campaign_named(connection: Connection, name: str) -> Campaign:
    """Raises NotFound, telling which there are."""
    found = {campaign.name: campaign for campaign in campaigns(connection)}
    if name not in found:
        raise NotFound(f"no campaign is called {name!r}; there are: {', '.join(sorted(found)) or 'none yet'}")
    return found[name]


def set_campaign_state(connection: Connection, name: str, state: CampaignState) -> None:
    """Raises NotFound, and NotReviewed where a campaign is to run that a rule stopped and nobody has reviewed."""
    campaign = campaign_named(connection, name)
    change = _row_of(campaign)
    if state is CampaignState.RUNNING:  # asked of the row itself: it may be halted at this moment
        change = change.where(or_(CampaignRow.halted_at.is_(None), CampaignRow.reviewed_at >= CampaignRow.halted_at))
    if connection.execute(change.values(state=state.value)).rowcount != 1:
        raise NotReviewed(f"campaign {name} was stopped: {campaign.halted_because or 'too many calls were abandoned'}")


def start_campaign(connection: Connection, name: str, now: datetime) -> None:
    """Lets the campaign be dialed; the first time is kept. Raises as `set_campaign_state` does."""
    set_campaign_state(connection, name, CampaignState.RUNNING)
    first = (CampaignRow.name == name) & CampaignRow.started_at.is_(None)
    connection.execute(update(CampaignRow).where(first).values(started_at=now))


def halt_campaign(connection: Connection, campaign_id: str, because: str, at: datetime) -> None:
    """A rule stops the campaign, until it is reviewed."""
    halted = {"state": CampaignState.HALTED.value, "halted_at": at, "halted_because": because}
    connection.execute(update(CampaignRow).where(CampaignRow.campaign_id == campaign_id).values(halted))


def review_campaign(connection: Connection, name: str, by: str, note: str, now: datetime) -> None:
    """Somebody has looked at why a rule stopped the campaign: it may be started again. Raises NotFound, NothingToReview."""
    campaign = campaign_named(connection, name)
    if campaign.halted_at is None or not campaign.needs_review:
        raise NothingToReview(f"campaign {name} was not stopped by a rule since it was last reviewed")
    reviewed = {"reviewed_at": max(now, campaign.halted_at), "reviewed_by": by, "review_note": note}
    seen = _row_of(campaign).where(CampaignRow.halted_at == campaign.halted_at)  # and no later halt that nobody has looked at
    if connection.execute(seen.values({**reviewed, "state": CampaignState.STOPPED.value})).rowcount != 1:
        raise NotReviewed(f"campaign {name} was stopped again meanwhile: look at it again")


def _row_of(campaign: Campaign) -> Update:
    return update(CampaignRow).where(CampaignRow.campaign_id == campaign.campaign_id)


def running(connection: Connection) -> tuple[CampaignView, ...]:
    """The campaigns to be dialed now, once it is measured what they abandoned."""
    return tuple(
        CampaignView(campaign.campaign_id, campaign.name, campaign.channels, measured=False, reviewed_at=campaign.reviewed_at)
        for campaign in campaigns(connection)
        if campaign.state is CampaignState.RUNNING
    )


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        campaign_id=row.campaign_id,
        name=row.name,
        state=CampaignState(row.state),
        subject=row.subject,
        purpose=row.purpose,
        disclosure=row.disclosure,
        safe_harbour=row.safe_harbour,
        channels=row.channels,
        max_attempts=row.max_attempts,
        ring_for=timedelta(seconds=row.ring_seconds),
        started_at=row.started_at,
        halted_at=row.halted_at,
        halted_because=row.halted_because,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        review_note=row.review_note,
        capture=CapturePolicy(
            mode=CaptureMode(row.capture),
            begins=CaptureFrom(row.capture_from),
            disclosed_by=None if row.disclosed_by is None else DisclosedBy(row.disclosed_by),
            announce=row.announce,
            again_after_transfer=row.again_after_transfer,
            recorded_or_not_connected=row.recorded_or_not_connected,
            pause_limit=timedelta(seconds=row.pause_seconds),
        ),
    )


def _capture_values(policy: CapturePolicy) -> dict[str, Any]:
    return {
        "capture": policy.mode.value,
        "capture_from": policy.begins.value,
        "disclosed_by": None if policy.disclosed_by is None else policy.disclosed_by.value,
        "announce": policy.announce,
        "again_after_transfer": policy.again_after_transfer,
        "recorded_or_not_connected": policy.recorded_or_not_connected,
        "pause_seconds": policy.pause_limit.total_seconds(),
    }
