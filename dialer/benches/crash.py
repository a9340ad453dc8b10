"""What became of the calls after a part of the site was killed again and again? What all crash benches count alike.

Each of them (`crash_recorder`, `crash_store`, `crash_pbx`) ends its part by SIGKILL, when a seed says, and has it start again.
The rule the product is held to: no recording is lost, doubled or altered, and the archive proves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, func, select

from config.database import reading
from recorder import store
from recorder.archive_chain import ARCHIVED, recording_chain
from recorder.naming import call_of, paths_of
from recorder.vault import Vault


class Part(StrEnum):
    """What is killed."""

    RECORDER = "recorder"
    STORE = "store"
    PBX = "pbx"


#: How often each part is killed, if nobody says otherwise.
USUAL = {Part.RECORDER: 120, Part.STORE: 40, Part.PBX: 40}


class CrashFailed(RuntimeError):
    """The part did not come to be killed, or did not come back: what was measured says nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the calls."""

    calls: int
    archived_once: int
    excused: int  # there was nothing of it on a disk when its part was killed, and an alert says so
    lost: int
    doubled: int
    differing: int  # what is in the archive is not what was to be recorded
    findings: int  # of all that proves and compares: each must be none

    @property
    def intact(self) -> bool:
        """Whether nothing was lost, doubled, altered or found."""
        wrong = (self.lost, self.doubled, self.differing, self.findings)
        return self.archived_once + self.excused == self.calls and not any(wrong)


def shared_out(kills: int | None, parts: Sequence[Part]) -> dict[Part, int]:
    """How often each of these parts is killed, with so many kills in all (None: as usual); each at least once.

    They are shared out as `USUAL` has them; the first part has what is left over.
    """
    if kills is None:
        return {part: USUAL[part] for part in parts}
    total = sum(USUAL[part] for part in parts)
    shares = {part: max(1, kills * USUAL[part] // total) for part in parts}
    first, *others = parts
    return shares | {first: max(1, kills - sum(shares[part] for part in others))}


def held(engine: Engine, vault: Vault) -> tuple[set[str], set[str]]:
    """The calls that the archive holds once, and those of which it holds more than that, by its chain or by its files.

    Raises StoreDown.
    """
    with reading(engine) as connection:
        archived = {one.call_id: one for one in store.in_archive(connection)}
        links = select(recording_chain.c.call_id, func.count()).where(recording_chain.c.kind == ARCHIVED)
        linked = {row[0]: row[1] for row in connection.execute(links.group_by(recording_chain.c.call_id))}
    expected = {name for one in archived.values() for name in paths_of(one.path)}
    doubled = {call_id for call_id, count in linked.items() if count > 1}
    doubled |= {call_of(name) for name in set(vault.files()) - expected}
    return archived.keys() - doubled, doubled
