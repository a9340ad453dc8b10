"""Real calls through a real Asterisk: the floor as its own process, agents on SIP phones, a carrier that behaves."""

import json
import os
import signal
import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import text

from compliance.verdict import Candidate, Clearance
from config.database import open_database, reading
from config.load import load_site
from dialer import bootstrap
from sip.carrier import COUNTRIES, Behaviour, number_for
from tests.floor_site import RINGFENCE, FloorSite, deaf_phone, family, floor_site, kill, wait_until

pytestmark = pytest.mark.asterisk


def open_country(site: FloorSite) -> str:
    """A country where people may be rung now; the gate decides, as everywhere."""
    with bootstrap.opened(site.directory) as parts:
        for country in COUNTRIES:
            verdict = parts.ledger.preview(Candidate("x", "x", number_for(Behaviour.TALKS, 0, country), "c", "s", "s"))
            if isinstance(verdict, Clearance):
                return country
    raise AssertionError("the countries of the lab's carrier leave no hour of the day uncovered")


def a_campaign(site: FloorSite, behaviours: list[Behaviour], *, max_attempts: int = 1) -> list[str]:
    """A running campaign of one lead for each behaviour, through the commands people use; the numbers, in order."""
    country = open_country(site)
    counts: Counter[Behaviour] = Counter()
    numbers = []
    for behaviour in behaviours:
        numbers.append(number_for(behaviour, counts[behaviour], country))
        counts[behaviour] += 1
    leads = site.directory / "leads.csv"
    leads.write_text("phone\n" + "".join(f"{number}\n" for number in numbers))
    site.command("campaign", "create", "spring", "--max-attempts", str(max_attempts), "--ring-seconds", "15")
    assert site.command("list", "import", str(leads), "--campaign", "spring")["added"] == len(numbers)
    site.command("campaign", "start", "spring")
    return numbers


def rows(site: FloorSite, query: str) -> list[Any]:
    database = open_database(f"sqlite:///{site.directory / 'ringfence.db'}")
    try:
        with reading(database) as connection:
            return list(connection.execute(text(query)).all())
    finally:
        database.dispose()


def test_a_floor_killed_in_the_middle_of_a_campaign_is_taken_over(tmp_path: Path) -> None:
    behaviours = [
        Behaviour.HANGS_UP_AFTER_15S,
        Behaviour.HANGS_UP_AFTER_15S,
        Behaviour.RINGS_OUT,
        Behaviour.TALKS,
        Behaviour.TALKS,
        Behaviour.BUSY,
    ]
    with floor_site(tmp_path / "site", "101", "102", "103") as site, site.robots("101", "102", "103", talk_s=(20.0, 20.0)):
        numbers = a_campaign(site, behaviours)
        floor = site.start_floor()
        try:
            ringing = "select 1 from attempt where state in ('dialing','ringing')"
            bridged = "select call_id from attempt where state = 'bridged'"
            wait_until(lambda: len(rows(site, bridged)) == 2 and bool(rows(site, ringing)), "two customers talk, one rings", 60)
        finally:
            kill(floor)
        talking = {call_id for (call_id,) in rows(site, bridged)}
        before = {call_id for (call_id,) in rows(site, "select call_id from attempt where disposition is null")}
        again = site.start_floor("--once")
        try:
            assert again.wait(110) == 0, site.log()
        finally:
            if again.poll() is None:
                kill(again)
        attempts = rows(
            site, "select call_id, number, disposition, bridged_at, ended_at from attempt where disposition != 'void'"
        )
        assert sorted(number for _, number, *_ in attempts) == sorted(numbers), "each number once, none twice, none forgotten"
        by_id = {call_id: (disposition, bridged_at, ended_at) for call_id, _, disposition, bridged_at, ended_at in attempts}
        assert before <= by_id.keys()
        assert site.placed_by_pbx() <= by_id.keys(), "the PBX rang somebody we have no attempt of"
        for call_id in talking:
            disposition, bridged_at, ended_at = by_id[call_id]
            assert disposition in {"sale", "callback", "not_interested", "wrong_number", "do_not_call"}, "adopted and judged"
            assert bridged_at < ended_at
        sent = rows(site, "select attempt_id, count(*) from ledger where kind = 'attempt' group by attempt_id")
        assert {call_id for call_id, _ in sent} == by_id.keys()
        assert all(count == 1 for _, count in sent)
        answered = {call_id for (call_id,) in rows(site, "select call_id from attempt where answered_at is not null")}
        recorded = {recording["call_id"] for recording in site.command("recording", "list")}
        assert recorded == answered
        assert site.command("recording", "verify") == []
        assert site.command("compliance", "verify")["faults"] == []


def test_the_demonstration_keeps_its_promises(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    argv = [*RINGFENCE, "demo", "--leads", "20", "--agents", "3", "--keep", str(site), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["placed"] + report["refused"] == report["leads"]
    assert report["placed"] > report["answered"] > report["bridged"] > 0
    assert {"house.hours", "house.internal_dnc", "house.gap"} <= report["refused_by_rule"].keys()
    assert report["recordings"] == report["recordings_verified"] == report["answered"]
    assert report["disclosure_verified"] == report["bridged"]
    assert report["abandoned"] == 0
    assert report["connect_p95_ms"] is not None
    assert report["workdir"] == str(site)
    left = list((site / "lab" / "spool").glob("*.wav"))
    assert left == [], "raw files are removed once archived"
    listed = json.loads(
        subprocess.run([*RINGFENCE, "recording", "list", "--json"], cwd=site, capture_output=True, check=True, timeout=60).stdout
    )
    assert len(listed) == report["recordings"]
    for recording in listed:
        if recording["disclosure"] != "proven":
            continue
        copy = tmp_path / f"{recording['call_id']}.wav"
        argv = [*RINGFENCE, "recording", "export", recording["call_id"], "--to", str(copy)]
        subprocess.run(argv, cwd=site, check=True, timeout=60)
        samples, rate = soundfile.read(copy)
        assert rate == 8000
        assert samples.shape[1] == 2
        duration = (
            datetime.fromisoformat(recording["ended_at"]) - datetime.fromisoformat(recording["started_at"])
        ).total_seconds()
        assert abs(len(samples) / rate - duration) < 0.1
        prompt, _ = soundfile.read(site / "lab" / "prompts" / f"{recording['prompt']}.wav")
        agent_side, customer_side = samples[: 2 * len(prompt), 0], samples[: 2 * len(prompt), 1]
        assert likeness(agent_side, prompt) > 0.9, "the prompt is on the agent's side"
        assert likeness(customer_side, prompt) < 0.3, "and not on the customer's"


@pytest.mark.soak
def test_a_demonstration_that_runs_out_of_time_reports_what_it_did_and_fails(tmp_path: Path) -> None:
    argv = [*RINGFENCE, "demo", "--leads", "40", "--agents", "1", "--minutes", "1", "--keep", str(tmp_path / "demo"), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert report["finished"] is False
    assert 0 < report["placed"] < report["leads"] - report["refused"], "one agent cannot talk to them all in a minute"
    assert "raise --minutes" in done.stderr
    assert "did not finish" in done.stderr.splitlines()[-1]


def test_a_demonstration_that_is_interrupted_leaves_no_process_behind(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    argv = [*RINGFENCE, "demo", "--leads", "10", "--agents", "1", "--keep", str(site)]
    with (tmp_path / "said").open("wb") as said:
        demo = subprocess.Popen(argv, stdout=said, stderr=said)
    try:
        wait_until(lambda: "logging in" in (tmp_path / "said").read_text(errors="replace"), "agents are logging in")
        wait_until(lambda: len(family(demo.pid)) >= 3, "Asterisk, carrier and an agent run")
        children = family(demo.pid)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) != 0
    finally:
        if demo.poll() is None:
            kill(demo)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "all of them have ended", 20)


def likeness(samples: np.ndarray[Any, Any], prompt: np.ndarray[Any, Any]) -> float:
    """The highest normalised correlation of the prompt with the samples, by the definition and nothing of ours."""
    scores = np.correlate(samples, prompt, mode="valid")
    energy = np.convolve(samples**2, np.ones(len(prompt)), mode="valid")
    return float(np.max(scores / np.sqrt(np.maximum(energy, 1e-9) * np.sum(prompt**2))))


def test_an_agent_who_does_not_hear_the_line_check_is_never_offered_a_call(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site, deaf_phone(site.lab, "101"):
        a_campaign(site, [Behaviour.TALKS])
        floor = site.start_floor()
        try:
            failed = "select 1 from alert where kind = 'line_check_failed'"
            wait_until(lambda: rows(site, failed) != [], "the line check has failed")
            assert rows(site, "select 1 from lead where state = 'ready'") != [], "there was somebody to be rung"
        finally:
            floor.send_signal(signal.SIGTERM)
            assert floor.wait(20) == 0, site.log()
        assert rows(site, "select 1 from attempt") == []


def test_a_conversation_cut_off_by_a_crash_of_asterisk_is_archived_from_its_broken_files(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site, site.robots("101", talk_s=(60.0, 60.0)):
        a_campaign(site, [Behaviour.TALKS])
        floor = site.start_floor()
        try:
            bridged = "select 1 from attempt where state = 'bridged'"
            wait_until(lambda: rows(site, bridged) != [], "the customer talks to the agent", 60)
            raw = next(site.lab.spool.glob("*-customer.wav"))
            wait_until(lambda: raw.stat().st_size > 5 * 16_000, "five seconds of conversation are on disk")
            lab = bootstrap.lab_of(load_site(site.directory))
            os.kill(lab.status().parts["asterisk"], signal.SIGKILL)
            wait_until(lambda: "asterisk" not in lab.status().parts, "Asterisk is dead")
            lab.up(("101",))
            wait_until(lambda: rows(site, "select 1 from recording") != [], "the recording is archived")
        finally:
            floor.send_signal(signal.SIGTERM)
            assert floor.wait(30) == 0, site.log()
        ((disposition, ended_by),) = rows(site, "select disposition, ended_by from attempt")
        assert ended_by == "unknown"
        assert disposition == "not_given"
        (recording,) = site.command("recording", "list")
        assert "header_repaired" in recording["flags"]
        site.command("recording", "export", recording["call_id"], "--to", str(tmp_path / "copy.wav"))
        samples, rate = soundfile.read(tmp_path / "copy.wav")
        assert len(samples) / rate > 4
        assert recording["disclosure"] == "proven"
        assert site.command("recording", "verify") == []


def test_a_pbx_that_refuses_the_login_is_told_with_what_to_mend(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site:
        site.lab.ami_secret_file.write_text("not-the-secret-of-this-pbx\n")
        findings = {finding["what"]: finding for finding in site.command("doctor", expect=4)}
        assert not findings["PBX"]["ok"]
        assert "refuse" in findings["PBX"]["text"]
        assert "not-the-secret" not in findings["PBX"]["text"]
