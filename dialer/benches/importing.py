"""How fast is a list read, checked and stored?"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import available_timezones

from sqlalchemy import Engine

from config.clock import Clock, SystemClock
from config.database import reading, writing
from config.ids import new_id
from dialer import store
from dialer.benches.scratch import scratch_database, seconds_of
from dialer.leads import LeadRow, read
from dialer.store import Campaign, CampaignState


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """A list read, checked and stored, beside Python's own CSV reader on the same text."""

    rows: int
    rows_per_second: float
    csv_reader_rows_per_second: float
    csv_reader_times: float  # how many times longer than reading the CSV alone


def measure_import(count: int, say: Callable[[str], None]) -> ImportFigures:
    """A list of `count` good rows."""
    stopwatch = SystemClock()
    text = "phone,name,person\n" + "".join(f"+1{212 + n // 10_000}555{n % 10_000:04d},Name {n},c-{n}\n" for n in range(count))
    say(f"{count} rows through csv.reader")
    alone = seconds_of(stopwatch, lambda: list(csv.reader(io.StringIO(text))))
    say(f"{count} rows imported")
    with scratch_database() as (_, database):
        campaign = _campaign(database, stopwatch)

        def bring_in() -> None:
            rows = [row for row in read(text, "US", {}, frozenset(available_timezones())) if isinstance(row, LeadRow)]
            with writing(database) as connection:
                store.add_leads(connection, campaign.campaign_id, "bench", rows, stopwatch.now())

        took = seconds_of(stopwatch, bring_in)
        with reading(database) as connection:
            stored = sum(store.lead_counts(connection, campaign.campaign_id).values())
    return ImportFigures(stored, stored / took, count / alone, took / alone)


def _campaign(database: Engine, clock: Clock) -> Campaign:
    made = Campaign(
        new_id(clock.now()),
        "bench",
        CampaignState.STOPPED,
        subject="bench",
        purpose="sales",
        disclosure="disclosure-en",
        safe_harbour="safe-harbour-en",
        channels=50,
        max_attempts=3,
        ring_for=timedelta(seconds=25),
    )
    with writing(database) as connection:
        store.add_campaign(connection, made, clock.now())
    return made
