"""What is already known about a person when the gate is asked: past events and do-not-call entries. Values only.

Attempt, unanswered, live answer and conversation are different events because the laws count different ones:
12 CFR 1006.14 counts calls placed, GB/T 45251 counts conversations, the Chinese bank code counts unanswered tries.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from compliance.daykinds import Calendar
from compliance.windows import DayPlan

INTERNAL = "internal"  # the seller's own do-not-call list
LITIGATORS = "litigators"  # people who sue over calls: kept by us, like the one above
#: Lists we keep ourselves: never missing, never out of date. All others are copies that age.
OWN_LISTS = frozenset({INTERNAL, LITIGATORS})


class EventKind(StrEnum):
    """What a ledger row says happened. Rows are never changed; states are derived from them."""

    ATTEMPT = "attempt"  # the originate was about to be sent: counts for ever, unless NOT_RUNG proves it silent
    RINGING = "ringing"
    UNANSWERED = "unanswered"
    LIVE_ANSWER = "live_answer"
    MACHINE = "machine"
    CONVERSATION = "conversation"
    REFUSAL = "refusal"  # the person declined the offer
    OPT_OUT = "opt_out"  # the person asked not to be called again
    ABANDONED = "abandoned"
    NOT_RUNG = "not_rung"  # the attempt is known not to have alerted anybody
    ENDED = "ended"  # the call is over, whatever came of it; also closes an attempt whose fate stays unknown
    SUPPRESSED = "suppressed"  # an entry was put on a do-not-call list
    CONSENT = "consent"  # the person allowed calls; the facts say how far
    WITHDRAWAL = "withdrawal"  # the person took a consent back
    REASSIGNED = "reassigned"  # the number went to somebody else: its history splits here
    RELATION = "relation"  # what the person has to do with the seller since then; the facts say what
    INCONVENIENT = "inconvenient"  # the person named times or a place at which calls are inconvenient
    LIST_LOADED = "list_loaded"  # a copy of somebody else's do-not-call list came into force


#: Events a cap may count.
COUNTABLE = frozenset(
    {
        EventKind.ATTEMPT,
        EventKind.UNANSWERED,
        EventKind.LIVE_ANSWER,
        EventKind.MACHINE,
        EventKind.CONVERSATION,
        EventKind.REFUSAL,
        EventKind.ABANDONED,
    }
)

#: Events that prove a phone alerted: with one of them NOT_RUNG is a contradiction, and the attempt counts.
RANG = frozenset(
    {
        EventKind.RINGING,
        EventKind.UNANSWERED,
        EventKind.LIVE_ANSWER,
        EventKind.MACHINE,
        EventKind.CONVERSATION,
        EventKind.REFUSAL,
        EventKind.OPT_OUT,
        EventKind.ABANDONED,
    }
)

#: Events after which nothing more is to be found out about an attempt.
FINAL = frozenset(
    {
        EventKind.UNANSWERED,
        EventKind.MACHINE,
        EventKind.CONVERSATION,
        EventKind.ABANDONED,
        EventKind.NOT_RUNG,
        EventKind.ENDED,
    }
)


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One thing that happened to a person on a number. `attempt_id` is None where there was no attempt of ours."""

    kind: EventKind
    at: datetime
    person: str
    number: str
    campaign: str
    seller: str
    subject: str
    attempt_id: str | None = None
    zones: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    debt: str = ""
    creditor: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """A do-not-call entry: a number (for everybody on it), a person (on all their numbers), or both.

    `until` ends a temporary block; an entry without it has no end. `seller` and `campaign` narrow it down to theirs.
    """

    at: datetime
    reason: str
    source: str
    number: str | None = None
    person: str | None = None
    scope: str = INTERNAL
    seller: str = ""  # whose list it is; empty: obeyed for every seller
    campaign: str = ""  # empty: obeyed for every campaign
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListState:
    """A do-not-call list of others, and when this copy of it was taken."""

    name: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's leave to be called. `seller`, `number`, `campaign` and `subject` bind it; `*` leaves that open.

    `scope` holds tags such as `voice`, `marketing` or `time_of_day`, or `*` for all that need not be said expressly. A
    withdrawal counts from the instant it is known, whatever its date.
    """

    level: str
    given_at: datetime
    person: str = ""
    number: str = ""
    scope: frozenset[str] = frozenset()
    seller: str = ""
    campaign: str = "*"
    subject: str = "*"
    source: str = ""
    proof: str = ""  # the SHA-256 of the file that proves it
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """What the person has to do with the seller: `purchase`, `inquiry`, `contract_in_force`, and since when."""

    kind: str
    since: datetime
    seller: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What whoever asks for a call stands up for: circumstances such as `guaranteed_agent`, and when the campaign began."""

    grounds: frozenset[str] = frozenset()
    campaign_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules may look at. `numbers` are the numbers known to be the person's, beside the one to be dialed.

    Live permits of other attempts are among `events` as attempts: they may ring at any moment. `grounds` are circumstances
    somebody vouches for (`guaranteed_agent`). `inconvenient_times` are the person's own bans, `inconvenient_numbers`
    those that ring at a place of which the same is known (12 CFR 1006.6(b)(1)).
    """

    events: tuple[LedgerEvent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    numbers: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    relations: tuple[Relation, ...] = ()
    grounds: frozenset[str] = frozenset()
    lists: tuple[ListState, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    inconvenient_times: tuple[DayPlan, ...] = ()
    inconvenient_numbers: tuple[str, ...] = ()
    campaign_start: datetime | None = None
