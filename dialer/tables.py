"""The tables of the call floor.

`attempt` is one row per call, written before anything is asked of the PBX and updated as the call goes on: it is what
a restart reads. `control` is how other processes speak to the running floor: rows put there by commands, taken by it.
"""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from config.database import Base, UtcDateTime
from config.ids import ID_LENGTH


class CampaignRow(Base):
    """Leads, messages and limits of one campaign."""

    __tablename__ = "campaign"

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(100))
    purpose: Mapped[str] = mapped_column(String(32))
    disclosure: Mapped[str] = mapped_column(String(64))
    safe_harbour: Mapped[str] = mapped_column(String(64))
    channels: Mapped[int]
    max_attempts: Mapped[int]
    ring_seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # for the first time: limits are counted from it
    halted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # last stopped by a rule; a review must come after it
    halted_because: Mapped[str | None] = mapped_column(Text)
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[str | None] = mapped_column(String(100))
    review_note: Mapped[str | None] = mapped_column(Text)
    capture: Mapped[str] = mapped_column(String(16))  # the columns from here on are those of `recorder.capture.CapturePolicy`
    capture_from: Mapped[str] = mapped_column(String(16))
    disclosed_by: Mapped[str | None] = mapped_column(String(16))  # None: as the rules ask
    announce: Mapped[bool]
    again_after_transfer: Mapped[bool]
    recorded_or_not_connected: Mapped[bool]
    pause_seconds: Mapped[float]


class LeadRow(Base):
    """A person to reach, with numbers in the order to be tried."""

    __tablename__ = "lead"
    __table_args__ = (
        UniqueConstraint("campaign_id", "person"),
        Index("ix_lead_campaign_id_state_next_at", "campaign_id", "state", "next_at"),
        Index("ix_lead_person", "person"),
    )

    lead_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.campaign_id"))
    list_name: Mapped[str] = mapped_column(String(200))
    line: Mapped[int]
    person: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    numbers: Mapped[list[str]] = mapped_column(JSON)
    zone: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200))
    debt: Mapped[str] = mapped_column(String(200))
    creditor: Mapped[str] = mapped_column(String(200))
    region: Mapped[str] = mapped_column(String(6))  # ISO 3166, declared
    state: Mapped[str] = mapped_column(String(16))
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)  # not before; of a new lead: when it was imported
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")  # why it rests, ended or is refused


class PersonNumberRow(Base):
    """Which numbers lead to which person, from all lists: caps are per person over all their numbers."""

    __tablename__ = "person_number"
    __table_args__ = (Index("ix_person_number_number", "number"),)

    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), primary_key=True)


class AttemptRow(Base):
    """One try at one number; the columns after `caller_id` are those of `sip.call.Call`."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_lead_id", "lead_id"),
        Index("ix_attempt_finished_at", "finished_at"),
        Index("ix_attempt_campaign_id_ordered_at", "campaign_id", "ordered_at"),
    )

    call_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    lead_id: Mapped[str] = mapped_column(ForeignKey("lead.lead_id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.campaign_id"))
    person: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(20))
    packs: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    holds_agent: Mapped[str | None] = mapped_column(String(32))
    disposition: Mapped[str | None] = mapped_column(String(32))
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    state: Mapped[str] = mapped_column(String(16))
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dialed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ringing_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    announcement_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    announced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disclosed: Mapped[bool] = mapped_column(default=False)
    agent_id: Mapped[str | None] = mapped_column(String(32))
    bridged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unbridged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    safe_harbour_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hangup_cause: Mapped[int | None]
    tech_cause: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(String(16))
    rang: Mapped[bool] = mapped_column(default=False)
    keys: Mapped[str] = mapped_column(Text, default="")
    failure: Mapped[str | None] = mapped_column(Text)
    disclosed_by: Mapped[str] = mapped_column(String(16))
    paused: Mapped[bool] = mapped_column(default=False)
    capture_json: Mapped[str] = mapped_column(Text, default="")  # see recorder.capture_text


class AgentRow(Base):
    """Who may take calls. `state` mirrors the floor for those who only look."""

    __tablename__ = "agent"

    agent_id: Mapped[str] = mapped_column(String(32), primary_key=True)  # also the extension of their phone
    name: Mapped[str] = mapped_column(String(100))
    active: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    call_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    reason: Mapped[str] = mapped_column(Text, default="")


class AgentStateRow(Base):
    """Each state an agent was in, and from when: occupancy and adherence are computed from it."""

    __tablename__ = "agent_state"
    __table_args__ = (Index("ix_agent_state_agent_id_since", "agent_id", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    agent_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    call_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    reason: Mapped[str] = mapped_column(Text, default="")


class ControlRow(Base):
    """One word from another process to the floor."""

    __tablename__ = "control"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, str]] = mapped_column(JSON)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
