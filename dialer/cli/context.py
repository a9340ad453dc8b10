"""Which site a command works on, how it logs, and how what goes wrong there becomes an exit code."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from compliance.journal import JournalDamaged
from compliance.packs import PackError
from config import logs
from config.load import SETTINGS_FILE, ConfigError, Site, load_site
from config.migrate import UnknownRevision
from dialer import bootstrap
from dialer.cli.output import BAD_INPUT, PART_MISSING, failing
from dialer.sheets import ListError
from dialer.store import AlreadyThere, NotFound
from recorder.spool import SpoolBusy
from sip.port import LoginRefused, PbxUnavailable
from sip.provision import BadSetting
from sip.unpack import LabError

P = ParamSpec("P")
R = TypeVar("R")

QUIET = "WARNING"  # the level of a command that is run by itself, outside of `ringfence`

#: What a command may raise, and the exit code it means. Anything else is a bug and shows as one.
ERRORS: dict[type[BaseException], int] = {
    ConfigError: BAD_INPUT,
    PackError: BAD_INPUT,
    JournalDamaged: PART_MISSING,
    ListError: BAD_INPUT,
    NotFound: BAD_INPUT,
    AlreadyThere: BAD_INPUT,
    BadSetting: BAD_INPUT,
    bootstrap.AlreadyRunning: PART_MISSING,
    SpoolBusy: PART_MISSING,
    LabError: PART_MISSING,
    LoginRefused: PART_MISSING,
    PbxUnavailable: PART_MISSING,
    UnknownRevision: PART_MISSING,
    DBAPIError: PART_MISSING,
    OSError: PART_MISSING,
}


def site_command(function: Callable[P, R]) -> Callable[P, R]:
    """A command on a site: it logs as the command line asks, and fails with clear errors and their exit codes."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        asked = click.get_current_context().find_root().params
        logs.configure(json=bool(asked.get("log_json")), level=str(asked.get("log_level") or QUIET).upper())
        return function(*args, **kwargs)

    return failing(ERRORS)(called)


def site_directory() -> Path:
    """The directory given with --site, or the one we are in."""
    root = click.get_current_context().find_root()
    directory = root.params.get("site") or Path()
    return Path(directory).absolute()


def site_here() -> Site | None:
    """The settings of the site we are in; None outside of any. One that was named but is not there is a ConfigError."""
    directory = site_directory()
    named = click.get_current_context().find_root().params.get("site") is not None
    return load_site(directory) if named or (directory / SETTINGS_FILE).exists() else None


@contextmanager
def site() -> Iterator[bootstrap.Opened]:
    """The site of this command, open."""
    with bootstrap.opened(site_directory()) as parts:
        yield parts
