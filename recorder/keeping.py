"""May this recording go now, must it, or until when does it stay, and who says so?

The rules of the packs of its time and of today decide (`compliance.retention`): the longest minimum, the shortest maximum, holds
before all. Within them the house says when it has no more use for it; the house never shortens what a law wants kept. The rule
it protects: doubt keeps. What nobody asks to go stays, and what cannot be judged goes to a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from compliance import retention
from compliance.gate import zones_for
from compliance.lengths import Length, latest_over
from compliance.packs import Pack
from compliance.parties import rules_at_callee
from compliance.retention import Deletion, Erasure, Hold, KeepUntil, Kept, Outcome, may_delete
from compliance.rules import Level, RetainRule
from compliance.verdict import Candidate, PackRef, Reason
from compliance.wallclock import UnknownZone

RECORDING = "recording"  # what rule packs call the kind of record that is judged here
#: How calls end after which nothing was sold for sure. After any other a rule on sold contracts may hold.
NOTHING_SOLD = frozenset(
    {"not_interested", "wrong_number", "do_not_call", "abandoned", "machine", "customer_hung_up", "not_disclosed"}
)


@dataclass(frozen=True, slots=True)
class Retained:
    """What is known of a recording when it is asked how long it stays. `ended_at`: of the call.

    `packs` are the rules of its time and of today; `lost` are those of its time of which no text is kept. `sold`: something was,
    or may have been, sold to the person, in this call or another.
    """

    call_id: str
    candidate: Candidate
    disposition: str
    ended_at: datetime
    archived_at: datetime
    packs: tuple[Pack, ...]
    lost: tuple[PackRef, ...] = ()
    sold: bool = True


@dataclass(frozen=True, slots=True)
class House:
    """How long the house has use for recordings, in days; of some campaigns another time. 0: as long as the rules let it."""

    days: int = 0
    of_campaigns: Mapping[str, int] = field(default_factory=dict)

    def days_of(self, campaign: str) -> int:
        """For recordings of this campaign."""
        return self.of_campaigns.get(campaign, self.days)


@dataclass(frozen=True, slots=True)
class Goes:
    """The recording may go, for these reasons; `overdue`: a rule wants it gone already.

    `minimums` are those that were asked and are over; `kept_until` is the end of the last of them.
    """

    call_id: str
    overdue: bool
    reasons: tuple[Reason, ...]
    minimums: tuple[Reason, ...]
    kept_until: datetime | None


@dataclass(frozen=True, slots=True)
class Stays:
    """The recording stays until then, or with None until something is known or done; `review`: a person must decide."""

    call_id: str
    until: datetime | None
    review: bool
    reasons: tuple[Reason, ...]
    conflict: str = ""


def house_of(days: int, of_campaigns: Iterable[str]) -> House:
    """The house as the settings tell of it: `keep_days`, and `keep_days_of` as `campaign=days`. Raises ValueError."""
    told = [text.rpartition("=") for text in of_campaigns]
    return House(days, {campaign: int(length) for campaign, _, length in told})


def judge(
    recording: Retained,
    house: House,
    now: datetime,
    holds: Sequence[Hold] = (),
    *,
    request: Erasure | None = None,
    before: datetime | None = None,
) -> Goes | Stays:
    """Whether the recording may go at `now`. `before`: it was ordered that calls which ended before it go, if the rules let them.

    Raises ValueError for a naive `now`.
    """
    try:
        keep = kept_until(recording, now)
        answer = may_delete(keep, now, holds, request)
        if isinstance(answer, Deletion) and not recording.lost:
            return _with_leave(recording, house, keep, answer, before)
    except UnknownZone as error:
        return Stays(recording.call_id, None, review=True, reasons=(_doubt("recording.zone", str(error)),))
    doubts = tuple(_doubt("recording.rules", _lost(ref)) for ref in recording.lost)
    against = answer.reasons if isinstance(answer, Kept) else ()
    until = answer.until if isinstance(answer, Kept) and not doubts else None
    review = bool(doubts) or (isinstance(answer, Kept) and answer.review)
    return Stays(recording.call_id, until, review, (*against, *doubts), keep.conflict)


def kept_until(recording: Retained, now: datetime) -> KeepUntil:
    """What the rules say, those in force at the call and those of now: whichever keeps it longest, or wants it gone first.

    Raises UnknownZone.
    """
    candidate = recording.candidate
    found = [
        rule
        for at in (recording.ended_at, now)
        for _, rule in rules_at_callee(recording.packs, candidate, at)
        if isinstance(rule, RetainRule)
    ]
    since = {"call": recording.ended_at, "record_created": recording.archived_at}
    outcome = Outcome() if recording.sold or recording.disposition not in NOTHING_SOLD else Outcome(recording.disposition)
    return retention.resolve(dict.fromkeys(found), RECORDING, since, zones_for(candidate), outcome)


def _with_leave(recording: Retained, house: House, keep: KeepUntil, answer: Deletion, before: datetime | None) -> Goes | Stays:
    """The rules let it go. Whether anybody wants it gone: a rule, the person, the house, or who gave the order."""
    campaign = recording.candidate.campaign
    days = house.days_of(campaign)
    over_at = latest_over(Length(days, "d"), recording.ended_at, zones_for(recording.candidate)) if days else None
    wishes = [one for one in answer.reasons if answer.overdue or one.kind == "request"]
    if over_at is not None and over_at <= answer.at:
        wishes.append(_house(campaign, house, over_at))
    if before is not None and recording.ended_at < before:
        text = f"ordered: calls that ended before {before.astimezone(UTC).isoformat()}"
        wishes.append(Reason("house.order", "order", "ringfence recording purge --before", Level.HOUSE.value, text, None))
    if wishes:
        return Goes(recording.call_id, answer.overdue, tuple(wishes), keep.minimums, keep.min_until)
    until = min((end for end in (over_at, keep.max_until) if end is not None), default=None)
    reasons = (*keep.maximums, _house(campaign, house, over_at))
    return Stays(recording.call_id, until, review=False, reasons=reasons)


def _house(campaign: str, house: House, over_at: datetime | None) -> Reason:
    own = campaign in house.of_campaigns
    cite = f"recorder.keep_days_of.{campaign}" if own else "recorder.keep_days"
    days = house.days_of(campaign)
    text = f"the house has use for it for {days}d" if days else "the house has use for it as long as the rules let it"
    return Reason("house.keep", "retain", cite, Level.HOUSE.value, text, over_at)


def _lost(ref: PackRef) -> str:
    return f"the text of rule pack {ref.id} {ref.version} by which the call was made is not kept (sha256 {ref.sha256[:12]})"


def _doubt(rule: str, text: str) -> Reason:
    return Reason(rule, "unknown", "what is not known is kept", Level.HOUSE.value, text, None)


def refs_of(packs: Iterable[Pack]) -> tuple[PackRef, ...]:
    """Which texts were asked, each once."""
    return tuple(dict.fromkeys(pack.ref for pack in packs))
