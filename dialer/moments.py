"""Which instant does a time in a file or on the command line mean? The rule it protects: no clock is guessed.

A time says its offset from UTC, or the file's clock is named. A date is the start of that day. Where clocks go back a time is
read as the later of the two, so that what is counted from it ends no earlier.
"""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from compliance.wallclock import last_instant, start_of_day

FIRST_YEAR, LAST_YEAR = 1971, 2199  # outside of them zones do not know their own offset
_SLASHED = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?=$|[ T])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}")


def parse_moment(text: str, clock: ZoneInfo | None = None) -> datetime:
    """Reads ISO 8601 (also with `/` in the date) as an aware UTC instant; without an offset it is on `clock`.

    A date alone is on `clock` too, or in UTC where none is named. Raises ValueError for a time that is none, or that says no
    offset where no clock is named.
    """
    written = _SLASHED.sub(lambda found: f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}", text.strip())
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time in ISO 8601, such as 2026-06-15T12:00:00Z or 2026-06-15") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{text[:40]!r} is not between {FIRST_YEAR} and {LAST_YEAR}")
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if _DATE.fullmatch(written):
        return start_of_day(date.fromisoformat(written), clock or ZoneInfo("UTC"))
    if clock is None:
        raise ValueError(f"{text[:40]!r} does not say its offset from UTC, such as Z or +02:00; name the clock with --clock ZONE")
    return last_instant(moment, clock)
