"""By when is a request to be obeyed? The last instant of the law, and that of the house, which may only be sooner.

The rule it protects: a deadline is read strictly (47 CFR 64.1200(a)(10): 10 business days; GDPR 12(3): one month). Of several
places where the request may have come in, the one whose days end first counts, and a day of which it is not known whether people
work there counts as one on which they do. A last day that is a holiday is not moved.
"""

from collections.abc import Sequence
from datetime import datetime

from compliance.daykinds import Calendar
from compliance.lengths import earliest_over
from compliance.rules import DeadlineRule


def due_by(rule: DeadlineRule, at: datetime, calendar: Calendar | None, zones: Sequence[str] = ()) -> datetime:
    """The instant by which the law wants the request of `at` obeyed: the end of the last day in the zone where it ends first.

    No zones: the place is not known. Raises ValueError for a naive `at`, UnknownZone.
    """
    return earliest_over(rule.within, at, zones, calendar)


def house_due_by(rule: DeadlineRule, at: datetime, calendar: Calendar | None, zones: Sequence[str] = ()) -> datetime:
    """The instant by which this house obeys it: never later than the law's. Raises ValueError for a naive `at`, UnknownZone."""
    law = due_by(rule, at, calendar, zones)
    return law if rule.house is None else min(law, earliest_over(rule.house, at, zones, calendar))
