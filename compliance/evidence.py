"""What does a bundle of evidence hold? Decisions, ledger rows and their proof, rules, calendars, recordings: files by name.

The rules it protects: a bundle says the whole of what it is about and nothing of anybody else. Rows of others that a decision
counted (a telephone may be shared) are shown by their digest alone, and named as withheld. The same evidence gives the same
bytes: nothing in a file depends on the machine or the hour of making but what the manifest says.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from compliance.chain import Step, path
from compliance.evidence_readme import README

SCHEMA = "ringfence-evidence-1"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "manifest.pub"
#: What the signature covers by way of the manifest: every file but these three.
SEALS = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
SUMS, EXPLAINED = "SHA256SUMS", "README.txt"
DECISIONS, LEDGER, PROOF = "decisions.json", "ledger.jsonl", "proof.json"
PACKS, CALENDARS, RECORDINGS = "packs/", "calendars/", "recordings/"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP file can tell
_MODE = 0o100600 << 16  # a file for its owner only

Files = Mapping[str, bytes]


class Subject(StrEnum):
    """What a bundle is about."""

    ATTEMPT = "attempt"  # one call: what was decided about it and what came of it
    PERSON = "person"  # a complaint: everything that concerns one person


@dataclass(frozen=True, slots=True)
class About:
    """What a bundle is about: an attempt or a person, by its id, and whose data it may hold."""

    subject: Subject
    id: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the ledger with what it says, as canonical JSON: the text that the chain hashes."""

    seq: int
    body: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One decision as it was kept: what it was made from and what it said, both as canonical JSON.

    `others` says which people beside those the bundle is about are named in it: then its texts stay in the house.
    `used` are the ledger rows it was made from, `permit` says what became of the permit where there is one. `replayed` is what
    the site found when it decided again.
    """

    attempt_id: str
    verdict_kind: str  # permit or refusal
    decided_at: datetime
    decision: str
    verdict: str
    used: tuple[int, ...]
    permit: Mapping[str, str | None] | None = None
    replayed: tuple[str, ...] = ()  # how the repetition differed; empty: identical
    others: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """The manifest of one recording, and its audio where that was asked for."""

    call_id: str
    manifest: Mapping[str, Any]
    audio_name: str = ""
    audio: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that goes into one bundle. `steps` are the rows, by digest, that tie the others to the end of the chain."""

    about: About
    made_at: datetime
    tip_seq: int
    tip_hash: str
    rows: tuple[Shown, ...]
    withheld: tuple[int, ...]
    steps: tuple[Step, ...]
    judgements: tuple[Judgement, ...]
    packs: Mapping[str, str]  # text by its SHA-256
    calendars: Mapping[str, str]
    recordings: tuple[Recorded, ...]
    versions: str


class BadBundle(ValueError):
    """The file is no bundle that can be looked into at all."""


def steps_needed(tip_seq: int, rows: Iterable[int]) -> list[int]:
    """The rows whose digests prove all of `rows`, each once. Raises ValueError for a row beyond the tip."""
    return sorted({place for row in rows for place in path(tip_seq, row)}, reverse=True)


def bundle(evidence: Evidence, public_pem: str, key_fingerprint: str, sign: Callable[[bytes], bytes]) -> dict[str, bytes]:
    """The files of the bundle, by name, with the manifest that lists them and the signature over it."""
    files = _contents(evidence)
    files[SUMS] = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)).encode()
    manifest = as_text(
        {
            "schema": SCHEMA,
            "about": {"subject": evidence.about.subject, "id": evidence.about.id, "people": list(evidence.about.people)},
            "made_at": _iso(evidence.made_at),
            "ledger": {"tip_seq": evidence.tip_seq, "tip_hash": evidence.tip_hash},
            "key": key_fingerprint,
            "versions": evidence.versions,
            "files": [{"name": name, "sha256": _sha256(files[name]), "bytes": len(files[name])} for name in sorted(files)],
        }
    )
    return files | {MANIFEST: manifest, PUBLIC_KEY: public_pem.encode("ascii"), SIGNATURE: sign(manifest)}


def packed(files: Files) -> bytes:
    """The files as one ZIP: sorted, stored uncompressed and with one fixed time, so that equal files are equal bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, _MODE  # Unix, whatever system makes it
            archive.writestr(entry, files[name])
    return whole.getvalue()


def unpacked(whole: bytes) -> dict[str, bytes]:
    """The files of a ZIP made by `packed`, by name. Raises BadBundle; a compressed or doubled entry is none of ours."""
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.filename in files:
                    raise BadBundle(f"{entry.filename[:100]!r}: compressed, encrypted or there twice: not as a bundle is written")
                files[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        if isinstance(error, BadBundle):
            raise
        raise BadBundle(f"not a ZIP file that can be read: {error}") from None
    return files


def as_text(value: object) -> bytes:
    """JSON for people: sorted keys, indented, UTF-8, one line feed at the end."""
    return (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _contents(evidence: Evidence) -> dict[str, bytes]:
    files = {
        EXPLAINED: README.encode(),
        DECISIONS: as_text([_decision(one) for one in evidence.judgements]),
        LEDGER: "".join(_line({"seq": row.seq, "body": row.body}) for row in _in_order(evidence.rows)).encode(),
        PROOF: as_text(
            {
                "tip_seq": evidence.tip_seq,
                "tip_hash": evidence.tip_hash,
                "withheld": sorted(evidence.withheld),
                "steps": [
                    [step.seq, step.body_sha256, step.prev_hash, step.skip_hash]
                    for step in sorted(evidence.steps, key=lambda step: step.seq, reverse=True)
                ],
            }
        ),
    }
    files |= {f"{PACKS}{sha256}.toml": text.encode() for sha256, text in evidence.packs.items()}
    files |= {f"{CALENDARS}{sha256}.json": text.encode() for sha256, text in evidence.calendars.items()}
    for one in evidence.recordings:
        audio_sha256 = hashlib.sha256(one.audio).hexdigest() if one.audio_name else None
        told = {
            "audio_file": one.audio_name or None,
            "audio_sha256": audio_sha256,
        }  # the archive's own hash is that of a sealed file
        files[f"{RECORDINGS}{one.call_id}.json"] = as_text(dict(one.manifest) | told)
        if one.audio_name:
            files[f"{RECORDINGS}{one.audio_name}"] = one.audio
    return files


def _decision(one: Judgement) -> dict[str, object]:
    return {
        "attempt_id": one.attempt_id,
        "verdict_kind": one.verdict_kind,
        "decided_at": _iso(one.decided_at),
        "permit": one.permit,
        "rows": sorted(one.used),
        "decision": None if one.others else one.decision,
        "decision_sha256": _sha256(one.decision.encode()),
        "verdict": None if one.others else one.verdict,
        "verdict_sha256": _sha256(one.verdict.encode()),
        "withheld_because": "it names other people" if one.others else None,
        "replayed_when_made": list(one.replayed) or "identical",
    }


def _in_order(rows: Sequence[Shown]) -> list[Shown]:
    return sorted(rows, key=lambda row: row.seq)


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
