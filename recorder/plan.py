"""What recording does a finished call leave behind, and when is its absence an alarm?

Rule protected: every answered call is recorded. A call nobody can say was answered is given the benefit of doubt both
ways: its files are kept if they come, and nobody is alarmed if they do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recorder.disclosure import Verdict
from recorder.record import CallRecord
from sip.call import Call, CallState


class NoRecording(StrEnum):
    """Why a finished call rightly has no recording."""

    NOT_ANSWERED = "not_answered"  # the far side never answered: there was nothing to record
    NOT_PLACED = "not_placed"  # the PBX made no leg


@dataclass(frozen=True, slots=True)
class RecordingExpected:
    """The call was answered: its absence from the archive is an alert."""

    call_id: str


@dataclass(frozen=True, slots=True)
class RecordingPossible:
    """The call was lost from view before an answer was seen: it may have been answered and recorded meanwhile."""

    call_id: str


@dataclass(frozen=True, slots=True)
class RecordingNotExpected:
    """No recording, and why that is right."""

    call_id: str
    why: NoRecording


Expected = RecordingExpected | RecordingPossible | RecordingNotExpected


class AlertKind(StrEnum):
    """What a person must look at."""

    RECORDING_MISSING = "recording_missing"  # answered, and the PBX left no file
    RECORDING_QUARANTINED = "recording_quarantined"  # files came that are not audio we can archive
    RECORDING_FAILED = "recording_failed"  # processing crashed again and again; the raw files are kept
    RECORDING_DEGRADED = "recording_degraded"  # archived, but a side is missing, silent or short
    DISCLOSURE_UNPROVEN = "disclosure_unproven"  # an agent spoke, and the audio does not show the prompt before
    STORAGE_FULL = "storage_full"  # the archive takes no more; raw files wait in the spool
    STORE_DOWN = "store_down"  # the object store does not answer; what is archived waits on the local disk
    ARCHIVE_CHAIN = "archive_chain"  # the head of the archive and its chain do not agree: `ringfence recording verify`
    SPOOL_ORPHAN = "spool_orphan"  # files in the spool that belong to no call we know


class Flag(StrEnum):
    """What is to be said of a recording that is in the archive."""

    HEADER_REPAIRED = "header_repaired"  # the PBX did not close the file: its length is told by its size, and up to 2 s are lost
    ODD_LENGTH = "odd_length"  # half a sample at the end was left out
    AGENT_MISSING = "agent_missing"  # no file of that side came: it is silence
    CUSTOMER_MISSING = "customer_missing"
    AGENT_SILENT = "agent_silent"  # a file came, and an agent was joined, but nothing is heard of the agent, or of one of them
    CUSTOMER_SILENT = "customer_silent"
    AGENT_DROPOUT = "agent_dropout"  # for a while in mid-call exact silence, which no line is: most likely no packets came
    CUSTOMER_DROPOUT = "customer_dropout"
    LENGTHS_DIFFER = "lengths_differ"  # the shorter side was filled with silence
    AGENT_CLIPPED = "agent_clipped"  # cut off at full scale, more than a loud voice is now and then
    CUSTOMER_CLIPPED = "customer_clipped"
    CONVERTED = "converted"  # the PBX wrote another rate, coding or number of channels than it was told to
    SHORTER_THAN_CALL = "shorter_than_call"
    ANSWER_UNSEEN = "answer_unseen"  # when the call was answered is reckoned from the length


#: What makes a recording unfit to pass for a good one: somebody is told.
DEGRADED = frozenset(
    {
        Flag.HEADER_REPAIRED,
        Flag.AGENT_MISSING,
        Flag.CUSTOMER_MISSING,
        Flag.AGENT_SILENT,
        Flag.CUSTOMER_SILENT,
        Flag.AGENT_DROPOUT,
        Flag.CUSTOMER_DROPOUT,
        Flag.LENGTHS_DIFFER,
        Flag.AGENT_CLIPPED,
        Flag.CUSTOMER_CLIPPED,
        Flag.CONVERTED,
        Flag.SHORTER_THAN_CALL,
    }
)
NO_FILES = "no files in the spool"  # why a job ended that is opened again if they come after all
LENGTH_TOLERANCE = timedelta(seconds=1)  # between the PBX's events and its last written block


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at; `call_id` is None when it is about a place rather than a call."""

    kind: AlertKind
    call_id: str | None
    text: str


def after(call: Call) -> Expected:
    """What is expected of `call`, which has ended. Raises ValueError for one that is still up."""
    if call.state is not CallState.ENDED:
        raise ValueError(f"call {call.call_id} is {call.state.value}: nothing can be said of its recording yet")
    if call.answered_at is not None:
        return RecordingExpected(call.call_id)
    if call.failure is not None:
        return RecordingNotExpected(call.call_id, NoRecording.NOT_PLACED)
    if call.hangup_cause is None:  # ended by Lost: nobody saw how
        return RecordingPossible(call.call_id)
    return RecordingNotExpected(call.call_id, NoRecording.NOT_ANSWERED)


def without_files(record: CallRecord, now: datetime, patience: timedelta) -> Alert | None:
    """The alert for a call whose files have not come by `now`; None while they may yet, or need never, come."""
    if now - record.ended_at < patience or record.answered_at is None or record.unrecorded:
        return None
    text = f"call {record.call_id} was answered at {record.answered_at.isoformat()} and left no recording in the spool"
    return Alert(AlertKind.RECORDING_MISSING, record.call_id, text)


def missing(record: CallRecord, duration: timedelta) -> timedelta:
    """How much of the call a recording of `duration` lacks; nothing within the tolerance.

    A call whose recording nobody saw begin has no length to lack.
    """
    if record.began_at is None:
        return timedelta(0)
    lacks = record.over_at - record.began_at - duration
    return lacks if lacks > LENGTH_TOLERANCE else timedelta(0)


def about(record: CallRecord, flags: Mapping[Flag, str], verdict: Verdict) -> tuple[Alert, ...]:
    """The alerts for a recording that has just been archived, with what was measured."""
    alerts = []
    if degraded := sorted(flags.keys() & DEGRADED):
        text = f"the recording of call {record.call_id} is degraded: {'; '.join(told(flag, flags[flag]) for flag in degraded)}"
        alerts.append(Alert(AlertKind.RECORDING_DEGRADED, record.call_id, text))
    if verdict not in {Verdict.PROVEN, Verdict.ATTESTED, Verdict.NOT_APPLICABLE}:
        text = f"call {record.call_id}: disclosure by prompt {record.prompt!r} is {verdict.value} in the recording"
        alerts.append(Alert(AlertKind.DISCLOSURE_UNPROVEN, record.call_id, text))
    return tuple(alerts)


def told(flag: Flag, measurement: str) -> str:
    """A flag with its measurement, in one line."""
    return f"{flag.value}: {measurement}" if measurement else flag.value
