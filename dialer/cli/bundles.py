"""Bundles of evidence: written for a call or a person by `--bundle FILE.zip`, checked by `ringfence compliance bundle check`."""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeVar

import click

from compliance.evidence import BadBundle, Evidence, Files, Recorded, bundle, packed, unpacked
from compliance.evidence_check import Checked, check_bundle
from compliance.evidence_key import PUBLIC_FILE, evidence_key
from compliance.evidence_rows import NothingKept, about_attempt, about_person
from compliance.kept import versions
from compliance.signing import BadKey, fingerprint
from config.database import writing
from dialer import bootstrap
from dialer.cli import acting
from dialer.cli.finding import found
from dialer.cli.output import BAD_INPUT, REFUSED, failing, json_option, plain, print_json, visible
from recorder import catalogue
from recorder.access import Action
from recorder.catalogue import Recording, Wanted
from recorder.naming import SEALED
from recorder.vault import AlteredRecording

F = TypeVar("F", bound=Callable[..., object])
LARGEST = 1 << 31  # bytes; a bundle is looked into in memory

_FAULTS: dict[type[BaseException], int] = {
    NothingKept: BAD_INPUT,
    BadBundle: BAD_INPUT,
    BadKey: BAD_INPUT,
    AlteredRecording: REFUSED,
    FileExistsError: BAD_INPUT,
}
told_clearly = failing(_FAULTS)


def bundle_options(command: F) -> F:
    """`--bundle FILE.zip` and `--audio`, for a command that can hand out evidence."""
    to_file = click.Path(dir_okay=False, writable=True, path_type=Path)
    written = click.option("--bundle", "target", type=to_file, help="Write a signed bundle of evidence to this new file.")
    audio = click.option("--audio", is_flag=True, help="With --bundle: put the recorded audio into it, not only what proves it.")
    return written(audio(command))


def write_bundle(
    parts: bootstrap.Opened, target: Path, *, call_id: str = "", person: str = "", audio: bool = False
) -> tuple[Checked, str]:
    """Writes the evidence about one call or one person, signed, and looks into it again as whoever receives it will.

    Answers with what that look found and one line about the file. Raises NothingKept, AlteredRecording, FileExistsError,
    ConfigError for the site's key.
    """
    now = parts.clock.now()
    if call_id:
        evidence = about_attempt(parts.database, call_id, now, _recordings(parts, [call_id], target if audio else None))
    else:
        calls = [one.call_id for one in catalogue.list_recordings(parts.database, Wanted(person=person, limit=100_000))]
        evidence = about_person(parts.database, person, now, _recordings(parts, calls, target if audio else None))
    files, key = _signed(parts, evidence)
    _put_new(target, packed(files))
    checked = check_bundle(files, versions(), key)
    return checked, f"{target}: {len(files)} files, {checked.rows} rows of the ledger, signed by the key {checked.key}"


def report(checked: Checked, line: str, *, err: bool = False) -> None:
    """Tells what was found in a bundle; ends the command with exit code 3 where it does not prove what it says."""
    for finding in checked.findings:
        click.echo(visible(f"{finding.file}: {finding.text}"), err=err)
    for note in checked.notes:
        click.echo(visible(f"note: {note}"), err=err)
    click.echo(visible(line), err=err)
    if not checked.sound:
        raise SystemExit(REFUSED)


@click.group("bundle")
def bundles() -> None:
    """Bundles of evidence: are they whole, and do they prove what they say?"""


@bundles.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=f"The maker's known {PUBLIC_FILE}.")
@json_option
@failing({**_FAULTS, OSError: BAD_INPUT})
def check(file: Path, key: Path | None, as_json: bool) -> None:
    """Check the bundle FILE, wherever it was made: needs no site, no database and no network.

    Exit code 0 when signature, checksums, ledger proof and decisions hold, 3 when one does not; 2 for a file that is no bundle.
    """
    if file.stat().st_size > LARGEST:
        raise BadBundle(f"{file}: larger than {LARGEST} bytes")
    trusted = key.read_text("ascii", "replace") if key else None
    checked = check_bundle(unpacked(file.read_bytes()), versions(), trusted)
    if as_json:
        print_json({"sound": checked.sound, **plain(checked)})
        if not checked.sound:
            raise SystemExit(REFUSED)
        return
    found = "proves what it says" if checked.sound else "does NOT prove what it says"
    replayed = f"{checked.replayed} of {checked.decisions} decisions made again with the same result"
    report(checked, f"{file}: {found}; {checked.rows} rows of the ledger, {replayed}; key {checked.key or 'none'}")


def _signed(parts: bootstrap.Opened, evidence: Evidence) -> tuple[Files, str]:
    key = evidence_key(parts.site.directory / "secrets")
    return bundle(evidence, key.public_pem, fingerprint(key.public_pem), key.sign), key.public_pem


def _recordings(parts: bootstrap.Opened, call_ids: list[str], with_audio_to: Path | None) -> list[Recorded]:
    recordings = []
    for call_id in call_ids:
        shown = catalogue.show(parts.database, call_id)
        if isinstance(shown, Recording):
            name = f"{call_id}{PurePosixPath(shown.path.removesuffix(SEALED)).suffix}" if with_audio_to else ""
            content = _audio(parts, shown, with_audio_to) if with_audio_to else b""
            recordings.append(Recorded(call_id, plain(shown), name, content))
        elif shown is not None:
            recordings.append(Recorded(call_id, {"call_id": call_id, "state": shown.state.value, "reason": shown.reason}))
    return recordings


def _audio(parts: bootstrap.Opened, shown: Recording, target: Path) -> bytes:
    """The sound, for whoever may take it out; the bundle is the reason, and it is in the audit chain before it is read."""
    who = acting.actor(parts, None, f"a bundle of evidence, {target.name}")
    acting.check(parts, who, Action.EXPORT, found(parts, shown.call_id)[1])
    with writing(parts.database) as connection:
        acting.note(connection, parts, who, Action.EXPORT.value, shown.call_id, to=target.name)
    with parts.vault.open_audio(shown.archived) as audio:
        return audio.read()


def _put_new(target: Path, content: bytes) -> None:
    """Writes a new file, whole and durable or not at all. Raises FileExistsError for one that is there."""
    if target.exists():
        raise FileExistsError(f"{target}: exists already, nothing was written")
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, target)  # unlike a rename, refuses to replace what came there meanwhile
    except FileExistsError:
        raise FileExistsError(f"{target}: exists already, nothing was written") from None
    finally:
        part.unlink(missing_ok=True)
