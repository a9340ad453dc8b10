"""Is a site fit to run? Each part is tried for real and answered for in one line, which says what to do where it is not."""

import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from compliance.numbers import regions_of
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import PackError
from compliance.rows import read_one_snapshot
from config import migrate
from config.clock import SystemClock
from config.database import open_database, reading
from config.load import ConfigError, Site
from dialer import archive_fitness, store
from dialer.archive_fitness import Unfit
from dialer.bootstrap import pbx_of
from recorder import archive_chain, recording_keys, staff
from recorder.archive_head import Head, HeadDisagrees
from recorder.audit import TIP, audit_entry, audit_tip
from recorder.plan import AlertKind
from recorder.record import BadRecord, from_json
from recorder.store import AlertRow, JobState, RecordingJobRow
from sip.ami import Asterisk
from sip.events import Event, PbxDown, PbxUp
from sip.unpack import LabError

PATIENCE_S = 10.0
MOST_NUMBERS = 20_000  # of the lists that are looked at: what they tell of places is told by fewer
NOWHERE = frozenset({"ZZ"})  # no pack is made for it
WAITS = timedelta(minutes=10)  # from the end of a call to its archiving, before somebody should look
#: What people are told of a call that could not be archived.
_GIVEN_UP = frozenset({AlertKind.RECORDING_MISSING, AlertKind.RECORDING_FAILED, AlertKind.RECORDING_QUARANTINED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is there, and what is to be said about it."""

    what: str
    ok: bool
    text: str


def examine(site: Site) -> list[Finding]:
    """Tries every part a running floor needs. What is only worth a thought is `ok`, and its text begins with `hint`."""
    checks: tuple[tuple[str, Callable[[Site], str]], ...] = (
        ("database", _database),
        ("rule packs", _packs),
        ("archive", archive_fitness.folder),
        *((("object store", archive_fitness.store),) if site.archive_store else ()),
        ("archive keys", _in_database(_keys)),
        ("archive head", _in_database(_head)),
        ("recordings", _in_database(_recordings)),
        ("audit chain", _in_database(_audit)),
        ("staff", _in_database(_staff)),
        ("ffmpeg", archive_fitness.encoders),
        ("PBX", _pbx),
        ("prompts", _prompts),
    )
    unfit = (Unfit, ConfigError, PackError, LabError, HeadDisagrees, SQLAlchemyError, OSError, migrate.UnknownRevision)
    findings = []
    for what, check in checks:
        try:
            findings.append(Finding(what, ok=True, text=check(site)))
        except unfit as error:
            findings.append(Finding(what, ok=False, text=str(error)))
    return findings


def _in_database(check: Callable[[Site, Connection], str]) -> Callable[[Site], str]:
    """The check of what the database tells, as far as it can be read yet."""

    def checked(site: Site) -> str:
        database = open_database(site.database_url)
        try:
            if not migrate.is_current(database):
                return "looked at once the database is up to date"
            with reading(database) as connection:
                read_one_snapshot(connection)  # the site may be running
                return check(site, connection)
        finally:
            database.dispose()

    return checked


def _database(site: Site) -> str:
    database = open_database(site.database_url)
    try:
        with reading(database) as connection:
            connection.execute(text("select 1"))
        if not migrate.is_current(database):
            return "reachable; the next command brings it up to date"
        return f"{database.dialect.name}, up to date"
    finally:
        database.dispose()


def _packs(site: Site) -> str:
    packs = load_packs(site.settings.gate.packs, site.directory)
    told = ", ".join(f"{pack.ref.id} {pack.ref.version} ({pack.ref.sha256[:12]})" for pack in packs)
    places = _places(site)
    missing = sorted({pack.id for pack in packs_of_law() if pack.reaches(places)} - {pack.id for pack in packs})
    return f"{told}; NOT in force, though made for places where leads may be: {', '.join(missing)}" if missing else told


def _places(site: Site) -> frozenset[str]:
    """Where those on the lists of this site may be, by their numbers; a place that is none where there is no list yet."""
    database = open_database(site.database_url)
    try:
        if not migrate.is_current(database):
            return NOWHERE
        with reading(database) as connection:
            numbers = store.some_numbers(connection, MOST_NUMBERS)
    finally:
        database.dispose()
    return frozenset().union(*map(regions_of, numbers)) or NOWHERE


def _keys(site: Site, connection: Connection) -> str:
    return archive_fitness.keys(site, recording_keys.used(connection))


def _head(site: Site, connection: Connection) -> str:
    def tip() -> Head:
        return Head(*archive_chain.tip(connection))

    return archive_fitness.head(site, tip, lambda seq: archive_chain.hash_at(connection, seq))


def _recordings(_site: Site, connection: Connection) -> str:
    """What waits to be archived, and what was given up and nobody has looked at."""
    job = RecordingJobRow.__table__.c
    waiting = _ends(connection.execute(select(job.metadata_json).where(job.state == JobState.PENDING.value)).scalars().all())
    late = sorted((ended_at, call_id) for ended_at, call_id in waiting if ended_at <= SystemClock().now() - WAITS)
    given_up = select(job.call_id, job.state, job.reason).where(
        job.state.in_((JobState.FAILED.value, JobState.QUARANTINED.value))
    )
    alert = AlertRow.__table__.c
    told_of = connection.execute(select(alert.call_id, alert.seen).where(alert.kind.in_(sorted(_GIVEN_UP)))).all()
    seen = {one.call_id for one in told_of if one.seen} - {one.call_id for one in told_of if not one.seen}
    every = connection.execute(given_up.order_by(job.call_id)).all()
    unseen = [one for one in every if one.call_id not in seen]
    faults = []
    if late:
        (ended_at, call_id), many = late[0], len(late)
        faults.append(
            f"{many} ended more than ten minutes ago and are not archived, the first {call_id} at {ended_at:%Y-%m-%d %H:%M}Z: "
            "start `ringfence run`; while it runs, `ringfence alerts` says what is in the way"
        )
    if unseen:
        states = [one.state for one in unseen]
        told = " and ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        faults.append(
            f"{told}, such as {unseen[0].call_id}: {unseen[0].reason}: see `ringfence recording show CALL`, "
            "and take what was looked at off `ringfence alerts` with `--seen`"
        )
    if faults:
        raise Unfit("\n".join(faults))
    looked_at = f"; {len(every)} could not be archived, and were looked at" if every else ""
    return f"{len(waiting)} on their way to the archive{looked_at}"


def _ends(texts: Sequence[str]) -> list[tuple[datetime, str]]:
    """When the calls ended that wait. What cannot be read the archivist gives up, and says so."""
    found = []
    for metadata in texts:
        with suppress(BadRecord):
            record = from_json(metadata)
            found.append((record.ended_at, record.call_id))
    return found


def _audit(_site: Site, connection: Connection) -> str:
    """Whether the audit chain ends where its tip says. An entry that was altered is not sought here."""
    tip = connection.execute(select(audit_tip.c.seq, audit_tip.c.hash).where(audit_tip.c.id == TIP)).first()
    last = connection.execute(select(audit_entry.c.seq, audit_entry.c.hash).order_by(audit_entry.c.seq.desc()).limit(1)).first()
    if tip is None and last is None:
        return "nothing done yet"
    if tip is None or last is None or tuple(tip) != tuple(last):
        ends, says = (0 if one is None else one.seq for one in (last, tip))
        raise Unfit(
            f"it ends with entry {ends}, its tip says {says}: entries were taken out or put in; see `ringfence audit verify`"
        )
    return f"{last.seq} entries, tip {last.seq}:{last.hash}; `ringfence audit verify` checks each of them"


def _staff(_site: Site, connection: Connection) -> str:
    members = staff.members(connection)
    if not members:
        return (
            "hint: nobody is on it, so whoever runs commands here may hear, export and purge everything, under any name: "
            "`ringfence staff add NAME --role manager`"
        )
    roles = [one.role.value for one in members]
    return ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))


def _prompts(site: Site) -> str:
    prompts = pbx_of(site).prompts
    found = sorted(path.stem for path in prompts.glob("*.wav"))
    if not found:
        raise Unfit(f"no prompts in {prompts}: put those there that your campaigns name, as 8 kHz mono WAV")
    return ", ".join(found)


def _pbx(site: Site) -> str:
    match look_at_pbx(site):
        case PbxUp(pbx=name, calls=calls, agents=agents):
            return f"{name}: {len(calls)} calls and {len(agents)} agents are up"
        case PbxDown(reason=reason):
            raise Unfit(reason)


def look_at_pbx(site: Site) -> PbxUp | PbxDown:
    """Logs in once and looks around. Raises LabError or ConfigError when there is nothing to log in to."""
    address, clock = pbx_of(site).address, SystemClock()
    seen: queue.SimpleQueue[Event] = queue.SimpleQueue()
    pbx = Asterisk(address, clock)
    pbx.start(seen.put)
    try:
        first = seen.get(timeout=PATIENCE_S)
    except queue.Empty:
        return PbxDown(address.name, clock.now(), f"{address.host}:{address.port} does not answer")
    finally:
        pbx.close()
    return (
        first if isinstance(first, PbxUp | PbxDown) else PbxDown(address.name, clock.now(), f"said {type(first).__name__} first")
    )
