"""Quality assurance as people and scripts type it: from a plan to a report, on a site of its own."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from config.database import open_database, sqlite_url, writing
from dialer.cli.main import main
from recorder import staff
from recorder.access import Role, Staff
from recorder.qa.filling import Filled
from recorder.qa.scorecard import Answer, Said
from tests.cli_site import Run, a_file, told
from tests.qa_room import MONDAY, WEEK, a_row, a_week, answered, archive, the_form


@pytest.fixture
def room(site: Path, run: Run) -> Run:
    """A site with the recordings of a week."""
    engine = open_database(sqlite_url(site / "ringfence.db"))
    with writing(engine) as connection:
        archive(connection, a_week(agents=2, calls=6))
        archive(connection, [a_row("nobody", agent_id=None), a_row("later", started_at=MONDAY + timedelta(days=8))])
    engine.dispose()
    return run


@pytest.fixture
def staffed(room: Run, site: Path) -> Run:
    """The same, with people who have names."""
    engine = open_database(sqlite_url(site / "ringfence.db"))
    with writing(engine) as connection:
        for member in (
            Staff("zhang", Role.MANAGER),
            Staff("mei", Role.QA),
            Staff("tom", Role.QA),
            Staff("lin", Role.AGENT, agent_id="agent-1"),
            Staff("wu", Role.AGENT, agent_id="agent-2"),
            Staff("lead", Role.SUPERVISOR, team="a"),
        ):
            staff.put(connection, member, MONDAY)
    engine.dispose()
    return room


def drawn(run: Run, *who: str) -> list[dict[str, Any]]:
    run("qa", "plan", "put", "weekly", "--count", "2", *who)
    run("qa", "plan", "draw", "weekly", "--week", WEEK, "--seed", "s", *who)
    reviews: list[dict[str, Any]] = told(run("qa", "queue", "--json", *who))
    return reviews


def words(filled: Filled) -> list[str]:
    """The form as options."""
    return [word for item, answer in filled.answers.items() for word in ("--answer", f"{item}={answer}")]


def good(**changes: Answer) -> list[str]:
    return words(answered(the_form(), **changes))


def test_from_a_plan_to_a_report(staffed: Run) -> None:
    reviews = drawn(staffed, "--as", "mei")
    assert len(reviews) == 4
    for one in reviews:
        done = told(staffed("qa", "score", one["review_id"], *good(), "--remark", "opening@0:04=warm", "--as", "mei", "--json"))
        assert (done["state"], done["score"]["total"], done["reviewer"]) == ("scored", 100, "mei")
    report = told(staffed("qa", "report", "--as", "mei", "--since", "2026-03-01", "--until", "2026-03-10", "--json"))
    (plan,) = report["plans"]
    assert [(line["key"], line["calls"], line["reviewed"], line["score"]["mean"]) for line in plan["lines"]] == [
        ("agent-1", 6, 2, 100),
        ("agent-2", 6, 2, 100),
        ("all", 12, 4, 100),
    ]
    assert plan["lines"][0]["score"]["low"] < 100
    shown = staffed("qa", "report", "--by", "section", "--as", "mei", "--since", "2026-03-01", "--until", "2026-03-10").stdout
    assert "compliance" in shown
    assert "33.3 %" in shown


def test_the_agent_sees_the_score_appeals_and_another_reviewer_decides(staffed: Run) -> None:
    one = next(one for one in drawn(staffed, "--as", "mei") if one["agent_id"] == "agent-1")
    review = one["review_id"]
    staffed("qa", "show", review, "--as", "lin", expect=3)
    staffed("qa", "score", review, *good(truth=Said.NO), "--remark", "truth@65.5=said it is free", "--as", "mei")
    shown = staffed("qa", "show", review, "--as", "lin").stdout
    assert "said it is free" in shown
    assert "1:05.5" in shown
    staffed("qa", "show", review, "--as", "wu", expect=3)
    staffed("qa", "appeal", review, "--reason", "it is free", "--as", "wu", expect=3)
    assert told(staffed("qa", "appeal", review, "--reason", "it is free", "--as", "lin", "--json"))["state"] == "appealed"
    refused = staffed("qa", "decide", review, "--uphold", "--reason", "no", "--as", "mei", expect=3)
    assert "another person" in refused.stderr
    decided = told(staffed("qa", "decide", review, "--answer", "truth=yes", "--reason", "it is", "--as", "tom", "--json"))
    assert (decided["state"], decided["score"]["total"], decided["changed"]) == ("final", 100, True)
    history = told(staffed("qa", "show", review, "--as", "lin", "--json"))
    assert [one["event"] for one in history["history"]] == ["opened", "claimed", "scored", "appealed", "claimed", "decided"]
    assert [marks["score"]["total"] for marks in history["marks"]] == [0, 100]
    staffed("qa", "accept", review, "--as", "lin", expect=3)


def test_the_agent_accepts(staffed: Run) -> None:
    review = next(one for one in drawn(staffed, "--as", "mei") if one["agent_id"] == "agent-2")["review_id"]
    staffed("qa", "score", review, *good(), "--as", "tom")
    staffed("qa", "accept", review, "--as", "lin", expect=3)
    assert told(staffed("qa", "accept", review, "--as", "wu", "--json"))["state"] == "accepted"
    assert "accepted" in staffed("qa", "queue", "--as", "wu").stdout


def test_the_form_is_asked_item_by_item_and_a_wrong_answer_once_more(room: Run, site: Path) -> None:
    drawn(room)
    asked = [item for item in the_form().items() if item.asked_if is None][2:]
    best = ["no" if not item.weight else str(item.largest) if item.kind == "scale" else "yes" for item in asked]
    typed = ["maybe", "y", "9", "4 @1:05 talks over her", *best]
    lines = "\n".join([*typed, "well done", "y", ""])
    done = CliRunner().invoke(main, ["--site", str(site), "qa", "score", "--ask", "--language", "zh", "--as", "mei"], input=lines)
    assert done.exit_code == 0, done.output
    assert "沟通技巧" in done.output
    assert "is no answer to it: 0 to 5" in done.output
    (one,) = told(room("qa", "queue", "--state", "scored", "--json"))
    assert one["score"]["total"] < 100
    (marks,) = told(room("qa", "show", one["review_id"], "--json"))["marks"]
    assert marks["remarks"] == [{"item": "listening", "at_ms": 65000, "text": "talks over her"}]
    assert marks["summary"] == "well done"


def test_a_form_that_is_given_up_stays_with_its_reviewer(room: Run, site: Path) -> None:
    drawn(room)
    done = CliRunner().invoke(main, ["--site", str(site), "qa", "score", "--ask", "--as", "mei"], input="yes\n")
    assert done.exit_code == 1
    (one,) = told(room("qa", "queue", "--state", "in_review", "--json"))
    assert one["holder"] == "mei"
    room("qa", "release", one["review_id"], "--as", "mei")


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_a_form_comes_from_a_file(room: Run, site: Path, suffix: str) -> None:
    review = drawn(room)[0]["review_id"]
    answers = {item: answer if isinstance(answer, int) else answer.value for item, answer in answered(the_form()).answers.items()}
    if suffix == "json":
        content = json.dumps(
            {"answers": answers, "remarks": [{"item": "opening", "at": "0:10", "text": "fine"}], "summary": "ok"}
        )
    else:
        lines = [f"{item} = {json.dumps(answer)}" for item, answer in answers.items()]
        content = "\n".join(['summary = "ok"', "[answers]", *lines, "[[remarks]]", "at = 10.0", 'text = "fine"'])
    done = told(room("qa", "score", review, "--file", a_file(site, content, f"form.{suffix}"), "--json"))
    assert done["score"]["total"] == 100
    (marks,) = told(room("qa", "show", review, "--json"))["marks"]
    assert marks["remarks"][0]["at_ms"] == 10_000


def test_what_is_wrong_with_a_form_is_told_all_at_once_and_scores_nothing(room: Run, site: Path) -> None:
    review = drawn(room)[0]["review_id"]
    wrong = {"answers": {"opening": "perhaps", "clarity": 1.5}, "remarks": [{"at": -1, "text": 3}], "mood": "bad"}
    done = room("qa", "score", review, "--file", a_file(site, json.dumps(wrong), "form.json"), expect=2)
    for place in ("mood: unknown key", "answers.opening", "answers.clarity", "remarks[0].at", "remarks[0].text"):
        assert place in done.stderr
    for content, name in (
        ("{", "form.json"),
        ("a = ", "form.toml"),
        (b"\xff\xfe\xff", "form.json"),
        ("[" * 100_000, "form.json"),
    ):
        assert "cannot be read" in room("qa", "score", review, "--file", a_file(site, content, name), expect=2).stderr
    assert "is not answered" in room("qa", "score", review, "--answer", "opening=yes", expect=2).stderr
    assert "@seconds" in room("qa", "score", review, "--remark", "nothing", expect=2).stderr
    assert room("qa", "score", review, expect=2).stderr.startswith("ringfence: give the answers")
    assert told(room("qa", "queue", "--state", "scored", "--json")) == []


def test_a_sample_is_drawn_once_and_can_be_drawn_again_to_be_checked(room: Run, site: Path) -> None:
    room("qa", "plan", "put", "weekly", "--share", "50%", "--by", "outcome", "--weigh", "degraded=3", "--weigh", "overtalk:0.1=2")
    dry = told(room("qa", "plan", "draw", "weekly", "--week", WEEK, "--dry-run", "--json"))
    assert dry["cells"] == [{"agent_id": f"agent-{agent}", "calls": 6, "drawn": 3} for agent in (1, 2)]
    assert "c-1-" not in room("qa", "plan", "draw", "weekly", "--week", WEEK, "--dry-run").stdout
    sample = told(room("qa", "plan", "draw", "weekly", "--week", WEEK, "--json"))
    assert (sample["drawn"], sample["calls"], len(sample["seed"])) == (6, 12, 32)
    assert "a sample is drawn once" in room("qa", "plan", "draw", "weekly", "--week", WEEK, expect=3).stderr
    assert told(room("qa", "plan", "verify", "--json")) == []
    engine = open_database(sqlite_url(site / "ringfence.db"))
    with writing(engine) as connection:
        archive(connection, [a_row("came-late")])
    engine.dispose()
    assert "are others than they were" in room("qa", "plan", "verify", sample["draw_id"], expect=3).stdout
    assert sample["seed"] in room("qa", "plan", "samples").stdout
    assert "50 %" in room("qa", "plan", "list").stdout
    (plan,) = told(room("qa", "plan", "list", "--json"))
    assert (plan["share"], plan["weights"]) == (0.5, ["degraded=3", "overtalk:0.1=2"])


@pytest.mark.parametrize(
    "wrong",
    [
        ("qa", "plan", "put", "p"),
        ("qa", "plan", "put", "p", "--share", "5%", "--count", "2"),
        ("qa", "plan", "put", "p", "--share", "0"),
        ("qa", "plan", "put", "p", "--share", "1/0"),
        ("qa", "plan", "put", "p", "--share", "nan"),
        ("qa", "plan", "put", "p", "--count", "2", "--weigh", "luck=2"),
        ("qa", "plan", "put", "p", "--count", "2", "--weigh", "overtalk:2=2"),
        ("qa", "plan", "put", "p", "--count", "2", "--weigh", "degraded=nan"),
        ("qa", "plan", "put", "p", "--count", "2", "--zone", "Mars/Olympus"),
        ("qa", "plan", "put", "p", "--count", "2", "--scorecard", "none-such"),
        ("qa", "plan", "draw", "none-such"),
        ("qa", "show", "none-such"),
        ("qa", "score", "none-such", "--answer", "opening=yes"),
        ("qa", "score", "--answer", "opening=yes"),
        ("qa", "assign", "none-such"),
        ("qa", "claim", "none-such"),
        ("qa", "open", "none-such", "--reason", "x"),
        ("qa", "calibrate", "show", "none-such"),
        ("qa", "calibrate", "open", "none-such"),
        ("qa", "library", "add", "none-such", "--tag", "x", "--why", "y"),
        ("qa", "library", "remove", "7", "--why", "y"),
        ("qa", "coach", "add", "--text", "x"),
        ("qa", "coach", "add", "--call", "c-1-000", "--at", "soon", "--text", "x"),
        ("qa", "scorecard", "show", "none-such"),
        ("qa", "report", "--plan", "none-such"),
        ("qa", "plan", "verify", "none-such"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(room: Run, wrong: tuple[str, ...]) -> None:
    done = room(*wrong, expect=2)
    assert done.stdout == ""
    assert done.stderr


def test_a_week_that_is_none_or_not_over_is_refused(room: Run) -> None:
    room("qa", "plan", "put", "weekly", "--count", "2", "--zone", "Asia/Shanghai")
    for wrong in ("2026-W54", "2026-10", "soon"):
        assert "is no week" in room("qa", "plan", "draw", "weekly", "--week", wrong, expect=2).stderr
    assert "not over" in room("qa", "plan", "draw", "weekly", "--week", "2199-W01", expect=3).stderr
    room("qa", "plan", "draw", "weekly", "--since", "2026-03-02", expect=2)
    done = told(room("qa", "plan", "draw", "weekly", "--week", WEEK, "--json"))
    assert done["period"]["since"] == "2026-03-01T16:00:00+00:00"


def test_queue_claim_assign_release_withdraw(staffed: Run) -> None:
    reviews = drawn(staffed, "--as", "mei")
    first = told(staffed("qa", "claim", "--as", "mei", "--json"))
    assert first["state"] == "in_review"
    assert told(staffed("qa", "claim", "--as", "tom", "--json"))["review_id"] != first["review_id"]
    staffed("qa", "claim", first["review_id"], "--as", "tom", expect=3)
    staffed("qa", "release", first["review_id"], "--as", "tom", expect=3)
    staffed("qa", "release", first["review_id"], "--reason", "ill", "--as", "zhang")
    staffed("qa", "assign", first["review_id"], "tom", "--as", "mei", expect=3)
    staffed("qa", "assign", first["review_id"], "tom", "--as", "zhang")
    assert told(staffed("qa", "claim", "--as", "tom", "--json"))["review_id"] == first["review_id"]
    staffed("qa", "withdraw", first["review_id"], "--reason", "no sound", "--as", "zhang")
    assert len(told(staffed("qa", "queue", "--state", "due", "--as", "mei", "--json"))) == len(reviews) - 2
    staffed("qa", "queue", "--as", "stranger", expect=3)
    assert told(staffed("qa", "queue", "--as", "lin", "--json")) == []
    named = told(staffed("qa", "open", "c-1-003", "--reason", "a complaint", "--as", "lead", "--json"))
    assert (named["sample"], named["probability"]) == (None, None)
    staffed("qa", "open", "c-2-003", "--reason", "a complaint", "--as", "lead", expect=3)
    staffed("qa", "open", "nobody", "--reason", "a complaint", "--as", "zhang", expect=3)


def test_nothing_to_claim_is_no_failure(room: Run) -> None:
    assert told(room("qa", "claim", "--json")) is None
    assert "nothing waits" in room("qa", "claim").stdout


def test_a_calibration_is_blind_until_it_is_closed_and_tells_how_far_all_agree(staffed: Run) -> None:
    opened = told(
        staffed(
            "qa", "calibrate", "open", "c-1-000", "c-2-000", "--reviewer", "mei", "--reviewer", "tom", "--as", "mei", "--json"
        )
    )
    session = opened["calibration_id"]
    for call_id in ("c-1-000", "c-2-000"):
        staffed("qa", "calibrate", "score", session, call_id, *good(), "--as", "mei")
    staffed("qa", "calibrate", "score", session, "c-1-000", *good(clarity=1), "--as", "tom")
    staffed("qa", "calibrate", "score", session, "c-1-000", *good(), "--as", "tom", expect=3)
    staffed("qa", "calibrate", "score", session, "c-1-001", *good(), "--as", "tom", expect=3)
    staffed("qa", "calibrate", "score", session, "c-1-000", *good(), "--as", "zhang", expect=3)
    blind = told(staffed("qa", "calibrate", "show", session, "--as", "tom", "--json"))
    assert {one["reviewer"] for one in blind["scores"]} == {"tom"}
    assert (blind["agreement"], blind["waiting"]) == (None, [{"call_id": "c-2-000", "reviewer": "tom"}])
    staffed("qa", "calibrate", "score", session, "c-2-000", *good(), "--as", "tom")
    staffed("qa", "calibrate", "close", session, "--as", "mei")
    staffed("qa", "calibrate", "close", session, "--as", "mei", expect=3)
    shown = told(staffed("qa", "calibrate", "show", session, "--as", "tom", "--json"))
    assert shown["agreement"]["items"]["opening"] == {"calls": 2, "values": 4, "same": 1.0, "alpha": None, "reading": "unknown"}
    assert shown["agreement"]["items"]["clarity"]["same"] == 0.5
    deviations = {one["reviewer"]: one["mean"] for one in shown["agreement"]["reviewers"]}
    assert deviations["tom"] == -deviations["mei"] < 0
    assert "median of the others" in staffed("qa", "calibrate", "show", session, "--as", "zhang").stdout
    drift = told(staffed("qa", "report", "--by", "reviewer", "--as", "mei", "--json"))["drift"]
    assert [(one["reviewer"], one["calls"], one["drifts"]) for one in drift] == [("mei", 2, False), ("tom", 2, False)]
    assert "harder" in staffed("qa", "report", "--by", "reviewer", "--as", "mei").stdout
    assert session in staffed("qa", "calibrate", "list").stdout


def test_the_library_shows_to_each_the_calls_that_are_theirs_to_hear(staffed: Run) -> None:
    staffed("qa", "library", "add", "c-1-000", "--tag", "opening", "--why", "warm", "--at", "0:03", "--as", "mei")
    staffed("qa", "library", "add", "c-2-000", "--tag", "closing", "--why", "clear", "--as", "mei")
    staffed("qa", "library", "add", "c-1-000", "--tag", "opening", "--why", "again", "--as", "mei", expect=3)
    staffed("qa", "library", "add", "c-2-000", "--tag", "x", "--why", "y", "--as", "lead", expect=3)
    staffed("qa", "library", "add", "c-1-000", "--tag", "x", "--why", "y", "--at", "9:00", "--as", "mei", expect=3)

    def listed(*more: str) -> list[str]:
        return [one["call_id"] for one in told(staffed("qa", "library", "list", "--json", *more))]

    assert listed("--as", "mei") == ["c-2-000", "c-1-000"]
    assert listed("--as", "mei", "--tag", "opening") == ["c-1-000"]
    assert listed("--as", "lin") == ["c-1-000"]
    assert listed("--as", "lead") == ["c-1-000"]
    number = told(staffed("qa", "library", "list", "--json", "--as", "lin"))[0]["note_id"]
    staffed("qa", "library", "remove", str(number), "--why", "left", "--as", "lin", expect=3)
    staffed("qa", "library", "remove", str(number), "--why", "the customer asked", "--as", "mei")
    staffed("qa", "library", "remove", str(number), "--why", "again", "--as", "mei", expect=2)
    assert listed("--as", "mei") == ["c-2-000"]


def test_coaching_is_read_by_the_agent_it_was_said_to(staffed: Run) -> None:
    staffed("qa", "coach", "add", "--call", "c-1-000", "--at", "65", "--text", "let her finish", "--as", "lead")
    staffed("qa", "coach", "add", "--agent", "agent-2", "--text", "shorter openings", "--as", "mei")
    staffed("qa", "coach", "add", "--agent", "agent-2", "--text", "not my team", "--as", "lead", expect=3)
    staffed("qa", "coach", "add", "--call", "c-1-000", "--agent", "agent-2", "--text", "x", "--as", "mei", expect=3)

    def read(name: str) -> list[str]:
        return [one["text"] for one in told(staffed("qa", "coach", "list", "--as", name, "--json"))]

    assert read("lin") == ["let her finish"]
    assert read("wu") == ["shorter openings"]
    assert read("lead") == ["let her finish"]
    assert read("mei") == ["shorter openings", "let her finish"]
    assert "1:05.0" in staffed("qa", "coach", "list", "--as", "lin").stdout


def test_a_complaint_is_noted_and_weighs(staffed: Run) -> None:
    staffed("qa", "complaint", "c-1-003", "--text", "was pressed", "--as", "lead")
    staffed("qa", "plan", "put", "risky", "--count", "1", "--weigh", "complaint=1000", "--as", "mei")
    staffed("qa", "plan", "draw", "risky", "--week", WEEK, "--as", "mei")
    (one,) = told(staffed("qa", "queue", "--agent", "agent-1", "--as", "mei", "--json"))
    assert (one["call_id"], one["probability"] > 0.99) == ("c-1-003", True)


def test_forms_are_shown_in_both_languages_checked_and_taken_in(room: Run, site: Path) -> None:
    assert "合规性" in room("qa", "scorecard", "show", "--language", "zh").stdout
    assert "Compliance" in room("qa", "scorecard", "show").stdout
    form = told(room("qa", "scorecard", "show", "--json"))
    assert [section["title"]["zh"] for section in form["sections"]] == ["沟通技巧", "信息准确性", "服务态度", "合规性"]
    short = (
        'id = "short"\nversion = "1"\ntitle = { en = "Short" }\npassing = 50\n'
        '[[section]]\nid = "s"\ntitle = { en = "S" }\nweight = 1\n'
        '[[section.item]]\nid = "i"\ntitle = { en = "I" }\nkind = "yes_no"\nweight = 1\n'
    )
    file = a_file(site, short, "short.toml")
    assert told(room("qa", "scorecard", "check", file, "--json"))["items"] == 1
    room("qa", "scorecard", "add", file)
    assert "another version" in room("qa", "scorecard", "add", a_file(site, short.replace("50", "60"), "s.toml"), expect=3).stderr
    assert (
        "passing: is missing"
        in room("qa", "scorecard", "check", a_file(site, short.replace("passing", "x"), "s.toml"), expect=2).stderr
    )
    assert "not UTF-8" in room("qa", "scorecard", "check", a_file(site, b"\xff\xfe", "s.toml"), expect=2).stderr
    assert {one["scorecard_id"] for one in told(room("qa", "scorecard", "list", "--json"))} == {"sales-call", "short"}
    room("qa", "plan", "put", "weekly", "--count", "1", "--scorecard", "short")
    room("qa", "plan", "draw", "weekly", "--week", WEEK)
    assert told(room("qa", "score", "--answer", "i=yes", "--json"))["score"]["total"] == 100


def test_every_act_is_in_the_audit_chain_with_the_account_that_did_it(staffed: Run) -> None:
    drawn(staffed, "--as", "mei")
    staffed("qa", "score", *good(), "--as", "mei")
    entries = told(staffed("audit", "list", "--as", "zhang", "--json"))
    actions = [one["action"] for one in entries]
    assert {"qa.plan", "qa.draw", "qa.claimed", "qa.scored"} <= set(actions)


def test_the_commands_say_what_they_are_for(run: Callable[..., Any]) -> None:
    listed = run("qa", "--help").stdout
    for name in ("plan", "queue", "score", "appeal", "calibrate", "report", "accept", "decide", "library", "coach"):
        assert name in listed
