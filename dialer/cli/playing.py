"""`ringfence recording play`: a recording for somebody's ears, and nothing of it left on the disk."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from config.database import writing
from dialer.cli.acting import actor, as_option, check, note, reason_option
from dialer.cli.context import site
from dialer.cli.finding import clip_option, found, must, recording_command
from dialer.cli.output import Failure, json_option, print_json
from recorder.access import Action
from recorder.audio import convert
from recorder.exports import Piece


@click.command("play")
@click.argument("call_id")
@click.option("--to", "target", type=click.Path(path_type=Path), help="A new file; default: standard output.")
@clip_option
@reason_option
@as_option
@json_option
@recording_command
def play(call_id: str, target: Path | None, clip: Piece, reason: str, as_name: str | None, as_json: bool) -> None:
    """Write CALL_ID as WAV to standard output, for a player such as aplay.

    A recording on legal hold, of another team, or without a proven disclosure is played only with a --reason. Nothing is left
    on the disk unless --to names a file.
    """
    must(not as_json or target is not None, "--json tells about a file: name one with --to")
    must(target is not None or not sys.stdout.isatty(), "this is audio: pipe it into a player, or name a file with --to")
    with site() as parts:
        who = actor(parts, as_name, reason)
        recording, about = found(parts, call_id)
        granted = check(parts, who, Action.PLAY, about)
        piece = clip.within(recording.duration_ms)
        if target is not None and target.exists():
            raise Failure(f"{target}: exists already, nothing was written")
        with writing(parts.database) as connection:
            sensitive = {"sensitive": ", ".join(granted.sensitive)} if granted.sensitive else {}
            note(connection, parts, who, Action.PLAY.value, call_id, from_ms=str(piece[0]), until_ms=str(piece[1]), **sensitive)
        with parts.vault.open_audio(recording.archived) as audio, tempfile.TemporaryFile() as wav:
            convert(audio, Path(f"/proc/self/fd/{wav.fileno()}"), "wav", piece_ms=piece)
            wav.seek(0)
            if target is None:
                shutil.copyfileobj(wav, sys.stdout.buffer)
            else:
                with target.open("xb") as copy:
                    shutil.copyfileobj(wav, copy)
    if as_json:
        print_json({"call_id": call_id, "file": target, "from_ms": piece[0], "until_ms": piece[1]})
