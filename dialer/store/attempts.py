"""Attempts on disk. What an attempt needs to be found after a crash is written before the effect it stands for.

`open_attempts` is where a restart begins.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.engine import Connection

from compliance.verdict import PackRef
from dialer.dispositions import LeadState
from dialer.floor import FloorCall
from dialer.store.campaigns import NotFound
from dialer.tables import AttemptRow, CampaignRow, LeadRow
from recorder.capture_text import from_text, to_text
from sip.call import Call, CallState
from sip.events import EndedBy
from sip.port import DisclosedBy


def open_attempt(connection: Connection, floor_call: FloorCall) -> bool:
    """Takes the lead for this attempt, which a restart will find; False when somebody else has the lead."""
    free = (LeadRow.lead_id == floor_call.lead_id) & (LeadRow.state == LeadState.READY.value)
    taken = {"state": LeadState.DIALING.value, "attempts": LeadRow.attempts + 1, "reason": ""}
    if connection.execute(update(LeadRow).where(free).values(taken)).rowcount != 1:
        return False
    connection.execute(insert(AttemptRow).values(call_id=floor_call.call_id, **_attempt_values(floor_call)))
    return True


def take_back(connection: Connection, lead_id: str) -> None:
    """The lead's last attempt was none: nothing was sent, nobody was rung."""
    connection.execute(update(LeadRow).where(LeadRow.lead_id == lead_id).values(attempts=LeadRow.attempts - 1))


def void_attempt(connection: Connection, floor_call: FloorCall, now: datetime, reason: str) -> None:
    """Nothing was sent to the PBX: the lead is as it was, and the attempt is kept only as a trace."""
    ended = {"state": CallState.ENDED.value, "disposition": "void", "finished_at": now, "ended_at": now, "failure": reason}
    connection.execute(update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id).values(ended))
    back = {"state": LeadState.READY.value, "attempts": LeadRow.attempts - 1, "reason": reason}
    connection.execute(update(LeadRow).where(LeadRow.lead_id == floor_call.lead_id).values(back))


def save_call(connection: Connection, floor_call: FloorCall) -> None:
    """Where the call stands."""
    connection.execute(update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id).values(**_attempt_values(floor_call)))


def finish_attempt(connection: Connection, floor_call: FloorCall, disposition: str, now: datetime) -> bool:
    """The last word on a call; False when it was said already."""
    done = update(AttemptRow).where(AttemptRow.call_id == floor_call.call_id, AttemptRow.finished_at.is_(None))
    values = _attempt_values(floor_call) | {"disposition": disposition, "finished_at": now}
    return connection.execute(done.values(**values)).rowcount == 1


def open_attempts(connection: Connection) -> list[FloorCall]:
    """Attempts whose last word is not said: what a restart takes over."""
    query = _with_campaign().where(AttemptRow.finished_at.is_(None)).order_by(AttemptRow.call_id)
    return [_floor_call(row) for row in connection.execute(query)]


def attempt(connection: Connection, call_id: str) -> FloorCall:
    """The attempt with this id, open or finished. Raises NotFound."""
    row = connection.execute(_with_campaign().where(AttemptRow.call_id == call_id)).first()
    if row is None:
        raise NotFound(f"no call has the id {call_id!r}")
    return _floor_call(row)


def attempts_of(connection: Connection, *, lead_id: str | None = None, campaign_id: str | None = None) -> list[FloorCall]:
    """The attempts on a lead or of a campaign, oldest first; attempts that were never sent are left out."""
    query = _with_campaign().where(or_(AttemptRow.disposition.is_(None), AttemptRow.disposition != "void"))
    if lead_id is not None:
        query = query.where(AttemptRow.lead_id == lead_id)
    if campaign_id is not None:
        query = query.where(AttemptRow.campaign_id == campaign_id)
    return [_floor_call(row) for row in connection.execute(query.order_by(AttemptRow.ordered_at, AttemptRow.call_id))]


_CALL_FIELDS = tuple(field.name for field in fields(Call) if field.name not in {"call_id", "state", "ended_by", "disclosed_by"})


def _with_campaign() -> Any:
    columns = (
        *AttemptRow.__table__.columns,
        CampaignRow.name.label("campaign"),
        CampaignRow.disclosure,
        CampaignRow.safe_harbour,
    )
    return select(*columns).join(CampaignRow, CampaignRow.campaign_id == AttemptRow.campaign_id)


def _attempt_values(floor_call: FloorCall) -> dict[str, Any]:
    call = floor_call.call
    return {
        "lead_id": floor_call.lead_id,
        "campaign_id": floor_call.campaign_id,
        "person": floor_call.person,
        "number": floor_call.number,
        "packs": [{"id": pack.id, "version": pack.version, "sha256": pack.sha256} for pack in floor_call.packs],
        "holds_agent": floor_call.agent_id,
        "disposition": floor_call.disposition,
        "state": call.state.value,
        "ended_by": call.ended_by.value if call.ended_by else None,
        "disclosed_by": call.disclosed_by.value,
        "capture_json": to_text(floor_call.capture),
        **{name: getattr(call, name) for name in _CALL_FIELDS},
    }


def _floor_call(row: Row[Any]) -> FloorCall:
    call = Call(
        call_id=row.call_id,
        state=CallState(row.state),
        ended_by=EndedBy(row.ended_by) if row.ended_by else None,
        disclosed_by=DisclosedBy(row.disclosed_by),
        **{name: getattr(row, name) for name in _CALL_FIELDS},
    )
    return FloorCall(
        call=call,
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        campaign=row.campaign,
        person=row.person,
        number=row.number,
        packs=tuple(PackRef(**pack) for pack in row.packs),
        disclosure=row.disclosure,
        safe_harbour=row.safe_harbour,
        agent_id=row.holds_agent,
        disposition=row.disposition,
        capture=from_text(row.capture_json),
    )
