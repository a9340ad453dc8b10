"""What is written when a recording has come into the archive? Its row, its key and its link in the chain, in one transaction.

The rule it protects: none of the three is ever there without the others, and the link tells the digests of all that was archived.
"""

from datetime import datetime

from sqlalchemy.engine import Connection

from recorder import archive_chain, recording_keys, store
from recorder.record import Json
from recorder.sealing import WrappedKey
from recorder.vault import Archived


def file_recording(
    connection: Connection, row: dict[str, object], archived: Archived, wrapped: WrappedKey | None, now: datetime
) -> int:
    """Records what the vault has kept, in the caller's write transaction, and settles its job; the place in the chain.

    Raises IntegrityError when the call has a recording already: one call, one recording.
    """
    store.archived(connection, row)
    if wrapped is not None:
        recording_keys.put(connection, wrapped)
    digest = store.digests_of(connection, [archived.call_id])[archived.call_id]
    return archive_chain.append(connection, archive_chain.ARCHIVED, archived.call_id, facts_of(archived, digest, wrapped), now)


def facts_of(archived: Archived, row_sha256: str, wrapped: WrappedKey | None) -> Json:
    """What the archive's chain tells of a recording: its files, its key and its row, by their digests."""
    return {
        "path": archived.path,
        "sha256": archived.sha256,
        "bytes": archived.bytes,
        "sidecar_sha256": archived.sidecar_sha256,
        "key_sha256": recording_keys.digest(wrapped),
        "row": row_sha256,
    }
