"""Why, from the command line: past decisions made again, bundles written and checked, and what a list rests for."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.evidence_key import KEY_FILE, PUBLIC_FILE, evidence_key
from compliance.facts import EventKind
from compliance.verdict import Candidate, Permit, Refusal
from config.clock import ManualClock
from config.database import writing
from dialer import bootstrap
from recorder.service import Archivist
from recorder.store import enqueue
from tests.cli_site import Run, a_file, invoked, told
from tests.recorder_audio import ANSWERED, PROMPT, ROUND_AT, a_conversation, a_prompt, a_record, leave, wav_bytes

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
ANNS, BOBS = "+12125550100", "+12125550101"


@pytest.fixture(scope="module")
def made(new_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that called Ann and Bob some days ago, and refused to call Ann again after she asked not to be."""
    directory = Path(shutil.copytree(new_site, tmp_path_factory.mktemp("evidence") / "site"))
    clock = ManualClock(NOON)
    with bootstrap.opened(directory, clock) as parts:
        for attempt, person, number in (("call-ann", "ann", ANNS), ("call-bob", "bob", BOBS)):
            permit = parts.ledger.permit(a_call(attempt, person, number))
            assert isinstance(permit, Permit), permit
            parts.ledger.spend(permit.permit_id)
            clock.advance(timedelta(seconds=30))
            parts.ledger.record(attempt, EventKind.UNANSWERED, clock.now())
        parts.ledger.suppress(person="ann", reason="letter", source="desk")
        assert isinstance(parts.ledger.permit(a_call("refused-ann", "ann", ANNS)), Refusal)
        recorded(parts, "call-ann", "ann", ANNS)
    return directory


def recorded(parts: bootstrap.Opened, call_id: str, person: str, number: str) -> None:
    """The call, as the PBX recorded it, put into the archive by the archivist."""
    leave(parts.site.spool, call_id, a_conversation())
    parts.site.prompts.mkdir(exist_ok=True)
    (parts.site.prompts / f"{PROMPT}.wav").write_bytes(wav_bytes(a_prompt()))
    with writing(parts.database) as connection:
        enqueue(connection, a_record(call_id, person=person, number=number))
    clock = ManualClock(ANSWERED + ROUND_AT)
    archivist = Archivist(parts.database, clock, parts.site.spool, parts.vault, parts.site.prompts)
    assert archivist.work_once() == 1
    archivist.close()


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "site"))


def a_call(attempt_id: str, person: str, number: str) -> Candidate:
    return Candidate(attempt_id, person, number, "spring", "acme", "solar", ring_for=timedelta(seconds=25))


def altered(site: Path, statement: str, *values: str) -> None:
    """What somebody with the database in hand might do."""
    with sqlite3.connect(next(site.glob("*.db"))) as connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


@pytest.fixture
def bundle(run: Run, tmp_path: Path) -> Path:
    target = tmp_path / "ann.zip"
    run("explain", "call", "call-ann", "--bundle", str(target))
    return target


# --- decided again ----------------------------------------------------------------------------------------------------


def test_a_call_of_the_past_comes_out_the_same(run: Run) -> None:
    done = told(run("compliance", "replay", "call-ann", "--json"))
    assert (done["decisions"], done["identical"], done["differing"]) == (1, 1, 0)
    (one,) = done["told"]
    assert (one["same"], one["then"]) == (True, one["now"])
    assert "identical to the byte" in run("compliance", "replay", "call-ann").output


def test_a_refusal_comes_out_the_same_by_the_id_of_its_attempt(run: Run) -> None:
    (one,) = told(run("compliance", "replay", "refused-ann", "--json"))["told"]
    assert (one["kind"], one["same"]) == ("refusal", True)


def test_all_decisions_are_made_again_and_only_those_that_differ_are_told(run: Run, site: Path) -> None:
    assert told(run("compliance", "replay", "--all", "--json")) == {
        "decisions": 3,
        "identical": 3,
        "differing": 0,
        "told": [],
    }
    altered(site, "update refusal set decision = replace(decision, ?, ?)", '"person":"ann"', '"person":"eve"')
    done = told(run("compliance", "replay", "--all", "--json", expect=3))
    assert (done["decisions"], done["differing"]) == (3, 1)
    assert [one["attempt_id"] for one in done["told"]] == ["refused-ann"]


def test_a_pack_that_was_altered_since_is_named_and_the_exit_code_says_so(run: Run, site: Path) -> None:
    altered(site, "update kept_text set text = text || ? where kind = 'pack'", "\n# lenient\n")
    done = run("compliance", "replay", "call-ann", expect=3)
    assert "call-ann, permit at 2026-06-15 16:00:00Z: does NOT come out the same\n  rule pack house " in done.output
    assert "its text differs from the one that decided" in done.output


def test_only_the_decisions_of_a_time_and_a_campaign_are_asked_for(run: Run) -> None:
    assert told(run("compliance", "replay", "--all", "--campaign", "autumn", "--json"))["decisions"] == 0
    after = (NOON + timedelta(seconds=45)).isoformat()
    assert told(run("compliance", "replay", "--all", "--since", after, "--json"))["decisions"] == 1
    assert told(run("compliance", "replay", "--all", "--until", after, "--json"))["decisions"] == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "give one CALL, or --all"),
        (("call-ann", "--all"), "give one CALL, or --all"),
        (("call-ann", "--campaign", "x"), "go with --all"),
        (("nobody",), "nothing was ever decided about a call 'nobody'"),
        (("call-ann", "--audio"), "--audio with --bundle"),
        (("--all", "--bundle", "x.zip"), "goes with one CALL"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_in_one_line(run: Run, args: tuple[str, ...], said: str) -> None:
    done = run("compliance", "replay", *args, expect=2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


# --- bundles ----------------------------------------------------------------------------------------------------------


def test_a_bundle_can_be_checked_by_whoever_has_the_public_key_and_no_site(bundle: Path, site: Path, tmp_path: Path) -> None:
    key = shutil.copy(site / "secrets" / PUBLIC_FILE, tmp_path / "theirs.pub")
    shutil.rmtree(site)
    found = told(invoked("compliance", "bundle", "check", str(bundle), "--key", str(key), "--json"))
    assert (found["sound"], found["decisions"], found["replayed"], found["findings"]) == (True, 1, 1, [])


def test_a_bundle_is_for_its_owner_and_holds_no_secret(bundle: Path, site: Path) -> None:
    assert bundle.stat().st_mode & 0o777 == 0o600
    secret = (site / "secrets" / KEY_FILE).read_bytes().strip()
    with zipfile.ZipFile(bundle) as archive:
        assert not any(secret in archive.read(name) for name in archive.namelist())


def test_the_complaint_of_a_person_holds_all_their_decisions_and_nobody_elses_data(run: Run, site: Path, tmp_path: Path) -> None:
    run("campaign", "create", "autumn")
    run("list", "import", a_file(site, f"phone,person\n{ANNS},ann\n{BOBS},bob\n"), "--campaign", "autumn")
    target = tmp_path / "complaint.zip"
    run("explain", "lead", ANNS, "--bundle", str(target))
    with zipfile.ZipFile(target) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
        made = [one["attempt_id"] for one in json.loads(archive.read("decisions.json"))]
        assert "recordings/call-ann.json" in archive.namelist()
    assert made == ["call-ann", "refused-ann"]
    assert ANNS.encode() in whole
    assert BOBS.encode() not in whole
    assert b"call-bob" not in whole
    run("compliance", "bundle", "check", str(target), "--key", str(site / "secrets" / PUBLIC_FILE))


def test_a_bundle_proves_the_recording_and_holds_its_sound_only_when_asked(
    run: Run, site: Path, bundle: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.zip"
    run("compliance", "replay", "call-ann", "--bundle", str(whole), "--audio")
    with zipfile.ZipFile(bundle) as without, zipfile.ZipFile(whole) as archive:
        manifest = json.loads(archive.read("recordings/call-ann.json"))
        assert (manifest["disclosure"], manifest["audio_file"]) == ("proven", "call-ann.flac")
        assert hashlib.sha256(archive.read("recordings/call-ann.flac")).hexdigest() == manifest["audio_sha256"]
        assert json.loads(without.read("recordings/call-ann.json")) == manifest | {"audio_file": None, "audio_sha256": None}
        assert "recordings/call-ann.flac" not in without.namelist()
    (taken,) = told(run("audit", "list", "--json"))
    assert (taken["action"], taken["call_id"], taken["facts"]["to"]) == ("export", "call-ann", "whole.zip")
    run("compliance", "bundle", "check", str(whole), "--key", str(site / "secrets" / PUBLIC_FILE))


def test_a_recording_that_was_altered_leaves_the_house_in_no_bundle(run: Run, site: Path, tmp_path: Path) -> None:
    (audio,) = (site / "archive").rglob("call-ann.flac.sealed")
    audio.write_bytes(audio.read_bytes()[:-2] + b"\x01\x01")
    done = run("explain", "call", "call-ann", "--bundle", str(tmp_path / "a.zip"), "--audio", expect=3)
    assert "is not what was archived" in done.stderr
    assert not (tmp_path / "a.zip").exists()


def test_a_bundle_that_was_changed_is_refused_and_the_file_is_named(bundle: Path, tmp_path: Path, run: Run) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(bundle) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content.replace(b"unanswered", b"not_rung__") if name == "ledger.jsonl" else content)
    done = run("compliance", "bundle", "check", str(changed), expect=3)
    assert "ledger.jsonl: was altered" in done.output
    assert "does NOT prove what it says" in done.output


def test_the_bundle_of_another_site_is_not_of_the_key_that_was_expected(bundle: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "secrets").mkdir(mode=0o700)
    evidence_key(tmp_path / "secrets")
    done = run("compliance", "bundle", "check", str(bundle), "--key", str(tmp_path / "secrets" / PUBLIC_FILE), expect=3)
    assert "manifest.pub: is not the key that was expected" in done.output


def test_a_bundle_never_replaces_a_file(run: Run, bundle: Path) -> None:
    before = bundle.read_bytes()
    done = run("explain", "call", "call-ann", "--bundle", str(bundle), expect=2)
    assert "exists already, nothing was written" in done.stderr
    assert bundle.read_bytes() == before
    assert [path.name for path in bundle.parent.iterdir() if path.name.endswith(".part")] == []


def test_what_a_killed_command_left_beside_the_bundle_is_in_nobodys_way(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".ann.zip.part").write_bytes(b"half of it")
    run("explain", "call", "call-ann", "--bundle", str(tmp_path / "ann.zip"))
    run("compliance", "bundle", "check", str(tmp_path / "ann.zip"))
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_evidence_that_does_not_hold_is_written_and_said_not_to(run: Run, site: Path, tmp_path: Path) -> None:
    altered(site, "update ledger set kind = ? where kind = 'unanswered' and person = 'ann'", "not_rung")
    done = run("explain", "call", "call-ann", "--bundle", str(tmp_path / "bad.zip"), expect=3)
    assert "is not in the ledger that ends in" in done.output
    assert (tmp_path / "bad.zip").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"words"])
def test_what_is_no_bundle_is_told_in_one_line(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.zip").write_bytes(content)
    done = run("compliance", "bundle", "check", str(tmp_path / "no.zip"), expect=2)
    assert "not a ZIP file that can be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_key_that_is_none_is_told(run: Run, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("words")
    assert (
        "not a public key in PEM"
        in run("compliance", "bundle", "check", str(bundle), "--key", str(tmp_path / "key"), expect=2).stderr
    )


# --- explained --------------------------------------------------------------------------------------------------------


def test_a_call_is_explained_with_the_packs_and_rows_that_decided(run: Run) -> None:
    story = told(run("explain", "call", "refused-ann", "--json"))
    (one,) = story["decisions"]
    assert one["verdict"] == "refuse"
    assert [(row["kind"], row["person"]) for row in one["used"]] == [
        ("attempt", "ann"),
        ("unanswered", "ann"),
        ("suppressed", "ann"),
    ]
    assert all(len(pack["sha256"]) == 64 and pack["levels"] for pack in one["packs"])
    assert all(reason["source"] in {"primary", "secondary", "memory"} for reason in one["reasons"])
    assert [moment["what"] for moment in story["timeline"]] == ["refuse"]
    assert "call refused-ann: refused, never placed" in run("explain", "call", "refused-ann").output
    assert "call call-ann: permitted, but no call of the floor" in run("explain", "call", "call-ann").output


def test_a_decision_tells_when_again_on_the_callees_clock_and_in_utc(run: Run, site: Path) -> None:
    with bootstrap.opened(site, ManualClock(NOON + timedelta(hours=12))) as parts:
        assert isinstance(parts.ledger.permit(a_call("night-bob", "bob", BOBS)), Refusal)
    output = " ".join(run("explain", "call", "night-bob").output.split())
    (one,) = told(run("explain", "call", "night-bob", "--json"))["decisions"]
    again = datetime.fromisoformat(one["until"])
    assert f"again: {again - timedelta(hours=4):%Y-%m-%d %H:%M:%S} America/New_York; {again:%Y-%m-%d %H:%M:%S}Z" in output
    assert "decided again: comes out the same" in output


def test_a_call_that_nobody_knows_is_told(run: Run) -> None:
    assert "there is no call 'nothing'" in run("explain", "call", "nothing", expect=2).stderr


def test_a_campaign_tells_by_which_rules_its_leads_rest(run: Run, site: Path) -> None:
    run("campaign", "create", "autumn")
    rows = "phone,person\n+12125550102,cyd\n+12125550103,dan\n+12125550104,eve\n+12125550105,fay\n"
    run("list", "import", a_file(site, rows), "--campaign", "autumn")
    rests = [
        ("refused", "2026-06-15 16:00:00.000000", "house.dnc: listed; house.hours: closed", "cyd"),
        ("refused", "2026-06-15 16:00:00.000000", "house.dnc: listed", "dan"),
        ("ready", "2999-01-01 08:00:00.000000", "house.hours: closed", "eve"),
    ]
    for state, next_at, reason, person in rests:
        altered(site, "update lead set state = ?, next_at = ?, reason = ? where person = ?", state, next_at, reason, person)
    story = told(run("explain", "campaign", "autumn", "--json"))
    held = {one["because"]: (one["leads"], one["need_facts"], one["first_at"]) for one in story["resting"]}
    assert held == {"house.dnc": (2, 2, None), "house.hours": (2, 1, "2999-01-01T08:00:00+00:00")}
    assert sum(story["leads"].values()) == 4
    assert "house.dnc" in run("explain", "campaign", "autumn").output
