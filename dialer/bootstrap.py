"""The only wiring: from a site's directory to the parts that run on it."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, func, select

from compliance.evidence_key import evidence_key
from compliance.journal import Journal
from compliance.listed import DncLists
from compliance.pack_files import load_packs
from compliance.people import People
from compliance.store import Ledger
from config import migrate
from config.clock import Clock, SystemClock
from config.database import open_database, reading
from config.load import ConfigError, Site, load_site, read_secret
from config.logs import get
from dialer import metrics, store
from dialer.daily import DailyWork, chores_of
from dialer.floor import Floor, FloorPolicy
from dialer.floor_thread import FloorThread
from dialer.service import FloorService
from dialer.timers import Timers
from dialer.watch import policy_of
from recorder.archive_chain import signed_by
from recorder.hearing import Hearing
from recorder.keeping import house_of
from recorder.keyring import FOLDER as ARCHIVE_KEYS
from recorder.keyring import KeyRing
from recorder.purge import Order
from recorder.service import Archivist
from recorder.stores import ObjectStore, StoreUnknown
from recorder.transcribing import Transcriber
from recorder.vault import Vault
from recorder.whisper import Whisper
from sip.ami import Asterisk, PbxAddress
from sip.lab import Lab
from sip.unpack import LabError

LOG = get("dialer.bootstrap")
JOURNAL = "opt-outs.jsonl"  # beside the database, and never put back with it


@dataclass(frozen=True, slots=True)
class Opened:
    """A site with its database open and its rules loaded."""

    site: Site
    clock: Clock
    database: Engine
    ledger: Ledger
    people: People
    lists: DncLists
    vault: Vault


@contextmanager
def opened(directory: Path, clock: Clock | None = None) -> Iterator[Opened]:
    """Opens the site in `directory`, its database brought up to date; closed at the end of the block.

    Raises ConfigError, PackError or migrate.UnknownRevision.
    """
    site = load_site(directory)
    clock = clock or SystemClock()
    database = open_database(site.database_url)
    try:
        migrate.upgrade(database)
        signed_by(database, evidence_key(site.secrets))
        packs = load_packs(site.settings.gate.packs, site.directory)
        lifetime = timedelta(seconds=site.settings.gate.permit_seconds)
        journal = Journal(site.directory / JOURNAL)
        ledger = Ledger(database, clock, packs, lifetime, one_time_for_all=True, journal=journal)
        if forgotten := ledger.catch_up():
            LOG.warning("restored_opt_outs", count=forgotten, journal=JOURNAL)
        people, lists = People(database, clock, journal), DncLists(database, clock)
        yield Opened(site, clock, database, ledger, people, lists, vault_of(site))
    finally:
        database.dispose()


def vault_of(site: Site) -> Vault:
    """The archive of a site. Raises ConfigError for a store that cannot be used; reaches for nothing yet."""
    recorder = site.settings.recorder
    try:
        store = None if site.archive_store is None else ObjectStore(site.archive_store)
    except StoreUnknown as error:
        raise ConfigError([str(error)]) from None
    return Vault(site.archive, KeyRing(site.secrets / ARCHIVE_KEYS), store, seals=recorder.encrypt)


def transcriber_of(parts: Opened) -> Transcriber | None:
    """Who makes the site's transcripts; None where it wants none. Looks for no engine yet."""
    recorder = parts.site.settings.recorder
    if not recorder.transcript_model:
        return None
    model = parts.site.resolve(Path(recorder.transcript_model))
    hearing = Hearing(parts.vault, partial(Whisper, model), recorder.transcript_language)
    return Transcriber(parts.database, parts.vault, parts.clock, hearing)


@contextmanager
def transcribing(parts: Opened) -> Iterator[None]:
    """Has the site's transcripts made beside the block, where it wants any."""
    transcriber = transcriber_of(parts)
    if transcriber is not None:
        transcriber.start()
    try:
        yield
    finally:
        if transcriber is not None:
            transcriber.stop()


def lab_of(site: Site, *, leashed: bool = True) -> Lab:
    """The lab PBX of a site, in its `lab/` directory."""
    return Lab(site.directory / "lab", leashed=leashed)


@dataclass(frozen=True, slots=True)
class Pbx:
    """The PBX of a site as its parts need it: the site's own lab, or what the settings say."""

    address: PbxAddress
    spool: Path
    prompts: Path


def pbx_of(site: Site) -> Pbx:
    """Where the site's PBX is. Raises LabError when the settings say `lab = true` and the lab is not up."""
    pbx = site.settings.pbx
    if not pbx.lab:
        address = PbxAddress(pbx.name, pbx.host, pbx.port, pbx.username, read_secret(site.secret_file))
        return Pbx(address, site.spool, site.prompts)
    status = lab_of(site).status()
    if status.info is None or not status.up:
        raise LabError(f"the lab PBX of {site.directory} is not up; start it with `ringfence lab up`")
    info = status.info
    address = PbxAddress(pbx.name, info.ami_host, info.ami_port, info.ami_username, read_secret(info.ami_secret_file))
    return Pbx(address, info.spool, info.prompts)


def prompts_of(site: Site) -> Path:
    """Where the prompts of the site's PBX lie, whether or not it is up."""
    return site.directory / "lab" / "prompts" if site.settings.pbx.lab else site.prompts


@contextmanager
def running(parts: Opened, watch: Callable[[Floor], None] = lambda _floor: None) -> Iterator[FloorThread]:
    """The whole site at work: floor, timers, archivist, transcripts and what is daily, from the start of the block to its end."""
    settings = parts.site.settings
    pbx = pbx_of(parts.site)
    telephony = Asterisk(pbx.address, parts.clock)
    packs = load_packs(settings.gate.packs, parts.site.directory)
    service = FloorService(
        parts.database,
        parts.clock,
        parts.ledger,
        telephony,
        seller=settings.seller,
        trunk=settings.pbx.trunk,
        caller_id=settings.pbx.caller_id,
        policy=FloorPolicy(wrap_up=timedelta(seconds=settings.dialing.wrap_up_seconds)),
        has_prompt=lambda prompt: (pbx.prompts / f"{prompt}.wav").is_file(),
        packs=packs,
        budget_policy=policy_of(settings.gate),
    )
    floor = FloorThread(service, telephony, watch)
    workers = settings.recorder.workers
    archivist = Archivist(
        parts.database,
        parts.clock,
        pbx.spool,
        parts.vault,
        pbx.prompts,
        workers=workers,
        form=settings.recorder.form,
        form_of=dict(_pair(text) for text in settings.recorder.form_of),
    )
    timers = Timers(parts.clock, timedelta(seconds=settings.dialing.tick_seconds), floor.tick)
    order = Order(packs, house_of(settings.recorder.keep_days, settings.recorder.keep_days_of), "ringfence")
    daily = DailyWork(parts.clock, chores_of(parts.database, parts.vault, pbx.spool, parts.clock, order))
    with one_at_a_time(parts), transcribing(parts):
        archivist.start()
        floor.start()
        timers.start()
        daily.start()
        try:
            yield floor
        finally:
            daily.stop()
            timers.stop()
            floor.stop()
            archivist.stop()


#: Key of the advisory lock that a running floor holds on PostgreSQL: "ringrun" in ASCII.
RUN_LOCK = 0x72696E6772756E


@contextmanager
def one_at_a_time(parts: Opened) -> Iterator[None]:
    """Holds the run lock of the site's database: two floors on one database would both think they own it.

    The kernel or the database lets go of it when the process ends, however it ends. Raises AlreadyRunning.
    """
    file = parts.database.url.database if parts.database.dialect.name == "sqlite" else None
    place = Path(f"{file}.run") if file else parts.site.directory / "run.lock"
    with place.open("w") as lock, parts.database.connect() as connection:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another `ringfence run` is running here (it holds {place})") from None
        connection.detach()  # closed at the end, not given back to the pool with the lock still on it
        if connection.dialect.name == "postgresql":
            if not connection.execute(select(func.pg_try_advisory_lock(RUN_LOCK))).scalar():
                raise AlreadyRunning("another `ringfence run` is running on this database")
            connection.commit()  # the lock is the session's: no transaction is held open with it
        yield


def _pair(text: str) -> tuple[str, str]:
    """`campaign=form`, as the settings tell it; the name of a campaign may hold a `=`."""
    campaign, _, form = text.rpartition("=")
    return campaign, form


class AlreadyRunning(RuntimeError):
    """The site is run by another process."""


def figures_of(parts: Opened) -> dict[str, metrics.CampaignFigures]:
    """The figures of each campaign of the site."""
    with reading(parts.database) as connection:
        return {
            campaign.name: metrics.figures(
                [(call.call, call.disposition) for call in store.attempts_of(connection, campaign_id=campaign.campaign_id)]
            )
            for campaign in store.campaigns(connection)
        }
