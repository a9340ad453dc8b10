"""the room of quality assurance: plans, scorecards, reviews"""

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_forms_and_plans()
    _create_reviews()
    _create_calibrations()
    _create_notes()


def _create_forms_and_plans() -> None:
    op.create_table(
        "qa_scorecard",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scorecard_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_qa_scorecard")),
        sa.UniqueConstraint("scorecard_id", "version", name=op.f("uq_qa_scorecard_scorecard_id_version")),
    )
    op.create_table(
        "qa_plan",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_qa_plan")),
    )
    op.create_table(
        "qa_draw",
        sa.Column("draw_id", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("seed", sa.String(length=128), nullable=False),
        sa.Column("population_sha256", sa.String(length=64), nullable=False),
        sa.Column("scorecard_sha256", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("drawn_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["scorecard_sha256"], ["qa_scorecard.sha256"], name=op.f("fk_qa_draw_scorecard_sha256_qa_scorecard")
        ),
        sa.PrimaryKeyConstraint("draw_id", name=op.f("pk_qa_draw")),
        sa.UniqueConstraint("plan", "since", name=op.f("uq_qa_draw_plan_since")),
    )
    op.create_table(
        "qa_cell",
        sa.Column("draw_id", sa.String(length=32), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["qa_draw.draw_id"], name=op.f("fk_qa_cell_draw_id_qa_draw")),
        sa.PrimaryKeyConstraint("draw_id", "agent_id", "team", "campaign", name=op.f("pk_qa_cell")),
    )


def _create_reviews() -> None:
    op.create_table(
        "qa_review",
        sa.Column("review_id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("draw_id", sa.String(length=32), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("stratum_json", sa.Text(), nullable=False),
        sa.Column("scorecard_sha256", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("agents_json", sa.Text(), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("appeal_days", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("assigned", sa.String(length=64), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("appeal_until", UtcDateTime(), nullable=True),
        sa.Column("appealed", sa.Boolean(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("score_json", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["draw_id"], ["qa_draw.draw_id"], name=op.f("fk_qa_review_draw_id_qa_draw")),
        sa.ForeignKeyConstraint(
            ["scorecard_sha256"], ["qa_scorecard.sha256"], name=op.f("fk_qa_review_scorecard_sha256_qa_scorecard")
        ),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_qa_review")),
        sa.UniqueConstraint("draw_id", "call_id", name=op.f("uq_qa_review_draw_id_call_id")),
    )
    with op.batch_alter_table("qa_review", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_qa_review_agent_id_started_at"), ["agent_id", "started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_review_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_review_state_due_at"), ["state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_review_total"), ["total"], unique=False)
    op.create_table(
        "qa_review_event",
        sa.Column("review_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("facts_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["qa_review.review_id"], name=op.f("fk_qa_review_event_review_id_qa_review")),
        sa.PrimaryKeyConstraint("review_id", "seq", name=op.f("pk_qa_review_event")),
    )
    # ### end Alembic commands ###


def _create_calibrations() -> None:
    op.create_table(
        "qa_calibration",
        sa.Column("calibration_id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("scorecard_sha256", sa.String(length=64), nullable=False),
        sa.Column("reviewers_json", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["scorecard_sha256"], ["qa_scorecard.sha256"], name=op.f("fk_qa_calibration_scorecard_sha256_qa_scorecard")
        ),
        sa.PrimaryKeyConstraint("calibration_id", name=op.f("pk_qa_calibration")),
    )
    op.create_table(
        "qa_calibration_call",
        sa.Column("calibration_id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration_id"],
            ["qa_calibration.calibration_id"],
            name=op.f("fk_qa_calibration_call_calibration_id_qa_calibration"),
        ),
        sa.PrimaryKeyConstraint("calibration_id", "call_id", name=op.f("pk_qa_calibration_call")),
    )
    op.create_table(
        "qa_calibration_score",
        sa.Column("calibration_id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("marks_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration_id"],
            ["qa_calibration.calibration_id"],
            name=op.f("fk_qa_calibration_score_calibration_id_qa_calibration"),
        ),
        sa.PrimaryKeyConstraint("calibration_id", "call_id", "reviewer", name=op.f("pk_qa_calibration_score")),
    )


def _create_notes() -> None:
    op.create_table(
        "qa_note",
        sa.Column("note_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("takes_back", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["takes_back"], ["qa_note.note_id"], name=op.f("fk_qa_note_takes_back_qa_note")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_qa_note")),
    )
    with op.batch_alter_table("qa_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_qa_note_kind_agent_id"), ["kind", "agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_note_kind_call_id"), ["kind", "call_id"], unique=False)
