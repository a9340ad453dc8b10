"""What needs a person's eye, from the command line: listed until somebody has seen it, and kept for ever."""

import click

from config.database import reading, writing
from dialer import store
from dialer.cli.context import site, site_command
from dialer.cli.output import Failure, json_option, print_json, print_table
from recorder.store import alerts as read_alerts
from recorder.store import mark_seen


@click.command()
@click.option("--seen", type=int, multiple=True, metavar="ID", help="Mark this one as seen; repeatable.")
@click.option("--all-seen", is_flag=True, help="Mark all of them as seen.")
@json_option
@site_command
def alerts(seen: tuple[int, ...], all_seen: bool, as_json: bool) -> None:
    """What needs a person's eye, oldest first; one that was seen is kept, and not listed again."""
    if seen and all_seen:
        raise Failure("give --seen ID or --all-seen, not both")
    with site() as parts:
        if seen or all_seen:
            with writing(parts.database) as connection:
                unknown = set(seen) - {one.id for one in read_alerts(connection, unseen_only=False)}
                if unknown:
                    raise store.NotFound(f"no alert has the id {', '.join(map(str, sorted(unknown)))}")
                marked = mark_seen(connection, None if all_seen else seen)
            if as_json:
                print_json({"seen": marked})
            else:
                click.echo(f"marked as seen: {', '.join(map(str, marked)) or 'none that was not seen already'}")
            return
        with reading(parts.database) as connection:
            found = read_alerts(connection)
    if as_json:
        print_json(found)
    else:
        rows = [(one.id, one.at, one.kind, one.call_id, one.text) for one in found]
        print_table("alerts", ("id", "at", "kind", "call", "what"), rows, empty="none")
