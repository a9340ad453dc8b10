"""What people may see, hear, take out and share, as they type it: on a site with real, sealed recordings."""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from functools import partial
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from compliance.signing import verify
from dialer.cli.main import main
from recorder.marking import read_mark
from tests.cli_site import Run, invoked, runs, told
from tests.recorder_audio import tone_level
from tests.recordings_site import CALLS, NUMBERS, SECONDS, TONES, archive, records

FIRST = CALLS[0]
WHY = ("--reason", "complaint 17")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three calls and with staff: mia and max manage, sue supervises team east, quinn reviews, ann is agent 102."""
    site = tmp_path_factory.mktemp("recordings") / "site"
    invoked("init", str(site))
    archive(site, records())
    runs(site, "staff", "add", "mia", "--role", "manager")
    for name, *role in (
        ("max", "--role", "manager"),
        ("sue", "--role", "supervisor", "--team", "east"),
        ("quinn", "--role", "qa"),
        ("ann", "--role", "agent", "--agent-id", "102"),
        ("oli", "--role", "ops"),
    ):
        runs(site, "staff", "add", name, *role, "--as", "mia")
    return site


@pytest.fixture
def site(tmp_path: Path, filled: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "site"))


@pytest.fixture
def run(site: Path) -> Run:
    return partial(runs, site)


def listed(run: Run, *words: str) -> list[str]:
    return [one["call_id"] for one in told(run("recording", "list", "--json", *words))]


def noted(run: Run, *words: str) -> list[tuple[str, str, str]]:
    """Who did what with which call, the latest first."""
    entries = told(run("audit", "list", "--json", "--as", "mia", *words))
    return [(one["who"], one["action"], one["call_id"]) for one in entries]


def test_each_sees_the_calls_of_their_work_and_whole_numbers_only_where_it_needs_them(run: Run) -> None:
    assert listed(run, "--as", "mia") == [*reversed(CALLS)]
    assert listed(run, "--as", "sue") == [CALLS[2], CALLS[0]]
    assert listed(run, "--as", "ann") == [CALLS[1]]
    numbers = {
        who: told(run("recording", "list", "--json", "--as", who))[-1]["number"] for who in ("mia", "sue", "quinn", "oli", "ann")
    }
    assert numbers == {
        "mia": NUMBERS[0],
        "sue": NUMBERS[0],
        "quinn": "+*********00",
        "oli": "+*********00",
        "ann": "+*********01",
    }
    assert NUMBERS[1] not in run("recording", "show", CALLS[1], "--as", "ann", "--json").output


def test_somebody_who_is_not_on_the_staff_sees_nothing_and_is_noted(run: Run) -> None:
    assert "not on the staff" in run("recording", "list", "--as", "eve", expect=3).stderr
    assert noted(run, "--who", "eve") == [("eve", "denied", "")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--campaign", "campaign-1"), [1]),
        (("--agent", "101", "--team", "east"), [2, 0]),
        (("--number", NUMBERS[2]), [2]),
        (("--person", "person-0"), [0]),
        (("--disposition", "sale", "--limit", "2"), [2, 1]),
        (("--after", CALLS[2]), [1, 0]),
        (("--since", "2026-03-02T16:00Z"), [2, 1]),
        (("--min", "talk_share=0.5", "--max", "duration=25"), [2, 1, 0]),
        (("--min", "dead_air=60"), []),
        (("--min-score", "50"), []),
        (("--degraded",), []),
        (("--whole", "--free"), [2, 1, 0]),
        (("--held",), []),
    ],
)
def test_recordings_are_found_by_what_is_known_of_them(run: Run, words: tuple[str, ...], found: list[int]) -> None:
    assert listed(run, "--as", "mia", *words) == [CALLS[n] for n in found]


@pytest.mark.parametrize("words", [("--min", "dead_air"), ("--max", "height=3"), ("--after", "nowhere"), ("--clip", "x")])
def test_a_search_that_cannot_be_meant_is_told_in_one_line(run: Run, words: tuple[str, ...]) -> None:
    command = ("recording", "play", FIRST) if words[0] == "--clip" else ("recording", "list")
    assert run(*command, "--as", "mia", *words, expect=2).stderr


def test_showing_a_call_draws_both_sides_and_is_noted(run: Run) -> None:
    shown = run("recording", "show", FIRST, "--as", "quinn").stdout
    agent, customer = shown.splitlines()[-2:]
    assert agent.strip().startswith("agent |")
    assert customer.index("▅") > agent.index("▅")  # the customer speaks after the prompt
    detail = told(run("recording", "show", FIRST, "--json", "--as", "mia"))
    assert detail["waveform"]["buckets"] == 1000
    assert detail["talk_share"] > 0.5
    assert noted(run, "--call", FIRST) == [("mia", "show", FIRST), ("quinn", "show", FIRST)]


def test_a_call_is_played_to_those_who_may_hear_it_and_each_play_is_noted(site: Path, run: Run) -> None:
    played = CliRunner().invoke(main, ["--site", str(site), "recording", "play", FIRST, "--as", "quinn"])
    assert played.exit_code == 0
    samples, rate = soundfile.read(io.BytesIO(played.stdout_bytes), dtype="int16")
    assert (rate, len(samples)) == (8000, SECONDS * 8000)
    assert tone_level(samples[7 * 8000 : 9 * 8000, 1], TONES[0]) > 1000
    assert tone_level(samples[7 * 8000 : 9 * 8000, 0], TONES[0]) < 10
    for who, call_id in (("ann", FIRST), ("oli", FIRST), ("sue", CALLS[1])):
        assert run("recording", "play", call_id, "--as", who, "--to", str(site / "no.wav"), expect=3).stderr
    assert not (site / "no.wav").exists()
    run("recording", "play", CALLS[1], "--as", "ann", "--clip", "2.5-4", "--to", str(site / "mine.wav"))
    assert soundfile.info(site / "mine.wav").frames == 12_000
    plays = [one for one in noted(run) if one[1] in {"play", "denied"}]
    assert plays == [
        ("ann", "play", CALLS[1]),
        ("sue", "denied", CALLS[1]),
        ("oli", "denied", FIRST),
        ("ann", "denied", FIRST),
        ("quinn", "play", FIRST),
    ]


def test_a_call_on_legal_hold_is_played_only_for_a_reason_and_found_as_held(site: Path, run: Run) -> None:
    run("recording", "hold", FIRST, "--as", "mia", *WHY)
    refused = run("recording", "play", FIRST, "--as", "quinn", "--to", str(site / "a.wav"), expect=3)
    assert "on legal hold" in refused.stderr
    run("recording", "play", FIRST, "--as", "quinn", "--to", str(site / "a.wav"), *WHY)
    assert listed(run, "--held", "--as", "mia") == [FIRST]
    entry = told(run("audit", "list", "--json", "--as", "mia", "--action", "play"))[0]
    assert entry["facts"]["reason"] == "complaint 17"
    assert entry["facts"]["sensitive"] == "on legal hold"


@pytest.mark.parametrize("form", ["wav", "flac", "opus", "ogg", "mp3"])
def test_an_export_says_in_its_tags_who_made_it_and_has_a_sidecar_that_proves_it(site: Path, run: Run, form: str) -> None:
    copy = site / f"copy.{form}"
    run("recording", "export", FIRST, "--to", str(copy), "--format", form, "--as", "mia", *WHY)
    asked = ("ffprobe", "-v", "error", "-show_entries", "format=duration:format_tags:stream_tags", "-of", "json", str(copy))
    probed = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    tags = {
        name.lower(): value for part in (probed["format"], *probed["streams"]) for name, value in part.get("tags", {}).items()
    }
    assert tags["title"] == f"call {FIRST}"
    assert "by mia; not to be passed on" in tags["comment"]
    assert float(probed["format"]["duration"]) == pytest.approx(SECONDS, abs=0.2)
    sidecar = json.loads((site / f"copy.{form}.json").read_text(encoding="utf-8"))
    assert sidecar["file"]["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert sidecar["exported"]["why"] == "complaint 17"
    assert [link["kind"] for link in sidecar["archived"]["links"]] == ["archived"]
    assert sidecar["call"]["number"] == NUMBERS[0]
    assert noted(run, "--action", "export") == [("mia", "export", FIRST)]


def test_an_export_replaces_nothing_and_leaves_nothing_when_it_fails(site: Path, run: Run) -> None:
    target = site / "there.wav"
    target.write_bytes(b"mine")
    before = sorted(site.iterdir())
    assert "exists already" in run("recording", "export", FIRST, "--to", str(target), "--as", "mia", *WHY, expect=2).stderr
    assert (
        "no piece"
        in run("recording", "export", FIRST, "--to", str(site / "x.wav"), "--clip", "90-", "--as", "mia", *WHY, expect=2).stderr
    )
    (archived,) = (site / "archive").rglob(f"{FIRST}.flac.sealed")
    content = bytearray(archived.read_bytes())
    content[len(content) // 2] ^= 1
    archived.write_bytes(content)
    assert (
        "not what was archived"
        in run("recording", "export", FIRST, "--to", str(site / "x.wav"), "--as", "mia", *WHY, expect=3).stderr
    )
    assert sorted(site.iterdir()) == before
    assert target.read_bytes() == b"mine"


@pytest.mark.parametrize("who", ["quinn", "oli", "ann"])
def test_nobody_takes_a_copy_out_whose_work_it_is_not(site: Path, run: Run, who: str) -> None:
    run("recording", "export", CALLS[1], "--to", str(site / "x.wav"), "--as", who, *WHY, expect=3)
    run("recording", "share", CALLS[1], "--for", "me", "--as", who, *WHY, expect=3)
    assert not (site / "x.wav").exists()


def test_without_a_reason_nothing_leaves(site: Path, run: Run) -> None:
    assert "--reason" in run("recording", "export", FIRST, "--to", str(site / "x.wav"), "--as", "mia", expect=3).stderr


def test_a_zip_holds_copies_sidecars_and_a_manifest_that_the_site_has_signed(site: Path, run: Run) -> None:
    target = site / "many.zip"
    run("recording", "export", "--zip", "--to", str(target), "--team", "east", "--format", "flac", "--as", "sue", *WHY)
    with zipfile.ZipFile(target) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(content["manifest.json"])
    assert [one["call_id"] for one in manifest["recordings"]] == [CALLS[2], CALLS[0]]
    for one in manifest["recordings"]:
        assert hashlib.sha256(content[one["name"]]).hexdigest() == one["sha256"]
        assert json.loads(content[f"{one['name']}.json"])["file"]["sha256"] == one["sha256"]
    public = content["site.pub"].decode()
    assert public == next((site / "secrets").glob("*.pub")).read_text(encoding="ascii")
    assert verify(public, content["manifest.json"], content["manifest.sig"])
    assert not verify(public, content["manifest.json"].replace(b"complaint 17", b"complaint 18"), content["manifest.sig"])
    assert noted(run, "--action", "export") == [("sue", "export", CALLS[0]), ("sue", "export", CALLS[2])]


def test_many_leave_only_with_the_word_of_a_second_person(site: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.access.BULK", 1)
    target = str(site / "many.zip")
    many = ("recording", "export", "--zip", "--to", target, "--team", "east", "--as", "sue", *WHY)
    assert "--request" in run(*many, expect=3).stderr
    request = told(run("recording", "export", "--request", "--team", "east", "--as", "sue", *WHY, "--json"))["request_id"]
    with_it = ("recording", "export", "--approved", request, "--to", target, *WHY)
    assert "waits" in run(*with_it, "--as", "sue", expect=3).stderr
    run("recording", "approve", request, "--as", "sue", expect=3)
    run("recording", "approve", request, "--as", "mia")
    assert "one of sue" in run(*with_it, "--as", "max", expect=3).stderr
    run(*with_it, "--as", "sue")
    with zipfile.ZipFile(target) as opened:
        assert sum(name.endswith(".wav") for name in opened.namelist()) == 2
    assert (
        "2 of the last day"
        in run("recording", "export", FIRST, "--to", str(site / "x.wav"), "--as", "sue", *WHY, expect=3).stderr
    )
    own = told(run("recording", "export", "--request", "--team", "east", "--as", "mia", *WHY, "--json"))["request_id"]
    assert "your own" in run("recording", "approve", own, "--as", "mia", expect=3).stderr
    (first, second) = told(run("recording", "requests", "--as", "mia", "--json"))
    assert (first["approved_by"], second["approved_by"]) == ("", "mia")


def test_a_share_opens_a_marked_copy_until_it_is_taken_back(site: Path, run: Run) -> None:
    shared = told(run("recording", "share", FIRST, "--for", "Ms Lee", "--clip", "1-19", "--as", "sue", *WHY, "--json"))
    copy = site / "shared.mp3"
    run("recording", "open", shared["token"], "--to", str(copy), "--format", "mp3")
    sound = soundfile.read(copy, dtype="int16")[0]
    assert len(sound) / 8000 == pytest.approx(18, abs=0.3)
    assert read_mark(sound, 12) == shared["share"]
    sidecar = json.loads((site / "shared.mp3.json").read_text(encoding="utf-8"))
    assert NUMBERS[0] not in json.dumps(sidecar)
    assert sidecar["exported"]["for"] == "Ms Lee"
    assert "shared by sue with Ms Lee" in run("recording", "whose", str(copy), "--as", "mia").stdout
    assert noted(run, "--action", "open") == [(f"share:{shared['share']}", "open", FIRST)]
    run("recording", "unshare", shared["share"], "--as", "sue")
    refused = run("recording", "open", shared["token"], "--to", str(site / "again.wav"), expect=3)
    assert "taken back by sue" in refused.stderr
    assert not (site / "again.wav").exists()


def test_a_share_of_somebody_who_left_the_staff_opens_nothing(site: Path, run: Run) -> None:
    shared = told(run("recording", "share", FIRST, "--for", "Ms Lee", "--as", "sue", *WHY, "--json"))
    run("staff", "remove", "sue", "--as", "mia")
    assert "not on the staff" in run("recording", "open", shared["token"], "--to", str(site / "x.wav"), expect=3).stderr
    assert not (site / "x.wav").exists()


def test_a_token_that_is_guessed_opens_nothing_and_is_noted(site: Path, run: Run) -> None:
    shared = told(run("recording", "share", FIRST, "--for", "Ms Lee", "--as", "sue", *WHY, "--json"))
    for token in (f"{shared['share']}.guess", "000000000000.x", "nonsense"):
        assert "no such share" in run("recording", "open", token, "--to", str(site / "x.wav"), expect=3).stderr
    assert [one[0] for one in noted(run, "--action", "denied")] == [
        "share:unknown",
        "share:000000000000",
        f"share:{shared['share']}",
    ]


def test_the_audit_chain_which_is_kept_for_good_holds_no_whole_number(run: Run) -> None:
    listed(run, "--number", NUMBERS[0], "--person", NUMBERS[1], "--as", "mia")
    (entry,) = told(run("audit", "list", "--json", "--as", "mia", "--action", "list"))
    assert entry["facts"]["number"] == "+*********00"
    assert entry["facts"]["person"] == "+*********01"


def test_a_copy_without_a_mark_tells_nobody(site: Path, run: Run) -> None:
    run("recording", "export", FIRST, "--to", str(site / "plain.wav"), "--as", "mia", *WHY)
    assert "no mark" in run("recording", "whose", str(site / "plain.wav"), "--as", "mia", expect=3).stderr


def test_the_whole_of_it_leaves_an_audit_chain_that_is_whole_and_a_change_is_found(site: Path, run: Run) -> None:
    listed(run, "--as", "mia")
    report = told(run("audit", "verify", "--json"))
    assert report["rows"] > 0
    kept = f"{report['tip_seq']}:{report['tip_hash']}"
    listed(run, "--as", "mia")
    run("audit", "verify", "--kept", kept)
    run("audit", "verify", "--kept", f"{report['tip_seq']}:{'0' * 64}", expect=3)
    run("audit", "verify", "--kept", "nonsense", expect=2)


def test_on_a_new_site_its_operator_may_do_everything(tmp_path: Path, new_site: Path) -> None:
    fresh = partial(runs, shutil.copytree(new_site, tmp_path / "fresh"))
    assert told(fresh("recording", "list", "--json")) == []
    assert "manager" in fresh("staff", "add", "quinn", "--role", "qa", expect=2).stderr
    fresh("staff", "add", "mia", "--role", "manager")
    assert "not on the staff" in fresh("recording", "list", expect=3).stderr
    assert "must be a manager" in fresh("staff", "remove", "mia", "--as", "mia", expect=2).stderr


@pytest.mark.parametrize("form", ["opus", "wav"])
def test_a_vcon_holds_the_audio_itself_and_what_is_known_of_it(site: Path, run: Run, form: str) -> None:
    run("recording", "export", FIRST, "--vcon", "--format", form, "--to", str(site / "call.vcon"), "--as", "mia", *WHY)
    told_ = json.loads((site / "call.vcon").read_text(encoding="utf-8"))
    (dialog,) = told_["dialog"]
    assert dialog["encoding"] == "base64url"
    audio = base64.urlsafe_b64decode(dialog["body"] + "=" * (-len(dialog["body"]) % 4))
    samples, _ = soundfile.read(io.BytesIO(audio), dtype="int16")
    assert len(samples) == SECONDS * 8000
    assert tone_level(samples[7 * 8000 : 9 * 8000, 1], TONES[0]) > 1000
    assert told_["parties"] == [{"name": "agent 101", "validation": "none"}, {"tel": NUMBERS[0]}]
    assert told_["attachments"][0]["body"]["verdict"] == "proven"
