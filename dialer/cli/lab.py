"""The lab PBX of a site, or of its user where there is no site, from the command line."""

import signal
import threading

import click

from config.load import SETTINGS_FILE, Site, load_site
from dialer.bootstrap import lab_of
from dialer.cli.context import site_command, site_directory
from dialer.cli.output import PART_MISSING, Failure, json_option, print_json, print_table
from sip.lab import DEFAULT_AGENTS, Lab
from sip.robot import start_robots
from sip.unpack import LabError, cache_directory, ensure_tree


@click.group()
def lab() -> None:
    """A private Asterisk with a simulated carrier, for trying things out: rings nobody outside this machine.

    In a site it is the site's own, in its `lab/`; elsewhere it is yours, in your cache.
    """


def _site() -> Site | None:
    """The site we are in; None outside of any. One that was named but is not there is an error."""
    directory = site_directory()
    named = click.get_current_context().find_root().params.get("site") is not None
    return load_site(directory) if named or (directory / SETTINGS_FILE).exists() else None


def _lab(site: Site | None) -> Lab:
    return lab_of(site, leashed=False) if site else Lab(cache_directory() / "lab", leashed=False)


@lab.command("up")
@click.option("--agent", "agents", multiple=True, help="Extension of an agent's phone; repeatable. Default: 101 to 104.")
@json_option
@site_command
def up(agents: tuple[str, ...], as_json: bool) -> None:
    """Start the lab; one that is up is left as it is."""
    site = _site()
    info = _lab(site).up(agents or DEFAULT_AGENTS, lambda text: click.echo(f"  {text} …", err=True))
    if as_json:
        print_json(info)
        return
    known = ", ".join(info.agents)
    click.echo(f"the lab is up: SIP {info.sip_host}:{info.sip_port}, AMI {info.ami_host}:{info.ami_port}, agents {known}")
    if site is None:
        click.echo(f"it belongs to no site, and lies in {info.directory}; a site of its own: ringfence init DIR --lab")
    elif not site.settings.pbx.lab:
        click.echo("this site does not use it yet: set `lab = true` under [pbx] in ringfence.toml")


@lab.command("down")
@json_option
@site_command
def down(as_json: bool) -> None:
    """End every process of the lab; its files stay."""
    _lab(_site()).down()
    if as_json:
        print_json({"up": False})
    else:
        click.echo("the lab is down")


@lab.command("status")
@json_option
@site_command
def status(as_json: bool) -> None:
    """What of the lab runs; exit code 4 when it is not up."""
    found = _lab(_site()).status()
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
    info = _lab(_site()).status().info
    if info is None:
        raise LabError("this lab was never up; start it with `ringfence lab up`")
    unknown = sorted(set(agents) - info.agents.keys())
    if unknown:
        raise Failure(f"the lab has no agent {', '.join(unknown)}; it has {', '.join(info.agents)}")
    accounts = [(agent, info.password(agent)) for agent in agents or info.agents]
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    robots = start_robots(ensure_tree(lambda _text: None), accounts, info.sip_host, info.sip_port, info.directory / "agents")
    try:
        click.echo(f"agents {', '.join(agent for agent, _ in accounts)} are logging in; Ctrl-C logs them out", err=True)
        while not over.wait(0.5) and robots.alive():
            pass
    finally:
        robots.stop()
    if as_json:
        print_json({"agents": [agent for agent, _ in accounts]})
    if not over.is_set():
        raise LabError(f"a simulated agent has ended by itself; see {info.directory / 'agents'}")
