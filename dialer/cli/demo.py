"""`ringfence demo`: the whole product in two minutes, shown as it happens."""

import sys
import tempfile
import threading
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from dialer.cli.arguments import FiniteRange
from dialer.cli.context import site_command
from dialer.cli.output import PART_MISSING, REFUSED, Failure, failing, json_option, print_json, print_table, visible
from dialer.cli.sites import Screen
from dialer.demo import Demo, NoCountryOpen, Report, RunningDemo

POLL_SECONDS = 0.25


@click.command()
@click.option("--leads", type=click.IntRange(10, 400), default=40, show_default=True, help="People on the list.")
@click.option("--agents", type=click.IntRange(1, 20), default=4, show_default=True, help="Agents on SIP phones.")
@click.option("--minutes", type=FiniteRange(1, 60), help="End after this long at the latest; default: by the size of it.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Leave the whole site (settings, database, archive) here; default: a temporary directory, kept too.",
)
@json_option
@failing({NoCountryOpen: REFUSED})
@site_command
def demo(leads: int, agents: int, minutes: float | None, keep: Path | None, as_json: bool) -> None:
    """Run a whole campaign on a private Asterisk: lab PBX, carrier, agents, a list, recordings, a report.

    Rings nobody outside this machine. The first run fetches Asterisk from this machine's Debian mirror. Exit code 4 when
    it did not show what it should: then the report says what is missing.
    """
    directory = keep or Path(tempfile.mkdtemp(prefix="ringfence-demo-"))
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise Failure(f"{keep} is not empty; give a new directory")
    console = Console(stderr=True)
    limit = minutes or min(60.0, 2 + 0.4 * leads / agents)
    with Demo(directory, leads, agents).running(lambda text: console.print(Text(f"  {visible(text)} …"))) as running:
        report = running.report(finished=_watch(console, running, limit * 60))
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.finished:
        click.echo(f"not finished after {limit:g} minutes; raise --minutes, or see `ringfence alerts` in the site", err=True)
    if report.broken_promises:
        raise Failure(f"the demonstration found problems: {'; '.join(report.broken_promises)}", PART_MISSING)


def _watch(console: Console, running: RunningDemo, seconds: float) -> bool:
    """Shows how it goes on; whether it is over before its time is."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    task = bar.add_task("leads settled", total=None)
    screen = Screen()
    waiting = threading.Event()
    clock = running.parts.clock
    end = clock.monotonic() + seconds
    with Live(Group(screen, bar), console=console, refresh_per_second=4):
        while clock.monotonic() < end:
            progress = running.progress()
            bar.update(task, total=progress.leads, completed=progress.settled)
            if progress.floor is not None:
                screen.show(progress.floor)
            if running.is_over():
                return True
            waiting.wait(POLL_SECONDS)
    return False


def _connect(report: Report) -> str:
    if report.connect_p50_ms is None or report.connect_p95_ms is None:
        return "–"
    return f"p50 {report.connect_p50_ms:.0f} ms, p95 {report.connect_p95_ms:.0f} ms, measured in the recordings"


def _print(report: Report) -> None:
    rows = [
        ("leads", report.leads),
        (
            "refused by the gate",
            f"{report.refused}: {', '.join(f'{n} {rule}' for rule, n in sorted(report.refused_by_rule.items()))}",
        ),
        ("placed", report.placed),
        ("answered", report.answered),
        ("bridged to an agent", report.bridged),
        ("abandoned", report.abandoned),
        ("answer to agent's voice, prompt left out", _connect(report)),
        ("dispositions", ", ".join(f"{n} {name}" for name, n in report.dispositions.items())),
        ("recordings", f"{report.recordings}, of which {report.recordings_verified} verified against their hashes"),
        ("disclosed before the agent's first word", f"{report.disclosure_verified} of {report.bridged}"),
    ]
    print_table("what happened", ("", ""), rows)
    print_table(
        f"recordings in {report.archive}",
        ("call", "seconds", "hash", "disclosure"),
        [(one.call_id, one.seconds, "ok" if one.verified else "BAD", one.disclosure) for one in report.recording_lines],
    )
    click.echo(f"the site stays in {report.workdir}; look around: {sys.argv[0]} --site {report.workdir} recording list")
