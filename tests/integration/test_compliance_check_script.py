"""`compliance check` as a script calls it: legitimate input of every odd form, faults in one line that names their place."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli.main import main

HOME = "+12125550100"
PACK = """
schema = 1
[pack]
id = "script"
version = "1"
jurisdiction = ["*"]

[[rule]]
id = "script.hours"
kind = "window"
cite = "16 CFR 310.4(c)"
level = "law"
source = "secondary"
clock = "callee"
waive_with = "consent.time_of_day"
schedule = [{ on = ["*"], allow = ["08:00-21:00"] }]

[[rule]]
id = "script.cap"
kind = "cap"
cite = "Fla. Stat. 501.616(6)(b)"
level = "law"
source = "secondary"
max = 2
event = "attempt"
key = ["person"]
period = "rolling:24h"
not_counted = ["not_connected_to_number"]

[[rule]]
id = "script.dnc"
kind = "suppress"
cite = "47 CFR 64.1200(d)(3)"
level = "law"
source = "primary"
list = "internal"
match = ["number", "person"]
"""


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pack of one's own in the directory the command runs in."""
    (tmp_path / "own.toml").write_text(PACK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "own.toml"


def run(*options: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["compliance", "check", *options], input=stdin)


def ask(pack: str, at: str, *options: str, zone: str = "America/New_York", stdin: str | None = None) -> dict[str, Any]:
    result = run("--number", HOME, "--at", at, "--pack", pack, "--zone", zone, *options, "--json", stdin=stdin)
    assert result.exit_code in {0, 3}, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if told["verdict"] == "permit" else 3)
    return told


@pytest.mark.parametrize(
    "at",
    [
        *("2026-03-07T21:30:00-05:00", "2026-03-08T02:30:00Z", "2026-03-08t02:30:00z", "2026-03-08 02:30:00+00:00"),
        *("20260308T023000Z", "2026-03-08T02:30Z", "2026-03-08T02:30:00.000001Z", "2026-03-08T08:15:00+05:45"),
    ],
)
def test_a_time_is_understood_in_every_form_of_iso_8601_that_says_its_offset(pack: str, at: str) -> None:
    told = ask(pack, at)
    assert (told["verdict"], told["retry_at"]) == ("refuse", "2026-03-08T12:00:00Z")  # the clock was put on in the night


def test_a_retry_is_as_exact_as_the_events_it_rests_on(pack: str) -> None:
    events = [{"kind": "attempt", "at": f"2026-06-14T14:00:0{n}.250000Z", "number": HOME} for n in (1, 2)]
    told = ask(pack, "2026-06-15T12:30:00Z", "--history", "-", stdin="\n".join(map(json.dumps, events)))
    assert told["retry_at"] == "2026-06-15T14:00:01.250000Z"


def test_every_zone_that_is_given_counts_and_none_twice(pack: str) -> None:
    more = ("--zone", "America/Los_Angeles", "--zone", "America/New_York")
    told = ask(pack, "2026-06-15T14:00:00Z", *more)
    assert told["zones"] == ["America/Los_Angeles", "America/New_York"]
    assert told["retry_at"] == "2026-06-15T15:00:00Z"
    assert ask(pack, "2026-06-15T14:00:00Z", zone="UTC")["verdict"] == "permit"


def test_a_pack_that_is_named_twice_is_one_pack(pack: str) -> None:
    assert [one["id"] for one in ask(pack, "2026-06-15T14:00:00Z", "--pack", pack)["packs"]] == ["script"]


def test_a_history_may_have_blank_lines_and_keys_of_its_own(pack: str) -> None:
    lines = [
        {
            "kind": "attempt",
            "at": "2026-06-15T13:00:00Z",
            "person": "p1",
            "number": "+12125550177",
            "agent": 7,
            "tags": ["a", {"b": 1}],
        },
        {"kind": "attempt", "at": "2026-06-15T13:30:00Z", "person": "p1", "sip": None, "facts": ["not_connected_to_number"]},
        {"kind": "attempt", "at": "2026-06-15T09:45:00-04:00", "person": "p1", "not_connected_to_number": False},
    ]
    history = "\n\n  \n".join(map(json.dumps, lines)) + "\r\n\n"
    told = ask(pack, "2026-06-15T14:00:00Z", "--person", "p1", "--history", "-", stdin=history)
    assert [(one["rule"], one["text"]) for one in told["reasons"]] == [("script.cap", "2 of at most 2 attempts within 24 h")]
    assert told["retry_at"] == "2026-06-16T13:00:00Z"


@pytest.mark.parametrize(
    ("consent", "verdict"),
    [
        *(("none", "refuse"), ("implied", "refuse"), ("express", "refuse"), ("written", "refuse")),
        *(("express.time_of_day", "permit"), ("consent.express.time_of_day", "permit"), ("written.voice+time_of_day", "permit")),
        *(("time_of_day", "permit"), ("consent.time_of_day", "permit"), ("requested_call", "refuse")),
    ],
)
def test_only_a_consent_that_speaks_of_any_hour_waives_the_hours(pack: str, consent: str, verdict: str) -> None:
    assert ask(pack, "2026-06-15T04:00:00Z", "--consent", consent)["verdict"] == verdict


@pytest.mark.parametrize(
    ("party", "verdict"),
    [
        ({}, "refuse"),  # of nobody's number, known only from the history to be ann's
        ({"person": "ann"}, "refuse"),
        ({"person": "bob"}, "refuse"),  # the number is ann's too
        ({"person": "bob", "number": "+12125550199"}, "permit"),
        ({"number": "+12125550101"}, "refuse"),  # the number from which she asked
        ({"person": "ann", "number": "+12125550155"}, "refuse"),  # a number that is new
    ],
)
def test_whoever_asked_not_to_be_called_is_left_in_peace_on_every_number(
    pack: str, party: Mapping[str, str], verdict: str
) -> None:
    history = [
        {"kind": "live_answer", "at": "2026-01-10T15:00:00Z", "person": "ann", "number": HOME},
        {"kind": "opt_out", "at": "2026-01-12T15:00:00Z", "person": "ann", "number": "+12125550101"},
    ]
    line: dict[str, object] = {"number": HOME, "at": "2026-06-15T14:00:00Z", "pack": [pack], "zone": ["America/New_York"]}
    line |= {"history": history, **party}
    result = run("--batch", "-", stdin=json.dumps(line))
    told = json.loads(result.stdout)
    assert told["verdict"] == verdict
    assert told["retry_at"] is None


def test_a_thousand_questions_are_answered_in_their_order(pack: str) -> None:
    questions = [
        {"number": HOME, "at": f"2026-06-{1 + n % 28:02}T{n % 24:02}:00:00Z", "pack": pack, "zone": ["America/New_York"]}
        for n in range(1000)
    ]
    result = run("--batch", "-", stdin="\n".join(map(json.dumps, questions)) + "\n\n")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    open_hours = {(hour + 4) % 24 for hour in range(8, 21)}
    assert [one["verdict"] for one in answers] == ["permit" if n % 24 in open_hours else "refuse" for n in range(1000)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--at", "2026-06-15T14:00:00"), "at: must say its offset from UTC, such as Z or +02:00"),
        (("--at", "2026-06-31T14:00:00Z"), "at: must be a time in ISO 8601, such as 2026-06-15T12:00:00Z"),
        (("--zone", "America/Gotham"), "zone: 'America/Gotham' is not a known IANA time zone"),
        (("--region", "ZZ"), "region: 'ZZ' is no country or part of one in ISO 3166, such as FR or US-FL"),
        (("--region", "US-XX"), "region: 'US-XX' is no country or part of one in ISO 3166, such as FR or US-FL"),
        (("--consent", "loud"), "consent: 'loud' is no level of consent: use none, implied, express, specific, direct, written"),
        (("--consent", "express.Any Hour"), "consent: 'Any Hour' is no scope: use words joined by +, such as time_of_day"),
        (("--ring-budget", "-1"), "ring_budget: must be seconds, from 0 to 3600"),
        (("--pack", "gone.toml"), "gone.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_fault_is_2_and_one_line_that_names_its_place(pack: str, options: tuple[str, ...], told: str) -> None:
    asked = ("--number", HOME, "--at", "2026-06-15T14:00:00Z", "--pack", pack, "--json", *options)
    result = run(*asked)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {told}\n" or result.stderr == f"ringfence: {told}\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"kind": "attempt"}', "at: must be a time in ISO 8601, such as 2026-06-15T12:00:00Z"),
        ('["attempt"]', "must be an object"),
        ('{"kind": "attempt",', "not JSON"),
    ],
)
def test_a_fault_of_the_history_names_the_line_of_the_file(pack: str, line: str, told: str) -> None:
    Path("past.jsonl").write_text(f'{{"kind": "attempt", "at": "2026-06-14T14:00:00Z"}}\n\n{line}\n', encoding="utf-8")
    result = run("--number", HOME, "--at", "2026-06-15T14:00:00Z", "--pack", pack, "--history", "past.jsonl")
    assert result.exit_code == 2
    assert f"--history: past.jsonl: line 3: {told}" in result.stderr


def test_each_fault_of_a_pack_is_told_with_its_key_path(pack: str) -> None:
    faulty = PACK.replace("08:00-21:00", "8-21").replace("max = 2", 'max = "2"').replace('"person"]', '"somebody"]', 1)
    Path(pack).write_text(faulty, encoding="utf-8")
    result = run("--number", HOME, "--at", "2026-06-15T14:00:00Z", "--pack", pack)
    assert result.exit_code == 2
    for place in ("rule[0].schedule[0].allow[0]", "rule[1].max", "rule[1].key[0]"):
        assert f"own.toml: {place}: " in result.stderr


@pytest.mark.parametrize(
    ("options", "verdict", "governed_by"),
    [
        (("--pack", "us-reg-f"), "permit", {"us-reg-f"}),  # as a debt collector's call: no other is under it
        (("--pack", "us-reg-f", "--purpose", "debt_collection"), "permit", {"us-reg-f"}),
        (("--pack", "us-reg-f", "--purpose", "sales"), "refuse", set()),
        (("--pack", "us-reg-f", "--pack", "us-fl"), "permit", {"us-reg-f", "us-fl", "us-federal-telemarketing"}),
        (("--pack", "gb-marketing"), "permit", {"gb-marketing"}),  # a sales call, not one about a pension or a claim
        ((), "permit", {"us-federal-telemarketing", "us-ny"}),
    ],
)
def test_a_question_without_a_purpose_is_asked_for_the_purpose_of_its_packs(
    options: tuple[str, ...], verdict: str, governed_by: set[str]
) -> None:
    result = run("--number", HOME, "--at", "2026-06-15T14:00:00Z", "--zone", "America/New_York", *options, "--json")
    told = json.loads(result.stdout)
    assert told["verdict"] == verdict
    assert {pack["id"] for pack in told["packs"]} == governed_by


def test_a_place_that_is_declared_adds_its_law_to_that_of_the_number(pack: str) -> None:
    asked = ("--number", HOME, "--at", "2026-06-16T00:30:00Z", "--zone", "America/New_York", "--json")
    assert json.loads(run(*asked).stdout)["verdict"] == "permit"  # 20:30 under the law of New York and of the United States
    told = json.loads(run(*asked, "--region", "US-FL").stdout)
    assert "fl.hours" in {one["rule"] for one in told["reasons"]}
