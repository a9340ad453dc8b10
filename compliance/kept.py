"""Which texts decided? Every rule pack and calendar that was ever used is kept under its hash.

The rule it protects: a past decision is read by the text of its time. What is kept is never changed; keeping it twice is once.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from compliance.daykinds import Calendar
from compliance.decision import calendar_text, text_hash
from compliance.packs import Pack
from compliance.tables import kept_text

PACK, CALENDAR = "pack", "calendar"
#: Whose tables decide beside our own code: zones, numbers, holidays.
DECIDING = ("ringfence", "tzdata", "phonenumbers", "holidays", "chinesecalendar")


def keep(connection: Connection, packs: Iterable[Pack], calendars: Iterable[Calendar]) -> None:
    """Keeps those texts that are not kept yet, in the caller's write transaction."""
    texts = {pack.sha256: (PACK, pack.id, pack.version, pack.text) for pack in packs}
    for calendar in calendars:
        text = calendar_text(calendar)
        texts[text_hash(text)] = (CALENDAR, calendar.name, "", text)
    known = set(connection.execute(select(kept_text.c.sha256).where(kept_text.c.sha256.in_(texts))).scalars())
    rows = [
        {"sha256": sha256, "kind": kind, "name": name, "version": release, "text": text}
        for sha256, (kind, name, release, text) in texts.items()
        if sha256 not in known
    ]
    if rows:
        connection.execute(insert(kept_text), rows)


def texts_of(connection: Connection, hashes: Iterable[str]) -> Mapping[str, str]:
    """The kept texts by their hashes; one that is not kept is left out."""
    found = select(kept_text.c.sha256, kept_text.c.text).where(kept_text.c.sha256.in_(sorted(set(hashes))))
    return {row.sha256: row.text for row in connection.execute(found)}


@lru_cache(maxsize=1)
def versions() -> str:
    """The versions of all that decides, in one line."""
    return " ".join(f"{name} {_version(name)}" for name in DECIDING)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
