"""What people and scripts are told of abandoned calls, and that a stopped campaign is started only behind a review."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from compliance.rows import append
from config.clock import SystemClock
from config.database import open_database, sqlite_url, writing
from dialer import store
from tests.abandonment_rules import events_of
from tests.cli_site import Run, obeying, told

SELLER = "Ringfence demo"  # of the settings a site is made with


def change(site: Path, what: Callable[[Connection, datetime], None]) -> None:
    database = open_database(sqlite_url(site / "ringfence.db"))
    with writing(database) as connection:
        what(connection, SystemClock().now())
    database.dispose()


def calls(site: Path, count: int, lost: int) -> None:
    def write(connection: Connection, now: datetime) -> None:
        for index in range(count):
            at = now - timedelta(minutes=30) + timedelta(seconds=index)
            append(connection, events_of(f"a{index}", at, message=index < lost, seller=SELLER), now)

    change(site, write)


def halted(site: Path) -> None:
    def halt(connection: Connection, now: datetime) -> None:
        campaign = store.campaign_named(connection, "spring")
        store.halt_campaign(connection, campaign.campaign_id, "4 of 100 live answers abandoned", now)

    change(site, halt)


def test_a_site_without_a_campaign_says_how_to_make_one(run: Run) -> None:
    assert "campaign create" in run("compliance", "abandonment").stdout
    assert told(run("compliance", "abandonment", "--json")) == []
    assert "no campaign is called 'spring'" in run("compliance", "abandonment", "spring", expect=2).stderr


def test_the_figures_of_each_rule_for_scripts(run: Run, site: Path) -> None:
    obeying(site, "house", "us-federal-telemarketing")
    run("campaign", "create", "spring")
    run("campaign", "create", "autumn")
    calls(site, 200, 2)
    both = told(run("compliance", "abandonment", "--json"))
    assert [(one["campaign"], one["state"]) for one in both] == [("spring", "stopped"), ("autumn", "stopped")]
    found = {one["rule"]: one for one in both[0]["budgets"]}
    assert found.keys() == {"house.abandon", "us.abandon"}
    house = found["house.abandon"]
    assert (house["abandoned"], house["answered"], house["headroom"], house["state"]) == (2, 200, 4, "ok")
    assert (house["limit"], house["rate"], house["level"], house["per"]) == (0.03, 0.01, "house", ["seller", "campaign"])
    assert datetime.fromisoformat(house["ends"]) - datetime.fromisoformat(house["begins"]) == timedelta(days=1)
    assert found["us.abandon"]["period"] == "successive:30d@campaign_start"
    assert [one["answered"] for one in both[1]["budgets"]] == [0, 0]
    assert [one["campaign"] for one in told(run("compliance", "abandonment", "spring", "--json"))] == ["spring"]
    shown = told(run("campaign", "show", "spring", "--json"))
    assert {one["rule"]: one["abandoned"] for one in shown["budgets"]} == {"house.abandon": 2, "us.abandon": 2}


@pytest.mark.parametrize(
    ("count", "lost", "bar", "more", "state"),
    [
        (200, 0, "░░░░░░░░░░", "6", "ok"),
        (200, 3, "█████░░░░░", "3", "ok"),
        (200, 6, "██████████", "0", "near"),
        (200, 9, "██████████", "0", "over"),
    ],
)
def test_people_see_a_bar_that_is_full_at_the_limit(
    run: Run, site: Path, count: int, lost: int, bar: str, more: str, state: str
) -> None:
    run("campaign", "create", "spring")
    calls(site, count, lost)
    for shown in (run("campaign", "show", "spring").stdout, run("compliance", "abandonment", "spring").stdout):
        (row,) = [line for line in shown.splitlines() if "house.abandon" in line]
        cells = [cell.strip() for cell in row.split("│")[1:-1]]
        assert cells[4:] == [f"{lost} of {count}", f"{100 * lost / count:.2f} %", "3 %", bar, more, state]


def test_a_site_whose_packs_count_nothing_says_so(run: Run, site: Path) -> None:
    (site / "mine.toml").write_text(
        (Path(store.__file__).parents[2] / "config/packs/house.toml")
        .read_text(encoding="utf-8")
        .split('[[rule]]\nid = "house.abandon"')[0],
        encoding="utf-8",
    )
    obeying(site, "mine.toml")
    run("campaign", "create", "spring")
    assert "no rule in force counts abandoned calls" in run("compliance", "abandonment").stdout


def test_a_stopped_campaign_is_started_only_behind_a_review(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    run("campaign", "start", "spring")
    run("campaign", "review", "spring", "--by", "Eve", "--note", "all is well", expect=2)
    halted(site)
    shown = run("campaign", "show", "spring").stdout
    assert "halted" in shown
    assert "4 of 100 live answers abandoned" in shown
    refused = run("campaign", "start", "spring", expect=3)
    (line,) = refused.stderr.splitlines()
    assert "4 of 100 live answers abandoned" in line
    assert "ringfence campaign review spring --by WHO" in line
    run("campaign", "pause", "spring")
    run("campaign", "start", "spring", expect=3)
    run("campaign", "review", "spring", "--by", "Eve", expect=2)
    run("campaign", "review", "spring", "--by", " ", "--note", "x", expect=2)
    assert told(run("campaign", "list", "--json"))[0]["state"] == "paused"
    done = run("campaign", "review", "spring", "--by", "Eve", "--note", "one agent had no line", "--json")
    reviewed = told(done)
    assert (reviewed["state"], reviewed["by"], reviewed["note"]) == ("stopped", "Eve", "one agent had no line")
    started = told(run("campaign", "start", "spring", "--json"))
    assert (started["state"], started["warnings"]) == ("running", [])
    shown = run("campaign", "show", "spring").stdout
    assert "Eve" in shown
    assert "one agent had no line" in shown
    again = run("campaign", "review", "spring", "--by", "Eve", "--note", "again", expect=2)
    assert "was not stopped by a rule since it was last reviewed" in again.stderr


def test_starting_warns_of_rules_by_which_an_agent_behind_a_disclosure_comes_too_late(run: Run, site: Path) -> None:
    obeying(site, "house", "us-federal-telemarketing")
    run("campaign", "create", "spring")
    run("campaign", "create", "help", "--purpose", "service")
    warned = run("campaign", "start", "spring")
    (line,) = warned.stderr.splitlines()
    assert line.startswith("warning: us.abandon (16 CFR 310.4(b)(4)(i)")
    assert "2 s after the greeting end" in line
    assert "disclosure-en" in line
    assert len(told(run("campaign", "start", "spring", "--json"))["warnings"]) == 1
    assert run("campaign", "start", "help").stderr == ""


def test_a_campaign_that_never_was_is_neither_started_nor_reviewed(run: Run) -> None:
    assert "no campaign is called 'spring'" in run("campaign", "start", "spring", expect=2).stderr
    asked = run("campaign", "review", "spring", "--by", "Eve", "--note", "x", expect=2)
    assert "no campaign is called 'spring'" in asked.stderr
