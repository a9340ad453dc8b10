"""What does each of those who know of a call tell of it, and what can become of its leg? The words only.

`recorder.completeness` judges. A leg here is the customer's: all that the floor, the ledger, the PBX, the archive and the queue
wrote down about one call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recorder.plan import LENGTH_TOLERANCE, AlertKind

GAP_ALERT = "recording_gap"
#: The alerts that say of a call that it has no recording.
TELLING = frozenset(
    {AlertKind.RECORDING_MISSING.value, AlertKind.RECORDING_FAILED.value, AlertKind.RECORDING_QUARANTINED.value, GAP_ALERT}
)


class State(StrEnum):
    """What one leg came to."""

    NOT_ANSWERED = "not_answered"
    UP = "up"  # or ended just now
    RECORDED = "recorded"
    PURGED = "purged"  # with its tombstone in the chain of the archive
    WAITING = "waiting"  # to be archived
    UNRECORDED = "unrecorded"  # for a lawful reason
    ALERTED = "alerted"  # somebody is told that there is no recording
    GAP = "gap"


class Kind(StrEnum):
    """What can be wrong."""

    NO_RECORDING = "no_recording"
    WAITS = "waits"  # in the spool, for too long
    UNFINISHED = "unfinished"  # the floor has not written down how the call ended
    UNKNOWN_CALL = "unknown_call"  # answered by the PBX or recorded, and placed by nobody here
    ANSWER_UNSEEN = "answer_unseen"  # by the PBX it was answered, by the floor it was not
    NOT_ANSWERED = "not_answered"  # there is a recording, and by the floor nobody answered
    DURATION = "duration"
    FILE_MISSING = "file_missing"
    FILE_UNKNOWN = "file_unknown"
    CDR_MISSING = "cdr_missing"
    CDR_UNREADABLE = "cdr_unreadable"
    LEDGER = "ledger"  # ledger and floor do not agree that it was answered


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `call_id` is None for what is of no call."""

    kind: Kind
    call_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A call as the floor wrote it down. Recorded from `began_at` to `over_at`, or not at all for the reason `unrecorded`.

    `lost`: nobody saw how it ended. `finished`: its last word is said.
    """

    call_id: str
    ordered_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    finished: bool
    lost: bool = False
    unrecorded: str = ""
    began_at: datetime | None = None
    over_at: datetime | None = None

    @property
    def recorded_whole(self) -> bool:
        """Whether it was to be recorded from its answer to its end."""
        return (self.began_at, self.over_at) == (self.answered_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording as the index of the archive has it. `missing` are those of its files that are not there."""

    call_id: str
    started_at: datetime
    duration: timedelta
    path: str
    flags: frozenset[str] = frozenset()
    flag_text: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Billed:
    """A customer's leg as the PBX counted it: all its CDRs in one, in whole seconds."""

    call_id: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime

    @property
    def talk(self) -> timedelta:
        """From the answer to the end."""
        return self.ended_at - self.answered_at if self.answered_at is not None else timedelta(0)


@dataclass(frozen=True, slots=True)
class Queued:
    """Where the archiving of a call stands, as the queue has it."""

    call_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """An alert about a call."""

    call_id: str
    kind: str
    seen: bool


@dataclass(frozen=True, slots=True)
class Leg:
    """One call with all that is known of it; None where a source does not know it."""

    call_id: str
    placed: Placed | None = None
    kept: Kept | None = None
    billed: Billed | None = None
    queued: Queued | None = None
    told: tuple[Told, ...] = ()
    answer_in_ledger: datetime | None = None
    purged: bool = False

    @property
    def at(self) -> datetime | None:
        """When it was, by the first source that tells."""
        if self.placed is not None:
            return self.placed.ordered_at
        if self.billed is not None:
            return self.billed.started_at
        return self.kept.started_at if self.kept is not None else self.answer_in_ledger


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is judged: at which time, how exact durations must be, and whether the PBX's CDRs are there to be asked."""

    now: datetime
    tolerance: timedelta = LENGTH_TOLERANCE
    with_cdrs: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What a leg came to. `notes` say what it is that looks odd, and is not wrong."""

    state: State
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
