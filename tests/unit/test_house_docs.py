"""The documentation says what the code says, and leads where it says it leads."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from dialer.agents import AgentState
from dialer.dispositions import Disposition
from sip.call import TRANSITIONS, CallState
from sip.diagram import ENDING, mermaid
from sip.events import CallEvent
from tests.generated import FILES, PAGES, ROOT, expected

DOCS = sorted((ROOT / "docs").rglob("*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
EVERY_PAGE = [*READMES, ROOT / "CHANGELOG.md", *DOCS]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND_LINES = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*PAGES, *FILES])
def test_what_is_generated_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == expected(name), "run `make docs`"


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name_of)
def test_every_link_into_the_repository_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{name_of(page)} links to {link}"
        assert not anchor or anchor in anchors_of(target), f"{name_of(page)} links to {link}"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / link).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))}
    pages = {page.resolve() for page in DOCS if page.parent.name == "docs" and page != index}
    assert pages <= reached


def test_both_readmes_hold_the_same_commands_links_and_headings() -> None:
    english, chinese = (page.read_text(encoding="utf-8") for page in READMES)

    def commands(text: str) -> list[str]:
        return [line.split("#")[0].strip() for block in COMMAND_LINES.findall(text) for line in block.splitlines()]

    assert commands(english) == commands(chinese)
    assert [link for link in LINK.findall(english) if not link.startswith("README")] == [
        link for link in LINK.findall(chinese) if not link.startswith("README")
    ]
    assert english.count("\n## ") == chinese.count("\n## ")


def test_decisions_are_numbered_without_gaps_and_titled_by_their_number() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert all(after - before == 1 for before, after in pairwise(numbers))
    for page in pages[1:]:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}: ")


def test_the_changelog_has_a_place_for_what_comes() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "[Unreleased]"


@pytest.mark.parametrize("word", [*CallState, *Disposition, *AgentState])
def test_the_glossary_explains_every_state_and_disposition(word: str) -> None:
    assert f"`{word}`" in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def test_the_compliance_page_names_every_house_rule_with_its_source() -> None:
    page = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")
    pack = tomllib.loads((ROOT / "config" / "packs" / "house.toml").read_text(encoding="utf-8"))
    for rule in pack["rule"]:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{rule['id']}` |")]
        assert rule["cite"] in row
        limits = [str(rule[key]) for key in ("max", "min_unanswered_s") if key in rule]
        limits += [hours.replace("-", "–") for day in rule.get("schedule", []) for hours in day["allow"]]
        assert all(limit in row for limit in limits)


def test_the_diagram_holds_every_transition_but_the_ends_it_draws_once() -> None:
    drawn = mermaid(TRANSITIONS)
    arrows = {
        (start, end): set(labels.split(" / "))
        for start, end, labels in re.findall(r"^ +(\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)
    }
    wanted: dict[tuple[str, str], set[str]] = {}
    for (state, event), after in TRANSITIONS.items():
        if state is not CallState.ENDED and event not in ENDING:
            wanted.setdefault((state.value, after.value), set()).add(event.__name__)
    assert arrows == wanted


def test_what_the_diagram_says_of_the_ends_is_true() -> None:
    ends: list[type[CallEvent]] = sorted(ENDING, key=lambda event: event.__name__)
    assert all(TRANSITIONS[state, event] is CallState.ENDED for state in CallState for event in ends)
    assert "HungUp or Lost leads here from every state" in mermaid(TRANSITIONS)
    assert {after for (state, _), after in TRANSITIONS.items() if state is CallState.ENDED} == {CallState.ENDED}
