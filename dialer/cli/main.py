"""The `ringfence` command: every subcommand, and what they share."""

import os
from pathlib import Path

import click

from dialer.cli.lazy import Elsewhere, LazyGroup
from dialer.cli.output import Failure

PRIVATE = 0o077  # what is written holds customers' names, numbers and voices: for its owner only


COMMANDS = {
    "agent": Elsewhere("dialer.cli.agents:agent", "Agents: who may take calls."),
    "alerts": Elsewhere(
        "dialer.cli.alerts:alerts", "What needs a person's eye, oldest first; one that was seen is kept, and not listed again."
    ),
    "audit": Elsewhere(
        "dialer.cli.audit:audit", "Who listed, heard, scored, held, exported, shared or purged which recording, and when."
    ),
    "bench": Elsewhere("dialer.cli.bench:bench", "Measure speed, as ratios against something measured in the same run."),
    "campaign": Elsewhere("dialer.cli.campaigns:campaign", "Campaigns: create, start, pause, stop, review, look at them."),
    "compliance": Elsewhere("dialer.cli.compliance:compliance", "The rules in force."),
    "consent": Elsewhere("dialer.cli.consents:consent", "Who allowed calls, how far and until when; a withdrawal holds at once."),
    "demo": Elsewhere(
        "dialer.cli.demo:demo",
        "Run a whole campaign on a private Asterisk: lab PBX, carrier, agents, a list, recordings, a report.",
    ),
    "dnc": Elsewhere("dialer.cli.dnc:dnc", "The do-not-call list: effective at once, on queued and ringing calls too."),
    "doctor": Elsewhere(
        "dialer.cli.sites:doctor",
        "Check everything this site needs, and say what to do about what is missing; exit code 4 if something is.",
    ),
    "explain": Elsewhere("dialer.cli.explain:explain", "Say why: every decision carries its reasons."),
    "init": Elsewhere("dialer.cli.sites:init", "Make DIRECTORY a site: settings, database, secrets/, spool/, archive/."),
    "lab": Elsewhere(
        "dialer.cli.lab:lab",
        "A private Asterisk with a simulated carrier, for trying things out: rings nobody outside this machine.",
    ),
    "list": Elsewhere("dialer.cli.lists:lists", "Lists of leads, and of whom another system rang."),
    "person": Elsewhere(
        "dialer.cli.people:person",
        "What is known of one person: numbers, opt-outs, consents, relations, inconvenient times, calls.",
    ),
    "prompt": Elsewhere(
        "dialer.cli.prompts:prompt", "Announcements: the disclosure of the recording, the message of an abandoned call."
    ),
    "qa": Elsewhere("dialer.cli.qa:qa", "Quality assurance: draw calls, score them on forms, hear appeals, calibrate, report."),
    "recording": Elsewhere("dialer.cli.recordings:recording", "Recordings of conversations: agent left, customer right."),
    "relation": Elsewhere(
        "dialer.cli.people:relation",
        "What people have to do with the seller: a purchase, an inquiry, a contract; some rules yield to it.",
    ),
    "run": Elsewhere(
        "dialer.cli.sites:run",
        "Run the floor: dial the running campaigns, connect agents, archive recordings, until Ctrl-C or SIGTERM.",
    ),
    "staff": Elsewhere(
        "dialer.cli.staff:staff",
        "Staff: who may hear, review and take out recordings. Until anybody is on it, whoever runs the commands may.",
    ),
}


class _Words(LazyGroup):
    """Commands whose words must be text: Python hands on bytes that are no UTF-8 as characters that cannot be written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
                raise Failure(f"argument {word}: not UTF-8")
        return super().parse_args(ctx, args)


@click.group(cls=_Words, elsewhere=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
    del site, log_json, log_level  # read by the commands, through the context
    before = os.umask(PRIVATE)
    ctx.call_on_close(lambda: os.umask(before))
