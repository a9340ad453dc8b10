"""Who may not be called, as it is typed: blocks of our own, copies of others' lists, and what rests without them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.verdict import Clearance
from tests.cli_site import Run, a_file, obeying, told, words
from tests.pack_texts import pack_text, rule_text
from tests.people_site import ANN, BOB, asked, days_ago, now, reasons, rest

# --- the story -------------------------------------------------------------------------------------------------------


def test_a_list_too_old_stops_calls_until_a_new_copy_and_a_consent_taken_back_stops_them_at_once(run: Run, site: Path) -> None:
    obeying(site, "house", "us-federal-telemarketing")
    by_hand: dict[str, Any] = {"technology": "manual"}
    national = ("dnc", "import", a_file(site, "2125550100\n212,5550101\n", "dnc.txt"), "--plain", "--list", "us.national_dnc")

    assert "nothing is known" in reasons(asked(site, **by_hand))["us.ndnc"]
    run(*national, "--as-of", days_ago(32))
    stale = reasons(asked(site, **by_hand))
    assert list(stale) == ["us.ndnc"], stale
    assert "us.national_dnc is 3" in stale["us.ndnc"], "the name of the list and its age"
    assert "days old, at most 31 are permitted" in stale["us.ndnc"]
    shown = run("dnc", "lists", expect=3).stdout
    assert "us.national_dnc" in shown
    assert "too old: 32 days, at most 31" in shown

    run(*national, "--as-of", days_ago(0.1))
    assert isinstance(asked(site, **by_hand), Clearance)
    run("dnc", "lists")
    assert list(reasons(asked(site, "c-2", "+12125550101", **by_hand))) == ["us.ndnc"], "who is on the list is not rung"

    by_machine: dict[str, Any] = {"technology": "atds"}
    assert list(reasons(asked(site, **by_machine))) == ["us.robocall_consent"]
    run("consent", "add", "--person", "c-1", "--number", ANN, "--level", "written", "--scope", "voice")
    assert isinstance(asked(site, **by_machine), Clearance)
    taken_back = told(run("consent", "withdraw", "c-1", "--json"))
    assert [one["level"] for one in taken_back["withdrawn"]] == ["written"]
    assert reasons(asked(site, **by_machine))["us.robocall_consent"].endswith("it was withdrawn")
    assert words(site)[-1] == "suppressions_changed"


# --- blocks and lists of our own -------------------------------------------------------------------------------------


def test_a_block_for_a_while_ends_by_itself_and_says_when(run: Run, site: Path) -> None:
    before = now()
    done = told(run("dnc", "add", ANN, "--days", "3", "--json"))
    assert before + timedelta(days=3) <= datetime.fromisoformat(done["entry"]["until"]) <= now() + timedelta(days=3)
    assert "house.internal_dnc" in reasons(asked(site))
    assert isinstance(asked(site, later=timedelta(days=3)), Clearance)
    assert "until" in run("dnc", "check", ANN, expect=3).stdout


def test_an_entry_for_one_campaign_or_seller_binds_that_one_alone(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    run("dnc", "add", ANN, "--campaign", "spring")
    run("dnc", "add", BOB, "--seller", "another seller")
    assert "house.internal_dnc" in reasons(asked(site))
    assert isinstance(asked(site, campaign="autumn"), Clearance)
    assert isinstance(asked(site, "c-2", BOB), Clearance)
    run("dnc", "check", ANN, "--campaign", "autumn")
    run("dnc", "check", ANN, "--campaign", "spring", expect=3)
    run("dnc", "check", ANN, expect=3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--campaign", "sprung"), "'sprung'"),
        (("--until", "2020-01-01"), "is over already"),
        (("--until", "2099-01-01", "--days", "1"), "not both"),
        (("--until", "tomorrow"), "is not a time"),
        (("--until", "2099-01-01 10:00"), "offset from UTC"),
        (("--days", "0"), "--days"),
    ],
)
def test_a_block_that_would_not_hold_is_refused(run: Run, options: tuple[str, ...], says: str) -> None:
    assert says in run("dnc", "add", ANN, *options, expect=2).stderr
    run("dnc", "check", ANN)


@pytest.mark.parametrize("obeyed", [False, True])
def test_somebody_who_sues_over_calls_is_not_rung_whether_rules_have_a_list_of_them_or_not(
    run: Run, site: Path, obeyed: bool
) -> None:
    if not obeyed:
        (site / "plain.toml").write_text(of_list("internal"))
        obeying(site, "plain.toml")
    entry = told(run("dnc", "add", ANN, "--litigator", "--reason", "sued in May", "--json"))["entry"]
    assert entry["scope"] == ("litigators" if obeyed else "internal")
    assert list(reasons(asked(site))) == ["house.litigators" if obeyed else "ours.list"]
    assert "sued in May" in run("dnc", "check", ANN, expect=3).stdout


def test_a_file_of_bare_numbers_goes_onto_our_own_list_narrowed_down_as_it_is_said(run: Run, site: Path) -> None:
    file = a_file(site, f"{ANN}\n\n2125550198\nrubbish\n", "plain.txt")
    done = told(run("dnc", "import", file, "--plain", "--days", "7", "--json"))
    assert (done["added"], done["known"]) == (2, 0)
    assert [(one["line"], one["column"]) for one in done["errors"]] == [(4, "number")]
    assert told(run("dnc", "check", "+12125550198", "--json", expect=3))["entry"]["until"] is not None
    assert told(run("dnc", "import", file, "--plain", "--json"))["added"] == 2, "for ever is longer than for a week"


def test_a_number_or_a_person_can_be_asked_about(run: Run) -> None:
    run("dnc", "add", "--person", "c-1")
    run("dnc", "check", ANN)
    run("dnc", "check", ANN, "--person", "c-1", expect=3)
    run("dnc", "check", "--person", "c-1", expect=3)
    run("dnc", "check", expect=2)


# --- lists of others -------------------------------------------------------------------------------------------------


def of_list(name: str, **more: Any) -> str:
    """A pack of ours whose only rule is of that list."""
    rule = rule_text("ours.list", "suppress", list=name, match=["number", "person"], exempt=[], **more)
    return pack_text(rule, name="ours")


def of_ours(site: Path) -> None:
    """The site obeys a list of its own making, at most five days old."""
    (site / "ours.toml").write_text(of_list("our.list", list_max_age_days=5))
    obeying(site, "house", "ours.toml")


def load(site: Path, content: str, *options: str, as_of: str = "") -> tuple[str, ...]:
    return ("dnc", "import", a_file(site, content, "list.txt"), "--list", "our.list", "--as-of", as_of or days_ago(1), *options)


def test_a_list_that_no_rule_asks_for_is_refused_with_those_that_rules_ask_for(run: Run, site: Path) -> None:
    of_ours(site)
    file = a_file(site, f"{ANN}\n")
    said = run("dnc", "import", file, "--plain", "--list", "us.national", "--as-of", days_ago(1), expect=2).stderr
    assert "no rule asks for such a list" in said
    assert "our.list" in said
    assert "us.national_dnc" in said, "also those of packs that are not in force yet"


def test_a_list_has_a_header_or_bare_numbers_and_every_number_of_it_counts(run: Run, site: Path) -> None:
    of_ours(site)
    done = told(run(*load(site, f"phone,phone2\n{ANN},2125550198\n{ANN},\n"), "--json"))
    assert done["list"]["rows"] == 2
    checked = told(run("dnc", "check", "2125550198", "--json", expect=3))
    assert [(one["list"]["name"], one["asked_for"]) for one in checked["lists"]] == [("our.list", True)]
    assert list(reasons(asked(site))) == ["ours.list"]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (f"{ANN}\nrubbish\n", ("--plain",), "--skip-bad"),
        (f"{ANN}\n" + "rubbish\n" * 30, ("--plain",), "20 lines cannot be read, and there may be more"),
        (f"{ANN}\n", ("--plain",), "1 numbers, less than half of the copy in force"),
        ("", ("--plain",), "less than half"),
        ("", ("--plain", "--shrunk"), "no number"),
        (f"{ANN}\n电话\n", ("--plain",), "line 2: not ASCII"),
        ("name\nAnn\n", (), "no phone column"),
        ("person,phone\nc-1,\n", (), "1 lines cannot be read"),
    ],
)
def test_a_file_that_is_no_whole_list_changes_nothing(
    run: Run, site: Path, content: str, options: tuple[str, ...], says: str
) -> None:
    of_ours(site)
    whole = "".join(f"212555{serial:04}\n" for serial in range(4))
    run(*load(site, whole, "--plain", as_of=days_ago(2)))
    assert says in run(*load(site, content, *options), expect=2).stderr
    (held,) = told(run("dnc", "lists", "--json"))["lists"]
    assert held["copy"]["rows"] == 4
    run("dnc", "check", "+12125550000", expect=3)


def test_what_cannot_be_read_and_what_shrank_is_loaded_when_somebody_says_that_it_is_right(run: Run, site: Path) -> None:
    of_ours(site)
    run(*load(site, "".join(f"212555{serial:04}\n" for serial in range(4)), "--plain", as_of=days_ago(2)))
    done = told(run(*load(site, f"{ANN}\nrubbish\n", "--plain", "--skip-bad", "--shrunk"), "--json"))
    assert (done["list"]["rows"], done["before"]["rows"], len(done["errors"])) == (1, 4, 1)
    run("dnc", "check", "+12125550000")


@pytest.mark.parametrize("as_of", [2, -1])
def test_a_copy_from_the_future_or_older_than_the_one_in_force_is_refused(run: Run, site: Path, as_of: float) -> None:
    of_ours(site)
    run(*load(site, f"{ANN}\n", "--plain"))
    run(*load(site, f"{BOB}\n", "--plain", as_of=days_ago(as_of)), expect=2)
    run("dnc", "check", ANN, expect=3)
    run("dnc", "check", BOB)


@pytest.mark.parametrize(
    "options",
    [
        ("--list", "our.list"),
        ("--as-of", "2026-01-01"),
        ("--skip-bad",),
        ("--list", "our.list", "--as-of", "2026-01-01", "--campaign", "spring"),
        ("--list", "our.list", "--as-of", "2026-01-01", "--days", "3"),
        ("--plain", "--map", "a=phone"),
        ("--plain", "--encoding", "utf-8"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, site: Path, options: tuple[str, ...]) -> None:
    of_ours(site)
    run("dnc", "import", a_file(site, f"phone\n{ANN}\n"), *options, expect=2)
    run("dnc", "check", ANN)


def test_leads_that_waited_for_a_list_are_asked_about_again_when_it_is_there(run: Run, site: Path) -> None:
    of_ours(site)
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, f"phone\n{ANN}\n{BOB}\n"), "--campaign", "spring")
    run("dnc", "add", BOB)
    rest(site, ANN, "ours.list: needs facts: list (nothing is known of the do-not-call list our.list)")
    rest(site, BOB, "house.internal_dnc: the number is on the internal do-not-call list: asked not to be called")
    run("campaign", "pause", "spring")
    done = told(run(*load(site, "2125550100\n", "--plain"), "--json"))
    assert done["paused_campaigns"] == ["spring"], "a person starts it again"
    assert done["leads_asked_again"] == 1, "the one that waited for the list, and not the one that is on ours"
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {"new": 1, "refused": 1}
    assert words(site)[-1] == "settings"
