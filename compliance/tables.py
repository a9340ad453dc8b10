"""The tables of the gate, and the translation between their rows and values. No decisions are made here.

`ledger` is append-only and hash-chained; `permit` holds the reservations and their one use, `refusal` what the gate
did not permit and why, each with what it was decided from; `suppression` is our own do-not-call list, `dnc_list` and
`dnc_number` are copies of others'. `kept_text` holds every pack and calendar that ever decided.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, and_
from sqlalchemy.engine import RowMapping

from compliance.chain import Link, canonical
from compliance.facts import EventKind, LedgerEvent, Suppression
from compliance.verdict import PackRef, Permit, Reason, Refusal
from config.database import Base, UtcDateTime

Fields = Mapping[str, Any] | RowMapping

ledger = Table(
    "ledger",
    Base.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("attempt_id", String(64)),  # NULL where there was no attempt of ours
    Column("person", Text, nullable=False),
    Column("number", String(16), nullable=False),
    Column("campaign", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("debt", Text, nullable=False),
    Column("creditor", Text, nullable=False),
    Column("zones", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("skip_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("attempt_id", "kind"),
    Index(None, "person", "at"),
    Index(None, "number", "at"),
    Index(None, "campaign", "at"),
)
#: The other keys that a rule may count by; most rows have no debt and no creditor.
for _key in ("seller", "subject", "debt", "creditor"):
    _told = ledger.c[_key] != ""
    Index(f"ix_ledger_{_key}_at", ledger.c[_key], ledger.c.at, sqlite_where=_told, postgresql_where=_told)

#: One row: where the chain ends. Without it, rows cut off at the end would not be missed.
ledger_tip = Table(
    "ledger_tip",
    Base.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)

permit = Table(
    "permit",
    Base.metadata,
    Column("permit_id", String(64), primary_key=True),
    Column("attempt_id", String(64), nullable=False, unique=True),
    Column("person", Text, nullable=False),
    Column("number", String(16), nullable=False),
    Column("campaign", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("debt", Text, nullable=False),
    Column("creditor", Text, nullable=False),
    Column("zones", Text, nullable=False),
    Column("packs", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("spent_at", UtcDateTime),
    Column("voided_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Index(None, "person", "expires_at"),
    Index(None, "number", "expires_at"),
    Index(None, "expires_at"),
)
_unresolved = and_(permit.c.spent_at.is_not(None), permit.c.resolved_at.is_(None))
Index("ix_permit_unresolved", permit.c.spent_at, sqlite_where=_unresolved, postgresql_where=_unresolved)

refusal = Table(
    "refusal",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("attempt_id", String(64), nullable=False, index=True),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("person", Text, nullable=False),
    Column("number", String(16), nullable=False),
    Column("campaign", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("debt", Text, nullable=False),
    Column("creditor", Text, nullable=False),
    Column("zones", Text, nullable=False),
    Column("packs", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("retry_at", UtcDateTime),
    Index(None, "person", "decided_at"),
)

suppression = Table(
    "suppression",
    Base.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),  # of the ledger row that proves the entry
    Column("scope", String(32), nullable=False),
    Column("number", String(16), nullable=False, index=True),  # '' for none: NULLs would not be unique
    Column("person", Text, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("until", UtcDateTime, nullable=False),  # FOREVER for none: NULLs would not be unique
    UniqueConstraint("scope", "number", "person", "seller", "campaign", "until"),
)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)  # within the years that every zone can tell

dnc_list = Table(
    "dnc_list",
    Base.metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False, index=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("loaded_at", UtcDateTime, nullable=False),
    Column("in_force", Boolean, nullable=False),
)

dnc_number = Table(
    "dnc_number",
    Base.metadata,
    Column("number", String(16), primary_key=True),
    Column("list_id", String(64), primary_key=True),
    sqlite_with_rowid=False,
)

kept_text = Table(
    "kept_text",
    Base.metadata,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("text", Text, nullable=False),
)

#: What a call is about: the keys that rules count by.
CALL_KEYS = ("person", "number", "campaign", "seller", "subject", "debt", "creditor")
_CHAINED = ("kind", "attempt_id", *CALL_KEYS, "zones", "facts")


def event_fields(event: LedgerEvent) -> dict[str, Any]:
    """The columns of a ledger row that the event itself fills."""
    return {
        "kind": event.kind.value,
        "at": event.at.astimezone(UTC),
        "attempt_id": event.attempt_id,
        **{name: getattr(event, name) for name in CALL_KEYS},
        "zones": canonical(event.zones),
        "facts": canonical(dict(event.facts)),
    }


def body_of(fields: Fields) -> str:
    """What the chain hashes of a ledger row: every column but its place and its hashes."""
    times = {name: fields[name].astimezone(UTC).isoformat(timespec="microseconds") for name in ("at", "recorded_at")}
    return canonical({**{name: fields[name] for name in _CHAINED}, **times})


def link_of(row: Fields) -> Link:
    """A ledger row as the chain sees it."""
    return Link(row["seq"], body_of(row), row["prev_hash"], row["skip_hash"], row["hash"])


def event_of(row: Fields) -> LedgerEvent:
    """A ledger row as the event it is."""
    return LedgerEvent(
        kind=EventKind(row["kind"]),
        at=row["at"],
        attempt_id=row["attempt_id"],
        zones=tuple(json.loads(row["zones"])),
        facts=tuple(sorted(json.loads(row["facts"]).items())),
        **{name: row[name] for name in CALL_KEYS},
    )


def permit_of(row: Fields) -> Permit:
    """A permit row as the permit it is."""
    return Permit(
        permit_id=row["permit_id"],
        attempt_id=row["attempt_id"],
        person=row["person"],
        number=row["number"],
        campaign=row["campaign"],
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        packs=_packs(row["packs"]),
    )


def suppression_of(row: Fields) -> Suppression:
    """A do-not-call row as the entry it is."""
    return Suppression(
        at=row["at"],
        reason=row["reason"],
        source=row["source"],
        number=row["number"] or None,
        person=row["person"] or None,
        scope=row["scope"],
        seller=row["seller"],
        campaign=row["campaign"],
        until=row["until"] if row["until"] < FOREVER else None,
    )


def suppression_fields(entry: Suppression) -> dict[str, Any]:
    """The columns of a do-not-call row that the entry itself fills."""
    return {
        "scope": entry.scope,
        "number": entry.number or "",
        "person": entry.person or "",
        "at": entry.at,
        "reason": entry.reason,
        "source": entry.source,
        "seller": entry.seller,
        "campaign": entry.campaign,
        "until": entry.until or FOREVER,
    }


def refusal_of(row: Fields) -> Refusal:
    """A refusal row as the verdict it was."""
    reasons = tuple(
        Reason(
            rule=item["rule"],
            kind=item["kind"],
            cite=item["cite"],
            level=item["level"],
            text=item["text"],
            retry_at=datetime.fromisoformat(item["retry_at"]) if item["retry_at"] else None,
            facts=tuple((str(name), str(value)) for name, value in item["facts"]),
        )
        for item in json.loads(row["reasons"])
    )
    return Refusal(row["decided_at"], reasons, row["retry_at"], tuple(json.loads(row["zones"])), _packs(row["packs"]))


@lru_cache(maxsize=256)
def zones_text(zones: tuple[str, ...]) -> str:
    """Zones as they are stored."""
    return canonical(zones)


@lru_cache(maxsize=256)
def packs_text(packs: tuple[PackRef, ...]) -> str:
    """Pack references as they are stored."""
    return canonical([[pack.id, pack.version, pack.sha256] for pack in packs])


def _packs(text: str) -> tuple[PackRef, ...]:
    return tuple(PackRef(*item) for item in json.loads(text))
