"""A site on which people are known: what the gate says of them, and how their leads come to rest."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from compliance.verdict import Candidate, Clearance, Refusal
from config.clock import ManualClock, SystemClock
from dialer.bootstrap import opened

ANN = "+12125550123"
BOB = "+12125550199"


def rest(site: Path, person: str, reason: str) -> None:
    """What the floor does with a lead that the gate refuses for want of facts."""
    connection = sqlite3.connect(site / "ringfence.db")
    with connection:
        connection.execute("update lead set state = 'refused', reason = ? where person = ?", (reason, person))
    connection.close()


def now() -> datetime:
    return SystemClock().now()


def days_ago(days: float) -> str:
    return (now() - timedelta(days=days)).isoformat()


def noon_in_new_york() -> datetime:
    """Noon or one o'clock there, on a day after today: whatever the time is now, calls are permitted then."""
    return (now() + timedelta(days=1)).replace(hour=17, minute=0, second=0, microsecond=0)


def asked(
    site: Path,
    person: str = "c-1",
    number: str = ANN,
    *,
    campaign: str = "spring",
    later: timedelta = timedelta(0),
    **more: Any,
) -> Clearance | Refusal:
    """What the gate says of a call to them, at noon in New York."""
    with opened(site, ManualClock(noon_in_new_york() + later)) as parts:
        seller = parts.site.settings.seller
        return parts.ledger.preview(Candidate("question", person, number, campaign, seller, "boiler", **more))


def reasons(verdict: Clearance | Refusal) -> dict[str, str]:
    """Why not, by rule."""
    return {one.rule: one.text for one in verdict.reasons} if isinstance(verdict, Refusal) else {}
