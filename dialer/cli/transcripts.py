"""Transcripts, from the command line: make them, read them.

The rule it protects: to read what was said is to hear it. Whoever may not play a recording does not read its transcript, and who
does is in the audit chain before anything is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click

from config.database import reading, writing
from dialer import bootstrap
from dialer.cli.acting import actor, as_option, check, note, reason_option
from dialer.cli.context import site
from dialer.cli.files import Moment, progress
from dialer.cli.finding import found, moment_of, must, recording_command
from dialer.cli.output import PART_MISSING, Failure, failing, json_option, print_json, print_table
from recorder import catalogue, transcripts
from recorder.access import Action
from recorder.hearing import NotHeard
from recorder.transcribing import Transcriber
from recorder.vault import Archived
from recorder.whisper import EngineMissing

MOST = 10_000  # recordings in one run
_STEPS = 1000  # of the bar for each


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one recording: the language and how many phrases, or why there is no transcript."""

    call_id: str
    language: str
    phrases: int
    trouble: str = ""


@click.command("transcribe")
@click.argument("call_ids", nargs=-1, metavar="[CALL]...")
@click.option("--since", type=Moment(), help="Only calls answered at or after it.")
@json_option
@failing({EngineMissing: PART_MISSING})
@recording_command
def transcribe(call_ids: tuple[str, ...], since: datetime | None, as_json: bool) -> None:
    """Make the transcript of each CALL, or of all recordings that have none yet.

    The latest calls first. A CALL that is named gets a new one, whatever it has. Exit code 4 where no engine or no model is
    there, and when one of them could not be made.
    """
    must(not call_ids or since is None, "give calls, or --since, not both")
    with site() as parts:
        transcriber = bootstrap.transcriber_of(parts)
        if transcriber is None:
            text = "no transcripts are made here: name the folder of a model in recorder.transcript_model of ringfence.toml"
            raise Failure(text, PART_MISSING)
        recordings = [catalogue.recorded(parts.database, call_id).archived for call_id in call_ids]
        if not call_ids:
            with reading(parts.database) as connection:
                recordings = transcripts.waiting(connection, None, MOST, since)
        try:
            with progress("recordings", _STEPS * len(recordings)) as told:
                written = [_made(transcriber, one, done, told) for done, one in enumerate(recordings)]
        finally:
            transcriber.stop()
    if as_json:
        print_json(written)
    else:
        rows = [(one.call_id, one.language, one.phrases, one.trouble) for one in written]
        print_table("transcripts", ("call", "language", "phrases", "not made"), rows, empty="none is to be made")
    if any(one.trouble for one in written):
        raise SystemExit(PART_MISSING)


def _made(transcriber: Transcriber, recording: Archived, done: int, told: Callable[[int], None]) -> Written:
    def seen(part: float) -> None:
        told(round(_STEPS * (done + part)))

    try:
        transcript = transcriber.transcribe(recording, seen)
    except NotHeard as error:
        return Written(recording.call_id, "", 0, str(error))
    if transcript is None:
        return Written(recording.call_id, "", 0, "it was purged meanwhile")
    return Written(recording.call_id, transcript.language, len(transcript.phrases))


@click.command("transcript")
@click.argument("call_id")
@reason_option
@as_option
@json_option
@recording_command
def transcript(call_id: str, reason: str, as_name: str | None, as_json: bool) -> None:
    """What was said in CALL_ID, by whom and when, as an engine heard it.

    It is as secret as the audio: who may not play the recording may not read it, and one on legal hold, of another team, or
    without a proven disclosure is read only with a --reason.
    """
    with site() as parts:
        who = actor(parts, as_name, reason)
        recording, about = found(parts, call_id)
        granted = check(parts, who, Action.PLAY, about)
        heard = transcripts.read(parts.database, parts.vault, recording.archived)
        with reading(parts.database) as connection:
            why = transcripts.why_none(connection, call_id)
        if heard is None:
            raise Failure(f"call {call_id} has no transcript: {why}; `ringfence recording transcribe {call_id}` makes one")
        with writing(parts.database) as connection:
            sensitive = {"sensitive": ", ".join(granted.sensitive)} if granted.sensitive else {}
            note(connection, parts, who, Action.PLAY.value, call_id, of="transcript", **sensitive)
    if as_json:
        shown = [
            {
                "side": one.side,
                "start_ms": one.start_ms,
                "end_ms": one.end_ms,
                "text": one.text,
                "confidence": one.confidence,
                "words": one.words,
            }
            for one in heard.phrases
        ]
        print_json({"call_id": call_id, "made_by": heard.made_by, "language": heard.language, "phrases": shown})
        return
    rows = [(moment_of(one.start_ms / 1000), one.side.value, f"{100 * one.confidence:.0f} %", one.text) for one in heard.phrases]
    title = f"what {heard.made_by} heard in call {call_id}"
    print_table(title, ("at", "who", "sure", "said"), rows, empty="nobody spoke")
