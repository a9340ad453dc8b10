"""`compliance obligations` as people and scripts use it: exit codes, JSON, words; no site and no database."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli.main import main
from tests.pack_texts import pack_text, rule_text

NOON = "2026-11-23T12:00:00-05:00"
TEXAS, PARIS, BEIJING = "+12145550100", "+33142685300", "+861062555555"


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["compliance", "obligations", *options])


def answered(*options: str) -> dict[str, Any]:
    result = run(*options, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert list(found) == [
        "at",
        "packs",
        "recording",
        "disclosures",
        "end_on_request",
        "abandonment_message",
        "retention",
        "deadlines",
    ]
    return found


def test_an_agent_in_california_makes_a_call_to_texas_one_that_all_must_agree_to() -> None:
    found = answered("--number", TEXAS, "--at", NOON, "--agent-region", "us-ca")
    assert found["at"] == "2026-11-23T17:00:00Z"
    assert [pack["id"] for pack in found["packs"]] == ["us-federal-telemarketing", "us-tx"]
    recording = found["recording"]
    assert (recording["consent"], recording["announce"], recording["mode"]) == ("all", True, "as_set")
    assert (recording["recordable"], recording["by_default"]) == (True, True)
    assert recording["parties"] == [["US-TX"], ["US-CA"]]
    assert recording["reasons"] == [
        {
            "rule": "us.record",
            "kind": "record",
            "cite": "18 USC 2511(2)(d) + state law",
            "level": "law",
            "text": "the leave of all parties; announced",
        }
    ]
    assert found["abandonment_message"]["start_within_s"] == 2
    assert found["end_on_request"] is None
    (deadline,) = found["deadlines"]
    assert (deadline["law_by"], deadline["house_by"]) == ("2026-12-09T06:00:00Z", "2026-11-23T17:00:00Z")
    assert {one["what"]: one["min_until"] for one in found["retention"]}["call_detail"] == "2031-11-24T08:00:00Z"


def test_in_texas_alone_one_party_may_agree_and_an_agent_of_no_known_place_may_be_anywhere() -> None:
    asked = ("--number", TEXAS, "--at", NOON)
    assert answered(*asked, "--agent-region", "US-TX")["recording"]["consent"] == "one"
    assert answered(*asked)["recording"]["consent"] == "all"
    third = answered(*asked, "--agent-region", "US-TX", "--party-region", "US-PA")["recording"]
    assert (third["consent"], third["parties"]) == ("all", [["US-TX"], ["US-TX"], ["US-PA"]])
    assert answered(*asked, "--agent-region", "US-TX", "--region", "US-CA")["recording"]["consent"] == "all"


def test_a_conflict_is_told_and_is_no_failure_of_the_command() -> None:
    asked = ("--number", BEIJING, "--at", NOON, "--agent-region", "FR", "--sector", "life_insurance")
    recording = answered(*asked)["recording"]
    assert recording["recordable"] is False
    assert len(recording["conflicts"]) == 1
    words = run(*asked)
    assert words.exit_code == 0
    assert "recording: not without a person's review" in words.stdout
    assert "conflict: cn.record has the whole call recorded, fr.record only what follows an event" in words.stdout


def test_people_are_told_in_words() -> None:
    told = run("--number", "+12035550100", "--at", NOON, "--agent-region", "US-CT").stdout
    assert "packs: us-ct, us-federal-telemarketing" in told
    assert "recording: consent all, announced first" in told
    assert "ended on request within 10 s: ct.disclose" in told
    assert "to somebody abandoned within 2 s: us.abandon" in told
    for words in (
        "offer_continue_end_or_remove",
        "seller_number_for_dnc",
        "call_detail",
        "consent_revoked",
        "2026-11-23 17:00:00Z",
    ):
        assert words in told
    france = run("--number", PARIS, "--at", NOON, "--agent-region", "FR").stdout
    assert "announced first, from an event on (contract_conclusion, sampled_for_quality)" in france
    insurance = run("--number", BEIJING, "--at", NOON, "--agent-region", "CN").stdout
    assert "counted from contract_end, not known yet" in insurance


def test_packs_that_are_named_are_the_only_ones_and_apply_everywhere(tmp_path: Path) -> None:
    pack = tmp_path / "mine.toml"
    rule = rule_text("mine.record", "record", consent="one", announce=False, mode="off", level="law")
    pack.write_text(pack_text(rule, name="mine", places=("JP",)), "utf-8")
    found = answered("--number", TEXAS, "--at", NOON, "--agent-region", "US-TX", "--pack", str(pack))
    assert [one["id"] for one in found["packs"]] == ["mine"]
    assert (found["recording"]["mode"], found["recording"]["consent"], found["disclosures"]) == ("off", "one", [])
    words = run("--number", TEXAS, "--at", NOON, "--agent-region", "US-TX", "--pack", str(pack)).stdout
    assert "recording: nothing of the call" in words
    assert "to be said: nothing" in words


def test_of_a_number_of_no_place_nothing_is_known_but_that_all_must_agree() -> None:
    found = answered("--number", "+99912345", "--at", NOON)
    assert (found["packs"], found["retention"], found["deadlines"]) == ([], [], [])
    assert found["recording"]["consent"] == "all"
    assert "packs: none" in run("--number", "+99912345", "--at", NOON).stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--number", "12145550100", "--at", NOON), "number: must be in E.164"),
        (("--number", TEXAS, "--at", "2026-11-23T12:00"), "at: must say its offset"),
        (("--number", TEXAS, "--at", NOON, "--agent-region", "Texas"), "'Texas': a country or a part of one in ISO 3166"),
        (("--number", TEXAS, "--at", NOON, "--party-region", "US-XX"), "'US-XX': a country or a part of one in ISO 3166"),
        (("--number", TEXAS, "--at", NOON, "--zone", "Mars/Base"), "zone: 'Mars/Base'"),
        (("--number", TEXAS, "--at", NOON, "--pack", "nowhere"), "nowhere: no such rule pack"),
        (("--number", TEXAS), "Missing option '--at'"),
    ],
)
def test_a_question_that_cannot_be_read_is_2_and_one_line_says_why(options: tuple[str, ...], told: str) -> None:
    result = run(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
