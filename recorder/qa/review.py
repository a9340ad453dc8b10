"""Where does the review of a call stand, and what may be done with it next, by whom?

The rule it protects: a score is fair. Nobody reviews a call they are on; the agent sees the score and accepts or appeals it in
time; another person than the first reviewer decides. Everything that is done is an event, kept for ever: a review is what its
events make of it, and nothing that was said is overwritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from recorder.access import Acting, Operator
from recorder.qa.rights import Act, names, refusal
from recorder.qa.scorecard import Answer
from recorder.qa.scoring import Score


class State(StrEnum):
    """Where a review stands. OVERDUE is what a due one is called after its time; it is never stored."""

    DUE = "due"
    IN_REVIEW = "in_review"
    SCORED = "scored"  # the agent may accept or appeal; in force for good when their time is over
    ACCEPTED = "accepted"
    APPEALED = "appealed"
    SECOND_REVIEW = "second_review"
    FINAL = "final"
    WITHDRAWN = "withdrawn"  # no score will come of it, or the one that came does not count
    OVERDUE = "overdue"


OPEN = frozenset({State.DUE, State.IN_REVIEW, State.APPEALED, State.SECOND_REVIEW})  # somebody is waited for
COUNTED = frozenset({State.SCORED, State.ACCEPTED, State.APPEALED, State.SECOND_REVIEW, State.FINAL})  # there is a score


@dataclass(frozen=True, slots=True)
class Remark:
    """Something said of a call: of one item or of all ('' for none), at a place in the audio or of the whole."""

    item: str
    at_ms: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Marks:
    """A filled form, and what it comes to."""

    answers: tuple[tuple[str, Answer], ...]
    remarks: tuple[Remark, ...]
    summary: str
    score: Score


@dataclass(frozen=True, slots=True)
class Opened:
    """The call is to be reviewed: drawn by a plan, or named by somebody."""

    reason: str
    assigned: str  # '' for whoever comes first
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Assigned:
    """Somebody is told off for it; '' for nobody any more."""

    reviewer: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whoever does this has taken the review, or the second one."""


@dataclass(frozen=True, slots=True)
class Released:
    """It is given back unscored."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """The first reviewer's marks; the agent may answer until `appeal_until`."""

    marks: Marks
    appeal_until: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The agent accepts the score."""


@dataclass(frozen=True, slots=True)
class Appealed:
    """The agent does not."""

    reason: str
    due_at: datetime  # of the decision


@dataclass(frozen=True, slots=True)
class Decided:
    """The second reviewer's decision: the score stands where there are no other marks."""

    reason: str
    marks: Marks | None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """There will be no score."""

    reason: str


Event = Opened | Assigned | Claimed | Released | Scored | Accepted | Appealed | Decided | Withdrawn

_S = State
TRANSITIONS: Mapping[tuple[State, type[Event]], State] = {
    (_S.DUE, Assigned): _S.DUE,
    (_S.DUE, Claimed): _S.IN_REVIEW,
    (_S.DUE, Withdrawn): _S.WITHDRAWN,
    (_S.IN_REVIEW, Released): _S.DUE,
    (_S.IN_REVIEW, Scored): _S.SCORED,
    (_S.IN_REVIEW, Withdrawn): _S.WITHDRAWN,
    (_S.SCORED, Accepted): _S.ACCEPTED,
    (_S.SCORED, Appealed): _S.APPEALED,
    (_S.APPEALED, Assigned): _S.APPEALED,
    (_S.APPEALED, Claimed): _S.SECOND_REVIEW,
    (_S.APPEALED, Withdrawn): _S.WITHDRAWN,
    (_S.SECOND_REVIEW, Released): _S.APPEALED,
    (_S.SECOND_REVIEW, Decided): _S.FINAL,
    (_S.SECOND_REVIEW, Withdrawn): _S.WITHDRAWN,
}

_ACT: Mapping[type[Event], Act] = {
    Assigned: Act.ASSIGN,
    Claimed: Act.REVIEW,
    Scored: Act.REVIEW,
    Decided: Act.REVIEW,
    Accepted: Act.ANSWER,
    Appealed: Act.ANSWER,
    Withdrawn: Act.ASSIGN,
}


@dataclass(frozen=True, slots=True)
class Review:
    """The review of one call. `agents` is everybody who was on it; `agent_id` whom it is about."""

    review_id: str
    call_id: str
    agent_id: str
    agents: frozenset[str]
    team: str
    state: State
    seq: int  # of its last event
    assigned: str
    due_at: datetime
    holder: str = ""  # who has it now
    reviewer: str = ""  # who scored it first
    score: Score | None = None  # in force: the second reviewer's, once there is one
    appeal_until: datetime | None = None
    decided_by: str = ""
    appealed: bool = False
    changed: bool = False  # the second reviewer gave other marks


@dataclass(frozen=True, slots=True)
class NotNow:
    """The event is refused, in words for whoever tried it."""

    text: str


def standing(review: Review, now: datetime) -> State:
    """What the review is called at `now`: a due one may be overdue, and a score is final when nobody appealed in time."""
    if review.state is State.DUE and now > review.due_at:
        return State.OVERDUE
    if review.state is State.SCORED and review.appeal_until is not None and now > review.appeal_until:
        return State.FINAL
    return review.state


def is_late(review: Review, now: datetime) -> bool:
    """Whether somebody should have acted by now."""
    return review.state in OPEN and now > review.due_at


def move(review: Review, event: Event, by: Acting, now: datetime) -> Review | NotNow:
    """The review after somebody has done this, or why they cannot."""
    if (review.state, type(event)) not in TRANSITIONS:
        done = type(event).__name__.lower()
        return NotNow(f"review {review.review_id} is {standing(review, now).value}: it cannot be {done} now")
    why_not = _refused(review, event, by, now)
    return NotNow(f"review {review.review_id}: {why_not}") if why_not else applied(review, event, by.name)


def applied(review: Review, event: Event, who: str) -> Review:
    """The review after an event that was allowed when it was written. Raises KeyError for one that never was."""
    after = replace(review, state=TRANSITIONS[review.state, type(event)], seq=review.seq + 1)
    match event:
        case Assigned(reviewer):
            return replace(after, assigned=reviewer)
        case Claimed():
            return replace(after, holder=who)
        case Released():
            return replace(after, holder="", assigned="")
        case Scored(marks, appeal_until):
            return replace(after, holder="", assigned="", reviewer=who, score=marks.score, appeal_until=appeal_until)
        case Appealed(_, due_at):
            return replace(after, due_at=due_at, appealed=True)
        case Decided(_, marks):
            decided = replace(after, holder="", assigned="", decided_by=who)
            return decided if marks is None else replace(decided, score=marks.score, changed=True)
        case Withdrawn():
            return replace(after, holder="", assigned="")
        case _:
            return after


def _refused(review: Review, event: Event, by: Acting, now: datetime) -> str | None:
    act = _ACT.get(type(event))
    if act is not None and (why := refusal(by, act, agents=frozenset({review.agent_id}), team=review.team)):
        return why
    match event:
        case Claimed():
            return _not_to_be_claimed(review, by)
        case Scored() | Decided() if review.holder != by.name:
            return f"{review.holder} has it"
        case Released() if review.holder != by.name and _may_not_assign(review, by):
            return f"{review.holder} has it"
        case Accepted() | Appealed() if review.appeal_until is not None and now > review.appeal_until:
            return f"the time to answer was over on {review.appeal_until:%Y-%m-%d %H:%M}Z"
        case Accepted() | Appealed() if isinstance(by, Operator) and by.name == review.reviewer:
            return f"{by.name} has scored it, and cannot answer for the agent: act as another with --as"
        case Assigned(reviewer) if reviewer and reviewer in {*review.agents, review.reviewer}:
            return f"{reviewer} is on the call, or has scored it"
        case Appealed(reason) | Decided(reason) | Withdrawn(reason) if not reason.strip():
            return "a reason is needed"
        case _:
            return None


def _may_not_assign(review: Review, by: Acting) -> str | None:
    return refusal(by, Act.ASSIGN, agents=frozenset({review.agent_id}), team=review.team)


def _not_to_be_claimed(review: Review, by: Acting) -> str | None:
    if names(by) & review.agents:
        return f"{by.name} is on the call: nobody reviews their own"
    if review.state is State.APPEALED and by.name == review.reviewer:
        return f"{by.name} has scored it: another person decides on the appeal"
    if review.assigned not in {"", by.name}:
        return f"{review.assigned} is told off for it"
    return None
