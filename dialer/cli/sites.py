"""Making a site, running it, and asking whether it is fit to run."""

import signal
import threading
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from config.database import reading
from config.load import init_site, load_site
from dialer import bootstrap, doctoring, store
from dialer.cli.context import site, site_command, site_directory
from dialer.cli.output import PART_MISSING, Failure, json_option, print_json, print_table
from dialer.floor import Floor
from recorder.store import pending
from sip.call import CallState
from sip.events import PbxDown


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--lab", is_flag=True, help="Dial through this site's own lab PBX (`ringfence lab up`) instead of yours.")
@json_option
@site_command
def init(directory: Path, lab: bool, as_json: bool) -> None:
    """Make DIRECTORY a site: settings, database, secrets/, spool/, archive/."""
    made = init_site(directory, lab=lab)
    with bootstrap.opened(made.directory):
        pass
    if as_json:
        print_json({"site": made.directory, "settings": made.directory / "ringfence.toml", "lab": lab})
        return
    click.echo(f"{made.directory} is a site; its settings are in ringfence.toml")
    then = "ringfence lab up" if lab else "write your Asterisk's AMI secret into secrets/ami (mode 0600) and edit [pbx]"
    click.echo(f"next: cd {made.directory}, then: {then}; see what is missing with `ringfence doctor`")


@click.command()
@click.option("--once", is_flag=True, help="End when no lead is due any more, and every call is finished and archived.")
@json_option
@site_command
def run(once: bool, as_json: bool) -> None:
    """Run the floor: dial the running campaigns, connect agents, archive recordings, until Ctrl-C or SIGTERM.

    Calls that are up when it ends stay up; the next `run` takes them over. A PBX that is out of view is waited for, with
    --once it is an error. With --json, one object at the end.
    """
    over = threading.Event()
    with site() as parts:
        seen = doctoring.look_at_pbx(parts.site)
        if isinstance(seen, PbxDown):
            if once:
                raise Failure(seen.reason, PART_MISSING)
            click.echo(f"the PBX is out of view: {seen.reason}; trying on", err=True)
        console = Console(stderr=True)
        screen = Screen()
        with bootstrap.running(parts, screen.show):
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda _number, _frame: over.set())
            live = Live(screen, console=console, refresh_per_second=4) if console.is_terminal else None
            with live or nullcontext():
                while not over.wait(0.5):
                    if once and screen.idle and _nothing_due(parts):
                        break
        if as_json:
            print_json(bootstrap.figures_of(parts))
        else:
            click.echo("the floor has ended; calls that are up stay up", err=True)


def _nothing_due(parts: bootstrap.Opened) -> bool:
    now = parts.clock.now()
    with reading(parts.database) as connection:
        due = [store.next_due(connection, view.campaign_id) for view in store.running(connection)]
        open_calls = store.open_attempts(connection)
        archiving = pending(connection)
    return not open_calls and not archiving and not any(at is not None and at <= now for at in due)


class Screen:
    """The floor as people see it while it runs."""

    def __init__(self) -> None:
        self._floor: Floor | None = None

    def show(self, floor: Floor) -> None:
        """Called by the floor thread after each item."""
        self._floor = floor

    @property
    def idle(self) -> bool:
        """No call is on the floor."""
        return self._floor is not None and self._floor.pbx_up and not self._floor.calls

    def __rich__(self) -> RenderableType:
        floor = self._floor
        if floor is None:
            return Text("waiting for the floor …")
        agents = Counter(agent.state for agent in floor.agents.values())
        calls = Counter(STAGES[call.call.state] for call in floor.calls.values())
        lines = Table.grid(padding=(0, 2))
        lines.add_row("PBX", Text("up", style="green") if floor.pbx_up else Text("out of view", style="bold red"))
        doing = (f"{count} {state.value.replace('_', ' ')}" for state, count in sorted(agents.items()))
        lines.add_row("agents", ", ".join(doing) or "none on the roster")
        stages = (f"{calls[stage]} {stage}" for stage in dict.fromkeys(STAGES.values()) if calls[stage])
        lines.add_row("calls", ", ".join(stages) or "none")
        return lines


#: What people call the stages of a call.
STAGES = {
    CallState.ORDERED: "dialing",
    CallState.DIALING: "dialing",
    CallState.RINGING: "ringing",
    CallState.ANSWERED: "answered",
    CallState.ANNOUNCING: "hearing the disclosure",
    CallState.ANNOUNCED: "hearing the disclosure",
    CallState.BRIDGED: "with an agent",
    CallState.UNBRIDGED: "leaving",
    CallState.ABANDONING: "abandoned",
    CallState.ENDED: "in wrap-up",
}


@click.command()
@json_option
@site_command
def doctor(as_json: bool) -> None:
    """Check everything this site needs, and say what to do about what is missing; exit code 4 if something is."""
    findings = doctoring.examine(load_site(site_directory()))
    if as_json:
        print_json(findings)
    else:
        print_table(
            "doctor",
            ("", "what", "finding"),
            [("ok" if one.ok else "MISSING", one.what, "; ".join(one.text.splitlines())) for one in findings],
        )
    if not all(one.ok for one in findings):
        raise Failure("something is missing: see above", PART_MISSING)
