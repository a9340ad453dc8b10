"""Real calls through a real Asterisk: the floor as its own process, agents on SIP phones, a carrier that behaves."""

import signal
from pathlib import Path

import pytest

from sip.carrier import Behaviour
from tests.floor_site import a_campaign, deaf_phone, floor_site, kill, rows, wait_until

pytestmark = pytest.mark.asterisk


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


def test_a_pbx_that_refuses_the_login_is_told_with_what_to_mend(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site:
        site.lab.ami_secret_file.write_text("not-the-secret-of-this-pbx\n")
        findings = {finding["what"]: finding for finding in site.command("doctor", expect=4)}
        assert not findings["PBX"]["ok"]
        assert "refuse" in findings["PBX"]["text"]
        assert "not-the-secret" not in findings["PBX"]["text"]
