"""Who may do what in the room of quality assurance, and of whose calls?

The rule it protects: nobody judges their own call, an agent sees what is said of them and of nobody else, and a supervisor the
own team. What may be heard is another question, which `recorder.access` answers.
"""

from collections.abc import Mapping
from enum import StrEnum

from recorder.access import ALL, OWN, TEAM, Acting, Nothing, OfAgent, OfTeam, Operator, Reach, Role, Staff, reach_by


class Act(StrEnum):
    """What is done in the room; the value stands in what is refused."""

    PLAN = "plan samples"
    REVIEW = "review calls"
    ASSIGN = "assign reviews"
    ANSWER = "answer a review"
    CALIBRATE = "hold calibrations"
    READ = "read scores"
    COACH = "coach"
    TAG = "tag calls"


_WORK = (Act.PLAN, Act.REVIEW, Act.CALIBRATE, Act.READ, Act.COACH, Act.TAG)
#: What is not in it is nobody's work of that role.
RIGHTS: Mapping[Role, Mapping[Act, str]] = {
    Role.AGENT: {Act.ANSWER: OWN, Act.READ: OWN},
    Role.QA: dict.fromkeys(_WORK, ALL) | {Act.ANSWER: OWN},
    Role.SUPERVISOR: dict.fromkeys((Act.REVIEW, Act.ASSIGN, Act.READ, Act.COACH, Act.TAG), TEAM) | {Act.ANSWER: OWN},
    Role.MANAGER: dict.fromkeys((*_WORK, Act.ASSIGN), ALL) | {Act.ANSWER: OWN},
    Role.OPS: {},
}


def reach(acting: Acting, act: Act) -> Reach:
    """Of whose calls somebody may do this at all. On a site without staff its operator does everything, for agents too."""
    return reach_by(RIGHTS, acting, act)


def refusal(acting: Acting, act: Act, *, agents: frozenset[str] = frozenset(), team: str = "") -> str | None:
    """Why they may not do this about a call of these agents and this team; None when they may."""
    match reach(acting, act):
        case Nothing():
            role = acting.role.value if isinstance(acting, Staff) else ""
            return f"{acting.name}: to {act.value} is not for the role {role}"
        case OfTeam(own) if team != own:
            return f"{acting.name}: not a call of team {own}"
        case OfAgent(own) if own not in agents:
            return f"{acting.name}: not a call of agent {own}"
        case _:
            return None


def names(acting: Acting) -> frozenset[str]:
    """By what names somebody may stand on a call: their own agent's, and where nobody is on the staff the name itself."""
    match acting:
        case Operator(name):
            return frozenset({name})
        case Staff(agent_id=agent_id):
            return frozenset({agent_id} - {""})
