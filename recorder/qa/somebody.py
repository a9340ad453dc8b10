"""Who does something in the room, and how does that come into the audit chain?

The rule it protects: who acts under another name is told with the account that did so.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from recorder import audit
from recorder.access import Acting


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who acts; `account` is the operating system's name of whoever does it for them, '' where that is nobody else."""

    acting: Acting
    account: str = ""

    @property
    def name(self) -> str:
        """The name that stands in histories and in the audit chain."""
        return self.acting.name


def noted(connection: Connection, now: datetime, by: Somebody, action: str, call_id: str = "", **facts: str) -> None:
    """Writes what they did into the audit chain, in the transaction of what they did; the last thing that it does."""
    if by.account and by.account != by.name:
        facts["account"] = by.account
    audit.note(connection, now, by.name, action, call_id, **facts)
