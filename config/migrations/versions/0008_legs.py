"""what every answered leg left behind; pauses and how a campaign captures and discloses"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
