"""Small builders of what the floor is made of, for the tests of the call floor."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dialer import engine
from dialer.agents import Agent, AgentState
from dialer.floor import (
    Abandon,
    Alert,
    CampaignView,
    Command,
    Connect,
    DialNext,
    Finish,
    Floor,
    FloorCall,
    HangUp,
    Item,
    PauseCapture,
    ResumeCapture,
    SaveAgent,
    SaveCall,
    StartCapture,
    Suppress,
)
from sip.call import Call, CallState, ordered

START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
CAMPAIGN = CampaignView("k1", "spring", channels=20)


def at(seconds: float) -> datetime:
    """A time of the test, in seconds from its start."""
    return START + timedelta(seconds=seconds)


def a_call(call_id: str = "c1", state: CallState = CallState.ORDERED, **known: object) -> Call:
    """A call in a state, with what is known of it."""
    return replace(ordered(call_id, START), state=state, **known)  # type: ignore[arg-type] # names are of Call


def a_floor_call(call: Call | str = "c1", **known: object) -> FloorCall:
    """A call with everything of ours around it; person and number are made from its id."""
    call = ordered(call, START) if isinstance(call, str) else call
    digits = f"{int(call.call_id.lstrip('c') or 0):04d}"
    around = FloorCall(call, f"lead-{digits}", "k1", "spring", f"p{digits}", f"+1212555{digits}", (), "house-en", "safe-en")
    return replace(around, **known)  # type: ignore[arg-type] # names are of FloorCall


def an_agent(agent_id: str = "ann", state: AgentState = AgentState.READY, call_id: str | None = None, since: float = 0) -> Agent:
    """An agent in a state since some second of the test."""
    return Agent(agent_id, state, at(since), call_id)


def a_floor(*members: Agent | FloorCall, pbx_up: bool = True) -> Floor:
    """A floor with these agents and calls, one campaign running."""
    floor = Floor(START, pbx_up=pbx_up, campaigns={CAMPAIGN.campaign_id: CAMPAIGN})
    for member in members:
        floor = floor.with_agent(member) if isinstance(member, Agent) else floor.with_call(member)
    return floor


def after(floor: Floor, *items: Item) -> tuple[Floor, list[Command]]:
    """The floor after the items, and everything it ordered on the way."""
    ordered_now: list[Command] = []
    for item in items:
        floor, commands = engine.step(floor, item)
        ordered_now.extend(commands)
    return floor, ordered_now


def told(commands: list[Command] | tuple[Command, ...]) -> list[str]:
    """The commands in words, without those that only write down where things stand."""
    return [_words(command) for command in commands if not isinstance(command, SaveCall | SaveAgent)]


def _words(command: Command) -> str:
    match command:
        case DialNext(campaign_id=campaign_id, count=count):
            return f"dial {count} of {campaign_id}"
        case Connect(call_id=call_id, agent_id=agent_id):
            return f"connect {call_id} {agent_id}"
        case Abandon(call_id=call_id):
            return f"abandon {call_id}"
        case HangUp(call_id=call_id):
            return f"hang up {call_id}"
        case PauseCapture(call_id=call_id):
            return f"pause {call_id}"
        case ResumeCapture(call_id=call_id):
            return f"resume {call_id}"
        case StartCapture(call_id=call_id, agent_id=agent_id):
            return f"record {call_id} {agent_id}"
        case Suppress(call=call, source=source):
            return f"suppress {call.call_id} by {source}"
        case Finish(call=call, disposition=disposition):
            return f"finish {call.call_id} {disposition}"
        case Alert(kind=kind):
            return f"alert {kind.value}"
        case _:
            raise AssertionError(command)
