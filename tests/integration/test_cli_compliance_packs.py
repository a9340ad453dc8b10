"""`ringfence compliance packs` as people and scripts use it: what is in force at a site, what is shipped, and whom it reaches."""

from functools import partial
from pathlib import Path

import pytest

from compliance.pack_files import shipped_packs
from config.load import init_site
from tests.cli_site import Run, invoked, obeying, runs, told

FLORIDA = "+18502221234"


def a_pack(name: str, *, hours: str, purpose: str = "") -> str:
    applies = f'[pack.applies]\npurpose = ["{purpose}"]\n' if purpose else ""
    return (
        f'schema = 1\n[pack]\nid = "{name}"\nversion = "7"\njurisdiction = ["US", "CA"]\n{applies}'
        f'[[rule]]\nid = "{name}.hours"\nkind = "window"\ncite = "our manual, page 3"\nlevel = "local"\nsource = "memory"\n'
        f'clock = "callee"\nunknown_tz = "intersect"\nschedule = [{{ on = ["*"], allow = ["{hours}"] }}]\n'
        f'[[rule]]\nid = "{name}.day"\nkind = "cap"\ncite = "our manual, page 4"\nlevel = "house"\nsource = "primary"\n'
        'max = 2\nevent = "attempt"\nkey = ["person"]\nperiod = "rolling:24h"\neffective_from = 2099-01-01\n'
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with two packs of its own: `early` and, once it is put in force, `late`, whose hours are others."""
    directory = init_site(tmp_path / "site").directory
    (directory / "early.toml").write_text(a_pack("early", hours="09:00-12:00", purpose="sales"), "utf-8")
    (directory / "late.toml").write_text(a_pack("late", hours="12:00-18:00"), "utf-8")
    obeying(directory, "house", "./early.toml")
    return directory


@pytest.fixture
def run(site: Path) -> Run:
    return partial(runs, site, "compliance", "packs")


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in a directory that is no site."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return partial(invoked, "compliance", "packs")


def test_a_site_tells_its_own_packs_and_no_others(run: Run) -> None:
    found = told(run("--json"))
    assert [pack["id"] for pack in found["packs"]] == found["in_force_here"] == ["house", "early"]
    early = found["packs"][1]
    assert (early["version"], early["jurisdiction"]) == ("7", ["US", "CA"])
    assert early["applies"] == [{"dimension": "purpose", "values": ["sales"]}]
    assert (early["rules"], early["hold_now"]) == (2, 1)
    assert early["kinds"] == {"cap": 1, "window": 1}
    assert early["levels"] == {"house": 1, "local": 1}
    assert early["sources"] == {"memory": 1, "primary": 1}
    assert len(early["sha256"]) == 64
    assert found["contradictions"] == []


def test_outside_of_a_site_what_is_shipped_is_told(outside: Run) -> None:
    found = told(outside("--json"))
    assert [pack["id"] for pack in found["packs"]] == list(shipped_packs())
    assert found["in_force_here"] is None
    assert "rule packs that come with Ringfence" in outside().stdout


def test_a_site_is_told_what_is_shipped_when_it_asks_for_all(run: Run) -> None:
    found = told(run("--all", "--json"))
    assert [pack["id"] for pack in found["packs"]] == list(shipped_packs())
    assert found["in_force_here"] == ["house", "early"]
    assert "in force here: house, early" in run("--all").stdout


def test_a_site_that_was_named_and_is_none_is_an_error(tmp_path: Path) -> None:
    result = runs(tmp_path, "compliance", "packs", expect=2)
    assert "is not a site" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_people_see_each_pack_in_a_row_and_how_to_see_more(run: Run) -> None:
    shown = run()
    (row,) = [line for line in shown.stdout.splitlines() if "early" in line and "│" in line]
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[:5] == ["early", "7", "US, CA", "purpose sales", "1 of 2"]
    assert cells[5:8] == ["1 cap, 1 window", "1 house, 1 local", "1 memory, 1 primary"]
    assert told(run("--json"))["packs"][1]["sha256"].startswith(cells[-1])
    assert "ringfence compliance packs --pack ID" in shown.stdout
    assert shown.stderr == ""


def test_rules_that_cannot_both_be_obeyed_are_warned_of_and_reported(run: Run, site: Path) -> None:
    obeying(site, "house", "./early.toml", "./late.toml")
    wanted = {"first": "early: early.hours", "second": "late: late.hours", "text": "their hours never meet"}
    shown = run()
    assert shown.stderr == "warning: early: early.hours and late: late.hours contradict each other: their hours never meet\n"
    assert told(run("--json"))["contradictions"] == [wanted]
    report = told(run("--contradictions", "--json"))
    assert report["contradictions"] == [wanted]
    assert [pack["id"] for pack in report["packs"]] == ["house", "early", "late"]
    assert "their hours never meet" in run("--contradictions").stdout


def test_the_shipped_packs_do_not_contradict_each_other(outside: Run) -> None:
    assert told(outside("--contradictions", "--json"))["contradictions"] == []
    assert "contradictions: none" in outside("--contradictions").stdout


@pytest.mark.parametrize("by_file", [False, True])
def test_one_pack_is_told_rule_by_rule_in_words(run: Run, site: Path, by_file: bool) -> None:
    which = str(site / "early.toml") if by_file else "early"
    found = told(run("--pack", which, "--json"))
    assert found["in_force_here"] is True
    hours, day = found["pack"]["rules"]
    assert hours["says"] == "every day 09:00–12:00; where the customer is"
    assert (hours["kind"], hours["level"], hours["source"], hours["cite"]) == ("window", "local", "memory", "our manual, page 3")
    assert (hours["holds"], hours["effective_from"], hours["effective_until"]) == ("now", None, None)
    assert (day["holds"], day["effective_from"]) == ("later", "2099-01-01")
    shown = run("--pack", which).stdout
    assert "in force here" in shown
    assert "not before 2099-01-01" in " ".join(shown.split())
    assert found["pack"]["sha256"] in shown


def test_a_shipped_pack_that_is_not_in_force_is_said_not_to_be(run: Run, outside: Run) -> None:
    assert told(run("--pack", "us-fl", "--json"))["in_force_here"] is False
    assert "NOT in force here" in run("--pack", "us-fl").stdout
    assert told(outside("--pack", "us-fl", "--json"))["in_force_here"] is None
    assert "in force here" not in outside("--pack", "us-fl").stdout


def test_a_rule_that_has_ended_is_told_with_its_last_day(outside: Run) -> None:
    found = told(outside("--pack", "fr", "--json"))["pack"]
    bloctel = next(rule for rule in found["rules"] if rule["id"] == "fr.bloctel")
    assert (found["id"], bloctel["holds"], bloctel["effective_until"]) == ("fr-prospection", "no_more", "2026-08-10")


def test_a_number_is_told_which_packs_govern_it_and_why(outside: Run) -> None:
    found = told(outside("--number", FLORIDA, "--json"))
    assert (found["number"], found["regions"]) == (FLORIDA, ["US-FL"])
    assert found["zones"] == ["America/Chicago", "America/New_York"]
    reached = {one["pack"]["id"]: one for one in found["packs"]}
    assert {"us-federal-telemarketing", "us-fl", "us-reg-f"} <= set(reached)
    assert "us-ny" not in reached
    assert reached["us-fl"]["places"] == ["US-FL"]
    assert reached["us-reg-f"]["applies"][0] == {"dimension": "purpose", "values": ["debt_collection"]}
    assert "fl.hours" in reached["us-fl"]["rules"]
    assert found["not_in_force_here"] is None
    shown = outside("--number", FLORIDA).stdout
    assert f"{FLORIDA} may be in US-FL" in shown
    assert "zones: America/Chicago, America/New_York" in shown


def test_a_site_is_warned_of_packs_for_a_place_that_are_not_obeying(run: Run) -> None:
    found = told(run("--number", FLORIDA, "--json"))
    assert [one["pack"]["id"] for one in found["packs"]] == ["house", "early"]
    assert {"us-federal-telemarketing", "us-fl"} <= set(found["not_in_force_here"])
    assert "NOT in force here: us-federal-telemarketing, us-fl" in run("--number", FLORIDA).stderr


def test_a_number_that_no_pack_reaches_is_said_not_to_be_called(run: Run, site: Path) -> None:
    obeying(site, "./early.toml")
    assert told(run("--number", "+33140205050", "--json"))["packs"] == []
    assert "none, so that no call is permitted" in " ".join(run("--number", "+33140205050").stdout.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pack", "nosuch"), "nosuch: no such rule pack"),
        (("--pack", "./gone.toml"), "gone.toml: cannot be read"),
        (("--number", "5550100"), "--number: no country code"),
        (("--number", "+1"), "--number: "),
        (("--pack", "house", "--number", FLORIDA), "not several"),
        (("--contradictions", "--pack", "house"), "not several"),
    ],
)
def test_bad_input_is_2_and_one_line(outside: Run, options: tuple[str, ...], said: str) -> None:
    result = outside(*options, expect=2)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
