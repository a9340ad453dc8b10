"""Recordings, from the command line: find, show, hear. What else is done with them, and where that is.

The rule it protects: every look is in the audit chain before anything is shown.
"""

from pathlib import Path
from typing import Any

import click

from config.database import writing
from dialer import bootstrap
from dialer.cli.acting import actor, as_option, check, note
from dialer.cli.context import site
from dialer.cli.finding import (
    as_seen_by,
    found,
    moment_of,
    must,
    recording_command,
    search_options,
    told,
    wanted,
)
from dialer.cli.lazy import Elsewhere, LazyGroup
from dialer.cli.output import json_option, print_json, print_table
from recorder import catalogue, peaks
from recorder.access import Action, sees_numbers
from recorder.catalogue import Recording
from recorder.store import Job
from recorder.vault import AlteredRecording

BLOCKS = " ▁▂▃▄▅▆▇█"
PICTURE = 100  # columns of a waveform

COMMANDS = {
    "approve": Elsewhere("dialer.cli.exporting:approve", "Give the second word to an export of many recordings."),
    "export": Elsewhere("dialer.cli.exporting:export", "Take a copy of a recording, or of many, out of the house."),
    "open": Elsewhere("dialer.cli.shares:open_", "Write the copy that TOKEN is for; exit code 3 when it can be opened no more."),
    "requests": Elsewhere("dialer.cli.exporting:requests", "The exports of many that were asked for, and who approved them."),
    "share": Elsewhere("dialer.cli.shares:share", "Let somebody outside the staff open a marked copy of CALL for some days."),
    "shares": Elsewhere(
        "dialer.cli.shares:shares",
        "What is shared with whom, until when, and how often it was opened; to a supervisor, what they shared themselves.",
    ),
    "unshare": Elsewhere(
        "dialer.cli.shares:unshare", "Take a share back, one's own or as a manager any: from now on it cannot be opened."
    ),
    "whose": Elsewhere(
        "dialer.cli.shares:whose",
        "Read the mark of a shared copy: by whom, for whom and when it left; exit code 3 when none can be read.",
    ),
    "play": Elsewhere("dialer.cli.playing:play", "Write CALL_ID as WAV to standard output, for a player such as aplay."),
    "pause": Elsewhere(
        "dialer.cli.recording_pause:pause",
        "Record silence on both sides of CALL until `recording resume`, or until the campaign's limit.",
    ),
    "resume": Elsewhere("dialer.cli.recording_pause:resume", "Record CALL again."),
    "hold": Elsewhere("dialer.cli.keeping:hold", "Keep the recording of each CALL whatever the rules say, until it is released."),
    "release": Elsewhere(
        "dialer.cli.keeping:release", "Let go of a hold on the recording of CALL: from then on only the rules keep it."
    ),
    "purge": Elsewhere(
        "dialer.cli.keeping:purge_recordings",
        "What may go of the recordings, and what stays until when, by which rules; with --apply, have it go.",
    ),
    "erase": Elsewhere(
        "dialer.cli.erasures:erase",
        "Erase the recordings of PERSON (your id, or a number), who asked for it; what must stay is told with its reason.",
    ),
    "erasures": Elsewhere(
        "dialer.cli.erasures:erasures", "Who asked to be forgotten, by when each is answered, and what came of it."
    ),
    "transcribe": Elsewhere(
        "dialer.cli.transcripts:transcribe", "Make the transcript of each CALL, or of all recordings that have none yet."
    ),
    "transcript": Elsewhere(
        "dialer.cli.transcripts:transcript", "What was said in CALL_ID, by whom and when, as an engine heard it."
    ),
    "reconcile": Elsewhere(
        "dialer.cli.reconcile:command",
        "Hold calls, the PBX's CDRs, recordings and files against each other; exit code 3 on any finding.",
    ),
    "rekey": Elsewhere("dialer.cli.archives:rekey", "Lock every recording with a new key of the site, and rewrite no audio."),
    "renew-head": Elsewhere("dialer.cli.archives:renew_head", "Accept the chain of the archive as it is, and answer for that."),
    "verify": Elsewhere(
        "dialer.cli.archives:verify",
        "Prove that every file, row and key of the archive is as the site wrote it; exit code 3 on any finding.",
    ),
}


@click.group(cls=LazyGroup, elsewhere=COMMANDS)
def recording() -> None:
    """Recordings of conversations: agent left, customer right."""


@recording.command("list")
@search_options
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--after", metavar="CALL", help="The next page: what comes after this call in the list.")
@as_option
@json_option
@recording_command
def list_recordings(limit: int, after: str | None, as_name: str | None, as_json: bool, **conditions: Any) -> None:
    """The recordings, latest call first; conditions given together must all hold."""
    with site() as parts:
        who = actor(parts, as_name)
        check(parts, who, Action.LIST)
        recordings = catalogue.list_recordings(parts.database, wanted(conditions, who, Action.LIST, limit=limit, after=after))
        with writing(parts.database) as connection:
            note(connection, parts, who, Action.LIST.value, found=str(len(recordings)), **told(conditions))
    shown = [as_seen_by(who, one) for one in recordings]
    if as_json:
        print_json(shown)
        return
    rows = [
        (
            one.call_id,
            one.started_at,
            moment_of(one.duration_ms / 1000),
            one.number,
            one.agent_id,
            one.campaign,
            one.disposition,
            one.disclosure,
            " ".join(one.flags),
        )
        for one in shown
    ]
    headings = ("call", "answered", "length", "number", "agent", "campaign", "disposition", "disclosure", "flags")
    print_table("recordings", headings, rows, empty="none is found")
    if len(recordings) == limit:
        click.echo(f"there may be more: go on with --after {recordings[-1].call_id}")


@recording.command("show")
@click.argument("call_id")
@as_option
@json_option
@recording_command
def show(call_id: str, as_name: str | None, as_json: bool) -> None:
    """All that is known of the recording of CALL_ID with a picture of it, or why there is none."""
    with site() as parts:
        who = actor(parts, as_name)
        job = catalogue.show(parts.database, call_id)
        must(job is not None, f"no recording and no job for call {call_id}")
        if isinstance(job, Job):
            check(parts, who, Action.SHOW)
            _say_job(job, whole=sees_numbers(who.acting), as_json=as_json)
            return
        recording, about = found(parts, call_id)
        check(parts, who, Action.SHOW, about)
        with writing(parts.database) as connection:
            note(connection, parts, who, Action.SHOW.value, call_id)
        drawn, trouble = _waveform(parts, recording)
        archive = parts.site.archive
    shown = as_seen_by(who, recording)
    if as_json:
        waveform = None if drawn is None else peaks.as_json(drawn)
        print_json({**vars_of(shown), "held": about.held, "waveform": waveform, "archive": trouble or "as it was archived"})
        return
    print_table(f"recording of call {call_id}", ("", ""), _rows(shown, archive, held=about.held))
    if drawn is not None:
        for name, side in (("agent", drawn.agent), ("customer", drawn.customer)):
            click.echo(f"{name:>8} |{picture(side)}|")
    else:
        click.echo(trouble, err=True)


def vars_of(recording: Recording) -> dict[str, Any]:
    """What is known of a recording, by name."""
    return {name: getattr(recording, name) for name in Recording.__slots__} | {"talk_share": recording.talk_share}


def picture(side: bytes, columns: int = PICTURE) -> str:
    """One side of a waveform (low and high as signed bytes, in turn) in blocks, each step of them 6 dB."""
    loud = [max(abs(int.from_bytes(side[n : n + 1], signed=True)) for n in (at, at + 1)) for at in range(0, len(side), 2)]
    if not loud:
        return ""
    columns = min(columns, len(loud))
    bins = [max(loud[n * len(loud) // columns : (n + 1) * len(loud) // columns]) for n in range(columns)]
    return "".join(BLOCKS[min(one.bit_length(), len(BLOCKS) - 1)] for one in bins)


def _waveform(parts: bootstrap.Opened, recording: Recording) -> tuple[peaks.Waveform | None, str]:
    """The picture that lies in the sidecar, or why there is none."""
    try:
        sidecar = parts.vault.sidecar(recording.archived)
        return (peaks.from_json(sidecar["waveform"]), "") if "waveform" in sidecar else (None, "no waveform was kept with it")
    except (AlteredRecording, OSError) as error:
        return None, str(error)


def _say_job(job: Job, *, whole: bool, as_json: bool) -> None:
    if as_json:
        shown = {
            "call_id": job.call_id,
            "state": job.state,
            "attempts": job.attempts,
            "next_at": job.next_at,
            "reason": job.reason,
        }
        print_json(shown | ({"metadata": job.metadata} if whole else {}))
    else:
        click.echo(f"call {job.call_id}: {job.state}{f', {job.reason}' if job.reason else ''}")


def _rows(one: Recording, archive: Path, *, held: bool) -> list[tuple[str, object]]:
    share = "–" if one.talk_share is None else f"{100 * one.talk_share:.0f} %"
    gaps = [f"{moment_of(gap.from_ms / 1000)}–{moment_of(gap.until_ms / 1000)} {gap.why}" for gap in one.pauses]
    verdict = f"{one.disclosure}: {one.disclosure_start_ms}–{one.disclosure_end_ms} ms, score {one.disclosure_score}"
    return [
        ("file", archive / one.path),
        ("sha256", one.sha256),
        ("answered", one.started_at),
        ("length", f"{one.duration_ms / 1000:.1f} s"),
        ("number", one.number),
        ("campaign", one.campaign),
        ("agent", ", ".join(sorted(one.everybody)) or None),
        ("team", one.team or None),
        ("disposition", one.disposition),
        ("disclosure", verdict),
        ("told by", f"{one.disclosed_by}, {one.prompt} {one.language}".strip()),
        ("captured", one.capture),
        ("paused", ", ".join(gaps) or None),
        ("agent's first word", _ms(one.agent_first_word_ms)),
        ("agent heard from", _ms(one.agent_audio_from_ms)),
        ("agent talk / silence", f"{one.agent_talk_ms} / {one.agent_silence_ms} ms; {share} of what was said"),
        ("customer talk / silence", f"{one.customer_talk_ms} / {one.customer_silence_ms} ms"),
        ("both at once", _ms(one.overtalk_ms)),
        ("interruptions", f"{one.agent_interruptions} by the agent, {one.customer_interruptions} by the customer"),
        ("longest talk", f"agent {one.agent_longest_ms}, customer {one.customer_longest_ms} ms"),
        ("dead air", f"{one.dead_air_ms} ms; longest silence {one.longest_silence_ms} ms"),
        ("loudness", f"agent {_db(one.agent_loudness_db)}, customer {_db(one.customer_loudness_db)}"),
        ("rules", ", ".join(f"{pack.id} {pack.version}" for pack in one.packs)),
        ("on legal hold", "yes" if held else "no"),
        ("flags", " ".join(one.flags) or "none"),
        *((("measured", one.flag_text),) if one.flag_text else ()),
    ]


def _ms(value: int | None) -> str:
    return "–" if value is None else f"{value} ms"


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} dBFS"
