"""Recordings of any age and kind in a real archive, with the rules that say how long they are kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from compliance.kept import keep
from compliance.packs import Pack, parse_pack
from config.database import reading, writing
from recorder import archive_chain, archive_head, store
from recorder.archive_chain import Entry
from recorder.filing import file_recording
from recorder.keeping import House
from recorder.purge import Order
from recorder.vault import Archived, Vault
from recorder.verification import Finding, verify_all
from tests.archived_calls import a_kept_call, a_signed_database
from tests.pack_texts import DNC, pack_text, rule_text
from tests.recorder_audio import ANSWERED, a_vault

NUMBER = "+12125550123"
LATER = ANSWERED + timedelta(days=200)


def a_pack(*rules: str, name: str = "test") -> Pack:
    """Rules for calls to anywhere, and the do-not-call list."""
    return parse_pack(pack_text(DNC, *rules, name=name), name)


def keeps(name: str, *, level: str = "law", **said: Any) -> str:
    """A rule about recordings that counts from the call."""
    fields: dict[str, Any] = {"what": ["recording"], "from": "call"}
    return rule_text(name, "retain", level=level, **(fields | said))


MONTH = a_pack(keeps("month", min="30d"))


@dataclass
class Room:
    """An archive, its database and the house that owns them."""

    engine: Engine
    vault: Vault
    packs: Sequence[Pack] = (MONTH,)

    def recorded(self, call_id: str, answered: datetime = ANSWERED, packs: Sequence[Pack] | None = None, **said: Any) -> Archived:
        """A call of 20 seconds that is in the archive; what is not said of it is of no account."""
        kept, row = a_kept_call(self.vault, call_id, f"the audio of {call_id} ".encode() * 50)
        wrapped = row.pop("wrapped")
        used = self.packs if packs is None else packs
        refs = [{"id": pack.id, "version": pack.version, "sha256": pack.sha256} for pack in used]
        times = {"started_at": answered, "ended_at": answered + timedelta(seconds=20), "archived_at": answered}
        whom = {"number": NUMBER, "person": "ann", "campaign": "spring", "disposition": "not_interested"}
        with writing(self.engine) as connection:
            keep(connection, used, [])
            filed = {**row, **whom, **times, "packs_json": json.dumps(refs), **said}
            file_recording(connection, filed, kept, wrapped, answered)  # type: ignore[arg-type] # one value of a row is none
        archive_head.publish(self.engine, self.vault.root)
        return kept

    def order(self, days: int = 90, **said: Any) -> Order:
        """What the house orders."""
        return Order(self.packs, House(days), "mary", **said)

    def calls(self) -> list[str]:
        """The calls of which the index has a recording."""
        with reading(self.engine) as connection:
            return [one.call_id for one in store.in_archive(connection)]

    def tombstones(self) -> dict[str, list[Entry]]:
        """The tombstones by call."""
        with reading(self.engine) as connection:
            links = archive_chain.entries(connection, [f"c{n}" for n in range(50)])
        found = {call_id: [link for link in several if link.kind == archive_chain.PURGED] for call_id, several in links.items()}
        return {call_id: several for call_id, several in found.items() if several}

    def files(self) -> set[str]:
        """The calls of which the archive has files."""
        return {Path(name).name.split(".")[0] for name in self.vault.files()}

    def findings(self) -> list[Finding]:
        return verify_all(self.engine, self.vault)


def a_room(url: str, directory: Path, packs: Sequence[Pack] = (MONTH,)) -> Room:
    """An empty archive in `directory`."""
    return Room(a_signed_database(url), a_vault(directory), packs)
