"""`ringfence recording reconcile` as people and timers type it: exit codes, lines, JSON, and what is refused."""

import json
from datetime import timedelta
from pathlib import Path

from dialer import bootstrap
from tests.archived_calls import an_archived_call
from tests.cli_site import Run, told
from tests.recorder_audio import ANSWERED

CALL = "c0"
CDR = (
    '"","+12125550100","s","rf-abandon","","PJSIP/carrier-00000001","","Hangup","16",'
    '"2026-03-02 15:04:01","2026-03-02 15:04:05","2026-03-02 15:04:25",24,20,"ANSWERED","DOCUMENTATION","c1"\n'
)


def an_unplaced_recording(site: Path) -> None:
    with bootstrap.opened(site) as parts:
        an_archived_call(parts.database, parts.vault, CALL, b"audio" * 100, ANSWERED)


def test_a_new_site_has_nothing_to_find_and_says_that_no_cdrs_were_asked(run: Run) -> None:
    said = run("recording", "reconcile").stdout
    assert "0 calls: none" in said
    assert "CDRs were not asked" in said
    assert told(run("recording", "reconcile", "--json")) == []


def test_each_finding_is_a_line_and_the_exit_code_is_3(run: Run, site: Path) -> None:
    an_unplaced_recording(site)
    (line, *_) = run("recording", "reconcile", expect=3).stdout.splitlines()
    assert line == f"unknown_call: call {CALL} is recorded, and nobody here placed it"
    (finding,) = told(run("recording", "reconcile", "--json", expect=3))
    assert (finding["kind"], finding["call_id"]) == ("unknown_call", CALL)


def test_the_period_leaves_out_what_was_before_and_after(run: Run, site: Path) -> None:
    an_unplaced_recording(site)
    started = ANSWERED.isoformat()
    run("recording", "reconcile", "--since", started, expect=3)
    run("recording", "reconcile", "--until", started)
    run("recording", "reconcile", "--since", (ANSWERED + timedelta(seconds=1)).isoformat())
    assert "--since must be before" in run("recording", "reconcile", "--since", started, "--until", started, expect=2).stderr


def test_cdrs_are_read_from_the_file_given_or_from_the_one_of_the_settings(run: Run, site: Path) -> None:
    cdrs = site / "Master.csv"
    cdrs.write_text(CDR)
    (given,) = told(run("recording", "reconcile", "--cdr", str(cdrs), "--json", expect=3))
    assert (given["kind"], given["call_id"]) == ("unknown_call", "c1")
    settings = site / "ringfence.toml"
    settings.write_text(settings.read_text().replace("[pbx]", '[pbx]\ncdr = "Master.csv"', 1))
    assert told(run("recording", "reconcile", "--json", expect=3)) == [given]
    cdrs.unlink()
    assert "CDRs are not there" in run("recording", "reconcile", expect=4).stderr


def test_cdrs_that_do_not_name_their_legs_are_bad_input(run: Run, site: Path) -> None:
    (site / "old.csv").write_text(CDR.rpartition(",")[0] + "\n")
    assert "loguniqueid=yes" in run("recording", "reconcile", "--cdr", str(site / "old.csv"), expect=2).stderr
    run("recording", "reconcile", "--cdr", str(site / "none.csv"), expect=2)


def test_a_finding_is_told_as_an_alert_once_when_asked(run: Run, site: Path) -> None:
    an_unplaced_recording(site)
    run("recording", "reconcile", expect=3)
    assert json.loads(run("alerts", "--json").stdout) == []
    for _ in range(2):
        run("recording", "reconcile", "--alert", expect=3)
        (alert,) = json.loads(run("alerts", "--json").stdout)
        assert (alert["kind"], alert["call_id"]) == ("recording_gap", CALL)
