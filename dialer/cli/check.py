"""`ringfence compliance check`: may this call be placed? Needs no site, no database and no network; asks the gate itself."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import click
from click.core import ParameterSource

from compliance.calendars import calendars_for
from compliance.numbers import regions_of
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, PackError
from compliance.question import KEYS, PURPOSES, BadQuestion, Question, answer, parse_question
from compliance.scope import packs_for
from dialer.cli.output import BAD_INPUT, REFUSED, Failure, json_option, print_table

_EVENT = re.compile(r"history\[([0-9]+)\][.:] ?(.*)", re.DOTALL)
LONGEST_LINE = 10_000_000  # characters of one question


@click.command("check")
@click.option("--number", metavar="+E164", help="The number that would ring.")
@click.option("--at", metavar="ISO8601", help="When, with its offset from UTC.")
@click.option(
    "--pack", multiple=True, metavar="ID|FILE", help="Rule packs, and no others; default: those of the number's places."
)
@click.option("--zone", multiple=True, metavar="IANA", help="Where the callee may be, in place of what the number tells.")
@click.option("--region", multiple=True, metavar="ISO3166", help="Where else the callee may be, such as US-FL.")
@click.option("--person", metavar="ID", help="Who is called.")
@click.option("--subject", metavar="S", help="What about.")
@click.option("--campaign", metavar="C", help="For which campaign.")
@click.option("--seller", metavar="S", help="For which seller.")
@click.option("--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What for.")
@click.option("--technology", metavar="T", help="manual (the default), progressive, predictive, prerecorded, ai_voice, atds.")
@click.option(
    "--consent",
    metavar="LEVEL",
    help="none, implied, express, specific, direct or written; .time_of_day adds that it is for any hour.",
)
@click.option(
    "--history", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), help="Past events, one JSON object a line."
)
@click.option("--campaign-start", metavar="ISO8601", help="When the campaign began, for limits that are counted from there.")
@click.option("--ring-budget", metavar="SECONDS", help="How long the phone would ring; default: the instant alone is judged.")
@click.option("--batch", metavar="FILE|-", help="One question a line as JSON, the options' names with _; one answer a line.")
@json_option
def check(batch: str | None, history: Path | None, as_json: bool, **options: Any) -> None:
    """May this call be placed at that time?

    Exit code 0 when it may, 3 when a rule refuses it, 2 for a question that cannot be read. Do-not-call lists of regulators are
    taken to be up to date and without the number: the ledger of a site knows better. With --batch the exit code is 0
    when every question was answered, whatever the answers are.
    """
    asked = {key: value for key, value in options.items() if value not in (None, ())}
    if batch is not None:
        others = sorted(set(asked) - {"purpose"}) + (["history"] if history else [])
        if others:
            raise Failure(f"--batch: each line says everything itself; leave out --{others[0].replace('_', '-')}")
        _answer_all(batch)
        return
    for needed in ("number", "at"):
        if needed not in asked:
            raise Failure(f"--{needed} is needed")
    if click.get_current_context().get_parameter_source("purpose") is ParameterSource.DEFAULT:
        del asked["purpose"]  # packs that are asked for say what they are for
    lines = _history(history) if history is not None else {}
    asked["history"] = list(lines.values())
    try:
        told = _judge(parse_question(asked), _read_packs)
    except (BadQuestion, PackError) as error:
        raise Failure(_in_file(str(error), history, list(lines))) from error
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(told)
    if told["verdict"] == "refuse":
        raise SystemExit(REFUSED)


def _judge(question: Question, read: Callable[[tuple[str, ...]], tuple[Pack, ...]]) -> dict[str, Any]:
    if question.packs:
        packs = read(tuple(dict.fromkeys(question.packs)))  # named twice is named once
    else:
        regions = regions_of(question.candidate.number) | frozenset(question.candidate.regions)
        packs = packs_for(packs_of_law(), question.candidate, regions) if regions else ()
    return answer(question, packs, calendars_for(packs, question.at))


def _read_packs(refs: tuple[str, ...]) -> tuple[Pack, ...]:
    return load_packs(refs, Path())


def _answer_all(source: str) -> None:
    unread = 0
    read = lru_cache(maxsize=64)(_read_packs)  # once for the whole batch, and for no other: files change
    for line in _lines(source):
        try:
            told: Mapping[str, Any] = _judge(parse_question(_object(line)), read)
        except (BadQuestion, PackError) as error:
            unread += 1
            told = {"error": str(error)}
        click.echo(json.dumps(told, ensure_ascii=False))
    if unread:
        raise Failure(f"{unread} questions could not be read: their lines say why", BAD_INPUT)


def _lines(source: str) -> Iterator[str]:
    try:
        if source == "-":
            yield from _filled(sys.stdin)
        else:
            with Path(source).open(encoding="utf-8") as file:
                yield from _filled(file)
    except UnicodeDecodeError:
        raise Failure(f"--batch: {source}: not UTF-8 text") from None
    except OSError as error:
        raise Failure(f"--batch: {source}: cannot be read: {error.strerror}") from None


def _filled(file: IO[str]) -> Iterator[str]:
    return (line for line in file if line.strip())


def _object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        raise BadQuestion("not JSON") from None
    if not isinstance(found, dict):
        raise BadQuestion(f"not an object with some of {', '.join(sorted(KEYS))}")
    return found


def _history(path: Path) -> dict[int, Any]:
    """The events of a file by the number of their line."""
    found = {}
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except UnicodeDecodeError:
        raise Failure(f"--history: {path}: not UTF-8 text") from None
    except OSError as error:
        raise Failure(f"--history: {path}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found[number] = json.loads(line)
            except (ValueError, RecursionError):
                raise Failure(f"--history: {path}: line {number}: not JSON") from None
    return found


def _in_file(error: str, path: Path | None, lines: list[int]) -> str:
    """The error with the line of the history it is about, where it is about one."""
    match = _EVENT.match(error)
    return f"--history: {path}: line {lines[int(match[1])]}: {match[2]}" if match else error


def _tell(told: Mapping[str, Any]) -> None:
    again = "" if told["verdict"] == "permit" else f"; again at {told['retry_at'] or 'needs new facts'}"
    click.echo(f"{told['verdict']}{again}")
    click.echo(f"zones: {', '.join(told['zones']) or 'none known'}")
    click.echo(f"packs: {', '.join(pack['id'] for pack in told['packs']) or 'none'}")
    rows = [(one["rule"], one["text"], one["level"], one["cite"]) for one in told["reasons"]]
    print_table("reasons", ("rule", "why", "level", "source"), rows, empty="none")
