"""How many calls now? Progressive: one call on its way per agent who is free to take it.

A call that rings or waits for an agent already has a claim on a ready agent, so it is taken off. Whoever dials ahead of agents
may do so only while another call may be abandoned: with no headroom left nothing is placed for which no agent is free. The
answer carries its reasons, for the supervisor's screen and the log.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PacingView:
    """What pacing looks at, for one campaign."""

    ready_agents: int
    on_their_way: int  # calls ordered, dialing, ringing or answered with no agent yet, of all campaigns
    live_calls: int  # calls of this campaign that hold a channel
    channels: int  # most calls of this campaign at one time
    budget: int | None = None  # how many more of its answers may be abandoned; None: no rule counts them


@dataclass(frozen=True, slots=True)
class Pace:
    """Place this many calls now, because."""

    calls: int
    because: tuple[str, ...]


def decide(view: PacingView) -> Pace:
    """Calls to place now; never negative, never more than free agents or free channels."""
    free_agents = max(0, view.ready_agents - view.on_their_way)
    free_channels = max(0, view.channels - view.live_calls)
    because = [f"{view.ready_agents} ready agents, {view.on_their_way} calls on their way: {free_agents} wanted"]
    if free_channels < free_agents:
        because.append(f"{free_channels} of {view.channels} channels free")
    if view.budget is not None and view.budget <= 0:
        because.append("no more calls may be abandoned: nothing is dialed ahead of agents")
    return Pace(min(free_agents, free_channels), tuple(because))
