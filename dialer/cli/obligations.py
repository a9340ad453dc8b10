"""`ringfence compliance obligations`: what binds a call after the ring? Needs no site, no database and no network."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from compliance import obligations as bound
from compliance.calendars import calendar_named
from compliance.grounds import EVERYTHING
from compliance.numbers import is_region
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import Pack, PackError
from compliance.parties import callee_of
from compliance.question import MANUAL, PURPOSES, TECHNOLOGIES, BadQuestion, Question, parse_question
from compliance.recording import RecordingTerms
from compliance.retention import KeepUntil
from compliance.verdict import Reason
from dialer.cli.output import Failure, json_option, print_json, print_table

ASKED = ("number", "at", "pack", "region", "zone", "purpose", "technology", "party", "sector")


class Place(click.ParamType[str]):
    """A country, a state or a province in ISO 3166, such as US-CA; small letters are made large."""

    name = "iso3166"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).upper()
        if not is_region(text):
            self.fail(f"{value!r}: a country or a part of one in ISO 3166, such as US-CA.", param, ctx)
        return text


@click.command("obligations")
@click.option("--number", required=True, metavar="+E164", help="The number that is called.")
@click.option("--at", required=True, metavar="ISO8601", help="When, with its offset from UTC.")
@click.option(
    "--pack", multiple=True, metavar="ID|FILE", help="Rule packs, and no others; default: those of the parties' places."
)
@click.option("--region", multiple=True, type=Place(), help="Where else the callee may be, such as US-FL.")
@click.option("--zone", multiple=True, metavar="IANA", help="The callee's zones, in place of what the number tells.")
@click.option("--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What for.")
@click.option("--technology", metavar="T", help=f"{', '.join(TECHNOLOGIES)}; default: {MANUAL}.")
@click.option("--party", metavar="P", help="Who is called: consumer or business; not known unless it is said.")
@click.option("--sector", metavar="S", help="The seller's trade, such as life_insurance; not known unless it is said.")
@click.option("--agent-region", multiple=True, type=Place(), help="Where the agent is, or may be.")
@click.option("--party-region", multiple=True, type=Place(), help="Where one more party of the call is; once for each.")
@json_option
def obligations(agent_region: tuple[str, ...], party_region: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """What binds the call once it is answered: disclosures, recording, retention, deadlines?

    Every line names its rules. An agent of whom no place is given may be anywhere: the recording then needs the leave of all.
    """
    asked = {key: value for key in ASKED if (value := options[key]) not in (None, ())}
    try:
        question = parse_question(asked)
        packs = _packs(question)
    except (BadQuestion, PackError) as error:
        raise Failure(str(error)) from error
    parties = (frozenset(agent_region), *(frozenset({one}) for one in party_region))
    years = (question.at.year, question.at.year + 1)
    calendars = [calendar_named(name, years) for name in bound.countries_of(question.candidate)]
    known = [one for one in calendars if one is not None]
    found = bound.obligations(packs, question.candidate, question.at, parties, known)
    if as_json:
        print_json(told(found))
    else:
        _tell(found)


def _packs(question: Question) -> tuple[Pack, ...]:
    """Those that were asked for, wherever the parties are; else the laws of their places, none where no place is known."""
    if question.packs:
        return tuple(replace(pack, jurisdiction=(EVERYTHING,)) for pack in load_packs(question.packs, Path()))
    return packs_of_law() if callee_of(question.candidate) else ()


def told(found: bound.Obligations) -> dict[str, Any]:
    """The obligations as JSON: times in ISO 8601 UTC, lengths in seconds, every line with its reasons."""
    terms, message, end = found.recording, found.message, found.end_on_request
    return {
        "at": _iso(found.at),
        "packs": [{"id": ref.id, "version": ref.version, "sha256": ref.sha256} for ref in found.packs],
        "recording": {
            "recordable": terms.recordable,
            "by_default": terms.by_default,
            "consent": terms.consent,
            "announce": terms.announce,
            "mode": terms.mode,
            "start_on": terms.start_on,
            "parties": [sorted(regions) for regions in terms.parties],
            "conflicts": terms.conflicts,
            "reasons": _reasons(terms.reasons),
        },
        "disclosures": [
            {
                "item": one.item,
                "within_s": _seconds(one.within),
                "promptly": one.promptly,
                "reasons": _reasons(one.reasons),
            }
            for one in found.disclosures
        ],
        "end_on_request": end and {"within_s": _seconds(end.within), "reasons": _reasons(end.reasons)},
        "abandonment_message": message
        and {
            "start_within_s": _seconds(message.start_within),
            "must_say": message.must_say,
            "must_not_say": message.must_not_say,
            "must_offer": message.must_offer,
            "conflicts": message.conflicts,
            "reasons": _reasons(message.reasons),
        },
        "retention": [
            {
                "what": one.what,
                "min_until": _iso(one.min_until),
                "max_until": _iso(one.max_until),
                "needs": one.needs,
                "conflict": one.conflict,
                "reasons": _reasons(one.reasons),
            }
            for one in found.retention
        ],
        "deadlines": [
            {"on": one.on, "law_by": _iso(one.law_by), "house_by": _iso(one.house_by), "reasons": _reasons(one.reasons)}
            for one in found.deadlines
        ],
    }


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [{"rule": one.rule, "kind": one.kind, "cite": one.cite, "level": one.level, "text": one.text} for one in reasons]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _tell(found: bound.Obligations) -> None:
    click.echo(f"packs: {', '.join(ref.id for ref in found.packs) or 'none'}")
    click.echo(f"recording: {_recorded(found.recording)}")
    for conflict in found.recording.conflicts:
        click.echo(f"conflict: {conflict}")
    rows = [(one.rule, one.text, one.level, one.cite) for one in found.recording.reasons]
    print_table("recording", ("rule", "asks for", "level", "source"), rows, empty="no rule")
    said = [(one.item, _soon(one.within), _by(one.reasons)) for one in found.disclosures]
    print_table("to be said", ("what", "when", "by"), said, empty="nothing")
    if (end := found.end_on_request) is not None:
        click.echo(f"ended on request {_soon(end.within)}: {_by(end.reasons)}")
    if (message := found.message) is not None:
        click.echo(f"to somebody abandoned {_soon(message.start_within)}: {_by(message.reasons)}")
        for verb, items in (("say", message.must_say), ("offer", message.must_offer), ("never", message.must_not_say)):
            click.echo(f"  {verb}: {', '.join(items) or 'nothing'}")
    kept = [(one.what, _least(one), one.max_until, _by(one.reasons), one.conflict or None) for one in found.retention]
    print_table("kept", ("what", "at least until", "at most until", "by", "conflict"), kept, empty="no rule")
    due = [(one.on, one.law_by, one.house_by, _by(one.reasons)) for one in found.deadlines]
    print_table("asked for then", ("what", "due by law", "here", "by"), due, empty="no rule")


def _recorded(terms: RecordingTerms) -> str:
    if terms.conflicts:
        return "not without a person's review"
    if not terms.recordable:
        return "nothing of the call"
    start = "" if terms.by_default else f", from an event on ({', '.join(terms.start_on) or 'none is named'})"
    return f"consent {terms.consent}, {'announced first' if terms.announce else 'not announced'}{start}"


def _least(kept: KeepUntil) -> str | datetime | None:
    if not kept.needs:
        return kept.min_until
    return f"counted from {', '.join(kept.needs)}, not known yet"


def _soon(within: timedelta | None) -> str:
    return "promptly" if within is None else f"within {within.total_seconds():g} s"


def _by(reasons: Iterable[Reason]) -> str:
    return ", ".join(dict.fromkeys(one.rule for one in reasons))
