"""`ringfence bench`: figures, each beside something measured in the same run."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from dialer import benches
from dialer.cli.context import site_command
from dialer.cli.output import json_option, print_json, print_table

Measure = Callable[[], Any]


@click.group()
def bench() -> None:
    """Measure speed, as ratios against something measured in the same run."""


def _say(text: str) -> None:
    click.echo(f"  {text} …", err=True)


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    for name, measured in figures.items():
        rows = [(field.name.replace("_", " "), getattr(measured, field.name)) for field in fields(measured)]
        print_table(name, ("", ""), rows)


@bench.command("gate")
@click.option("--count", type=click.IntRange(100, 1_000_000), default=2000, show_default=True, help="Permits to grant.")
@json_option
@site_command
def gate(count: int, as_json: bool) -> None:
    """Permits checked and committed a second, beside raw committed inserts."""
    _show({"gate": benches.measure_gate(count, _say)}, as_json=as_json)


@bench.command("import")
@click.option("--count", type=click.IntRange(100, 100_000), default=20_000, show_default=True, help="Rows of the list.")
@json_option
@site_command
def import_(count: int, as_json: bool) -> None:
    """Rows imported a second, beside Python's CSV reader alone."""
    _show({"import": benches.measure_import(count, _say)}, as_json=as_json)


@bench.command("archive")
@click.option("--seconds", type=click.IntRange(10, 36_000), default=600, show_default=True, help="Length of the call.")
@json_option
@site_command
def archive(seconds: int, as_json: bool) -> None:
    """A call from raw files to the archive, beside the FLAC encoding alone."""
    _show({"archive": benches.measure_archive(seconds, _say)}, as_json=as_json)


@bench.command("dial")
@click.option("--leads", type=click.IntRange(10, 400), default=40, show_default=True, help="People on the list.")
@json_option
@site_command
def dial(leads: int, as_json: bool) -> None:
    """Answer to two-way audio on a lab PBX, beside the round trip of its manager interface."""
    _show({"dial": benches.measure_dial(leads, _say)}, as_json=as_json)


@bench.command("all")
@json_option
@site_command
def all_(as_json: bool) -> None:
    """Every bench, at its usual size."""
    figures = {
        "gate": benches.measure_gate(2000, _say),
        "import": benches.measure_import(20_000, _say),
        "archive": benches.measure_archive(600, _say),
        "dial": benches.measure_dial(40, _say),
    }
    _show(figures, as_json=as_json)
