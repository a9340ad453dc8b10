"""`ringfence compliance`: what the rules are, what they would say, and whether the ledger is whole. Where each command is."""

import click

from dialer.cli.lazy import Elsewhere, LazyGroup

COMMANDS = {
    "abandonment": Elsewhere(
        "dialer.cli.abandonment:abandonment",
        "How many answered calls of CAMPAIGN, or of each one, went without an agent, and how many more may by each rule.",
    ),
    "bundle": Elsewhere("dialer.cli.bundles:bundles", "Bundles of evidence: are they whole, and do they prove what they say?"),
    "check": Elsewhere("dialer.cli.check:check", "May this call be placed at that time?"),
    "obligations": Elsewhere(
        "dialer.cli.obligations:obligations",
        "What binds the call once it is answered: disclosures, recording, retention, deadlines?",
    ),
    "packs": Elsewhere(
        "dialer.cli.packs:packs", "Which rules are in force at this site: kind, level, source, and the hash of their text."
    ),
    "replay": Elsewhere(
        "dialer.cli.replay:replay",
        "Decide about CALL (or the attempt of a refusal) again, with the packs, calendars and facts of that time.",
    ),
    "verify": Elsewhere(
        "dialer.cli.verify:verify", "Check the hash chain of the ledger; exit code 3 if a row was altered, removed or put in."
    ),
}


@click.group(cls=LazyGroup, elsewhere=COMMANDS)
def compliance() -> None:
    """The rules in force."""
