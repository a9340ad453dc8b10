"""Announcements from the command line: which there are, one more from a file, one more spoken by espeak-ng."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from config.database import reading
from dialer import store
from dialer.bootstrap import Opened, prompts_of
from dialer.cli.context import site, site_command
from dialer.cli.output import PART_MISSING, Failure, json_option, print_json, print_table
from recorder.audio import load_prompt
from recorder.naming import language_of
from recorder.pcm import Samples
from recorder.prompts import Prompt, prompts, put
from recorder.wav import NotAudio
from sip import voices
from sip.unpack import ensure_tree

VOICES = {"en": "en-us", "zh": "cmn-latn-pinyin"}  # by the language that the id ends with


@click.group()
def prompt() -> None:
    """Announcements: the disclosure of the recording, the message of an abandoned call.

    A prompt never changes, because calls are proven by it: another text is another prompt, with an id of its own that
    ends with its language, such as disclosure2-en.
    """


@prompt.command("list")
@json_option
@site_command
def list_(as_json: bool) -> None:
    """Every prompt that the PBX can play: how long and loud it is, whether it can be proven, which campaigns use it."""
    with site() as parts:
        folder = prompts_of(parts.site)
        found, users = _there(folder), _users(parts)
    missing = sorted(users.keys() - {one.prompt for one in found})
    if as_json:
        there = [{"prompt": one, "campaigns": users.get(one.prompt, [])} for one in found]
        print_json({"folder": str(folder), "prompts": there, "missing": {name: users[name] for name in missing}})
        return
    rows = [
        (
            one.prompt,
            one.language,
            f"{one.duration_ms / 1000:.1f} s",
            "silence" if one.loudness_db is None else f"{one.loudness_db:g} dBFS",
            one.sha256[:12],
            one.fault or "good",
            ", ".join(users.get(one.prompt, [])),
        )
        for one in found
    ]
    headings = ("id", "language", "length", "loudest second", "version", "state", "campaigns")
    print_table(f"prompts in {folder}", headings, rows, empty="none yet; add one with `prompt make ID --text …`")
    for name in missing:
        click.echo(f"MISSING: {name}, which {', '.join(users[name])} would play: the campaign is not dialed without it")


@prompt.command("make")
@click.argument("prompt_id")
@click.option("--text", required=True, help="What is said. Mandarin in pinyin: ben3 tong1 dian4hua4 hui4 bei4 lu4yin1.")
@click.option("--voice", help="A voice of espeak-ng. Default: by the language that the id ends with (en, zh).")
@click.option("--speed", type=click.IntRange(80, 300), default=150, show_default=True, help="Words a minute.")
@json_option
@site_command
def make(prompt_id: str, text: str, voice: str | None, speed: int, as_json: bool) -> None:
    """Have espeak-ng say a text as prompt PROMPT_ID. A recorded human voice is better understood: `prompt add`."""
    chosen = voice or VOICES.get(language_of(prompt_id))
    if chosen is None:
        raise Failure(
            f"{prompt_id!r}: name a --voice, or let the id end with a language: {', '.join(f'…-{one}' for one in VOICES)}"
        )
    if any(unicodedata.name(one, "").startswith("CJK") for one in text):
        raise Failure(
            "--text: espeak-ng cannot read Chinese characters: give pinyin with tone digits, or record it (`prompt add`)"
        )

    def spoken() -> Samples:
        tree = ensure_tree(lambda told: click.echo(f"  {told} …", err=True))
        said = voices.on_the_line(voices.say(tree, text, chosen, speed))
        return (said * np.iinfo(np.int16).max).astype(np.int16)

    _put(prompt_id, spoken, as_json=as_json)


@prompt.command("add")
@click.argument("prompt_id")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@site_command
def add(prompt_id: str, file: Path, as_json: bool) -> None:
    """Add the WAV in FILE, of any rate and width, as prompt PROMPT_ID."""

    def loaded() -> Samples:
        try:
            return load_prompt(file)
        except NotAudio as error:
            raise Failure(str(error)) from None
        except OSError as error:
            raise Failure(f"{file}: {error.strerror or error}") from None

    _put(prompt_id, loaded, as_json=as_json)


def _put(prompt_id: str, made: Callable[[], Samples], *, as_json: bool) -> None:
    with site() as parts:
        folder = prompts_of(parts.site)
        _there(folder)
        try:
            new = put(folder, prompt_id, made())
        except ValueError as error:
            raise Failure(str(error)) from None
    if as_json:
        print_json(new)
        return
    click.echo(f"{new.prompt}: {new.duration_ms / 1000:.1f} s in {folder}" + (f"; {new.fault}" if new.fault else ""))
    click.echo(f"for a campaign: ringfence campaign create NAME --disclosure {new.prompt}")


def _there(folder: Path) -> list[Prompt]:
    try:
        return prompts(folder)
    except OSError as error:
        raise Failure(
            f"{folder}: {error.strerror or error}: `pbx.prompts` in ringfence.toml names the folder", PART_MISSING
        ) from None


def _users(parts: Opened) -> dict[str, list[str]]:
    """Which campaigns would play which prompt."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    with reading(parts.database) as connection:
        for campaign in store.campaigns(connection):
            for name in (campaign.disclosure, campaign.safe_harbour):
                users[name].append(campaign.name)
    return dict(users)
