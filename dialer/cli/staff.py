"""`ringfence staff`: who works with recordings, in which role. The first one on it is a manager; from then on names count."""

import click

from config.database import reading, writing
from dialer.cli.acting import NAME_LENGTH, actor, as_option, check, note, or_nothing
from dialer.cli.arguments import Name
from dialer.cli.context import site, site_command
from dialer.cli.output import BAD_INPUT, Failure, json_option, print_json, print_table
from recorder import staff as store
from recorder.access import Action, Role, Staff


@click.group()
def staff() -> None:
    """Staff: who may hear, review and take out recordings. Until anybody is on it, whoever runs the commands may."""


@staff.command("add")
@click.argument("name", type=Name(NAME_LENGTH))
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What their work is.")
@click.option("--team", type=Name(NAME_LENGTH), callback=or_nothing, help="Their team; a supervisor hears its calls.")
@click.option(
    "--agent-id", type=Name(NAME_LENGTH), callback=or_nothing, help="Who they are on the floor; an agent hears these calls."
)
@as_option
@json_option
@site_command
def add(name: str, role: str, team: str, agent_id: str, as_name: str | None, as_json: bool) -> None:
    """Put NAME (their account on this machine) on the staff, or give them another role. The first one is a manager."""
    member = Staff(name, Role(role), team, agent_id)
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.STAFF)
        now = parts.clock.now()
        try:
            with writing(parts.database) as connection:
                store.put(connection, member, now)
                told = {"name": name, "role": role, "team": team, "agent_id": agent_id}
                note(connection, parts, who, "staff_add", **{key: value for key, value in told.items() if value})
        except store.StaffRefused as error:
            raise Failure(str(error), BAD_INPUT) from None
    if as_json:
        print_json(member)
    else:
        click.echo(f"{name} is on the staff as {role}")


@staff.command("list")
@json_option
@site_command
def list_staff(as_json: bool) -> None:
    """Who is on the staff."""
    with site() as parts, reading(parts.database) as connection:
        found = store.members(connection)
    if as_json:
        print_json(found)
        return
    rows = [(one.name, one.role, one.team or None, one.agent_id or None) for one in found]
    print_table("staff", ("name", "role", "team", "agent"), rows, empty="nobody yet: whoever runs the commands may do everything")


@staff.command("remove")
@click.argument("name")
@as_option
@json_option
@site_command
def remove(name: str, as_name: str | None, as_json: bool) -> None:
    """Take NAME off the staff; what they did stays in the audit chain, and what they shared can be opened no more."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.STAFF)
        try:
            with writing(parts.database) as connection:
                store.remove(connection, name, parts.clock.now())
                note(connection, parts, who, "staff_remove", name=name)
        except (store.StaffRefused, store.UnknownStaff) as error:
            raise Failure(str(error), BAD_INPUT) from None
    if as_json:
        print_json({"removed": name})
    else:
        click.echo(f"{name} is no longer on the staff")
