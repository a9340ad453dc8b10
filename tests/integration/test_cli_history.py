"""The past of another system, as it is imported: counted once, obeyed at once, and no further back than it reaches."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.facts import LedgerEvent
from compliance.people import People
from compliance.verdict import Candidate, Clearance
from dialer.bootstrap import opened
from dialer.cli import whom
from tests.cli_site import Run, a_file, told, words
from tests.people_site import ANN, BOB, asked, days_ago, noon_in_new_york, now, reasons

# --- the past of another system --------------------------------------------------------------------------------------


def line(kind: str, at: str, **more: str) -> str:
    return json.dumps({"kind": kind, "at": at, "person": "c-1", "number": ANN, **more}) + "\n"


def test_attempts_of_another_system_fill_the_caps_of_this_one_and_are_counted_once(run: Run, site: Path) -> None:
    soon = noon_in_new_york() - now()  # what was so long ago is within a day of the question
    at = [days_ago(0.01 * serial) for serial in range(1, 4)]
    file = a_file(site, "".join(line("attempt", one) for one in at), "old.jsonl")
    assert soon < timedelta(days=2)
    done = told(run("list", "history", file, "--json"))
    assert (done["added"], done["known"], done["kinds"]) == (3, 0, {"attempt": 3})
    assert told(run("list", "history", file, "--json"))["known"] == 3
    with opened(site) as parts:
        assert sum(one.kind.value == "attempt" for one in parts.ledger.history("c-1")) == 3
        question = Candidate("q", "c-1", BOB, "spring", parts.site.settings.seller, "boiler")
        assert "house.day" in reasons(parts.ledger.preview(question)), "also on another number of the same person"
    assert isinstance(asked(site, later=timedelta(days=2)), Clearance)


def test_an_opt_out_in_the_past_of_another_system_is_on_the_list_before_anything_else(run: Run, site: Path) -> None:
    file = a_file(site, line("attempt", days_ago(3)) + line("optout", days_ago(2)) + line("opt_out", "rubbish"), "old.jsonl")
    dry = told(run("list", "history", file, "--dry-run", "--json"))
    assert (dry["added"], dry["dry_run"]) == (2, True)
    run("dnc", "check", ANN)
    done = told(run("list", "history", file, "--json"))
    assert [(one["line"], one["column"]) for one in done["errors"]] == [(3, "at")]
    run("dnc", "check", ANN, expect=3)
    run("dnc", "check", "--person", "c-1", expect=3)
    assert words(site) == ["suppressions_changed"]
    with opened(site) as parts:
        assert next(iter(parts.ledger.history("c-1"))).kind.value == "opt_out"


def test_how_far_back_a_file_reaches_is_said_with_the_limits_that_look_back_further(run: Run, site: Path) -> None:
    week = run("list", "history", a_file(site, line("attempt", days_ago(7)), "old.jsonl")).stdout
    assert "these limits look back further" in week
    assert "house.month" in week
    assert "house.day" not in week
    month = run("list", "history", a_file(site, line("attempt", days_ago(31)), "old.jsonl")).stdout
    assert "no limit in force looks back further than that" in month


def test_a_csv_of_local_times_is_read_on_the_clock_that_is_named_or_not_at_all(run: Run, site: Path) -> None:
    file = a_file(site, "call_date,phone_number,event\n2026-03-02 15:04:05,212-555-0123,attempt\n")
    assert "--clock" in run("list", "history", file, expect=2).stderr
    errors = site / "errors.txt"
    run("list", "history", file, "--errors", str(errors), expect=2)
    assert errors.read_text().startswith("list.csv: line 2, at: ")
    done = told(run("list", "history", file, "--clock", "America/New_York", "--json"))
    assert done["since"] == "2026-03-02T20:04:05+00:00"
    run("list", "history", file, "--clock", "Mars/Base", expect=2)


def test_an_import_that_was_killed_between_two_batches_is_simply_repeated(
    run: Run, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whom, "BATCH", 10)
    file = a_file(site, "".join(line("attempt", days_ago(1 + serial / 100)) for serial in range(25)), "old.jsonl")
    note = People.note

    def killed(people: People, events: Sequence[LedgerEvent]) -> tuple[int, int]:
        if len(events) < 10:
            raise KeyboardInterrupt
        return note(people, events)

    with monkeypatch.context() as during:
        during.setattr(People, "note", killed)
        run("list", "history", file, expect=1)
    done = told(run("list", "history", file, "--json"))
    assert (done["added"], done["known"]) == (5, 20)
