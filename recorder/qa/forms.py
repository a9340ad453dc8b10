"""Which forms are there, and which text did a review's hash mean? Scorecards as they are kept.

The rule it protects: what a call was scored with stays what it was. A version has one text for ever; another text needs another
version, and is refused without one.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from compliance.locks import lock_keys
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.rights import Act, refusal
from recorder.qa.scorecard import Scorecard, ScorecardError, parse_scorecard
from recorder.qa.somebody import Somebody, noted
from recorder.qa.tables import qa_scorecard

SUFFIX = ".toml"
LOCK = "scorecards"
SHIPPED_BY = "ringfence"


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it is kept."""

    sha256: str
    scorecard_id: str
    version: str
    added_at: datetime
    added_by: str


def add(connection: Connection, text: str, name: str, by: Somebody, now: datetime) -> Scorecard:
    """Takes a form in; one that is known already is left as it is.

    Raises ScorecardError, and NotAllowed for a version that has another text.
    """
    if why := refusal(by.acting, Act.PLAN):
        raise NotAllowed(why)
    card = parse_scorecard(text, name)
    if _is_new(connection, card, name):
        _keep(connection, card, text, by.name, now)
        noted(connection, now, by, "qa.scorecard", scorecard=card.id, version=card.version, sha256=card.sha256)
    return card


def add_shipped(connection: Connection, now: datetime) -> None:
    """Takes in the forms that come with Ringfence."""
    for name, text in shipped().items():
        card = parse_scorecard(text, name)
        if _is_new(connection, card, name):
            _keep(connection, card, text, SHIPPED_BY, now)


def latest(connection: Connection, scorecard_id: str) -> Scorecard:
    """The version of a form that was taken in last. Raises NoSuch."""
    newest = (qa_scorecard.c.added_at.desc(), qa_scorecard.c.version.desc())
    query = select(qa_scorecard.c.text).where(qa_scorecard.c.scorecard_id == scorecard_id).order_by(*newest).limit(1)
    text = connection.execute(query).scalar()
    if text is None:
        known = connection.execute(select(qa_scorecard.c.scorecard_id).distinct()).scalars()
        raise NoSuch(f"no scorecard is called {scorecard_id!r}: there is {', '.join(sorted(known)) or 'none'}")
    return parse_scorecard(text, scorecard_id)


def of_hash(connection: Connection, sha256: str) -> Scorecard:
    """The form with this hash. Raises NoSuch, and ScorecardError when its text was altered."""
    text = connection.execute(select(qa_scorecard.c.text).where(qa_scorecard.c.sha256 == sha256)).scalar()
    if text is None:
        raise NoSuch(f"no scorecard has the hash {sha256}")
    card = parse_scorecard(text, sha256)
    if card.sha256 != sha256:
        raise ScorecardError((f"scorecard {sha256}: its text is not the one that was taken in",))
    return card


def listed(connection: Connection) -> list[Kept]:
    """Every form, by id, the latest first."""
    columns = (qa_scorecard.c[name] for name in ("sha256", "scorecard_id", "version", "added_at", "added_by"))
    query = select(*columns).order_by(qa_scorecard.c.scorecard_id, qa_scorecard.c.added_at.desc())
    return [Kept(*row) for row in connection.execute(query)]


@lru_cache(maxsize=1)
def shipped() -> dict[str, str]:
    """The texts of the forms that come with Ringfence, by file name without its suffix."""
    entries = resources.files("config").joinpath("scorecards").iterdir()
    return {one.name.removesuffix(SUFFIX): one.read_text("utf-8") for one in entries if one.name.endswith(SUFFIX)}


def _is_new(connection: Connection, card: Scorecard, name: str) -> bool:
    lock_keys(connection, LOCK)
    known = select(qa_scorecard.c.sha256).where(qa_scorecard.c.scorecard_id == card.id, qa_scorecard.c.version == card.version)
    sha256 = connection.execute(known).scalar()
    if sha256 not in {None, card.sha256}:
        raise NotAllowed(f"{name}: {card.id} {card.version} is known with another text: give the new one another version")
    return sha256 is None


def _keep(connection: Connection, card: Scorecard, text: str, who: str, now: datetime) -> None:
    row = {"sha256": card.sha256, "scorecard_id": card.id, "version": card.version, "text": text}
    connection.execute(insert(qa_scorecard).values(row | {"added_at": now, "added_by": who}))
