"""`ringfence compliance check` as scripts use it: exit codes, files, batches; no site and no database."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli.main import main
from tests.pack_texts import pack_text, rule_text

NOON, NIGHT = "2026-06-15T12:00:00-04:00", "2026-06-15T23:00:00-04:00"
HOME = "+12125550100"


def run(*options: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["compliance", "check", *options], input=stdin)


def answered(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    assert list(found) == ["verdict", "reasons", "retry_at", "zones", "packs"]
    return found


def test_a_permit_is_0_and_a_refusal_is_3() -> None:
    permitted, refused = run("--number", HOME, "--at", NOON, "--json"), run("--number", HOME, "--at", NIGHT, "--json")
    assert (permitted.exit_code, answered(permitted)["verdict"], answered(permitted)["retry_at"]) == (0, "permit", None)
    assert (refused.exit_code, answered(refused)["verdict"]) == (3, "refuse")
    assert answered(refused)["retry_at"] == "2026-06-16T12:00:00Z"
    assert {pack["id"] for pack in answered(refused)["packs"]} == {"us-federal-telemarketing", "us-ny"}


def test_people_are_told_in_words() -> None:
    refused = run("--number", HOME, "--at", NIGHT)
    assert refused.exit_code == 3
    assert "refuse; again at 2026-06-16T12:00:00Z" in refused.stdout
    assert "us.hours" in refused.stdout


def test_a_history_is_counted(tmp_path: Path) -> None:
    lines = [
        {"kind": "attempt", "at": f"2026-06-15T1{hour}:00:00Z", "person": "p1", "number": HOME, "seller": "x"}
        for hour in (2, 3, 4)
    ]
    history = tmp_path / "history.jsonl"
    history.write_text("\n".join(map(json.dumps, lines)) + "\n\n", "utf-8")
    asked = ("--number", HOME, "--at", NOON, "--pack", "house", "--person", "p1", "--json")
    refused = run(*asked, "--history", str(history))
    assert refused.exit_code == 3
    assert {reason["rule"] for reason in answered(refused)["reasons"]} == {"house.day"}
    assert run(*asked).exit_code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--at", NOON), "--number is needed"),
        (("--number", HOME), "--at is needed"),
        (("--number", "2125550100", "--at", NOON), "number: must be in E.164"),
        (("--number", HOME, "--at", "noon"), "at: must be a time"),
        (("--number", HOME, "--at", NOON, "--pack", "nosuch"), "nosuch: no such rule pack"),
        (("--number", HOME, "--at", NOON, "--zone", "Mars/Base"), "zone: 'Mars/Base'"),
        (("--number", HOME, "--at", NOON, "--history", "gone.jsonl"), "--history: gone.jsonl: cannot be read"),
        (("--number", HOME, "--at", NOON, "--ring-budget", "soon"), "ring_budget: must be seconds"),
        (("--batch", "gone.jsonl"), "--batch: gone.jsonl: cannot be read"),
        (("--batch", "-", "--number", HOME), "leave out --number"),
    ],
)
def test_bad_input_is_2_and_one_line(options: tuple[str, ...], told: str) -> None:
    result = run(*options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_pack_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    hours = rule_text("mine.hours", "window", clock="tz:Asia/Tokyo", schedule=[{"on": ["*"], "allow": ["00:30-01:30"]}])
    mine.write_text(pack_text(hours, name="mine"), "utf-8")
    result = run("--number", HOME, "--at", NOON, "--pack", str(mine), "--json")  # 01:00 in Tokyo
    assert result.exit_code == 0
    assert [(pack["id"], pack["version"]) for pack in answered(result)["packs"]] == [("mine", "1")]


def test_a_batch_answers_each_line_in_its_order() -> None:
    questions = [{"number": HOME, "at": at, "pack": ["us-federal-telemarketing"]} for at in (NOON, NIGHT, NOON)]
    result = run("--batch", "-", stdin="\n".join(map(json.dumps, questions)))
    assert result.exit_code == 0
    assert [json.loads(line)["verdict"] for line in result.stdout.splitlines()] == ["permit", "refuse", "permit"]


def test_a_line_that_cannot_be_read_keeps_its_place_and_fails_the_batch() -> None:
    good = json.dumps({"number": HOME, "at": NOON})
    result = run("--batch", "-", stdin=f"{good}\n{{\n[]\n{good}\n")
    assert result.exit_code == 2
    assert [sorted(json.loads(line)) == ["error"] for line in result.stdout.splitlines()] == [False, True, True, False]
    assert "2 questions could not be read" in result.stderr
