"""What binds people to us and when they may not be disturbed, from the command line: relations, times, numbers that moved.

The rule it protects: only what is known counts. A purchase excuses a call as long as the law says (16 CFR 310.2(q)), a time that
somebody calls inconvenient is one (12 CFR 1006.6(b)(1)), and a number's new owner is not its old one.
"""

from collections import Counter
from datetime import datetime

import click

from compliance.facts import Relation
from compliance.pack_files import packs_of_law
from compliance.standing import bans_of, consents_of, inconvenient_event, reassigned_event, relation_event, relations_of
from dialer import bootstrap
from dialer.asked_for import relations_asked_for
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment
from dialer.cli.importing import Asked, importing, say_what_came, take_in
from dialer.cli.output import Failure, json_option, print_json, print_table, visible
from dialer.cli.whom import known_as, known_together, look_again, note_all, number_of, packs_in_force, tell_the_floor, whom
from dialer.people_files import kind_of_relation, read_relations


@click.group("relation")
def relation() -> None:
    """What people have to do with the seller: a purchase, an inquiry, a contract; some rules yield to it."""


@relation.command("add")
@click.argument("person")
@click.option("--kind", required=True, help="purchase, inquiry, contract_in_force …, as the rules call it.")
@click.option("--since", type=Moment(), help="When it was, or began; default: now.")
@click.option("--seller", default="", help="With whom; default: the site's seller.")
@click.option("--subject", default="", help="About what.")
@json_option
@site_command
def relation_add(person: str, kind: str, since: datetime | None, seller: str, subject: str, as_json: bool) -> None:
    """Note what PERSON (your id, or the number of somebody without one) has to do with the seller."""
    with site() as parts:
        now, who = parts.clock.now(), whom(person, parts.site.settings.region)
        if since is not None and since > now:
            raise Failure(f"--since {since:%Y-%m-%d %H:%M}Z: is in the future")
        try:
            told = kind_of_relation(kind, _kinds(parts))
        except ValueError as error:
            raise Failure(f"--kind: {error}") from None
        noted = Relation(told, since or now, seller or parts.site.settings.seller, subject)
        known = known_as(parts, who)
        added, _ = note_all(parts, [relation_event(known, noted, source="command")], "relation")
        look_again(parts, [known])
    if as_json:
        print_json({"added": bool(added), "person": known, "relation": noted})
    else:
        state = "noted" if added else "known already"
        click.echo(visible(f"{known}: {noted.kind} of {noted.since:%Y-%m-%d} with {noted.seller} {state}"))


@relation.command("import")
@importing
@site_command
def relation_import(asked: Asked) -> None:
    """Import relations from FILE, a CSV with a header.

    Fields: person and number (one of them needed), kind and since (needed), seller, subject. Good rows are imported, each
    bad one is reported with its line, column and reason. Importing a file twice changes nothing. Exit code 2 when no row
    could be imported.
    """
    with site() as parts:
        kinds = _kinds(parts)
        taken = take_in(asked, parts, lambda text, mapping, how: read_relations(text, mapping, how, kinds))
        counts = (len(taken.good), 0)
        if not asked.dry_run:
            source = f"import:{asked.file.name}"
            events = [relation_event(row.person, row.relation, source=source) for row in taken.good]
            counts = note_all(parts, events, asked.file.name)
            look_again(parts, sorted({row.person for row in taken.good}))
    say_what_came(asked, taken, "relations", counts, {})


@relation.command("show")
@click.argument("person")
@json_option
@site_command
def relation_show(person: str, as_json: bool) -> None:
    """What PERSON has to do with sellers."""
    with site() as parts:
        known = known_as(parts, whom(person, parts.site.settings.region))
        found = relations_of(parts.ledger.history(known))
    if as_json:
        print_json(found)
        return
    rows = [(one.kind, one.since, one.seller, one.subject or None) for one in found]
    print_table(f"relations of {known}", ("kind", "since", "seller", "subject"), rows, empty="none is known")


def _kinds(parts: bootstrap.Opened) -> frozenset[str]:
    """What the rules of the site ask about, and of every shipped pack: a relation may be known before its pack is in force."""
    return relations_asked_for((*packs_in_force(parts), *packs_of_law()))


# --- one person ------------------------------------------------------------------------------------------------------


@click.group("person")
def person() -> None:
    """What is known of one person: numbers, opt-outs, consents, relations, inconvenient times, calls."""


@person.command("inconvenient")
@click.argument("person_or_number")
@click.option(
    "--times", multiple=True, help="When calls are inconvenient to them, on their clock: 'mon-fri 09:00-17:00'; repeatable."
)
@click.option("--number", default="", help="The number that rings at an inconvenient place, such as their work.")
@click.option("--source", default="command", help="How they said it, in your words.")
@json_option
@site_command
def person_inconvenient(person_or_number: str, times: tuple[str, ...], number: str, source: str, as_json: bool) -> None:
    """Note when, or on which number, calls are inconvenient to PERSON_OR_NUMBER (12 CFR 1006.6(b)(1)).

    Of a number, times hold for everybody on it.
    """
    if not times and not number:
        raise Failure("what is inconvenient: give --times 'mon-fri 09:00-17:00', or --number")
    with site() as parts:
        region, now = parts.site.settings.region, parts.clock.now()
        who = whom(person_or_number, region)
        place = number_of(number, region) if number else ""
        meant = known_together(parts, who) if who.number else ((who.person, ""),)
        try:
            events = [inconvenient_event(now, *one, times=told, source=source) for told in times for one in meant]
        except ValueError as error:
            raise Failure(f"--times: {error}") from None
        events += [inconvenient_event(now, who.person, place, source=source)] if place else []
        note_all(parts, events, "inconvenient")
        tell_the_floor(parts)
    if as_json:
        print_json({"people": sorted({one.person for one in events}), "times": times, "number": place, "at": now})
    else:
        inconvenient = [*times, *([f"on {place}"] if place else [])]
        click.echo(visible(f"{who}: not {', '.join(inconvenient)}, from now on"))


@person.command("reassigned")
@click.argument("number")
@click.option("--at", type=Moment(), help="When it went to somebody else; default: now.")
@click.option("--source", default="command", help="Who said so, such as the reassigned numbers database.")
@json_option
@site_command
def person_reassigned(number: str, at: datetime | None, source: str, as_json: bool) -> None:
    """NUMBER went to somebody else: consents from before are not the new owner's, nor are calls.

    What is on the do-not-call list stays there.
    """
    with site() as parts:
        now, parsed = parts.clock.now(), number_of(number, parts.site.settings.region)
        if at is not None and at > now:
            raise Failure(f"--at {at:%Y-%m-%d %H:%M}Z: is in the future")
        added, _ = note_all(parts, [reassigned_event(at or now, parsed, source=source)], "reassigned")
        tell_the_floor(parts)
    if as_json:
        print_json({"number": parsed, "at": at or now, "added": bool(added)})
    else:
        click.echo(f"{parsed} has a new owner since {at or now:%Y-%m-%d %H:%M}Z")


@person.command("show")
@click.argument("person_or_number")
@json_option
@site_command
def person_show(person_or_number: str, as_json: bool) -> None:
    """All that is known of PERSON_OR_NUMBER, which a request for access under GDPR art. 15 or PIPL 45 asks for."""
    with site() as parts:
        who = whom(person_or_number, parts.site.settings.region)
        together = known_together(parts, who)
        events = parts.ledger.history(who.person, who.number)
        listed = parts.ledger.suppressed(who.number, who.person)
        on = [copy.name for copy in parts.lists.copies() if who.number and parts.lists.holds(copy.name, who.number)]
    consents, relations = consents_of(events, who.number), relations_of(events)
    numbers = sorted({number for one, number in together if one == who.person and number})
    people = sorted({one for one, number in together if number == who.number} - {"", who.number})
    bans = [dict(one.facts).get("days", "") + " " + dict(one.facts)["hours"] for one in events if _names_times(one.facts)]
    places = sorted(bans_of(events)[1])
    counted = Counter(event.kind.value for event in events)
    if as_json:
        print_json(
            {
                "person": who.person,
                "number": who.number,
                "numbers": numbers,
                "people": people,
                "do_not_call": listed,
                "on_lists": on,
                "consents": consents,
                "relations": relations,
                "inconvenient_times": bans,
                "inconvenient_numbers": places,
                "events": events,
            }
        )
        return
    told = (
        ("numbers", ", ".join(numbers)),
        ("people on the number", ", ".join(people) if who.number else ""),
        ("do not call", f"since {listed.at:%Y-%m-%d %H:%M}Z: {listed.reason} ({listed.source})" if listed else ""),
        ("on lists of others", ", ".join(on)),
        ("consents", f"{len(consents)}; see `ringfence consent show`" if consents else ""),
        ("relations", ", ".join(f"{one.kind} {one.since:%Y-%m-%d}" for one in relations)),
        ("inconvenient", ", ".join([*bans, *(f"on {one}" for one in places)])),
        ("events", ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))),
        ("last", f"{max(event.at for event in events):%Y-%m-%d %H:%M:%S}Z" if events else ""),
    )
    print_table(f"{who}", ("", ""), [(name, value or None) for name, value in told])


def _names_times(facts: tuple[tuple[str, str], ...]) -> bool:
    return {"days", "hours"} <= dict(facts).keys()
