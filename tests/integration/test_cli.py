"""The commands as people type them, on a real site: what they print, where bad input is named, and the exit codes."""

import fcntl
import json
import os
import socket
import sqlite3
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.database import open_database, reading, writing
from dialer.cli.output import print_table
from recorder.plan import Alert, AlertKind
from recorder.store import alarm, alerts
from tests.cli_site import Run, a_file, invoked, runs, told
from tests.floor_site import RINGFENCE


def test_a_command_outside_a_site_says_how_to_make_one(tmp_path: Path) -> None:
    done = runs(tmp_path, "campaign", "list", expect=2)
    assert "ringfence init" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_command_works_on_the_site_it_is_typed_in(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("campaign", "create", "spring")
    monkeypatch.chdir(site)
    assert [one["name"] for one in told(invoked("campaign", "list", "--json"))] == ["spring"]


def test_a_site_is_not_made_twice(run: Run, site: Path) -> None:
    done = run("init", str(site), expect=2)
    assert "is a site already" in done.stderr


def test_a_misspelt_setting_is_named_with_what_was_meant(run: Run, site: Path) -> None:
    settings = site / "ringfence.toml"
    settings.write_text(settings.read_text() + "\n[pbxx]\nport = 1\n")
    done = run("campaign", "list", expect=2)
    assert "pbxx" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_good_rows_load_and_each_bad_row_is_told_with_its_line_and_reason(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    rows = ["phone,name,zone", "+12125550101,Ann,", "12,Bob,", f"+12125550102,{'x' * 1_000_000},", "+12125550101,Ann again,"]
    rows += ["+12125550103,Eve,Mars/Base", "+12125550104,Joe,America/New_York", "+12125550105,too,many,fields"]
    done = told(run("list", "import", a_file(site, "\n".join(rows)), "--campaign", "spring", "--json"))
    assert done["added"] == 2
    assert [(error["line"], error["column"]) for error in done["errors"]] == [
        (3, "phone"),
        (4, "name"),
        (5, "phone"),
        (6, "zone"),
        (8, "row"),
    ]
    assert "1000000 characters" in done["errors"][1]["reason"]
    again = told(run("list", "import", a_file(site, "\n".join(rows)), "--campaign", "spring", "--json"))
    assert (again["added"], again["known"]) == (0, 2), "importing a file twice changes nothing"
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {"new": 2}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"name,city\nAnn,Rome\n", "no phone column"),
        (b"phone,mobile\n1,2\n", "two columns"),
        ("phone\n+12125550101\n".encode("utf-16-le"), "NUL"),
        (b"phone\n\xff\xfe\xfd\xfc\x81\n", "--encoding"),
        (b"phone\nnot a number\n", "no row could be imported"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_clear_error_and_nothing_is_imported(
    run: Run, site: Path, content: bytes, says: str
) -> None:
    run("campaign", "create", "spring")
    done = run("list", "import", a_file(site, content), "--campaign", "spring", expect=2)
    assert says in done.stderr
    assert "list.csv" in done.stderr
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {}


def test_a_chinese_list_in_its_own_encoding_and_words_is_read(run: Run, site: Path) -> None:
    run("campaign", "create", "春季")
    text = "客户姓名;手机号;客户编号\n王芳;138 0000 0101;c-1\n"
    done = told(run("list", "import", a_file(site, text.encode("gb18030")), "--campaign", "春季", "--region", "CN", "--json"))
    assert (done["added"], done["errors"]) == (1, [])
    (found,) = told(run("explain", "lead", "c-1", "--json"))
    assert found["lead"]["numbers"] == ["+8613800000101"]
    assert found["lead"]["name"] == "王芳"


def test_an_unknown_campaign_is_answered_with_those_there_are(run: Run, site: Path) -> None:
    run("campaign", "create", "spring")
    done = run("campaign", "start", "sprung", expect=2)
    assert "'sprung'" in done.stderr
    assert "spring" in done.stderr
    run("campaign", "create", "spring", expect=2)


def test_the_do_not_call_list_is_asked_with_an_exit_code(run: Run, site: Path) -> None:
    run("dnc", "check", "+12125550101")
    run("dnc", "add", "212 555 0101")
    run("dnc", "check", "+12125550101", expect=3)
    imported = told(run("dnc", "import", a_file(site, "phone\n+12125550102\nrubbish\n"), "--json"))
    assert (imported["added"], len(imported["errors"])) == (1, 1)
    run("dnc", "check", "+12125550102", expect=3)
    assert "12" in run("dnc", "add", "12", expect=2).stderr
    run("dnc", "add", expect=2)


def test_a_suppressed_lead_is_explained_with_the_rule(run: Run, site: Path) -> None:
    run("dnc", "add", "--person", "c-1")
    report = run("explain", "lead", "nobody", expect=2)
    assert "'nobody'" in report.stderr


def test_the_doctor_names_the_pbx_that_does_not_answer(run: Run, site: Path) -> None:
    unreachable(site)
    port = site.joinpath("ringfence.toml").read_text().partition("\nport = ")[2].partition("\n")[0]
    done = run("doctor", "--json", expect=4)
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert not findings["PBX"]["ok"]
    assert port in findings["PBX"]["text"]
    assert findings["database"]["ok"]
    assert findings["archive"]["ok"]
    assert "a-secret-of-the-site" not in done.output


def test_a_secret_that_others_can_read_is_refused(run: Run, site: Path) -> None:
    secret = site / "secrets" / "ami"
    secret.write_text("a-secret-of-the-site\n")
    secret.chmod(0o644)
    done = run("run", expect=2)
    assert "chmod 600" in done.stderr
    assert "a-secret-of-the-site" not in done.output


def unreachable(site: Path) -> None:
    """Gives the site a secret and a PBX that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = site / "secrets" / "ami"
    secret.write_text("a-secret-of-the-site\n")
    secret.chmod(0o600)
    settings = site / "ringfence.toml"
    settings.write_text(settings.read_text().replace("#port = 5038", f"port = {port}"))


def test_a_second_floor_on_one_site_is_refused(run: Run, site: Path) -> None:
    unreachable(site)
    with (site / "ringfence.db.run").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("run", expect=4)
    assert "another `ringfence run`" in done.stderr


def test_a_lab_that_is_not_up_is_told_with_what_to_do(tmp_path: Path) -> None:
    invoked("init", str(tmp_path / "s"), "--lab")
    assert "ringfence lab up" in runs(tmp_path / "s", "run", expect=4).stderr
    runs(tmp_path / "s", "lab", "status", expect=4)


# --- what must not show as a traceback -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "NaN"])
def test_a_length_that_is_no_number_is_refused(run: Run, value: str) -> None:
    assert "--ring-seconds" in run("campaign", "create", "spring", "--ring-seconds", value, expect=2).stderr
    assert "--minutes" in run("demo", "--minutes", value, expect=2).stderr
    assert told(run("campaign", "list", "--json")) == []


@pytest.mark.parametrize("name", ["", "  ", "\t", "a\nb", "\x1b[31mred", "a\u202eb", "x" * 101])
def test_a_campaign_has_a_name_that_people_can_read_and_type(run: Run, name: str) -> None:
    done = run("campaign", "create", "--", name, expect=2)
    assert "\x1b" not in done.stderr
    assert told(run("campaign", "list", "--json")) == []
    run("campaign", "create", "x" * 100)
    run("campaign", "create", "春季 促销")


@pytest.mark.parametrize("option", ["--disclosure", "--safe-harbour"])
@pytest.mark.parametrize("prompt", ["", "../secret", "a b", "-x", "a.wav", "x" * 65, "a\n", "提示"])
def test_the_id_of_a_prompt_is_the_name_of_a_file_and_nothing_else(run: Run, option: str, prompt: str) -> None:
    assert option in run("campaign", "create", "spring", f"{option}={prompt}", expect=2).stderr
    run("campaign", "create", "spring", option, "x" * 64)


def test_a_database_that_is_none_is_told_in_one_line(run: Run, site: Path) -> None:
    (site / "ringfence.db").write_bytes(b"not a database " * 100)
    assert run("campaign", "list", expect=4).stderr == "ringfence: the database: file is not a database\n"


def test_a_table_that_is_gone_is_told_without_the_statement(run: Run, site: Path) -> None:
    database = sqlite3.connect(site / "ringfence.db")
    database.execute("drop table campaign")
    database.close()
    assert run("campaign", "list", expect=4).stderr == "ringfence: the database: no such table: campaign\n"


def one_line(argv: list[str | bytes], expect: int) -> str:
    """The one line that a command of its own process fails with."""
    done = subprocess.run([*RINGFENCE, *argv], capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert done.returncode == expect, said
    assert "Traceback" not in said
    *before, line = said.splitlines()
    assert all("out of view" in other for other in before), said
    return line


def test_a_file_where_the_spool_should_be_is_told(site: Path) -> None:
    unreachable(site)
    (site / "spool").rmdir()
    (site / "spool").write_text("")
    assert "spool" in one_line(["--site", str(site), "run"], 4)


def test_a_folder_where_the_run_lock_should_be_is_told(site: Path) -> None:
    unreachable(site)
    (site / "ringfence.db.run").mkdir()
    assert "ringfence.db.run: Is a directory" in one_line(["--site", str(site), "run"], 4)


@pytest.mark.parametrize("words", [[b"campaign", b"create", b"caf\xe9"], [b"dnc", b"add", b"\xff"], [b"caf\xe9"]])
def test_an_argument_that_is_no_text_is_told(site: Path, words: list[bytes]) -> None:
    line = one_line(["--site", str(site), *words], 2)
    assert line.endswith(": not UTF-8")
    assert "\\udc" in line


def test_a_reader_who_goes_away_is_no_failure(run: Run, site: Path) -> None:
    for serial in range(3):
        run("campaign", "create", f"spring-{serial}")
    read, write = os.pipe()
    os.close(read)
    try:
        argv = [*RINGFENCE, "--site", str(site), "campaign", "list", "--json"]
        done = subprocess.run(argv, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(write)
    assert done.stderr == b""


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["[/b]", "[red]sale", ":smile:", "[link=file:///x]y[/link]"])
def test_what_people_call_a_campaign_is_shown_as_they_wrote_it(run: Run, name: str) -> None:
    run("campaign", "create", name)
    assert name in run("campaign", "list").stdout
    assert f"campaign {name}" in run("campaign", "show", name).stdout


def test_the_doctor_names_the_law_of_places_where_leads_may_be_that_is_not_in_force(run: Run, site: Path) -> None:
    def packs() -> str:
        found = json.loads(run("doctor", "--json", expect=4).stdout)
        return str(next(one["text"] for one in found if one["what"] == "rule packs"))

    assert "NOT in force" not in packs()
    run("campaign", "create", "spring")
    run("list", "import", a_file(site, "phone\n+13055550100\n"), "--campaign", "spring")
    assert "NOT in force, though made for places where leads may be: us-federal-telemarketing, us-fl" in packs()


def test_a_finding_of_the_doctor_is_shown_whole(site: Path, tmp_path: Path) -> None:
    bracketed = site.rename(tmp_path / "[ringfence]")
    shown = "".join(runs(bracketed, "doctor", expect=4).stdout.split())
    assert "[ringfence]/archive" in shown.replace("│", "")


def test_nothing_in_a_table_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;owned\x07 \x1b[2J \r \x9b31m \u202e \ud800 [/b] ok"
    print_table(evil, (evil, "[/i]"), [(evil, evil)])
    print_table(evil, ("",), [], empty=evil)
    shown = capsys.readouterr().out
    assert all(character == "\n" or character.isprintable() for character in shown)
    for part in (r"\x1b]0;owned\x07", r"\x1b[2J", r"\x9b31m", r"\u202e", r"\ud800", "[/b]", "[/i]"):
        assert part in shown


# --- what is kept from others ----------------------------------------------------------------------------------------


def test_nobody_but_its_owner_can_look_into_a_site(run: Run, site: Path) -> None:
    before = os.umask(0o022)
    try:
        run("campaign", "create", "spring")
        run(
            "list", "import", a_file(site, "phone\n12\n+12125550101\n"), "--campaign", "spring", "--errors", str(site / "bad.txt")
        )
        assert os.umask(0o022) == 0o022, "the caller's umask is as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    for path in (site / "ringfence.db", site / "bad.txt", *site.glob("ringfence.db-*")):
        assert path.stat().st_mode & 0o077 == 0, path


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_alerts_show_their_time_and_are_marked_as_seen(run: Run, site: Path) -> None:
    database = open_database(f"sqlite:///{site / 'ringfence.db'}")
    at = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
    with writing(database) as connection:
        for serial in range(3):
            alarm(connection, Alert(AlertKind.RECORDING_MISSING, f"call-{serial}", "no files"), at)
    first, *others = told(run("alerts", "--json"))
    shown = run("alerts").stdout
    assert "2026-03-02 15:04:05Z" in shown
    assert told(run("alerts", "--seen", str(first["id"]), "--json")) == {"seen": [first["id"]]}
    assert told(run("alerts", "--json")) == others
    unknown = run("alerts", "--seen", "99", "--seen", str(others[0]["id"]), expect=2)
    assert unknown.stderr == "ringfence: no alert has the id 99\n"
    assert told(run("alerts", "--json")) == others, "an id that is unknown marks nothing"
    run("alerts", "--seen", "1", "--all-seen", expect=2)
    assert told(run("alerts", "--all-seen", "--json")) == {"seen": [one["id"] for one in others]}
    assert told(run("alerts", "--all-seen", "--json")) == {"seen": []}
    with reading(database) as connection:
        assert len(alerts(connection, unseen_only=False)) == 3, "what was seen is kept"
    database.dispose()
