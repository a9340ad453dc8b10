"""Who allowed calls, from the command line: consents are noted with their proof, shown, and taken back.

The rule it protects: a consent is in force as far as it was given, and not a moment longer than until it is taken back
(47 CFR 64.1200(a)(10); GDPR art. 7(3); 消费者权益保护法实施条例 24). Whoever takes it back need not say which one is meant.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from compliance.facts import Consent, LedgerEvent
from compliance.grounds import EVERYTHING, LEVELS
from compliance.standing import consent_event, consents_of, withdrawal_event
from dialer import bootstrap
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment
from dialer.cli.importing import Asked, importing, say_what_came, take_in
from dialer.cli.output import Failure, json_option, print_json, print_table, visible
from dialer.cli.whom import Whom, known_together, look_again, note_all, number_of, tell_the_floor, whom
from dialer.people_files import ConsentRow, read_consents, scope_of
from dialer.sheets import RowError

CHUNK = 1 << 20  # bytes of a proof at a time: it may be a recording


@click.group("consent")
def consent() -> None:
    """Who allowed calls, how far and until when; a withdrawal holds at once."""


@consent.command("add")
@click.option("--person", default="", help="Your id of the person who gave it.")
@click.option("--number", default="", help="The number it was given for; without --person, whoever is on it.")
@click.option("--level", required=True, type=click.Choice(LEVELS), help="How strongly it was given.")
@click.option(
    "--scope", multiple=True, help="What it covers: voice, marketing, time_of_day …, or * for all that need not be said."
)
@click.option("--seller", default="", help="To whom it was given; default: the site's seller.")
@click.option("--campaign", default=EVERYTHING, help="Only for this campaign.")
@click.option("--subject", default=EVERYTHING, help="Only about this subject.")
@click.option("--source", default="", help="How it was got, in your words: web form, call of 2 March …")
@click.option(
    "--proof", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What proves it: its SHA-256 is kept."
)
@click.option("--given-at", type=Moment(), help="When it was given; default: now.")
@click.option("--expires", type=Moment(), help="When it ends; default: when it is taken back.")
@json_option
@site_command
def consent_add(
    person: str,
    number: str,
    level: str,
    scope: tuple[str, ...],
    seller: str,
    campaign: str,
    subject: str,
    source: str,
    proof: Path | None,
    given_at: datetime | None,
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Note that --person, or whoever is on --number, allowed calls.

    Rules may ask that a consent names the number (47 CFR 64.1200(f)(9)): give both then. The proof itself is not copied;
    keep it where it is.
    """
    if not person and not number:
        raise Failure("of whom: give --person, --number or both")
    try:
        tags = scope_of(" ".join(scope))
    except ValueError as error:
        raise Failure(f"--scope: {error}") from None
    if seller == EVERYTHING:
        raise Failure("--seller *: a consent for every seller is a consent for none: name the seller")
    with site() as parts:
        now = parts.clock.now()
        given = Consent(
            level=level,
            given_at=given_at or now,
            person=person,
            number=number_of(number, parts.site.settings.region) if number else "",
            scope=tags,
            seller=seller or parts.site.settings.seller,
            campaign=campaign,
            subject=subject,
            source=source,
            proof=_sha256(proof) if proof else "",
            expires_at=expires,
        )
        if given.given_at > now:
            raise Failure(f"--given-at {given.given_at:%Y-%m-%d %H:%M}Z: is in the future")
        if expires is not None and expires <= given.given_at:
            raise Failure("--expires: is not after the time at which it was given")
        added, _ = note_all(parts, [consent_event(given, file=proof.name if proof else "")], "consent")
        look_again(parts, [one for one in (given.person, given.number) if one])
    if as_json:
        print_json({"added": bool(added), "consent": given})
    else:
        who = " on ".join(one for one in (given.person, given.number) if one)
        click.echo(visible(f"{who}: {level} consent {'noted' if added else 'known already'}, to {given.seller}"))


@consent.command("import")
@click.option(
    "--proofs", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The folder of the files that FILE names."
)
@importing
@site_command
def consent_import(asked: Asked, proofs: Path | None) -> None:
    """Import consents from FILE, a CSV with a header.

    Fields: person and number (one of them needed), level and given_at (needed), scope (tags), seller, campaign, subject,
    source, expires, proof (a SHA-256), file (the name of the file that proves it, in the folder --proofs). Good rows are
    imported, each bad one is reported with its line, column and reason. Importing a file twice changes nothing. Exit
    code 2 when no row could be imported.
    """
    with site() as parts:
        taken = take_in(asked, parts, lambda *file: (_proven(one, proofs) for one in read_consents(*file)))
        counts = (len(taken.good), 0)
        if not asked.dry_run:
            events = [consent_event(row.consent, file=row.file) for row in taken.good]
            counts = note_all(parts, events, asked.file.name)
            look_again(parts, sorted({key for row in taken.good for key in (row.consent.person, row.consent.number)} - {""}))
    say_what_came(asked, taken, "consents", counts, {})


@consent.command("show")
@click.argument("person_or_number")
@json_option
@site_command
def consent_show(person_or_number: str, as_json: bool) -> None:
    """What PERSON_OR_NUMBER allowed, and what of it is in force now."""
    with site() as parts:
        now, who = parts.clock.now(), whom(person_or_number, parts.site.settings.region)
        found = _consents(parts, who)
    if as_json:
        print_json([{"consent": one, "in_force": _state(one, now) == IN_FORCE, "state": _state(one, now)} for one in found])
        return
    headings = ("state", "level", "scope", "person", "number", "seller", "campaign", "given", "expires", "source", "proof")
    rows = [
        (
            _state(one, now),
            one.level,
            " ".join(sorted(one.scope)) or None,
            one.person or None,
            one.number or None,
            one.seller,
            one.campaign,
            one.given_at,
            one.expires_at,
            one.source or None,
            one.proof[:12] or None,
        )
        for one in found
    ]
    print_table(f"consents of {who}", headings, rows, empty="none is known: silence is no consent")


@consent.command("withdraw")
@click.argument("person_or_number")
@click.option("--seller", default="", help="Only what was given to this seller; default: everything.")
@click.option("--source", default="command", help="How they said it, in your words.")
@json_option
@site_command
def consent_withdraw(person_or_number: str, seller: str, source: str, as_json: bool) -> None:
    """PERSON_OR_NUMBER takes back what they allowed: at once, for queued and reserved calls too.

    It is taken back for every number of the person, and for everybody on the number. Whoever asks not to be called at all
    goes on the list with `ringfence dnc add`.
    """
    with site() as parts:
        now, who = parts.clock.now(), whom(person_or_number, parts.site.settings.region)
        before = [one for one in _consents(parts, who) if _state(one, now) == IN_FORCE and seller in {"", one.seller}]
        events = [
            withdrawal_event(now, person, number, seller=seller, source=source) for person, number in known_together(parts, who)
        ]
        note_all(parts, events, "withdrawal")
        tell_the_floor(parts)
    if as_json:
        print_json({"withdrawn": before, "people": sorted({one.person for one in events}), "at": now})
    elif before:
        click.echo(visible(f"{who}: taken back, {len(before)} in force until now"))
    else:
        click.echo(visible(f"{who}: no consent was in force; it is noted that all from before now are taken back"))


# --- what is in force ------------------------------------------------------------------------------------------------

IN_FORCE = "in force"


def _consents(parts: bootstrap.Opened, who: Whom) -> list[Consent]:
    """Every consent that bears on whoever was named: the person's, or those of everybody on the number. Oldest first."""
    together = known_together(parts, who)
    events: list[LedgerEvent] = []
    for person, number in together:
        events += [one for one in parts.ledger.history(person, number) if one not in events]
    people = {"", *(person for person, _ in together)}
    return sorted((one for one in consents_of(events, who.number) if one.person in people), key=lambda one: one.given_at)


def _state(one: Consent, now: datetime) -> str:
    if one.withdrawn_at is not None:
        return f"taken back {one.withdrawn_at:%Y-%m-%d %H:%M}Z"
    if one.expires_at is not None and one.expires_at <= now:
        return "expired"
    return IN_FORCE


# --- proofs ----------------------------------------------------------------------------------------------------------


def _proven(row: ConsentRow | RowError, proofs: Path | None) -> ConsentRow | RowError:
    """The row with the SHA-256 of the file that it names."""
    if isinstance(row, RowError) or not row.file or (proofs is None and row.consent.proof):
        return row
    if proofs is None:
        return RowError(row.line, "file", "names a proof, but not its SHA-256: name the folder of the files with --proofs")
    path = proofs / row.file
    if Path(row.file).name != row.file or not path.is_file():
        return RowError(row.line, "file", f"no file {row.file[:60]!r} in {proofs}")
    sha256 = _sha256(path)
    if row.consent.proof not in {"", sha256}:
        return RowError(row.line, "proof", f"not the SHA-256 of {row.file[:60]!r}, which is {sha256}")
    return replace(row, consent=replace(row.consent, proof=sha256))


def _sha256(path: Path) -> str:
    content = hashlib.sha256()
    with path.open("rb") as opened:
        for piece in iter(lambda: opened.read(CHUNK), b""):
            content.update(piece)
    return content.hexdigest()
