"""How do the calls that have ended come into the archive?

A thin loop: read the queue, look at the spool, hand the audio to worker processes, keep what they made, record it, and
only then remove the raw files. Rule protected: killed between any two of these, the next start finds the call either
still queued with its raw files, or archived; it never loses one and never keeps two.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from config import logs
from config.clock import Clock
from config.database import reading, writing
from config.load import ConfigError
from recorder import archive_head, store
from recorder.adopting import adopt
from recorder.archive_head import HeadDisagrees
from recorder.filing import file_recording
from recorder.ingest import Ingested, Task, task_of
from recorder.naming import HostileName
from recorder.plan import NO_FILES, Alert, AlertKind, about, without_files
from recorder.record import BadRecord, CallRecord
from recorder.row import filed_at, flags_of, metadata_of, row_of
from recorder.sealing import Role
from recorder.spool import RawFiles, Spool
from recorder.store import Job, JobState
from recorder.stores import StoreDown
from recorder.tidy import tidy
from recorder.vault import Locked, StorageFull, Vault
from recorder.wav import NotAudio
from recorder.workers import AudioWorkers

LOG = logs.get(__name__)

LOOK_AT = 10_000  # jobs looked at in a round; looking is a few file-system calls
MAX_ATTEMPTS = 5
ALIKE: Mapping[str, str] = MappingProxyType({})  # no campaign is archived in another form
PATIENCE = timedelta(seconds=60)  # for the files of an answered call; they are there from the answer
STORAGE_RETRY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call whose files are all there."""

    job: Job
    record: CallRecord
    files: RawFiles


class Archivist:
    """Archives the calls of one spool, as `form`, those of a campaign in `form_of` as that says.

    `step` is told the name of each step as it is reached.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        spool: Path,
        vault: Vault,
        prompts: Path,
        *,
        workers: int = 1,
        form: str = "flac",
        form_of: Mapping[str, str] = ALIKE,
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._spool = Spool(spool)
        self._vault = vault
        self._prompts = prompts
        self._form, self._form_of = form, form_of
        self._workers = AudioWorkers(workers)
        self._step = step
        self._send_at = 0.0  # monotonic seconds; the store is not asked before
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, every: timedelta = timedelta(milliseconds=500)) -> None:
        """Archives in a thread of its own until `stop`. Raises SpoolBusy when another process has the spool."""
        self._spool.take()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, args=(every.total_seconds(),), name="archivist", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the call it is at, and the workers; what is queued stays queued."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.close()

    def close(self) -> None:
        """Ends the workers and gives the spool free."""
        self._workers.close()
        self._spool.release()

    def work_once(self) -> int:
        """One round over the queue and the spool; returns how many calls were settled. Raises SpoolBusy."""
        self._spool.take()
        self._publish()
        self._tidy()
        with reading(self._engine) as connection:
            jobs = store.due(connection, self._clock.now(), LOOK_AT)
        settled = 0
        ready: list[_Ready] = []
        for job in jobs:
            match self._look(job):
                case _Ready() as call:
                    ready.append(call)
                case True:
                    settled += 1
        for batch in _batches(ready, self._workers.count):
            if self._stopping.is_set():
                break
            settled += self._archive(batch)
        self._send()
        return settled

    def _run(self, every_seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                if self.work_once():
                    continue
            except Exception:
                LOG.exception("the archivist's round failed")
            self._stopping.wait(every_seconds)

    def _look(self, job: Job) -> _Ready | bool:
        """The job with its files when it can be worked; otherwise whether it was settled without audio."""
        try:
            record = job.record()
            files = self._spool.files(record.call_id)
        except (BadRecord, HostileName) as error:
            return self._settle(job, JobState.FAILED, str(error), Alert(AlertKind.RECORDING_FAILED, job.call_id, str(error)))
        waited = self._clock.now() - record.ended_at >= PATIENCE
        if files.present:
            both = len(files.present) == 2
            finished = self._spool.finished(files, self._clock.monotonic())
            return _Ready(job, record, files) if finished and (both or waited) else False
        missing = without_files(record, self._clock.now(), PATIENCE)
        if missing is not None:
            return self._settle(job, JobState.FAILED, NO_FILES, missing)
        return self._settle(job, JobState.DONE, NO_FILES, None) if waited else False

    def _archive(self, batch: list[_Ready]) -> int:
        """Archives calls side by side; returns how many were settled."""
        at_work: dict[Future[Ingested], tuple[_Ready, Task, Locked | None]] = {}
        settled = 0
        for call in batch:
            try:
                locked = self._vault.locked(call.record.call_id)
                task = self._task(call, locked)
                at_work[self._workers.submit(task)] = (call, task, locked)
            except (OSError, ConfigError, BrokenProcessPool) as error:
                settled += self._failed(call, error)
        for future in as_completed(at_work):
            call, task, locked = at_work[future]
            try:
                ingested = future.result()
                self._step("encoded")
                self._keep(call, task, ingested, locked)
                settled += 1
            except NotAudio as error:
                settled += self._quarantine(call, task, str(error))
            except Exception as error:  # noqa: BLE001 -- one call must not stop the others: counted, logged, tried again
                settled += self._failed(call, error)
        return settled

    def _task(self, call: _Ready, locked: Locked | None) -> Task:
        """Counts the attempt, then prepares the work. Raises StorageFull, OSError."""
        record = call.record
        with writing(self._engine) as connection:
            attempt = store.claim(connection, record.call_id)
        self._step("claimed")
        part = self._vault.unfinished(record.call_id, filed_at(record), attempt)
        form = self._form_of.get(record.campaign, self._form)
        task = task_of(record, (call.files.agent, call.files.customer), part, self._prompts, form)
        return replace(task, seal=None if locked is None else locked.seal(Role.AUDIO))

    def _keep(self, call: _Ready, task: Task, ingested: Ingested, locked: Locked | None) -> None:
        """Archive, record, and only then remove the raw files."""
        record = call.record
        flags = flags_of(record, ingested)
        metadata = metadata_of(record, ingested, flags)
        archived = self._vault.keep(task.part, record.call_id, filed_at(record), metadata, form=task.form, locked=locked)
        self._step("kept")
        now = self._clock.now()
        with writing(self._engine) as connection:
            row = row_of(record, ingested, flags, archived, now)
            file_recording(connection, row, archived, None if locked is None else locked.wrapped, now)
            for alert in about(record, flags, ingested.verdict):
                store.alarm(connection, alert, now)
            self._step("recorded")
        self._step("committed")
        self._publish()
        self._step("published")
        self._spool.remove(call.files)
        self._step("removed")
        LOG.info("archived", call_id=record.call_id, path=archived.path, disclosure=ingested.verdict, flags=sorted(flags))

    def _publish(self) -> None:
        """Brings the archive's head up to its chain. What it cannot do now it does in the next round: no call waits for it."""
        try:
            adopt(self._engine, self._vault, self._clock.now())
            archive_head.publish(self._engine, self._vault.root)
        except (HeadDisagrees, OSError) as error:
            self._tell(Alert(AlertKind.ARCHIVE_CHAIN, None, f"the head of the archive was not moved: {error}"))

    def _tidy(self) -> None:
        try:
            tidy(self._engine, self._clock, self._spool, self._vault)
        except StoreDown as error:
            self._tell(Alert(AlertKind.STORE_DOWN, None, str(error)))

    def _send(self) -> None:
        """Sends to the store what is archived; when it does not answer, what waits waits on the local disk."""
        if self._clock.monotonic() < self._send_at:
            return
        try:
            if sent := self._vault.send():
                LOG.info("sent to the store", files=sent)
        except OSError as error:
            self._send_at = self._clock.monotonic() + STORAGE_RETRY.total_seconds()
            self._tell(Alert(AlertKind.STORE_DOWN, None, f"recordings wait on the local disk for the store: {error}"))

    def _tell(self, alert: Alert) -> None:
        with reading(self._engine) as connection:
            if store.is_told(connection, alert):
                return
        with writing(self._engine) as connection:
            store.alarm(connection, alert, self._clock.now())
        LOG.error("alert", kind=alert.kind, text=alert.text)

    def _quarantine(self, call: _Ready, task: Task, reason: str) -> bool:
        """Sets the files aside. The reason is committed first: `tidy` moves what a crash left behind."""
        task.part.unlink(missing_ok=True)
        alert = Alert(AlertKind.RECORDING_QUARANTINED, call.record.call_id, reason)
        settled = self._settle(call.job, JobState.QUARANTINED, reason, alert)
        self._step("quarantined")
        self._spool.set_aside(call.files)
        return settled

    def _failed(self, call: _Ready, error: Exception) -> bool:
        """Puts the call back into the queue, or out of it after too many attempts; whether it is settled by that."""
        call_id, now = call.record.call_id, self._clock.now()
        if isinstance(error, StorageFull):
            full = Alert(AlertKind.STORAGE_FULL, None, f"{error.filename}: {error.strerror}; raw files wait in the spool")
            with writing(self._engine) as connection:
                store.postpone(connection, call_id, now + STORAGE_RETRY, str(error), refund=True)
                store.alarm(connection, full, now)
            LOG.error("storage is full", call_id=call_id, place=error.filename)
            return False
        if isinstance(error, BrokenProcessPool):
            self._workers.restart()
        LOG.error("archiving failed", call_id=call_id, attempt=call.job.attempts + 1, error=repr(error))
        if call.job.attempts + 1 >= MAX_ATTEMPTS:
            text = f"call {call_id} was not archived in {MAX_ATTEMPTS} attempts, its files are in the spool: {error}"
            return self._settle(call.job, JobState.FAILED, text, Alert(AlertKind.RECORDING_FAILED, call_id, text))
        with writing(self._engine) as connection:
            store.postpone(connection, call_id, now + timedelta(seconds=2**call.job.attempts), repr(error))
        return False

    def _settle(self, job: Job, state: JobState, reason: str, alert: Alert | None) -> bool:
        with writing(self._engine) as connection:
            store.settle(connection, job.call_id, state, reason)
            if alert is not None:
                store.alarm(connection, alert, self._clock.now())
        LOG.warning("settled without a recording", call_id=job.call_id, state=state, reason=reason)
        return True


def _batches(ready: Iterable[_Ready], size: int) -> Iterator[list[_Ready]]:
    """First attempts `size` at a time; whatever failed before goes alone, so that it can fail nobody else."""
    batch: list[_Ready] = []
    for call in ready:
        if call.job.attempts:
            yield [call]
            continue
        batch.append(call)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
