"""What is still in the spool that the queue does not wait for?

Raw files outlive their job when a crash fell between two steps, when they came late, or when no call accounts for
them. Rule protected: raw files are removed only after the archive was seen to hold them, or was seen to have purged
them; what nobody knows is reported and left where it is.
"""

from datetime import timedelta

from sqlalchemy import Engine

from config.clock import Clock
from config.database import reading, writing
from recorder import archive_chain, store
from recorder.plan import NO_FILES, Alert, AlertKind
from recorder.spool import Spool, Stray
from recorder.store import JobState
from recorder.vault import Vault

ORPHANED = timedelta(minutes=10)  # without a job and unchanged for so long, files are of no call that is still up


def tidy(engine: Engine, clock: Clock, spool: Spool, vault: Vault) -> None:
    """Finishes what was interrupted, reopens what came late, reports what is nobody's."""
    strays = list(spool.strays())
    with reading(engine) as connection:
        known = store.jobs(connection, [stray.call_id for stray in strays if stray.call_id is not None])
    for stray in strays:
        job = known.get(stray.call_id) if stray.call_id is not None else None
        if job is None:
            _report(engine, clock, stray)
            continue
        match job.state:
            case JobState.DONE | JobState.FAILED if job.reason == NO_FILES:
                with writing(engine) as connection:
                    store.reopen(connection, job.call_id, clock.now())
            case JobState.DONE:
                _remove_if_held(engine, clock, spool, vault, job.call_id)
            case JobState.QUARANTINED:
                spool.set_aside(spool.files(job.call_id))
            case JobState.PENDING | JobState.FAILED:
                pass


def _report(engine: Engine, clock: Clock, stray: Stray) -> None:
    if clock.now() - stray.changed_at < ORPHANED:
        return
    what = "belongs to no call that has ended" if stray.call_id is not None else "is not a raw recording"
    _tell(engine, clock, Alert(AlertKind.SPOOL_ORPHAN, stray.call_id, f"{stray.name[:120]!r} in the spool {what}"))


def _remove_if_held(engine: Engine, clock: Clock, spool: Spool, vault: Vault, call_id: str) -> None:
    text = f"call {call_id}: its raw files are kept in the spool, since the archive does not hold its recording unaltered"
    alert = Alert(AlertKind.RECORDING_FAILED, call_id, text)
    with reading(engine) as connection:
        if store.is_told(connection, alert):
            return
        archived = next(store.in_archive(connection, call_id), None)
        links = archive_chain.entries(connection, [call_id]).get(call_id, [])
    purged = archived is None and any(link.kind == archive_chain.PURGED for link in links)
    if purged or (archived is not None and vault.holds(archived)):
        spool.remove(spool.files(call_id))
    else:
        _tell(engine, clock, alert)


def _tell(engine: Engine, clock: Clock, alert: Alert) -> None:
    """Writes the alert unless it is told; asks first, since a round must not take the write lock for nothing."""
    with reading(engine) as connection:
        if store.is_told(connection, alert):
            return
    with writing(engine) as connection:
        store.alarm(connection, alert, clock.now())
