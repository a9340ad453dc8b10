"""The archive as a whole, from the command line: prove it, lock it anew, answer for its head."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import click

from config.database import reading, writing
from dialer.cli.context import site, site_command
from dialer.cli.files import progress
from dialer.cli.output import PART_MISSING, REFUSED, Failure, failing, json_option, print_json
from recorder import archive_chain, archive_head, store
from recorder.archive_head import HeadDisagrees
from recorder.purge import tombstones
from recorder.rekeying import rekey as lock_anew
from recorder.sealing import BadSeal
from recorder.verification import verify_all


@click.command()
@json_option
@site_command
def verify(as_json: bool) -> None:
    """Prove that every file, row and key of the archive is as the site wrote it; exit code 3 on any finding."""
    with site() as parts:
        with reading(parts.database) as connection:
            total, purged = store.recordings(connection), tombstones(connection)
        with _counted("recordings", total) as seen:
            findings = verify_all(parts.database, parts.vault, seen)
    if as_json:
        print_json(findings)
    elif findings:
        for finding in findings:
            click.echo(f"{finding.flaw}: {finding.text}")
    else:
        click.echo(f"all {total} recordings, their keys and the chain of the archive are as they were written")
        click.echo(f"{purged} more were purged; the chain has a tombstone of each")
    if findings:
        raise SystemExit(REFUSED)


@click.command()
@json_option
@failing({HeadDisagrees: REFUSED, BadSeal: PART_MISSING})
@site_command
def rekey(as_json: bool) -> None:
    """Lock every recording with a new key of the site, and rewrite no audio.

    Cut short, run it again: it goes on where it was, and makes no further key.
    """
    with site() as parts:
        with reading(parts.database) as connection:
            total = store.recordings(connection)
        with _counted("recordings", total) as seen:
            done = lock_anew(parts.database, parts.vault, parts.clock, seen)
    if as_json:
        print_json(done)
        return
    click.echo(
        f"{done.locked} recordings are locked with key {done.kek_id}; {done.restored} keys were put back beside their audio"
    )
    for key_id in done.unused:
        click.echo(f"key {key_id} locks nothing any more: once no backup needs it, destroy secrets/archive-keys/{key_id}.key")


@click.command("renew-head")
@click.option("--why", required=True, help="What was found out: it is told in the chain, for good.")
@json_option
@site_command
def renew_head(why: str, as_json: bool) -> None:
    """Accept the chain of the archive as it is, and answer for that.

    For after the database was put back from a backup, or `head.json` was lost: until then `verify` tells it as a finding.
    """
    if not why.strip():
        raise Failure("--why: say what was found out")
    with site() as parts:
        with writing(parts.database) as connection:
            seq = archive_chain.append(connection, archive_chain.RENEWED, "", {"why": why}, parts.clock.now())
        archive_head.renew(parts.database, parts.site.archive)
    if as_json:
        print_json({"seq": seq})
    else:
        click.echo(f"the head of the archive tells link {seq}")


@contextmanager
def _counted(title: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar that moves on by one at each call."""
    with progress(title, total) as told:
        done = count(1)
        yield lambda: told(next(done))
