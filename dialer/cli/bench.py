"""Benchmarks: ratios against something measured in the same run."""

import click


@click.group()
def bench() -> None:
    """Measure."""
