"""What is left of the calls when Asterisk is killed again and again, with several of them up?

The floor goes on all the while. Asterisk holds back up to 32 KB of each file that it writes, which is gone with it; whatever else
was said until the kill must be in the archive. A call of which nothing was written yet has no recording, and an alert says so.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from config.clock import SystemClock
from config.database import reading, writing
from dialer.benches.crash import Outcome, held
from dialer.benches.crash_floor import AGENTS, CrashFloor, crash_floor
from dialer.benches.scratch import scratch_directory
from dialer.store.legs import placed
from recorder import store
from recorder.cdr import cdr_book
from recorder.disclosure import Verdict
from recorder.legs import TELLING, Terms
from recorder.pcm import RATE
from recorder.reconcile import reconcile
from recorder.spool import Spool
from recorder.store import RecordingRow
from recorder.verification import verify_all
from sip.call import Call

MOMENT_S = 12.0  # so long after a call was answered, at most, Asterisk is killed
BUFFER = timedelta(seconds=32 * 1024 / (2 * RATE))  # what it holds back of a file: samples of 16 bits
TOLERANCE = timedelta(milliseconds=200)  # from the answer, as it is told, to the first packet of sound that is written
SETTLES_S = 300.0  # who waits for files that never came waits for a minute


@dataclass(frozen=True, slots=True)
class PbxFigures:
    """Asterisk was killed. `worst_loss_s` is what the shortest recording lacks of its call, from the answer to the kill."""

    kills: int
    cut_off: int  # calls that were up at a kill
    too_short: int  # recordings that lack more than Asterisk holds back
    worst_loss_s: float
    outcome: Outcome
    seconds: float

    @property
    def intact(self) -> bool:
        """Whether nothing was lost beyond what Asterisk holds back, and nothing doubled or found."""
        return self.outcome.intact and not self.too_short


def measure_pbx_crash(kills: int, say: Callable[[str], None], seed: int = 1) -> PbxFigures:
    """Kills the PBX of a lab so many times; from the main thread. Raises CrashFailed, LabError."""
    stopwatch = SystemClock()
    began = stopwatch.monotonic()
    chance, pause = random.Random(seed), threading.Event()
    with scratch_directory() as directory, crash_floor(directory / "site", kills, say) as floor:
        killed: list[datetime] = []
        since = floor.parts.clock.now()
        for kill in range(1, kills + 1):
            floor.wait_until(partial(floor.answered_since, since), "a customer answers")
            pause.wait(chance.uniform(0, MOMENT_S))
            if kill == kills:
                floor.stop_dialing()
            since = floor.kill_pbx()
            killed.append(since)
            floor.lab.up(AGENTS)
            if kill % 5 == 0:
                say(f"the PBX: {kill} of {kills} kills, {len(floor.calls())} calls")
        floor.wait_until(floor.settled, "every call is settled and archived", SETTLES_S)
        return _figures(floor, killed, say, lambda: round(stopwatch.monotonic() - began, 1))


def until_kill(call: Call, kills: Sequence[datetime]) -> timedelta | None:
    """From the answer of a call to the first kill after it, if the call was up then."""
    if call.answered_at is None:
        return None
    kill = next((at for at in kills if at >= call.answered_at), None)
    if kill is None or (call.ended_at is not None and call.ended_at < kill):
        return None
    return kill - call.answered_at


def losses(cut_off: Mapping[str, timedelta], recorded: Mapping[str, timedelta]) -> dict[str, timedelta]:
    """What the recordings of calls that were cut off after so long lack; a call without a recording is not in it."""
    return {call_id: lasted - recorded[call_id] for call_id, lasted in cut_off.items() if call_id in recorded}


def is_explained(loss: timedelta) -> bool:
    """Whether what is missing may have been in the part of the file that Asterisk held back."""
    return loss <= BUFFER + TOLERANCE


def _figures(
    floor: CrashFloor, kills: Sequence[datetime], say: Callable[[str], None], elapsed: Callable[[], float]
) -> PbxFigures:
    database, vault = floor.parts.database, floor.parts.vault
    calls = {one.call_id: one.call for one in floor.calls()}
    cut_off = {call_id: lasted for call_id, call in calls.items() if (lasted := until_kill(call, kills)) is not None}
    with reading(database) as connection:
        columns = select(RecordingRow.call_id, RecordingRow.duration_ms, RecordingRow.disclosure)
        rows = [(row[0], row[1], row[2]) for row in connection.execute(columns)]
    recorded = {call_id: timedelta(milliseconds=duration) for call_id, duration, _ in rows}
    unproven = {call_id for call_id, _, verdict in rows if verdict != Verdict.PROVEN}
    told = {call_id for call_id, call in calls.items() if _was_told(call, cut_off)}
    answered = {call_id for call_id, call in calls.items() if call.answered_at is not None}
    excused = _excused(floor, {call_id: cut_off[call_id] for call_id in cut_off.keys() - recorded.keys()})
    missing = losses(cut_off, recorded)
    once, doubled = held(database, vault)
    findings = list(_findings(floor))
    for finding in findings:
        say(finding)
    outcome = Outcome(
        calls=len(answered | recorded.keys()),
        archived_once=len(once),
        excused=len(excused),
        lost=len(answered - recorded.keys() - excused),
        doubled=len(doubled),
        differing=len(unproven & told),
        findings=len(findings),
    )
    return PbxFigures(
        kills=len(kills),
        cut_off=len(cut_off),
        too_short=sum(not is_explained(loss) for loss in missing.values()),
        worst_loss_s=round(max(missing.values(), default=timedelta(0)).total_seconds(), 2),
        outcome=outcome,
        seconds=elapsed(),
    )


def _was_told(call: Call, cut_off: Mapping[str, timedelta]) -> bool:
    """Whether the disclosure was played to its end, and Asterisk had time to write it: then it must be in the recording."""
    if call.answered_at is None or call.announced_at is None or not call.disclosed:
        return False
    lasted = cut_off.get(call.call_id)
    return lasted is None or call.announced_at - call.answered_at + BUFFER + TOLERANCE < lasted


def _excused(floor: CrashFloor, unrecorded: Mapping[str, timedelta]) -> set[str]:
    """The calls that were over before Asterisk had written anything, and of which an alert tells: as seen from now on."""
    young = {call_id for call_id, lasted in unrecorded.items() if is_explained(lasted)}
    with writing(floor.parts.database) as connection:
        told = [one for one in store.alerts(connection) if one.kind in TELLING and one.call_id in young]
        store.mark_seen(connection, [one.id for one in told])
    return {one.call_id for one in told if one.call_id is not None}


def _findings(floor: CrashFloor) -> Iterator[str]:
    """What `recording verify` and `recording reconcile` find, and files left in the spool."""
    parts, spool = floor.parts, floor.info.spool
    yield from (finding.text for finding in verify_all(parts.database, parts.vault))
    with cdr_book() as book:
        book.read([floor.cdrs], floor.info.trunk)
        terms = Terms(parts.clock.now(), with_cdrs=True)
        yield from (finding.text for finding in reconcile(parts.database, parts.vault, spool, placed, terms, book=book).findings)
    yield from (f"{stray.name} is left in the spool" for stray in Spool(spool).strays())
