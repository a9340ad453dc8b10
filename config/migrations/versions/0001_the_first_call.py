"""the first call"""

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agent")),
    )
    op.create_table(
        "agent_state",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_state")),
    )
    with op.batch_alter_table("agent_state", schema=None) as batch_op:
        batch_op.create_index("ix_agent_state_agent_id_since", ["agent_id", "since"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_seen_at", ["seen", "at"], unique=False)

    op.create_table(
        "campaign",
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("disclosure", sa.String(length=64), nullable=False),
        sa.Column("safe_harbour", sa.String(length=64), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("ring_seconds", sa.Double(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
    )
    op.create_table(
        "control",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control")),
    )
    with op.batch_alter_table("control", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_control_taken_at"), ["taken_at"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
        sa.UniqueConstraint("attempt_id", "kind", name=op.f("uq_ledger_attempt_id_kind")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_number_at"), ["number", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_person_at"), ["person", "at"], unique=False)

    op.create_table(
        "ledger_tip",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_tip")),
    )
    op.create_table(
        "permit",
        sa.Column("permit_id", sa.String(length=64), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("packs", sa.Text(), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.Column("voided_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("permit_id", name=op.f("pk_permit")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_permit_attempt_id")),
    )
    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_permit_number_expires_at"), ["number", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_permit_person_expires_at"), ["person", "expires_at"], unique=False)
        batch_op.create_index(
            "ix_permit_unresolved",
            ["spent_at"],
            unique=False,
            sqlite_where=sa.text("spent_at IS NOT NULL AND resolved_at IS NULL"),
            postgresql_where=sa.text("spent_at IS NOT NULL AND resolved_at IS NULL"),
        )

    op.create_table(
        "person_number",
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("person", "number", name=op.f("pk_person_number")),
    )
    with op.batch_alter_table("person_number", schema=None) as batch_op:
        batch_op.create_index("ix_person_number_number", ["number"], unique=False)

    op.create_table(
        "recording",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sidecar_sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("lead_id", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("announced_at", UtcDateTime(), nullable=True),
        sa.Column("bridged_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("abandoned", sa.Boolean(), nullable=False),
        sa.Column("packs_json", sa.Text(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("prompt_sha256", sa.String(length=64), nullable=True),
        sa.Column("disclosure", sa.String(length=16), nullable=False),
        sa.Column("disclosure_score", sa.Double(), nullable=True),
        sa.Column("disclosure_start_ms", sa.Integer(), nullable=True),
        sa.Column("disclosure_end_ms", sa.Integer(), nullable=True),
        sa.Column("agent_first_word_ms", sa.Integer(), nullable=True),
        sa.Column("agent_audio_from_ms", sa.Integer(), nullable=True),
        sa.Column("customer_first_word_ms", sa.Integer(), nullable=True),
        sa.Column("agent_talk_ms", sa.Integer(), nullable=False),
        sa.Column("agent_silence_ms", sa.Integer(), nullable=False),
        sa.Column("customer_talk_ms", sa.Integer(), nullable=False),
        sa.Column("customer_silence_ms", sa.Integer(), nullable=False),
        sa.Column("overtalk_ms", sa.Integer(), nullable=False),
        sa.Column("longest_silence_ms", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording")),
        sa.UniqueConstraint("path", name=op.f("uq_recording_path")),
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index("ix_recording_agent_id_started_at", ["agent_id", "started_at"], unique=False)
        batch_op.create_index("ix_recording_campaign_started_at", ["campaign", "started_at"], unique=False)
        batch_op.create_index("ix_recording_number_started_at", ["number", "started_at"], unique=False)
        batch_op.create_index("ix_recording_person_started_at", ["person", "started_at"], unique=False)
        batch_op.create_index("ix_recording_started_at", ["started_at"], unique=False)

    op.create_table(
        "recording_job",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('pending','done','failed','quarantined')", name=op.f("ck_recording_job_state")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording_job")),
    )
    with op.batch_alter_table("recording_job", schema=None) as batch_op:
        batch_op.create_index("ix_recording_job_state_next_at", ["state", "next_at"], unique=False)

    op.create_table(
        "refusal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("packs", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refusal_attempt_id"), ["attempt_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refusal_person_decided_at"), ["person", "decided_at"], unique=False)

    op.create_table(
        "suppression",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_suppression")),
        sa.UniqueConstraint("scope", "number", "person", name=op.f("uq_suppression_scope_number_person")),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppression_number"), ["number"], unique=False)
        batch_op.create_index(batch_op.f("ix_suppression_person"), ["person"], unique=False)

    op.create_table(
        "lead",
        sa.Column("lead_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("list_name", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.campaign_id"], name=op.f("fk_lead_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead")),
        sa.UniqueConstraint("campaign_id", "person", name=op.f("uq_lead_campaign_id_person")),
    )
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.create_index("ix_lead_campaign_id_state_next_at", ["campaign_id", "state", "next_at"], unique=False)
        batch_op.create_index("ix_lead_person", ["person"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("lead_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("packs", sa.JSON(), nullable=False),
        sa.Column("holds_agent", sa.String(length=32), nullable=True),
        sa.Column("disposition", sa.String(length=32), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("dialed_at", UtcDateTime(), nullable=True),
        sa.Column("ringing_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("announcement_at", UtcDateTime(), nullable=True),
        sa.Column("announced_at", UtcDateTime(), nullable=True),
        sa.Column("disclosed", sa.Boolean(), nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=True),
        sa.Column("bridged_at", UtcDateTime(), nullable=True),
        sa.Column("unbridged_at", UtcDateTime(), nullable=True),
        sa.Column("safe_harbour_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("hangup_cause", sa.Integer(), nullable=True),
        sa.Column("tech_cause", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(length=16), nullable=True),
        sa.Column("rang", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.campaign_id"], name=op.f("fk_attempt_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.lead_id"], name=op.f("fk_attempt_lead_id_lead")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("ix_attempt_campaign_id_ordered_at", ["campaign_id", "ordered_at"], unique=False)
        batch_op.create_index("ix_attempt_finished_at", ["finished_at"], unique=False)
        batch_op.create_index("ix_attempt_lead_id", ["lead_id"], unique=False)
