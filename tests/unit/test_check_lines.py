"""Lines of a batch that are not quite right, words that no rule knows, and what the command says to people."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli.check import LONGEST_LINE
from dialer.cli.main import main
from tests.pack_texts import pack_text, rule_text

HOME, TOLL_FREE = "+12125550100", "+18002221234"
NOON, NIGHT = "2026-12-01T17:00:00Z", "2026-12-02T01:30:00Z"  # in New York: 12:00 and 20:30


def run(*options: str, stdin: bytes | str | None = None) -> Result:
    return CliRunner().invoke(main, ["compliance", "check", *options], input=stdin)


def answers(*lines: str) -> tuple[int, list[dict[str, Any]]]:
    result = run("--batch", "-", stdin="\n".join(lines))
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def a_question(**more: Any) -> str:
    return json.dumps({"number": HOME, "at": NOON, **more})


def test_a_byte_order_mark_costs_no_question(tmp_path: Path) -> None:
    marked = tmp_path / "marked.jsonl"
    marked.write_bytes(f"{a_question()}\r\n{a_question(at=NIGHT)}\r\n".encode("utf-8-sig"))
    for result in (run("--batch", str(marked)), run("--batch", "-", stdin=marked.read_bytes())):
        assert result.exit_code == 0
        assert [json.loads(line)["verdict"] for line in result.stdout.splitlines()] == ["permit", "permit"]
    history = tmp_path / "history.jsonl"
    history.write_text('\ufeff{"kind": "attempt", "at": "2026-12-01T16:30:00Z", "person": "p1"}\n', "utf-8")
    assert run("--number", HOME, "--at", NOON, "--person", "p1", "--pack", "house", "--history", str(history)).exit_code == 3


def test_a_key_that_is_said_twice_is_not_guessed_at(tmp_path: Path) -> None:
    code, found = answers(f'{{"number": "{TOLL_FREE}", "number": "{HOME}", "at": "{NOON}"}}', a_question())
    assert (code, found[0]) == (2, {"error": "number: said twice"})
    assert found[1]["verdict"] == "permit", "the next question is answered all the same"
    history = tmp_path / "history.jsonl"
    history.write_text('\n{"kind": "attempt", "kind": "machine", "at": "2026-12-01T16:30:00Z"}\n', "utf-8")
    told = run("--number", HOME, "--at", NOON, "--history", str(history))
    assert (told.exit_code, told.stderr) == (2, f"ringfence: --history: {history}: line 2: kind: said twice\n")


def test_a_line_that_is_too_long_says_so_and_the_next_is_answered() -> None:
    code, found = answers(a_question(person="p" * LONGEST_LINE), a_question())
    assert (code, found[0]) == (2, {"error": "longer than 10,000,000 characters"})
    assert found[1]["verdict"] == "permit"


@pytest.mark.parametrize(("key", "slip"), [("purpose", "sale"), ("technology", "predictiv")])
def test_a_slip_of_the_pen_steps_out_of_no_rule(key: str, slip: str) -> None:
    code, found = answers(a_question(**{key: slip}), a_question(**{key: slip, "pack": ["house", "us-fl"]}))
    assert code == 2
    assert [one["error"].partition(": use ")[0] for one in found] == [f"{key}: {slip!r} is not known"] * 2


def test_a_word_that_a_pack_speaks_of_is_known(tmp_path: Path) -> None:
    pack = tmp_path / "pensions.toml"
    hours = rule_text("x", "window", schedule=[{"on": ["*"], "allow": ["08:00-20:00"]}], when={"technology": ["carrier_pigeon"]})
    pack.write_text(pack_text(hours, more='[pack.applies]\npurpose = ["pensions"]\n'), "utf-8")
    said = {"pack": str(pack), "purpose": "pensions", "at": NIGHT}
    code, found = answers(a_question(**said, technology="carrier_pigeon"), a_question(**said))
    assert (code, [one["verdict"] for one in found]) == (0, ["refuse", "permit"])
    assert answers(a_question(purpose="upsell"))[0] == 0, "a shipped pack is made for it"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_options_and_a_line_of_a_batch_are_the_same_question(options: tuple[str, ...]) -> None:
    said = {"number": "+13053741234", "at": NIGHT, "person": "p1", "seller": "x", "technology": "predictive", "ring_budget": 30}
    asked = [part for key, value in said.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    alone = run(*asked, "--zone", "America/New_York", "--zone", "America/Chicago", "--json")
    together = run("--batch", "-", *options, stdin=json.dumps({**said, "zone": ["America/New_York", "America/Chicago"]}))
    assert (alone.exit_code, together.exit_code) == (3, 0)
    assert json.loads(alone.stdout) == json.loads(together.stdout)


def test_people_read_when_again_on_the_clock_of_the_callee() -> None:
    told = run("--number", "+13053741234", "--at", NIGHT, "--ring-budget", "30").stdout
    assert told.startswith("refuse; again at 2026-12-02T13:00:00Z (Wed 08:00:00 in America/New_York)\n")
    assert "outside the permitted hours: it is Tue 20:30 in America/New_York" in told


def test_people_are_not_told_to_wait_where_waiting_does_not_help() -> None:
    told = run("--number", TOLL_FREE, "--at", NIGHT)
    headline, zones, *_ = told.stdout.splitlines()
    assert (told.exit_code, headline) == (3, "refuse; waiting alone does not help")
    assert zones == "zones: America/Adak, America/Anchorage, America/Anguilla and 39 more"
    assert "Pacific/Saipan" not in told.stdout, "forty zones are in no sentence"
    assert "needs facts: location" in " ".join(told.stdout.split())


def test_a_place_of_which_no_law_is_known_is_named() -> None:
    refused = json.loads(run("--number", "+12423221234", "--at", NOON, "--json").stdout)
    assert [one["text"] for one in refused["reasons"]] == [
        "needs facts: packs (no rule pack in force covers calls for 'sales' in BS)"
    ]
