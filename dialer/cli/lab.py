"""The lab PBX of a site, from the command line."""

import signal
import threading

import click

from config.load import load_site
from dialer.bootstrap import lab_of
from dialer.cli.context import site_command, site_directory
from dialer.cli.output import PART_MISSING, Failure, json_option, print_json, print_table
from sip.lab import DEFAULT_AGENTS
from sip.robot import start_robots
from sip.unpack import LabError, ensure_tree


@click.group()
def lab() -> None:
    """A private Asterisk with a simulated carrier, for trying things out: rings nobody outside this machine."""


@lab.command("up")
@click.option("--agent", "agents", multiple=True, help="Extension of an agent's phone; repeatable. Default: 101 to 104.")
@json_option
@site_command
def up(agents: tuple[str, ...], as_json: bool) -> None:
    """Start the lab in `lab/` of this site; one that is up is left as it is."""
    site = load_site(site_directory())
    info = lab_of(site, leashed=False).up(agents or DEFAULT_AGENTS, lambda text: click.echo(f"  {text} …", err=True))
    if as_json:
        print_json(info)
        return
    known = ", ".join(info.agents)
    click.echo(f"the lab is up: SIP {info.sip_host}:{info.sip_port}, AMI {info.ami_host}:{info.ami_port}, agents {known}")
    if not site.settings.pbx.lab:
        click.echo("this site does not use it yet: set `lab = true` under [pbx] in ringfence.toml")


@lab.command("down")
@json_option
@site_command
def down(as_json: bool) -> None:
    """End every process of this site's lab; its files stay."""
    lab_of(load_site(site_directory()), leashed=False).down()
    if as_json:
        print_json({"up": False})
    else:
        click.echo("the lab is down")


@lab.command("status")
@json_option
@site_command
def status(as_json: bool) -> None:
    """What of the lab runs; exit code 4 when it is not up."""
    found = lab_of(load_site(site_directory()), leashed=False).status()
    if as_json:
        print_json({"up": found.up, "parts": found.parts, "info": found.info})
    else:
        print_table("lab", ("part", "pid"), sorted(found.parts.items()), empty="not up; start it with `ringfence lab up`")
    if not found.up:
        raise SystemExit(PART_MISSING)


@lab.command("agents")
@click.option("--agent", "agents", multiple=True, help="Which of the lab's agents; repeatable. Default: all of them.")
@json_option
@site_command
def agents(agents: tuple[str, ...], as_json: bool) -> None:
    """Log simulated agents in on SIP phones, until Ctrl-C: they pass the line check, talk, hang up and judge each call."""
    site = load_site(site_directory())
    info = lab_of(site, leashed=False).status().info
    if info is None:
        raise LabError(f"the lab PBX of {site.directory} was never up; start it with `ringfence lab up`")
    unknown = sorted(set(agents) - info.agents.keys())
    if unknown:
        raise Failure(f"the lab has no agent {', '.join(unknown)}; it has {', '.join(info.agents)}")
    accounts = [(agent, info.password(agent)) for agent in agents or info.agents]
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    robots = start_robots(ensure_tree(lambda _text: None), accounts, info.sip_host, info.sip_port, site.directory / "agents")
    try:
        click.echo(f"agents {', '.join(agent for agent, _ in accounts)} are logging in; Ctrl-C logs them out", err=True)
        while not over.wait(0.5) and robots.alive():
            pass
    finally:
        robots.stop()
    if as_json:
        print_json({"agents": [agent for agent, _ in accounts]})
    if not over.is_set():
        raise LabError(f"a simulated agent has ended by itself; see {site.directory / 'agents'}")
