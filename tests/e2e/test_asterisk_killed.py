"""The PBX dies in mid-call: what is left of the conversation is archived, and says that it is not whole."""

import os
import signal
from pathlib import Path

import pytest
import soundfile

from config.load import load_site
from dialer import bootstrap
from sip.carrier import Behaviour
from tests.floor_site import a_campaign, floor_site, rows, wait_until

pytestmark = pytest.mark.asterisk


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
