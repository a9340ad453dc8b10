"""what more is known of a recording: how it was captured and disclosed, and how it was spoken"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXTS = {"flag_text": "", "agents_json": "[]", "pauses_json": "[]"}
_WORDS = {
    "form": (8, "flac"),
    "team": (64, ""),
    "language": (16, ""),
    "disclosed_by": (16, "prompt_before"),
    "capture": (16, "whole_call"),
}
_COUNTS = (
    "paused_ms",
    "agent_interruptions",
    "customer_interruptions",
    "agent_longest_ms",
    "customer_longest_ms",
    "dead_air_ms",
    "agent_clipped",
    "customer_clipped",
)


def upgrade() -> None:
    with op.batch_alter_table("recording", schema=None) as batch_op:
        for name, default in _TEXTS.items():
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=default))
        for name, (length, default) in _WORDS.items():
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=default))
        for name in _COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("degraded", sa.Boolean(), nullable=False, server_default=sa.false()))
        for name in ("disposition", "team", "degraded"):
            batch_op.create_index(f"ix_recording_{name}_started_at", [name, "started_at"], unique=False)
    with op.batch_alter_table("recording", schema=None) as batch_op:  # the defaults were for the rows that were there
        for name in (*_TEXTS, *_WORDS, *_COUNTS, "degraded"):
            batch_op.alter_column(name, server_default=None)
        batch_op.add_column(sa.Column("agent_loudness_db", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("customer_loudness_db", sa.Double(), nullable=True))
