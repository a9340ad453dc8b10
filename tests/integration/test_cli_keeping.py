"""`ringfence recording hold|release|purge|erase|erasures`: what they say, do, refuse and write down."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.pack_files import load_packs
from config.clock import SystemClock
from config.database import writing
from dialer import bootstrap
from recorder.store import enqueue
from tests.cli_site import Run, obeying, told
from tests.kept_recordings import NUMBER, Room, a_pack, keeps
from tests.recorder_audio import a_record

A_DAY = timedelta(days=1)
TODAY = SystemClock().now()
LAST_YEAR = TODAY - 400 * A_DAY
HOUSE = load_packs(("house",), Path())


@contextmanager
def opened(site: Path) -> Iterator[Room]:
    with bootstrap.opened(site) as parts:
        yield Room(parts.database, parts.vault, HOUSE)


@pytest.fixture
def recorded(site: Path) -> Callable[[str, datetime], None]:
    """Puts a recording into the site's archive."""

    def one(call_id: str, answered: datetime = LAST_YEAR) -> None:
        with opened(site) as room:
            room.recorded(call_id, answered)

    return one


def set_in(site: Path, line: str) -> None:
    """The settings of the recorder say this from now on."""
    settings = site / "ringfence.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(?m)^(\[recorder\].*)$", rf"\1\n{line}", text), encoding="utf-8")


def audited(run: Run, call_id: str) -> list[tuple[str, dict[str, str]]]:
    """What was done about a call, the latest first."""
    return [(one["action"], one["facts"]) for one in told(run("audit", "list", "--call", call_id, "--json"))]


def test_a_recording_on_hold_outlives_a_purge_until_it_is_released(run: Run, recorded: Callable[[str], None]) -> None:
    recorded("c0")
    done = run("recording", "hold", "c0", "--reason", "lawsuit 3", "--by", "counsel")
    assert done.stdout == "call c0: held (hold 1): lawsuit 3\n"
    assert "is in the future" in run("recording", "purge", "--before", "2100-01-01", expect=2).stderr
    order = ("recording", "purge", "--before", f"{TODAY - A_DAY:%Y-%m-%d}", "--apply")
    assert "0 purged, 1 kept" in run(*order).stdout
    assert run("recording", "release", "c0", "--reason", "settled").stdout == "call c0: hold 1 released\n"
    kept = told(run(*order, "--json"))
    assert (kept["purged"], kept["kept"], kept["recordings"][0]["reasons"][0]["rule"]) == (1, 0, "house.order")
    assert "1 more were purged; the chain has a tombstone of each" in run("recording", "verify").stdout
    assert [action for action, _ in audited(run, "c0")] == ["purge", "release", "hold"]
    gone = run("recording", "hold", "c0", "--reason", "too late", expect=2)
    assert "its recording was purged at" in gone.stderr


def test_a_purge_only_says_what_it_would_do_unless_it_is_told_to_do_it(
    run: Run, site: Path, recorded: Callable[[str, datetime], None]
) -> None:
    recorded("c0", LAST_YEAR)
    recorded("c1", TODAY - 10 * A_DAY)
    nothing = told(run("recording", "purge", "--json"))
    assert (nothing["would_purge"], nothing["kept"], nothing["review"]) == (0, 2, 0)
    set_in(site, "keep_days = 90")
    dry = run("recording", "purge").stdout
    assert "would be purged" in dry
    assert "house.keep: the house has use for it for 90d" in dry
    assert "1 would be purged (--apply does it), 1 kept, of which 0 need a person's decision" in dry
    assert [one["call_id"] for one in told(run("recording", "list", "--json"))] == ["c1", "c0"]
    first, second = told(run("recording", "purge", "--json"))["recordings"]
    assert (first["call_id"], first["verdict"], second["call_id"], second["verdict"]) == ("c0", "would_purge", "c1", "kept")
    assert TODAY + 79 * A_DAY < datetime.fromisoformat(second["until"]) < TODAY + 82 * A_DAY
    assert told(run("recording", "purge", "--json", "--limit", "1"))["recordings"] == [first]


def test_a_campaign_has_a_time_of_its_own(run: Run, site: Path, recorded: Callable[[str], None]) -> None:
    recorded("c0")
    set_in(site, 'keep_days = 90\nkeep_days_of = ["spring=3650"]')
    (kept,) = told(run("recording", "purge", "--json"))["recordings"]
    assert (kept["verdict"], kept["reasons"][0]["cite"]) == ("kept", "recorder.keep_days_of.spring")


def test_a_time_for_a_campaign_that_is_none_is_refused(run: Run, site: Path) -> None:
    set_in(site, 'keep_days_of = ["spring"]')
    assert "keep_days_of" in run("recording", "purge", expect=2).stderr


def test_what_a_person_must_decide_is_listed_by_itself(run: Run, site: Path) -> None:
    both = a_pack(keeps("insurance", min="5y"), keeps("quality", max="3mo"))
    with opened(site) as room:
        room.recorded("c0", LAST_YEAR, packs=(both,))
        room.recorded("c1", LAST_YEAR)
    (one,) = told(run("recording", "purge", "--review", "--json"))["recordings"]
    assert (one["call_id"], one["review"]) == ("c0", True)
    assert "a person decides" in one["conflict"]
    assert "a person decides" in run("recording", "purge", "--review").stdout


def test_only_a_manager_purges_releases_and_erases_and_a_supervisor_holds_calls_of_the_own_team(run: Run, site: Path) -> None:
    with opened(site) as room:
        room.recorded("c0", LAST_YEAR, team="east")
        with writing(room.engine) as connection:
            enqueue(connection, a_record("c1", team="west"))
    run("staff", "add", "mary", "--role", "manager")
    run("staff", "add", "sam", "--role", "supervisor", "--team", "east", "--as", "mary")
    run("recording", "hold", "c0", "--reason", "complaint 17", "--as", "sam")
    assert "not one of team east" in run("recording", "hold", "c1", "--reason", "complaint 17", "--as", "sam", expect=3).stderr
    for words in (
        ("release", "c0", "--reason", "settled"),
        ("purge",),
        ("purge", "--apply"),
        ("erase", "ann", "--cite", "GDPR 17"),
        ("erasures",),
    ):
        refused = run("recording", *words, "--as", "sam", expect=3)
        assert f"{words[0].removesuffix('ures')}" in refused.stderr
    actions = [one["action"] for one in told(run("audit", "list", "--json", "--as", "mary"))]
    assert actions.count("denied") == 6
    run("recording", "release", "c0", "--reason", "settled", "--as", "mary")


def test_what_there_is_not_cannot_be_held_or_released(run: Run, recorded: Callable[[str], None]) -> None:
    assert "no recording, and none on its way" in run("recording", "hold", "nobody", "--reason", "x", expect=2).stderr
    recorded("c0")
    assert "is not on hold" in run("recording", "release", "c0", "--reason", "x", expect=2).stderr
    for _ in range(2):
        run("recording", "hold", "c0", "--reason", "x")
    assert "2 holds, say which ends" in run("recording", "release", "c0", "--reason", "x", expect=2).stderr
    done = told(run("recording", "release", "c0", "--reason", "x", "--hold", "2", "--json"))
    assert done == {"call_id": "c0", "released": 2, "holds": 1}
    assert told(run("recording", "hold", "c0", "--reason", "y", "--json")) == [{"call_id": "c0", "hold": 3}]


def test_somebody_who_asks_is_erased_never_called_again_and_told_what_must_stay(run: Run, site: Path) -> None:
    with opened(site) as room:
        room.recorded("c0", LAST_YEAR)
        room.recorded("c1", LAST_YEAR, packs=(a_pack(keeps("years", min="5y")),))
    dry = told(run("recording", "erase", "ann", "--cite", "GDPR 17", "--dry-run", "--json"))
    assert ([one["fate"] for one in dry["recordings"]], dry["request"]) == (["purged", "kept"], None)
    assert told(run("recording", "erasures", "--json")) == []
    done = run("recording", "erase", "ann", "--cite", "GDPR 17").stdout
    assert "erasure request 1 of ann: marketing stopped" in done
    assert "years: kept at least 5y from call" in done
    (request,) = told(run("recording", "erasures", "--open", "--json"))
    assert ([one["fate"] for one in request["outcome"]], request["closed_at"]) == (["purged", "kept"], None)
    assert "1 purged, 1 kept" in run("recording", "erasures").stdout
    with bootstrap.opened(site) as parts:
        assert parts.ledger.suppressed(NUMBER, "ann") is not None
    assert "as they were written" in run("recording", "verify").stdout
    assert "is in the future" in run("recording", "erase", "ann", "--cite", "x", "--at", "2100-01-01", expect=2).stderr


def test_a_request_tells_by_when_it_is_to_be_answered_and_by_which_rule(run: Run, site: Path) -> None:
    obeying(site, "house", "eu-marketing")
    own = a_pack(keeps("own", min="90y", level="house"))
    with opened(site) as room:
        room.recorded("c0", datetime(2025, 6, 1, tzinfo=UTC), number="+493012345678", packs=(own,))
    done = run("recording", "erase", "ann", "--cite", "GDPR 17", "--at", "2026-01-10").stdout
    assert "to be answered by 2026-02-10 23:00Z: eu.request_answer" in done
    assert "kept: a person decides" in done
    (request,) = told(run("recording", "erasures", "--json"))
    assert request["due"]["law_by"].startswith("2026-02-10T23:00")
    before = run("recording", "erase", "ann", "--cite", "GDPR 17", "--at", "2025-01-10").stdout
    assert "recordings: there are none of them" in before


def test_nothing_is_purged_while_the_head_of_the_archive_disagrees(run: Run, site: Path, recorded: Callable[[str], None]) -> None:
    recorded("c0")
    (site / "archive" / "head.json").write_text("{}")
    order = ("recording", "purge", "--before", f"{TODAY - A_DAY:%Y-%m-%d}", "--apply")
    assert "head.json" in run(*order, expect=3).stderr
    assert told(run("recording", "list", "--json"))[0]["call_id"] == "c0"
