"""A floor that is killed while a recording is paused: the pause is found again, ends in time, and is told by the recording."""

import json
from pathlib import Path
from typing import Any

import pytest

from sip.carrier import Behaviour
from tests.floor_site import FloorSite, a_campaign, floor_site, kill, rows, wait_until

pytestmark = pytest.mark.asterisk

LIMIT_S = 12


def one(site: FloorSite, query: str) -> tuple[Any, ...] | None:
    """The first row of a query on the site's database."""
    return next(iter(rows(site, query)), None)


def test_a_pause_outlives_the_death_of_the_floor_and_not_its_limit(tmp_path: Path) -> None:
    with floor_site(tmp_path / "site", "101") as site:
        a_campaign(site, [Behaviour.TALKS], "--pause-seconds", str(LIMIT_S))
        floor = site.start_floor()
        try:
            with site.robots("101", talk_s=(300.0, 301.0)):
                wait_until(lambda: one(site, "select 1 from attempt where state = 'bridged'") is not None, "they talk")
                (call,) = one(site, "select call_id from attempt") or ("",)
                site.command("recording", "pause", str(call), "--why", "card")
                wait_until(lambda: one(site, "select paused from attempt") == (1,), "the recording is paused")
                kill(floor)
                floor = site.start_floor()
                wait_until(lambda: one(site, "select paused from attempt") == (0,), "the pause ends by itself")
                assert one(site, "select kind from alert where kind = 'pause_ran_out'") is not None
            wait_until(lambda: one(site, "select 1 from recording") is not None, "the recording is archived")
        finally:
            kill(floor)
        pauses, paused_ms, duration_ms, capture = one(
            site, "select pauses_json, paused_ms, duration_ms, capture from recording"
        ) or ("[]", 0, 0, "")
        (pause,) = json.loads(str(pauses))
        assert pause[2].startswith("card")
        assert LIMIT_S * 1000 - 1000 <= int(str(paused_ms)) < int(str(duration_ms))
        assert capture == "after_consent"
