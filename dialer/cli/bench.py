"""`ringfence bench`: figures, each beside something measured in the same run."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from config.private_postgresql import INSTALL, PostgresqlUnavailable, programs
from dialer.benches import archive, crash, dialing, disclosure, gate, importing, search
from dialer.benches.crash_pbx import PbxFigures, measure_pbx_crash
from dialer.benches.crash_recorder import RecorderFigures, measure_recorder_crash
from dialer.benches.crash_store import StoreFigures, measure_store_crash
from dialer.benches.gate_figures import GateFigures
from dialer.cli.context import site_command
from dialer.cli.output import PART_MISSING, REFUSED, failing, json_option, print_json, print_table
from recorder.stores import StoreUnknown
from sip.unpack import LabError, ensure_tree

P = ParamSpec("P")
R = TypeVar("R")

SHORT = (10_000, 100_000)  # ledgers that are filled in seconds

Crash = Callable[[int, Callable[[str], None], int], RecorderFigures | StoreFigures | PbxFigures]
CRASHES: dict[crash.Part, Crash] = {
    crash.Part.RECORDER: measure_recorder_crash,
    crash.Part.STORE: measure_store_crash,
    crash.Part.PBX: measure_pbx_crash,
}
USUALLY = ", ".join(f"{part} {times}" for part, times in crash.USUAL.items())

_databases = click.option(
    "--database",
    "databases",
    type=click.Choice(gate.DATABASES),
    multiple=True,
    default=gate.DATABASES,
    show_default=True,
    help="May be given more than once.",
)
_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="Where the databases are put meanwhile; default: the directory for temporary files.",
)


@click.group()
def bench() -> None:
    """Measure speed, as ratios against something measured in the same run."""


def _command(function: Callable[P, R]) -> Callable[P, R]:
    missing = (PostgresqlUnavailable, gate.NoRoom, archive.NoFfmpeg, crash.CrashFailed, StoreUnknown, LabError)
    return failing(dict.fromkeys(missing, PART_MISSING))(site_command(function))


def _say(text: str) -> None:
    click.echo(f"  {text} …", err=True)


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    for name, measured in figures.items():
        if isinstance(measured, GateFigures):
            _show_gate(measured)
            continue
        print_table(name.replace("_", " "), ("", ""), list(_rows(measured)))


def _rows(measured: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(measured):
        value = getattr(measured, field.name)
        if is_dataclass(value):
            yield from _rows(value)
        else:
            yield field.name.replace("_", " "), value


def _show_gate(figures: GateFigures) -> None:
    headings = (
        "database",
        "rows",
        "packs",
        "threads",
        "at once",
        "permits/s",
        "raw inserts/s",
        "ratio",
        "by driver/s",
        "p50 ms",
        "p99 ms",
        "cost",
    )
    rows = [
        (
            one.database,
            f"{one.rows:,}",
            " + ".join(one.packs),
            one.threads,
            one.at_once,
            f"{one.permits_per_second:,.0f}",
            f"{one.raw_inserts_per_second:,.0f}",
            f"{one.permits_per_raw_insert:.2f}",
            f"{one.driver_inserts_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.cost_vs_smallest:.2f}",
        )
        for one in figures.permits
    ]
    print_table("gate: permits, checked and committed", headings, rows)
    decisions = [(" + ".join(one.packs), one.events, f"{one.decisions_per_second:,.0f}") for one in figures.decisions]
    print_table("gate: decisions, nothing read or written, one core", ("packs", "events", "decisions/s"), decisions)
    for target in figures.targets:
        word = "met" if target.met else "MISSED"
        click.echo(f"{word}: {target.name} {target.wanted:,g}: {target.found:,.2f} ({target.where})")


@bench.command("gate")
@click.option(
    "--rows",
    "sizes",
    type=click.IntRange(1_000, 30_000_000),
    multiple=True,
    default=gate.SIZES,
    show_default=True,
    help="Rows of a ledger; may be given more than once.",
)
@_databases
@click.option(
    "--count", type=click.IntRange(10, 1_000_000), default=2000, show_default=True, help="Permits to grant of each kind."
)
@_directory
@json_option
@_command
def gate_(sizes: tuple[int, ...], databases: tuple[str, ...], count: int, directory: Path | None, as_json: bool) -> None:
    """Permits checked and committed a second, beside raw committed inserts, as the ledger grows.

    The databases are made for this run and are gone afterwards; PostgreSQL's server is a private one. Ten million rows
    need 20 GB of disk and some minutes to be filled.
    """
    _show({"gate": gate.measure_gate(count, _say, sizes, databases, directory)}, as_json=as_json)


@bench.command("import")
@click.option("--count", type=click.IntRange(100, 100_000), default=20_000, show_default=True, help="Rows of the list.")
@json_option
@_command
def import_(count: int, as_json: bool) -> None:
    """Rows imported a second, beside Python's CSV reader alone."""
    _show({"import": importing.measure_import(count, _say)}, as_json=as_json)


@bench.command("archive")
@click.option("--seconds", type=click.IntRange(10, 36_000), default=180, show_default=True, help="Length of each call.")
@click.option("--calls", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many calls.")
@json_option
@_command
def archive_(seconds: int, calls: int, as_json: bool) -> None:
    """Calls from raw files to the archive, all of it, beside ffmpeg's encoding of the same files alone: in processor time."""
    figures = archive.measure_archive(seconds, _say, calls)
    _show({f"archive_{one.form}": one for one in figures}, as_json=as_json)


@bench.command("crash")
@click.option(
    "--of",
    "parts",
    type=click.Choice([part.value for part in crash.Part]),
    multiple=True,
    default=[part.value for part in crash.Part],
    show_default=True,
    help="What is killed; may be given more than once.",
)
@click.option(
    "--kills",
    type=click.IntRange(1, 10_000),
    help=f"How often in all, each part at least once; default: {USUALLY}.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the steps and moments.")
@json_option
@_command
def crash_(parts: tuple[str, ...], kills: int | None, seed: int, as_json: bool) -> None:
    """The recorder, the object store or the PBX killed again and again while calls are recorded, archived and sent.

    Exit code 3 if a recording is lost beyond what the PBX had not written yet, doubled or altered. Half an hour.
    """
    chosen = [part for part in crash.Part if part in parts]
    figures = {f"crash_{part}": CRASHES[part](times, _say, seed) for part, times in crash.shared_out(kills, chosen).items()}
    _show(figures, as_json=as_json)
    if not all(one.intact for one in figures.values()):
        raise SystemExit(REFUSED)


@bench.command("disclosure")
@click.option(
    "--prompts", type=click.IntRange(2, 1000), default=70, show_default=True, help="How many prompts, in both languages."
)
@json_option
@_command
def disclosure_(prompts: int, as_json: bool) -> None:
    """How often the proof of disclosure is wrong, over lines that lose packets, hiss, distort and are talked over."""
    figures = disclosure.measure_disclosure(prompts, ensure_tree(_say), _say)
    if as_json:
        print_json({"disclosure": figures})
        return
    rows = [("played" if one.whole else "not played", one.line, one.trials, one.wrong) for one in figures.lines]
    print_table("disclosure: verdicts that were wrong", ("the prompt was", "line", "trials", "wrong"), rows)
    click.echo(f"missed: {figures.false_rejects} of {figures.of_played}")
    click.echo(f"taken for the prompt: {figures.false_accepts} of {figures.of_not_played}")


@bench.command("dial")
@click.option("--leads", type=click.IntRange(10, 400), default=40, show_default=True, help="People on the list.")
@json_option
@_command
def dial(leads: int, as_json: bool) -> None:
    """Answer to two-way audio on a lab PBX, beside the round trip of its manager interface."""
    _show({"dial": dialing.measure_dial(leads, _say)}, as_json=as_json)


@bench.command("search")
@click.option("--rows", type=click.IntRange(1_000, 30_000_000), default=search.ROWS, show_default=True, help="Recordings.")
@click.option("--rounds", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Searches of each kind.")
@_databases
@_directory
@json_option
@_command
def search_(rows: int, rounds: int, databases: tuple[str, ...], directory: Path | None, as_json: bool) -> None:
    """First pages of searches among many recordings, beside a look-up by key."""
    figures = search.measure_search(rows, rounds, _say, databases, directory)
    if as_json:
        print_json({"search": figures})
        return
    headings = ("database", "search", "found", "p50 ms", "p99 ms", "times a look-up by key", "p99 below 100 ms")
    shown = [
        (one.database, one.search, one.found, one.p50_ms, one.p99_ms, one.times_a_key, "met" if one.met else "MISSED")
        for one in figures
    ]
    print_table(f"first pages among {rows:,} recordings", headings, shown)


@bench.command("all")
@json_option
@_command
def all_(as_json: bool) -> None:
    """Every bench at a usual size: the gate with small ledgers, and on SQLite alone where PostgreSQL is not installed."""
    databases = gate.DATABASES
    if programs() is None:
        databases = (gate.SQLITE,)
        click.echo(f"  the gate is measured on SQLite alone: {INSTALL} to have it measured there too", err=True)
    figures = {
        "gate": gate.measure_gate(1000, _say, SHORT, databases),
        "import": importing.measure_import(20_000, _say),
        **{f"archive_{one.form}": one for one in archive.measure_archive(180, _say)},
        "dial": dialing.measure_dial(40, _say),
    }
    _show(figures, as_json=as_json)
