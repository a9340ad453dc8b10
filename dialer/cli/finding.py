"""How is a recording asked for at the command line, and what do the errors of the archive mean there?

The rule it protects: whatever a command finds, it finds within what the one who asks may see, and shows numbers only to those
whose work needs them.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import click

from config.database import reading
from dialer import bootstrap
from dialer.cli.acting import Actor
from dialer.cli.context import site_command
from dialer.cli.files import Moment
from dialer.cli.output import BAD_INPUT, PART_MISSING, REFUSED, Failure, failing
from recorder import catalogue
from recorder.access import About, Action, masked, reach, sees_numbers
from recorder.approvals import NoSuchRequest, NotApproved
from recorder.audio import NoEncoder
from recorder.catalogue import Recording, RecordingNotFound
from recorder.disclosure import Verdict
from recorder.exports import BadPiece, Piece
from recorder.search import Between, Measure, NoSuchPlace, Wanted
from recorder.sharing import ShareRefused
from recorder.vault import AlteredRecording
from recorder.wav import NotAudio

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

#: What a command about a recording may raise, beside what any command on a site may.
ERRORS: dict[type[BaseException], int] = {
    AlteredRecording: REFUSED,
    NotApproved: REFUSED,
    ShareRefused: REFUSED,
    BadPiece: BAD_INPUT,
    FileExistsError: BAD_INPUT,
    NoSuchPlace: BAD_INPUT,
    NoSuchRequest: BAD_INPUT,
    RecordingNotFound: BAD_INPUT,
    NotAudio: BAD_INPUT,
    NoEncoder: PART_MISSING,
}
_BOUND = re.compile(r"([a-z_]+)=(-?[0-9]+(?:\.[0-9]+)?)")
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)?-([0-9]+(?:\.[0-9]+)?)?")


def recording_command(function: Callable[P, R]) -> Callable[P, R]:
    """A command on the recordings of a site."""
    return site_command(failing(ERRORS)(function))


class Bound(click.ParamType[tuple[Measure, float]]):
    """A measure and a number, such as `dead_air=20`."""

    name = "measure=number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Measure, float]:
        if isinstance(value, tuple):
            return value
        found = _BOUND.fullmatch(str(value))
        if found is None or found[1] not in list(Measure):
            self.fail(f"{value!r}: write one of {', '.join(Measure)}, an equals sign and a number.", param, ctx)
        return Measure(found[1]), float(found[2])


class Seconds(click.ParamType[Piece]):
    """A piece of a recording in seconds from its start, such as `12.5-30`; either end may be left out."""

    name = "from-until"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Piece:
        if isinstance(value, Piece):
            return value
        found = _PIECE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r}: write two numbers of seconds with a dash between, such as 12.5-30.", param, ctx)
        from_s, until_s = found.groups()
        return Piece(round(1000 * float(from_s or 0)), None if until_s is None else round(1000 * float(until_s)))


clip_option = click.option("--clip", type=Seconds(), default=Piece(), help="Only this piece, in seconds from the start: 12.5-30.")

_VERDICTS = [verdict.value for verdict in Verdict]
_OPTIONS = (
    click.option("--campaign", help="Of this campaign."),
    click.option("--agent", "agent_id", help="Of this agent."),
    click.option("--team", help="Of this team."),
    click.option("--number", help="Of this number (E.164)."),
    click.option("--person", help="Of this customer, by your id of them."),
    click.option("--disposition", help="That ended so."),
    click.option("--disclosure", type=click.Choice(_VERDICTS), help="With this verdict on the disclosure."),
    click.option("--degraded/--whole", default=None, help="Only degraded ones, or only those that are not."),
    click.option("--held/--free", default=None, help="Only those on legal hold, or only those that are not."),
    click.option("--min-score", type=click.FloatRange(0, 100), help="Reviewed with at least so many percent."),
    click.option("--max-score", type=click.FloatRange(0, 100), help="Reviewed with at most so many percent."),
    click.option("--min", "least", type=Bound(), multiple=True, help=f"At least so much of a measure: {', '.join(Measure)}."),
    click.option("--max", "most", type=Bound(), multiple=True, help="At most so much of a measure."),
    click.option("--since", type=Moment(), help="Calls answered at or after it."),
    click.option("--until", type=Moment(), help="Calls answered before it."),
)


def search_options(function: F) -> F:
    """The conditions of a search, handed on under the names that `wanted` takes."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def wanted(conditions: dict[str, Any], who: Actor, action: Action, *, limit: int, after: str | None = None) -> Wanted:
    """What is asked for, within what they may do this with."""
    given = dict(conditions)
    least, most = dict(given.pop("least")), dict(given.pop("most"))
    measures = tuple(Between(one, least.get(one), most.get(one)) for one in Measure if one in least or one in most)
    score = given.pop("min_score"), given.pop("max_score")
    disclosure = given.pop("disclosure")
    return Wanted(
        **given,
        disclosure=Verdict(disclosure) if disclosure else None,
        measures=measures,
        score=score,
        visible=reach(who.acting, action),
        after=after,
        limit=limit,
    )


def told(conditions: dict[str, Any]) -> dict[str, str]:
    """The conditions that were given, as the audit chain keeps them: for good, and so without anybody's whole number."""
    given = {name: value for name, value in conditions.items() if value not in (None, ())}
    return {name: value.isoformat() if isinstance(value, datetime) else _text(value) for name, value in given.items()}


def _text(value: Any) -> str:
    return ", ".join(f"{measure}={number:g}" for measure, number in value) if isinstance(value, tuple) else masked(str(value))


def found(parts: bootstrap.Opened, call_id: str) -> tuple[Recording, About]:
    """The recording of a call, and what is asked before anybody is let near it. Raises RecordingNotFound."""
    recording = catalogue.recorded(parts.database, call_id)
    with reading(parts.database) as connection:
        return recording, catalogue.about(recording, held=catalogue.is_held(connection, call_id))


def as_seen_by(who: Actor, recording: Recording) -> Recording:
    """The recording with its numbers as they may see them."""
    if sees_numbers(who.acting):
        return recording
    return replace(recording, number=masked(recording.number), person=masked(recording.person))


def moment_of(seconds: float) -> str:
    """A place in a recording as people say it: minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def must(condition: object, message: str) -> None:
    """Raises Failure unless the condition holds."""
    if not condition:
        raise Failure(message)
