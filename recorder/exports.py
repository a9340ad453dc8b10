"""How does a recording leave the house so that it can be told, later, what it is, who took it out, and that it is unaltered?

The rule it protects: no copy without a trail. Each carries in its own tags who made it and when; a sidecar tells the call, why
the copy was made, the SHA-256 of the copy and of the archive, and the links of the signed chain; the manifest of many is signed
by the site. A copy that fails leaves nothing behind, and nothing that is there is ever replaced.
"""

import base64
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from config.private_files import sync
from recorder.access import masked
from recorder.archive_chain import Entry
from recorder.audio import EXPORTS, convert
from recorder.catalogue import Recording
from recorder.copy_files import add_to_zip, digest_of, hidden, pieces, put, write
from recorder.marking import marked
from recorder.transcript import Transcript
from recorder.vault import Vault
from recorder.vcon import vcon

FORMAT, MANIFEST_FORMAT = "ringfence-export-1", "ringfence-export-manifest-1"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "site.pub"
_BODY = "audio goes here"  # where a vCon's audio is put in

Json = dict[str, Any]


class BadPiece(ValueError):
    """The piece that is asked for is none of the recording."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who takes copies out, when, and why. `share` is the number of the share by which they leave; empty for the staff."""

    by: str
    at: datetime
    why: str
    for_whom: str = ""
    share: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """From where to where, in milliseconds from the first sample; None is the end."""

    from_ms: int = 0
    until_ms: int | None = None

    def within(self, duration_ms: int) -> tuple[int, int]:
        """Both ends as they are in a recording of that length. Raises BadPiece."""
        until = duration_ms if self.until_ms is None else min(self.until_ms, duration_ms)
        if not 0 <= self.from_ms < until:
            raise BadPiece(f"from {self.from_ms / 1000:g} s to {until / 1000:g} s is no piece of {duration_ms / 1000:g} s")
        return self.from_ms, until


WHOLE = Piece()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A recording as it is to leave: in one of `audio.EXPORTS`, a piece or all of it, with its links in the archive's chain."""

    recording: Recording
    form: str
    links: tuple[Entry, ...] = ()
    piece: Piece = WHOLE


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that was written. `sidecar` lies beside it; in a ZIP there is one for each recording."""

    file: Path
    sidecar: Path | None
    sha256: str
    bytes: int


class Signer(Protocol):
    """The site's key (`compliance.evidence_key`)."""

    @property
    def public_pem(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...


def export(vault: Vault, outgoing: Outgoing, target: Path, leaving: Leaving) -> Copy:
    """Writes a copy to `target`, a new file or an existing folder, and its sidecar beside it.

    Raises AlteredRecording, BadPiece, FileExistsError, ValueError for the form, OSError.
    """
    copy = target / f"{outgoing.recording.call_id}.{outgoing.form}" if target.is_dir() else target

    def written(part: Path) -> tuple[str, int]:
        _encode(vault, outgoing, part, leaving)
        return digest_of(part)

    return _with_sidecar(copy, written, outgoing, leaving)


def export_vcon(
    vault: Vault,
    outgoing: Outgoing,
    target: Path,
    leaving: Leaving,
    *,
    seller: str,
    host: str,
    transcript: Transcript | None = None,
) -> Copy:
    """Writes the recording as a vCon with its audio in it, and a sidecar beside it. Raises as `export` does.

    The audio is put in piece by piece: memory does not grow with the call. Of the transcript no more leaves than of the audio.
    """
    call_id = outgoing.recording.call_id
    copy = target / f"{call_id}.vcon.json" if target.is_dir() else target
    piece = outgoing.piece.within(outgoing.recording.duration_ms)
    written_down = None if transcript is None else transcript.clipped(*piece)
    told = vcon(outgoing.recording, outgoing.form, seller, host, leaving.at, transcript=written_down)
    told["dialog"][0] |= {"encoding": "base64url", "body": _BODY}
    head, tail = json.dumps(told, ensure_ascii=False).split(json.dumps(_BODY))

    def written(part: Path) -> tuple[str, int]:
        with hidden(copy) as audio:
            _encode(vault, outgoing, audio, leaving)
            write(part, _around(head, audio, tail))
        return digest_of(part)

    return _with_sidecar(copy, written, outgoing, leaving)


def export_many(
    vault: Vault,
    outgoing: Sequence[Outgoing],
    target: Path,
    leaving: Leaving,
    *,
    key: Signer,
    seen: Callable[[], None] = lambda: None,
) -> Copy:
    """Writes copies of many, each with its sidecar, and a manifest signed by the site into the new ZIP file `target`.

    `seen` is called after each. Raises as `export` does; then there is no file.
    """
    if target.exists():
        raise FileExistsError(f"{target}: exists already, nothing was written")
    manifest: Json = {"format": MANIFEST_FORMAT, "exported": _exported(leaving), "recordings": []}
    with hidden(target) as part:
        with part.open("wb") as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
            for one in outgoing:
                name = f"{one.recording.call_id}.{one.form}"
                with hidden(target) as copy:
                    _encode(vault, one, copy, leaving)
                    digest, size = digest_of(copy)
                    sidecar = _sidecar(one, leaving, name, digest, size)
                    add_to_zip(archive, name, leaving.at, pieces(copy))
                add_to_zip(archive, f"{name}.json", leaving.at, [_pretty(sidecar)])
                listed = {"call_id": one.recording.call_id, "archived_sha256": one.recording.sha256, "links": _links(one)}
                manifest["recordings"].append(listed | sidecar["file"])
                seen()
            content = _pretty(manifest)
            for name, told in ((MANIFEST, content), (SIGNATURE, key.sign(content)), (PUBLIC_KEY, key.public_pem.encode())):
                add_to_zip(archive, name, leaving.at, [told])
        sync(part)
        digest, size = digest_of(part)
        put(part, target)
    return Copy(target, None, digest, size)


def tags_of(recording: Recording, leaving: Leaving) -> dict[str, str]:
    """What the copy itself says of its way: in the tags of its file, until somebody strips them."""
    at = leaving.at.astimezone(UTC)
    whom = f" for {leaving.for_whom}, share {leaving.share}" if leaving.share else ""
    return {
        "title": f"call {recording.call_id}",
        "artist": leaving.by,
        "comment": f"copied {at:%Y-%m-%d %H:%M:%S}Z by {leaving.by}{whom}; not to be passed on",
        "date": f"{at:%Y-%m-%d}",
    }


def _encode(vault: Vault, outgoing: Outgoing, part: Path, leaving: Leaving) -> None:
    if outgoing.form not in EXPORTS:
        raise ValueError(f"cannot export as {outgoing.form!r}: choose one of {', '.join(EXPORTS)}")
    piece = outgoing.piece.within(outgoing.recording.duration_ms)
    mark = (lambda blocks: marked(blocks, leaving.share)) if leaving.share else None
    with vault.open_audio(outgoing.recording.archived) as audio:
        convert(audio, part, outgoing.form, piece_ms=piece, tags=tags_of(outgoing.recording, leaving), change=mark)


def _sidecar(outgoing: Outgoing, leaving: Leaving, name: str, digest: str, size: int) -> Json:
    recording = outgoing.recording
    from_ms, until_ms = outgoing.piece.within(recording.duration_ms)
    return {
        "format": FORMAT,
        "call": {
            "call_id": recording.call_id,
            **_customer(recording, leaving),
            "campaign": recording.campaign,
            "agents": sorted(recording.everybody),
            "team": recording.team,
            "started_at": recording.started_at.isoformat(),
            "ended_at": recording.ended_at.isoformat(),
            "disposition": recording.disposition,
            "disclosure": recording.disclosure.value,
            "flags": list(recording.flags),
        },
        "channels": ["agent", "customer"],
        "file": {"name": name, "sha256": digest, "bytes": size, "from_ms": from_ms, "until_ms": until_ms},
        "archived": {"path": recording.path, "sha256": recording.sha256, "links": _links(outgoing)},
        "exported": _exported(leaving),
    }


def _customer(recording: Recording, leaving: Leaving) -> Json:
    """Who was called; somebody outside the staff, with whom the recording is shared, is told no number."""
    if leaving.share:
        return {"number": masked(recording.number)}
    return {"number": recording.number, "person": recording.person, "lead_id": recording.lead_id}


def _exported(leaving: Leaving) -> Json:
    told = {"by": leaving.by, "at": leaving.at.astimezone(UTC).isoformat(), "why": leaving.why}
    return told | ({"for": leaving.for_whom, "share": leaving.share} if leaving.share else {})


def _links(outgoing: Outgoing) -> list[Json]:
    return [{"seq": link.seq, "kind": link.kind, "at": link.at.isoformat()} for link in outgoing.links]


def _with_sidecar(copy: Path, written: Callable[[Path], tuple[str, int]], outgoing: Outgoing, leaving: Leaving) -> Copy:
    """The copy and its sidecar under their names, the sidecar first: there is never a copy without one."""
    beside = copy.with_name(f"{copy.name}.json")
    for path in (copy, beside):
        if path.exists():
            raise FileExistsError(f"{path}: exists already, nothing was written")
    with hidden(copy) as part, hidden(beside) as part_beside:
        digest, size = written(part)
        write(part_beside, [_pretty(_sidecar(outgoing, leaving, copy.name, digest, size))])
        put(part_beside, beside)
        try:
            put(part, copy)
        except FileExistsError:
            beside.unlink()
            raise
    return Copy(copy, beside, digest, size)


def _around(head: str, audio: Path, tail: str) -> Iterator[bytes]:
    """The text of a vCon with the audio in its place, as base64url without padding (RFC 7515, 2)."""
    yield f'{head}"'.encode()
    for piece in pieces(audio):
        yield base64.urlsafe_b64encode(piece).rstrip(b"=")
    yield f'"{tail}\n'.encode()


def _pretty(value: Json) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
