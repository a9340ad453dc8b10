"""How long is a record kept, and may it be deleted now? The largest minimum and the smallest maximum, and who objects.

The rule it protects: what must be kept is not deleted because somebody asks (PIPL 47: 法律、行政法规规定的保存期限未届满; GDPR
17(3)(b)), and the asking is obeyed in everything else at once: marketing use stops. What is not known is kept. A minimum that
is longer than a maximum, or that only the house or a code sets against somebody's right to erasure, goes to a person.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from compliance.lengths import FIRST_DAY, LAST_DAY, Length, earliest_over, latest_over, over_at
from compliance.rules import Condition, Level, RetainRule, Rule
from compliance.verdict import Reason

MARKETING = "marketing"
#: What weighs as much as a law: a rule of any other level does not stand against a right to erasure by itself.
OF_LAW = frozenset({Level.LAW, Level.LOCAL, Level.PRESUMPTION})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the call, as far as it is known: its result, and the term of the policy that was sold."""

    result: str = ""
    policy_term_years: int | None = None


UNKNOWN = Outcome()


@dataclass(frozen=True, slots=True)
class KeepUntil:
    """Until when records of one kind must, and may, be kept: the first instants at which they no longer must, no longer may.

    None is for no such end: no rule sets one, or it is not known yet. `needs` are the events of which the time must be known
    before a minimum has an end: until then it has none. A reason's `retry_at` is its rule's own end, None where it needs facts.
    """

    what: str
    min_until: datetime | None
    max_until: datetime | None
    conflict: str
    needs: tuple[str, ...]
    minimums: tuple[Reason, ...]
    maximums: tuple[Reason, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every rule that has something to say."""
        return self.minimums + self.maximums


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody's order to keep a record whatever the rules say: a dispute, a complaint, an authority."""

    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """The person asked to have the record deleted, by the right that `cite` names."""

    at: datetime
    cite: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """Nothing stands against deleting the record; the reasons are what asks for it. `overdue`: it must be gone already."""

    at: datetime
    overdue: bool
    reasons: tuple[Reason, ...]
    stopped_uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """The record stays, for all of these reasons. `until` is the last of their ends, None where one of them has none.

    `review`: a person decides. `stopped_uses` are those for which the record may not be used any more from now on.
    """

    at: datetime
    until: datetime | None
    review: bool
    reasons: tuple[Reason, ...]
    stopped_uses: tuple[str, ...]


def resolve(
    rules: Iterable[Rule],
    what: str,
    since: Mapping[str, datetime],
    zones: Sequence[str] = (),
    outcome: Outcome = UNKNOWN,
) -> KeepUntil:
    """Until when records of the kind `what` are kept. `since` tells when each event that lengths are counted from happened last.

    `zones` are those on whose dates they are counted; none for a place that is not known. Raises ValueError for a naive time,
    UnknownZone.
    """
    there = tuple(zones)
    held = [rule for rule in rules if isinstance(rule, RetainRule) and what in rule.what and _may_hold(rule, outcome)]
    least = [_Span(rule, rule.least, since.get(rule.since), there) for rule in held if rule.least is not None]
    most = [_Span(rule, rule.most, since.get(rule.since), there) for rule in held if rule.most is not None]
    minimums = tuple(_reason(span, "at least", span.latest) for span in least)
    maximums = tuple(_reason(span, "at most", span.earliest) for span in most)
    conflict = "; ".join(_conflicts(least, most))
    min_until = max((one.retry_at for one in minimums if one.retry_at is not None), default=None)
    max_until = min((one.retry_at for one in maximums if one.retry_at is not None), default=None)
    if min_until is not None and max_until is not None and not conflict:
        max_until = max(min_until, max_until)  # they meet in every zone: which zone it is, is all that is not known
    needs = tuple(sorted({span.rule.since for span in least if span.began_at is None}))
    return KeepUntil(what, min_until, max_until, conflict, needs, minimums, maximums)


def may_delete(keep: KeepUntil, now: datetime, holds: Iterable[Hold] = (), request: Erasure | None = None) -> Deletion | Kept:
    """Whether the record may be deleted at `now`, or all that stands against it. Raises ValueError for a naive `now`."""
    if now.tzinfo is None:
        raise ValueError("retention needs an aware time")
    stopped, asked = ((MARKETING,), (_asked(request),)) if request is not None else ((), ())
    open_minimums = [one for one in keep.minimums if one.retry_at is None or one.retry_at > now]
    reasons = (*(_held(hold) for hold in holds), *open_minimums)
    if not reasons:
        overdue = keep.max_until is not None and keep.max_until <= now
        return Deletion(now, overdue, keep.maximums + asked, stopped)
    ends = [one.retry_at for one in reasons if one.retry_at is not None]
    until = max(ends) if len(ends) == len(reasons) else None
    weak = request is not None and not any(one.kind == "hold" or one.level in OF_LAW for one in reasons)
    return Kept(now, until, bool(keep.conflict) or weak, reasons, stopped)


@dataclass(frozen=True, slots=True)
class _Span:
    """One length of one rule, from when on (None: not known) and by the dates of which zones."""

    rule: RetainRule
    length: Length
    began_at: datetime | None
    zones: tuple[str, ...]

    @property
    def latest(self) -> datetime | None:
        """When it is over wherever that may be."""
        return None if self.began_at is None else latest_over(self.length, self.began_at, self.zones)

    @property
    def earliest(self) -> datetime | None:
        """Before when it is over nowhere."""
        return None if self.began_at is None else earliest_over(self.length, self.began_at, self.zones)


def _conflicts(least: Sequence[_Span], most: Sequence[_Span]) -> Iterator[str]:
    """Every pair of a minimum and a maximum that cannot both be kept, on the dates of one and the same zone."""
    for kept, gone in product(least, most):
        if _outlasts(kept, gone):
            unknown = ", of which the time is not known," if kept.began_at is None else ""
            yield (
                f"{kept.rule.origin.id} keeps it at least {kept.length} from {kept.rule.since}{unknown} "
                f"and {gone.rule.origin.id} at most {gone.length} from {gone.rule.since}: a person decides"
            )


def _outlasts(kept: _Span, gone: _Span) -> bool:
    """Whether the minimum may end after the maximum. A maximum that has not begun is outlasted by nothing yet."""
    if kept.began_at is None or gone.began_at is None:
        return gone.began_at is not None
    for zone in kept.zones or (FIRST_DAY, "UTC", LAST_DAY):
        if over_at(kept.length, kept.began_at, zone) > over_at(gone.length, gone.began_at, zone):
            return True
    return False


def _may_hold(rule: RetainRule, outcome: Outcome) -> bool:
    return all(_may_be_met(one, outcome) for one in rule.terms.when)


def _may_be_met(condition: Condition, outcome: Outcome) -> bool:
    """Whether the call may have ended so. What was asked of the call itself, scope has answered before."""
    match condition.dimension:
        case "result":
            return not outcome.result or outcome.result in condition.values
        case "policy_term_le_years":
            return outcome.policy_term_years is None or outcome.policy_term_years <= int(condition.values[0])
        case "policy_term_gt_years":
            return outcome.policy_term_years is None or outcome.policy_term_years > int(condition.values[0])
        case _:
            return True


def _reason(span: _Span, how: str, end: datetime | None) -> Reason:
    origin, at = span.rule.origin, span.began_at
    when = ", of which the time is not known" if at is None else f" at {_utc(at)}"
    text = f"kept {how} {span.length} from {span.rule.since}{when}"
    return Reason(origin.id, "retain", origin.cite, origin.level.value, text, end)


def _held(hold: Hold) -> Reason:
    return Reason("hold", "hold", hold.by, Level.HOUSE.value, f"held since {_utc(hold.since)}: {hold.reason}", None)


def _asked(request: Erasure) -> Reason:
    return Reason("erasure", "request", request.cite, Level.LAW.value, f"asked for at {_utc(request.at)}", None)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
