"""Agents, from the command line."""

import re

import click
from sqlalchemy.engine import Connection

from compliance.facts import EventKind
from config.database import reading, writing
from dialer import store
from dialer.agents import Agent
from dialer.cli.context import site, site_command
from dialer.cli.output import Failure, json_option, print_json, print_table
from dialer.dispositions import AGENT_DISPOSITIONS, Disposition

AGENT_ID = re.compile(r"[1-9][0-9]{1,7}")


@click.group()
def agent() -> None:
    """Agents: who may take calls."""


@agent.command("add")
@click.argument("agent_id")
@click.option("--name", default="", help="What people call the agent.")
@json_option
@site_command
def add(agent_id: str, name: str, as_json: bool) -> None:
    """Put AGENT_ID (the extension of the phone, such as 101) on the roster."""
    if not AGENT_ID.fullmatch(agent_id):
        raise Failure(f"agent id {agent_id!r}: two to eight digits, the first not 0, since it is the phone's extension")
    with site() as parts:
        now = parts.clock.now()
        with writing(parts.database) as connection:
            store.add_agent(connection, agent_id, name or agent_id, now)
            store.say(connection, "settings", {}, now)
    if as_json:
        print_json({"agent": agent_id, "name": name or agent_id})
    else:
        click.echo(f"agent {agent_id} is on the roster; the phone logs in by dialing `login`")


@agent.command("list")
@json_option
@site_command
def list_agents(as_json: bool) -> None:
    """The roster, and what each agent is doing."""
    with site() as parts, reading(parts.database) as connection:
        found = store.roster(connection)
    if as_json:
        print_json([{"name": name, "agent": one} for one, name in found])
        return
    rows = [(one.agent_id, name, one.state, one.since, one.reason) for one, name in found]
    print_table("agents", ("id", "name", "state", "since", "why"), rows, empty="none yet; add one with `agent add ID`")


@agent.command("leave")
@click.argument("agent_id")
@json_option
@site_command
def leave(agent_id: str, as_json: bool) -> None:
    """Take AGENT_ID off the roster: no more calls, the history stays."""
    with site() as parts, writing(parts.database) as connection:
        store.remove_agent(connection, agent_id)
        store.say(connection, "settings", {}, parts.clock.now())
    if as_json:
        print_json({"agent": agent_id, "active": False})
    else:
        click.echo(f"agent {agent_id} has left the roster")


@agent.command("pause")
@click.argument("agent_id")
@click.option("--reason", default="asked", show_default=True)
@json_option
@site_command
def pause(agent_id: str, reason: str, as_json: bool) -> None:
    """Give AGENT_ID no more calls until `agent resume`."""
    _say("pause", {"agent": agent_id, "paused": "yes", "reason": reason}, as_json)


@agent.command("resume")
@click.argument("agent_id")
@json_option
@site_command
def resume(agent_id: str, as_json: bool) -> None:
    """Give AGENT_ID calls again."""
    _say("pause", {"agent": agent_id, "paused": "no"}, as_json)


@agent.command("disposition")
@click.argument("agent_id")
@click.argument("disposition", type=click.Choice(sorted(one.value for one in AGENT_DISPOSITIONS)))
@json_option
@site_command
def disposition(agent_id: str, disposition: str, as_json: bool) -> None:
    """Judge the call AGENT_ID is in, or wraps up, as DISPOSITION; do_not_call is on the list when this returns."""
    with site() as parts:
        with reading(parts.database) as connection:
            call_id = _on_the_roster(connection, agent_id).call_id
        if call_id is None:
            raise Failure(f"agent {agent_id} has no call to judge")
        now = parts.clock.now()
        if disposition == Disposition.DO_NOT_CALL:
            parts.ledger.record(call_id, EventKind.OPT_OUT, now, {"source": "command"})
        with writing(parts.database) as connection:
            store.say(connection, "disposition", {"agent": agent_id, "call": call_id, "disposition": disposition}, now)
    if as_json:
        print_json({"agent": agent_id, "call": call_id, "disposition": disposition})
    else:
        click.echo(f"call {call_id} of agent {agent_id}: {disposition}")


def _say(kind: str, payload: dict[str, str], as_json: bool) -> None:
    with site() as parts, writing(parts.database) as connection:
        _on_the_roster(connection, payload["agent"])
        store.say(connection, kind, payload, parts.clock.now())
    if as_json:
        print_json({"said": kind, **payload})
    else:
        click.echo("told the floor; it acts while `ringfence run` does")


def _on_the_roster(connection: Connection, agent_id: str) -> Agent:
    for agent, _name in store.roster(connection):
        if agent.agent_id == agent_id:
            return agent
    raise store.NotFound(f"no agent {agent_id!r} is on the roster")
