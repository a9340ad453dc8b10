"""Transcripts as people type for them: made by hand, read by those who may hear the call, and each look in the audit chain."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from config.database import reading
from dialer import bootstrap
from recorder import catalogue, transcripts
from tests.cli_site import Run, invoked, runs, told
from tests.floor_site import wait_until
from tests.hearing_engine import PitchEngine
from tests.recordings_site import CALLS, archive, records

FIRST, SECOND, THIRD = CALLS


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three calls: mia manages, sue supervises team east, ann is agent 102 and was on the second call."""
    site = tmp_path_factory.mktemp("transcripts") / "site"
    invoked("init", str(site))
    archive(site, records())
    runs(site, "staff", "add", "mia", "--role", "manager")
    runs(site, "staff", "add", "sue", "--role", "supervisor", "--team", "east", "--as", "mia")
    runs(site, "staff", "add", "ann", "--role", "agent", "--agent-id", "102", "--as", "mia")
    return site


@pytest.fixture
def site(tmp_path: Path, filled: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "site"))


@pytest.fixture
def run(site: Path) -> Run:
    return partial(runs, site)


def wanting(site: Path) -> None:
    """The site wants transcripts from now on, by the model in its folder `model`."""
    settings = site / "ringfence.toml"
    text, found = re.subn(r"(?m)^(\[recorder\].*)$", '\\1\ntranscript_model = "model"', settings.read_text(encoding="utf-8"))
    assert found == 1
    settings.write_text(text, encoding="utf-8")
    (site / "model").mkdir(exist_ok=True)


@pytest.fixture
def engine(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site wants transcripts, and has an engine; the folder of its model."""
    wanting(site)
    monkeypatch.setattr(bootstrap, "Whisper", PitchEngine)
    return site / "model"


def made(run: Run, *words: str, expect: int = 0) -> list[str]:
    return [one["call_id"] for one in told(run("recording", "transcribe", "--json", *words, expect=expect))]


def noted(run: Run) -> list[tuple[str, str, str]]:
    """Who did what by the audit chain, and of what, the latest first."""
    entries = told(run("audit", "list", "--json", "--as", "mia"))
    return [(one["who"], one["action"], one["facts"].get("of", "")) for one in entries]


def test_a_site_that_wants_none_says_how_to_want_them(run: Run) -> None:
    refused = run("recording", "transcribe", expect=4)
    assert "recorder.transcript_model" in refused.stderr


def test_without_the_extra_or_the_model_it_says_what_to_install_and_the_archive_is_as_it_was(site: Path, run: Run) -> None:
    wanting(site)
    refused = run("recording", "transcribe", expect=4)
    assert re.search(r"pip install 'ringfence\[transcripts\]'|has no model\.bin, config\.json, tokenizer\.json", refused.stderr)
    run("recording", "verify")


def test_those_that_wait_are_made_latest_first_and_only_once(engine: Path, run: Run) -> None:
    assert made(run, "--since", "2026-03-02T16:00Z") == [THIRD, SECOND]
    assert made(run) == [FIRST]
    assert made(run) == []
    assert "none is to be made" in run("recording", "transcribe").output
    run("recording", "verify")


def test_a_call_that_is_named_gets_a_new_one(engine: Path, run: Run) -> None:
    assert made(run, FIRST) == [FIRST]
    assert made(run, FIRST) == [FIRST]
    run("recording", "verify")
    assert "no recording" in run("recording", "transcribe", "nobody", expect=2).stderr
    assert run("recording", "transcribe", FIRST, "--since", "2026-03-02", expect=2).stderr


def test_one_that_fails_is_told_and_stops_no_other(engine: Path, run: Run) -> None:
    (engine / "dies").touch()
    done = told(run("recording", "transcribe", "--json", FIRST, SECOND, expect=4))
    assert [(one["call_id"], one["trouble"]) for one in done] == [
        (call_id, "the engine died (exit code -9)") for call_id in (FIRST, SECOND)
    ]
    missing = run("recording", "transcript", FIRST, "--as", "mia", expect=2).stderr
    assert "the engine died" in missing
    assert f"recording transcribe {FIRST}" in missing


def test_it_is_read_by_those_who_may_hear_the_call_and_noted_as_a_play(engine: Path, run: Run) -> None:
    made(run, SECOND)
    shown = told(run("recording", "transcript", SECOND, "--as", "ann", "--json"))
    assert (shown["call_id"], shown["made_by"], shown["language"]) == (SECOND, "pitch 1, model tone", "en")
    assert shown["phrases"]
    assert {one["side"] for one in shown["phrases"]} == {"agent"}, "the customer's tone is no voice"
    assert all(one["confidence"] == 0.875 and one["start_ms"] < one["end_ms"] for one in shown["phrases"])
    for_people = run("recording", "transcript", SECOND, "--as", "mia").output
    assert shown["phrases"][0]["text"] in for_people
    assert "88 %" in for_people
    assert "not one of team east" in run("recording", "transcript", SECOND, "--as", "sue", expect=3).stderr
    assert noted(run)[:3] == [("sue", "denied", ""), ("mia", "play", "transcript"), ("ann", "play", "transcript")]


def test_a_call_on_legal_hold_is_read_only_for_a_reason(engine: Path, run: Run) -> None:
    made(run, FIRST)
    run("recording", "hold", FIRST, "--as", "mia", "--reason", "complaint 17")
    assert "--reason" in run("recording", "transcript", FIRST, "--as", "sue", expect=3).stderr
    run("recording", "transcript", FIRST, "--as", "sue", "--reason", "complaint 17")
    assert noted(run)[0] == ("sue", "play", "transcript")


def test_a_vcon_takes_the_transcript_along_and_of_a_clip_no_more_than_its_sound(engine: Path, site: Path, run: Run) -> None:
    made(run, SECOND)
    why = ("--as", "mia", "--reason", "complaint 17")
    whole = told(run("recording", "transcript", SECOND, "--as", "mia", "--json"))["phrases"]
    for name, clip, phrases in (
        ("whole", (), whole),
        ("clip", ("--clip", "0-2"), [one for one in whole if one["start_ms"] < 2000]),
        ("none", ("--clip", "15-20"), []),
    ):
        run("recording", "export", SECOND, "--vcon", *clip, "--to", str(site / name), *why)
        told_ = json.loads((site / name).read_text(encoding="utf-8"))
        (transcript,) = [one for one in told_["analysis"] if one["type"] == "transcript"]
        assert [one["text"] for one in transcript["body"]["phrases"]] == [one["text"] for one in phrases]
    assert whole
    run("recording", "export", FIRST, "--vcon", "--to", str(site / "first"), *why)
    assert [one["type"] for one in json.loads((site / "first").read_text(encoding="utf-8"))["analysis"]] == ["report"]


def test_a_running_site_makes_them_beside_its_work(engine: Path, site: Path) -> None:
    with bootstrap.opened(site) as parts, bootstrap.transcribing(parts):
        wait_until(lambda: not waiting(parts), "a transcript of each")
        recordings = catalogue.list_recordings(parts.database)
        assert all(transcripts.read(parts.database, parts.vault, one.archived) is not None for one in recordings)


def test_a_running_site_that_wants_none_makes_none(site: Path) -> None:
    with bootstrap.opened(site) as parts:
        assert bootstrap.transcriber_of(parts) is None
        with bootstrap.transcribing(parts):
            assert waiting(parts) == len(CALLS)


def waiting(parts: bootstrap.Opened) -> int:
    with reading(parts.database) as connection:
        return len(transcripts.waiting(connection, None, len(CALLS)))
