"""`ringfence compliance packs`: which rules are in force, of what weight, who says so, and whom they reach.

Only says what is there: no pack is put in force by it. Needs no database, and outside of a site shows what is shipped.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from compliance import gate
from compliance.contradictions import Contradiction, contradictions
from compliance.numbers import BadNumber, parse_number, regions_of
from compliance.pack_files import SUFFIX, load_packs, packs_of_law, shipped_packs
from compliance.pack_words import Holds, PackWords, RuleWords, in_words, reach, summary
from compliance.packs import Pack, PackError
from compliance.rules import Condition
from compliance.verdict import Candidate
from config.clock import SystemClock
from config.load import Site
from dialer.cli.context import site_command, site_here
from dialer.cli.output import Failure, json_option, print_json, print_table, visible

NO_REGION = "ZZ"  # no country's: a number is only read with its +
SHORT = 12  # digits of a hash that people compare at a glance


@dataclass(frozen=True, slots=True)
class Shown:
    """The packs to show, and the site they are asked for, with the packs in force there: outside of any there are none."""

    packs: tuple[Pack, ...]
    site: Site | None
    in_force: tuple[Pack, ...]

    @property
    def title(self) -> str:
        """What these packs are."""
        if self.site is not None and self.packs == self.in_force:
            return f"rule packs in force at {self.site.directory}"
        here = f" (in force here: {', '.join(self.ids_here or ())})" if self.site else ""
        return f"rule packs that come with Ringfence{here}"

    @property
    def ids_here(self) -> list[str] | None:
        """The ids of the packs in force at the site; None outside of any."""
        return [pack.id for pack in self.in_force] if self.site else None


@click.command("packs")
@click.option("--all", "shipped", is_flag=True, help="The packs that come with Ringfence, in force here or not.")
@click.option("--pack", "which", metavar="ID|FILE", help="One pack, with every rule of it in words.")
@click.option("--number", metavar="+E164", help="Which packs would govern a call to that number, and why.")
@click.option("--contradictions", "conflicts", is_flag=True, help="Which rules of two packs no call can obey together.")
@json_option
@site_command
def packs(shipped: bool, which: str | None, number: str | None, conflicts: bool, as_json: bool) -> None:
    """Which rules are in force at this site: kind, level, source, and the hash of their text.

    Outside of a site, and with --all, the packs that come with Ringfence. The level of a rule tells how much weight it
    carries; its source, how its text is known: primary, secondary, or from memory.
    """
    if (which is not None) + (number is not None) + conflicts > 1:
        raise Failure("give one of --pack, --number and --contradictions, not several")
    shown = _shown(site_here(), shipped=shipped)
    if which is not None:
        _one(shown, which, as_json=as_json)
    elif number is not None:
        _reach(shown, number, as_json=as_json)
    elif conflicts:
        _conflicts(shown, as_json=as_json)
    else:
        _table(shown, as_json=as_json)


def _shown(here: Site | None, *, shipped: bool) -> Shown:
    in_force = load_packs(here.settings.gate.packs, here.directory) if here else ()
    return Shown(in_force if here and not shipped else load_packs(shipped_packs(), Path()), here, in_force)


def _table(shown: Shown, *, as_json: bool) -> None:
    found = [summary(pack) for pack in _in_words(shown.packs, shown.site)]
    conflicts = contradictions(shown.packs)
    if as_json:
        print_json({"packs": found, "in_force_here": shown.ids_here, "contradictions": conflicts})
        return
    rows = [
        (
            pack.id,
            pack.version,
            _places(pack.jurisdiction),
            _calls(pack.applies),
            f"{pack.hold_now} of {pack.rules}",
            _counts(pack.kinds),
            _counts(pack.levels),
            _counts(pack.sources),
            pack.sha256[:SHORT],
        )
        for pack in found
    ]
    headings = ("pack", "version", "callees in", "calls", "hold now", "rules", "levels", "known", "sha256")
    print_table(shown.title, headings, rows)
    click.echo("every rule of one in words: ringfence compliance packs --pack ID")
    for conflict in conflicts:
        click.echo(f"warning: {visible(_told(conflict))}", err=True)


def _one(shown: Shown, which: str, *, as_json: bool) -> None:
    pack = next((pack for pack in shown.in_force if pack.id == which), None) or load_packs((which,), Path())[0]
    (words,) = _in_words((pack,), shown.site, which)
    here = pack in shown.in_force if shown.site else None
    if as_json:
        print_json({"pack": words, "in_force_here": here})
        return
    about = [f"{words.id} {words.version}", f"callees in {_places(words.jurisdiction)}", f"calls: {_calls(words.applies)}"]
    about += [f"extends {', '.join(words.extends)}"] if words.extends else []
    about += [] if here is None else ["in force here" if here else "NOT in force here"]
    rows = [
        (rule.id, rule.kind, rule.says, f"{rule.level}, {rule.source}".replace("_", " "), _when(rule), rule.cite)
        for rule in sorted(words.rules, key=lambda rule: rule.kind)
    ]
    print_table("; ".join(about), ("rule", "kind", "says", "level, known", "in force", "source"), rows)
    click.echo(f"sha256 {words.sha256}")


def _reach(shown: Shown, text: str, *, as_json: bool) -> None:
    try:
        number = parse_number(text, NO_REGION)
    except BadNumber as error:
        raise Failure(f"--number: {error}") from None
    # Whose call it is and what for is left open: every pack that might govern it is told, with the calls it is for.
    candidate = Candidate("", "", number, "", "", "", purpose="")
    regions, zones = regions_of(number), gate.zones_for(candidate)
    now = SystemClock().now()
    found = reach(shown.packs, candidate, regions, zones, now)
    lacking = reach(packs_of_law(), candidate, regions, zones, now) if shown.site else ()
    in_force = {pack.id for pack in shown.in_force}
    not_here = [one for one in lacking if one.pack.id not in in_force]
    if as_json:
        told = {"number": number, "regions": sorted(regions), "zones": zones, "packs": found}
        print_json({**told, "not_in_force_here": [one.pack.id for one in not_here] if shown.site else None})
        return
    click.echo(f"{number} may be in {', '.join(sorted(regions)) or 'any place: nothing is known of it'}")
    click.echo(f"zones: {', '.join(zones) or 'none known, so that no rule about hours permits a call'}")
    rows = [(one.pack.id, one.pack.version, _places(one.places), _calls(one.applies), len(one.rules)) for one in found]
    headings = ("pack", "version", "because the callee may be in", "calls", "rules that hold")
    print_table(f"{shown.title}: those that govern a call there", headings, rows, empty="none, so that no call is permitted")
    if not_here:
        names = ", ".join(one.pack.id for one in not_here)
        click.echo(f"warning: made for callees there, and NOT in force here: {names}", err=True)


def _conflicts(shown: Shown, *, as_json: bool) -> None:
    found = contradictions(shown.packs)
    if as_json:
        print_json({"packs": [pack.ref for pack in shown.packs], "contradictions": found})
        return
    rows = [(one.first, one.second, one.text) for one in found]
    print_table(f"{shown.title}: contradictions", ("one rule", "the other", "what they cannot both have"), rows, empty="none")


def _in_words(found: Iterable[Pack], here: Site | None, *refs: str) -> list[PackWords]:
    """The packs in words. Raises PackError for one whose text is another by now than the one that was read."""
    paths = [Path(ref) for ref in refs] + ([here.directory / ref for ref in here.settings.gate.packs] if here else [])
    texts = {hashlib.sha256(text.encode()).hexdigest(): text for text in _texts(paths)}
    now = SystemClock().now()
    try:
        return [in_words(pack, texts[pack.sha256], now) for pack in found]
    except KeyError:
        raise PackError(("a rule pack was changed while it was read; try again",)) from None


def _texts(paths: Iterable[Path]) -> Iterator[str]:
    shipped = (one for one in resources.files("config").joinpath("packs").iterdir() if one.name.endswith(SUFFIX))
    yield from (one.read_text("utf-8") for one in shipped)
    yield from (path.read_text("utf-8", errors="replace") for path in paths if path.is_file())


def _told(conflict: Contradiction) -> str:
    return f"{conflict.first} and {conflict.second} contradict each other: {conflict.text}"


def _places(places: tuple[str, ...]) -> str:
    return ", ".join("any place" if place == "*" else place for place in places)


def _calls(applies: tuple[Condition, ...]) -> str:
    return "; ".join(f"{one.dimension} {', '.join(one.values)}" for one in applies).replace("_", " ") or "all"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items()).replace("_", " ")


def _when(rule: RuleWords) -> str:
    since = f" since {rule.effective_from}" if rule.effective_from else ""
    until = f" until {rule.effective_until}" if rule.effective_until else ""
    match rule.holds:
        case Holds.NOW:
            return f"now{since}{until}"
        case Holds.LATER:
            return f"not before {rule.effective_from}{until}"
        case Holds.NO_MORE:
            return f"no more, ended with {rule.effective_until}"
