"""How the recording of one call was planned and what came of it, as `explain call` tells it."""

import click
from sqlalchemy.engine import Connection

from compliance.evidence_rows import Wanted, decisions, kept_for
from dialer import store
from dialer.capture_story import RecordingStory, in_words, recording_story
from dialer.cli.capture_options import described
from dialer.cli.output import print_table, visible
from dialer.floor import FloorCall


def story_of(connection: Connection, placed: FloorCall) -> RecordingStory:
    """The story of the recording of a call that was placed."""
    campaign = next(one for one in store.campaigns(connection) if one.campaign_id == placed.campaign_id)
    found = list(decisions(connection, Wanted(attempt_id=placed.call_id)))
    _, packs, _ = kept_for(connection, found)
    return recording_story(campaign.capture, placed.capture, found, packs)


def tell(story: RecordingStory) -> None:
    """For people: the plan, and the rules it follows from."""
    click.echo()
    click.echo(visible(f"recording; the campaign wants: {described(story.policy)}"))
    for what, said in in_words(story):
        click.echo(visible(f"  {what}: {said}"))
    if story.rules is None:
        click.echo("  what the rules asked is not known: what the call was decided from is not kept whole")
        return
    rows = [(one.rule, one.text, one.level, one.cite) for one in story.rules]
    print_table("what the rules asked of the recording", ("rule", "asks for", "level", "source"), rows, empty="nothing")
