"""what every answered leg left behind; pauses and how a campaign captures and discloses"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_Columns = dict[str, tuple[sa.types.TypeEngine[Any], str | sa.ColumnElement[Any]]]
_CAMPAIGN: _Columns = {
    "capture": (sa.String(length=16), "always"),
    "capture_from": (sa.String(length=16), "whole_call"),
    "announce": (sa.Boolean(), sa.true()),
    "again_after_transfer": (sa.Boolean(), sa.true()),
    "recorded_or_not_connected": (sa.Boolean(), sa.true()),
    "pause_seconds": (sa.Double(), "120"),
}
_ATTEMPT: _Columns = {
    "disclosed_by": (sa.String(length=16), "prompt_before"),
    "paused": (sa.Boolean(), sa.false()),
    "capture_json": (sa.Text(), ""),
}


def upgrade() -> None:
    for table, columns in (("campaign", _CAMPAIGN), ("attempt", _ATTEMPT)):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, (kind, default) in columns.items():
                batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        with op.batch_alter_table(table, schema=None) as batch_op:  # the defaults were for the rows that were there
            for name in columns:
                batch_op.alter_column(name, server_default=None)
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disclosed_by", sa.String(length=16), nullable=True))
    op.execute("UPDATE campaign SET disclosed_by = 'prompt_before'")
