"""The commands as people type them, on a real site: what they print, where bad input is named, and the exit codes."""

import fcntl
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli.main import main

Run = Callable[..., Result]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    done = CliRunner().invoke(main, ["init", str(tmp_path / "site")])
    assert done.exit_code == 0, done.output
    return tmp_path / "site"


@pytest.fixture
def run(site: Path) -> Run:
    def invoke(*args: str, expect: int = 0) -> Result:
        done = CliRunner().invoke(main, ["--site", str(site), *args])
        assert done.exit_code == expect, f"{args}: exit {done.exit_code}\n{done.output}\n{done.exception!r}"
        assert "Traceback" not in done.output
        return done

    return invoke


def told(done: Result) -> Any:
    return json.loads(done.stdout)


def a_list(site: Path, content: str | bytes) -> str:
    path = site / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_a_command_outside_a_site_says_how_to_make_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--site", str(tmp_path), "campaign", "list"])
    assert done.exit_code == 2
    assert "ringfence init" in done.stderr
    assert len(done.stderr.splitlines()) == 1


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
    done = told(run("list", "import", a_list(site, "\n".join(rows)), "--campaign", "spring", "--json"))
    assert done["added"] == 2
    assert [(error["line"], error["column"]) for error in done["errors"]] == [
        (3, "phone"),
        (4, "name"),
        (5, "phone"),
        (6, "zone"),
        (8, "row"),
    ]
    assert "1000000 characters" in done["errors"][1]["reason"]
    again = told(run("list", "import", a_list(site, "\n".join(rows)), "--campaign", "spring", "--json"))
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
    done = run("list", "import", a_list(site, content), "--campaign", "spring", expect=2)
    assert says in done.stderr
    assert "list.csv" in done.stderr
    assert told(run("campaign", "show", "spring", "--json"))["leads"] == {}


def test_a_chinese_list_in_its_own_encoding_and_words_is_read(run: Run, site: Path) -> None:
    run("campaign", "create", "春季")
    text = "客户姓名;手机号;客户编号\n王芳;138 0000 0101;c-1\n"
    done = told(run("list", "import", a_list(site, text.encode("gb18030")), "--campaign", "春季", "--region", "CN", "--json"))
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
    imported = told(run("dnc", "import", a_list(site, "phone\n+12125550102\nrubbish\n"), "--json"))
    assert (imported["added"], len(imported["errors"])) == (1, 1)
    run("dnc", "check", "+12125550102", expect=3)
    assert "12" in run("dnc", "add", "12", expect=2).stderr
    run("dnc", "add", expect=2)


def test_a_suppressed_lead_is_explained_with_the_rule(run: Run, site: Path) -> None:
    run("dnc", "add", "--person", "c-1")
    report = run("explain", "lead", "nobody", expect=2)
    assert "'nobody'" in report.stderr


def test_the_doctor_names_the_pbx_that_does_not_answer(run: Run, site: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = site / "secrets" / "ami"
    secret.write_text("a-secret-of-the-site\n")
    secret.chmod(0o600)
    settings = site / "ringfence.toml"
    settings.write_text(settings.read_text().replace("#port = 5038", f"port = {port}"))
    done = run("doctor", "--json", expect=4)
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert not findings["PBX"]["ok"]
    assert str(port) in findings["PBX"]["text"]
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


def test_a_second_floor_on_one_site_is_refused(run: Run, site: Path) -> None:
    with (site / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("run", expect=4)
    assert "another `ringfence run`" in done.stderr


def test_a_lab_that_is_not_up_is_told_with_what_to_do(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["init", str(tmp_path / "s"), "--lab"]).exit_code == 0
    done = runner.invoke(main, ["--site", str(tmp_path / "s"), "run"])
    assert done.exit_code == 4
    assert "ringfence lab up" in done.stderr
    assert runner.invoke(main, ["--site", str(tmp_path / "s"), "lab", "status"]).exit_code == 4
