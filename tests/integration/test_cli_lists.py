"""Lists as people import them, on a real site: nobody who is not to be called is lost, and no list stops the floor."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from dialer.cli.lists import BATCH
from tests.cli_site import Run, a_file, obeying, told, words

# --- do not call -----------------------------------------------------------------------------------------------------


def test_a_second_row_of_the_same_person_or_number_is_suppressed_too(run: Run, site: Path) -> None:
    rows = [
        "person,phone,phone2",
        "c-1,+12125550101,",
        "c-1,+12125550102,",
        "c-2,+12125550101,+12125550103",
        "c-3,12,+12125550104",
    ]
    done = told(run("dnc", "import", a_file(site, "\n".join(rows)), "--json"))
    assert (done["added"], done["known"]) == (4 + 3, 2), "four numbers and three people, one of each twice"
    assert [(error["line"], error["column"]) for error in done["errors"]] == [(5, "phone")]
    for number in ("+12125550101", "+12125550102", "+12125550103", "+12125550104"):
        run("dnc", "check", number, expect=3)


def test_a_suppressed_person_is_not_rung_on_a_number_that_is_not_listed(run: Run, site: Path) -> None:
    run("dnc", "import", a_file(site, "person,phone\nc-1,+12125550101\n"))
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, "person,phone\nc-1,+12125550199\n"), "--campaign", "spring")
    (story,) = told(run("explain", "lead", "c-1", "--json"))
    assert "house.internal_dnc" in [reason["rule"] for reason in story["gate_now"]["reasons"]]


def test_the_floor_is_told_once_of_a_whole_list_and_again_when_it_is_imported_again(run: Run, site: Path) -> None:
    text = "phone\n" + "".join(f"+1212{2_000_000 + serial}\n" for serial in range(600))
    for times in (1, 2):
        done = told(run("dnc", "import", a_file(site, text), "--json"))
        assert (done["added"], done["known"]) == ((600, 0) if times == 1 else (0, 600))
        assert words(site) == ["suppressions_changed"] * times, "a word that was lost with a process is said by the next import"


# --- leads -----------------------------------------------------------------------------------------------------------


def test_a_long_list_never_holds_the_write_lock_for_more_than_a_batch(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    text = "phone\n" + "".join(f"+1212{2_000_000 + serial}\n" for serial in range(2 * BATCH + 7))
    committed, waiting = [], [0]

    def seen(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO lead "):
            waiting[0] += len(parameters) if many else 1

    def done(_connection: Any) -> None:
        if waiting[0]:
            committed.append(waiting[0])
            waiting[0] = 0

    event.listen(Engine, "before_cursor_execute", seen)
    event.listen(Engine, "commit", done)
    try:
        run("list", "import", a_file(site, text), "--campaign", "spring")
    finally:
        event.remove(Engine, "before_cursor_execute", seen)
        event.remove(Engine, "commit", done)
    assert committed == [BATCH, BATCH, 7]
    assert words(site) == ["settings"] * 3
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {"new": 2 * BATCH + 7}


def test_errors_that_cannot_be_written_down_stop_the_import_before_it_begins(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    target = site / "nowhere" / "errors.txt"
    text = "phone\n+12125550101\n12\n"
    done = run("list", "import", a_file(site, text), "--campaign", "spring", "--errors", str(target), expect=2)
    assert str(target) in done.stderr
    assert "nothing was imported" in done.stderr
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {}
    run("list", "import", a_file(site, text), "--campaign", "spring", "--errors", str(site / "errors.txt"))
    assert (site / "errors.txt").read_text().startswith("list.csv: line 3, phone: ")


@pytest.mark.parametrize("command", [("list", "import", "--campaign", "spring"), ("dnc", "import")])
def test_an_encoding_that_was_guessed_or_named_is_said(run: Run, site: Path, command: tuple[str, ...]) -> None:
    run("campaign", "create", "spring")
    chinese, spanish = "phone,姓名\n+12125550101,王芳\n", "phone,name\n+12125550102,Jorge Muñoz\n"
    group, verb, *options = command
    assert "(read as gb18030)" in run(group, verb, a_file(site, chinese.encode("gb18030")), *options).stdout
    assert "--encoding" in run(group, verb, a_file(site, spanish.encode("cp1252")), *options, expect=2).stderr
    named = run(group, verb, a_file(site, spanish.encode("cp1252")), *options, "--encoding", "cp1252", "--json")
    assert told(named)["encoding"] == "cp1252"
    assert "read as" not in run(group, verb, a_file(site, spanish), *options).stdout


def test_a_region_is_two_letters(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    path = a_file(site, "phone\n020 7946 0958\n")
    run("list", "import", path, "--campaign", "spring", "--region", "Britain", expect=2)
    assert told(run("list", "import", path, "--campaign", "spring", "--region", "gb", "--json"))["added"] == 1


# --- where a person is, and whose debt it is --------------------------------------------------------------------------


def test_what_a_list_says_of_the_person_is_what_the_gate_is_asked_with(run: Run, site: Path) -> None:
    obeying(site, "house", "us-fl")
    run("campaign", "create", "spring")
    rows = ["person,phone,region,debt,creditor", "c-1,+12125550101,us-fl,L-77,First Bank", "c-2,+12125550102,,,"]
    text = "\n".join([*rows, "c-3,+12125550103,Florida,,"])
    done = told(run("list", "import", a_file(site, text), "--campaign", "spring", "--json"))
    assert [(error["line"], error["column"]) for error in done["errors"]] == [(4, "region")]
    stories = {person: told(run("explain", "lead", person, "--json"))[0] for person in ("c-1", "c-2")}
    assert [stories["c-1"]["lead"][key] for key in ("debt", "creditor", "region")] == ["L-77", "First Bank", "US-FL"]
    packs = {person: [pack["id"] for pack in story["gate_now"]["packs"]] for person, story in stories.items()}
    assert "us-fl" in packs["c-1"], "who lives in Florida is protected there, whatever the area code"
    assert "us-fl" not in packs["c-2"]
