"""Is a site fit to run? Each part is tried for real and answered for in one line."""

import queue
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from compliance.numbers import regions_of
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import PackError
from config import migrate
from config.clock import SystemClock
from config.database import open_database, reading
from config.load import ConfigError, Site
from dialer import store
from dialer.bootstrap import pbx_of
from sip.ami import Asterisk
from sip.events import Event, PbxDown, PbxUp
from sip.unpack import LabError

PATIENCE_S = 10.0
MOST_NUMBERS = 20_000  # of the lists that are looked at: what they tell of places is told by fewer
NOWHERE = frozenset({"ZZ"})  # no pack is made for it
LOW_DISK = 2 * 1024**3  # bytes; about 35 hours of conversation


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is there, and what is to be said about it."""

    what: str
    ok: bool
    text: str


def examine(site: Site) -> list[Finding]:
    """Tries every part a running floor needs."""
    checks: tuple[tuple[str, Callable[[Site], str]], ...] = (
        ("database", _database),
        ("rule packs", _packs),
        ("archive", _archive),
        ("PBX", _pbx),
        ("prompts", _prompts),
    )
    findings = []
    for what, check in checks:
        try:
            findings.append(Finding(what, ok=True, text=check(site)))
        except (_Unfit, ConfigError, PackError, LabError, SQLAlchemyError, OSError, migrate.UnknownRevision) as error:
            findings.append(Finding(what, ok=False, text=str(error)))
    return findings


class _Unfit(Exception):
    """The part is there but not fit for use."""


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
    missing = sorted({pack.id for pack in packs_of_law() if pack.reaches(_places(site))} - {pack.id for pack in packs})
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


def _archive(site: Site) -> str:
    site.archive.mkdir(parents=True, exist_ok=True)
    probe = site.archive / ".doctor"
    probe.write_bytes(b"\0" * 65536)
    probe.unlink()
    free = shutil.disk_usage(site.archive).free
    if free < LOW_DISK:
        raise _Unfit(f"{site.archive}: only {free // 1024**2} MB free")
    return f"{site.archive}: {free // 1024**3} GB free"


def _prompts(site: Site) -> str:
    prompts = pbx_of(site).prompts
    found = sorted(path.stem for path in prompts.glob("*.wav"))
    if not found:
        raise _Unfit(f"no prompts in {prompts}")
    return ", ".join(found)


def _pbx(site: Site) -> str:
    match look_at_pbx(site):
        case PbxUp(pbx=name, calls=calls, agents=agents):
            return f"{name}: {len(calls)} calls and {len(agents)} agents are up"
        case PbxDown(reason=reason):
            raise _Unfit(reason)


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
