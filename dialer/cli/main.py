"""The `ringfence` command: every subcommand, and what they share."""

import os
from pathlib import Path

import click

from config import logs
from dialer.cli.agents import agent
from dialer.cli.bench import bench
from dialer.cli.campaigns import campaign
from dialer.cli.demo import demo
from dialer.cli.explain import alerts, compliance, explain
from dialer.cli.lab import lab
from dialer.cli.lists import dnc, lists
from dialer.cli.output import Failure
from dialer.cli.recordings import recording
from dialer.cli.sites import doctor, init, run

PRIVATE = 0o077  # what is written holds customers' names, numbers and voices: for its owner only


class _Words(click.Group):
    """Commands whose words must be text: Python hands on bytes that are no UTF-8 as characters that cannot be written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
                raise Failure(f"argument {word}: not UTF-8")
        return super().parse_args(ctx, args)


@click.group(cls=_Words, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--site",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RINGFENCE_SITE",
    help="The site to work on; default: the directory you are in.",
)
@click.option("--log-json", is_flag=True, help="Log one JSON object a line, for collectors.")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="WARNING",
    show_default=True,
)
@click.version_option(package_name="ringfence")
@click.pass_context
def main(ctx: click.Context, site: Path | None, log_json: bool, log_level: str) -> None:
    """Ringfence: a lawful dialer and recorder for call floors.

    Start with `ringfence demo`. A site is a directory made by `ringfence init DIR`; commands work on the site they are
    run in. Exit codes: 0 done or permitted, 2 bad input, 3 refused by a rule, 4 a needed part is missing or down.
    """
    del site  # read by the commands, through the context
    before = os.umask(PRIVATE)
    ctx.call_on_close(lambda: os.umask(before))
    logs.configure(json=log_json, level=log_level.upper())


for command in (agent, alerts, bench, campaign, compliance, demo, dnc, doctor, explain, init, lab, lists, recording, run):
    main.add_command(command)
