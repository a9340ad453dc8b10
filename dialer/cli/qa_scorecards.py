"""The forms on which calls are judged, from the command line: taken in, listed, shown, checked."""

from pathlib import Path
from typing import Any

import click

from config.database import writing
from dialer.cli.acting import as_option
from dialer.cli.context import site
from dialer.cli.output import Failure, json_option, print_json, print_table
from dialer.cli.qa_acting import qa_command, somebody
from dialer.cli.qa_queue import language_option
from recorder.qa import forms
from recorder.qa.scorecard import Item, Scorecard, Severity, parse_scorecard

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group("scorecard")
def scorecard() -> None:
    """Scorecards: the forms on which calls are judged."""


@scorecard.command("add")
@file_argument
@as_option
@json_option
@qa_command
def add(file: Path, as_name: str | None, as_json: bool) -> None:
    """Take in the form of FILE (TOML). A version that was used is never changed: another text needs another version."""
    text = _text(file)
    with site() as parts:
        by = somebody(parts, as_name)
        with writing(parts.database) as connection:
            card = forms.add(connection, text, str(file), by, parts.clock.now())
    _say(card, as_json)


@scorecard.command("check")
@file_argument
@json_option
@qa_command
def check(file: Path, as_json: bool) -> None:
    """Say whether the form of FILE could be taken in; every fault of it at once, exit code 2."""
    _say(parse_scorecard(_text(file), str(file)), as_json)


@scorecard.command("list")
@json_option
@qa_command
def list_scorecards(as_json: bool) -> None:
    """The forms, with all their versions, the latest first."""
    with site() as parts, writing(parts.database) as connection:
        forms.add_shipped(connection, parts.clock.now())
        found = forms.listed(connection)
    if as_json:
        print_json(found)
        return
    rows = [(one.scorecard_id, one.version, one.added_at, one.added_by, one.sha256[:12]) for one in found]
    print_table("scorecards", ("form", "version", "taken in", "by", "sha256"), rows)


@scorecard.command("show")
@click.argument("scorecard_id", metavar="FORM", default="sales-call")
@language_option
@json_option
@qa_command
def show(scorecard_id: str, language: str, as_json: bool) -> None:
    """The latest version of FORM: sections, items, weights, and what fails a section or the call."""
    with site() as parts, writing(parts.database) as connection:
        forms.add_shipped(connection, parts.clock.now())
        card = forms.latest(connection, scorecard_id)
    if as_json:
        print_json(_object(card))
        return
    rows = []
    for section in card.sections:
        rows.append((section.id, section.title.told(language), "", section.weight, ""))
        rows += [(f"  {item.id}", item.title.told(language), item.answers(), item.weight, _said(item)) for item in section.items]
    title = f"{card.title.told(language)} ({card.id} {card.version}), passed from {card.passing}"
    print_table(title, ("item", "", "answers", "weight", ""), rows)


def _said(item: Item) -> str:
    condition = item.asked_if
    asked = f"asked if {condition.item} is {' or '.join(map(str, condition.answers))}" if condition else ""
    severity = "" if item.severity is Severity.NORMAL else item.severity.value
    below = f" below {item.fails_below}" if item.fails_below else ""
    return ", ".join(one for one in (f"{severity}{below}", asked) if one)


def _object(card: Scorecard) -> dict[str, Any]:
    sections = [
        {
            "id": section.id,
            "title": section.title,
            "weight": float(section.weight),
            "items": [
                {
                    "id": item.id,
                    "title": item.title,
                    "kind": item.kind,
                    "weight": float(item.weight),
                    "largest": item.largest,
                    "may_be_na": item.may_be_na,
                    "severity": item.severity,
                    "asked_if": item.asked_if,
                    "guide": item.guide,
                }
                for item in section.items
            ],
        }
        for section in card.sections
    ]
    told = {"id": card.id, "version": card.version, "sha256": card.sha256, "title": card.title}
    return told | {"passing": float(card.passing), "sections": sections}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Failure(f"{file}: not UTF-8 text") from None


def _say(card: Scorecard, as_json: bool) -> None:
    items = len(list(card.items()))
    if as_json:
        print_json(
            {"id": card.id, "version": card.version, "sha256": card.sha256, "sections": len(card.sections), "items": items}
        )
    else:
        click.echo(f"{card.id} {card.version}: {len(card.sections)} sections, {items} items, sha256 {card.sha256[:12]}")
