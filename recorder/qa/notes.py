"""What did people note about calls and agents: the best calls, what customers complained of, and what agents were coached on?

The rule it protects: notes are added and taken back, and never changed; what was said of somebody can be read later as it was,
until the customer of the call asks to be forgotten (`forgetting`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, exists, insert, select
from sqlalchemy.engine import Connection

from recorder.access import Everything, Nothing, OfAgent, OfTeam
from recorder.qa import calls
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.rights import Act, reach, refusal
from recorder.qa.somebody import Somebody, noted
from recorder.qa.tables import qa_note
from recorder.store import RecordingRow


class Kind(StrEnum):
    """What a note is."""

    BEST = "best"  # a call to learn from; `tag` is what for
    COMPLAINT = "complaint"  # the customer complained of the call
    COACHING = "coaching"  # said to an agent, of a call or in general


@dataclass(frozen=True, slots=True)
class Note:
    """One note. `call_id`, `agent_id` and `tag` are empty where there is none; `from_ms` is a place in the recording."""

    note_id: int
    kind: Kind
    call_id: str
    agent_id: str
    tag: str
    text: str
    from_ms: int | None
    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class NewNote:
    """What is to be noted."""

    kind: Kind
    text: str
    call_id: str = ""
    agent_id: str = ""
    tag: str = ""
    from_ms: int | None = None


def add(connection: Connection, new: NewNote, by: Somebody, now: datetime) -> Note:
    """Keeps a note. A note about a call is about its agent too. Raises NoSuch, NotAllowed."""
    agent_id, team, agents = new.agent_id, "", frozenset({new.agent_id})
    if new.call_id:
        about = calls.of_id(connection, new.call_id)
        team, agents, agent_id = about.call.team, about.agents, new.agent_id or about.call.agent_id
        if new.from_ms is not None and not 0 <= new.from_ms <= about.call.duration_ms:
            raise NotAllowed(f"{new.from_ms / 1000:g} s is not within the recording of {about.call.duration_ms / 1000:g} s")
        if new.agent_id and new.agent_id not in about.agents:
            raise NotAllowed(f"call {new.call_id}: agent {new.agent_id} is not on it")
    elif isinstance(reached := reach(by.acting, _ACT[new.kind]), OfTeam):
        team = reached.team if agent_id in _agents_of(connection, reached.team) else ""
    if why := refusal(by.acting, _ACT[new.kind], agents=agents, team=team):
        raise NotAllowed(why)
    if not new.text.strip():
        raise NotAllowed(f"{new.kind.value}: say why")
    if new.kind is Kind.BEST and any(one.tag == new.tag for one in listed(connection, Kind.BEST, call_id=new.call_id)):
        raise NotAllowed(f"call {new.call_id} is in the library already as {new.tag!r}")
    row = {
        "kind": new.kind.value,
        "call_id": new.call_id,
        "agent_id": agent_id,
        "tag": new.tag,
        "text": new.text,
        "from_ms": new.from_ms,
        "at": now,
        "who": by.name,
    }
    note_id = connection.execute(insert(qa_note).values(row).returning(qa_note.c.note_id)).scalar_one()
    noted(connection, now, by, f"qa.{new.kind.value}", new.call_id, note=str(note_id), agent=agent_id)
    return Note(note_id, new.kind, new.call_id, agent_id, new.tag, new.text, new.from_ms, now, by.name)


def take_back(connection: Connection, note_id: int, why: str, by: Somebody, now: datetime) -> None:
    """Takes a note back; it stays to be read in the history. Raises NoSuch, NotAllowed."""
    row = connection.execute(select(qa_note).where(qa_note.c.note_id == note_id, qa_note.c.takes_back.is_(None))).first()
    if row is None or _is_back(connection, note_id):
        raise NoSuch(f"no note in force has the number {note_id}")
    kept = _note(row)
    refused = (
        refusal(by.acting, Act.ASSIGN, team=_team_of(connection, kept))
        if by.name != kept.who
        else refusal(by.acting, _ACT[kept.kind], team=_team_of(connection, kept))
    )
    if refused:
        raise NotAllowed(refused)
    values = {"kind": f"-{kept.kind.value}", "call_id": kept.call_id, "agent_id": kept.agent_id, "tag": kept.tag, "text": why}
    connection.execute(insert(qa_note).values(values | {"at": now, "who": by.name, "takes_back": note_id}))
    noted(connection, now, by, "qa.taken_back", kept.call_id, note=str(note_id))


def listed(
    connection: Connection, kind: Kind, *, call_id: str | None = None, agent_id: str | None = None, tag: str | None = None
) -> list[Note]:
    """The notes of a kind that are in force, the latest first."""
    back = qa_note.alias("back")
    query = select(qa_note).where(qa_note.c.kind == kind.value, ~exists().where(back.c.takes_back == qa_note.c.note_id))
    for column, value in ((qa_note.c.call_id, call_id), (qa_note.c.agent_id, agent_id), (qa_note.c.tag, tag)):
        if value is not None:
            query = query.where(column == value)
    return [_note(row) for row in connection.execute(query.order_by(qa_note.c.note_id.desc()))]


def coaching(connection: Connection, by: Somebody, agent_id: str | None = None) -> list[Note]:
    """What agents were coached on, as far as they may read it: agents their own. Raises NotAllowed."""
    found = listed(connection, Kind.COACHING, agent_id=agent_id)
    match reach(by.acting, Act.READ):
        case Everything():
            return found
        case OfAgent(own):
            return [one for one in found if one.agent_id == own]
        case OfTeam(team):
            agents = _agents_of(connection, team)
            return [one for one in found if one.agent_id in agents]
        case Nothing():
            raise NotAllowed(refusal(by.acting, Act.READ) or "")


_ACT = {Kind.BEST: Act.TAG, Kind.COMPLAINT: Act.TAG, Kind.COACHING: Act.COACH}


def _agents_of(connection: Connection, team: str) -> frozenset[str]:
    """The agents whose calls were recorded for the team."""
    query = select(RecordingRow.agent_id).where(RecordingRow.team == team, RecordingRow.agent_id.is_not(None)).distinct()
    return frozenset(str(one) for one in connection.execute(query).scalars())


def _team_of(connection: Connection, kept: Note) -> str:
    found = connection.execute(select(RecordingRow.team).where(RecordingRow.call_id == kept.call_id)).scalar()
    return str(found or "")


def _is_back(connection: Connection, note_id: int) -> bool:
    return bool(connection.execute(select(exists().where(qa_note.c.takes_back == note_id))).scalar_one())


def _note(row: Row[tuple[object, ...]]) -> Note:
    return Note(row.note_id, Kind(row.kind), row.call_id, row.agent_id, row.tag, row.text, row.from_ms, row.at, row.who)
