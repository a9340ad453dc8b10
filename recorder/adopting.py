"""What of the recordings that were archived before the archive had a chain?

The rule it protects: they are taken into it once, as its first links and as their rows tell of them, so that from then on they
are held against it like all others. A chain that was begun, or a head without one, adopts nothing any more.
"""

from datetime import datetime

from sqlalchemy import Engine

from config.database import reading, writing
from recorder import archive_chain, store
from recorder.archive_head import HEAD
from recorder.filing import facts_of
from recorder.vault import Vault

_PAGE = 500


def adopt(engine: Engine, vault: Vault, now: datetime) -> int:
    """Begins the chain with all recordings there are; how many. Does nothing once there is a head. Raises NoArchiveKey."""
    if (vault.root / HEAD).exists():
        return 0
    with reading(engine) as connection:
        if archive_chain.tip(connection)[0] or next(store.in_archive(connection), None) is None:
            return 0
    with writing(engine) as connection:
        if archive_chain.tip(connection)[0]:  # another process was first
            return 0
        known = list(store.in_archive(connection))
        for start in range(0, len(known), _PAGE):
            page = known[start : start + _PAGE]
            digests = store.digests_of(connection, [one.call_id for one in page])
            for one in page:
                facts = facts_of(one, digests[one.call_id], None) | {"adopted": True}
                archive_chain.append(connection, archive_chain.ARCHIVED, one.call_id, facts, now)
    return len(known)
