"""a campaign that abandons too many calls is halted until somebody reviews it"""

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("started_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("halted_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("halted_because", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_by", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("review_note", sa.Text(), nullable=True))
    # Limits are counted from the first start, which was not kept: the first call stands for it.
    first = "SELECT min(ordered_at) FROM attempt WHERE attempt.campaign_id = campaign.campaign_id"
    op.execute(f"UPDATE campaign SET started_at = ({first})")  # noqa: S608 -- nothing in it comes from outside
