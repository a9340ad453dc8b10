"""`ringfence compliance verify`: is the ledger as it was written? Its hash chain from the first row to the tip."""

import click

from dialer.cli.context import site, site_command
from dialer.cli.output import REFUSED, json_option, print_json


@click.command("verify")
@json_option
@site_command
def verify(as_json: bool) -> None:
    """Check the hash chain of the ledger; exit code 3 if a row was altered, removed or put in."""
    with site() as parts:
        report = parts.ledger.verify_chain()
    if as_json:
        print_json(report)
    else:
        for fault in report.faults:
            click.echo(f"row {fault.seq}: {fault.text}")
        told = "as they were written" if report.intact else "NOT as they were written"
        click.echo(f"{report.rows} rows, {told}; tip {report.tip_hash}")
    if not report.intact:
        raise SystemExit(REFUSED)
