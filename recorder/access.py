"""Who may list, hear, take out or share which recording, and when must they say why?

The rule it protects: a recording is heard by those whose work it is and by nobody else (PIPL 51; 16 CFR 314.4(c)(1)).
What is out of the ordinary is asked a reason, what leaves the house always; many at once need a second person. Whoever's work
needs no telephone number sees none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

BULK = 20  # recordings that one person may take out in `BULK_WITHIN`; more need a second person's word
BULK_WITHIN = timedelta(days=1)
APPROVED_FOR = timedelta(days=7)  # how long that word holds
SHARED_FOR = timedelta(days=7)  # how long a share can be opened, unless another time is told
SHARED_AT_MOST = timedelta(days=90)


class Role(StrEnum):
    """What somebody's work with recordings is."""

    AGENT = "agent"  # hears their own calls
    QA = "qa"  # reviews calls of every team
    SUPERVISOR = "supervisor"  # answers for a team
    MANAGER = "manager"  # answers for all of it: says who is who, and gives the second word
    OPS = "ops"  # keeps the machines running: sees that a recording is there, never hears it


class Action(StrEnum):
    """What can be done with recordings; the value is what the audit chain says."""

    LIST = "list"
    SHOW = "show"
    PLAY = "play"
    EXPORT = "export"
    SHARE = "share"
    APPROVE = "approve"  # give the second word to an export of many
    AUDIT = "audit"  # read who did what
    STAFF = "staff"  # say who may do what
    HOLD = "hold"  # have a recording kept whatever the rules say
    RELEASE = "release"
    PURGE = "purge"
    ERASE = "erase"  # obey somebody who asks to be forgotten


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody on the staff. `agent_id` is who they are on the floor; empty for those who take no calls."""

    name: str
    role: Role
    team: str = ""
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever works on a site that has no staff yet: may do everything, so that a new site can be tried at once."""

    name: str


Acting = Staff | Operator


@dataclass(frozen=True, slots=True)
class Everything:
    """Recordings of all agents."""


@dataclass(frozen=True, slots=True)
class OfTeam:
    """Recordings of this team's agents."""

    team: str


@dataclass(frozen=True, slots=True)
class OfAgent:
    """Recordings in which this agent speaks."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """No recording at all."""


Reach = Everything | OfTeam | OfAgent | Nothing
EVERYTHING = Everything()


@dataclass(frozen=True, slots=True)
class About:
    """What is to be known of a recording before anybody is let near it."""

    call_id: str
    agents: frozenset[str]  # everybody who was joined to the customer
    team: str
    held: bool  # on legal hold
    told: bool  # the disclosure is proven, or none was due


class Refused(StrEnum):
    """Why not."""

    NOT_YOUR_WORK = "not_your_work"  # nobody of this role does this
    NOT_YOUR_CALL = "not_your_call"
    NOT_YOUR_TEAM = "not_your_team"
    REASON_NEEDED = "reason_needed"


@dataclass(frozen=True, slots=True)
class Granted:
    """Go ahead. `sensitive` is what made it out of the ordinary, for the audit chain."""

    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """Not so; `text` says it to the one who asked."""

    why: Refused
    text: str


What = TypeVar("What")
OWN, TEAM, ALL = "own", "team", "all"
#: What is not in it is nobody's work of that role.
RIGHTS: Mapping[Role, Mapping[Action, str]] = {
    Role.AGENT: {Action.LIST: OWN, Action.SHOW: OWN, Action.PLAY: OWN},
    Role.QA: {Action.LIST: ALL, Action.SHOW: ALL, Action.PLAY: ALL, Action.HOLD: ALL},
    Role.SUPERVISOR: {
        Action.LIST: TEAM,
        Action.SHOW: TEAM,
        Action.PLAY: TEAM,
        Action.EXPORT: TEAM,
        Action.SHARE: TEAM,
        Action.HOLD: TEAM,
    },
    Role.MANAGER: dict.fromkeys(Action, ALL),
    Role.OPS: {Action.LIST: ALL, Action.SHOW: ALL, Action.AUDIT: ALL},
}
SEE_NUMBERS = frozenset({Role.SUPERVISOR, Role.MANAGER})
OUT_OF_THE_HOUSE = frozenset({Action.EXPORT, Action.SHARE})
_TELEPHONE = re.compile(r"\+[0-9]{4,15}", re.ASCII)


def reach(acting: Acting, action: Action) -> Reach:
    """Of which recordings somebody may do this at all."""
    return reach_by(RIGHTS, acting, action)


def reach_by(rights: Mapping[Role, Mapping[What, str]], acting: Acting, what: What) -> Reach:
    """How far somebody reaches by a table of rights: `all`, their `team`'s, or their `own` calls; without a word, none."""
    match acting:
        case Operator():
            return Everything()
        case Staff(role=role, team=team, agent_id=agent_id):
            match rights[role].get(what):
                case "all":
                    return Everything()
                case "team" if team:
                    return OfTeam(team)
                case "own" if agent_id:
                    return OfAgent(agent_id)
                case _:
                    return Nothing()


def may(acting: Acting, action: Action, about: About | None = None, reason: str = "") -> Granted | Denied:
    """Whether somebody may do this with the recording; without one, whether there are any they may do it with."""
    if (denied := _out_of_reach(acting, action, about)) is not None:
        return denied
    if about is None:
        return Granted()
    sensitive = _sensitive(acting, action, about)
    if isinstance(acting, Operator) or reason.strip():
        return Granted(sensitive)
    asked = f"{action.value} of call {about.call_id}: say why with --reason"
    if action in OUT_OF_THE_HOUSE:
        return Denied(Refused.REASON_NEEDED, f"{asked}: a copy leaves the house")
    if sensitive and action is Action.PLAY:
        return Denied(Refused.REASON_NEEDED, f"{asked}: the recording is {', '.join(sensitive)}")
    return Granted(sensitive)


def sees_numbers(acting: Acting) -> bool:
    """Whether telephone numbers are shown to them whole."""
    return isinstance(acting, Operator) or acting.role in SEE_NUMBERS


def masked(text: str) -> str:
    """A telephone number with all but its last two digits hidden; any other text as it is."""
    if _TELEPHONE.fullmatch(text) is None:
        return text
    return f"+{'*' * (len(text) - 3)}{text[-2:]}"


def needs_second_word(acting: Acting, recordings: int) -> bool:
    """Whether so many recordings in `BULK_WITHIN` may leave the house only when somebody else has approved it."""
    return isinstance(acting, Staff) and recordings > BULK


def _out_of_reach(acting: Acting, action: Action, about: About | None) -> Denied | None:
    who = f"{acting.name}: "
    match reach(acting, action):
        case Nothing() if isinstance(acting, Staff):
            return Denied(Refused.NOT_YOUR_WORK, f"{who}{action.value} is not for the role {acting.role.value}")
        case OfTeam(team) if about is not None and about.team != team:
            return Denied(Refused.NOT_YOUR_TEAM, f"{who}call {about.call_id} is not one of team {team}")
        case OfAgent(agent_id) if about is not None and agent_id not in about.agents:
            return Denied(Refused.NOT_YOUR_CALL, f"{who}call {about.call_id} is not one of agent {agent_id}")
        case _:
            return None


def _sensitive(acting: Acting, action: Action, about: About) -> tuple[str, ...]:
    """What makes hearing this recording out of the ordinary for them, in words."""
    if action not in {Action.PLAY, *OUT_OF_THE_HOUSE}:
        return ()
    other_team = isinstance(acting, Staff) and acting.team not in {"", about.team}
    found = (
        (about.held, "on legal hold"),
        (not about.told, "without a proven disclosure"),
        (other_team, "of another team"),
    )
    return tuple(text for applies, text in found if applies)
