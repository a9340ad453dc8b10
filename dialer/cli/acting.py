"""As whom does a command touch recordings, why, and how does that come into the audit chain?

The rule it protects: what is refused is written down as well; who acts under another name is told with the account that did so.
Whoever can run commands on a site can read its files: names are kept apart here for honest people; the operating system and the
key of the archive keep out the others.
"""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from sqlalchemy.engine import Connection

from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.arguments import Name
from dialer.cli.output import REFUSED, Failure
from recorder import audit, staff
from recorder.access import About, Acting, Action, Denied, Granted, may

F = TypeVar("F", bound=Callable[..., Any])

NAME_LENGTH = 64
REASON_LENGTH = 500
DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why. `account` is the operating system's name of whoever typed the command."""

    acting: Acting
    account: str
    reason: str

    @property
    def name(self) -> str:
        """The name that the audit chain tells."""
        return self.acting.name


def as_option(function: F) -> F:
    """`--as NAME`, handed on as `as_name`."""
    option = click.option("--as", "as_name", type=Name(NAME_LENGTH), help="Who you are; default: your account on this machine.")
    return option(function)


def reason_option(function: F) -> F:
    """`--reason TEXT`, handed on as `reason`."""
    option = click.option(
        "--reason", type=Name(REASON_LENGTH), callback=or_nothing, help="Why; it is written into the audit chain."
    )
    return option(function)


def or_nothing(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    """For an option that may be left out: then it is an empty text."""
    return value or ""


def account() -> str:
    """The operating system's name of this user; its number where it has none. The environment is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def actor(parts: bootstrap.Opened, as_name: str | None, reason: str = "") -> Actor:
    """Whoever acts. Raises Failure with REFUSED for somebody who is not on the staff, which is noted."""
    name = as_name or account()
    try:
        with reading(parts.database) as connection:
            return Actor(staff.acting(connection, name), account(), reason)
    except staff.UnknownStaff as error:
        with writing(parts.database) as connection:
            audit.note(connection, parts.clock.now(), name, DENIED, account=account(), why="not_on_the_staff")
        raise Failure(f"{error}; say who you are with --as NAME", REFUSED) from None


def check(parts: bootstrap.Opened, who: Actor, action: Action, about: About | None = None) -> Granted:
    """Whether they may. Raises Failure with REFUSED, which is noted."""
    match may(who.acting, action, about, who.reason):
        case Granted() as granted:
            return granted
        case Denied(why, text):
            with writing(parts.database) as connection:
                facts = {"asked": action.value, "why": why.value}
                note(connection, parts, who, DENIED, about.call_id if about else "", **facts)
            raise Failure(text, REFUSED)


def note(connection: Connection, parts: bootstrap.Opened, who: Actor, action: str, call_id: str = "", **facts: str) -> None:
    """Writes what they did into the audit chain, in the transaction of what they did."""
    if who.account != who.name:
        facts["account"] = who.account
    if who.reason:
        facts["reason"] = who.reason
    audit.note(connection, parts.clock.now(), who.name, action, call_id, **facts)
