"""Which site a command works on, and how what goes wrong there becomes an exit code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from compliance.packs import PackError
from config.load import ConfigError
from config.migrate import UnknownRevision
from dialer import bootstrap
from dialer.cli.output import BAD_INPUT, PART_MISSING, failing
from dialer.leads import ListError
from dialer.store import AlreadyThere, NotFound
from recorder.spool import SpoolBusy
from sip.port import LoginRefused, PbxUnavailable
from sip.provision import BadSetting
from sip.unpack import LabError

P = ParamSpec("P")
R = TypeVar("R")

#: What a command may raise, and the exit code it means. Anything else is a bug and shows as one.
ERRORS: dict[type[BaseException], int] = {
    ConfigError: BAD_INPUT,
    PackError: BAD_INPUT,
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
    """A command on a site: clear errors with their exit codes."""
    return failing(ERRORS)(function)


def site_directory() -> Path:
    """The directory given with --site, or the one we are in."""
    root = click.get_current_context().find_root()
    directory = root.params.get("site") or Path()
    return Path(directory).absolute()


@contextmanager
def site() -> Iterator[bootstrap.Opened]:
    """The site of this command, open."""
    with bootstrap.opened(site_directory()) as parts:
        yield parts
