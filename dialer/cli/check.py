"""`ringfence compliance check`: may this call be placed? Needs no site, no database and no network; asks the gate itself."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import click
from click.core import ParameterSource

from compliance.calendars import calendars_for
from compliance.numbers import regions_of
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, PackError
from compliance.question import KEYS, MANUAL, PURPOSES, TECHNOLOGIES, BadQuestion, Question, answer, check_words, parse_question
from compliance.scope import packs_for
from compliance.wallclock import zone_named
from dialer.cli.output import BAD_INPUT, REFUSED, Failure, json_option, print_table

_EVENT = re.compile(r"history\[([0-9]+)\][.:] ?(.*)", re.DOTALL)
BYTE_ORDER_MARK = "\ufeff"  # some programs begin a file of UTF-8 with it
SHOWN_ZONES = 3  # in the line of zones: a toll-free number has forty, and --json tells them all
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
@click.option("--technology", metavar="T", help=f"{', '.join(TECHNOLOGIES)}; default: {MANUAL}.")
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
    packs = read(tuple(dict.fromkeys(question.packs))) if question.packs else packs_of_law()  # named twice is named once
    check_words(question.candidate, packs)
    if not question.packs:
        regions = regions_of(question.candidate.number) | frozenset(question.candidate.regions)
        packs = packs_for(packs, question.candidate, regions) if regions else ()
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
    return (line for line in file if line.strip().removeprefix(BYTE_ORDER_MARK))


def _object(line: str) -> Mapping[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadQuestion(f"longer than {LONGEST_LINE:,} characters")
    found = _loaded(line)
    if not isinstance(found, dict):
        raise BadQuestion(f"not an object with some of {', '.join(sorted(KEYS))}")
    return found


def _loaded(line: str) -> Any:
    try:
        return json.loads(line.removeprefix(BYTE_ORDER_MARK), object_pairs_hook=_said_once)
    except BadQuestion:
        raise
    except (ValueError, RecursionError):
        raise BadQuestion("not JSON") from None


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise BadQuestion(f"{twice[:60]}: said twice")
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
                found[number] = _loaded(line)
            except BadQuestion as error:
                raise Failure(f"--history: {path}: line {number}: {error}") from None
    return found


def _in_file(error: str, path: Path | None, lines: list[int]) -> str:
    """The error with the line of the history it is about, where it is about one."""
    match = _EVENT.match(error)
    return f"--history: {path}: line {lines[int(match[1])]}: {match[2]}" if match else error


def _tell(told: Mapping[str, Any]) -> None:
    shown, more = told["zones"][:SHOWN_ZONES], len(told["zones"]) - SHOWN_ZONES
    if told["verdict"] == "permit":
        click.echo("permit")
    elif told["retry_at"] is None:
        click.echo("refuse; waiting alone does not help")
    else:
        at = datetime.fromisoformat(told["retry_at"])
        local = ", ".join(f"{at.astimezone(zone_named(name)):%a %H:%M:%S} in {name}" for name in shown)
        click.echo(f"refuse; again at {told['retry_at']}{f' ({local})' if local else ''}")
    click.echo(f"zones: {', '.join(shown) or 'none known'}{f' and {more} more' if more > 0 else ''}")
    click.echo(f"packs: {', '.join(pack['id'] for pack in told['packs']) or 'none'}")
    rows = [(one["rule"], one["text"], one["level"], one["cite"]) for one in told["reasons"]]
    print_table("reasons", ("rule", "why", "level", "source"), rows, empty="none")
