"""What may be said of agents, teams, campaigns, sections and reviewers from the calls that were reviewed?

The rule it protects: each figure is told with how many calls it rests on, out of how many, and how sure it is. Only calls that
chance drew count, each by its chance; a sample whose calls were not all reviewed stands, within each agent's calls, for those
that were (its chances are multiplied by reviewed / drawn), which is fair as long as nobody chooses which ones are left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from recorder.qa.estimates import Estimate, Observed, mean, score_mean, share
from recorder.qa.scoring import Score


class By(StrEnum):
    """What the figures are told by."""

    AGENT = "agent"
    TEAM = "team"
    CAMPAIGN = "campaign"
    SECTION = "section"
    REVIEWER = "reviewer"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Cell:
    """How many calls there were to draw from."""

    draw_id: str
    agent_id: str
    team: str
    campaign: str
    calls: int


@dataclass(frozen=True, slots=True)
class Result:
    """A drawn call and what came of it; `score` is None while there is none that counts."""

    draw_id: str
    agent_id: str
    team: str
    campaign: str
    reviewer: str
    probability: float
    score: Score | None
    appealed: bool
    changed: bool  # the second reviewer gave other marks


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one agent, team or what else is asked. `coverage` is reviewed / calls; None where no calls are counted."""

    key: str
    calls: int | None
    drawn: int
    reviewed: int
    coverage: float | None
    score: Estimate | None  # percent, over all calls
    sound: Estimate | None  # percent, over those in which nothing fatal failed
    passed: Estimate | None  # shares, from 0 to 1
    fatal: Estimate | None
    appealed: float | None
    changed: int


def lines(by: By, results: Sequence[Result], cells: Sequence[Cell], confidence: float) -> list[Line]:
    """The figures, by key; at the end those of all together, with the key `all`."""
    weighed = adjusted(results)
    if by is By.SECTION:
        found = _by_section(weighed, cells, confidence)
    else:
        keys = sorted({_key(by, one) for one in weighed} | ({_cell_key(by, one) for one in cells} - {None}), key=str)
        found = [
            _line(
                str(key),
                [one for one in weighed if _key(by, one) == key],
                None if by is By.REVIEWER else sum(one.calls for one in cells if _cell_key(by, one) == key),
                confidence,
            )
            for key in keys
            if key
        ]
    return [*found, _line("all", weighed, sum(one.calls for one in cells), confidence)]


def adjusted(results: Iterable[Result]) -> list[Result]:
    """The results, their chances lowered to those of having been reviewed, not only drawn."""
    kept = list(results)
    drawn = Counter((one.draw_id, one.agent_id) for one in kept)
    reviewed = Counter((one.draw_id, one.agent_id) for one in kept if one.score is not None)
    return [
        replace(one, probability=one.probability * reviewed[one.draw_id, one.agent_id] / drawn[one.draw_id, one.agent_id])
        for one in kept
    ]


def _line(key: str, drawn: Sequence[Result], calls: int | None, confidence: float) -> Line:
    reviewed = [(one, one.score) for one in drawn if one.score is not None]
    return Line(
        key=key,
        calls=calls,
        drawn=len(drawn),
        reviewed=len(reviewed),
        coverage=len(reviewed) / calls if calls else None,
        score=score_mean([Observed(score.total, one.probability) for one, score in reviewed], confidence),
        sound=mean([Observed(score.total, one.probability) for one, score in reviewed if not score.fatal], 0, 100, confidence),
        passed=share([Observed(float(score.passed), one.probability) for one, score in reviewed], confidence),
        fatal=share([Observed(float(bool(score.fatal)), one.probability) for one, score in reviewed], confidence),
        appealed=sum(one.appealed for one, _ in reviewed) / len(reviewed) if reviewed else None,
        changed=sum(one.changed for one in drawn),
    )


def _by_section(weighed: Sequence[Result], cells: Sequence[Cell], confidence: float) -> list[Line]:
    """What each section is worth over all calls to which it applied. The share of critical items is the form's to tell."""
    observed: dict[str, list[Observed]] = defaultdict(list)
    for one in weighed:
        for section in one.score.sections if one.score else ():
            if section.percent is not None:
                observed[section.section].append(Observed(section.percent, one.probability))
    calls = sum(one.calls for one in cells)
    return [
        Line(
            key=section,
            calls=calls,
            drawn=len(weighed),
            reviewed=len(seen),
            coverage=len(seen) / calls if calls else None,
            score=score_mean(seen, confidence),
            sound=None,
            passed=None,
            fatal=None,
            appealed=None,
            changed=0,
        )
        for section, seen in observed.items()
    ]


_RESULT_KEYS: Mapping[By, str] = {
    By.AGENT: "agent_id",
    By.TEAM: "team",
    By.CAMPAIGN: "campaign",
    By.REVIEWER: "reviewer",
    By.SAMPLE: "draw_id",
}


def _key(by: By, one: Result) -> str:
    return str(getattr(one, _RESULT_KEYS[by]))


def _cell_key(by: By, one: Cell) -> str | None:
    return None if by is By.REVIEWER else str(getattr(one, _RESULT_KEYS[by]))
