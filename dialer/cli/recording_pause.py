"""`ringfence recording pause` and `resume`: of a call that is up, by anybody on the staff.

The rule it protects: a pause ends by itself, and who asked for it is told by the audit chain. The command leaves a word for the
running floor, which keeps the limit.
"""

import click

from config.database import reading, writing
from dialer import store
from dialer.cli.acting import actor, as_option, note
from dialer.cli.arguments import Name
from dialer.cli.context import site, site_command
from dialer.cli.output import BAD_INPUT, Failure, json_option, print_json, visible
from sip.call import CallState


@click.command("pause")
@click.argument("call")
@click.option("--why", type=Name(100), default="payment", show_default=True, help="Kept with the recording.")
@as_option
@json_option
@site_command
def pause(call: str, why: str, as_name: str | None, as_json: bool) -> None:
    """Record silence on both sides of CALL until `recording resume`, or until the campaign's limit."""
    _say(call, why, as_name, paused=True, as_json=as_json)


@click.command("resume")
@click.argument("call")
@as_option
@json_option
@site_command
def resume(call: str, as_name: str | None, as_json: bool) -> None:
    """Record CALL again."""
    _say(call, "", as_name, paused=False, as_json=as_json)


def _say(call: str, why: str, as_name: str | None, *, paused: bool, as_json: bool) -> None:
    with site() as parts:
        who = actor(parts, as_name)
        with reading(parts.database) as connection:
            found = store.attempt(connection, call)
        if found.call.answered_at is None or found.call.state is CallState.ENDED:
            raise Failure(f"call {call} is {found.call.state}: only a call that is answered and up is recorded", BAD_INPUT)
        said = {"call": call, "paused": "yes" if paused else "no", "why": why, "by": who.name}
        with writing(parts.database) as connection:
            store.say(connection, "capture", said, parts.clock.now())
            note(connection, parts, who, "pause" if paused else "resume", call, **({"why": why} if why else {}))
        if as_json:
            print_json({"call": call, "paused": paused, "why": why, "by": who.name})
            return
        limit = f", for at most {found.capture.plan.pause_limit.total_seconds():g} s" if paused else ""
        click.echo(visible(f"call {call}: the running floor is told to {'pause' if paused else 'resume'} the recording{limit}"))
