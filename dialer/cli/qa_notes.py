"""What people note about calls and agents, from the command line: best calls, complaints, coaching."""

import click
from sqlalchemy.engine import Connection

from config.database import reading, writing
from dialer.cli.acting import actor, as_option, note
from dialer.cli.arguments import Name
from dialer.cli.context import site
from dialer.cli.output import Failure, json_option, print_json, print_table
from dialer.cli.qa_acting import place, qa_command, somebody
from recorder import access
from recorder.access import Action, Everything, Nothing, OfAgent, OfTeam
from recorder.qa import calls, notes
from recorder.qa.filling import place_of
from recorder.qa.notes import Kind, NewNote, Note
from recorder.qa.refused import NoSuch

text_option = click.option("--text", required=True, type=Name(2000), help="What is to be said.")
at_option = click.option("--at", "at", metavar="SECONDS", help="The place in the recording, as 65 or 1:05.")


@click.group("coach")
def coach() -> None:
    """Coaching: what an agent was told, of a call or in general."""


@coach.command("add")
@click.option("--agent", "agent_id", type=Name(64), help="Whom; default: the agent of --call.")
@click.option("--call", "call_id", type=Name(64), help="Of which call.")
@at_option
@text_option
@as_option
@json_option
@qa_command
def coach_add(agent_id: str | None, call_id: str | None, at: str | None, text: str, as_name: str | None, as_json: bool) -> None:
    """Note what an agent was told. The agent reads it."""
    if not agent_id and not call_id:
        raise Failure("of whom: give --agent, --call or both")
    _add(NewNote(Kind.COACHING, text, call_id or "", agent_id or "", "", _place(at)), as_name, as_json)


@coach.command("list")
@click.option("--agent", "agent_id", help="Of this agent.")
@as_option
@json_option
@qa_command
def coach_list(agent_id: str | None, as_name: str | None, as_json: bool) -> None:
    """What agents were told, the latest first. An agent sees the own ones."""
    with site() as parts:
        by = somebody(parts, as_name)
        with reading(parts.database) as connection:
            found = notes.coaching(connection, by, agent_id)
    _tell("coaching", found, as_json)


@click.command("complaint")
@click.argument("call_id")
@text_option
@as_option
@json_option
@qa_command
def complaint(call_id: str, text: str, as_name: str | None, as_json: bool) -> None:
    """Note that the customer complained of CALL_ID. Samples that weigh complaints draw such calls more likely."""
    _add(NewNote(Kind.COMPLAINT, text, call_id), as_name, as_json)


@click.group("library")
def library() -> None:
    """The best calls: to learn from, tagged with what for."""


@library.command("add")
@click.argument("call_id")
@click.option("--tag", required=True, type=Name(64), help="What for: opening, objection, closing …")
@click.option("--why", required=True, type=Name(2000), help="What is good about it.")
@at_option
@as_option
@json_option
@qa_command
def library_add(call_id: str, tag: str, why: str, at: str | None, as_name: str | None, as_json: bool) -> None:
    """Put CALL_ID into the library. Who may hear it does not change by that."""
    _add(NewNote(Kind.BEST, why, call_id, "", tag, _place(at)), as_name, as_json)


@library.command("list")
@click.option("--tag", help="Only this tag.")
@as_option
@json_option
@qa_command
def library_list(tag: str | None, as_name: str | None, as_json: bool) -> None:
    """The best calls that you may hear, the latest first."""
    with site() as parts:
        who = actor(parts, as_name)
        with writing(parts.database) as connection:
            found = [
                one for one in notes.listed(connection, Kind.BEST, tag=tag) if _may_hear(connection, who.acting, one.call_id)
            ]
            note(connection, parts, who, Action.LIST.value, library=tag or "", found=str(len(found)))
    _tell("library", found, as_json)


@library.command("remove")
@click.argument("note_id", type=int)
@click.option("--why", required=True, type=Name(200), help="Why; it is kept.")
@as_option
@json_option
@qa_command
def library_remove(note_id: int, why: str, as_name: str | None, as_json: bool) -> None:
    """Take a call out of the library, by the number that `list` shows; what was said of it is kept."""
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            notes.take_back(connection, note_id, why, by, parts.clock.now())
    if as_json:
        print_json({"removed": note_id})
    else:
        click.echo(f"{note_id} is out of the library")


def _may_hear(connection: Connection, acting: access.Acting, call_id: str) -> bool:
    """Whether their work lets them hear the call; one whose recording is no more is nobody's to hear."""
    try:
        about = calls.of_id(connection, call_id)
    except NoSuch:
        return False
    match access.reach(acting, Action.PLAY):
        case Everything():
            return True
        case OfTeam(team):
            return about.call.team == team
        case OfAgent(agent_id):
            return agent_id in about.agents
        case Nothing():
            return False


def _add(new: NewNote, as_name: str | None, as_json: bool) -> None:
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            kept = notes.add(connection, new, by, parts.clock.now())
    if as_json:
        print_json(kept)
    else:
        click.echo(f"noted, number {kept.note_id}")


def _place(text: str | None) -> int | None:
    try:
        return None if text is None else place_of(text)
    except ValueError as error:
        raise Failure(f"--at: {error}") from None


def _tell(title: str, found: list[Note], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (one.note_id, one.at, one.who, one.agent_id or None, one.call_id or None, place(one.from_ms), one.tag, one.text)
        for one in found
    ]
    print_table(title, ("number", "at", "who", "agent", "call", "place", "tag", "what"), rows, empty="none")
