"""What kinds of rule are there? The twelve as values, each with where it comes from and when it holds.

Seven are asked before a phone rings: window, cap, cooldown, suppress, consent, ring, callerid. Five bind what follows:
abandon (how many may be dropped), disclose, record, retain, deadline. All are read; which of them the gate asks is in `gate`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from compliance.facts import INTERNAL, EventKind
from compliance.grounds import Ground
from compliance.lengths import Length
from compliance.periods import Period
from compliance.windows import Schedule


class Level(StrEnum):
    """How much weight a rule carries."""

    LAW = "law"
    PRESUMPTION = "presumption"
    STANDARD = "standard"
    LOCAL = "local"
    BENCHMARK = "benchmark"
    REGULATOR_BENCHMARK = "regulator_benchmark"
    REGULATOR_GUIDANCE = "regulator_guidance"
    INDUSTRY_CODE = "industry_code"
    HOUSE = "house"


class Source(StrEnum):
    """How the text of a rule is known."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    MEMORY = "memory"


class Key(StrEnum):
    """What a cap counts by. A person is counted over all their numbers."""

    PERSON = "person"
    NUMBER = "number"
    CAMPAIGN = "campaign"
    SELLER = "seller"
    SUBJECT = "subject"
    DEBT = "debt"
    CREDITOR = "creditor"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which rule this is and where it comes from."""

    id: str
    cite: str
    level: Level
    source: Source


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a rule or a pack asks of the call, such as `purpose`: one of `values`, or a number to compare with."""

    dimension: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """When a rule holds: under all conditions, on the civil dates from first to last, unless a ground waives it."""

    when: tuple[Condition, ...] = ()
    effective_from: date | None = None
    effective_until: date | None = None
    waived_by: tuple[Ground, ...] = ()


ALWAYS = Terms()


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Calling hours. `clock` is CALLEE or an IANA zone; `deny_many_zones` refuses a callee who may be in several.

    `also_times` and `also_places` add the person's own inconvenient times and places (12 CFR 1006.6(b)(1)).
    """

    origin: Origin
    clock: str
    deny_many_zones: bool
    schedule: Schedule
    calendar: str = ""
    also_times: bool = False
    also_places: bool = False
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most `max` events of one kind in a period, counted by `key`, without those that bear a mark of `not_counted`."""

    origin: Origin
    max: int
    event: EventKind
    key: tuple[Key, ...]
    period: Period
    period_text: str
    not_counted: tuple[str, ...] = ()
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class CooldownRule:
    """No call after an event for a `duration`, for `days` or `months` of local dates, or until a day ends.

    `first_day_is_next`: the day of the event is not the first of the days. Without any length there is no end.
    """

    origin: Origin
    after: EventKind
    key: tuple[Key, ...]
    clock: str
    duration: timedelta | None = None
    days: int | None = None
    first_day_is_next: bool = False
    months: int | None = None
    until_end_of_day: bool = False
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class SuppressRule:
    """Nobody on a do-not-call list, by number, by person or by either. A list of others must not be older than `max_age`."""

    origin: Origin
    match: tuple[Key, ...]
    list: str = INTERNAL
    max_age: timedelta | None = None
    hold: str = ""
    legal_deadline: str = ""
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """No call without a consent of at least this level that covers the scope."""

    origin: Origin
    level_needed: str
    scope: tuple[str, ...]
    proof: str = ""
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class RingRule:
    """An unanswered phone rings at least `min_unanswered`, and at most `max_ring` where one is set."""

    origin: Origin
    min_unanswered: timedelta
    max_ring: timedelta | None
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class CallerIdRule:
    """What the callee must be shown: a number, with these qualities, with or without these prefixes, attested so far."""

    origin: Origin
    must_present: bool
    must_be: tuple[str, ...]
    allow_prefix: tuple[str, ...]
    forbid_prefix: tuple[str, ...]
    min_attestation: str
    reachable_for: str
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class Message:
    """What an abandoned person hears: how soon, what it must and must not say, and what it must offer."""

    start_within: timedelta | None
    must_say: tuple[str, ...]
    must_not_say: tuple[str, ...]
    must_offer: str


@dataclass(frozen=True, slots=True)
class AbandonRule:
    """At most `max_rate` of the live answers of a period may go without an agent within `connect_within`."""

    origin: Origin
    max_rate: Decimal
    per: tuple[str, ...]
    period: Period
    period_text: str
    numerator: tuple[str, ...]
    denominator: str
    connect_within: timedelta
    connect_clock: str
    message: Message | None
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class DiscloseRule:
    """What must be said, how soon after the answer (None: promptly), and how soon to end when asked to."""

    origin: Origin
    items: tuple[str, ...]
    within: timedelta | None
    end_within: timedelta | None
    terms: Terms = ALWAYS


class Leave(StrEnum):
    """Whose leave a recording needs: one party's, that of all who were informed and stayed, that of all."""

    ONE = "one"
    INFORMED = "informed"
    ALL = "all"


class RecordMode(StrEnum):
    """How much of a call is recorded: nothing, from an event on, the whole, or what the site has set."""

    OFF = "off"
    ON_EVENT = "on_event"
    WHOLE_CALL = "whole_call"
    AS_SET = "as_set"


@dataclass(frozen=True, slots=True)
class RecordRule:
    """Whose leave a recording needs, whether it is announced, and what of the call is recorded.

    In the places of `all_party_in` it is the leave of all; `unknown_location` is whose it is where somebody may be there or not.
    """

    origin: Origin
    consent: Leave
    announce: bool
    mode: RecordMode
    unknown_location: Leave
    all_party_in: tuple[str, ...]
    start_on: tuple[str, ...]
    terms: Terms = ALWAYS


@dataclass(frozen=True, slots=True)
class RetainRule:
    """How long records of these kinds are kept at least and at most after the event `since`."""

    origin: Origin
    what: tuple[str, ...]
    least: Length | None
    most: Length | None
    since: str
    terms: Terms = ALWAYS

    @property
    def min_days(self) -> int | None:
        """`least` in days, for comparing it with another rule's before any record exists."""
        return None if self.least is None else self.least.most_days

    @property
    def max_days(self) -> int | None:
        """`most` in days, likewise."""
        return None if self.most is None else self.most.most_days


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """Within which time a request is to be obeyed in law, and in this house where it says so."""

    origin: Origin
    on: str
    within: Length
    house: Length | None
    terms: Terms = ALWAYS


Rule = (
    WindowRule
    | CapRule
    | CooldownRule
    | SuppressRule
    | ConsentRule
    | RingRule
    | CallerIdRule
    | AbandonRule
    | DiscloseRule
    | RecordRule
    | RetainRule
    | DeadlineRule
)
