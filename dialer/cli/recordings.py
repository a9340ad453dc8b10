"""Recordings, from the command line: find, show, take out, prove whole."""

from datetime import UTC, datetime
from pathlib import Path

import click

from dialer.cli.context import site, site_command
from dialer.cli.output import PART_MISSING, REFUSED, Failure, json_option, print_json, print_table
from recorder import catalogue
from recorder.audio import EXPORTS
from recorder.catalogue import Recording, RecordingNotFound, Wanted
from recorder.disclosure import Verdict
from recorder.vault import AlteredRecording


@click.group()
def recording() -> None:
    """Recordings of conversations: agent left, customer right."""


@recording.command("list")
@click.option("--campaign", help="Of this campaign.")
@click.option("--agent", "agent_id", help="Of this agent.")
@click.option("--number", help="Of this number (E.164).")
@click.option("--person", help="Of this person.")
@click.option("--disposition", help="That ended so.")
@click.option(
    "--disclosure", type=click.Choice([verdict.value for verdict in Verdict]), help="With this verdict on the disclosure."
)
@click.option("--since", type=click.DateTime(), help="UTC; calls answered at or after it.")
@click.option("--until", type=click.DateTime(), help="UTC; calls answered before it.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="After so many.")
@json_option
@site_command
def list_recordings(
    campaign: str | None,
    agent_id: str | None,
    number: str | None,
    person: str | None,
    disposition: str | None,
    disclosure: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """The recordings, latest call first; conditions given together must all hold."""
    wanted = Wanted(
        campaign=campaign,
        agent_id=agent_id,
        number=number,
        person=person,
        disposition=disposition,
        disclosure=Verdict(disclosure) if disclosure else None,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        limit=limit,
        offset=offset,
    )
    with site() as parts:
        found = catalogue.list_recordings(parts.database, wanted)
    if as_json:
        print_json(found)
        return
    rows = [
        (one.call_id, one.started_at, one.duration_ms / 1000, one.agent_id, one.disposition, one.disclosure, " ".join(one.flags))
        for one in found
    ]
    print_table("recordings", ("call", "answered", "seconds", "agent", "disposition", "disclosure", "flags"), rows)


@recording.command("show")
@click.argument("call_id")
@json_option
@site_command
def show(call_id: str, as_json: bool) -> None:
    """All that is known of the recording of CALL_ID, or why there is none."""
    with site() as parts:
        found = catalogue.show(parts.database, call_id)
        archive = parts.site.archive
    if found is None:
        raise Failure(f"no recording and no job for call {call_id}")
    if as_json:
        print_json(found)
        return
    if not isinstance(found, Recording):
        click.echo(f"call {call_id}: {found.state}{f', {found.reason}' if found.reason else ''}")
        return
    rows = [
        ("file", archive / found.path),
        ("sha256", found.sha256),
        ("answered", found.started_at),
        ("length", f"{found.duration_ms / 1000:.1f} s"),
        ("number", found.number),
        ("agent", found.agent_id),
        ("disposition", found.disposition),
        (
            "disclosure",
            f"{found.disclosure}: {found.disclosure_start_ms}–{found.disclosure_end_ms} ms, score {found.disclosure_score}",
        ),
        ("agent's first word", _ms(found.agent_first_word_ms)),
        ("agent heard from", _ms(found.agent_audio_from_ms)),
        ("agent talk / silence", f"{found.agent_talk_ms} / {found.agent_silence_ms} ms"),
        ("customer talk / silence", f"{found.customer_talk_ms} / {found.customer_silence_ms} ms"),
        ("both at once", _ms(found.overtalk_ms)),
        ("longest silence", _ms(found.longest_silence_ms)),
        ("rules", ", ".join(f"{pack.id} {pack.version}" for pack in found.packs)),
        ("flags", " ".join(found.flags) or "none"),
    ]
    print_table(f"recording of call {call_id}", ("", ""), rows)


def _ms(value: int | None) -> str:
    return "–" if value is None else f"{value} ms"


@recording.command("export")
@click.argument("call_id")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(EXPORTS), default="wav", show_default=True)
@json_option
@site_command
def export(call_id: str, target: Path, form: str, as_json: bool) -> None:
    """Copy the recording of CALL_ID to TARGET, a new file or a folder."""
    with site() as parts:
        try:
            copy = catalogue.export(parts.database, parts.vault, call_id, target, form)
        except AlteredRecording as error:
            raise Failure(str(error), REFUSED) from None
        except (RecordingNotFound, FileExistsError) as error:
            raise Failure(str(error)) from None
        except OSError as error:
            raise Failure(f"{target}: {error.strerror or error}", PART_MISSING) from None
    if as_json:
        print_json({"call_id": call_id, "file": copy})
    else:
        click.echo(f"{copy}")


@recording.command("verify")
@json_option
@site_command
def verify(as_json: bool) -> None:
    """Check every file of the archive against what was archived; exit code 3 on any finding."""
    with site() as parts:
        findings = catalogue.verify_all(parts.database, parts.vault)
    if as_json:
        print_json(findings)
    elif findings:
        for finding in findings:
            click.echo(finding.text)
    else:
        click.echo("every recording is as it was archived")
    if findings:
        raise SystemExit(REFUSED)
