"""the signed chain of the archive, its keys, holds and erasures"""

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _chain_and_keys()
    _holds_and_erasures()


def _chain_and_keys() -> None:
    op.create_table(
        "recording_chain",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("skip_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_recording_chain")),
    )
    with op.batch_alter_table("recording_chain", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_chain_call_id_seq"), ["call_id", "seq"], unique=False)
    op.create_table(
        "recording_key",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("kek_id", sa.String(length=32), nullable=False),
        sa.Column("wrapped", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording_key")),
    )
    with op.batch_alter_table("recording_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_key_kek_id"), ["kek_id"], unique=False)


def _holds_and_erasures() -> None:
    op.create_table(
        "recording_hold",
        sa.Column("hold_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_recording_hold")),
    )
    with op.batch_alter_table("recording_hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_hold_call_id_released_at"), ["call_id", "released_at"], unique=False)
    op.create_table(
        "recording_removal",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sidecar_sha256", sa.String(length=64), nullable=False),
        sa.Column("purged_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording_removal")),
    )
    op.create_table(
        "erasure_request",
        sa.Column("request_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("cite", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("noted_by", sa.String(length=64), nullable=False),
        sa.Column("law_by", UtcDateTime(), nullable=True),
        sa.Column("house_by", UtcDateTime(), nullable=True),
        sa.Column("due_rules", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_erasure_request")),
    )
    with op.batch_alter_table("erasure_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_request_closed_at"), ["closed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_erasure_request_person"), ["person"], unique=False)
